"""Formulas as text: read without running anything, compared by their values and by algebra.

A learner's formula is a text such as "(mu**2 + sigma**2 - 1)/2 - log(sigma)". It is never evaluated as Python: Python's
own parser makes a tree of it, and this module walks through the tree, taking numbers, named symbols, + - * / **, log,
exp, sqrt and pi, and refusing everything else. Size, powers and intermediate values are bounded before anything is
computed from them, so that no text, however it is meant, takes long.

`symbols` is a dict from the names that may occur to the interval (low, high) their values are drawn from, as in
{"mu": (-2, 2), "sigma": (0.3, 2)}; a symbol whose interval lies above zero counts as positive.
"""

from __future__ import annotations

import ast
import random
import re
import warnings
from collections.abc import Collection, Mapping
from typing import Any

Symbols = Mapping[str, tuple[float, float]]

FUNCTIONS = ("log", "exp", "sqrt")
_LENGTH, _NODES = 500, 250  # of the text, and of its tree
_POWER, _TERMS = 64, 2000  # nested powers multiplied together, and the terms of the formula multiplied out
_DIGITS, _LOG_SIZE = 50, 230  # values have 50 digits, and lie between 1e-100 and 1e100: 230 is log(1e100)
_ALLOWED = (
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UnaryOp, ast.USub, ast.UAdd, ast.Load,
)  # fmt: skip


class FormulaError(Exception):
    """The text is no formula of the allowed kind; the message tells the learner why."""


def parse(text: str, symbols: Symbols) -> Any:
    """The text as a SymPy expression, its numbers exact (0.1 is 1/10). Raises FormulaError."""
    import sympy

    values(text, symbols)  # nothing grows beyond bounds on the way
    names = {name: sympy.Symbol(name, real=True, positive=low > 0 or None) for name, (low, _) in symbols.items()}
    return _built(_tree(text, symbols), {"pi": sympy.pi, **names}, lambda literal: sympy.Rational(str(literal)))


def value(text: str, point: Mapping[str, float]) -> float:
    """The formula's value where its symbols have these values: value("x**2", {"x": 3}) is 9.0. Raises FormulaError."""
    return float(_at(_tree(text, point), point))


def values(text: str, symbols: Symbols, points: int = 5, seed: int = 0) -> dict[str, float]:
    """The formula's value at a few fixed points: {"mu = -0.73, sigma = 1.2": 0.81, ...}. Raises FormulaError.

    Two formulas with the same values here are taken for the same by `check`: see Exercise.canonical.
    """
    return {where: float(value) for where, value in _evaluated(text, symbols, points, seed).items()}


def equivalent(a: str, b: str, symbols: Symbols, points: int = 10, seed: int = 1) -> bool:
    """Whether two texts are the same formula. Raises FormulaError where one of them is no formula.

    They are not when they differ at one of `points` random points, computed with 50 digits: that is a proof. Where all
    values agree to 30 digits, SymPy subtracts the two and multiplies out, and may still find that something is left.
    """
    first, second = (_evaluated(text, symbols, points, seed) for text in (a, b))
    for where, value in first.items():
        if abs(value - second[where]) > 1e-30 * max(1, abs(value)):
            return False
    return _remainder(parse(a, symbols), parse(b, symbols)).is_zero is not False


def _remainder(a: Any, b: Any) -> Any:
    """The numerator of a - b, logarithms taken apart, multiplied out: 0 where algebra alone shows that a = b."""
    import sympy

    difference = sympy.together(sympy.expand_log(a) - sympy.expand_log(b))
    return sympy.expand(sympy.expand_log(sympy.fraction(difference)[0]))


def _evaluated(text: str, symbols: Symbols, points: int, seed: int) -> dict[str, Any]:
    """The formula's values, SymPy numbers of 50 digits, by point."""
    tree = _tree(text, symbols)
    draws = random.Random(seed)
    found = {}
    for _ in range(points):
        point = {name: f"{draws.uniform(low, high):.3g}" for name, (low, high) in symbols.items()}
        found[", ".join(f"{name} = {number}" for name, number in point.items())] = _at(tree, point)
    return found


def _at(tree: ast.expr, point: Mapping[str, Any]) -> Any:
    import sympy

    names = {name: sympy.Float(str(number), _DIGITS) for name, number in point.items()}
    try:
        return _built(
            tree, {"pi": sympy.pi.evalf(_DIGITS), **names}, lambda literal: sympy.Float(str(literal), _DIGITS)
        )
    except FormulaError as error:
        where = ", ".join(f"{name} = {number}" for name, number in point.items())
        raise FormulaError(f"the formula has no value at {where}: {error}") from None


