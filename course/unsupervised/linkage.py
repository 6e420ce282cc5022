"""Hierarchical clustering from below: fuse the two least dissimilar clusters until one is left.

A tree of n samples is the table Z (n - 1, 4) that SciPy uses. Row t says which clusters fusion t joins, at what height,
and how many samples the new cluster has. The samples are the clusters 0, ..., n - 1; fusion t makes cluster n + t.

Source: the lecture's slides on hierarchical clustering; James, Witten, Hastie, Tibshirani, An Introduction to
Statistical Learning, sections 10.3.2 (first edition) and 12.4.2 (second): Algorithm 10.2 and Table 10.2.
"""

from __future__ import annotations

import difflib

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import cdist, pdist, squareform

LINKAGES = ("complete", "single", "average", "centroid")
METRICS = ("euclidean", "correlation")


def _known(kind: str, names: tuple[str, ...], what: str) -> None:
    if kind in names:
        return
    near = difflib.get_close_matches(str(kind).lower(), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}."
    raise ValueError(f"no {what} is called {kind!r}: {hint}")


def _samples(X, least: int = 1) -> np.ndarray:
    X = np.asarray(X, dtype=float)
    if X.ndim != 2:
        raise ValueError(f"X has shape {X.shape}; a data matrix has shape (n_samples, n_features)")
    if len(X) < least:
        raise ValueError(f"X has {len(X)} sample(s); here it takes {least} at least")
    if not np.isfinite(X).all():
        raise ValueError("X contains NaN or infinity; drop or impute those rows first")
    return X


def dissimilarities(X, metric: str = "euclidean") -> np.ndarray:
    """The n (n - 1) / 2 dissimilarities of the rows of X (n, p), as a symmetric D (n, n) with zeros on its diagonal.

    "euclidean"    ||x_i - x_i'||, in the units of X
    "correlation"  1 - r(x_i, x_i'), with the correlation r taken over the features: between 0 and 2, and blind to the
                   level and the scale of a row. Raises ValueError where a row is constant, for it has none.
    """
    _known(metric, METRICS, "metric")
    X = _samples(X)
    if metric == "correlation":
        X = X - X.mean(axis=1, keepdims=True)
        length = np.linalg.norm(X, axis=1)
        constant = np.flatnonzero(length <= 1e-12 * np.abs(X).max(initial=1e-300))
        if constant.size:
            raise ValueError(f"row {constant[0]} is constant and correlates with nothing; drop it or use 'euclidean'")
        X = X / length[:, None]
        return cdist(X, X, "sqeuclidean") / 2  # ||u - v||^2 = 2 - 2 u^T v for unit vectors; exact zeros for equal ones
    return cdist(X, X)


def linkage_dissimilarity(A, B, kind: str) -> float:
    """The dissimilarity between two clusters, Table 10.2.   A (a, p), B (b, p), their members -> a number >= 0.

    "complete"  the largest of the a b Euclidean distances between a member of A and one of B
    "single"    the smallest of them
    "average"   their mean
    "centroid"  the distance between the mean of A and the mean of B
    """
    _known(kind, LINKAGES, "linkage")
    A, B = _samples(A), _samples(B)
    if A.shape[1] != B.shape[1]:
        raise ValueError(f"A has {A.shape[1]} features and B has {B.shape[1]}; both need the same ones")
    if kind == "centroid":
        A, B = A.mean(axis=0, keepdims=True), B.mean(axis=0, keepdims=True)
    summary = {"complete": np.max, "single": np.min}.get(kind, np.mean)
    return float(summary(cdist(A, B)))


