import numpy as np
import pytest
import torch
from scipy.optimize import linprog, minimize

exercise = pytest.mark.exercise

# No contract promises float64. Images and gradients are given on a grid of 1/64 and the budgets are powers of two, so
# that float32 moves, clips and compares without rounding; elsewhere the tolerance is a thousand times float32's unit.
CLOSE = 1e-4


def images(rng, *shape, low=0, high=64):
    """Values k / 64."""
    return torch.tensor(rng.integers(low, high, size=shape, endpoint=True) / 64)


@exercise("fgsm_step")
def test_the_first_order_gain_is_the_budget_times_the_l1_norm(submission, rng):
    """Away from 0 and 1, the inner product of the gradient and the change is delta times the sum of |gradient|."""
    x, gradient = images(rng, 5, 1, 3, 3, low=24, high=40), images(rng, 5, 1, 3, 3, low=-64)
    change = submission.fgsm_step(x, gradient, 0.25) - x
    torch.testing.assert_close(
        (change * gradient).sum().double(), 0.25 * gradient.abs().sum(), rtol=CLOSE, atol=CLOSE, check_dtype=False
    )
    assert float(change.abs().max()) <= 0.25 + CLOSE


@exercise("fgsm_step")
def test_every_pixel_is_moved_and_clipped(submission, rng):
    """Each pixel goes up or down by delta as its gradient's sign says, but not below 0 nor above 1."""
    x, gradient = images(rng, 4, 10), images(rng, 4, 10, low=-64)
    gradient[0, :3] = 0
    got = np.asarray(submission.fgsm_step(x, gradient, 0.5))
    expected = np.clip(np.asarray(x) + 0.5 * np.sign(np.asarray(gradient)), 0, 1)
    np.testing.assert_allclose(got, expected, atol=CLOSE)


@exercise("fgsm_step")
def test_no_budget_no_change(submission, rng):
    """With delta = 0 the images come back, and so does a pixel whose gradient is 0."""
    x, gradient = images(rng, 3, 2, 2), images(rng, 3, 2, 2, low=-64)
    np.testing.assert_allclose(submission.fgsm_step(x, gradient, 0.0), x, atol=CLOSE)
    np.testing.assert_allclose(submission.fgsm_step(x, torch.zeros_like(x), 0.5), x, atol=CLOSE)


@exercise("project_l2")
def test_it_is_the_closest_point_of_the_ball(submission, rng):
    """The result is the point that a numerical search over the ball finds closest to the change."""
    e = torch.tensor(rng.normal(size=(4, 3)) * np.array([0.2, 0.5, 2, 5])[:, None])
    got = np.asarray(submission.project_l2(e, 0.8))
    inside = {"type": "ineq", "fun": lambda v: 0.64 - v @ v}
    for row, given in zip(got, np.asarray(e), strict=True):
        found = minimize(lambda v, given=given: ((v - given) ** 2).sum(), np.zeros(3), constraints=[inside])
        np.testing.assert_allclose(row, found.x, atol=2e-3)


@exercise("project_l2")
def test_lengths_and_directions(submission, rng):
    """A change inside the ball stays as it is; a longer one gets the length delta and keeps its direction."""
    e = torch.tensor(rng.normal(size=(6, 2, 3, 3)) * np.array([0.01, 0.1, 0.2, 1, 5, 50])[:, None, None, None])
    flat, got = np.asarray(e).reshape(6, -1), np.asarray(submission.project_l2(e, 1.5)).reshape(6, -1)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    np.testing.assert_allclose(got, flat * np.where(length > 1.5, 1.5 / length, 1), rtol=CLOSE, atol=CLOSE)


@exercise("project_l2")
def test_the_zero_change_stays(submission, rng):
    """A change of zero stays zero, beside others that are shortened, and a ball of radius 0 holds nothing else."""
    e = torch.tensor(rng.normal(size=(3, 4)))
    e[1] = 0
    got = np.asarray(submission.project_l2(e, 0.5))
    np.testing.assert_array_equal(got[1], 0)
    assert np.isfinite(got).all()
    np.testing.assert_allclose(submission.project_l2(e, 0.0), torch.zeros_like(e), atol=CLOSE)


