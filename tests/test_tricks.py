"""The tricks of GAN training, against closed forms and torch's own."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from course.gan import game, tricks


@pytest.fixture
def pair():
    return torch.randn(2, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_slerp_starts_and_ends_at_its_ends(pair):
    torch.testing.assert_close(tricks.slerp(*pair, 0), pair[0])
    torch.testing.assert_close(tricks.slerp(*pair, 1), pair[1])


def test_slerp_goes_by_equal_angles_and_its_length_goes_straight(pair):
    z0, z1 = pair
    t = torch.linspace(0, 1, 9, dtype=torch.float64)
    path = tricks.slerp(z0, z1, t)
    assert path.shape == (9, 64)
    torch.testing.assert_close(path.norm(dim=1), (1 - t) * z0.norm() + t * z1.norm())
    cosine = torch.cosine_similarity(path[:-1], path[1:])
    omega = torch.acos(torch.cosine_similarity(z0, z1, dim=0))
    torch.testing.assert_close(cosine, torch.cos(omega / 8).expand(8))
    assert ((z0 + z1) / 2).norm() < 0.8 * path[4].norm()  # the chord passes nearer to the centre


def test_slerp_on_the_circle_turns_by_the_angle():
    quarter = tricks.slerp(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0]), 1 / 3)
    torch.testing.assert_close(quarter, 2 * torch.tensor([math.cos(math.pi / 6), math.sin(math.pi / 6)]))


def test_slerp_of_equal_and_nearly_equal_directions_is_the_straight_line(pair):
    z0 = pair[0].float()
    torch.testing.assert_close(tricks.slerp(z0, z0, 0.3), z0)
    torch.testing.assert_close(tricks.slerp(z0, 3 * z0, 0.5), 2 * z0)
    near = z0 + 1e-5 * pair[1].float()
    torch.testing.assert_close(tricks.slerp(z0, near, 0.5), (z0 + near) / 2)


def test_slerp_takes_many_pairs():
    z0, z1 = torch.randn(2, 5, 1, 8, generator=torch.Generator().manual_seed(1))
    t = torch.linspace(0, 1, 4)
    together = tricks.slerp(z0, z1, t)
    assert together.shape == (5, 4, 8)
    torch.testing.assert_close(together[2], tricks.slerp(z0[2, 0], z1[2, 0], t))
    assert tricks.slerp(z0[:, 0], z1[:, 0], 0.5).shape == (5, 8)


@pytest.mark.parametrize(
    ("z0", "z1", "t", "says"),
    [
        ([1.0, 2.0], [-1.0, -2.0], 0.5, "opposite"),
        ([1.0, 2.0], [-2.0, -4.0], 0.5, "opposite"),
        ([0.0, 0.0], [1.0, 0.0], 0.5, "no direction"),
        ([math.nan, 0.0], [1.0, 0.0], 0.5, "no direction"),
        ([1.0, 0.0], [1.0, 0.0, 0.0], 0.5, "same last size"),
        ([1.0, 0.0], [0.0, 1.0], 1.5, "t goes from 0"),
        ([1.0, 0.0], [0.0, 1.0], math.nan, "t goes from 0"),
    ],
)
def test_slerp_refuses_what_has_no_shortest_arc(z0, z1, t, says):
    with pytest.raises(ValueError, match=says):
        tricks.slerp(torch.tensor(z0), torch.tensor(z1), t)


def test_noise_on_the_sphere_keeps_its_direction():
    z = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))
    moved = tricks.on_sphere(z)
    torch.testing.assert_close(moved.norm(dim=1), torch.full((7,), math.sqrt(5)))
    torch.testing.assert_close(torch.cosine_similarity(moved, z), torch.ones(7))


def test_labels_1_and_0_give_the_plain_loss():
    real, fake = torch.linspace(-3, 3, 7), torch.linspace(-2, 5, 7)
    torch.testing.assert_close(
        tricks.smoothed_discriminator_loss(real, fake, up=1.0, low=0.0), game.discriminator_loss(real, fake)
    )


@pytest.mark.parametrize(("up", "low"), [(0.9, 0.0), (0.9, 0.1)])
@pytest.mark.parametrize("p_data", [0.05, 0.5, 0.8])
def test_the_best_answer_to_smoothed_labels_is_the_formula(up, low, p_data):
    """At a place with p_data real samples for p_g = 1 - p_data generated ones, found by following the loss's slope."""
    a = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    for _ in range(400):
        of_real, of_fake = (tricks.smoothed_discriminator_loss(*two, up, low) for two in ((a, a * 0), (a * 0, a)))
        (slope,) = torch.autograd.grad(p_data * of_real + (1 - p_data) * of_fake, a)
        a = (a - 4 * slope).detach().requires_grad_()
    assert torch.sigmoid(a).item() == pytest.approx(up * p_data + low * (1 - p_data), abs=1e-6)


