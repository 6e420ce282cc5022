"""Sensor network localisation and unfolding by semidefinite programming."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from course.data import manifolds
from course.unsupervised import embedding_quality as quality
from course.unsupervised import graph, mds
from course.unsupervised.localisation import landmarks, localise, measured, only_near, unfold

ANCHORS = np.array([[-0.45, -0.45], [0.45, -0.45], [-0.45, 0.45], [0.45, 0.45]])


def sensors(n=12, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, size=(n, 2))


def errors(found, X):
    return np.linalg.norm(found.X - X, axis=1)


# what a network measures


def test_measurements_are_symmetric_and_anchors_known():
    X = sensors()
    D = measured(X, ANCHORS, radius=0.5, noise=0.1, missing=0.2, seed=3)
    np.testing.assert_array_equal(D, D.T)
    np.testing.assert_allclose(D[12:, 12:], cdist(ANCHORS, ANCHORS))
    true = cdist(np.vstack([X, ANCHORS]), np.vstack([X, ANCHORS]))
    heard = np.isfinite(D[:12])
    assert (true[:12][heard] <= 0.5).all()
    assert not heard[true[:12] > 0.5].any()


def test_noise_and_loss_have_the_size_that_was_asked_for():
    """300 sensors, some 46,000 pairs: the deviation of the noise is right to 0.4 per cent, the loss to 0.2."""
    X = sensors(300, seed=1)
    D = measured(X, ANCHORS, noise=0.1, missing=0.3)[:300, :300]
    upper = np.triu(np.ones((300, 300), dtype=bool), 1)
    relative = (D / np.where(upper, cdist(X, X), np.nan))[np.isfinite(D) & upper]
    assert relative.std() == pytest.approx(0.1, rel=0.02)
    assert np.isnan(D[upper]).mean() == pytest.approx(0.3, abs=0.01)


# localisation


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("settings", [{}, {"radius": 0.65}, {"radius": 0.8, "missing": 0.3}])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_exact_distances_give_exact_positions(exact, settings, seed):
    """The solver's tolerance is 1e-8 on squared distances of a field of size 1, and up to 1e-5 where the answer is the
    only feasible point and it ends "almost" there; positions are linear in the solution. Rank 2 is a certificate."""
    X = sensors(seed=seed)
    found = localise(measured(X, ANCHORS, seed=seed, **settings), ANCHORS, exact=exact)
    assert errors(found, X).max() < 1e-5
    assert found.rank == 2
    assert found.spread.max() < 5e-3  # a root of the solver's tolerance
    assert found.misfit < 1e-5
    np.testing.assert_allclose(found.gram, (X - ANCHORS.mean(axis=0)) @ (X - ANCHORS.mean(axis=0)).T, atol=1e-4)


def test_other_units_and_another_origin():
    X = sensors(8)
    D = measured(X, ANCHORS, radius=0.8)
    moved = localise(2000 * D, 2000 * ANCHORS + 500)
    np.testing.assert_allclose(moved.X, 2000 * X + 500, atol=2e-2)


def test_three_dimensions_and_one():
    rng = np.random.default_rng(0)
    space = rng.uniform(-0.5, 0.5, size=(6, 3))
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]) - 0.4
    found = localise(measured(space, corners), corners)
    np.testing.assert_allclose(found.X, space, atol=1e-5)
    assert found.rank == 3
    line, ends = rng.uniform(size=(5, 1)), np.array([[0.0], [1.0]])
    np.testing.assert_allclose(localise(measured(line, ends), ends).X, line, atol=1e-5)


def test_one_sensor_from_anchors_only():
    X = np.array([[0.1, 0.2]])
    np.testing.assert_allclose(localise(measured(X, ANCHORS[:3]), ANCHORS[:3]).X, X, atol=1e-5)


def test_a_sensor_with_too_few_distances_is_found_to_be_unsure():
    """Sensor 8 hears two anchors only, at height 0.45: the heights 0.9 and 0 both fit. On the relaxation's answer h,
    between them, x^2 + Y stays on the line through both, so spread^2 = h (0.9 - h); the other sensors are exact."""
    X = np.vstack([sensors(8), [[0.0, 0.9]]])
    D = measured(X, ANCHORS)
    D[8, [*range(8), 9, 10]] = D[[*range(8), 9, 10], 8] = np.nan
    found = localise(D, ANCHORS)
    assert found.rank == 3
    assert errors(found, X)[:8].max() < 1e-4
    across, up = found.X[8]
    assert across == pytest.approx(0, abs=1e-4)
    assert 0.1 < up < 0.8
    assert found.spread[8] ** 2 == pytest.approx(up * (0.9 - up), abs=1e-4)
    assert found.spread[:8].max() < 1e-2


def test_the_error_grows_with_the_noise():
    """Means over three seeds. The slope is a property of this network; the order is not."""
    X = sensors(15, seed=2)
    mean = [
        np.mean([errors(localise(measured(X, ANCHORS, 0.6, noise, seed=s), ANCHORS), X).mean() for s in range(3)])
        for noise in (0, 0.02, 0.1)
    ]
    assert mean[0] < 1e-6
    assert 1e-3 < mean[1] < mean[2] < 0.15


def test_a_wrong_distance_makes_the_exact_problem_infeasible():
    X = sensors(6)
    D = measured(X, ANCHORS)
    D[0, 1] = D[1, 0] = 3 * D[0, 1]
    with pytest.raises(ValueError, match=r"contradict each other.*exact=False"):
        localise(D, ANCHORS, exact=True)
    assert errors(localise(D, ANCHORS), X).max() < 1e-4  # absolute errors forgive one outlier among many


def test_distances_that_no_triangle_has():
    D = np.full((4, 4), np.nan)
    D[0, 1:3] = D[1:3, 0] = 1
    far = np.array([[-5.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    with pytest.raises(ValueError, match="contradict"):
        localise(D, far, exact=True)


@pytest.mark.parametrize(
    ("anchors", "words"),
    [
        (ANCHORS[:2], r"2 anchor\(s\) do not fix positions in 2 dimensions: use at least 3"),
        (np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), "not all on one line"),
        (np.array([[0.0, 0.0], [1.0, np.nan], [2.0, 2.0]]), "without NaN"),
        (np.zeros(3), "expected \\(m, d\\)"),
    ],
)
def test_anchors_that_fix_nothing_are_refused(anchors, words):
    with pytest.raises(ValueError, match=words):
        localise(np.full((5, 5), np.nan), anchors)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda D: D[:5], "square"),
        (lambda D: np.where(np.arange(10)[:, None] == 0, D + 1, D), "not symmetric"),
        (lambda D: -D, "negative or infinite"),
        (lambda D: np.where(np.isnan(D), np.inf, D), "negative or infinite"),
        (lambda D: D[6:, 6:], "no sensor is left"),
    ],
)
def test_bad_distances_are_refused(change, words):
    D = measured(sensors(6), ANCHORS, missing=0.3)
    with pytest.raises(ValueError, match=words):
        localise(change(D), ANCHORS)


def test_a_sensor_that_nobody_hears_is_named():
    D = measured(sensors(6), ANCHORS)
    D[4, :] = D[:, 4] = np.nan
    with pytest.raises(ValueError, match=r"sensor 4 \(one of 1\) has no chain of distances to an anchor"):
        localise(D, ANCHORS)


@pytest.mark.parametrize("settings", [{"radius": 0}, {"noise": -0.1}, {"missing": 2}])
def test_impossible_measurements_are_refused(settings):
    with pytest.raises(ValueError, match="expected"):
        measured(sensors(), ANCHORS, **settings)


# unfolding


def test_all_distances_are_classical_mds():
    """With every thread taut nothing can move: Y is the matrix B of classical MDS."""
    D = cdist(sensors(10), sensors(10))
    found = unfold(D)
    np.testing.assert_allclose(found.gram, mds.double_centred(D), atol=1e-5)
    np.testing.assert_allclose(np.abs(found.coordinates(2)), np.abs(mds.classical_mds(D, 2)), atol=1e-4)
    assert found.rank == 2


def test_a_chain_is_pulled_straight():
    bent = np.cumsum([[1.0, 0], [0, 2], [3, 0], [0, -1], [-2, 0]], axis=0)
    steps = np.linalg.norm(np.diff(bent, axis=0), axis=1)
    D = np.full((5, 5), np.nan)
    D[np.arange(4), np.arange(1, 5)] = D[np.arange(1, 5), np.arange(4)] = steps
    found = unfold(D)
    assert found.rank == 1
    place = found.coordinates(1)[:, 0]
    np.testing.assert_allclose(np.abs(np.diff(place)), steps, atol=1e-3)


def test_the_roll_is_pulled_flat():
    """30 landmarks, 500 samples. The paths in the graph are some 5 per cent too long, and so is the map."""
    roll = manifolds.swiss_roll(500)
    G = graph.geodesic_distances(graph.neighbour_graph(roll.X, 8))
    chosen = landmarks(G, 30)
    found = unfold(only_near(G[np.ix_(chosen, chosen)], 6))
    assert found.eigenvalues[:2].sum() > 0.99 * found.eigenvalues.sum()
    assert quality.procrustes(roll.truth[chosen], found.coordinates(2))[1] < 0.2


def test_threads_are_never_stretched():
    D = only_near(cdist(sensors(12), sensors(12)), 4)
    found = unfold(D).gram
    squared = np.diag(found)[:, None] + np.diag(found) - 2 * found
    assert (squared - D**2)[np.isfinite(D)].max() < 1e-5
    np.testing.assert_allclose(found.sum(axis=0), 0, atol=1e-4)


def test_pieces_would_fly_apart():
    D = np.full((4, 4), np.nan)
    D[0, 1] = D[1, 0] = D[2, 3] = D[3, 2] = 1
    with pytest.raises(ValueError, match=r"2 pieces of 2, 2 points; give a distance between them"):
        unfold(D)


def test_unfolding_refuses_nothing_but_zeros_and_too_many_columns():
    with pytest.raises(ValueError, match="the same one"):
        unfold(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="between 1 and 3"):
        unfold(cdist(np.eye(3), np.eye(3))).coordinates(4)


def test_landmarks_spread_out_and_only_near_forgets_the_rest():
    D = cdist(np.arange(9.0)[:, None], np.arange(9.0)[:, None])
    np.testing.assert_array_equal(landmarks(D, 3), [0, 8, 4])
    near = only_near(D, 1)
    assert near[0, 1] == 1
    assert np.isnan(near[0, 2])
    np.testing.assert_array_equal(near, near.T)
    np.testing.assert_array_equal(np.diag(near), 0)
    with pytest.raises(ValueError, match="to choose from"):
        landmarks(D, 10)
    with pytest.raises(ValueError, match="between 1 and 8"):
        only_near(D, 9)
