"""Other correct ways to solve 10_dcgan. They must keep their points, also in float32; never released."""

import numpy as np
import torch
from scipy.signal import convolve2d

# fractionally_strided


def by_zeros_between(y, w, stride, padding):
    n = len(y)
    wide = np.zeros(((n - 1) * stride + 1,) * 2, dtype=y.dtype)
    wide[::stride, ::stride] = y
    full = convolve2d(wide, w)
    return full[padding : len(full) - padding, padding : len(full) - padding]


def by_kronecker(y, w, stride, padding):
    n, k = len(y), len(w)
    side = (n - 1) * stride + k
    lift = np.zeros((k, side, n), dtype=y.dtype)  # lift[a] puts entry i at i * stride + a
    for a in range(k):
        lift[a, np.arange(n) * stride + a, np.arange(n)] = 1
    full = np.einsum("ab,aim,mn,bjn->ij", w, lift, y, lift)
    return full[padding : side - padding, padding : side - padding]


# layer_sides


def sides_from_torch(side, layers):
    found = [side]
    for direction, kernel, stride, padding in layers:
        make = torch.nn.Conv1d if direction == "down" else torch.nn.ConvTranspose1d
        found.append(make(1, 1, kernel, stride, padding)(torch.zeros(1, 1, found[-1])).shape[-1])
    return found


def sides_by_counting(side, layers):
    found = [side]
    for direction, kernel, stride, padding in layers:
        if direction == "down":
            starts = range(-padding, found[-1] + padding - kernel + 1, stride)
            found.append(len(starts))
        else:
            found.append(len(range(padding, (found[-1] - 1) * stride + kernel - padding)))
    return found


# stamps_over


def stamps_by_convolution(n, kernel, stride):
    starts = np.zeros((n - 1) * stride + 1)
    starts[::stride] = 1
    return np.convolve(starts, np.ones(kernel))


def stamps_by_cumulating(n, kernel, stride):
    change = np.zeros((n - 1) * stride + kernel + 1)
    for i in range(n):
        change[i * stride] += 1
        change[i * stride + kernel] -= 1
    return change.cumsum()[:-1]


# batch_normalise


def normalised_channel_by_channel(x, gamma, beta):
    out = np.empty_like(x)
    for c in range(x.shape[1]):
        values = x[:, c]
        out[:, c] = gamma[c] * (values - np.mean(values)) / np.sqrt(np.var(values) + 1e-5) + beta[c]
    return out


def normalised_as_rows(x, gamma, beta):
    rows = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    rows = rows / np.sqrt((rows * rows).mean(axis=1, keepdims=True) + 1e-5)
    n, c, h, w = x.shape
    return np.moveaxis((rows * gamma[:, None] + beta[:, None]).reshape(c, n, h, w), 0, 1)


# mixed_variances


def variances_multiplied_out():
    return "2*t**2 - 2*t + 1", "1/k + 1/k + 1/k"


def variances_by_the_middle():
    return "1/2 + 2*(t - 1/2)**2", "3*k/k**2"


# latent_arithmetic


def arithmetic_of_differences(a, b, c):
    return (a - b + c).mean(dim=0)


def arithmetic_by_sums(a, b, c):
    return (a.sum(0) - b.sum(0) + c.sum(0)) / a.shape[0]


ALTERNATIVES = {
    "fractionally_strided": [by_zeros_between, by_kronecker],
    "layer_sides": [sides_from_torch, sides_by_counting],
    "stamps_over": [stamps_by_convolution, stamps_by_cumulating],
    "batch_normalise": [normalised_channel_by_channel, normalised_as_rows],
    "mixed_variances": [variances_multiplied_out, variances_by_the_middle],
    "latent_arithmetic": [arithmetic_of_differences, arithmetic_by_sums],
}
