"""The cartoon faces: each factor does what it says and nothing else, and the pixels are what the factors make them."""

import numpy as np
import pytest
import torch

from course.data.faces import HAIR_NAMES, RANGES, caption, edges, render, sample_factors

PLAIN = {
    **{"smile": 0.5, "yaw": 0, "pitch": 0, "skin": 0.2, "hair": 0.3, "light": 0, "back": 0, "shirt": 1, "width": 0},
    **{"eye": 0, "brow": 0, "fringe": 0, "mouth": 1.5},
    **{"woman": 0, "glasses": 0, "beard": 0, "long_hair": 0, "striped": 0, "hat": 0},
}


def draw(size=32, flat=False, **factors):
    """One face, or as many as the longest factor, that is plain but for these factors."""
    n = max([1, *(len(value) for value in factors.values() if hasattr(value, "__len__"))])
    return render(sample_factors(n, **{**PLAIN, **factors}), size, flat)


def changed(a, b):
    """Where two pictures of one face differ, (size, size)."""
    return (a - b).abs().amax((0, 1)) > 1e-6


def test_factors_lie_in_their_ranges_and_fill_them():
    factors = sample_factors(2000)
    assert list(factors) == list(RANGES)
    for name, value in factors.items():
        low, high = RANGES[name]
        assert value.shape == (2000,)
        assert value.dtype == torch.float32
        assert value.min() >= low
        assert value.max() <= high
        if name not in {"mouth", "striped", "hat"}:
            assert value.max() - value.min() > 0.99 * (high - low), name


def test_factors_are_independent_but_for_beards_and_long_hair():
    """With 4000 faces a sample correlation of independent factors has a standard deviation of 1 / sqrt(4000) = .016;
    5 of those leave a chance below 1e-4 over the 91 pairs, and the seed is fixed."""
    factors = sample_factors(4000, seed=3)
    free = [name for name in RANGES if name not in {"mouth", "striped", "hat", "beard", "long_hair"}]
    correlation = np.corrcoef(np.stack([factors[name].numpy() for name in free]))
    assert np.abs(correlation - np.eye(len(free))).max() < 5 / np.sqrt(4000)
    assert torch.equal(factors["long_hair"], factors["woman"])
    assert not (factors["beard"] * factors["woman"]).any()
    assert abs(factors["beard"][factors["woman"] == 0].mean() - 0.4) < 0.06


def test_a_pinned_factor_leaves_the_others_as_they_were():
    free, pinned = (
        sample_factors(50, seed=7),
        sample_factors(50, seed=7, yaw=0, glasses=1, smile=torch.linspace(-1, 1, 50)),
    )
    assert (pinned["yaw"] == 0).all()
    assert (pinned["glasses"] == 1).all()
    torch.testing.assert_close(pinned["smile"], torch.linspace(-1, 1, 50))
    for name in RANGES.keys() - {"yaw", "glasses", "smile"}:
        assert torch.equal(free[name], pinned[name]), name


def test_long_hair_follows_a_pinned_woman_and_a_pinned_beard_stays():
    assert (sample_factors(20, woman=1)["long_hair"] == 1).all()
    assert (sample_factors(20, woman=1, beard=1)["beard"] == 1).all()
    assert (sample_factors(20, woman=1, long_hair=0)["long_hair"] == 0).all()


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others():
    assert torch.equal(render(sample_factors(5, seed=1)), render(sample_factors(5, seed=1)))
    assert not torch.equal(sample_factors(5, seed=1)["smile"], sample_factors(5, seed=2)["smile"])


def test_the_first_faces_do_not_depend_on_how_many_follow():
    few, many = sample_factors(3, seed=4), sample_factors(150, seed=4)
    assert all(torch.equal(few[name], many[name][:3]) for name in RANGES)
    torch.testing.assert_close(render(few), render(many)[:3], rtol=0, atol=1e-6)


def test_drawing_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    render(sample_factors(3, seed=9))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("size", [16, 32, 45])
@pytest.mark.parametrize("flat", [False, True])
def test_pictures_are_colours_in_the_unit_interval(size, flat):
    x = render(sample_factors(70, seed=2, hat=1, striped=1), size, flat)
    assert x.shape == (70, 3, size, size)
    assert x.dtype == torch.float32
    assert x.min() >= 0
    assert x.max() <= 1
    assert x.flatten(1).std(1).min() > 0.05


@pytest.mark.parametrize(
    "others", [{}, {"woman": 1, "long_hair": 1, "glasses": 1}, {"beard": 1, "hat": 1, "striped": 1}]
)
def test_turning_the_other_way_mirrors_the_flat_picture(others):
    """Light and strands of hair have a side; without them, and with a straight fringe, left and right are alike."""
    left, right = draw(yaw=-0.5, flat=True, **others), draw(yaw=0.5, flat=True, **others)
    torch.testing.assert_close(left, right.flip(-1), rtol=0, atol=2e-5)
    assert changed(left, right).any()


def test_the_light_falls_on_the_side_that_it_comes_from():
    left, right = draw(light=-0.5), draw(light=0.5)
    half = left.shape[-1] // 2
    assert (left - right)[..., :half].mean() > 0.01
    assert (left - right)[..., half:].mean() < -0.01
    assert torch.equal(draw(light=-0.5, flat=True), draw(light=0.5, flat=True))


