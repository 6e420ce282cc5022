"""The figures of the chapter on generative models: images, words, and the numbers in the words."""

import numpy as np
import pytest
import torch
from pictures import assert_readable

from course.likelihood import mixture
from course.plots import generative as plots

POINTS, DIGITS = mixture.ring(800), torch.rand(50, 64)
LOWER = np.tril(np.random.default_rng(0).random((64, 64)), -1)

PICTURES = {
    "taxonomy": plots.taxonomy,
    "both": lambda: plots.both("a model", POINTS, DIGITS),
    "both with a density": lambda: plots.both("a model", POINTS, DIGITS, np.ones((20, 20))),
    "clouds": lambda: plots.clouds({f"{k} steps": POINTS for k in range(5)}),
    "one cloud": lambda: plots.clouds({"data": POINTS}),
    "causality": lambda: plots.causality({"MADE": LOWER, "PixelCNN": LOWER}, 27),
    "trade_off": lambda: plots.trade_off({"a": 0.4, "b": 0.5, "c": float("nan")}, {"a": 0.6, "b": 0.7, "c": 0.9}, 0.5),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_has_an_image_and_words(name):
    assert_readable(PICTURES[name]())


def test_the_taxonomys_boxes_do_not_overlap():
    figure = PICTURES["taxonomy"]().figure
    boxes = [patch.get_bbox() for patch in figure.axes[0].patches]
    assert len(boxes) == 17
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[:i])


def test_the_share_near_the_modes_counts():
    """Three standard deviations in the plane hold 1 - exp(-9/2) = 0.989 of a Gaussian; 800 points, seed 0, and five
    standard errors."""
    assert abs(plots.near_modes(POINTS) - 0.989) < 5 * (0.989 * 0.011 / 800) ** 0.5
    assert plots.near_modes(np.zeros((5, 2))) == 0
    assert "99% of them lie" in PICTURES["both"]().alt or "98% of them lie" in PICTURES["both"]().alt


def test_a_leak_is_counted():
    leaky = LOWER + np.eye(64)
    assert "MADE: 0 entries" in plots.causality({"MADE": LOWER}, 5).alt
    assert "pixel 5 sees 5 of the 5" in plots.causality({"MADE": LOWER}, 5).alt
    assert "leaky: 64 entries" in plots.causality({"leaky": leaky}, 5).alt


@pytest.mark.parametrize("shapes", [((5, 3), (5, 64)), ((5, 2), (5, 63))])
def test_other_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match="are drawn"):
        plots.both("a model", *map(np.zeros, shapes))
