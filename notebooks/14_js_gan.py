# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     notebook_metadata_filter: -course,-language_info,-widgets,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 14. JS-GAN
#
# **From the lecture:** robust estimation by GANs; why a hidden layer; $\mathrm{JS}_g$ and its proposition; the rates;
# unknown covariance; the discriminator identifies outliers; elliptical families and Cauchy; scatter by proper scoring
# rules.
#
# **When you are through, you can**
#
# 1. say in what sense Tukey's median is a GAN, and why nobody trains it,
# 2. estimate a mean with a fifth of the samples forged, by a game that you have seen before,
# 3. prove that a linear discriminator fails, and say what a hidden layer changes,
# 4. tell the bias that no sample size removes from the error that more samples remove,
# 5. read outliers off the discriminator,
# 6. do the same for scatter, for heavy tails, and with other scoring rules than the logarithm.
#
# **You need** chapter 8 (the game of a GAN) and chapter 13 (Huber's model, depth). **Time:** about two hours with the six
# exercises; the code itself runs in under a minute.

# %% tags=["setup"]
import numpy as np
import torch
from sklearn.metrics import roc_curve
from torch import nn

from course.gan import game
from course.lab import check, hint, solution
from course.plots import js_gan as plots
from course.plots.widgets import slider
from course.robust import JSGANLocation, JSGANScatter
from course.robust.contamination import huber_sample
from course.robust.divergences import js_g, population_location
from course.robust.scoring_rules import ScoringRule
from course.training import Training, steps

torch.manual_seed(0)
torch.set_num_threads(1)  # twenty hidden units: one thread is faster than two
rng = np.random.default_rng(0)


# %% [markdown]
# ## 14.1 A fifth of the data is forged
#
# Chapter 13 ended with a gap. In Huber's model,
#
# $$ X_1, \dots, X_n \sim (1 - \epsilon)\, P_\theta + \epsilon\, Q , $$
#
# the coordinatewise median is fast, and its error grows with the dimension. Tukey's median has the best possible rate,
# $p / n + \epsilon^2$ whatever $p$ is, and in a hundred dimensions nobody can compute it. This chapter gets the rate by
# training a GAN.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $\theta$ | `theta` | $(p,)$ | the truth: the mean of the clean rows |
# | $\tilde\theta$ | `forged` | $(p,)$ | where the contamination sits |
# | $\epsilon$ | `eps` | | the share of forged rows; the method is not told |
# | $\eta$ | `eta` | $(p,)$ | the centre that is proposed |
# | $T(x)$ | `T` | in $(0, 1)$ | the discriminator: the probability that $x$ is one of the samples |
#
# Why should a GAN help? Because Tukey's median is one already.

# %% [markdown]
# ## 14.2 Tukey's median is a GAN
#
# Propose a centre $\eta$. An adversary looks for a half-space whose edge goes through $\eta$ and that holds *too few* of
# the samples. Under $N(\eta, I_p)$ each of these half-spaces holds one half. What the adversary gains is
#
# $$ \max_{\lVert u \rVert = 1} \Big\{ \tfrac12 - \tfrac1n \sum_{i=1}^n \mathbb 1\{u^T (X_i - \eta) \ge 0\} \Big\}
#    \;=\; \tfrac12 - \mathrm{depth}(\eta) , $$
#
# and the $\eta$ at which the adversary gains least is the deepest point: Tukey's median. Read it again with the words
# of chapter 8. The adversary is a *discriminator*, a very simple one, $T(x) = \mathbb 1\{u^T(x - \eta) \ge 0\}$. The
# proposal $N(\eta, I_p)$ is a *generator*. The gain is a difference of two probabilities, a lower bound of the total
# variation distance. It is a **TV-GAN**.
#
# ### Exercise 1: what the best half-space gains (2 points)

