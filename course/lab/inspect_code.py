"""What can be told from a function's source without running it."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Callable, Iterable, Iterator


def tree_of(function: Callable) -> ast.FunctionDef | None:
    """The syntax tree of a function's `def`, or None where its source is not to be had (a lambda, a builtin)."""
    try:
        module = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    return next((node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)), None)


def is_stub(tree: ast.FunctionDef) -> bool:
    """Whether a body does nothing yet: a docstring, `pass`, `...`, or `raise NotImplementedError`."""

    def idle(node: ast.stmt) -> bool:
        if isinstance(node, ast.Raise):
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
        return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))

    return all(idle(node) for node in tree.body)


def _own_names(tree: ast.AST) -> set[str]:
    """Names that the function binds itself: arguments, assignments, loop variables, inner functions."""
    bound = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    bound |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store | ast.Del)}
    return bound | {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n is not tree}


def _names_used(tree: ast.AST) -> Iterator[tuple[str, int, bool]]:
    """Every name that is read, its line, and whether it belongs to something else: an attribute or an import."""
    own = _own_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr, node.lineno, True
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in own:
            yield node.id, node.lineno, False
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.name.rpartition(".")[2], node.lineno, True


def forbidden_use(
    tree: ast.AST, forbidden: Iterable[str], helpers: dict[str, ast.AST], reference: str
) -> tuple[str, int] | None:
    """The first forbidden name in a function, or in the helper functions that it calls by name, and its line there.

    reference is the name of the course's own function: `pca.covariance` and an import of it are forbidden too, while
    `covariance`, by itself, is the learner's.
    """
    banned, seen, to_read = set(forbidden), set(), [tree]
    while to_read:
        for name, line, elsewhere in _names_used(to_read.pop()):
            if name in banned or (elsewhere and name == reference):
                return name, line
            if name in helpers and name not in seen and not elsewhere:
                seen.add(name)
                to_read.append(helpers[name])
    return None


def notebook_helpers(function: Callable) -> dict[str, ast.AST]:
    """The other functions that stand in the same notebook as `function`, by name."""
    space = getattr(function, "__globals__", {})
    trees = {
        name: tree_of(value)
        for name, value in space.items()
        if isinstance(value, types.FunctionType) and value.__module__ == function.__module__
    }
    return {name: tree for name, tree in trees.items() if tree is not None}


def borrowed_data(function: Callable) -> list[str]:
    """Notebook variables (arrays, tables, tensors) that a function reads though they are not its arguments."""
    if not isinstance(function, types.FunctionType):
        return []
    used = inspect.getclosurevars(function).globals
    return sorted(n for n, v in used.items() if not isinstance(v, types.ModuleType) and hasattr(v, "shape"))
