"""The latent variable model in which nothing is intractable: z ~ N(0, I_k), x | z ~ N(W z, s^2 I_d).

Everything that a variational autoencoder can only bound or estimate has a closed form here, so every line of its
derivation can be held against a number. Tensors; float64 where equalities are to hold to rounding. x (..., d) may be a
batch, W is (d, k), s > 0 is a number, and q(z | x) = N(mu, diag(exp logvar)) with mu, logvar (..., k).

Source: the lecture's slides on variational autoencoders; Tipping and Bishop, Probabilistic Principal Component Analysis
(1999), whose model this is, with mean zero.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from course.likelihood.gaussian import kl_standard_normal, log_normal


def _model(W: Tensor, s: float) -> tuple[int, int]:
    """(d, k), after a look at W and s."""
    if W.ndim != 2:
        raise ValueError(f"W has shape {tuple(W.shape)}; the decoder's matrix has shape (d, k)")
    if not s > 0 or not math.isfinite(s):
        raise ValueError(f"s = {s}; the standard deviation of x given z is a positive number")
    return W.shape[0], W.shape[1]


def _data(x: Tensor, W: Tensor, s: float) -> Tensor:
    d, _ = _model(W, s)
    if x.shape[-1:] != (d,):
        raise ValueError(f"x has shape {tuple(x.shape)}; with this W its last axis has the length {d}")
    if not torch.isfinite(x).all():
        raise ValueError("x contains NaN or infinity")
    return x


def log_prior(z: Tensor) -> Tensor:
    """log p(z) = log N(z; 0, I).   z (..., k) -> (...,)."""
    return log_normal(z, torch.zeros_like(z), 0.0)


def log_likelihood(x: Tensor, z: Tensor, W: Tensor, s: float) -> Tensor:
    """log p(x | z) = log N(x; W z, s^2 I).   x (..., d), z (..., k), batches broadcast -> (...,)."""
    if z.shape[-1:] != (_model(W, s)[1],):
        raise ValueError(f"z has shape {tuple(z.shape)}; with this W its last axis has the length {W.shape[1]}")
    return log_normal(_data(x, W, s), z @ W.T, 2 * math.log(s))


def log_evidence(x: Tensor, W: Tensor, s: float) -> Tensor:
    """log p(x) = log N(x; 0, W W^T + s^2 I): the integral over z, done.   x (..., d) -> (...,)."""
    d, _ = _model(W, s)
    eye = torch.eye(d, dtype=W.dtype)
    return MultivariateNormal(torch.zeros(d, dtype=W.dtype), W @ W.T + s**2 * eye).log_prob(_data(x, W, s))


def posterior(x: Tensor, W: Tensor, s: float) -> tuple[Tensor, Tensor]:
    """p(z | x) = N(m, V) with V = (I + W^T W / s^2)^-1 and m = V W^T x / s^2.   x (..., d) -> m (..., k), V (k, k)."""
    precision = torch.eye(_model(W, s)[1], dtype=W.dtype) + W.T @ W / s**2
    V = torch.linalg.inv(precision)
    return _data(x, W, s) @ W @ V / s**2, V


def log_posterior(z: Tensor, x: Tensor, W: Tensor, s: float) -> Tensor:
    """log p(z | x) = log N(z; m, V).   z (..., k), x (..., d) -> (...,)."""
    return MultivariateNormal(*posterior(x, W, s)).log_prob(z)


def reconstruction(x: Tensor, mu: Tensor, logvar: Tensor, W: Tensor, s: float) -> Tensor:
    """E_q[log p(x | z)] = log p(x | z = mu) - sum_i |W_i|^2 exp(logvar_i) / (2 s^2), W_i the columns of W -> (...,)."""
    blur = ((W**2).sum(dim=0) * torch.exp(logvar)).sum(dim=-1)
    return log_likelihood(x, mu, W, s) - blur / (2 * s**2)


def elbo(x: Tensor, mu: Tensor, logvar: Tensor, W: Tensor, s: float) -> Tensor:
    """E_q[log p(x | z)] - KL(q || p(z)), in nats, at most log p(x) -> (...,)."""
    return reconstruction(x, mu, logvar, W, s) - kl_standard_normal(mu, logvar)


def kl_to_posterior(x: Tensor, mu: Tensor, logvar: Tensor, W: Tensor, s: float) -> Tensor:
    """KL(q || p(z|x)) = 1/2 [ tr(V^-1 D) + (mu - m)^T V^-1 (mu - m) - k + log det V - log det D ].

    D = diag(exp logvar), and N(m, V) is the posterior. This is what the ELBO leaves out, by a road that knows neither
    log p(x) nor the ELBO -> (...,).
    """
    m, V = posterior(x, W, s)
    P, away = torch.linalg.inv(V), mu - m
    spread = (P.diagonal() * torch.exp(logvar)).sum(dim=-1)
    distance = ((away @ P) * away).sum(dim=-1)
    return 0.5 * (spread + distance - V.shape[0] + torch.logdet(V) - logvar.sum(dim=-1))


def best_diagonal(x: Tensor, W: Tensor, s: float) -> tuple[Tensor, Tensor]:
    """The q with independent z_i that has the largest ELBO: mean m, and variances 1 / (V^-1)_ii, not V_ii.

    x (..., d) -> mu (..., k), logvar (..., k). Bishop, Pattern Recognition and Machine Learning, section 10.1.2.
    """
    m, V = posterior(x, W, s)
    return m, -torch.log(torch.linalg.inv(V).diagonal()).expand_as(m)


def relative_variance(x: Tensor, W: Tensor, s: float) -> float:
    """Var[p(x | z)] / p(x)^2 for z ~ p(z): the squared relative error of the naive estimate from one sample.

    p(x | z)^2 = (4 pi s^2)^(-d/2) N(x; W z, s^2 I / 2), so its mean is again a Gaussian integral.  x (d,) -> a number.
    """
    d, _ = _model(W, s)
    log_square = log_evidence(x, W, s / math.sqrt(2)) - d / 2 * math.log(4 * math.pi * s**2)
    return math.expm1(float(log_square - 2 * log_evidence(x, W, s)))


def gauss_hermite(mu: Tensor, logvar: Tensor, n: int = 8) -> tuple[Tensor, Tensor]:
    """Nodes z (n^k, k) and weights (n^k,) with sum_j weight_j f(z_j) = E_q[f(z)], exact up to the degree 2n - 1.

    q = N(mu, diag(exp logvar)), mu and logvar (k,). Gauss-Hermite quadrature, the product rule.
    """
    if mu.ndim != 1 or mu.shape != logvar.shape or n < 1 or n ** len(mu) > 10**6:
        raise ValueError(
            f"mu {tuple(mu.shape)}, logvar {tuple(logvar.shape)}, n = {n}: two vectors of length k, and n^k <= 10^6"
        )
    node, weight = np.polynomial.hermite_e.hermegauss(n)
    eps = torch.tensor(list(itertools.product(node, repeat=len(mu))), dtype=mu.dtype)
    weights = torch.tensor(list(itertools.product(weight / weight.sum(), repeat=len(mu))), dtype=mu.dtype).prod(dim=1)
    return mu + torch.exp(logvar / 2) * eps, weights
