"""Principal component analysis, through the singular value decomposition.

The chapter finds the components as eigenvectors of the covariance matrix S. Here the same components come from
X - mean = U diag(d) V^T, where S = V diag(d^2 / (n - 1)) V^T: a second road to the same place, and the steadier one in
floating point. Source: the lecture's slides on PCA; James, Witten, Hastie, Tibshirani, An Introduction to Statistical
Learning, sections 10.2 (first edition) and 12.2 (second).
"""

from __future__ import annotations

import numpy as np


def _matrix(X) -> np.ndarray:
    X = np.asarray(X, dtype=float)
    if X.ndim != 2:
        raise ValueError(f"X has shape {X.shape}; a data matrix has shape (n_samples, n_features)")
    if len(X) < 2:
        raise ValueError(f"X has {len(X)} sample(s); a variance needs at least two")
    if not np.isfinite(X).all():
        raise ValueError("X contains NaN or infinity; drop or impute those rows first")
    return X


def standardise(X) -> np.ndarray:
    """(x_ij - mean_j) / s_j for every column j, with s_j^2 = sum_i (x_ij - mean_j)^2 / (n - 1).

    X (n, p) -> (n, p), each column of mean 0 and variance 1. Raises ValueError where a column is constant.
    """
    X = _matrix(X)
    spread = X.std(axis=0, ddof=1)
    # Rounding leaves a constant column with a spread of a few units in the last place, not exactly zero.
    constant = np.flatnonzero(spread <= 1e-12 * np.abs(X).max(axis=0))
    if constant.size:
        raise ValueError(f"column {constant[0]} is constant and has no spread to divide by; drop it")
    return (X - X.mean(axis=0)) / spread


def covariance(X) -> np.ndarray:
    """S = (1 / (n - 1)) sum_i (x_i - mean)(x_i - mean)^T.   X (n, p) -> S (p, p), symmetric, in squared units of X."""
    return np.atleast_2d(np.cov(_matrix(X), rowvar=False))


def fix_signs(E) -> np.ndarray:
    """Each column of E (p, k) times +1 or -1, so that its entry of largest size is positive.

    An eigenvector is known up to its sign only; this is the sign that scikit-learn's PCA chooses too. Entries within
    one part in a million of the largest count as equal, and the first of them decides. The floating type of E is kept.
    """
    E = np.asarray(E)
    E = E if E.dtype.kind == "f" else E.astype(float)
    size = np.abs(E)
    first = (size >= size.max(axis=0) * (1 - 1e-6)).argmax(axis=0)
    sign = np.sign(E[first, np.arange(E.shape[1])])
    return E * np.where(sign == 0, 1.0, sign)


def principal_components(X) -> tuple[np.ndarray, np.ndarray]:
    """Variances lambda_1 >= lambda_2 >= ... and loadings e_1, e_2, ... of X (n, p).

    Returns lam (p,) in squared units of X, and E (p, p) with the unit vector e_k in column k, signs by `fix_signs`.
    With n <= p samples, the last p - n + 1 variances are zero.
    """
    X = _matrix(X)
    n, p = X.shape
    _, d, Vt = np.linalg.svd(X - X.mean(axis=0), full_matrices=True)
    lam = np.zeros(p)
    lam[: len(d)] = d**2 / (n - 1)
    return lam, fix_signs(Vt.T)


def spectrum(S) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues lam (p,), largest first, and unit eigenvectors E (p, p), in columns, of a symmetric S (p, p)."""
    S = np.asarray(S, dtype=float)
    if S.ndim != 2 or S.shape[0] != S.shape[1] or not np.allclose(S, S.T):
        raise ValueError(f"S has shape {S.shape} and must be square and symmetric; is it the covariance matrix?")
    from scipy.linalg import eigh

    lam, E = eigh(S)
    order = np.argsort(lam)[::-1]
    return lam[order], fix_signs(E[:, order])


def scores(X, E) -> np.ndarray:
    """Z_k = (X - mean) e_k: the coordinates of each sample along the loadings.   (n, p), (p, k) -> (n, k)."""
    X, E = _matrix(X), np.asarray(E, dtype=float)
    return np.einsum("ij,jk->ik", X - X.mean(axis=0), E)


def explained_variance(lam) -> np.ndarray:
    """lambda_k / trace(S): the share of the total variance along each component.   (p,) -> (p,), in [0, 1], sum 1."""
    lam = np.asarray(lam, dtype=float)
    total = lam.sum()
    if total <= 0:
        raise ValueError("the variances add up to zero: every sample is the same point")
    return lam / total


def affine_approximation(X, k: int) -> np.ndarray:
    """mean + sum_{j <= k} z_ij e_j: of all k-dimensional affine subspaces, the one closest to the samples.

    X (n, p) -> (n, p), of rank k about the mean. By Eckart and Young, the squared error summed over all entries is
    (n - 1) (lambda_{k+1} + ... + lambda_p). Raises ValueError unless 0 <= k <= p.
    """
    X = _matrix(X)
    if not 0 <= k <= X.shape[1]:
        raise ValueError(f"k = {k}; the number of components lies between 0 and {X.shape[1]}")
    U, d, Vt = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    return X.mean(axis=0) + (U[:, :k] * d[:k]) @ Vt[:k]


def variance_along(X, direction) -> float:
    """w^T S w / w^T w: the variance of the samples X (n, p) along the direction w (p,), in squared units of X."""
    w = np.asarray(direction, dtype=float)
    if not np.linalg.norm(w) > 0:
        raise ValueError("a direction needs a length: it cannot be the zero vector")
    w = w / np.linalg.norm(w)
    return float(w @ covariance(X) @ w)
