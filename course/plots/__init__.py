"""The course's figures: one look, one call each, and a text alternative on every one.

A figure function takes arrays and returns a `Picture`; it draws nothing by itself and keeps no global state.
"""

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes, colours

__all__ = ["CYCLE", "INK", "MUTED", "Picture", "axes", "colours"]
