import numpy as np
import pytest
from scipy import optimize, stats

exercise = pytest.mark.exercise

# No contract promises float64: these are what an honest computation in float32 keeps on numbers of about 1.
CLOSE = 1e-4


def directions(rng, m, p):
    U = rng.normal(size=(m, p))
    return U / np.linalg.norm(U, axis=1, keepdims=True)


def sigmoid(s):
    return 0.5 * (1 + np.tanh(np.asarray(s) / 2))


# tv_gan_value


@exercise("tv_gan_value")
def test_on_a_line_it_is_half_minus_the_smaller_tail(submission, rng):
    """In one dimension the value is 1/2 minus the smaller of the shares of samples at or above and at or below eta."""
    x = rng.normal(size=31)
    eta = rng.normal()
    expected = 0.5 - min(np.mean(x >= eta), np.mean(x <= eta))
    got = submission.tv_gan_value(x[:, None], np.array([eta]), np.array([[1.0], [-1.0]]))
    assert got == pytest.approx(expected, abs=CLOSE)


@exercise("tv_gan_value")
def test_samples_on_the_edge_belong_to_the_half_space(submission, rng):
    """With eta at one of the samples, that sample counts in every half-space."""
    x = np.sort(rng.normal(size=8)).round(2)
    got = submission.tv_gan_value(x[:, None], x[[5]], np.array([[1.0], [-1.0]]))
    assert got == pytest.approx(0.5 - min(np.mean(x >= x[5]), np.mean(x <= x[5])), abs=CLOSE)


@exercise("tv_gan_value")
def test_outside_all_samples_some_half_space_is_empty(submission, rng):
    """Far outside the samples, a half-space that holds none of them gives the value 1/2."""
    X = rng.normal(size=(50, 3))
    U = np.vstack([directions(rng, 10, 3), [[1.0, 0, 0]]])
    assert submission.tv_gan_value(X, np.array([100.0, 0, 0]), U) == pytest.approx(0.5, abs=CLOSE)


@exercise("tv_gan_value")
def test_moving_everything_changes_nothing(submission, rng):
    """Moving samples and eta together by the same vector leaves the value as it is."""
    X, eta, U = rng.normal(size=(40, 3)), rng.normal(size=3), directions(rng, 25, 3)
    X, eta = (np.round(64 * a) / 64 for a in (X, eta))  # moved without rounding, in float32 too
    expected = max(0.5 - np.mean((X - eta) @ u >= 0) for u in U)
    shift = np.array([8.0, -4.0, 2.0])
    assert submission.tv_gan_value(X, eta, U) == pytest.approx(expected, abs=CLOSE)
    assert submission.tv_gan_value(X + shift, eta + shift, U) == pytest.approx(expected, abs=CLOSE)


@exercise("tv_gan_value")
def test_a_single_direction_sees_its_own_half_space(submission, rng):
    """With one direction u, the value is 1/2 minus the share of the samples on the side that u points to."""
    X, eta = rng.normal(size=(31, 3)), np.zeros(3)
    for u in directions(rng, 3, 3):
        assert submission.tv_gan_value(X, eta, u[None]) == pytest.approx(0.5 - np.mean(X @ u >= 0), abs=CLOSE)


# js_objective


@exercise("js_objective")
def test_a_blind_discriminator_scores_nothing(submission, rng):
    """Logits of 0 everywhere give 0, whatever the numbers of samples."""
    assert submission.js_objective(np.zeros(5), np.zeros(9)) == pytest.approx(0, abs=CLOSE)


@exercise("js_objective")
def test_two_means_each_over_its_own_sample(submission, rng):
    """The value is the mean of log T over the samples plus the mean of log(1 - T) over the generated plus log 4."""
    real, fake = 2 * rng.normal(size=11), 2 * rng.normal(size=4)
    expected = stats.logistic.logcdf(real).mean() + stats.logistic.logsf(fake).mean() + np.log(4)
    assert submission.js_objective(real, fake) == pytest.approx(expected, abs=CLOSE)


@exercise("js_objective")
def test_sure_and_right_reaches_log_4(submission, rng):
    """A discriminator that is sure and right everywhere comes to log 4, without overflow."""
    assert submission.js_objective(np.full(3, 1000.0), np.full(6, -1000.0)) == pytest.approx(np.log(4), abs=CLOSE)


@exercise("js_objective")
def test_sure_and_wrong_costs_the_logit(submission, rng):
    """One sample that is sure and wrong costs its logit, and the value stays finite."""
    real, fake = np.array([-800.0, 0.0]), np.zeros(3)
    expected = (-800 - np.log(2)) / 2 - np.log(2) + np.log(4)
    assert submission.js_objective(real, fake) == pytest.approx(expected, rel=1e-5)


# js_g_gradient


@exercise("js_g_gradient")
def test_at_zero_it_is_half_the_gap_of_the_means(submission, rng):
    """At w = 0 the gradient is half the mean of g_real minus half the mean of g_fake."""
    real, fake = rng.normal(size=(9, 4)), rng.normal(size=(5, 4)) + 1
    got = submission.js_g_gradient(real, fake, np.zeros(4))
    np.testing.assert_allclose(got, (real.mean(axis=0) - fake.mean(axis=0)) / 2, atol=CLOSE)


@exercise("js_g_gradient")
def test_it_is_the_slope_of_the_objective(submission, rng):
    """The gradient agrees with finite differences of the objective at a random w."""
    real, fake, w = rng.normal(size=(13, 3)), rng.normal(size=(8, 3)) + 0.5, rng.normal(size=3)

    def value(at):
        return stats.logistic.logcdf(real @ at).mean() + stats.logistic.logsf(fake @ at).mean()

    np.testing.assert_allclose(
        submission.js_g_gradient(real, fake, w), optimize.approx_fprime(w, value, 1e-6), atol=CLOSE
    )