# %% tags=["exercise"]
def tv_gan_value(X, eta, U):
    """X (n, p) samples, eta (p,), U (m, p) directions, one a row -> a number: one half minus the
    smallest, over the directions u, of the share of the samples with u . (x - eta) >= 0.

    Example: samples 0, 1, 2, 9 on a line, eta = 1 and U = [[1], [-1]]: three samples lie at or
    above 1, two at or below. The smaller share is 1/2, and the result is 0.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
tv_gan_value = check("tv_gan_value")

# %% tags=["help"]
# hint("tv_gan_value")        # delete the first # for a hint; run again for the next one
# solution("tv_gan_value")    # the same for the solution

# %% [markdown]
# Now let the centre walk along a line, in one dimension, with a fifth of the samples at distance 5.
#
# **Predict.** Where is the best half-space's gain smallest: at the truth 0, at the mean 1, or in between? And what does
# the curve look like from close by, to somebody who wants to follow its slope?

# %%
line, _ = huber_sample(60, eps=0.2, p=1, contamination="far", rng=1)
place = np.linspace(-1, 3, 401)
two_sides = np.array([[1.0], [-1.0]])
steps_of_tv = [tv_gan_value(line, np.array([eta]), two_sides) for eta in place]
marks = {"truth": 0.0, "mean": float(line.mean())}
plots.landscapes(place, {"TV, half-spaces": steps_of_tv}, marks)


# %% [markdown]
# The lowest place is near the truth, and it is the median of the samples, as it must be on a line. But the curve is a
# staircase: its slope is zero almost everywhere. No gradient leads to Tukey's median. In one dimension we look at all
# places; in a hundred we cannot. Two changes make a game that can be trained: replace the step by a sigmoid, and the
# total variation by a divergence with a slope.

# %% [markdown]
# ## 14.3 The objective
#
# Take the discriminator's own objective from chapter 8, with $T = \sigma(\text{logit})$, and the generator $N(\eta, I_p)$:
#
# $$ \hat\theta = \arg\min_\eta \; \max_{T \in \mathcal T} \Big\{ \frac1n \sum_{i=1}^n \log T(X_i)
#    + \mathbb E_{X \sim N(\eta, I_p)} \log (1 - T(X)) \Big\} + \log 4 . $$
#
# The $\log 4$ makes a discriminator that knows nothing, $T \equiv \tfrac12$, score 0. The best of *all* functions $T$
# would score $2\, \mathrm{JS}$, at most $\log 4$.
#
# ### Exercise 2: the objective, for one discriminator (2 points)

# %% tags=["exercise"]
def js_objective(real, fake):
    """logits of the samples (n,) and of the generated points (m,) -> a number: mean log T over the
    samples plus mean log(1 - T) over the generated plus log 4, where T = sigmoid(logit). Finite for
    logits of +-1000.

    Example: logits of 0 everywhere give 0.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
js_objective = check("js_objective")

# %% tags=["help"]
# hint("js_objective")        # delete the first # for a hint; run again for the next one
# solution("js_objective")    # the same for the solution

# %% [markdown]
# A probe: a discriminator that is right and sure, one that is blind, and one that is wrong and sure.

# %% tags=["nbval-check-output"]
for logit in (1000.0, 0.0, -1000.0):
    print(f"{logit:7.0f}: {js_objective(np.full(3, logit), np.full(3, -logit)):10.4f}")


# %% [markdown]
# ## 14.4 A linear discriminator is not enough
#
# Which class $\mathcal T$ of discriminators? Start with the simplest that has a slope, logistic regression:
# $T(x) = \sigma(w^T x + b)$. More generally, fix features $g(x)$ and let $T(x) = \sigma(w^T g(x))$:
#
# $$ \mathrm{JS}_g(P, Q) = \max_w \Big\{ \mathbb E_P \log \sigma(w^T g(X)) + \mathbb E_Q \log (1 - \sigma(w^T g(X))) \Big\}
#    + \log 4 . $$
#
# **Proposition.** $\mathrm{JS}_g(P, Q) = 0$ exactly when $\mathbb E_P\, g(X) = \mathbb E_Q\, g(X)$.
#
# The proof has three short steps, and you compute the one that matters. The objective is *concave* in $w$. At $w = 0$ it
# is 0. So its maximum is 0 exactly when its gradient at $w = 0$ vanishes.
#
# ### Exercise 3: the gradient in w (2 points)

