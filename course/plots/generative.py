"""Figures of the chapter on generative models: the taxonomy, samples, causality, likelihood and quality."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from numpy.typing import ArrayLike

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes

HALF = 3.0  # the plane is shown from -3 to 3

# The slide's tree (Goodfellow, 2016, figure 9): name, place across and down, parent; leaves name their members.
_TREE = {
    "maximum\nlikelihood": (3.1, 0, None),
    "explicit density\n$p(x)$ is written down": (1.65, 1, "maximum\nlikelihood"),
    "implicit density\nit can only be sampled": (4.55, 1, "maximum\nlikelihood"),
    "tractable\nexactly": (0.72, 2, "explicit density\n$p(x)$ is written down"),
    "approximate\nby a bound or a chain": (2.58, 2, "explicit density\n$p(x)$ is written down"),
}
_LEAVES = {
    "autoregressive": ("MADE\nPixelCNN", 0.25, "tractable\nexactly"),
    "change of\nvariables": ("coupling\nflow", 1.19, "tractable\nexactly"),
    "variational": ("VAE", 2.12, "approximate\nby a bound or a chain"),
    "Markov chain": ("Boltzmann\nmachine", 3.05, "approximate\nby a bound or a chain"),
    "Markov chain ": ("GSN", 4.08, "implicit density\nit can only be sampled"),
    "direct": ("GAN", 5.02, "implicit density\nit can only be sampled"),
}


def taxonomy() -> Picture:
    """The lecture's tree of generative models, with the members of this chapter on its leaves."""
    figure, panels = axes(1, 1, width=10.2, height=4.8, grid=False)
    panel = panels[0, 0]
    panel.axis("off")
    panel.set(xlim=(-0.3, 5.5), ylim=(-4.45, 0.4))
    places = {name: (x, -float(row)) for name, (x, row, _) in _TREE.items()}
    places |= {name: (x, -3.0) for name, (_, x, _) in _LEAVES.items()}
    parents = {name: parent for name, (_, _, parent) in _TREE.items() if parent}
    parents |= {name: parent for name, (_, _, parent) in _LEAVES.items()}
    for child, parent in parents.items():
        (x, y), (px, py) = places[child], places[parent]
        panel.plot([px, px, x, x], [py, py - 0.5, py - 0.5, y], color=MUTED, linewidth=1.3, zorder=0)
    for name, (x, y) in places.items():
        _box(panel, x, y, name.strip(), "white", INK)
    for name, (members, x, _) in _LEAVES.items():
        panel.plot([x, x], [-3, -4], color=MUTED, linewidth=1.3, zorder=0)
        _box(panel, x, places[name][1] - 1, members, CYCLE[0], "white")
    return Picture(
        figure,
        "A tree. Maximum likelihood has two branches: explicit and implicit densities. Explicit ones are tractable "
        "(autoregressive: MADE, PixelCNN; change of variables: a coupling flow) or approximate (variational: VAE; "
        "Markov chain: a Boltzmann machine). Implicit ones sample by a Markov chain (GSN) or directly (GAN).",
    )


def _box(panel: Axes, x: float, y: float, text: str, face: str, ink: str) -> None:
    width, height = 0.1 + 0.06 * max(map(len, text.replace("$", "").splitlines())), 0.6
    corner = (x - width / 2, y - height / 2)
    box = FancyBboxPatch(corner, width, height, "round,pad=0,rounding_size=0.07", facecolor=face, edgecolor=CYCLE[0])
    panel.add_patch(box)
    panel.text(x, y, text, ha="center", va="center", color=ink, fontsize=10.5, linespacing=1.25)


def _array(values: ArrayLike) -> np.ndarray:
    detached = values.detach().cpu() if hasattr(values, "detach") else values
    return np.asarray(detached, dtype=float)


def _plane(panel: Axes, title: str) -> None:
    panel.set(title=title, xlim=(-HALF, HALF), ylim=(-HALF, HALF), aspect="equal", xticks=(-2, 0, 2), yticks=(-2, 0, 2))


def _cloud(panel: Axes, points: np.ndarray, size: float = 5) -> None:
    panel.scatter(points[:, 0], points[:, 1], s=size, color=CYCLE[1], linewidth=0, alpha=0.75)


