"""Small faults put into a module, one at a time, on its syntax tree: what a careless edit could do.

Comparisons at their boundary and turned round, arithmetic, constants, `and` and `or` with an operand less, conditions
negated, statements left out (calls, raises, assignments to what outlives them), results withheld, arguments swapped,
`min` and `max`, `any` and `all`. Left alone are annotations, decorators, docstrings and the words of messages: no
test should pin those.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

COMPARED: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COMPUTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
SWAPPED: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
SYMMETRIC: Final = {
    "min",
    "max",
    "suppress",
    "isinstance",
}  # their arguments have no order, or only one that runs
UNTOUCHED: Final = {"cast", "NewType", "TypeVar"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: `function` is the outermost function it lies in (its qualified name), None outside of all."""

    key: str
    line: int
    function: str | None
    node: int
    variant: int


Replace = Callable[[], ast.AST]


def mutants(source: str) -> list[Mutant]:
    """Every fault this module knows how to put into a source, from its top down."""
    found: list[Mutant] = []
    seen: dict[str, int] = {}
    for place, (node, function, _) in enumerate(_places(ast.parse(source))):
        for variant, make in enumerate(_variants(node)):
            before, after = _words(node), _words(make())
            key = f"{function or 'module'}: {before} => {after}"
            seen[key] = seen.get(key, 0) + 1
            if seen[key] > 1:
                key += f" #{seen[key]}"
            found.append(Mutant(key, getattr(node, "lineno", 0), function, place, variant))
    return found


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """The tree of the source with this fault in it."""
    tree = ast.parse(source)
    node, _, put = list(_places(tree))[mutant.node]
    new = _variants(node)[mutant.variant]()
    put(ast.copy_location(new, node))
    return ast.fix_missing_locations(tree)


def _words(node: ast.AST) -> str:
    if isinstance(node, ast.If | ast.While):
        return f"if {_words(node.test)}"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 160 else f"{text[:120]} ... {text[-30:]}"


Put = Callable[[ast.AST], None]
Place = tuple[ast.AST, str | None, Put]


def _places(tree: ast.Module) -> Iterator[Place]:
    """Every node that may be changed, the outermost function around it, and how to put another in its place."""
    yield from _below(tree, (), None)


def _below(node: ast.AST, scope: tuple[str, ...], function: str | None) -> Iterator[Place]:
    for name, value in ast.iter_fields(node):
        if _let_be(node, name):
            continue
        inner, within = scope, function
        if isinstance(node, ast.ClassDef):
            inner = (*scope, node.name)
        elif isinstance(node, SCOPES) and name == "body" and function is None:
            within = ".".join((*scope, node.name))
        if isinstance(value, ast.AST):
            yield from _at(value, inner, within, lambda new, name=name: setattr(node, name, new))  # type: ignore[misc]
        elif isinstance(value, list):
            for at, child in enumerate(value):
                if isinstance(child, ast.AST) and not _is_docstring(node, name, at, child):
                    yield from _at(
                        child,
                        inner,
                        within,
                        lambda new, value=value, at=at: value.__setitem__(at, new),  # type: ignore[misc]
                    )


def _at(node: ast.AST, scope: tuple[str, ...], function: str | None, put: Put) -> Iterator[Place]:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node, function, put
    yield from _below(node, scope, function)


def _let_be(node: ast.AST, field: str) -> bool:
    if field in {"annotation", "returns", "decorator_list", "keywords_of_class", "type_ignores"}:
        return True
    if isinstance(node, ast.ClassDef) and field in {"bases", "keywords"}:
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in UNTOUCHED:
        return True
    if isinstance(node, ast.Raise) and field == "cause":
        return True
    # The words of an error come second, or alone; they may be joined from parts.
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Assign) and _names(node) == ["__slots__"])


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _is_docstring(node: ast.AST, field: str, at: int, child: ast.AST) -> bool:
    if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
        return True
    return (
        isinstance(node, ast.Call)
        and field == "args"
        and _is_error(node)
        and isinstance(child, ast.Constant | ast.JoinedStr)
        and (at > 0 or _called(node) == "LocalProtocolError")
    )


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _is_error(node: ast.Call) -> bool:
    return _called(node).endswith(("Error", "NotHeld", "Void"))


