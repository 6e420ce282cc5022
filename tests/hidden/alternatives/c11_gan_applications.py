"""Other correct ways to solve 11_gan_applications. They must keep their points, also in float32; never released."""

import numpy as np
import torch

# labelled_noise


def label_by_comparing(z, y, k):
    return torch.hstack([z, (y[:, None] == torch.arange(k)).to(z.dtype)])


def label_by_filling(z, y, k):
    out = torch.zeros(len(z), z.shape[1] + k, dtype=z.dtype)
    out[:, : z.shape[1]] = z
    out[torch.arange(len(z)), z.shape[1] + y] = 1
    return out


# text_loss


def text_loss_with_logsigmoid(right, wrong, fake):
    log = torch.nn.functional.logsigmoid
    return -(log(right) + log(-wrong) / 2 + log(-fake) / 2).mean()


def text_loss_with_bce(right, wrong, fake):
    bce = torch.nn.BCEWithLogitsLoss()
    no = torch.cat([wrong, fake])
    return bce(right, torch.ones_like(right)) + bce(no, torch.zeros_like(no))


def text_loss_with_logaddexp(right, wrong, fake):
    zero = torch.zeros_like(right)
    cost = torch.logaddexp(zero, -right) + 0.5 * torch.logaddexp(zero, wrong) + 0.5 * torch.logaddexp(zero, fake)
    return cost.mean()


# obeyed_words


def words_by_a_loop(asked, seen):
    shares = []
    for j in range(asked.shape[1]):
        wanted = asked[:, j] == 1
        shares.append(seen[wanted, j].mean() if wanted.any() else np.nan)
    return np.array(shares)


def words_by_masking(asked, seen):
    return np.ma.array(seen, mask=asked == 0).mean(axis=0).filled(np.nan)


# find_code


def code_with_autograd(W, b, x, rate, n_steps):
    z = torch.zeros(W.shape[1], dtype=W.dtype, requires_grad=True)
    descent = torch.optim.SGD([z], lr=rate)
    for _ in range(n_steps):
        descent.zero_grad()
        (0.5 * (W @ z + b - x).square().sum()).backward()
        descent.step()
    return z.detach()


def code_as_a_recursion(W, b, x, rate, n_steps):
    shrink = torch.eye(W.shape[1], dtype=W.dtype) - rate * W.T @ W
    push = rate * W.T @ (x - b)
    z = torch.zeros(W.shape[1], dtype=W.dtype)
    for _ in range(n_steps):
        z = shrink @ z + push
    return z


# patch_side


def patch_from_the_image(layers):
    side = apart = 1
    for kernel, stride in layers:
        side += (kernel - 1) * apart
        apart *= stride
    return side


def patch_as_an_interval(layers):
    first = last = 0
    for kernel, stride in reversed(layers):
        first, last = first * stride, last * stride + kernel - 1
    return last - first + 1


def patch_by_recursion(layers):
    def seen(outputs, rest):
        return outputs if not rest else seen((outputs - 1) * rest[-1][1] + rest[-1][0], rest[:-1])

    return seen(1, list(layers))


# cycle_error


def cycle_by_loops(X, Y, A, B):
    there = [abs(v) for x in X for v in B @ (A @ x) - x]
    back = [abs(v) for y in Y for v in A @ (B @ y) - y]
    return sum(there) / len(there) + sum(back) / len(back)


def cycle_with_torch(X, Y, A, B):
    X, Y, A, B = (torch.as_tensor(np.asarray(value)) for value in (X, Y, A, B))
    loss = torch.nn.functional.l1_loss
    return (loss((B @ A @ X.T).T, X) + loss((A @ B @ Y.T).T, Y)).item()


def cycle_with_einsum(X, Y, A, B):
    home = np.einsum("dk,ke,ne->nd", B, A, X)
    home_too = np.einsum("kd,de,ne->nk", A, B, Y)
    return np.abs(home - X).mean() + np.abs(home_too - Y).mean()


ALTERNATIVES = {
    "labelled_noise": [label_by_comparing, label_by_filling],
    "text_loss": [text_loss_with_logsigmoid, text_loss_with_bce, text_loss_with_logaddexp],
    "obeyed_words": [words_by_a_loop, words_by_masking],
    "find_code": [code_with_autograd, code_as_a_recursion],
    "patch_side": [patch_from_the_image, patch_as_an_interval, patch_by_recursion],
    "cycle_error": [cycle_by_loops, cycle_with_torch, cycle_with_einsum],
}