# %% tags=["exercise"]
def js_g_gradient(g_real, g_fake, w):
    """g_real (n, k), g_fake (m, k), w (k,) -> (k,): the gradient in w of mean log sigmoid(g_real w)
    + mean log(1 - sigmoid(g_fake w)) + log 4.

    Example: g_real = [[1, 2], [3, 0]], g_fake = [[0, 1]], w = 0 give (1, 0).
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
js_g_gradient = check("js_g_gradient")

# %% tags=["help"]
# hint("js_g_gradient")        # delete the first # for a hint; run again for the next one
# solution("js_g_gradient")    # the same for the solution

# %% [markdown]
# At $w = 0$ your gradient is half the difference of the two means of $g$. Zero gradient, zero maximum: the proposition.
#
# Now read it for the linear discriminator, whose features are $g(x) = (1, x)$. The best discriminator is blind exactly
# when the two *means* agree, and the mean of Huber's model is $(1 - \epsilon)\,\theta + \epsilon\,\tilde\theta$. That is
# where the game must end: at the mean of all rows, forged ones included. We have trained a GAN to compute the average.
#
# **Predict.** The same staircase plot, with two new curves: $\mathrm{JS}_g$ for $g = (1, x)$, and for a richer $g$ with
# bumps and steps. Where are their lowest places?

# %%
fake = rng.standard_normal((2000, 1))


def linear(x):
    return np.hstack([np.ones_like(x), x])


def richer(x):
    return np.hstack([linear(x), np.tanh(x - np.array([-1.0, 0.0, 1.0, 2.0, 3.0]))])


# %%
coarse = place[::10]
gain = {
    f"JS, {name}": np.array([js_g(g(line), g(eta + fake), ridge=1e-3)[0] for eta in coarse])
    for name, g in {"linear": linear, "with steps": richer}.items()
}
plots.landscapes(coarse, {"TV, half-spaces": np.array(steps_of_tv[::10]), **gain}, marks)


# %% [markdown]
# Left, the staircase. In the middle the linear discriminator: smooth, and it leads straight to the mean. Right, features
# that can bend: smooth as well, and lowest near the truth. A hidden layer learns such features by itself.

# %% [markdown]
# ## 14.5 The game, with the code of chapter 8
#
# A network with one hidden layer of twenty units is the discriminator. The generator has $p$ numbers to learn: it adds
# $\eta$ to noise. Nothing else is new.

# %%
class Shift(nn.Module):
    """N(eta, I): noise plus a centre."""

    def __init__(self, start):
        super().__init__()
        self.eta = nn.Parameter(torch.as_tensor(start, dtype=torch.float32))

    def forward(self, z):
        return self.eta + z


# %%
p, eps = 20, 0.2
X, clean = huber_sample(5000, eps, p=p, contamination="far", rng=2)
theta, forged = np.zeros(p), np.full(p, 5.0)
X_tensor = torch.as_tensor(X, dtype=torch.float32)
to_forged = forged - theta
share_of_the_way = lambda eta: float((eta - theta) @ to_forged / (to_forged @ to_forged))


# %% [markdown]
# `game.play` does one round of the algorithm on the slide: a step up for the discriminator, then one for the generator,
# with the $\log D$ trick. We look at $\eta$ as it moves: 0 is the truth, 1 the forged rows. It starts at the
# coordinatewise median.

# %%
def play_the_game(discriminator, n_rounds):
    generator = Shift(np.median(X, axis=0))
    players = (generator, discriminator)
    for_eta = torch.optim.SGD(generator.parameters(), lr=0.1)
    for_T = torch.optim.Adam(discriminator.parameters(), lr=0.02)
    keep = [*players, for_eta, for_T]
    one_round = lambda x: game.play(*players, for_eta, for_T, x, torch.randn_like(x))
    look = lambda: share_of_the_way(generator.eta.numpy())
    training = Training(one_round, X_tensor, keep, 200, snapshot=look, snapshot_every=10)
    training.run(n_rounds)
    return zip(*training.snapshots)


# %%
hidden_layer = nn.Sequential(nn.Linear(p, 20), nn.LeakyReLU(0.2), nn.Linear(20, 1), nn.Flatten(0))
rounds, way = play_the_game(hidden_layer, steps(2000))
plots.path(rounds, np.array(way), {"truth": 0.0, "mean of all rows": eps})

# %% [markdown]
# And with the linear discriminator, everything else the same:

# %%
rounds, way = play_the_game(nn.Sequential(nn.Linear(p, 1), nn.Flatten(0)), steps(2000))
plots.path(rounds, np.array(way), {"truth": 0.0, "mean of all rows": eps})


# %% [markdown]
# The linear discriminator carries the estimate *away* from the median, to the mean. The hidden layer takes it to the
# truth. What pulls $\eta$ is a gradient that you can write down.
#
# ### Exercise 4: what pulls the generator (3 points)
#
# For the loss $\tfrac1m \sum_j \log (1 - T(\eta + z_j))$ and a hidden layer of sigmoids,
# $T(x) = \sigma\big(v^T \sigma(W x + b)\big)$.

# %% tags=["exercise"]
def location_gradient(Z, eta, W, b, v):
    """noise Z (m, p), eta (p,), W (h, p), b (h,), v (h,) -> (p,): the gradient in eta of
    mean log(1 - T(eta + z)) over the rows z, for T(x) = sigmoid(v . sigmoid(W x + b)).

    Example: Z = [[0, 0]], eta = 0, W = [[1, 2]], b = 0, v = [4]: the hidden unit is at 1/2, its
    slope is 1/4, T = sigmoid(2), and the result is -sigmoid(2) (1, 2).
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
location_gradient = check("location_gradient")


