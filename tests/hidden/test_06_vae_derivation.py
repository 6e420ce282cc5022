import math

import numpy as np
import pytest
import sympy  # noqa: F401 - loaded here, so that no test's time is spent on it
import torch
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import norm
from torch.distributions import Normal, kl_divergence

from course.lab import formula

exercise = pytest.mark.exercise

# No contract promises float64. A sum of a hundred terms of size 10 keeps 1e-4 in float32; the mildest mistakes change
# results by several per cent. Formulas have no rounding: they are compared as formulas.
CLOSE = 1e-3
ALL = {"x": (-2.0, 2.0), "w": (-2.0, 2.0), "s": (0.3, 2.0), "mu": (-2.0, 2.0), "sigma": (0.3, 2.0)}
MODEL = {name: ALL[name] for name in ("x", "w", "s")}


def tensor(rng, *shape, scale=1.0):
    return torch.from_numpy(rng.normal(scale=scale, size=shape))


def close(got, expected, rtol=CLOSE, atol=CLOSE):
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=rtol, atol=atol)


def point(rng, names):
    return {name: float(rng.choice([-1, 1]) if low < 0 else 1) * rng.uniform(0.4, 1.8) for name, (low, _) in names}


@exercise("log_mean_exp")
def test_it_is_the_log_of_the_mean_of_the_exponentials(submission, rng):
    """The result is the logarithm of the mean over the first axis of the exponentials."""
    a = tensor(rng, 7, 3)
    result = submission.log_mean_exp(a)
    assert tuple(result.shape) == (3,)
    close(result, np.log(np.exp(a.numpy()).mean(axis=0)))


@exercise("log_mean_exp")
def test_it_holds_far_from_zero(submission, rng):
    """Numbers around -3000, or around 3000, give finite results, those of SciPy's logsumexp."""
    for far in (-3000, 3000):
        a = tensor(rng, 5, 4, scale=3) + far
        close(submission.log_mean_exp(a) - far, logsumexp(a.numpy() - far, axis=0, b=1 / 5), rtol=0, atol=0.01)


@exercise("log_mean_exp")
def test_columns_of_different_size_do_not_disturb_each_other(submission, rng):
    """A column of very small numbers beside one of very large ones comes out right."""
    a = tensor(rng, 6, 2) + torch.tensor([-2000.0, 2000.0])
    close(submission.log_mean_exp(a), logsumexp(a.numpy(), axis=0, b=1 / 6), rtol=0, atol=0.01)


@exercise("log_mean_exp")
def test_equal_numbers_stay_what_they_are(submission, rng):
    """A column of equal numbers gives that number, however many there are; one row gives itself."""
    row = tensor(rng, 1, 4, scale=100)
    close(submission.log_mean_exp(row), row[0])
    close(submission.log_mean_exp(row.expand(9, 4).clone()), row[0])


@exercise("expected_reconstruction")
def test_the_formula_is_the_expectation(submission, rng):
    """As a formula, the text equals E_q[log p(x|z)] for every x, w, s, mu, sigma."""
    text = submission.expected_reconstruction()
    square = "(x**2 - 2*w*x*mu + w**2*mu**2 + (w*sigma)**2)"
    assert formula.equivalent(text, f"-log(2*pi)/2 - log(s) - {square}/s**2/2", ALL)


@exercise("expected_reconstruction")
def test_its_values_are_those_of_an_integral(submission, rng):
    """At values of the symbols, the formula has the value of the integral of q(z) log p(x|z) over z."""
    text = submission.expected_reconstruction()
    for _ in range(3):
        at = point(rng, ALL.items())
        integral, _ = quad(
            lambda z, at=at: norm.pdf(z, at["mu"], at["sigma"]) * norm.logpdf(at["x"], at["w"] * z, at["s"]),
            at["mu"] - 12 * at["sigma"],
            at["mu"] + 12 * at["sigma"],
        )
        close(formula.value(text, at), integral, rtol=1e-6, atol=1e-6)


@exercise("kl_to_prior")
def test_it_is_the_divergence_of_a_library(submission, rng):
    """Each row gives the divergence that torch.distributions gives, added up over the dimensions."""
    mu, logvar = tensor(rng, 6, 5), tensor(rng, 6, 5)
    library = kl_divergence(Normal(mu, torch.exp(logvar / 2)), Normal(0.0, 1.0)).sum(dim=1)
    result = submission.kl_to_prior(mu, logvar)
    assert tuple(result.shape) == (6,)
    close(result, library)


@exercise("kl_to_prior")
def test_it_is_zero_at_the_prior_and_positive_elsewhere(submission, rng):
    """The divergence is zero for mu = 0 and logvar = 0, and positive everywhere else."""
    zero = torch.zeros(2, 3, dtype=torch.float64)
    close(submission.kl_to_prior(zero, zero), [0, 0])
    assert (np.asarray(submission.kl_to_prior(tensor(rng, 20, 3), tensor(rng, 20, 3))) > 0).all()


@exercise("kl_to_prior")
def test_it_adds_up_over_the_dimensions(submission, rng):
    """Of independent dimensions the divergences add up."""
    mu, logvar = tensor(rng, 4, 3), tensor(rng, 4, 3)
    parts = [np.asarray(submission.kl_to_prior(mu[:, i : i + 1], logvar[:, i : i + 1])) for i in range(3)]
    close(submission.kl_to_prior(mu, logvar), sum(parts))


@exercise("best_q")
def test_it_is_the_posterior(submission, rng):
    """As formulas, the mean and the variance are those of p(z|x) by Bayes' rule."""
    mean, variance = submission.best_q()
    assert formula.equivalent(mean, "x*w/(w**2 + s**2)", MODEL)
    assert formula.equivalent(variance, "1 - w**2/(w**2 + s**2)", MODEL)


