"""The autoregressive models: no output sees its own input or a later one, and p(x) adds up to 1."""

import itertools
import math

import pytest
import torch

from course.likelihood import autoregressive

EVERY = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)))  # all rows of four bits


def models(side: int):
    """One of each class, for side^2 bits."""
    torch.manual_seed(0)
    return [autoregressive.MADE(side**2, hidden=20), autoregressive.PixelCNN(side, channels=6, layers=2)]


def jacobian(model, x):
    """d logit_i / d x_j at one x (d,).   -> (d, d)."""
    return torch.autograd.functional.jacobian(lambda row: model(row[None])[0], x)


@pytest.mark.parametrize("model", models(4), ids=lambda m: type(m).__name__)
def test_causality_by_gradients(model):
    """At twenty random points, not bits only, the gradient on and above the diagonal is exactly zero."""
    for x in torch.randn(20, 16):
        assert (jacobian(model, x).triu() == 0).all()


@pytest.mark.parametrize("model", models(4), ids=lambda m: type(m).__name__)
def test_causality_by_changing_what_comes_later(model):
    x = torch.bernoulli(torch.full((8, 16), 0.5))
    for i in range(16):
        later = x.clone()
        later[:, i:] = 1 - later[:, i:]
        torch.testing.assert_close(model(x)[:, : i + 1], model(later)[:, : i + 1], rtol=0, atol=0)


def test_every_earlier_input_is_seen_by_made():
    made = models(3)[0]
    seen = sum(jacobian(made, x).abs() for x in torch.randn(20, 9))
    assert (seen[torch.ones(9, 9).tril(-1) == 1] > 0).all()


def test_pixelcnn_has_its_blind_spot():
    """Stacked masked convolutions never see some pixels to the right above: known since van den Oord et al. (2016)."""
    torch.manual_seed(0)
    pixelcnn = autoregressive.PixelCNN(9, channels=4, layers=1)
    seen = sum(jacobian(pixelcnn, x).abs() for x in torch.randn(10, 81))[4 * 9 + 2].reshape(9, 9)
    assert seen[3, 0:5].min() > 0  # the row above
    assert seen[3, 6] == 0  # above, to the right, within reach of two layers: blind
    assert (seen[4, 2:] == 0).all()
    assert (seen[5:] == 0).all()


@pytest.mark.parametrize("model", models(2), ids=lambda m: type(m).__name__)
def test_probabilities_add_up_to_one(model):
    torch.testing.assert_close(model.log_prob(EVERY).exp().sum(), torch.tensor(1.0), rtol=1e-5, atol=0)


@pytest.mark.parametrize("model", models(2), ids=lambda m: type(m).__name__)
def test_samples_have_the_probabilities_of_the_model(model):
    """20,000 samples, seed 0: each of 16 frequencies within five standard errors of p(x)."""
    n = 20_000
    x = autoregressive.complete(model, torch.zeros(n, 4), 0, torch.Generator().manual_seed(0))
    frequency = torch.bincount((x @ torch.tensor([8.0, 4, 2, 1])).long(), minlength=16) / n
    p = model.log_prob(EVERY).exp()
    assert ((frequency - p).abs() <= 5 * (p * (1 - p) / n).sqrt()).all()


def test_completing_keeps_what_is_known_and_samples_the_conditional():
    """p(x_3, x_4 | x_1 = 1, x_2 = 0) by enumeration, against 20,000 draws, within five standard errors."""
    made, n = models(2)[0], 20_000
    known = torch.tensor([1.0, 0.0, 1.0, 1.0]).expand(n, 4)
    x = autoregressive.complete(made, known, 2, torch.Generator().manual_seed(1))
    assert (x[:, :2] == known[:, :2]).all()
    rows = EVERY[(EVERY[:, 0] == 1) & (EVERY[:, 1] == 0)]
    p = torch.softmax(made.log_prob(rows), dim=0)
    frequency = torch.stack([(x == row).all(dim=1).float().mean() for row in rows])
    assert ((frequency - p).abs() <= 5 * (p * (1 - p) / n).sqrt()).all()


def test_masks_count_the_ways():
    """With one unit of each degree, i - j ways lead from input j to output i."""
    into, out = autoregressive.autoregressive_masks(torch.arange(1, 6), 6)
    place = torch.arange(6.0)
    torch.testing.assert_close(out @ into, (place[:, None] - place).clamp(min=0))


def test_made_learns_a_distribution_that_it_can_represent():
    """Two bits that are always equal: the entropy is one bit, and 1,000 steps come within a hundredth (seed 0)."""
    torch.manual_seed(0)
    made = autoregressive.MADE(2, hidden=4)
    optimiser = torch.optim.Adam(made.parameters(), 0.1)
    x = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    for _ in range(1000):
        loss = -made.log_prob(x).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert abs(loss.item() / math.log(2) - 1) < 0.01


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: autoregressive.MADE(4).log_prob(torch.rand(2, 4)), "binarise"),
        (lambda: autoregressive.MADE(4).log_prob(torch.full((2, 4), math.nan)), "binarise"),
        (lambda: autoregressive.MADE(4).log_prob(torch.zeros(2, 1, 2, 2)), "flatten"),
        (lambda: autoregressive.MADE(1), "two bits"),
        (lambda: autoregressive.PixelCNN(8, channels=0), "too few"),
        (lambda: autoregressive.complete(autoregressive.MADE(4), torch.zeros(1, 4), 5), "from 0 to 4"),
        (lambda: autoregressive.autoregressive_masks(torch.tensor([5]), 4), "degrees"),
    ],
)
def test_bad_input_is_told(call, says):
    with pytest.raises(ValueError, match=says):
        call()
