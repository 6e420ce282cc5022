"""How good is an embedding? Neighbourhoods kept, and, where the truth is known, distance from it.

Sources: J. Venna, S. Kaski, Neural Networks 19 (2006), 889-899 (trustworthiness, continuity); J. C. Gower,
Psychometrika 40 (1975), 33-51 (Procrustes analysis).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from course.unsupervised.graph import as_points

if TYPE_CHECKING:
    import pandas as pd


def _pair(A, B) -> tuple[np.ndarray, np.ndarray]:
    A, B = as_points(A), as_points(B)
    if len(A) != len(B):
        raise ValueError(f"{len(A)} points and {len(B)} points; row i of both must be the same sample")
    return A, B


def trustworthiness(X, Z, k: int = 5) -> float:
    """T(k) = 1 - 2 / (n k (2n - 3k - 1)) sum_i sum_{j in U_i} (r_ij - k): are neighbours in Z neighbours in X?

    X (n, p) the samples, Z (n, q) their embedding. U_i holds the points that are among the k nearest of i in Z but not
    in X; r_ij = 1, 2, ... is the rank of j in the order of distance from i in X; equal distances share the best rank.
    The value 1 says that every neighbour shown is a real one; neighbours chosen at random give about 1/2.
    Raises ValueError unless 1 <= k < n / 2.
    """
    X, Z = _pair(X, Z)
    n = len(X)
    if not 1 <= k < n / 2:
        raise ValueError(f"k = {k}; with {n} samples the measure needs 1 <= k < {n / 2:g}")
    in_X, in_Z = cdist(X, X, "sqeuclidean"), cdist(Z, Z, "sqeuclidean")
    np.fill_diagonal(in_X, np.inf)  # no point is its own neighbour
    np.fill_diagonal(in_Z, np.inf)
    shown = np.argpartition(in_Z, k, axis=1)[:, :k]
    too_far = 0
    for j in shown.T:  # the rank is one more than the number of points that are nearer
        rank = 1 + (in_X < in_X[np.arange(n), j][:, None]).sum(axis=1)
        too_far += np.clip(rank - k, 0, None).sum()
    return float(1 - 2 * too_far / (n * k * (2 * n - 3 * k - 1)))


def continuity(X, Z, k: int = 5) -> float:
    """C(k): are neighbours in X still neighbours in Z? Trustworthiness with the two changed over; 1 is best."""
    return trustworthiness(Z, X, k)


def procrustes(truth, Z) -> tuple[np.ndarray, float]:
    """The similarity transform of Z that comes closest to the truth, and the relative error that is left.

        error = min over s, Q, b of |truth - (s Z Q + 1 b^T)|_F / |truth - its mean|_F,   Q orthogonal

    truth (n, d), Z (n, d) -> the moved Z (n, d), in the units of the truth, and the error in [0, 1], without units:
    0 the same shape, 1 no better than a single point. Turning, mirroring, shifting and one common scale are free.
    The square of the error is the disparity of `scipy.spatial.procrustes`. Raises ValueError where shapes differ, or
    all points of one of the two are the same.
    """
    T, Z = _pair(truth, Z)
    if T.shape != Z.shape:
        raise ValueError(f"the truth has shape {T.shape} and the embedding {Z.shape}; they must agree")
    mean = T.mean(axis=0)
    T, Z = T - mean, Z - Z.mean(axis=0)
    size, own = (T**2).sum(), (Z**2).sum()
    if not (size > 0 and own > 0):
        raise ValueError("all points are the same: there is no shape to compare")
    U, d, Vt = np.linalg.svd(Z.T @ T)
    moved = d.sum() / own * Z @ U @ Vt
    return moved + mean, float(np.sqrt(((T - moved) ** 2).sum() / size))


def affine_error(truth, Z) -> float:
    """The same with any linear map in the place of s Q: min over A, b of |truth - (Z A + 1 b^T)|_F / |truth - mean|_F.

    For methods whose coordinates are normalised to unit variance: they can be right up to such a map only, since they
    do not know how much longer a sheet is than wide. Never larger than the error of `procrustes`.
    """
    T, Z = _pair(truth, Z)
    T, Z = T - T.mean(axis=0), Z - Z.mean(axis=0)
    size = (T**2).sum()
    if not size > 0:
        raise ValueError("all points of the truth are the same: there is no shape to compare")
    fitted = Z @ np.linalg.lstsq(Z, T, rcond=None)[0]
    return float(np.sqrt(((T - fitted) ** 2).sum() / size))


def assess(X, Z, truth=None, k: int = 5) -> dict[str, float]:
    """The measures of this module under the names of the chapter's table; errors are NaN where truth is None."""
    known = truth is not None
    return {
        "trust": trustworthiness(X, Z, k),
        "cont.": continuity(X, Z, k),
        "error": procrustes(truth, Z)[1] if known else np.nan,
        "affine": affine_error(truth, Z) if known else np.nan,
    }


def table(results: Sequence[dict]) -> pd.DataFrame:
    """Results with the keys "data", "method" and measures -> methods down, data across, the measures of each below.

    In the order of the results; measures that a data set has not are left out.
    """
    import pandas as pd

    order = list(dict.fromkeys(result["data"] for result in results))
    frames = {
        name: pd.DataFrame([r for r in results if r["data"] == name]).set_index("method").drop(columns="data")
        for name in order
    }
    return pd.concat({name: frame.dropna(axis=1, how="all") for name, frame in frames.items()}, axis=1)
