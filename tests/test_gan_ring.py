"""The laboratory of GAN training on the ring: its measures by hand, its switches, and what it is said to find."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from course.data import DataError
from course.gan import ring
from course.likelihood import mixture

CENTRES = ring.centres()


def test_the_centres_are_those_of_the_data():
    density = mixture.log_ring(CENTRES)
    torch.testing.assert_close(density, density[:1].expand(8))
    assert (mixture.log_ring(CENTRES + 0.05) < density).all()


def test_the_data_themselves_are_good():
    """P(within 3 standard deviations) = 1 - exp(-9/2) in the plane; tolerances are four standard errors."""
    q = ring.quality(mixture.ring(20_000, seed=5))
    assert q.found == 8
    assert q.good == pytest.approx(1 - math.exp(-4.5), abs=4 * math.sqrt(0.011 / 20_000))
    assert q.kl < 0.001
    assert q.tv < 0.04  # 0.5 sum E|share - p|, about 0.4 sum sqrt(p) / sqrt(20,000), is 0.026 over some 80 squares


def test_the_exact_probabilities_of_squares_are_those_of_many_points():
    p = ring._probabilities()
    assert p.shape == (12, 12)
    assert p.sum().item() == pytest.approx(1, abs=1e-4)
    points = mixture.ring(100_000, seed=1)
    shares = np.histogram2d(*points.T.numpy(), bins=12, range=[[-3, 3]] * 2)[0] / len(points)
    np.testing.assert_allclose(shares, p, atol=5 * np.sqrt(p.max().item() / len(points)))


def test_the_distance_looks_between_the_modes():
    """A thin circle through the centres passes all other measures."""
    angle = torch.linspace(0, 2 * math.pi, 4001)[:-1]
    circle = ring.quality(2 * torch.stack([angle.cos(), angle.sin()], dim=1))
    data = ring.quality(mixture.ring(4000, seed=2))
    assert (circle.found, data.found) == (8, 8)
    assert min(circle.good, data.good) > 0.95
    assert circle.tv > 5 * data.tv
    assert ring.quality(torch.full((50, 2), 9.0)).tv == pytest.approx(1, abs=1e-4)


def test_counts_by_hand():
    away = torch.tensor([[0.0, 0.0], [2.0, 0.74], [2.0, 0.76], [math.nan, 0.0]])
    np.testing.assert_array_equal(ring.by_mode(torch.cat([CENTRES[[0, 0, 3]], away])), [3, 0, 0, 1, 0, 0, 0, 0])


def test_measures_by_hand():
    samples = torch.cat([CENTRES[[0]].repeat(60, 1), CENTRES[[4]].repeat(20, 1), torch.zeros(20, 2)])
    q = ring.quality(samples)
    assert (q.found, q.good) == (2, pytest.approx(0.8))
    assert q.kl == pytest.approx(entropy([0.75, 0, 0, 0, 0.25, 0, 0, 0], np.full(8, 1 / 8)))
    one = ring.quality(CENTRES[[2]].repeat(9, 1))
    assert (one.found, one.good, one.kl) == (1, 1, pytest.approx(math.log(8)))
    nothing = ring.quality(torch.full((9, 2), math.nan))
    assert (nothing.found, nothing.good, nothing.kl) == (0, 0, math.log(8))
    assert nothing.tv == pytest.approx(1, abs=1e-4)
    q = ring.quality(CENTRES)
    assert (q.found, q.good, q.kl) == (8, 1, 0)
    assert str(q).startswith("8 of 8 modes, 100% good, KL 0.000")


def test_a_mode_with_less_than_a_tenth_of_its_share_is_not_found():
    samples = CENTRES[torch.arange(800) % 8]
    few = samples.clone()
    few[samples[:, 0] > 1.9] = CENTRES[1]  # mode 0 loses its samples
    assert ring.quality(few).found == 7
    few[:9] = CENTRES[0]
    assert ring.quality(few).found == 7
    few[:10] = CENTRES[0]
    assert ring.quality(few).found == 8


def test_the_recipe_finds_all_modes():
    """One seed here; `python -m benchmarks.gan_ring` has ten, and the table that it wrote says 8 of 8 on each."""
    q = ring.train(ring.RECIPE_ROUNDS, 3, **ring.RECIPE).quality()
    assert q.found == 8
    assert q.good > 0.9
    (row,) = ring.measured("recipe")
    assert (row["found"], row["least"]) == (8, 8)


def test_the_same_seed_gives_the_same_training_and_leaves_other_random_numbers_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first, second, other = (ring.train(6, seed, sigma=0.3, average=0.9) for seed in (4, 4, 5))
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    torch.testing.assert_close(first.samples(50), second.samples(50), rtol=0, atol=0)
    assert not torch.equal(first.samples(50), other.samples(50))
    assert first.training.history == second.training.history


@pytest.mark.parametrize(
    "switches",
    [
        {"loss": "minimax", "plain": True, "head_start": 2},
        {"loss": "least squares", "slope_zero": 1.0, "falling": True},
        {"loss": "Wasserstein", "slope_one": 1.0, "k": 2, "rate_D": 1e-3},
        {"loss": "Wasserstein", "clip": 0.01},
        {"loss": "BEGAN", "head_start": 1},
        {"up": 0.9, "low": 0.1, "sigma": 0.5, "sphere": True},
        {"batch_norm": "apart", "spread": True, "g": 2},
        {"batch_norm": "together", "average": 0.9},
        {"spectral": True, "scale": 10.0},
    ],
)
def test_every_switch_trains(switches):
    run = ring.train(4, 0, **switches)
    assert run.training.done == 4
    assert torch.isfinite(run.samples(30)).all()
    called = "score" if switches.get("loss") in ("Wasserstein", "BEGAN") else "D"  # its scores are no probabilities
    logged = {f"{called} real", f"{called} fake", "spread D", "gradient", "spread G"}
    assert logged | {"step"} == set(run.training.history)
    assert len(run.training.snapshots) == 5
    assert run.training.snapshots[0][1].shape == (500, 2)


def test_the_switches_do_what_they_say():
    clipped = ring.train(3, loss="Wasserstein", clip=0.01).discriminator
    assert max(w.abs().max().item() for w in clipped.parameters()) <= 0.01
    bounded = ring.train(30, spectral=True).discriminator
    with torch.no_grad():
        a, b = torch.randn(2, 500, 2)
        slopes = (bounded(a) - bounded(b)).abs()[:, 0] / (a - b).norm(dim=1)
    assert slopes.max() < 1.1  # one step of power iteration a round: the bound holds nearly, and in the limit exactly
    averaged = ring.train(20, average=0.99)
    pairs = zip(averaged.shown.parameters(), averaged.generator.parameters(), strict=True)
    assert all(not torch.equal(a, w) for a, w in pairs)
    assert averaged.samples(2000).std() < 3
    z = torch.zeros(1, 4)
    assert ring.train(1, scale=10.0).generator(z).shape == (1, 2)


def test_the_discriminator_of_began_gives_errors():
    _, D = ring.Setting(loss="BEGAN").networks()
    x = torch.randn(5, 2)
    by_hand = (x - D[0].autoencoder(x)).abs().sum(dim=1) / 2
    torch.testing.assert_close(D(x)[:, 0], by_hand)
    trained = ring.train(60, 0, loss="BEGAN").discriminator
    data = ring.ring(500)
    assert trained(data).mean() < D(data).mean(), "it has learnt to copy the data"


def test_a_discriminator_that_sees_the_spread_gets_one_more_input():
    _, D = ring.Setting(spread=True).networks()
    assert D[-1].in_features == 65


@pytest.mark.parametrize(
    ("switches", "says"),
    [
        ({"loss": "log G"}, "choose one of minimax, log D"),
        ({"k": 0}, "whole numbers from 1"),
        ({"batch_norm": "both"}, "'apart', 'together'"),
        ({"loss": "least squares", "up": 0.9}, "belong to a cross entropy"),
    ],
)
def test_switches_that_cannot_be_are_refused(switches, says):
    with pytest.raises(ValueError, match=says):
        ring.train(1, **switches)


def test_points_that_do_not_lie_in_the_plane_are_refused():
    with pytest.raises(ValueError, match="lies in the plane"):
        ring.quality(torch.zeros(5, 3))


def test_the_table_is_complete_and_an_edited_one_is_refused(tmp_path, monkeypatch):
    for group in ("failures", "hurried", "calm", "losses", "losses, strong D"):
        for row in ring.measured(group):
            assert 0 <= row["least"] <= row["found"] <= 8
            assert 0 <= row["good"] <= 1
    assert ring.measured("hurried")[0]["name"] == "nothing"
    with pytest.raises(ValueError, match="choose one of 'recipe'"):
        ring.measured("warm")
    monkeypatch.setattr(ring, "data_folder", lambda: tmp_path)
    with pytest.raises(DataError, match="unpack the course's bundle again"):
        ring.measured("recipe")
