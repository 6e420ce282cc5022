"""Autoregressive models of bits: p(x) = prod_i p(x_i | x_1, ..., x_{i-1}), each factor a Bernoulli distribution.

A network takes all of x and puts out d logits; that logit i has seen nothing but x_1, ..., x_{i-1} is arranged by
masks on its weights. One evaluation then gives all factors at once, and log p(x) exactly; drawing a sample takes d
evaluations, one for each entry. Source: the lecture's slides on fully visible belief nets and PixelCNN; Germain,
Gregor, Murray, Larochelle, MADE (2015); van den Oord, Kalchbrenner, Kavukcuoglu, Pixel Recurrent Neural
Networks (2016).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.likelihood.vae import bernoulli_log_likelihood


def bits(x: Tensor) -> Tensor:
    """x itself, a floating tensor (n, d) of zeros and ones; ValueError for anything else."""
    if not isinstance(x, Tensor) or x.ndim != 2:
        shape = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"x is {shape}; give a tensor of shape (n, d), images with .flatten(1)")
    if not x.is_floating_point() or not ((x == 0) | (x == 1)).all():
        raise ValueError("x holds something else than the numbers 0. and 1.; binarise it: (x > 0.5).float()")
    return x


def autoregressive_masks(degrees: Tensor, d: int) -> tuple[Tensor, Tensor]:
    """The masks of a network with one hidden layer: ones where a weight is kept.

    Unit k with the degree m_k sees the inputs 1, ..., m_k, and is seen by the outputs that come after m_k:
    M1[k, i] = [m_k >= i], M2[i, k] = [i > m_k], inputs and outputs counted from 1 to d.

    degrees (h,) whole numbers from 0 to d  ->  M1 (h, d), M2 (d, h), float32. (M2 M1)[i, j] counts the ways from input
    j to output i; it is zero for j >= i. Raises ValueError for degrees outside 0 to d.
    """
    degrees = torch.as_tensor(degrees)
    if degrees.ndim != 1 or len(degrees) == 0 or degrees.min() < 0 or degrees.max() > d:
        raise ValueError(f"degrees are one whole number from 0 to d = {d} for each hidden unit")
    place = torch.arange(1, d + 1, device=degrees.device)
    return torch.ge(degrees[:, None], place).float(), torch.gt(place[:, None], degrees).float()


class MaskedLinear(nn.Linear):
    """x -> (W * mask) x + b: a linear layer with some of its weights held at zero.   mask (out, in)."""

    mask: Tensor

    def __init__(self, mask: Tensor):
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.mask, self.bias)


class MADE(nn.Module):
    """A masked autoencoder: bits x (n, d) -> logits (n, d), logit i a function of x_1, ..., x_{i-1} alone.

    hidden   units of the one hidden layer; their degrees go round 1, ..., d - 1
    """

    def __init__(self, d: int, hidden: int = 256):
        super().__init__()
        if d < 2 or hidden < 1:
            raise ValueError(f"d = {d}, hidden = {hidden}; at least two bits and one hidden unit are needed")
        self.d = d
        into, out = autoregressive_masks(1 + torch.arange(hidden) % (d - 1), d)
        self.into, self.out = MaskedLinear(into), MaskedLinear(out)
        self.direct = MaskedLinear(torch.ones(d, d).tril(-1))

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.into(x))) + self.direct(x)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, exact.   bits x (n, d)  ->  (n,)."""
        return bernoulli_log_likelihood(bits(x), self(x))


class MaskedConv(nn.Conv2d):
    """A k x k convolution that sees only pixels above, and to the left in its own row; the pixel itself if `own`."""

    mask: Tensor

    def __init__(self, channels_in: int, channels_out: int, size: int, own: bool):
        super().__init__(channels_in, channels_out, size, padding=size // 2)
        mask = torch.zeros(size, size)
        mask[: size // 2] = 1
        mask[size // 2, : size // 2 + own] = 1
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


class PixelCNN(nn.Module):
    """Masked convolutions: bits x (n, side^2), row by row -> logits (n, side^2), each of the pixels before it alone.

    The first layer must not see the pixel itself, the others may: they see features made without it. The same weights
    serve every place, so the pixels' order is part of what is learnt; two channels tell the network where it is.
    """

    place: Tensor

    def __init__(self, side: int, channels: int = 16, layers: int = 3):
        super().__init__()
        if side < 2 or channels < 1 or layers < 1:
            raise ValueError(f"side = {side}, channels = {channels}, layers = {layers}; too few for an image model")
        self.d, self.side = side**2, side
        axis = torch.linspace(-1, 1, side)
        self.register_buffer("place", torch.stack(torch.meshgrid(axis, axis, indexing="ij"))[None])
        self.first = MaskedConv(1, channels, 5, own=False)
        self.where = nn.Conv2d(2, channels, 1)
        self.deeper = nn.ModuleList(MaskedConv(channels, channels, 3, own=True) for _ in range(layers))
        self.last = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x.unflatten(1, (1, self.side, self.side)) - 0.5) + self.where(self.place)
        for layer in self.deeper:
            h = h + layer(torch.relu(h))
        return self.last(torch.relu(h)).flatten(1)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, exact.   bits x (n, d)  ->  (n,)."""
        return bernoulli_log_likelihood(bits(x), self(x))


@torch.no_grad()
def complete(network: MADE | PixelCNN, x: Tensor, known: int, generator: torch.Generator | None = None) -> Tensor:
    """Keep the first `known` entries of every row, and draw the others one by one: x_i ~ p(x_i | x_1, ..., x_{i-1}).

    x (n, d) bits, those beyond `known` ignored  ->  (n, d): samples of p(x_{known+1}, ..., x_d | x_1, ..., x_known);
    with known = 0, of p(x). Takes d - known evaluations of the network. Raises ValueError unless 0 <= known <= d.
    """
    if not 0 <= known <= network.d:
        raise ValueError(f"known = {known}; choose from 0 to {network.d}, the number of entries")
    x = bits(x).clone()
    x[:, known:] = 0
    for i in range(known, network.d):
        x[:, i] = torch.bernoulli(network(x)[:, i].sigmoid(), generator=generator)
    return x
