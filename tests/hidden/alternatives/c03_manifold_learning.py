"""Other correct ways to solve 03_manifold_learning. They must keep their points, also in float32; never released."""

import numpy as np
import scipy.linalg
import torch
from scipy.sparse.csgraph import dijkstra, floyd_warshall
from scipy.spatial.distance import cdist

# classical_mds


def mds_by_means(D, k):
    squares = D**2.0
    rows = squares.mean(axis=0)
    B = -(squares - rows - rows[:, None] + rows.mean()) / 2
    values, vectors = np.linalg.eigh(B)
    return (vectors * np.sqrt(values.clip(0)))[:, ::-1][:, :k]


def mds_with_torch(D, k):
    squares = torch.tensor(D) ** 2.0
    H = torch.eye(len(D), dtype=squares.dtype) - 1 / len(D)
    values, vectors = torch.linalg.eigh(-0.5 * H @ squares @ H)
    return (vectors * values.clamp(min=0).sqrt()).flip(1)[:, :k].numpy()


# edge_lengths


def edges_by_loops(X, k):
    n = len(X)
    A = np.full((n, n), np.inf)
    for i in range(n):
        A[i, i] = 0
        others = sorted((j for j in range(n) if j != i), key=lambda j: ((X[i] - X[j]) ** 2).sum())
        for j in others[:k]:
            A[i, j] = A[j, i] = ((X[i] - X[j]) ** 2).sum() ** 0.5
    return A


def edges_by_rank(X, k):
    D = cdist(X, X)
    np.fill_diagonal(D, -1)  # each is the nearest of its own
    near = D.argsort(axis=1).argsort(axis=1) <= k
    np.fill_diagonal(D, 0)
    return np.where(near | near.T, D, np.inf)


# shortest_paths


def paths_by_dijkstra(A):
    return dijkstra(A)


def paths_by_floyd_and_warshall(A):
    return floyd_warshall(A)


def paths_by_doubling(A):
    for _ in range(len(A)):
        A = (A[:, :, None] + A[None]).min(axis=1)
    return A


# lle_weights


def weights_by_multipliers(x, N, reg):
    k = len(N)
    G = (N - x) @ (N - x).T
    system = np.ones((k + 1, k + 1), dtype=G.dtype)
    system[:k, :k] = G + reg * np.trace(G) * np.eye(k, dtype=G.dtype)
    system[k, k] = 0
    return np.linalg.solve(system, np.eye(k + 1, dtype=G.dtype)[k])[:k]


def weights_with_torch(x, N, reg):
    d = torch.tensor(N - x)
    G = d @ d.T
    w = torch.linalg.solve(G + reg * G.trace() * torch.eye(len(G), dtype=G.dtype), torch.ones(len(G), dtype=G.dtype))
    return (w / w.sum()).numpy()


# laplacian_eigenmap


def eigenmap_by_normalising(W, k):
    root = np.sqrt(W.sum(axis=1))
    values, vectors = np.linalg.eigh(np.eye(len(W)) - W / np.outer(root, root))
    return values[1 : k + 1], (vectors / root[:, None])[:, 1 : k + 1]


def eigenmap_by_some_eigenvectors(W, k):
    degrees = np.diag(W.sum(axis=1))
    return scipy.linalg.eigh(degrees - W, degrees, subset_by_index=(1, k))


def eigenmap_with_torch(W, k):
    W = torch.tensor(W)
    root = W.sum(dim=1).sqrt()
    values, vectors = torch.linalg.eigh(W / torch.outer(root, root))
    values, vectors = 1 - values.flip(0), vectors.flip(1) / root[:, None]
    return values[1 : k + 1].numpy(), vectors[:, 1 : k + 1].numpy()


# markov_matrix


def markov_by_loops(K, alpha):
    q = [sum(row) for row in K]
    rows = [[K[i, j] / (q[i] * q[j]) ** alpha for j in range(len(K))] for i in range(len(K))]
    return np.array([[entry / sum(row) for entry in row] for row in rows])


def markov_by_diagonals(K, alpha):
    scale = np.diag(K.sum(axis=1) ** -alpha)
    weighted = scale @ K @ scale
    return np.diag(1 / weighted.sum(axis=1)) @ weighted


def markov_with_torch(K, alpha):
    K = torch.tensor(K)
    weighted = K / K.sum(dim=1) ** alpha  # the factor of the row cancels below
    return (weighted / weighted.sum(dim=1, keepdim=True)).numpy()


ALTERNATIVES = {
    "classical_mds": [mds_by_means, mds_with_torch],
    "edge_lengths": [edges_by_loops, edges_by_rank],
    "shortest_paths": [paths_by_dijkstra, paths_by_floyd_and_warshall, paths_by_doubling],
    "lle_weights": [weights_by_multipliers, weights_with_torch],
    "laplacian_eigenmap": [eigenmap_by_normalising, eigenmap_by_some_eigenvectors, eigenmap_with_torch],
    "markov_matrix": [markov_by_loops, markov_by_diagonals, markov_with_torch],
}
