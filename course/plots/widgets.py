"""Widgets: a figure that answers to a slider, a choice or buttons. The figure stands first; the widget redraws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ipywidgets

from course.plots.picture import Picture


def slider(
    draw: Callable[[float], Picture], label: str, low: float, high: float, value: float, step: float = 1
) -> ipywidgets.VBox:
    """A slider above the picture that `draw` makes of its value."""
    return sliders(draw, {label: (low, high, value, step)})


def sliders(draw: Callable[..., Picture], knobs: Mapping[str, tuple[float, float, float, float]]) -> ipywidgets.VBox:
    """Sliders above the picture that `draw(*values)` makes of their values.

    knobs   {label: (low, high, value, step)}, in the order of draw's arguments

    The picture is an <img> inside the widget, so its text alternative moves with the sliders too.
    """
    handles = [
        ipywidgets.FloatSlider(
            value=value,
            min=low,
            max=high,
            step=step,
            description=label,
            readout_format=".0f" if float(step).is_integer() else ".2f",
            style={"description_width": "initial"},
            layout={"width": "28em"},
        )
        for label, (low, high, value, step) in knobs.items()
    ]
    picture = ipywidgets.HTML(draw(*(handle.value for handle in handles)).html())

    def redraw(_: dict) -> None:
        picture.value = draw(*(handle.value for handle in handles)).html()

    for handle in handles:
        handle.observe(redraw, names="value")
    return ipywidgets.VBox([*handles, picture])


def chooser(
    draw: Callable[[str], Picture], label: str, options: Sequence[str], value: str | None = None
) -> ipywidgets.VBox:
    """A row of named buttons, one of them pressed, above the picture that `draw` makes of the name."""
    value = options[0] if value is None else value
    picture = ipywidgets.HTML(draw(value).html())
    knob = ipywidgets.ToggleButtons(
        options=list(options), value=value, description=label, style={"description_width": "initial"}
    )
    knob.observe(lambda change: setattr(picture, "value", draw(change["new"]).html()), names="value")
    return ipywidgets.VBox([knob, picture])


def stepper(frames: Callable[[int], Sequence[Callable[[], Picture]]], what: str = "start") -> ipywidgets.VBox:
    """Buttons that go forward and back through the pictures of a sequence, and on to another sequence.

    frames(0), frames(1), ... are the sequences, each of functions that draw one picture: only what is shown is drawn.
    `what` names a sequence, as in "another start".
    """
    back, forward, another = (
        ipywidgets.Button(description=text, icon=icon, layout={"width": "auto"})
        for text, icon in (("back", "arrow-left"), ("forward", "arrow-right"), (f"another {what}", "random"))
    )
    where, picture = ipywidgets.HTML(), ipywidgets.HTML()
    number, at, sequence = 0, 0, frames(0)

    def show() -> None:
        where.value = f"{what} {number + 1}, step {at + 1} of {len(sequence)}"
        picture.value = sequence[at]().html()
        back.disabled, forward.disabled = at == 0, at == len(sequence) - 1

    def go(button: ipywidgets.Button) -> None:
        nonlocal number, at, sequence
        if button is another:
            number, at = number + 1, 0
            sequence = frames(number)
        else:
            at = min(max(at + (1 if button is forward else -1), 0), len(sequence) - 1)
        show()

    for button in (back, forward, another):
        button.on_click(go)
    show()
    return ipywidgets.VBox([ipywidgets.HBox([back, forward, another, where]), picture])
