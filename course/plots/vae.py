"""Figures of the chapter on the variational autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes


def _array(values: ArrayLike) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
    return np.asarray(values)


def _chain(panel: Axes, boxes: Sequence[tuple[str, str, str]], begin: float) -> None:
    """Named boxes from left to right, joined by arrows: (name, what is written below it, colour)."""
    for i, (name, below, colour) in enumerate(boxes):
        x = begin + 2 * i
        panel.text(
            *(x, 0, name),
            ha="center",
            va="center",
            fontsize=12,
            bbox={"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": colour, "linewidth": 2},
        )
        panel.text(x, -0.62, below, ha="center", va="top", fontsize=10, color=INK)
        if i:
            arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.5}
            panel.annotate("", (x - 0.66, 0), (x - 2 + 0.66, 0), arrowprops=arrow)


def stages() -> Picture:
    """The forward pass of a VAE: in training, and when new samples are made."""
    figure, panels = axes(2, 1, width=10, height=1.75)
    network, value, random = CYCLE[0], MUTED, CYCLE[1]
    chains = (
        (
            "1. training: an image is encoded and decoded",
            [
                ("$x$", "an image", value),
                ("encoder", r"$q(z\,|\,x)$", network),
                (r"$\mu,\ \Sigma$", "of a Gaussian", value),
                (r"$z$", r"sampled: $z \sim N(\mu, \Sigma)$", random),
                ("decoder", r"$p(x\,|\,z)$", network),
                (r"$\hat x$", r"near $x$?", value),
            ],
            0,
        ),
        (
            "2. generating: the prior takes the encoder's place",
            [
                ("$z$", r"sampled: $z \sim N(0, I)$", random),
                ("decoder", r"$p(x\,|\,z)$", network),
                (r"$\hat x$", "a new image", value),
            ],
            6,
        ),
    )
    for panel, (title, boxes, begin) in zip(panels[:, 0], chains, strict=True):
        _chain(panel, boxes, begin)
        panel.set(xlim=(-0.9, 10.9), ylim=(-1.25, 0.7), title=title)
        panel.axis("off")
    return Picture(
        figure,
        "Two chains of boxes. Training: an image x goes through the encoder to mu and Sigma; a sample z of that "
        "Gaussian goes through the decoder to x hat, which is compared with x. Generating: z is a sample of the prior "
        "N(0, I) and goes through the same decoder to a new image; there is no encoder.",
    )


def curve(steps: ArrayLike, values: ArrayLike, label: str) -> Picture:
    """A training curve: each logged value, pale, and their running mean over a twentieth of the curve."""
    steps, values = _array(steps), _array(values)
    width = max(1, len(values) // 20)
    mean = np.convolve(values, np.ones(width) / width, mode="valid")
    figure, panels = axes(1, 1, width=6.4, height=3)
    panel = panels[0, 0]
    panel.plot(steps, values, color=CYCLE[4], linewidth=1, alpha=0.7)
    panel.plot(steps[width - 1 :], mean, color=CYCLE[0])
    late = values[len(values) // 20 :]  # the first values are so large that nothing else would be seen
    room = 0.06 * (np.ptp(late) or 1)
    panel.set(xlabel="step", ylabel=label, ylim=(late.min() - room, late.max() + room))
    return Picture(
        figure,
        f"Training curve of {label}: from {values[0]:.4g} to a running mean of {mean[-1]:.4g} at {steps[-1]:.0f}.",
    )


def bernoulli_mass(p: ArrayLike, mass: ArrayLike) -> Picture:
    """What p^x (1 - p)^(1 - x) integrates to over x in [0, 1], against p."""
    p, mass = _array(p), _array(mass)
    figure, panels = axes(1, 1, width=5.6, height=3)
    panel = panels[0, 0]
    panel.axhline(1, color=MUTED, linestyle="--")
    panel.text(0.5, 0.98, "a density", ha="center", va="top", color=MUTED)
    panel.plot(p, mass, color=CYCLE[1])
    panel.set(xlabel="$p$", ylabel=r"$\int_0^1 p^x (1-p)^{1-x}\,dx$", ylim=(0, 1.05), xlim=(0, 1))
    return Picture(
        figure,
        f"The integral of the Bernoulli formula over grey values: at most {mass.max():.2f}, at p = "
        f"{p[mass.argmax()]:.2f}, and {mass.min():.2f} near 0 and 1. A density would have 1 everywhere.",
    )


def plane(mu: ArrayLike, labels: ArrayLike) -> Picture:
    """Means of q(z|x) in the plane of two latent variables (n, 2): each image is its label's numeral, in its colour."""
    mu, labels = _array(mu), _array(labels).astype(int)
    shades = (*CYCLE[:7], MUTED, "#8B4513", "#5B2A86")
    figure, panels = axes(1, 1, width=6.6, height=6)
    panel = panels[0, 0]
    for (a, b), label in zip(mu, labels, strict=True):
        panel.text(a, b, str(label), color=shades[label % 10], fontsize=9, ha="center", va="center")
    reach = 1.05 * np.abs(mu).max()
    for radius in (1, 2):
        turn = np.linspace(0, 2 * np.pi, 100)
        panel.plot(radius * np.cos(turn), radius * np.sin(turn), color=MUTED, linewidth=1, linestyle=":")
    panel.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    panel.set_title(r"$\mu(x)$ of test images; circles at 1 and 2 standard deviations of the prior")
    centres = [
        f"{label} about ({a:.1f}, {b:.1f})" for label in np.unique(labels) for a, b in [_middle(mu, labels, label)]
    ]
    return Picture(figure, f"{len(mu)} numerals where the encoder puts the images: {', '.join(centres)}.")


