"""The figures of chapter 10: an image, words with the numbers that matter, letters that can be read."""

import numpy as np
import pytest
import torch
from pictures import assert_readable

from course.plots import dcgan as plots

RNG = np.random.default_rng(0)
FACES = torch.rand(9, 3, 8, 8, generator=torch.Generator().manual_seed(0))
GROUPS = {name: (FACES[:3], FACES[0]) for name in ("man with glasses", "man", "woman")}
HISTORY = {"step": [10, 20, 30], "discriminator": [1.0, 1.2, 1.3], "generator": [0.5, 0.75, 0.8]}

PICTURES = {
    "tables": lambda: plots.tables({"y": np.eye(2), "zeros between": np.zeros((3, 3))}),
    "overlaps": lambda: plots.overlaps({"3 / 2": [1, 1, 2, 1, 2, 1, 2, 1, 1], "4 / 2": [1, 1, 2, 2, 2, 2, 2, 1, 1]}),
    "losses": lambda: plots.losses(HISTORY),
    "lengths": lambda: plots.lengths(
        np.linspace(0, 1, 3), {"chord": [[1, 0.7, 1]], "arc": torch.ones(2, 3)}, RNG.normal(1, 0.1, 99)
    ),
    "arithmetic": lambda: plots.arithmetic(GROUPS, FACES, "woman with glasses"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_fits_the_page_and_has_words(name):
    assert_readable(PICTURES[name]())


def test_the_words_hold_the_numbers():
    assert "zeros between: 3 by 3" in PICTURES["tables"]().alt
    assert "3 / 2: 1 to 2 stamps" in PICTURES["overlaps"]().alt
    assert "4 / 2: 2 to 2 stamps" in PICTURES["overlaps"]().alt
    assert "discriminator from 1.00 to 1.30" in PICTURES["losses"]().alt
    assert "in the middle chord 0.70, arc 1.00" in PICTURES["lengths"]().alt
    assert "man with glasses minus man plus woman" in PICTURES["arithmetic"]().alt
