"""Other correct ways to solve 06_vae_derivation. They must keep their points, also in float32; never released."""

import math

import numpy as np
import sympy
import torch
from torch.distributions import Normal

# log_mean_exp


def column_by_column(a):
    result = []
    for column in a.T.tolist():
        top = max(column)
        result.append(top + math.log(sum(math.exp(value - top) for value in column) / len(column)))
    return torch.tensor(result)


def one_shift_for_each_column(a):
    top, _ = torch.max(a, dim=0, keepdim=True)
    return (top + (a - top).exp().sum(dim=0, keepdim=True).log())[0] - np.log(a.shape[0])


def pair_after_pair(a):
    total = a[0]
    for row in a[1:]:
        high, low = torch.maximum(total, row), torch.minimum(total, row)
        total = high + torch.log1p(torch.exp(low - high))
    return total - math.log(len(a))


# expected_reconstruction


def multiplied_out():
    return "-1/2*log(2*pi) - log(s) - x**2/(2*s**2) + w*x*mu/s**2 - w**2*(mu**2 + sigma**2)/(2*s**2)"


def as_variance_and_square():
    return "log(1/sqrt(2*pi*s**2)) - 0.5*((w*mu - x)/s)**2 - 0.5*(w*sigma/s)**2"


def by_sympy():
    x, w, s, mu, sigma, eps = sympy.symbols("x w s mu sigma eps", positive=True)
    log_p = sympy.log(sympy.exp(-((x - w * (mu + sigma * eps)) ** 2) / (2 * s**2)) / sympy.sqrt(2 * sympy.pi) / s)
    powers = sympy.Poly(sympy.expand(sympy.expand_log(log_p, force=True)), eps)
    return str(powers.coeff_monomial(1) + powers.coeff_monomial(eps**2))


# kl_to_prior


def with_sigma(mu, logvar):
    sigma = torch.exp(0.5 * logvar)
    return ((mu**2 + sigma**2 - 1) / 2 - torch.log(sigma)).sum(-1)


def kl_in_two_parts(mu, logvar):
    of_means = torch.linalg.vector_norm(mu, dim=1) ** 2 / 2
    of_widths = (torch.expm1(logvar) - logvar).sum(dim=1) / 2
    return of_means + of_widths


def kl_by_loops(mu, logvar):
    rows = []
    for m, v in zip(mu.tolist(), logvar.tolist(), strict=True):
        rows.append(sum(0.5 * (a * a + math.exp(b) - 1 - b) for a, b in zip(m, v, strict=True)))
    return torch.tensor(rows)


def kl_as_the_papers_minus(mu, logvar):
    return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1)


# best_q


def over_the_sum():
    return "w*x/(w**2 + s**2)", "s**2/(w**2 + s**2)"


def as_a_gain():
    return "w/(s**2 + w**2)*x", "1 - w*w/(s**2 + w**2)"


def by_precisions():
    return ("(x*w/s**2)/(1 + w**2/s**2)", "(1 + (w/s)**2)**-1")


def best_q_by_sympy():
    x, w, s, mu, v = sympy.symbols("x w s mu v", positive=True)
    elbo = -((x - w * mu) ** 2 + w**2 * v) / (2 * s**2) - (mu**2 + v - sympy.log(v)) / 2
    return [str(sympy.solve(sympy.diff(elbo, symbol), symbol)[0]) for symbol in (mu, v)]


# elbo_estimate


def sample_by_sample(x, eps, mu, logvar, W, s):
    total = 0
    for noise in eps:
        z = mu + noise * (logvar / 2).exp()
        total = total + Normal(z @ W.T, s).log_prob(x).sum(dim=1)
    return total / len(eps) + 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(dim=1)


def by_einsum(x, eps, mu, logvar, W, s):
    z = mu[None] + torch.sqrt(torch.exp(logvar))[None] * eps
    away = x[None] - torch.einsum("snk,dk->snd", z, W)
    d = x.shape[1]
    log_p = -0.5 * d * math.log(2 * math.pi) - d * math.log(s) - 0.5 * (away / s).square().sum(-1)
    return log_p.mean(0) - 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1)


def everything_in_float32(x, eps, mu, logvar, W, s):
    x, eps, mu, logvar, W = (part.float() for part in (x, eps, mu, logvar, W))
    return by_einsum(x, eps, mu, logvar, W, s)


# reparameterised_gradient


def by_hand(x, eps, mu, logvar, W, s):
    sigma = torch.exp(logvar / 2)
    slopes = (x - (mu + sigma * eps) @ W.T) @ W / s**2
    return slopes.mean(0), (slopes * sigma * eps / 2).mean(0)


def with_backward(x, eps, mu, logvar, W, s):
    mu, logvar = torch.clone(mu).requires_grad_(True), torch.clone(logvar).requires_grad_(True)
    Normal((mu + (logvar / 2).exp() * eps) @ W.T, s).log_prob(x).sum(1).mean().backward()
    return mu.grad, logvar.grad


def in_moments(x, eps, mu, logvar, W, s):
    sigma, n = torch.exp(logvar / 2), len(eps)
    A = W.T @ W
    mean = mu + sigma * eps.mean(0)
    second = eps.T @ (mu + sigma * eps) / n  # E[eps_i z_j]
    g_logvar = (W.T @ x) * eps.mean(0) - (second @ A).diagonal()
    return [(W.T @ x - A @ mean) / s**2, g_logvar * sigma / (2 * s**2)]


def gradient_in_float32(x, eps, mu, logvar, W, s):
    return by_hand(*(part.float() for part in (x, eps, mu, logvar, W)), s)


ALTERNATIVES = {
    "log_mean_exp": (column_by_column, one_shift_for_each_column, pair_after_pair),
    "expected_reconstruction": (multiplied_out, as_variance_and_square, by_sympy),
    "kl_to_prior": (with_sigma, kl_in_two_parts, kl_by_loops, kl_as_the_papers_minus),
    "best_q": (over_the_sum, as_a_gain, by_precisions, best_q_by_sympy),
    "elbo_estimate": (sample_by_sample, by_einsum, everything_in_float32),
    "reparameterised_gradient": (by_hand, with_backward, in_moments, gradient_in_float32),
}
