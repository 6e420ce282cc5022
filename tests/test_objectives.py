"""Robust and distributionally robust objectives against convex solvers, brute force and closed forms.

Clarabel solves to about 1e-8; what is compared with it gets a tolerance of 1e-6.
"""

import math

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from course.robust import objectives

rng = np.random.default_rng(0)
X, Y, W = rng.normal(size=(9, 3)), rng.choice([-1.0, 1.0], size=9), rng.normal(size=3)
LOSSES = rng.exponential(size=23)


@pytest.mark.parametrize(("norm", "ball"), [("linf", cp.norm_inf), ("l2", cp.norm2)])
def test_the_dual_norm_and_its_maximiser(norm, ball):
    e = cp.Variable(3)
    best = cp.Problem(cp.Maximize(W @ e), [ball(e) <= 1]).solve()
    assert objectives.dual_norm(W, norm) == pytest.approx(best, abs=1e-6)
    for label in (-1, 1):
        worst = objectives.worst_perturbation(W, label, 0.7, norm)
        assert label * W @ worst == pytest.approx(-0.7 * best, abs=1e-6)
        assert (np.abs(worst).max() if norm == "linf" else np.linalg.norm(worst)) == pytest.approx(0.7)


@pytest.mark.parametrize(("norm", "ball"), [("linf", cp.norm_inf), ("l2", cp.norm2)])
@pytest.mark.parametrize("delta", [0.0, 0.2, 1.0])
def test_the_robust_loss_is_the_solver_s_inner_maximum(norm, ball, delta):
    least = []
    for x, label in zip(X, Y, strict=True):
        e = cp.Variable(3)
        least.append(cp.Problem(cp.Minimize(label * (W @ (x + e) + 0.3)), [ball(e) <= delta]).solve())
    expected = np.logaddexp(0, -np.array(least)).mean()
    assert objectives.robust_linear_loss(X, Y, W, 0.3, delta, norm) == pytest.approx(expected, abs=1e-6)


def test_no_perturbation_that_is_tried_is_worse():
    robust = objectives.robust_linear_loss(X, Y, W, 0.3, 0.5, "l2")
    for _ in range(300):
        e = rng.normal(size=X.shape)
        e *= 0.5 / np.linalg.norm(e, axis=1, keepdims=True)
        assert np.logaddexp(0, -Y * ((X + e) @ W + 0.3)).mean() <= robust + 1e-12


def test_weights_of_zero_give_the_adversary_nothing():
    for norm in ("linf", "l2"):
        assert objectives.robust_linear_loss(X, Y, 0 * W, 0.0, 9.0, norm) == pytest.approx(math.log(2))


def test_the_penalised_inner_maximum_is_that_of_a_search():
    y = rng.normal(size=9)
    gamma = 1.4 * W @ W
    got = objectives.wasserstein_inner(X, y, W, gamma)
    for x, target, value in zip(X, y, got, strict=True):
        found = minimize(lambda v, x=x, target=target: gamma * ((v - x) ** 2).sum() - (target - W @ v) ** 2, x + 0.1)
        assert value == pytest.approx(-found.fun, rel=1e-6)
    assert np.isinf(objectives.wasserstein_inner(X, y, W, 0.99 * W @ W)).all()


def test_the_supremum_may_be_zero_at_the_limiting_price():
    """r = 0 and gamma = |w|^2: moving gains just what it costs."""
    got = objectives.wasserstein_inner([[1.0, 0], [2.0, 0]], [1.0, 1.0], [1.0, 0], 1.0)
    np.testing.assert_array_equal(got, [0, math.inf])


@pytest.mark.parametrize("radius", [0.05, 0.5, 3.0])
def test_regression_over_a_wasserstein_ball_is_least_squares_with_a_penalty(radius):
    """The closed form is the least over gamma; and the distribution that attains it lies in the ball."""
    y = rng.normal(size=9)
    r = y - X @ W
    value = objectives.wasserstein_regression(X, y, W, radius)
    grid = W @ W * (1 + np.geomspace(1e-4, 1e4, 20_001))
    dual = min(g * radius**2 + objectives.wasserstein_inner(X, y, W, g).mean() for g in grid)
    assert dual == pytest.approx(value, rel=1e-6)
    moved = X - radius * np.outer(r / math.sqrt(np.mean(r**2)), W / np.linalg.norm(W))
    assert np.mean(((moved - X) ** 2).sum(axis=1)) == pytest.approx(radius**2)
    assert np.mean((y - moved @ W) ** 2) == pytest.approx(value)


