"""Huber's model and the estimates of location: closed forms, SciPy, and scikit-learn's own checks."""

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import ks_2samp, norm, trim_mean
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

from course.robust import CoordinateMedian, GeometricMedian
from course.robust.contamination import (
    CLEAN,
    CONTAMINATION,
    ar_covariance,
    elliptical,
    gaussian,
    huber_sample,
    indistinguishable,
    least_favourable,
    mixture_mean,
    point_mass,
)
from course.robust.medians import FilteredMean, trimmed_mean, weighted_median, weiszfeld_step

ESTIMATORS = [CoordinateMedian(), GeometricMedian(), FilteredMean()]
BY_NAME = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)


def cloud(seed=0, n=31, p=3):
    return np.random.default_rng(seed).normal(size=(n, p)) * np.geomspace(2, 0.5, p) + 1


# ------------------------------------------------------------------------------------------------------ Huber's model


@pytest.mark.parametrize("contamination", [*CONTAMINATION, "adversarial"])
@pytest.mark.parametrize("clean", CLEAN)
def test_every_named_sampler_gives_rows_and_says_which_are_clean(clean, contamination):
    X, is_clean = huber_sample(500, 0.2, p=7, clean=clean, contamination=contamination, rng=0)
    again, _ = huber_sample(500, 0.2, p=7, clean=clean, contamination=contamination, rng=np.random.default_rng(0))
    assert X.shape == (500, 7)
    assert is_clean.shape == (500,)
    assert is_clean.dtype == bool
    assert np.isfinite(X).all()
    np.testing.assert_array_equal(X, again)
    assert 0.15 < 1 - is_clean.mean() < 0.25  # 100 rows, give or take 9


def test_clean_and_contaminated_rows_have_their_own_means():
    """100,000 rows: standard errors of .0035 and .008, and five of them are allowed."""
    X, is_clean = huber_sample(100_000, 0.2, p=3, contamination="far", rng=0)
    np.testing.assert_allclose(X[is_clean].mean(axis=0), 0, atol=0.018)
    np.testing.assert_allclose(X[~is_clean].mean(axis=0), 5, atol=0.04)
    np.testing.assert_allclose(X.mean(axis=0), mixture_mean(np.zeros(3), np.full(3, 5.0), 0.2), atol=0.04)


def test_eps_zero_is_a_clean_sample():
    assert huber_sample(50, 0, contamination="adversarial", rng=0)[1].all()


def test_covariances_are_those_asked_for():
    Sigma = ar_covariance(4, 0.6)
    np.testing.assert_allclose(Sigma[0], [1, 0.6, 0.36, 0.216])
    rng = np.random.default_rng(0)
    X = gaussian(np.arange(4), Sigma)(200_000, rng)
    np.testing.assert_allclose(np.cov(X.T), Sigma, atol=0.02)  # standard error .003
    T = elliptical(np.arange(4), Sigma, degrees=5)(200_000, rng)
    np.testing.assert_allclose(np.cov(T.T), Sigma * 5 / 3, atol=0.08)  # the covariance of t_5 is 5/3 of its scatter
    np.testing.assert_allclose(T.mean(axis=0), np.arange(4), atol=0.02)


def test_a_coordinate_of_the_multivariate_cauchy_is_cauchy():
    x = elliptical(np.full(3, 2.0))(100_000, np.random.default_rng(0))[:, 1]
    np.testing.assert_allclose(np.quantile(x, [0.25, 0.5, 0.75]), [1, 2, 3], atol=0.03)  # standard error .008


def test_a_point_mass_is_one_point():
    assert (point_mass([1, 2])(5, np.random.default_rng(0)) == [1, 2]).all()


@pytest.mark.parametrize("eps", [0.01, 0.1, 0.2, 0.4])
def test_the_hidden_distance_has_the_total_variation_that_eps_makes_up_for(eps):
    d = indistinguishable(eps)
    x = np.linspace(-9, 9 + d, 200_001)
    variation = np.abs(norm.pdf(x) - norm.pdf(x - d)).sum() * (x[1] - x[0]) / 2
    assert variation == pytest.approx(eps / (1 - eps), abs=1e-6)


