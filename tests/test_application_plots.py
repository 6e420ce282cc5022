"""The figures and the text box of the chapter on applications of GANs."""

import numpy as np
import pytest
from pictures import assert_readable

from course.plots import applications
from course.plots.images import gallery

CURVE = {
    "step": [10, 20, 30],
    "error of real": [0.2, 0.15, 0.1],
    "error of generated": [0.1, 0.12, 0.09],
    "k": [0.0, 0.02, 0.01],
    "M": [0.3, 0.2, 0.1],
}
H = np.array([0.1, 0.2, 0.4])

PICTURES = {
    "balance": lambda: applications.balance(CURVE, 0.9),
    "balance of one round": lambda: applications.balance({name: values[:1] for name, values in CURVE.items()}, 0.9),
    "bars": lambda: applications.bars("abcdefgh", {"real": np.ones(8), "made": [0.5, *[np.nan] * 7]}, "share obeyed"),
    "few bars": lambda: applications.bars(["mood", "hair"], {"made": [0.5, 0.25]}),
    "densities": lambda: applications.densities(H, {"truth": [-50, 10.0, -20], "averages": [-40, 20.0, -15]}),
    "strips": lambda: applications.strips({"real": [0.02, 0.03, 0.1], "its own": [1e-4, 2e-4, 3e-4]}, "error"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_can_be_read(name):
    assert_readable(PICTURES[name]())


def test_the_words_hold_the_numbers():
    assert "k, which ends at 0.01" in PICTURES["balance"]().alt
    assert "M, which goes from 0.300 to 0.100" in PICTURES["balance"]().alt
    assert "real 1.00 on average, from 1.00; made 0.50 on average, from 0.50" in PICTURES["bars"]().alt
    assert "truth at most 10.0, at a bandwidth of 0.20" in PICTURES["densities"]().alt
    assert "real 0.03, from 0.02 to 0.1; its own 0.0002" in PICTURES["strips"]().alt


def draw(words):
    if "hat" in words:
        raise ValueError("no <hat> is known")
    return gallery(np.zeros((2, 4, 4)), what=words)


def test_the_text_box_draws_and_says_what_is_wrong():
    box = applications.text_box(draw, "caption", "two grey squares")
    line, answer = box.children
    assert 'alt="2 two grey squares' in answer.value
    line.value = "a hat"
    assert answer.value == "<p>no &lt;hat&gt; is known</p>"
    line.value = "others"
    assert "2 others" in answer.value


def test_a_text_box_may_begin_with_a_bad_text():
    assert "no &lt;hat&gt; is known" in applications.text_box(draw, "caption", "hat").children[1].value
