import numpy as np
import pytest
import torch
from pictures import assert_readable

from course.plots import adversarial as plots

rng = np.random.default_rng(0)
T = np.linspace(0, 1, 9)
COST = np.abs(np.subtract.outer([0.2, 0.8], T))

PICTURES = {
    "signed": lambda: plots.signed(rng.normal(size=(6, 4, 4)), list("abcdef"), columns=3, what="six changes"),
    "accuracy_curves": lambda: plots.accuracy_curves({"a": ([0, 1], {"x": [1, 0.5], "y": [0.9, 0]})}),
    "heat_table": lambda: plots.heat_table(rng.uniform(size=(3, 2)), list("abc"), list("xy"), "accuracy", "from", "to"),
    "linear_classifiers": lambda: plots.linear_classifiers(
        rng.normal(size=(8, 2)), np.array([-1, 1] * 4), {"plain": ([1.0, 0.5], 0.1), "robust": ([1.0, 0.0], 0.0)}, 0.2
    ),
    "along_a_line": lambda: plots.along_a_line(T, {"a": T, "b": 0 * T}, {"a": 1 + T, "b": 0 * T}),
    "transport": lambda: plots.transport(T, np.sin(9 * T), [0.2, 0.8], np.eye(2, 9) / 2, T, 1 + (T - 0.5) ** 2),
    "weights_by_loss": lambda: plots.weights_by_loss(T, {"mean": np.full(9, 1 / 9), "worst": np.eye(9)[8]}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_has_an_image_and_words(name):
    assert_readable(PICTURES[name]())


def test_zero_is_white_and_the_signs_have_their_colours():
    picture = plots.signed(torch.tensor([[[0.0, 1.0], [-1.0, 0.0]]]), cell=0.5)
    pixels = np.asarray(picture.figure.axes[0].images[0].get_array())
    seen = {tuple(np.round(pixel, 2)) for pixel in pixels.reshape(-1, 3)}
    assert seen == {(1.0, 1.0, 1.0), (0.7, 0.09, 0.17), (0.13, 0.4, 0.67)}


def test_a_given_scale_holds_for_all_images():
    one, other = np.full((1, 2, 2), 0.5), np.full((1, 2, 2), 1.0)
    both = plots.signed(np.concatenate([one, other]), scale=1.0)
    pixels = np.asarray(both.figure.axes[0].images[0].get_array()).reshape(-1, 3)
    assert len({tuple(np.round(pixel, 3)) for pixel in pixels}) == 3, "white and two reds"
    blank = np.asarray(plots.signed(np.zeros((1, 2, 2))).figure.axes[0].images[0].get_array())
    assert (blank == 1).all()


def test_the_words_hold_the_numbers():
    assert "x: 1.00, 0.50" in PICTURES["accuracy_curves"]().alt
    assert "b: the gradient is exactly zero at 100% of the places" in PICTURES["along_a_line"]().alt
    assert "worst: 11% of the samples count, the worst 9.0 times" in PICTURES["weights_by_loss"]().alt


def test_the_samples_that_an_adversary_wins_are_counted():
    X, y = np.array([[1.0, 0.0], [0.1, 0.0], [-1.0, 0.0], [0.5, 0.0]]), np.array([1, 1, -1, -1])
    picture = plots.linear_classifiers(X, y, {"line": ([1.0, 0.0], 0.0)}, 0.2)
    assert "line: 50% of the samples are lost" in picture.alt
