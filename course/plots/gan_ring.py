"""Figures of the laboratory of GAN training on the ring: failures, their diagnosis, tricks, and measures that fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from course.gan.ring import by_mode, centres, quality
from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes

Moments = Sequence[tuple[int, torch.Tensor]]  # rounds, and samples (n, 2) after each


def snapshots(trainings: Mapping[str, Moments], columns: int = 5, half: float = 3.2) -> Picture:
    """A row for each training {name: [(round, samples (n, 2)), ...]}, a column for each of some moments in it."""
    figure, panels = axes(len(trainings), columns, width=1.75, height=1.85, grid=False)
    words = []
    for row, (name, moments) in zip(panels, trainings.items(), strict=True):
        for panel, i in zip(row, np.linspace(0, len(moments) - 1, columns).round().astype(int), strict=True):
            done, samples = moments[i]
            panel.scatter(*centres().T, s=190, facecolors="none", edgecolors=MUTED, linewidths=0.8)
            panel.scatter(*samples.T, s=3, color=CYCLE[0], linewidths=0, alpha=0.6)
            panel.set(xlim=(-half, half), ylim=(-half, half), xticks=[], yticks=[], aspect="equal")
            now = quality(samples)
            panel.set_title(f"{done}: {now.found} of 8", fontsize=10)
        row[0].set_ylabel(name, fontsize=10)
        words.append(f"{name}: {now.found} of 8 modes at the end, {now.good:.0%} of the samples good")
    return Picture(figure, f"Samples on the ring as trainings go on, round by round. {'; '.join(words)}.")


def visits(trainings: Mapping[str, Moments]) -> Picture:
    """Which modes the samples are in, round after round: a map of modes by rounds for each {name: [(round, ...)]}."""
    figure, panels = axes(1, len(trainings), width=4.4, height=2.7, grid=False, sharey=True)
    words = []
    for panel, (name, moments) in zip(panels[0], trainings.items(), strict=True):
        share = np.array([(by_mode(samples) / len(samples)).numpy() for _, samples in moments]).T
        rounds = [done for done, _ in moments]
        image = panel.imshow(
            share, aspect="auto", cmap="Blues", vmin=0, vmax=0.5, extent=(rounds[0], rounds[-1], 8.5, 0.5)
        )
        panel.set(title=name, xlabel="round", yticks=range(1, 9))
        late = [quality(samples).found for _, samples in moments[len(moments) // 2 :]]
        once = int((share[:, len(moments) // 2 :].max(axis=1) > 0.05).sum())
        words.append(f"{name}: in the second half {np.mean(late):.1f} modes at a time, {once} visited in turn")
    panels[0, 0].set_ylabel("mode")
    figure.colorbar(image, ax=panels[0, -1], label="share of the samples", extend="max")
    return Picture(figure, f"Share of the samples in each mode, against rounds. {'; '.join(words)}.")


def diagnosis(
    histories: Mapping[str, Mapping[str, Sequence[float]]],
    names: Sequence[str] = ("D real", "D fake", "gradient", "spread G"),
) -> Picture:
    """A panel for each logged quantity, a line for each training {name: history}."""
    figure, panels = axes(1, len(names), width=2.65, height=2.7)
    for panel, what in zip(panels[0], names, strict=True):
        for colour, (name, history) in zip(CYCLE, histories.items(), strict=False):
            panel.plot(history["step"], history[what], color=colour, linewidth=1.3, label=name)
        panel.set(title=what, xlabel="round")
        if what.startswith("D "):
            panel.set_ylim(-0.03, 1.03)
        if what == "gradient":
            panel.set_yscale("log")
    panels[0, 0].legend(loc="lower left", fontsize=9)
    words = [
        f"{name}: " + ", ".join(f"{what} {np.mean(history[what][-10:]):.2g}" for what in names)
        for name, history in histories.items()
    ]
    return Picture(figure, f"Logged quantities against rounds; means of the last ten logs: {'; '.join(words)}.")


def ranking(rows: Sequence[Mapping[str, Any]], baseline: str = "") -> Picture:
    """Bars for each row of `course.gan.ring.measured`: modes found, good samples, distance to the data."""
    names = [row["name"] for row in rows]
    place = np.arange(len(names))
    figure, panels = axes(1, 3, width=3.0, height=0.26 * len(names) + 1.0, sharey=True)
    colour = [CYCLE[1] if name == baseline else CYCLE[0] for name in names]
    looks = {
        "found": ("modes: mean, least (mark)", 8),
        "good": ("share of good samples", 1),
        "tv": ("TV to the data", 1),
    }
    for panel, (key, (title, highest)) in zip(panels[0], looks.items(), strict=True):
        values = [row[key] for row in rows]
        panel.barh(place, values, color=colour, height=0.7)
        panel.set(xlim=(0, 1.03 * highest), title=title)
        panel.grid(axis="y", visible=False)
        if baseline in names:
            panel.axvline(values[names.index(baseline)], color=CYCLE[1], linestyle="--", linewidth=1)
    panels[0, 0].plot([row["least"] for row in rows], place, "|", color=INK, markersize=11, markeredgewidth=2)
    panels[0, 0].set(yticks=place, yticklabels=names)
    panels[0, 0].invert_yaxis()
    words = "; ".join(
        f"{row['name']}: {row['found']:.1f} of 8 (least {row['least']:g}), {row['good']:.0%} good, TV {row['tv']:.2f}"
        for row in rows
    )
    return Picture(figure, f"Modes found, share of good samples, and total variation to the data. {words}.")


def fooled(data: np.ndarray, sets: Mapping[str, np.ndarray], scores: Mapping[str, Mapping[str, float]]) -> Picture:
    """Sets of samples {name: (m, 2)} over the data (n, 2), and under each its scores {name: {measure: value}}.

    Values in [0, 1] are drawn as bars; the numbers are written beside them.
    """
    figure, panels = axes(2, len(sets), width=2.15, height=2.1, grid=False)
    measures = list(next(iter(scores.values())))
    place = np.arange(len(measures))
    half = 1.05 * max(np.abs(np.concatenate([data, *sets.values()])).max(), 1e-9)
    for (top, bottom), (name, points) in zip(panels.T, sets.items(), strict=True):
        top.scatter(*np.asarray(data).T, s=3, color=MUTED, alpha=0.5, linewidths=0)
        top.scatter(*np.asarray(points).T, s=5, color=CYCLE[1], linewidths=0)
        top.set(title=name, xlim=(-half, half), ylim=(-half, half), xticks=[], yticks=[], aspect="equal")
        top.title.set_fontsize(10)
        values = [scores[name][measure] for measure in measures]
        bottom.barh(place, np.clip(values, 0, 1), color=CYCLE[0], height=0.75)
        for i, value in enumerate(values):
            bottom.text(1.04, i, f"{value:.2f}", va="center", ha="left", fontsize=9)
        bottom.set(xlim=(0, 1.35), yticks=place, yticklabels=measures if top is panels[0, 0] else [], xticks=[0, 1])
        bottom.invert_yaxis()
    words = "; ".join(
        f"{name}: " + ", ".join(f"{measure} {value:.2f}" for measure, value in scores[name].items()) for name in sets
    )
    return Picture(figure, f"Sets of samples over the data, and what each measure says of them. {words}.")
