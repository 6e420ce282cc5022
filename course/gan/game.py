"""The two-player game of a GAN: the losses of both players, and one round.

V(D, G) = E_x log D(x) + E_z log(1 - D(G(z))); D wants it large, G small. Here D = sigma(a) with a logit a. Source: the
lecture's slides on GANs; Goodfellow et al., Generative Adversarial Nets (2014), with the generator's loss of section 3.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """-E log D(x) - E log(1 - D(G(z))), in nats, from the logits of real and generated samples.

    -log sigma(a) = log(1 + e^-a) and -log(1 - sigma(a)) = log(1 + e^a): no logarithm of zero. 2 log 2 for a coin.
    """
    return softplus(-real).mean() + softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """-E log D(G(z)), in nats: the generator's own wish, with a gradient also where D is sure of itself."""
    return softplus(-fake).mean()


def minimax_loss(fake: Tensor) -> Tensor:
    """E log(1 - D(G(z))), in nats: the generator's part of the game as written, flat where D is sure of itself."""
    return -softplus(fake).mean()


Losses = tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]  # the discriminator's, the generator's
LOG_D: Losses = (discriminator_loss, generator_loss)


def play(
    generator: nn.Module,
    discriminator: nn.Module,
    generator_optimiser: torch.optim.Optimizer,
    discriminator_optimiser: torch.optim.Optimizer,
    x: Tensor,
    z: Tensor,
    losses: Losses = LOG_D,
) -> dict[str, Tensor]:
    """One round: a step of the discriminator on x and G(z), then one of the generator against the new discriminator.

    x real samples, z as many rows of noise; losses the discriminator's and the generator's, as in
    `course.gan.losses.LOSSES`. Returns the values of both.
    """
    d_loss_of, g_loss_of = losses
    fake = generator(z)
    d_loss = d_loss_of(discriminator(x), discriminator(fake.detach()))
    discriminator_optimiser.zero_grad()
    d_loss.backward()
    discriminator_optimiser.step()

    discriminator.requires_grad_(False)  # its own gradients are not needed now: they cost a third of this step
    g_loss = g_loss_of(discriminator(fake))
    generator_optimiser.zero_grad()
    g_loss.backward()
    generator_optimiser.step()
    discriminator.requires_grad_(True)
    return {"discriminator": d_loss.detach(), "generator": g_loss.detach()}
