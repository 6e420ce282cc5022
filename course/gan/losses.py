"""The losses of the GAN zoo, each a pair: what the discriminator makes small, and what the generator makes small.

All take the scores of a discriminator (or critic), real = D(x) and fake = D(G(z)): unbounded numbers, one a sample.
Source: the lecture's slide on better training of GANs; the paper of each loss is named with it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course.gan import f_gan
from course.gan.game import LOG_D, Losses, discriminator_loss, minimax_loss


def least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E (D(x) - 1)^2 / 2 + E D(G(z))^2 / 2: regress the scores on the labels 1 and 0. Mao et al. (2017)."""
    return ((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2


def least_squares_generator(fake: Tensor) -> Tensor:
    """E (D(G(z)) - 1)^2 / 2: also a sample that fools D is pulled on, as long as it lies far from the boundary."""
    return ((fake - 1) ** 2).mean() / 2


def least_squares_best(p_data: Tensor, p_g: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """D*(x) = (b p_data + a p_g) / (p_data + p_g): regressing on the label b of real and a of generated samples.

    p_data, p_g (k,), densities or probabilities at the same places, not both 0 -> (k,)
    """
    return (b * p_data + a * p_g) / (p_data + p_g)


def least_squares_sum(p_data: Tensor, p_g: Tensor, a: float, b: float, c: float) -> Tensor:
    """E_data (D* - c)^2 / 2 + E_g (D* - c)^2 / 2 against the best discriminator D*, for the generator's label c.

    With Delta = sum (p_data - p_g)^2 / (p_data + p_g), which is twice Pearson's chi2 of p_g from the mixture
    (p_data + p_g) / 2, it is  (a + b - 2c)^2 / 4 + (b - a)^2 Delta / 8:  the same divergence for all labels, but for a
    constant and a factor. b - c = 1 and b - a = 2, as in Mao et al. (2017), remove the constant and leave Delta / 2.
    """
    D = least_squares_best(p_data, p_g, a, b)
    return ((p_data + p_g) * (D - c) ** 2).sum() / 2


def wasserstein_critic(real: Tensor, fake: Tensor) -> Tensor:
    """E D(G(z)) - E D(x). Minus this, for the best 1-Lipschitz critic, is the Wasserstein-1 distance.

    Without a bound on its slope the critic has no best answer: see `clip_weights` and `gradient_penalty`. Arjovsky,
    Chintala and Bottou (2017).
    """
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Tensor) -> Tensor:
    """-E D(G(z))."""
    return -fake.mean()


LOSSES: dict[str, Losses] = {
    "minimax": (discriminator_loss, minimax_loss),
    "log D": LOG_D,
    "least squares": (least_squares_discriminator, least_squares_generator),
    "Wasserstein": (wasserstein_critic, wasserstein_generator),
    **{name: f_gan.losses(name) for name in f_gan.DIVERGENCES if name != "JS"},  # that of JS is half of "log D"
}


@torch.no_grad()
def clip_weights(critic: nn.Module, c: float = 0.01) -> None:
    """Put every weight back into [-c, c], after each step of the critic: a crude bound on its slope."""
    if not c > 0:
        raise ValueError(f"c is {c}: weights are kept within [-c, c], so c must be above 0")
    for weight in critic.parameters():
        weight.clamp_(-c, c)


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, one_sided: bool = False) -> Tensor:
    """E (|grad_x D(x_hat)| - 1)^2 at x_hat = u x + (1 - u) G(z), u uniform on [0, 1]: slopes near 1 between the two.

    real, fake (n, ...) of one shape -> (), with a graph to the critic's weights. Gulrajani et al. (2017), who add it
    lambda = 10 times to the critic's loss; the slopes then settle near 1 + W / (2 lambda), and the critic's estimate of
    the distance W is too large by that factor. On a line a critic that starts the wrong way round may stay so: a slope
    near -1 is as welcome as one near 1. one_sided asks for E max(0, |grad_x D(x_hat)| - 1)^2, and has no such trap.
    Raises ValueError when the shapes differ.
    """
    if real.shape != fake.shape:
        raise ValueError(f"real has shape {tuple(real.shape)}, fake {tuple(fake.shape)}: pairs need the same shape")
    u = torch.rand(len(real), *[1] * (real.ndim - 1), dtype=real.dtype, device=real.device)
    x_hat = (u * real + (1 - u) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    excess = slope.flatten(1).norm(dim=1) - 1
    return (excess.relu() if one_sided else excess).square().mean()
