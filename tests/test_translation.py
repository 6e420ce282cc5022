"""pix2pix and CycleGAN: networks, losses and rounds."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from course.data.faces import edges, render, sample_factors
from course.gan import cyclegan
from course.gan.pix2pix import PatchDiscriminator, UNet, patch_seen, pix2pix_loss
from course.gan.pix2pix import play as play_pairs


def small(n=4, channels=3, side=16, seed=0):
    return torch.rand(n, channels, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def sgd(*networks, rate=0.1):
    return torch.optim.SGD([weight for network in networks for weight in network.parameters()], rate)


def moved(before, network):
    return any(not torch.equal(a, b) for a, b in zip(before.parameters(), network.parameters(), strict=True))


# The U-Net


@pytest.mark.parametrize(("side", "depth", "channels"), [(16, 2, 1), (32, 3, 3), (48, 4, 1), (8, 1, 3)])
def test_a_u_net_gives_an_image_of_the_same_size(side, depth, channels):
    out = UNet(channels, 3, width=4, depth=depth)(small(2, channels, side))
    assert out.shape == (2, 3, side, side)
    assert out.abs().max() <= 1


def test_the_bottom_of_a_u_net_is_as_deep_and_wide_as_it_says():
    net = UNet(3, 3, width=4, depth=3)
    h = small(2, 3, 32)
    for layer, shape in zip(net.down, [(2, 4, 16, 16), (2, 8, 8, 8), (2, 16, 4, 4)], strict=True):
        h = layer(h)
        assert h.shape == shape


def test_skips_carry_what_the_bottom_loses():
    """Cut off what comes from below: with skips the output still depends on the image, without them it does not."""
    for skips in (True, False):
        torch.manual_seed(0)
        net = UNet(3, 3, width=4, depth=2, skips=skips).eval()
        for layer in net.up:
            nn.init.zeros_(layer[1].weight)  # the normalisation's scale: nothing comes up
        a, b = small(2, seed=1), small(2, seed=2)
        assert torch.equal(net(a), net(b)) == (not skips)


def test_skips_are_the_only_difference_in_the_weights():
    """A skip adds the channels that it carries to the inputs of the next layer, and nothing else."""
    count = [sum(w.numel() for w in UNet(1, 3, width=4, depth=2, skips=skips).parameters()) for skips in (False, True)]
    extra = 4 * 4 * 4 * 4 + 1 * 3 * 9  # 4 channels into a 4 x 4 layer with 4 outputs, 1 into the last, 3 x 3
    assert count[1] - count[0] == extra


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (small(2, 3, 32), "line drawings have 1 channel, colour images 3"),
        (small(2, 1, 20), r"20 x 20 pixels; .* multiple of 8, and at least 16"),
        (small(2, 1, 8), "at least 16"),
        (small(2, 1, 32)[:, :, :, :16], "32 x 16 pixels"),
        (small(1, 1, 32)[0], "takes"),
    ],
)
def test_a_u_net_says_what_it_cannot_take(x, says):
    with pytest.raises(ValueError, match=says):
        UNet(1, 3, width=4)(x)


def test_a_network_of_changes_adds_to_the_image():
    torch.manual_seed(0)
    net = UNet(3, 3, width=4, depth=2, change=True).eval()
    x = small()
    with torch.no_grad():
        nn.init.zeros_(net.last[0].weight)
        net.last[0].bias.copy_(torch.tensor([0.0, math.atanh(0.25), 9.0]))
        made = net(x)
    torch.testing.assert_close(made[:, 0], x[:, 0])
    torch.testing.assert_close(made[:, 1], (x[:, 1] + 0.5).clamp(max=1))
    assert (made[:, 2] == 1).logical_or(x[:, 2] < -0.99).all()


# The discriminator of patches


@pytest.mark.parametrize(("halvings", "side", "m"), [(1, 10, 10), (2, 22, 7), (3, 46, 3)])
def test_a_logit_sees_its_patch_by_gradient(halvings, side, m):
    """The patch's side is that of the recursion r -> (r - 1) stride + kernel, and of the docstring."""
    torch.manual_seed(0)
    D = PatchDiscriminator(3, width=4, halvings=halvings)
    size = 20 if halvings == 1 else 32 if halvings == 2 else 96
    m = D.eval()(small(1, 3, size)).shape[2]
    middle = m // 2
    top, bottom, left, right = patch_seen(D, size, middle, middle)
    assert bottom - top + 1 == right - left + 1 == min(side, size)
    r = 1
    for layer in reversed([layer for layer in D.layers if isinstance(layer, nn.Conv2d)]):
        r = (r - 1) * layer.stride[0] + layer.kernel_size[0]
    assert r == side


