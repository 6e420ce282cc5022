"""Surfaces, neighbour graphs, MDS, ISOMAP, LLE, Laplacian eigenmaps, and the measures of an embedding."""

import numpy as np
import pytest
from scipy import sparse
from scipy.integrate import quad
from scipy.linalg import subspace_angles
from scipy.sparse.csgraph import shortest_path
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.distance import cdist
from sklearn.manifold import Isomap, LocallyLinearEmbedding, SpectralEmbedding
from sklearn.manifold import trustworthiness as library_trustworthiness
from sklearn.neighbors import kneighbors_graph

from course.data import manifolds
from course.unsupervised import embedding_quality as quality
from course.unsupervised import graph, mds, spectral
from course.unsupervised.eigen import leading_eigenpairs
from course.unsupervised.pca import principal_components, scores


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# the surfaces


def test_the_rolls_flat_length_is_the_arc_length_of_its_spiral():
    roll = manifolds.swiss_roll(50)
    t = np.hypot(roll.X[:, 0], roll.X[:, 2])
    for i in range(5):
        length, _ = quad(lambda s: np.sqrt(1 + s * s), 1.5 * np.pi, t[i])
        assert roll.truth[i, 0] == pytest.approx(length, abs=1e-7)
    np.testing.assert_array_equal(roll.truth[:, 1], roll.X[:, 1])


@pytest.mark.parametrize("make", [manifolds.swiss_roll, manifolds.s_curve])
def test_flat_coordinates_keep_short_distances(make):
    """Isometry: where points are close together, space and sheet agree. 4000 points, so that some are."""
    surface = make(4000)
    lengths, index = graph.nearest(surface.X, 1)
    near = lengths[:, 0] < 0.02 * np.ptp(surface.truth[:, 1])
    flat = np.linalg.norm(surface.truth - surface.truth[index[:, 0]], axis=1)
    assert near.sum() > 500
    np.testing.assert_allclose(flat[near], lengths[near, 0], rtol=0.01)


def test_noise_moves_the_points_and_not_the_truth():
    clean, noisy = manifolds.swiss_roll(200), manifolds.swiss_roll(200, noise=0.5)
    np.testing.assert_array_equal(clean.truth, noisy.truth)
    assert (noisy.X - clean.X).std() == pytest.approx(0.5, rel=0.15)  # 600 normal numbers: 3 % is one deviation


def test_the_hole_is_empty():
    window = manifolds.swiss_roll(2000, hole=True)
    t = np.hypot(window.X[:, 0], window.X[:, 2])
    inside = (abs(t / np.pi - 3) < 0.45) & (abs(window.truth[:, 1] - 10.5) < 3.1)
    assert not inside.any()
    assert "hole" in window.name


def test_the_sphere_is_round_open_and_evenly_covered():
    ball = manifolds.sphere_with_hole(4000, opening=60)
    np.testing.assert_allclose(np.linalg.norm(ball.X, axis=1), 1)
    assert ball.X[:, 2].max() < 0.5
    assert ball.truth is None
    # Archimedes: the height is uniform. Of 4000 draws, Kolmogorov's distance exceeds 0.03 less than once in 500 times.
    empirical = np.sort((ball.X[:, 2] + 1) / 1.5)
    assert np.abs(empirical - (np.arange(4000) + 0.5) / 4000).max() < 0.03


def test_the_circles_angles_have_their_density():
    X, angle = manifolds.circle(500, lean=0.8)
    np.testing.assert_allclose(X, np.column_stack([np.cos(angle), np.sin(angle)]))
    np.testing.assert_allclose((angle + 0.8 * np.sin(angle)) / (2 * np.pi), (np.arange(500) + 0.5) / 500, atol=1e-12)
    assert not np.array_equal(manifolds.circle(50, seed=1)[1], manifolds.circle(50, seed=2)[1])


