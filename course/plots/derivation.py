"""The figures of chapter 06: latent variables, the naive estimate, the ELBO and its gap, gradients of expectations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes

PRIOR, POSTERIOR, Q = MUTED, CYCLE[2], CYCLE[0]  # one colour each, in all figures of the chapter


def two_steps(z: np.ndarray, x: np.ndarray) -> Picture:
    """Latent z (n,) on a line and what was made of them, x (n, 2), in the same colours."""
    z, x = np.asarray(z), np.asarray(x)
    figure, panels = axes(1, 2, width=4.4, height=3.7)
    left, right = panels[0]
    colours = {"c": z, "cmap": "viridis", "s": 14}
    left.scatter(z, np.random.default_rng(0).uniform(0, 1, len(z)), **colours)
    left.set(title="step 1: $z$ from the prior $p(z)$", xlabel="$z$", yticks=[], ylim=(-0.5, 1.5))
    left.grid(False)
    right.scatter(*x.T, **colours)
    right.set(title="step 2: $x$ from $p(x|z)$", xlabel="$x_1$", ylabel="$x_2$")
    right.set_aspect("equal", adjustable="datalim")
    return Picture(
        figure,
        f"Left: {len(z)} values of z, from {z.min():.1f} to {z.max():.1f}, coloured from dark to bright. Right: the "
        "points x made of them, in the same colours, lie along a ring whose dark and bright ends overlap.",
    )


def naive_estimates(dims: Sequence[int], error: Sequence[float], promised: Sequence[float], log_ratio) -> Picture:
    """The relative error of the naive estimate of p(x), measured and promised, and log of the estimate over the truth.

    log_ratio (len(dims), repeats).
    """
    log_ratio = np.asarray(log_ratio)
    figure, panels = axes(1, 2, width=4.6, height=3.8)
    left, right = panels[0]
    left.loglog(dims, promised, "--", color=INK, label="promised by the variance")
    left.loglog(dims, error, "o-", color=CYCLE[1], label="measured")
    left.set(title="relative error of $\\hat p(x)$", xlabel="dimension $d$", ylabel="root mean square", xticks=dims)
    left.set_xticks(dims, [str(d) for d in dims])
    left.minorticks_off()
    left.legend()
    at = np.arange(len(dims))
    jitter = np.random.default_rng(0).uniform(-0.18, 0.18, log_ratio.shape)
    right.axhline(0, color=INK, linewidth=1)
    right.scatter(at[:, None] + jitter, log_ratio, s=7, color=CYCLE[4])
    right.plot(at, log_ratio.mean(axis=1), "o-", color=CYCLE[1], label="mean")
    right.set_xticks(at, [str(d) for d in dims])
    right.set(title="$\\log \\hat p(x) - \\log p(x)$", xlabel="dimension $d$", ylabel="nats")
    right.legend(loc="lower left")
    return Picture(
        figure,
        f"Left, both axes logarithmic: the relative error grows with the dimension, measured from {error[0]:.2g} at d "
        f"= {dims[0]} to {error[-1]:.2g} at d = {dims[-1]}, where the variance promises {promised[-1]:.2g}. Right: the "
        f"log of the estimate less the log of the truth, one dot an estimate; its mean falls from "
        f"{log_ratio[0].mean():.2g} to {log_ratio[-1].mean():.2g} nats.",
    )


def two_explanations(z: np.ndarray, x: np.ndarray, point: Sequence[float], grid, prior, posterior) -> Picture:
    """A point among the samples x (n, 2) of `two_steps`, and the densities of z on a grid, before and after it."""
    figure, panels = axes(1, 2, width=4.4, height=3.7)
    left, right = panels[0]
    left.scatter(*np.asarray(x).T, c=np.asarray(z), cmap="viridis", s=14)
    left.scatter(*point, marker="*", s=260, color=CYCLE[1], edgecolor="white", zorder=3)
    left.set(title="one $x$, the star", xlabel="$x_1$", ylabel="$x_2$")
    left.set_aspect("equal", adjustable="datalim")
    grid, posterior = np.asarray(grid), np.asarray(posterior)
    right.plot(grid, prior, "--", color=PRIOR, label="$p(z)$")
    right.fill_between(grid, posterior, color=POSTERIOR, alpha=0.25)
    right.plot(grid, posterior, color=POSTERIOR, label="$p(z|x)$")
    right.set(title="which $z$ made it?", xlabel="$z$", ylabel="density")
    right.legend()
    inside = posterior[1:-1]
    peaks = grid[1:-1][(inside > posterior[:-2]) & (inside > posterior[2:]) & (inside > 0.05 * posterior.max())]
    return Picture(
        figure,
        f"Left: the point x = ({point[0]:.2f}, {point[1]:.2f}) lies where the two ends of the ring overlap. Right: the "
        f"prior of z is one bump; the posterior has {len(peaks)}, at z = {', '.join(f'{p:.2f}' for p in peaks)}.",
    )


def encoder_decoder() -> Picture:
    """The two networks as the lecture draws them: each puts out the mean and the diagonal covariance of a Gaussian."""
    figure, panels = axes(1, 1, width=9.6, height=3.3, grid=False)
    panel = panels[0, 0]
    panel.set(xlim=(0, 16), ylim=(0, 5))
    panel.axis("off")

    def box(x: float, y: float, width: float, text: str, colour: str, filled: bool = False) -> None:
        patch = FancyBboxPatch(
            (x, y - 0.5), width, 1.0, boxstyle="round,pad=0.08", linewidth=2, edgecolor=colour,
            facecolor=colour if filled else "white",
        )  # fmt: skip
        panel.add_patch(patch)
        panel.text(x + width / 2, y, text, ha="center", va="center", fontsize=13, color="white" if filled else INK)

    def arrow(start: tuple[float, float], end: tuple[float, float]) -> None:
        panel.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=14, color=MUTED, linewidth=1.5))

    for left, source, result, colour, title, law in (
        (0.3, "x", "z", Q, "encoder  $q_\\phi(z|x)$", "sample  $z|x \\sim N(\\mu_{z|x}, \\Sigma_{z|x})$"),
        (8.5, "z", "x", CYCLE[1], "decoder  $p_\\theta(x|z)$", "sample  $x|z \\sim N(\\mu_{x|z}, \\Sigma_{x|z})$"),
    ):
        box(left, 2.5, 0.9, f"${source}$", colour, filled=True)
        for height, name in ((3.4, "\\mu"), (1.6, "\\Sigma")):
            box(left + 3.6, height, 1.3, f"${name}_{{{result}|{source}}}$", colour)
            arrow((left + 1.05, 2.5), (left + 3.45, height))
            arrow((left + 5.05, height), (left + 6.0, 2.6))
        box(left + 6.1, 2.5, 0.9, f"${result}$", colour, filled=True)
        panel.text(left + 3.4, 4.55, title, ha="center", fontsize=13, color=INK)
        panel.text(left + 3.5, 0.3, law, ha="center", fontsize=12, color=INK)
    arrow((7.5, 2.5), (8.4, 2.5))
    return Picture(
        figure,
        "Two networks side by side. The encoder takes x and puts out a mean and a diagonal covariance, from which z is "
        "sampled; the decoder takes z and puts out a mean and a diagonal covariance, from which x is sampled.",
    )


def _steps_to_evidence(panel: Axes, reconstruction: float, kl: float, gap: float, low: float) -> None:
    """Reconstruction down from zero, then down by KL to the ELBO, then up by the gap to log p(x); `low` nats deep."""
    elbo = reconstruction - kl
    levels = [(0.0, reconstruction), (reconstruction, elbo), (elbo, elbo + gap)]
    for i, ((start, end), colour) in enumerate(zip(levels, (CYCLE[1], CYCLE[5], CYCLE[3]), strict=True)):
        panel.bar(i, end - start, bottom=start, color=colour, width=0.62)
        panel.plot([i - 0.31, i + 1.31], [end, end], color=MUTED, linewidth=1)
    panel.axhline(0, color=INK, linewidth=1)
    panel.axhline(elbo + gap, color=INK, linestyle="--", linewidth=1.5)
    panel.set_xticks(
        range(3),
        [
            f"$E_q[\\log p(x|z)]$\n{reconstruction:.3f}",
            f"$-KL(q\\,\\|\\,p(z))$\n{-kl:.3f}",
            f"gap\n{gap:.3f}",
        ],
    )
    panel.set(xlim=(-0.5, 3.75), ylim=(low, -0.04 * low))
    panel.text(2.42, elbo + gap - 0.01 * low, f"$\\log p(x)$ = {elbo + gap:.3f}", va="bottom")
    panel.text(2.42, max(elbo + 0.01 * low, 0.93 * low), f"ELBO = {elbo:.3f}", va="top")
    panel.grid(axis="x", visible=False)


def line_by_line(terms: Mapping[str, np.ndarray], total: np.ndarray, parts: Sequence[float]) -> Picture:
    """The terms of the fourth line for samples of q, each (n,), their sum; and the three expectations as steps.

    parts are the expectations: reconstruction, KL to the prior, KL to the posterior.
    """
    terms, total = {name: np.asarray(values) for name, values in terms.items()}, np.asarray(total)
    figure, panels = axes(1, 2, width=5.0, height=3.9)
    left, right = panels[0]
    at = np.arange(1, len(total) + 1)
    for (name, values), marker, colour in zip(terms.items(), "os^", (CYCLE[1], CYCLE[5], CYCLE[3]), strict=True):
        left.plot(at, values, marker, color=colour, markersize=6, label=name)
    left.plot(at, total, "-", color=INK, label="their sum")
    low, high = np.min(list(terms.values())), np.max(list(terms.values()))
    left.set(title="one sample of $q$ at a time", xlabel="sample", ylabel="nats")
    left.set_ylim(low - 0.5, high + 0.3 * (high - low))
    left.legend(loc="upper left", fontsize=9.5, ncols=2)
    reconstruction, kl, gap = map(float, parts)
    _steps_to_evidence(right, reconstruction, kl, gap, low=1.15 * (reconstruction - kl))
    right.set(title="their expectations", ylabel="nats")
    return Picture(
        figure,
        f"Left: for {len(at)} samples the three terms scatter from {low:.1f} to {high:.1f} nats, but their sum is "
        f"{total.mean():.4f} for every one. Right: reconstruction {reconstruction:.3f}, less KL to the prior {kl:.3f}, "
        f"is the ELBO {reconstruction - kl:.3f}; the gap {gap:.3f} leads up to log p(x).",
    )


def running_means(estimates: Mapping[str, np.ndarray], exact: Mapping[str, float]) -> Picture:
    """Averages of the first n samples (N,), with two standard errors, and the closed form as a line; one panel each."""
    figure, panels = axes(1, len(estimates), width=4.7, height=3.5, sharey=True)
    words = []
    for panel, (name, values), colour in zip(panels[0], estimates.items(), CYCLE, strict=False):
        values = np.asarray(values)
        n = np.arange(1, len(values) + 1)
        mean = np.cumsum(values) / n
        error = np.sqrt(np.maximum(np.cumsum(values**2) / n - mean**2, 0) / n)
        show = np.unique(np.geomspace(20, len(values), 300).astype(int)) - 1
        panel.fill_between(n[show], (mean - 2 * error)[show], (mean + 2 * error)[show], color=colour, alpha=0.25)
        panel.semilogx(n[show], mean[show], color=colour, label="Monte Carlo, ± 2 standard errors")
        panel.axhline(exact[name], color=INK, linestyle="--", label="closed form")
        panel.set(title=name, xlabel="samples")
        words.append(f"{name}: closed form {exact[name]:.4f}, {len(values)} samples {mean[-1]:.4f} ± {error[-1]:.4f}")
    panels[0, 0].set_ylabel("nats")
    panels[0, -1].legend()
    return Picture(figure, f"Running averages close in on the dashed lines. {'; '.join(words)}.")


def _density(z: np.ndarray, mean: float, sd: float) -> np.ndarray:
    return np.exp(-(((z - mean) / sd) ** 2) / 2) / (sd * math.sqrt(2 * math.pi))


def moving_q(
    mu: float, sigma: float, m: float, v: float, reconstruction: float, kl: float, gap: float, low: float = -6
) -> Picture:
    """q = N(mu, sigma^2) beside the prior N(0, 1) and the posterior N(m, v), and its ELBO, shown down to `low` nats."""
    figure, panels = axes(1, 2, width=4.9, height=3.8)
    left, right = panels[0]
    z = np.linspace(-3, 4, 400)
    left.plot(z, _density(z, 0, 1), "--", color=PRIOR, label="$p(z)$")
    left.plot(z, _density(z, m, math.sqrt(v)), color=POSTERIOR, linewidth=3, label="$p(z|x)$")
    left.fill_between(z, _density(z, mu, sigma), color=Q, alpha=0.25)
    left.plot(z, _density(z, mu, sigma), color=Q, label="$q(z)$")
    left.set(title=f"$q = N({mu:.2f},\\ {sigma:.2f}^2)$", xlabel="$z$", ylabel="density", xlim=(-3, 4), ylim=(0, 2.8))
    left.legend(loc="upper left")
    _steps_to_evidence(right, reconstruction, kl, gap, low)
    right.set(title="and its bound", ylabel="nats")
    return Picture(
        figure,
        f"Left: q = N({mu:.2f}, {sigma:.2f} squared) beside the prior N(0, 1) and the posterior N({m:.2f}, "
        f"{math.sqrt(v):.2f} squared). Right: reconstruction {reconstruction:.3f}, KL to the prior {kl:.3f}, so the "
        f"ELBO is {reconstruction - kl:.3f}; gap {gap:.3f}; log p(x) stays {reconstruction - kl + gap:.3f}.",
    )


def gradient_estimates(samples: Mapping[str, np.ndarray], exact: float, dims: Sequence[int], variances) -> Picture:
    """Estimates from one sample each, by estimator, with the exact gradient; and their variance against the dimension.

    samples {name: (n,)}; variances {name: one number for each of dims}.
    """
    samples = {name: np.asarray(values) for name, values in samples.items()}
    figure, panels = axes(1, 2, width=4.9, height=3.9)
    left, right = panels[0]
    reach = np.percentile(np.abs(np.concatenate(list(samples.values())) - exact), 97)
    words = []
    for i, (name, values) in enumerate(samples.items()):
        inside = values[np.abs(values - exact) < reach][:400]
        height = i + np.random.default_rng(0).uniform(-0.22, 0.22, len(inside))
        left.scatter(inside, height, s=5, color=CYCLE[i], alpha=0.5)
        left.plot(values.mean(), i, "D", color="white", markeredgecolor=INK, markersize=8, zorder=4)
        right.loglog(dims, variances[name], "o-", color=CYCLE[i], label=name)
        words.append(f"{name}: mean {values.mean():.3f}, variance {values.var():.3g}")
    left.axvline(exact, color=INK, linestyle="--")
    left.set_yticks(range(len(samples)), [name.replace(" ", "\n", 1) for name in samples])
    left.set(title="one sample each; means as diamonds", xlabel="estimate of the gradient")
    left.set_ylim(-0.6, len(samples) - 0.4)
    left.grid(axis="y", visible=False)
    right.set(title="variance of one estimate", xlabel="latent dimensions $k$")
    right.set_xticks(dims, [str(k) for k in dims])
    right.minorticks_off()
    right.legend()
    grown = "; ".join(f"{name} from {v[0]:.3g} to {v[-1]:.3g}" for name, v in variances.items())
    return Picture(
        figure,
        f"Left: estimates of one gradient, exactly {exact:.3f}. {'; '.join(words)}. Right, logarithmic: the variance "
        f"from k = {dims[0]} to k = {dims[-1]}: {grown}.",
    )


def _ellipse(mean: np.ndarray, covariance: np.ndarray, radius: float = 2) -> np.ndarray:
    """The curve (2, 200) on which a Gaussian's density is exp(-radius^2 / 2) of its peak."""
    turn = np.linspace(0, 2 * np.pi, 200)
    return mean[:, None] + radius * np.linalg.cholesky(covariance) @ np.stack([np.cos(turn), np.sin(turn)])


