"""A laboratory of GAN training on the ring of eight Gaussians: any loss, any trick, any number of seeds, and measures.

The ring is `course.likelihood.mixture.ring`: small enough for a training of seconds, and its modes are known, so that
"how good are the samples?" has an answer.
"""

from __future__ import annotations

import copy
import csv
import dataclasses
import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from course.data.load import verified
from course.gan import began, losses, tricks
from course.gan.game import Losses
from course.likelihood.mixture import HALF, MODES, RADIUS, SIGMA, ring
from course.paths import data_folder
from course.training import Training, diverged
from course.training.loop import Watch

GAMMA, CONTROL = 0.7, 0.01  # of BEGAN: the ratio of errors to be held, and the rate at which k follows
GOOD = 3 * SIGMA  # a sample within three standard deviations of a centre is good: so are 98.9 % of the data
SIDE = 0.5  # of the squares in which shares of samples are held against exact probabilities
SQUARES = round(2 * HALF / SIDE)
SHARE = 0.1  # a mode is found when it has at least a tenth of its fair share, 1/8, of the samples

# What chapter 9 recommends: 8 of 8 modes on every seed from 0 to 9 (`python -m benchmarks.gan_ring --only recipe`).
RECIPE: dict[str, Any] = {"rate": 2e-3, "slope_zero": 0.1, "average": 0.99, "falling": True}
RECIPE_ROUNDS = 800


@dataclasses.dataclass(frozen=True)
class Quality:
    """How good samples of the ring are.

    found   modes of 8 that have at least a tenth of their fair share of good samples
    good    share of samples within three standard deviations of a centre, in [0, 1]
    kl      KL(shares of the good samples by mode || uniform), in nats, in [0, log 8]; log 8 when no sample is good
    tv      total variation between the shares of samples in squares of side 1/2 and their exact probabilities, in
            [0, 1]. Near 0.05, not 0, for 4,000 points of the data themselves: shares of samples are not exact

    A thin circle through the centres has found 8, good 0.96 and kl 0: the first three do not look between the modes.
    """

    found: int
    good: float
    kl: float
    tv: float

    def __str__(self) -> str:
        return f"{self.found} of 8 modes, {self.good:4.0%} good, KL {self.kl:.3f}, TV {self.tv:.2f}"


def centres() -> Tensor:
    """The centres of the eight Gaussians, (8, 2)."""
    angle = 2 * math.pi * torch.arange(MODES) / MODES
    return RADIUS * torch.stack([angle.cos(), angle.sin()], dim=1)


def _probabilities() -> Tensor:
    """P(x in a square of side 1/2) for the squares of [-3, 3]^2: (12, 12), the first coordinate down."""
    edges = torch.linspace(-HALF, HALF, SQUARES + 1)
    below = torch.special.ndtr((edges - centres()[:, :, None]) / SIGMA)  # (8, 2, 13)
    along = below.diff(dim=2)
    return torch.einsum("ki,kj->ij", along[:, 0], along[:, 1]) / MODES


def by_mode(samples: Tensor) -> Tensor:
    """How many good samples belong to each mode: (n, 2) -> (8,) whole numbers, each sample to its nearest centre."""
    if samples.ndim != 2 or samples.shape[1] != 2 or len(samples) == 0:
        raise ValueError(f"samples have shape {tuple(samples.shape)}; the ring lies in the plane: give (n, 2)")
    distance, mode = torch.cdist(samples, centres().to(samples)).min(dim=1)
    return torch.bincount(mode[distance <= GOOD], minlength=MODES)


def quality(samples: Tensor) -> Quality:
    """Modes found, share of good samples, and how evenly they are spread. (n, 2), n of some hundreds at least.

    NaN is never good. The measures are those of Metz et al., Unrolled GANs (2017), and of Lin et al., PacGAN (2018);
    they count a mode as found from its first good sample on.
    """
    counts = by_mode(samples)
    inside = (samples.abs() < HALF).all(dim=1)
    i, j = (samples[inside].add(HALF) / SIDE).long().T
    shares = torch.bincount(i * SQUARES + j, minlength=SQUARES**2) / len(samples)
    tv = ((shares - _probabilities().flatten()).abs().sum() + 1 - inside.float().mean()).item() / 2
    total = int(counts.sum())
    found = int((counts >= SHARE * len(samples) / MODES).sum())
    if total == 0:
        return Quality(0, 0.0, math.log(MODES), tv)
    p = counts / total
    return Quality(found, total / len(samples), max(0.0, torch.xlogy(p, p * MODES).sum().item()), tv)


