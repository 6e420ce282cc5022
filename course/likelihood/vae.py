"""The variational autoencoder: an encoder q(z|x), a decoder p(x|z), a prior p(z) = N(0, I), and bounds on log p(x).

    log p(x) >= ELBO(x) = E_{z ~ q(z|x)} [ log p(x|z) ] - KL(q(z|x) || p(z)).

All values are in nats. Source: the lecture's slides on variational autoencoders; Kingma and Welling, Auto-Encoding
Variational Bayes (2014); Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.likelihood.gaussian import kl_standard_normal, log_normal, reparameterise

LIKELIHOODS = ("bernoulli", "gaussian")


def mlp(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers of these widths, input first and output last, with SiLU between them."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


def conv_encoder(channels: int, latent: int, width: int = 16) -> nn.Sequential:
    """Two convolutions that halve the side, then two linear layers.   (n, channels, 32, 32) -> (n, 2 latent)."""
    w = width
    return nn.Sequential(
        *(nn.Conv2d(channels, w, 4, 2, 1, bias=False), nn.BatchNorm2d(w), nn.SiLU()),
        *(nn.Conv2d(w, 2 * w, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * w), nn.SiLU()),
        *(nn.Flatten(), mlp([128 * w, 8 * w, 2 * latent])),
    )


def conv_decoder(channels: int, latent: int, width: int = 16) -> nn.Sequential:
    """The way back: two linear layers, then two upconvolutions.   (n, latent) -> (n, channels, 32, 32)."""
    w = width
    return nn.Sequential(
        *(mlp([latent, 8 * w, 128 * w]), nn.Unflatten(1, (2 * w, 8, 8)), nn.BatchNorm2d(2 * w), nn.SiLU()),
        *(nn.ConvTranspose2d(2 * w, w, 4, 2, 1, bias=False), nn.BatchNorm2d(w), nn.SiLU()),
        nn.ConvTranspose2d(w, channels, 4, 2, 1),
    )


class VAE(nn.Module):
    """A variational autoencoder with a Gaussian encoder.

    shape        of one sample x, such as (1, 8, 8) for an image or (2,) for a point
    latent       k, the number of latent variables, at least 1
    likelihood   "bernoulli": p(x|z) = prod_i Bernoulli(x_i; p_i(z)), x in [0, 1]
                 "gaussian":  p(x|z) = N(x; m(z), sigma^2 I)
    sigma        of the Gaussian likelihood: a number above 0 that stays, or "learnt", a parameter that begins at 1
    hidden       widths of the hidden layers of the encoder; the decoder has them the other way round
    encoder      instead of those layers, a network (n, *shape) -> (n, 2 k): the means, then the log variances
    decoder      instead of those layers, a network (n, k) -> (n, *shape): logits (Bernoulli) or means (Gaussian)

    Raises ValueError for a latent size below 1, an unknown likelihood, and a sigma that is not above 0.
    """

    def __init__(
        self,
        shape: Sequence[int],
        latent: int,
        likelihood: str = "bernoulli",
        *,
        sigma: float | str = "learnt",
        hidden: Sequence[int] = (400,),
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
    ):
        super().__init__()
        if latent != int(latent) or latent < 1:
            raise ValueError(f"latent is {latent}: a VAE needs a whole number of latent variables, at least 1")
        if likelihood not in LIKELIHOODS:
            raise ValueError(f"likelihood is {likelihood!r}: choose one of {', '.join(map(repr, LIKELIHOODS))}")
        if sigma != "learnt" and not (isinstance(sigma, int | float) and 0 < sigma < math.inf):
            raise ValueError(f"sigma is {sigma!r}: give a number above 0, or 'learnt'")
        self.shape, self.latent, self.likelihood = tuple(shape), int(latent), likelihood
        pixels = math.prod(self.shape)
        self.encoder = encoder or nn.Sequential(nn.Flatten(), mlp([pixels, *hidden, 2 * self.latent]))
        self.decoder = decoder or nn.Sequential(
            mlp([self.latent, *reversed(hidden), pixels]), nn.Unflatten(1, self.shape)
        )
        if likelihood == "gaussian":
            start = torch.tensor(0.0 if sigma == "learnt" else math.log(float(sigma)))
            self.log_sigma = nn.Parameter(start, requires_grad=sigma == "learnt")

    @property
    def sigma(self) -> float:
        """The standard deviation of the Gaussian likelihood."""
        return self.log_sigma.exp().item()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """q(z|x) = N(mu, diag(exp logvar)).   x (n, *shape) -> mu (n, k), logvar (n, k).

        Raises ValueError for another shape, for NaN, and, with a Bernoulli likelihood, for values outside [0, 1].
        """
        check_images(x, self.shape, self.likelihood)
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        return mu, logvar

    def decode(self, z: Tensor) -> Tensor:
        """The mean of p(x|z).   z (n, k) -> (n, *shape). Raises ValueError for another shape."""
        outputs = self._outputs(z)
        return torch.sigmoid(outputs) if self.likelihood == "bernoulli" else outputs

    def _outputs(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"z has shape {tuple(z.shape)}; this decoder takes (n, {self.latent})")
        return self.decoder(z)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x|z), summed over pixels.   x (n, *shape), z (n, k) -> (n,)."""
        outputs = self._outputs(z)
        if self.likelihood == "bernoulli":
            return bernoulli_log_likelihood(x, outputs)
        return gaussian_log_likelihood(x, outputs, self.log_sigma.exp())

    def elbo(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """The two terms of ELBO(x) = reconstruction - kl, from one z ~ q(z|x) for each x: (n,) and (n,).

        reconstruction = log p(x|z), and kl = KL(q(z|x) || N(0, I)) in closed form. Gradients reach both networks.
        """
        mu, logvar = self.encode(x)
        z = reparameterise(mu, logvar, generator)
        return self.log_likelihood(x, z), kl_standard_normal(mu, logvar)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The negative ELBO, averaged over the batch: the loss."""
        reconstruction, kl = self.elbo(x, generator)
        return (kl - reconstruction).mean()

    def log_weights(
        self,
        x: Tensor,
        K: int = 1,
        generator: torch.Generator | None = None,
        flow: nn.Module | None = None,
    ) -> Tensor:
        """log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x) with z_1, ..., z_K ~ q(z|x).   x (n, *shape) -> (K, n).

        The mean of log w_k is the ELBO; `importance_weighted_bound` makes a tighter bound of them. With `flow`, a
        module of `course.likelihood.flow_posterior`, q(z|x) is the encoder's Gaussian carried through it.
        """
        if K < 1:
            raise ValueError(f"K is {K}: draw at least one sample")
        n = len(x)
        mu, logvar = (part.repeat(K, 1) for part in self.encode(x))
        z = reparameterise(mu, logvar, generator)
        log_q = log_normal(z, mu, logvar)
        repeated = x.repeat(K, *[1] * len(self.shape))
        if flow is not None:
            z, log_det = flow(z, repeated)
            log_q = log_q - log_det
        log_p = self.log_likelihood(repeated, z) + log_normal(z, torch.zeros_like(z), 0.0)
        return (log_p - log_q).view(K, n)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n new samples: z ~ N(0, I), then the mean of p(x|z).   -> (n, *shape)."""
        weight = next(self.parameters())
        z = torch.randn(n, self.latent, generator=generator, dtype=weight.dtype, device=weight.device)
        return self.decode(z)


