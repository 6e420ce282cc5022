"""Small images in a grid: samples, reconstructions, sweeps."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from course.plots.picture import Picture
from course.plots.style import axes

DPI, GAP, LINE = 100, 4, 16  # pixels to the inch, between images, and for a line of a title
WIDEST, HIGHEST = 1096, 896  # of a figure, in pixels: a notebook's column, and a screen
LETTER = 7.0  # the usual width of a letter of a title, in pixels; of a row label a sixth more


def gallery(
    images: ArrayLike,
    titles: Sequence | None = None,
    columns: int = 10,
    what: str = "images",
    *,
    row_labels: Sequence | None = None,
    ink: bool = True,
    cell: float = 0.9,
) -> Picture:
    """Images in a grid, row by row.

    images      arrays or torch tensors: (n, C, H, W) with C = 1 (grey) or 3 (colour), or (n, H, W, 3), values in
                [0, 1], clipped where they lie outside; or (n, H, W), grey from the least value of all to the largest
    titles      one above each image, wrapped to its width; give "" to those that need none
    columns     images in a row
    what        names the images in the text alternative: say what there is to see, "faces, from a frown to a smile"
    row_labels  one to the left of each row
    ink         grey images: large values are dark, as in handwriting; False: they are light, as in a photograph
    cell        about the width of an image, in inches; made smaller where the grid would not fit in a notebook

    A tensor that needs a gradient or lies on a GPU is taken as well. An image's pixels get equal squares where they
    are small enough for that. Raises ValueError for another shape, for NaN, and for whole numbers such as 0 to 255
    where [0, 1] is expected.

    Rows that belong together, such as images above their reconstructions: np.concatenate([x, x_hat]) with
    columns=len(x) and row_labels=["x", "decoded"].
    """
    colours = _colours(images, ink)
    n, height, width = colours.shape[:3]
    columns = min(columns, n)
    if columns < 1:
        raise ValueError(f"columns = {columns}; a row has at least one image")
    rows = math.ceil(n / columns)
    words = [""] * n if titles is None else [str(title) for title in titles]
    labels = [""] * rows if row_labels is None else [str(label) for label in row_labels]
    if len(words) != n or len(labels) != rows:
        raise ValueError(f"{len(words)} titles and {len(labels)} row labels for {n} images in {rows} rows")

    margin = math.ceil(max(len(line) for label in labels for line in (label + "\n").splitlines()) * LETTER * 7 / 6)
    margin += 14 if any(labels) else 0  # wide letters
    most = min(1.1 * cell * DPI, (WIDEST - margin) / columns - GAP, HIGHEST / rows - GAP - (LINE if any(words) else 0))
    zoom = math.floor(most / width) if most >= width else max(most, 12) / width
    w, h = math.floor(zoom * width), math.floor(zoom * height)
    wrapped = [textwrap.fill(word, max(4, int((w + GAP) / LETTER))) for word in words]
    in_row = [wrapped[r * columns : (r + 1) * columns] for r in range(rows)]
    bands = [LINE * max((title.count("\n") + 1 if title else 0) for title in row) for row in in_row]

    sheet = np.ones((rows * (h + GAP) + sum(bands) + GAP, margin + columns * (w + GAP) + GAP, 3))
    figure, panels = axes(width=sheet.shape[1] / DPI, height=sheet.shape[0] / DPI, grid=False)
    figure.set_layout_engine("none")
    panel = panels[0, 0]
    panel.set_position((0, 0, 1, 1))
    panel.axis("off")
    ys, xs = np.arange(h) * height // h, np.arange(w) * width // w
    for i, image in enumerate(colours):
        row, column = divmod(i, columns)
        top, left = GAP + row * (h + GAP) + sum(bands[: row + 1]), margin + GAP + column * (w + GAP)
        sheet[top : top + h, left : left + w] = image[ys][:, xs]
        if wrapped[i]:
            panel.text(left + w / 2, top - 3, wrapped[i], ha="center", va="bottom", fontsize=9, linespacing=1.1)
        if column == 0 and labels[row]:
            panel.text(margin - 2, top + h / 2, labels[row], ha="right", va="center", fontsize=10)
    panel.imshow(sheet, interpolation="nearest", extent=(0, sheet.shape[1], sheet.shape[0], 0), aspect="auto")
    alt = f"{n} {what}, of {height} by {width} pixels, in a grid of {_counted(rows, 'row')} of {columns}"
    return Picture(figure, alt + _listed("titled", words) + _listed("the rows labelled", labels) + ".")


def _colours(images: ArrayLike, ink: bool) -> np.ndarray:
    """Any of the shapes that `gallery` takes as (n, H, W, 3) in [0, 1]."""
    if hasattr(images, "detach"):  # a torch tensor
        images = images.detach().cpu()
    x = np.asarray(images)
    channels_first = x.ndim == 4 and x.shape[1] in (1, 3)
    if x.size == 0 or not (x.ndim == 3 or channels_first or (x.ndim == 4 and x.shape[3] == 3)):
        raise ValueError(
            f"images have shape {x.shape}; expected (n, C, H, W) with C = 1 or 3, (n, H, W) or (n, H, W, 3)"
        )
    if x.ndim == 4 and x.dtype.kind in "iu" and x.max() > 1:
        raise ValueError(f"images hold whole numbers up to {x.max()}; expected values in [0, 1]: divide by the largest")
    x = x.astype(float)
    if not np.isfinite(x).all():
        raise ValueError("images hold NaN or infinite values: look for the step that made them")
    if x.ndim == 3:
        low, high = x.min(), x.max()
        x = ((x - low) / (high - low) if high > low else x - low)[:, None]
        channels_first = True
    x = x.transpose(0, 2, 3, 1) if channels_first else x
    x = x.clip(0, 1)
    if x.shape[3] == 1:
        x = np.repeat(1 - x if ink else x, 3, axis=3)
    return x


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _listed(verb: str, words: Sequence[str], most: int = 30) -> str:
    named = [" ".join(word.split()) for word in words if word]
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return f", {verb} {', '.join(named[:most])}{more}" if named else ""
