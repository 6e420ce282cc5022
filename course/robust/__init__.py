"""Adversarial robustness, robust objectives, Huber's model, medians, depth and JS-GAN.

The estimators follow scikit-learn's interface: `from course.robust import JSGANLocation`. Torch is loaded when the
first JS-GAN is asked for.
"""

from __future__ import annotations

import importlib

_HOMES = {
    "JSGANLocation": "js_gan",
    "JSGANScatter": "js_gan",
    "TukeyMedian": "depth",
    "halfspace_depth": "depth",
    "CoordinateMedian": "medians",
    "GeometricMedian": "medians",
}

__all__ = list(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
