"""The exercises of 02_clustering."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from course import data
from course.lab.exercise import Case, Exercise, Mistake
from course.unsupervised import kmeans, linkage

_FIVE = np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0], [5.0, 3.0], [5.0, 6.0]])
_FIVE_LABELS = np.array([0, 0, 0, 1, 1])
_SIX = np.array([[2.0, 2.0], [5.0, 3.0], [0.0, 1.0], [1.0, 0.0], [1.0, 8.0], [2.0, 7.0]])
_SIX_IN_PAIRS = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0], [3.0, 1.5], [10.0, 0.0], [14.0, 0.0]])
_A = np.array([[0.0, 0.0], [0.0, 2.0]])
_B = np.array([[3.0, 0.0], [4.0, 2.0], [7.0, 1.0]])


def _cloud() -> tuple[np.ndarray, np.ndarray]:
    """Sixty points in three overlapping groups, and a random assignment, from which it takes more than ten rounds."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(60, 2)) + np.repeat([[0.0, 0.0], [2.5, 1.0], [0.5, 3.0]], [30, 20, 10], axis=0)
    return X, kmeans.random_assignment(60, 3, rng)


def _arrests() -> np.ndarray:
    return data.load("usarrests").X


def _per_cluster(X: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of W that every cluster adds, and the sizes of the clusters."""
    members = [X[labels == k] for k in np.unique(labels)]
    parts = [kmeans.within_cluster_variation(C, np.zeros(len(C), dtype=int)) for C in members]
    return np.array(parts), np.array([len(C) for C in members])


def _without_squares(X: np.ndarray, labels: np.ndarray) -> float:
    return sum(cdist(X[labels == k], X[labels == k]).sum() / (labels == k).sum() for k in np.unique(labels))


def _medians(X: np.ndarray, labels: np.ndarray, K: int) -> np.ndarray:
    return np.stack([np.median(X[labels == k], axis=0) for k in range(K)])


def _k_means(X, labels, K: int) -> tuple[np.ndarray, np.ndarray]:
    """Algorithm 10.1 from the assignment `labels`, as (labels, centroids)."""
    found = kmeans.kmeans(X, K, start=labels)
    return found.labels, found.centroids


def _rounds(X: np.ndarray, labels: np.ndarray, K: int, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    last = list(kmeans.steps(X, labels, K, limit=rounds))[-1]
    return last.labels, last.centroids


def _from_the_first_samples(X: np.ndarray, labels: np.ndarray, K: int) -> tuple[np.ndarray, np.ndarray]:
    return _k_means(X, kmeans.assign(X, X[:K]), K)


def _k_medians(X: np.ndarray, labels: np.ndarray, K: int) -> tuple[np.ndarray, np.ndarray]:
    for _ in range(100):
        middle = _medians(X, labels, K)
        labels = kmeans.assign(X, middle)
    return labels, middle


def _of_squares(A: np.ndarray, B: np.ndarray, kind: str) -> float:
    if kind == "average":
        return float((cdist(A, B) ** 2).mean())
    return linkage.linkage_dissimilarity(A, B, kind) ** 2


def _city_block(A: np.ndarray, B: np.ndarray, kind: str) -> float:
    if kind == "centroid":
        A, B = A.mean(axis=0, keepdims=True), B.mean(axis=0, keepdims=True)
    between = cdist(A, B, "cityblock")
    return float({"complete": between.max(), "single": between.min()}.get(kind, between.mean()))


def _other_way_round(A: np.ndarray, B: np.ndarray, kind: str) -> float:
    swapped = {"complete": "single", "single": "complete", "average": "average", "centroid": "centroid"}
    return linkage.linkage_dissimilarity(A, B, swapped[kind])


def _middle_of_the_range(A: np.ndarray, B: np.ndarray, kind: str) -> float:
    if kind != "average":
        return linkage.linkage_dissimilarity(A, B, kind)
    return (linkage.linkage_dissimilarity(A, B, "complete") + linkage.linkage_dissimilarity(A, B, "single")) / 2


def _numbered_as_they_come(labels) -> np.ndarray:
    """Two labellings of one partition become the same: clusters are numbered in the order of their first members."""
    _, first, place = np.unique(np.asarray(labels), return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place]


def _only_samples_join(Z: np.ndarray, K: int) -> np.ndarray:
    n = len(Z) + 1
    labels = np.arange(n)
    for a, b in Z[: n - K, :2].astype(int):
        if max(a, b) < n:
            labels[b] = labels[a]
    return labels


EXERCISES = (
    Exercise(
        name="within_cluster_variation",
        chapter="02_clustering",
        points=2,
        contract="X (n, p), labels (n,) integers -> W, a number: for each cluster the squared distances of all ordered "
        "pairs of its members, added up and divided by the size of the cluster; and that added up over the clusters.",
        reference=kmeans.within_cluster_variation,
        cases=lambda: [
            Case("five points in two clusters", _FIVE, _FIVE_LABELS),
            Case("sixty points in three clusters", *_cloud()),
            Case("a cluster for every point", _A, np.array([3, 1])),
        ],
        hints=(
            "Take one cluster at a time: `for k in np.unique(labels)`, and `X[labels == k]` are its members.",
            "With the members in `C`, all differences at once are `C[:, None, :] - C[None, :, :]`, of shape (c, c, p).",
            "Square them, sum over everything, divide by `len(C)`. Every pair is there twice, as the formula has it.",
        ),
        mistakes=(
            Mistake(
                "each pair is counted once",
                lambda X, labels: kmeans.within_cluster_variation(X, labels) / 2,
                "The sum runs over i and i', so (i, i') and (i', i) both count. (scikit-learn counts each pair once.)",
            ),
            Mistake(
                "not divided by the size of the cluster",
                lambda X, labels: float(np.prod(_per_cluster(X, labels), axis=0).sum()),
                "Divide each cluster's sum by its number of members, before the clusters are added up.",
            ),
            Mistake(
                "distances instead of squared distances",
                _without_squares,
                "The formula adds squared distances: no square root is needed.",
            ),
            Mistake(
                "divided by the number of pairs",
                lambda X, labels: float(np.divide(*_per_cluster(X, labels)).sum()),
                "Divide by `|C_k|`, the number of members, not by the number of pairs of them.",
            ),
            Mistake(
                "divided by the number of all samples",
                lambda X, labels: float(np.prod(_per_cluster(X, labels), axis=0).sum() / len(X)),
                "Each cluster is divided by its own size, not by n.",
            ),
            Mistake(
                "pairs from different clusters count too",
                lambda X, labels: kmeans.within_cluster_variation(X, np.zeros(len(X), dtype=int)),
                "Only pairs within the same cluster belong to W: use the labels.",
            ),
        ),
        forbidden=("within_cluster_variation", "inertia_", "KMeans", "kmeans"),
    ),
    Exercise(
        name="centroids",
        chapter="02_clustering",
        points=1,
        contract="X (n, p), labels (n,) integers from 0 to K - 1, each of them used, K -> M (K, p): row k is the mean "
        "of the samples with the label k.",
        reference=kmeans.centroids,
        cases=lambda: [
            Case("five points in two clusters", _FIVE, _FIVE_LABELS, 2),
            Case("sixty points in three clusters", *_cloud(), 3),
        ],
        hints=(
            "`X[labels == k]` are the members of cluster k. What is their mean, feature by feature?",
            "`X[labels == k].mean(axis=0)` is one row of M; `np.array` makes a matrix of a list of rows.",
        ),
        mistakes=(
            Mistake(
                "clusters numbered from 1",
                lambda X, labels, K: np.vstack([kmeans.centroids(X, labels, K)[1:], np.full(X.shape[1], np.nan)]),
                "The labels run from 0 to K - 1, so row k belongs to the label k: `range(K)`.",
            ),
            Mistake(
                "sums instead of means",
                lambda X, labels, K: kmeans.centroids(X, labels, K) * np.bincount(labels)[:, None],
                "Divide each sum by the number of samples in the cluster.",
            ),
            Mistake(
                "divided by the number of all samples",
                lambda X, labels, K: kmeans.centroids(X, labels, K) * np.bincount(labels)[:, None] / len(X),
                "The mean of a cluster is over its own members: divide by their number, not by n.",
            ),
            Mistake(
                "medians instead of means",
                _medians,
                "The point with the smallest sum of squared distances is the mean. The median is another method's.",
            ),
            Mistake(
                "the same mean for every cluster",
                lambda X, labels, K: np.tile(X.mean(axis=0), (K, 1)),
                "This is the mean of all samples. Pick those of cluster k first.",
            ),
            Mistake(
                "clusters in the columns",
                lambda X, labels, K: kmeans.centroids(X, labels, K).T,
                "The contract has a centroid in each row: shape (K, p), as the samples have theirs in rows of X.",
            ),
        ),
        forbidden=("centroids", "KMeans", "kmeans", "NearestCentroid"),
    ),
    Exercise(
        name="assign",
        chapter="02_clustering",
        points=2,
        contract="X (n, p), M (K, p) -> labels (n,), integers from 0 to K - 1: for each sample, the row of M that is "
        "closest to it; of several that are equally close, the one with the lowest number.",
        reference=kmeans.assign,
        cases=lambda: [
            Case("five points, three centroids", _FIVE, np.array([[3.0, 5.0], [1.0, 0.0], [5.0, 0.0]])),
            Case("sixty points, the means of a random assignment", _cloud()[0], kmeans.centroids(*_cloud(), 3)),
            Case("sixty points, four of them as centroids", _cloud()[0], 1.5 * _cloud()[0][[1, 25, 40, 55]]),
            Case(
                "points halfway between two centroids", np.array([[1.0], [3.0], [4.0]]), np.array([[0.0], [2.0], [4.0]])
            ),
        ],
        hints=(
            "For each sample, K distances; then the position of the smallest: `argmin`.",
            "All differences at once: `X[:, None, :] - M[None, :, :]`, of shape (n, K, p). Which axis is summed over?",
            "The smallest squared distance is the smallest distance too. Of equal ones, `argmin` takes the first.",
        ),
        mistakes=(
            Mistake(
                "the farthest centroid",
                lambda X, M: cdist(X, M).argmax(axis=1),
                "Look for the smallest distance: `argmin`, not `argmax`.",
            ),
            Mistake(
                "numbers from 1 to K",
                lambda X, M: kmeans.assign(X, M) + 1,
                "The clusters are numbered from 0, as the rows of M are.",
            ),
            Mistake(
                "the closest sample to every centroid",
                lambda X, M: kmeans.assign(M, X),
                "This has a number for every centroid. Take the smallest along the other axis: one number a sample.",
            ),
            Mistake(
                "the last of several equally close",
                lambda X, M: len(M) - 1 - kmeans.assign(X, M[::-1]),
                "Where two centroids are equally close, the lower number wins. `argmin` does that by itself.",
            ),
            Mistake(
                "the largest inner product",
                lambda X, M: (X @ M.T).argmax(axis=1),
                "`X @ M.T` favours long centroids. Distances come from differences `x - m`.",
            ),
            Mistake(
                "city-block distance",
                lambda X, M: cdist(X, M, "cityblock").argmin(axis=1),
                "The distance is Euclidean: square the differences, do not take their absolute values.",
            ),
        ),
        forbidden=("assign", "KMeans", "kmeans", "vq", "pairwise_distances_argmin"),
    ),
    Exercise(
        name="k_means",
        chapter="02_clustering",
        points=3,
        contract="X (n, p), labels (n,) integers from 0 to K - 1, K -> (labels (n,), M (K, p)): step 2 of Algorithm "
        "10.1 from the given labels, until no label changes, and the centroids then. No cluster runs empty on the way.",
        reference=_k_means,
        cases=lambda: [
            Case("six points from a poor start", _SIX, np.array([0, 1, 0, 1, 0, 1]), 2),
            Case("sixty points, a random assignment", *_cloud(), 3),
        ],
        hints=(
            "You have both halves: `centroids` for step 2(a), `assign` for step 2(b). What is missing is the loop.",
            "How many rounds it takes, nobody knows beforehand: `while True`, and `return` when the labels stay.",
            "Keep the old labels until they are compared with the new ones: `np.array_equal(old, new)`.",
        ),
        mistakes=(
            Mistake(
                "one round only",
                lambda X, labels, K: _rounds(X, labels, K, 1),
                "Steps 2(a) and 2(b) are repeated until no label changes.",
            ),
            Mistake(
                "a fixed number of rounds, ten",
                lambda X, labels, K: _rounds(X, labels, K, 10),
                "Ten rounds may be too few. Go on until the labels stay as they are.",
            ),
            Mistake(
                "the given labels are not used",
                _from_the_first_samples,
                "Begin with the centroids of the given labels, not with the first K samples.",
            ),
            Mistake(
                "the centroids of the start",
                lambda X, labels, K: (_k_means(X, labels, K)[0], kmeans.centroids(X, labels, K)),
                "Return the centroids of the last round, those of the labels that you return.",
            ),
            Mistake(
                "medians instead of means",
                _k_medians,
                "Step 2(a) takes means. What does your `centroids` compute?",
            ),
            Mistake(
                "centroids first, labels second",
                lambda X, labels, K: _k_means(X, labels, K)[::-1],
                "The contract asks for (labels, M), in this order.",
            ),
        ),
        forbidden=("k_means", "KMeans", "kmeans", "kmeans2", "MiniBatchKMeans", "BisectingKMeans"),
    ),
    Exercise(
        name="linkage_dissimilarity",
        chapter="02_clustering",
        points=2,
        contract="A (a, p), B (b, p), kind -> a number: the dissimilarity of the clusters A and B by Table 10.2, from "
        'Euclidean distances. kind is "complete", "single", "average" or "centroid".',
        reference=linkage.linkage_dissimilarity,
        cases=lambda: (
            [Case(f"{kind} linkage", _A, _B, kind) for kind in linkage.LINKAGES]
            + [
                Case(f"{kind} linkage of 30 and 10 points", _cloud()[0][:30], _cloud()[0][50:], kind)
                for kind in linkage.LINKAGES
            ]
        ),
        hints=(
            "Three of the four begin with the same table: the distances of every member of A from every member of B.",
            "`np.linalg.norm(A[:, None, :] - B[None, :, :], axis=2)` is that table, of shape (a, b).",
            "Centroid linkage needs no table: take the mean of each cluster, then one distance.",
        ),
        mistakes=(
            Mistake(
                "complete and single the wrong way round",
                _other_way_round,
                "Complete linkage asks for the two members farthest apart, single linkage for the two closest.",
            ),
            Mistake(
                "squared distances",
                _of_squares,
                "Table 10.2 is about distances: take the square root, and take it before the average.",
            ),
            Mistake(
                "half-way between the smallest and the largest",
                _middle_of_the_range,
                "Average linkage is the mean of all a b distances, not of two of them.",
            ),
            Mistake(
                "centroid linkage as the average distance",
                lambda A, B, kind: linkage.linkage_dissimilarity(A, B, kind.replace("centroid", "average")),
                "The distance of the means is not the mean of the distances: take the two means first.",
            ),
            Mistake(
                "average linkage as the distance of the means",
                lambda A, B, kind: linkage.linkage_dissimilarity(A, B, kind.replace("average", "centroid")),
                "The mean of the distances is not the distance of the means: measure all pairs first.",
            ),
            Mistake(
                "city-block distances",
                _city_block,
                "The distances are Euclidean: the root of the summed squares, not the sum of absolute values.",
            ),
        ),
        forbidden=("linkage_dissimilarity", "linkage", "agglomerate"),
    ),
    Exercise(
        name="cut_into",
        chapter="02_clustering",
        points=2,
        contract="Z (n - 1, 4), integer K -> labels (n,), integers: the K clusters that there are after the first "
        "n - K fusions, numbered in any way. Row t of Z fuses the clusters Z[t, 0] and Z[t, 1] into cluster n + t.",
        reference=linkage.cut_into,
        cases=lambda: [
            Case("six points, two clusters", linkage.tree(_SIX_IN_PAIRS, "complete"), 2),
            Case("six points, three clusters", linkage.tree(_SIX_IN_PAIRS, "complete"), 3),
            Case("USArrests, six clusters", linkage.tree(_arrests(), "complete"), 6),
            Case("USArrests, a cluster for every state", linkage.tree(_arrests(), "complete"), 50),
        ],
        hints=(
            "At the start every sample is a cluster: `np.arange(n)` says which one it is in.",
            "Fusion t: whoever is in cluster `Z[t, 0]` or in cluster `Z[t, 1]` is now in cluster `n + t`.",
            "Do so for the first n - K rows. `np.unique(..., return_inverse=True)` makes 0, 1, 2, ... of the numbers.",
        ),
        mistakes=(
            Mistake(
                "one fusion too many",
                lambda Z, K: linkage.cut_into(Z, max(K - 1, 1)),
                "Every fusion leaves one cluster less: from n to K it takes n - K of them.",
            ),
            Mistake(
                "one fusion too few",
                lambda Z, K: linkage.cut_into(Z, min(K + 1, len(Z) + 1)),
                "Z has n - 1 rows, so n is `len(Z) + 1`; from n to K clusters it takes n - K fusions.",
            ),
            Mistake(
                "fusions of clusters are skipped",
                _only_samples_join,
                "A number of n or more in Z is a cluster made before: all of its members move.",
            ),
            Mistake(
                "cut at the height K",
                lambda Z, K: linkage.cut_at(Z, K),
                "K counts clusters. The heights in `Z[:, 2]` are not needed: the rows are in order.",
            ),
        ),
        forbidden=("cut_into", "cut_at", "cut_tree", "fcluster", "AgglomerativeClustering"),
        canonical=_numbered_as_they_come,
    ),
)