def test_surfaces_are_the_same_every_time_and_change_with_the_seed():
    for make in (manifolds.swiss_roll, manifolds.s_curve, manifolds.sphere_with_hole):
        np.testing.assert_array_equal(make(30).X, make(30).X)
        assert not np.array_equal(make(30).X, make(30, seed=1).X)


def test_digits_come_without_a_truth():
    digits = manifolds.digits(100)
    assert digits.X.shape == (100, 64)
    assert digits.truth is None
    assert set(digits.colour) <= set(range(6))
    assert "64 dimensions" in repr(digits)


@pytest.mark.parametrize(
    "call",
    [
        lambda: manifolds.swiss_roll(3),
        lambda: manifolds.s_curve(100, noise=-1),
        lambda: manifolds.sphere_with_hole(100, opening=180),
        lambda: manifolds.circle(100, lean=1),
        lambda: manifolds.digits(5000),
    ],
)
def test_impossible_surfaces_are_refused(call):
    with pytest.raises(ValueError, match=r"expected|needs|between|negative|there are"):
        call()


# neighbour graphs


def test_the_graph_is_the_librarys_joined_with_its_transpose(rng):
    X = rng.normal(size=(40, 3))
    one_way = kneighbors_graph(X, 4, mode="distance")
    np.testing.assert_allclose(graph.neighbour_graph(X, 4).toarray(), one_way.maximum(one_way.T).toarray())


def test_the_dense_graph_says_the_same(rng):
    X = rng.normal(size=(20, 3))
    A, W = graph.edge_lengths(X, 3), graph.neighbour_graph(X, 3).toarray()
    assert np.isinf(A[(W == 0) & ~np.eye(20, dtype=bool)]).all()
    np.testing.assert_array_equal(A[W > 0], W[W > 0])
    np.testing.assert_array_equal(np.diag(A), 0)


def test_paths_are_scipys_dense_or_sparse(rng):
    X = rng.normal(size=(30, 2))
    W, A = graph.neighbour_graph(X, 3), graph.edge_lengths(X, 3)
    wanted = shortest_path(W, method="FW", directed=False)
    np.testing.assert_allclose(graph.shortest_paths(W), wanted)
    np.testing.assert_allclose(graph.shortest_paths(A), wanted)


def test_geodesics_on_the_roll_come_close_to_the_truth():
    """They are a little too long, never much too short: every edge is a chord of the sheet, not of the air."""
    roll = manifolds.swiss_roll(1500)
    G = graph.geodesic_distances(graph.neighbour_graph(roll.X, 8))
    truth = cdist(roll.truth, roll.truth)
    far = truth > 10
    ratio = G[far] / truth[far]
    assert ratio.min() > 0.98
    assert np.median(ratio) < 1.06


def test_pieces_are_refused_with_their_sizes():
    X = np.vstack([np.arange(12.0)[:, None], 100 + np.arange(5.0)[:, None]])
    W = graph.neighbour_graph(X, 2)
    assert np.isinf(graph.shortest_paths(W)).any()
    with pytest.raises(ValueError, match=r"2 pieces of 12, 5 points; use more neighbours"):
        graph.geodesic_distances(W)
    with pytest.raises(ValueError, match="2 pieces"):
        mds.isomap(X, 2)
    with pytest.raises(ValueError, match="2 pieces"):
        spectral.laplacian_eigenmap(W, 1)


@pytest.mark.parametrize(
    ("X", "k", "words"),
    [
        (np.ones((3, 3)) * np.arange(3)[:, None], 3, "between 1 and 2"),
        (np.arange(6.0)[:, None], 0, "between 1 and 5"),
        (np.array([[0.0], [1.0], [1.0], [5.0]]), 1, "samples 1 and 2 are the same point"),
        (np.array([[0.0], [np.nan], [2.0]]), 1, "sample 1 of X contains NaN"),
        (np.array([[0.0], [np.inf], [2.0]]), 1, "sample 1 of X contains NaN or infinity"),
        (np.arange(5.0), 1, "expected \\(n_samples, n_features\\)"),
    ],
)
def test_bad_points_are_refused(X, k, words):
    for call in (graph.neighbour_graph, graph.edge_lengths, spectral.lle_matrix):
        with pytest.raises(ValueError, match=words):
            call(X, k)


