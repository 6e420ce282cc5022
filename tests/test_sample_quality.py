"""Precision, recall, density and coverage: hand-made cases, brute force, and what is known of equal distributions."""

import numpy as np
import pytest

from course.gan import sample_quality as sq


def ball(points, i, k):
    """Brute force: the k-th smallest of the distances to all other points."""
    return sorted(np.sqrt(((points[i] - p) ** 2).sum()) for j, p in enumerate(points) if j != i)[k - 1]


@pytest.fixture
def sets():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 3)), 0.7 * rng.normal(size=(30, 3)) + 0.5


@pytest.mark.parametrize("k", [1, 3, 7])
def test_all_four_are_those_of_brute_force(sets, k):
    real, fake = sets
    inside = np.array([[np.linalg.norm(r - f) <= ball(real, i, k) for f in fake] for i, r in enumerate(real)])
    inside_fake = np.array([[np.linalg.norm(r - f) <= ball(fake, j, k) for j, f in enumerate(fake)] for r in real])
    precision, recall = sq.precision_recall(real, fake, k)
    density, coverage = sq.density_coverage(real, fake, k)
    assert precision == pytest.approx(np.mean([inside[:, j].any() for j in range(30)]))
    assert recall == pytest.approx(np.mean([inside_fake[i].any() for i in range(40)]))
    assert density == pytest.approx(inside.sum() / (k * 30))
    assert coverage == pytest.approx(np.mean([inside[i].any() for i in range(40)]))


def test_points_on_a_line_by_hand():
    """Real 0 1 2 10, with radii 1 1 1 8 (k = 1); fake 1.5, 5, 20, with radii 3.5, 3.5, 15."""
    real, fake = np.array([[0.0], [1], [2], [10]]), np.array([[1.5], [5], [20]])
    np.testing.assert_array_equal(sq.ball_radii(real, 1), [1, 1, 1, 8])
    precision, recall = sq.precision_recall(real, fake, k=1)
    assert precision == pytest.approx(2 / 3)  # 5 lies in the wide ball of the outlier 10, 20 in none
    assert recall == 1
    density, coverage = sq.density_coverage(real, fake, k=1)
    assert density == pytest.approx((2 + 1 + 0) / 3)  # 1.5 lies in the balls of 1 and 2, 5 in that of 10
    assert coverage == pytest.approx(3 / 4)


def test_the_same_set_is_perfect(sets):
    real, _ = sets
    assert sq.precision_recall(real, real) == (1, 1)
    density, coverage = sq.density_coverage(real, real)
    assert density == pytest.approx((5 + 1) / 5)  # each ball holds its centre and k others
    assert coverage == 1


def test_sets_far_apart_share_nothing(sets):
    real, fake = sets
    assert sq.precision_recall(real, fake + 1000) == (0, 0)
    assert sq.density_coverage(real, fake + 1000) == (0, 0)


def test_equal_distributions():
    """Mean over 20 draws of 400 points: density 1, coverage 1 - 2^-k; standard errors are below .01."""
    rng = np.random.default_rng(1)
    results = np.array(
        [sq.density_coverage(rng.normal(size=(400, 2)), rng.normal(size=(400, 2)), 3) for _ in range(20)]
    )
    np.testing.assert_allclose(results.mean(axis=0), [1, 1 - 0.5**3], atol=0.03)


def test_recall_and_precision_change_places(sets):
    real, fake = sets
    assert sq.precision_recall(real, fake) == sq.precision_recall(fake, real)[::-1]


def test_distance_is_all_that_counts(sets):
    real, fake = sets
    rotation, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))
    moved = [3 * points @ rotation + 8 for points in sets]
    assert sq.precision_recall(*moved) == sq.precision_recall(real, fake)
    assert sq.density_coverage(*moved) == sq.density_coverage(real, fake)


@pytest.mark.parametrize("measure", [sq.precision_recall, sq.density_coverage])
def test_what_cannot_be_measured_is_refused(measure, sets):
    real, fake = sets
    with pytest.raises(ValueError, match="one row of features"):
        measure(real[0], fake)
    with pytest.raises(ValueError, match="3 features and fake 2"):
        measure(real, fake[:, :2])
    with pytest.raises(ValueError, match="NaN"):
        measure(real, np.full((4, 3), np.nan))
    with pytest.raises(ValueError, match="from 1 to 39"):
        measure(real, fake, k=40)
