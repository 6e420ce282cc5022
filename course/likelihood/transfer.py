"""Few labels: which samples get one, and how sure a comparison over several draws of them is. NumPy and SciPy alone."""

from __future__ import annotations

import numpy as np
from scipy import stats


def labelled_rows(y, per_class: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of `per_class` samples of each class, drawn without replacement: the only labels that somebody paid for.

    y (n,) labels -> (classes * per_class,) row numbers, class by class. Raises ValueError where a class has too few.
    """
    y = np.asarray(y)
    classes, counts = np.unique(y, return_counts=True)
    if not 1 <= per_class <= counts.min():
        raise ValueError(
            f"per_class = {per_class}; choose one from 1 to {counts.min()}, the size of the smallest class"
        )
    return np.concatenate([rng.choice(np.flatnonzero(y == label), per_class, replace=False) for label in classes])


def paired_interval(a, b, level: float = 0.95) -> tuple[float, float]:
    """Student's interval for the mean of a - b: mean +- t s / sqrt(n), over n pairs.

    a, b (n,): two methods on the same n draws, in the same order. s is the standard deviation, divisor n - 1, of the
    differences a - b; t is the (1 + level) / 2 quantile of Student's distribution with n - 1 degrees of freedom. It
    holds where the differences are about normal.

    Raises ValueError for different shapes, fewer than two pairs, NaN, or a level outside (0, 1).
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"a has shape {a.shape} and b {b.shape}; pairs need two vectors of the same length")
    if len(a) < 2:
        raise ValueError(f"there is {len(a)} pair; a spread needs at least two")
    if not np.isfinite(a - b).all():
        raise ValueError("a or b contains NaN or infinity; repeat the runs that failed")
    if not 0 < level < 1:
        raise ValueError(f"level = {level}; a confidence lies between 0 and 1, such as 0.95")
    if np.ptp(a - b) == 0:  # no spread: SciPy would divide by zero
        return float((a - b)[0]), float((a - b)[0])
    interval = stats.ttest_rel(a, b).confidence_interval(level)
    return float(interval.low), float(interval.high)
