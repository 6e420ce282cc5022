"""The exercises of 03_manifold_learning."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh
from scipy.spatial.distance import cdist

from course.lab.exercise import Case, Exercise, Mistake
from course.unsupervised import diffusion, graph, mds, spectral
from course.unsupervised.pca import fix_signs

_LINE = np.array([[0.0], [1.0], [3.0], [7.0]])
_TRIANGLE = np.array([[0.0, 3.0, 4.0], [3.0, 0.0, 5.0], [4.0, 5.0, 0.0]])
# Five towns on one road, numbered out of order: 0 - 3 - 1 - 4 - 2, and a by-road 0 - 1 that is longer than the road.
_ROAD = np.full((5, 5), np.inf)
for _i, _j, _length in ((0, 3, 1.0), (3, 1, 2.0), (1, 4, 1.5), (4, 2, 2.5), (0, 1, 4.0)):
    _ROAD[_i, _j] = _ROAD[_j, _i] = _length
np.fill_diagonal(_ROAD, 0)


def _cloud(n: int = 9, p: int = 3) -> np.ndarray:
    """A few points of no simple form, spread differently along every axis."""
    return np.random.default_rng(3).normal(size=(n, p)) * np.array([3.0, 1.7, 0.8])[:p]


def _weights(n: int = 6) -> np.ndarray:
    """Symmetric weights of a connected graph of n points, all different, 0 on the diagonal."""
    W = np.random.default_rng(5).uniform(0.1, 2, size=(n, n))
    return np.triu(W, 1) + np.triu(W, 1).T


def _kernel(n: int = 6) -> np.ndarray:
    return np.exp(-cdist(_cloud(n), _cloud(n), "sqeuclidean") / 8)


def _signed(result):
    """(lam, F) with the signs of the eigenvectors settled."""
    lam, F = result
    return lam, fix_signs(F)


# Mistakes, each made from the course's own functions.


def _scaled(D: np.ndarray, k: int, power: float) -> np.ndarray:
    """MDS with lam^power in the place of lam^(1/2)."""
    Z = mds.classical_mds(D, k)
    return Z * (Z**2).sum(axis=0) ** (power - 0.5)


def _centred_once(D: np.ndarray, k: int) -> np.ndarray:
    B = D**2 / -2
    lam, U = eigh(B - B.mean(axis=0))
    return U[:, ::-1][:, :k] * np.sqrt(np.clip(lam[::-1][:k], 0, None))


def _directed(X: np.ndarray, k: int) -> np.ndarray:
    """A[i, j] for the k nearest j of i only."""
    lengths, index = graph.nearest(X, k)
    A = np.full((len(X), len(X)), np.inf)
    np.put_along_axis(A, index, lengths, axis=1)
    np.fill_diagonal(A, 0)
    return A


def _two_edges(A: np.ndarray) -> np.ndarray:
    return (A[:, :, None] + A[None, :, :]).min(axis=1)


def _hops(A: np.ndarray) -> np.ndarray:
    return graph.shortest_paths(np.where(np.isfinite(A) & (A > 0), 1.0, A))


def _loops_inside_out(A: np.ndarray) -> np.ndarray:
    """Floyd and Warshall's three loops with the stop in the innermost: some paths are looked at too early."""
    short = np.array(A)
    n = len(short)
    for start in range(n):
        for end in range(n):
            short[start, end] = min(short[start, stop] + short[stop, end] for stop in range(n))
    return short


def _barycentric(gram: np.ndarray) -> np.ndarray:
    w = np.linalg.lstsq(gram, np.ones(len(gram)), rcond=None)[0]
    return w / np.sum(w)


def _gram(x: np.ndarray, N: np.ndarray) -> np.ndarray:
    return np.einsum("ip,jp->ij", N - x, N - x)