@exercise("pgd_step")
def test_it_never_leaves_the_ball_nor_the_pixels(submission, rng):
    """After ten steps, each half of delta, no pixel is further than delta from origin, or outside [0, 1]."""
    origin = images(rng, 5, 2, 2)
    x = origin
    for _ in range(10):
        x = submission.pgd_step(x, origin, images(rng, 5, 2, 2, low=-64), 0.125, 0.25).double()
        assert float((x - origin).abs().max()) <= 0.25 + CLOSE
        assert 0 <= float(x.min()) <= float(x.max()) <= 1


@exercise("pgd_step")
def test_a_short_step_in_the_middle_is_just_a_step(submission, rng):
    """Where neither ball nor pixels stand in the way, every entry moves by step, up where its gradient is positive."""
    origin, gradient = images(rng, 4, 6, low=24, high=40), images(rng, 4, 6, low=-64)
    gradient[0, :2] = 0
    x = origin + images(rng, 4, 6, low=-4, high=4)
    got = submission.pgd_step(x, origin, gradient, 0.0625, 0.25)
    np.testing.assert_allclose(got, np.asarray(x) + 0.0625 * np.sign(np.asarray(gradient)), atol=CLOSE)


@exercise("pgd_step")
def test_it_goes_back_to_the_closest_point_of_the_ball(submission, rng):
    """A pixel that would leave the ball about origin ends on its edge, and one that would leave [0, 1] ends there."""
    origin, gradient = images(rng, 6, 8), images(rng, 6, 8, low=-64)
    x = (origin + images(rng, 6, 8, low=-8, high=8)).clip(0, 1)
    x0, moved = np.asarray(origin), np.asarray(x) + 0.125 * np.sign(np.asarray(gradient))
    expected = np.clip(np.clip(moved, x0 - 0.125, x0 + 0.125), 0, 1)
    np.testing.assert_allclose(submission.pgd_step(x, origin, gradient, 0.125, 0.125), expected, atol=CLOSE)


def two_classes(rng, n=12, p=3):
    return rng.normal(size=(n, p)), rng.choice([-1.0, 1.0], size=n), rng.normal(size=p)


@exercise("robust_linear_loss")
def test_no_corner_of_the_cube_is_worse_and_one_is_as_bad(submission, rng):
    """Against an l_inf adversary the loss is the mean of each sample's worst corner of the cube about it."""
    X, y, w = two_classes(rng)
    corners = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, 8).T
    for delta in (0.0, 0.3, 1.5):
        each = np.logaddexp(0, -y[:, None] * ((X[:, None] + delta * corners) @ w + 0.4))
        got = submission.robust_linear_loss(X, y, w, 0.4, delta, "linf")
        assert got == pytest.approx(each.max(axis=1).mean(), rel=CLOSE)


@exercise("robust_linear_loss")
def test_it_is_what_a_numerical_search_finds_in_the_l2_ball(submission, rng):
    """Against an l2 adversary each margin is as small as a numerical search can make it in the ball."""
    X, y, w = two_classes(rng, n=4)
    inside = {"type": "ineq", "fun": lambda e: 0.49 - e @ e}
    worst = [
        minimize(lambda e, x=x, label=label: label * (w @ (x + e) - 0.2), np.zeros(3), constraints=[inside]).fun
        for x, label in zip(X, y, strict=True)
    ]
    got = submission.robust_linear_loss(X, y, w, -0.2, 0.7, "l2")
    assert got == pytest.approx(np.logaddexp(0, -np.array(worst)).mean(), rel=1e-3)


@exercise("robust_linear_loss")
def test_both_classes_lose(submission, rng):
    """Exchanging the classes, and the signs of w and b, changes nothing; and a larger budget is never better."""
    X, y, w = two_classes(rng)
    for norm in ("linf", "l2"):
        size = np.abs(w).sum() if norm == "linf" else np.sqrt(w @ w)
        got = [submission.robust_linear_loss(X, s * y, s * w, s * 0.3, 0.5, norm) for s in (1, -1)]
        expected = np.logaddexp(0, 0.5 * size - y * (X @ w + 0.3)).mean()
        np.testing.assert_allclose(got, expected, rtol=CLOSE)
        larger = [submission.robust_linear_loss(X, y, w, 0.3, delta, norm) for delta in (0, 0.2, 0.6)]
        assert larger[0] < larger[1] < larger[2]