def test_neighbouring_patches_are_a_stride_apart():
    torch.manual_seed(0)
    D = PatchDiscriminator(1, width=4, halvings=2)
    (top, *_), (lower, *_) = patch_seen(D, 64, 7, 7), patch_seen(D, 64, 8, 7)
    assert lower - top == 4
    assert D.training, "patch_seen leaves the network as it was"


def test_it_gives_a_logit_for_each_patch_of_a_pair():
    D = PatchDiscriminator(4, width=4)
    assert D(small(2, 1, 32), small(2, 3, 32)).shape == (2, 1, 7, 7)


def test_the_discriminator_says_what_it_cannot_take():
    D = PatchDiscriminator(4, width=4)
    with pytest.raises(ValueError, match="is added to the image: 1 channels in, but 3 out"):
        UNet(1, 3, change=True)
    with pytest.raises(ValueError, match=r"shapes \(2, 1, 32, 32\) and \(2, 3, 16, 16\): all need the same n, height"):
        D(small(2, 1, 32), small(2, 3, 16))
    with pytest.raises(ValueError, match=r"takes \(n, 4, side, side\)"):
        D(small(2, 3, 32))
    with pytest.raises(ValueError, match="7 x 7 logits, and none at"):
        patch_seen(D, 32, 7, 0)


# The losses


def test_the_pix2pix_loss_by_hand():
    """Logits 0 and log 3 are D = 1/2 and 3/4; pixels are off by 1/2 on average."""
    logits = torch.tensor([0.0, math.log(3)]).reshape(1, 1, 1, 2)
    made, true = torch.zeros(1, 1, 1, 2), torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2)
    expected = (math.log(2) + math.log(4 / 3)) / 2 + 10 * 0.5
    assert pix2pix_loss(logits, made, true, l1=10).item() == pytest.approx(expected, rel=1e-6)


def test_the_pix2pix_loss_says_what_it_cannot_take():
    with pytest.raises(ValueError, match="pairs need the same shape"):
        pix2pix_loss(torch.zeros(1), torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8))
    with pytest.raises(ValueError, match="0 or more"):
        pix2pix_loss(torch.zeros(1), torch.zeros(1), torch.zeros(1), l1=-1)


def test_the_best_answer_to_l1_is_the_conditional_median():
    """y is 0, .2 or 1 with probabilities .2, .35 and .45: E |y - c| is least at .2, which is neither mean nor mode."""
    values, p = torch.tensor([0.0, 0.2, 1.0]), torch.tensor([0.2, 0.35, 0.45])
    answers = torch.linspace(0, 1, 1001)
    expected = ((values - answers[:, None]).abs() * p).sum(1)
    assert answers[expected.argmin()].item() == pytest.approx(0.2, abs=1e-3)
    assert expected.min().item() == pytest.approx(0.2 * 0.2 + 0.45 * 0.8, rel=1e-5)
    c = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.SGD([c], 0.01)
    for _ in range(300):  # what descends on the loss gets there too
        optimiser.zero_grad()
        ((values - c).abs() * p).sum().backward()
        optimiser.step()
    assert c.item() == pytest.approx(0.2, abs=0.011)  # it ends within a step of the kink


def test_the_cycle_loss_by_hand_and_for_maps_that_undo_each_other():
    a, b = small(3, seed=3), small(5, seed=4)
    G, F = (lambda x: 0.5 * x.flip(3)), (lambda y: 2 * y.flip(3))
    assert cyclegan.cycle_loss(a, F(G(a)), b, G(F(b))).item() == 0
    got = cyclegan.cycle_loss(a, G(a.flip(3)), b, b + 0.25).item()
    assert got == pytest.approx(0.5 * np.abs(a.numpy()).mean() + 0.25, rel=1e-5)


# The rounds


def test_a_round_of_pairs_moves_each_network_by_its_own_loss():
    """D by the discriminator's loss at the old weights; G by pix2pix_loss against the new D."""
    torch.manual_seed(0)
    G, D = UNet(1, 3, width=4, depth=2), PatchDiscriminator(4, width=4)
    x, y = small(4, 1), small(4, 3, seed=1)
    G0, D0 = copy.deepcopy(G), copy.deepcopy(D)
    values = play_pairs(G, D, sgd(G), sgd(D), x, y, l1=10)
    assert moved(G0, G)
    assert moved(D0, D)

    fake = G0(x)
    loss = torch.nn.functional.softplus(-D0(x, y)).mean() + torch.nn.functional.softplus(D0(x, fake.detach())).mean()
    assert values["discriminator"].item() == pytest.approx(loss.item(), rel=1e-5)
    for weight, slope, new in zip(
        D0.parameters(), torch.autograd.grad(loss, list(D0.parameters())), D.parameters(), strict=True
    ):
        torch.testing.assert_close(weight - 0.1 * slope, new)
    assert values["distance"].item() == pytest.approx((fake - y).abs().mean().item(), rel=1e-5)
    assert all(weight.requires_grad for weight in D.parameters())