def test_bad_edges_are_refused():
    with pytest.raises(ValueError, match="negative"):
        graph.shortest_paths(np.array([[0.0, -1.0], [-1.0, 0.0]]))
    with pytest.raises(ValueError, match="square"):
        graph.shortest_paths(np.ones((2, 3)))


# MDS and ISOMAP


def test_double_centring_gives_inner_products(rng):
    X = rng.normal(size=(15, 4))
    centred = X - X.mean(axis=0)
    np.testing.assert_allclose(mds.double_centred(cdist(X, X)), centred @ centred.T, atol=1e-12)


@pytest.mark.parametrize("n", [30, 400], ids=["LAPACK", "ARPACK"])
def test_mds_of_euclidean_distances_is_pca(n, rng):
    X = rng.normal(size=(n, 4)) * [4, 3, 2, 1]
    wanted = scores(X, principal_components(X)[1][:, :3])
    np.testing.assert_allclose(np.abs(mds.classical_mds(cdist(X, X), 3)), np.abs(wanted), atol=1e-7)


@pytest.mark.parametrize("n", [150, 400], ids=["LAPACK", "ARPACK"])
def test_mds_is_scikit_learns(n, rng):
    manifold = pytest.importorskip("sklearn.manifold")
    if not hasattr(manifold, "ClassicalMDS"):
        pytest.skip("scikit-learn has ClassicalMDS since 1.8")
    D = cdist(rng.normal(size=(n, 5)), rng.normal(size=(n, 5)), "cityblock")
    D = (D + D.T) / 2
    np.fill_diagonal(D, 0)
    wanted = manifold.ClassicalMDS(2, metric="precomputed").fit_transform(D)
    np.testing.assert_allclose(np.abs(mds.classical_mds(D, 2)), np.abs(wanted), atol=1e-6)


def test_no_other_coordinates_fit_the_inner_products_better(rng):
    D = cdist(rng.normal(size=(12, 4)), rng.normal(size=(12, 4)))
    D = np.triu(D, 1) + np.triu(D, 1).T
    B, Z = mds.double_centred(D), mds.classical_mds(D, 2)
    best = np.linalg.norm(B - Z @ Z.T)
    assert all(np.linalg.norm(B - Y @ Y.T) > best for Y in (Z + 0.01 * rng.normal(size=Z.shape) for _ in range(100)))


def test_dimensions_that_the_data_have_not_are_zero():
    line = np.array([0.0, 1, 3, 7])[:, None]
    Z = mds.classical_mds(cdist(line, line), 3)
    np.testing.assert_allclose(Z[:, 0], (line - line.mean())[:, 0] * np.sign(Z[3, 0]), atol=1e-9)
    np.testing.assert_array_equal(Z[:, 1:], 0)


def test_isomap_is_scikit_learns():
    """Both build the same graph here; scikit-learn's joins pieces that ours refuses, and this graph has one piece."""
    X = manifolds.swiss_roll(300, seed=1).X
    np.testing.assert_allclose(
        np.abs(mds.isomap(X, 8, 2)), np.abs(Isomap(n_neighbors=8).fit_transform(X)), rtol=1e-4, atol=1e-4
    )


def test_isomap_flattens_the_roll_and_a_short_circuit_folds_it():
    roll = manifolds.swiss_roll(500)
    assert quality.procrustes(roll.truth, mds.isomap(roll.X, 8))[1] < 0.1
    assert quality.procrustes(roll.truth, mds.isomap(roll.X, 12))[1] > 0.5


