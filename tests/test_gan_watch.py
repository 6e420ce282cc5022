"""Trainings that go wrong are noticed, said and stopped; trainings that go well are left alone."""

import pytest
import torch
from torch import nn

from course.gan import game, ring, watch
from course.training import Training, diverged

GOOD = {"D real": 0.6, "D fake": 0.4, "spread D": 0.5, "gradient": 0.3, "spread G": 1.0}


def stopped(n_rounds, watcher, seed=0, **switches):
    """What the training said when it stopped, or None."""
    return ring.train(n_rounds, seed, watch=(diverged, watcher), **switches).training.stopped


def test_a_discriminator_that_wins_is_noticed():
    said = stopped(400, watch.discriminator_won(), loss="minimax", plain=True, rate=0.02, head_start=300)
    assert "has won" in said
    assert "a lower rate for the discriminator" in said


def test_a_gradient_that_vanishes_is_noticed():
    """The generator may not move at all, and the discriminator grows surer and surer."""
    said = stopped(200, watch.flat_gradient(), loss="minimax", plain=True, rate=1e-6, rate_D=5e-3, head_start=300)
    assert "gradient has vanished" in said
    assert "log D" in said


def test_a_collapse_is_noticed():
    said = stopped(300, watch.collapsed_generator(), g=5)
    assert "has collapsed" in said
    assert "minibatch features" in said


def test_a_discriminator_that_dies_is_noticed():
    """ReLU, a rate far too high: after a few steps no unit answers to anything."""
    torch.manual_seed(0)
    D = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))
    optimiser = torch.optim.SGD(D.parameters(), 50.0)

    def step(x):
        real, fake = D(x), D(torch.randn_like(x))
        optimiser.zero_grad()
        game.discriminator_loss(real, fake).backward()
        optimiser.step()
        return {"spread D": torch.cat([real, fake]).std()}

    training = Training(step, ring.ring(1000), [D, optimiser], watch=[diverged, watch.dead_discriminator()])
    assert "the discriminator is dead" in training.run(200, show=False).stopped


def test_a_critic_clipped_to_nothing_is_dead():
    said = stopped(200, watch.dead_discriminator(), loss="Wasserstein", clip=1e-3)
    assert "gradient penalty or spectral normalisation" in said


@pytest.mark.parametrize("seed", [0, 1])
def test_a_good_training_is_left_alone(seed):
    run = ring.train(250, seed, watch=watch.all_of_them())
    assert run.training.stopped is None
    assert run.training.done == 250


def test_nan_is_still_said_first():
    run = ring.train(300, watch=watch.all_of_them(), loss="Wasserstein", rate=50.0)
    assert "has diverged" in run.training.stopped


@pytest.mark.parametrize(
    ("maker", "bad"),
    [
        (watch.discriminator_won, {"D real": 0.999, "D fake": 0.001}),
        (watch.flat_gradient, {"gradient": 1e-5, "D fake": 0.001}),
        (watch.dead_discriminator, {"spread D": 0.0}),
        (watch.collapsed_generator, {"spread G": 0.1}),
    ],
)
def test_patience_counts_bad_logs_in_a_row(maker, bad):
    look = maker(patience=3)
    sequence = [bad, bad, {}, GOOD, bad, bad, bad, bad]
    said = [look({**GOOD, **values}) is not None for values in sequence]
    assert said == [False, False, False, False, False, False, True, True]
    assert maker(patience=1)({"loss": 0.0}) is None  # nothing of it is logged
    with pytest.raises(ValueError, match="patience is 0"):
        maker(patience=0)
