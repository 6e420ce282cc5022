"""Two sets of samples: do they look as if they came from one distribution? NumPy and SciPy, for hundreds of samples."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist, pdist


def _rows(**sets) -> list[np.ndarray]:
    """Each set as rows of floats: images (n, C, H, W), arrays or tensors, become (n, C H W)."""
    found = []
    for name, samples in sets.items():
        rows = np.asarray(samples.detach().cpu() if hasattr(samples, "detach") else samples, dtype=float)
        if rows.ndim < 2 or len(rows) < 2:
            raise ValueError(f"{name} has shape {rows.shape}; expected at least two samples, one in a row")
        if not np.isfinite(rows).all():
            raise ValueError(f"{name} contains NaN or infinity; look for the step that made them")
        found.append(rows.reshape(len(rows), -1))
    if found[0].shape[1] != found[1].shape[1]:
        raise ValueError(f"a sample has {found[0].shape[1]} entries in one set and {found[1].shape[1]} in the other")
    return found


def energy_distance(x, y) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'|, estimated from samples x (n, ...) and y (m, ...), in units of x.

    X' and Y' are independent copies; means over X, X' leave out a sample's distance to itself, so that the estimate is
    unbiased: 0 on average, sometimes a little below, when both come from one distribution. Zero is reached by nothing
    else. Raises ValueError for shapes that do not fit and NaN. Source: Szekely and Rizzo, Energy statistics (2013).
    """
    x, y = _rows(x=x, y=y)
    return float(2 * cdist(x, y).mean() - pdist(x).mean() - pdist(y).mean())


def neighbour_score(x, y) -> float:
    """The share of samples whose nearest neighbour, among all others of both sets, is from their own set.

    x (n, ...), y (n, ...), as many of each -> between 0 and 1: about 0.5 when both come from one distribution, 1 when
    they are told apart always; well below 0.5 when one holds near copies of the other. Raises ValueError for sets of
    different sizes, shapes that do not fit and NaN. Source: Schilling, Multivariate two-sample tests based on nearest
    neighbors (1986); Lopez-Paz and Oquab, Revisiting classifier two-sample tests (2017).
    """
    x, y = _rows(x=x, y=y)
    if len(x) != len(y):
        raise ValueError(f"{len(x)} samples against {len(y)}: with equal numbers, chance is one half")
    both = np.concatenate([x, y])
    distances = cdist(both, both)
    np.fill_diagonal(distances, np.inf)
    of_x = np.arange(len(both)) < len(x)
    return float((of_x[distances.argmin(axis=1)] == of_x).mean())
