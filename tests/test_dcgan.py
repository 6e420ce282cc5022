"""The networks of DCGAN, the arithmetic of their convolutions, the guidelines, and walks in the latent space."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d, correlate2d
from torch import nn
from torch.nn import functional as F

from course.gan import dcgan, latent, strides
from course.gan.guidelines import GUIDELINES, breaches

RNG = np.random.default_rng(0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# The networks


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 32, 32), (3, 64, 64)])
def test_images_have_the_wanted_shape_and_lie_between_minus_one_and_one(shape):
    G, D = dcgan.Generator(shape, latent=8, width=2), dcgan.Discriminator(shape, width=2)
    x = G(torch.randn(3, 8))
    assert x.shape == (3, *shape)
    assert x.abs().max() <= 1
    assert D(x).shape == (3, 1)


@pytest.mark.parametrize("shape", [(3, 28, 28), (3, 32, 16), (32, 32), (1, 8, 8)])
def test_a_side_that_cannot_be_made_is_refused(shape):
    with pytest.raises(ValueError, match="side of 16, 32 or 64"):
        dcgan.Generator(shape)
    with pytest.raises(ValueError, match="side of 16, 32 or 64"):
        dcgan.Discriminator(shape)


@pytest.mark.parametrize("z", [torch.zeros(2, 7), torch.zeros(8), torch.zeros(2, 8, 1)])
def test_a_latent_of_the_wrong_size_is_refused(z):
    with pytest.raises(ValueError, match=r"takes \(n, 8\)"):
        dcgan.Generator((1, 16, 16), latent=8, width=2)(z)


@pytest.mark.parametrize("x", [torch.zeros(2, 3, 16, 16), torch.zeros(2, 1, 32, 32), torch.zeros(1, 16, 16)])
def test_images_of_the_wrong_size_are_refused(x):
    with pytest.raises(ValueError, match=r"takes \(n, 1, 16, 16\): resize"):
        dcgan.Discriminator((1, 16, 16), width=2)(x)


def test_weights_start_small():
    G = dcgan.Generator()
    for layer in G.layers:
        if isinstance(layer, nn.ConvTranspose2d):  # thousands of weights: their spread is known to a few per cent
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.06)


def small_training():
    torch.manual_seed(0)
    networks = dcgan.players((1, 16, 16), latent=4, width=2, discriminator_width=2)
    x = torch.rand(40, 1, 16, 16, generator=seeded(1)) * 2 - 1
    return networks, dcgan.dcgan_training(networks, x, 20, batch_size=8)


def test_a_training_that_is_stopped_and_resumed_ends_where_it_would_have_ended(tmp_path):
    straight, training = small_training()
    before = [weight.clone() for weight in straight.parameters()]
    training.run(20, show=False)
    _, first = small_training()
    first.run(11, show=False)
    first.save(tmp_path / "aside.pt")
    resumed, second = small_training()
    second.resume(tmp_path / "aside.pt").run(20, show=False)
    for name, weight in straight.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
    assert any(not torch.equal(a, b) for a, b in zip(before, straight.parameters(), strict=True))


def test_a_training_with_a_dead_discriminator_is_stopped_and_names_tricks():
    """A discriminator whose last layer is 0 and stays so, at rate 0, gives every image the same score."""
    networks = dcgan.players((1, 16, 16), latent=4, width=2, discriminator_width=2)
    for weight in networks["discriminator"].layers[-2].parameters():
        nn.init.zeros_(weight)
    x = torch.rand(40, 1, 16, 16, generator=seeded(1)) * 2 - 1
    training = dcgan.dcgan_training(networks, x, 30, rate=0.0, batch_size=8)
    training.log_every = 1
    training.run(30, show=False)
    assert training.done == 10
    assert "the discriminator is dead" in training.stopped
    assert "LeakyReLU" in training.stopped


# Strides


SHAPES = [(3, 3, 2, 1), (4, 4, 2, 1), (2, 3, 2, 0), (5, 2, 3, 0), (4, 5, 1, 2), (1, 4, 1, 0)]


@pytest.mark.parametrize(("n", "k", "stride", "padding"), SHAPES)
def test_fractional_convolution_is_torchs_transposed_convolution(n, k, stride, padding):
    y, w = RNG.normal(size=(n, n)), RNG.normal(size=(k, k))
    expected = F.conv_transpose2d(torch.tensor(y)[None, None], torch.tensor(w)[None, None], None, stride, padding)
    np.testing.assert_allclose(strides.fractional_convolution(y, w, stride, padding), expected[0, 0], atol=1e-12)


@pytest.mark.parametrize(("n", "k", "stride"), [(3, 3, 2), (4, 4, 2), (2, 5, 3)])
def test_it_is_an_ordinary_convolution_after_zeros_between(n, k, stride):
    y, w = RNG.normal(size=(n, n)), RNG.normal(size=(k, k))
    np.testing.assert_allclose(
        strides.fractional_convolution(y, w, stride), convolve2d(strides.zeros_between(y, stride), w), atol=1e-12
    )


def test_the_matrix_convolves():
    x, w = RNG.normal(size=(7, 7)), RNG.normal(size=(3, 3))
    M = strides.convolution_matrix(w, 7, 2, 1)
    expected = correlate2d(np.pad(x, 1), w, mode="valid")[::2, ::2]
    np.testing.assert_allclose((M @ x.ravel()).reshape(4, 4), expected, atol=1e-12)


def test_the_transpose_is_no_inverse():
    M = strides.convolution_matrix(np.ones((2, 2)), 4, 2, 0)
    np.testing.assert_allclose(M @ M.T, 4 * np.eye(4))


def test_overlaps_count_stamps():
    for n, k, stride in [(4, 3, 2), (4, 4, 2), (3, 5, 3), (2, 1, 3)]:
        stamps = F.conv_transpose1d(torch.ones(1, 1, n), torch.ones(1, 1, k), stride=stride)
        np.testing.assert_array_equal(strides.overlap_counts(n, k, stride), stamps[0, 0])


def test_sides_are_torchs():
    torch_layers = nn.Sequential(
        nn.Conv2d(1, 1, 4, 2, 1),
        nn.Conv2d(1, 1, 3, 3, 0),
        nn.ConvTranspose2d(1, 1, 5, 2, 1),
        nn.ConvTranspose2d(1, 1, 2, 3),
    )
    x, found = torch.zeros(1, 1, 33, 33), [33]
    for layer in torch_layers:
        x = layer(x)
        found.append(x.shape[-1])
    layers = [("down", 4, 2, 1), ("down", 3, 3, 0), ("up", 5, 2, 1), ("up", 2, 3, 0)]
    assert strides.sides(33, layers) == found


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: strides.sides(8, [("across", 3, 1, 0)]), "'down' or 'up'"),
        (lambda: strides.sides(8, [("up", 3, 0, 0)]), "at least 1, 1 and 0"),
        (lambda: strides.sides(2, [("down", 5, 1, 0)]), "leaves nothing"),
        (lambda: strides.overlap_counts(0, 3, 2), "at least 1"),
        (lambda: strides.zeros_between(np.ones((2, 2)), 0), "at least 1"),
        (lambda: strides.fractional_convolution(np.ones((2, 3)), np.ones((2, 2)), 2), "one square image"),
        (lambda: strides.fractional_convolution(np.ones((2, 2)), np.ones(3), 2), "one square kernel"),
    ],
)
def test_what_cannot_be_is_said(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# The guidelines


@pytest.mark.parametrize("side", dcgan.SIDES)
def test_our_networks_break_none(side):
    assert breaches(dcgan.Generator((3, side, side), width=2), "generator") == []
    assert breaches(dcgan.Discriminator((3, side, side), width=2), "discriminator") == []


def generator(**change):
    """A generator of 8 x 8 images, 4 x 4 first, with one part changed; None leaves it out."""
    parts = {
        "first": nn.ConvTranspose2d(8, 6, 4),
        "norm": nn.BatchNorm2d(6),
        "relu": nn.ReLU(),
        "more": None,
        "last": nn.ConvTranspose2d(6, 1, 4, 2, 1),
        "last_norm": None,
        "tanh": nn.Tanh(),
    } | change
    return nn.Sequential(*(layer for layer in parts.values() if layer is not None))


def discriminator(**change):
    parts = {
        "first": nn.Conv2d(1, 4, 4, 2, 1),
        "first_norm": None,
        "leaky": nn.LeakyReLU(0.2),
        "pool": None,
        "second": nn.Conv2d(4, 6, 4, 2, 1),
        "norm": nn.BatchNorm2d(6),
        "leaky2": nn.LeakyReLU(0.2),
        "flat": nn.Flatten(),
        "hidden": None,
        "score": nn.Linear(24, 1),
    } | change
    return nn.Sequential(*(layer for layer in parts.values() if layer is not None))


GOOD = [
    ("generator", generator()),
    ("generator", generator(first=nn.Sequential(nn.Linear(8, 96), nn.Unflatten(1, (6, 4, 4))))),
    ("discriminator", discriminator()),
    ("discriminator", discriminator(score=nn.Sequential(nn.Linear(24, 1), nn.Sigmoid()))),
]
BAD = [
    ("upsampling", "generator", generator(more=nn.Upsample(scale_factor=2)), 1, "3"),
    ("a strided convolution upwards", "generator", generator(last=nn.Conv2d(6, 1, 4, 2, 1)), 1, "3"),
    ("pooling", "discriminator", discriminator(pool=nn.MaxPool2d(2)), 1, "2"),
    ("average pooling", "discriminator", discriminator(flat=nn.AdaptiveAvgPool2d(1)), 1, "5"),
    ("a fractional stride downwards", "discriminator", discriminator(second=nn.ConvTranspose2d(4, 6, 4, 2)), 1, "2"),
    ("no batch norm in G", "generator", generator(norm=None), 2, "0"),
    ("instance norm in G", "generator", generator(norm=nn.InstanceNorm2d(6)), 2, "0"),
    ("batch norm at G's output", "generator", generator(last_norm=nn.BatchNorm2d(1)), 2, "4"),
    ("batch norm at D's input", "discriminator", discriminator(first_norm=nn.BatchNorm2d(4)), 2, "1"),
    ("no batch norm in D", "discriminator", discriminator(norm=None), 2, "2"),
    (
        "a hidden layer in D",
        "discriminator",
        discriminator(hidden=nn.Sequential(nn.Linear(24, 24), nn.BatchNorm1d(24), nn.LeakyReLU(0.2))),
        3,
        "6.0",
    ),
    ("LeakyReLU in G", "generator", generator(relu=nn.LeakyReLU(0.2)), 4, "2"),
    ("a sigmoid at G's end", "generator", generator(tanh=nn.Sigmoid()), 4, "4"),
    ("nothing at G's end", "generator", generator(tanh=None), 4, "3"),
    ("ReLU in D", "discriminator", discriminator(leaky=nn.ReLU()), 5, "1"),
    ("no bend in D", "discriminator", discriminator(leaky2=None), 5, "2"),
]


@pytest.mark.parametrize(("role", "network"), GOOD)
def test_good_networks_break_none(role, network):
    assert breaches(network, role) == []


@pytest.mark.parametrize(("what", "role", "network", "guideline", "layer"), BAD, ids=[bad[0] for bad in BAD])
def test_a_bad_layer_is_named_with_its_guideline(what, role, network, guideline, layer):
    (breach,) = breaches(network, role)
    assert (breach.guideline, breach.layer) == (guideline, layer), breach
    assert breach.guideline in GUIDELINES
    assert breach.why


def test_a_perceptron_breaks_several():
    layers = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    assert sorted({breach.guideline for breach in breaches(layers, "discriminator")}) == [2, 3, 5]


def test_a_discriminator_is_no_generator():
    assert 1 in {breach.guideline for breach in breaches(dcgan.Discriminator(), "generator")}


def test_a_wrong_role_and_an_empty_network_are_refused():
    with pytest.raises(ValueError, match="'generator' or 'discriminator'"):
        breaches(dcgan.Generator(), "critic")
    with pytest.raises(ValueError, match="nothing to read"):
        breaches(nn.Sequential(nn.ReLU()), "generator")


# The latent space


def test_the_chord_has_the_stated_variance():
    t = torch.linspace(0, 1, 5)
    z0, z1 = torch.randn(2, 100_000, generator=seeded())
    # The variance of 100,000 draws is known to 0.0045 of itself; four times that is allowed.
    np.testing.assert_allclose(latent.lerp(z0, z1, t).var(dim=1), (1 - t) ** 2 + t**2, rtol=0.018)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_arithmetic_of_k_exemplars_has_the_variance_three_over_k(k):
    z = torch.randn(3, k, 100_000, generator=seeded())
    assert latent.arithmetic(*z).var().item() == pytest.approx(3 / k, rel=0.018)


def test_arithmetic_is_that_of_the_means_for_many_triples_at_once():
    a, b, c = torch.randn(3, 5, 4, 6, generator=seeded())
    torch.testing.assert_close(latent.arithmetic(a, b, c), a.mean(1) - b.mean(1) + c.mean(1))
    torch.testing.assert_close(latent.arithmetic(a[2], b[2], c[2]), latent.arithmetic(a, b, c)[2])


def test_around_keeps_the_middle_and_the_radius():
    z = torch.randn(20, generator=seeded())
    near = latent.around(z, 0.25, 9, seeded(1))
    assert torch.equal(near[4], z)
    assert 0.2 < (near - z).abs().max() <= 0.25


READ = {
    "woman": torch.tensor([0.0, 0.1, 0.9, 1.1, 0.5, 1.0]),
    "glasses": torch.tensor([0.0, 0.9, 0.1, 1.0, 1.0, 0.6]),
}


def test_kinds_leave_out_what_the_judge_is_not_sure_of():
    rows = latent.kinds(READ)
    assert {kind: found.tolist() for kind, found in rows.items()} == {
        "man": [0],
        "man with glasses": [1],
        "woman": [2],
        "woman with glasses": [3],
    }


def test_triples_come_from_their_kinds():
    drawn = latent.triples(latent.kinds(READ), 7, 3, seeded())
    assert [part.unique().tolist() for part in drawn] == [[1], [0], [2]]
    assert all(part.shape == (7, 3) for part in drawn)


def test_the_share_of_women_with_glasses():
    assert latent.women_with_glasses(READ) == pytest.approx(2 / 6)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: latent.lerp(torch.zeros(3), torch.zeros(4), torch.zeros(1)), "two vectors of one size"),
        (lambda: latent.arithmetic(torch.zeros(3, 4), torch.zeros(2, 4), torch.zeros(3, 4)), "as many exemplars"),
        (lambda: latent.around(torch.zeros(2, 3), 0.1, 9), "one vector"),
        (lambda: latent.around(torch.zeros(3), math.nan, 9), "radius >= 0"),
        (lambda: latent.triples(latent.kinds({k: v[:2] for k, v in READ.items()}), 5), "no woman among"),
    ],
)
def test_wrong_latents_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
