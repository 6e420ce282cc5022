"""The figures of the chapter on training GANs."""

import numpy as np
import pytest
from pictures import assert_readable

from course.plots import gan_training as plots

RNG = np.random.default_rng(0)
X = np.linspace(-3, 3, 61)
P, Q = np.exp(-(X**2) / 2), np.exp(-((X - 1) ** 2) / 2)
REAL, FAKE = RNG.normal(size=(40, 2)), RNG.normal(size=(30, 2)) / 3
NAMES = ("KL", "reverse KL", "JS", "Pearson chi2", "squared Hellinger", "total variation")

PICTURES = {
    "loss_shapes": lambda: plots.loss_shapes(
        X, {"log D": np.exp(-X), "Wasserstein": -X}, {"log D": np.exp(-X), "Wasserstein": -X}
    ),
    "lines_below": lambda: plots.lines_below(X + 3, (X + 2) ** 2, {t: t + t**2 / 4 for t in (-1, 0, 2)}, "(u - 1)^2"),
    "best_answers": lambda: plots.best_answers(
        X,
        P,
        Q,
        {name: i * X for i, name in enumerate(NAMES, 1)},
        {name: i * X + 0.5 for i, name in enumerate(NAMES, 1)},
    ),
    "apart": lambda: plots.apart(
        X, {title: {"JS": np.minimum(np.abs(X), 0.69), "Wasserstein-1": np.abs(X)} for title in ("points", "lines")}
    ),
    "critics": lambda: plots.critics(
        X, REAL[:, 0], FAKE[:, 0], {"exact": np.abs(X), "clipped": 0.1 * X, "penalty": np.abs(X)}, ["W = 2"] * 3
    ),
    "surfaces": lambda: plots.surfaces(3, REAL, FAKE, {"clipped": np.add.outer(X, X), "flat": np.zeros((61, 61))}),
    "control": lambda: plots.control(
        {"gamma = 0.3": np.linspace(0, 0.1, 200)}, {"gamma = 0.3": np.linspace(0.2, 0.1, 200)}
    ),
    "control of two steps": lambda: plots.control({"gamma = 0.3": [0, 0.1]}, {"gamma = 0.3": [0.2, 0.1]}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_can_be_read(name):
    assert_readable(PICTURES[name]())


def test_the_words_hold_the_numbers():
    assert "Wasserstein has the slope -1.00 at -3 and -1.00 at 3" in PICTURES["loss_shapes"]().alt
    assert "slope 2 is lowered by f*(t) = 3.00" in PICTURES["lines_below"]().alt
    assert "KL 0.50, reverse KL 0.50" in PICTURES["best_answers"]().alt
    assert "points, JS: 0.69 near the end, 0.00 at 0" in PICTURES["apart"]().alt
    assert "clipped: W = 2, slopes up to 0.1" in PICTURES["critics"]().alt
    assert "clipped: slopes from 1.4 to 1.4; flat: slopes from 0 to 0" in PICTURES["surfaces"]().alt
    assert "k ends at 0.10, M goes from 0.199 to 0.101" in PICTURES["control"]().alt