def climb(mus, logvars, m, V, elbos, log_px: float, best: float) -> Picture:
    """q on its way up: mus, logvars (steps, 2), the posterior N(m, V), elbos (steps,), and what can be reached."""
    mus, logvars, m, V, elbos = (np.asarray(a) for a in (mus, logvars, m, V, elbos))
    figure, panels = axes(1, 2, width=4.9, height=4.2)
    left, right = panels[0]
    for radius in (1, 2):
        left.plot(*_ellipse(m, V, radius), color=POSTERIOR, linewidth=2.5, label="$p(z|x)$" if radius == 1 else None)
    shown = [0, *(int(i) for i in np.geomspace(4, len(mus) - 1, 5))]
    for i in shown:
        last = i == shown[-1]
        left.plot(*_ellipse(mus[i], np.diag(np.exp(logvars[i]))), color=Q, linewidth=2.5 if last else 0.9,
                  alpha=1 if last else 0.6, label="$q(z)$, last" if last else None)  # fmt: skip
    left.plot(*mus.T, color=INK, linewidth=1)
    left.plot(*mus[0], "o", color=INK, label="start")
    left.set(title="$q$ moves onto the posterior", xlabel="$z_1$", ylabel="$z_2$")
    left.set_aspect("equal", adjustable="datalim")
    left.legend(loc="best")
    right.axhline(log_px, color=INK, linestyle="--", label="$\\log p(x)$")
    right.axhline(best, color=CYCLE[3], linestyle=":", linewidth=3, label="best diagonal $q$")
    right.plot(elbos, color=Q, label="ELBO")
    right.set(title="ELBO", xlabel="step", ylabel="nats", ylim=(best - 2.2, log_px + 0.3))
    right.legend(loc="lower right")
    return Picture(
        figure,
        f"Left: ellipses of q move from ({mus[0, 0]:.2f}, {mus[0, 1]:.2f}) onto the centre of the posterior, "
        f"({m[0]:.2f}, {m[1]:.2f}), but their axes stay upright while the posterior is tilted. Right: the ELBO rises "
        f"from {elbos[0]:.2f} to {elbos[-1]:.3f}; the best diagonal q has {best:.3f}, and log p(x) is {log_px:.3f}.",
    )