def check_images(x: Tensor, shape: Sequence[int], likelihood: str = "gaussian") -> None:
    """Raise ValueError unless x is (n, *shape), free of NaN and, for a Bernoulli likelihood, within [0, 1]."""
    shape = tuple(shape)
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise ValueError("x must be a tensor of floating numbers; make it one with torch.as_tensor(x).float()")
    if tuple(x.shape[1:]) != shape or x.ndim != len(shape) + 1:
        wanted = ", ".join(["n", *map(str, shape)])
        raise ValueError(f"x has shape {tuple(x.shape)}; this VAE takes ({wanted}): reshape it, or build it anew")
    if not len(x):
        raise ValueError("x has no rows: give it at least one sample")
    low, high = torch.aminmax(x.detach())
    if not (torch.isfinite(low) and torch.isfinite(high)):  # NaN anywhere makes both NaN
        raise ValueError("x contains NaN or infinity; drop those samples first")
    if likelihood == "bernoulli" and (low < 0 or high > 1):
        raise ValueError(
            f"x lies in [{low.item():.4g}, {high.item():.4g}]; a Bernoulli likelihood needs values from 0 to 1: "
            "divide by the largest, or take likelihood='gaussian'"
        )


def bernoulli_log_likelihood(x: Tensor, logits: Tensor) -> Tensor:
    """sum_i [ x_i log p_i + (1 - x_i) log(1 - p_i) ] with p = sigmoid(logits).   x, logits (n, ...) -> (n,), in nats.

    It is the log of a probability where every x_i is 0 or 1, and of no density where x_i lies between them.
    """
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def gaussian_log_likelihood(x: Tensor, mean: Tensor, sigma: Tensor | float) -> Tensor:
    """log N(x; mean, sigma^2 I) = -|x - mean|^2 / (2 sigma^2) - D/2 log(2 pi sigma^2).   x, mean (n, ...) -> (n,).

    D is the number of pixels. In nats, of a density: it may be positive. Raises ValueError unless sigma > 0.
    """
    logvar = 2 * torch.log(torch.as_tensor(sigma, dtype=mean.dtype, device=mean.device))
    if not torch.isfinite(logvar):
        raise ValueError(f"sigma is {sigma}: it must be above 0")
    return log_normal(x.flatten(1), mean.flatten(1), logvar)


