"""Autoencoders for small images: the slide's history as four networks with a code of the same length.

An encoder f takes an image x to a code z = f(x) of k numbers, a decoder g takes the code to x_hat = g(z), and both
learn to make |x - x_hat|^2 small. The four differ in f and g alone; every decoder ends linearly.
Source: the lecture's slide "Some background first: Autoencoders".
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Autoencoder(nn.Module):
    """x -> z = encoder(x) -> x_hat = decoder(z), for images of one shape (C, H, W); forward returns x_hat alone.

    x (n, C, H, W) -> z (n, k) -> x_hat (n, C, H, W). Raises ValueError for images of another shape.
    """

    def __init__(self, shape: tuple[int, int, int], encoder: nn.Module, decoder: nn.Module):
        super().__init__()
        self.shape, self.encoder, self.decoder = tuple(shape), encoder, decoder

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"x has shape {tuple(x.shape)}; this autoencoder takes (n, {', '.join(map(str, self.shape))})"
            )
        return self.decoder(self.encoder(x))


def _checked(shape: tuple[int, int, int], k: int) -> int:
    """The number of entries of an image. Raises ValueError for a shape or a code length that cannot be."""
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"shape = {shape}; an image has (channels, height, width)")
    if k < 1:
        raise ValueError(f"k = {k}; a code has at least one number")
    return math.prod(shape)


def linear(shape: tuple[int, int, int], k: int) -> Autoencoder:
    """z = A x + a, x_hat = B z + b: no more than PCA can do, and with the L2 loss no less."""
    p = _checked(shape, k)
    return Autoencoder(
        shape,
        encoder=nn.Sequential(nn.Flatten(), nn.Linear(p, k)),
        decoder=nn.Sequential(nn.Linear(k, p), nn.Unflatten(1, shape)),
    )


def sigmoid(shape: tuple[int, int, int], k: int) -> Autoencoder:
    """z = 1 / (1 + exp(-(A x + a))), x_hat = B z + b: "linear + nonlinearity (sigmoid)", codes between 0 and 1."""
    p = _checked(shape, k)
    return Autoencoder(
        shape,
        encoder=nn.Sequential(nn.Flatten(), nn.Linear(p, k), nn.Sigmoid()),
        decoder=nn.Sequential(nn.Linear(k, p), nn.Unflatten(1, shape)),
    )


def deep(shape: tuple[int, int, int], k: int, widths: tuple[int, int] = (128, 64)) -> Autoencoder:
    """Two hidden layers of ReLUs on either side of the code, mirrored: "deep, fully connected"."""
    p = _checked(shape, k)
    wide, narrow = widths
    return Autoencoder(
        shape,
        encoder=nn.Sequential(
            nn.Flatten(), nn.Linear(p, wide), nn.ReLU(), nn.Linear(wide, narrow), nn.ReLU(), nn.Linear(narrow, k)
        ),
        decoder=nn.Sequential(
            nn.Linear(k, narrow),
            nn.ReLU(),
            nn.Linear(narrow, wide),
            nn.ReLU(),
            nn.Linear(wide, p),
            nn.Unflatten(1, shape),
        ),
    )


def convolutional(shape: tuple[int, int, int], k: int, width: int = 16) -> Autoencoder:
    """Convolutions of stride 2 halve the image twice, upconvolutions double it again: "ReLU CNN (upconv)".

    Height and width must be multiples of 4. The kernels of the upconvolutions are 4 wide, a multiple of the stride:
    each pixel, away from the edges, gets the same number of stamps.
    """
    _checked(shape, k)
    channels, height, breadth = shape
    if height % 4 or breadth % 4:
        raise ValueError(f"images of {height} x {breadth} pixels cannot be halved twice; resize to multiples of 4")
    small = (2 * width, height // 4, breadth // 4)
    encoder = nn.Sequential(
        nn.Conv2d(channels, width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(math.prod(small), k),
    )
    decoder = nn.Sequential(
        nn.Linear(k, math.prod(small)),
        nn.ReLU(),
        nn.Unflatten(1, small),
        nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
    )
    return Autoencoder(shape, encoder, decoder)


@torch.no_grad()
def reconstruction_error(autoencoder: nn.Module, x: Tensor) -> float:
    """(1 / (n p)) sum_i |x_i - x_hat_i|^2: the mean squared error of a pixel, for images x (n, ...) of p pixels each.

    Raises ValueError for NaN or infinity in x, and for images of another shape than the network's.
    """
    if not bool(torch.isfinite(x).all()):
        raise ValueError("x contains NaN or infinity; look for the step that made them")
    return float(((autoencoder(x) - x) ** 2).mean())


def parameters(network: nn.Module) -> int:
    """How many numbers the network learns."""
    return sum(weights.numel() for weights in network.parameters())