def _normalised(W: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors u of D^{-1/2} L D^{-1/2}, not carried back to f = D^{-1/2} u."""
    lam, F = spectral.laplacian_eigenmap(W, k)
    return lam, F * np.sqrt(W.sum(axis=1))[:, None]


def _unweighted(W: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    lam, F = eigh(spectral.laplacian(W))
    return lam[1 : k + 1], F[:, 1 : k + 1]


def _with_constant(W: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    lam, F = eigh(spectral.laplacian(W), np.diag(W.sum(axis=1)))
    return lam[:k], F[:, :k]


def _largest(W: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    lam, F = eigh(spectral.laplacian(W), np.diag(W.sum(axis=1)))
    return lam[::-1][:k], F[:, ::-1][:, :k]


def _old_degrees(K: np.ndarray, alpha: float) -> np.ndarray:
    q = K.sum(axis=0)
    return K / np.outer(q, q) ** alpha / q[:, None]


def _symmetric(K: np.ndarray, alpha: float) -> np.ndarray:
    q = K.sum(axis=0)
    K = K / np.outer(q, q) ** alpha
    root = np.sqrt(K.sum(axis=0))
    return K / np.outer(root, root)


def _multiplied(K: np.ndarray, alpha: float) -> np.ndarray:
    q = K.sum(axis=0)
    K = K * np.outer(q, q) ** alpha
    return K / K.sum(axis=1)[:, None]


EXERCISES = (
    Exercise(
        name="classical_mds",
        chapter="03_manifold_learning",
        points=3,
        contract="D (n, n) distances, integer k -> Z (n, k): coordinates whose distances come close to D, the "
        "columns of mean 0 and falling variance.",
        reference=mds.classical_mds,
        cases=lambda: [
            Case("the triangle with sides 3, 4, 5", _TRIANGLE, 2),
            Case("nine points in space, k = 3", cdist(_cloud(), _cloud()), 3),
            Case("the same in two dimensions", cdist(_cloud(), _cloud()), 2),
        ],
        hints=(
            "Three steps: square the distances, centre rows and columns to get B, and take the square root of B.",
            "`B = -H D2 H / 2`, where D2 holds the squared distances and H is the identity minus 1/n everywhere.",
            "`np.linalg.eigh(B)` sorts upwards: the k largest eigenvalues are the last k. Turn them round.",
            "Column j of Z is the j-th eigenvector times the square root of its eigenvalue.",
        ),
        mistakes=(
            Mistake(
                "the distances are not squared",
                lambda D, k: mds.classical_mds(np.sqrt(D), k),
                "The formula for B has the squared distances in it: centring turns squares into inner products.",
            ),
            Mistake(
                "unit eigenvectors",
                lambda D, k: _scaled(D, k, 0.0),
                "An eigenvector has length 1 whatever the size of the data: multiply by the root of its eigenvalue.",
            ),
            Mistake(
                "multiplied by the eigenvalue",
                lambda D, k: _scaled(D, k, 1.0),
                "B is Z times its transpose, so each factor gets the square root of the eigenvalue.",
            ),
            Mistake(
                "the factor 1/2 is missing",
                lambda D, k: np.sqrt(2) * mds.classical_mds(D, k),
                "Squared distances hold every inner product twice: B has the factor -1/2.",
            ),
            Mistake(
                "smallest of the k first",
                lambda D, k: mds.classical_mds(D, k)[:, ::-1],
                "`eigh` sorts upwards. The first coordinate has the largest eigenvalue: turn the columns round.",
            ),
            Mistake(
                "centred on one side only",
                _centred_once,
                "H stands on both sides: take off the means of the columns and those of the rows.",
            ),
        ),
        forbidden=("MDS", "ClassicalMDS", "PCA", "smacof", "classical_mds", "double_centred", "isomap"),
        canonical=fix_signs,
    ),
    Exercise(
        name="edge_lengths",
        chapter="03_manifold_learning",
        points=2,
        contract="X (n, p), integer k -> A (n, n): the distance of i and j where one of them is among the k nearest "
        "of the other, infinity where not, 0 on the diagonal.",
        reference=graph.edge_lengths,
        cases=lambda: [
            Case("four points on a line, k = 1", _LINE, 1),
            Case("nine points in space, k = 3", _cloud(), 3),
        ],
        hints=(
            "First all distances, an n by n matrix. Then decide, for every pair, whether it is an edge.",
            "`D.argsort(axis=1)` sorts every row; its first column is the point itself, at distance 0.",
            "Begin with `np.full((n, n), np.inf)` and copy the edges into it.",
            "One of the two is enough: the minimum of A and its transpose has an edge wherever one of them has.",
        ),
        mistakes=(
            Mistake(
                "an edge in one direction only",
                _directed,
                "j may be near i without i being near j. One of the two is enough, and then the edge goes both ways.",
            ),
            Mistake(
                "both must be near each other",
                lambda X, k: np.maximum(_directed(X, k), _directed(X, k).T),
                "The contract says one of them, not both: take the minimum with the transpose, not the maximum.",
            ),
            Mistake(
                "every point counts itself as a neighbour",
                lambda X, k: graph.edge_lengths(X, k - 1) if k > 1 else np.where(np.eye(len(X)) > 0, 0.0, np.inf),
                "The nearest point of all is the point itself, at distance 0: leave it out, and take k others.",
            ),
            Mistake(
                "squared distances",
                lambda X, k: graph.edge_lengths(X, k) ** 2,
                "Lengths add up along a path, squares do not: take the root.",
            ),
            Mistake(
                "0 where there is no edge",
                lambda X, k: np.nan_to_num(graph.edge_lengths(X, k), posinf=0.0),
                "No edge means no way: its length is infinite, `np.inf`. At length 0 the points would be the same.",
            ),
        ),
        forbidden=(
            "kneighbors_graph",
            "NearestNeighbors",
            "kneighbors",
            "KDTree",
            "cKDTree",
            "BallTree",
            "edge_lengths",
            "neighbour_graph",
            "nearest",
        ),
    ),
    Exercise(
        name="shortest_paths",
        chapter="03_manifold_learning",
        points=2,
        contract="A (n, n) edge lengths, infinity where there is no edge -> G (n, n): the length of the shortest path "
        "from i to j, infinity where there is none.",
        reference=graph.shortest_paths,
        cases=lambda: [
            Case("five towns", _ROAD),
            Case("nine points in space, two neighbours each", graph.edge_lengths(_cloud(), 2)),
        ],
        hints=(
            "A way from i to j by way of m is as long as the way from i to m plus the way from m to j.",
            "Allow one more stop m at a time, and ask for all pairs at once whether it shortens their way.",
            "`G[:, [m]] + G[[m], :]` holds the ways by way of m: an n by n matrix. Do so for every m in turn.",
            "Work on a copy of A. Or look up `shortest_path` in `scipy.sparse.csgraph`.",
        ),
        mistakes=(
            Mistake(
                "paths of two edges at most",
                _two_edges,
                "A path may have many stops: repeat the step for every m, each time with the ways found so far.",
            ),
            Mistake(
                "edges counted instead of added up",
                _hops,
                "An edge counts as much as it is long.",
            ),
            Mistake(
                "the edges as they were",
                lambda A: A * 1.0,
                "These are the direct ways. Ask for every stop m whether the way by m is shorter.",
            ),
            Mistake(
                "the loop over the stops is the innermost",
                _loops_inside_out,
                "The stop m belongs to the outermost loop: only then are the ways to m final when they are used.",
            ),
        ),
        forbidden=("shortest_paths", "geodesic_distances", "isomap", "Isomap"),
    ),
    Exercise(
        name="lle_weights",
        chapter="03_manifold_learning",
        points=3,
        contract="x (p,), its neighbours N (k, p), reg -> w (k,): the weights with sum 1 that minimise "
        "|x - sum_j w_j N_j|^2 + reg trace(G) |w|^2, where G_ij = (N_i - x)^T (N_j - x).",
        reference=spectral.lle_weights,
        cases=lambda: [
            Case("two neighbours in space", _cloud()[0], _cloud()[1:3], 0.1),
            Case("a point in the plane with five neighbours", _cloud(9, 2)[0], _cloud(9, 2)[1:6], 1e-3),
        ],
        hints=(
            "If the weights add up to 1, x minus the weighted sum is the weighted sum of `x - N_j`.",
            "So the error is the quadratic form of w with the Gram matrix G of the rows of `N - x`.",
            "Minimise it with the sum fixed: G, plus `reg * trace(G)` on its diagonal, times w is a constant vector.",
            "Solve with a vector of ones on the right, then divide the solution by its sum.",
        ),
        mistakes=(
            Mistake(
                "the weights do not add up to 1",
                lambda x, N, reg: np.linalg.solve(
                    _gram(x, N) + np.diag(np.full(len(N), reg * np.trace(_gram(x, N)))), np.ones(len(N))
                ),
                "The constant on the right is fixed by the condition: divide the solution by its sum.",
            ),
            Mistake(
                "no regularisation",
                lambda x, N, reg: _barycentric(_gram(x, N)),
                "Without the penalty, more neighbours than dimensions leave w undecided: add `reg * trace(G)`.",
            ),
            Mistake(
                "reg without the trace",
                lambda x, N, reg: _barycentric(_gram(x, N) + np.diag(np.full(len(N), reg))),
                "The contract's penalty is `reg * trace(G)`: then the weights do not depend on the units of X.",
            ),
            Mistake(
                "the trace divided by k",
                lambda x, N, reg: spectral.lle_weights(x, N, reg / len(N)),
                "Some books use trace(G) / k; the contract, and scikit-learn, use the trace itself.",
            ),
            Mistake(
                "neighbours not seen from x",
                lambda x, N, reg: spectral.lle_weights(np.zeros_like(x), N, reg),
                "G holds the inner products of `N - x`: subtract x from every neighbour first.",
            ),
        ),
        forbidden=("barycenter_weights", "barycenter_kneighbors_graph", "LocallyLinearEmbedding", "lle_weights"),
    ),
    Exercise(
        name="laplacian_eigenmap",
        chapter="03_manifold_learning",
        points=3,
        contract="W (n, n) symmetric weights, integer k -> (lam, F): the k smallest eigenvalues (k,) of L f = lam D f "
        "after lam = 0, ascending, and F (n, k), an eigenvector in each column, with F^T D F = I.",
        reference=spectral.laplacian_eigenmap,
        cases=lambda: [
            Case("three points in a row", np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 0.0]]), 2),
            Case("six points, all joined", _weights(), 2),
        ],
        hints=(
            "D is diagonal and holds the sums of the rows of W; L is D minus W.",
            "`scipy.linalg.eigh(L, D)` solves the generalised problem, and scales the eigenvectors as wanted.",
            "The first eigenvector is constant, with eigenvalue 0: it says nothing. Take the k after it.",
        ),
        mistakes=(
            Mistake(
                "the constant eigenvector is kept",
                _with_constant,
                "L times a constant vector is 0: the first solution is always there, and the same for every point.",
            ),
            Mistake(
                "D is left out of the problem",
                _unweighted,
                "These are the eigenvectors of L itself; the contract's problem has D on the right-hand side.",
            ),
            Mistake(
                "the largest eigenvalues",
                _largest,
                "Neighbours shall stay together: the sum to be minimised is lam, so take the smallest.",
            ),
            Mistake(
                "not carried back from the symmetric problem",
                _normalised,
                "With f = D^(-1/2) u the problem becomes symmetric in u; in the end, turn u into f again.",
            ),
            Mistake(
                "columns of length 1",
                lambda W, k: (
                    spectral.laplacian_eigenmap(W, k)[0],
                    (lambda F: F / np.linalg.norm(F, axis=0))(spectral.laplacian_eigenmap(W, k)[1]),
                ),
                "The scale is fixed by F^T D F = I, where a point counts as much as its degree.",
            ),
        ),
        forbidden=("SpectralEmbedding", "spectral_embedding", "laplacian_eigenmap", "leading_eigenpairs"),
        canonical=_signed,
    ),
    Exercise(
        name="markov_matrix",
        chapter="03_manifold_learning",
        points=2,
        contract="K (n, n) a symmetric kernel, alpha -> P (n, n): K_ij / (q_i q_j)^alpha with q_i = sum_j K_ij, and "
        "then each row divided by its sum.",
        reference=diffusion.markov_matrix,
        cases=lambda: [
            Case("six points, alpha = 1", _kernel(), 1.0),
            Case("six points, alpha = 1/2", _kernel(), 0.5),
            Case("six points, alpha = 0", _kernel(), 0.0),
        ],
        hints=(
            "Two divisions, one after the other: the first takes the density out, the second makes probabilities.",
            "`np.outer(q, q)` holds all the products of two entries of q.",
            "The second division uses the row sums of the new matrix, not those of K; `keepdims=True` helps.",
        ),
        mistakes=(
            Mistake(
                "the density was not divided out",
                lambda K, alpha: diffusion.markov_matrix(K, 0.0),
                "This is the walk for alpha = 0: first divide by the products of q, to the power alpha.",
            ),
            Mistake(
                "the columns add up to 1",
                lambda K, alpha: diffusion.markov_matrix(K, alpha).T,
                "Row i holds the probabilities of the next step from i: it is the rows that add up to 1.",
            ),
            Mistake(
                "divided by the old row sums",
                _old_degrees,
                "After the first division the row sums are new ones: compute them again.",
            ),
            Mistake(
                "symmetric",
                _symmetric,
                "The symmetric matrix has the same eigenvalues, but no walk: its rows do not add up to 1.",
            ),
            Mistake(
                "multiplied by the density",
                _multiplied,
                "Where there are many points, q is large; to make up for it, divide.",
            ),
        ),
        forbidden=("markov_matrix", "diffusion_map"),
    ),
)