@pytest.mark.parametrize("eps", [0.05, 0.2, 0.4])
def test_the_least_favourable_contamination_cannot_be_told_from_its_mirror_image(eps):
    """Kolmogorov and Smirnov on 40,000 rows along the direction, and N(0, 1) across it; seed 0, level .001."""
    d, u = indistinguishable(eps), np.array([3.0, 4.0]) / 5
    X, _ = huber_sample(40_000, eps, contamination=least_favourable([3, 4], eps), rng=0)
    along, across = X @ u, X @ [-u[1], u[0]]
    assert ks_2samp(along[:20_000], d - along[20_000:]).pvalue > 1e-3
    assert ks_2samp(across, norm.rvs(size=40_000, random_state=0)).pvalue > 1e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: huber_sample(10, 1), "lies in"),
        (lambda: huber_sample(0, 0.1), "at least one row"),
        (lambda: huber_sample(10, 0.1, clean="uniform"), "the names are gaussian"),
        (lambda: huber_sample(10, 0.5, contamination="adversarial"), "imitate"),
        (lambda: huber_sample(10, 0.5, p=2, contamination=point_mass([1, 2, 3])), "2 columns and contaminated ones 3"),
        (lambda: indistinguishable(0.5), "imitate"),
        (lambda: least_favourable([0, 0], 0.1), "direction"),
        (lambda: ar_covariance(3, 1), "strictly between"),
        (lambda: gaussian([0, 0], np.eye(3)), "has shape"),
        (lambda: gaussian([0, 0], [[1, 2], [2, 1]]), "not positive definite"),
        (lambda: elliptical([0], degrees=0), "must be positive"),
    ],
)
def test_bad_settings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---------------------------------------------------------------------------------------------------------- estimates


@BY_NAME
def test_scikit_learn_accepts_it(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(estimator)


@BY_NAME
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [1, 2, 200])
def test_floating_types_and_dimensions(estimator, dtype, p):
    X = np.random.default_rng(0).normal(size=(400, p)).astype(dtype)
    X[:, -1] = 3  # a constant column
    fit = estimator.fit(X)
    assert fit.location_.dtype == dtype
    assert fit.location_.shape == (p,)
    assert fit.n_features_in_ == p
    assert fit.location_[-1] == pytest.approx(3, rel=1e-6)
    assert np.linalg.norm(fit.location_[:-1]) < 2 * np.sqrt(p / 400)


@BY_NAME
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_a_number_is_refused(estimator, bad):
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        estimator.fit([[0.0, 1], [bad, 2]])


@pytest.mark.parametrize("estimator", ESTIMATORS[:2], ids=["coordinate", "geometric"])
def test_a_single_sample_is_its_own_median_and_is_warned_about(estimator):
    with pytest.warns(UserWarning, match="Only one sample"):
        assert estimator.fit([[2.0, 3.0]]).location_.tolist() == [2, 3]


@pytest.mark.parametrize("estimator", ESTIMATORS[:2], ids=["coordinate", "geometric"])
@pytest.mark.parametrize("n", [6, 9])
def test_a_weight_is_a_number_of_copies(estimator, n):
    X, weights = cloud(n=n), np.arange(n) % 4
    copies = estimator.fit(np.repeat(X, weights, axis=0)).location_
    np.testing.assert_allclose(estimator.fit(X, sample_weight=weights).location_, copies, atol=1e-5)
    np.testing.assert_allclose(estimator.fit(X, sample_weight=0.1 * weights).location_, copies, atol=1e-5)
    with pytest.raises(ValueError, match="at least one non-zero"):
        estimator.fit(X, sample_weight=np.zeros(n))


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_the_coordinatewise_median_is_numpys(n):
    X = cloud(n=n, p=4)
    np.testing.assert_array_equal(weighted_median(X), np.median(X, axis=0))
    np.testing.assert_allclose(weighted_median(X, np.full(n, 0.3)), np.median(X, axis=0))


@pytest.mark.parametrize("eps", [0.05, 0.2, 0.4])
def test_the_bias_of_a_median_is_what_the_formula_says(eps):
    """400,000 rows: a standard error of at most .004."""
    x, _ = huber_sample(400_000, eps, contamination=point_mass([50.0]), clean=gaussian([0.0]), rng=0)
    assert CoordinateMedian().fit(x).location_[0] == pytest.approx(norm.ppf(1 / (2 * (1 - eps))), abs=0.016)
    assert indistinguishable(eps) / 2 == pytest.approx(norm.ppf(1 / (2 * (1 - eps))))


@pytest.mark.parametrize("n", [4, 7, 30])
@pytest.mark.parametrize("p", [2, 5])
def test_the_geometric_median_has_the_smallest_sum_of_distances(n, p):
    X = cloud(n=n, p=p)
    fit = GeometricMedian().fit(X)

    def total(m):
        return np.linalg.norm(X - m, axis=1).sum()

    best = minimize(
        total, X.mean(axis=0), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 9000}
    )
    assert total(fit.location_) <= best.fun + 1e-8
    assert total(fit.location_) <= min(total(x) for x in X) + 1e-12


def test_unit_vectors_cancel_at_the_geometric_median():
    X = cloud(n=200)
    d = X - GeometricMedian().fit(X).location_
    assert np.linalg.norm((d / np.linalg.norm(d, axis=1, keepdims=True)).mean(axis=0)) < 1e-6


def test_a_data_point_can_be_the_geometric_median():
    """An obtuse corner of more than 120 degrees is the median of its triangle, and the inner one of four points."""
    np.testing.assert_allclose(GeometricMedian().fit([[0.0, 0], [4, 1], [-4, 1]]).location_, 0, atol=1e-12)
    assert GeometricMedian().fit([[0.0, 0], [4, 1], [-4, 1]]).n_iter_ < 50
    np.testing.assert_allclose(GeometricMedian().fit([[0.0, 0], [9, 0], [-5, 8], [-5, -8]]).location_, 0, atol=1e-12)


