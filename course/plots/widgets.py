"""Widgets: a figure that answers to a slider. The figure stands first; the slider only redraws it."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets

from course.plots.picture import Picture


def slider(
    draw: Callable[[float], Picture], label: str, low: float, high: float, value: float, step: float = 1
) -> ipywidgets.VBox:
    """A slider above the picture that `draw` makes of its value.

    The picture is an <img> inside the widget, so its text alternative moves with the slider too.
    """
    picture = ipywidgets.HTML(draw(value).html())
    knob = ipywidgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label,
        readout_format=".0f" if float(step).is_integer() else ".2f",
        style={"description_width": "initial"},
        layout={"width": "28em"},
    )

    def redraw(change: dict) -> None:
        picture.value = draw(change["new"]).html()

    knob.observe(redraw, names="value")
    return ipywidgets.VBox([knob, picture])
