"""Figures of the chapter on applications of GANs: BEGAN's balance, words obeyed, densities from samples, searches."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence

import ipywidgets
import numpy as np
from numpy.typing import ArrayLike

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes


def balance(curve: Mapping[str, Sequence[float]], gamma: float) -> Picture:
    """BEGAN's errors of reconstruction with their ratio's goal, k, and the measure of convergence M.

    curve   {"step", "error of real", "error of generated", "k", "M": lists of one length}
    """
    step = np.asarray(curve["step"])
    figure, panels = axes(1, 3, width=3.6, height=3.2)
    left, middle, right = panels[0]
    left.plot(step, curve["error of real"], color=CYCLE[0], linewidth=1.3, label="real")
    left.plot(
        step, gamma * np.asarray(curve["error of real"]), "--", color=CYCLE[0], linewidth=1, label=f"{gamma} real"
    )
    left.plot(step, curve["error of generated"], color=CYCLE[1], linewidth=1.3, label="generated")
    left.set(title="errors", ylim=(0, None))
    left.legend()
    middle.plot(step, curve["k"], color=CYCLE[2], linewidth=1.3)
    middle.set(title="k", ylim=(0, None))
    right.plot(step, curve["M"], color=INK, linewidth=1.3)
    right.set(title="convergence measure M", ylim=(0, None))
    for panel in panels[0]:
        panel.set_xlabel("round")
    tail = max(1, len(step) // 10)
    first, last = np.mean(curve["M"][:tail]), np.mean(curve["M"][-tail:])
    return Picture(
        figure,
        f"Three curves over {step[-1]:.0f} rounds: the autoencoder's errors on real and on generated faces, the weight "
        f"k, which ends at {curve['k'][-1]:.2f}, and the measure of convergence M, which goes from {first:.3f} to "
        f"{last:.3f}.",
    )


def bars(names: Sequence[str], shares: Mapping[str, ArrayLike], what: str = "share") -> Picture:
    """Shares in [0, 1] side by side for each name: {series: (k,)}; what cannot be known, NaN, is left out."""
    figure, panels = axes(1, 1, width=min(10.5, 2 + 0.6 * len(names)), height=3.3)
    panel = panels[0, 0]
    place, width = np.arange(len(names)), 0.8 / len(shares)
    words = []
    for i, (series, values) in enumerate(shares.items()):
        heights = np.asarray(values, float)
        panel.bar(place + (i - (len(shares) - 1) / 2) * width, heights, width, color=CYCLE[i], label=series)
        known = np.isfinite(heights)
        words.append(f"{series} {heights[known].mean():.2f} on average, from {heights[known].min():.2f}")
    panel.set_xticks(place, names, rotation=40 if len(names) > 7 else 0, ha="right" if len(names) > 7 else "center")
    panel.set(ylabel=what, ylim=(0, 1.02))
    panel.grid(False, axis="x")
    panel.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(shares))
    return Picture(figure, f"Bars: {what} for {', '.join(names)}. {'; '.join(words)}.")


def densities(bandwidth: ArrayLike, scores: Mapping[str, ArrayLike]) -> Picture:
    """The average log density of held-out images, in nats, against the bandwidth of the estimate: {name: (k,)}."""
    h = np.asarray(bandwidth, float)
    figure, panels = axes(1, 1, width=6.6, height=3.6)
    panel = panels[0, 0]
    best = []
    for colour, (name, values) in zip(CYCLE, scores.items(), strict=False):
        y = np.asarray(values, float)
        panel.plot(h, y, ".-", color=colour, label=name)
        panel.plot(h[y.argmax()], y.max(), "o", color=colour, markersize=9)
        best.append((y.max(), f"{name} at most {y.max():.1f}, at a bandwidth of {h[y.argmax()]:.2f}"))
    top = max(score for score, _ in best)
    panel.set(xlabel="bandwidth", ylabel="log p(x), nats an image", ylim=(top - 60, top + 6), xscale="log")
    ticks = [t for t in (0.05, 0.1, 0.2, 0.3, 0.5, 1.0) if h.min() <= t <= h.max()]
    panel.set_xticks(ticks, [f"{t:g}" for t in ticks])
    panel.minorticks_off()
    panel.legend(loc="lower center")
    return Picture(figure, f"Log density of held-out images by a kernel estimate: {'; '.join(w for _, w in best)}.")


def strips(values: Mapping[str, ArrayLike], what: str) -> Picture:
    """Positive numbers of several kinds as points on a logarithmic axis, a row for each kind: {name: (n,)}."""
    figure, panels = axes(1, 1, width=7, height=0.9 + 0.55 * len(values))
    panel = panels[0, 0]
    words = []
    for row, (name, numbers) in enumerate(values.items()):
        x = np.asarray(numbers, float).ravel()
        panel.plot(x, np.full(len(x), row), "o", color=CYCLE[row], alpha=0.6, markersize=7, markeredgewidth=0)
        panel.plot([np.median(x)] * 2, [row - 0.3, row + 0.3], color=INK, linewidth=2)
        words.append(f"{name} {np.median(x):.2g}, from {x.min():.2g} to {x.max():.2g}")
    panel.set(xscale="log", xlabel=what, ylim=(len(values) - 0.5, -0.5))
    panel.set_yticks(range(len(values)), list(values))
    panel.grid(False, axis="y")
    panel.tick_params(axis="x", which="minor", labelcolor=MUTED)
    return Picture(figure, f"{what}, one point an image, the median marked: {'; '.join(words)}.")


def text_box(draw: Callable[[str], Picture], label: str, value: str) -> ipywidgets.VBox:
    """A line to type in, above the picture that `draw` makes of it when Enter is pressed.

    Where `draw` refuses the text with a ValueError, its sentence is shown in the picture's place.
    """
    line = ipywidgets.Text(
        value=value,
        description=label,
        continuous_update=False,
        style={"description_width": "initial"},
        layout={"width": "46em"},
    )
    answer = ipywidgets.HTML()

    def show(_: dict | None = None) -> None:
        try:
            answer.value = draw(line.value).html()
        except ValueError as error:
            answer.value = f"<p>{html.escape(str(error))}</p>"

    line.observe(show, names="value")
    show()
    return ipywidgets.VBox([line, answer])
