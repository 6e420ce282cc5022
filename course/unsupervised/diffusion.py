"""Diffusion maps: coordinates in which distance says how hard it is for a random walk to get from here to there.

Sources: the lecture's slide on diffusion maps; R. R. Coifman, S. Lafon, Diffusion maps, Applied and Computational
Harmonic Analysis 21 (2006), 5-30; B. Nadler, S. Lafon, R. R. Coifman, I. G. Kevrekidis, ibid., 113-127.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.spatial.distance import cdist

from course.unsupervised.eigen import leading_eigenpairs
from course.unsupervised.graph import as_points, as_weights, nearest, require_connected
from course.unsupervised.pca import fix_signs

_DENSE = 600  # up to here the kernel is a dense matrix
_CUTOFF = 1e-8  # a kernel value below this is as good as none


@dataclass(frozen=True)
class DiffusionMap:
    """What `diffusion_map` finds.

    lam      (k + 1,) eigenvalues of the Markov matrix P, descending, lam[0] = 1
    psi      (n, k + 1) right eigenvectors of P, psi[:, 0] = 1, with sum_i pi_i psi_ij^2 = 1
    pi       (n,) the stationary distribution: pi P = pi, sum 1
    epsilon  the kernel's width, in squared units of X: the time that one step of the walk takes
    alpha    the power of the density that was divided out
    """

    lam: np.ndarray
    psi: np.ndarray
    pi: np.ndarray
    epsilon: float
    alpha: float

    def coordinates(self, t: float = 1.0) -> np.ndarray:
        """Psi_t(x_i) = (lam_1^t psi_1(i), ..., lam_k^t psi_k(i)), after t steps: (n, k). ValueError for t < 0."""
        if t < 0:
            raise ValueError(f"t = {t}; a walk takes no negative number of steps")
        return np.clip(self.lam[1:], 0, None) ** t * self.psi[:, 1:]

    @property
    def rates(self) -> np.ndarray:
        """(1 - lam_j) / epsilon, (k + 1,): the eigenvalues of the generator (I - P) / epsilon.

        As n grows and epsilon falls they tend to those of -Delta - 2 (1 - alpha) grad(log p) . grad, where p is the
        density of the samples: with alpha = 1 those of the Laplace-Beltrami operator, whatever p is.
        """
        return (1 - self.lam) / self.epsilon


def bandwidth(X, n_neighbors: int = 10) -> float:
    """A width to begin with: an eighth of the mean squared distance to the k-th neighbour, in squared units."""
    lengths, _ = nearest(X, n_neighbors)
    return float(np.mean(lengths[:, -1] ** 2) / 8)


def heat_kernel(X, epsilon: float, cutoff: float = _CUTOFF):
    """K_ij = exp(-|x_i - x_j|^2 / (4 epsilon)): the heat that a point has from another after the time epsilon.

    X (n, p), epsilon > 0 in squared units of X -> K (n, n), entries in [0, 1]. Up to 600 samples dense, and complete.
    Above, sparse, without the entries below `cutoff`: those of samples further apart than
    2 sqrt(epsilon log(1 / cutoff)), which a tree of the samples never looks at.
    Raises ValueError for an epsilon that is not positive, or a cutoff outside (0, 1).
    """
    X = as_points(X)
    if not epsilon > 0 or not np.isfinite(epsilon):
        raise ValueError(f"epsilon = {epsilon}; it is a squared length and must be positive: try bandwidth(X)")
    if not 0 < cutoff < 1:
        raise ValueError(f"cutoff = {cutoff}; kernel values lie between 0 and 1, and so must it")
    if len(X) <= _DENSE:
        return np.exp(cdist(X, X, "sqeuclidean") / (-4 * epsilon))
    from sklearn.neighbors import radius_neighbors_graph

    K = radius_neighbors_graph(X, 2 * np.sqrt(epsilon * np.log(1 / cutoff)), mode="distance")
    K.data = np.exp(K.data**2 / (-4 * epsilon))
    return sparse.csr_array(K.maximum(K.T) + sparse.eye_array(len(X)))


def _without_density(K, alpha: float):
    """K_ij / (q_i q_j)^alpha with q_i = sum_j K_ij."""
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha = {alpha}; 0 keeps the density, 1 divides it out: choose from 0 to 1")
    q = np.asarray(K.sum(axis=1)).ravel()
    if not q.min() > 0:
        raise ValueError("a row of K is zero: that point has nowhere to go; raise epsilon, or drop it")
    power = q**-alpha
    if sparse.issparse(K):
        scale = sparse.diags_array(power)
        return (scale @ K @ scale).tocsr()
    return K * power[:, None] * power


def markov_matrix(K, alpha: float = 1.0):
    """P = D^{-1} K^(alpha), where K^(alpha)_ij = K_ij / (q_i q_j)^alpha, q_i = sum_j K_ij, D = diag of its row sums.

    K (n, n) symmetric, not negative, dense or sparse; 0 <= alpha <= 1 -> P (n, n), entries in [0, 1], rows sum to 1.
    Raises ValueError for another K or alpha, and where a row of K is zero.
    """
    K = _without_density(as_weights(K), alpha)
    degree = np.asarray(K.sum(axis=1)).ravel()
    return (sparse.diags_array(1 / degree) @ K).tocsr() if sparse.issparse(K) else K / degree[:, None]


def diffusion_map(X, epsilon: float | None = None, k: int = 2, alpha: float = 1.0) -> DiffusionMap:
    """The first k nontrivial eigenvectors of the Markov matrix P of a random walk on the samples.

    X (n, p); epsilon the kernel's width, in squared units of X (None: `bandwidth(X)`); alpha as in `markov_matrix`.
    P is similar to the symmetric D^{-1/2} K^(alpha) D^{-1/2}: with its unit eigenvectors u and pi_i = D_i / sum_j D_j,
    psi = u / sqrt(pi). Signs by `fix_signs`. Raises ValueError where the kernel falls into pieces, unless 1 <= k < n,
    and as `heat_kernel` and `markov_matrix` do.
    """
    X = as_points(X)
    n = len(X)
    if not 1 <= k < n:
        raise ValueError(f"k = {k}; {n} points have {n - 1} eigenvectors besides the constant one")
    epsilon = bandwidth(X, min(10, n - 1)) if epsilon is None else float(epsilon)
    kernel = heat_kernel(X, epsilon)
    K = _without_density(kernel, alpha)
    degree = np.asarray(K.sum(axis=1)).ravel()
    root = np.sqrt(degree)
    if sparse.issparse(K):
        scale = sparse.diags_array(1 / root)
        A = (scale @ K @ scale).tocsr()
    else:
        A = K / root[:, None] / root
    lam, U = leading_eigenpairs(A, k + 1)
    if lam[1] > 1 - 1e-6:  # 1 a second time: walks that never meet; or nearly so, and that is looked up
        require_connected(kernel > _CUTOFF, f"the kernel is too narrow: raise epsilon, which is {epsilon:.3g}")
    pi = degree / degree.sum()
    psi = fix_signs(U / np.sqrt(pi)[:, None])
    lam[0], psi[:, 0] = 1, 1
    return DiffusionMap(lam, psi, pi, epsilon, alpha)
