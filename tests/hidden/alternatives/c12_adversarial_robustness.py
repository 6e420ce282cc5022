"""Other correct ways to solve 12_adversarial_robustness. They keep their points, also in float32; never released."""

import numpy as np
import torch

# fgsm_step


def by_cases(x, gradient, delta):
    moved = torch.where(gradient > 0, x + delta, torch.where(gradient < 0, x - delta, x))
    return moved.clip(0.0, 1.0)


def through_numpy(x, gradient, delta):
    return torch.tensor(np.clip(x.numpy() + delta * np.sign(gradient.numpy()), 0, 1))


def by_minimum_and_maximum(x, gradient, delta):
    moved = x.add(gradient.sgn(), alpha=delta)
    return torch.minimum(torch.maximum(moved, torch.zeros_like(x)), torch.ones_like(x))


# project_l2


def sample_by_sample(e, delta):
    out = e.clone()
    for i in range(len(e)):
        length = torch.sqrt((e[i] ** 2).sum())
        if length > delta:
            out[i] = e[i] / length * delta
    return out


def scaled_by_the_larger(e, delta):
    length = torch.linalg.vector_norm(e.flatten(1), dim=1)
    factor = delta / torch.maximum(length, torch.full_like(length, max(delta, 1e-30)))
    return (e.flatten(1) * factor[:, None]).reshape(e.shape)


def projected_with_numpy(e, delta):
    flat = e.numpy().reshape(len(e), -1)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    factor = np.minimum(1, delta / np.where(length == 0, 1, length))
    return torch.tensor((flat * factor).reshape(e.shape))


# pgd_step


def change_clipped(x, origin, gradient, step, delta):
    e = (x - origin + step * torch.sign(gradient)).clip(-delta, delta)
    return (origin + e).clip(0, 1)


def one_interval(x, origin, gradient, step, delta):
    low, high = (origin - delta).clip(min=0), (origin + delta).clip(max=1)
    return torch.clamp(x + step * gradient.sgn(), low, high)


def step_with_numpy(x, origin, gradient, step, delta):
    x, origin, gradient = x.numpy(), origin.numpy(), gradient.numpy()
    moved = np.clip(x + step * np.sign(gradient), origin - delta, origin + delta)
    return torch.tensor(np.clip(moved, 0, 1))


# robust_linear_loss


def move_the_samples(X, y, w, b, delta, norm):
    direction = np.sign(w) if norm == "linf" else w / np.linalg.norm(w)
    moved = X - delta * y[:, None] * direction
    return np.log1p(np.exp(-y * (moved @ w + b))).mean()


def loss_by_loops(X, y, w, b, delta, norm):
    size = np.linalg.norm(w, {"linf": 1, "l2": 2}[norm])
    total = 0.0
    for x, label in zip(X, y, strict=True):
        total += np.log(1 + np.exp(-(label * (sum(x * w) + b) - delta * size)))
    return total / len(X)


def loss_with_torch(X, y, w, b, delta, norm):
    X, y, w = (torch.tensor(a) for a in (X, y, w))
    size = w.abs().sum() if norm == "linf" else w.norm()
    return float(torch.nn.functional.softplus(delta * size - y * (X @ w + b)).mean())


# wasserstein_inner


def at_the_vertex(X, y, w, gamma):
    size = float(w @ w)
    if gamma <= size:
        return np.full(len(y), np.inf)
    r = y - X @ w
    moved = X - np.outer(r / (gamma - size), w)
    return (y - moved @ w) ** 2 - gamma * ((moved - X) ** 2).sum(axis=1)


def row_by_row(X, y, w, gamma):
    values = np.zeros(len(y))
    for i in range(len(y)):
        r = y[i] - np.dot(X[i], w)
        share = np.dot(w, w) / gamma
        values[i] = r * r / (1 - share) if share < 1 else np.inf
    return values


# cvar


def sorted_and_shared(losses, alpha):
    left, total = alpha * len(losses), 0.0
    room = left
    for value in sorted(losses, reverse=True):
        part = min(1.0, room)
        total += part * value
        room -= part
        if room <= 0:
            break
    return total / left


def by_the_dual_at_once(losses, alpha):
    excess = np.maximum(losses[None, :] - losses[:, None], 0)
    return (losses + excess.mean(axis=1) / alpha).min()


def integral_of_quantiles(losses, alpha):
    n = len(losses)
    edges = np.minimum(np.arange(n + 1) / n, alpha)
    return np.sum(np.diff(edges) * np.sort(losses)[::-1]) / alpha


ALTERNATIVES = {
    "fgsm_step": (by_cases, through_numpy, by_minimum_and_maximum),
    "project_l2": (sample_by_sample, scaled_by_the_larger, projected_with_numpy),
    "pgd_step": (change_clipped, one_interval, step_with_numpy),
    "robust_linear_loss": (move_the_samples, loss_by_loops, loss_with_torch),
    "wasserstein_inner": (at_the_vertex, row_by_row),
    "cvar": (sorted_and_shared, by_the_dual_at_once, integral_of_quantiles),
}