def test_the_hole_is_blown_up():
    whole, window = manifolds.swiss_roll(1000), manifolds.swiss_roll(1000, hole=True)
    error = [quality.procrustes(m.truth, mds.isomap(m.X, 10))[1] for m in (whole, window)]
    assert error[1] > 2 * error[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda D: D[:3], "square"),
        (lambda D: D - 3, "negative entries"),
        (lambda D: D + np.triu(np.ones_like(D), 1), "not symmetric"),
        (lambda D: D + np.eye(len(D)), "diagonal"),
        (lambda D: np.where(D > 5, np.nan, D), "NaN; fill in"),
        (lambda D: np.where(D > 5, np.inf, D), "cannot reach each other"),
    ],
)
def test_what_is_no_matrix_of_distances_is_refused(change, words):
    D = cdist(np.arange(8.0)[:, None], np.arange(8.0)[:, None])
    with pytest.raises(ValueError, match=words):
        mds.classical_mds(change(D), 2)


@pytest.mark.parametrize("k", [0, 4])
def test_mds_refuses_too_many_dimensions(k):
    D = cdist(np.arange(4.0)[:, None], np.arange(4.0)[:, None])
    with pytest.raises(ValueError, match="1 <= k <= 3"):
        mds.classical_mds(D, k)


# LLE


def test_weights_add_up_to_one_and_solve_their_problem(rng):
    x, N = rng.normal(size=3), rng.normal(size=(6, 3))
    w = spectral.lle_weights(x, N, 0.01)
    assert w.sum() == pytest.approx(1)
    gram = (N - x) @ (N - x).T
    gradient = (gram + 0.01 * np.trace(gram) * np.eye(6)) @ w
    np.testing.assert_allclose(gradient, gradient[0])  # constant: no step that keeps the sum lowers the loss


def test_a_point_between_two_neighbours():
    w = spectral.lle_weights(np.zeros(2), np.array([[-1.0, 0.0], [3.0, 0.0]]), 1e-9)
    np.testing.assert_allclose(w, [0.75, 0.25], atol=1e-7)


def test_the_embedding_of_the_weights_is_scikit_learns():
    """Equal up to sign: the two smallest eigenvectors are 1.5 apart in ratio here, far above rounding."""
    X = manifolds.s_curve(300).X
    M = spectral.lle_matrix(X, 10).toarray()
    Z = np.linalg.eigh(M)[1][:, 1:3]
    wanted = LocallyLinearEmbedding(n_neighbors=10, eigen_solver="dense").fit_transform(X)
    np.testing.assert_allclose(np.abs(Z), np.abs(wanted), atol=1e-6)


@pytest.mark.parametrize(
    ("x", "N", "reg", "words"),
    [
        (np.zeros(2), np.zeros((3, 3)), 0.1, "expected \\(p,\\) and \\(k, p\\)"),
        (np.zeros(2), np.full((3, 2), np.nan), 0.1, "NaN"),
        (np.zeros(2), np.ones((3, 2)), -0.1, "at least 0"),
        (np.ones(2), np.ones((3, 2)), 0.1, "same point as x"),
    ],
)
def test_bad_neighbours_are_refused(x, N, reg, words):
    with pytest.raises(ValueError, match=words):
        spectral.lle_weights(x, N, reg)


# Laplacian eigenmap


def weights(rng, n):
    W = np.triu(rng.uniform(0.1, 2, size=(n, n)), 1)
    return W + W.T


def test_the_laplacian_measures_differences(rng):
    W, f = weights(rng, 8), rng.normal(size=8)
    energy = 0.5 * sum(W[i, j] * (f[i] - f[j]) ** 2 for i in range(8) for j in range(8))
    assert f @ spectral.laplacian(W) @ f == pytest.approx(energy)
    np.testing.assert_allclose(spectral.laplacian(sparse.csr_array(W)).toarray(), spectral.laplacian(W))


