"""Figures of the autoencoder chapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, axes

SIGNED, POSITIVE = "RdBu_r", "Greys"  # colour maps: blue, white at zero, red; white at zero, black


def angles(steps: ArrayLike, degrees: ArrayLike) -> Picture:
    """Principal angles (T, k), in degrees, after each of `steps` (T,): how a subspace is found, one angle a line."""
    steps, degrees = np.asarray(steps), np.asarray(degrees)
    figure, panels = axes(width=6.4, height=3.4)
    panel = panels[0, 0]
    for j in range(degrees.shape[1]):
        panel.plot(steps, np.maximum(degrees[:, j], 1e-7), color=CYCLE[j % len(CYCLE)], label=f"angle {j + 1}")
    panel.set(yscale="log", xlabel="step of gradient descent", ylabel="angle to PCA's space (degrees)")
    panel.legend()
    first, last = degrees[0].max(), degrees[-1].max()
    return Picture(
        figure,
        f"The {degrees.shape[1]} principal angles between the autoencoder's space and PCA's against the step, on a "
        f"logarithmic axis. The largest falls from {first:.0f} degrees to {last:.1e} degrees after {steps[-1]} steps.",
    )


def mixing(M: ArrayLike) -> Picture:
    """The inner products e_i^T w_j (k, k) of PCA's components with an autoencoder's columns, as coloured squares."""
    M = np.asarray(M)
    k = len(M)
    figure, panels = axes(width=0.75 * k + 1.6, height=0.68 * k + 0.9, grid=False)
    panel = panels[0, 0]
    panel.imshow(M, cmap=SIGNED, vmin=-1, vmax=1)
    for i in range(k):
        for j in range(k):
            panel.text(j, i, f"{M[i, j]:.2f}", ha="center", va="center", color="white" if abs(M[i, j]) > 0.65 else INK)
    panel.set(xticks=range(k), xticklabels=[f"$w_{j + 1}$" for j in range(k)])
    panel.set(yticks=range(k), yticklabels=[f"$e_{i + 1}$" for i in range(k)])
    panel.set(xlabel="columns of the autoencoder", ylabel="PCA's components")
    return Picture(
        figure,
        f"Table of the inner products of {k} components of PCA with {k} columns of an autoencoder. The largest in size "
        f"in each column: {', '.join(f'{value:.2f}' for value in np.abs(M).max(axis=0))}; 1 is a component itself.",
    )


def atoms(rows: Mapping[str, ArrayLike]) -> Picture:
    """Atoms as images: one row for each method, `rows` maps its name to (k, H, W).

    Each atom has a scale of its own. Atoms with negative entries are drawn from blue over white (zero) to red, others
    from white (zero) to black.
    """
    images = {name: np.asarray(atom, dtype=float) for name, atom in rows.items()}
    k = max(len(row) for row in images.values())
    room = 0.09 * max(map(len, images))  # inches for the names
    figure, panels = axes(len(images), k, width=1.0 + room / k, height=1.0, grid=False)
    for line, (name, row) in zip(panels, images.items(), strict=True):
        for panel in line:
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(False)
        for panel, atom in zip(line, row, strict=False):
            reach = np.abs(atom).max()
            signed = row.min() < -1e-6 * np.abs(row).max()
            panel.imshow(atom, cmap=SIGNED if signed else POSITIVE, vmin=-reach if signed else 0, vmax=reach)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    negative = [name for name, row in images.items() if row.min() >= -1e-6 * np.abs(row).max()]
    return Picture(
        figure,
        f"{k} atoms of each of {len(images)} methods as small images, one row each: {', '.join(images)}. Red and blue "
        f"are positive and negative entries; no atom of {' or '.join(negative) or 'any of them'} has negative ones.",
    )


def upconvolution(x: ArrayLike, w: ArrayLike, y: ArrayLike, stride: int) -> Picture:
    """A small image x (h, w), a kernel, and the upconvolved image y as tables of numbers; the first stamp is framed."""
    from matplotlib.patches import Rectangle

    tables = {"x": np.asarray(x), "kernel": np.asarray(w), f"y, stride {stride}": np.asarray(y)}
    figure, panels = axes(1, 3, width=3.0, height=3.0, grid=False, width_ratios=[len(t.T) + 1 for t in tables.values()])
    largest = len(tables[f"y, stride {stride}"])
    for panel, (name, table) in zip(panels[0], tables.items(), strict=True):
        panel.imshow(table, cmap="Blues", vmin=0, vmax=1.6 * np.abs(table).max())
        for (i, j), value in np.ndenumerate(table):
            panel.text(j, i, f"{value:g}", ha="center", va="center")
        panel.set(title=name, xticks=[], yticks=[], ylim=(largest - 0.5, -0.5))
        panel.spines[:].set_visible(False)
    for (i, j), _ in np.ndenumerate(tables["x"]):
        m, n = tables["kernel"].shape
        colour, inset = CYCLE[(i * len(tables["x"][0]) + j) % 4 + 1], 0.05 * (2 * i + j)
        corner = (j * stride - 0.46 + inset, i * stride - 0.46 + inset)
        frame = Rectangle(corner, n - 0.08 - 2 * inset, m - 0.08 - 2 * inset, fill=False, edgecolor=colour, linewidth=2)
        panels[0, 2].add_patch(frame)
        square = Rectangle((j - 0.46, i - 0.46), 0.92, 0.92, fill=False, edgecolor=colour, linewidth=2)
        panels[0, 0].add_patch(square)
    rows = "; ".join(" ".join(f"{value:g}" for value in row) for row in tables[f"y, stride {stride}"])
    return Picture(
        figure,
        f"Three tables: an image of {tables['x'].shape[0]} by {tables['x'].shape[1]} numbers, a kernel, and the "
        f"upconvolved image, whose rows are {rows}. Frames show where the stamp of each number lies.",
    )


def few_labels(
    per_class: Sequence[int], accuracy: Mapping[str, ArrayLike], gain: ArrayLike, interval: ArrayLike, what: str
) -> Picture:
    """Accuracy against labels, and what pre-training gains.

    per_class  (m,) labels of each class
    accuracy   name of a method -> (m, seeds) shares of right answers
    gain       (m,) mean paired difference
    interval   (m, 2) its confidence interval
    what       names the difference, such as "fine-tuned minus from scratch"
    """
    gain, interval = np.asarray(gain), np.asarray(interval)
    figure, panels = axes(1, 2, width=4.6, height=3.6)
    left, right = panels[0]
    for (name, values), marker, colour in zip(accuracy.items(), "osD^v", CYCLE, strict=False):
        left.plot(per_class, np.asarray(values).mean(axis=1), marker + "-", color=colour, label=name)
    left.set(xscale="log", xlabel="labels of each class", ylabel="accuracy on held-out digits", title="mean over draws")
    left.legend()
    right.axhline(0, color=INK, linewidth=1)
    reach = np.abs(interval.T - gain)
    right.errorbar(per_class, 100 * gain, yerr=100 * reach, fmt="o", color=CYCLE[0], capsize=5)
    right.set(xscale="log", xlabel="labels of each class", ylabel="percentage points", title=what)
    for panel in (left, right):
        panel.set_xticks(list(per_class), [str(count) for count in per_class])
        panel.minorticks_off()
    means = "; ".join(
        f"{name} {', '.join(f'{value:.2f}' for value in np.asarray(values).mean(axis=1))}"
        for name, values in accuracy.items()
    )
    gains = ", ".join(
        f"{100 * g:.1f} ({100 * a:.1f} to {100 * b:.1f})" for g, (a, b) in zip(gain, interval, strict=True)
    )
    return Picture(
        figure,
        f"Left: accuracy with {', '.join(map(str, per_class))} labels of each class: {means}. Right: {what} in "
        f"percentage points, with its interval: {gains}.",
    )


def code_clouds(clouds: Mapping[str, ArrayLike], labels: ArrayLike | None = None) -> Picture:
    """The first two numbers of codes, a panel for each set (n, k); `labels` (n,) colour the first set.

    Two circles in each panel: 39 % and 86 % of N(0, I) lie within the radii 1 and 2 of the origin.
    """
    sets = {name: np.asarray(cloud)[:, :2] for name, cloud in clouds.items()}
    figure, panels = axes(1, len(sets), width=3.2, height=3.6, sharex=True, sharey=True)
    reach = 1.05 * max(np.abs(cloud).max() for cloud in sets.values())
    for i, (panel, (name, cloud)) in enumerate(zip(panels[0], sets.items(), strict=True)):
        if i == 0 and labels is not None:
            panel.scatter(*cloud.T, s=7, c=np.asarray(labels), cmap="tab10")
        else:
            panel.scatter(*cloud.T, s=7, color=CYCLE[0])
        _circles(panel)
        panel.set(title=name, xlabel="$z_1$", xlim=(-reach, reach), ylim=(-reach, reach), box_aspect=1)
    panels[0, 0].set_ylabel("$z_2$")
    told = "; ".join(
        f"{name}: centre ({c.mean(axis=0)[0]:.1f}, {c.mean(axis=0)[1]:.1f}), "
        f"standard deviations {c.std(axis=0)[0]:.1f} and {c.std(axis=0)[1]:.1f}"
        for name, c in sets.items()
    )
    return Picture(figure, f"Scatter plots of the first two numbers of codes. {told}.")


def _circles(panel: Axes) -> None:
    turn = np.linspace(0, 2 * np.pi, 100)
    for radius in (1, 2):
        panel.plot(radius * np.cos(turn), radius * np.sin(turn), color=INK, linewidth=1.2, zorder=3)
