"""How an option of the wrong type is refused."""

import corecors

FLAGS = ("block_disallowed", "check_websockets")


def refusal(option: str) -> str:
    """What the error says: the option's name; of a flag, a compiled door says it in the words of mypyc."""
    return "bool object expected" if corecors.__compiled__ and option in FLAGS else option
