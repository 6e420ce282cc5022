"""The figures of the laboratory on the ring."""

import numpy as np
import pytest
import torch
from pictures import assert_readable

from course.gan.ring import centres
from course.plots import gan_ring

SPOT = centres()[:1].repeat(100, 1)
ALL = centres().repeat(10, 1)
HISTORY = {"step": [10, 20], "D real": [0.6, 0.9], "D fake": [0.4, 0.1], "gradient": [0.1, 0.01], "spread G": [1, 0.9]}
ROWS = [
    {"name": "plain", "found": 2.5, "least": 1, "good": 0.3, "tv": 0.7},
    {"name": "noise", "found": 8, "least": 8, "good": 0.9, "tv": 0.2},
]
POINTS = np.random.default_rng(0).normal(size=(50, 2))

PICTURES = {
    "snapshots": lambda: gan_ring.snapshots({"one": [(0, ALL), (10, SPOT)], "all": [(0, SPOT), (10, ALL)]}, columns=2),
    "visits": lambda: gan_ring.visits(
        {"hops": [(0, ALL), (5, SPOT.roll(1, 1)), (9, SPOT)], "rests": [(0, ALL), (9, ALL)]}
    ),
    "diagnosis": lambda: gan_ring.diagnosis({"a": HISTORY, "b": HISTORY}),
    "ranking": lambda: gan_ring.ranking(ROWS, "plain"),
    "fooled": lambda: gan_ring.fooled(
        POINTS,
        {"copies": POINTS, "point": POINTS[:1]},
        {n: {"recall": 0.5, "density": 1.2} for n in ("copies", "point")},
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_can_be_read(name):
    assert_readable(PICTURES[name]())


def test_the_words_hold_the_numbers():
    assert "one: 1 of 8 modes at the end, 100% of the samples good; all: 8 of 8" in PICTURES["snapshots"]().alt
    assert (
        "hops: in the second half 1.0 modes at a time, 2 visited in turn; rests: in the second half 8.0 modes"
        in PICTURES["visits"]().alt
    )
    assert "a: D real 0.75, D fake 0.25" in PICTURES["diagnosis"]().alt
    assert "plain: 2.5 of 8 (least 1), 30% good, TV 0.70" in PICTURES["ranking"]().alt
    assert "copies: recall 0.50, density 1.20" in PICTURES["fooled"]().alt


def test_samples_that_are_no_numbers_are_drawn_as_none():
    picture = gan_ring.snapshots({"NaN": [(0, torch.full((9, 2), torch.nan)), (1, ALL)]}, columns=2)
    assert_readable(picture)
