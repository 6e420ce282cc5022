import math

import numpy as np
import pytest
import sympy  # noqa: F401 - loaded here, so that no test's time is spent on it
from scipy import optimize, stats
from scipy.spatial.distance import cdist

from course.lab import formula

exercise = pytest.mark.exercise

# No contract promises float64: what an honest computation in float32 keeps, on numbers of about 1. Formulas have no
# rounding: they are compared as formulas.
CLOSE = 1e-4
SYMBOLS = {"u": (0.2, 4.0), "t": (-2.0, 0.8)}


def two(rng, k=7):
    return rng.dirichlet(np.ones(k), size=2)


# conjugate_pair


@exercise("conjugate_pair")
def test_the_best_T_is_the_slope_of_f(submission, rng):
    """As a formula, the first text is the derivative of (sqrt(u) - 1)^2."""
    assert formula.equivalent(submission.conjugate_pair()[0], "1 - 1/sqrt(u)", SYMBOLS)


@exercise("conjugate_pair")
def test_the_conjugate_is_the_largest_gap(submission, rng):
    """At values of t, the second formula is the largest value of t u - f(u), over all u > 0."""
    text = submission.conjugate_pair()[1]
    for t in rng.uniform(-2, 0.7, size=3):
        gap = optimize.minimize_scalar(lambda s, t=t: (s - 1) ** 2 - t * s**2, bounds=(0, 50), method="bounded")
        assert formula.value(text, {"u": 1.0, "t": float(t)}) == pytest.approx(-gap.fun, abs=1e-6)


@exercise("conjugate_pair")
def test_both_together_attain_the_bound(submission, rng):
    """With the first as T, E_p T - E_q f*(T) is the squared Hellinger distance itself."""
    slope, conjugate = submission.conjugate_pair()
    p, q = two(rng, 4)
    T = [formula.value(slope, {"u": a / b, "t": 0.0}) for a, b in zip(p, q, strict=True)]
    paid = [formula.value(conjugate, {"u": 1.0, "t": t}) for t in T]
    assert p @ T - q @ paid == pytest.approx(2 - 2 * np.sqrt(p * q).sum(), abs=1e-9)


# kl_bound


@exercise("kl_bound")
def test_the_best_T_reaches_the_divergence(submission, rng):
    """With T = 1 + log(p/q) the bound is KL(p || q)."""
    p, q = two(rng)
    assert submission.kl_bound(p, q, 1 + np.log(p / q)) == pytest.approx(stats.entropy(p, q), abs=CLOSE)


@exercise("kl_bound")
def test_any_other_T_gives_less(submission, rng):
    """Moving T away from the best by d at one place costs q exp(T - 1) (exp(d) - 1 - d) there."""
    p, q = two(rng)
    d = rng.choice([-1, 1]) * rng.uniform(0.5, 1.5)
    T = 1 + np.log(p / q)
    T[2] += d
    expected = stats.entropy(p, q) - p[2] * (np.exp(d) - 1 - d)
    assert submission.kl_bound(p, q, T) == pytest.approx(expected, abs=CLOSE)


@exercise("kl_bound")
def test_a_constant_T(submission, rng):
    """The same t everywhere gives t - exp(t - 1), for any p and q: 0 at most, at t = 1."""
    p, q = two(rng, 5)
    t = rng.uniform(-1, 2)
    assert submission.kl_bound(p, q, np.full(5, t)) == pytest.approx(t - np.exp(t - 1), abs=CLOSE)


# wasserstein_1d


@exercise("wasserstein_1d")
def test_no_pairing_is_shorter(submission, rng):
    """The result is the average distance of the best pairing, as found by an assignment solver."""
    x, y = rng.normal(size=9), 3 * rng.normal(size=9)
    cost = cdist(x[:, None], y[:, None])
    expected = cost[optimize.linear_sum_assignment(cost)].mean()
    assert submission.wasserstein_1d(x, y) == pytest.approx(expected, abs=CLOSE)


@exercise("wasserstein_1d")
def test_the_order_does_not_matter_and_a_shift_does(submission, rng):
    """Shuffled points are at distance 0; shifting one heap by c makes it |c|."""
    x = rng.normal(size=12)
    c = rng.choice([-1, 1]) * rng.uniform(1, 3)
    assert submission.wasserstein_1d(x, rng.permutation(x)) == pytest.approx(0, abs=CLOSE)
    assert submission.wasserstein_1d(x, rng.permutation(x) + c) == pytest.approx(abs(c), abs=CLOSE)


@exercise("wasserstein_1d")
def test_a_wider_heap_with_the_same_mean_is_not_the_same(submission, rng):
    """Stretching a heap about its mean by s makes the distance s - 1 times the mean distance from the mean."""
    x = rng.normal(size=15)
    x -= x.mean()
    s = rng.uniform(1.5, 4)
    expected = (s - 1) * np.abs(x).mean()
    assert submission.wasserstein_1d(x, rng.permutation(s * x)) == pytest.approx(expected, abs=CLOSE)


# critic_penalty


def critic(rng, n=6, d=3, h=5):
    x, g = rng.normal(size=(n, d)), rng.normal(size=(n, d)) + 0.5
    return x, g, rng.uniform(0.1, 0.9, size=n), rng.normal(size=(h, d)), rng.normal(size=h), rng.normal(size=h)