def _checked(D) -> np.ndarray:
    """A copy of D, once it is seen to be a matrix of dissimilarities."""
    D = np.array(D, dtype=float)
    if D.ndim != 2 or D.shape[0] != D.shape[1] or len(D) == 0:
        raise ValueError(f"D has shape {D.shape}; dissimilarities have shape (n, n): `dissimilarities(X)` makes them")
    if not np.isfinite(D).all():
        raise ValueError("D contains NaN or infinity; mend the data it was made from")
    if D.min() < 0:
        i, j = np.unravel_index(int(D.argmin()), D.shape)
        raise ValueError(
            f"D[{i}, {j}] = {D[i, j]:.4g} is negative; a similarity s becomes a dissimilarity as max(s) - s"
        )
    for top in range(0, len(D), 512):  # in strips: D may be as large as the memory allows
        gap = np.abs(D[top : top + 512] - D[:, top : top + 512].T)
        if gap.max() > 1e-9 * D.max():
            i, j = np.unravel_index(int(gap.argmax()), gap.shape)
            raise ValueError(
                f"D[{top + i}, {j}] = {D[top + i, j]:.4g}, but D[{j}, {top + i}] = {D[j, top + i]:.4g}; "
                "D must be symmetric, as (D + D.T) / 2 is"
            )
    if np.abs(np.diagonal(D)).max() > 1e-12 * D.max():
        s = int(np.abs(np.diagonal(D)).argmax())
        raise ValueError(f"D[{s}, {s}] = {D[s, s]:.4g}; a sample has dissimilarity 0 from itself")
    return D


def agglomerate(D, kind: str = "complete") -> np.ndarray:
    """Algorithm 10.2 on the dissimilarities D (n, n): fuse the least dissimilar pair, n - 1 times.   -> Z (n - 1, 4).

    The dissimilarity of the new cluster A + B from another cluster C follows from those of A and B, which have a and b
    members (Lance and Williams, Computer Journal 9, 1967):

    "complete"  max(d(A, C), d(B, C))
    "single"    min(d(A, C), d(B, C))
    "average"   (a d(A, C) + b d(B, C)) / (a + b)
    "centroid"  d^2 = (a d^2(A, C) + b d^2(B, C)) / (a + b) - a b d^2(A, B) / (a + b)^2, for Euclidean distances D only

    Where dissimilarities tie, any of the least may go first. Raises ValueError for an unknown linkage, and for a D that
    is not square, symmetric, non-negative and finite with zeros on its diagonal. D itself is not changed.
    """
    _known(kind, LINKAGES, "linkage")
    return _fused(_checked(D), kind)


def _fused(D: np.ndarray, kind: str) -> np.ndarray:
    """The tree of D, which is overwritten. Time of order n^2 as a rule, and no memory beside D.

    Every cluster keeps its nearest neighbour and the gap to it, so the least dissimilar pair is found among m gaps
    instead of m (m - 1) / 2 pairs (Anderberg 1973; Müllner, arXiv:1109.2378). The m clusters that are left stand in the
    first m rows and columns: the last of them moves into the place of the one that was fused away.
    """
    n = len(D)
    if kind == "centroid":
        D **= 2
    np.fill_diagonal(D, np.inf)
    name, size, Z = np.arange(n), np.ones(n), np.empty((n - 1, 4))
    nearest = D.argmin(axis=1)
    gap = D[np.arange(n), nearest]
    for m in range(n, 1, -1):
        i = int(gap[:m].argmin())
        j = int(nearest[i])
        a, b, height = size[i], size[j], gap[i]
        Z[n - m] = min(name[i], name[j]), max(name[i], name[j]), height, a + b

        d_i, d_j = D[i, :m], D[j, :m]
        if kind == "complete":
            new = np.maximum(d_i, d_j)
        elif kind == "single":
            new = np.minimum(d_i, d_j)
        else:
            new = (a * d_i + b * d_j) / (a + b)
            if kind == "centroid":
                new -= a * b * height / (a + b) ** 2
        new[[i, j]] = np.inf
        D[i, :m] = D[:m, i] = new
        name[i], size[i] = 2 * n - m, a + b

        near = nearest[:m]
        closer = new <= gap[:m]
        stale = ((near == i) | (near == j)) & ~closer  # i itself, and whose nearest neighbour is gone or farther now
        near[closer], gap[:m][closer] = i, new[closer]

        last = m - 1
        if j != last:
            D[j, :last] = D[:last, j] = D[last, :last]
            D[j, j] = np.inf
            for kept in (name, size, nearest, gap, stale):
                kept[j] = kept[last]
            near[near == last] = j
        for s in np.flatnonzero(stale[:last]):
            nearest[s] = D[s, :last].argmin()
            gap[s] = D[s, nearest[s]]
    if kind == "centroid":
        Z[:, 2] **= 0.5
    return Z