def discrete(seed, n=4, m=13):
    """A loss at m places of the plane, samples at n of them, and the cost of all ways."""
    random = np.random.default_rng(seed)
    places = random.uniform(size=(m, 2))
    return random.normal(size=m), np.linalg.norm(places[:n, None] - places, axis=2)


def by_linear_programme(losses, cost, radius=None, gamma=None):
    """The primal over plans pi (n, m): sum pi l, under a budget for sum pi c or at a price for it. SciPy's HiGHS."""
    n, m = cost.shape
    gain = np.broadcast_to(losses, (n, m)) - (0 if gamma is None else gamma * cost)
    rows = np.kron(np.eye(n), np.ones(m))
    budget = {} if radius is None else {"A_ub": cost.reshape(1, -1), "b_ub": [radius]}
    return -linprog(-gain.ravel(), A_eq=rows, b_eq=np.full(n, 1 / n), **budget).fun


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 4.0, 50.0])
def test_the_penalised_supremum_is_the_linear_programme_s(seed, gamma):
    losses, cost = discrete(seed)
    got = objectives.wasserstein_penalised(losses, cost, gamma)
    assert got == pytest.approx(by_linear_programme(losses, cost, gamma=gamma), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("radius", [0.0, 0.01, 0.1, 0.3, 5.0])
def test_duality_over_the_wasserstein_ball(seed, radius):
    """Primal, a linear programme by two solvers, equals the dual, a minimum over one price."""
    losses, cost = discrete(seed)
    value, gamma = objectives.wasserstein_worst_case(losses, cost, radius)
    assert value == pytest.approx(by_linear_programme(losses, cost, radius=radius), abs=1e-7)
    plan = cp.Variable(cost.shape, nonneg=True)
    bounds = [cp.sum(plan, axis=1) == 1 / len(cost), cp.sum(cp.multiply(plan, cost)) <= radius]
    primal = cp.Problem(cp.Maximize(cp.sum(plan @ losses)), bounds).solve()
    assert value == pytest.approx(primal, abs=1e-6)
    assert gamma >= 0


def test_the_price_is_the_slope_of_the_worst_case():
    losses, cost = discrete(7)
    value, gamma = objectives.wasserstein_worst_case(losses, cost, 0.1)
    more, _ = objectives.wasserstein_worst_case(losses, cost, 0.1 + 1e-4)
    assert (more - value) / 1e-4 == pytest.approx(gamma, rel=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_no_radius_and_all_the_room(seed):
    losses, cost = discrete(seed)
    assert objectives.wasserstein_worst_case(losses, cost, 0.0)[0] == pytest.approx(losses[:4].mean())
    assert objectives.wasserstein_worst_case(losses, cost, 9.0) == (pytest.approx(losses.max()), 0.0)


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.37, 0.5, 1.0])
def test_cvar_primal_dual_and_weights_agree(alpha):
    n = len(LOSSES)
    q = cp.Variable(n, nonneg=True)
    primal = cp.Problem(cp.Maximize(q @ LOSSES), [cp.sum(q) == 1, q <= 1 / (alpha * n)]).solve()
    dual = min(t + np.maximum(LOSSES - t, 0).mean() / alpha for t in LOSSES)
    assert objectives.cvar(LOSSES, alpha) == pytest.approx(primal, abs=1e-6)
    assert objectives.cvar(LOSSES, alpha) == pytest.approx(dual, abs=1e-12)
    weights = objectives.cvar_weights(LOSSES, alpha)
    assert weights.sum() == pytest.approx(1)
    assert weights.min() >= 0
    assert weights.max() <= 1 / (alpha * n) * (1 + 1e-12) or alpha * n < 1
    assert weights @ LOSSES == pytest.approx(primal, abs=1e-6)


def test_cvar_of_a_normal_sample_is_close_to_the_closed_form():
    """For N(0, 1), CVaR_alpha = phi(z) / alpha at the 1 - alpha quantile z. The standard error at n = 200,000, seed 1,
    alpha = .1 is sqrt(Var) / sqrt(alpha n) < .004; the tolerance is three of these."""
    from scipy.stats import norm

    sample = np.random.default_rng(1).normal(size=200_000)
    assert objectives.cvar(sample, 0.1) == pytest.approx(norm.pdf(norm.ppf(0.9)) / 0.1, abs=0.012)


