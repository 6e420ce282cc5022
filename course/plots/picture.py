"""A figure together with its text alternative."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Picture:
    """A matplotlib figure and the words that stand for it.

    In JupyterLab it shows as an image whose `alt` attribute holds the words, so that a screen reader speaks them;
    in a terminal, or where images are off, the words show alone.

    figure   the matplotlib Figure; change it freely before it is shown
    alt      what there is to see, in a sentence or two
    """

    def __init__(self, figure: Figure, alt: str):
        if not alt.strip():
            raise ValueError("a picture needs a text alternative: say in a sentence what there is to see")
        self.figure, self.alt = figure, " ".join(alt.split())

    def png(self) -> bytes:
        """The image, at 100 pixels to the inch."""
        stream = io.BytesIO()
        self.figure.savefig(stream, format="png", metadata={"Description": self.alt, "Software": None})
        return stream.getvalue()

    def html(self) -> str:
        """An HTML <img> that carries the image and the words."""
        data = base64.b64encode(self.png()).decode()
        return (
            f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{data}" '
            'style="max-width:100%;background:white">'
        )

    def save(self, path: str | Path) -> None:
        """Write the image to a file, in the format of its ending (png, pdf, svg)."""
        self.figure.savefig(path)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": self.alt}

    def __repr__(self) -> str:
        return self.alt
