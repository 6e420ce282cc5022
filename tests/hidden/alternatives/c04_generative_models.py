"""Other correct ways to solve 04_generative_models. They must keep their points, also in float32; never released."""

import math

import torch
from torch.nn import functional as F

# chain_rule_log_p


def cross_entropy(p, x):
    return (x * torch.log(p) + (1 - x) * torch.log1p(-p)).sum(dim=1)


def by_sign(p, x):
    return torch.log(1 - x - p + 2 * x * p).sum(-1)


def bit_by_bit(p, x):
    log_p = torch.zeros(len(x), dtype=p.dtype)
    for i in range(x.shape[1]):
        log_p += torch.log(torch.where(x[:, i] > 0.5, p[:, i], 1 - p[:, i]))
    return log_p


def chain_rule_in_float32(p, x):
    return cross_entropy(p.float(), x.float())


# bits_per_dimension


def bits_by_log2(log_p, d):
    return -(log_p * math.log2(math.e)).mean() / d


def bits_by_sum(log_p, d):
    return -torch.sum(log_p) / len(log_p) / d / torch.log(torch.tensor(2.0, dtype=log_p.dtype))


def bits_in_float32(log_p, d):
    return -log_p.float().mean() / (d * math.log(2))


# made_masks


def masks_by_loops(degrees, d):
    M1, M2 = torch.zeros(len(degrees), d), torch.zeros(d, len(degrees))
    for k, m in enumerate(degrees.tolist()):
        M1[k, :m] = 1
        M2[m:, k] = 1
    return M1, M2


def boolean_masks(degrees, d):
    seen = torch.arange(d) < degrees.reshape(-1, 1)
    return seen, ~seen.T


def triangular_rows(degrees, d):
    lower = torch.tril(torch.ones(d, d))[degrees - 1]
    return lower, (1 - lower).T


# couple


def couple_by_arithmetic(x, kept, s, t):
    k = kept.to(x.dtype)
    return k * x + (1 - k) * (x * torch.exp(s) + t), ((1 - k) * s).sum(1)


def couple_by_index(x, kept, s, t):
    z = x.clone()
    z[:, ~kept] = x[:, ~kept] * s[:, ~kept].exp() + t[:, ~kept]
    return z, s[:, ~kept].sum(dim=-1)


def couple_by_diagonal(x, kept, s, t):
    scale = torch.where(kept, torch.ones_like(s), s.exp())
    return scale * x + torch.where(kept, torch.zeros_like(t), t), scale.prod(dim=1).log()


def couple_in_float32(x, kept, s, t):
    return couple_by_arithmetic(x.float(), kept, s.float(), t.float())


# free_energy


def free_energy_by_logaddexp(v, W, b, c):
    a = v @ W + c
    return -torch.mv(v, b) - torch.logaddexp(a, torch.zeros_like(a)).sum(1)


def free_energy_by_logsumexp(v, W, b, c):
    a = torch.einsum("nd,dm->nm", v, W) + c
    return -(v * b).sum(dim=1) - torch.logsumexp(torch.stack([a, torch.zeros_like(a)]), dim=0).sum(dim=1)


def free_energy_by_relu(v, W, b, c):
    a = F.linear(v, W.T, c)
    return -(v @ b + a.clamp(min=0).sum(1) + torch.log1p(torch.exp(-a.abs())).sum(1))


def free_energy_in_float32(v, W, b, c):
    return free_energy_by_logaddexp(v.float(), W.float(), b.float(), c.float())


# cd_gradient


def gradient_row_by_row(v_data, v_model, W, c):
    dW, db, dc = torch.zeros_like(W), torch.zeros(len(W), dtype=W.dtype), torch.zeros_like(c)
    for sign, rows in ((1, v_data), (-1, v_model)):
        for v in rows:
            h = 1 / (1 + torch.exp(-(v @ W + c)))
            dW += sign * torch.outer(v, h) / len(rows)
            db += sign * v / len(rows)
            dc += sign * h / len(rows)
    return dW, db, dc


def gradient_of_weighted_rows(v_data, v_model, W, c):
    v = torch.cat([v_data, v_model])
    weight = torch.cat([torch.full((len(v_data),), 1 / len(v_data)), torch.full((len(v_model),), -1 / len(v_model))])
    weight = weight.to(v.dtype)
    p = (v @ W + c).sigmoid()
    return v.T @ (weight[:, None] * p), weight @ v, weight @ p


def gradient_in_float32(v_data, v_model, W, c):
    return gradient_of_weighted_rows(v_data.float(), v_model.float(), W.float(), c.float())


ALTERNATIVES = {
    "chain_rule_log_p": (cross_entropy, by_sign, bit_by_bit, chain_rule_in_float32),
    "bits_per_dimension": (bits_by_log2, bits_by_sum, bits_in_float32),
    "made_masks": (masks_by_loops, boolean_masks, triangular_rows),
    "couple": (couple_by_arithmetic, couple_by_index, couple_by_diagonal, couple_in_float32),
    "free_energy": (
        free_energy_by_logaddexp,
        free_energy_by_logsumexp,
        free_energy_by_relu,
        free_energy_in_float32,
    ),
    "cd_gradient": (gradient_row_by_row, gradient_of_weighted_rows, gradient_in_float32),
}