def test_the_eigenmap_solves_its_problem(rng):
    W = weights(rng, 9)
    lam, F = spectral.laplacian_eigenmap(W, 8)
    degree = W.sum(axis=1)
    np.testing.assert_allclose(spectral.laplacian(W) @ F, degree[:, None] * F * lam, atol=1e-9)
    np.testing.assert_allclose(F.T @ (degree[:, None] * F), np.eye(8), atol=1e-9)
    assert (np.diff(lam) >= 0).all()
    assert lam[0] > 0


def test_a_ring_has_the_eigenvalues_of_a_ring():
    """n points in a ring, each joined to two: 1 - cos(2 pi m / n), twice each. 900 points take the sparse road."""
    n = 900
    ring = sparse.diags_array([np.ones(n - 1), np.ones(n - 1), [1.0], [1.0]], offsets=[1, -1, n - 1, 1 - n])
    lam, _ = spectral.laplacian_eigenmap(ring, 6)
    np.testing.assert_allclose(lam, 1 - np.cos(2 * np.pi * np.array([1, 1, 2, 2, 3, 3]) / n), atol=1e-10)


def test_the_eigenmap_is_scikit_learns():
    W = (graph.neighbour_graph(manifolds.s_curve(700).X, 8) > 0).astype(float)
    _, F = spectral.laplacian_eigenmap(W, 2)
    wanted = SpectralEmbedding(2, affinity="precomputed", random_state=0).fit_transform(W)
    for ours, theirs in zip(F.T, wanted.T, strict=True):
        assert abs(np.corrcoef(ours, theirs)[0, 1]) == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize(
    ("W", "words"),
    [
        (np.array([[0.0, 1.0], [2.0, 0.0]]), "not symmetric"),
        (np.array([[0.0, -1.0], [-1.0, 0.0]]), "negative"),
        (np.array([[0.0, np.nan], [np.nan, 0.0]]), "NaN"),
        (np.ones((2, 3)), "square"),
        (np.eye(2), "2 pieces"),
        (np.zeros((3, 3)), "3 pieces"),
    ],
)
def test_bad_weights_are_refused(W, words):
    with pytest.raises(ValueError, match=words):
        spectral.laplacian_eigenmap(W, 1)
    with pytest.raises(ValueError, match=words):
        spectral.laplacian_eigenmap(sparse.csr_array(W), 1)


@pytest.mark.parametrize("k", [0, 4])
def test_the_eigenmap_refuses_too_many_columns(k, rng):
    with pytest.raises(ValueError, match="3 eigenvectors"):
        spectral.laplacian_eigenmap(weights(rng, 4), k)


@pytest.mark.parametrize("full", [False, True], ids=["few entries a row", "many"])
def test_large_matrices_have_the_eigenpairs_that_lapack_finds(full, rng):
    X = rng.uniform(size=(700, 1 if full else 2))
    K = np.exp(-cdist(X, X, "sqeuclidean") / (0.1 if full else 4e-4))
    K[K < 1e-6] = 0
    root = np.sqrt(K.sum(axis=1))
    A = sparse.csr_array(K / np.outer(root, root))
    assert (A.nnz > 300 * 700) is full
    lam, U = leading_eigenpairs(A, 4)
    wanted, V = np.linalg.eigh(A.toarray())
    np.testing.assert_allclose(lam, wanted[::-1][:4], atol=1e-10)
    np.testing.assert_allclose(np.sin(subspace_angles(U, V[:, -4:])), 0, atol=1e-6)


# how good is an embedding


def test_trustworthiness_is_the_librarys_and_continuity_its_mirror(rng):
    X = rng.normal(size=(60, 4))
    Z = X[:, :2] + 0.3 * rng.normal(size=(60, 2))
    for k in (1, 5, 12):
        assert quality.trustworthiness(X, Z, k) == pytest.approx(library_trustworthiness(X, Z, n_neighbors=k))
        assert quality.continuity(X, Z, k) == pytest.approx(library_trustworthiness(Z, X, n_neighbors=k))


