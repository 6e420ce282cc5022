"""Images for generative models behind one call: `load_images("digits")`, `load_images("faces")`, and real photographs.

Digits come with scikit-learn and faces are drawn on the spot: neither needs a network. MNIST, CIFAR-10 and Labeled
Faces in the Wild are downloaded when you ask for it, by `course download NAME` or download=True, and never otherwise.
"""

from __future__ import annotations

import difflib
import gzip
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

import numpy as np

from course.data.dataset import DataError
from course.paths import data_folder

if TYPE_CHECKING:
    import torch

EMBEDDED = ("digits", "faces")
# What is fetched: its size, and the folder below the root whose presence says that it was.
DOWNLOADS = {
    "mnist": ("12 MB", "MNIST"),
    "cifar10": ("170 MB", "cifar-10-batches-py"),
    "lfw": ("about 230 MB", "lfw_home"),
}
SPLITS = ("train", "test")
FACES = {"train": (4000, 0), "test": (1000, 1)}  # how many, and the seed that they are drawn with
# One background and one shirt are learnt sooner; a mouth of this size lets a smile be seen in 32 x 32 pixels.
FACES_FIXED = {"back": 0, "shirt": 1, "mouth": 1.5}


@dataclass(frozen=True)
class Images:
    """Images of one size, with what is known about each.

    x            (n, channels, height, width) float32 tensor in [0, 1]; one channel is grey, three are red, green, blue
    y            (n,) int64 tensor of labels, or None
    label_names  the name of label 0, 1, ...
    factors      what each image was drawn from, (n,) float32 tensors by name; empty where nobody knows it
    about        one sentence: what an image shows, the source
    """

    name: str
    x: torch.Tensor
    y: torch.Tensor | None
    label_names: tuple[str, ...]
    factors: dict[str, torch.Tensor]
    about: str

    def __repr__(self) -> str:
        n, channels, height, width = self.x.shape
        colour = {1: "grey", 3: "colour"}[channels]
        return f"{self.name}: {n} {colour} images of {height} x {width} pixels. {self.about}"


def available_images() -> tuple[str, ...]:
    """The names that `load_images` takes."""
    return (*EMBEDDED, *DOWNLOADS)


def load_images(
    name: str,
    split: str = "train",
    *,
    size: int | None = None,
    n: int | None = None,
    download: bool = False,
    root: str | Path | None = None,
) -> Images:
    """The images called `name`: "digits", "faces", "mnist", "cifar10" or "lfw".

    split     "train" or "test"; no image is in both, and no person of lfw
    size      resize to size x size pixels, smoothed when made smaller; faces are drawn at that size
    n         only the first n; as many faces as you like
    download  fetch mnist, cifar10 or lfw where they are missing; nothing is ever fetched without it
    root      the folder of the downloads: data/downloads, or $COURSE_DATA/downloads where that is set

    digits    8 x 8 grey, 1,437 and 360, the same share of every label in both
    faces     cartoons with known factors (course.data.faces), 32 x 32 colour, 4,000 and 1,000, with one background and
              one shirt; for variety call sample_factors and render
    mnist     handwritten digits, 28 x 28 grey, 60,000 and 10,000
    cifar10   ten kinds of things, 32 x 32 colour, 50,000 and 10,000
    lfw       photographs of faces, 32 x 32 colour, every tenth person for the test; a label is a person

    Raises DataError for an unknown name or split, and for files that are missing or damaged; ValueError for a size or
    an n that cannot be.
    """
    _one_of(available_images(), name, "images are")
    _one_of(SPLITS, split, "split is")
    if n is not None and (n < 1 or n != int(n)):
        raise ValueError(f"n = {n}; ask for a whole number of images, at least one")
    if size is not None and (size < 1 or size != int(size)):
        raise ValueError(f"size = {size}; an image has a whole number of pixels along a side, at least one")
    if name == "faces":
        return _faces(split, size, n)
    if name == "digits":
        images = _digits(split)
    else:
        images = _from_disk(name, split, size, Path(root or data_folder() / "downloads"), download)
    if n is not None:
        if n > len(images.x):
            raise ValueError(f"n = {n}; {name} has {len(images.x)} images to {split}")
        images = replace(images, x=images.x[:n], y=None if images.y is None else images.y[:n])
    return images if size is None else replace(images, x=_resized(images.x, size))


def _one_of(names: tuple[str, ...], name: str, what: str) -> None:
    if name not in names:
        near = difflib.get_close_matches(str(name), names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}."
        raise DataError(f"no {what} called {name!r}: {hint}")


def _resized(x: torch.Tensor, size: int) -> torch.Tensor:
    """Bilinear; when made smaller, each new pixel averages all the old ones that it covers."""
    import torch

    if x.shape[-2:] == (size, size):
        return x
    return torch.nn.functional.interpolate(x, (size, size), mode="bilinear", antialias=True).clamp(0, 1)


def _faces(split: str, size: int | None, n: int | None) -> Images:
    from course.data.faces import render, sample_factors

    usual, seed = FACES[split]
    factors = sample_factors(n or usual, seed, **FACES_FIXED)
    return Images(
        name="faces",
        x=render(factors, size or 32),
        y=None,
        label_names=(),
        factors=factors,
        about="Cartoon faces with one background and one shirt, drawn from known factors (course.data.faces).",
    )


