"""The nearest training images of samples: has the generator learnt the images by heart?"""

from __future__ import annotations

import numpy as np


def nearest_images(samples: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The index of the nearest training image of every sample, and the Euclidean distance to it.

    samples (m, ...) and images (n, ...) of the same shape each  ->  (m,) integers, (m,) distances. The first of equals.
    """
    samples, images = (np.asarray(a, float).reshape(len(a), -1) for a in (samples, images))
    if samples.shape[1] != images.shape[1]:
        raise ValueError(f"samples have {samples.shape[1]} pixels and images {images.shape[1]}: resize one of them")
    squares = (samples**2).sum(axis=1)[:, None] - 2 * samples @ images.T + (images**2).sum(axis=1)
    index = squares.argmin(axis=1)
    return index, np.linalg.norm(samples - images[index], axis=1)