@pytest.mark.parametrize(
    ("factor", "rows"),
    [
        ({"glasses": 1}, (12, 20)),
        ({"smile": -0.5}, (9, 28)),  # the mouth, and a smile tilts the brows
        ({"beard": 1}, (17, 31)),
        ({"brow": 1}, (9, 15)),
        ({"eye": 1}, (12, 20)),
        ({"shirt": 0}, (27, 32)),
        ({"fringe": 1}, (5, 15)),
        ({"hat": 1}, (0, 13)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_factor_changes_its_own_part_of_the_picture_alone(factor, rows):
    where = changed(draw(), draw(**factor)).any(1).nonzero()
    assert len(where)
    assert rows[0] <= where.min()
    assert where.max() < rows[1]


def test_the_background_changes_nothing_within_the_head():
    where = changed(draw(back=0), draw(back=3))
    assert where[0, 0]
    assert not where[12:24, 12:20].any()


@pytest.mark.parametrize(
    ("name", "rows", "columns", "brighter"),
    [("skin", (22, 26), (10, 13), False), ("hair", (5, 8), (12, 20), True)],
)
def test_a_ramp_of_colours_is_read_back_from_the_pixels(name, rows, columns, brighter):
    values = torch.linspace(0, 0.75, 9)  # hair is lightest in the blond at .75
    brightness = draw(**{name: values})[:, :, rows[0] : rows[1], columns[0] : columns[1]].mean((1, 2, 3))
    assert (brightness.diff() > 0).all() if brighter else (brightness.diff() < 0).all()


def test_a_smile_at_32_pixels_is_seen_in_the_picture():
    """Teeth and lips change; with the mouth of the course's faces by more than with the usual one."""
    by_mouth = []
    for mouth in (1.0, 1.5):
        frown, smile = draw(smile=-1, mouth=mouth), draw(smile=1, mouth=mouth)
        by_mouth.append(float((frown - smile)[:, :, 19:28].square().mean()))
    assert by_mouth[1] > 1.5 * by_mouth[0]


def test_a_turned_head_is_seen_in_the_place_of_the_eyes():
    """The dark pupils lie further to the right the further the head turns right, while both are seen."""
    x = draw(yaw=torch.linspace(-0.4, 0.4, 7), skin=0, hair=1, size=128, flat=True)[:, :, 52:70, 24:104]
    dark = (0.5 - x.mean(1)).clamp_min(0)
    centre = (dark * torch.arange(80)).sum((1, 2)) / dark.sum((1, 2))
    assert (centre.diff() > 2).all()


def test_the_mean_colour_hardly_moves_with_the_size():
    """Edges are smooth: a coarse picture is the average of a fine one, to less than a grey level in 100."""
    factors = sample_factors(20, seed=1, back=0, shirt=1)
    fine = render(factors, 128)
    for size in (32, 64):
        coarse = render(factors, size)
        torch.testing.assert_close(coarse.mean((2, 3)), fine.mean((2, 3)), rtol=0, atol=0.01)
        average = torch.nn.functional.avg_pool2d(fine, 128 // size)
        assert (average - coarse).abs().mean() < 0.02


def test_edges_are_dark_lines_on_white_and_ignore_the_light():
    factors = sample_factors(6, seed=1)
    lines = edges(factors)
    assert lines.shape == (6, 1, 32, 32)
    assert lines.min() >= 0
    assert lines.max() <= 1
    assert (lines[:, :, 0] > 0.999).all()
    assert 0.1 < (lines < 0.5).float().mean() < 0.5
    assert torch.equal(lines, edges({**factors, "light": -factors["light"]}))


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ({}, "a smiling brown-haired man, facing us"),
        (
            {"smile": 0, "woman": 1, "glasses": 1, "hair": 0, "yaw": -0.5},
            "a calm black-haired woman with glasses, looking left",
        ),
        (
            {"smile": -1, "beard": 1, "hat": 1, "yaw": 0.3},
            "a frowning brown-haired man with a beard and a hat, looking right",
        ),
        ({"hair": 1, "striped": 1}, "a smiling grey-haired man with stripes, facing us"),
    ],
)
def test_captions_say_what_is_drawn(factors, words):
    assert caption(sample_factors(1, **{**PLAIN, **factors}), 0) == words


def test_every_colour_of_hair_has_its_name():
    factors = sample_factors(5, hair=torch.linspace(0, 1, 5))
    assert all(f"{name}-haired" in caption(factors, i) for i, name in enumerate(HAIR_NAMES))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: sample_factors(3, smlie=1), "did you mean 'smile'"),
        (lambda: sample_factors(3, zebra=1), "there are smile, yaw"),
        (lambda: sample_factors(3, smile=2), "smile must lie between -1 and 1"),
        (lambda: sample_factors(3, yaw=float("nan")), "yaw must lie between"),
        (lambda: sample_factors(3, back=1.5), "a whole number from 0 to 5"),
        (lambda: sample_factors(3, smile=[0, 1]), "expected one number, or 3"),
        (lambda: sample_factors(0), "at least one face"),
        (lambda: render(sample_factors(2), 15), "at least 16 pixels"),
        (lambda: render(sample_factors(2), 20.5), "a whole number"),
        (lambda: render({"smile": torch.zeros(2)}), "factors lack yaw"),
        (lambda: render({**sample_factors(2), "nose": torch.zeros(2)}), "no factor of a face is called 'nose'"),
        (lambda: render({**sample_factors(2), "yaw": torch.zeros(3)}), "yaw has shape"),
        (lambda: render({**sample_factors(2), "yaw": torch.ones(2)}), "yaw must lie between"),
    ],
)
def test_bad_input_is_refused_with_words(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_arrays_and_lists_are_factors_as_well():
    factors = sample_factors(2)
    assert torch.equal(render(factors), render({name: value.tolist() for name, value in factors.items()}))
    assert torch.equal(render(factors), render({name: value.numpy() for name, value in factors.items()}))
