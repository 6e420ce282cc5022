from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from scipy.sparse.csgraph import floyd_warshall
from scipy.spatial.distance import cdist
from sklearn.manifold import SpectralEmbedding
from sklearn.neighbors import kneighbors_graph

exercise = pytest.mark.exercise

# No contract promises float64. The tolerances are ones that an honest computation in float32 keeps, on samples with
# coordinates of about 10 and squared distances of a few hundred; the registered mistakes change results by far more.
SMALL, ROUGH = 1e-4, 1e-2


def cloud(rng, n=20, p=3):
    """Samples with a spread of their own along every axis."""
    return rng.normal(size=(n, p)) @ np.diag([5.0, 3.0, 1.5, 0.7][:p]) + rng.uniform(-4, 4, size=p)


def distances(X):
    return cdist(X, X)


def weights(rng, n=9):
    """Symmetric weights of a connected graph, a quarter of its edges missing, 0 on the diagonal."""
    W = rng.uniform(0.2, 3, size=(n, n)) * (rng.random((n, n)) > 0.25)
    W = np.triu(W, 1)
    W[np.arange(n - 1), np.arange(1, n)] += 0.5  # a chain through all points
    return W + W.T


def edges(rng, n=14):
    """Lengths of the edges of a random connected graph, inf where there is none."""
    A = np.where(rng.random((n, n)) < 0.15, rng.uniform(0.5, 4, size=(n, n)), np.inf)
    A = np.triu(A, 1) + np.tril(np.full((n, n), np.inf))
    chain = rng.permutation(n)
    low, high = np.minimum(chain[:-1], chain[1:]), np.maximum(chain[:-1], chain[1:])
    A[low, high] = rng.uniform(0.5, 2, size=n - 1)
    A = np.minimum(A, A.T)
    np.fill_diagonal(A, 0)
    return A


# classical MDS


@exercise("classical_mds")
def test_enough_dimensions_give_the_distances_back(submission, rng):
    """Points in three dimensions, found again with k = 3, have the distances that were given."""
    D = distances(cloud(rng))
    np.testing.assert_allclose(distances(submission.classical_mds(D, 3)), D, atol=ROUGH)


@exercise("classical_mds")
def test_mds_of_euclidean_distances_is_pca(submission, rng):
    """On Euclidean distances, the coordinates are the scores of the first k principal components, signs apart."""
    X = cloud(rng, p=4)
    U, d, _ = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(submission.classical_mds(distances(X), 2)), np.abs(U * d)[:, :2], atol=ROUGH)


@exercise("classical_mds")
def test_coordinates_are_centred_and_uncorrelated(submission, rng):
    """The columns have mean 0, fall in variance, and are uncorrelated."""
    Z = submission.classical_mds(distances(cloud(rng, p=4)), 3)
    assert Z.shape == (20, 3)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=ROUGH)
    product = Z.T @ Z
    np.testing.assert_allclose(product, np.diag(np.diag(product)), atol=SMALL * product.max())
    assert (np.diff(np.diag(product)) < 0).all()


@exercise("classical_mds")
def test_units_carry_over(submission, rng):
    """Distances in other units, all times one number, give coordinates times that number."""
    D = distances(cloud(rng))
    np.testing.assert_allclose(
        np.abs(submission.classical_mds(10 * D, 2)), 10 * np.abs(submission.classical_mds(D, 2)), atol=10 * ROUGH
    )


# neighbour graph


@exercise("edge_lengths")
def test_the_graph_is_that_of_a_library(submission, rng):
    """The edges and their lengths are those of scikit-learn's neighbour graph, joined with its transpose."""
    X = cloud(rng)
    for k in (1, 3):
        one_way = kneighbors_graph(X, k, mode="distance").toarray()
        wanted = np.maximum(one_way, one_way.T)
        wanted[wanted == 0] = np.inf
        np.fill_diagonal(wanted, 0)
        np.testing.assert_allclose(submission.edge_lengths(X, k), wanted, rtol=SMALL)


@exercise("edge_lengths")
def test_edges_go_both_ways(submission, rng):
    """The matrix is symmetric, its diagonal is 0, and every point has at least k edges."""
    A = submission.edge_lengths(cloud(rng), 2)
    np.testing.assert_allclose(A, A.T, rtol=SMALL)
    np.testing.assert_array_equal(np.diag(A), 0)
    assert (np.isfinite(A).sum(axis=1) >= 3).all()
    assert np.isinf(A).any()