# %% tags=["help"]
# hint("location_gradient")        # delete the first # for a hint; run again for the next one
# solution("location_gradient")    # the same for the solution

# %% [markdown]
# Each generated point is pushed in a direction in which it looks more real, and $\eta$ takes the average of the pushes.
# Look at the factor $a (1 - a)$. A hidden unit that does nothing but tell the forged rows, far away, from everything else
# is saturated on the generated points: its slope there is almost 0, and it does not pull $\eta$ to the forged rows. In a
# linear discriminator there is no such factor: every direction that tells anything apart pulls.

# %% [markdown]
# ## 14.6 The slide's experiment
#
# The course's estimator plays the same game, with everything made fast that can be: `JSGANLocation`. It has
# scikit-learn's interface, is not told $\epsilon$, and needs no tuning here. `hidden` lists the sizes of the hidden layers;
# `raw_location_` is the outcome of the game.
#
# In a hundred dimensions, with a fifth of the rows from $N(5 \cdot \mathbf 1, I)$, a far contamination, or from
# $N(\tfrac12 \cdot \mathbf 1, I)$, a near one:
#
# **Predict.** Where do the two discriminators land, as a share of the way from the truth to the contamination?

# %%
def game_of(hidden, X, seed):
    return JSGANLocation(hidden=hidden, random_state=seed).fit(X).raw_location_


methods = {
    "mean": lambda X, seed: X.mean(axis=0),
    "coordinatewise median": lambda X, seed: np.median(X, axis=0),
    "JS, linear": lambda X, seed: game_of((), X, seed),
    "JS, hidden layer": lambda X, seed: game_of((20,), X, seed),
}


# %%
def landings(contamination, distance, methods, seeds=3):
    shares = {name: [] for name in methods}
    for seed in range(seeds):
        X, _ = huber_sample(5000, 0.2, 100, contamination=contamination, rng=seed)
        for name, estimate in methods.items():
            shares[name].append(estimate(X, seed).mean() / distance)
    return shares


plots.landings(landings("near", 0.5, methods), 0.2)

# %% [markdown]
# The linear discriminator lands on $(1 - \epsilon)\,\theta + \epsilon\,\tilde\theta$, at a share of 0.2, as the proposition
# says; here the coordinatewise median does no better. The hidden layer lands near 0. It is the slide's claim, and it holds.
#
# The far contamination, without the linear discriminator: you saw it above, in the plain game. (`JSGANLocation` first
# draws far rows in to a sphere around the bulk, which spares even a linear discriminator most of the damage.)

# %%
far = landings("far", 5.0, {k: m for k, m in methods.items() if k != "JS, linear"})
plots.landings(far, 0.2)

# %% [markdown]
# So the hidden layer finds $\theta$. Always? And how near is near?

# %% [markdown]
# ## 14.7 The bias that no sample size removes
#
# Give the method everything: infinitely many samples, all discriminators, a perfect optimiser. Along the line from
# $\theta$ to $\tilde\theta$ the problem is then one-dimensional, and a computer integrates it: which $\eta$ minimises the
# exact divergence between $(1 - \epsilon) N(0, 1) + \epsilon N(\delta, 1)$ and $N(\eta, 1)$?
#
# **Predict.** At which distance $\delta$ of the contamination is JS fooled most: when it is near, or when it is far?

