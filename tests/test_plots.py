import numpy as np
import pytest
from matplotlib.figure import Figure

from course import data
from course.plots import CYCLE, INK, MUTED, Picture, axes, colours, images
from course.plots import pca as plots
from course.plots.style import GRID
from course.plots.widgets import slider, sliders
from course.unsupervised import pca

ARRESTS = data.load("usarrests")
X = pca.standardise(ARRESTS.X)
LAM, E = pca.principal_components(X)
Z = pca.scores(X, E)

PICTURES = {
    "labelled_and_not": lambda: plots.labelled_and_not(X[:, :2], np.arange(50) % 2),
    "pairs": lambda: plots.pairs(ARRESTS.X, ARRESTS.features),
    "direction": lambda: plots.direction(X[:, :2], 20),
    "biplot": lambda: plots.biplot(Z, E, ARRESTS.samples, ARRESTS.features),
    "scree": lambda: plots.scree(LAM / LAM.sum()),
    "approximation_error": lambda: plots.approximation_error(LAM, LAM),
    "two_biplots": lambda: plots.two_biplots((Z, E), (Z, E), ARRESTS.samples, ARRESTS.features, ["a", "b"]),
    "gallery": lambda: images.gallery(np.zeros((7, 4, 4)), titles=range(7), columns=5),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_has_an_image_and_words(name):
    picture = PICTURES[name]()
    bundle = picture._repr_mimebundle_()
    assert picture.png().startswith(b"\x89PNG")
    assert 'src="data:image/png;base64,' in bundle["text/html"]
    assert 'alt="' in bundle["text/html"]
    assert bundle["text/plain"] == picture.alt == repr(picture)
    assert len(picture.alt) > 40
    width, height = picture.figure.get_size_inches()
    assert width <= 11, "wider than a notebook's column: it would be shrunk, and its letters with it"
    assert height <= 9


@pytest.mark.parametrize("name", PICTURES)
def test_no_letter_is_too_small_to_read(name):
    from matplotlib.text import Text

    for text in PICTURES[name]().figure.findobj(Text):
        assert not text.get_text() or text.get_fontsize() >= 8, text.get_text()


def test_drawing_leaves_no_global_state():
    import matplotlib as mpl
    from matplotlib import pyplot

    before = dict(mpl.rcParams)
    for make in PICTURES.values():
        make().png()
    assert pyplot.get_fignums() == []
    assert dict(mpl.rcParams) == before


def test_the_same_picture_is_the_same_bytes():
    assert PICTURES["scree"]().png() == PICTURES["scree"]().png()


def test_a_picture_needs_words():
    with pytest.raises(ValueError, match="text alternative"):
        Picture(Figure(), "  ")


def test_the_words_are_escaped_in_html():
    figure, _ = axes()
    assert 'alt="a &lt; b &quot;c&quot;"' in Picture(figure, 'a < b "c"').html()


def test_a_picture_is_saved_in_the_format_of_its_name(tmp_path):
    PICTURES["scree"]().save(tmp_path / "scree.svg")
    assert "<svg" in (tmp_path / "scree.svg").read_text()


def contrast(colour, ground="#FFFFFF"):
    """WCAG's contrast ratio, from 1 to 21."""

    def luminance(code):
        channels = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_on_white():
    assert min(contrast(INK), contrast(MUTED), contrast(plots.RUST)) >= 4.5
    assert contrast(GRID) < 1.5  # while the grid stays behind


def test_the_first_colours_are_told_apart_by_colour_blind_readers():
    """Vienot, Brettel and Mollon's (1999) matrix for deuteranopia on linear RGB: distances stay well above zero."""
    to_linear = [[((int(c[i : i + 2], 16) / 255) ** 2.2) for i in (1, 3, 5)] for c in CYCLE[:4]]
    seen = np.array(to_linear) @ np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]).T
    seen = np.clip(seen, 0, 1) ** (1 / 2.2)
    distances = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(distances) > 0.15


def test_equal_labels_get_equal_colours():
    assert colours(["b", "a", "b"]) == [CYCLE[1], CYCLE[0], CYCLE[1]]


def test_each_of_several_sliders_redraws_the_picture_with_the_values_of_all():
    def draw(angle, shift):
        return plots.direction(X[:, :2] + shift, angle + shift)

    box = sliders(draw, {"angle": (0, 180, 20, 1), "shift": (0, 90, 0, 1)})
    *handles, picture = box.children
    assert [handle.description for handle in handles] == ["angle", "shift"]
    handles[1].value = 30
    assert draw(20, 30).alt in picture.value
    handles[0].value = 40
    assert draw(40, 30).alt in picture.value


def test_a_slider_redraws_its_picture_and_the_words_with_it():
    box = slider(lambda angle: plots.direction(X[:, :2], angle), "angle", 0, 180, 20)
    knob, picture = box.children
    assert "20 degrees" in picture.value
    knob.value = 45
    assert "45 degrees" in picture.value


def test_the_numbers_in_the_words_are_those_of_the_data():
    words = PICTURES["direction"]().alt
    along = X[:, :2] @ [np.cos(np.radians(20)), np.sin(np.radians(20))]
    assert f"it is {along.var(ddof=1):.3f} here" in words
    assert f"at most {LAM2[0]:.3f} at 45 degrees and at least {LAM2[1]:.3f}" in words


LAM2 = pca.principal_components(X[:, :2])[0]


@pytest.mark.parametrize("shape", [(3,), (0, 4, 4), (2, 2, 2, 2, 2)])
def test_images_of_the_wrong_shape_are_refused(shape):
    with pytest.raises(ValueError, match="images have shape"):
        images.gallery(np.zeros(shape))
