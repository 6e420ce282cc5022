"""Coordinates from some of the distances, by semidefinite programming: sensor networks, and MDS with gaps.

|x_i - x_j|^2 is not convex in the points, but it is linear in their inner products Y = X X^T:
|x_i - x_j|^2 = Y_ii + Y_jj - 2 Y_ij. Only the rank of Y says in how many dimensions the points lie, and rank is not
convex; the relaxation forgets it and keeps that Y - X X^T is positive semidefinite. Solved by Clarabel, through CVXPY.

Sources: the lecture's slide on MDS by SDP; P. Biswas, Y. Ye, IPSN 2004, 46-54; A. M.-C. So, Y. Ye, Mathematical
Programming 109 (2007), 367-384; for `unfold` also K. Q. Weinberger, L. K. Saul, IJCV 70 (2006), 77-90.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from course.unsupervised.graph import require_connected
from course.unsupervised.pca import fix_signs

_CONSISTENT = 1e-4  # the squared distances of an exact solution hold to this part of the largest


@dataclass(frozen=True)
class Localisation:
    """What `localise` finds.

    X            (n, d) positions of the sensors, in the units of the anchors
    gram         (n, n) Y, which the relaxation puts in the place of X X^T
    eigenvalues  (n + d,) of Z = [[Y, X], [X^T, I]], descending
    rank         how many of them are above 0.00001 of the first; d means that Y = X X^T: nothing was lost
    spread       (n,) sqrt(Y_ii - |x_i|^2): how far the relaxation lets sensor i out of the plane; 0 where it is certain
    misfit       the mean of | |x_i - x_j| - d_ij | over the measured pairs, at the positions X
    """

    X: np.ndarray
    gram: np.ndarray
    eigenvalues: np.ndarray
    rank: int
    spread: np.ndarray
    misfit: float


@dataclass(frozen=True)
class Unfolding:
    """What `unfold` finds.

    gram         (n, n) Y, the inner products of the unfolded, centred points
    eigenvalues  (n,) of Y, descending: the sum of squares along each principal axis
    rank         how many of them are above 0.0001 of the first
    """

    gram: np.ndarray
    eigenvalues: np.ndarray
    rank: int

    def coordinates(self, k: int = 2) -> np.ndarray:
        """The first k principal coordinates (n, k) of Y, as in classical MDS. Raises ValueError unless 1 <= k <= n."""
        n = len(self.gram)
        if not 1 <= k <= n:
            raise ValueError(f"k = {k}; {n} points have between 1 and {n} coordinates")
        lam, U = np.linalg.eigh(self.gram)
        return fix_signs(U[:, ::-1][:, :k] * np.sqrt(np.clip(lam[::-1][:k], 0, None)))


def measured(X, anchors, radius: float = np.inf, noise: float = 0.0, missing: float = 0.0, seed: int = 0) -> np.ndarray:
    """What a network measures: D (n + m, n + m), sensors first, anchors last, NaN where nothing was measured.

    X (n, d) sensors, anchors (m, d). A pair within `radius` measures d_ij |1 + noise g|, g standard normal, unless it
    is lost, with probability `missing`. The anchors' distances from each other are known, and complete.
    """
    X, anchors = np.asarray(X, dtype=float), np.asarray(anchors, dtype=float)
    if X.ndim != 2 or anchors.ndim != 2 or X.shape[1] != anchors.shape[1]:
        raise ValueError(f"X has shape {X.shape} and anchors {anchors.shape}; expected (n, d) and (m, d)")
    if not (radius > 0 and noise >= 0 and 0 <= missing <= 1):
        raise ValueError(f"radius {radius}, noise {noise}, missing {missing}: expected > 0, >= 0, and from 0 to 1")
    from scipy.spatial.distance import cdist

    n, every = len(X), np.vstack([X, anchors])
    rng = np.random.default_rng(seed)
    D = cdist(every, every)
    heard = (radius >= D) & (rng.random(D.shape) >= missing)
    heard[n:, n:] = True
    told = D * np.abs(1 + noise * rng.normal(size=D.shape))
    told[n:, n:] = D[n:, n:]
    upper = np.where(np.triu(heard, 1), told, np.nan)
    both = np.fmax(upper, upper.T)  # the one of the two that is not NaN
    np.fill_diagonal(both, 0)
    return both


def _known(D) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs i < j whose distance is known, i (e,), j (e,), and the distances (e,)."""
    D = np.asarray(D, dtype=float)
    if D.ndim != 2 or D.shape[0] != D.shape[1] or len(D) < 2:
        raise ValueError(f"D has shape {D.shape}; expected a square matrix of distances, NaN where one is missing")
    known = np.isfinite(D)
    if np.isinf(D).any() or (D[known] < 0).any():
        raise ValueError("D has negative or infinite entries; a missing distance is NaN")
    if (known != known.T).any() or not np.allclose(D[known], D.T[known], rtol=1e-8, atol=0):
        raise ValueError("D is not symmetric; where both directions were measured, use their mean")
    i, j = np.nonzero(np.triu(known, 1))
    return i, j, D[i, j]


