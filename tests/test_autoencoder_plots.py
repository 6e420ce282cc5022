"""The figures of the autoencoder chapter: an image and words each, small enough for a page, large enough to read."""

import numpy as np
import pytest
from matplotlib.text import Text
from pictures import assert_readable

from course.plots import autoencoders as plots

RNG = np.random.default_rng(0)
DEGREES = 80 * np.exp(-np.arange(30)[:, None] * np.array([0.5, 0.2]))
ATOMS = RNG.normal(size=(4, 6, 6))
UP = np.array([[1.0, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]])

PICTURES = {
    "angles": lambda: plots.angles(range(30), DEGREES),
    "mixing": lambda: plots.mixing(np.linalg.qr(ATOMS[0])[0]),
    "atoms": lambda: plots.atoms({"signed": ATOMS, "positive": np.abs(ATOMS), "fewer": ATOMS[:2]}),
    "upconvolution": lambda: plots.upconvolution([[1.0, 2], [3, 4]], np.ones((2, 2)), UP, 2),
    "few_labels": lambda: plots.few_labels(
        [1, 10], {"a": [[0.5, 0.6], [0.8, 0.9]], "b": [[0.6, 0.7], [0.8, 0.9]]}, [0.1, 0], [[0, 0.2], [-1, 1]], "b - a"
    ),
    "code_clouds": lambda: plots.code_clouds({"codes": RNG.normal(size=(50, 8)), "noise": RNG.normal(size=(9, 2))}),
    "labelled codes": lambda: plots.code_clouds({"codes": RNG.normal(size=(50, 8))}, np.arange(50) % 10),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_has_an_image_and_words_and_fits_a_page(name):
    assert_readable(PICTURES[name]())


@pytest.mark.parametrize("name", PICTURES)
def test_no_word_is_cut_at_the_edge(name):
    figure = PICTURES[name]().figure
    figure.draw_without_rendering()
    page = figure.bbox
    ticks = [label for panel in figure.axes for label in (*panel.get_xticklabels(), *panel.get_yticklabels())]
    for text in figure.findobj(Text):
        if text.get_text() and text not in ticks:  # ticks beyond the limits are never drawn
            box = text.get_window_extent()
            assert box.x0 >= page.x0 - 1, text.get_text()
            assert box.x1 <= page.x1 + 1, text.get_text()
            assert box.y0 >= page.y0 - 1, text.get_text()
            assert box.y1 <= page.y1 + 1, text.get_text()


def test_the_words_tell_the_numbers():
    assert "from 80 degrees to 2.4e-01 degrees after 29 steps" in PICTURES["angles"]().alt
    assert "rows are 1 1 2 2; 1 1 2 2; 3 3 4 4; 3 3 4 4" in PICTURES["upconvolution"]().alt
    words = PICTURES["few_labels"]().alt
    assert "a 0.55, 0.85; b 0.65, 0.85" in words
    assert "10.0 (0.0 to 20.0), 0.0 (-100.0 to 100.0)" in words
    assert "no atom of positive has negative ones" in PICTURES["atoms"]().alt
