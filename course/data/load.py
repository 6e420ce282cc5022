"""The loaders. A table in data/ is verified against its checksum before a number of it is believed."""

from __future__ import annotations

import csv
import difflib
import hashlib
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from course.data.dataset import DataError, Dataset
from course.paths import data_folder


def verified(name: str, folder: Path | None = None, mend: str | None = None) -> Path:
    """The path of data/`name`, once its bytes have been held against data/sources.toml.

    Raises DataError when the file is missing, empty or altered; its message ends with `mend`, how to get it back.
    """
    folder = folder or data_folder()
    path = folder / name
    mend = mend or f"restore it with `git checkout {folder.name}/{name}`, or unpack the course's bundle again"
    try:
        expected = tomllib.loads((folder / "sources.toml").read_text("utf-8"))[name]["sha256"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        raise DataError(f"{folder / 'sources.toml'} does not vouch for {name}; {mend}") from None
    try:
        found = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); {mend}") from None
    if not found:
        raise DataError(f"{path} is empty; {mend}")
    if hashlib.sha256(found).hexdigest() != expected:
        raise DataError(f"{path} is damaged or was edited (its checksum differs); {mend}")
    return path


def _usarrests() -> Dataset:
    with verified("usarrests.csv").open(encoding="utf-8", newline="") as file:
        (_, *features), *rows = csv.reader(file)
    return Dataset(
        name="usarrests",
        X=np.array([row[1:] for row in rows], dtype=float),
        features=tuple(features),
        samples=tuple(row[0] for row in rows),
        about="Arrests per 100,000 residents for murder, assault and rape, and percent urban population, "
        "in the 50 US states in 1973 (R's datasets::USArrests).",
    )


def _digits() -> Dataset:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Dataset(
        name="digits",
        X=digits.data,
        features=tuple(digits.feature_names),
        y=digits.target,
        about="Handwritten digits, 8x8 grey levels from 0 to 16, labels 0 to 9 "
        "(UCI optical recognition of handwritten digits, as shipped with scikit-learn).",
    )


_LOADERS: dict[str, Callable[[], Dataset]] = {"usarrests": _usarrests, "digits": _digits}


def available() -> tuple[str, ...]:
    """The names that `load` takes."""
    return tuple(_LOADERS)


def load(name: str) -> Dataset:
    """The data set called `name`. Raises DataError when it is unknown, missing or damaged."""
    try:
        loader = _LOADERS[name]
    except KeyError:
        near = difflib.get_close_matches(name, _LOADERS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_LOADERS)}."
        raise DataError(f"no data set is called {name!r}: {hint}") from None
    return loader()
