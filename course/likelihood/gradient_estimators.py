"""Two ways to estimate the gradient of E_q[f(z)], q = N(mu, diag(exp logvar)), with respect to mu and logvar.

Both take the same noise eps (S, k), S samples of N(0, I), and give one estimate a sample, (S, k) for mu and (S, k) for
logvar: their means are estimates of the gradient, their variances say how good one sample is. f maps z (S, k) to (S,).
Source: Kingma and Welling, Auto-Encoding Variational Bayes (2014), section 2.4; Williams, Simple Statistical
Gradient-Following Algorithms (1992).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def _fit(mu: Tensor, logvar: Tensor, eps: Tensor) -> None:
    if mu.ndim != 1 or logvar.shape != mu.shape or eps.shape[1:] != mu.shape or eps.ndim != 2:
        shapes = f"mu {tuple(mu.shape)}, logvar {tuple(logvar.shape)}, eps {tuple(eps.shape)}"
        raise ValueError(f"{shapes}: mu and logvar have shape (k,), and eps has shape (S, k)")


def _values(f: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    values = f(z)
    if values.shape != z.shape[:1]:
        raise ValueError(f"f gave shape {tuple(values.shape)} for {len(z)} samples; it must give one number for each")
    return values


def reparameterised(f: Callable[[Tensor], Tensor], mu: Tensor, logvar: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """z = mu + sigma eps, and the chain rule through z:  df/dmu = f'(z),  df/dlogvar = f'(z) sigma eps / 2.

    f must be differentiable, by autograd. Returns two tensors (S, k).
    """
    _fit(mu, logvar, eps)
    noise = torch.exp(logvar / 2) * eps
    z = (mu + noise).detach().requires_grad_()
    (slope,) = torch.autograd.grad(_values(f, z).sum(), z)
    return slope, slope * noise.detach() / 2


def score_function(
    f: Callable[[Tensor], Tensor], mu: Tensor, logvar: Tensor, eps: Tensor, baseline: bool = False
) -> tuple[Tensor, Tensor]:
    """f(z) times the gradient of log q(z):  f(z) eps / sigma for mu,  f(z) (eps^2 - 1) / 2 for logvar.

    f needs no derivative: it may be a step, or come from outside. With `baseline`, the mean of f over the *other*
    samples is taken off f(z) first: that changes no expectation, since the score has mean zero, and much variance.
    (With the sample itself in the mean, it would.) Returns two tensors (S, k).
    """
    _fit(mu, logvar, eps)
    sigma = torch.exp(logvar / 2)
    values = _values(f, mu + sigma * eps)
    if baseline:
        if len(values) < 2:
            raise ValueError("a baseline is the mean over the other samples: it needs two samples at least")
        values = values - (values.sum() - values) / (len(values) - 1)
    values = values.detach()[:, None]
    return values * eps / sigma, values * (eps**2 - 1) / 2