@exercise("edge_lengths")
def test_a_far_point_is_joined_too(submission, rng):
    """A point far from all others has edges to its k nearest, though it is near to none of them."""
    X = np.vstack([rng.uniform(size=(12, 2)), [[50.0, 80.0]]])
    A = submission.edge_lengths(X, 2)
    assert np.isfinite(A[12]).sum() == 3
    assert np.isfinite(A[:, 12]).sum() == 3
    np.testing.assert_allclose(np.sort(A[12])[1:3], np.sort(cdist(X[12:], X[:12])[0])[:2], rtol=SMALL)


@exercise("edge_lengths")
def test_all_neighbours_give_all_distances(submission, rng):
    """With k = n - 1 every pair is joined, and the matrix is that of all distances."""
    X = cloud(rng, n=7)
    np.testing.assert_allclose(submission.edge_lengths(X, 6), distances(X), atol=ROUGH)


# shortest paths


@exercise("shortest_paths")
def test_paths_are_those_of_a_library(submission, rng):
    """The lengths are those that SciPy finds."""
    for _ in range(3):
        A = edges(rng)
        np.testing.assert_allclose(submission.shortest_paths(A), floyd_warshall(A), rtol=SMALL)


@exercise("shortest_paths")
def test_numbering_does_not_matter(submission, rng):
    """The same graph with its points numbered in another order has the same paths."""
    A = edges(rng)
    order = rng.permutation(len(A))
    np.testing.assert_allclose(
        submission.shortest_paths(A[np.ix_(order, order)]),
        submission.shortest_paths(A)[np.ix_(order, order)],
        rtol=SMALL,
    )


@exercise("shortest_paths")
def test_a_road_adds_up(submission, rng):
    """Along a single road, the way between two towns is the sum of the stretches between them."""
    place = np.cumsum(rng.uniform(1, 5, size=10))
    shuffled = place[rng.permutation(10)]
    A = np.full((10, 10), np.inf)
    order = shuffled.argsort()
    for i, j in pairwise(order):
        A[i, j] = A[j, i] = abs(shuffled[i] - shuffled[j])
    np.fill_diagonal(A, 0)
    np.testing.assert_allclose(submission.shortest_paths(A), np.abs(shuffled[:, None] - shuffled), atol=ROUGH)


@exercise("shortest_paths")
def test_pieces_stay_apart(submission, rng):
    """Between two pieces without an edge between them the distance is infinite; within each it is as if alone."""
    A, B = edges(rng, 6), edges(rng, 5)
    both = np.full((11, 11), np.inf)
    both[:6, :6], both[6:, 6:] = A, B
    G = submission.shortest_paths(both)
    assert np.isinf(G[:6, 6:]).all()
    assert np.isinf(G[6:, :6]).all()
    np.testing.assert_allclose(G[:6, :6], floyd_warshall(A), rtol=SMALL)


# LLE's weights


@exercise("lle_weights")
def test_weights_solve_the_least_squares_problem(submission, rng):
    """The weights solve the penalised least-squares problem, with fewer neighbours than dimensions or more."""
    X = cloud(rng)
    for k, reg in ((2, 0.05), (6, 1e-3), (4, 0.5)):
        x, N = X[0], X[1 : k + 1]
        penalty = np.sqrt(reg * ((N - x) ** 2).sum())
        system = np.vstack([(N - x).T, penalty * np.eye(k)])
        even = np.full(k, 1 / k)
        free = np.linalg.svd(np.ones((1, k)))[2][1:].T  # the directions in which the sum stays 1
        wanted = even - free @ np.linalg.lstsq(system @ free, system @ even, rcond=None)[0]
        np.testing.assert_allclose(submission.lle_weights(x, N, reg), wanted, atol=2e-3)


@exercise("lle_weights")
def test_weights_add_up_to_one(submission, rng):
    """The weights add up to 1, whatever their number."""
    X = cloud(rng)
    for k in (1, 3, 8):
        np.testing.assert_allclose(submission.lle_weights(X[0], X[1 : k + 1], 1e-2).sum(), 1, rtol=SMALL)


@exercise("lle_weights")
def test_no_other_weights_are_better(submission, rng):
    """No change of the weights that leaves their sum at 1 makes the penalised error smaller."""
    X = cloud(rng)
    x, N, reg = X[0], X[1:6], 0.02

    def loss(w):
        return ((x - w @ N) ** 2).sum() + reg * ((N - x) ** 2).sum() * (w**2).sum()

    w = submission.lle_weights(x, N, reg)
    for _ in range(50):
        step = rng.normal(size=5)
        assert loss(w) <= loss(w + 0.05 * (step - step.mean())) + SMALL


