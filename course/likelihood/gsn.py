"""A generative stochastic network: a denoising autoencoder, run as a Markov chain.

Spoil x, draw x again from the network's distribution of what it may have been, and so on: the chain's limit is the
distribution of the data, as far as the network denoises well. No formula for p(x) is ever written down. Source: the
lecture's slides on implicit models by a Markov chain; Bengio, Yao, Alain, Vincent, Generalized Denoising Auto-Encoders
as Generative Models (2013), the walkback training of section 5; Bengio, Thibodeau-Laufer, Alain, Yosinski, Deep
Generative Stochastic Networks (2014).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Network = Callable[[Tensor], Tensor]


def corrupt(x: Tensor, rate: float) -> Tensor:
    """Each bit of x is, with probability `rate`, drawn anew as a fair coin.   (n, d)  ->  (n, d).

    A bit is flipped with probability rate / 2. Raises ValueError for a rate outside 0 to 1.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate = {rate}; it is a probability, from 0 to 1")
    coins = torch.bernoulli(torch.full_like(x, 0.5))
    return torch.where(torch.rand_like(x) < rate, coins, x)


def step(network: Network, x: Tensor, rate: float) -> Tensor:
    """One step of the chain: x is spoilt, and drawn from the Bernoulli distributions with the network's logits."""
    return torch.bernoulli(network(corrupt(x, rate)).sigmoid())


@torch.no_grad()
def chain(network: Network, x: Tensor, rate: float, steps: int) -> Tensor:
    """`steps` steps from x.   (n, d)  ->  (n, d)."""
    for _ in range(steps):
        x = step(network, x, rate)
    return x


def walkback_loss(network: Network, x: Tensor, rate: float, steps: int) -> Tensor:
    """Walk `steps` steps away from x, and ask at each for x itself: mean of -log P(x | spoilt), nats a bit.

    With steps = 1 it is the loss of a denoising autoencoder. Longer walks visit what the chain would make up far from
    the data, and teach the way back. No gradient passes through the draws.
    """
    if steps < 1:
        raise ValueError(f"steps = {steps}; a walk has at least one")
    losses, y = [], x
    for _ in range(steps):
        logits = network(corrupt(y, rate))
        losses.append(F.binary_cross_entropy_with_logits(logits, x))
        y = torch.bernoulli(logits.detach().sigmoid())
    return torch.stack(losses).mean()
