"""The known tricks of GAN training, each one short function.

Source: the lecture's slide on training tricks; Radford et al. (2016) and Salimans et al., Improved Techniques for
Training GANs (2016); the paper of each later trick is named with it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits


def slerp(z0: Tensor, z1: Tensor, t: float | Tensor) -> Tensor:
    """Spherical interpolation: from z0 to z1 along the arc, not along the chord.

    With unit vectors u0, u1 and the angle omega between them, the direction at t is
    (sin((1 - t) omega) u0 + sin(t omega) u1) / sin(omega), and the length goes straight from |z0| to |z1|.

    z0, z1 (..., p); t in [0, 1], a number or a tensor (...): one (p,) pair and a t (k,) give (k, p). Noise from N(0, I)
    has a length near sqrt(p), and so has every point on the arc; the middle of the chord is shorter by about sqrt(2).
    Raises ValueError for a zero vector, and for opposite directions: then no arc is the shortest.
    Source: White, Sampling Generative Networks (2016).
    """
    z0, z1 = torch.as_tensor(z0), torch.as_tensor(z1)
    if z0.ndim == 0 or z0.shape[-1:] != z1.shape[-1:]:
        raise ValueError(f"z0 has shape {tuple(z0.shape)} and z1 {tuple(z1.shape)}: both need the same last size")
    t = torch.as_tensor(t, dtype=z0.dtype, device=z0.device)
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError("t goes from 0 (all of z0) to 1 (all of z1)")
    r0, r1 = z0.norm(dim=-1, keepdim=True), z1.norm(dim=-1, keepdim=True)
    if not ((r0 > 0) & (r1 > 0)).all():
        raise ValueError("a vector of zeros, or of NaN, has no direction: draw z from a normal distribution")
    u0, u1 = z0 / r0, z1 / r1
    half_chord, towards = (u1 - u0).norm(dim=-1, keepdim=True), (u1 + u0).norm(dim=-1, keepdim=True)
    if not (towards > 1e-3).all():
        raise ValueError("z0 and z1 point in opposite directions: every arc between them is as short; draw another z1")
    t = t[..., None]
    share = torch.atan2(half_chord, towards) * 2 / math.pi  # omega / pi; acos would lose small angles to rounding

    def weight(s: Tensor) -> Tensor:  # sin(s omega) / sin(omega), also where omega is 0
        return s * torch.sinc(s * share) / torch.sinc(share)

    direction = weight(1 - t) * u0 + weight(t) * u1
    return ((1 - t) * r0 + t * r1) * direction


def on_sphere(z: Tensor) -> Tensor:
    """Noise (n, p) from N(0, I) moved to the sphere of radius sqrt(p), where nearly all of it lies for a large p.

    Karras et al. (2018) draw it like this: no draw is an outlier then.
    """
    return z * math.sqrt(z.shape[1]) / z.norm(dim=1, keepdim=True)


def smoothed_discriminator_loss(real: Tensor, fake: Tensor, up: float = 0.9, low: float = 0.0) -> Tensor:
    """The cross entropy of `course.gan.game.discriminator_loss` with labels up and low in place of 1 and 0.

    real, fake   logits. One-sided: up = 0.9, low = 0. Two-sided: up = 0.9, low = 0.1. The best discriminator is then
    (up p_data + low p_g) / (p_data + p_g): never surer than `up`; with low > 0 it depends on p_g also where no data
    are, so samples there are no longer called as fake as can be. Raises ValueError unless 0 <= low < up <= 1.
    Source: Salimans et al. (2016), section 3.4.
    """
    if not 0 <= low < up <= 1:
        raise ValueError(f"the labels are {up} for real and {low} for fake: choose 0 <= low < up <= 1")
    labelled = binary_cross_entropy_with_logits
    return labelled(real, torch.full_like(real, up)) + labelled(fake, torch.full_like(fake, low))


def fading_noise(x: Tensor, sigma: float, gone: float) -> Tensor:
    """x + sigma (1 - gone) eps, eps ~ N(0, I): noise on all that the discriminator sees, less as the training goes on.

    gone   the share of the training that is done; from 1 on, x comes back as it is. Noise makes two heaps that do not
    overlap overlap, so that the ratio of their densities exists. Source: Sonderby et al. (2017); Arjovsky and Bottou
    (2017).
    """
    if not sigma >= 0:
        raise ValueError(f"sigma is {sigma}: a standard deviation is at least 0")
    left = sigma * max(0.0, 1 - gone)
    return x + left * torch.randn_like(x) if left else x


class MinibatchSpread(nn.Module):
    """h (n, p) -> (n, p + 1): the last column is the mean over features of their spread in the batch, for every row.

    (1 / p) sum_j sqrt(mean_i (h_ij - mean_j)^2 + 1e-8): a discriminator that sees it can tell a batch of copies from a
    batch of data, whatever each sample looks like. It must see real and generated samples in batches of their own.
    Source: Karras et al., Progressive Growing of GANs (2018), after Salimans et al. (2016).
    """

    def forward(self, h: Tensor) -> Tensor:
        spread = (h.var(dim=0, correction=0) + 1e-8).sqrt().mean()
        return torch.cat([h, spread.expand(len(h), 1)], dim=1)


def slope_at_data(logits: Tensor, x: Tensor) -> Tensor:
    """E |grad_x D(x)|^2 / 2 at real samples x (n, ...), from D's logits of x, which requires a gradient; with a graph.

    Once p_g = p_data the discriminator must rest, and then its slope at the data is 0: this penalty asks for just that,
    and makes the equilibrium one that training converges to. Source: Mescheder, Geiger, Nowozin (2018), as R1. Raises
    ValueError where x requires no gradient.
    """
    if not x.requires_grad:
        raise ValueError("x requires no gradient: call x.requires_grad_() before D(x)")
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return (slope**2).flatten(1).sum(1).mean() / 2


@torch.no_grad()
def average_into(average: nn.Module, network: nn.Module, keep: float) -> None:
    """average <- keep * average + (1 - keep) * network, for every weight; counts and running statistics are copied."""
    for a, w in zip(average.parameters(), network.parameters(), strict=True):
        a.lerp_(w, 1 - keep)
    for mine, its in zip(average.buffers(), network.buffers(), strict=True):
        mine.copy_(its)
