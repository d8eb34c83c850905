"""A policy from text: TOML, or Python that is read and never run.

A link carries a policy to whoever follows it, so what stands in one must not become code: nothing here evaluates,
compiles or imports what it reads. Of Python's syntax the tree is taken apart, and in it only literals, names that were
set to them above, and calls of the few constructors below mean something.
"""

import ast
import keyword
import re
import tokenize
from collections.abc import Callable, Sequence
from datetime import timedelta
from io import StringIO
from typing import Any

from corecors import OriginPolicies, PathPolicies, Policy, source_from_toml

Governing = Policy | PathPolicies | OriginPolicies

MAX_LENGTH = 20_000  # characters; a policy has some hundred
MAX_DEPTH = 40  # of brackets in brackets
MAX_SIGNS = 400  # of what nests without brackets
NESTING = {"*": 1, ".": 1, "**": 1, "lambda": 100}
_POLICIES = (Policy, PathPolicies, OriginPolicies)
_CONSTRUCTORS: dict[str, Callable[..., Any]] = {
    **{made.__name__: made for made in _POLICIES},
    "timedelta": timedelta,
    "re.compile": lambda pattern: pattern,  # a policy takes the text of a pattern as well
}
_PREFIXES = ("corecors.", "datetime.")
# No line of TOML begins like this: a call, an assignment of one, or an import.
_LOOKS_LIKE_PYTHON = re.compile(
    r"""^[ \t]*(?:(?:from|import)[ \t]+\w
    |(?:\w+[ \t]*(?::[^=\n]*)?=[ \t]*)?(?:corecors\.)?(?:Policy|PathPolicies|OriginPolicies)[ \t]*\()""",
    re.MULTILINE | re.VERBOSE,
)


_OPERATORS = frozenset("( ) [ ] { } , : = * - . ** -> ;".split())
_WORDS = frozenset("True False None from import as lambda".split())  # `lambda`: of a predicate, which has a message
NO_CODE = (
    "that is code, and no code is run here. What is read: Policy(...), PathPolicies(...) and OriginPolicies(...) with "
    "texts, numbers, lists, and names that are set to them."
)


class TextError(ValueError):
    """Text that is no policy, and of which nothing is known that would be wrong in one. The message says where."""


def is_python(text: str) -> bool:
    """Whether `text` was meant as Python; else as TOML."""
    return _LOOKS_LIKE_PYTHON.search(text) is not None


def read_policy_text(text: str) -> Governing:
    """The policy, or the policies, that `text` describes.

    Raises `PolicyError` with every problem of a policy, `TextError` for text that describes none.
    """
    if len(text) > MAX_LENGTH:
        raise TextError(f"The policy is longer than {MAX_LENGTH:,} characters.")
    return _from_python(text) if is_python(text) else source_from_toml(text)


def _from_python(text: str) -> Governing:
    _look_through(text)
    try:
        module = ast.parse(text)
        reader = _Reader()
        for statement in module.body:
            reader.take(statement)
    except SyntaxError as error:
        raise TextError(f"Line {error.lineno}: {error.msg}.") from None
    except (RecursionError, MemoryError):
        raise TextError("That is nested too deeply.") from None
    if reader.found is None:
        raise TextError("There is no policy in it: write Policy(...), PathPolicies(...) or OriginPolicies(...).")
    return reader.found


def _look_through(text: str) -> None:
    """Refuse, token by token, what would be refused later or nest without end: Python's own parser takes some of that
    to the end of a browser's stack."""
    depth, signs, minus = 0, 0, False
    try:
        for token in tokenize.generate_tokens(StringIO(text).readline):
            is_operator = token.type == tokenize.OP
            not_a_number = minus and token.type != tokenize.NUMBER
            if not_a_number or (is_operator and token.string not in _OPERATORS) or _is_of_code(token):
                raise TextError(f"Line {token.start[0]}: {NO_CODE}")
            minus = is_operator and token.string == "-"
            signs += NESTING.get(token.string, 0) if token.type in (tokenize.OP, tokenize.NAME) else 0
            if is_operator:
                depth += (token.string in "([{") - (token.string in ")]}")
            if depth > MAX_DEPTH or signs > MAX_SIGNS:
                raise TextError("That is nested too deeply.")
    except tokenize.TokenError:
        raise TextError("A bracket, or a text in quotation marks, is not closed.") from None
    except SyntaxError as error:
        raise TextError(f"Line {error.lineno}: {error.msg}.") from None