def test_a_start_on_a_data_point_that_is_not_the_answer_is_left():
    X = np.array([[0.0, 0], [1, 9], [2, 8], [-1, 7], [-2, 9], [9, -0.1], [-9, -0.1], [8, -0.1], [-8, -0.1]])
    assert (np.median(X, axis=0) == X[0]).all()
    d = X - GeometricMedian().fit(X).location_
    assert np.linalg.norm((1 / np.linalg.norm(d, axis=1)) @ d) < 1e-5


def test_the_geometric_median_turns_with_the_data():
    X, Q = cloud(), np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    moved = GeometricMedian().fit(3 * X @ Q + 7).location_
    np.testing.assert_allclose(moved, 3 * GeometricMedian().fit(X).location_ @ Q + 7, atol=1e-5)


def test_points_on_a_line_have_the_median_of_the_line():
    t = np.array([0.0, 1, 4, 9, 16])
    np.testing.assert_allclose(GeometricMedian().fit(np.outer(t, [3, 4]) + 1).location_, [13, 17], atol=1e-6)


def test_weiszfelds_step_goes_down_and_knows_its_domain():
    X, m = cloud(), np.array([4.0, 4, 4])
    for _ in range(20):
        new = weiszfeld_step(m, X)
        np.testing.assert_allclose(new, np.average(X, axis=0, weights=1 / np.linalg.norm(X - m, axis=1)))
        assert np.linalg.norm(X - new, axis=1).sum() <= np.linalg.norm(X - m, axis=1).sum()
        m = new
    with pytest.raises(ValueError, match="one of the rows"):
        weiszfeld_step(X[0], X)
    with pytest.raises(ValueError, match="expected"):
        weiszfeld_step(m, X[:, :2])


def test_iterations_that_did_not_suffice_are_warned_about():
    with pytest.warns(ConvergenceWarning, match="raise max_iter or tol"):
        GeometricMedian(max_iter=2).fit(cloud())


@pytest.mark.parametrize("share", [0, 0.1, 0.25, 0.49])
def test_the_trimmed_mean_is_scipys(share):
    np.testing.assert_allclose(trimmed_mean(cloud(), share), trim_mean(cloud(), share))


def test_the_trimmed_mean_refuses_bad_input():
    with pytest.raises(ValueError, match="can be cut from both ends"):
        trimmed_mean(cloud(), 0.5)
    with pytest.raises(ValueError, match="finite numbers"):
        trimmed_mean([[np.nan]], 0.1)


@pytest.mark.parametrize(
    ("estimate", "breakdown"),
    [
        (lambda X: trimmed_mean(X, 0.2), 0.2),
        (lambda X: CoordinateMedian().fit(X).location_, 0.5),
        (lambda X: GeometricMedian().fit(X).location_, 0.5),
        (lambda X: FilteredMean().fit(X).location_, 0.4),
    ],
    ids=["trimmed mean", "coordinate", "geometric", "filter"],
)
def test_breakdown_points(estimate, breakdown):
    X = np.random.default_rng(0).normal(size=(200, 3))
    few, many = X.copy(), X.copy()
    few[: round(200 * (breakdown - 0.02))] = 1e6
    many[: round(200 * (breakdown + 0.11))] = 1e6
    assert np.linalg.norm(estimate(few)) < 10
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.linalg.norm(estimate(many)) > 1e3


@pytest.mark.parametrize("where", ["near", "far", "point", "cauchy", "correlated"])
@pytest.mark.parametrize("eps", [0.05, 0.2])
def test_the_filter_comes_near_the_oracle(where, eps):
    """p = 100, n = 5,000, the oracle at about .15; seed 1. The coordinatewise median is at 1 or 3 for eps .2."""
    X, is_clean = huber_sample(5000, eps, p=100, contamination=where, rng=1)
    fit = FilteredMean().fit(X)
    assert np.linalg.norm(fit.location_) < 1.2 * np.linalg.norm(X[is_clean].mean(axis=0))
    assert (fit.support_ & is_clean).sum() > 0.95 * is_clean.sum()


def test_the_filter_with_a_covariance_is_the_filter_of_whitened_data():
    X, _ = huber_sample(1000, 0.1, p=5, contamination="far", rng=0)
    L = np.linalg.cholesky(ar_covariance(5, 0.7))
    moved = FilteredMean(L @ L.T).fit(X @ L.T).location_
    np.testing.assert_allclose(moved, L @ FilteredMean().fit(X).location_, atol=1e-9)


def test_the_filter_says_when_its_covariance_is_wrong():
    with pytest.warns(ConvergenceWarning, match="give the right covariance"):
        FilteredMean().fit(10 * cloud(n=200))
