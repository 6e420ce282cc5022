"""Gaussians with a diagonal covariance matrix: log density, KL divergence, samples that gradients can pass through.

A distribution over the last axis is given by its mean `mu` and the logarithm of its variances, `logvar`: any real
number is a log variance, so a network may put out whatever it likes. The functions are what a variational autoencoder
is made of. Source: the lecture's slides on variational autoencoders; Kingma and Welling, Auto-Encoding Variational
Bayes (2014), appendix B.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def _fit(**tensors: Tensor) -> None:
    """Raise ValueError unless all are floating tensors that broadcast, with one and the same last axis, not empty."""
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            raise ValueError(f"{name} is no tensor of floating numbers; make it one with torch.as_tensor(...).double()")
        if tensor.ndim and tensor.shape[-1] == 0:
            shape = tuple(tensor.shape)
            raise ValueError(f"{name} has shape {shape}: a Gaussian in zero dimensions; give it one or more")
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    try:
        torch.broadcast_shapes(*shapes.values())
        fit = len({shape[-1] for shape in shapes.values() if shape}) <= 1
    except RuntimeError:
        fit = False
    if not fit:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"the shapes do not fit: {told}; the last axes must be equal and the others broadcast")


def _told_of_nan(result: Tensor, names: str) -> Tensor:
    # One look at the short result instead of a long one at each input: NaN in any of them arrives here.
    if result.isnan().any():
        raise ValueError(f"{names} contain NaN or infinity; look for the step that made them")
    return result


def log_normal(x: Tensor, mu: Tensor, logvar: Tensor | float) -> Tensor:
    """log N(x; mu, diag(exp logvar)) = -1/2 sum_i [ log(2 pi) + logvar_i + (x_i - mu_i)^2 / exp(logvar_i) ], in nats.

    x, mu (..., d), broadcast against each other; logvar likewise, or one number for all entries  ->  (...,).
    Raises ValueError for shapes that do not fit, and for NaN.
    """
    logvar = logvar if isinstance(logvar, Tensor) else torch.as_tensor(logvar, dtype=mu.dtype, device=mu.device)
    _fit(x=x, mu=mu, logvar=logvar)
    terms = math.log(2 * math.pi) + logvar + (x - mu) ** 2 * torch.exp(-logvar)
    return _told_of_nan(-0.5 * terms.sum(dim=-1), "x, mu or logvar")


def kl_gaussians(mu_q: Tensor, logvar_q: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    """KL(q || p) = 1/2 sum_i [ (v_i + (mu_q,i - mu_p,i)^2) / u_i - 1 - log(v_i / u_i) ], v = exp(logvar_q), u of p.

    q = N(mu_q, diag v), p = N(mu_p, diag u), all (..., k)  ->  (...,), in nats, never negative.
    Raises ValueError for shapes that do not fit, and for NaN.
    """
    _fit(mu_q=mu_q, logvar_q=logvar_q, mu_p=mu_p, logvar_p=logvar_p)
    ratio = logvar_q - logvar_p
    terms = torch.expm1(ratio) - ratio + (mu_q - mu_p) ** 2 * torch.exp(-logvar_p)
    return _told_of_nan(0.5 * terms.sum(dim=-1), "mu or logvar")


def kl_standard_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, diag(exp logvar)) || N(0, I)) = 1/2 sum_i [ mu_i^2 + exp(logvar_i) - 1 - logvar_i ].

    mu, logvar (..., k)  ->  (...,), in nats, never negative. Raises ValueError for shapes that do not fit, and for NaN.
    """
    _fit(mu=mu, logvar=logvar)
    return _told_of_nan(0.5 * (mu**2 + torch.expm1(logvar) - logvar).sum(dim=-1), "mu or logvar")


def reparameterise(mu: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """z = mu + exp(logvar / 2) * eps with eps ~ N(0, I): a sample of N(mu, diag(exp logvar)), one for each row of mu.

    mu, logvar (..., k)  ->  (..., k). Gradients pass through z to mu and logvar: the noise does not depend on them. For
    S samples of each row, give it `mu.expand(S, *mu.shape)`. Raises ValueError for shapes that do not fit.
    """
    _fit(mu=mu, logvar=logvar)
    eps = torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device)
    return mu + torch.exp(logvar / 2) * eps