def _is_of_code(token: tokenize.TokenInfo) -> bool:
    """Whether it is a word that only code has."""
    return token.type == tokenize.NAME and keyword.iskeyword(token.string) and token.string not in _WORDS


class _Reader:
    """Reads statements one after the other. `found`: the last policy that was made."""

    def __init__(self) -> None:
        self.found: Governing | None = None
        self._names: dict[str, Any] = {}
        self._used = 0  # what names stood for so far: lists of lists of names would be of any length

    def take(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return  # the names that are imported mean what they mean here, or nothing
        if isinstance(statement, ast.Expr):
            if not isinstance(statement.value, ast.Constant):  # a docstring
                self._note(self._value(statement.value))
            return
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [statement.target]
            if isinstance(statement, ast.AnnAssign)
            else []
        )
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        if value is None or not all(isinstance(target, ast.Name) for target in targets):
            raise _not_read(statement)
        made = self._value(value)
        self._names.update((target.id, made) for target in targets if isinstance(target, ast.Name))
        self._note(made)

    def _note(self, value: object) -> None:
        if isinstance(value, _POLICIES):
            self.found = value

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.List() | ast.Tuple() | ast.Set():
                values = self._entries(node.elts)
                return values if isinstance(node, ast.List) else tuple(values)
            case ast.Dict():
                return self._mapping(node)
            case ast.Name():
                if node.id not in self._names:
                    raise TextError(f"Line {node.lineno}: the name {node.id} is set nowhere above.")
                self._used += _size(self._names[node.id])
                if self._used > MAX_LENGTH:
                    raise TextError(f"Line {node.lineno}: with all that its names stand for, that is too long.")
                return self._names[node.id]
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
                return -number
            case ast.BinOp(op=ast.Mult()):
                return self._product(node)
            case ast.Call():
                return self._call(node)
        raise _not_read(node)

    def _entries(self, nodes: Sequence[ast.expr]) -> list[Any]:
        values: list[Any] = []
        for node in nodes:
            if not isinstance(node, ast.Starred):
                values.append(self._value(node))
                continue
            several = self._value(node.value)
            if not isinstance(several, list | tuple):
                raise _not_read(node)
            values += several
            if len(values) > MAX_LENGTH:
                raise TextError(f"Line {node.lineno}: that list is too long.")
        return values

    def _mapping(self, node: ast.Dict) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant):
                raise _not_read(key or value)
            if key.value in made:
                raise TextError(f"Line {key.lineno}: {key.value!r} stands there twice.")
            made[key.value] = self._value(value)
        return made

    def _product(self, node: ast.BinOp) -> int:
        """Numbers alone: seconds are written 60 * 60, and a product of texts could be of any length."""
        left, right = self._value(node.left), self._value(node.right)
        if type(left) is not int or type(right) is not int or max(abs(left), abs(right)) > 10**9:
            raise _not_read(node)
        return left * right

    def _call(self, node: ast.Call) -> Any:
        name = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
        for prefix in _PREFIXES:
            name = name.removeprefix(prefix)
        made = _CONSTRUCTORS.get(name)
        if made is None:
            raise _not_read(node)
        named: dict[str, Any] = {}
        for given in node.keywords:
            if given.arg is None:
                raise _not_read(given.value)
            if given.arg in named:
                raise TextError(f"Line {given.value.lineno}: {given.arg} is given twice.")
            if given.arg == "allow_origin_predicate" and not isinstance(given.value, ast.Constant):
                raise TextError(
                    f"Line {given.value.lineno}: a predicate is code, and no code is run here. Leave it out; "
                    "corecors check asks it."
                )
            named[given.arg] = self._value(given.value)
        arguments = self._entries(node.args)
        try:
            return made(*arguments, **named)
        except (TypeError, OverflowError) as error:  # a `PolicyError` passes through
            raise TextError(f"Line {node.lineno}: {error}.") from None


def _size(value: object) -> int:
    """How many values it is made of."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list | tuple) else 1


def _not_read(node: ast.stmt | ast.expr) -> TextError:
    return TextError(f"Line {node.lineno}: {NO_CODE}")
