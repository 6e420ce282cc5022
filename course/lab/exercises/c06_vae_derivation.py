"""The exercises of 06_vae_derivation. torch and SymPy are imported where they are used: the lab needs neither."""

from __future__ import annotations

import functools
import math
from typing import Any

from course.lab import formula
from course.lab.exercise import Case, Exercise, Mistake

SYMBOLS = {"x": (-2.0, 2.0), "w": (-2.0, 2.0), "s": (0.3, 2.0), "mu": (-2.0, 2.0), "sigma": (0.3, 2.0)}
MODEL_SYMBOLS = {name: SYMBOLS[name] for name in ("x", "w", "s")}


def _draw(*shape: int, seed: int = 0):
    import torch

    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# log_mean_exp


def _log_mean_exp(a):
    import torch

    return torch.logsumexp(a, dim=0) - math.log(len(a))


# expected_reconstruction and best_q: SymPy derives them


@functools.cache
def _expected_reconstruction() -> str:
    import sympy

    x, w, s, mu, sigma, z = sympy.symbols("x w s mu sigma z", positive=True)
    log_p = -sympy.log(2 * sympy.pi * s**2) / 2 - (x - w * z) ** 2 / (2 * s**2)
    powers = sympy.Poly(sympy.expand(log_p), z)  # a polynomial in z: its mean needs the mean of z and of z^2 only
    moments = (1, mu, mu**2 + sigma**2)
    return str(sum(powers.coeff_monomial(z**i) * moment for i, moment in enumerate(moments)))


@functools.cache
def _best_q() -> tuple[str, str]:
    import sympy

    kl = formula.parse("(mu**2 + sigma**2 - 1)/2 - log(sigma)", SYMBOLS)
    elbo = formula.parse(_expected_reconstruction(), SYMBOLS) - kl
    mu, sigma = sympy.Symbol("mu", real=True), sympy.Symbol("sigma", real=True, positive=True)
    (mean,) = sympy.solve(sympy.diff(elbo, mu), mu)
    (width,) = sympy.solve(sympy.diff(elbo, sigma), sigma)
    return str(mean), str(sympy.simplify(width**2))


def _values(symbols: formula.Symbols):
    """Texts -> their values at fixed points: other ways to write the same formula are right too."""

    def canonical(texts: Any) -> Any:
        if isinstance(texts, tuple | list):
            return [formula.values(text, symbols) for text in texts]
        return formula.values(texts, symbols)

    return canonical


# kl_to_prior, elbo_estimate, reparameterised_gradient


def _kl_to_prior(mu, logvar):
    from course.likelihood import gaussian

    return gaussian.kl_standard_normal(mu, logvar)


def _per_sample(x, eps, mu, logvar, W, s):
    import torch

    from course.likelihood import linear_gaussian

    return linear_gaussian.log_likelihood(x, mu + torch.exp(logvar / 2) * eps, W, s)


def _elbo_estimate(x, eps, mu, logvar, W, s):
    return _per_sample(x, eps, mu, logvar, W, s).mean(dim=0) - _kl_to_prior(mu, logvar)


def _gradient(x, eps, mu, logvar, W, s):
    """By hand: the slope of log p(x | z) at each z, and the chain rule."""
    import torch

    sigma = torch.exp(logvar / 2)
    slope = (x - (mu + sigma * eps) @ W.T) @ W / s**2
    return slope.mean(dim=0), (slope * eps).mean(dim=0) * sigma / 2


def _score_gradient(x, eps, mu, logvar, W, s):
    from course.likelihood import gradient_estimators

    def f(z):
        from course.likelihood import linear_gaussian

        return linear_gaussian.log_likelihood(x, z, W, s)

    return tuple(g.mean(dim=0) for g in gradient_estimators.score_function(f, mu, logvar, eps))


def _batch() -> tuple:
    """Three points x, four samples of noise for each, a q for each, and a decoder from two latents to five pixels."""
    return _draw(3, 5), _draw(4, 3, 2, seed=1), _draw(3, 2, seed=2), 0.5 * _draw(3, 2, seed=3), _draw(5, 2, seed=4), 0.7


def _one_point() -> tuple:
    return _draw(5), _draw(6, 2, seed=1), _draw(2, seed=2), 0.5 * _draw(2, seed=3), _draw(5, 2, seed=4), 0.7


def _scaled(function, first: float, second: float):
    def wrong(*args):
        a, b = function(*args)
        return first * a, second * b

    return wrong