@exercise("best_q")
def test_no_other_q_has_a_larger_bound(submission, rng):
    """At values of the symbols, moving the mean or the variance lowers the ELBO."""
    texts = submission.best_q()
    for _ in range(3):
        at = point(rng, MODEL.items())
        mean, variance = (formula.value(text, at) for text in texts)

        def elbo(mu, v, at=at):
            error = (at["x"] - at["w"] * mu) ** 2 + at["w"] ** 2 * v
            return -error / (2 * at["s"] ** 2) - (mu**2 + v - 1 - math.log(v)) / 2

        here = elbo(mean, variance)
        assert all(elbo(mean + step, variance) < here for step in (-0.01, 0.01))
        assert all(elbo(mean, variance * factor) < here for factor in (0.98, 1.02))


def model(rng, n=4, n_samples=5, d=6, k=3):
    """x, eps, mu, logvar, W, s of no simple form."""
    W, s = tensor(rng, d, k), float(rng.uniform(0.5, 1.5))
    return tensor(rng, n, d), tensor(rng, n_samples, n, k), tensor(rng, n, k), tensor(rng, n, k, scale=0.5), W, s


@exercise("elbo_estimate")
def test_it_is_the_mean_of_the_log_densities_less_the_divergence(submission, rng):
    """The result is that of torch.distributions, sample by sample: mean log N(x; W z, s^2 I) less the KL divergence."""
    x, eps, mu, logvar, W, s = model(rng)
    q = Normal(mu, torch.exp(logvar / 2))
    z = q.mean + q.stddev * eps
    log_p = Normal(z @ W.T, s).log_prob(x).sum(dim=-1).mean(dim=0)
    result = submission.elbo_estimate(x, eps, mu, logvar, W, s)
    assert tuple(result.shape) == (4,)
    close(result, log_p - kl_divergence(q, Normal(0.0, 1.0)).sum(dim=-1))


@exercise("elbo_estimate")
def test_with_balanced_noise_it_is_the_closed_form(submission, rng):
    """With noise of mean 0 and covariance I, the estimate for one point is the ELBO's closed form, below log p(x)."""
    x, _, mu, logvar, W, s = model(rng, n=1, d=4, k=2)
    eps = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64)[:, None]
    result = np.asarray(submission.elbo_estimate(x, eps, mu, logvar, W, s))
    mean, v = mu[0].numpy(), np.exp(logvar[0].numpy())
    A, y = W.numpy(), x[0].numpy()
    blur = (A**2).sum(axis=0) @ v / (2 * s**2)
    kl = (mean**2 + v - 1 - np.log(v)).sum() / 2
    close(result, [norm.logpdf(y, A @ mean, s).sum() - blur - kl])
    covariance = A @ A.T + s**2 * np.eye(4)
    evidence = -(y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2
    assert result[0] < evidence + CLOSE


@exercise("elbo_estimate")
def test_twice_the_same_noise_changes_nothing(submission, rng):
    """The estimate is a mean over the samples: every sample given twice leaves it as it is."""
    x, eps, mu, logvar, W, s = model(rng)
    once = submission.elbo_estimate(x, eps, mu, logvar, W, s)
    close(submission.elbo_estimate(x, torch.cat([eps, eps]), mu, logvar, W, s), once)


def single(rng, n_samples=7, d=5, k=3):
    x, eps, mu, logvar, W, s = model(rng, n=1, n_samples=n_samples, d=d, k=k)
    return x[0], eps[:, 0].contiguous(), mu[0], logvar[0], W, s


@exercise("reparameterised_gradient")
def test_it_is_the_slope_of_the_mean(submission, rng):
    """Both gradients are the slopes, by finite differences, of the mean of log p(x|z) with the noise held fixed."""
    x, eps, mu, logvar, W, s = (np.asarray(part) for part in single(rng))

    def mean_log_p(mu, logvar):
        return norm.logpdf(x, (mu + np.exp(logvar / 2) * eps) @ W.T, s).sum(axis=1).mean()

    h = 1e-5
    steps = h * np.eye(3)
    by_mu = [(mean_log_p(mu + e, logvar) - mean_log_p(mu - e, logvar)) / (2 * h) for e in steps]
    by_logvar = [(mean_log_p(mu, logvar + e) - mean_log_p(mu, logvar - e)) / (2 * h) for e in steps]
    tensors = [torch.from_numpy(part) for part in (x, eps, mu, logvar, W)]
    g_mu, g_logvar = submission.reparameterised_gradient(*tensors, float(s))
    assert tuple(g_mu.shape) == tuple(g_logvar.shape) == (3,)
    close(g_mu, by_mu)
    close(g_logvar, by_logvar)


@exercise("reparameterised_gradient")
def test_with_balanced_noise_it_is_exact(submission, rng):
    """With noise of mean 0 and covariance I both are the gradients of the closed form of E_q[log p(x|z)]."""
    x, _, mu, logvar, W, s = single(rng, k=2)
    eps = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64)
    g_mu, g_logvar = submission.reparameterised_gradient(x, eps, mu, logvar, W, s)
    close(g_mu, (x - W @ mu) @ W / s**2)
    close(g_logvar, -(W**2).sum(dim=0) * torch.exp(logvar) / (2 * s**2))


@exercise("reparameterised_gradient")
def test_without_noise_the_width_has_no_gradient(submission, rng):
    """With the noise all zero, the gradient for logvar is zero and that for mu is the slope at mu."""
    x, eps, mu, logvar, W, s = single(rng)
    g_mu, g_logvar = submission.reparameterised_gradient(x, 0 * eps, mu, logvar, W, s)
    close(g_mu, W.T @ (x - W @ mu) / s**2)
    close(g_logvar, [0, 0, 0])