def kl_weights(sigma: np.ndarray, objectives: Mapping[str, np.ndarray], log_px: float) -> Picture:
    """Objectives (n,) against the standard deviation of q (n,), and the line that a lower bound must stay below."""
    figure, panels = axes(1, 1, width=6.4, height=3.9)
    panel = panels[0, 0]
    panel.axhline(log_px, color=INK, linestyle="--", label="$\\log p(x)$")
    words = []
    for (name, values), colour in zip(objectives.items(), CYCLE, strict=False):
        values = np.asarray(values)
        panel.semilogx(sigma, values, color=colour, label=name)
        share = float((values > log_px).mean())
        words.append(f"{name}: largest {values.max():.2f}, above the line on {share:.0%} of the curve")
    panel.set(xlabel="standard deviation of $q$", ylabel="nats", ylim=(log_px - 3, log_px + 3))
    panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return Picture(figure, f"log p(x) is {log_px:.2f}. {'; '.join(words)}.")


def width_of_q(ratios: Sequence[float], log_ratio: np.ndarray) -> Picture:
    """log of an estimate of p(x) less the truth, (len(ratios), repeats), against q's width over the posterior's."""
    log_ratio = np.asarray(log_ratio)
    figure, panels = axes(1, 1, width=6.0, height=3.7)
    panel = panels[0, 0]
    panel.axhline(0, color=INK, linewidth=1)
    x = np.repeat(np.asarray(ratios)[:, None], log_ratio.shape[1], axis=1)
    x = x * np.exp(np.random.default_rng(0).uniform(-0.05, 0.05, x.shape))
    panel.semilogx(x.ravel(), log_ratio.ravel(), ".", color=CYCLE[4], markersize=4)
    panel.semilogx(ratios, np.median(log_ratio, axis=1), "o-", color=CYCLE[1], label="median")
    panel.set(xlabel="width of $q$ / width of the posterior", ylabel="$\\log \\hat p(x) - \\log p(x)$")
    panel.set_xticks(ratios, [f"{r:g}" for r in ratios])
    panel.minorticks_off()
    panel.legend()
    worst = int(np.argmin(np.median(log_ratio, axis=1)))
    return Picture(
        figure,
        f"With q as wide as the posterior every estimate is exact. At {ratios[worst]:g} times its width the median "
        f"lies {-np.median(log_ratio[worst]):.2f} nats too low, and single estimates lie between "
        f"{log_ratio[worst].min():.1f} and {log_ratio[worst].max():.1f}; at {ratios[-1]:g} times its width the median "
        f"lies {-np.median(log_ratio[-1]):.3f} too low.",
    )
