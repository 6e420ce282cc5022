"""The figures of pix2pix and CycleGAN."""

import numpy as np
import pytest
from pictures import assert_readable

from course.plots import translation

RNG = np.random.default_rng(0)
ANGLES = np.arange(-180, 181, 30)

PICTURES = {
    "best_answers": lambda: translation.best_answers([0.0, 0.2, 1.0], [0.2, 0.35, 0.45], "a cheek"),
    "patches": lambda: translation.patches(
        {name: RNG.random((3, 32, 32)) for name in ("real", "made")},
        {"real": np.full((7, 7), np.log(3)), "made": np.full((7, 7), -np.log(3))},
        (5, 26, 5, 26),
    ),
    "turns": lambda: translation.turns(ANGLES, {"cycle": 0 * ANGLES, "identity": np.abs(np.sin(ANGLES / 115))}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_can_be_read(name):
    assert_readable(PICTURES[name]())


def test_the_words_hold_the_numbers():
    alt = PICTURES["best_answers"]().alt
    assert "E |y - c| is lowest at 0.20, the median; E (y - c)² is lowest at 0.52, the mean" in alt
    assert "1.00 with probability 0.45" in alt
    alt = PICTURES["patches"]().alt
    assert "real 0.75 on average" in alt
    assert "7 by 7 patches" in alt
    assert "22 by 22 pixels" in alt
    alt = PICTURES["turns"]().alt
    assert "cycle lies between 0.00 and 0.00; identity lies between 0.00 and 1.00" in alt
    assert "lowest at 0 degrees" in alt
