"""Linear maps that encode and decode: the L2 loss, the linear autoencoder, PCA's subspace, the upconvolution in 1-d.

The chapter writes these functions with sums and loops. Here the same numbers come by other roads: normal equations, a
pseudo-inverse, SciPy's subspace angles, a matrix and its transpose. NumPy alone, for the sizes of a page. Sources: the
lecture's slides on autoencoders; Bourlard and Kamp, Auto-association by multilayer perceptrons and singular value
decomposition (1988); Baldi and Hornik, Neural networks and principal component analysis (1989); Dumoulin and Visin, A
guide to convolution arithmetic for deep learning (2016).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import subspace_angles


def _matrices(**arrays) -> list[np.ndarray]:
    """The arrays as matrices of floats. Raises ValueError, by name, for another shape, no entries, NaN or infinity."""
    found = []
    for name, array in arrays.items():
        array = np.asarray(array, dtype=float)
        if array.ndim != 2 or array.size == 0:
            raise ValueError(f"{name} has shape {array.shape}; expected a matrix with at least one row and one column")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} contains NaN or infinity; look for the step that made them")
        found.append(array)
    return found


def l2_loss(x, x_hat) -> tuple[float, np.ndarray]:
    """L = (1 / n) sum_i |x_i - x_hat_i|^2 and its gradient dL / dx_hat = (2 / n) (x_hat - x).

    x, x_hat (n, p) -> a number, in squared units of x, and an array (n, p). Raises ValueError for shapes that differ.
    """
    x, x_hat = _matrices(x=x, x_hat=x_hat)
    if x.shape != x_hat.shape:
        raise ValueError(f"x has shape {x.shape} and x_hat {x_hat.shape}; a reconstruction has the shape of its image")
    return float(np.linalg.norm(x_hat - x) ** 2 / len(x)), np.multiply(2 / len(x), np.subtract(x_hat, x))


def optimal_decoder(Z, X) -> tuple[np.ndarray, np.ndarray]:
    """The W (k, p) and b (p,) that minimise sum_i |x_i - (z_i W + b)|^2: W = pinv(Z - z_mean) (X - x_mean).

    Z (n, k) codes, X (n, p). Where the columns of Z depend on each other, W is the one of least size. Raises ValueError
    for different numbers of rows.
    """
    Z, X = _matrices(Z=Z, X=X)
    if len(Z) != len(X):
        raise ValueError(f"Z has {len(Z)} rows and X {len(X)}: a code for each sample is needed")
    z_mean, x_mean = Z.mean(axis=0), X.mean(axis=0)
    W = np.linalg.pinv(Z - z_mean) @ (X - x_mean)
    return W, x_mean - z_mean @ W


def tied_loss(W, X) -> float:
    """(1 / n) sum_i |x_i - x_i W W^T|^2 of an autoencoder that encodes with W (p, k) and decodes with W^T."""
    W, X = _tied(W, X)
    return float(((X - X @ W @ W.T) ** 2).sum() / len(X))


def tied_step(W, X, eta: float) -> np.ndarray:
    """W - eta dL / dW for `tied_loss`: with S = X^T X / n, dL / dW = 2 (S W W^T W + W W^T S W - 2 S W).

    W (p, k), centred data X (n, p), eta > 0 the step size -> W (p, k).
    """
    W, X = _tied(W, X)
    if not 0 < eta < np.inf:
        raise ValueError(f"eta = {eta}; a step size is a positive number")
    SW = X.T @ X @ W / len(X)
    return W - 2 * eta * (SW @ (W.T @ W) + W @ (W.T @ SW) - 2 * SW)


def _tied(W, X) -> list[np.ndarray]:
    W, X = _matrices(W=W, X=X)
    if len(W) != X.shape[1]:
        raise ValueError(f"W has {len(W)} rows and X {X.shape[1]} columns: each row of W belongs to a column of X")
    return [W, X]


def principal_angles(A, B) -> np.ndarray:
    """Angles t_1 <= ... <= t_k, in radians from 0 to pi / 2, between the spaces that the columns of A and B span.

    cos t_j are the singular values of Q_A^T Q_B, for orthonormal bases Q_A, Q_B of the two spaces; small angles are
    taken from their sines, which rounding leaves alone. A (p, k), B (p, m) -> (min(k, m),).

    Raises ValueError for different numbers of rows, and where columns depend on each other. Source: Bjorck and Golub,
    Numerical methods for computing angles between linear subspaces (1973).
    """
    A, B = _matrices(A=A, B=B)
    if len(A) != len(B):
        raise ValueError(f"A has {len(A)} rows and B {len(B)}: both spaces must lie in the same one")
    for name, basis in {"A": A, "B": B}.items():
        if np.linalg.matrix_rank(basis) < basis.shape[1]:
            raise ValueError(f"the columns of {name} depend on each other; leave out those that add no direction")
    return np.sort(subspace_angles(A, B))


def upconvolution(x, w, stride: int) -> np.ndarray:
    """y = C^T x, where C is the matrix of the convolution (C y)_i = sum_j w_j y_{i stride + j}: y_{i stride + j} gains
    w_j x_i.

    x (n,), w (m,), stride >= 1 -> ((n - 1) stride + m,). Raises ValueError for empty or non-finite input.
    """
    x, w = (row[0] for row in _matrices(x=np.atleast_2d(x), w=np.atleast_2d(w)))
    if stride < 1:
        raise ValueError(f"stride = {stride}; a step goes at least one place on")
    C = np.zeros((len(x), (len(x) - 1) * stride + len(w)))
    for i, row in enumerate(C):
        row[i * stride : i * stride + len(w)] = w
    return C.T @ x