def _solve(problem, what: str) -> str:
    """Solve with Clarabel; returns CVXPY's status. Raises RuntimeError where the solver gives up."""
    import cvxpy

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")  # what is said instead is checked
        try:
            problem.solve(solver=cvxpy.CLARABEL)
        except cvxpy.SolverError as error:
            raise RuntimeError(f"the solver gave up on {what} ({error}); try fewer points or rounder units") from None
    return problem.status


def localise(D, anchors, exact: bool = False) -> Localisation:
    """Positions of n sensors in d dimensions from some distances, and from m anchors whose positions are known.

    D (n + m, n + m): distances, sensors first, anchors last, NaN where missing. anchors (m, d), in the same units.
    With Z = [[Y, X], [X^T, I]] positive semidefinite, and each |x_i - x_j|^2 written as linear in Y and X:

        exact=False    minimise  sum over known pairs of | |x_i - x_j|^2 - d_ij^2 |
        exact=True     find Z such that every known distance holds

    Time grows up to n^6, memory like n^4: a second for 40 sensors, some 13 for 80.
    Raises ValueError where the anchors do not fix a position (fewer than d + 1, or on one line or plane), where a
    sensor has no chain of distances to an anchor, where D is not symmetric or negative, and, with exact=True, where no
    points in any dimension have these distances.
    """
    anchors = np.asarray(anchors, dtype=float)
    if anchors.ndim != 2 or not np.isfinite(anchors).all():
        raise ValueError(f"anchors have shape {anchors.shape}; expected (m, d), without NaN")
    m, d = anchors.shape
    if m < d + 1 or np.linalg.matrix_rank(anchors - anchors.mean(axis=0), tol=1e-9 * (np.ptp(anchors) or 1)) < d:
        raise ValueError(
            f"{m} anchor(s) do not fix positions in {d} dimensions: use at least {d + 1}, not all on one line or plane"
        )
    i, j, length = _known(D)
    n = len(D) - m
    if n < 1:
        raise ValueError(f"D has {len(D)} rows and there are {m} anchors: no sensor is left to find")
    keep = i < n  # what anchors measure from each other is known already
    i, j, length = i[keep], j[keep], length[keep]
    _require_chain(i, j, n, m)

    import cvxpy as cp

    middle, unit = anchors.mean(axis=0), max(length.max(), np.ptp(anchors, axis=0).max())
    A, squared = (anchors - middle) / unit, (length / unit) ** 2
    to_anchor = j >= n
    a, s, t = j[to_anchor] - n, i[~to_anchor], j[~to_anchor]
    Z = cp.Variable((n + d, n + d), PSD=True)
    own = cp.diag(Z)
    between = own[s] + own[t] - 2 * Z[s, t] - squared[~to_anchor]
    to = i[to_anchor]
    reach = own[to] - 2 * cp.sum(cp.multiply(Z[to, n:], A[a]), axis=1) + (A[a] ** 2).sum(axis=1) - squared[to_anchor]
    errors = cp.hstack([between, reach]) if len(s) else reach
    frame = Z[n:, n:] == np.eye(d)
    if exact:
        problem = cp.Problem(cp.Minimize(0), [frame, errors == 0])
    else:
        problem = cp.Problem(cp.Minimize(cp.norm1(errors)), [frame])
    status = _solve(problem, f"{n} sensors")
    if Z.value is None and not exact:
        raise RuntimeError(f"the solver found no positions (it says {status}); is a distance out of all proportion?")
    if Z.value is None or (exact and np.abs(errors.value).max() > _CONSISTENT):
        raise ValueError(
            f"the distances contradict each other: no points have all of them (solver: {status}); "
            "check for a wrong entry, or use exact=False"
        )
    lam = np.linalg.eigvalsh(Z.value)[::-1]
    X = Z.value[:n, n:]
    Y = Z.value[:n, :n]
    every = np.vstack([X, A])
    return Localisation(
        X * unit + middle,
        Y * unit**2,
        lam,
        int((lam > 1e-5 * lam[0]).sum()),
        unit * np.sqrt(np.clip(np.diag(Y) - (X**2).sum(axis=1), 0, None)),
        float(np.abs(unit * np.linalg.norm(every[i] - every[j], axis=1) - length).mean()),
    )