def _tree(text: Any, symbols: Collection[str]) -> ast.expr:
    """The syntax tree of a text, all of it allowed and small. Raises FormulaError."""
    if type(text) is not str:
        sympy = type(text).__module__.partition(".")[0] == "sympy"
        kind = "a SymPy expression; return its text, `str(...)` of it" if sympy else f"a {type(text).__name__}"
        raise FormulaError(f"a formula is asked for as text in quotes, and this is {kind}")
    if len(text) > _LENGTH:
        raise FormulaError(f"the formula has {len(text)} characters, more than {_LENGTH}: simplify it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaError(_why(text)) from None
    if sum(1 for _ in ast.walk(tree)) > _NODES:
        raise FormulaError("the formula has too many parts: simplify it")
    _check(tree, symbols)
    _sizes(tree)
    return tree


def _why(text: str) -> str:
    """What is probably wrong with a text that Python's parser does not take."""
    if not text.strip():
        return "the text is empty"
    opened, closed = text.count("("), text.count(")")
    if opened != closed:
        return f"a bracket is missing: {opened} open, {closed} close"
    if re.search(r"=", text):
        return "write only what stands on the right of the `=`"
    if re.search(r"[\d)]\s*[A-Za-z_(]|[A-Za-z_]\s+[A-Za-z_(\d]", text):
        return "a `*` is missing: `2*mu`, not `2mu` or `2 mu`"
    return "it cannot be read as a formula; is an operator or an operand missing?"


def _check(tree: ast.expr, symbols: Collection[str]) -> None:
    """Refuse every part that is not on the list."""
    allowed = f"the symbols are {', '.join(symbols)}; besides them there are {', '.join(FUNCTIONS)} and pi"
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name in symbols or name == "pi" or not name:
                raise FormulaError("a `*` is missing before a bracket: `2*(x + 1)`, not `2(x + 1)`")
            if name not in FUNCTIONS:
                raise FormulaError(f"`{name}` is no function that can be used here: {allowed}")
            if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
                raise FormulaError(f"`{name}` takes one argument")
        elif isinstance(node, ast.Name):
            if node.id in FUNCTIONS and id(node) not in called:
                raise FormulaError(f"`{node.id}` is a function: write `{node.id}(...)`")
            if node.id not in FUNCTIONS and node.id not in symbols and node.id != "pi" and id(node) not in called:
                raise FormulaError(f"`{node.id}` is unknown: {allowed}")
        elif isinstance(node, ast.Constant):
            number = node.value
            if not isinstance(number, int | float) or isinstance(number, bool):
                raise FormulaError("only numbers, symbols and functions may stand in a formula")
            if number > 1e100:
                raise FormulaError("a number in it is too large")
        elif isinstance(node, ast.BitXor):
            raise FormulaError("write `**` for a power: `^` means something else in Python")
        elif not isinstance(node, _ALLOWED):
            what = "`.`" if isinstance(node, ast.Attribute) else type(node).__name__
            raise FormulaError(f"a formula is made of + - * / **, brackets, numbers and symbols, and has no {what}")


def _sizes(node: ast.expr) -> tuple[int, int, int]:
    """Bounds on the terms of numerator and denominator, all multiplied out, and on the powers in it."""
    if isinstance(node, ast.UnaryOp):
        return _sizes(node.operand)
    if isinstance(node, ast.Call):
        return 1, 1, _sizes(node.args[0])[2]  # for whoever multiplies out, log(...) is one thing
    if not isinstance(node, ast.BinOp):
        return 1, 1, 1
    (a, b, power), (c, d, other) = _sizes(node.left), _sizes(node.right)
    power = max(power, other)
    if isinstance(node.op, ast.Add | ast.Sub):
        above, below = a * d + c * b, b * d
    elif isinstance(node.op, ast.Mult):
        above, below = a * c, b * d
    elif isinstance(node.op, ast.Div):
        above, below = a * d, b * c
    else:
        n = _integer(node.right)
        power *= max(1, abs(n))
        if power > _POWER:
            raise FormulaError(f"the powers in it are too high, above {_POWER}")
        above, below = (a ** abs(n), b ** abs(n)) if n >= 0 else (b**-n, a**-n)
    if max(above, below) > _TERMS:
        raise FormulaError("multiplied out, the formula would have too many terms: simplify it")
    return above, below, power


def _integer(node: ast.expr) -> int:
    """An exponent that is a plain integer, with its sign; 1 for any other, which is not multiplied out."""
    sign = 1
    while isinstance(node, ast.UnaryOp):
        sign, node = (-sign if isinstance(node.op, ast.USub) else sign), node.operand
    if isinstance(node, ast.Constant) and float(node.value).is_integer():  # type: ignore[arg-type]
        return sign * int(node.value)  # type: ignore[arg-type]
    return 1


def _built(node: ast.expr, names: Mapping[str, Any], number: Any) -> Any:
    """The value of a tree: an expression where `names` are SymPy symbols, a number where they are numbers."""
    import sympy

    if isinstance(node, ast.Constant):
        return _within(number(node.value))
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.UnaryOp):
        operand = _built(node.operand, names, number)
        return -operand if isinstance(node.op, ast.USub) else operand
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        name, argument = node.func.id, _built(node.args[0], names, number)
        if name == "exp" and argument.is_Number and abs(argument) > _LOG_SIZE:
            raise FormulaError("an intermediate value is too large or too small")
        if name in ("log", "sqrt") and argument.is_Number and (argument < 0 or (not argument and name == "log")):
            raise FormulaError(f"`{name}` of a number that is not positive")
        return _within(getattr(sympy, name)(argument))
    assert isinstance(node, ast.BinOp)
    left, right = _built(node.left, names, number), _built(node.right, names, number)
    if isinstance(node.op, ast.Add):
        return _within(left + right)
    if isinstance(node.op, ast.Sub):
        return _within(left - right)
    if isinstance(node.op, ast.Mult):
        return _within(left * right)
    if isinstance(node.op, ast.Div):
        if not right:
            raise FormulaError("it divides by zero")
        return _within(left / right)
    if not left and right.is_number and right <= 0:
        raise FormulaError("zero to a power that is not positive")
    if left.is_Number and right.is_Number and left:
        if left < 0 and right - int(right):
            raise FormulaError("a power of a negative number")
        if abs(right * sympy.log(abs(left)).evalf(15)) > _LOG_SIZE:
            raise FormulaError("an intermediate value is too large or too small")
    return _within(left**right)


def _within(value: Any) -> Any:
    """The value itself, where it is no number, zero, or a real number of a size that is safe to go on with."""
    import sympy

    if value is sympy.nan or value is sympy.zoo or (value.is_Number and value and not 1e-100 < abs(value) < 1e100):
        raise FormulaError("an intermediate value is too large or too small")
    return value
