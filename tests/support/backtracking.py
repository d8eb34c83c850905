"""Backtracking over a parsed regex, with its steps counted: what `re` does, in the most obvious way.

The reference for the bound on backtracking. It searches the whole tree of ways, as a match that fails at the
very end does, and counts each character test and each test for the end of the text.
"""

from collections.abc import Iterator

from corecors._origins.regex.syntax import Alternatives, Anchor, Chars, Node, Repeat, Sequence


class EnoughSteps(Exception):
    """The search took more steps than the caller wanted to see."""


class Search:
    """One search over `text`. `limit`: after so many steps it gives up with `EnoughSteps`."""

    def __init__(self, text: str, limit: int | None = None) -> None:
        self.text = text
        self.limit = limit
        self.steps = 0

    def matches(self, tree: Node) -> bool:
        """Whether the whole text matches. Searches on when it does, so that `steps` is that of the worst ending."""
        found = False
        for end in self.ends(tree, 0):
            self.step()
            found = found or end == len(self.text)
        return found

    def step(self) -> None:
        self.steps += 1
        if self.limit is not None and self.steps > self.limit:
            raise EnoughSteps

    def ends(self, node: Node, start: int) -> Iterator[int]:
        """The places where a match of `node` from `start` can end: one for each way, in the order of `re`."""
        match node:
            case Chars(accepted=accepted):
                self.step()
                if start < len(self.text) and self.text[start] in accepted:
                    yield start + 1
            case Sequence(items=items):
                yield from self.in_sequence(items, start)
            case Alternatives(branches=branches):
                for branch in branches:
                    yield from self.ends(branch, start)
            case Repeat():
                yield from self.repeated(node, start, 0)
            case Anchor(sign=sign):
                if start == (0 if sign in ("^", "\\A") else len(self.text)):
                    yield start

    def in_sequence(self, items: tuple[Node, ...], start: int) -> Iterator[int]:
        if not items:
            yield start
            return
        for end in self.ends(items[0], start):
            yield from self.in_sequence(items[1:], end)

    def repeated(self, node: Repeat, start: int, done: int) -> Iterator[int]:
        if node.most is None or done < node.most:
            for end in self.ends(node.item, start):
                if end == start and done >= node.least:
                    yield end  # an optional iteration that matched nothing is the last one
                else:
                    yield from self.repeated(node, end, done + 1)
        if done >= node.least:
            yield start
