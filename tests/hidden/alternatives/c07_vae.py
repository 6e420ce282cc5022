"""Other correct ways to solve 07_vae. They must keep their points, also in float32; they are never released."""

import math

import numpy as np
import scipy.stats
import torch
from torch.nn import functional as F

# bernoulli_reconstruction


def two_logsigmoids(x, logits):
    return (x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)).reshape(len(x), -1).sum(dim=1)


def by_softplus(x, logits):
    values = x * logits - F.softplus(logits)
    return values.sum(dim=tuple(range(1, x.ndim)))


def by_signs(x, logits):
    return -torch.logaddexp(torch.zeros_like(logits), (1 - 2 * x) * logits).flatten(1).sum(1)


def image_by_image(x, logits):
    losses = [F.binary_cross_entropy_with_logits(a, b, reduction="sum") for b, a in zip(x, logits, strict=True)]
    return -torch.stack(losses)


# gaussian_reconstruction


def pixel_by_pixel(x, x_hat, sigma):
    density = -((x - x_hat) ** 2) / (2 * sigma**2) - math.log(sigma) - 0.5 * math.log(2 * math.pi)
    return density.flatten(1).sum(1)


def squares_and_a_constant(x, x_hat, sigma):
    D = x[0].numel()
    squares = torch.linalg.vector_norm((x - x_hat).flatten(1), dim=1) ** 2
    return -0.5 * squares / sigma**2 - D * math.log(sigma * math.sqrt(2 * math.pi))


def by_a_library(x, x_hat, sigma):
    found = scipy.stats.norm.logpdf(x.numpy(), x_hat.numpy(), sigma)
    return torch.as_tensor(found.reshape(len(x), -1).sum(axis=1))


# batch_loss


def all_in_one(x, logits, mu, logvar):
    cross_entropy = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    divergence = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (cross_entropy + divergence) / len(x)


def one_image_at_a_time(x, logits, mu, logvar):
    total = 0.0
    for i in range(len(x)):
        log_p = (x[i] * logits[i] - F.softplus(logits[i])).sum()
        kl = sum(0.5 * (m**2 + v.exp() - 1 - v) for m, v in zip(mu[i], logvar[i], strict=True))
        total = total + kl - log_p
    return total / len(x)


def with_distributions(x, logits, mu, logvar):
    from torch.distributions import Bernoulli, Normal

    q = Normal(mu, torch.exp(0.5 * logvar))
    log_prior = -0.5 * (mu**2 + q.variance + math.log(2 * math.pi))  # its mean under q
    elbo = Bernoulli(logits=logits).log_prob(x).flatten(1).sum(1) + (log_prior + q.entropy()).sum(1)
    return -elbo.mean()


# free_bits_kl


def by_maximum(kl, floor):
    means = kl.mean(dim=0)
    return torch.maximum(means, torch.full_like(means, floor)).sum()


def by_relu(kl, floor):
    return floor * kl.shape[1] + F.relu(kl.mean(0) - floor).sum()


def by_a_loop(kl, floor):
    total = torch.zeros((), dtype=kl.dtype)
    for column in kl.T:
        total = total + max(torch.tensor(floor, dtype=kl.dtype), column.sum() / len(column))
    return total


# many_sample_bound


def largest_taken_out(log_likelihood, log_prior, log_q):
    log_w = log_likelihood + log_prior - log_q
    top = log_w.max(dim=0).values
    return top + (log_w - top).exp().mean(dim=0).log()


def mean_in_the_log(log_likelihood, log_prior, log_q):
    K = len(log_q)
    return torch.logsumexp(log_likelihood + log_prior - log_q - math.log(K), dim=0)


def by_adding_one_at_a_time(log_likelihood, log_prior, log_q):
    weights = log_likelihood - log_q + log_prior
    total = weights[0]
    for more in weights[1:]:
        total = torch.logaddexp(total, more)
    return total - math.log(len(weights))


# manifold_grid


def by_loops(m):
    q = scipy.stats.norm.ppf([(2 * i + 1) / (2 * m) for i in range(m)])
    return torch.tensor([[q[j], q[m - 1 - i]] for i in range(m) for j in range(m)])


def by_numpy(m):
    q = scipy.stats.norm.ppf(np.linspace(0, 1, 2 * m + 1)[1::2])
    z1, z2 = np.meshgrid(q, q[::-1])
    return torch.from_numpy(np.stack([z1.ravel(), z2.ravel()], axis=1))


def by_erfinv(m):
    u = torch.arange(0.5, m, 1.0, dtype=torch.float64) / m
    q = math.sqrt(2) * torch.erfinv(2 * u - 1)
    return torch.stack([q.repeat(m), q.flip(0).repeat_interleave(m)], dim=1)


# latent_slope


def by_regression(z, f):
    A = torch.stack([f, torch.ones_like(f)], dim=1)
    return torch.linalg.lstsq(A, z).solution[0]


def column_by_column(z, f):
    f = f - f.mean()
    return torch.stack([(z[:, j] * f).mean() / (f**2).mean() for j in range(z.shape[1])])


def with_n_minus_one(z, f):
    deviations = (z - z.mean(dim=0)) * (f - f.mean())[:, None]
    return deviations.sum(0) / (len(f) - 1) / torch.var(f)


ALTERNATIVES = {
    "bernoulli_reconstruction": (two_logsigmoids, by_softplus, by_signs, image_by_image),
    "gaussian_reconstruction": (pixel_by_pixel, squares_and_a_constant, by_a_library),
    "batch_loss": (all_in_one, one_image_at_a_time, with_distributions),
    "free_bits_kl": (by_maximum, by_relu, by_a_loop),
    "many_sample_bound": (largest_taken_out, mean_in_the_log, by_adding_one_at_a_time),
    "manifold_grid": (by_loops, by_numpy, by_erfinv),
    "latent_slope": (by_regression, column_by_column, with_n_minus_one),
}