def _middle(mu: np.ndarray, labels: np.ndarray, label: int) -> np.ndarray:
    return np.median(mu[labels == label], axis=0)


def spectra(power: Mapping[str, ArrayLike]) -> Picture:
    """Power by frequency for sets of images, and the share of the first set's power that the others have."""
    curves = {name: _array(values)[1:] for name, values in power.items()}
    figure, panels = axes(1, 2, width=4.8, height=3.3)
    left, right = panels[0]
    base = next(iter(curves.values()))
    told = []
    for (name, values), colour, style in zip(curves.items(), CYCLE, ("-", "--", "-.", ":"), strict=False):
        frequency = np.arange(1, len(values) + 1)
        left.plot(frequency, values, style, color=colour, label=name)
        right.plot(frequency, values / base, style, color=colour, label=name)
        told.append(f"{name} {values[0] / base[0]:.2f} at the lowest and {values[-1] / base[-1]:.2f} at the highest")
    left.set(yscale="log", xlabel="cycles to a side", ylabel="power", title="power of the images")
    right.set(xlabel="cycles to a side", ylim=(0, None), title=f"relative to {next(iter(curves))}")
    left.legend()
    return Picture(figure, f"Power spectra. Relative to the first set: {'; '.join(told)} frequency.")


def prior_and_codes(codes: ArrayLike, mixture: ArrayLike) -> Picture:
    """Codes of images (n, k) and samples of a mixture fitted to them, two pairs of latent variables, over the prior.

    The pairs are the two that are most unlike the prior's circles: the largest correlations.
    """
    codes, mixture = _array(codes), _array(mixture)
    R = np.abs(np.triu(np.corrcoef(codes.T), 1))
    pairs = [np.unravel_index(place, R.shape) for place in np.argsort(R, axis=None)[::-1][:2]]
    figure, panels = axes(2, 2, width=4.0, height=3.2)
    turn = np.linspace(0, 2 * np.pi, 100)
    for row, (i, j) in zip(panels, pairs, strict=True):
        for panel, z, colour, title in zip(row, (codes, mixture), CYCLE, ("codes of images", "mixture"), strict=False):
            panel.scatter(z[:, i], z[:, j], s=7, color=colour, alpha=0.6)
            for radius in (1, 2, 3):
                panel.plot(radius * np.cos(turn), radius * np.sin(turn), color=MUTED, linewidth=0.9, linestyle=":")
            panel.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", title=title)
            panel.set(xlabel=f"$z_{{{i + 1}}}$", ylabel=f"$z_{{{j + 1}}}$")
    told = ", ".join(f"z{i + 1} and z{j + 1} with correlation {R[i, j]:.2f}" for i, j in pairs)
    return Picture(
        figure,
        f"Codes of {len(codes)} images, left, and samples of a mixture fitted to them, right, with circles of the "
        f"prior: {told}. The codes do not fill the circles evenly; the mixture follows them.",
    )