# %%
from scipy.special import ndtr
from scipy.optimize import brentq

distance = np.linspace(0.25, 6, 24)
half_below = lambda m, d: 0.8 * ndtr(m) + 0.2 * ndtr(m - d) - 0.5
tukey = [brentq(half_below, 0, 6, args=(d,)) for d in distance]
exact = {name: [population_location(name, d, 0.2) for d in distance] for name in ("js", "tv")}
biases = {"mean": 0.2 * distance, "median, Tukey": tukey, "JS": exact["js"], "TV": exact["tv"]}
plots.population(distance, biases, 0.2)

# %% [markdown]
# Every method is fooled by contamination at two standard deviations or so: it overlaps the clean rows, and nobody can
# point at a forged one. Far away, JS forgets the forged rows altogether; the median never does. In between JS is *not*
# the best: total variation is, which has no slope to train on. So the slide's "the hidden layer finds $\theta$" is exact
# for far contamination, nearly true at distance 5 (that is $\tfrac12 \cdot \mathbf 1$ in a hundred dimensions), and false
# at distance 2. There the bias is of the order of $\epsilon$, and for every method it must be: the rate below says so.
#
# ### From the game to the final estimate
#
# The trained discriminator knows in which *direction* real and generated rows differ. Along that direction the problem is
# one-dimensional, so let two normals be fitted there, weigh every row by its probability of belonging to the larger, and
# average. Because that is no longer JS-GAN, it has another name: `location_`, as in scikit-learn's `MinCovDet`. Errors over
# that of the mean of the clean rows, which no method can know:

# %%
print("contamination   median    raw_location_   location_   (1 = the mean of the clean rows)")
for kind in ("far", "near", "hard"):
    X, clean = huber_sample(5000, 0.2, 100, contamination=kind, rng=5)
    oracle = np.linalg.norm(X[clean].mean(axis=0))
    fit = JSGANLocation(random_state=0).fit(X)
    errors = [np.median(X, axis=0), fit.raw_location_, fit.location_]
    median, raw, final = (np.linalg.norm(eta) / oracle for eta in errors)
    print(f"{kind:13} {median:8.2f} {raw:15.2f} {final:11.2f}")


# %% [markdown]
# ## 14.8 The rates
#
# The theorem of the lecture: with a discriminator class that is rich, but not too rich,
#
# $$ \lVert \hat\theta - \theta \rVert^2 \;\lesssim\; \frac pn + \epsilon^2 $$
#
# with high probability, *whatever* $Q$ is; and no estimator does better. Two terms: one falls with $n$, the other is the
# price of contamination, and it does **not** grow with the dimension. For the coordinatewise median it is
# $p\,\epsilon^2$.
#
# **Predict.** The three slopes on log scales: of the error against $n$ without contamination, against $\epsilon$ with many
# samples, against $p$ with many samples.

# %%
def error(n, p, eps, distance, seed):
    """Errors of JS-GAN (raw) and of the median; contamination at a distance, or at (.5, ..., .5)"""
    shift = 0.5 if distance is None else distance / np.sqrt(p)
    Q = lambda m, rng: shift + rng.standard_normal((m, p))
    X, _ = huber_sample(n, eps, p, contamination=Q, rng=seed)
    fits = (JSGANLocation(random_state=seed).fit(X).raw_location_, np.median(X, axis=0))
    return [np.linalg.norm(eta) for eta in fits]


def series(varies, values, **fixed):
    """The errors at each value of what varies, averaged over two seeds: a pair of arrays."""
    found = [[error(seed=s, **{varies: value}, **fixed) for s in (0, 1)] for value in values]
    return dict(zip(("JS-GAN", "median"), np.mean(found, axis=1).T))


# %%
rows, shares, sizes = (500, 1000, 2000, 4000), (0.05, 0.1, 0.2, 0.3), (5, 10, 20, 40, 80)
plots.rates(
    {
        "n": (rows, series("n", rows, p=20, eps=0.0, distance=0.0)),
        "eps": (shares, series("eps", shares, n=6000, p=10, distance=1.5)),
        "p": (sizes, series("p", sizes, n=6000, eps=0.2, distance=None)),
    }
)