@exercise("wasserstein_inner")
def test_a_numerical_search_finds_the_same_maximum(submission, rng):
    """For each row, no x' that a search finds pays more, and one pays as much."""
    X, w = rng.normal(size=(3, 2)), rng.uniform(0.5, 1, size=2)
    y = X @ w + rng.choice([-1, 1], size=3) * rng.uniform(1, 2, size=3)
    gamma = 1.6 * w @ w
    got = submission.wasserstein_inner(X, y, w, gamma)
    for x, target, value in zip(X, y, got, strict=True):
        found = minimize(lambda v, x=x, target=target: gamma * ((v - x) ** 2).sum() - (target - w @ v) ** 2, x + 0.1)
        assert value == pytest.approx(-found.fun, rel=1e-3)


@exercise("wasserstein_inner")
def test_the_least_over_prices_is_the_closed_form_of_the_ball(submission, rng):
    """gamma rho^2 plus the mean, least over gamma, is (root of the mean squared residual + rho |w|)^2."""
    X, w = rng.normal(size=(15, 3)), rng.normal(size=3)
    y = rng.normal(size=15)
    squared, size, rho = np.mean((y - X @ w) ** 2), np.linalg.norm(w), 0.7
    best = size**2 + size * np.sqrt(squared) / rho
    values = [g * rho**2 + np.mean(submission.wasserstein_inner(X, y, w, g)) for g in (best, 1.3 * best)]
    assert values[0] == pytest.approx((np.sqrt(squared) + rho * size) ** 2, rel=1e-3)
    assert values[1] > values[0]


@exercise("wasserstein_inner")
def test_a_cheap_way_pays_without_end(submission, rng):
    """The result is infinite in every row when gamma is below w . w, however little, and finite above."""
    X, y, w = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3)
    for factor in (0.1, 0.9):
        got = np.asarray(submission.wasserstein_inner(X, y, w, factor * float(w @ w)))
        assert got.shape == (4,)
        assert np.isposinf(got).all()
    assert np.isfinite(submission.wasserstein_inner(X, y, w, 1.1 * float(w @ w))).all()


@exercise("cvar")
def test_it_is_the_solver_s_worst_reweighting(submission, rng):
    """The result is the largest weighted mean with no weight above 1 / (alpha n), as a linear programme finds it."""
    losses = rng.exponential(size=11)
    for alpha in (0.13, 0.5, 0.77):
        worst = -linprog(-losses, A_eq=np.ones((1, 11)), b_eq=[1.0], bounds=(0, 1 / (11 * alpha))).fun
        assert submission.cvar(losses, alpha) == pytest.approx(worst, rel=1e-3)


@exercise("cvar")
def test_from_the_mean_to_the_maximum(submission, rng):
    """alpha = 1 gives the mean, alpha <= 1 / n the maximum, and alpha = k / n the mean of the k worst."""
    losses = rng.normal(size=10)
    assert submission.cvar(losses, 1.0) == pytest.approx(losses.mean(), abs=CLOSE)
    assert submission.cvar(losses, 0.04) == pytest.approx(losses.max(), abs=CLOSE)
    assert submission.cvar(losses, 0.3) == pytest.approx(np.sort(losses)[-3:].mean(), abs=CLOSE)


@exercise("cvar")
def test_a_sample_counts_in_part(submission, rng):
    """With alpha n = 2.5 the two worst losses count fully and the third one half."""
    losses = rng.uniform(1, 9, size=10)
    worst = np.sort(losses)[::-1]
    expected = (worst[0] + worst[1] + 0.5 * worst[2]) / 2.5
    assert submission.cvar(losses, 0.25) == pytest.approx(expected, rel=CLOSE)
    assert submission.cvar(losses + 4, 0.25) == pytest.approx(expected + 4, rel=CLOSE)