def changes(moves: ArrayLike, along: Mapping[str, Mapping[str, ArrayLike]]) -> Picture:
    """What a reader sees change along directions: a panel for each, its own factor in colour, the others grey.

    moves  (m,) steps along a direction, in half-ranges of its factor
    along  {factor that was meant: {factor that was read: mean change at each step (m,), in half-ranges}}
    """
    moves = _array(moves)
    figure, panels = axes(1, len(along), width=4.8, height=3.6, sharey=True)
    told = []
    for panel, (meant, read) in zip(panels[0], along.items(), strict=True):
        panel.plot(moves, moves, color=INK, linewidth=1, linestyle=":", label="asked for")
        ends = {name: _array(change)[-1] - _array(change)[0] for name, change in read.items()}
        most = sorted((name for name in ends if name != meant), key=lambda name: -abs(ends[name]))
        for name in most[2:]:
            panel.plot(moves, _array(read[name]), color=MUTED, linewidth=1)
        panel.plot([], [], color=MUTED, linewidth=1, label="others")
        for name, colour, style in zip(most[:2], (CYCLE[2], CYCLE[3]), ("--", "-."), strict=False):
            panel.plot(moves, _array(read[name]), style, color=colour, label=name)
        panel.plot(moves, _array(read[meant]), "o-", color=CYCLE[1], label=meant)
        panel.set(title=f"along the direction of {meant}", xlabel="move, in half-ranges of the factor")
        panel.legend()
        leaks = ", ".join(f"{name} by {ends[name]:.2f}" for name in most[:2])
        told.append(f"along {meant}, of a move by {np.ptp(moves):.1f}, {meant} changes by {ends[meant]:.2f}, {leaks}")
    panels[0, 0].set_ylabel("change that is read")
    return Picture(figure, f"Change of every factor read off decoded faces: {'; '.join(told)}.")


def kl_bars(kl: Mapping[str, ArrayLike]) -> Picture:
    """The KL divergence of each latent variable, largest first, a panel for each model."""
    figure, panels = axes(1, len(kl), width=3.4, height=3, sharey=True)
    told = []
    for panel, (name, values) in zip(panels[0], kl.items(), strict=True):
        values = np.sort(_array(values))[::-1]
        panel.bar(np.arange(1, len(values) + 1), values, color=CYCLE[0])
        panel.set(title=name, xlabel="latent variable, sorted")
        told.append(f"{name}: {(values > 0.05).sum()} of {len(values)} above 0.05 nats, {values.sum():.1f} in all")
    panels[0, 0].set_ylabel("KL, in nats")
    return Picture(figure, f"Bars: the KL divergence of each latent variable. {'; '.join(told)}.")


def bounds(K: ArrayLike, values: ArrayLike, log_p: float) -> Picture:
    """The importance-weighted bound against the number of samples K, below log p(x)."""
    K, values = _array(K), _array(values)
    figure, panels = axes(1, 1, width=6, height=3.4)
    panel = panels[0, 0]
    panel.axhline(log_p, color=INK, linestyle="--")
    panel.text(K[0], log_p, r"$\log p(x)$, summed over a grid", va="bottom")
    panel.plot(K, values, "o-", color=CYCLE[0])
    panel.annotate("ELBO", (K[0], values[0]), xytext=(9, -3), textcoords="offset points")
    room = 0.15 * (log_p - values.min())
    panel.set(xscale="log", xlabel="K, samples for each image", ylabel="nats", ylim=(values.min() - room, log_p + room))
    panel.set_xticks(K, [str(k) for k in K])
    panel.minorticks_off()
    listed = ", ".join(f"{v:.2f} for K = {k}" for k, v in zip(K, values, strict=True))
    return Picture(figure, f"The bound rises with K: {listed}; log p(x) is {log_p:.2f}.")


def posteriors(log_joint: Callable[[torch.Tensor], torch.Tensor], samples: Mapping[str, ArrayLike]) -> Picture:
    """Samples z (n, 2) of approximate posteriors over the contours of the true one, a panel each.

    log_joint   (m, 2) tensor -> (m,): log p(x, z) at one x, up to a constant
    """
    line = np.linspace(-2.6, 2.6, 161)
    heights = np.linspace(-2.2, 3.0, 161)
    z = torch.tensor(np.stack(np.meshgrid(line, heights), axis=-1).reshape(-1, 2))
    density = _array(log_joint(z).exp()).reshape(len(heights), len(line))
    # Contours that hold these shares of the posterior.
    ranked = np.sort(density, axis=None)[::-1]
    levels = [ranked[np.searchsorted(ranked.cumsum() / ranked.sum(), share)] for share in (0.95, 0.6, 0.2)]
    figure, panels = axes(1, len(samples), width=4.6, height=3.9, sharey=True)
    told = []
    for panel, (name, points) in zip(panels[0], samples.items(), strict=True):
        points = _array(points)
        panel.contour(line, heights, density, levels=levels, colors=[INK], linewidths=1.2)
        panel.scatter(points[:, 0], points[:, 1], s=6, color=CYCLE[1], alpha=0.5, zorder=3)
        panel.set(title=name, xlabel="$z_1$", xlim=(-2.6, 2.6), ylim=(heights[0], heights[-1]))
        told.append(f"{name} reaches from {points[:, 0].min():.1f} to {points[:, 0].max():.1f} in z1")
    panels[0, 0].set_ylabel("$z_2$")
    return Picture(figure, f"Contours of the true posterior, a bent band, and samples over them. {'; '.join(told)}.")
