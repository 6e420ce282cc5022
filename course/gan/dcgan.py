"""The deep convolutional GAN: a generator of fractionally strided convolutions, a discriminator of strided ones.

Images lie in [-1, 1], where tanh ends. Source: the lecture's slide on DCGAN; Radford, Metz and Chintala, Unsupervised
Representation Learning with Deep Convolutional Generative Adversarial Networks (2016).
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from course.gan.game import LOG_D, Losses, play
from course.gan.tricks import average_into, slope_at_data
from course.gan.watch import all_of_them, scores
from course.training import Training, falling

SIDES = (16, 32, 64)


class Generator(nn.Module):
    """z (n, latent) -> images (n, channels, side, side) in [-1, 1].

    shape    (channels, side, side) of an image; the side is 16, 32 or 64
    latent   how many numbers z has
    width    channels before the last layer; every layer further from the image has twice as many

    A 4 x 4 picture with many channels, doubled in size by each layer. Raises ValueError for a shape it cannot make,
    and, when called, for a z of another size.
    """

    def __init__(self, shape: tuple[int, int, int] = (3, 32, 32), latent: int = 64, width: int = 16):
        super().__init__()
        channels, doublings = _checked(shape)
        w = width * 2 ** (doublings - 1)
        layers = [nn.ConvTranspose2d(latent, w, 4, 1, 0, bias=False), nn.BatchNorm2d(w), nn.ReLU()]
        for _ in range(doublings - 1):
            layers += [nn.ConvTranspose2d(w, w // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(w // 2), nn.ReLU()]
            w //= 2
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(w, channels, 4, 2, 1), nn.Tanh())
        self.latent = latent
        self.apply(start_small)

    def forward(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"z has shape {tuple(z.shape)}; this generator takes (n, {self.latent})")
        return self.layers(z[:, :, None, None])


class Discriminator(nn.Module):
    """Images (n, channels, side, side) -> (n, 1) logits: above 0 for "real".

    Raises ValueError, when called, for images of another shape.
    """

    def __init__(self, shape: tuple[int, int, int] = (3, 32, 32), width: int = 16):
        super().__init__()
        channels, doublings = _checked(shape)
        layers, w = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)], width
        for _ in range(doublings - 1):
            layers += [nn.Conv2d(w, 2 * w, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * w), nn.LeakyReLU(0.2)]
            w *= 2
        self.layers = nn.Sequential(*layers, nn.Conv2d(w, 1, 4, 1, 0), nn.Flatten())
        self.shape = tuple(shape)
        self.apply(start_small)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or tuple(x.shape[1:]) != self.shape:
            wanted = ", ".join(map(str, self.shape))
            raise ValueError(f"x has shape {tuple(x.shape)}; this discriminator takes (n, {wanted}): resize the images")
        return self.layers(x)


def start_small(layer: nn.Module) -> None:
    """Weights drawn from N(0, 0.02^2), the scales of batch normalisation from N(1, 0.02^2): as the paper starts."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


def _checked(shape: tuple[int, int, int]) -> tuple[int, int]:
    """The channels, and how often a side of 4 is doubled."""
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] not in SIDES:
        raise ValueError(f"shape is {tuple(shape)}: give (channels, side, side) with a side of 16, 32 or 64")
    return shape[0], shape[1].bit_length() - 3


def players(shape: tuple[int, int, int], latent: int, width: int, discriminator_width: int) -> nn.ModuleDict:
    """What a training keeps: {"generator": the one with averaged weights, "discriminator": ...}."""
    networks = {
        "generator": Generator(shape, latent, width),
        "discriminator": Discriminator(shape, discriminator_width),
    }
    return nn.ModuleDict(networks)


def dcgan_training(
    networks: nn.ModuleDict,
    x: Tensor,
    steps: int,
    seed: int = 0,
    rate: float = 2e-3,
    penalty: float = 0.5,
    batch_size: int = 32,
    losses: Losses = LOG_D,
) -> Training:
    """The `Training`, not yet run, of a DCGAN on images x in [-1, 1]; it fills `players(...)`.

    Adam with beta1 = 0.5 for both; the rate falls over the second half of `steps`. The generator that is kept has
    weights averaged over some 500 steps. Every eighth step, eight times `penalty` times `slope_at_data` is added.
    """
    average, D = networks["generator"], networks["discriminator"]
    G = copy.deepcopy(average)
    for network in (average, G, D):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for_G, for_D = (torch.optim.Adam(one.parameters(), lr=rate, betas=(0.5, 0.99), fused=True) for one in (G, D))

    rates = [falling(optimiser, steps) for optimiser in (for_G, for_D)]

    def step(batch: Tensor) -> dict[str, Tensor]:
        turn = rates[0].last_epoch
        real = batch.contiguous(memory_format=torch.channels_last).requires_grad_(turn % 8 == 0)

        said: dict[str, Tensor] = {}

        def flat_at_data(of_real: Tensor, of_fake: Tensor) -> Tensor:
            if losses is LOG_D:  # then the scores are logits, which can be watched
                said.update(scores(of_real, of_fake))
            loss = losses[0](of_real, of_fake)
            return loss + 8 * penalty * slope_at_data(of_real, real) if real.requires_grad else loss

        z = torch.randn(len(real), average.latent, device=real.device)  # type: ignore[call-overload]
        values = play(G, D, for_G, for_D, real, z, (flat_at_data, losses[1]))
        average_into(average, G, min(0.998, (turn + 1) / (turn + 10)))
        for each in rates:
            each.step()
        return {**values, **said}

    keep = [networks, G, for_G, for_D, *rates]
    options = {"batch_size": batch_size, "seed": seed, "log_every": 50, "threads": 1}
    return Training(step, x, keep, watch=all_of_them(), **options)
