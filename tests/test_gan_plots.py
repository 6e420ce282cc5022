"""The figures of the chapters on the game of a GAN and on JS-GAN."""

import numpy as np
import pytest
from pictures import assert_readable

from course.plots import gan, js_gan

RNG = np.random.default_rng(0)
X = np.linspace(-2, 2, 41)
BELL = np.exp(-(X**2))
LOSSES = {"step": [0, 10, 20], "discriminator": [1.4, 1.3, 1.38], "generator": [0.7, 0.8, 0.75]}

PICTURES = {
    "discriminators": lambda: gan.discriminators(X, BELL, BELL[::-1], {"best": BELL / 2, "learnt": BELL / 2 + 0.1}),
    "slopes": lambda: gan.slopes(np.logspace(-3, -0.1, 9), -np.logspace(-3, -0.1, 9), np.logspace(-3, -0.1, 9) - 1),
    "scene": lambda: gan.scene(RNG.normal(size=(50, 2)), RNG.normal(size=(9, 2)), np.full((5, 5), 0.4), 3, 10, LOSSES),
    "field": lambda: gan.field({"out": np.array([[0.5, 0], [1, 0]]), "round": np.array([[0.5, 0], [0, 0.5]])}),
    "landscapes": lambda: js_gan.landscapes(X, {"a": X**2, "b": np.abs(X - 1)}, {"truth": 0.0, "mean": 1.0}),
    "path": lambda: js_gan.path([0, 10, 20], np.array([0.2, 0.1, 0.0]), {"truth": 0.0}),
    "landings": lambda: js_gan.landings({"mean": [0.2, 0.21], "JS": [0.0, 0.01]}, 0.2),
    "population": lambda: js_gan.population(np.arange(1.0, 4), {"JS": [0.1, 0.3, 0.2], "mean": [0.2, 0.4, 0.6]}, 0.2),
    "rates": lambda: js_gan.rates({"n": ((100, 400), {"JS": [0.2, 0.1]}), "p": ((5, 20), {"JS": [0.1, 0.2]})}),
    "outlier_scores": lambda: js_gan.outlier_scores(
        {"clean": RNG.random(50) / 2, "outliers": np.ones(9)}, ([0, 0, 1], [0, 1, 1]), 1.0
    ),
    "scoring_rules": lambda: js_gan.scoring_rules(
        T, {"log": (np.log(T), np.log(1 - T)), "quadratic": (-((1 - T) ** 2), -(T**2))}, 0.7
    ),
}
T = np.linspace(0.05, 0.95, 19)


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_can_be_read(name):
    assert_readable(PICTURES[name]())


def test_the_words_hold_the_numbers():
    assert "learnt is 0.10 away" in PICTURES["discriminators"]().alt
    assert "out: from 0.50 to 1.00" in PICTURES["field"]().alt
    assert "a: lowest at 0.00; b: lowest at 1.00" in PICTURES["landscapes"]().alt
    assert "mean: 0.205 on average" in PICTURES["landings"]().alt
    assert "JS at most 0.300, at a distance of 2.0" in PICTURES["population"]().alt
    assert "JS against n: slope -0.50" in PICTURES["rates"]().alt


def test_a_proper_rule_pays_most_at_the_truth():
    assert "log pays most at t = 0.70; quadratic pays most at t = 0.70" in PICTURES["scoring_rules"]().alt
