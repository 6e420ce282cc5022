"""Other correct ways to solve 09_gan_training. They must keep their points, also in float32; never released."""

import math

import numpy as np
import sympy
import torch
from scipy import optimize
from scipy.spatial.distance import cdist

# conjugate_pair


def multiplied_out():
    return "1 - u**(-1/2)", "1/(1 - t) - 1"


def with_roots():
    return "(sqrt(u) - 1)/sqrt(u)", "t*(1 - t)**(-1)"


def by_sympy():
    s, t = sympy.symbols("s t", positive=True)
    best = sympy.solve(sympy.diff(t * s**2 - (s - 1) ** 2, s), s)[0]
    return "1 - 1/sqrt(u)", str(sympy.factor(t * best**2 - (best - 1) ** 2))


# kl_bound


def bound_by_a_loop(p, q, T):
    return math.fsum(a * t - b * math.exp(t - 1) for a, b, t in zip(p, q, T, strict=True))


def bound_with_torch(p, q, T):
    p, q, T = (torch.as_tensor(a) for a in (p, q, T))
    return (torch.dot(p, T) - torch.dot(q, torch.exp(T)) / math.e).item()


# wasserstein_1d


def pairs_by_search(x, y):
    cost = cdist(x[:, None], y[:, None])
    best = optimize.linprog(
        cost.ravel(),
        A_eq=np.vstack([np.kron(np.eye(len(x)), np.ones(len(y))), np.kron(np.ones(len(x)), np.eye(len(y)))]),
        b_eq=np.ones(len(x) + len(y)),
    )
    return best.fun / len(x)


def area_between_the_distribution_functions(x, y):
    places = np.sort(np.concatenate([x, y]))
    gap = np.searchsorted(np.sort(x), places[:-1], "right") - np.searchsorted(np.sort(y), places[:-1], "right")
    return float(np.abs(gap) @ np.diff(places)) / len(x)


# critic_penalty


def penalty_with_autograd(x, g, u, W, b, v):
    x, g, u, W, b, v = (torch.as_tensor(a) for a in (x, g, u, W, b, v))
    x_hat = torch.lerp(g, x, u[:, None]).requires_grad_()
    (slope,) = torch.autograd.grad((torch.tanh(x_hat @ W.T + b) @ v).sum(), x_hat)
    return ((slope.norm(dim=1) - 1) ** 2).mean().item()


def penalty_by_a_loop(x, g, u, W, b, v):
    total = 0.0
    for real, made, share in zip(x, g, u, strict=True):
        hidden = W @ (share * real + (1 - share) * made) + b
        total += (math.hypot(*(W.T @ (v / np.cosh(hidden) ** 2))) - 1) ** 2
    return total / len(x)


# spectral_step


def with_the_square(W, v):
    there_and_back = W.T @ W @ v
    new = there_and_back / np.sqrt(there_and_back @ there_and_back)
    u = W @ v / np.linalg.norm(W @ v)
    return W / (W.T @ u @ new), new


def with_torch(W, v):
    W, v = torch.as_tensor(W), torch.as_tensor(v)
    u = torch.nn.functional.normalize(W @ v, dim=0)
    back = u @ W
    return (W / back.norm()).numpy(), (back / back.norm()).numpy()


# precision_and_recall


def balls_by_a_loop(real, made, k):
    def covered(points, heap):
        radii = [sorted(math.dist(a, b) for b in heap)[k] for a in heap]
        hits = [any(math.dist(point, a) <= r for a, r in zip(heap, radii, strict=True)) for point in points]
        return sum(hits) / len(hits)

    return covered(made, real), covered(real, made)


def balls_with_torch(real, made, k):
    real, made = torch.as_tensor(real), torch.as_tensor(made)

    def covered(points, heap):
        exact = "donot_use_mm_for_euclid_dist"
        radii = torch.cdist(heap, heap, compute_mode=exact).topk(k + 1, largest=False).values[:, k]
        return (torch.cdist(points, heap, compute_mode=exact) <= radii).any(dim=1).double().mean().item()

    return covered(made, real), covered(real, made)


ALTERNATIVES = {
    "conjugate_pair": [multiplied_out, with_roots, by_sympy],
    "kl_bound": [bound_by_a_loop, bound_with_torch],
    "wasserstein_1d": [pairs_by_search, area_between_the_distribution_functions],
    "critic_penalty": [penalty_with_autograd, penalty_by_a_loop],
    "spectral_step": [with_the_square, with_torch],
    "precision_and_recall": [balls_by_a_loop, balls_with_torch],
}