def optimal_sigma(x: Tensor, mean: Tensor) -> Tensor:
    """sigma^2 = mean over samples and pixels of (x - mean)^2: where the Gaussian likelihood is largest. -> sigma, ().

    Source: Rybkin, Daniilidis and Levine, Simple and Effective VAE Training with Calibrated Decoders (2021).
    """
    return ((x - mean) ** 2).mean().sqrt()


def negative_elbo(x: Tensor, logits: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """-(1/n) sum_i [ log p(x_i|z_i) - KL(q(z|x_i) || N(0, I)) ] with a Bernoulli likelihood: the loss of a batch.

    x, logits (n, ...), where the logits are the decoder's at z_i; mu, logvar (n, k)  ->  (), in nats for each sample.
    """
    return (kl_standard_normal(mu, logvar) - bernoulli_log_likelihood(x, logits)).mean()


def kl_per_dimension(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu_j, exp logvar_j) || N(0, 1)) for every latent variable by itself.   (n, k), (n, k) -> (n, k)."""
    return kl_standard_normal(mu.unsqueeze(-1), logvar.unsqueeze(-1))


def free_bits(kl: Tensor, floor: float) -> Tensor:
    """sum_j max(floor, (1/n) sum_i kl_ij): a KL term that stops pushing at `floor` nats for each latent variable.

    kl (n, k) -> (). Source: Kingma et al., Improving Variational Inference with Inverse Autoregressive Flow (2016).
    Raises ValueError for a negative floor.
    """
    if floor < 0:
        raise ValueError(f"floor is {floor}: a KL divergence is never below 0, so the floor must be 0 or more")
    return kl.mean(0).clamp(min=floor).sum()


def active_units(mu: Tensor, threshold: float = 0.01) -> Tensor:
    """Which latent variables say something about x: the variance of mu_j over the data is above the threshold.

    mu (n, k) -> (k,) of bool. Source: Burda, Grosse and Salakhutdinov (2016), section 5.
    """
    return mu.var(0) > threshold


def importance_weighted_bound(log_w: Tensor) -> Tensor:
    """log( (1/K) sum_k w_k ): its mean is the ELBO for K = 1 and rises to log p(x).   log_w (K, n) -> (n,), in nats."""
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))


@torch.no_grad()
def log_p_by_quadrature(vae: VAE, x: Tensor, points: int = 201, reach: float = 5.0) -> Tensor:
    """log p(x) = log of the integral of p(x|z) p(z) dz, as a sum over a grid of points x points in [-reach, reach]^2.

    x (n, ...) -> (n,), for a VAE with two latent variables: there the integral can be done. The grid must be finer than
    the posteriors are wide. Raises ValueError for more latent variables.
    """
    if vae.latent != 2:
        raise ValueError(f"the VAE has {vae.latent} latent variables: a sum over a grid is for two")
    check_images(x, vae.shape, vae.likelihood)
    line = torch.linspace(-reach, reach, points, dtype=x.dtype)
    z = torch.cartesian_prod(line, line)
    outputs, x = vae.decoder(z).flatten(1), x.flatten(1)
    # Both likelihoods through one product of matrices: (n, grid) values without (n, grid, pixels) on the way.
    if vae.likelihood == "bernoulli":
        log_likelihood = x @ outputs.T - F.softplus(outputs).sum(1)
    else:
        log_likelihood = -0.5 * torch.cdist(x, outputs) ** 2 / vae.sigma**2
        log_likelihood -= x.shape[1] * (math.log(vae.sigma) + 0.5 * math.log(2 * math.pi))
    log_prior = log_normal(z, torch.zeros_like(z), 0.0)
    return torch.logsumexp(log_likelihood + log_prior, dim=1) + 2 * torch.log(line[1] - line[0])


def quantile_grid(m: int) -> Tensor:
    """m x m points of the plane: in both coordinates the quantiles of N(0, 1) at (i + 1/2) / m, i = 0, ..., m - 1.

    -> (m * m, 2), row by row as a picture is read: z2 falls from row to row, z1 rises along a row. Between neighbouring
    points lies the same share of the prior. Raises ValueError unless m >= 1.
    """
    if m < 1:
        raise ValueError(f"m is {m}: a grid has at least one row")
    q = torch.special.ndtri((torch.arange(m, dtype=torch.float64) + 0.5) / m).float()
    down, across = torch.meshgrid(q.flip(0), q, indexing="ij")
    return torch.stack([across.flatten(), down.flatten()], dim=1)


def latent_direction(z: Tensor, f: Tensor) -> Tensor:
    """cov(z, f) / var(f): how far the latent variables move, on average, when the factor f grows by 1.

    z (n, k), f (n,) -> (k,): the slopes of the regressions of z_1, ..., z_k on f. Raises ValueError for a constant f.
    """
    f_centred = f - f.mean()
    variance = (f_centred**2).mean()
    if not variance > 0:
        raise ValueError("f is the same for every sample: it has no direction")
    return (z - z.mean(0)).T @ f_centred / len(f) / variance