def tree(X, kind: str = "complete", metric: str = "euclidean") -> np.ndarray:
    """The tree Z (n - 1, 4) of the samples X (n, p): the same as `agglomerate(dissimilarities(X, metric), kind)`.

    It comes from compiled code: from scikit-learn's for single linkage of Euclidean distances, which needs no matrix of
    them, and from SciPy's for the rest. That takes less memory than `agglomerate`, and as a rule less time:
    `python -m benchmarks.clustering` tells. Heights are in the units of the metric. Raises ValueError for an unknown
    linkage or metric, for NaN, and for centroid linkage of anything but Euclidean distances.
    """
    _known(kind, LINKAGES, "linkage")
    _known(metric, METRICS, "metric")
    if kind == "centroid" and metric != "euclidean":
        raise ValueError("centroid linkage takes means of samples; it goes with the metric 'euclidean' only")
    X = _samples(X, least=2)
    if kind == "single" and metric == "euclidean" and len(X) > 1000:
        return _spanning_tree(X)
    return hierarchy.linkage(pdist(X) if metric == "euclidean" else squareform(dissimilarities(X, metric)), kind)


def _spanning_tree(X: np.ndarray) -> np.ndarray:
    from sklearn.cluster import AgglomerativeClustering

    model = AgglomerativeClustering(n_clusters=None, distance_threshold=0, linkage="single").fit(X)
    size = np.ones(2 * len(X) - 1)
    for t, (a, b) in enumerate(model.children_.tolist(), start=len(X)):
        size[t] = size[a] + size[b]
    return np.column_stack([np.sort(model.children_, axis=1), model.distances_, size[len(X) :]])


def inversions(Z) -> np.ndarray:
    """The fusions (rows of Z) that are lower than a fusion they build on.   Z (n - 1, 4) -> indices, often none.

    Complete, single and average linkage have none. Centroid linkage may.
    """
    Z = _tree(Z)
    n = len(Z) + 1
    height = np.concatenate([np.full(n, -np.inf), Z[:, 2]])
    below = np.maximum(height[Z[:, 0].astype(int)], height[Z[:, 1].astype(int)])
    return np.flatnonzero(Z[:, 2] < below - 1e-12 * np.abs(Z[:, 2]).max(initial=0))


def _tree(Z) -> np.ndarray:
    Z = np.asarray(Z, dtype=float)
    if Z.ndim != 2 or Z.shape[1] != 4:
        raise ValueError(f"Z has shape {Z.shape}; a tree of n samples has shape (n - 1, 4)")
    return Z


def cut_into(Z, K: int) -> np.ndarray:
    """The K clusters that there are after the first n - K fusions.   Z (n - 1, 4) -> labels (n,), in 0, ..., K - 1.

    Clusters are numbered as they come, so sample 0 is in cluster 0. Raises ValueError unless 1 <= K <= n.
    """
    Z = _tree(Z)
    n = len(Z) + 1
    if isinstance(K, bool) or not isinstance(K, int | np.integer) or not 1 <= K <= n:
        raise ValueError(f"K = {K!r}; a tree of {n} samples is cut into an integer number of clusters, from 1 to {n}")
    above = np.arange(2 * n - 1)  # the cluster that each cluster ends up in
    for t in reversed(range(n - K)):
        above[Z[t, :2].astype(int)] = above[n + t]
    _, first, labels = np.unique(above[:n], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[labels]


def cut_at(Z, height: float) -> np.ndarray:
    """The clusters that there are below a height: every fusion at or under it is made, no other.   -> labels (n,).

    Raises ValueError for a tree with inversions, where a height does not part the early fusions from the late ones.
    """
    Z = _tree(Z)
    if not np.isfinite(height):
        raise ValueError(f"height = {height}; a cut needs a finite height")
    upside_down = inversions(Z)
    if upside_down.size:
        raise ValueError(
            f"fusion {upside_down[0]} is lower than one it builds on: no height parts this tree; use `cut_into(Z, K)`"
        )
    return cut_into(Z, len(Z) + 1 - int((Z[:, 2] <= height).sum()))