@exercise("lle_weights")
def test_weights_do_not_change_with_place_or_units(submission, rng):
    """Shifting, turning and stretching x and its neighbours together leaves the weights as they are."""
    X = cloud(rng)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    moved = 7 * X @ turn + rng.normal(size=3)
    np.testing.assert_allclose(
        submission.lle_weights(moved[0], moved[1:7], 1e-2), submission.lle_weights(X[0], X[1:7], 1e-2), atol=ROUGH
    )


# Laplacian eigenmap


def laplacian(W):
    return np.diag(W.sum(axis=1)) - W


@exercise("laplacian_eigenmap")
def test_columns_solve_the_generalised_problem(submission, rng):
    """L f = lam D f for each eigenvalue and the column that belongs to it."""
    W = weights(rng)
    lam, F = submission.laplacian_eigenmap(W, 4)
    np.testing.assert_allclose(laplacian(W) @ F, W.sum(axis=1)[:, None] * F * lam, atol=1e-3)


@exercise("laplacian_eigenmap")
def test_the_smallest_after_zero(submission, rng):
    """The eigenvalues are the smallest ones above 0, in ascending order."""
    W = weights(rng)
    lam, F = submission.laplacian_eigenmap(W, 4)
    root = np.sqrt(W.sum(axis=1))
    wanted = np.linalg.eigvalsh(laplacian(W) / np.outer(root, root))[1:5]
    assert F.shape == (9, 4)
    np.testing.assert_allclose(lam, wanted, atol=SMALL)


@exercise("laplacian_eigenmap")
def test_columns_are_scaled_by_the_degrees(submission, rng):
    """F^T D F is the identity, and F^T D 1 is zero."""
    W = weights(rng)
    _, F = submission.laplacian_eigenmap(W, 3)
    degree = W.sum(axis=1)
    np.testing.assert_allclose(F.T @ (degree[:, None] * F), np.eye(3), atol=1e-3)
    np.testing.assert_allclose(degree @ F, 0, atol=1e-3)


@exercise("laplacian_eigenmap")
def test_the_map_is_that_of_a_library(submission, rng):
    """The plane that the first two columns span is the one that scikit-learn's spectral embedding finds."""
    W = weights(rng)
    _, F = submission.laplacian_eigenmap(W, 2)
    library = SpectralEmbedding(2, affinity="precomputed", random_state=0).fit_transform(W)
    np.testing.assert_allclose(np.sin(subspace_angles(F, library)), 0, atol=ROUGH)


# Markov matrix


def kernel(rng, n=12):
    X = rng.normal(size=(n, 2))
    return np.exp(-cdist(X, X, "sqeuclidean"))


@exercise("markov_matrix")
def test_rows_are_probabilities(submission, rng):
    """No entry is negative, and every row adds up to 1."""
    K = kernel(rng)
    for alpha in (0.0, 0.5, 1.0):
        P = submission.markov_matrix(K, alpha)
        assert (P >= 0).all()
        np.testing.assert_allclose(P.sum(axis=1), 1, rtol=SMALL)


@exercise("markov_matrix")
def test_the_walk_is_reversible(submission, rng):
    """The walk goes from i to j as often as from j to i: pi_i P_ij = pi_j P_ji, with pi from the new row sums."""
    K = kernel(rng)
    for alpha in (0.3, 1.0):
        q = K.sum(axis=1)
        pi = (K / np.outer(q, q) ** alpha).sum(axis=1)
        flow = pi[:, None] * submission.markov_matrix(K, alpha)
        np.testing.assert_allclose(flow, flow.T, rtol=SMALL)


@exercise("markov_matrix")
def test_without_alpha_rows_are_only_divided(submission, rng):
    """With alpha = 0 each row of K is divided by its sum, and nothing else happens."""
    K = kernel(rng)
    np.testing.assert_allclose(submission.markov_matrix(K, 0.0), np.diag(1 / K.sum(axis=1)) @ K, rtol=SMALL)


@exercise("markov_matrix")
def test_crowds_do_not_attract_when_alpha_is_one(submission, rng):
    """With alpha = 1, a step to j has a probability in proportion to K_ij / q_j."""
    K = kernel(rng)
    wanted = K / K.sum(axis=1)
    wanted = wanted / wanted.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(submission.markov_matrix(K, 1.0), wanted, rtol=SMALL)
