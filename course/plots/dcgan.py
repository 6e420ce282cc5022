"""Figures of the chapter on DCGAN: strides, checkerboards, interpolation, arithmetic with faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes


def _array(values: ArrayLike) -> np.ndarray:
    if hasattr(values, "detach"):  # a torch tensor
        values = values.detach().cpu()
    return np.asarray(values, dtype=float)


def tables(parts: Mapping[str, ArrayLike]) -> Picture:
    """Small matrices side by side, each entry a square with its number; zeros are pale. {title: (m, k)}"""
    matrices = {title: _array(values) for title, values in parts.items()}
    columns, tallest = [m.shape[1] for m in matrices.values()], max(m.shape[0] for m in matrices.values())
    size = {"width": 0.55 * (sum(columns) + len(columns)) / len(columns), "height": 0.66 * tallest + 0.5}
    figure, panels = axes(1, len(matrices), **size, grid=False, width_ratios=columns)
    for panel, (title, matrix) in zip(panels[0], matrices.items(), strict=True):
        rows, wide = matrix.shape
        panel.imshow(matrix != 0, cmap="Blues", vmin=0, vmax=4, aspect="equal")
        panel.set_anchor("N")
        for (i, j), value in np.ndenumerate(matrix):
            panel.text(j, i, f"{value:g}", ha="center", va="center", fontsize=11, color=INK if value else MUTED)
        panel.set(xticks=np.arange(wide + 1) - 0.5, yticks=np.arange(rows + 1) - 0.5, title=title)
        panel.tick_params(length=0, labelbottom=False, labelleft=False)
        panel.grid(True, color="white", linewidth=2)
        for spine in panel.spines.values():
            spine.set_visible(False)
    words = "; ".join(f"{title.strip()}: {matrix.shape[0]} by {matrix.shape[1]}" for title, matrix in matrices.items())
    return Picture(figure, f"Tables of numbers, left to right. {words}.")


def overlaps(counts: Mapping[str, ArrayLike]) -> Picture:
    """How many stamps cover each place: on a line as bars, and below in the plane, as the product. {title: (m,)}"""
    lines = {title: _array(values) for title, values in counts.items()}
    figure, panels = axes(2, len(lines), width=3.5, height=2.4, height_ratios=[1, 1.5])
    words = []
    for (top, bottom), (title, line) in zip(panels.T, lines.items(), strict=True):
        top.bar(np.arange(len(line)), line, color=CYCLE[0], width=0.8)
        top.set(title=title, ylim=(0, 3.2), yticks=(0, 1, 2, 3), xticks=[])
        bottom.imshow(np.outer(line, line), cmap="Blues", vmin=0, vmax=9, interpolation="nearest")
        bottom.set(xticks=[], yticks=[])
        bottom.grid(False)
        inner = line[len(line) // 4 : -(len(line) // 4)]
        words.append(f"{title}: {inner.min():g} to {inner.max():g} stamps over a place in the middle")
    panels[0, 0].set_ylabel("stamps, on a line")
    panels[1, 0].set_ylabel("in the plane")
    return Picture(figure, f"{'; '.join(words)}.")


def losses(history: Mapping[str, Sequence[float]]) -> Picture:
    """The losses of both players, {"step": [...], "discriminator": [...], "generator": [...]}, as running means."""
    figure, panels = axes(1, 1, width=7.2, height=3.0)
    panel, steps, words = panels[0, 0], _array(history["step"]), []
    for colour, name in zip(CYCLE, ("discriminator", "generator"), strict=False):
        line = _array(history[name])
        reach = max(1, len(line) // 25)
        smooth = np.convolve(np.pad(line, reach // 2, mode="edge"), np.ones(reach) / reach, mode="valid")[: len(line)]
        panel.plot(steps, line, color=colour, linewidth=0.7, alpha=0.3)
        panel.plot(steps, smooth, color=colour, label=name)
        words.append(f"{name} from {smooth[0]:.2f} to {smooth[-1]:.2f}")
    panel.axhline(np.log(4), color=MUTED, linestyle="--", linewidth=1)
    panel.text(steps[-1], np.log(4), "log 4", color=MUTED, ha="right", va="bottom", fontsize=9)
    panel.set(xlabel="step", ylabel="loss, in nats", ylim=(0, None))
    panel.legend(loc="upper center", ncols=2)
    return Picture(figure, f"Losses over {steps[-1]:.0f} steps, as running means: {'; '.join(words)}.")


def lengths(t: ArrayLike, paths: Mapping[str, ArrayLike], typical: ArrayLike) -> Picture:
    """How long z is along paths, as a multiple of sqrt(p): {name: (n, k) lengths at t (k,)}; typical (m,), of draws."""
    figure, panels = axes(1, 1, width=6.6, height=3.3)
    panel, t = panels[0, 0], _array(t)
    low, high = np.quantile(_array(typical), [0.025, 0.975])
    panel.axhspan(low, high, color=MUTED, alpha=0.15, linewidth=0, label="95 % of random draws")
    words = []
    for colour, (name, many) in zip(CYCLE, paths.items(), strict=False):
        middle = _array(many).mean(axis=0)
        panel.plot(t, middle, color=colour, label=name)
        words.append(f"{name} {middle[len(t) // 2]:.2f}")
    panel.set(xlabel="t, from one draw to another", ylabel="length of z / sqrt(p)", ylim=(0.4, None))
    panel.legend(loc="lower left")
    return Picture(
        figure,
        f"Mean length of z on the way: in the middle {', '.join(words)}; of random draws 95 % lie between {low:.2f} "
        f"and {high:.2f}.",
    )


def arithmetic(groups: Mapping[str, tuple[ArrayLike, ArrayLike]], results: ArrayLike, title: str) -> Picture:
    """The slide's picture: columns of exemplars with their mean below, minus, plus, and a 3 x 3 of results.

    groups   {name: (exemplars (k, 3, H, W), the picture of their mean (3, H, W))}, three of them, in [0, 1]
    results  (9, 3, H, W): in the middle the result, around it results of z with noise
    """
    figure, panels = axes(1, 1, width=9.6, height=4.7, grid=False)
    panel = panels[0, 0]
    panel.axis("off")
    panel.set(xlim=(-1.0, 9.5), ylim=(5.0, -0.35), aspect="equal")

    def put(image: ArrayLike, x: float, y: float, frame: str | None = None) -> None:
        panel.imshow(_array(image).transpose(1, 2, 0).clip(0, 1), extent=(x, x + 0.96, y + 0.96, y), zorder=2)
        if frame is not None:
            edge = np.array([[x, y], [x + 0.96, y], [x + 0.96, y + 0.96], [x, y + 0.96], [x, y]])
            panel.plot(*edge.T, color=frame, linewidth=3, zorder=3)

    for column, (sign, (name, (exemplars, mean))) in enumerate(zip(("-", "+", "="), groups.items(), strict=True)):
        x = 2.0 * column + 0.1
        for row, image in enumerate(_array(exemplars)[:3]):
            put(image, x, row)
        put(mean, x, 3.35, CYCLE[0])
        panel.text(x + 0.48, 4.45, name.replace(" with ", "\nwith "), ha="center", va="top", fontsize=11)
        panel.text(x + 1.5, 3.83, sign, ha="center", va="center", fontsize=24, color=INK)
    for i, image in enumerate(_array(results)):
        put(image, 6.3 + i % 3, 1.35 + i // 3, CYCLE[1] if i == 4 else None)
    panel.text(7.78, 4.45, title.replace(" with ", "\nwith "), ha="center", va="top", fontsize=11)
    above = {"ha": "center", "va": "bottom", "fontsize": 10, "color": MUTED}
    panel.text(7.78, 1.25, "the result, and z with a little noise around it", **above)
    panel.text(0.58, -0.1, "exemplars", **above)
    panel.text(-0.1, 3.83, "face of\nthe mean", **(above | {"ha": "right", "va": "center"}))
    _plain(panel)
    names = list(groups)
    return Picture(
        figure,
        f"Faces in columns: three exemplars of each of {', '.join(names)}, below each column the face of their mean "
        f"z. {names[0]} minus {names[1]} plus {names[2]} gives nine faces: {title}, itself in the middle.",
    )


def _plain(panel: Axes) -> None:
    for spine in panel.spines.values():
        spine.set_visible(False)
