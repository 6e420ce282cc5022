"""K-means clustering, as in Algorithm 10.1 of the book, and what goes with it.

Objective: W = sum_k (1 / |C_k|) sum_{i, i' in C_k} ||x_i - x_i'||^2, over ordered pairs, as the book has it. It equals
2 sum_k sum_{i in C_k} ||x_i - m_k||^2, with m_k the mean of C_k: twice scikit-learn's `inertia_`.

Clusters are numbered 0, ..., K - 1. An empty cluster has no mean. The rule here: its centroid becomes the sample
that lies farthest from the centroid of its own cluster (of two empty clusters, the second takes the second farthest).
The next assignment hands it that sample, so the objective still never rises.

Source: the lecture's slides on k-means; James, Witten, Hastie, Tibshirani, An Introduction to Statistical Learning,
sections 10.3.1 (first edition) and 12.4.1 (second).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

STARTS = ("random", "k-means++")


@dataclass(frozen=True)
class Clustering:
    """What k-means ends with.

    labels     (n,) integers from 0 to K - 1
    centroids  (K, p), the means of the clusters
    objective  W, in squared units of X
    rounds     how often steps 2(a) and 2(b) were done
    converged  False where the limit on the rounds came first
    """

    labels: np.ndarray
    centroids: np.ndarray
    objective: float
    rounds: int
    converged: bool


@dataclass(frozen=True)
class Step:
    """One step of Algorithm 10.1: "1" (random assignment), "2a" (centroids) or "2b" (reassignment).

    objective is 2 sum_i ||x_i - m_{c(i)}||^2 for the labels c and the centroids m of this step; step 1 has no
    centroids yet, an array (0, p), and its objective is W of the assignment.
    """

    name: str
    round: int
    labels: np.ndarray
    centroids: np.ndarray
    objective: float


def _samples(X) -> np.ndarray:
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or len(X) == 0:
        raise ValueError(
            f"X has shape {X.shape}; a data matrix has shape (n_samples, n_features), with a sample at least"
        )
    if not np.isfinite(X).all():
        raise ValueError("X contains NaN or infinity; drop or impute those rows first")
    return X


def _labels(labels, n: int, K: int | None = None) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels has shape {labels.shape} and type {labels.dtype}; expected {n} integers, one a sample"
        )
    if labels.min() < 0 or (K is not None and labels.max() >= K):
        highest = "..." if K is None else K - 1
        raise ValueError(f"labels lie between {labels.min()} and {labels.max()}; number the clusters 0, ..., {highest}")
    return labels


def _number_of_clusters(X: np.ndarray, K: int) -> None:
    """Raise ValueError unless X has at least K distinct rows, and K is an integer from 1."""
    if isinstance(K, bool) or not isinstance(K, int | np.integer) or K < 1:
        raise ValueError(f"K = {K!r}; the number of clusters is an integer, 1 at the least")
    if len(X) < K:
        raise ValueError(f"K = {K} clusters of {len(X)} samples: some would stay empty; take K <= {len(X)}")
    distinct = set()
    for row in X:
        distinct.add((row + 0.0).tobytes())  # + 0.0 turns -0.0 into 0.0, the same number in other bytes
        if len(distinct) >= K:
            return
    raise ValueError(
        f"X has {len(distinct)} distinct samples among its {len(X)}, too few for K = {K}; take K <= {len(distinct)}"
    )


def within_cluster_variation(X, labels) -> float:
    """W = 2 sum_k sum_{i in C_k} ||x_i - m_k||^2, equal to sum_k (1 / |C_k|) sum_{i, i' in C_k} ||x_i - x_i'||^2.

    X (n, p), labels (n,) integers >= 0 -> a number >= 0, in squared units of X. It is 0 just where all members of each
    cluster coincide. A number that no sample carries adds nothing.
    """
    X = _samples(X)
    labels = _labels(labels, len(X))
    used, compact = np.unique(labels, return_inverse=True)
    return _spread(X, compact, _means(X, compact, len(used)))


def _spread(X: np.ndarray, labels: np.ndarray, M: np.ndarray) -> float:
    residual = M[labels]
    residual -= X
    return 2 * float(np.vdot(residual, residual))


def _means(X: np.ndarray, labels: np.ndarray, K: int) -> np.ndarray:
    """The means (K, p) of the clusters, as the product of a (K, n) table of memberships with X. Empty: NaN."""
    member = (labels == np.arange(K)[:, None]).astype(float)
    with np.errstate(invalid="ignore"):
        return (member @ X) / member.sum(axis=1, keepdims=True)


def centroids(X, labels, K: int) -> np.ndarray:
    """Step 2(a): m_k = (1 / |C_k|) sum_{i in C_k} x_i.   X (n, p), labels (n,) in 0, ..., K - 1 -> M (K, p).

    An empty cluster gets the sample farthest from the centroid of its own cluster; see the head of this module. Raises
    ValueError where there are fewer distinct samples than clusters.
    """
    X = _samples(X)
    _number_of_clusters(X, K)
    labels = _labels(labels, len(X), K)
    return _refilled(X, labels, _means(X, labels, K))


def _refilled(X: np.ndarray, labels: np.ndarray, M: np.ndarray) -> np.ndarray:
    empty = np.flatnonzero(np.isnan(M[:, 0]))
    if empty.size:
        distance = ((X - M[labels]) ** 2).sum(axis=1)
        M[empty] = X[np.argsort(-distance, kind="stable")[: empty.size]]
    return M


def assign(X, M) -> np.ndarray:
    """Step 2(b): c(i) = argmin_k ||x_i - m_k||.   X (n, p), M (K, p) -> labels (n,), integers from 0 to K - 1.

    Of equally close centroids, the one with the lowest number gets the sample.
    """
    X, M = _samples(X), _samples(M)
    if X.shape[1] != M.shape[1]:
        raise ValueError(f"samples of {X.shape[1]} features and centroids of {M.shape[1]}; both need the same ones")
    return cdist(X, M, "sqeuclidean").argmin(axis=1)


def random_assignment(n: int, K: int, rng: np.random.Generator | int = 0) -> np.ndarray:
    """Step 1: every sample gets a number drawn uniformly from 0, ..., K - 1.   -> labels (n,)."""
    return np.random.default_rng(rng).integers(K, size=n)


def plus_plus(X, K: int, rng: np.random.Generator | int = 0) -> np.ndarray:
    """k-means++ starting centroids: samples far apart, by chance.   X (n, p) -> M (K, p), K distinct rows of X.

    The first is drawn uniformly; each next one is x_i with probability D_i^2 / sum_i' D_i'^2, where D_i is the distance
    from x_i to the nearest one drawn so far. The expected objective of the start is then at most 8 (ln K + 2) times
    the best one. Source: Arthur and Vassilvitskii, SODA 2007. (scikit-learn draws several candidates at each turn and
    keeps the best of them.)
    """
    X = _samples(X)
    _number_of_clusters(X, K)
    rng = np.random.default_rng(rng)
    chosen = [int(rng.integers(len(X)))]
    nearest = ((X - X[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < K:
        chosen.append(int(rng.choice(len(X), p=nearest / nearest.sum())))
        nearest = np.minimum(nearest, ((X - X[chosen[-1]]) ** 2).sum(axis=1))
    return X[chosen]


def steps(X, labels, K: int, limit: int = 300) -> Iterator[Step]:
    """Algorithm 10.1, step by step, from the assignment `labels` (n,): 1, then 2a and 2b in turn.

    The last step is the first 2b that changes no label. At most `limit` rounds.
    """
    X = _samples(X)
    _number_of_clusters(X, K)
    labels = _labels(labels, len(X), K)
    yield Step("1", 0, labels, X[:0], within_cluster_variation(X, labels))
    for turn in range(1, limit + 1):
        M = centroids(X, labels, K)
        yield Step("2a", turn, labels, M, _spread(X, labels, M))
        before, labels = labels, assign(X, M)
        yield Step("2b", turn, labels, M, _spread(X, labels, M))
        if np.array_equal(before, labels):
            return


def kmeans(
    X, K: int, start="random", starts: int = 1, rng: np.random.Generator | int = 0, limit: int = 300
) -> Clustering:
    """Algorithm 10.1: centroids and reassignment in turn, until no label changes.

    X       (n, p)
    K       number of clusters, 1 <= K <= number of distinct samples
    start   "random" (step 1 of the algorithm), "k-means++", an assignment (n,) of integers, or centroids (K, p)
    starts  how many runs from drawn starts; the one with the smallest objective is returned
    rng     a seed or a generator, for the drawn starts
    limit   at most so many rounds

    Raises ValueError for K out of range, too few distinct samples, NaN, or a start that is none.
    """
    X = _samples(X)
    _number_of_clusters(X, K)
    if starts < 1 or limit < 1:
        raise ValueError(f"starts = {starts} and limit = {limit}; both are at least 1")
    if not isinstance(start, str):
        return _run(X, K, _given(X, K, np.asarray(start)), limit)
    if start not in STARTS:
        near = difflib.get_close_matches(start, STARTS, n=1)
        hint = (
            f"did you mean {near[0]!r}?" if near else f"there are {', '.join(STARTS)}, labels (n,), centroids (K, p)."
        )
        raise ValueError(f"no start is called {start!r}: {hint}")
    rng = np.random.default_rng(rng)
    drawn = (
        random_assignment(len(X), K, rng) if start == "random" else assign(X, plus_plus(X, K, rng))
        for _ in range(starts)
    )
    return min((_run(X, K, labels, limit) for labels in drawn), key=lambda run: run.objective)


def _given(X: np.ndarray, K: int, start: np.ndarray) -> np.ndarray:
    """The first labels, from an assignment (n,) or from centroids (K, p)."""
    if start.ndim == 1:
        return _labels(start, len(X), K)
    if start.shape != (K, X.shape[1]):
        raise ValueError(f"start has shape {start.shape}; centroids have ({K}, {X.shape[1]}), labels ({len(X)},)")
    return assign(X, start)


def _run(X: np.ndarray, K: int, labels: np.ndarray, limit: int) -> Clustering:
    """The loop of `steps`, made quick.

    Step 2(a): the sums of the clusters are kept, and changed only by the samples that moved. Step 2(b): since
    ||x - m||^2 = ||x||^2 - 2 (m^T x - ||m||^2 / 2), the nearest centroid has the largest m^T x - ||m||^2 / 2, and one
    matrix product has them all. The mean of X is taken off first: far from the origin, the difference of two
    large numbers would lose digits.
    """
    mean = X.mean(axis=0)
    X_c = X - mean
    XT = np.ascontiguousarray(X_c.T)
    cluster = np.arange(K)[:, None]
    member = (labels == cluster).astype(float)
    size, total = member.sum(axis=1, keepdims=True), member @ X_c
    nearness = np.empty((K, len(X)))
    converged, rounds = False, 0
    while not converged and rounds < limit:
        M = _refilled(X_c, labels, np.divide(total, size, out=np.full_like(total, np.nan), where=size > 0))
        np.matmul(M, XT, out=nearness)
        nearness -= (M**2).sum(axis=1, keepdims=True) / 2
        before, labels = labels, _first_largest(nearness)
        moved = np.flatnonzero(labels != before)
        change = (labels[moved] == cluster).astype(float) - (before[moved] == cluster)
        size, total = size + change.sum(axis=1, keepdims=True), total + change @ X_c[moved]
        converged, rounds = moved.size == 0, rounds + 1
    M = _refilled(X_c, labels, _means(X_c, labels, K))
    return Clustering(labels, M + mean, _spread(X_c, labels, M), rounds, converged)


def _first_largest(table: np.ndarray) -> np.ndarray:
    """table.argmax(axis=0), by whole rows: the first axis is short here, and argmax would take it column by column."""
    largest = table.max(axis=0)
    labels = np.empty(table.shape[1], dtype=np.intp)
    for k in reversed(range(len(table))):
        np.copyto(labels, k, where=table[k] == largest)
    return labels


def silhouette(X, labels) -> np.ndarray:
    """s_i = (b_i - a_i) / max(a_i, b_i): how much better x_i fits its cluster than the next one.

    a_i is the mean distance from x_i to the other members of its cluster, b_i the smallest mean distance to the members
    of another cluster. X (n, p), labels (n,) -> (n,), each in [-1, 1]; 0 for the only member of a cluster. Takes time
    and memory of order n^2. Source: Rousseeuw, J. Comput. Appl. Math. 20 (1987). Raises ValueError for one cluster.
    """
    X = _samples(X)
    used, labels = np.unique(_labels(labels, len(X)), return_inverse=True)
    if len(used) < 2:
        raise ValueError("a silhouette compares clusters, and there is only one; take K >= 2")
    own = np.arange(len(X))
    counts = np.bincount(labels)
    totals = cdist(X, X) @ (labels[:, None] == np.arange(len(used)))  # (n, K): summed distance to every cluster
    with np.errstate(invalid="ignore", divide="ignore"):
        a = totals[own, labels] / (counts[labels] - 1)
        others = totals / counts
        others[own, labels] = np.inf
        b = others.min(axis=1)
        s = (b - a) / np.maximum(a, b)
    return np.where((counts[labels] > 1) & np.isfinite(s), s, 0.0)