# %% [markdown]
# Left, against $n$ without contamination: the slope $-\tfrac12$ of $\sqrt{p / n}$. In the middle, against $\epsilon$ with
# contamination that is hard to see: a slope near 1, for both. Right, against $p$, with the contamination of the papers,
# $N(\tfrac12 \cdot \mathbf 1, I)$: each coordinate is shifted alike, so the median's error grows like $\sqrt p$. That of the
# game rises and falls again. Its distance, $\tfrac12 \sqrt p$, passes through two standard deviations at $p = 16$, where
# the last picture but one says that JS is fooled most, and then it gives itself away.

# %% [markdown]
# ## 14.9 The discriminator identifies outliers
#
# When the game is over the generator makes rows like the clean ones. What can the discriminator still tell apart? Only the
# forged rows. Its logit is a score: high for a row that no generator makes.
#
# ### Exercise 5: the area under the ROC curve (2 points)

# %% tags=["exercise"]
def outlier_auc(inliers, outliers):
    """scores of inliers (n,) and of outliers (m,), high meaning suspicious -> a number: the chance
    that an outlier drawn at random scores higher than an inlier drawn at random, a tie counting
    one half.

    Example: inliers 1, 2, 3 and outliers 2.5, 4 make six pairs, five of them won: 5/6.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
outlier_auc = check("outlier_auc")

# %% tags=["help"]
# hint("outlier_auc")        # delete the first # for a hint; run again for the next one
# solution("outlier_auc")    # the same for the solution

# %% [markdown]
# **Predict.** Clean rows, generated rows, and outliers from $N(5 \cdot \mathbf 1_p, I_p)$: which two of the three will
# the discriminator not tell apart?

# %%
X, clean = huber_sample(5000, 0.2, 100, contamination="far", rng=7)
fit = JSGANLocation(random_state=0).fit(X)
T = fit.discriminate
generated = fit.location_ + rng.standard_normal((2000, 100))
chances = {"clean": T(X[clean]), "generated": T(generated), "outliers": T(X[~clean])}
auc = outlier_auc(chances["clean"], chances["outliers"])
plots.outlier_scores(chances, roc_curve(~clean, T(X))[:2], auc)

# %% [markdown]
# Clean and generated rows lie on top of each other, and the outliers apart. Nobody told the network which is which.
#
# How near may the outliers come? The same for the three contaminations:

# %%
for kind in ("far", "near", "hard"):
    X, clean = huber_sample(5000, 0.2, 100, contamination=kind, rng=7)
    T = JSGANLocation(random_state=0).fit(X).discriminate
    print(f"{kind:5} area under the ROC curve {outlier_auc(T(X[clean]), T(X[~clean])):.3f}")

# %% [markdown]
# ## 14.10 Unknown covariance
#
# So far the generator was $N(\eta, I)$. If the covariance $\Sigma$ is unknown, the generator learns that too: it makes
# $\eta + A z$, and plays against the *same* class of discriminators. `JSGANScatter` does. The truth here has
# $\Sigma_{jk} = 2^{-|j - k|}$; errors of scatter are in the operator norm.

# %%
from course.robust.contamination import ar_covariance, gaussian

p = 20
Sigma = ar_covariance(p)
X, clean = huber_sample(8000, 0.2, p, clean="ar", contamination="wide", rng=3)
fit = JSGANScatter(random_state=0).fit(X)
gap = lambda S: np.linalg.norm(S - Sigma, 2)

far_off = np.linalg.norm  # the truth is at 0
print(f"location: all rows {far_off(X.mean(axis=0)):6.2f}   JS-GAN {far_off(fit.location_):.3f}")
print(f"scatter:  all rows {gap(np.cov(X.T)):6.2f}   JS-GAN {gap(fit.covariance_):.3f}")
print(f"for comparison, scatter of the clean rows alone: {gap(np.cov(X[clean].T)):.3f}")

# %% [markdown]
# ## 14.11 Elliptical families, and Cauchy
#
# The theorem needs only that the generator can make the clean rows. An **elliptical** family is
#
# $$ X = \theta + \xi\, A\, U, \qquad U \text{ uniform on the unit sphere}, \quad \xi \ge 0 \text{ independent of } U , $$
#
# and $\xi$ may have any law: chi for the Gaussian, something with heavy tails for Cauchy, *whose mean does not exist*. So
# the generator learns the law of $\xi$ too, `family="elliptical"`.
#
# **Predict.** The mean of more and more Cauchy samples: does it come closer to the centre?

# %%
p = 10
X, clean = huber_sample(20_000, 0.2, p, clean="cauchy", contamination="cauchy_far", rng=4)
for n in (200, 2000, 20_000):
    fit = JSGANLocation(family="elliptical", random_state=0).fit(X[:n])
    first = clean[:n]
    estimates = [X[:n][first].mean(axis=0), np.median(X[:n], axis=0), fit.location_]
    mean, median, js = map(np.linalg.norm, estimates)
    print(f"n = {n:6}: mean of clean rows {mean:7.2f}   median {median:.3f}   JS-GAN {js:.3f}")

# %% [markdown]
# The mean does not settle, even without a forged row. The game never asks for a mean: it compares distributions.

# %% [markdown]
# ## 14.12 Other scoring rules
#
# The discriminator is a forecaster: it says with which probability $t$ a row is real, and it is paid $S(t, 1)$ when it was
# and $S(t, 0)$ when it was not. The logarithm is one such rule. A rule is **proper** if telling the truth pays most on
# average. Each proper rule has its divergence,
#
# $$ D(P, Q) = \max_T \tfrac12 \big\{ \mathbb E_P\, S(T, 1) + \mathbb E_Q\, S(T, 0) \big\} - G(\tfrac12),
#    \qquad G(t) = t\, S(t, 1) + (1 - t)\, S(t, 0), $$
#
# and so its GAN. The logarithm gives JS; the *boosting* rule the Hellinger distance; the *quadratic* rule a cousin of
# $\chi^2$; the zero-one rule total variation.

# %%
t = np.linspace(0.02, 0.98, 97)
s = np.log(t / (1 - t))
rules = ("log", "quadratic", "boosting", "tv")
pays = lambda name, real: ScoringRule(name).payment(s, real)
payments = {name: (pays(name, True), pays(name, False)) for name in rules}
plots.scoring_rules(t, payments, truth=0.7)


# %% [markdown]
# Right: the first three pay most at the truth. The straight line `tv` pays most for the most extreme answer: it is the
# smooth stand-in of the zero-one rule, and not proper. What counts there is only which side of one half the answer is on.
#
# ### Exercise 6: the divergence of the quadratic rule (2 points)

# %% tags=["exercise"]
def quadratic_score_divergence(p, q):
    """probabilities p (k,) and q (k,) -> a number: the largest value over t (k,) of (sum p S(t, 1)
    + sum q S(t, 0)) / 2 + 1/4, where S(t, 1) = -(1 - t)^2 and S(t, 0) = -t^2. Where p = q = 0,
    nothing is added.

    Example: p = (1, 0) and q = (0, 1) give 1/4; p = q gives 0.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