def four():
    torch.manual_seed(0)
    return *(UNet(3, 3, width=4, depth=2) for _ in range(2)), *(PatchDiscriminator(3, width=4) for _ in range(2))


@pytest.mark.parametrize("which", ["generators", "discriminators"])
def test_each_optimiser_of_a_cycle_moves_only_its_own_networks(which):
    G, F, D_A, D_B = nets = four()
    before = copy.deepcopy(nets)
    rates = (0.1, 0.0) if which == "generators" else (0.0, 0.1)
    cyclegan.play(*nets, sgd(G, F, rate=rates[0]), sgd(D_A, D_B, rate=rates[1]), small(3), small(2, seed=1))
    assert [moved(old, new) for old, new in zip(before, nets, strict=True)] == (
        [True, True, False, False] if which == "generators" else [False, False, True, True]
    )
    assert all(weight.requires_grad for network in nets for weight in network.parameters())


def test_a_cycle_logs_the_losses_of_its_formula():
    """Adversarial, cycle and identity terms at the weights before the step; the discriminators see the same fakes."""
    a, b = small(3), small(3, seed=1)
    G, F, D_A, D_B = four()
    rest = [copy.deepcopy(network) for network in (G, F, D_A, D_B)]
    got = cyclegan.play(G, F, D_A, D_B, sgd(G, F, rate=0.0), sgd(D_A, D_B, rate=0.0), a, b, cycle=3, identity=2)
    g, f, d_a, d_b = rest

    def half_square(scores, label):
        return ((scores - label) ** 2).mean().item() / 2

    assert got["fooled"].item() == pytest.approx(half_square(d_b(g(a)), 1) + half_square(d_a(f(b)), 1), rel=1e-4)
    home = (f(g(a)) - a).abs().mean() + (g(f(b)) - b).abs().mean()
    assert got["cycle"].item() == pytest.approx(home.item(), rel=1e-4)
    alone = (g(b) - b).abs().mean() + (f(a) - a).abs().mean()
    assert got["identity"].item() == pytest.approx(alone.item(), rel=1e-4)
    judged = half_square(d_a(a), 1) + half_square(d_a(f(b)), 0) + half_square(d_b(b), 1) + half_square(d_b(g(a)), 0)
    assert got["judged"].item() == pytest.approx(judged, rel=1e-4)


def test_a_weight_of_zero_leaves_its_term_out():
    G, F, D_A, D_B = four()
    got = cyclegan.play(G, F, D_A, D_B, sgd(G, F), sgd(D_A, D_B), small(2), small(2), cycle=0, identity=0)
    assert got["cycle"] == got["identity"] == 0
    with pytest.raises(ValueError, match="weights of losses are 0 or more"):
        cyclegan.play(G, F, D_A, D_B, sgd(G, F), sgd(D_A, D_B), small(2), small(2), cycle=-1)


# The data of the recipes


def test_no_person_of_one_side_is_on_the_other():
    """Unpaired: all but the factor that is translated was drawn anew, so no face of A has its counterpart in B."""
    a, b, seen = cyclegan.unpaired(200)
    assert a.shape == b.shape == (200, 3, 32, 32)
    assert -1 <= a.min() < -0.5
    assert 0.5 < b.max() <= 1
    people = [np.stack([value.numpy() for name, value in f.items() if name not in FIXED]) for f in seen]
    apart = np.abs(people[0][:, :, None] - people[1][:, None]).max(0)
    assert apart.min() > 0.01


@pytest.mark.parametrize("factor", ["glasses", "striped"])
def test_the_exact_answer_changes_the_factor_and_nothing_else(factor):
    a, b, (without, with_it) = cyclegan.unpaired(20, factor)
    answer = cyclegan.counterfactual(without, factor)
    torch.testing.assert_close(answer, render({**without, factor: torch.ones(20)}) * 2 - 1)
    torch.testing.assert_close(cyclegan.counterfactual({**without, factor: with_it[factor]}, factor), a)
    assert 0 < (answer != a).any(1).float().mean() < 0.3, "glasses and stripes cover part of the image"
    assert not torch.equal(answer, b)


def test_an_unknown_factor_gets_the_nearest_name():
    with pytest.raises(ValueError, match="did you mean 'glasses'"):
        cyclegan.unpaired(3, "glases")


FIXED = ("striped", "glasses", "back", "shirt", "mouth", "hat")


def test_line_drawings_are_what_the_u_net_takes():
    factors = sample_factors(3)
    assert UNet(1, 3, width=4)(edges(factors) * 2 - 1).shape == render(factors).shape
