"""Other correct ways to solve 02_clustering. They must keep their points, also in float32; they are never released."""

import itertools

import numpy as np
import torch
from scipy.cluster.hierarchy import DisjointSet
from scipy.spatial.distance import cdist, pdist

# within_cluster_variation


def variation_by_loops(X, labels):
    total = 0.0
    for k in set(labels.tolist()):
        members = [x for x, label in zip(X, labels, strict=True) if label == k]
        total += sum(float(((a - b) ** 2).sum()) for a in members for b in members) / len(members)
    return total


def variation_by_means(X, labels):
    return 2 * sum(((X[labels == k] - X[labels == k].mean(axis=0)) ** 2).sum() for k in np.unique(labels))


def variation_by_variances(X, labels):
    return sum(2 * (labels == k).sum() * X[labels == k].var(axis=0).sum() for k in np.unique(labels))


def variation_by_a_table_of_all_pairs(X, labels):
    same = labels[:, None] == labels
    return (cdist(X, X, "sqeuclidean") * same / same.sum(axis=1)).sum()


def variation_by_unordered_pairs(X, labels):
    return sum(2 * (pdist(X[labels == k]) ** 2).sum() / np.count_nonzero(labels == k) for k in np.unique(labels))


# centroids


def centroids_by_loops(X, labels, K):
    M, sizes = np.zeros((K, X.shape[1]), dtype=X.dtype), [0] * K
    for x, k in zip(X, labels, strict=True):
        M[k] += x
        sizes[k] += 1
    return M / np.array(sizes, dtype=X.dtype)[:, None]


def centroids_by_memberships(X, labels, K):
    member = np.eye(K, dtype=X.dtype)[labels]
    return member.T @ X / member.sum(axis=0)[:, None]


def centroids_by_counting(X, labels, K):
    sums = [np.bincount(labels, weights=column, minlength=K) for column in X.T]
    return np.array(sums).T / np.bincount(labels, minlength=K)[:, None]


def centroids_with_torch(X, labels, K):
    X, labels = torch.tensor(X), torch.tensor(labels)
    return torch.stack([X[labels == k].mean(dim=0) for k in range(K)]).numpy()


# assign


def assigned_one_by_one(X, M):
    labels = np.zeros(len(X), dtype=int)
    for i, x in enumerate(X):
        best = np.inf
        for k, m in enumerate(M):
            distance = np.linalg.norm(x - m)
            if distance < best:
                best, labels[i] = distance, k
    return labels


def assigned_by_a_table(X, M):
    return np.argmin(cdist(X, M), axis=1)


def assigned_by_inner_products(X, M):
    return (X @ M.T - (M**2).sum(axis=1) / 2).argmax(axis=1)


def assigned_as_a_list(X, M):
    return np.array([min(range(len(M)), key=lambda k: ((x - M[k]) ** 2).sum()) for x in X])


def assigned_with_torch(X, M):
    return ((torch.tensor(X)[:, None] - torch.tensor(M)) ** 2).sum(dim=2).min(dim=1).indices.numpy()


# k_means


def k_means_until_the_centroids_stay(X, labels, K):
    M = None
    while True:
        new = centroids_by_memberships(X, labels, K)
        if M is not None and np.array_equal(new, M):
            return labels, M
        M, labels = new, assigned_by_a_table(X, new)


def k_means_by_recursion(X, labels, K):
    M = centroids_by_counting(X, labels, K)
    new = assigned_one_by_one(X, M)
    return (labels, M) if (new == labels).all() else k_means_by_recursion(X, new, K)


def k_means_for_many_rounds(X, labels, K):
    for _ in range(300):
        M = np.array([X[labels == k].mean(axis=0) for k in range(K)])
        labels = assigned_by_a_table(X, M)
    return labels, M


# linkage_dissimilarity


def linkage_by_loops(A, B, kind):
    if kind == "centroid":
        return float(np.sqrt(((sum(A) / len(A) - sum(B) / len(B)) ** 2).sum()))
    distances = [float(np.sqrt(((a - b) ** 2).sum())) for a in A for b in B]
    if kind == "complete":
        return max(distances)
    if kind == "single":
        return min(distances)
    return sum(distances) / len(distances)


def linkage_by_a_table(A, B, kind):
    if kind == "centroid":
        return np.linalg.norm(A.mean(axis=0) - B.mean(axis=0))
    D = cdist(A, B)
    return {"complete": D.max, "single": D.min, "average": D.mean}[kind]()


def linkage_by_pairs(A, B, kind):
    if kind == "centroid":
        A, B = A.mean(axis=0)[None], B.mean(axis=0)[None]
    distances = sorted(np.hypot.reduce(a - b) for a, b in itertools.product(A, B))
    return {"complete": distances[-1], "single": distances[0]}.get(kind, np.mean(distances))


def linkage_with_torch(A, B, kind):
    A, B = torch.tensor(A), torch.tensor(B)
    if kind == "centroid":
        return float((A.mean(dim=0) - B.mean(dim=0)).norm())
    D = (A[:, None] - B).norm(dim=2)
    return float({"complete": D.max(), "single": D.min(), "average": D.mean()}[kind])


# cut_into


def cut_by_lists(Z, K):
    n = len(Z) + 1
    clusters = {i: [i] for i in range(n)}
    for t in range(n - K):
        clusters[n + t] = clusters.pop(int(Z[t, 0])) + clusters.pop(int(Z[t, 1]))
    labels = np.empty(n, dtype=int)
    for number, members in enumerate(clusters.values()):
        labels[members] = number
    return labels


def cut_by_disjoint_sets(Z, K):
    n = len(Z) + 1
    sets = DisjointSet(range(n))
    first = list(range(n))
    for a, b in Z[: n - K, :2].astype(int):
        sets.merge(first[a], first[b])
        first.append(first[a])
    first = [sets[i] for i in range(n)]
    return np.array([first.index(root) for root in first])


def cut_from_above(Z, K):
    n = len(Z) + 1
    top = list(range(2 * n - 1))
    for t in range(n - K - 1, -1, -1):
        top[int(Z[t, 0])] = top[int(Z[t, 1])] = top[n + t]
    return np.array(top[:n])


ALTERNATIVES = {
    "within_cluster_variation": [
        variation_by_loops,
        variation_by_means,
        variation_by_variances,
        variation_by_a_table_of_all_pairs,
        variation_by_unordered_pairs,
    ],
    "centroids": [centroids_by_loops, centroids_by_memberships, centroids_by_counting, centroids_with_torch],
    "assign": [
        assigned_one_by_one,
        assigned_by_a_table,
        assigned_by_inner_products,
        assigned_as_a_list,
        assigned_with_torch,
    ],
    "k_means": [k_means_until_the_centroids_stay, k_means_by_recursion, k_means_for_many_rounds],
    "linkage_dissimilarity": [linkage_by_loops, linkage_by_a_table, linkage_by_pairs, linkage_with_torch],
    "cut_into": [cut_by_lists, cut_by_disjoint_sets, cut_from_above],
}
