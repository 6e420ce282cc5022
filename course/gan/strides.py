"""Convolutions that make an image smaller, and their transposes that make it larger, on one channel and by hand.

A strided convolution is linear, y = M x with the images as long vectors. The fractionally strided convolution with the
same kernel is x = M' y: it goes from the small side back to the large one. (M' is no inverse of M.) Source: the
lecture's slide on DCGAN; Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016); Odena,
Dumoulin and Olah, Deconvolution and checkerboard artifacts (2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def convolution_matrix(w: np.ndarray, side: int, stride: int, padding: int) -> np.ndarray:
    """The matrix M of the strided convolution of a side x side image with the kernel w (k, k): y = M x.

    Row (i, j) of M holds w where it covers the image when its corner is at (stride i - padding, stride j - padding), as
    in deep learning: the kernel is not turned. Returns (m^2, side^2), with m as in `sides`. Raises ValueError for a
    kernel that is not square, and where it does not fit into the padded image.
    """
    w = _kernel(w)
    k, m = len(w), sides(side, [("down", len(w), stride, padding)])[-1]
    M = np.zeros((m, m, side + 2 * padding, side + 2 * padding))
    for i in range(m):
        for j in range(m):
            M[i, j, stride * i : stride * i + k, stride * j : stride * j + k] = w
    inside = slice(padding, padding + side)
    return M[:, :, inside, inside].reshape(m * m, side * side)


def fractional_convolution(y: np.ndarray, w: np.ndarray, stride: int, padding: int = 0) -> np.ndarray:
    """y (n, n), kernel w (k, k) -> M' y, an image of side (n - 1) stride - 2 padding + k.

    M is the matrix of the convolution that makes an image of that side as small as y. The same as
    `torch.nn.functional.conv_transpose2d` of one channel. Raises ValueError when nothing would be left.
    """
    y = np.asarray(y, float)
    if y.ndim != 2 or y.shape[0] != y.shape[1]:
        raise ValueError(f"y has shape {y.shape}: give one square image, (n, n)")
    side = sides(len(y), [("up", len(_kernel(w)), stride, padding)])[-1]
    return (convolution_matrix(w, side, stride, padding).T @ y.ravel()).reshape(side, side)


def zeros_between(y: np.ndarray, stride: int) -> np.ndarray:
    """y (n, n) with stride - 1 zeros between neighbours: side (n - 1) stride + 1. Steps of 1 / stride pixel of y."""
    if stride < 1:
        raise ValueError(f"stride is {stride}: at least 1")
    wide = np.zeros([(n - 1) * stride + 1 for n in np.shape(y)])
    wide[::stride, ::stride] = y
    return wide


def overlap_counts(n: int, kernel: int, stride: int) -> np.ndarray:
    """How many of n stamps, `kernel` long and laid down `stride` apart, cover each of (n - 1) stride + kernel places.

    Away from the ends the counts repeat with the period `stride`; all are equal when the stride divides the kernel.
    """
    if min(n, kernel, stride) < 1:
        raise ValueError(f"n, kernel and stride are {n}, {kernel} and {stride}: each is at least 1")
    places, first = np.arange((n - 1) * stride + kernel)[:, None], stride * np.arange(n)
    return ((places >= first) & (places < first + kernel)).sum(axis=1)


def sides(side: int, layers: Sequence[tuple[str, int, int, int]]) -> list[int]:
    """The side of the image before the first layer and after each.

    layers   ("down" or "up", kernel, stride, padding)
             down, strided: floor((side + 2 padding - kernel) / stride) + 1
             up, fractionally strided: (side - 1) stride - 2 padding + kernel

    Raises ValueError for another word, and for a layer that leaves nothing.
    """
    found = [side]
    for direction, kernel, stride, padding in layers:
        if direction not in ("down", "up"):
            raise ValueError(f"a layer is called {direction!r}: write 'down' or 'up'")
        if kernel < 1 or stride < 1 or padding < 0:
            raise ValueError(f"kernel {kernel}, stride {stride}, padding {padding}: at least 1, 1 and 0")
        if direction == "down":
            side = (side + 2 * padding - kernel) // stride + 1
        else:
            side = (side - 1) * stride - 2 * padding + kernel
        if side < 1:
            raise ValueError(f"a kernel of {kernel} with padding {padding} leaves nothing of a side of {found[-1]}")
        found.append(side)
    return found


def _kernel(w: np.ndarray) -> np.ndarray:
    w = np.asarray(w, float)
    if w.ndim != 2 or w.shape[0] != w.shape[1]:
        raise ValueError(f"w has shape {w.shape}: give one square kernel, (k, k)")
    return w
