"""Captions as vectors, against the words themselves and against the factors that they describe."""

import math
import re

import pytest
import torch

from course.data.faces import caption, sample_factors
from course.gan import captions
from course.gan.captions import GROUPS, HELD_OUT, WORDS, columns, encode

FACTORS = sample_factors(200, seed=3, back=0, shirt=1)


def words_of(row):
    return {word for word, said in zip(WORDS, row.tolist(), strict=True) if said}


def test_a_caption_becomes_its_words():
    (row,) = encode("a smiling brown-haired woman with glasses, looking left")
    assert words_of(row) == {"smiling", "brown", "woman", "glasses", "left"}
    assert words_of(encode("A Calm, RED-haired man with glasses and a beard, facing us!")[0]) == {
        *("calm", "red", "man", "glasses", "beard", "facing")
    }


def test_every_caption_of_the_faces_is_understood_and_tells_the_factors():
    c = encode(captions.describe(FACTORS))
    assert c.shape == (200, 15)
    for name in ("woman", "glasses", "beard"):
        assert torch.equal(c[:, WORDS.index(name)], FACTORS[name])
    assert torch.equal(c[:, WORDS.index("left")] > 0, FACTORS["yaw"] < -0.25)
    assert torch.equal(c[:, WORDS.index("smiling")] > 0, FACTORS["smile"] > 0.25)
    for name in ("mood", "hair", "who", "pose"):
        assert (c[:, columns(name)].sum(1) == 1).all()


def test_describe_is_the_caption_of_the_data():
    assert captions.describe(FACTORS)[:20] == [caption(FACTORS, i) for i in range(20)]


def test_what_a_judge_reads_may_lie_outside_of_the_ranges():
    read = {name: FACTORS[name][:2].clone() for name in ("smile", "hair", "woman", "glasses", "beard", "yaw")}
    read["hair"] = torch.tensor([-0.2, 1.3])
    first, second = captions.describe(read)
    assert "black-haired" in first
    assert "grey-haired" in second


def test_what_is_not_said_is_left_open():
    assert words_of(encode("a woman")[0]) == {"woman"}
    assert encode(["a woman", "a man"]).shape == (2, 15)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty: write one such as 'a smiling"),
        (" , ", "is empty"),
        ("looking us", "says nothing of a face"),
        ("a smilng woman", "'smilng': did you mean 'smiling'?"),
        ("a womann with glases", "'womann': did you mean 'woman'?"),
        ("a woman with a cigar", "'cigar': the words are smiling, calm"),
        ("a woman without glasses", "cannot deny. Leave out what is not worn"),
        ("a smiling and frowning man", "contradicts itself: smiling and frowning; choose one word for the mood"),
        ("a man looking left and right", "left and right; choose one word for the pose"),
        ("a woman man", "woman and man"),
        (7, "give a text, or a list"),
        ([], "give a text, or a list"),
        ([3], "not int"),
    ],
)
def test_a_bad_caption_gets_a_clear_error(text, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        encode(text)


def test_glasses_and_a_beard_are_no_contradiction():
    assert words_of(encode("a man with glasses and a beard")[0]) == {"man", "glasses", "beard"}


def test_the_words_are_unique_and_in_groups():
    assert len(set(WORDS)) == len(WORDS) == 15
    assert [WORDS[columns(name)] for name in GROUPS] == list(GROUPS.values())


def test_told_marks_whole_groups():
    mask = captions.told(encode("a smiling woman"))[0]
    assert mask[columns("mood")].tolist() == [1, 1, 1]
    assert mask[columns("who")].tolist() == [1, 1]
    assert mask[columns("worn")].tolist() == [1, 1], "glasses that are not mentioned are not worn: that is told"
    assert mask[columns("hair")].sum() == mask[columns("pose")].sum() == 0


def test_shortened_leaves_groups_out_with_the_given_probability():
    c = encode(captions.describe(FACTORS)).repeat(50, 1)
    torch.manual_seed(0)
    short = captions.shortened(c, 0.15)
    for name in ("mood", "hair", "who", "pose"):
        out = (short[:, columns(name)].sum(1) == 0).float().mean()
        assert out == pytest.approx(0.15, abs=0.015)  # 10,000 captions: four standard errors
        kept = short[:, columns(name)].any(1)
        assert torch.equal(short[kept][:, columns(name)], c[kept][:, columns(name)])
    assert torch.equal(short[:, columns("worn")], c[:, columns("worn")])
    assert torch.equal(captions.shortened(c, 0), c)
    with pytest.raises(ValueError, match="probability"):
        captions.shortened(c, 1.5)


def test_the_combinations_that_are_held_out():
    texts = ["a red-haired woman with glasses", "a red-haired man with glasses", "a red-haired woman"]
    assert captions.held_out(encode(texts)).tolist() == [True, False, False]
    texts = ["a man with glasses and a beard, looking left", "a man with glasses and a beard, looking right"]
    assert captions.held_out(encode(texts)).tolist() == [True, False]
    assert all(word in WORDS for words in HELD_OUT for word in words)


def test_right_groups_wants_all_words_of_a_group():
    asked = encode(["a smiling woman with glasses", "a frowning woman", "a woman"])
    seen = encode(["a smiling woman", "a calm woman", "a smiling woman"])
    shares = captions.right_groups(asked, seen)
    assert shares["mood"] == 0.5, "the third caption leaves the mood open"
    assert shares["who"] == 1
    assert shares["glasses"] == pytest.approx(2 / 3)
    assert shares["beard"] == 1
    assert math.isnan(shares["hair"])


def test_tables_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="from encode"):
        captions.right_groups(torch.zeros(3, 15), torch.zeros(4, 15))
    with pytest.raises(ValueError, match="from encode"):
        captions.right_groups(torch.zeros(3, 4), torch.zeros(3, 4))
