"""The exercises of 07_vae. torch is imported where it is used: the lab needs none."""

from __future__ import annotations

import math

from course.lab.exercise import Case, Exercise, Mistake


def _draw(*shape: int, seed: int = 0):
    import torch

    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _binary(*shape: int, seed: int = 0):
    return (_draw(*shape, seed=seed) > 0).double()


def _per_image(values):
    return values.flatten(1).sum(1)


# bernoulli_reconstruction, gaussian_reconstruction


def _bernoulli(x, logits):
    from course.likelihood import vae

    return vae.bernoulli_log_likelihood(x, logits)


def _white_only(x, logits):
    import torch

    return _per_image(x * torch.nn.functional.logsigmoid(logits))


def _no_sigmoid(x, logits):
    p = logits.clamp(1e-6, 1 - 1e-6)
    return _per_image(x * p.log() + (1 - x) * (1 - p).log())


def _gaussian(x, x_hat, sigma):
    from course.likelihood import vae

    return vae.gaussian_log_likelihood(x, x_hat, sigma)


def _without_constant(x, x_hat, sigma):
    return -_per_image((x - x_hat) ** 2) / (2 * sigma**2)


# batch_loss


def _loss(x, logits, mu, logvar):
    from course.likelihood import vae

    return vae.negative_elbo(x, logits, mu, logvar)


def _divergence(mu, logvar):
    from course.likelihood.gaussian import kl_standard_normal

    return kl_standard_normal(mu, logvar)


# free_bits_kl


def _free_bits(kl, floor):
    from course.likelihood import vae

    return vae.free_bits(kl, floor)


def _free_kl():
    """Five samples, four latent variables: two of them nearly silent, one silent for some samples only."""
    import torch

    return _draw(5, 4).abs() * torch.tensor([3.0, 0.05, 0.4, 0.1], dtype=torch.float64)


# many_sample_bound


def _bound(log_likelihood, log_prior, log_q):
    from course.likelihood import vae

    return vae.importance_weighted_bound(log_likelihood + log_prior - log_q)


def _logs(K: int, n: int):
    return 8 * _draw(K, n) - 90, _draw(K, n, seed=1) - 4, _draw(K, n, seed=2) + 2


# manifold_grid


def _grid(m):
    from course.likelihood import vae

    return vae.quantile_grid(m)


def _even_grid(m):
    import torch

    line = torch.linspace(-2, 2, m) if m > 1 else torch.zeros(1)
    return torch.cartesian_prod(line.flip(0), line).flip(1)


def _between(m):
    import torch

    line = torch.special.ndtri((torch.arange(m, dtype=torch.float64) + 1) / (m + 1)).float()
    return torch.cartesian_prod(line.flip(0), line).flip(1)


# latent_slope


def _slope(z, f):
    from course.likelihood import vae

    return vae.latent_direction(z, f)


def _regression_weights(z, f):
    import torch

    return torch.linalg.lstsq(z - z.mean(0), (f - f.mean())[:, None]).solution[:, 0]


def _factor(n: int = 12):
    """A factor and three latent variables that follow it: twice as much, not at all, and against it."""
    import torch

    f = _draw(n, seed=4) + 3
    return 0.5 * _draw(n, 3, seed=5) + f[:, None] * torch.tensor([2.0, 0.0, -1.0], dtype=torch.float64), f