@pytest.mark.parametrize("rho", [0.0, 0.05, 0.5, 2.0, 8.0, 40.0])
def test_the_chi_square_ball_is_the_solver_s(rho):
    n = len(LOSSES)
    q = cp.Variable(n, nonneg=True)
    inside = [cp.sum(q) == 1, cp.sum_squares(n * q - 1) / (2 * n) <= rho]
    primal = cp.Problem(cp.Maximize(q @ LOSSES), inside).solve()
    weights = objectives.chi_square_weights(LOSSES, rho)
    assert weights @ LOSSES == pytest.approx(primal, abs=1e-6)
    assert weights.sum() == pytest.approx(1)
    assert weights.min() >= 0
    assert ((n * weights - 1) ** 2).sum() / (2 * n) <= rho + 1e-9


def test_a_small_chi_square_ball_adds_deviations():
    """As long as no weight is 0, the worst mean is mean + sqrt(2 rho) standard deviations (Namkoong and Duchi)."""
    expected = LOSSES.mean() + math.sqrt(2 * 0.05) * LOSSES.std()
    assert objectives.chi_square_weights(LOSSES, 0.05) @ LOSSES == pytest.approx(expected)


def test_equal_losses_share_the_weight():
    np.testing.assert_allclose(objectives.chi_square_weights(np.ones(4), 3.0), 0.25)
    np.testing.assert_allclose(objectives.chi_square_weights([0.0, 2, 2], 50.0), [0, 0.5, 0.5])
    np.testing.assert_allclose(objectives.cvar_weights(np.ones(4), 1.0), 0.25)


def test_the_weighted_gradient_is_that_of_the_maximum():
    """Danskin: the derivative of the worst mean by one loss is that sample's weight."""
    balls = {objectives.cvar_weights: 0.33, objectives.chi_square_weights: 0.7}
    for weights in (lambda losses, f=f, size=size: f(losses, size) for f, size in balls.items()):
        q = weights(LOSSES)
        for i in range(0, len(LOSSES), 5):
            up, down = LOSSES.copy(), LOSSES.copy()
            up[i] += 1e-6
            down[i] -= 1e-6
            assert (weights(up) @ up - weights(down) @ down) / 2e-6 == pytest.approx(q[i], abs=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: objectives.robust_linear_loss(X, Y, W, 0, 0.1, "l1"), "norm = 'l1'"),
        (lambda: objectives.robust_linear_loss(X, Y, W, 0, -0.1), "delta = -0.1"),
        (lambda: objectives.robust_linear_loss(X, Y, W, 0, math.nan), "delta = nan"),
        (lambda: objectives.robust_linear_loss(X, (Y + 1) / 2, W, 0, 0.1), "-1 or"),
        (lambda: objectives.robust_linear_loss(X * math.nan, Y, W, 0, 0.1), "X contains NaN"),
        (lambda: objectives.robust_linear_loss(X, Y[:-1], W, 0, 0.1), "X has shape"),
        (lambda: objectives.robust_linear_loss(X, Y, W[:2], 0, 0.1), "X has shape"),
        (lambda: objectives.wasserstein_inner(X, Y, W, -1), "gamma = -1"),
        (lambda: objectives.wasserstein_inner(X[0], Y, W, 1), "X has shape"),
        (lambda: objectives.wasserstein_regression(X, Y, W, -1), "radius = -1"),
        (lambda: objectives.wasserstein_penalised([1.0, 2], [[0.0, 1, 2]], 1), "one column"),
        (lambda: objectives.wasserstein_penalised([1.0, 2], [[0.0, -1]], 1), "negative"),
        (lambda: objectives.wasserstein_worst_case([1.0, 2], [[0.0, 1]], -1), "radius = -1"),
        (lambda: objectives.wasserstein_worst_case([1.0, 2], [[0.5, 1]], 1), "needs a 0"),
        (lambda: objectives.cvar(LOSSES, 0), "alpha = 0"),
        (lambda: objectives.cvar(LOSSES, 1.5), "alpha = 1.5"),
        (lambda: objectives.cvar([1, math.nan], 0.5), "losses contains NaN"),
        (lambda: objectives.cvar([], 0.5), "at least one"),
        (lambda: objectives.chi_square_weights(LOSSES, -1), "rho = -1"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
