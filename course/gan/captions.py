"""Captions of faces as numbers: a bag of known words, and a judge of how often each word is obeyed.

The words are those of `course.data.faces.caption`: "a smiling brown-haired woman with glasses, looking left". A caption
becomes a vector with one entry for each word in WORDS, 1 where the word is said. Order and grammar are lost: that is
enough here, where no word changes the meaning of another. Source: the lecture's slide on text to image; Reed et al.,
Generative Adversarial Text to Image Synthesis (2016), who take a recurrent network in place of the bag.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from course.data.faces import HAIR_NAMES, caption

# In each group but "worn" a caption says one word at most.
GROUPS: dict[str, tuple[str, ...]] = {
    "mood": ("smiling", "calm", "frowning"),
    "hair": HAIR_NAMES,
    "who": ("woman", "man"),
    "worn": ("glasses", "beard"),
    "pose": ("left", "right", "facing"),
}
WORDS: tuple[str, ...] = tuple(word for group in GROUPS.values() for word in group)
HELD_OUT = (("red", "woman", "glasses"), ("man", "beard", "glasses", "left"))  # combinations that no training sees
SILENT = frozenset(["a", "an", "and", "the", "with", "haired", "hair", "looking", "us"])  # understood; they say nothing
DENIALS = frozenset(["no", "not", "never", "without"])
EXAMPLE = "a smiling brown-haired woman with glasses, looking left"


def columns(group: str) -> slice:
    """Where the words of a group stand in a vector."""
    first = WORDS.index(GROUPS[group][0])
    return slice(first, first + len(GROUPS[group]))


def encode(captions: str | Sequence[str]) -> Tensor:
    """One caption or n of them -> (n, 15) of zeros and ones: entry j is 1 where WORDS[j] is said.

    A mood, a hair colour or a pose that is not mentioned is left open: a row of zeros in its group. Glasses and beards
    that are not mentioned are not worn. Raises ValueError for a caption that is empty or says nothing of a face, that
    holds an unknown word (the message names the nearest known one) or that contradicts itself.
    """
    captions = [captions] if isinstance(captions, str) else captions
    if not isinstance(captions, Sequence) or not captions:
        raise ValueError(f"there is no caption: give a text, or a list of them, such as {EXAMPLE!r}")
    return torch.tensor([_row(text) for text in captions])


def _row(text: str) -> list[float]:
    if not isinstance(text, str):
        raise ValueError(f"a caption is a text, not {type(text).__name__}: write one such as {EXAMPLE!r}")
    said = re.findall(r"[^\W_]+", text.lower())
    for word in said:
        _known(word)
    told = set(said) - SILENT
    if not told:
        what = "says nothing of a face" if said else "is empty"
        raise ValueError(f"the caption {text!r} {what}: write one such as {EXAMPLE!r}")
    for name, group in GROUPS.items():
        clash = [word for word in group if word in told]
        if name != "worn" and len(clash) > 1:
            raise ValueError(f"the caption contradicts itself: {' and '.join(clash)}; choose one word for the {name}")
    return [float(word in told) for word in WORDS]


def _known(word: str) -> None:
    if word in DENIALS:
        raise ValueError(f"{word!r} is not understood: a bag of words cannot deny. Leave out what is not worn")
    if word not in SILENT and word not in WORDS:
        near = difflib.get_close_matches(word, [*WORDS, *SILENT], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the words are {', '.join(WORDS)}"
        raise ValueError(f"no face was ever described with {word!r}: {hint}")


def told(c: Tensor) -> Tensor:
    """(n, 15) -> (n, 15): 1 for the words of every group that a caption mentions, 0 for those that it leaves open."""
    mask = torch.ones_like(c)
    for name in GROUPS:
        if name != "worn":
            mask[:, columns(name)] = c[:, columns(name)].amax(1, keepdim=True)
    return mask


def shortened(c: Tensor, share: float) -> Tensor:
    """Captions (n, 15) with each of mood, hair, who and pose left out at random, with the probability `share`.

    Draws from torch's global generator: for training on captions that do not say everything.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}: it is a probability, from 0 to 1")
    c = c.clone()
    for name in GROUPS:
        if name != "worn":
            c[:, columns(name)] *= (torch.rand(len(c), 1, device=c.device) >= share).to(c.dtype)
    return c


def describe(factors: Mapping[str, Tensor]) -> list[str]:
    """A caption for each face, from its factors {name: (n,)}; also from what `Reader.read` reads off pictures.

    Needs smile, hair, woman, glasses, beard and yaw. A hair that is read as a little less than black is black.
    """
    n = len(factors["smile"])
    plain = {"striped": torch.zeros(n), "hat": torch.zeros(n)}
    seen = {**plain, **factors, "hair": factors["hair"].clamp(0, 1)}
    return [caption(seen, i) for i in range(n)]


def held_out(c: Tensor) -> Tensor:
    """(n, 15) -> (n,): whether a caption has one of the combinations kept out of training.

    They are red-haired women with glasses, and bearded men with glasses who look left.
    """
    return torch.stack([c[:, [WORDS.index(word) for word in words]].all(1) for words in HELD_OUT]).any(0)


def right_groups(asked: Tensor, seen: Tensor) -> dict[str, float]:
    """{group: the share of faces where all its words are as asked}; glasses and beards count one by one.

    asked, seen   (n, 15) of zeros and ones, from `encode`: what the captions say, and what a judge sees in the pictures

    Faces whose caption leaves a group open do not count in it; NaN where that is all of them.
    """
    _same(asked, seen)
    shares = {}
    for name in GROUPS:
        there = columns(name)
        if name == "worn":
            for j, word in enumerate(GROUPS[name], there.start):
                shares[word] = (asked[:, j] == seen[:, j]).float().mean().item()
        else:
            told = asked[:, there].any(1)
            shares[name] = (asked[told][:, there] == seen[told][:, there]).all(1).float().mean().item()
    return shares


def _same(asked: Tensor, seen: Tensor) -> None:
    if asked.shape != seen.shape or asked.ndim != 2 or asked.shape[1] != len(WORDS):
        raise ValueError(
            f"asked has shape {tuple(asked.shape)}, seen {tuple(seen.shape)}; expected (n, {len(WORDS)}) from encode"
        )
