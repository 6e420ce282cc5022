"""Other correct ways to solve 08_gan. They must keep their points, also in float32; never released."""

import math

import numpy as np
import torch
from scipy import special

# optimal_discriminator


def best_by_a_loop(p_data, p_g):
    D = np.full(len(p_data), 0.5)
    for i, (a, b) in enumerate(zip(p_data, p_g, strict=True)):
        if a + b > 0:
            D[i] = a / (a + b)
    return D


def best_by_log_odds(p_data, p_g):
    with np.errstate(divide="ignore", invalid="ignore"):
        D = special.expit(np.log(p_data) - np.log(p_g))
    return np.where(np.isnan(D), 0.5, D)


# game_value


def value_by_a_loop(p_data, p_g, D):
    total = 0.0
    for a, b, d in zip(p_data, p_g, D, strict=True):
        total += a * math.log(d) if a > 0 else 0.0
        total += b * math.log(1 - d) if b > 0 else 0.0
    return total


def value_with_torch(p_data, p_g, D):
    p, q, d = (torch.as_tensor(a) for a in (p_data, p_g, D))
    return float(torch.xlogy(p, d).sum() + torch.xlogy(q, 1 - d).sum())


# generator_slopes


def slopes_with_autograd(a):
    a = torch.as_tensor(a).clone().requires_grad_()
    (flat,) = torch.autograd.grad(-torch.nn.functional.softplus(a).sum(), a)
    (steep,) = torch.autograd.grad(torch.nn.functional.softplus(-a).sum(), a)
    return flat.numpy(), steep.numpy()


def slopes_with_tanh(a):
    D = (1 + np.tanh(a / 2)) / 2
    return -D, D - 1


# game_step


def step_as_a_matrix(theta, psi, rate, alternating):
    down = np.array([[1.0, -rate], [0.0, 1.0]])
    up = np.array([[1.0, 0.0], [rate, 1.0]])
    both = np.array([[1.0, -rate], [rate, 1.0]])
    return tuple(((down @ up) if alternating else both) @ [theta, psi])


def step_by_cases(theta, psi, rate, alternating):
    if alternating:
        psi = psi + rate * theta
        theta = theta - rate * psi
        return theta, psi
    return theta - rate * psi, psi + rate * theta


# nearest_images


def nearest_by_a_loop(samples, images):
    index, distance = [], []
    for x in samples:
        gaps = [math.dist(x, image) for image in images]
        index.append(gaps.index(min(gaps)))
        distance.append(min(gaps))
    return np.array(index), np.array(distance)


def nearest_with_torch(samples, images):
    distance, index = (torch.as_tensor(samples)[:, None] - torch.as_tensor(images)).norm(dim=2).min(dim=1)
    return index.numpy(), distance.numpy()


ALTERNATIVES = {
    "optimal_discriminator": [best_by_a_loop, best_by_log_odds],
    "game_value": [value_by_a_loop, value_with_torch],
    "generator_slopes": [slopes_with_autograd, slopes_with_tanh],
    "game_step": [step_as_a_matrix, step_by_cases],
    "nearest_images": [nearest_by_a_loop, nearest_with_torch],
}
