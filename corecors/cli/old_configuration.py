"""Reading an old configuration: Python that is data, and is never run.

What is read: a dict literal, assignments as in a settings module or `app.config`, or a call with keyword arguments as
it stands in a program: `CORS(app, origins="*")`, `app.add_middleware(CORSMiddleware, allow_origins=["*"])`. Next to
literals it may have `re.compile("...")`, `timedelta(...)`, `ResourceOptions(...)`, `dict(...)`, `list(...)`, lists that
are added up, and the names of django-cors-headers' own defaults.
"""

import ast
import re
import warnings
from datetime import timedelta
from typing import Any, Final

from corecors._policy.foreign_names import DJANGO, FOREIGN_NAMES
from corecors.cli.translation import Untranslatable

MAX_LENGTH: Final = 1 << 16  # characters; a configuration has some hundred
_DJANGO_DEFAULTS: Final = {
    "default_headers": "CORS_ALLOW_HEADERS",
    "default_methods": "CORS_ALLOW_METHODS",
}
_LISTS = (ast.List, ast.Tuple, ast.Set)


def configuration_in(text: str) -> dict[str, Any]:
    """The options in `text`, by name. Raises `Untranslatable` for anything that is not data."""
    if len(text) > MAX_LENGTH:
        raise Untranslatable(f"the configuration is longer than one can be ({MAX_LENGTH:,} characters)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the text's own escapes
            module = ast.parse(text.strip() + "\n")
            found = _options(module)
    except SyntaxError as error:
        raise Untranslatable(f"line {error.lineno}: {error.msg}") from None
    except (RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, Untranslatable):
            raise
        raise Untranslatable(f"the configuration is not Python that is data: {error}") from None
    if found is None:
        raise Untranslatable("the configuration is neither a dict nor assignments nor a call with keyword arguments")
    return found


def _options(module: ast.Module) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    is_there = False
    for statement in module.body:
        if isinstance(statement, ast.Expr):
            value = statement.value
            if isinstance(value, ast.Call):
                found |= {name: _value(node) for name, node in _keywords(value)}
            elif isinstance(value, ast.Dict):
                found |= _value(value)
            elif not isinstance(value, ast.Constant):  # a docstring
                raise Untranslatable(f"line {statement.lineno}: {ast.unparse(statement)[:60]} is not data")
            is_there = is_there or not isinstance(value, ast.Constant)
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            name = _name(statement.targets[0])
            if name is None:
                raise Untranslatable(f"line {statement.lineno}: {ast.unparse(statement.targets[0])[:60]} is not a name")
            call = statement.value if isinstance(statement.value, ast.Call) else None
            if call is not None and call.keywords and not name.isupper():  # app = cors(app, ...)
                found |= {key: _value(node) for key, node in _keywords(call)}
                is_there = True
            elif "CORS" in name.upper():  # a settings module has much else
                found[name] = _value(statement.value)
                is_there = True
        elif not isinstance(statement, (ast.Import, ast.ImportFrom)):
            kind = type(statement).__name__
            raise Untranslatable(
                f"line {statement.lineno}: only data is read, not {kind}: give the call alone, or the settings"
            )
    return found if is_there else None


def _name(target: ast.expr) -> str | None:
    """`CORS_ORIGINS = ...`, and `app.config["CORS_ORIGINS"] = ...`."""
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return None


def _keywords(call: ast.Call) -> list[tuple[str, ast.expr]]:
    if any(keyword.arg is None for keyword in call.keywords):
        raise Untranslatable(f"line {call.lineno}: ** hides the options; write them out")
    return [(str(keyword.arg), keyword.value) for keyword in call.keywords]


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(_Plain().visit(node))
    except (ValueError, TypeError, OverflowError) as error:
        if isinstance(error, Untranslatable):
            raise
        text = ast.unparse(node)[:60]
        raise Untranslatable(f"line {node.lineno}: {text} is not data; write its value") from None


class _Plain(ast.NodeTransformer):
    """Turns what is known to be data into literals."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        called = ast.unparse(node.func).rpartition(".")[2]
        if called == "compile" and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            try:
                return ast.copy_location(ast.Constant(re.compile(str(node.args[0].value))), node)  # type: ignore[arg-type]
            except (re.error, OverflowError) as error:
                raise Untranslatable(f"line {node.lineno}: not a regular expression: {error}") from None
        self.generic_visit(node)
        if called in ("ResourceOptions", "dict") and not node.args:
            keys: list[ast.expr | None] = [ast.Constant(name) for name, _ in _keywords(node)]
            return ast.copy_location(ast.Dict(keys, [value for _, value in _keywords(node)]), node)
        if called == "timedelta" and not node.args:
            length = timedelta(**{name: ast.literal_eval(value) for name, value in _keywords(node)})
            return ast.copy_location(ast.Constant(length), node)  # type: ignore[arg-type]
        if called in ("list", "tuple", "set") and len(node.args) == 1 and isinstance(node.args[0], _LISTS):
            return ast.copy_location(ast.List(node.args[0].elts), node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        setting = _DJANGO_DEFAULTS.get(node.id)
        if setting is None:
            return node
        entry = next(each for each in FOREIGN_NAMES if (each.library, each.name) == (DJANGO, setting))
        return ast.copy_location(ast.List([ast.Constant(name) for name in entry.default_value]), node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Add) and isinstance(node.left, _LISTS) and isinstance(node.right, _LISTS):
            return ast.copy_location(ast.List([*node.left.elts, *node.right.elts]), node)
        return node

    def visit_List(self, node: ast.List) -> ast.expr:
        return self._unpacked(node)

    def visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        return self._unpacked(node)

    def visit_Set(self, node: ast.Set) -> ast.expr:
        return self._unpacked(node)

    def _unpacked(self, node: ast.List | ast.Tuple | ast.Set) -> ast.expr:
        self.generic_visit(node)
        found: list[ast.expr] = []
        for each in node.elts:
            inner = each.value if isinstance(each, ast.Starred) else None
            found += inner.elts if isinstance(inner, _LISTS) else [each]
        return ast.copy_location(ast.List(found), node)