@dataclasses.dataclass(frozen=True)
class Setting:
    """How a training on the ring is done: every field is a switch, and the defaults are a plain log D training.

    loss          a name of `course.gan.losses.LOSSES`, or "BEGAN"
    k, g          steps of the discriminator, and of the generator, in each round
    head_start    steps of the discriminator before the first round
    rate, rate_D  Adam's rates for the generator and for the discriminator (None: the same)
    beta1         Adam's memory for the slope
    plain         gradient descent for the generator, in place of Adam
    falling       the rates fall to 0 over the second half
    batch, width, latent   rows a batch, units of the two hidden layers, numbers in z
    clip          after each of its steps the discriminator's weights are put back into [-clip, clip]
    slope_one     weight of the penalty (|grad D| - 1)^2 between real and generated samples
    slope_zero    weight of the penalty |grad D|^2 / 2 at real samples
    spectral      spectral normalisation of the discriminator's layers
    up, low       labels of real and of generated samples, for the two losses with a cross entropy
    sigma         standard deviation of noise on all that the discriminator sees; it fades to 0
    spread        the discriminator sees the spread of its batch
    batch_norm    "apart": in the discriminator, with statistics of real and generated batches by themselves;
                  "together": with those of both in one batch; "": none
    sphere        z on the sphere of radius sqrt(latent)
    average       share that the averaged weights keep at each step; 0: no averaging
    scale         the data are multiplied by it, and not normalised again
    """

    loss: str = "log D"
    k: int = 1
    g: int = 1
    head_start: int = 0
    rate: float = 1e-3
    rate_D: float | None = None
    beta1: float = 0.5
    plain: bool = False
    falling: bool = False
    batch: int = 128
    width: int = 64
    latent: int = 4
    clip: float | None = None
    slope_one: float = 0.0
    slope_zero: float = 0.0
    spectral: bool = False
    up: float = 1.0
    low: float = 0.0
    sigma: float = 0.0
    spread: bool = False
    batch_norm: str = ""
    sphere: bool = False
    average: float = 0.0
    scale: float = 1.0

    def __post_init__(self):
        if self.loss not in (*losses.LOSSES, "BEGAN"):
            raise ValueError(f"loss is {self.loss!r}; choose one of {', '.join(losses.LOSSES)}, BEGAN")
        if min(self.k, self.g, self.batch, self.width, self.latent) < 1:
            raise ValueError("k, g, batch, width and latent are whole numbers from 1 on")
        if self.batch_norm not in ("", "apart", "together"):
            raise ValueError(f"batch_norm is {self.batch_norm!r}; choose 'apart', 'together' or ''")
        if (self.up, self.low) != (1.0, 0.0) and self.loss not in ("minimax", "log D"):
            raise ValueError(f"labels up and low belong to a cross entropy; the loss {self.loss!r} has none")

    def networks(self) -> tuple[nn.Module, nn.Module]:
        """A new generator (n, latent) -> (n, 2), a new discriminator (n, 2) -> (n, 1); for BEGAN it gives errors."""
        w = self.width
        norm = [nn.BatchNorm1d(w)] if self.batch_norm else []
        last = [tricks.MinibatchSpread(), nn.Linear(w + 1, 1)] if self.spread else [nn.Linear(w, 1)]
        G = [nn.Linear(self.latent, w), nn.LeakyReLU(0.2), nn.Linear(w, w), nn.LeakyReLU(0.2), nn.Linear(w, 2)]
        D = [nn.Linear(2, w), nn.LeakyReLU(0.2), nn.Linear(w, w), *norm, nn.LeakyReLU(0.2), *last]
        if self.spectral:
            D = [spectral_norm(layer) if isinstance(layer, nn.Linear) else layer for layer in D]
        if self.loss == "BEGAN":
            D = [_Errors(w)]
        return nn.Sequential(*G), nn.Sequential(*D)


