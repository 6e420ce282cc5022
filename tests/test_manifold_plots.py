"""The figures of the chapter on manifold learning: images, words, and the numbers in the words."""

import numpy as np
import pytest
from pictures import assert_readable

from course.data import manifolds
from course.plots import manifolds as plots
from course.unsupervised import graph, localisation

ROLL = manifolds.swiss_roll(120)
BALL = manifolds.sphere_with_hole(60)
Z = ROLL.truth
SENSORS = np.random.default_rng(0).uniform(-0.5, 0.5, size=(6, 2))
ANCHORS = np.array([[-0.4, -0.4], [0.4, -0.4], [0.0, 0.4]])
WALK = np.eye(120)[3] * 0.5 + 0.5 / 120
EVERY, LENGTHS = slice(None), np.arange(1.0, 5)

PICTURES = {
    "surface": lambda: plots.surface(ROLL.X, ROLL.truth, ROLL.colour, ROLL.name),
    "surface without a truth": lambda: plots.surface(BALL.X, None, BALL.colour, BALL.name),
    "maps": lambda: plots.maps({"one": Z, "two": Z, "three": Z, "four": Z}, ROLL.colour),
    "maps with labels": lambda: plots.maps({"one": Z}, np.arange(120) % 6, columns=1),
    "two_ways": lambda: plots.two_ways(ROLL.X, [0, 5, 9], LENGTHS, np.ones(4), LENGTHS, ROLL.colour),
    "reconstruction": lambda: plots.reconstruction(np.zeros(2), np.eye(2) + 0.1, np.array([0.5, 0.5])),
    "spreading": lambda: plots.spreading(ROLL.X, 3, {1: WALK, 20: WALK}),
    "rates": lambda: plots.rates({"alpha = 0": np.array([1.1, 2.0]), "alpha = 1": np.ones(2)}, np.ones(2)),
    "networks": lambda: plots.networks(
        {name: (localisation.measured(SENSORS, ANCHORS), SENSORS + 0.01, np.full(6, 0.1)) for name in "abc"},
        SENSORS,
        ANCHORS,
    ),
    "error_curve": lambda: plots.error_curve([0, 0.1], np.array([[0, 0.1], [0.2, 0.3]]), "noise", "error"),
    "comparison": lambda: plots.comparison(
        [
            (surface.name, surface.X, surface.colour, {m: (surface.X[:, :2], EVERY) for m in "abcdefghi"})
            for surface in (ROLL, BALL, manifolds.digits(50))
        ]
    ),
    "graph_and_map": lambda: plots.neighbours(ROLL.X, ROLL.truth, ROLL.colour, 6),
    "graph in pieces": lambda: plots.neighbours(ROLL.X, ROLL.truth, ROLL.colour, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_has_an_image_and_words(name):
    assert_readable(PICTURES[name]())


def test_short_circuits_are_counted():
    """Two samples on neighbouring turns, joined: the true way is a turn long, the edge some 2 pi."""
    roll = manifolds.swiss_roll(500)
    good = plots.neighbours(roll.X, roll.truth, roll.colour, 8)
    bad = plots.neighbours(roll.X, roll.truth, roll.colour, 12)
    assert "no short circuit" in good.alt
    edges = graph.neighbour_graph(roll.X, 12).tocoo()
    i, j = edges.coords
    true = np.linalg.norm(roll.truth[i] - roll.truth[j], axis=1)
    count = int((true > 3 * edges.data).sum() / 2)
    assert count > 1
    assert f"{count} short circuits" in bad.alt


def test_a_graph_in_pieces_is_said_to_be():
    assert "not connected" in plots.neighbours(ROLL.X, ROLL.truth, ROLL.colour, 1).alt


def test_the_curve_tells_its_medians():
    words = plots.error_curve([0, 0.1], np.array([[0, 0, 9], [1, 2, 3]]), "noise", "error").alt
    assert "0.000 at 0" in words
    assert "2.000 at 0.1" in words
