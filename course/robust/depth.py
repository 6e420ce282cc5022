"""Tukey's halfspace depth and the deepest point, Tukey's median.

    depth(z) = min over u of  #{i : u^T (x_i - z) >= 0} / n:

the smallest share of the data that a halfspace with z in it can have. Turned about z, a halfspace changes its count
only when its edge meets a data point: in the plane an angular sort finds every count. In p dimensions the best
halfspace can be turned until its edge holds some data point x_i; looking along the line from z to x_i, the problem has
p - 1 dimensions left. That is exact, and costs n^(p-1) log n. Beyond, directions are searched for as a discriminator
would be trained: every direction is a witness, and the smallest count that was found is an upper bound of the depth.

Sources: the lecture's slides on Tukey's median; Tukey, Mathematics and the picturing of data, 1975; Rousseeuw and
Ruts, Bivariate location depth, Applied Statistics 45 (1996); Dyckerhoff and Mozharovskyi, Exact computation of the
halfspace depth, Computational Statistics and Data Analysis 98 (2016); Gao, Liu, Yao, Zhu, Robust estimation and
generative adversarial networks, ICLR 2019, for Tukey's median as a TV-GAN.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from threadpoolctl import threadpool_limits

from course.robust.medians import checked

AFFORDABLE = math.log(3e8)  # log of the steps of an exact computation that method="auto" takes: about a minute
POSSIBLE = math.log(3e10)  # and that method="exact" agrees to start: hours


# ---------------------------------------------------------------------------------------------- counting in the plane


def _sorted_lines(dx: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lines from 0 through the points (dx, dy), each (m, n), sorted by their angle in every row.

    Returns keys (m, n), ascending, and the number of points at 0 in each row (m,); those stand last. A key is the
    cotangent of the line's angle in [0, pi), turned into an integer with the same order; its last bit says whether the
    point lies on the line's upper half. Points on one line through 0 have the same quotient, because division is
    rounded correctly, so ties are found exactly.
    """
    zero = (dx == 0) & (dy == 0)
    upper = (dy > 0) | ((dy == 0) & (dx > 0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        cotangent = np.where(dy == 0, -np.inf, -dx / dy) + 0.0  # + 0.0: there are two zeros, and one line
    bits = cotangent.view(np.uint64)
    sign = np.uint64(1) << np.uint64(63)
    keys = np.where(bits & sign, ~bits, bits | sign)
    keys = (keys & ~np.uint64(1)) | upper
    keys[zero] = ~np.uint64(0)
    keys.sort(axis=1)
    return keys, zero.sum(axis=1)


def _turning(dx: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Counts in the open halfplane left of a line through 0, as the line makes half a turn.

    Returns keys and zeros as above; counts (m, n): after the lines of ranks 0 .. j were passed, how many points lie to
    one side; and last (m, n), True where no tie goes on, so that the count is one that some halfplane has. The points
    on the other side number n - zeros - counts.
    """
    keys, zeros = _sorted_lines(dx, dy)
    m, n = keys.shape
    up = (keys & np.uint64(1)).astype(np.int32)
    total_up = up.sum(axis=1) - zeros  # the keys of points at 0 end in 1, and are no points of the upper half
    counts = total_up[:, None] + np.cumsum(1 - 2 * up, axis=1)
    last = np.ones((m, n), dtype=bool)
    last[:, :-1] = (keys[:, 1:] ^ keys[:, :-1]) > 1
    last &= np.arange(n) < (n - zeros)[:, None]
    return keys, zeros, counts, last


def _fewest_in_plane(dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """min over open halfplanes with 0 on the edge, and no other point on it, of the points inside.   (m, n) -> (m,)"""
    _, zeros, counts, last = _turning(dx, dy)
    points = (dx.shape[1] - zeros)[:, None]
    fewest = np.where(last, np.minimum(counts, points - counts), dx.shape[1]).min(axis=1, initial=dx.shape[1])
    return np.minimum(fewest, points[:, 0])


def _fewest(D: np.ndarray, first: int = 0) -> int:
    """min over generic u of #{i : u^T d_i > 0}, for nonzero rows of D (n, d): exact, in O(n^(d-1) log n).

    The best halfspace can be turned until its edge holds some row, the pivot, on to one side or the other of the rows
    on the pivot's line. Among the rest, projected along the pivot, the same question has one dimension less. Every best
    halfspace is met from some pivot and from one that comes later, so the rows before `first` need no second try.
    """
    n, d = D.shape
    if n == 0:
        return 0
    if d == 1:
        return int(min((D > 0).sum(), (D < 0).sum()))
    if d == 2:
        return int(_fewest_in_plane(D[None, :, 0], D[None, :, 1])[0])
    best = n
    step = max(1, 2**16 // n) if d == 3 else 1
    for start in range(first, n, step):
        pivots = np.arange(start, min(start + step, n))
        columns = np.argsort(-np.abs(D[pivots]), axis=1, kind="stable")  # the first is divided out, and so the largest
        lead = np.take_along_axis(D[pivots], columns, axis=1)[:, :, None]
        along = D.T[columns]  # (pivots, d, n): every row, its coordinates in the order of that pivot's
        # Elimination: a projection along the pivot that is exact for whole numbers. Depth does not mind a skew one.
        Y = along[:, 1:] * lead[:, :1] - along[:, :1] * lead[:, 1:]
        on_line = ~Y.any(axis=1)
        ahead = (on_line & (along[:, 0] * lead[:, 0] > 0)).sum(axis=1)
        beside = np.minimum(ahead, on_line.sum(axis=1) - ahead)
        if d == 3:
            best = min(best, int((beside + _fewest_in_plane(Y[:, 0], Y[:, 1])).min()))
        else:
            away = ~on_line[0]
            best = min(best, int(beside[0]) + _fewest(Y[0].T[away], first=int(away[: start + 1].sum())))
        if best == 0:
            break
    return best


# -------------------------------------------------------------------------------------------------- regions in 2-d


def depth_region(X, depth: float) -> np.ndarray:
    """The polygon {z : halfspace depth of z in X is at least `depth`}, but for rounding.   X (n, 2) -> (v, 2)

    The region is convex: it is what all halfplanes with more than n - k points have in common, k = ceil(depth n). Here
    it is cut out of a box, from the outside: a corner that is not deep enough has a halfplane that says so, whose edge
    is turned until it holds two data points; when every corner is deep enough, so is all between. Corners come in
    order round the region; fewer than three are a segment or a point, and none, shape (0, 2), is no point that deep.
    Raises ValueError unless 0 < depth <= 1 and X is a finite matrix with two columns.
    """
    X = check_array(X, dtype=np.float64)
    if X.shape[1] != 2 or not 0 < depth <= 1:
        raise ValueError(f"X has {X.shape[1]} columns and depth = {depth}; regions are drawn in the plane, for (0, 1]")
    return _region(X, math.ceil(depth * len(X) - 1e-9))


def _placing(X: np.ndarray) -> tuple[np.ndarray, float]:
    """A centre, and a power of two near the size of X: dividing by it is exact and keeps products in range."""
    centre = np.median(X, axis=0)
    size = np.abs(X - centre).max()
    return centre, float(2.0 ** np.ceil(np.log2(size))) if size > 0 else 1.0


SLACK = 1e-10  # corners are rounded; a corner this close to a cut, in a region of size 1, lies on it


def _region(X: np.ndarray, k: int) -> np.ndarray:
    """Corners of the region of depth k / n in X (n, 2)."""
    ranked = np.sort(X, axis=0)
    (left, low), (right, high) = ranked[k - 1], ranked[len(X) - k]  # what each coordinate says by itself
    if left > right or low > high:
        return np.empty((0, 2))
    corners = np.array([[left, low], [right, low], [right, high], [left, high]])
    centre, unit = _placing(corners)
    X, corners = (X - centre) / unit, (corners - centre) / unit
    deep: set[tuple] = set()
    while True:
        new = next((tuple(corner) for corner in corners if tuple(corner) not in deep), None)
        if new is None:
            return _without_doubles(corners) * unit + centre
        cuts = _cuts(X, np.array(new), k)
        if not cuts:
            deep.add(new)
        for u, q in cuts:
            corners = _clip(corners, u, q)


def _cuts(X: np.ndarray, z: np.ndarray, k: int) -> list[tuple[np.ndarray, float]]:
    """Halfplanes u^T y <= q that hold all points of depth k / n or more and leave z out; none if z is one of them."""
    keys, zeros, counts, last = _turning(*(X - z).T[:, None])
    rank = np.flatnonzero(last[0])
    if not len(rank):
        return []
    angle = np.append(_angle(keys[0, rank]), np.pi)
    middle, width = (angle[:-1] + angle[1:]) / 2, np.diff(angle)
    left = counts[0, rank]
    short = k - zeros[0] - np.concatenate([left, len(X) - zeros[0] - left])
    middle, width = np.concatenate([middle, middle + np.pi]), np.tile(width, 2)
    # Rounding may open a gap of no width between two lines through z that should be one. So try the widest gaps first.
    for j in np.argsort(-width * np.maximum(short, 0))[: np.count_nonzero(short > 0)]:
        u = np.array([-np.sin(middle[j]), np.cos(middle[j])])
        cuts = [(w, q) for w, q in _turned_to_two(X, u, k) if w @ z > q + SLACK]
        if cuts:
            return cuts
    return []


def _turned_to_two(X: np.ndarray, u: np.ndarray, k: int) -> list[tuple[np.ndarray, float]]:
    """The halfplane that the k-th point in direction u bounds, and the same turned either way until a second is met."""
    height = X @ u
    pivot = int(np.argpartition(height, len(X) - k)[len(X) - k])
    halfplanes = [(u, float(height[pivot]))]
    others = np.flatnonzero((X - X[pivot]).any(axis=1))
    if not len(others):
        return halfplanes
    across = np.array([-u[1], u[0]])
    turn = np.arctan2(height[pivot] - height[others], (X[others] - X[pivot]) @ across)
    for way in (1, -1):
        turns = (way * turn) % np.pi
        j = int(np.argmin(turns))
        w = np.cos(turns[j]) * u + way * np.sin(turns[j]) * across
        near = min(X[pivot], X[others[j]], key=np.linalg.norm)  # both are on the edge; the nearer one is rounded less
        halfplanes.append((w, float(w @ near)))
    return halfplanes


def _angle(keys: np.ndarray) -> np.ndarray:
    """The angle in [0, pi) of the lines with these keys."""
    sign = np.uint64(1) << np.uint64(63)
    keys = keys & ~np.uint64(1)
    cotangent = -np.where(keys & sign, keys & ~sign, ~keys).view(np.float64)
    with np.errstate(invalid="ignore"):  # without its last bit, the key of an infinite cotangent reads as NaN
        return np.where(np.isnan(cotangent), 0.0, np.arctan2(1.0, cotangent))


def _clip(corners: np.ndarray, u: np.ndarray, q: float) -> np.ndarray:
    """The part of a convex polygon, corners (v, 2) in order, where u^T y <= q."""
    if not len(corners):
        return corners
    height = corners @ u - q
    inside = height <= SLACK
    kept = []
    for i, j in zip(range(len(corners)), np.roll(range(len(corners)), -1), strict=True):
        if inside[i]:
            kept.append(corners[i])
        if inside[i] != inside[j]:
            kept.append(corners[i] + (corners[j] - corners[i]) * (height[i] / (height[i] - height[j])))
    return np.array(kept).reshape(-1, 2)


def _without_doubles(corners: np.ndarray) -> np.ndarray:
    if not len(corners):
        return corners
    apart = np.abs(corners - np.roll(corners, 1, axis=0)).max(axis=1) > 10 * SLACK
    return corners[apart] if apart.any() else corners[:1]


def _centroid(corners: np.ndarray) -> np.ndarray:
    """The centre of gravity of a convex polygon, of a segment, or of a point."""
    x, y = (corners - corners[0]).T
    cross = x * np.roll(y, -1) - y * np.roll(x, -1)
    if len(corners) < 3 or not cross.sum() > 1e-9 * (x**2 + y**2).max():
        return corners.mean(axis=0)
    return corners[0] + np.array([cross @ (x + np.roll(x, -1)), cross @ (y + np.roll(y, -1))]) / (3 * cross.sum())


def _deepest_region(X: np.ndarray) -> tuple[np.ndarray, int]:
    """Corners of the deepest region of X (n, 2), and its depth as a count: a search by halves over the regions."""
    n = len(X)
    # A third is always reached; and no point is deeper than the deepest one of a projection, the median on each axis.
    middle = np.sort(X, axis=0)[n // 2]
    reached = math.ceil(n / 3)
    out_of_reach = 1 + int(np.minimum((X - middle >= 0).sum(axis=0), (X - middle <= 0).sum(axis=0)).min())
    corners = _region(X, reached)
    while out_of_reach - reached > 1:
        k = (reached + out_of_reach) // 2
        tried = _region(X, k)
        if len(tried):
            reached, corners = k, tried
        else:
            out_of_reach = k
    return corners, reached


# ------------------------------------------------------------------------------------------------ directions, learnt


def _best_in_plane(D: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, int]:
    """Of all unit vectors in the plane of u and v, orthonormal, one with the fewest rows of D (n, p) on its side."""
    keys, zeros, counts, last = _turning((D @ u)[None], (D @ v)[None])
    rank = np.flatnonzero(last[0])
    if not len(rank):
        return u, 0
    angle = np.append(_angle(keys[0, rank]), np.pi)
    middle = (angle[:-1] + angle[1:]) / 2
    left = counts[0, rank]
    right = D.shape[0] - zeros[0] - left
    j = int(np.argmin(np.minimum(left, right)))
    w = np.cos(middle[j]) * v - np.sin(middle[j]) * u
    return w if left[j] <= right[j] else -w, int(min(left[j], right[j]))


def _expose(D: np.ndarray, u: np.ndarray, steps: int, random) -> tuple[np.ndarray, int]:
    """The adversary: turn the unit vector u until few rows of D (n, p) have u^T d_i > 0.

    Each step is exact in the plane of u and of the direction in which a smooth count of the rows falls fastest, the sum
    of d_i weighted by a bell round the edge; the bell gets narrower from step to step. In few dimensions, where there
    are few planes to miss, every third step tries one at random. The count never rises.
    """
    count = int((D @ u > 0).sum())
    for step in range(steps):
        height = D @ u
        width = np.quantile(np.abs(height), 0.02 + 0.5 * (1 - step / steps)) or 1.0
        v = np.exp(-0.5 * (height / width) ** 2) @ D
        if step % 3 == 2 and len(u) <= 10:
            v = random.standard_normal(len(D)) @ D
        v -= u * (u @ v)
        length = np.linalg.norm(v)
        if not length > 1e-12 * np.abs(D).max():
            break
        w, found = _best_in_plane(D, u, v / length)
        if found > count:
            break  # only rounding can do this
        u, count = w / np.linalg.norm(w), found
    return u, count


def _exposed(X: np.ndarray, z: np.ndarray, starts: np.ndarray, steps: int, random) -> int:
    """The smallest count that the adversary finds at z from several starts (s, p): an upper bound of the depth."""
    D = X - z
    edge = -1e-12 * np.linalg.norm(D, axis=1)  # a row on the edge counts, and rounding must not hide it
    best = len(D)
    for u in starts:
        if best == 0 or not u.any():
            continue
        u = u / np.linalg.norm(u)
        u = min(u, -u, key=lambda w: (D @ w > 0).sum())
        u, _ = _expose(D, u, steps, random)
        best = min(best, int((D @ u >= edge).sum()))
    return best


def _standardised(X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X less its column medians over its median absolute deviations: medians, deviations (1 where there is none)."""
    centre = np.median(X, axis=0)
    spread = np.median(np.abs(X - centre), axis=0)
    spread = np.where(spread > 0, spread, X.std(axis=0))
    spread = np.where(spread > 1e-12 * np.abs(X).max(axis=0), spread, 1.0)
    return (X - centre) / spread, centre, spread


# --------------------------------------------------------------------------------------------------- what is offered


def depth_along(z, X, directions) -> float:
    """min over the given u of #{i : u^T x_i >= u^T z} / n: an upper bound of the depth of z, from these witnesses.

    z (p,), X (n, p), directions (k, p), not zero -> a number in [0, 1].
    """
    z, X, U = (np.asarray(a, dtype=float) for a in (z, X, directions))
    if X.ndim != 2 or U.ndim != 2 or z.shape != (X.shape[1],) or U.shape[1] != X.shape[1]:
        raise ValueError(f"shapes {z.shape}, {X.shape}, {U.shape}; expected z (p,), X (n, p), directions (k, p)")
    return float(min(np.count_nonzero((X - z) @ u >= 0) for u in U) / len(X))


def smallest_halfplane(z, X) -> np.ndarray:
    """The unit vector u, of a halfplane {x : u^T (x - z) >= 0}, that holds no more of X (n, 2) than any other.

    z (2,) -> (2,): one of several, in the middle of the directions that share the smallest count.
    """
    D = check_array(X, dtype=np.float64) - np.asarray(z, dtype=float)
    if D.shape[1] != 2:
        raise ValueError(f"X has {D.shape[1]} columns; halfplanes are of the plane, with two")
    return _best_in_plane(D, *np.eye(2))[0]


def halfspace_depth(
    points, X, method: str = "auto", n_starts: int = 5, n_steps: int = 50, random_state=None
) -> np.ndarray:
    """Tukey's depth of every point in the sample X: min over u of #{i : u^T (x_i - z) >= 0} / n.

    points (m, p), X (n, p) -> (m,), in [0, 1]: 0 outside the convex hull of X, and 1/2 or a little more at the centre
    of a symmetric sample.

    method   "exact": p = 1 by sorting; p = 2 by sorting angles, O(n log n) a point; p >= 3 by looking along the line
             through each data point, O(n^(p-1) log n). Points on one halfplane's edge are told apart from points beside
             it exactly when differences of coordinates, and in three dimensions their products, carry no rounding (as
             for whole numbers); copies of one point always are.
             "random": the smallest count over directions that are improved step by step, from n_starts starts with
             n_steps steps each. It is an UPPER BOUND of the depth: a direction with that count was found, and there
             may be a better one. About O(n_starts n_steps n (p + log n)) a point.
             "auto": exact where it is done within seconds, and else random.

    Raises ValueError for NaN or infinity, for points and X of different dimensions, and for "exact" where it is out
    of reach, with the number of steps that it would take.
    """
    points = check_array(points, dtype=np.float64, input_name="points")
    X = check_array(X, dtype=np.float64, input_name="X")
    (m, p), n = points.shape, len(X)
    if X.shape[1] != p:
        raise ValueError(f"points have {p} columns and X has {X.shape[1]}; depth is measured in one space")
    if method not in ("auto", "exact", "random"):
        raise ValueError(f'method = {method!r}; choose "auto", "exact" or "random"')
    if n_starts < 1 or n_steps < 0:
        raise ValueError(f"n_starts = {n_starts}, n_steps = {n_steps}; the search needs a start, and no negative steps")
    cost = math.log(m) + (p - 1) * math.log(n)
    if method == "exact" and p > 2 and cost > POSSIBLE:
        raise ValueError(
            f"the exact depth of {m} point(s) among n = {n} in p = {p} dimensions takes about "
            f'10^{cost / math.log(10):.0f} steps; use fewer rows, or method="random" for an upper bound'
        )
    searched = method == "random" or (method == "auto" and p > 2 and cost > AFFORDABLE)
    if searched and p > 1:
        with threadpool_limits(1, "blas"):
            return _depths_searched(points, X, n_starts, n_steps, check_random_state(random_state)) / n
    unit = _placing(X)[1]
    X, points = X / unit, points / unit  # a power of two: nothing is rounded
    if p == 1:
        x = np.sort(X[:, 0])
        at_most = np.searchsorted(x, points[:, 0], side="right")
        at_least = n - np.searchsorted(x, points[:, 0], side="left")
        return np.minimum(at_most, at_least) / n
    return np.array([_depth(z, X) for z in points]) / n


def _depth(z: np.ndarray, X: np.ndarray) -> int:
    """The exact depth of z in X as a count, p >= 2."""
    D = X - z
    if D.shape[1] == 2:
        dx, dy = D.T[:, None]
        return int(_fewest_in_plane(dx, dy)[0]) + int(((dx == 0) & (dy == 0)).sum())
    away = D.any(axis=1)
    return _fewest(D[away]) + int((~away).sum())


def _depths_searched(points: np.ndarray, X: np.ndarray, n_starts: int, n_steps: int, random) -> np.ndarray:
    X, centre, spread = _standardised(X)
    depths = []
    for z in (points - centre) / spread:
        starts = np.vstack([z, random.standard_normal((n_starts - 1, len(z)))])  # outwards first, then anywhere
        if not z.any():
            starts[0] = random.standard_normal(len(z))
        depths.append(_exposed(X, z, starts, n_steps, random))
    return np.array(depths)


class TukeyMedian(BaseEstimator):
    """Tukey's median: the point of largest halfspace depth, argmax_eta min_u #{i : u^T (x_i - eta) >= 0} / n.

    p = 1   the median.
    p = 2   exact: the centre of gravity of the deepest region, O(n log n) for each of its corners that is tried.
    p > 2   a game. An adversary turns a direction u until few rows lie beyond eta, and eta moves along u towards the
            median of u^T x; steps get shorter, and the second half of the path is averaged. It starts at the
            coordinatewise median, and answers with whichever of the two points is deeper. This is the TV-GAN with a
            linear discriminator: u is what the discriminator learns. What is guaranteed: `depth_` is an upper bound of
            the depth of `location_`, with a halfspace as witness; that no point is deeper is not.

    In Huber's model the error is of order sqrt(p / n) + eps, without a factor sqrt(p) at eps; the breakdown point lies
    between 1 / (p + 1), for samples at their worst, and 1/3 for symmetric ones.

    max_iter      moves of eta, for p > 2
    n_steps       steps of the adversary before each move
    tol           with p > 2, warn if eta still travels: when the means of the third and the last quarter of the path
                  are further apart, in median absolute deviations
    random_state  seed of the adversary's starts

    Attributes: location_ (p,), in the floating type of X; depth_, its depth in [0, 1] (for p = 2 that of the deepest
    region, where a corner that is rounded counts as exact); n_iter_; n_features_in_. Raises ValueError on NaN or
    infinity; warns with ConvergenceWarning.
    """

    def __init__(self, max_iter: int = 200, n_steps: int = 10, tol: float = 0.2, random_state=None):
        self.max_iter = max_iter
        self.n_steps = n_steps
        self.tol = tol
        self.random_state = random_state

    def fit(self, X, y=None) -> TukeyMedian:
        """X (n, p)."""
        X = checked(self, X)
        data = X.astype(float)
        n, p = data.shape
        self.n_iter_ = 1
        if p == 1:
            location = np.median(data, axis=0)
            self.depth_ = float(halfspace_depth(location[None], data)[0])
        elif p == 2:
            corners, count = _deepest_region(data)
            location, self.depth_ = _centroid(corners), count / n
        else:
            with threadpool_limits(1, "blas"):  # thousands of small products: a second thread only gets in the way
                location = self._play(data, check_random_state(self.random_state))
        self.location_ = location.astype(X.dtype)
        return self

    def _play(self, data: np.ndarray, random) -> np.ndarray:
        X, centre, spread = _standardised(data)
        n, p = X.shape
        # Directions and moves stay in the flat that the data span: off it, every point has depth 0.
        middle = X.mean(axis=0)
        _, size, basis = np.linalg.svd(X - middle, full_matrices=False)
        basis = basis[size > 1e-13 * max(n, p) * size[0]]
        if not len(basis):
            self.depth_ = 1.0
            return data[0]
        start = middle - (middle @ basis.T) @ basis
        eta, path = start, np.zeros((self.max_iter, p))
        last = random.standard_normal(len(basis)) @ basis
        for i in range(self.max_iter):
            # Every other time the adversary goes on from where it was; else it starts anew.
            u = last if i % 2 else random.standard_normal(len(basis)) @ basis
            D = X - eta
            last, _ = _expose(D, u / np.linalg.norm(u), self.n_steps, random)
            eta = eta + (1 - i / self.max_iter) * np.median(D @ last) * last
            path[i] = eta
        self.n_iter_ = self.max_iter
        quarter = max(1, self.max_iter // 4)
        moved = np.linalg.norm(path[-quarter:].mean(axis=0) - path[-2 * quarter : -quarter].mean(axis=0))
        if not moved <= self.tol:
            warnings.warn(
                f"Tukey's median still moved by {moved:.2g} deviations after {self.max_iter} iterations; "
                "raise max_iter, or tol if that is near enough",
                ConvergenceWarning,
                stacklevel=3,
            )
        candidates = (path[-2 * quarter :].mean(axis=0), start)
        starts = np.vstack([last, random.standard_normal((5, len(basis))) @ basis])
        depths = [_exposed(X, z, starts, 5 * self.n_steps, random) for z in candidates]
        best = int(np.argmax(depths))
        self.depth_ = depths[best] / n
        return candidates[best] * spread + centre
