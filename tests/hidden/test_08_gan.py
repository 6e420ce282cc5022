import numpy as np
import pytest
from scipy import optimize, stats
from scipy.spatial.distance import cdist, jensenshannon

exercise = pytest.mark.exercise

# No contract promises float64: what an honest computation in float32 keeps, on numbers of about 1.
CLOSE = 1e-4


def two(rng, k=7):
    return rng.dirichlet(np.ones(k), size=2)


# optimal_discriminator


@exercise("optimal_discriminator")
def test_it_is_the_best_answer_at_every_place(submission, rng):
    """At every place, no other D makes p_data log D + p_g log(1 - D) larger."""
    p, q = rng.uniform(0.1, 3, size=(2, 5))
    D = submission.optimal_discriminator(p, q)
    for a, b, d in zip(p, q, D, strict=True):
        best = optimize.minimize_scalar(
            lambda t, a=a, b=b: -a * np.log(t) - b * np.log(1 - t), bounds=(1e-6, 1 - 1e-6), method="bounded"
        ).x
        assert d == pytest.approx(best, abs=1e-3)  # the search stops within 1e-5 of the best


@exercise("optimal_discriminator")
def test_the_odds_are_the_ratio_of_the_densities(submission, rng):
    """D / (1 - D) = p_data / p_g, also for densities larger than 1."""
    p, q = rng.uniform(0.5, 20, size=(2, 9))
    D = np.asarray(submission.optimal_discriminator(p, q))
    np.testing.assert_allclose(D / (1 - D), p / q, rtol=1e-3)


@exercise("optimal_discriminator")
def test_where_one_of_the_two_never_comes(submission, rng):
    """1 where only real samples come, 0 where only generated ones do, 1/2 where neither does."""
    a, b = rng.uniform(0.2, 1, size=2)
    D = submission.optimal_discriminator(np.array([a, 0, 0]), np.array([0, b, 0]))
    np.testing.assert_allclose(D, [1, 0, 0.5], atol=CLOSE)


# game_value


@exercise("game_value")
def test_at_the_optimum_it_is_twice_js_minus_log_4(submission, rng):
    """At D = p_data / (p_data + p_g) the value is 2 JS(p_data, p_g) - log 4."""
    p, q = two(rng)
    expected = 2 * jensenshannon(p, q) ** 2 - np.log(4)
    assert submission.game_value(p, q, p / (p + q)) == pytest.approx(expected, abs=CLOSE)


@exercise("game_value")
def test_real_pay_log_D_and_generated_log_1_minus_D(submission, rng):
    """With all real samples at one place and all generated ones at another, the value is log D + log(1 - D')."""
    D = rng.uniform(0.1, 0.9, size=3)
    got = submission.game_value(np.array([0.0, 1, 0]), np.array([0.0, 0, 1]), D)
    assert got == pytest.approx(np.log(D[1]) + np.log(1 - D[2]), abs=CLOSE)


@exercise("game_value")
def test_places_that_never_come_add_nothing(submission, rng):
    """Adding places of probability 0, where D is 0 or 1, leaves the value as it is."""
    p, q = two(rng, 4)
    D = rng.uniform(0.2, 0.8, size=4)
    expected = (p * np.log(D)).sum() + (q * np.log(1 - D)).sum()
    got = submission.game_value(np.append(p, [0, 0]), np.append(q, [0, 0]), np.append(D, [0.0, 1.0]))
    assert got == pytest.approx(expected, abs=CLOSE)


# generator_slopes


@exercise("generator_slopes")
def test_they_are_finite_differences_of_the_losses(submission, rng):
    """Both derivatives agree with finite differences of log(1 - D) and of -log D."""
    a = rng.uniform(-4, 4, size=6)
    flat, steep = submission.generator_slopes(a)
    h = 1e-5
    np.testing.assert_allclose(flat, (stats.logistic.logsf(a + h) - stats.logistic.logsf(a - h)) / (2 * h), atol=CLOSE)
    np.testing.assert_allclose(
        steep, -(stats.logistic.logcdf(a + h) - stats.logistic.logcdf(a - h)) / (2 * h), atol=CLOSE
    )


