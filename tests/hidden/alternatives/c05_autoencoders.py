"""Other correct ways to solve 05_autoencoders. They keep their points, also in float32; never released."""

import numpy as np
import torch
from scipy import stats

# l2_loss


def loss_by_loops(x, x_hat):
    n, p = x.shape
    total, gradient = 0.0, np.zeros((n, p))
    for i in range(n):
        for j in range(p):
            difference = x_hat[i, j] - x[i, j]
            total += difference**2
            gradient[i, j] = 2 * difference / n
    return total / n, gradient


def loss_by_autograd(x, x_hat):
    moved = torch.tensor(x_hat, requires_grad=True)
    loss = torch.nn.functional.pairwise_distance(moved, torch.tensor(x), eps=0).square().mean()
    (gradient,) = torch.autograd.grad(((moved - torch.tensor(x)) ** 2).sum() / len(x), moved)
    return loss.item(), gradient.numpy()


def loss_as_a_trace(x, x_hat):
    R = x_hat - x
    return np.trace(R @ R.T) / len(R), 2 * R / len(R)


# optimal_decoder


def normal_equations(Z, X):
    A = np.hstack([Z, np.ones((len(Z), 1))])
    solution = np.linalg.solve(A.T @ A, A.T @ X)
    return solution[:-1], solution[-1]


def by_covariances(Z, X):
    z, x = Z.mean(axis=0), X.mean(axis=0)
    W = np.linalg.solve((Z - z).T @ (Z - z), (Z - z).T @ (X - x))
    return W, x - z @ W


def by_qr(Z, X):
    Q, R = np.linalg.qr(np.column_stack([np.ones(len(Z)), Z]))
    solution = np.linalg.solve(R, Q.T @ X)
    return solution[1:], solution[0]


def pixel_by_pixel(Z, X):
    A = np.column_stack([Z, np.ones(len(Z))])
    columns = [np.linalg.lstsq(A, x, rcond=None)[0] for x in X.T]
    return np.array([c[:-1] for c in columns]).T, np.array([c[-1] for c in columns])


# tied_step


def sample_by_sample(W, X, eta):
    gradient = np.zeros_like(W)
    for x in X:
        z = x @ W
        r = x - W @ z
        gradient -= 2 * (np.outer(x, r @ W) + np.outer(r, z)) / len(X)
    return W - eta * gradient


def through_the_symmetric_matrix(W, X, eta):
    n = len(X)
    P = W @ W.T
    D = -2 / n * X.T @ (X - X @ P)  # dL/dP
    return W - eta * (D + D.T) @ W


# principal_angles


def from_projectors(A, B):
    P, Q = (M @ np.linalg.inv(M.T @ M) @ M.T for M in (A, B))
    cosines = np.sqrt(np.clip(np.linalg.eigvalsh(P @ Q @ P)[::-1][: A.shape[1]], 0, 1))
    return np.arccos(cosines)


def by_svd_bases(A, B):
    U = np.linalg.svd(A, full_matrices=False)[0]
    V = np.linalg.svd(B, full_matrices=False)[0]
    return np.arccos(np.minimum(np.linalg.svd(U.T @ V)[1], 1))


def by_what_sticks_out(A, B):
    Q, V = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    sines = np.linalg.svd(V - Q @ (Q.T @ V), compute_uv=False)
    return np.arcsin(np.clip(sines[::-1], 0, 1))


def angles_with_torch(A, B):
    A, B = (torch.linalg.qr(torch.tensor(M))[0] for M in (A, B))
    return torch.arccos(torch.linalg.svdvals(A.T @ B).clamp(max=1)).numpy()


# upconvolution


def zeros_between_then_convolve(x, w, stride):
    spread = np.zeros((len(x) - 1) * stride + 1)
    spread[::stride] = x
    return np.convolve(spread, w)


def outer_product_added_up(x, w, stride):
    places = np.arange(len(x))[:, None] * stride + np.arange(len(w))
    return np.bincount(places.ravel(), weights=np.outer(x, w).ravel())


def entry_by_entry(x, w, stride):
    y = np.zeros((len(x) - 1) * stride + len(w))
    for i in range(len(x)):
        for j in range(len(w)):
            y[i * stride + j] += x[i] * w[j]
    return y


# paired_interval


def by_hand(a, b, level):
    n = len(a)
    d = [a[i] - b[i] for i in range(n)]
    mean = sum(d) / n
    variance = sum((value - mean) ** 2 for value in d) / (n - 1)
    reach = stats.t.isf((1 - level) / 2, n - 1) * (variance / n) ** 0.5
    return mean - reach, mean + reach


def scipys_own(a, b, level):
    d = np.asarray(a) - np.asarray(b)
    low, high = stats.t.interval(level, len(d) - 1, loc=d.mean(), scale=stats.sem(d))
    return low, high


def a_fitted_constant(a, b, level):
    d = a - b
    error = np.sqrt(np.cov(d) / d.size)
    t = -stats.t(d.size - 1).ppf(0.5 - level / 2)
    return [np.average(d) - t * error, np.average(d) + t * error]


ALTERNATIVES = {
    "l2_loss": (loss_by_loops, loss_by_autograd, loss_as_a_trace),
    "optimal_decoder": (normal_equations, by_covariances, by_qr, pixel_by_pixel),
    "tied_step": (sample_by_sample, through_the_symmetric_matrix),
    "principal_angles": (from_projectors, by_svd_bases, by_what_sticks_out, angles_with_torch),
    "upconvolution": (zeros_between_then_convolve, outer_product_added_up, entry_by_entry),
    "paired_interval": (by_hand, scipys_own, a_fitted_constant),
}