def _mosaic(panel: Axes, digits: np.ndarray, columns: int) -> None:
    """Images (n, side, side) in [0, 1], ink dark, in rows of `columns`."""
    n, side = len(digits), digits.shape[1]
    rows = math.ceil(n / columns)
    sheet = np.ones((rows * (side + 1) + 1, columns * (side + 1) + 1))
    for i, digit in enumerate(digits):
        top, left = (i // columns) * (side + 1) + 1, (i % columns) * (side + 1) + 1
        sheet[top : top + side, left : left + side] = 0.9 - 0.9 * digit
    panel.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    panel.axis("off")


def near_modes(points: ArrayLike, modes: int = 8, radius: float = 2.0, reach: float = 0.75) -> float:
    """The share of points (n, 2) within `reach`, three standard deviations, of one of the ring's centres."""
    angle = 2 * np.pi * np.arange(modes) / modes
    centres = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    distance = np.linalg.norm(_array(points)[:, None] - centres, axis=2).min(axis=1)
    return float((distance <= reach).mean())


def both(name: str, points: ArrayLike, digits: ArrayLike, density: ArrayLike | None = None) -> Picture:
    """What one model makes of the plane and of the digits.

    points   (n, 2) samples; the first 700 are drawn
    digits   (m, 64) samples in [0, 1]; the first 48 are drawn
    density  (k, k) of p(x) on a grid from -3 to 3, first axis x_1; None where the model has none
    """
    points, digits = _array(points)[:700], _array(digits)[:48]
    if points.ndim != 2 or points.shape[1] != 2 or digits.ndim != 2 or digits.shape[1] != 64:
        raise ValueError(f"points have shape {points.shape} and digits {digits.shape}; (n, 2) and (m, 64) are drawn")
    figure, panels = axes(1, 2, width=4.9, height=4.0, grid=False, width_ratios=[1, 1.35])
    left, right = panels[0]
    said = "no density, samples only"
    if density is not None:
        p = _array(density).T
        left.imshow(
            p, extent=(-HALF, HALF) * 2, origin="lower", cmap="Blues", vmin=0, vmax=0.35, interpolation="nearest"
        )
        said = "the density in blue"
    _cloud(left, points, 4)
    _plane(left, name)
    _mosaic(right, digits.reshape(-1, 8, 8), 8)
    return Picture(
        figure,
        f"{name}. Left: {len(points)} samples in the plane, {said}; {near_modes(points):.0%} of them lie within three "
        f"standard deviations of one of the ring's eight centres. Right: {len(digits)} digits of 8 by 8 pixels.",
    )


def clouds(samples: Mapping[str, ArrayLike], columns: int = 4) -> Picture:
    """Samples in the plane side by side: {title: (n, 2)}."""
    rows = math.ceil(len(samples) / columns)
    columns = min(columns, len(samples))
    figure, panels = axes(rows, columns, width=10.2 / max(columns, 3), height=10.6 / max(columns, 3), grid=False)
    for panel in panels.flat[len(samples) :]:
        panel.axis("off")
    for panel, (title, points) in zip(panels.flat, samples.items(), strict=False):
        _cloud(panel, _array(points)[:700])
        _plane(panel, title)
    shares = ", ".join(f"{title} {near_modes(points):.0%}" for title, points in samples.items())
    return Picture(
        figure,
        f"Samples in the plane, one panel each. The share within three standard deviations of one of the ring's eight "
        f"centres: {shares}.",
    )


def causality(jacobians: Mapping[str, ArrayLike], pixel: int) -> Picture:
    """|d logit_i / d x_j| of image models: the whole matrix, and the row of one pixel as an image.

    jacobians  {name: (d, d)} for images of d = side^2 pixels, averaged over inputs
    pixel      the row that is drawn as an image
    """
    figure, panels = axes(1, 2 * len(jacobians), width=2.6, height=2.9, grid=False)
    words = []
    for k, (name, values) in enumerate(jacobians.items()):
        J = _array(values)
        side = math.isqrt(len(J))
        for panel, seen, title in (
            (panels[0, 2 * k], J, f"{name}: all outputs"),
            (panels[0, 2 * k + 1], J[pixel].reshape(side, side), f"what output {pixel} sees"),
        ):
            # Any dependence at all counts, so the scale is logarithmic; white is an exact zero.
            shown = np.ma.masked_where(seen == 0, np.log10(np.where(seen == 0, 1, seen)))
            panel.imshow(shown, cmap="viridis_r", interpolation="nearest", aspect="equal")
            panel.set_title(title, fontsize=10)
            panel.set(xticks=(), yticks=())
            for spine in panel.spines.values():
                spine.set_visible(True)
        panels[0, 2 * k].set(xlabel="input $x_j$", ylabel="logit of $x_i$")
        panels[0, 2 * k + 1].plot(pixel % side, pixel // side, "s", color=CYCLE[1], markersize=7)
        leaks = int((np.triu(J) != 0).sum())
        words.append(
            f"{name}: {leaks} entries on or above the diagonal differ from zero; pixel {pixel} sees "
            f"{int((J[pixel] != 0).sum())} of the {pixel} pixels before it"
        )
    return Picture(
        figure, "Gradients of the outputs by the inputs, white where exactly zero. " + ". ".join(words) + "."
    )


def trade_off(bits: Mapping[str, float], told: Mapping[str, float], floor: float) -> Picture:
    """Bits per dimension against how easily samples are told apart, a point for each model that has both."""
    figure, panels = axes(1, 1, width=6.6, height=4.2)
    panel = panels[0, 0]
    names = [name for name in bits if name in told and math.isfinite(bits[name])]
    for i, name in enumerate(names):
        # A name stands to the right of its point, to the left where another point is close on the right.
        crowded = any(0 < bits[n] - bits[name] < 0.08 and abs(told[n] - told[name]) < 0.05 for n in names)
        panel.plot(bits[name], told[name], "o", color=CYCLE[i % 6], markersize=9)
        shift, side = (-8, "right") if crowded else (8, "left")
        panel.annotate(name, (bits[name], told[name]), (shift, -3), textcoords="offset points", fontsize=10, ha=side)
    panel.axhline(floor, color=MUTED, linestyle="--", linewidth=1.3)
    panel.text(
        0.99, floor, "real against real ", color=MUTED, ha="right", va="bottom", transform=panel.get_yaxis_transform()
    )
    panel.set(xlabel="bits per dimension on held-out digits (less is better)", ylabel="told apart (less is better)")
    panel.margins(x=0.3, y=0.15)
    listed = "; ".join(f"{name} {bits[name]:.3f} bits, {told[name]:.2f}" for name in names)
    return Picture(
        figure,
        f"Likelihood against sample quality, a point for each model: {listed}. Real digits against real ones: "
        f"{floor:.2f}.",
    )
