"""Every formula of course.unsupervised.kmeans, against its definition, an exhaustive search, or scikit-learn."""

import itertools

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_samples

from course import data
from course.unsupervised import kmeans

RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(60, 3)) + np.repeat([[0, 0, 0], [3, 1, 0], [0, 3, 2]], 20, axis=0)
LABELS = RNG.integers(3, size=60)


def lab_data():
    """The simulated data of the book's Python lab on k-means: 25 of 50 points are shifted by (3, -4)."""
    X = np.random.RandomState(0).standard_normal((50, 2))
    X[:25] += [3, -4]
    return X


def runs():
    """Thirty random data sets, assignments and numbers of clusters; some assignments leave clusters empty."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        n, p, K = rng.integers(8, 60), rng.integers(1, 5), rng.integers(1, 7)
        X = rng.normal(size=(n, p)) * rng.uniform(0.1, 10, size=p)
        yield X, rng.integers(max(1, K - seed % 3), size=n), int(K)


# ------------------------------------------------------------------------------------------------ the objective


def by_pairs(X, labels):
    """The book's formula (10.11), term by term."""
    total = 0.0
    for k in set(labels.tolist()):
        C = X[labels == k]
        total += sum(((a - b) ** 2).sum() for a in C for b in C) / len(C)
    return total


@pytest.mark.parametrize("K", [1, 2, 5])
def test_pairs_and_means_are_the_same_objective(K):
    labels = np.random.default_rng(K).integers(K, size=60)
    assert kmeans.within_cluster_variation(CLOUD, labels) == pytest.approx(by_pairs(CLOUD, labels), rel=1e-12)


def test_a_number_that_nobody_carries_adds_nothing():
    assert kmeans.within_cluster_variation(CLOUD, 3 * LABELS + 2) == kmeans.within_cluster_variation(CLOUD, LABELS)
    assert kmeans.within_cluster_variation(CLOUD[:4], np.array([0, 9, 4, 2])) == 0


def test_the_objective_is_twice_the_inertia_of_scikit_learn():
    library = KMeans(4, n_init=1, random_state=0).fit(CLOUD)
    ours = kmeans.within_cluster_variation(CLOUD, library.labels_.astype(int))
    assert ours == pytest.approx(2 * library.inertia_, rel=1e-9)


# ------------------------------------------------------------------------------------------------ the two steps


def test_a_centroid_is_the_mean_of_its_members():
    M = kmeans.centroids(CLOUD, LABELS, 3)
    np.testing.assert_allclose(M, [CLOUD[k == LABELS].mean(axis=0) for k in range(3)], rtol=1e-12)


def test_every_sample_goes_to_its_closest_centroid():
    M = RNG.normal(size=(5, 3))
    expected = [min(range(5), key=lambda k: ((x - M[k]) ** 2).sum()) for x in CLOUD]
    assert kmeans.assign(CLOUD, M).tolist() == expected


def test_the_lowest_number_wins_a_tie():
    assert kmeans.assign([[0.0, 0.0]], [[3.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]]).tolist() == [1]


# ------------------------------------------------------------------------------------------------ an empty cluster


def test_an_empty_cluster_takes_the_sample_farthest_from_its_centroid():
    X = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [15.0]])  # means 1 and 12: 15 is the farthest, at distance 3
    labels = np.array([0, 0, 0, 2, 2, 2])
    np.testing.assert_allclose(kmeans.centroids(X, labels, 3).ravel(), [1, 15, 12])


def test_two_empty_clusters_take_the_two_farthest():
    X = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [15.0]])
    np.testing.assert_allclose(kmeans.centroids(X, np.array([1, 1, 1, 3, 3, 3]), 4).ravel(), [15, 1, 10, 12])


def test_a_run_through_an_empty_cluster_ends_without_one():
    X, start = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]]), np.array([0, 1, 0, 2, 1, 2])
    history = list(kmeans.steps(X, start, 3))
    assert any(np.bincount(step.labels, minlength=3).min() == 0 for step in history), "the case does not test it"
    assert np.bincount(history[-1].labels, minlength=3).min() > 0
    assert (np.diff([step.objective for step in history]) <= 0).all()
    assert history[-1].labels.tolist() == kmeans.kmeans(X, 3, start).labels.tolist()


