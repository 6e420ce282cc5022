import numpy as np
import pytest
from pictures import assert_readable

from course.plots import robust as plots
from course.robust import TukeyMedian
from course.robust.contamination import gaussian, huber_sample

X, IS_CLEAN = huber_sample(80, 0.2, contamination=gaussian([3.0, 1.0]), rng=0)
MARKS = {"mean": X.mean(axis=0), "Tukey": TukeyMedian().fit(X).location_}
CURVES = {"one": [1.0, 2.0, 4.0], "two": [3.0, 3.0, 3.0], "three": [1.0, 2.1, 4.1]}

PICTURES = {
    "contaminated": lambda: plots.contaminated(X, IS_CLEAN),
    "moving_away": lambda: plots.moving_away([1.0, 10, 100], CURVES),
    "twins": lambda: plots.twins(0.2),
    "halfplanes": lambda: plots.halfplanes(X, [[0, 0], [9, 9]]),
    "depth_contours": lambda: plots.depth_contours(X, [0.1, 0.3], IS_CLEAN, MARKS),
    "estimates": lambda: plots.estimates(X, IS_CLEAN, MARKS),
    "breakdown": lambda: plots.breakdown([0.0, 0.1, 0.2], {"holds": [0.1, 0.2, 0.3], "breaks": [0.1, 1e5, 1e5]}),
    "power_laws": lambda: plots.power_laws([("p", [1, 2, 4], CURVES), ("eps", [1, 2, 4], CURVES)], "error"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_has_an_image_and_words(name):
    assert_readable(PICTURES[name]())
    assert PICTURES[name]().png() == PICTURES[name]().png()


def test_the_words_say_what_is_measured():
    assert "(0.0, 0.0): " in PICTURES["halfplanes"]().alt
    assert "(9.0, 9.0): 0" in PICTURES["halfplanes"]().alt
    assert "Tukey at" in PICTURES["depth_contours"]().alt
    assert f"mean {np.linalg.norm(MARKS['mean']):.2f}" in PICTURES["estimates"]().alt
    assert "one against p 1.00; two against p 0.00" in PICTURES["power_laws"]().alt
    assert "holds 0.20; breaks 0.00" in PICTURES["breakdown"]().alt


def test_a_slope_is_the_exponent_of_a_power_law():
    x = np.array([1.0, 3, 10, 40])
    assert plots.slope(x, 7 * x**-0.5) == pytest.approx(-0.5)


def test_limits_are_the_last_share_before_the_jump():
    shares = np.array([0.0, 0.1, 0.2, 0.3])
    moved = {"never": [0, 1, 1, 1], "at .2": [0, 1, 1e5, 1e5], "at once": [1e5, 1e5, 1e5, 1e5]}
    assert plots.limits(shares, moved) == {"never": 0.3, "at .2": 0.1, "at once": 0.0}


def test_regions_that_are_empty_or_flat_are_left_out():
    assert "0.9" not in plots.depth_contours(X, [0.2, 0.3, 0.9], IS_CLEAN, MARKS).alt
