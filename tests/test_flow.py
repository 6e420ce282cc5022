"""The flow: exact log determinants against autograd's Jacobian, inverses, integrals, dequantisation."""

import itertools
import math

import pytest
import torch

from course.likelihood import flow


def shaken(d: int, layers: int = 4) -> flow.Flow:
    """A flow with random weights everywhere, in float64: a fresh one is the identity."""
    torch.manual_seed(0)
    model = flow.Flow(d, layers, hidden=16).double()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.3)
    return model


def jacobian(f, x):
    return torch.autograd.functional.jacobian(f, x)


@pytest.mark.parametrize("d", [2, 3, 6])
def test_the_log_determinant_is_that_of_autograds_jacobian(d):
    model = shaken(d)
    for x in torch.randn(10, d, dtype=torch.float64):
        J = jacobian(lambda row: model(row[None])[0][0], x)
        torch.testing.assert_close(model(x[None])[1][0], torch.linalg.slogdet(J).logabsdet, rtol=1e-9, atol=1e-9)


def test_a_coupling_changes_one_half_and_every_layer_is_a_triangular_map():
    layer = shaken(6).layers[0]
    x = torch.randn(6, dtype=torch.float64)
    J = jacobian(lambda row: layer(row[None])[0][0], x)
    order = torch.cat([torch.where(layer.kept)[0], torch.where(~layer.kept)[0]])
    assert (J[order][:, order].triu(1) == 0).all()
    assert (layer(x[None])[0][0, layer.kept] == x[layer.kept]).all()


def test_two_layers_change_every_entry():
    model = shaken(6, layers=2)
    x = torch.randn(5, 6, dtype=torch.float64)
    assert (model(x)[0] != x).all()


@pytest.mark.parametrize("d", [2, 7])
def test_the_inverse_goes_back(d):
    model, x = shaken(d), torch.randn(50, d, dtype=torch.float64)
    torch.testing.assert_close(model.inverse(model(x)[0]), x, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(model(model.inverse(x))[0], x, rtol=1e-9, atol=1e-9)


def test_the_density_integrates_to_one():
    """The trapezoid rule on [-30, 30]^2 with steps of 0.1: the tails beyond, and the rule's error, are below 1e-3."""
    model = shaken(2, layers=2)
    axis = torch.arange(-30, 30.1, 0.1, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        mass = sum(model.log_prob(part).exp().sum() for part in points.split(200_000)) * 0.1**2
    assert abs(mass.item() - 1) < 1e-3


def test_a_fresh_flow_is_the_standard_normal_distribution():
    x = torch.randn(5, 3)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(dim=1)
    torch.testing.assert_close(flow.Flow(3).log_prob(x), expected)


def test_logit_has_the_determinant_of_autograd_and_goes_back():
    y = torch.rand(6, dtype=torch.float64)
    a, log_det = flow.logit(y[None], edge=0.05)
    J = jacobian(lambda row: flow.logit(row[None], edge=0.05)[0][0], y)
    torch.testing.assert_close(log_det[0], torch.linalg.slogdet(J).logabsdet)
    torch.testing.assert_close((a.sigmoid()[0] - 0.05) / 0.9, y)


def test_dequantised_levels_can_be_read_back():
    x = torch.randint(0, 17, (200, 5)) / 16
    y = flow.dequantise(x, 17, torch.Generator().manual_seed(0))
    assert ((y >= 0) & (y < 1)).all()
    assert ((y * 17).floor() / 16 - x).abs().max() < 1e-6
    torch.testing.assert_close((y * 17 % 1).mean(), torch.tensor(0.5), rtol=0, atol=0.05)


def test_dequantisation_bounds_the_probability_of_a_cell():
    """The bound E_u log p(x + u) - d log(levels) lies below log of the integral of p over the cell, here by quadrature,
    for two bits and a flow with random weights; 4,000 draws, seed 0, and their error is subtracted."""
    model = shaken(2)
    random = torch.Generator().manual_seed(0)
    fine = (torch.arange(100, dtype=torch.float64) + 0.5) / 100
    with torch.no_grad():
        for bits in itertools.product([0.0, 1.0], repeat=2):
            x = torch.tensor(bits, dtype=torch.float64)
            a, log_det = flow.logit((x + torch.cartesian_prod(fine, fine)) / 2)
            exact = (model.log_prob(a) + log_det).exp().mean().log() - 2 * math.log(2)
            a, log_det = flow.logit(flow.dequantise(x.expand(4000, 2), 2, random))
            draws = model.log_prob(a) + log_det - 2 * math.log(2)
            assert draws.mean() - 4 * draws.std() / 4000**0.5 < exact


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: flow.Flow(1), "two entries"),
        (lambda: flow.Flow(4)(torch.zeros(2, 3)), r"\(n, 4\)"),
        (lambda: flow.dequantise(torch.tensor([[0.3]]), 2), "levels"),
        (lambda: flow.dequantise(torch.tensor([[math.nan]]), 2), "levels"),
    ],
)
def test_bad_input_is_told(call, says):
    with pytest.raises(ValueError, match=says):
        call()