@exercise("generator_slopes")
def test_both_together_are_minus_one(submission, rng):
    """At every logit the two derivatives add up to -1, and their ratio is exp(-a)."""
    a = rng.uniform(-6, 6, size=8)
    flat, steep = map(np.asarray, submission.generator_slopes(a))
    np.testing.assert_allclose(flat + steep, -1, atol=CLOSE)
    np.testing.assert_allclose(steep, np.exp(-a) * flat, rtol=1e-3, atol=CLOSE)


@exercise("generator_slopes")
def test_a_sure_discriminator(submission, rng):
    """At logits of -1000 the first is 0 and the second -1; at +1000 it is the other way round."""
    flat, steep = submission.generator_slopes(np.array([-1000.0, 1000.0]))
    np.testing.assert_allclose(flat, [0, -1], atol=CLOSE)
    np.testing.assert_allclose(steep, [-1, 0], atol=CLOSE)


# game_step


@exercise("game_step")
def test_both_at_once_move_at_a_right_angle(submission, rng):
    """Simultaneous: the step is rate times (-psi, theta), so the distance from the origin grows by sqrt(1 + rate^2)."""
    theta, psi, rate = rng.uniform(0.2, 1, size=3)
    new = submission.game_step(theta, psi, rate, False)
    np.testing.assert_allclose(new, [theta - rate * psi, psi + rate * theta], atol=CLOSE)
    assert np.hypot(*new) == pytest.approx(np.hypot(theta, psi) * np.sqrt(1 + rate**2), abs=CLOSE)


@exercise("game_step")
def test_one_after_the_other(submission, rng):
    """Alternating: the discriminator moves first, and the generator answers its new psi."""
    theta, psi, rate = rng.uniform(0.2, 1, size=3)
    new_psi = psi + rate * theta
    np.testing.assert_allclose(
        submission.game_step(theta, psi, rate, True), [theta - rate * new_psi, new_psi], atol=CLOSE
    )


@exercise("game_step")
def test_the_equilibrium_stays(submission, rng):
    """At (0, 0) nothing moves, whatever the rate and the order."""
    for alternating in (False, True):
        np.testing.assert_allclose(submission.game_step(0.0, 0.0, rng.uniform(0.1, 1), alternating), [0, 0], atol=CLOSE)


# nearest_images


@exercise("nearest_images")
def test_it_agrees_with_all_distances(submission, rng):
    """Index and distance are those of the smallest entry in each row of the table of all distances."""
    samples, images = rng.random((6, 8)), rng.random((25, 8))
    index, distance = submission.nearest_images(samples, images)
    D = cdist(samples, images)
    np.testing.assert_allclose(np.asarray(D)[np.arange(6), np.asarray(index)], D.min(axis=1), atol=CLOSE)
    np.testing.assert_allclose(distance, D.min(axis=1), atol=CLOSE)


@exercise("nearest_images")
def test_a_training_image_is_its_own_nearest(submission, rng):
    """Training images given as samples are found again, at distance 0."""
    images = rng.random((12, 5))
    order = rng.permutation(12)[:4]
    index, distance = submission.nearest_images(images[order], images)
    np.testing.assert_array_equal(index, order)
    np.testing.assert_allclose(distance, 0, atol=2e-3)  # the root of a rounding error in float32


@exercise("nearest_images")
def test_a_bright_image_far_away_is_not_near(submission, rng):
    """Scaling all training images but one by a hundred leaves that one nearest."""
    images = rng.uniform(0.5, 1, size=(9, 6))
    images[np.arange(9) != 4] *= 100
    index, _ = submission.nearest_images(rng.random((3, 6)), images)
    np.testing.assert_array_equal(index, [4, 4, 4])
