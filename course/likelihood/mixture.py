"""A ring of Gaussians, data in the plane whose density is known, and a code that turns its points into bits."""

from __future__ import annotations

import math

import torch
from torch import Tensor

MODES, RADIUS, SIGMA = 8, 2.0, 0.25
HALF, BITS = 3.0, 5  # the code covers [-3, 3] in both coordinates, with 5 bits for each: 32 x 32 cells
CELL = 2 * HALF / 2**BITS


def _centres() -> Tensor:
    angle = 2 * math.pi * torch.arange(MODES) / MODES
    return RADIUS * torch.stack([angle.cos(), angle.sin()], dim=1)


def ring(n: int, seed: int = 0) -> Tensor:
    """n points (n, 2) of a ring of eight Gaussians: a mode at random, and N(its centre, 0.25^2 I) about it.

    The centres lie on the circle of radius 2. No point of some billions lies outside of [-3, 3] x [-3, 3] by chance
    alone; those that do are moved to its edge, so that the code of `encode` covers all.
    """
    if n < 1:
        raise ValueError(f"n = {n}; ask for at least one point")
    random = torch.Generator().manual_seed(seed)
    mode = torch.randint(MODES, (n,), generator=random)
    x = _centres()[mode] + SIGMA * torch.randn(n, 2, generator=random)
    return x.clamp(-HALF + 1e-4, HALF - 1e-4)


def log_ring(x: Tensor) -> Tensor:
    """log p_data(x) = log (1/8) sum_k N(x; m_k, 0.25^2 I), in nats.   (n, 2)  ->  (n,)."""
    squares = ((x[:, None] - _centres().to(x)) ** 2).sum(dim=2)
    return torch.logsumexp(-squares / (2 * SIGMA**2), dim=1) - math.log(MODES * 2 * math.pi * SIGMA**2)


def encode(x: Tensor) -> Tensor:
    """Points (n, 2) in the square -> bits (n, 10): the cell of each, 5 bits for a coordinate, in a Gray code.

    In a Gray code, neighbouring cells differ in a single bit. The coordinates' bits take turns, coarse ones first.
    Raises ValueError for points outside of the square.
    """
    if x.ndim != 2 or x.shape[1] != 2 or not (x.abs() < HALF).all():
        raise ValueError(
            f"points are a tensor (n, 2) inside ({-HALF:g}, {HALF:g}); got shape {tuple(x.shape)} or others"
        )
    place = ((x + HALF) / CELL).long()
    gray = place ^ (place >> 1)
    return (gray[:, None, :] >> torch.arange(BITS - 1, -1, -1)[:, None] & 1).flatten(1).float()


def decode(b: Tensor, seed: int | None = 0) -> Tensor:
    """Bits (n, 10) -> points (n, 2): a point at random in the cell of each; its centre, with seed=None.

    A model P of the bits has, as a density of the points, p(x) = P(encode(x)) / CELL^2.
    """
    if b.ndim != 2 or b.shape[1] != 2 * BITS:
        raise ValueError(f"bits have shape {tuple(b.shape)}; the code has {2 * BITS} of them: (n, {2 * BITS})")
    gray = b.long().unflatten(1, (BITS, 2))
    place, bit = torch.zeros_like(gray[:, 0]), torch.zeros_like(gray[:, 0])
    for k in range(BITS):
        bit = bit ^ gray[:, k]
        place = 2 * place + bit
    inside = torch.full(place.shape, 0.5)
    if seed is not None:
        inside = torch.rand(place.shape, generator=torch.Generator().manual_seed(seed))
    return (place + inside) * CELL - HALF
