"""The figures and widgets of the clustering chapter."""

import ipywidgets
import numpy as np
import pytest
from pictures import assert_readable

from course.plots import clustering as plots
from course.plots import widgets
from course.plots.clustering import MARKERS, _like, _look
from course.plots.picture import Picture
from course.plots.style import axes
from course.unsupervised import kmeans, linkage

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2)) + np.repeat([[0, 0], [5, 1]], 20, axis=0)
HISTORY = list(kmeans.steps(X, RNG.integers(3, size=40), 3))
RUN = kmeans.kmeans(X, 3)
TREE = linkage.tree(X, "average")
THREE = np.array([[1.0, 2, 1], [9.0, 10, 9], [2.0, 1, 2]])
TRIANGLE = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.9]])

PICTURES = {
    "points": lambda: plots.points(X),
    "partitions": lambda: plots.partitions(X, [RUN.labels, RUN.labels], ["a", "b"], [RUN.centroids] * 2),
    "algorithm": lambda: plots.algorithm(X, HISTORY),
    "descent": lambda: plots.descent([HISTORY, HISTORY]),
    "moment": lambda: plots.moment(X, HISTORY, 3),
    "choosing": lambda: plots.choosing([1, 2, 3], [[9, 4, 2]], [[np.nan, 0.4, 0.6]], ["clouds"]),
    "tree_and_points": lambda: plots.tree_and_points(X[:9], linkage.tree(X[:9])),
    "cuts": lambda: plots.cuts(TREE, [1, 2, 3]),
    "linkages": lambda: plots.linkages(X, 3),
    "chosen_linkage": lambda: plots.chosen_linkage(X, "centroid", 3),
    "inversion": lambda: plots.inversion(TRIANGLE, linkage.tree(TRIANGLE, "centroid")),
    "profiles": lambda: plots.profiles(THREE, [linkage.tree(THREE)] * 2, ["a", "b"]),
    "named_trees": lambda: plots.named_trees([TREE], [f"name {i}" for i in range(40)], ["a"], 3),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_has_an_image_and_words_and_fits_the_column(name):
    assert_readable(PICTURES[name]())


def test_drawing_changes_no_setting_and_opens_no_figure():
    import matplotlib as mpl
    from matplotlib import pyplot

    before = dict(mpl.rcParams)
    for make in PICTURES.values():
        make().png()
    assert pyplot.get_fignums() == []
    assert dict(mpl.rcParams) == before


def test_clusters_differ_in_colour_and_in_marker():
    looks = [_look(k) for k in range(7)]
    assert len({colour for colour, _ in looks}) == len({marker for _, marker in looks}) == 7
    assert len({_look(k) for k in range(56)}) == 56
    assert len(set(MARKERS)) == 8


def test_equal_partitions_get_equal_numbers():
    model = RNG.integers(4, size=50)
    assert _like(np.array([2, 0, 3, 1])[model], model).tolist() == model.tolist()


def test_every_step_has_words_of_its_own():
    words = [plots.moment(X, HISTORY, t).alt for t in range(len(HISTORY))]
    assert "random number" in words[0]
    assert "No point changes: the end" in words[-1]
    assert not any("No point changes" in text for text in words[:-1])
    assert f"{HISTORY[4].objective:.1f}" in words[4]


def test_a_cut_line_parts_just_the_fusions_that_are_made():
    for K in range(1, 41):
        height = plots._cut_height(TREE, K)
        assert (TREE[:, 2] < height).sum() == 40 - K


def test_the_stepper_of_k_means_shows_the_steps_with_their_words():
    box = plots.kmeans_stepper(X, 3, seed=1)
    bar, picture = box.children
    _, forward, another, _ = bar.children
    assert isinstance(picture, ipywidgets.HTML)
    first = picture.value
    assert 'alt="step 1. Every point has a random number.' in first
    forward.click()
    assert 'alt="round 1, step 2(a)' in picture.value
    another.click()
    assert 'alt="step 1. Every point has a random number.' in picture.value
    assert picture.value != first
    assert plots.kmeans_stepper(X, 3, seed=1).children[1].value == first, "the same for everybody"


def test_a_stepper_goes_forward_back_and_to_another_sequence():
    drawn = []

    def frames(number):
        def frame(t):
            drawn.append((number, t))
            return Picture(axes()[0], f"frame {t} of sequence {number}")

        return [lambda t=t: frame(t) for t in range(3 + number)]

    box = widgets.stepper(frames)
    (back, forward, another, where), picture = box.children[0].children, box.children[1]
    assert back.disabled
    assert not forward.disabled
    for button in (forward, back, forward, forward, forward):
        button.click()
    assert where.value == "start 1, step 3 of 3"
    assert forward.disabled
    assert not back.disabled
    assert 'alt="frame 2 of sequence 0"' in picture.value
    another.click()
    assert where.value == "start 2, step 1 of 4"
    assert 'alt="frame 0 of sequence 1"' in picture.value
    assert drawn == [(0, 0), (0, 1), (0, 0), (0, 1), (0, 2), (0, 2), (1, 0)], "only what is shown is drawn"
    for button in (back, forward, another):
        assert button.description, "a screen reader needs a name for every button"


def test_the_chooser_redraws_with_its_words():
    box = plots.linkage_chooser(X, 3)
    buttons, picture = box.children
    assert tuple(buttons.options) == linkage.LINKAGES
    assert "under complete linkage" in picture.value
    buttons.value = "single"
    assert "under single linkage" in picture.value