EXERCISES = (
    Exercise(
        name="bernoulli_reconstruction",
        chapter="07_vae",
        points=2,
        contract="x (n, ...) of zeros and ones, logits (n, ...) -> (n,): log p(x|z) for each image, in nats, where a "
        "pixel is 1 with probability sigmoid(logit). Finite for logits of any size.",
        reference=_bernoulli,
        cases=lambda: [
            Case("three images of four pixels", _binary(3, 4), 2 * _draw(3, 4, seed=1)),
            Case("two images, 1 x 3 x 3", _binary(2, 1, 3, 3), 3 * _draw(2, 1, 3, 3, seed=2)),
            Case("very sure, and wrong", _binary(2, 3), 400 * (1 - 2 * _binary(2, 3))),
        ],
        hints=(
            "A white pixel counts `log p`, a black one `log(1 - p)`, with p the sigmoid of the logit. Add them up.",
            "`x.flatten(1).sum(1)` adds up all that belongs to one image, whatever its shape.",
            "The log of a sigmoid is minus infinity once it rounds to 0: `torch.nn.functional.logsigmoid` is not.",
            "And `1 - sigmoid(l)` is `sigmoid(-l)`.",
        ),
        mistakes=(
            Mistake(
                "the mean over pixels",
                lambda x, logits: _bernoulli(x, logits) / x[0].numel(),
                "Pixels are independent given z: log probabilities add up. A mean makes the KL term too heavy.",
            ),
            Mistake(
                "the sign",
                lambda x, logits: -_bernoulli(x, logits),
                "This is the loss; the contract asks for log p(x|z), which is never above 0.",
            ),
            Mistake(
                "black pixels are not counted",
                _white_only,
                "A pixel that should be black, and is, has its probability too: `log(1 - p)`.",
            ),
            Mistake(
                "logits taken for probabilities",
                _no_sigmoid,
                "A logit is any real number; its sigmoid is the probability.",
            ),
            Mistake(
                "black and white exchanged",
                lambda x, logits: _bernoulli(1 - x, logits),
                "A logit says how likely 1 is: the ones take `log p`.",
            ),
        ),
        forbidden=("Bernoulli", "bernoulli_log_likelihood"),
    ),
    Exercise(
        name="batch_loss",
        chapter="07_vae",
        points=3,
        contract="x, logits (n, ...), mu, logvar (n, k) -> (): the loss of a batch, the negative ELBO averaged over "
        "its n images; Bernoulli likelihood, prior N(0, I).",
        reference=_loss,
        cases=lambda: [
            Case("one image, q equal to the prior", _binary(1, 4), _draw(1, 4), _draw(1, 2) * 0, _draw(1, 2) * 0),
            Case(
                "five images, three latent variables",
                *(_binary(5, 1, 3, 3), _draw(5, 1, 3, 3), _draw(5, 3, seed=1), _draw(5, 3, seed=2)),
            ),
        ],
        hints=(
            "The ELBO of an image is its reconstruction term minus its KL term. The loss is the negative.",
            "You have the first term: `bernoulli_reconstruction`. The second is the formula of chapter 6.",
            "KL: half the sum over j of `mu**2 + logvar.exp() - 1 - logvar`. Sum over j, then average over images.",
        ),
        mistakes=(
            Mistake(
                "the KL term is added to the ELBO",
                lambda x, logits, mu, logvar: (-_divergence(mu, logvar) - _bernoulli(x, logits)).mean(),
                "The ELBO pays for a q far from the prior: as a loss, the KL term comes with a plus.",
            ),
            Mistake(
                "the sum over the batch",
                lambda x, logits, mu, logvar: _loss(x, logits, mu, logvar) * len(x),
                "The contract asks for the average: then the loss does not depend on the size of the batch.",
            ),
            Mistake(
                "the KL term averaged over the latents",
                lambda x, logits, mu, logvar: (_divergence(mu, logvar) / mu.shape[1] - _bernoulli(x, logits)).mean(),
                "Latent variables are independent under q: their KL divergences add up.",
            ),
            Mistake(
                "the reconstruction term alone",
                lambda x, logits, mu, logvar: -_bernoulli(x, logits).mean(),
                "That is an autoencoder. The KL term keeps q(z|x) near the prior that we sample from.",
            ),
            Mistake(
                "the reconstruction averaged over pixels",
                lambda x, logits, mu, logvar: (_divergence(mu, logvar) - _bernoulli(x, logits) / x[0].numel()).mean(),
                "Then one nat of KL weighs as much as one nat in every pixel, and the latents fall silent.",
            ),
        ),
        forbidden=("kl_divergence", "negative_elbo", "kl_standard_normal", "bernoulli_log_likelihood"),
    ),
    Exercise(
        name="gaussian_reconstruction",
        chapter="07_vae",
        points=2,
        contract="x (n, ...), x_hat (n, ...), a number sigma -> (n,): log N(x; x_hat, sigma^2 I) for each image, in "
        "nats, with its constant.",
        reference=_gaussian,
        cases=lambda: [
            Case("three images of four pixels, sigma = 1", _draw(3, 4), _draw(3, 4, seed=1), 1.0),
            Case("two images, 1 x 3 x 3, sigma = 0.2", _draw(2, 1, 3, 3), _draw(2, 1, 3, 3, seed=1), 0.2),
        ],
        hints=(
            "Write down the log of the density of one pixel: a square, and a constant that depends on sigma.",
            "Add up over the D pixels of an image: the constant comes D times.",
            "Per image: minus the squared error over `2 * sigma**2`, minus `D / 2` times the log of 2 pi sigma^2.",
        ),
        mistakes=(
            Mistake(
                "without the constant",
                _without_constant,
                "The constant depends on sigma: without it, a larger sigma always looks better.",
            ),
            Mistake(
                "the constant once for each image",
                lambda x, x_hat, sigma: _without_constant(x, x_hat, sigma) - 0.5 * math.log(2 * math.pi * sigma**2),
                "Every pixel has a density, and so a constant, of its own: D of them.",
            ),
            Mistake(
                "sigma where its square belongs",
                lambda x, x_hat, sigma: _gaussian(x, x_hat, math.sqrt(sigma)),
                "The square is divided by the variance, which is sigma squared, and so is the 2 pi.",
            ),
            Mistake(
                "the half is missing",
                lambda x, x_hat, sigma: _gaussian(x, x_hat, sigma) + _without_constant(x, x_hat, sigma),
                "The exponent of a normal density is minus one half of the squared distance in units of sigma.",
            ),
            Mistake(
                "the mean over pixels",
                lambda x, x_hat, sigma: _gaussian(x, x_hat, sigma) / x[0].numel(),
                "Log densities of independent pixels add up.",
            ),
        ),
        forbidden=("Normal", "MultivariateNormal", "gaussian_log_likelihood", "log_normal", "gaussian_nll_loss"),
    ),
    Exercise(
        name="manifold_grid",
        chapter="07_vae",
        points=2,
        contract="m -> (m * m, 2) tensor: the points (z1, z2) whose coordinates are the quantiles of N(0, 1) at "
        "1/(2m), 3/(2m), ..., (2m-1)/(2m); in reading order: z1 rises along a row, z2 falls from row to row.",
        reference=_grid,
        cases=lambda: [Case("one point", 1), Case("two by two", 2), Case("five by five", 5)],
        hints=(
            "The quantile at u is the number below which N(0, 1) lies with probability u: the inverse of its cdf.",
            "`torch.special.ndtri` is that inverse, `scipy.stats.norm.ppf` too. Its arguments: `(arange(m) + .5) / m`.",
            "The first m points share the largest z2. `torch.cartesian_prod(a, b)` lets b run fastest.",
        ),
        mistakes=(
            Mistake(
                "from below",
                lambda m: _grid(m).view(m, m, 2).flip(0).reshape(-1, 2),
                "A picture is read from its top row, where z2 is largest: let z2 fall.",
            ),
            Mistake(
                "z1 and z2 exchanged",
                lambda m: _grid(m).flip(1),
                "Along a row z1 changes, the first coordinate; z2 is the same in the whole row.",
            ),
            Mistake(
                "even steps instead of quantiles",
                _even_grid,
                "Even steps spend most points where N(0, I) hardly ever is: put them at equal probabilities.",
            ),
            Mistake(
                "the quantiles at i / (m + 1)",
                _between,
                "Cut the prior into m parts of the same probability, and take the middle of each: `(i + 0.5) / m`.",
            ),
        ),
        rtol=1e-5,
        atol=1e-5,
        forbidden=("quantile_grid",),
    ),
    Exercise(
        name="latent_slope",
        chapter="07_vae",
        points=2,
        contract="z (n, k), f (n,) -> (k,): cov(z_j, f) / var(f) for every latent variable j: how far it moves when "
        "the factor f grows by 1.",
        reference=_slope,
        cases=lambda: [Case("twelve samples, three latent variables", *_factor()), Case("forty", *_factor(40))],
        hints=(
            "Centre f. The covariance with column j of z is the mean of the products.",
            "One product with a matrix does it for all columns: `z.T @ f_centred`.",
            "The divisor, n or n - 1, is in numerator and denominator: it cancels if both have the same.",
        ),
        mistakes=(
            Mistake(
                "divided by the variance of z",
                lambda z, f: _slope(z, f) * f.var() / z.var(0),
                "We ask how z moves when f does: f stands in the denominator.",
            ),
            Mistake(
                "the covariance alone",
                lambda z, f: _slope(z, f) * f.var(correction=0),
                "Divide by the variance of f: then the result is a move for one unit of f.",
            ),
            Mistake(
                "divided by the standard deviation",
                lambda z, f: _slope(z, f) * f.std(correction=0),
                "The variance of f, not its root.",
            ),
            Mistake(
                "not centred",
                lambda z, f: z.T @ f / (f @ f),
                "A covariance is about the means: subtract the mean of f first.",
            ),
            Mistake(
                "the weights of a regression of f on z",
                _regression_weights,
                "Those predict f from z. Moving along them changes other factors: we want how z follows f.",
            ),
            Mistake(
                "n - 1 above and n below",
                lambda z, f: _slope(z, f) * len(f) / (len(f) - 1),
                "Use one divisor for both: then it cancels.",
            ),
        ),
        forbidden=("latent_direction", "cov", "linregress", "polyfit"),
    ),
    Exercise(
        name="free_bits_kl",
        chapter="07_vae",
        points=2,
        contract="kl (n, k), a number floor -> (): average over the n samples of the batch first, raise what is below "
        "the floor to the floor, then add up over the k latent variables.",
        reference=_free_bits,
        cases=lambda: [
            Case("five samples, four latent variables, 0.25 nats", _free_kl(), 0.25),
            Case("no floor", _free_kl(), 0.0),
            Case("a floor above all", _free_kl(), 9.0),
        ],
        hints=(
            "Three steps, in the order of the contract: a mean, a maximum, a sum.",
            "`kl.mean(0)` has one number for every latent variable.",
            "`torch.clamp(a, min=floor)` raises what lies below.",
        ),
        mistakes=(
            Mistake(
                "the floor for each sample",
                lambda kl, floor: kl.clamp(min=floor).sum(1).mean(),
                "Average over the batch first: a latent variable may be silent for some samples and speak for others.",
            ),
            Mistake(
                "the floor for the sum",
                lambda kl, floor: kl.sum(1).mean().clamp(min=floor * kl.shape[1]),
                "Then one latent variable may use the whole allowance and the others stay silent: a floor for each.",
            ),
            Mistake(
                "the smaller one",
                lambda kl, floor: kl.mean(0).clamp(max=floor).sum(),
                "Up to the floor the loss must not change: take the larger of the two.",
            ),
            Mistake(
                "what is above the floor",
                lambda kl, floor: (kl.mean(0) - floor).clamp(min=0).sum(),
                "The gradient is right, the value is not: below the floor a latent variable counts the floor itself.",
            ),
            Mistake(
                "averaged over the latents",
                lambda kl, floor: _free_bits(kl, floor) / kl.shape[1],
                "The divergences of the latent variables add up.",
            ),
        ),
        forbidden=("free_bits",),
    ),
    Exercise(
        name="many_sample_bound",
        chapter="07_vae",
        points=3,
        contract="log_likelihood, log_prior, log_q (K, n): log p(x|z_k), log p(z_k) and log q(z_k|x) for K samples z_k "
        "~ q(z|x) of each of n images -> (n,): log (1/K) sum_k w_k, finite however small the weights w_k are.",
        reference=_bound,
        cases=lambda: [
            Case("one sample: the ELBO's estimate", *_logs(1, 4)),
            Case("six samples for each of four images", *_logs(6, 4)),
            Case("tiny weights", *(part * 50 for part in _logs(6, 2))),
        ],
        hints=(
            "A weight is `p(x|z) p(z) / q(z|x)`: its log is a sum and a difference of what is given.",
            "The exponential of -900 is 0 in a computer: take out the largest weight, or use what does so.",
            "`torch.logsumexp(log_w, dim=0)` is the log of the sum. The mean is 1/K of it.",
        ),
        mistakes=(
            Mistake(
                "the mean of the logs",
                lambda a, b, c: (a + b - c).mean(0),
                "That is the ELBO for every K. Here the mean comes first, then the log.",
            ),
            Mistake(
                "log K is not taken off",
                lambda a, b, c: _bound(a, b, c) + math.log(len(a)),
                "The log of a mean is the log of the sum minus log K.",
            ),
            Mistake(
                "q is added",
                lambda a, b, c: _bound(a, b, -c),
                "The weight divides by q: its log is taken off.",
            ),
            Mistake(
                "the prior is missing",
                lambda a, b, c: _bound(a, 0 * b, c),
                "The joint density of x and z is p(x|z) times p(z).",
            ),
            Mistake(
                "the largest weight only",
                lambda a, b, c: (a + b - c).max(0).values,
                "The largest one dominates, but all K count, and the mean divides by K.",
            ),
        ),
        forbidden=("importance_weighted_bound", "log_mean_exp"),
    ),
)
