"""The restricted Boltzmann machine: p(v, h) = exp(v^T W h + b^T v + c^T h) / Z, over bits v (visible) and h (hidden).

Given one side, the bits of the other are independent; so h can be summed out by hand, and a Markov chain that draws
the two sides in turn has p(v, h) as its limit. Source: the lecture's slides on Markov chain models; Hinton, Training
Products of Experts by Minimizing Contrastive Divergence (2002); Tieleman, Training Restricted Boltzmann Machines using
Approximations to the Likelihood Gradient (2008).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MOST_BITS = 20  # 2^20 states are summed in seconds


def free_energy(v: Tensor, W: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """F(v) = -log sum_h exp(v^T W h + b^T v + c^T h) = -b^T v - sum_j log(1 + exp(c_j + v^T W_j)).

    v (n, d) bits, W (d, m), b (d,), c (m,)  ->  (n,); p(v) = exp(-F(v)) / Z.
    """
    return -(v @ b) - F.softplus(torch.addmm(c, v, W)).sum(dim=1)


def contrastive_gradient(v_data: Tensor, v_model: Tensor, W: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The direction in which W, b, c make the data more probable, and the model's own samples less.

    dW = mean v p(h|v)^T over the data, less the same over the samples; db = mean v; dc = mean p(h|v), likewise: the
    gradient of mean F(v_model) - mean F(v_data).

    v_data (n, d), v_model (k, d)  ->  dW (d, m), db (d,), dc (m,).
    """
    phases = []
    for v in (v_data, v_model):
        h = torch.sigmoid(torch.addmm(c, v, W))
        phases.append((torch.einsum("nd,nm->dm", v, h) / len(v), v.mean(dim=0), h.mean(dim=0)))
    (dW, db, dc), (less_W, less_b, less_c) = phases
    return dW - less_W, db - less_b, dc - less_c


def states(m: int) -> Tensor:
    """All 2^m rows of m bits, the last bit changing fastest.   -> (2^m, m)."""
    if not 1 <= m <= MOST_BITS:
        raise ValueError(f"{m} bits have 2^{m} states; 1 to {MOST_BITS} bits can be enumerated")
    return (torch.arange(2**m)[:, None] >> torch.arange(m - 1, -1, -1) & 1).float()


class RBM(nn.Module):
    """d visible and m hidden bits; parameters W (d, m), b (d,), c (m,), whose gradients are set by hand."""

    def __init__(self, d: int, m: int):
        super().__init__()
        if d < 1 or m < 1:
            raise ValueError(f"d = {d}, m = {m}; an RBM has at least one bit on each side")
        self.W = nn.Parameter(0.01 * torch.randn(d, m), requires_grad=False)
        self.b = nn.Parameter(torch.zeros(d), requires_grad=False)
        self.c = nn.Parameter(torch.zeros(m), requires_grad=False)

    def p_hidden(self, v: Tensor) -> Tensor:
        """p(h_j = 1 | v) = sigma(c_j + v^T W_j).   (n, d)  ->  (n, m)."""
        return torch.sigmoid(v @ self.W + self.c)

    def p_visible(self, h: Tensor) -> Tensor:
        """p(v_i = 1 | h) = sigma(b_i + W_i h).   (n, m)  ->  (n, d)."""
        return torch.sigmoid(h @ self.W.T + self.b)

    def forward(self, v: Tensor) -> Tensor:
        """One step of Gibbs sampling: h ~ p(h | v), then v ~ p(v | h).   (n, d)  ->  (n, d)."""
        return torch.bernoulli(self.p_visible(torch.bernoulli(self.p_hidden(v))))

    def gibbs(self, v: Tensor, steps: int) -> Tensor:
        """`steps` steps of the chain from v."""
        for _ in range(steps):
            v = self(v)
        return v

    def free_energy(self, v: Tensor) -> Tensor:
        return free_energy(v, self.W, self.b, self.c)

    def log_partition(self) -> Tensor:
        """log Z = log sum_v sum_h exp(-E(v, h)), exactly: one side enumerated, the other summed by hand.

        Raises ValueError where both sides have more than 20 bits.
        """
        W, b, c = (self.W, self.b, self.c) if len(self.b) <= len(self.c) else (self.W.T, self.c, self.b)
        parts = [-free_energy(part, W, b, c) for part in states(len(b)).to(W).split(2**14)]
        return torch.logsumexp(torch.cat(parts).double(), dim=0)

    def log_prob(self, v: Tensor) -> Tensor:
        """log p(v) = -F(v) - log Z, in nats, exact.   (n, d)  ->  (n,)."""
        return -self.free_energy(v) - self.log_partition()
