"""The deep convolutional GAN: a generator of fractionally strided convolutions, a discriminator of strided ones.

Images lie in [-1, 1], where tanh ends. Source: the lecture's slide on DCGAN; Radford, Metz and Chintala, Unsupervised
Representation Learning with Deep Convolutional Generative Adversarial Networks (2016).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

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


@torch.no_grad()
def average_into(average: nn.Module, network: nn.Module, keep: float) -> None:
    """average <- keep * average + (1 - keep) * network, for every weight; counts and running statistics are copied."""
    for a, w in zip(average.parameters(), network.parameters(), strict=True):
        a.lerp_(w, 1 - keep)
    for mine, its in zip(average.buffers(), network.buffers(), strict=True):
        mine.copy_(its)