def test_a_start_in_one_cluster_fills_all():
    result = kmeans.kmeans(CLOUD, 4, np.zeros(60, dtype=int))
    assert result.converged
    assert np.bincount(result.labels, minlength=4).min() > 0


# ------------------------------------------------------------------------------------------------ the algorithm


def test_no_step_ever_raises_the_objective():
    """Rounding: the objective is a sum of at most 240 squares, each right to a few parts in 1e16."""
    rises, count, empty = [], 0, 0
    for X, labels, K in runs():
        values = np.array([step.objective for step in kmeans.steps(X, labels, K)])
        rises.append(np.diff(values).max() / values[0])
        count += len(values)
        empty += len(np.unique(labels)) < K
    assert max(rises) <= 1e-13
    assert count > 200
    assert empty >= 5, "empty clusters should be among the runs"


def test_after_the_centroids_the_measure_is_the_objective():
    for X, labels, K in runs():
        for step in kmeans.steps(X, labels, K):
            if step.name == "2a" and len(np.unique(step.labels)) == K:
                assert step.objective == pytest.approx(kmeans.within_cluster_variation(X, step.labels), rel=1e-12)


def test_the_steps_come_in_the_order_of_algorithm_10_1():
    history = list(kmeans.steps(CLOUD, LABELS, 3))
    assert [step.name for step in history] == ["1"] + ["2a", "2b"] * history[-1].round
    assert [step.round for step in history[1:]] == [turn for turn in range(1, history[-1].round + 1) for _ in "ab"]
    assert history[0].centroids.shape == (0, 3)
    assert history[0].labels.tolist() == LABELS.tolist()
    changed = [not np.array_equal(a.labels, b.labels) for a, b in itertools.pairwise(history) if b.name == "2b"]
    assert changed == [True] * (len(changed) - 1) + [False], "it stops with the first round that changes nothing"


def test_the_quick_loop_is_the_loop_of_the_steps():
    for X, labels, K in runs():
        *_, last = kmeans.steps(X, labels, K)
        quick = kmeans.kmeans(X, K, labels)
        assert quick.labels.tolist() == last.labels.tolist()
        np.testing.assert_allclose(quick.centroids, last.centroids, rtol=1e-9, atol=1e-9)
        assert quick.objective == pytest.approx(last.objective, rel=1e-9, abs=1e-12)
        assert quick.rounds == last.round


def test_no_run_beats_the_best_of_all_partitions_and_some_run_finds_it():
    X = np.random.default_rng(2).normal(size=(9, 2))
    best = min(by_pairs(X, np.array([0, *rest])) for rest in itertools.product(range(3), repeat=8))
    found = [kmeans.kmeans(X, 3, rng=seed).objective for seed in range(60)]
    assert min(found) == pytest.approx(best, rel=1e-12)
    assert max(found) > 1.05 * best, "and some starts end in a worse local minimum"


@pytest.mark.parametrize(("X", "K"), [(CLOUD, 3), (CLOUD, 7), (data.load("digits").X, 10)], ids=["3", "7", "digits"])
def test_from_the_same_start_it_is_scikit_learns_lloyd(X, K):
    start = X[:: len(X) // K][:K]
    library = KMeans(K, init=start, n_init=1, algorithm="lloyd", tol=0).fit(X)
    ours = kmeans.kmeans(X, K, start)
    assert ours.labels.tolist() == library.labels_.tolist()
    np.testing.assert_allclose(ours.centroids, library.cluster_centers_, atol=1e-9)
    assert ours.objective == pytest.approx(2 * library.inertia_, rel=1e-12)


def test_the_published_objectives_of_the_lab_are_local_minima_of_ours():
    """ISLP, lab of chapter 12, K = 3: the inertia 76.8513 from one start, 75.0626 as the best of twenty.

    300 random assignments, seeds 0 to 299, reach both; and they reach a partition that is better than the book's best.
    """
    ends = [kmeans.kmeans(lab_data(), 3, rng=seed).objective / 2 for seed in range(300)]
    for published in (76.85131986999251, 75.06261242745384):
        assert min(abs(end - published) for end in ends) < 1e-10
    assert min(ends) == pytest.approx(75.0350825910044, rel=1e-12)


def test_the_lowest_number_wins_a_tie_in_the_quick_loop_too():
    """The third sample leaves cluster 2 and is then as close to centroid 0 as to centroid 1."""
    X = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 10.0], [0.0, 11.0]])
    start = np.array([0, 1, 2, 2, 2])
    *_, last = kmeans.steps(X, start, 3)
    assert kmeans.kmeans(X, 3, start).labels.tolist() == last.labels.tolist() == [0, 1, 0, 2, 2]


