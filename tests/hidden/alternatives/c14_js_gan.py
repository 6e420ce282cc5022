"""Other correct ways to solve 14_js_gan. They must keep their points, also in float32; never released."""

import math

import numpy as np
import torch
from scipy import special, stats

# tv_gan_value


def tv_by_a_loop(X, eta, U):
    worst = 1.0
    for u in U:
        share = sum(1 for x in X if float(u @ (x - eta)) >= 0) / len(X)
        worst = min(worst, share)
    return 0.5 - worst


def tv_with_torch(X, eta, U):
    projected = (torch.as_tensor(X) - torch.as_tensor(eta)) @ torch.as_tensor(U).T
    return float((0.5 - (projected >= 0).double().mean(dim=0)).max())


# js_objective


def objective_with_torch(real, fake):
    log_t = torch.nn.functional.logsigmoid(torch.as_tensor(np.asarray(real, float)))
    log_not_t = torch.nn.functional.logsigmoid(-torch.as_tensor(np.asarray(fake, float)))
    return float(log_t.mean() + log_not_t.mean()) + 2 * math.log(2)


def objective_with_scipy(real, fake):
    return special.log_expit(real).mean() + special.log_expit(-fake).mean() + np.log(4)


def objective_in_float32(real, fake):
    real, fake = np.asarray(real, np.float32), np.asarray(fake, np.float32)
    return np.float32(np.log(4)) - np.logaddexp(np.float32(0), -real).mean() - np.logaddexp(np.float32(0), fake).mean()


# js_g_gradient


def gradient_by_loops(g_real, g_fake, w):
    total = np.zeros(len(w))
    for g in g_real:
        total += g / (1 + math.exp(float(g @ w))) / len(g_real)
    for g in g_fake:
        total -= g / (1 + math.exp(-float(g @ w))) / len(g_fake)
    return total


def gradient_as_products(g_real, g_fake, w):
    return g_real.T @ special.expit(-g_real @ w) / len(g_real) - g_fake.T @ special.expit(g_fake @ w) / len(g_fake)


# location_gradient


def location_by_loops(Z, eta, W, b, v):
    total = np.zeros(len(eta))
    for z in Z:
        a = special.expit(W @ (eta + z) + b)
        slope = sum(v[j] * a[j] * (1 - a[j]) * W[j] for j in range(len(v)))
        total -= special.expit(float(v @ a)) * slope
    return total / len(Z)


def location_with_einsum(Z, eta, W, b, v):
    a = 1 / (1 + np.exp(-(np.einsum("hp,mp->mh", W, Z + eta) + b)))
    T = 1 / (1 + np.exp(-a @ v))
    return -np.einsum("m,mh,h,hp->p", T, a * (1 - a), v, W) / len(Z)


# outlier_auc


def auc_by_ranks(inliers, outliers):
    ranks = stats.rankdata(np.concatenate([inliers, outliers]))[len(inliers) :]
    m, n = len(outliers), len(inliers)
    return (ranks.sum() - m * (m + 1) / 2) / (m * n)


def auc_by_a_loop(inliers, outliers):
    won = 0.0
    for outlier in outliers:
        for inlier in inliers:
            won += 1.0 if outlier > inlier else 0.5 if outlier == inlier else 0.0
    return won / (len(inliers) * len(outliers))


# quadratic_score_divergence


def divergence_by_a_loop(p, q):
    total = 0.25
    for a, b in zip(p, q, strict=True):
        if a + b > 0:
            t = a / (a + b)
            total -= (a * (1 - t) ** 2 + b * t**2) / 2
    return total


def divergence_by_harmonic_means(p, q):
    both = p + q
    inside = both > 0
    return 0.25 - 0.5 * float((p[inside] * q[inside] / both[inside]).sum())


ALTERNATIVES = {
    "tv_gan_value": [tv_by_a_loop, tv_with_torch],
    "js_objective": [objective_with_torch, objective_with_scipy, objective_in_float32],
    "js_g_gradient": [gradient_by_loops, gradient_as_products],
    "location_gradient": [location_by_loops, location_with_einsum],
    "outlier_auc": [auc_by_ranks, auc_by_a_loop],
    "quadratic_score_divergence": [divergence_by_a_loop, divergence_by_harmonic_means],
}