quadratic_score_divergence = check("quadratic_score_divergence")

# %% tags=["help"]
# hint("quadratic_score_divergence")        # delete the first # for a hint; run again for the next
# solution("quadratic_score_divergence")    # the same for the solution

# %% [markdown]
# A probe: the divergence grows from 0 to its limit as two binomial distributions part.

# %% tags=["nbval-check-output"]
from scipy.stats import binom

for chance in (0.5, 0.6, 0.8, 1.0):
    p_k, q_k = binom.pmf(range(21), 20, 0.5), binom.pmf(range(21), 20, chance)
    divergence = quadratic_score_divergence(p_k, q_k)
    print(f"against a coin of {chance}: {abs(divergence):.4f}")

# %% [markdown]
# Which rule is best for scatter? There is no answer for all contaminations. Here are two:

# %%
for kind in ("wide", "near"):
    X, clean = huber_sample(4000, 0.2, 10, clean="ar", contamination=kind, rng=6)
    Sigma = ar_covariance(10)
    print(f"{kind}: the clean rows alone {gap(np.cov(X[clean].T)):.3f}")
    for rule in ("log", "quadratic", "boosting"):
        fit = JSGANScatter(scoring_rule=rule, random_state=0).fit(X)
        print(f"   {rule:9} raw {gap(fit.raw_covariance_):.3f}   final {gap(fit.covariance_):.3f}")


