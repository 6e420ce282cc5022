"""What every loader returns, and the one error that a loader raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


class DataError(Exception):
    """A data set is unknown, missing, damaged or empty; the message says how to mend it."""


@dataclass(frozen=True)
class Dataset:
    """A data matrix with its names.

    X             (n_samples, n_features) float64; the units are told in `about`
    features      n_features names
    samples       n_samples names, or None
    y             (n_samples,) integer labels, or None where the data has none
    about         one sentence: what a row is, the units, the source
    """

    name: str
    X: np.ndarray
    features: tuple[str, ...]
    about: str
    samples: tuple[str, ...] | None = None
    y: np.ndarray | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """The same numbers as a pandas table, rows and columns named."""
        import pandas as pd

        return pd.DataFrame(self.X, index=self.samples, columns=list(self.features))

    def __repr__(self) -> str:
        n, p = self.X.shape
        return f"{self.name}: {n} samples of {p} features. {self.about}"
