import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

exercise = pytest.mark.exercise

# No contract promises float64. Values of a few nats for each of some ten entries are kept to 1e-4 by an honest
# computation in float32; the mildest mistakes, a divisor n - 1 or a constant left out, change them by some per cent.
SMALL = 1e-4


def tensor(array):
    return torch.as_tensor(np.asarray(array), dtype=torch.float64)


def binary(rng, *shape):
    return tensor(rng.integers(2, size=shape))


def real(rng, *shape, size=1.0):
    return tensor(rng.normal(size=shape) * size)


def close(got, expected, rtol=SMALL, atol=SMALL):
    np.testing.assert_allclose(np.asarray(got, dtype=float), np.asarray(expected, dtype=float), rtol=rtol, atol=atol)


@exercise("bernoulli_reconstruction")
def test_probabilities_of_all_binary_images_add_up_to_one(submission, rng):
    """The probabilities of all the binary images of three pixels add up to 1, for the same logits."""
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * 3)
    logits = real(rng, 1, 3, size=2).expand(8, 3).clone()
    close(submission.bernoulli_reconstruction(every, logits).exp().sum(), 1)


@exercise("bernoulli_reconstruction")
def test_the_bernoulli_term_is_the_log_probability(submission, rng):
    """The result is the log probability that a library gives, whatever the shape of an image."""
    for shape in ((6, 5), (4, 1, 3, 2), (3, 2, 2, 2)):
        x, logits = binary(rng, *shape), real(rng, *shape, size=2)
        expected = Independent(Bernoulli(logits=logits), len(shape) - 1).log_prob(x)
        close(submission.bernoulli_reconstruction(x, logits), expected)


@exercise("bernoulli_reconstruction")
def test_large_logits_leave_it_finite(submission, rng):
    """Where the decoder is very sure, right or wrong, the result stays finite: minus the size of each wrong logit."""
    x = binary(rng, 5, 4)
    logits = tensor(rng.uniform(200, 900, size=(5, 4)) * rng.choice([-1, 1], size=(5, 4)))
    wrong = torch.where((logits > 0) == (x > 0), 0.0, logits.abs()).sum(1)
    close(submission.bernoulli_reconstruction(x, logits), -wrong)


@exercise("gaussian_reconstruction")
def test_the_gaussian_term_is_the_log_density(submission, rng):
    """The result is the log density of a normal distribution with covariance matrix sigma^2 I."""
    for sigma in (0.3, 1.0, 2.5):
        x, x_hat = real(rng, 4, 5), real(rng, 4, 5)
        expected = [multivariate_normal(m, sigma**2).logpdf(v) for v, m in zip(x.numpy(), x_hat.numpy(), strict=True)]
        close(submission.gaussian_reconstruction(x, x_hat, sigma), expected)


@exercise("gaussian_reconstruction")
def test_images_of_any_shape_have_one_number_each(submission, rng):
    """An image with channels, height and width has one number: the sum over all its pixels."""
    x, x_hat = real(rng, 3, 2, 4, 3), real(rng, 3, 2, 4, 3)
    expected = Independent(Normal(x_hat, 0.5), 3).log_prob(x)
    close(submission.gaussian_reconstruction(x, x_hat, 0.5), expected)


@exercise("gaussian_reconstruction")
def test_the_best_sigma_is_the_root_mean_squared_error(submission, rng):
    """Over sigma, the sum over images is largest at the root of the mean squared error."""
    x, x_hat = real(rng, 8, 6), real(rng, 8, 6)
    best = ((x - x_hat) ** 2).mean().sqrt().item()
    at = [float(submission.gaussian_reconstruction(x, x_hat, best * c).sum()) for c in (0.8, 1.0, 1.25)]
    assert at[1] > max(at[0], at[2])


@exercise("batch_loss")
def test_the_loss_is_the_negative_elbo(submission, rng):
    """The loss is minus the mean over the batch of log p(x|z) - KL(q(z|x) || N(0, I))."""
    for n, k in ((1, 3), (7, 2), (4, 5)):
        x, logits = binary(rng, n, 1, 3, 3), real(rng, n, 1, 3, 3)
        mu, logvar = real(rng, n, k), real(rng, n, k)
        reconstruction = Independent(Bernoulli(logits=logits), 3).log_prob(x)
        kl = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).sum(1)
        close(submission.batch_loss(x, logits, mu, logvar), (kl - reconstruction).mean())


@exercise("batch_loss")
def test_doubling_the_batch_leaves_the_loss(submission, rng):
    """A batch that holds every image twice has the same loss."""
    parts = binary(rng, 4, 6), real(rng, 4, 6), real(rng, 4, 2), real(rng, 4, 2)
    twice = [torch.cat([part, part]) for part in parts]
    close(submission.batch_loss(*twice), submission.batch_loss(*parts))


@exercise("batch_loss")
def test_at_the_prior_the_loss_is_the_cross_entropy(submission, rng):
    """When q(z|x) is the prior and every logit 0, each pixel costs log 2 and nothing else does."""
    x, zero = binary(rng, 5, 9), torch.zeros(5, 3).double()
    close(submission.batch_loss(x, torch.zeros(5, 9).double(), zero, zero), 9 * math.log(2))


@exercise("free_bits_kl")
def test_the_floor_holds_for_each_latent_variable(submission, rng):
    """Each latent variable counts its mean over the batch, or the floor where that is larger."""
    kl = tensor(rng.uniform(0, 1, size=(9, 4)) * [0.2, 1, 3, 0.05])
    floor = float(rng.uniform(0.2, 0.5))
    expected = sum(max(floor, column.mean()) for column in kl.numpy().T)
    close(submission.free_bits_kl(kl, floor), expected)


