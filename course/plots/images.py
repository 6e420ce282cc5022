"""Small images in a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from course.plots.picture import Picture
from course.plots.style import axes


def gallery(images: ArrayLike, titles: Sequence | None = None, columns: int = 10, what: str = "images") -> Picture:
    """Images (n, H, W), dark for large values, or (n, H, W, 3) in [0, 1], row by row; `what` names them."""
    images = np.asarray(images)
    if images.ndim not in (3, 4) or len(images) == 0:
        raise ValueError(f"images have shape {images.shape}; expected (n, H, W) or (n, H, W, 3) with n at least 1")
    rows = math.ceil(len(images) / columns)
    figure, panels = axes(rows, columns, width=0.9, height=0.9 if titles is None else 1.15, grid=False)
    for panel in panels.flat:
        panel.axis("off")
    for i, (panel, image) in enumerate(zip(panels.flat, images, strict=False)):
        panel.imshow(image, cmap="gray_r" if image.ndim == 2 else None, interpolation="nearest")
        if titles is not None:
            panel.set_title(str(titles[i]), loc="center", fontsize=10)
    named = "" if titles is None else f", titled {', '.join(map(str, titles))}"
    return Picture(figure, f"{len(images)} {what} in a grid of {rows} rows{named}.")
