"""The generative stochastic network's chain and loss; the ring and its code; the GAN's losses."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course.gan import game
from course.likelihood import gsn, mixture

# the chain


def test_corruption_flips_half_of_what_it_touches():
    """100,000 bits, seed 0: the rate of flips is rate / 2, within five standard errors, for zeros and for ones."""
    torch.manual_seed(0)
    for bit in (0.0, 1.0):
        x = torch.full((100, 1000), bit)
        flipped = (gsn.corrupt(x, 0.3) != x).float().mean().item()
        assert abs(flipped - 0.15) < 5 * math.sqrt(0.15 * 0.85 / 100_000)
    assert (gsn.corrupt(x, 0) == x).all()


def test_the_chain_of_a_perfect_denoiser_has_the_distribution_of_the_data():
    """The theorem of Bengio et al. (2013), on one bit that is 1 with probability 0.8: with the exact P(x | spoilt), by
    Bayes' rule, 200,000 chains from the wrong end arrive at 0.8 within five standard errors (seed 0)."""
    p, rate = 0.8, 0.5
    flip = rate / 2
    one = p * (1 - flip) / (p * (1 - flip) + (1 - p) * flip)  # P(x = 1 | spoilt = 1)
    zero = p * flip / (p * flip + (1 - p) * (1 - flip))

    def denoiser(y):
        return torch.logit(torch.where(y == 1, one, zero))

    torch.manual_seed(0)
    x = gsn.chain(denoiser, torch.zeros(200_000, 1), rate, 40)
    assert abs(x.mean().item() - p) < 5 * math.sqrt(p * (1 - p) / 200_000)


def test_one_step_of_walkback_is_the_loss_of_a_denoising_autoencoder():
    torch.manual_seed(0)
    network, x = nn.Linear(6, 6), torch.bernoulli(torch.full((50, 6), 0.5))
    torch.manual_seed(1)
    loss = gsn.walkback_loss(network, x, 0.3, 1)
    torch.manual_seed(1)
    expected = F.binary_cross_entropy_with_logits(network(gsn.corrupt(x, 0.3)), x)
    torch.testing.assert_close(loss, expected)


def test_every_step_of_a_walk_asks_for_the_start():
    """A network that answers p = 1/2 whatever it is asked pays log 2 a bit, after any number of steps."""
    x = torch.bernoulli(torch.full((20, 5), 0.5))
    for steps in (1, 4):
        assert abs(gsn.walkback_loss(torch.zeros_like, x, 0.3, steps).item() - math.log(2)) < 1e-6


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: gsn.corrupt(torch.zeros(1, 2), 1.5), "probability"),
        (lambda: gsn.walkback_loss(nn.Identity(), torch.zeros(1, 2), 0.1, 0), "at least one"),
        (lambda: mixture.ring(0), "at least one"),
        (lambda: mixture.encode(torch.tensor([[4.0, 0.0]])), "inside"),
        (lambda: mixture.encode(torch.tensor([[math.nan, 0.0]])), "inside"),
        (lambda: mixture.decode(torch.zeros(2, 7)), "bits"),
    ],
)
def test_bad_input_is_told(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# the ring


def test_the_rings_density_integrates_to_one_and_is_scipys():
    from scipy.stats import multivariate_normal

    axis = torch.arange(-4, 4, 0.02, dtype=torch.float64) + 0.01
    density = mixture.log_ring(torch.cartesian_prod(axis, axis)).exp()
    assert abs(density.sum().item() * 0.02**2 - 1) < 1e-6
    x = mixture.ring(5).double()
    centres = mixture.RADIUS * torch.tensor([[math.cos(math.pi * k / 4), math.sin(math.pi * k / 4)] for k in range(8)])
    expected = sum(multivariate_normal(m, mixture.SIGMA**2).pdf(x) for m in centres.numpy()) / 8
    torch.testing.assert_close(mixture.log_ring(x).exp(), torch.as_tensor(expected), rtol=1e-5, atol=0)


def test_samples_of_the_ring_have_its_entropy():
    """-E log p over 20,000 points, seed 0: for modes six sigma apart it is log 8 + 1 + log(2 pi sigma^2), but for the
    little that they overlap; within five standard errors (log p has the standard deviation 1)."""
    mean = -mixture.log_ring(mixture.ring(20_000)).mean().item()
    assert abs(mean - (math.log(8) + 1 + math.log(2 * math.pi * mixture.SIGMA**2))) < 5 / math.sqrt(20_000) + 0.005


def test_the_code_gives_each_point_its_cell_and_neighbours_differ_in_one_bit():
    x = mixture.ring(1000)
    assert (mixture.decode(mixture.encode(x), seed=None) - x).abs().max() <= mixture.CELL / 2 + 1e-6
    again = mixture.encode(mixture.decode(mixture.encode(x)))
    assert (again == mixture.encode(x)).all()
    row = torch.stack([torch.arange(32) * mixture.CELL - mixture.HALF + mixture.CELL / 2, torch.zeros(32)], dim=1)
    assert ((mixture.encode(row)[1:] != mixture.encode(row)[:-1]).sum(dim=1) == 1).all()
    assert len(mixture.encode(row).unique(dim=0)) == 32


# the game


def test_the_losses_are_the_binary_cross_entropies():
    real, fake = torch.randn(50), torch.randn(40)
    ones, zeros = torch.ones(50), torch.zeros(40)
    expected = F.binary_cross_entropy_with_logits(real, ones) + F.binary_cross_entropy_with_logits(fake, zeros)
    torch.testing.assert_close(game.discriminator_loss(real, fake), expected)
    torch.testing.assert_close(game.generator_loss(fake), F.binary_cross_entropy_with_logits(fake, torch.ones(40)))
    assert abs(game.discriminator_loss(0 * real, 0 * fake).item() - 2 * math.log(2)) < 1e-6
    assert torch.isfinite(game.discriminator_loss(-1e4 + 0 * real, 1e4 + 0 * fake))


def test_a_round_moves_each_player_the_way_of_its_own_loss():
    torch.manual_seed(0)
    generator, discriminator = nn.Linear(3, 2), nn.Linear(2, 1)
    optimisers = [torch.optim.SGD(net.parameters(), 1e-3) for net in (generator, discriminator)]
    x, z = torch.randn(64, 2) + 2, torch.randn(64, 3)
    d_before = game.discriminator_loss(discriminator(x), discriminator(generator(z))).item()
    logged = game.play(generator, discriminator, *optimisers, x, z)
    assert abs(logged["discriminator"].item() - d_before) < 1e-6
    assert game.generator_loss(discriminator(generator(z))) < logged["generator"]


def test_the_game_is_learnt_where_it_is_easy():
    """A linear generator: its mean, 3 away at first, is within 0.3 of the data's after 400 rounds (seed 0)."""
    torch.manual_seed(0)
    generator, discriminator = nn.Linear(1, 1), nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    optimisers = [torch.optim.Adam(net.parameters(), 0.02, betas=(0.5, 0.9)) for net in (generator, discriminator)]
    for _ in range(400):
        game.play(generator, discriminator, *optimisers, torch.randn(128, 1) + 3, torch.randn(128, 1))
    assert abs(generator(torch.randn(4000, 1)).mean().item() - 3) < 0.3
