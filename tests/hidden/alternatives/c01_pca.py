"""Other correct ways to solve 01_pca. They must keep their points, also in float32; they are never released."""

import numpy as np
import scipy.linalg
import torch

# standardise


def column_by_column(X):
    Z = np.empty_like(X)
    for j in range(X.shape[1]):
        mean = sum(X[:, j]) / len(X)
        variance = sum((x - mean) ** 2 for x in X[:, j]) / (len(X) - 1)
        Z[:, j] = (X[:, j] - mean) / variance**0.5
    return Z


def by_lengths(X):
    centred = X - np.mean(X, axis=0, keepdims=True)
    return centred / np.linalg.norm(centred, axis=0) * np.sqrt(len(X) - 1)


def standardised_with_torch(X):
    X = torch.tensor(X)
    return ((X - X.mean(dim=0)) / X.std(dim=0)).numpy()


# covariance


def covariance_by_loops(X):
    n, p = X.shape
    mean = [sum(X[:, j]) / n for j in range(p)]
    S = np.zeros((p, p))
    for j in range(p):
        for k in range(p):
            S[j, k] = sum((X[i, j] - mean[j]) * (X[i, k] - mean[k]) for i in range(n)) / (n - 1)
    return S


def outer_products(X):
    centred = X - X.mean(axis=0)
    return sum(np.outer(x, x) for x in centred) / (len(X) - 1)


def by_einsum(X):
    centred = X - X.mean(axis=0)
    return np.einsum("ij,ik->jk", centred, centred) / (len(X) - 1)


def pairs_of_samples(X):
    d = X[:, None] - X
    return np.einsum("abj,abk->jk", d, d) / (2 * len(X) * (len(X) - 1))


def from_singular_values(X):
    _, d, Vt = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    return (Vt.T * d**2) @ Vt / (len(X) - 1)


def covariance_with_torch(X):
    centred = torch.tensor(X - X.mean(axis=0))
    return (centred.T @ centred / (len(X) - 1)).numpy()


# spectrum


def general_solver(S):
    lam, E = np.linalg.eig(S)
    order = np.argsort(-lam.real)
    return lam.real[order], E.real[:, order]


def jacobi_rotations(S):
    A, E = S.astype(float), np.eye(len(S))
    for _ in range(30):
        for i in range(len(S)):
            for j in range(i):
                angle = 0.5 * np.arctan2(2 * A[i, j], A[j, j] - A[i, i])
                turn = np.eye(len(S))
                turn[i, i] = turn[j, j] = np.cos(angle)
                turn[j, i], turn[i, j] = np.sin(angle), -np.sin(angle)
                A, E = turn @ A @ turn.T, E @ turn.T
    order = np.argsort(np.diag(A))[::-1]
    return np.diag(A)[order], E[:, order]


def signs_turned(S):
    lam, E = scipy.linalg.eigh(-S)
    return -lam, -E


def spectrum_with_torch(S):
    lam, E = torch.linalg.eigh(torch.tensor(S))
    return lam.flip(0).numpy(), E.flip(1).numpy()


# scores


def scores_by_loops(X, E):
    Z = np.zeros((len(X), E.shape[1]))
    for i, x in enumerate(X - np.mean(X, axis=0)):
        for k in range(E.shape[1]):
            Z[i, k] = sum(x * E[:, k])
    return Z


def centred_afterwards(X, E):
    Z = X @ E
    return Z - Z.mean(axis=0)


def component_by_component(X, E):
    centred = X - X.mean(axis=0)
    return np.column_stack([np.dot(centred, e) for e in E.T])


# explained_variance


def shares_by_loops(lam):
    total = 0.0
    for variance in lam:
        total += variance
    return np.array([variance / total for variance in lam])


def by_the_trace(lam):
    return np.diag(np.diag(lam) / np.trace(np.diag(lam)))


def by_length(lam):
    return lam / np.linalg.norm(lam, 1)


# affine_approximation


def projector(X, k):
    mean = X.mean(axis=0)
    centred = X - mean
    E = np.linalg.eigh(centred.T @ centred)[1][:, X.shape[1] - k :]
    return mean + centred @ (E @ E.T)


def from_inner_products(X, k):
    centred = X - X.mean(axis=0)
    U = np.linalg.eigh(centred @ centred.T)[1][:, ::-1][:, :k]
    return X.mean(axis=0) + U @ (U.T @ centred)


def one_direction_after_another(X, k):
    rest = X - X.mean(axis=0)
    for _ in range(k):
        e = np.linalg.eigh(rest.T @ rest)[1][:, -1]
        rest = rest - np.outer(rest @ e, e)
    return X - rest


ALTERNATIVES = {
    "standardise": (column_by_column, by_lengths, standardised_with_torch),
    "covariance": (
        covariance_by_loops,
        outer_products,
        by_einsum,
        pairs_of_samples,
        from_singular_values,
        covariance_with_torch,
    ),
    "spectrum": (general_solver, jacobi_rotations, signs_turned, spectrum_with_torch),
    "scores": (scores_by_loops, centred_afterwards, component_by_component),
    "explained_variance": (shares_by_loops, by_the_trace, by_length),
    "affine_approximation": (projector, from_inner_products, one_direction_after_another),
}
