"""Classical multidimensional scaling, and ISOMAP: the same with the distances of a walker on the surface.

Sources: the lecture's slide on MDS and ISOMAP; W. S. Torgerson, Psychometrika 17 (1952), 401-419; I. J. Schoenberg,
Annals of Mathematics 36 (1935), 724-732; J. B. Tenenbaum, V. de Silva, J. C. Langford, Science 290 (2000), 2319-2323.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh

from course.unsupervised.graph import as_distances, geodesic_distances, neighbour_graph
from course.unsupervised.pca import fix_signs

_SMALL = 200  # below this size LAPACK finds all eigenvectors before ARPACK has found two


def double_centred(D) -> np.ndarray:
    """B = -1/2 H (d_ij^2) H with H = I - 11^T / n: the inner products of the centred points, if D is Euclidean.

    D (n, n) -> B (n, n), symmetric, in squared units of D; its rows add up to 0. H is never formed: it takes off means.
    """
    B = as_distances(D) ** 2
    means = B.mean(axis=0)
    B -= means
    B -= means[:, None] - means.mean()
    B *= -0.5
    return B


def classical_mds(D, k: int = 2) -> np.ndarray:
    """The coordinates Z = U_k diag(lam_1, ..., lam_k)^(1/2), where lam and U are the leading eigenpairs of B.

    D (n, n) distances -> Z (n, k), in the units of D, columns of mean 0 and falling variance, signs by `fix_signs`.
    Z minimises |B - Z Z^T| (Frobenius) over all Z of k columns. An eigenvalue that is not positive has no square root:
    its column is 0. Above 200 points only k eigenvectors are computed (Lanczos, from a fixed start).
    Raises ValueError for a D that is not a matrix of distances, and unless 1 <= k < n.
    """
    B = double_centred(D)
    n = len(B)
    if not 1 <= k < n:
        raise ValueError(f"k = {k}; {n} points fit into {n - 1} dimensions, so 1 <= k <= {n - 1}")
    if n <= max(_SMALL, 4 * k):
        lam, U = eigh(B, subset_by_index=(n - k, n - 1))
    else:
        lam, U = eigsh(B, k, which="LA", v0=np.random.default_rng(0).normal(size=n))
    order = np.argsort(lam)[::-1]
    lam, U = lam[order], U[:, order]
    lam = np.where(lam > 1e-12 * n * abs(lam[0]), lam, 0)
    return fix_signs(U * np.sqrt(lam))


def isomap(X, n_neighbors: int, k: int = 2) -> np.ndarray:
    """Classical MDS of the shortest paths in the neighbour graph: X (n, p) -> Z (n, k), in the units of X.

    Raises ValueError where the graph is not connected, and as `neighbour_graph` does.
    """
    return classical_mds(geodesic_distances(neighbour_graph(X, n_neighbors)), k)
