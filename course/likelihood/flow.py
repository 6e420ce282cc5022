"""A flow of affine coupling layers: data become noise by a chain of maps that are easily inverted.

With z = f(x) and z ~ N(0, I), the change of variables gives log p(x) = log N(f(x); 0, I) + log |det df/dx|, exactly.
Source: the lecture's slides on the change of variables; Dinh, Sohl-Dickstein, Bengio, Density Estimation Using Real NVP
(2017); dequantisation: Theis, van den Oord, Bethge, A Note on the Evaluation of Generative Models (2016).
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def affine_coupling(x: Tensor, kept: Tensor, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """z_i = x_i where kept, z_i = x_i exp(s_i) + t_i elsewhere, and log |det dz/dx| = sum of the s_i not kept.

    x, s, t (n, d), kept (d,) boolean  ->  z (n, d), log_det (n,) in nats.
    """
    s, t = s.masked_fill(kept, 0.0), t.masked_fill(kept, 0.0)
    return torch.addcmul(t, x, s.exp()), s.sum(dim=-1)


class Coupling(nn.Module):
    """One coupling layer: the kept entries decide, through a network, how the others are scaled and shifted.

    kept     (d,) boolean
    hidden   units of the network's two hidden layers
    """

    kept: Tensor

    def __init__(self, kept: Tensor, hidden: int):
        super().__init__()
        self.register_buffer("kept", kept)
        d = len(kept)
        last = nn.Linear(hidden, 2 * d)
        nn.init.zeros_(last.weight)  # the layer begins as the identity, and the flow as the base distribution
        nn.init.zeros_(last.bias)
        self.network = nn.Sequential(nn.Linear(d, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), last)

    def scale_and_shift(self, x: Tensor) -> tuple[Tensor, Tensor]:
        s, t = self.network(x * self.kept).chunk(2, dim=1)
        return 2 * torch.tanh(s / 2), t  # no factor beyond exp(2): a step too far is not fatal

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return affine_coupling(x, self.kept, *self.scale_and_shift(x))

    def inverse(self, z: Tensor) -> Tensor:
        """x with forward(x) = z: the network is not inverted, for it reads the entries that were kept."""
        s, t = self.scale_and_shift(z)
        return torch.where(self.kept, z, (z - t) * torch.exp(-s))


class Flow(nn.Module):
    """Coupling layers one after the other; each keeps one half of the entries, and the next one the other half.

    d        entries of x
    layers   coupling layers; the halves are drawn at random from `seed`, and swapped in every second layer
    hidden   units of the hidden layers in each
    """

    def __init__(self, d: int, layers: int = 6, hidden: int = 64, seed: int = 0):
        super().__init__()
        if d < 2 or layers < 2:
            raise ValueError(f"d = {d}, layers = {layers}; a flow needs two entries and two layers at least")
        self.d = d
        random = torch.Generator().manual_seed(seed)
        halves = [torch.randperm(d, generator=random) < d // 2 for _ in range((layers + 1) // 2)]
        self.layers = nn.ModuleList(
            Coupling(~halves[k // 2] if k % 2 else halves[k // 2], hidden) for k in range(layers)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z = f(x) and log |det df/dx|.   x (n, d)  ->  z (n, d), log_det (n,)."""
        if x.ndim != 2 or x.shape[1] != self.d:
            raise ValueError(f"x has shape {tuple(x.shape)}; this flow takes (n, {self.d})")
        log_det = x.new_zeros(len(x))
        for layer in self.layers:
            x, more = layer(x)
            log_det = log_det + more
        return x, log_det

    def inverse(self, z: Tensor) -> Tensor:
        """x = f^-1(z): a sample where z is noise.   (n, d)  ->  (n, d)."""
        for layer in reversed(self.layers):
            z = cast(Coupling, layer).inverse(z)
        return z

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, exact.   x (n, d)  ->  (n,)."""
        z, log_det = self(x)
        return -0.5 * (z**2 + math.log(2 * math.pi)).sum(dim=1) + log_det


def dequantise(x: Tensor, levels: int, generator: torch.Generator | None = None) -> Tensor:
    """(x (levels - 1) + u) / levels with u uniform on [0, 1): each level becomes a cell of its own, filled evenly.

    x (n, d) in steps of 1 / (levels - 1) from 0 to 1  ->  (n, d) in [0, 1). A density p of the result gives every x at
    least log P(x) >= E_u log p(x + u) - d log(levels), by Jensen: a bound on a probability, which may be compared with
    those of models of discrete data. Raises ValueError for values between the levels.
    """
    steps = x * (levels - 1)
    on_levels = (steps - steps.round()).abs() <= 1e-3  # NaN is on none
    if not (on_levels & (steps > -0.5) & (steps < levels - 0.5)).all():
        raise ValueError(f"x lies not on {levels} levels from 0 to 1; how many grey levels do the images have?")
    noise = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return (steps.round() + noise) / levels


def logit(y: Tensor, edge: float = 0.01) -> tuple[Tensor, Tensor]:
    """a = log(q / (1 - q)) with q = edge + (1 - 2 edge) y: from the cube to all of space; and log |det da/dy|.

    y (n, d) in [0, 1]  ->  a (n, d), log_det (n,). `edge` keeps the ends finite.
    """
    q = edge + (1 - 2 * edge) * y
    a = torch.log(q) - torch.log1p(-q)
    return a, (F.softplus(a) + F.softplus(-a) + math.log1p(-2 * edge)).sum(dim=1)
