"""Figures of the chapter on training GANs: losses, best discriminators, critics, and BEGAN's control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes


def loss_shapes(score: np.ndarray, real: Mapping[str, np.ndarray], fake: Mapping[str, np.ndarray]) -> Picture:
    """What each loss says of one score: the discriminator's for a real sample, the generator's for one of its own.

    score (k,); real and fake {name: loss (k,)}, shifted so that each is 0 at the score 0
    """
    figure, panels = axes(1, 2, width=4.4, height=3.4, sharex=True)
    titles = ("the discriminator, on a real sample", "the generator, on its own sample")
    words = []
    for panel, title, curves in zip(panels[0], titles, (real, fake), strict=True):
        for colour, (name, loss) in zip(CYCLE, curves.items(), strict=False):
            panel.plot(score, loss - np.interp(0, score, loss), color=colour, label=name)
        panel.axvline(0, color=MUTED, linewidth=1)
        panel.set(title=title, xlabel="score D(x)", ylim=(-4, 6))
    panels[0, 0].set_ylabel("loss, 0 at the score 0")
    panels[0, 1].legend(loc="lower left")
    for name, loss in fake.items():
        slope = np.gradient(loss, score)
        words.append(f"{name} has the slope {slope[0]:.2f} at {score[0]:g} and {slope[-1]:.2f} at {score[-1]:g}")
    return Picture(figure, f"Losses against the score. For the generator, {'; '.join(words)}.")


def lines_below(u: np.ndarray, f: np.ndarray, lines: Mapping[float, float], name: str) -> Picture:
    """A convex f (k,) over u (k,) as the highest of lines t u - f*(t), given as {t: f*(t)}; the last is bold."""
    figure, panels = axes(1, 1, width=5.6, height=3.6)
    panel = panels[0, 0]
    for t, conjugate in lines.items():
        panel.plot(u, t * u - conjugate, color=CYCLE[4], linewidth=1, alpha=0.9)
    panel.plot(u, f, color=INK, linewidth=2.5, label=name)
    panel.plot(u, t * u - conjugate, color=CYCLE[1], label=f"the line of slope t = {t:g}, lowered until it touches")
    panel.annotate("", (0, -conjugate), (0, 0), arrowprops={"arrowstyle": "->", "color": CYCLE[1]})
    panel.annotate(f"f*(t) = {conjugate:.2f}", (0.06, -conjugate / 2), color=CYCLE[1], va="center")
    margin = 0.2 * np.ptp(f)
    panel.set(xlabel="u = p/q", ylim=(min(f.min(), -conjugate) - margin, f.max() + margin))
    panel.legend(loc="upper left")
    return Picture(
        figure,
        f"{name} and {len(lines)} straight lines that touch it from below; f is the highest of all such lines. The "
        f"line of slope {t:g} is lowered by f*(t) = {conjugate:.2f}, and meets the axis u = 0 there.",
    )


def best_answers(
    x: np.ndarray, p: np.ndarray, q: np.ndarray, best: Mapping[str, np.ndarray], learnt: Mapping[str, np.ndarray]
) -> Picture:
    """For each f-divergence the best T = f'(p/q) and what a network learnt, over x (k,), where p or q have some mass.

    p, q (k,) densities; best and learnt {name: T (k,)}
    """
    columns = 3
    figure, panels = axes(-(-len(best) // columns), columns, width=3.3, height=2.4, sharex=True)
    common = np.minimum(p, q) > 0.005 * max(p.max(), q.max())
    words = []
    for panel, colour, (name, T) in zip(panels.flat, CYCLE, best.items(), strict=False):
        panel.plot(x, T, color=MUTED, linewidth=3, alpha=0.6, label="best")
        panel.plot(x, learnt[name], "--", color=colour, label="learnt")
        low, high = T[common].min(), T[common].max()
        margin = 0.25 * (high - low)
        panel.set(title=name, ylim=(low - margin, high + margin))
        words.append(f"{name} {np.average(np.abs(T - learnt[name])[common], weights=(p + q)[common]):.2f}")
    for panel in panels[-1]:
        panel.set_xlabel("x")
    for panel in panels[:, 0]:
        panel.set_ylabel("T(x)")
    panels[0, 0].legend(loc="lower left")
    return Picture(
        figure,
        "The best T(x) = f'(p/q) of each divergence in grey, a network's in colour. Where p and q overlap, they are "
        f"apart on average by: {', '.join(words)}.",
    )


def apart(theta: np.ndarray, panels_of: Mapping[str, Mapping[str, np.ndarray]]) -> Picture:
    """Divergences against the distance theta (k,) of two heaps: one panel {title: {name: values (k,)}} a case."""
    figure, panels = axes(1, len(panels_of), width=3.5, height=3.0, sharey=True)
    words = []
    for panel, (title, curves) in zip(panels[0], panels_of.items(), strict=True):
        for colour, style, (name, values) in zip(CYCLE, ("-", "--", "-."), curves.items(), strict=False):
            panel.plot(theta, values, style, color=colour, label=name)
            end = np.interp(0.9 * theta[-1], theta, values)
            words.append(f"{title}, {name}: {end:.2f} near the end, {values[np.argmin(np.abs(theta))]:.2f} at 0")
        panel.set(title=title, xlabel="distance theta", ylim=(-0.05, None))
    panels[0, 0].set_ylabel("divergence")
    panels[0, 0].legend(loc="upper center")
    return Picture(figure, f"Two heaps move apart. {'; '.join(words)}.")


def critics(
    x: np.ndarray, real: np.ndarray, fake: np.ndarray, curves: Mapping[str, np.ndarray], estimates: Sequence[str]
) -> Picture:
    """Critics on a line, each {name: f (k,)} over x (k,) in a panel of its own, with the two heaps below it.

    real (n,), fake (m,); estimates one text for each critic, shown as its title's second line
    """
    figure, panels = axes(1, len(curves), width=2.9, height=3.0, sharex=True)
    words = []
    for panel, colour, estimate, (name, f) in zip(panels[0], (INK, *CYCLE), estimates, curves.items(), strict=False):
        panel.plot(x, f, color=colour)
        low, high = f.min(), f.max()
        for heap, shade, level in ((real, CYCLE[0], 0.06), (fake, CYCLE[1], 0.14)):
            rows = np.full(len(heap), low - level * (high - low))
            panel.plot(heap, rows, "|", color=shade, markersize=7, alpha=0.5)
        panel.set(title=f"{name}\n{estimate}", xlabel="x")
        steepest = np.abs(np.gradient(f, x)).max()
        words.append(f"{name}: {estimate}, slopes up to {steepest:.2g}")
    panels[0, 0].set_ylabel("critic f(x)")
    return Picture(figure, f"Critics f(x), real points in blue and generated ones in orange below. {'; '.join(words)}.")


def surfaces(half: float, real: np.ndarray, fake: np.ndarray, values: Mapping[str, np.ndarray]) -> Picture:
    """Level lines of critics in the plane, {name: f (k, k)} over [-half, half]^2, with real and generated points."""
    figure, panels = axes(1, len(values), width=3.5, height=3.9, grid=False)
    words = []
    for panel, (name, f) in zip(panels[0], values.items(), strict=True):
        axis = np.linspace(-half, half, len(f))
        scaled = (f - f.min()) / (np.ptp(f) or 1.0)
        panel.contourf(axis, axis, scaled, levels=14, cmap="Blues", alpha=0.8)
        panel.contour(axis, axis, scaled, levels=14, colors=MUTED, linewidths=0.6)
        panel.plot(*real[:300].T, ".", color=INK, markersize=2.5)
        panel.plot(*fake[:300].T, ".", color=CYCLE[1], markersize=2.5)
        panel.set(title=name, xticks=[], yticks=[], aspect="equal")
        slopes = np.hypot(*np.gradient(f, axis, axis))
        words.append(f"{name}: slopes from {np.quantile(slopes, 0.1):.2g} to {np.quantile(slopes, 0.9):.2g}")
    return Picture(
        figure,
        "Level lines of critics, dark where the critic believes in data; real points black, generated ones orange. "
        f"{'; '.join(words)} (lowest and highest tenth left out).",
    )


def control(k: Mapping[str, Sequence[float]], M: Mapping[str, Sequence[float]]) -> Picture:
    """BEGAN's k and its measure of convergence M over the steps, one curve for each gamma: {name: values (steps,)}."""
    figure, panels = axes(1, 2, width=4.2, height=3.0)
    smooth = max(1, max(len(values) for values in M.values()) // 50)
    words = []
    for colour, name in zip(CYCLE, k, strict=False):
        panels[0, 0].plot(k[name], color=colour, label=name)
        kernel = np.ones(min(smooth, len(M[name]))) / min(smooth, len(M[name]))
        averaged = np.convolve(M[name], kernel, mode="valid")
        panels[0, 1].plot(np.arange(len(averaged)) + len(kernel) / 2, averaged, color=colour)
        words.append(f"{name}: k ends at {k[name][-1]:.2f}, M goes from {averaged[0]:.3f} to {averaged[-1]:.3f}")
    panels[0, 0].set(title="k, how much D minds fakes", xlabel="step")
    panels[0, 1].set(title="M, the measure of convergence", xlabel="step", ylim=(0, None))
    panels[0, 1].legend(panels[0, 0].lines, list(k), loc="upper right")
    return Picture(figure, f"BEGAN's control over a training. {'; '.join(words)}.")