@pytest.mark.parametrize("shift", [1e3, 1e8])
def test_it_works_far_from_the_origin(shift):
    """At 1e8 a squared norm holds 1e16, and the differences that count would be lost in it."""
    near, far = kmeans.kmeans(CLOUD, 3, LABELS), kmeans.kmeans(CLOUD + shift, 3, LABELS)
    assert far.labels.tolist() == near.labels.tolist()
    assert far.objective == pytest.approx(near.objective, rel=1e-6)


def test_the_limit_is_told():
    once = kmeans.kmeans(CLOUD, 3, LABELS, limit=1)
    assert (once.rounds, once.converged) == (1, False)
    np.testing.assert_allclose(once.centroids, kmeans.centroids(CLOUD, once.labels, 3), rtol=1e-9)
    assert kmeans.kmeans(CLOUD, 3, LABELS).converged
    assert len(list(kmeans.steps(CLOUD, LABELS, 3, limit=1))) == 3


def test_more_starts_are_never_worse_and_a_seed_gives_one_result():
    one, many = kmeans.kmeans(CLOUD, 6, rng=1), kmeans.kmeans(CLOUD, 6, starts=15, rng=1)
    assert many.objective <= one.objective
    again = kmeans.kmeans(CLOUD, 6, starts=15, rng=1)
    assert again.labels.tolist() == many.labels.tolist()


def test_k_clusters_of_k_samples():
    result = kmeans.kmeans(CLOUD[:5], 5, starts=3)
    assert sorted(result.labels.tolist()) == [0, 1, 2, 3, 4]
    assert result.objective == pytest.approx(0, abs=1e-20)


# ------------------------------------------------------------------------------------------------ starts


def test_a_random_assignment_is_uniform():
    """30,000 draws: a share of 1/3 has the standard error 0.0027; five of them are allowed. Seed 0."""
    shares = np.bincount(kmeans.random_assignment(30_000, 3, 0)) / 30_000
    assert len(shares) == 3
    assert np.abs(shares - 1 / 3).max() < 0.0136


def test_plus_plus_draws_with_squared_distances():
    """From 0, 1, 3, the pairs {0, 1}, {0, 3}, {1, 3} have the probabilities below, by the definition.

    20,000 draws: a share has a standard error of at most 0.0036; five of them are allowed. Seed 0.
    """
    X, rng = np.array([[0.0], [1.0], [3.0]]), np.random.default_rng(0)
    draws = [tuple(sorted(kmeans.plus_plus(X, 2, rng).ravel())) for _ in range(20_000)]
    probability = {
        (0.0, 1.0): (1 / 10 + 1 / 5) / 3,  # from 0: 1 / (1 + 9); from 1: 1 / (1 + 4)
        (0.0, 3.0): (9 / 10 + 9 / 13) / 3,
        (1.0, 3.0): (4 / 5 + 4 / 13) / 3,
    }
    assert sum(probability.values()) == pytest.approx(1)
    for pair, expected in probability.items():
        assert abs(draws.count(pair) / 20_000 - expected) < 0.018, pair


def test_plus_plus_draws_distinct_samples():
    X = np.repeat(CLOUD[:4], 10, axis=0)
    for seed in range(20):
        assert len(np.unique(kmeans.plus_plus(X, 4, seed), axis=0)) == 4


def test_plus_plus_finds_many_clouds_more_often():
    """Medians of 40 runs each, seeds 0 to 39, on 16 clouds: about half the objective, so the order is safe."""
    rng = np.random.default_rng(0)
    X = np.repeat([[i, j] for i in range(4) for j in range(4)], 10, axis=0) + 0.1 * rng.normal(size=(160, 2))
    median = {s: np.median([kmeans.kmeans(X, 16, s, rng=seed).objective for seed in range(40)]) for s in kmeans.STARTS}
    assert median["k-means++"] < 0.8 * median["random"]


