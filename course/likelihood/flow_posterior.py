"""A posterior richer than a Gaussian: the encoder's Gaussian carried through inverse autoregressive steps.

Source: Kingma, Salimans, Jozefowicz, Chen, Sutskever and Welling, Improving Variational Inference with Inverse
Autoregressive Flow (2016).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AutoregressiveStep(nn.Module):
    """z'_i = exp(s_i) z_i + m_i, where s_i and m_i see z_1, ..., z_{i-1} and the context, and |s_i| < 1.

    The Jacobian dz'/dz is triangular with exp(s_i) on its diagonal: its log determinant is the sum of the s_i. The step
    begins as the identity.
    """

    into: Tensor
    out: Tensor

    def __init__(self, latent: int, context: int, hidden: int):
        super().__init__()
        place = torch.arange(1, latent + 1)
        unit = torch.arange(hidden) % max(1, latent - 1) + 1  # a hidden unit sees z_1, ..., z_unit
        self.register_buffer("into", (place <= unit[:, None]).float())
        self.register_buffer("out", (unit < place[:, None]).float().repeat(2, 1))
        self.first = nn.Linear(latent, hidden)
        self.last = nn.Linear(hidden, 2 * latent)
        self.of_context = nn.Linear(context, hidden)
        self.past = nn.Linear(context, 2 * latent)
        for layer in (self.last, self.past):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """z (n, k), context (n, c) -> z' (n, k) and the log determinant (n,)."""
        hidden = F.silu(F.linear(z, self.first.weight * self.into, self.first.bias) + self.of_context(context))
        outputs = F.linear(hidden, self.last.weight * self.out, self.last.bias) + self.past(context)
        s, m = outputs.chunk(2, dim=1)
        s = torch.tanh(s)
        return torch.exp(s) * z + m, s.sum(1)


class FlowPosterior(nn.Module):
    """Carries z ~ q_0(z|x) to z' = f(z; x), so that log q(z'|x) = log q_0(z|x) - log |det df/dz|.

    shape    of one x
    latent   k, at least 1
    steps    autoregressive steps; the order of the latent variables is turned round between them
    hidden   width of the context's layer and of every step's
    """

    def __init__(self, shape: Sequence[int], latent: int, steps: int = 4, hidden: int = 64):
        super().__init__()
        if latent < 1 or steps < 1:
            raise ValueError(f"latent is {latent} and steps is {steps}: both must be at least 1")
        self.context = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), hidden), nn.SiLU())
        self.steps = nn.ModuleList(AutoregressiveStep(latent, hidden, hidden) for _ in range(steps))

    def forward(self, z: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """z (n, k), x (n, *shape) -> z' (n, k) and log |det dz'/dz| (n,)."""
        context = self.context(x)
        log_det = z.new_zeros(len(z))
        for step in self.steps:
            z, added = step(z.flip(1), context)
            log_det = log_det + added
        return z, log_det