def test_labels_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="0 <= low < up <= 1"):
        tricks.smoothed_discriminator_loss(torch.zeros(2), torch.zeros(2), up=0.1, low=0.9)


def test_noise_fades():
    x = torch.zeros(20_000)
    torch.manual_seed(0)
    assert tricks.fading_noise(x, 0.4, 0.0).std().item() == pytest.approx(0.4, rel=0.03)  # 6 standard errors
    assert tricks.fading_noise(x, 0.4, 0.75).std().item() == pytest.approx(0.1, rel=0.03)
    assert tricks.fading_noise(x, 0.4, 1.2) is x
    with pytest.raises(ValueError, match="at least 0"):
        tricks.fading_noise(x, math.nan, 0.5)


def test_the_spread_of_a_batch_is_numpys_and_vanishes_for_copies():
    h = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    out = tricks.MinibatchSpread()(h)
    torch.testing.assert_close(out[:, :3], h)
    np.testing.assert_allclose(out[:, 3], np.std(h.numpy(), axis=0).mean(), rtol=1e-5)
    copies = h[:1].expand(6, 3).clone().requires_grad_()
    out = tricks.MinibatchSpread()(copies)
    assert out[0, 3].item() == pytest.approx(1e-4)
    out.sum().backward()
    assert torch.isfinite(copies.grad).all()


def test_the_slope_at_the_data_is_that_of_a_closed_form():
    """D(x) = a . x + |x|^2 has the slope a + 2 x; its weights feel the penalty, too."""
    a = torch.tensor([1.0, -2.0], requires_grad=True)
    x = torch.tensor([[0.5, 0.0], [1.0, 3.0]], requires_grad=True)
    penalty = tricks.slope_at_data(x @ a + (x**2).sum(dim=1), x)
    assert penalty.item() == pytest.approx(((2**2 + 2**2) + (3**2 + 4**2)) / 2 / 2)
    penalty.backward()
    torch.testing.assert_close(a.grad, (a + 2 * x).mean(dim=0).detach())


def test_the_average_moves_a_little_towards_the_network():
    network, average = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    with torch.no_grad():
        network.weight.fill_(3.0)
        network.running_mean.fill_(5.0)
    tricks.average_into(average, network, 0.9)
    assert average.weight.tolist() == pytest.approx([1.2, 1.2])
    assert average.running_mean.tolist() == [5.0, 5.0]


def test_the_slope_penalty_is_that_of_finite_differences():
    D = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    x, h = torch.randn(2, 3, 2, 2, dtype=torch.float64), 1e-5
    slopes = torch.stack(
        [(D(x + h * e) - D(x - h * e))[:, 0] / (2 * h) for e in torch.eye(12).double().view(12, 3, 2, 2)]
    )
    x.requires_grad_()
    assert tricks.slope_at_data(D(x), x).item() == pytest.approx((slopes**2).sum(0).mean().item() / 2, rel=1e-6)
    with pytest.raises(ValueError, match="requires_grad_"):
        tricks.slope_at_data(D(x.detach()), x.detach())