# %% [markdown]
# ## 14.13 Break it
#
# Move the contamination, from on top of the clean rows to far away, and watch four estimates. Where is each of them
# worst? Then raise `share` past one half. Who are the outliers now? No method can know: with more than half of the rows,
# the forger *is* the data.

# %%
def estimates_at(distance, share=0.2, p=10, n=1500):
    Q = lambda m, rng: distance / np.sqrt(p) + rng.standard_normal((m, p))
    X, _ = huber_sample(n, share, p, contamination=Q, rng=8)
    fit = JSGANLocation(random_state=0).fit(X)
    found = [X.mean(axis=0), np.median(X, axis=0), fit.raw_location_, fit.location_]
    names = ("mean", "median", "raw_location_", "location_")
    ways = {name: [eta.sum() / np.sqrt(p) / distance] for name, eta in zip(names, found)}
    return plots.landings(ways, share)


slider(estimates_at, "distance", 0.5, 10, 3, 0.5)

# %%
estimates_at(5.0, share=0.6)

# %% [markdown]
# ## What you can do now
#
# 1. **Tukey's median as a GAN.** Half-spaces through $\eta$ are discriminators, $N(\eta, I)$ is the generator, and the
#    gain of the best is $\tfrac12 - \mathrm{depth}(\eta)$. It is a staircase, so nobody trains it.
# 2. **The game.** Replace steps by sigmoids and total variation by JS, add one hidden layer, and play as in chapter 8.
# 3. **Linear fails.** $\mathrm{JS}_g$ is concave in $w$ with gradient $\tfrac12(\mathbb E_P g - \mathbb E_Q g)$ at 0: it
#    is zero when the means of $g$ agree. For $g = (1, x)$ that is the mean of all rows. Hidden units give features whose
#    means differ.
# 4. **Two errors.** $p / n$ falls with the sample; the bias from near contamination stays, of the order of $\epsilon$ and
#    not of $\sqrt p\, \epsilon$. JS forgets far contamination, and not the one at two standard deviations.
# 5. **Outliers.** After the game, $T$ is about one half on clean rows and near 1 where only a forger draws.
# 6. **Further.** $\eta + A z$ for scatter, $\eta + \xi A u$ for heavy tails, any proper scoring rule for the logarithm.
#
# ## Test yourself
#
# <details><summary>Why does adding log 4 make the objective comparable with 0?</summary>
#
# A discriminator that says one half everywhere gets $2 \log \tfrac12 = -\log 4$. So the maximum plus $\log 4$ is at
# least 0, and 0 only if no discriminator of the class beats a coin.
# </details>
#
# <details><summary>The mean of g agrees for P and Q, with g = (1, x). Are P and Q equal?</summary>
#
# No. They have the same mean, no more. A class with richer features sees more of their difference.
# </details>
#
# <details><summary>Your estimate is off by 0.3 standard deviations at eps = 0.2. Would ten times the samples help?</summary>
#
# It depends on what is left when $p / n$ is small. If the contamination sits some two standard deviations away, about
# that much bias stays whatever $n$ is. If it sits far away, the error was the sample's, and falls.
# </details>
#
# <details><summary>Why is the estimate after reweighting not called JS-GAN?</summary>
#
# It is another estimator: it starts where the game ended, and adds an assumption (the rows along a direction are two
# normals). It has other errors, better where the assumption holds, and whoever compares methods must say which of the two
# they report.
# </details>
#
# **References.** C. Gao, J. Liu, Y. Yao, W. Zhu, *Robust estimation and generative adversarial networks*, ICLR 2019.
# C. Gao, Y. Yao, W. Zhu, *Generative adversarial nets for robust scatter estimation: a proper scoring rule perspective*,
# JMLR 21, 2020. J. W. Tukey, *Mathematics and the picturing of data*, 1975. P. J. Huber, *Robust estimation of a location
# parameter*, 1964. M. Chen, C. Gao, Z. Ren, *Robust covariance and scatter matrix estimation under Huber's contamination
# model*, Annals of Statistics 46, 2018. T. Gneiting, A. Raftery, *Strictly proper scoring rules, prediction, and
# estimation*, JASA 102, 2007.
