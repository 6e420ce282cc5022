"""Figures of the translation of images: pix2pix and CycleGAN."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes

_BELIEF = LinearSegmentedColormap.from_list("belief", [CYCLE[1], "#FFFFFF", CYCLE[0]])  # made, unsure, real


def _array(values: ArrayLike) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
    return np.asarray(values, dtype=float)


def best_answers(values: ArrayLike, p: ArrayLike, name: str = "a pixel") -> Picture:
    """What one answer c costs when the truth is values[i] with probability p[i]: E |y - c| and E (y - c)^2.

    values (k,) in [0, 1], p (k,) -> two panels: the truth, and both costs against c with their lowest points.
    """
    values, p = _array(values), _array(p)
    c = np.linspace(0, 1, 401)
    costs = {
        "E |y - c|": (np.abs(values - c[:, None]) @ p, CYCLE[0], "median"),
        "E (y - c)²": ((values - c[:, None]) ** 2 @ p, CYCLE[1], "mean"),
    }
    figure, panels = axes(1, 2, width=4.4, height=3.0)
    left, right = panels[0]
    left.bar(values, p, width=0.03, color=MUTED)
    left.set(xlim=(-0.05, 1.05), xlabel=f"y, the brightness of {name}", ylabel="probability", title="what may be true")
    told = []
    for label, (cost, colour, which) in costs.items():
        right.plot(c, cost, color=colour, label=f"{label}: the {which}")
        right.plot(c[cost.argmin()], cost.min(), "o", color=colour)
        told.append(f"{label} is lowest at {c[cost.argmin()]:.2f}, the {which}")
    right.set(xlabel="c, the one answer", ylabel="cost", title="what an answer costs", ylim=(0, None))
    right.legend(loc="upper center")
    listed = ", ".join(f"{value:.2f} with probability {share:.2f}" for value, share in zip(values, p, strict=True))
    return Picture(figure, f"The truth is {listed}. {'; '.join(told)}.")


def patches(
    images: Mapping[str, ArrayLike], logits: Mapping[str, ArrayLike], seen: tuple[int, int, int, int]
) -> Picture:
    """Images (3, side, side) in [0, 1] by name, and below each what the discriminator believes of its patches (m, m).

    seen   (top, bottom, left, right) of the middle logit's patch, each included: its frame is drawn on the first image
    """
    figure, panels = axes(2, len(images), width=1.9, height=2.0, grid=False)
    told = []
    for column, (name, image) in enumerate(images.items()):
        top, bottom = panels[:, column]
        top.imshow(_array(image).transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
        top.set_title(name)
        D = 1 / (1 + np.exp(-_array(logits[name])))
        shown = bottom.imshow(D, cmap=_BELIEF, vmin=0, vmax=1, interpolation="nearest")
        for panel in (top, bottom):
            panel.set(xticks=[], yticks=[], frame_on=False)
        told.append(f"{name} {D.mean():.2f} on average, from {D.min():.2f} to {D.max():.2f}")
    m = len(D)
    first, last, left, right = seen
    for panel, box in (
        (panels[0, 0], (left - 0.5, first - 0.5, right - left + 1, last - first + 1)),
        (panels[1, 0], (m // 2 - 0.5, m // 2 - 0.5, 1, 1)),
    ):
        for colour, width in (("white", 4), (INK, 2)):
            panel.add_patch(Rectangle(box[:2], *box[2:], fill=False, edgecolor=colour, linewidth=width))
    figure.colorbar(shown, ax=panels[1].tolist(), fraction=0.05, ticks=[0, 0.5, 1], label="D of a patch")
    side = f"{last - first + 1} by {right - left + 1} pixels"
    return Picture(
        figure,
        f"Images, and below each the probability of being real for each of {m} by {m} patches: {'; '.join(told)}. A "
        f"frame of {side} marks the patch of the middle one.",
    )


def turns(angles: ArrayLike, losses: Mapping[str, ArrayLike]) -> Picture:
    """Losses of the map that turns the plane, against the angle (k,) in degrees: {name: (k,)}."""
    angles = _array(angles)
    figure, panels = axes(1, 1, width=6.4, height=3.2)
    panel = panels[0, 0]
    told = []
    looks = zip(CYCLE, ("-", "--", "-"), (6, 2.5, 2), (0.4, 1, 1), strict=False)  # two flat ones lie on each other
    for (name, values), (colour, style, width, alpha) in zip(losses.items(), looks, strict=False):
        values = _array(values)
        panel.plot(angles, values, style, color=colour, linewidth=width, alpha=alpha, label=name)
        told.append(f"{name} lies between {abs(values.min()):.2f} and {values.max():.2f}")
        if np.ptp(values) > 0.05:
            told[-1] += f" and is lowest at {angles[values.argmin()]:.0f} degrees"
    panel.set(xlabel="angle of the turn G, in degrees", ylabel="loss", xticks=np.arange(-180, 181, 60))
    panel.legend()
    return Picture(figure, f"Losses of a turn of the plane against its angle: {'; '.join(told)}.")