@exercise("critic_penalty")
def test_the_slopes_are_finite_differences(submission, rng):
    """Slopes are those of finite differences of the critic at u x + (1 - u) g, each pair with its own u."""
    x, g, u, W, b, v = critic(rng)
    at, h = u[:, None] * x + (1 - u[:, None]) * g, 1e-5

    def f(points):
        return np.tanh(points @ W.T + b) @ v

    slopes = np.stack([(f(at + h * e) - f(at - h * e)) / (2 * h) for e in np.eye(3)], axis=1)
    expected = ((np.sqrt((slopes**2).sum(axis=1)) - 1) ** 2).mean()
    assert submission.critic_penalty(x, g, u, W, b, v) == pytest.approx(expected, rel=1e-3)


@exercise("critic_penalty")
def test_a_nearly_linear_critic(submission, rng):
    """With tiny weights inside, the slope is |W' v| everywhere: one above 1 costs, and one below 1 too."""
    x, g, u, *_ = critic(rng)
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    for slope in (0.3, 2.5):
        W, v = 1e-3 * direction[None], np.array([1e3 * slope])
        got = submission.critic_penalty(x, g, u, W, np.zeros(1), v)
        assert got == pytest.approx((slope - 1) ** 2, rel=1e-3)


@exercise("critic_penalty")
def test_each_pair_has_its_place_between(submission, rng):
    """u = 1 measures at the real samples, u = 0 at the generated ones; n pairs give the mean of n single ones."""
    x, g, u, W, b, v = critic(rng)
    one = [submission.critic_penalty(x[[i]], g[[i]], u[[i]], W, b, v) for i in range(len(x))]
    assert submission.critic_penalty(x, g, u, W, b, v) == pytest.approx(np.mean(one), rel=1e-3)
    at_real = submission.critic_penalty(x, g, np.ones(6), W, b, v)
    assert at_real == pytest.approx(submission.critic_penalty(g, x, np.zeros(6), W, b, v), rel=1e-3)
    slopes = (v / np.cosh(x @ W.T + b) ** 2) @ W
    assert at_real == pytest.approx(((np.linalg.norm(slopes, axis=1) - 1) ** 2).mean(), rel=1e-3)


# spectral_step


@exercise("spectral_step")
def test_many_steps_find_the_largest_singular_value(submission, rng):
    """After many steps W_bar is W over its largest singular value, and v the right singular vector of that."""
    U, _ = np.linalg.qr(rng.normal(size=(4, 3)))
    V, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    W, v = U @ np.diag([rng.uniform(3, 5), 1.5, 0.5]) @ V.T, V @ rng.uniform(0.5, 1, size=3)
    for _ in range(12):
        W_bar, v = (np.asarray(a) for a in submission.spectral_step(W, v))
    np.testing.assert_allclose(W_bar, W / np.linalg.norm(W, 2), atol=CLOSE)
    assert abs(v @ V[:, 0]) == pytest.approx(1, abs=CLOSE)


@exercise("spectral_step")
def test_one_step_by_hand(submission, rng):
    """One step from v: the direction of W'W v, and the stretch u . W v_new = |W' u|."""
    W, v = rng.normal(size=(3, 5)), rng.normal(size=5)
    W_bar, new = (np.asarray(a) for a in submission.spectral_step(W, v))
    u = W @ v / np.sqrt(((W @ v) ** 2).sum())
    sigma = np.sqrt(((u @ W) ** 2).sum())
    np.testing.assert_allclose(new, u @ W / sigma, atol=CLOSE)
    np.testing.assert_allclose(W_bar, W / sigma, atol=CLOSE)


@exercise("spectral_step")
def test_the_length_of_v_and_the_size_of_W_do_not_matter(submission, rng):
    """A longer v changes nothing, and a multiple of W gives the same W_bar."""
    W, v = rng.normal(size=(4, 3)), rng.normal(size=3)
    c = rng.uniform(2, 5)
    W_bar, new = submission.spectral_step(W, v)
    for other in (submission.spectral_step(W, c * v), submission.spectral_step(c * W, v)):
        np.testing.assert_allclose(other[0], W_bar, atol=CLOSE)
        np.testing.assert_allclose(other[1], new, atol=CLOSE)


# precision_and_recall


@exercise("precision_and_recall")
def test_it_is_the_share_of_points_in_balls(submission, rng):
    """Both shares agree with balls about every point, whose radius reaches the k-th other point of its heap."""
    real, made = rng.normal(size=(30, 2)), 0.6 * rng.normal(size=(25, 2)) + rng.uniform(0.5, 1.5, size=2)
    for k in (1, 4):
        radius = np.sort(cdist(real, real), axis=1)[:, k], np.sort(cdist(made, made), axis=1)[:, k]
        precision = np.mean((cdist(made, real) <= radius[0]).any(axis=1))
        recall = np.mean((cdist(real, made) <= radius[1]).any(axis=1))
        np.testing.assert_allclose(submission.precision_and_recall(real, made, k), (precision, recall), atol=CLOSE)


@exercise("precision_and_recall")
def test_a_generator_that_knows_one_half_only(submission, rng):
    """Copies of one of two far heaps: precision 1, recall one half."""
    a = rng.normal(size=(20, 3))
    made = a + 1e-3 * rng.normal(size=(20, 3))
    precision, recall = submission.precision_and_recall(np.concatenate([a, a + 100]), made, 3)
    assert precision == pytest.approx(1, abs=CLOSE)
    assert recall == pytest.approx(0.5, abs=CLOSE)


@exercise("precision_and_recall")
def test_far_samples_cost_precision(submission, rng):
    """Samples far from all data are not covered: with half of them near the data, precision is one half."""
    real = rng.normal(size=(30, 2))
    far = 50 * np.array([[math.cos(t), math.sin(t)] for t in rng.uniform(0, 6, size=10)]) + 200
    made = np.concatenate([real[:10] + 1e-3, far])
    assert submission.precision_and_recall(real, made, 2)[0] == pytest.approx(0.5, abs=CLOSE)