@dataclasses.dataclass(frozen=True)
class Run:
    """A training that was done: its networks (`shown` is the averaged generator where there is one) and its course."""

    setting: Setting
    generator: nn.Module
    discriminator: nn.Module
    shown: nn.Module
    training: Training

    def samples(self, n: int = 4000, seed: int = 0) -> Tensor:
        """n samples (n, 2) of the generator, in the units of the ring."""
        return _samples(self.shown, self.setting, n, seed)

    def quality(self, n: int = 4000) -> Quality:
        """How good n samples are."""
        return quality(self.samples(n))


def train(
    n_rounds: int, seed: int = 0, *, watch: tuple[Watch, ...] = (diverged,), snapshots: int = 8, **switches: Any
) -> Run:
    """Train a generator and a discriminator on the ring for so many rounds. `switches` are fields of `Setting`.

    The training logs, of the last step of each player: "D real" and "D fake", means (probabilities with the losses
    minimax and log D, scores for the labels 1 and 0 with least squares; with the other losses scores mean nothing by
    themselves and are called "score real" and "score fake"); "spread D", the standard deviation of all scores;
    "gradient", the length of the generator's gradient; "spread G", the standard deviation of generated samples over
    that of real ones. It keeps `snapshots` + 1 pairs of a round and 500 samples. The same seed gives the same training.
    """
    how = Setting(**switches)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        G, D = how.networks()
    shown = copy.deepcopy(G) if how.average else G
    rates, betas = (how.rate, how.rate_D or how.rate), (how.beta1, 0.99)
    for_D = torch.optim.Adam(D.parameters(), rates[1], betas=betas, fused=True)
    for_G = (
        torch.optim.SGD(G.parameters(), rates[0])
        if how.plain
        else torch.optim.Adam(G.parameters(), rates[0], betas=betas, fused=True)
    )

    def fall(done: int) -> float:
        return min(1.0, 2 - 2 * done / n_rounds) if how.falling else 1.0

    schedules = [torch.optim.lr_scheduler.LambdaLR(optimiser, fall) for optimiser in (for_G, for_D)]
    loss_of_D, loss_of_G = _balanced() if how.loss == "BEGAN" else losses.LOSSES[how.loss]
    if (how.up, how.low) != (1.0, 0.0):
        loss_of_D = partial(tricks.smoothed_discriminator_loss, up=how.up, low=how.low)
    logistic = how.loss in ("minimax", "log D")
    called = "D" if logistic or how.loss == "least squares" else "score"
    data = ring(8000) * how.scale

    def draw() -> Tensor:
        return G(_noise(how, how.batch))

    def blur(x: Tensor) -> Tensor:
        return tricks.fading_noise(x, how.sigma, schedules[0].last_epoch / n_rounds) if how.sigma else x

    def step_of_D(x: Tensor) -> Tensor:
        with torch.no_grad():
            fake = blur(draw())
        real = blur(x).detach().requires_grad_(how.slope_zero > 0)
        scores = D(torch.cat([real, fake])).chunk(2) if how.batch_norm == "together" else (D(real), D(fake))
        loss = loss_of_D(*scores)
        if how.slope_one:
            loss = loss + how.slope_one * losses.gradient_penalty(D, real, fake)
        if how.slope_zero:
            loss = loss + how.slope_zero * tricks.slope_at_data(scores[0], real)
        for_D.zero_grad()
        loss.backward()
        for_D.step()
        if how.clip:
            losses.clip_weights(D, how.clip)
        return torch.stack(scores).detach()

    def step_of_G(x: Tensor) -> Tensor:
        fake = draw()
        mixed = how.batch_norm == "together"  # the discriminator learnt on mixed batches, so it judges in such a batch
        scores = D(torch.cat([blur(x), blur(fake)])).chunk(2)[1] if mixed else D(blur(fake))
        for_G.zero_grad()
        loss_of_G(scores).backward()
        for_G.step()
        if how.average:
            tricks.average_into(shown, G, min(how.average, schedules[0].last_epoch / (schedules[0].last_epoch + 10)))
        return fake.detach()

    def one_round(x: Tensor) -> dict[str, Tensor]:
        if schedules[0].last_epoch == 0:
            for _ in range(how.head_start):
                step_of_D(data[torch.randint(len(data), (how.batch,))])
        for part in x.chunk(how.k):
            scores = step_of_D(part)
        D.requires_grad_(False)
        for _ in range(how.g):
            fake = step_of_G(part)
        D.requires_grad_(True)
        for schedule in schedules:
            schedule.step()
        real_and_fake = (torch.sigmoid(scores) if logistic else scores).mean(dim=(1, 2))
        return {
            f"{called} real": real_and_fake[0],
            f"{called} fake": real_and_fake[1],
            "spread D": scores.std(),
            "gradient": nn.utils.get_total_norm([w.grad for w in G.parameters() if w.grad is not None]),
            "spread G": fake.std(dim=0).mean() / part.std(dim=0).mean(),
        }

    training = Training(
        one_round,
        data,
        keep=[G, D, for_G, for_D, *schedules, *([shown] if how.average else [])],
        batch_size=how.batch * how.k,
        seed=seed,
        snapshot=lambda: _samples(shown, how, 500, 1),
        snapshot_every=max(1, n_rounds // snapshots),
        watch=watch,
        threads=1,
    )
    return Run(how, G, D, shown, training.run(n_rounds, show=False))


class _Errors(nn.Module):
    """BEGAN's discriminator, x (n, 2) -> (n, 1): the errors of an autoencoder with one number in its middle."""

    def __init__(self, w: int):
        super().__init__()
        down = [nn.Linear(2, w), nn.LeakyReLU(0.2), nn.Linear(w, w), nn.LeakyReLU(0.2), nn.Linear(w, 1)]
        up = [nn.Linear(1, w), nn.LeakyReLU(0.2), nn.Linear(w, w), nn.LeakyReLU(0.2), nn.Linear(w, 2)]
        self.autoencoder = nn.Sequential(*down, *up)

    def forward(self, x: Tensor) -> Tensor:
        return began.errors(self.autoencoder, x)[:, None]


def _balanced() -> Losses:
    """BEGAN's losses, of errors; the weight k follows them."""
    k = 0.0

    def of_D(real: Tensor, fake: Tensor) -> Tensor:
        nonlocal k
        loss, _ = began.losses(real, fake, k)
        k, _ = began.balance(k, real.mean().item(), fake.mean().item(), GAMMA, CONTROL)
        return loss

    return of_D, Tensor.mean


def _noise(how: Setting, n: int) -> Tensor:
    z = torch.randn(n, how.latent)
    return tricks.on_sphere(z) if how.sphere else z


@torch.no_grad()
def _samples(G: nn.Module, how: Setting, n: int, seed: int) -> Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return G(_noise(how, n)) / how.scale


def measured(group: str) -> list[dict[str, Any]]:
    """Rows of the table that `python -m benchmarks.gan_ring` made: some seeds of each loss, trick, failure, cure.

    group   "recipe", "failures", "hurried" and "calm" (each trick alone on these two settings), "losses" or
            "losses, strong D"

    Each row is a dict: "name", what is switched on; "seeds", how many; "found" and "least", modes found, mean and least
    over the seeds; "good", "kl" and "tv", means; "seconds", processor time of one training. Raises ValueError for
    another group, and DataError when data/ring/table.csv is missing or was edited.
    """
    mend = "unpack the course's bundle again, or run `python -m benchmarks.gan_ring --write`"
    table = verified("table.csv", data_folder() / "ring", mend)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    groups = list(dict.fromkeys(row["group"] for row in rows))
    if group not in groups:
        raise ValueError(f"group is {group!r}; choose one of {', '.join(map(repr, groups))}")
    numbers = ("seeds", "found", "least", "good", "kl", "tv", "seconds")
    return [{"name": row["name"]} | {key: float(row[key]) for key in numbers} for row in rows if row["group"] == group]