# ------------------------------------------------------------------------------------------------ the silhouette


def test_the_silhouette_is_scikit_learns():
    for labels in (LABELS, kmeans.kmeans(CLOUD, 4, rng=0).labels):
        np.testing.assert_allclose(kmeans.silhouette(CLOUD, labels), silhouette_samples(CLOUD, labels), atol=1e-12)


def test_a_silhouette_by_hand():
    """0 and 1 against 5: sample 0 has a = 1, b = 5; sample 1 has a = 1, b = 4; sample 2 is alone."""
    s = kmeans.silhouette([[0.0], [1.0], [5.0]], np.array([0, 0, 4]))
    np.testing.assert_allclose(s, [4 / 5, 3 / 4, 0])


def test_samples_that_coincide_have_no_silhouette():
    assert kmeans.silhouette(np.zeros((4, 2)), np.array([0, 0, 1, 1])).tolist() == [0, 0, 0, 0]


# ------------------------------------------------------------------------------------------------ what is refused

TWICE = np.repeat(CLOUD[:2], 5, axis=0)
HOLE = np.where(np.arange(180).reshape(60, 3) == 7, np.nan, CLOUD)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kmeans.kmeans(CLOUD, 61), "61 clusters of 60 samples: some would stay empty; take K <= 60"),
        (lambda: kmeans.kmeans(CLOUD, 0), "1 at the least"),
        (lambda: kmeans.kmeans(CLOUD, 2.0), "is an integer"),
        (lambda: kmeans.kmeans(CLOUD, True), "is an integer"),
        (lambda: kmeans.kmeans(TWICE, 3), "2 distinct samples among its 10, too few for K = 3; take K <= 2"),
        (lambda: kmeans.kmeans(np.array([[0.0], [-0.0]]), 2), "1 distinct samples"),
        (lambda: kmeans.kmeans(HOLE, 2), "NaN or infinity; drop or impute"),
        (lambda: kmeans.kmeans(CLOUD[0], 2), r"shape \(3,\)"),
        (lambda: kmeans.kmeans(CLOUD[:0], 1), "a sample at least"),
        (lambda: kmeans.kmeans(CLOUD, 3, "kmeans++"), "did you mean 'k-means\\+\\+'"),
        (lambda: kmeans.kmeans(CLOUD, 3, "furthest"), "there are random, k-means\\+\\+"),
        (lambda: kmeans.kmeans(CLOUD, 3, LABELS + 1), "number the clusters 0, ..., 2"),
        (lambda: kmeans.kmeans(CLOUD, 3, LABELS[:9]), "expected 60 integers"),
        (lambda: kmeans.kmeans(CLOUD, 3, LABELS * 0.5), "expected 60 integers"),
        (lambda: kmeans.kmeans(CLOUD, 3, CLOUD[:2]), r"centroids have \(3, 3\)"),
        (lambda: kmeans.kmeans(CLOUD, 3, starts=0), "at least 1"),
        (lambda: kmeans.kmeans(CLOUD, 3, limit=0), "at least 1"),
        (lambda: kmeans.centroids(CLOUD, LABELS, 2), "number the clusters 0, ..., 1"),
        (lambda: kmeans.centroids(TWICE, np.zeros(10, dtype=int), 3), "too few"),
        (lambda: kmeans.assign(CLOUD, CLOUD[:2, :2]), "both need the same ones"),
        (lambda: kmeans.plus_plus(TWICE, 3), "too few"),
        (lambda: kmeans.within_cluster_variation(CLOUD, LABELS - 1), "number the clusters 0"),
        (lambda: kmeans.within_cluster_variation(HOLE, LABELS), "NaN"),
        (lambda: kmeans.silhouette(CLOUD, np.zeros(60, dtype=int)), "take K >= 2"),
        (lambda: next(kmeans.steps(CLOUD, LABELS, 0)), "1 at the least"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_nothing_that_is_given_is_changed():
    X, labels = CLOUD.copy(), LABELS.copy()
    kmeans.kmeans(X, 3, labels)
    kmeans.centroids(X, labels, 4)
    list(kmeans.steps(X, labels, 3))
    assert np.array_equal(X, CLOUD)
    assert np.array_equal(labels, LABELS)
