"""The leading eigenvectors of a large symmetric matrix whose largest eigenvalue is known to be 1."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh, splu

_SMALL_SPARSE, _SMALL_DENSE, _FEW = 200, 600, 300
_SHIFT = 1 + 1e-6


def leading_eigenpairs(A, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest eigenvalues (k,), descending, and unit eigenvectors (n, k) of a symmetric A (n, n) <= 1.

    Up to 600 points, 200 where A is sparse, LAPACK does it. Above, ARPACK. The eigenvalues that matter crowd below 1,
    where plain Lanczos is slow. So where A has fewer than 300 entries a row, ARPACK works on (1.000001 I - A)^{-1},
    whose eigenvalues lie far apart, through one sparse factorisation (Cholesky-like: the matrix is positive definite).
    With fuller rows the factorisation would cost more than it saves. The start is fixed: equal calls, equal results.
    """
    n = A.shape[0]
    if n <= max(_SMALL_SPARSE if sparse.issparse(A) else _SMALL_DENSE, 4 * k):
        lam, U = eigh(A.toarray() if sparse.issparse(A) else A, subset_by_index=(n - k, n - 1))
    elif sparse.issparse(A) and A.nnz < _FEW * n:
        start = np.random.default_rng(0).normal(size=n)
        shifted = sparse.csc_array(_SHIFT * sparse.eye_array(n) - A)
        factor = splu(shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True})
        inverse = LinearOperator(A.shape, matvec=lambda v: -factor.solve(v), dtype=float)
        lam, U = eigsh(A, k, sigma=_SHIFT, which="LM", OPinv=inverse, v0=start)
    else:
        start = np.random.default_rng(0).normal(size=n)
        lam, U = eigsh(A, k, which="LA", ncv=min(n, max(40, 2 * k + 1)), v0=start)
    order = np.argsort(lam)[::-1]
    return lam[order], U[:, order]
