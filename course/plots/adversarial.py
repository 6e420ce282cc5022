"""Figures of the chapter on adversarial robustness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from course.plots.images import gallery
from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes

MARKERS = "osD^vPX"


def signed(
    images: ArrayLike,
    titles: Sequence | None = None,
    columns: int = 10,
    what: str = "signed images",
    *,
    row_labels: Sequence | None = None,
    scale: float | None = None,
    cell: float = 0.9,
) -> Picture:
    """Images of numbers of both signs, (n, H, W) or (n, 1, H, W): red above 0, blue below, white at 0.

    scale   what is drawn in full colour; None: the largest size in each image, so that each has its own scale
    """
    values = np.asarray(images.detach() if hasattr(images, "detach") else images, dtype=float)
    values = values.reshape(len(values), *values.shape[-2:])
    if scale is None:
        full = np.abs(values).max(axis=(1, 2), keepdims=True)
        values = values / np.where(full == 0, 1, full)
    else:
        values = np.clip(values / scale, -1, 1)
    up, down = np.clip(values, 0, 1)[..., None], np.clip(-values, 0, 1)[..., None]
    colours = 1 - up * (1 - np.array([0.70, 0.09, 0.17])) - down * (1 - np.array([0.13, 0.40, 0.67]))
    words = f"{what} (red positive, blue negative)"
    return gallery(colours, titles, columns, words, row_labels=row_labels, cell=cell)


def accuracy_curves(
    panels: Mapping[str, tuple[Sequence[float], Mapping[str, Sequence[float]]]], xlabel: str = "budget $\\delta$"
) -> Picture:
    """Accuracy against the size of the perturbation: {title of a panel: (sizes, {name: accuracies})}."""
    figure, grid = axes(1, len(panels), width=4.9 if len(panels) > 1 else 6.2, height=3.8, sharey=True)
    words = []
    for panel, (title, (sizes, curves)) in zip(grid[0], panels.items(), strict=True):
        for (name, accuracies), colour, marker in zip(curves.items(), CYCLE, MARKERS, strict=False):
            panel.plot(sizes, accuracies, marker=marker, color=colour, label=name, markersize=6)
            words.append(f"{title}, {name}: " + ", ".join(f"{a:.2f}" for a in accuracies))
        panel.set(title=title, xlabel=xlabel, ylim=(-0.03, 1.03))
        panel.legend(loc="best")
    grid[0, 0].set_ylabel("accuracy")
    listed = ", ".join(f"{size:g}" for size in next(iter(panels.values()))[0])
    return Picture(figure, f"Accuracy against the budget; first panel at {listed}. {'; '.join(words)}.")


def heat_table(
    values: ArrayLike, rows: Sequence[str], columns: Sequence[str], what: str, row_title: str, column_title: str
) -> Picture:
    """A table (r, c) of numbers in [0, 1], each also a shade: dark where it is low."""
    table = np.asarray(values, dtype=float)
    figure, grid = axes(1, 1, width=2.6 + 1.25 * len(columns), height=1.3 + 0.5 * len(rows), grid=False)
    panel = grid[0, 0]
    panel.imshow(table, cmap="Blues_r", vmin=0, vmax=1.15, aspect="auto")
    for (i, j), value in np.ndenumerate(table):
        panel.text(j, i, f"{value:.2f}", ha="center", va="center", color="white" if value < 0.5 else INK, fontsize=12)
    panel.set_xticks(range(len(columns)), columns)
    panel.set_yticks(range(len(rows)), rows)
    panel.set(xlabel=column_title, ylabel=row_title)
    panel.tick_params(length=0)
    cells = "; ".join(
        f"{row}: " + ", ".join(f"{column} {value:.2f}" for column, value in zip(columns, line, strict=True))
        for row, line in zip(rows, table, strict=True)
    )
    return Picture(figure, f"Table of {what}. Rows, {row_title}; columns, {column_title}. {cells}.")


def linear_classifiers(
    X: ArrayLike, y: ArrayLike, models: Mapping[str, tuple[ArrayLike, float]], delta: float
) -> Picture:
    """Points X (n, 2) of labels y in {-1, +1}, each with its l_inf ball, and lines w . x + b = 0, one a panel.

    A ball that its line cuts, or that lies on the wrong side, is drawn in dark: there the adversary wins.
    """
    X, y = np.asarray(X, dtype=float), np.asarray(y)
    figure, grid = axes(1, len(models), width=4.9, height=3.3, sharex=True, sharey=True)
    reach = np.abs(X).max() + 1.3 * delta
    words = []
    for panel, (name, (w, b)) in zip(grid[0], models.items(), strict=True):
        w = np.asarray(w, dtype=float)
        lost = y * (X @ w + b) <= delta * np.abs(w).sum()
        for label, colour in ((1, CYCLE[0]), (-1, CYCLE[1])):
            panel.scatter(*X[y == label].T, color=colour, s=16, zorder=3, marker="o" if label > 0 else "s")
        for (u, v), is_lost, label in zip(X, lost, y, strict=True):
            colour = INK if is_lost else (CYCLE[0] if label > 0 else CYCLE[1])
            square = np.array(
                [[u - delta, u + delta, u + delta, u - delta], [v - delta, v - delta, v + delta, v + delta]]
            )
            panel.fill(*square, facecolor=colour, alpha=0.22 if is_lost else 0.13, edgecolor="none")
        normal, along = w / (w @ w), np.array([-w[1], w[0]]) / np.linalg.norm(w)
        panel.plot(*(-b * normal[:, None] + np.outer(along, [-4 * reach, 4 * reach])), color=INK)
        share = lost.mean()
        panel.set(title=f"{name}: {share:.0%} lost", xlim=(-reach, reach), ylim=(-0.55 * reach, 0.55 * reach))
        panel.set(xlabel="$x_1$", aspect="equal")
        words.append(f"{name}: {share:.0%} of the samples are lost to the adversary")
    grid[0, 0].set_ylabel("$x_2$")
    return Picture(
        figure,
        f"{len(X)} points of two classes, each with a square of half width {delta:g} round it, and a line that "
        f"separates the classes. Dark squares reach the wrong side. {'; '.join(words)}.",
    )


def along_a_line(t: ArrayLike, losses: Mapping[str, ArrayLike], slopes: Mapping[str, ArrayLike]) -> Picture:
    """The loss of one image that moves along a line, at places t (m,), over its largest value there; and the size of
    its gradient, on a scale of powers of ten with a place for 0.
    """
    t = np.asarray(t, dtype=float)
    figure, grid = axes(1, 2, width=4.9, height=3.8)
    left, right = grid[0]
    words = []
    nothing = 1e-10
    for i, (name, values) in enumerate(losses.items()):
        loss, slope = np.asarray(values, dtype=float), np.asarray(slopes[name], dtype=float)
        style = {"color": CYCLE[i], "linestyle": ("-", "--", "-.", ":")[i % 4], "label": name}
        left.plot(t, loss / max(loss.max(), 1e-300), **style)
        right.plot(t, np.maximum(slope, nothing), **style)
        words.append(f"{name}: the gradient is exactly zero at {(slope == 0).mean():.0%} of the places")
    left.set(title="loss, over its largest", xlabel="distance $t$")
    right.set(title="size of its gradient by the image", xlabel="distance $t$", yscale="log")
    powers = [-8, -4, 0, 4]
    right.set_yticks([nothing, *(10.0**k for k in powers)], ["0", *(f"$10^{{{k}}}$" for k in powers)])
    right.minorticks_off()
    left.legend(loc="upper left")
    return Picture(
        figure,
        f"One image moved along a line by up to {np.abs(t).max():g}. Left the loss, right the size of its gradient. "
        f"{'; '.join(words)}.",
    )


def transport(
    places: ArrayLike, losses: ArrayLike, samples: ArrayLike, plan: ArrayLike, gammas: ArrayLike, dual: ArrayLike
) -> Picture:
    """Left: a loss over a line of places (m,), the samples' mass and where the plan (n, m) takes it. Right: the dual
    function at gammas, and the value that the plan attains.
    """
    places, losses, plan = np.asarray(places), np.asarray(losses), np.asarray(plan)
    moved = plan.sum(axis=0)
    attained = float(moved @ losses)
    figure, grid = axes(1, 2, width=5, height=3.8)
    left, right = grid[0]
    left.plot(places, losses, color=MUTED, label="loss $\\ell$")
    top = np.abs(losses).max()
    for i, x in enumerate(np.asarray(samples)):
        left.plot([x, x], [0, top * plan[i].sum()], color=CYCLE[0], linewidth=6, alpha=0.5, solid_capstyle="butt")
    for place, mass in zip(places, moved, strict=True):
        if mass > 1e-6:
            left.plot([place, place], [0, top * mass], color=CYCLE[1], linewidth=2.5, solid_capstyle="butt")
    left.plot([], [], color=CYCLE[0], linewidth=6, alpha=0.5, label="mass of $P_n$")
    left.plot([], [], color=CYCLE[1], linewidth=2.5, label="mass of the worst $Q$")
    left.set(title="where the mass goes", xlabel="place")
    left.set_ylim(min(0.0, losses.min()), 1.35 * top)
    left.legend(loc="upper left")
    right.plot(gammas, dual, color=CYCLE[0], label="dual, for each $\\gamma$")
    right.axhline(attained, color=CYCLE[1], linestyle="--", label="primal: the best $Q$ there is")
    best = int(np.argmin(dual))
    right.plot([np.asarray(gammas)[best]], [np.asarray(dual)[best]], "o", color=INK)
    right.set(title="the dual comes down to it", xlabel="$\\gamma$, the price of moving", ylabel="expected loss")
    right.legend(loc="best")
    return Picture(
        figure,
        f"Left: {len(plan)} samples on a line and the worst distribution near them, whose mass lies on "
        f"{int((moved > 1e-6).sum())} places. Right: the dual function of the price falls to "
        f"{np.min(dual):.4f} and rises again; the dashed line, the best over all distributions, is {attained:.4f}.",
    )


def weights_by_loss(losses: ArrayLike, weights: Mapping[str, ArrayLike]) -> Picture:
    """How much each objective lets a sample count: n q_i against its loss."""
    losses = np.asarray(losses, dtype=float)
    order = np.argsort(losses)
    figure, grid = axes(1, 1, width=6.2, height=3.6)
    panel = grid[0, 0]
    words = []
    for (name, q), colour, marker in zip(weights.items(), CYCLE, MARKERS, strict=False):
        counted = len(losses) * np.asarray(q)[order]
        panel.plot(losses[order], counted, marker=marker, color=colour, label=name, markersize=4)
        words.append(f"{name}: {(counted > 1e-9).mean():.0%} of the samples count, the worst {counted[-1]:.1f} times")
    panel.set(xlabel="loss of a sample", ylabel="how often it counts, $n\\,q_i$")
    panel.legend(loc="upper left")
    return Picture(figure, f"Weights of {len(losses)} samples against their losses. {'; '.join(words)}.")
