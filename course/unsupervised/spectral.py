"""Locally linear embedding's weights, and the Laplacian eigenmap.

Sources: the lecture's slide on LLE and Laplacian eigenmaps; S. T. Roweis, L. K. Saul, Science 290 (2000), 2323-2326;
M. Belkin, P. Niyogi, Neural Computation 15 (2003), 1373-1396.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import solve

from course.unsupervised.eigen import leading_eigenpairs
from course.unsupervised.graph import as_points, as_weights, nearest, require_connected
from course.unsupervised.pca import fix_signs


def lle_weights(x, N, reg: float = 1e-3) -> np.ndarray:
    """The w that minimises |x - sum_j w_j N_j|^2 + reg trace(G) |w|^2 subject to sum_j w_j = 1.

    x (p,) a sample, N (k, p) its neighbours in rows -> w (k,), without units. G = (N - x)(N - x)^T is the Gram matrix
    of the neighbours seen from x. With k > p it is singular, and only the second term makes w unique. Computed from the
    optimality conditions in one piece: (G + reg trace(G) I) w + mu 1 = 0 and 1^T w = 1.
    Raises ValueError for shapes that do not fit, NaN, reg < 0, or neighbours that all equal x.
    """
    x, N = np.asarray(x, dtype=float), np.asarray(N, dtype=float)
    if x.ndim != 1 or N.ndim != 2 or N.shape[1] != len(x) or len(N) < 1:
        raise ValueError(f"x has shape {x.shape} and N {N.shape}; expected (p,) and (k, p)")
    if not (np.isfinite(x).all() and np.isfinite(N).all()):
        raise ValueError("x or N contains NaN or infinity; drop or impute such samples first")
    if reg < 0:
        raise ValueError(f"reg = {reg}; it multiplies a penalty, and is at least 0")
    k = len(N)
    gram = np.einsum("ip,jp->ij", N - x, N - x)
    if not gram.any():
        raise ValueError("every neighbour is the same point as x; drop duplicates with `np.unique(X, axis=0)`")
    system = np.ones((k + 1, k + 1))
    system[:k, :k] = gram / np.trace(gram) + reg * np.eye(k)
    system[k, k] = 0
    right = np.zeros(k + 1)
    right[k] = 1
    return solve(system, right, assume_a="sym")[:k]


def lle_matrix(X, n_neighbors: int, reg: float = 1e-3) -> sparse.csr_array:
    """M = (I - W)^T (I - W), where row i of W holds the weights that rebuild x_i from its nearest neighbours.

    X (n, p) -> sparse (n, n). LLE's coordinates are the eigenvectors of M with the smallest eigenvalues, the first one,
    constant with eigenvalue 0, left out. Raises ValueError as `nearest` does.
    """
    X = as_points(X)
    _, index = nearest(X, n_neighbors)
    n, k = index.shape
    weights = np.array([lle_weights(X[i], X[index[i]], reg) for i in range(n)])
    W = sparse.csr_array((weights.ravel(), index.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    rest = sparse.eye_array(n) - W
    return (rest.T @ rest).tocsr()


def laplacian(W):
    """L = D - W with D = diag(sum_j W_ij): (n, n) -> (n, n), dense or sparse as W is.

    f^T L f = 1/2 sum_ij W_ij (f_i - f_j)^2. Raises ValueError unless W is symmetric and not negative.
    """
    W = as_weights(W)
    degree = np.asarray(W.sum(axis=1)).ravel()
    return sparse.diags_array(degree).tocsr() - W if sparse.issparse(W) else np.diag(degree) - W


def laplacian_eigenmap(W, k: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """The k solutions of L f = lam D f with the smallest lam, after the constant one: lam (k,) ascending, F (n, k).

    W (n, n) symmetric weights, dense or sparse, of a connected graph. F minimises trace(F^T L F) subject to
    F^T D F = I and F^T D 1 = 0; signs by `fix_signs`. 0 < lam <= 2, without units. With f = D^{-1/2} u the problem is
    D^{-1/2} W D^{-1/2} u = (1 - lam) u, which is symmetric: that is what is solved.
    Raises ValueError where the graph is not connected, and unless 1 <= k < n.
    """
    W = as_weights(W)
    n = W.shape[0]
    if not 1 <= k < n:
        raise ValueError(f"k = {k}; {n} points have {n - 1} eigenvectors besides the constant one")
    require_connected(W, "use more neighbours, or embed each piece by itself")
    root = np.sqrt(np.asarray(W.sum(axis=1)).ravel())
    scale = sparse.diags_array(1 / root)
    A = scale @ W @ scale if sparse.issparse(W) else W / root[:, None] / root
    top, U = leading_eigenpairs(A, k + 1)
    return 1 - top[1:], fix_signs(U[:, 1:] / root[:, None])