EXERCISES = (
    Exercise(
        name="log_mean_exp",
        chapter="06_vae_derivation",
        points=2,
        contract="a (S, n) -> (n,): log of the mean of exp(a) over the first axis, finite also where exp(a) is too "
        "small or too large for the computer.",
        reference=_log_mean_exp,
        cases=lambda: [
            Case("moderate numbers", _draw(3, 2)),
            Case("log likelihoods of images", 30 * _draw(4, 2) - 2000),
            Case("large numbers", _draw(3, 2) + 2000),
        ],
        hints=(
            "exp(-2000) is 0 for the computer, and the logarithm of 0 is lost. What could be added to all of a first?",
            "`log mean exp(a) = c + log mean exp(a - c)` for any c. With which c is the largest of the exponentials 1?",
            "`a.max(dim=0).values` is the largest of each column.",
        ),
        mistakes=(
            Mistake(
                "the exponentials are taken as they are",
                lambda a: a.exp().mean(dim=0).log(),
                "exp(-2000) is 0 in floating point, and exp(2000) infinite. Take the largest of a column off before, "
                "and add it after.",
            ),
            Mistake(
                "a sum, not a mean",
                lambda a: _log_mean_exp(a) + math.log(len(a)),
                "Divide the sum by the number of samples S; under the logarithm, that takes off log S.",
            ),
            Mistake(
                "the mean of the logarithms",
                lambda a: a.mean(dim=0),
                "The mean is of the probabilities exp(a), and the logarithm comes after it. (By Jensen, yours is "
                "smaller.)",
            ),
            Mistake(
                "what was taken off is not added again",
                lambda a: _log_mean_exp(a) - a.max(dim=0).values,
                "You have log mean exp(a - c): add c at the end.",
            ),
            Mistake(
                "over the wrong axis",
                lambda a: _log_mean_exp(a.T),
                "The S samples stand along the first axis: `dim=0`.",
            ),
        ),
        forbidden=("logsumexp", "logaddexp", "logcumsumexp", "log_softmax"),
    ),
    Exercise(
        name="expected_reconstruction",
        chapter="06_vae_derivation",
        points=3,
        contract="no arguments -> a text: the formula of E_q[log p(x|z)] for p(x|z) = N(w z, s^2) and q = "
        "N(mu, sigma^2), in the symbols x, w, s, mu, sigma, with exact numbers.",
        reference=_expected_reconstruction,
        cases=lambda: [Case("a call without arguments")],
        hints=(
            "`log p(x|z)` is a constant less `(x - w z)^2 / (2 s^2)`. Only the square is random.",
            "Multiply the square out. What are the means of z and of z^2 under q? The second is not mu^2.",
            "`E[z^2] = mu^2 + sigma^2`: so the mean of the square is the square at the mean, plus `w^2 sigma^2`.",
            "The constant is `-log(2 pi s^2)/2`; in the text, write `**` for powers and `*` for every product.",
        ),
        mistakes=(
            Mistake(
                "the value at the mean of q",
                lambda: "-log(2*pi*s**2)/2 - (x - w*mu)**2/(2*s**2)",
                "That is log p(x|z) at z = mu. z varies about mu, and the mean of a square is larger than the square "
                "of the mean.",
            ),
            Mistake(
                "the spread is not multiplied by w",
                lambda: "-log(2*pi*s**2)/2 - (x - w*mu)**2/(2*s**2) - sigma**2/(2*s**2)",
                "w z has the variance w^2 sigma^2.",
            ),
            Mistake(
                "the constant is missing",
                lambda: "-(x**2 - 2*x*w*mu + w**2*(mu**2 + sigma**2))/(2*s**2)",
                "The density of N(w z, s^2) has the factor 1/sqrt(2 pi s^2): its logarithm is part of log p(x|z).",
            ),
            Mistake(
                "the spread has the wrong sign",
                lambda: "-log(2*pi*s**2)/2 - (x - w*mu)**2/(2*s**2) + w**2*sigma**2/(2*s**2)",
                "A wider q reconstructs worse: the term with sigma lowers the expectation.",
            ),
            Mistake(
                "without the logarithm's half",
                lambda: "-log(2*pi*s**2) - ((x - w*mu)**2 + (w*sigma)**2)/(2*s**2)",
                "log(1/sqrt(2 pi s^2)) is -log(2 pi s^2)/2.",
            ),
        ),
        canonical=_values(SYMBOLS),
        rtol=1e-12,
        atol=1e-12,
    ),
    Exercise(
        name="kl_to_prior",
        chapter="06_vae_derivation",
        points=2,
        contract="mu (n, k), logvar (n, k) -> (n,): KL(N(mu, diag exp(logvar)) || N(0, I)) of each row, in nats.",
        reference=_kl_to_prior,
        cases=lambda: [
            Case("one dimension", _draw(3, 1), _draw(3, 1, seed=1)),
            Case("five rows, four dimensions", _draw(5, 4), _draw(5, 4, seed=1)),
        ],
        hints=(
            "The formula is for one dimension; with a diagonal covariance the dimensions add up.",
            "`sigma**2` is `exp(logvar)`, and `log sigma` is half of logvar.",
            "Sum over the last axis: `.sum(dim=-1)`.",
        ),
        mistakes=(
            Mistake(
                "logvar taken for the logarithm of the standard deviation",
                lambda mu, logvar: _kl_to_prior(mu, 2 * logvar),
                "exp(logvar) is the variance already: it needs no square.",
            ),
            Mistake(
                "without the half",
                lambda mu, logvar: 2 * _kl_to_prior(mu, logvar),
                "Every term has the factor 1/2, the logarithm too when it is written with logvar.",
            ),
            Mistake(
                "the negative of it",
                lambda mu, logvar: -_kl_to_prior(mu, logvar),
                "A KL divergence is never negative. The ELBO has it with a minus sign, but that comes later.",
            ),
            Mistake(
                "averaged over the dimensions",
                lambda mu, logvar: _kl_to_prior(mu, logvar) / mu.shape[-1],
                "The logarithm of a product is a sum: add the dimensions up. (Averaging is a common bug: it weakens "
                "the KL term by the factor k.)",
            ),
            Mistake(
                "the -1 is missing",
                lambda mu, logvar: _kl_to_prior(mu, logvar) + mu.shape[-1] / 2,
                "At mu = 0, logvar = 0 both are the same distribution, and the divergence is 0: is yours?",
            ),
            Mistake(
                "one number for all rows",
                lambda mu, logvar: _kl_to_prior(mu, logvar).sum(),
                "Each row is a distribution of its own: sum over the last axis only.",
            ),
        ),
        forbidden=("kl_divergence", "kl_div", "kl_standard_normal", "kl_gaussians"),
    ),
    Exercise(
        name="best_q",
        chapter="06_vae_derivation",
        points=3,
        contract="no arguments -> a tuple of two texts: the mean and the variance of the q = N(mu, sigma^2) that "
        "maximises the ELBO of the model z ~ N(0, 1), x | z ~ N(w z, s^2), in the symbols x, w, s.",
        reference=_best_q,
        cases=lambda: [Case("a call without arguments")],
        hints=(
            "The ELBO is your `expected_reconstruction` less the KL to the prior: a function of mu and sigma. Where do "
            "both of its derivatives vanish?",
            "The derivative with respect to mu is `w (x - w mu)/s^2 - mu`. Solve it for mu.",
            "The derivative with respect to sigma is `-w^2 sigma/s^2 - sigma + 1/sigma`. Solve it for `sigma^2`.",
        ),
        mistakes=(
            Mistake(
                "the standard deviation instead of the variance",
                lambda: (_best_q()[0], f"sqrt({_best_q()[1]})"),
                "The second text is asked for as a variance: solve for `sigma^2`.",
            ),
            Mistake(
                "the precision instead of the variance",
                lambda: (_best_q()[0], f"1/({_best_q()[1]})"),
                "That is `1/sigma^2`: turn it over.",
            ),
            Mistake(
                "without the prior",
                lambda: ("x/w", "s**2/w**2"),
                "You have maximised the reconstruction alone, or nearly: the KL term pulls mu towards 0 and sigma "
                "towards 1.",
            ),
            Mistake(
                "the mean is not divided by the precision",
                lambda: ("w*x/s**2", _best_q()[1]),
                "In `w (x - w mu)/s^2 - mu = 0` there are two terms with mu: bring both to one side.",
            ),
            Mistake(
                "the other way round",
                lambda: _best_q()[::-1],
                "First the mean, then the variance.",
            ),
        ),
        canonical=_values(MODEL_SYMBOLS),
        rtol=1e-12,
        atol=1e-12,
    ),
    Exercise(
        name="elbo_estimate",
        chapter="06_vae_derivation",
        points=3,
        contract="x (n, d), eps (S, n, k), mu (n, k), logvar (n, k), W (d, k), number s -> (n,): for each row of x the "
        "mean of log N(x; W z, s^2 I) over the S samples z = mu + sigma eps, less KL(q || N(0, I)).",
        reference=_elbo_estimate,
        cases=lambda: [Case("three points, four samples each", *_batch())],
        hints=(
            "Three steps: make z from the noise, decode it, and compare the result with x.",
            "`z` is `mu` plus `torch.exp(logvar / 2)` times `eps`, (S, n, k), and `z @ W.T` has the shape (S, n, d).",
            "`log N` is a sum over the d pixels: `-(log(2 pi s^2) + (x - mean)^2 / s^2) / 2` for each of them.",
            "The mean over the samples is `.mean(dim=0)`; then subtract your `kl_to_prior(mu, logvar)`.",
        ),
        mistakes=(
            Mistake(
                "the KL term is added",
                lambda x, eps, mu, logvar, W, s: (
                    _elbo_estimate(x, eps, mu, logvar, W, s) + 2 * _kl_to_prior(mu, logvar)
                ),
                "The ELBO is the reconstruction less the divergence.",
            ),
            Mistake(
                "the KL term is missing",
                lambda x, eps, mu, logvar, W, s: _per_sample(x, eps, mu, logvar, W, s).mean(dim=0),
                "This is the reconstruction alone; without the divergence it is no bound.",
            ),
            Mistake(
                "the noise is multiplied by the variance",
                lambda x, eps, mu, logvar, W, s: (
                    _per_sample(x, eps, mu, 2 * logvar, W, s).mean(dim=0) - _kl_to_prior(mu, logvar)
                ),
                "sigma is the square root of exp(logvar): `exp(logvar / 2)`.",
            ),
            Mistake(
                "a sum over the samples",
                lambda x, eps, mu, logvar, W, s: (
                    _per_sample(x, eps, mu, logvar, W, s).sum(dim=0) - _kl_to_prior(mu, logvar)
                ),
                "An expectation is estimated by the mean over the samples.",
            ),
            Mistake(
                "the constant of the density is missing",
                lambda x, eps, mu, logvar, W, s: (
                    _elbo_estimate(x, eps, mu, logvar, W, s) + x.shape[-1] * math.log(2 * math.pi * s**2) / 2
                ),
                "The density of each pixel has the factor 1/sqrt(2 pi s^2); without it, this is no bound on log p(x).",
            ),
            Mistake(
                "a mean over the pixels",
                lambda x, eps, mu, logvar, W, s: (
                    _per_sample(x, eps, mu, logvar, W, s).mean(dim=0) / x.shape[-1] - _kl_to_prior(mu, logvar)
                ),
                "The pixels are independent given z, so their log densities add up.",
            ),
        ),
        forbidden=("log_normal", "log_likelihood", "kl_standard_normal", "kl_gaussians", "kl_divergence"),
    ),
    Exercise(
        name="reparameterised_gradient",
        chapter="06_vae_derivation",
        points=3,
        contract="x (d,), eps (S, k), mu (k,), logvar (k,), W (d, k), number s -> two tensors (k,), (k,): the "
        "gradients with respect to mu and to logvar of the mean of log N(x; W z, s^2 I) over the S samples "
        "z = mu + sigma eps.",
        reference=_gradient,
        cases=lambda: [Case("one point, six samples", *_one_point())],
        hints=(
            "The noise is given and stays as it is: what you differentiate is an ordinary function of mu and logvar.",
            "By hand: with `slope`, the gradient of log p(x|z) in z, the chain rule gives the mean of `slope` for mu. "
            "What is the derivative of z with respect to logvar?",
            "`slope = (x - z @ W.T) @ W / s**2`, and z moves by `sigma * eps / 2` for each unit of logvar.",
            "By autograd: copies `mu.clone().requires_grad_()` and of logvar, the mean, `.backward()`, then `.grad`. "
            "Constants may be left out: they have no gradient.",
        ),
        mistakes=(
            Mistake(
                "the gradient with respect to sigma",
                lambda x, eps, mu, logvar, W, s: (
                    _gradient(x, eps, mu, logvar, W, s)[0],
                    _gradient(x, eps, mu, logvar, W, s)[1] * 2 * (-logvar / 2).exp(),
                ),
                "sigma is `exp(logvar / 2)`, whose derivative is `sigma / 2`: one more link of the chain.",
            ),
            Mistake(
                "a half is missing",
                _scaled(_gradient, 1, 2),
                "The derivative of `exp(logvar / 2)` has the factor 1/2.",
            ),
            Mistake(
                "a sum over the samples",
                lambda x, eps, *rest: _scaled(_gradient, len(eps), len(eps))(x, eps, *rest),
                "The gradient is of the mean over the samples.",
            ),
            Mistake(
                "downhill",
                _scaled(_gradient, -1, -1),
                "This is the gradient of the loss, which is minus log p(x|z). Here we climb.",
            ),
            Mistake(
                "the score function estimator",
                _score_gradient,
                "That one has the same mean over many samples, but is another, noisier estimate: let the gradient pass "
                "through z instead.",
            ),
        ),
        forbidden=("reparameterised", "score_function"),
    ),
)