def test_a_faithful_map_is_trustworthy_and_a_random_one_is_not(rng):
    X = rng.normal(size=(300, 2))
    assert quality.trustworthiness(X, 3 * X + 1) == 1
    assert quality.continuity(X, -X) == 1
    # A random rank is uniform on 1 .. 299, so the mean is 0.5; its deviation over 1500 pairs is below 0.01.
    assert quality.trustworthiness(X, rng.normal(size=(300, 2))) == pytest.approx(0.5, abs=0.04)


def test_tearing_costs_continuity_and_folding_costs_trust():
    line = np.linspace(0, 1, 101)[:, None]
    folded, torn = abs(line - 0.5), np.where(line < 0.5, line, line + 9)
    ring = np.column_stack([np.cos(2 * np.pi * line), np.sin(2 * np.pi * line)])[:-1]
    assert quality.trustworthiness(line, folded + 1e-4 * line) < 0.9
    assert quality.trustworthiness(line, torn) > 0.999
    assert quality.continuity(ring, line[:-1]) < quality.trustworthiness(ring, line[:-1])


def test_procrustes_is_scipys(rng):
    T, Z = rng.normal(size=(25, 2)), rng.normal(size=(25, 2))
    _, _, disparity = scipy_procrustes(T, Z)
    assert quality.procrustes(T, Z)[1] == pytest.approx(np.sqrt(disparity))


def test_procrustes_undoes_a_similarity_and_reports_the_rest(rng):
    T = rng.normal(size=(25, 2)) * [3, 1]
    turn = np.array([[0.6, 0.8], [0.8, -0.6]])
    moved, error = quality.procrustes(T, 7 * T @ turn + 3)
    np.testing.assert_allclose(moved, T, atol=1e-12)
    assert error == pytest.approx(0, abs=1e-7)
    stretched = T * [1, 3]
    assert quality.procrustes(T, stretched)[1] > 0.1
    assert quality.affine_error(T, stretched) == pytest.approx(0, abs=1e-7)
    assert quality.affine_error(T, stretched + 0.3 * rng.normal(size=T.shape)) > 0.05


def test_the_affine_error_is_never_the_larger_one(rng):
    for _ in range(20):
        T, Z = rng.normal(size=(12, 2)), rng.normal(size=(12, 2))
        assert quality.affine_error(T, Z) <= quality.procrustes(T, Z)[1] + 1e-12 <= 1 + 1e-12


def test_measures_refuse_what_does_not_fit(rng):
    X = rng.normal(size=(10, 3))
    with pytest.raises(ValueError, match="row i of both"):
        quality.trustworthiness(X, X[:9])
    with pytest.raises(ValueError, match="1 <= k < 5"):
        quality.trustworthiness(X, X, 5)
    with pytest.raises(ValueError, match="must agree"):
        quality.procrustes(X, X[:, :2])
    with pytest.raises(ValueError, match="the same"):
        quality.procrustes(X, np.ones_like(X))
    with pytest.raises(ValueError, match="the same"):
        quality.affine_error(np.ones_like(X), X)
    with pytest.raises(ValueError, match="NaN"):
        quality.procrustes(X, np.full_like(X, np.nan))


def test_the_table_leaves_out_what_is_not_known(rng):
    X = rng.normal(size=(30, 3))
    results = [
        {"data": data, "method": method, **quality.assess(X, X[:, :2], truth)}
        for data, truth in (("sheet", X[:, :2]), ("ball", None))
        for method in ("one", "two")
    ]
    table = quality.table(results)
    assert list(table.index) == ["one", "two"]
    assert list(table["sheet"].columns) == ["trust", "cont.", "error", "affine"]
    assert list(table["ball"].columns) == ["trust", "cont."]
    assert table["sheet"]["error"].max() == pytest.approx(0, abs=1e-7)
