"""The two-player game: optimum, value, slopes and the smallest game, against closed forms, optimisers and autograd."""

import numpy as np
import pytest
import torch
from scipy import optimize
from scipy.spatial.distance import cdist, jensenshannon

from course.gan import game, neighbours, theory


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_no_discriminator_does_better_than_the_optimal_one(rng):
    p, q = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(6))
    best = optimize.minimize(lambda D: -theory.game_value(p, q, D), np.full(6, 0.5), bounds=[(1e-9, 1 - 1e-9)] * 6)
    D = theory.optimal_discriminator(p, q)
    np.testing.assert_allclose(best.x, D, atol=1e-3)  # flat at the optimum: values agree better than places
    assert theory.game_value(p, q, D) == pytest.approx(-best.fun, abs=1e-7)


def test_the_value_at_the_optimum_is_twice_js_minus_log_4(rng):
    p, q = rng.dirichlet(np.ones(9)), rng.dirichlet(np.ones(9))
    value = theory.game_value(p, q, theory.optimal_discriminator(p, q))
    assert value == pytest.approx(2 * theory.js_divergence(p, q) - np.log(4), abs=1e-12)


def test_js_is_scipys_and_lies_between_0_and_log_2(rng):
    p, q = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5))
    assert theory.js_divergence(p, q) == pytest.approx(jensenshannon(p, q) ** 2, abs=1e-12)
    assert theory.js_divergence(p, p) == 0
    assert theory.js_divergence([1, 0], [0, 1]) == pytest.approx(np.log(2))


def test_places_without_density_and_sure_mistakes():
    np.testing.assert_array_equal(theory.optimal_discriminator([0.0, 0.5, 0.5], [0.0, 0.5, 0.0]), [0.5, 0.5, 1.0])
    assert theory.game_value([1.0, 0.0], [0.0, 1.0], [1.0, 0.0]) == 0
    assert theory.game_value([1.0, 0.0], [0.0, 1.0], [0.0, 0.0]) == -np.inf


def test_densities_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="at least 0"):
        theory.optimal_discriminator([-0.1, 1.1], [0.5, 0.5])
    with pytest.raises(ValueError, match="same places"):
        theory.js_divergence([0.5, 0.5], [1.0])
    with pytest.raises(ValueError, match="not a logit"):
        theory.game_value([0.5, 0.5], [0.5, 0.5], [2.0, -1.0])


def test_the_losses_are_those_of_the_probabilities():
    real, fake = torch.linspace(-3, 3, 7), torch.linspace(-2, 4, 5)
    D, D_fake = torch.sigmoid(real), torch.sigmoid(fake)
    expected = -(D.log().mean() + (1 - D_fake).log().mean())
    torch.testing.assert_close(game.discriminator_loss(real, fake), expected)
    torch.testing.assert_close(game.generator_loss(fake), -D_fake.log().mean())
    torch.testing.assert_close(game.minimax_loss(fake), (1 - D_fake).log().mean())
    assert game.discriminator_loss(torch.zeros(3), torch.zeros(2)).item() == pytest.approx(2 * np.log(2))


def test_the_slopes_of_the_two_generator_losses():
    """d log(1 - D) / da = -D and -d log D / da = -(1 - D): their ratio is (1 - D) / D."""
    for logit in (-12.0, -3.0, 0.0, 2.0):
        a = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
        D = torch.sigmoid(a.detach()).item()
        (flat,) = torch.autograd.grad(game.minimax_loss(a), a)
        (steep,) = torch.autograd.grad(game.generator_loss(a), a)
        assert flat.item() == pytest.approx(-D, rel=1e-12)
        assert steep.item() == pytest.approx(-(1 - D), rel=1e-12)
        assert (steep / flat).item() == pytest.approx((1 - D) / D, rel=1e-9)


def test_the_losses_stay_finite_where_the_discriminator_is_sure_and_wrong():
    sure = torch.tensor([500.0, -500.0])
    for loss in (game.discriminator_loss(-sure, sure), game.generator_loss(sure), game.minimax_loss(sure)):
        assert torch.isfinite(loss)


def test_a_round_moves_both_players_and_each_by_its_own_loss():
    torch.manual_seed(0)
    G, D = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    x, z = torch.randn(16, 2) + 3, torch.randn(16, 2)
    d_loss = game.discriminator_loss(D(x), D(G(z).detach()))
    expected_D = [w - 0.1 * g for w, g in zip(D.parameters(), torch.autograd.grad(d_loss, D.parameters()), strict=True)]
    before_G = [w.clone() for w in G.parameters()]
    rates = {"lr": 0.1}
    said = game.play(G, D, torch.optim.SGD(G.parameters(), **rates), torch.optim.SGD(D.parameters(), **rates), x, z)
    for w, e in zip(D.parameters(), expected_D, strict=True):
        torch.testing.assert_close(w, e)
    fake = z @ before_G[0].T + before_G[1]
    assert said["generator"].item() == pytest.approx(game.generator_loss(D(fake)).item(), abs=1e-6)
    assert all(not torch.equal(w, b) for w, b in zip(G.parameters(), before_G, strict=True))


@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_simultaneous_steps_spiral_outwards_by_an_exact_factor(rate):
    theta, psi = 0.6, -0.8
    for step in range(1, 30):
        theta, psi = theory.game_step(theta, psi, rate, alternating=False)
        assert np.hypot(theta, psi) == pytest.approx((1 + rate**2) ** (step / 2), rel=1e-12)


def test_alternating_steps_keep_their_invariant_and_stay_near():
    rate, theta, psi = 0.3, 0.6, -0.8
    kept = theta**2 + psi**2 + rate * theta * psi
    for _ in range(500):
        theta, psi = theory.game_step(theta, psi, rate, alternating=True)
        assert theta**2 + psi**2 + rate * theta * psi == pytest.approx(kept, rel=1e-9)
    assert np.hypot(theta, psi) < 1.2


def test_the_nearest_images_are_those_of_scipy(rng):
    samples, images = rng.random((7, 1, 4, 4)), rng.random((30, 1, 4, 4))
    images[11] = samples[3]
    index, distance = neighbours.nearest_images(samples, images)
    D = cdist(samples.reshape(7, -1), images.reshape(30, -1))
    np.testing.assert_array_equal(index, D.argmin(axis=1))
    np.testing.assert_allclose(distance, D.min(axis=1), atol=1e-12)
    assert (index[3], distance[3]) == (11, 0)


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match="16 pixels and images 9"):
        neighbours.nearest_images(np.zeros((2, 4, 4)), np.zeros((2, 3, 3)))
