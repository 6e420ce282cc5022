"""Is this result the expected one? Types first, then shapes, then values; each difference in words."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np


def is_tensor(value: Any) -> bool:
    """Whether `value` is a torch tensor, found out without importing torch."""
    return type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach")


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Number | np.bool_) or (isinstance(value, np.ndarray) and value.ndim == 0)


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'AEIOUaeiou' else 'a'} {noun}"


def describe(value: Any) -> str:
    """A value's type and shape in a learner's words: "an array of shape (50, 4)"."""
    if value is None:
        return "None"
    if is_tensor(value):
        return f"a torch tensor of shape {tuple(value.shape)}"
    if _is_number(value):
        return f"a number ({type(value).__name__})"
    if isinstance(value, np.ndarray):
        kind = {"f": "array", "i": "integer array", "u": "integer array", "b": "boolean array", "c": "complex array"}
        return _a(kind.get(value.dtype.kind, f"array of {value.dtype}")) + f" of shape {value.shape}"
    if isinstance(value, str):
        return "a text (str)"
    if type(value).__module__.partition(".")[0] == "sympy":
        return "a SymPy expression (`str(...)` makes a text of it)"
    if isinstance(value, tuple | list):
        inside = ", ".join(describe(item) for item in value[:4]) + (", ..." if len(value) > 4 else "")
        return f"a {type(value).__name__} of {len(value)}" + (f" ({inside})" if value else "")
    if isinstance(value, dict):
        return f"a dict with the keys {', '.join(map(repr, list(value)[:6])) or '(none)'}"
    return _a(type(value).__name__)


def same_kind(expected: Any, got: Any) -> bool:
    """Whether `got` has the type and shape of `expected`: numbers, arrays, tensors, and collections of them."""
    if is_tensor(expected) or is_tensor(got):
        return is_tensor(expected) and is_tensor(got) and tuple(expected.shape) == tuple(got.shape)
    if _is_number(expected) or _is_number(got):
        complex_where_real = np.iscomplexobj(got) and not np.iscomplexobj(expected)
        return _is_number(expected) and _is_number(got) and not complex_where_real
    if isinstance(expected, np.ndarray):
        return (
            isinstance(got, np.ndarray)
            and got.shape == expected.shape
            and got.dtype.kind in ("fiub" if expected.dtype.kind != "c" else "fiubc")
        )
    if isinstance(expected, tuple | list):
        return (
            isinstance(got, tuple | list)
            and len(got) == len(expected)
            and all(same_kind(e, g) for e, g in zip(expected, got, strict=True))
        )
    if isinstance(expected, dict):
        return (
            isinstance(got, dict)
            and got.keys() == expected.keys()
            and all(same_kind(expected[key], got[key]) for key in expected)
        )
    return type(expected) is type(got)


def _flat(value: Any, where: str = "") -> list[tuple[str, np.ndarray]]:
    """Every array inside a result, with the words that say where it is: "item 1, " for the second of a tuple."""
    if isinstance(value, tuple | list):
        return [leaf for i, item in enumerate(value) for leaf in _flat(item, f"{where}item {i}, ")]
    if isinstance(value, dict):
        return [leaf for key in value for leaf in _flat(value[key], f"{where}{key!r}, ")]
    if is_tensor(value):
        value = value.detach().cpu().numpy()
    return [(where, np.asarray(value))]


def difference(expected: Any, got: Any, rtol: float, atol: float) -> str | None:
    """None where all entries agree, |got - expected| <= atol + rtol |expected|; else the largest difference in words.

    Both values are of the same kind. NaN agrees with nothing but NaN in the same place. A result in a shorter floating
    type than the expected one is compared with what it can hold: 1000 units in its last place, of the largest entry.
    """
    worst, message = -1.0, None
    for (where, e), (_, g) in zip(_flat(expected), _flat(got), strict=True):
        if e.dtype.kind not in "fiubc":
            if not np.array_equal(e, g):
                worst, message = np.inf, f"{where}yours is {g!r}, expected {e!r}"
            continue
        rtol_here, atol_here = _for_type(e, g, rtol, atol)
        e = e.astype(complex if e.dtype.kind == "c" else float)
        g = g.astype(e.dtype)
        if np.isnan(g).any() and not np.isnan(e).any():
            return f"{where}yours contains NaN (not a number)"
        if np.allclose(g, e, rtol=rtol_here, atol=atol_here, equal_nan=True):
            continue
        with np.errstate(invalid="ignore"):
            gap = np.where((g == e) | (np.isnan(g) & np.isnan(e)), 0.0, np.abs(g - e))
        gap = np.where(np.isnan(gap), np.inf, gap)
        index = np.unravel_index(int(np.argmax(gap)), gap.shape)
        if gap[index] > worst:
            place = f"{where}at [{', '.join(map(str, index))}]: " if index else f"{where}"
            worst = float(gap[index])
            message = (
                f"the largest difference is {worst:.4g}, {place}yours is {g[index].item():.6g}, "
                f"expected {e[index].item():.6g}"
            )
    return message


def _for_type(expected: np.ndarray, got: np.ndarray, rtol: float, atol: float) -> tuple[float, float]:
    if got.dtype.kind not in "fc" or expected.dtype.kind not in "fc" or not expected.size:
        return rtol, atol
    unit = 1000 * float(np.finfo(got.dtype).eps)
    if unit <= 1000 * np.finfo(expected.dtype).eps:
        return rtol, atol
    largest = float(np.abs(expected[np.isfinite(expected)]).max(initial=0))
    return max(rtol, unit), max(atol, unit * largest)


def agree(expected: Any, got: Any, rtol: float, atol: float) -> bool:
    """Whether `got` is of the same kind as `expected` and equal within the tolerance."""
    return same_kind(expected, got) and difference(expected, got, rtol, atol) is None


def preview(value: Any) -> str:
    """A short text of an input: the numbers themselves where they are few, type and shape where they are many."""
    size = value.numel() if is_tensor(value) else getattr(value, "size", 1)
    if isinstance(value, np.ndarray) and 0 < size <= 12:
        return np.array2string(value, precision=4, separator=", ", threshold=20).replace("\n", "")
    if isinstance(value, np.ndarray) or is_tensor(value):
        return describe(value)
    text = repr(value)
    return text if len(text) <= 60 else describe(value)
