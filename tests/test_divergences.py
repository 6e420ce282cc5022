"""What discriminators measure: each formula against a closed form, a maximisation, a finite difference or a library."""

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.linear_model import LogisticRegression

from course.robust import divergences as div
from course.robust import halfspace_depth


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_a_blind_discriminator_scores_zero_and_a_perfect_one_log_4(rng):
    assert div.js_objective(np.zeros(7), np.zeros(3)) == pytest.approx(0, abs=1e-15)
    assert div.js_objective(np.full(7, 800.0), np.full(3, -800.0)) == pytest.approx(np.log(4), abs=1e-15)
    assert div.js_objective(np.full(7, -800.0), np.full(3, 800.0)) == pytest.approx(np.log(4) - 1600)


def test_the_best_logit_reaches_twice_the_js_divergence():
    """With the density ratio as logit, the objective over quadrature points is 2 JS: integrated for two Gaussians."""
    x = np.linspace(-12, 14, 40_001)
    p, q = stats.norm.pdf(x), stats.norm.pdf(x, 1.5, 1.3)
    logit = np.log(p) - np.log(q)
    best = -np.trapezoid(p * np.logaddexp(0, -logit) + q * np.logaddexp(0, logit), x) + np.log(4)
    m = (p + q) / 2
    js = np.trapezoid(p * np.log(p / m) + q * np.log(q / m), x) / 2
    assert best == pytest.approx(2 * js, abs=1e-9)


def test_js_g_is_the_likelihood_of_a_logistic_regression(rng):
    real, fake = rng.normal(size=(300, 3)), rng.normal([0.5, 0, -0.2], 1, size=(300, 3))
    value, w = div.js_g(real, fake)
    labels = np.repeat([1, 0], 300)
    fit = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-12, max_iter=1000).fit(
        np.vstack([real, fake]), labels
    )
    np.testing.assert_allclose(w, fit.coef_[0], atol=1e-5)
    assert value == pytest.approx(div.js_objective(real @ fit.coef_[0], fake @ fit.coef_[0]), abs=1e-9)


def test_js_g_is_zero_exactly_when_the_means_of_g_agree(rng):
    """The proposition, both ways: equal means of very different samples, then the same moved by a hundredth."""
    real = rng.normal(size=(500, 2))
    fake = rng.standard_t(3, size=(500, 2)) * 2
    fake += real.mean(axis=0) - fake.mean(axis=0)
    value, w = div.js_g(real, fake)
    assert value == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(w, 0, atol=1e-8)
    assert div.js_g(real, fake + 0.01)[0] > 1e-6


def test_the_gradient_of_js_g_is_a_finite_difference_and_half_the_gap_at_zero(rng):
    real, fake, w = rng.normal(size=(40, 3)), rng.normal(size=(60, 3)) + 1, rng.normal(size=3)
    slope = optimize.approx_fprime(w, lambda v: div.js_objective(real @ v, fake @ v), 1e-7)
    np.testing.assert_allclose(div.js_g_gradient(real, fake, w), slope, atol=1e-5)  # steps of 1e-7 leave about 1e-8
    gap = (real.mean(axis=0) - fake.mean(axis=0)) / 2
    np.testing.assert_allclose(div.js_g_gradient(real, fake, np.zeros(3)), gap, atol=1e-12)


def test_a_plane_between_the_samples_asks_for_a_ridge(rng):
    real, fake = rng.normal(size=(50, 2)) + 9, rng.normal(size=(50, 2))
    value, w = div.js_g(real, fake, ridge=0.01)
    assert np.isfinite(w).all()
    assert 0 < value < np.log(4)


def test_features_with_nan_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        div.js_g(np.array([[np.nan]]), np.array([[1.0]]))


def test_the_tv_gan_of_all_half_spaces_is_half_minus_the_depth(rng):
    X = rng.normal(size=(200, 2))
    angles = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    U = np.column_stack([np.cos(angles), np.sin(angles)])
    for eta in rng.normal(size=(5, 2)):
        depth = float(np.asarray(halfspace_depth(eta[None], X)).item())
        assert div.tv_gan_value(X, eta, U) == pytest.approx(0.5 - depth, abs=1e-12)


def test_the_quadratic_divergence_is_the_maximum_over_discriminators(rng):
    p, q = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5))

    def minus(t):
        return -(p @ -((1 - t) ** 2) + q @ -(t**2)) / 2 - 0.25

    best = -optimize.minimize(minus, np.full(5, 0.5), bounds=[(0, 1)] * 5, tol=1e-14).fun
    assert div.quadratic_score_divergence(p, q) == pytest.approx(best, abs=1e-8)
    assert div.quadratic_score_divergence(p, p) == 0
    assert div.quadratic_score_divergence([1, 0, 0], [0, 1, 0]) == 0.25


def test_the_gradient_of_the_location_is_a_finite_difference(rng):
    Z, eta = rng.normal(size=(30, 4)), rng.normal(size=4)
    W, b, v = rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=3)

    def value(at):
        hidden = 1 / (1 + np.exp(-((Z + at) @ W.T + b)))
        return -np.logaddexp(0, hidden @ v).mean()

    slope = optimize.approx_fprime(eta, value, 1e-7)
    np.testing.assert_allclose(div.location_gradient(Z, eta, W, b, v), slope, atol=1e-6)


def test_the_population_minima_are_stationary_and_lie_between_truth_and_mean():
    """The first-order condition of 2 JS in eta, by quadrature: the integral of log(1 - T) dq/deta vanishes."""
    x = np.linspace(-10, 14, 40_001)
    for separation in (1.5, 2.0, 3.0):
        eta = div.population_location("js", separation, 0.2)
        assert 0 < eta < 0.2 * separation
        p = 0.8 * stats.norm.pdf(x) + 0.2 * stats.norm.pdf(x, separation)
        q = stats.norm.pdf(x, eta)
        assert np.trapezoid(np.log(q / (p + q)) * (x - eta) * q, x) == pytest.approx(0, abs=1e-5)


def test_without_contamination_the_minimum_is_the_truth_and_far_contamination_is_ignored():
    assert div.population_location("js", 3.0, 0.0) == pytest.approx(0, abs=1e-4)
    assert div.population_location("tv", 3.0, 0.0) == pytest.approx(0, abs=2e-2)  # |p - q| has a kink: flat to the grid
    assert div.population_location("js", 20.0, 0.2) == pytest.approx(0, abs=1e-4)


def test_an_unknown_divergence_and_too_large_a_share_are_refused():
    with pytest.raises(ValueError, match="'js' or 'tv'"):
        div.population_location("kl", 1, 0.1)
    with pytest.raises(ValueError, match="below 1/2"):
        div.population_location("js", 1, 0.5)