@exercise("free_bits_kl")
def test_without_a_floor_it_is_the_kl_term(submission, rng):
    """With the floor 0 the result is the usual KL term; with a high floor it is k times the floor."""
    kl = tensor(rng.uniform(0, 2, size=(6, 3)))
    close(submission.free_bits_kl(kl, 0.0), kl.sum(1).mean())
    close(submission.free_bits_kl(kl, 5.0), 15.0)


@exercise("free_bits_kl")
def test_the_batch_is_averaged_before_the_floor(submission, rng):
    """A latent variable whose mean over the batch is above the floor counts its mean, though some samples lie below."""
    kl = torch.zeros(4, 2).double()
    kl[0] = tensor(rng.uniform(4, 5, size=2))
    close(submission.free_bits_kl(kl, 0.5), kl.sum() / 4)


@exercise("many_sample_bound")
def test_the_bound_is_the_log_of_the_mean_weight(submission, rng):
    """The result is the log of the mean over k of p(x|z_k) p(z_k) / q(z_k|x), for every image by itself."""
    for K, n in ((1, 3), (2, 4), (9, 1)):
        a, b, c = real(rng, K, n), real(rng, K, n), real(rng, K, n)
        expected = np.log(np.mean(np.exp(a.numpy() + b.numpy() - c.numpy()), axis=0))
        close(submission.many_sample_bound(a, b, c), expected)


@exercise("many_sample_bound")
def test_tiny_weights_do_not_vanish(submission, rng):
    """Weights too small for a floating-point number still have a finite log mean."""
    a, b, c = real(rng, 5, 3), real(rng, 5, 3), real(rng, 5, 3)
    shift = 4000.0
    got = submission.many_sample_bound(a - shift, b, c) + shift
    expected = np.log(np.mean(np.exp(a.numpy() + b.numpy() - c.numpy()), axis=0))
    close(got, expected, atol=5e-3)  # float32 holds 4000 to 2.4e-4


@exercise("many_sample_bound")
def test_more_samples_of_the_same_weight_change_nothing(submission, rng):
    """When every sample comes twice, the bound stays as it is."""
    parts = [real(rng, 4, 3) for _ in range(3)]
    twice = [torch.cat([part, part]) for part in parts]
    close(submission.many_sample_bound(*twice), submission.many_sample_bound(*parts))


@exercise("manifold_grid")
def test_the_coordinates_are_quantiles(submission, rng):
    """Both coordinates take m values, each the middle, in probability, of one of m equal parts of N(0, 1)."""
    m = int(rng.integers(3, 9))
    grid = np.asarray(submission.manifold_grid(m), dtype=float)
    assert grid.shape == (m * m, 2)
    for coordinate in grid.T:
        found = np.unique(norm.cdf(coordinate).round(4))
        close(found, (np.arange(m) + 0.5) / m, rtol=0, atol=2e-4)


@exercise("manifold_grid")
def test_the_points_come_in_reading_order(submission, rng):
    """Along a row z1 rises and z2 stays; from a row to the next one z2 falls."""
    m = int(rng.integers(3, 9))
    rows = np.asarray(submission.manifold_grid(m), dtype=float).reshape(m, m, 2)
    assert (np.diff(rows[..., 0], axis=1) > 0.05).all()
    assert (np.diff(rows[..., 1], axis=0) < -0.05).all()
    close(rows[..., 0], np.tile(rows[0, :, 0], (m, 1)), rtol=0, atol=1e-5)
    close(rows[..., 1], np.tile(rows[:, :1, 1], (1, m)), rtol=0, atol=1e-5)


@exercise("manifold_grid")
def test_the_middle_of_an_odd_grid_is_the_origin(submission, rng):
    """An odd m has the origin in its middle, and the grid is symmetric about it."""
    m = 2 * int(rng.integers(0, 4)) + 1
    grid = np.asarray(submission.manifold_grid(m), dtype=float)
    close(grid[m * m // 2], 0, atol=1e-5)
    close(grid[::-1], -grid, rtol=0, atol=1e-4)


@exercise("latent_slope")
def test_the_slope_is_the_covariance_over_the_variance(submission, rng):
    """For every latent variable the result is cov(z_j, f) / var(f), both with the same divisor."""
    for n, k in ((8, 3), (30, 1), (12, 6)):
        f = real(rng, n) + 4
        z = real(rng, n, k) + f[:, None] * real(rng, k)
        expected = [np.cov(column, f)[0, 1] / np.var(f.numpy(), ddof=1) for column in z.numpy().T]
        close(submission.latent_slope(z, f), expected, rtol=1e-3, atol=1e-3)


@exercise("latent_slope")
def test_a_latent_that_follows_the_factor_has_its_slope(submission, rng):
    """A latent variable a + b f has the slope b, wherever it and the factor begin."""
    f, b = real(rng, 10, size=2) + 1, real(rng, 4, size=3)
    z = real(rng, 4) + f[:, None] * b
    close(submission.latent_slope(z, f), b, rtol=1e-3, atol=1e-3)


@exercise("latent_slope")
def test_units_of_the_factor(submission, rng):
    """A factor in units ten times as small has slopes ten times as small."""
    z, f = real(rng, 20, 3), real(rng, 20)
    close(10 * np.asarray(submission.latent_slope(z, 10 * f)), submission.latent_slope(z, f), rtol=1e-3, atol=1e-3)