def _variants(node: ast.AST) -> list[Replace]:
    """What may stand in place of a node."""
    match node:
        case ast.Compare():
            turned_round: list[Replace] = [
                lambda at=at, other=other: _with(node, "ops", at, other())  # type: ignore[misc]
                for at, op in enumerate(node.ops)
                for other in COMPARED[type(op)]
            ]
            return turned_round + _less_compared(node)
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in COMPUTED:
            other = COMPUTED[type(op)]
            changed: list[Replace] = [lambda: _but(node, op=other())]
            return changed + ([ast.Pass] if isinstance(node, ast.AugAssign) else [])
        case ast.BoolOp():
            turned = ast.And if isinstance(node.op, ast.Or) else ast.Or
            fewer: list[Replace] = [
                lambda at=at: _fewer(node, at)  # type: ignore[misc]
                for at in range(len(node.values))
            ]
            return [lambda: _but(node, op=turned()), *fewer]
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            return [lambda: node.operand]
        case ast.If() | ast.While() | ast.IfExp():
            if isinstance(node.test, ast.UnaryOp | ast.Compare) and _turns(node.test):
                return []  # its own faults negate it
            return [lambda: _but(node, test=ast.UnaryOp(ast.Not(), node.test))]
        case ast.comprehension() if node.ifs:
            return [lambda: _but(node, ifs=[])]
        case ast.Constant():
            return _constants(node)
        case ast.Return(value=ast.expr() as value) if not _is_nothing(value):
            return [lambda: ast.Return(ast.Constant(None))]
        case ast.Raise():
            return [ast.Pass]
        case ast.Expr(value=ast.Call()) | ast.Delete():
            return [ast.Pass]
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() | ast.Tuple()]):
            return [ast.Pass]
        case ast.Continue():
            return [ast.Break]
        case ast.Break():
            return [ast.Continue]
        case ast.Call():
            return _calls(node)
        case ast.Name(id=name, ctx=ast.Load()) if name in SWAPPED:
            return [lambda: ast.Name(SWAPPED[name], ast.Load())]
    return []


def _less_compared(node: ast.Compare) -> list[Replace]:
    """Of two tuples compared with each other, one member less."""
    left, right = node.left, node.comparators[0]
    if not (isinstance(left, ast.Tuple) and isinstance(right, ast.Tuple)):
        return []
    if len(left.elts) != len(right.elts) or len(node.comparators) > 1:
        return []
    return [
        lambda at=at: _but(node, left=_without(left, at), comparators=[_without(right, at)])  # type: ignore[misc]
        for at in range(len(left.elts))
    ]


def _without(node: ast.Tuple, at: int) -> ast.AST:
    return _but(node, elts=node.elts[:at] + node.elts[at + 1 :])


def _turns(test: ast.expr) -> bool:
    if isinstance(test, ast.Compare):
        return len(test.ops) == 1
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def _constants(node: ast.Constant) -> list[Replace]:
    value = node.value
    if isinstance(value, bool):
        return [lambda: ast.Constant(not value)]
    if isinstance(value, int):
        return [lambda: ast.Constant(value + 1)] + ([lambda: ast.Constant(value - 1)] if value > 0 else [])
    if isinstance(value, str | bytes):
        longer: Any = value + "~" if isinstance(value, str) else value + b"~"
        return [lambda: ast.Constant(longer)]
    return []


def _calls(node: ast.Call) -> list[Replace]:
    if (
        len(node.args) < 2
        or _called(node) in SYMMETRIC | UNTOUCHED
        or _is_error(node)
        or any(isinstance(each, ast.Starred) for each in node.args)
    ):
        return []
    return [
        lambda at=at: _but(  # type: ignore[misc]
            node, args=[*node.args[:at], node.args[at + 1], node.args[at], *node.args[at + 2 :]]
        )
        for at in range(len(node.args) - 1)
    ]


def _is_nothing(value: ast.expr) -> bool:
    """What nobody tells from None: callers ask whether it is true."""
    if isinstance(value, ast.Tuple | ast.List):
        return not value.elts
    return isinstance(value, ast.Constant) and not value.value


def _fewer(node: ast.BoolOp, at: int) -> ast.AST:
    values = node.values[:at] + node.values[at + 1 :]
    return values[0] if len(values) == 1 else _but(node, values=values)


def _but(node: ast.AST, **changes: Any) -> ast.AST:
    """A copy with other fields."""
    fields = {name: getattr(node, name) for name in node._fields if hasattr(node, name)}
    return ast.copy_location(type(node)(**(fields | changes)), node)


def _with(node: ast.AST, field: str, at: int, value: Any) -> ast.AST:
    members = list(getattr(node, field))
    members[at] = value
    return _but(node, **{field: members})
