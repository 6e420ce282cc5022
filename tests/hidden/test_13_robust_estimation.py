import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm, scoreatpercentile

exercise = pytest.mark.exercise

# No contract promises float64. The mildest mistake, an edge row left out of 60, changes a result by 1.6 %.
SMALL = 1e-4


def cloud(rng, n=30, p=3):
    """Correlated rows, no two alike, spreads within a factor of 4."""
    turn = np.linalg.qr(rng.normal(size=(p, p)))[0]
    return rng.normal(size=(n, p)) * np.geomspace(2, 0.5, p) @ turn + rng.uniform(-2, 2, size=p)


@exercise("mixture_mean")
def test_the_mean_is_that_of_many_rows(submission, rng):
    """The result is what the mean of very many contaminated rows comes to."""
    theta, q = rng.uniform(-3, 3, size=(2, 4))
    for dirty in (1, 3, 8):
        rows = np.vstack([np.tile(theta, (20 - dirty, 1)), np.tile(q, (dirty, 1))])
        np.testing.assert_allclose(submission.mixture_mean(theta, q, dirty / 20), rows.mean(axis=0), atol=SMALL)


@exercise("mixture_mean")
def test_without_contamination_the_mean_is_theta(submission, rng):
    """At eps = 0 the mean is theta, wherever the contamination is."""
    theta, q = rng.uniform(-3, 3, size=(2, 3))
    np.testing.assert_allclose(submission.mixture_mean(theta, q, 0.0), theta, atol=SMALL)


@exercise("coordinate_median")
def test_half_of_each_column_lies_on_either_side(submission, rng):
    """The result is the 50 % point of each column, for odd and for even numbers of rows."""
    for n in (1, 2, 7, 12, 31, 60):
        X = cloud(rng, n=n, p=4)
        expected = [scoreatpercentile(column, 50) for column in X.T]
        np.testing.assert_allclose(submission.coordinate_median(X), expected, atol=SMALL)


@exercise("coordinate_median")
def test_the_order_of_the_rows_does_not_matter(submission, rng):
    """Rows in another order have the same median."""
    X = cloud(rng, n=10)
    np.testing.assert_allclose(
        submission.coordinate_median(rng.permutation(X)), submission.coordinate_median(X), atol=SMALL
    )


@exercise("coordinate_median")
def test_a_minority_cannot_carry_the_median_away(submission, rng):
    """With fewer than half of the rows moved far away, the result stays in the range of the others."""
    X = cloud(rng, n=21)
    low, high = X[10:].min(axis=0), X[10:].max(axis=0)
    X[:10] = 1e6
    m = submission.coordinate_median(X)
    assert (m >= low - SMALL).all()
    assert (m <= high + SMALL).all()


@exercise("hidden_distance")
def test_the_total_variation_is_what_the_adversary_can_make_up_for(submission, rng):
    """N(0, 1) and N(d, 1) differ by the total variation eps / (1 - eps)."""
    for eps in rng.uniform(0.02, 0.4, size=5):
        d = submission.hidden_distance(float(eps))
        overlap = norm.cdf(-d / 2) + norm.sf(d / 2)
        np.testing.assert_allclose(1 - overlap, eps / (1 - eps), atol=SMALL)
        assert d > 0


@exercise("hidden_distance")
def test_small_shares_hide_little(submission, rng):
    """Nothing hides at eps = 0, and a small share hides about sqrt(2 pi) eps."""
    np.testing.assert_allclose(submission.hidden_distance(0.0), 0, atol=SMALL)
    np.testing.assert_allclose(submission.hidden_distance(0.01) / 0.01, np.sqrt(2 * np.pi), rtol=0.02)


@exercise("directional_depth")
def test_depth_on_a_line_is_the_smaller_of_two_shares(submission, rng):
    """In one dimension, the smaller of the shares of rows on either side, rows equal to z counted on both."""
    x = rng.integers(0, 9, size=15).astype(float)
    for z in (2.0, 4.0, 7.0, 4.5):
        expected = min((x >= z).mean(), (x <= z).mean())
        found = submission.directional_depth(np.array([z]), x[:, None], np.array([[1.0], [-2.0]]))
        np.testing.assert_allclose(found, expected, atol=SMALL)


@exercise("directional_depth")
def test_each_direction_is_counted_and_the_smallest_wins(submission, rng):
    """The result is the smallest share of rows beyond z, over the directions given."""
    # multiples of 1/8, so that no rounding, in float32 either, decides on which side a row lies
    X, U, z = (np.round(8 * a) / 8 for a in (cloud(rng, n=60), rng.normal(size=(7, 3)), rng.normal(size=3)))
    shares = [sum(float(np.dot(u, x - z)) >= 0 for x in X) / 60 for u in U]
    np.testing.assert_allclose(submission.directional_depth(z, X, U), min(shares), atol=SMALL)


@exercise("directional_depth")
def test_more_directions_never_make_a_point_deeper(submission, rng):
    """With more directions to choose from, the result is never larger; and a shift of everything changes nothing."""
    X, U = rng.integers(-5, 6, size=(40, 2)).astype(float), rng.integers(-3, 4, size=(9, 2)) + 0.5
    z = X[0]
    few, many = submission.directional_depth(z, X, U[:3]), submission.directional_depth(z, X, U)
    assert many <= few + SMALL
    np.testing.assert_allclose(submission.directional_depth(z + 8, X + 8, U), many, atol=SMALL)


@exercise("weiszfeld_step")
def test_a_row_counts_by_one_over_its_distance(submission, rng):
    """The result is the mean of the rows with weights one over their distance from m."""
    X, m = cloud(rng, n=12), rng.normal(size=3) + 4
    weights = [1 / sum((x - m) ** 2) ** 0.5 for x in X]
    np.testing.assert_allclose(submission.weiszfeld_step(m, X), np.average(X, axis=0, weights=weights), atol=SMALL)


@exercise("weiszfeld_step")
def test_the_steps_lead_to_the_smallest_sum_of_distances(submission, rng):
    """Step after step ends where the sum of the distances to the rows is smallest."""
    X = cloud(rng, n=15)
    m = X.mean(axis=0)
    for _ in range(80):
        m = submission.weiszfeld_step(m, X)
    best = minimize(lambda z: np.linalg.norm(X - z, axis=1).sum(), X.mean(axis=0)).fun
    np.testing.assert_allclose(np.linalg.norm(X - m, axis=1).sum(), best, rtol=SMALL)