def _digits(split: str) -> Images:
    import torch
    from sklearn.model_selection import train_test_split

    from course.data.load import load

    digits = load("digits")
    rows = train_test_split(np.arange(len(digits.X)), test_size=360, stratify=digits.y, random_state=0)
    chosen = rows[SPLITS.index(split)]
    return Images(
        name="digits",
        x=torch.as_tensor(digits.X[chosen] / 16, dtype=torch.float32).reshape(-1, 1, 8, 8),
        y=torch.as_tensor(np.asarray(digits.y)[chosen]),
        label_names=tuple("0123456789"),
        factors={},
        about="Handwritten digits, labels 0 to 9 (UCI optical recognition of handwritten digits, with scikit-learn).",
    )


def _from_disk(name: str, split: str, size: int | None, root: Path, download: bool) -> Images:
    """Images in downloaded files, fetched first where that is wanted, read by the library that knows their format."""
    weight, folder = DOWNLOADS[name]
    if not download and not any(path.is_file() for path in (root / folder).rglob("*")):
        raise DataError(
            f"{name} is not on this machine: nothing is in {root / folder}. `course download {name}` in a terminal, or "
            f"download=True, fetches it ({weight}). The digits and the faces need no download."
        )
    try:
        if name == "lfw":
            return _lfw(split, size or 32, root, download)
        return (_mnist if name == "mnist" else _cifar10)(split, root, download)
    except ImportError:
        raise
    except Exception as error:  # what a reader raises on a damaged file is anybody's guess
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        if download and _is_of_the_network(error):
            raise DataError(
                f"{name} could not be fetched ({why}). Try again when this machine has a network, or copy the folder "
                f"{folder} from another machine into {root}"
            ) from error
        raise DataError(
            f"the files of {name} below {root / folder} are damaged or incomplete ({why}). Delete that folder, then "
            f"fetch it again with `course download {name}` ({weight})"
        ) from error


def _is_of_the_network(error: BaseException) -> bool:
    """Whether a connection failed: torchvision wraps that in a RuntimeError, scikit-learn lets it through."""
    return isinstance(error, (URLError, TimeoutError, ConnectionError)) or "Error downloading" in str(error)


def _mnist(split: str, root: Path, download: bool) -> Images:
    import torch

    from course.torchvision_shim import import_torchvision

    torchvision = import_torchvision()
    raw = root / "MNIST" / "raw"
    for packed in raw.glob("*-ubyte.gz"):  # as they come from the web; torchvision itself reads them unpacked
        unpacked = packed.with_suffix("")
        if not unpacked.exists():
            unpacked.write_bytes(gzip.decompress(packed.read_bytes()))
    found = torchvision.datasets.MNIST(root, train=split == "train", download=download)
    if found.data.shape != (len(found.targets), 28, 28):
        raise ValueError(f"{tuple(found.data.shape)} pixels for {len(found.targets)} labels")
    return Images(
        name="mnist",
        x=found.data.unsqueeze(1).to(torch.float32).div_(255),
        y=found.targets.to(torch.int64),
        label_names=tuple("0123456789"),
        factors={},
        about="Handwritten digits, labels 0 to 9 (LeCun, Cortes and Burges's MNIST).",
    )


def _cifar10(split: str, root: Path, download: bool) -> Images:
    import torch

    from course.torchvision_shim import import_torchvision

    found = import_torchvision().datasets.CIFAR10(root, train=split == "train", download=download)
    return Images(
        name="cifar10",
        x=torch.from_numpy(found.data).permute(0, 3, 1, 2).contiguous().to(torch.float32).div_(255),
        y=torch.as_tensor(found.targets),
        label_names=tuple(found.classes),
        factors={},
        about="Small photographs of ten kinds of animals and vehicles (Krizhevsky's CIFAR-10).",
    )


def _lfw(split: str, size: int, root: Path, download: bool) -> Images:
    import torch
    from sklearn.datasets import fetch_lfw_people

    # The faces stand in the middle of 250 x 250 pixels; scikit-learn's own cut, 125 x 94, made as wide as it is high.
    square = (slice(70, 195), slice(62, 187))
    found = fetch_lfw_people(data_home=root, color=True, slice_=square, resize=size / 125, download_if_missing=download)
    chosen = (found.target % 10 == 9) == (split == "test")
    return Images(
        name="lfw",
        x=torch.from_numpy(found.images[chosen]).permute(0, 3, 1, 2).contiguous(),
        y=torch.as_tensor(found.target[chosen]),
        label_names=tuple(map(str, found.target_names)),
        factors={},
        about="Photographs of faces from the news; a label is a person (Huang et al.'s Labeled Faces in the Wild).",
    )


def download(name: str, root: str | Path | None = None) -> str:
    """Fetch mnist, cifar10 or lfw, unless it is there; returns a line that says what there is now, and where.

    Raises DataError for an unknown name and where there is no network.
    """
    _one_of(available_images(), name, "images are")
    if name in EMBEDDED:
        return f"{name} needs no download"
    root = Path(root or data_folder() / "downloads")
    images = load_images(name, download=True, root=root)
    return f"{images!r} In {root / DOWNLOADS[name][1]}"