def _require_chain(i: np.ndarray, j: np.ndarray, n: int, m: int) -> None:
    """Raise ValueError where a sensor has no chain of known distances to an anchor."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.where(j >= n, n, j)  # all anchors as one node
    _, label = connected_components(coo_array((np.ones(len(i)), (i, ends)), shape=(n + 1, n + 1)), directed=False)
    lost = np.flatnonzero(label[:n] != label[n])
    if lost.size:
        raise ValueError(
            f"sensor {lost[0]} (one of {lost.size}) has no chain of distances to an anchor, and could be anywhere; "
            "measure more, or leave it out"
        )


def unfold(D) -> Unfolding:
    """Without anchors: the points lie as far apart as the known distances, taken as taut threads, allow.

        maximise  trace(Y)   subject to   Y_ii + Y_jj - 2 Y_ij <= d_ij^2 for known pairs,  1^T Y 1 = 0,  Y psd

    D (n, n): distances, NaN where missing; the known ones must connect all points. If threads are as long as the way
    between their ends within a convex sheet, the sheet is pulled flat. Time as for `localise`.
    Raises ValueError where the points are not connected (their pieces would fly apart: the SDP is unbounded), or D is
    not symmetric or negative.
    """
    i, j, length = _known(D)
    n = len(D)
    threads = np.zeros((n, n))
    threads[i, j] = 1
    require_connected(threads, "give a distance between them: pieces without one can lie infinitely far apart")
    if not length.max() > 0:
        raise ValueError("every known distance is 0: all points are the same one")

    import cvxpy as cp

    unit = length.mean()
    Y = cp.Variable((n, n), PSD=True)
    own = cp.diag(Y)
    taut = own[i] + own[j] - 2 * Y[i, j] <= (length / unit) ** 2
    problem = cp.Problem(cp.Maximize(cp.trace(Y)), [taut, cp.sum(Y) == 0])
    status = _solve(problem, f"{n} points")
    if Y.value is None:
        raise RuntimeError(f"the solver found no unfolding (it says {status}); are some distances nearly 0?")
    gram = (Y.value + Y.value.T) / 2 * unit**2
    lam = np.linalg.eigvalsh(gram)[::-1]
    return Unfolding(gram, lam, int((lam > 1e-4 * lam[0]).sum()))


def landmarks(G, m: int, start: int = 0) -> np.ndarray:
    """m of n points, each the farthest from those before it: indices (m,). G (n, n) distances, as the walker goes."""
    G = np.asarray(G, dtype=float)
    if not 1 <= m <= len(G):
        raise ValueError(f"m = {m}; there are {len(G)} points to choose from")
    chosen, away = [start], G[start].copy()
    while len(chosen) < m:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, G[chosen[-1]])
    return np.array(chosen)


def only_near(D, k: int) -> np.ndarray:
    """D (n, n) with NaN for every distance but those to the k nearest, either way: what `unfold` is given."""
    D = np.asarray(D, dtype=float)
    n = len(D)
    if not 1 <= k < n:
        raise ValueError(f"k = {k}; each of {n} points has between 1 and {n - 1} neighbours")
    order = np.argsort(D + np.diag(np.full(n, -1.0)), axis=1)[:, 1 : k + 1]
    near = np.zeros((n, n), dtype=bool)
    near[np.arange(n)[:, None], order] = True
    return np.where(near | near.T | np.eye(n, dtype=bool), D, np.nan)