@exercise("js_g_gradient")
def test_repeating_the_rows_changes_nothing(submission, rng):
    """Giving every generated row twice leaves the gradient as it is."""
    real, fake, w = rng.normal(size=(6, 2)), rng.normal(size=(7, 2)), rng.normal(size=2)
    once = submission.js_g_gradient(real, fake, w)
    np.testing.assert_allclose(submission.js_g_gradient(real, np.repeat(fake, 2, axis=0), w), once, atol=CLOSE)


# location_gradient


def network(rng, m, p, h):
    return (
        rng.normal(size=(m, p)),
        rng.normal(size=p),
        rng.normal(size=(h, p)),
        rng.normal(size=h),
        2 * rng.normal(size=h),
    )


@exercise("location_gradient")
def test_it_is_the_slope_of_the_loss(submission, rng):
    """The gradient agrees with finite differences of mean log(1 - T(eta + z)) in eta."""
    Z, eta, W, b, v = network(rng, 12, 3, 5)

    def loss(at):
        return stats.logistic.logsf(sigmoid((Z + at) @ W.T + b) @ v).mean()

    expected = optimize.approx_fprime(eta, loss, 1e-6)
    np.testing.assert_allclose(submission.location_gradient(Z, eta, W, b, v), expected, atol=CLOSE)


@exercise("location_gradient")
def test_one_point_and_one_unit_by_hand(submission, rng):
    """One hidden unit at W x + b = 0 has the slope 1/4: the gradient is -sigmoid(v / 2) v W / 4."""
    w, v = rng.normal(size=3), rng.uniform(1, 3)
    got = submission.location_gradient(np.zeros((1, 3)), np.zeros(3), w[None], np.zeros(1), np.array([v]))
    np.testing.assert_allclose(got, -sigmoid(v / 2) * v * w / 4, atol=CLOSE)


@exercise("location_gradient")
def test_a_discriminator_that_does_not_listen_gives_no_gradient(submission, rng):
    """With v = 0 the discriminator says 1/2 everywhere, and the gradient is 0."""
    Z, eta, W, b, _ = network(rng, 5, 4, 3)
    np.testing.assert_allclose(submission.location_gradient(Z, eta, W, b, np.zeros(3)), np.zeros(4), atol=CLOSE)


# outlier_auc


@exercise("outlier_auc")
def test_it_is_the_statistic_of_mann_and_whitney(submission, rng):
    """The result is the Mann-Whitney statistic of outliers against inliers over the number of pairs, ties included."""
    inliers, outliers = rng.integers(0, 9, size=23).astype(float), rng.integers(3, 12, size=11).astype(float)
    expected = stats.mannwhitneyu(outliers, inliers).statistic / (23 * 11)
    assert submission.outlier_auc(inliers, outliers) == pytest.approx(expected, abs=CLOSE)


@exercise("outlier_auc")
def test_the_ends_and_the_middle(submission, rng):
    """1 when every outlier is above every inlier, 0 the other way round, 1/2 when all scores are equal."""
    low, high = rng.random(6), rng.random(9) + 2
    assert submission.outlier_auc(low, high) == pytest.approx(1, abs=CLOSE)
    assert submission.outlier_auc(high, low) == pytest.approx(0, abs=CLOSE)
    assert submission.outlier_auc(np.ones(4), np.ones(7)) == pytest.approx(0.5, abs=CLOSE)


@exercise("outlier_auc")
def test_only_the_order_counts(submission, rng):
    """Taking exp of all scores changes nothing."""
    inliers, outliers = rng.normal(size=15), rng.normal(size=10) + 0.5
    plain = submission.outlier_auc(inliers, outliers)
    assert plain == pytest.approx(stats.mannwhitneyu(outliers, inliers).statistic / 150, abs=CLOSE)
    assert submission.outlier_auc(np.exp(inliers), np.exp(outliers)) == pytest.approx(plain, abs=CLOSE)


# quadratic_score_divergence


@exercise("quadratic_score_divergence")
def test_no_discriminator_does_better(submission, rng):
    """A numerical maximisation over t finds the same value."""
    p, q = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(6))

    def minus(t):
        return (p @ (1 - t) ** 2 + q @ t**2) / 2 - 0.25

    best = -optimize.minimize(minus, np.full(6, 0.5), bounds=[(0, 1)] * 6, tol=1e-12).fun
    assert submission.quadratic_score_divergence(p, q) == pytest.approx(best, abs=CLOSE)


@exercise("quadratic_score_divergence")
def test_equal_is_zero_and_disjoint_a_quarter(submission, rng):
    """0 for two equal distributions, 1/4 for two with no value in common."""
    p = rng.dirichlet(np.ones(5))
    assert submission.quadratic_score_divergence(p, p) == pytest.approx(0, abs=CLOSE)
    left, right = np.concatenate([p, np.zeros(3)]), np.concatenate([np.zeros(5), rng.dirichlet(np.ones(3))])
    assert submission.quadratic_score_divergence(left, right) == pytest.approx(0.25, abs=CLOSE)


@exercise("quadratic_score_divergence")
def test_values_that_neither_has_add_nothing(submission, rng):
    """Adding values of probability 0 under both leaves the result as it is."""
    p, q = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(4))
    plain = submission.quadratic_score_divergence(p, q)
    longer = submission.quadratic_score_divergence(np.append(p, [0, 0]), np.append(q, [0, 0]))
    assert longer == pytest.approx(plain, abs=CLOSE)
    assert plain == pytest.approx(np.sum((p - q) ** 2 / (p + q)) / 8, abs=CLOSE)
