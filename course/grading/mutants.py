"""Slightly wrong versions of a function, made from its syntax tree: what hidden tests are tested with.

Own operators, not a library's: cosmic-ray 8.7 can mutate a string (`mutating.mutate_code`), but needs thirteen packages
for it, SQLAlchemy and aiohttp among them; mutmut 3.8 writes all mutants of a file into one, behind a dispatcher of its
own, and is meant to be run, not imported. Neither has operators for what goes wrong in array code: an axis, a slice, a
transpose, a product in the other order, a mean that is not subtracted.
"""

from __future__ import annotations

import ast
import copy
import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Operator = Callable[[ast.AST], Iterator[ast.AST]]


@dataclass(frozen=True)
class Mutant:
    """One change: the operator that made it, the whole changed source, and the lines that differ, as a diff."""

    operator: str
    source: str
    change: str


_ARITHMETIC: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}


def swap_arithmetic(node: ast.AST) -> Iterator[ast.AST]:
    """`a + b` becomes `a - b`, `a * b` becomes `a / b`, `a += b` becomes `a -= b`, and so on."""
    if isinstance(node, ast.BinOp | ast.AugAssign):
        for other in _ARITHMETIC.get(type(node.op), ()):
            yield _with(node, op=other())


def drop_operand(node: ast.AST) -> Iterator[ast.AST]:
    """`a - b` becomes `a`, and `b`."""
    if isinstance(node, ast.BinOp):
        yield node.left
        yield node.right


def swap_factors(node: ast.AST) -> Iterator[ast.AST]:
    """`A @ B` becomes `B @ A`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield _with(node, left=node.right, right=node.left)


def swap_comparison(node: ast.AST) -> Iterator[ast.AST]:
    """`a < b` becomes `a <= b`, and `a > b`; `==` becomes `!=`."""
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            for other in _COMPARISONS[type(op)]:
                yield _with(node, ops=[*node.ops[:i], other(), *node.ops[i + 1 :]])


def swap_logic(node: ast.AST) -> Iterator[ast.AST]:
    """`a and b` becomes `a or b`, and the other way round."""
    if isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def swap_axis(node: ast.AST) -> Iterator[ast.AST]:
    """`axis=0` becomes `axis=1`, and the other way round."""
    if isinstance(node, ast.keyword) and node.arg == "axis" and isinstance(node.value, ast.Constant):
        value = node.value.value
        if value in (0, 1):
            yield _with(node, value=ast.Constant(1 - value))


def change_constant(node: ast.AST) -> Iterator[ast.AST]:
    """A number becomes one more, one less, and 0; `True` becomes `False`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        for value in (node.value + 1, node.value - 1, type(node.value)(0)):
            yield ast.Constant(value)


def drop_statement(node: ast.AST) -> Iterator[ast.AST]:
    """A statement becomes `pass`. Not a docstring, and not a `return`."""
    documentation = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if (
        isinstance(node, ast.stmt)
        and not isinstance(node, ast.Return | ast.Pass | ast.FunctionDef)
        and not documentation
    ):
        yield ast.Pass()


def return_nothing(node: ast.AST) -> Iterator[ast.AST]:
    """`return x` becomes `return None`."""
    if isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(ast.Constant(None))


def drop_not(node: ast.AST) -> Iterator[ast.AST]:
    """`not a` becomes `a`, and `~a` too."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
        yield node.operand


def drop_minus(node: ast.AST) -> Iterator[ast.AST]:
    """`-a` becomes `a`."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand


def negate_condition(node: ast.AST) -> Iterator[ast.AST]:
    """`if a` becomes `if not a`; so do `while` and `x if a else y`."""
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))


def drop_filter(node: ast.AST) -> Iterator[ast.AST]:
    """`for x in a if b` becomes `for x in a`."""
    if isinstance(node, ast.comprehension) and node.ifs:
        yield _with(node, ifs=[])


def swap_break(node: ast.AST) -> Iterator[ast.AST]:
    """`break` becomes `continue`, and the other way round."""
    if isinstance(node, ast.Break):
        yield ast.Continue()
    if isinstance(node, ast.Continue):
        yield ast.Break()


def drop_keyword(node: ast.AST) -> Iterator[ast.AST]:
    """`f(a, b=1)` becomes `f(a)`."""
    if isinstance(node, ast.Call):
        for i in range(len(node.keywords)):
            yield _with(node, keywords=node.keywords[:i] + node.keywords[i + 1 :])


def swap_arguments(node: ast.AST) -> Iterator[ast.AST]:
    """`f(a, b)` becomes `f(b, a)`: every two neighbours change places."""
    if isinstance(node, ast.Call):
        for i in range(len(node.args) - 1):
            yield _with(node, args=[*node.args[:i], node.args[i + 1], node.args[i], *node.args[i + 2 :]])


def drop_call(node: ast.AST) -> Iterator[ast.AST]:
    """`f(a)` becomes `a`."""
    if isinstance(node, ast.Call) and len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]


def drop_transpose(node: ast.AST) -> Iterator[ast.AST]:
    """`A.T` becomes `A`."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value


def move_bound(node: ast.AST) -> Iterator[ast.AST]:
    """`a[:k]` becomes `a[:k + 1]`, `a[:k - 1]` and `a[:]`; so does a lower bound."""
    if isinstance(node, ast.Slice):
        for end in ("lower", "upper"):
            bound = getattr(node, end)
            if bound is not None:
                yield _with(node, **{end: ast.BinOp(bound, ast.Add(), ast.Constant(1))})
                yield _with(node, **{end: ast.BinOp(bound, ast.Sub(), ast.Constant(1))})
                yield _with(node, **{end: None})


def drop_step(node: ast.AST) -> Iterator[ast.AST]:
    """`a[::-1]` becomes `a[:]`."""
    if isinstance(node, ast.Slice) and node.step is not None:
        yield _with(node, step=None)


OPERATORS: tuple[Operator, ...] = (
    swap_arithmetic,
    drop_operand,
    swap_factors,
    swap_comparison,
    swap_logic,
    swap_axis,
    change_constant,
    drop_statement,
    return_nothing,
    drop_not,
    drop_minus,
    negate_condition,
    drop_filter,
    swap_break,
    drop_keyword,
    swap_arguments,
    drop_call,
    drop_transpose,
    move_bound,
    drop_step,
)


def mutants(source: str, operators: tuple[Operator, ...] = OPERATORS) -> Iterator[Mutant]:
    """Every mutant of the functions that a source defines, one change each, no text twice."""
    tree = ast.parse(source)
    original = ast.unparse(tree)
    seen = {original}
    bodies = [statement for node in tree.body if isinstance(node, ast.FunctionDef) for statement in node.body]
    for node in (node for statement in bodies for node in ast.walk(statement)):
        for operator in operators:
            for new in operator(node):
                # The copy of `node` is `new`, because the memo says that it has been copied already.
                changed = ast.unparse(copy.deepcopy(tree, {id(node): new}))
                if changed not in seen:
                    seen.add(changed)
                    yield Mutant(operator.__name__, changed, _change(original, changed))


def _with(node: ast.AST, **fields) -> ast.AST:
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def _change(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines if not line.startswith("@@"))
