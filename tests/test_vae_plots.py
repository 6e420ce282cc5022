"""The figures of chapter 07: an image, words with the numbers that matter, letters that can be read."""

import numpy as np
import pytest
import torch
from pictures import assert_readable

from course.plots import vae as plots

RNG = np.random.default_rng(0)
MU = RNG.normal(size=(60, 3))
MOVES = torch.linspace(-0.6, 0.6, 5)
ALONG = {
    "smile": {"smile": 0.9 * MOVES, "yaw": 0.1 * MOVES, "hair": 0 * MOVES, "skin": -0.3 * MOVES},
    "yaw": {"smile": 0.05 * MOVES, "yaw": MOVES, "hair": 0.2 * MOVES, "skin": 0 * MOVES},
}

PICTURES = {
    "stages": plots.stages,
    "curve": lambda: plots.curve(range(0, 500, 10), np.geomspace(50, 18, 50), "loss"),
    "a curve of two values": lambda: plots.curve([2, 4], [3.0, 2.0], "loss"),
    "bernoulli_mass": lambda: plots.bernoulli_mass(np.linspace(0.1, 0.9, 9), np.linspace(0.5, 0.9, 9)),
    "plane": lambda: plots.plane(MU[:, :2], np.arange(60) % 10),
    "spectra": lambda: plots.spectra({"data": np.geomspace(9, 1, 17), "decoded": torch.logspace(1, -3, 17)}),
    "prior_and_codes": lambda: plots.prior_and_codes(torch.as_tensor(MU), 0.5 * MU),
    "changes": lambda: plots.changes(MOVES, ALONG),
    "kl_bars": lambda: plots.kl_bars({"a": np.array([0.0, 2.0, 1.0]), "b": torch.zeros(3)}),
    "bounds": lambda: plots.bounds([1, 10, 100], [-20.0, -19.0, -18.5], -18.0),
    "posteriors": lambda: plots.posteriors(lambda z: -(z**2).sum(1), {"q": MU[:, :2]}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_fits_the_page_and_has_words(name):
    assert_readable(PICTURES[name]())


def test_the_words_hold_the_numbers():
    assert "-19.00 for K = 10" in PICTURES["bounds"]().alt
    assert "log p(x) is -18.00" in PICTURES["bounds"]().alt
    assert "a: 2 of 3 above 0.05 nats, 3.0 in all" in PICTURES["kl_bars"]().alt
    assert "b: 0 of 3" in PICTURES["kl_bars"]().alt
    assert "of a move by 1.2, smile changes by 1.08, skin by -0.36" in PICTURES["changes"]().alt
    assert "from 3 to a running mean of 2 at 4" in PICTURES["a curve of two values"]().alt


def test_the_contours_hold_the_posterior():
    """Levels are chosen by the share of the density that they enclose: 95 % of a round one lies within 2.45 sd."""
    figure = plots.posteriors(lambda z: -0.5 * ((z / 0.7) ** 2).sum(1), {"q": MU[:, :2]}).figure
    outer = max(figure.axes[0].collections[0].get_paths(), key=lambda path: np.ptp(path.vertices[:, 0], axis=0))
    assert np.abs(outer.vertices[:, 0]).max() == pytest.approx(2.45 * 0.7, abs=0.1)
