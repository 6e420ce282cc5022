"""The look: a palette that colour-blind readers can tell apart, sizes that can be read at 100 %."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito (2008), Color Universal Design; the yellow, too pale for lines on white, comes last.
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#F0E442")
INK, MUTED, GRID = "#222222", "#767676", "#DDDDDD"  # MUTED on white has a contrast of 4.5, the least for text

STYLE: dict[Any, Any] = {
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "lines.linewidth": 2,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "image.cmap": "viridis",
    "axes.prop_cycle": cycler(color=CYCLE),
}


def axes(
    rows: int = 1, columns: int = 1, width: float = 4.2, height: float = 3.6, grid: bool = True, **kwargs
) -> tuple[Figure, np.ndarray]:
    """A figure of rows x columns panels in the course's look, each width x height inches.

    Returns the figure and its axes, an array of shape (rows, columns). kwargs go to Figure.subplots. The figure
    belongs to no backend: it is shown by wrapping it in a Picture, never by itself.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, **kwargs)
    if not grid:
        for panel in panels.flat:
            panel.grid(False)
    return figure, panels


def colours(labels: Sequence | np.ndarray) -> list[str]:
    """A colour of the palette for every label; equal labels get equal colours, in sorted order of the labels."""
    order = {label: i for i, label in enumerate(sorted(set(np.asarray(labels).tolist())))}
    return [CYCLE[order[label] % len(CYCLE)] for label in np.asarray(labels).tolist()]


def equal(panel: Axes) -> None:
    """One unit has the same length on both axes: angles on the page are angles in the data."""
    panel.set_aspect("equal", adjustable="datalim")
