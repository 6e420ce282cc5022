"""Conditional GANs and searches for a code: losses against closed forms, networks against what they must depend on."""

import numpy as np
import pytest
import torch

from course.gan import inversion
from course.gan.conditional import (
    ConditionalDiscriminator,
    ConditionalGenerator,
    matching_loss,
    play_conditional,
    reading_loss,
    with_label,
)
from course.gan.game import discriminator_loss
from course.gan.tricks import slope_at_data
from course.training import threads

K, LATENT, SHAPE = 5, 6, (3, 16, 16)


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny networks: a second thread costs more than it brings."""
    with threads(1):
        yield


def networks():
    torch.manual_seed(0)
    return ConditionalGenerator(K, SHAPE, LATENT, width=4), ConditionalDiscriminator(K, SHAPE, width=4)


def conditions(n, seed=1):
    return (torch.rand(n, K, generator=torch.Generator().manual_seed(seed)) < 0.5).float()


# with_label


def test_a_label_is_a_single_one_behind_the_noise():
    z = torch.tensor([[0.5, -1.0], [2.0, 0.0]])
    expected = [[0.5, -1, 0, 0, 1], [2, 0, 1, 0, 0]]
    assert with_label(z, torch.tensor([2, 0]), 3).tolist() == expected


def test_labels_that_cannot_be_are_refused():
    z = torch.zeros(2, 4)
    for bad in (torch.tensor([0, 3]), torch.tensor([-1, 0]), torch.tensor([0.0, 1.0])):
        with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
            with_label(z, bad, 3)
    with pytest.raises(ValueError, match="a label for each row"):
        with_label(z, torch.tensor([0]), 3)


# The networks


def test_shapes_and_range():
    G, D = networks()
    x = G(torch.randn(4, LATENT), conditions(4))
    assert x.shape == (4, *SHAPE)
    assert x.abs().max() <= 1
    assert D(x, conditions(4)).shape == (4, 1)
    assert D.read(D.look(x)).shape == (4, K)


def test_both_depend_on_the_condition():
    G, D = networks()
    G.eval(), D.eval()
    z, one, other = torch.randn(4, LATENT), conditions(4), 1 - conditions(4)
    assert not torch.allclose(G(z, one), G(z, other))
    x = torch.rand(4, *SHAPE)
    assert not torch.allclose(D(x, one), D(x, other))
    assert torch.equal(D(x, one), D.compare(D.look(x), one))


def test_the_generator_is_the_dcgan_fed_with_both():
    G, _ = networks()
    G.eval()
    z, c = torch.randn(3, LATENT), conditions(3)
    assert torch.equal(G(z, c), G.image_of(torch.cat([z, c], dim=1)))


@pytest.mark.parametrize("bad", [torch.zeros(3, K), torch.zeros(4, K + 1), torch.zeros(4)])
def test_a_condition_of_another_size_is_refused(bad):
    G, D = networks()
    with pytest.raises(ValueError, match=r"expected \(4, 5\)"):
        G(torch.randn(4, LATENT), bad)
    with pytest.raises(ValueError, match=r"expected \(4, 5\)"):
        D(torch.zeros(4, *SHAPE), bad)


def test_a_latent_or_an_image_of_another_size_is_refused():
    G, D = networks()
    with pytest.raises(ValueError, match=r"this generator takes \(n, 6\)"):
        G(torch.randn(4, LATENT + 1), conditions(4))
    with pytest.raises(ValueError, match="resize the images"):
        D(torch.zeros(4, 3, 32, 32), conditions(4))


# The losses


def test_the_matching_loss_is_the_written_formula():
    right, wrong, fake = torch.randn(3, 7, 1, dtype=torch.float64)
    D = [a.sigmoid() for a in (right, wrong, fake)]
    expected = -D[0].log().mean() - ((1 - D[1]).log().mean() + (1 - D[2]).log().mean()) / 2
    assert matching_loss(right, wrong, fake).item() == pytest.approx(expected.item())
    zero = torch.zeros(3)
    assert matching_loss(zero, zero, zero).item() == pytest.approx(np.log(4))


def test_the_matching_loss_of_equal_answers_is_that_of_the_game():
    right, fake = torch.randn(2, 9, dtype=torch.float64)
    assert matching_loss(right, fake, fake).item() == pytest.approx(discriminator_loss(right, fake).item())


def test_the_matching_loss_is_finite_for_any_logit():
    huge = torch.tensor([1000.0])
    assert matching_loss(-huge, huge, huge).item() == pytest.approx(2000)
    assert matching_loss(huge, -huge, -huge).item() == 0


def test_the_best_answer_to_three_kinds_of_pairs():
    """Where right pairs come with density p, wrong ones with q and fakes with r, D = p / (p + (q + r) / 2)."""
    p, q, r = 0.5, 0.3, 0.2
    a = torch.zeros((), dtype=torch.float64, requires_grad=True)
    loss = -p * torch.nn.functional.logsigmoid(a) - (q + r) / 2 * torch.nn.functional.logsigmoid(-a)
    best = torch.logit(torch.tensor(p / (p + (q + r) / 2), dtype=torch.float64))
    (slope,) = torch.autograd.grad(loss, a)
    assert slope.item() < 0 < best.item(), "at a coin the loss still falls towards the best answer"
    b = best.clone().requires_grad_()
    weights = matching_loss(b[None], b[None], b[None])  # equal densities: the weights 1, 1/2, 1/2 show in the slope
    (slope,) = torch.autograd.grad(weights, b)
    D = torch.sigmoid(best)
    assert slope.item() == pytest.approx((-(1 - D) + D).item())


def test_the_reading_loss_counts_what_is_told():
    logits = torch.tensor([[0.0, 50.0], [2.0, -50.0]])
    c, told = torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    expected = (np.log(2) + np.log1p(np.exp(-2))) / 2
    assert reading_loss(logits, c, told).item() == pytest.approx(expected)
    assert reading_loss(logits, c, 0 * told).item() == 0, "nothing told, nothing to pay, and no 0 / 0"


# One round


def optimisers(G, D):
    return [torch.optim.SGD(net.parameters(), lr=0.1) for net in (G, D)]


def test_a_round_moves_both_and_the_values_are_the_losses():
    G, D = networks()
    before = [p.clone() for net in (G, D) for p in net.parameters()]
    x, c, z = torch.rand(4, *SHAPE), conditions(4), torch.randn(4, LATENT)
    fake = G(z, c)
    expected = matching_loss(D(x, c), D(x, c.roll(1, 0)), D(fake, c))
    values = play_conditional(G, D, *optimisers(G, D), x, c, z)
    assert values["discriminator"].item() == pytest.approx(expected.item(), rel=1e-3)
    unused = {id(p) for p in D.read.parameters()}  # nothing is read back in this round
    after = [p for net in (G, D) for p in net.parameters()]
    moved = [not torch.equal(a, b) for a, b in zip(before, after, strict=True) if id(b) not in unused]
    assert np.mean(moved) > 0.9, "biases in front of a normalisation may stay"
    assert all(p.requires_grad for p in D.parameters())


def test_the_ablations_change_the_discriminators_loss():
    x, c, z = torch.rand(4, *SHAPE), conditions(4), torch.randn(4, LATENT)

    def first_loss(**options):
        G, D = networks()
        return play_conditional(G, D, *optimisers(G, D), x, c, z, **options)["discriminator"].item()

    G, D = networks()
    fake = G(z, c)
    plain = discriminator_loss(D(x, c), D(fake, c)).item()
    assert first_loss(wrong_pairs=False) == pytest.approx(plain, rel=1e-3)
    read = reading_loss(D.read(D.look(x)), c, torch.ones_like(c)).item()
    got = first_loss(wrong_pairs=False, told=torch.ones_like(c))
    assert got == pytest.approx(plain + read, rel=1e-3)


def test_the_penalty_flattens_the_discriminator_at_right_pairs():
    x, c, z = torch.rand(8, *SHAPE), conditions(8), torch.randn(8, LATENT)

    def slope_after(penalty):
        G, D = networks()
        for_G, for_D = torch.optim.SGD(G.parameters(), lr=0.0), torch.optim.SGD(D.parameters(), lr=0.05)
        for _ in range(20):
            play_conditional(G, D, for_G, for_D, x, c, z, penalty=penalty)
        real = x.clone().requires_grad_()
        return slope_at_data(D(real, c), real).item()

    assert slope_after(300.0) < 0.5 * slope_after(0.0)  # the weights start small: so must the slope that is punished


def test_a_condition_can_be_learnt():
    """A stripe at the top or at the bottom, by order: after 100 rounds the generator delivers. One seed."""
    G, D = networks()
    torch.manual_seed(0)
    adam = [torch.optim.Adam(net.parameters(), lr=5e-3, betas=(0.5, 0.99)) for net in (G, D)]
    for _ in range(100):
        top = torch.randint(2, (32,))
        x = -torch.ones(32, *SHAPE)
        x[top == 1, :, :8], x[top == 0, :, 8:] = 1, 1
        c = with_label(torch.zeros(32, K - 2), top, 2)
        play_conditional(G, D, *adam, x, c, torch.randn(32, LATENT), told=torch.ones_like(c))
    made = G(torch.randn(40, LATENT), with_label(torch.zeros(40, K - 2), torch.arange(40) % 2, 2))
    brighter_above = made[:, :, :8].mean((1, 2, 3)) > made[:, :, 8:].mean((1, 2, 3))
    assert torch.equal(brighter_above, torch.arange(40) % 2 == 1)


# Searches


def linear_generator(W, b):
    return lambda z: z @ W.T + b


def test_gradient_descent_in_closed_form():
    gen = torch.Generator().manual_seed(0)
    for p, d in ((6, 3), (3, 6), (4, 4)):
        W, b, x = (torch.randn(*s, generator=gen, dtype=torch.float64) for s in ((p, d), (p,), (p,)))
        z = torch.zeros(d, dtype=torch.float64)
        for n in range(1, 30):
            z = z - 0.03 * W.T @ (W @ z + b - x)
            torch.testing.assert_close(inversion.invert_linear(W, b, x, 0.03, n), z)
        end = inversion.invert_linear(W, b, x, 0.03, 10**6)
        torch.testing.assert_close(end, torch.linalg.pinv(W) @ (x - b), rtol=1e-6, atol=1e-6)


def test_a_search_in_a_linear_generator_reaches_least_squares():
    gen = torch.Generator().manual_seed(1)
    W, b, x = (torch.randn(*s, generator=gen) for s in ((8, 3), (8,), (4, 8)))
    z, errors = inversion.invert(linear_generator(W, b), x, 3, n_steps=400, starts=2)
    best = torch.linalg.lstsq(W, (x - b).T).solution.T
    torch.testing.assert_close(z, best.expand(2, 4, 3), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(errors, ((best @ W.T + b - x) ** 2).mean(1).expand(2, 4), atol=1e-5, rtol=1e-3)


def test_hidden_pixels_do_not_count():
    gen = torch.Generator().manual_seed(2)
    W, b, x = (torch.randn(*s, generator=gen) for s in ((8, 3), (8,), (4, 8)))
    visible = torch.tensor([1.0] * 5 + [0] * 3)
    z, errors = inversion.invert(linear_generator(W, b), x, 3, n_steps=400, visible=visible)
    best = torch.linalg.lstsq(W[:5], (x - b)[:, :5].T).solution.T
    torch.testing.assert_close(z[0], best, atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(errors[0], ((best @ W[:5].T + b[:5] - x[:, :5]) ** 2).mean(1), atol=1e-5, rtol=1e-3)


def test_squared_errors_are_means_over_visible_pixels():
    made, x = torch.rand(2, 3, 3, 4, 4)
    assert torch.allclose(inversion.squared_errors(made, x), ((made - x) ** 2).mean((1, 2, 3)))
    visible = torch.zeros(1, 1, 4, 4)
    visible[..., :2] = 1
    expected = ((made - x) ** 2)[..., :2].mean((1, 2, 3))
    assert torch.allclose(inversion.squared_errors(made, x, visible), expected)


def test_a_search_leaves_the_generator_alone_and_repeats():
    G = torch.nn.Linear(2, 5)
    before = G.weight.clone()
    x = torch.rand(3, 5)
    first, _ = inversion.invert(G, x, 2, n_steps=5)
    second, _ = inversion.invert(G, x, 2, n_steps=5)
    assert torch.equal(first, second)
    assert torch.equal(G.weight, before)
    assert G.weight.grad is None


def test_a_search_says_what_it_needs():
    G = torch.nn.Linear(2, 5)
    with pytest.raises(ValueError, match="resize x"):
        inversion.invert(G, torch.rand(3, 4), 2)
    with pytest.raises(ValueError, match="one of each"):
        inversion.invert(G, torch.rand(3, 5), 2, n_steps=0)
