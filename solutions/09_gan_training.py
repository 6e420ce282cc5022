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
# # 9. Training GANs: losses and tricks
#
# **From the lecture:** better training of GANs: f-divergences, LSGAN, WGAN, BEGAN; the list of training tricks; how to
# judge samples.
#
# **When you are through, you can**
#
# 1. recognise four ways in which a training fails, and say what to try,
# 2. turn any f-divergence into a game, and say what its discriminator learns,
# 3. explain why Jensen-Shannon goes flat where two heaps do not overlap, and the Wasserstein distance does not,
# 4. keep a critic's slope in bounds, by clipping, by a penalty, by spectral normalisation,
# 5. read BEGAN's measure of convergence,
# 6. judge samples by precision and recall, and say how each measure can be fooled.
#
# **You need** chapter 8 (the game) and a little PyTorch. **Time:** about three hours with the six exercises; the code
# itself runs in under a minute.

# %% tags=["setup"]
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import norm, wasserstein_distance
from torch import nn

from course.data import load_images
from course.gan import began, f_gan, losses, ring, sample_quality, tricks, watch
from course.gan.theory import js_divergence
from course.lab import check, hint, solution
from course.likelihood import mixture
from course.likelihood.image_quality import frechet_distance
from course.plots import gan_ring as ring_plots
from course.plots import gan_training as plots
from course.plots.images import gallery
from course.plots.widgets import slider
from course.training import Training, steps

torch.manual_seed(0)
torch.set_num_threads(1)  # these networks are small: one thread is faster than two

# %% [markdown]
# ## 9.1 Failures, on purpose
#
# How do we see that a GAN fails? On images we look, and argue. So here the data are small enough to *count*: the ring
# of eight Gaussians of chapter 8. A sample is **good** when it lies within three standard deviations of a centre. A
# mode is **found** when it has at least a tenth of its fair share of good samples. The KL divergence from the counts of
# the modes to equal counts says how evenly they are visited, 0 at best.
#
# Papers stop here. We know the density, so we can do better: cut the plane into squares, and hold the share of samples
# in each against its exact probability. Half the sum of the differences is the total variation TV, from 0 to 1.
#
# **Predict.** Noise all over the square, and a thin circle through the eight centres: how many modes do they "find"?

# %%
angle = 2 * torch.pi * torch.rand(4000, 1)
sets = {
    "data": mixture.ring(4000),
    "noise": 6 * torch.rand(4000, 2) - 3,
    "circle": 2 * torch.cat([angle.cos(), angle.sin()], dim=1),
}
for name, samples in sets.items():
    print(f"{name:7}", ring.quality(samples))

# %% [markdown]
# Both find all eight. The share of good samples unmasks the noise, but not the circle; only TV does. (For the data
# themselves it is not 0, since shares of a few thousand samples are not exact.) One number never says enough: 9.8 comes
# back to it.
#
# Now a plain training: the $\log D$ trick, one step each, Adam with rate 0.001 and $\beta_1 = 0.5$.

# %%
healthy = ring.train(steps(500))
print(healthy.quality())
ring_plots.snapshots({"healthy": healthy.training.snapshots})

# %% [markdown]
# It works. Everything below changes *one* thing, and it fails. For each failure we ask: what do you see in the numbers
# that a training logs, when you cannot see the modes? And what mends it?

# %% [markdown]
# ### Mode collapse
#
# The generator takes five steps for each step of the discriminator.
#
# **Predict.** The judge stands still for a while. Which samples are best against a judge that stands still?

# %%
collapsed = ring.train(steps(300), g=5)
even = ring.train(steps(300), g=5, k=5)
told = ring.train(steps(300), g=5, spread=True)
shown = {"5 steps of G": collapsed, "5 steps of each": even, "D sees the spread": told}
ring_plots.snapshots({name: run.training.snapshots for name, run in shown.items()})

# %% [markdown]
# **Mode collapse.** All samples are in one place: where the judge believes most. Once it has learnt that they are
# fakes, they move on together. The game is $\min_G \max_D$, the judge answers the generator. But who goes to the end
# of $\min_G$ before the judge answers plays $\max_D \min_G$, and the best answer to a *fixed* $D$ is a single point.
#
# Two cures, for two reasons. Give the discriminator as many steps, and it follows. Or let it see the *spread* of its
# whole batch as one more feature: then a batch of copies is an easy catch, and the samples must spread out. (Spread
# out they need be neither good nor everywhere: the table at the end of 9.1 counts both.)
#
# And what does the log say?

# %%
runs = {"healthy": healthy, "collapsed": collapsed}
ring_plots.diagnosis({name: run.training.history for name, run in runs.items()})

# %% [markdown]
# Look at the first two panels: $D$ is near one half for real and for generated samples, as at the equilibrium!
# **Losses do not show a collapse.** The last panel does: the standard deviation of the samples in a batch, over that
# of the data.

# %% [markdown]
# ### Oscillation
#
# Now equal steps, but in a hurry: a rate five times as high, and $\beta_1 = 0.9$, Adam's usual memory.
#
# **Predict.** Chapter 8 had a game that goes round. What does a long memory of past slopes do in such a game?

# %%
hurried = ring.train(steps(400), rate=5e-3, beta1=0.9, snapshots=80)
shorter = ring.train(steps(400), rate=5e-3, beta1=0.5, snapshots=80)
both = {"beta1 = 0.9": hurried, "beta1 = 0.5": shorter}
ring_plots.visits({name: run.training.snapshots for name, run in both.items()})

# %% [markdown]
# On the left a mode is filled, left, and filled again: the stripes are samples that walk round the ring from mode to
# mode, with the discriminator behind them. On the right all eight rows fill and stay so. Momentum is a push in the
# direction where the slope *was*; in a game that turns, this is the wrong way. It is why GANs are trained with
# $\beta_1$ of 0.5 or less.

# %% [markdown]
# ### The gradient vanishes
#
# The minimax loss of chapter 8, plain gradient descent for the generator, and a discriminator with a head start.
#
# **Predict.** Chapter 8 changed the loss. Could one change the *data*, so that the discriminator cannot be sure?

# %%
late = dict(plain=True, rate=0.02, rate_D=1e-3, head_start=300)
stuck = ring.train(steps(400), loss="minimax", **late)
noisy = ring.train(steps(400), loss="minimax", sigma=1.0, **late)
runs = {"minimax": stuck, "with noise on what D sees": noisy}
ring_plots.diagnosis({name: run.training.history for name, run in runs.items()})

# %% [markdown]
# $D$ is at 1 for data and at 0 for samples, and the gradient is small: the generator stands still. The cure is noise,
# added to *all* that the discriminator sees, real and generated, and less and less of it. The two heaps then overlap,
# nobody can be sure, and there is a slope to follow.

# %%
for name, run in runs.items():
    print(f"{name:26}", run.quality())

# %% [markdown]
# ### The discriminator wins
#
# With the $\log D$ loss the gradient cannot vanish. Is all well then? Give the discriminator five steps, a head start,
# and a rate 25 times that of the generator.
#
# **Predict.** The generator's gradient is large. Large in which direction?

# %%
unequal = dict(k=5, rate=4e-4, rate_D=1e-2, head_start=200)
beaten = ring.train(steps(250), **unequal)
tamed = ring.train(steps(250), slope_zero=1.0, **unequal)
runs = {"beaten": beaten, "penalty on the slope": tamed}
ring_plots.diagnosis({name: run.training.history for name, run in runs.items()})

# %%
ring_plots.snapshots({name: run.training.snapshots for name, run in runs.items()})

# %% [markdown]
# At first the gradient is huge, and of little use: a discriminator that is sure of everything is a cliff, and its
# slope says only where the nearest edge is. All samples run there, and stay. The cure keeps the cliff low: add the
# penalty $\tfrac12 \mathbb E_{x \sim p_{data}} \lVert \nabla D(x) \rVert^2$ to the discriminator's loss. At the
# equilibrium $D$ is flat, so the penalty costs nothing there.
#
# Not every reading needs a person. The training can be told to watch itself:

# %%
watched = ring.train(steps(300), watch=watch.all_of_them(), g=5)


# %% [markdown]
# Each of these was one training, one seed. It takes minutes to do the same with ten, so this table comes from a
# file, which `python -m benchmarks.gan_ring --write` makes. Each failure, and below it its cures:

# %%
def table(*groups):
    for group in groups:
        print(f"{group:31} seeds   modes found   least   good samples     TV")
        for row in ring.measured(group):
            modes = f"{row['seeds']:5.0f} {row['found']:13.1f} {row['least']:7.0f}"
            print(f"  {row['name']:29} {modes} {row['good']:14.0%} {row['tv']:6.2f}")


table("failures")

# %% [markdown]
# Four failures, then, and four pictures in the log. The rest of the chapter has three parts: other losses (9.2 to 9.6),
# tricks (9.7), and judging samples when nobody has drawn circles round the modes (9.8).

# %% [markdown]
# ## 9.2 A game for every divergence
#
# Against the best discriminator, a GAN's generator goes down the Jensen-Shannon divergence. Nobody chose it: it fell
# out of the two logarithms. Could we *choose* a divergence, and find the game that belongs to it?
#
# Take any convex $f$ with $f(1) = 0$. It measures how far the ratio $p/q$ is from one:
#
# $$ D_f(P, Q) = \sum_x q(x)\, f\!\left(\frac{p(x)}{q(x)}\right) . $$
#
# $f(u) = u \log u$ gives the KL divergence, $-\log u$ the reverse KL, $(u-1)^2$ Pearson's $\chi^2$, $(\sqrt u - 1)^2$
# the squared Hellinger distance, $|u - 1|/2$ total variation. But we have samples only, and no ratio. What now?
#
# **A convex function is the highest of the straight lines below it.** The line with slope $t$ touches $f$ from below
# when it is lowered by $f^*(t)$, and no less:
#
# $$ f^*(t) = \max_u \{ t u - f(u) \}, \qquad f(u) = \max_t \{ t u - f^*(t) \} . $$
#
# $f^*$ is the **convex conjugate**. For Pearson's $(u - 1)^2$, with the line of slope 3 in front:

# %%
u = np.linspace(0, 4, 201)
conjugate = f_gan.of("Pearson chi2").conjugate
lines = {t: conjugate(t) for t in (-1.5, -0.5, 0.5, 1.5, 4, 5, 3)}
plots.lines_below(u, (u - 1) ** 2, lines, "(u - 1)²")

# %% [markdown]
# Try other slopes. Where does the line touch, and where does it meet the axis $u = 0$?

# %%
others = lambda t: {s: value for s, value in lines.items() if s != t}
draw = lambda t: plots.lines_below(u, (u - 1) ** 2, others(t) | {t: conjugate(t)}, "(u - 1)²")
slider(draw, "slope t", -1.8, 5.5, 1.0, 0.1)


# %% [markdown]
# By hand: the slope is $t = 2(u - 1)$, so the line touches at $u = 1 + t/2$. There $f^*(t) = t u - (u - 1)^2$, and that
# is $t + t^2/4$.
#
# Now put the second formula into $D_f$, with a $t$ of its own for each place, $t = T(x)$:
#
# $$ D_f(P, Q) = \sum_x q \max_t \Big\{ t\, \frac pq - f^*(t) \Big\}
#    \;\ge\; \mathbb E_{x \sim p}\, T(x) - \mathbb E_{x \sim q}\, f^*(T(x)) . $$
#
# No densities are left: two averages, which samples can give. And the best $T$ makes the two sides equal: it is the
# slope of $f$ at the ratio, $T = f'(p/q)$.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $p$, $q$ | `p`, `q` | the densities of data and of generated samples |
# | $u$ | `u` | the ratio $p/q$ |
# | $T(x)$ | `T` | what the discriminator says: any number for which $f^*$ is finite |
# | $f^*(t)$ | `conjugate` | what it pays on generated samples |
#
# ### Exercise 1: the squared Hellinger distance (3 points)

# %% tags=["exercise"]
def conjugate_pair():
    """no arguments -> a tuple of two texts, for f(u) = (sqrt(u) - 1)^2: the best T, as a formula in
    u = p/q; and the conjugate f*(t) for t < 1, as a formula in t.

    Example: for Pearson's f(u) = (u - 1)^2 it would be ("2*(u - 1)", "t + t**2/4").
    """
    ### BEGIN SOLUTION
    best_T = "1 - u**(-0.5)"
    # at sqrt(u) = 1/(1 - t):  t u - (sqrt(u) - 1)^2  =  (t - t^2) / (1 - t)^2
    return best_T, "(t - t**2) / (1 - t)**2"
    ### END SOLUTION


# %% tags=["check"]
conjugate_pair = check("conjugate_pair")


# %% tags=["help"]
# hint("conjugate_pair")        # delete the first # for a hint; run again for the next one
# solution("conjugate_pair")    # the same for the solution

# %% [markdown]
# For the KL divergence $f^*(t) = e^{t-1}$, and the best $T$ is $1 + \log (p/q)$.
#
# ### Exercise 2: a bound on the KL divergence (2 points)

# %% tags=["exercise"]
def kl_bound(p, q, T):
    """probabilities p (k,) and q (k,) of the same k places, and T (k,), any numbers -> a number:
    the variational bound E_p T - E_q f*(T) on KL(p || q), in nats, where f*(t) = exp(t - 1).

    Example: T = 1 everywhere gives 0, whatever p and q are.
    """
    ### BEGIN SOLUTION
    reward = p @ T
    price = (q * np.exp(T - 1)).sum()
    return float(reward - price)
    ### END SOLUTION


# %% tags=["check"]
kl_bound = check("kl_bound")

# %% tags=["help"]
# hint("kl_bound")        # delete the first # for a hint; run again for the next one
# solution("kl_bound")    # the same for the solution

# %% [markdown]
# A fair die against a loaded one. **Predict.** A thousand random $T$: how many of them claim more than the divergence?

# %% tags=["nbval-check-output"]
fair, loaded = np.full(6, 1 / 6), np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.5])
random = np.random.default_rng(0)
claims = np.array([kl_bound(fair, loaded, random.normal(1, 1, size=6)) for _ in range(1000)])
best = kl_bound(fair, loaded, 1 + np.log(fair / loaded))
print(f"KL = {(fair * np.log(fair / loaded)).sum():.4f}   bound at the best T = {best:.4f}")
print(f"random T: {(claims > best).sum()} above it, {(claims > 0).mean():.0%} above 0")


# %% [markdown]
# None. A discriminator can only *under*estimate a divergence: bad judges see less.
#
# Now with a network for $T$. It gives any number $a$; a last layer, the `output`, brings it into the domain of $f^*$:
#
# | divergence | $f(u)$ | best $T = f'(u)$ | $f^*(t)$ | $t$ from | output |
# |---|---|---|---|---|---|
# | KL | $u \log u$ | $1 + \log u$ | $e^{t-1}$ | $\mathbb R$ | $a$ |
# | reverse KL | $-\log u$ | $-1/u$ | $-1 - \log(-t)$ | $t < 0$ | $-e^{-a}$ |
# | JS | $\tfrac12 (u \log u - (u+1) \log \tfrac{u+1}{2})$ | $\tfrac12 \log \tfrac{2u}{1+u}$ | $-\tfrac12 \log(2 - e^{2t})$ | $t < \tfrac12 \log 2$ | $\tfrac12 \log (2 \sigma(a))$ |
# | Pearson $\chi^2$ | $(u-1)^2$ | $2(u-1)$ | $t + t^2/4$ | $\mathbb R$ | $a$ |
# | squared Hellinger | $(\sqrt u - 1)^2$ | $1 - 1/\sqrt u$ | $t/(1-t)$ | $t < 1$ | $1 - e^{-a}$ |
# | total variation | $\tfrac12 \vert u-1 \vert$ | $\pm\tfrac12$ | $t$ | $\vert t \vert \le \tfrac12$ | $\tfrac12 \tanh a$ |
#
# Put JS's output into the bound: it is $\tfrac12 (\mathbb E_p \log D + \mathbb E_q \log (1 - D) + \log 4)$ with
# $D = \sigma(a)$. The GAN is one row of this table.
#
# Six networks, on samples of $P = N(0, 1)$ and $Q = N(1, 1)$:

# %%
def descend(loss, optimiser):
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def learn_T(name, n_steps=500):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(1, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    minus_bound, _ = f_gan.losses(name)  # E f*(T(x')) - E T(x), from the numbers a
    for _ in range(steps(n_steps)):
        x, generated = torch.randn(512, 1), 1 + torch.randn(512, 1)
        descend(minus_bound(network(x), network(generated)), optimiser)
    with torch.no_grad():  # judged on new samples
        value = -minus_bound(network(torch.randn(50_000, 1)), network(1 + torch.randn(50_000, 1)))
    return network, value.item()


learnt = {name: learn_T(name) for name in f_gan.DIVERGENCES}

# %%
x = np.linspace(-6, 7, 1301)
p, q = norm.pdf(x, 0), norm.pdf(x, 1)
cells = [torch.tensor(density * (x[1] - x[0])) for density in (p, q)]
a = torch.tensor(x, dtype=torch.float32)[:, None]
best_T, learnt_T = {}, {}
print("                     exact   a network's estimate")
for name, known in f_gan.DIVERGENCES.items():
    network, value = learnt[name]
    print(f"{name:18} {f_gan.divergence(name, *cells):7.3f} {value:12.3f}")
    best_T[name] = known.slope(cells[0] / cells[1]).numpy()
    learnt_T[name] = known.output(network(a)).detach().numpy()[:, 0]

# %%
plots.best_answers(x, p, q, best_T, learnt_T)

# %% [markdown]
# Six quantities, measured by six networks that never saw a density. $\chi^2$ is hardest: its $T$ grows with the ratio
# itself, which is huge where $Q$ hardly ever comes, and few samples tell. Total variation asks only *which* of the two
# is larger, so its $T$ is a step.
#
# The generator then goes down what the discriminator measures. As in chapter 8 there is a trick: going up
# $\mathbb E_q T$, in place of down $-\mathbb E_q f^*(T)$. For JS that is just the $\log D$ trick. `f_gan.losses(name)`
# has both.

# %% [markdown]
# ## 9.3 Least squares
#
# LSGAN takes the discriminator for what it nearly is: a regression on the labels. Real samples have the label $b$,
# generated ones $a$, and the generator would like its own to have the label $c$:
#
# $$ \min_D \; \tfrac12 \mathbb E_{p_{data}} (D - b)^2 + \tfrac12 \mathbb E_{p_g} (D - a)^2, \qquad
#    \min_G \; \tfrac12 \mathbb E_{p_g} (D - c)^2 . $$
#
# What changes? Look at what each loss says about a single score. (Each curve is shifted to 0 at the score 0.)
#
# **Predict.** A generated sample has a score far on the good side. Which losses still pull at it, and which way?

# %%
score = torch.linspace(-5, 5, 201)
real, fake = {}, {}
for name in ("minimax", "log D", "least squares", "Wasserstein"):
    for_D, for_G = losses.LOSSES[name]
    one = [s[None] for s in score]
    real[name] = np.array([for_D(s, torch.zeros(1)) for s in one])
    fake[name] = np.array([for_G(s) for s in one])
plots.loss_shapes(score.numpy(), real, fake)

# %% [markdown]
# The minimax loss is flat on the left, where bad samples are; $\log D$ on the right. Least squares is flat at its label
# only: a sample that lies *far* on the good side is pulled back too, towards the label, and so towards the data. The
# Wasserstein loss, which comes next, pulls with the same force everywhere.
#
# And which divergence is it? At one place, the best answer is the average label, $D^* = (b\, p_{data} + a\, p_g) /
# (p_{data} + p_g)$. Choose the labels such that $b - c = 1$ and $b - a = 2$, as in $a = -1$, $b = 1$, $c = 0$. Then
# $D^* - c = (p_{data} - p_g) / (p_{data} + p_g)$, and
#
# $$ \tfrac12 \mathbb E_{p_{data}} (D^* - c)^2 + \tfrac12 \mathbb E_{p_g} (D^* - c)^2
#    = \frac12 \sum \frac{(p_{data} - p_g)^2}{p_{data} + p_g} = \chi^2\!\left(p_g, \tfrac{p_{data} + p_g}{2}\right) . $$
#
# (The first term is no concern of the generator's: it may be added for free.) So Pearson's $\chi^2$ it is, between the
# generated samples and the *mixture*. The usual labels 0, 1, 1 break the condition. What is lost?

# %% tags=["nbval-check-output"]
print("   die    chi2     labels -1, 1, 0    labels 0, 1, 1")
for c in (0.0, 0.2, 0.6, 1.0):
    die = torch.tensor((1 - c) * fair + c * np.eye(6)[5])
    data = torch.tensor(fair)
    chi2 = f_gan.divergence("Pearson chi2", die, (data + die) / 2)
    sums = [losses.least_squares_sum(data, die, *labels) for labels in ((-1, 1, 0), (0, 1, 1))]
    print(f"c = {c}  {chi2:.5f} {sums[0]:12.5f} {sums[1]:17.5f}")


# %% [markdown]
# Nothing that matters: the last column is $\tfrac14$ plus a quarter of the first. For any labels the sum comes to
# $\tfrac14 (a + b - 2c)^2 + \tfrac14 (b - a)^2\, \chi^2$. The condition only removes the constant.

# %% [markdown]
# ## 9.4 When the two heaps do not meet
#
# All of these compare $p$ and $q$ *at the same place*. Early in a training there may be no such place. The smallest
# example: the data lie on a line, the samples on a parallel line at distance $\theta$ (two points would do as well).
#
# **Predict.** How does JS depend on $\theta$? Would its slope lead the generator to $\theta = 0$?
#
# At $\theta = 0$ all divergences are 0. For any other $\theta$ the ratio $p/q$ is infinite or 0 everywhere: JS is
# $\log 2$, total variation is 1, KL is infinite, however near the lines are. There is no slope to follow.
#
# The **Wasserstein distance** asks another question. How far must the mass be carried, on average, to turn one heap
# into the other?
#
# $$ W_1(P, Q) = \min_{\text{plans}} \; \mathbb E\, \lVert x - y \rVert, \qquad x \sim P,\; y \sim Q \text{ coupled by the plan.} $$
#
# For the two lines it is $|\theta|$: straight across. For two heaps of $n$ points on a line, plans are ways to pair
# each $x$ with a $y$.
#
# ### Exercise 3: the distance on a line (2 points)

# %% tags=["exercise"]
def wasserstein_1d(x, y):
    """x (n,) and y (n,), two heaps of as many points on a line -> a number: their Wasserstein-1
    distance, that is the least average distance over all ways to pair each x with a y of its own.

    Example: x = (0, 1) and y = (5, 2): 0 goes to 2 and 1 to 5, the distance is 3.
    """
    ### BEGIN SOLUTION
    ways = np.sort(x) - np.sort(y)
    return float(np.mean(np.abs(ways)))
    ### END SOLUTION


# %% tags=["check"]
wasserstein_1d = check("wasserstein_1d")

# %% tags=["help"]
# hint("wasserstein_1d")        # delete the first # for a hint; run again for the next one
# solution("wasserstein_1d")    # the same for the solution

# %% [markdown]
# Let two heaps of the same width move apart. On the left they are lines without any width; then noise is added to both.

# %%
theta = np.linspace(-4, 4, 161)
where = np.linspace(-12, 12, 2401)
cell = where[1] - where[0]
cases = {}
for width in (0, 0.4, 1.5):
    if width:
        pairs = [(norm.pdf(where, 0, width), norm.pdf(where, t, width)) for t in theta]
        js = [js_divergence(p * cell, q * cell) for p, q in pairs]
        tv = [np.abs(p - q).sum() * cell / 2 for p, q in pairs]
    else:
        js, tv = (np.where(np.abs(theta) < 1e-9, 0, height) for height in (np.log(2), 1.0))
    curves = {"JS": np.array(js), "total variation": np.array(tv)}
    cases[f"width {width}"] = curves | {"Wasserstein-1": np.abs(theta)}
plots.apart(theta, cases)

# %% [markdown]
# The Wasserstein distance always shows the way, with the same slope. The other two are flat as soon as the heaps are a
# few widths apart. And the panels on the right show a first trick: **noise on real and generated samples** widens both
# heaps until they meet. It also blurs what the generator learns, so it is faded out during the training.
#
# In the plane nobody can sort. For $n$ points against $n$ points the best pairing is found by a well-known algorithm of
# SciPy's, in the time of $n^3$:

# %%
real, fake = mixture.ring(200).numpy(), 0.5 * np.random.default_rng(1).normal(size=(200, 2))
cost = cdist(real, fake)
rows, columns = linear_sum_assignment(cost)
W_plane = cost[rows, columns].mean()
print(f"ring against a heap in its middle, best pairs: W1 = {W_plane:.3f}")
print(f"                               pairs as they come: {np.diag(cost).mean():.3f}")


# %% [markdown]
# ## 9.5 A critic on a leash
#
# A training cannot solve a pairing at each step. But the distance, too, is the best that a judge can do (Kantorovich
# and Rubinstein):
#
# $$ W_1(P, Q) = \max_{|f(x) - f(y)| \le \lVert x - y \rVert} \; \mathbb E_{x \sim p} f(x) - \mathbb E_{x \sim q} f(x) . $$
#
# Compare it with the bound of 9.2. Nothing is paid through an $f^*$: in its place **the slope of $f$ is at most 1**.
# Such a judge is no discriminator, it gives no probability. It is called a **critic**. Without the leash it would make
# the gap as large as it likes.
#
# How does one hold a network's slope? WGAN, the first answer: *clip* every weight to $[-c, c]$ after each step. Then
# the slope is bounded, by something that nobody knows.
#
# The second answer, WGAN-GP: *measure* the slope, and fine the critic where it is not 1. Measure it between the heaps,
# at random points $\hat x = u x + (1 - u) G(z)$ of the segment from a real sample to a generated one:
#
# $$ \text{loss of the critic} = \mathbb E f(G(z)) - \mathbb E f(x)
#    + \lambda\, \mathbb E\, (\lVert \nabla f(\hat x) \rVert - 1)^2, \qquad \lambda = 10 . $$
#
# ### Exercise 4: the penalty by hand (3 points)
#
# For a critic with one hidden layer, $f(x) = v \cdot \tanh(W x + b)$, no automatic differentiation is needed.

# %% tags=["exercise"]
def critic_penalty(x, g, u, W, b, v):
    """x (n, d) real, g (n, d) generated, u (n,) in [0, 1], and the critic f(x) = v . tanh(W x + b)
    as W (h, d), b (h,), v (h,) -> a number: the mean over the n pairs of (|grad f(x_hat)| - 1)^2,
    where x_hat = u x + (1 - u) g.

    Example: with v = 0 the critic is flat, and the penalty is 1.
    """
    ### BEGIN SOLUTION
    x_hat = u[:, None] * x + (1 - u[:, None]) * g
    hidden = np.tanh(x_hat @ W.T + b)
    slope = (v * (1 - hidden**2)) @ W
    length = np.sqrt((slope**2).sum(axis=1))
    return float(np.mean((length - 1) ** 2))
    ### END SOLUTION


# %% tags=["check"]
critic_penalty = check("critic_penalty")


# %% tags=["help"]
# hint("critic_penalty")        # delete the first # for a hint; run again for the next one
# solution("critic_penalty")    # the same for the solution

# %% [markdown]
# The critic's own step needs the derivative of this *in the weights*: a derivative of a derivative. PyTorch gives it
# when it is asked to keep the graph (`create_graph=True`, in `losses.gradient_penalty`).
#
# First on a line, where we know the answer. Real points in two heaps, generated ones between them. (Here only slopes
# above 1 are fined; why, you will see at the end of the chapter.)

# %%
def new_critic(inputs):
    layers = [nn.Linear(inputs, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(32, 1))


def learn_critic(real, fake, c=None, penalty=0.0, one_sided=False, n_steps=400, seed=0):
    torch.manual_seed(seed)
    real, fake = (torch.as_tensor(heap, dtype=torch.float32) for heap in (real, fake))
    critic = new_critic(real.shape[1])
    optimiser = torch.optim.Adam(critic.parameters(), lr=5e-3, betas=(0.5, 0.9))
    for _ in range(steps(n_steps)):
        loss = losses.wasserstein_critic(critic(real), critic(fake))
        if penalty:
            loss = loss + penalty * losses.gradient_penalty(critic, real, fake, one_sided)
        descend(loss, optimiser)
        if c:
            losses.clip_weights(critic, c)
    with torch.no_grad():
        return critic, (critic(real).mean() - critic(fake).mean()).item()


# %%
random = np.random.default_rng(0)
real_1d = np.concatenate([random.normal(-2, 0.3, 100), random.normal(2, 0.3, 100)])
fake_1d = random.normal(0, 0.3, 200)
x = np.linspace(-3.5, 3.5, 281)
W_line = wasserstein_1d(real_1d, fake_1d)
curves, estimates = {"exact": np.abs(x)}, [f"W1 = {W_line:.3f}"]
leashes = {"clip, c = 0.05": {"c": 0.05}, "clip, c = 0.3": {"c": 0.3}}
leashes["penalty"] = {"penalty": 10, "one_sided": True}
for name, leash in leashes.items():
    critic, gap = learn_critic(real_1d[:, None], fake_1d[:, None], **leash)
    curves[name] = critic(torch.tensor(x[:, None], dtype=torch.float32)).detach().numpy()[:, 0]
    estimates.append(f"gap {gap:.2g}")
plots.critics(x, real_1d, fake_1d, curves, estimates)

# %% [markdown]
# A best critic is known here: $f(x) = |x|$, since all mass moves straight away from 0. Look at the scales. Clipped
# critics say anything from far too little to far too much, as $c$ wills: they know the *way*, not the distance. The
# penalised critic is right, but for a little.
#
# Even that little is understood. If all slopes are $s$, the critic's loss is $-s W_1 + \lambda (s - 1)^2$, and the best
# slope is $s = 1 + W_1 / 2\lambda$: a fine is no ban. The gap should be $W_1 (1 + W_1 / 2 \lambda)$.

# %%
expected = W_line * (1 + W_line / 20)
print(f"on the line:  W1 {W_line:.3f}   expected gap {expected:.3f}   the critic's {gap:.3f}")
print(f"              W1 by SciPy {wasserstein_distance(real_1d, fake_1d):.3f}")
critics = {}
for name, leash in {"clip, c = 0.05": {"c": 0.05}, "penalty": {"penalty": 10}}.items():
    critics[name], gap = learn_critic(real, fake, **leash)
    expected = W_plane * (1 + W_plane / 20)
    print(f"in the plane: W1 {W_plane:.3f}   expected gap {expected:.3f}   {name}: {gap:.3f}")
weights = torch.cat([w.flatten() for w in critics["clip, c = 0.05"].parameters()]).abs()
print(f"of the clipped critic's weights {(weights > 0.049).float().mean():.0%} sit at the clip")

# %%
half, k = 3.0, 61
axis = torch.linspace(-half, half, k)
grid = torch.cartesian_prod(axis, axis).flip(1)
values = {name: critic(grid).detach().numpy().reshape(k, k) for name, critic in critics.items()}
plots.surfaces(half, real, fake, values)

# %% [markdown]
# The same data, the same network. With nearly all weights at the clip, the first critic can draw only the simplest
# shapes. The level lines of the other one run round the ring, evenly, and everywhere the steepest way leads from the
# middle to the data.

# %% [markdown]
# ## 9.6 BEGAN: two errors in balance
#
# BEGAN makes the discriminator an *autoencoder*, and the score the error of its reconstruction,
# $L(x) = \lvert x - A(x) \rvert$, averaged over the pixels. The autoencoder learns to copy data and to spoil fakes; the
# generator makes what is easy to copy:
#
# $$ \min_A \; \mathbb E L(x) - k_t\, \mathbb E L(G(z)), \qquad \min_G \; \mathbb E L(G(z)) . $$
#
# Either player could win at once. So the weight $k_t \in [0, 1]$ is steered, a little at each step, towards a balance
# that we choose, $\mathbb E L(G(z)) = \gamma\, \mathbb E L(x)$:
#
# $$ k_{t+1} = k_t + \eta\, \big( \gamma\, \mathbb E L(x) - \mathbb E L(G(z)) \big), \qquad
#    M = \mathbb E L(x) + \big\lvert \gamma\, \mathbb E L(x) - \mathbb E L(G(z)) \big\rvert . $$
#
# $M$ is the other gift: small when the autoencoder is good *and* the balance holds. It is a number that falls while the
# training goes well. Of all the other losses only the critic's gap is meant to do so.
#
# **Predict.** $\gamma$ is called the *diversity ratio*. A small one asks for samples that are much easier to copy than
# data. What will they look like?

# %%
X = load_images("digits").x.flatten(1)


def began_players(width=64):
    code, back = nn.Linear(64, width), nn.Linear(width, 64)
    A = nn.Sequential(code, nn.ELU(), nn.Linear(width, 16), nn.Linear(16, width), nn.ELU(), back)
    hidden = [nn.Linear(16, width), nn.BatchNorm1d(width), nn.ReLU()]
    return A, nn.Sequential(*hidden, nn.Linear(width, 64), nn.Sigmoid())  # autoencoder, generator


# %%
def learn_began(gamma, n_steps=900, rate=0.01):
    torch.manual_seed(0)
    A, G = began_players()
    adam = lambda player: torch.optim.Adam(player.parameters(), lr=2e-3, betas=(0.5, 0.999))
    for_A, for_G, k, history = adam(A), adam(G), 0.0, []
    for _ in range(steps(n_steps)):
        x, made = X[torch.randint(len(X), (64,))], G(torch.randn(64, 16))
        real_errors = began.errors(A, x)
        loss_A, _ = began.losses(real_errors, began.errors(A, made.detach()), k)
        descend(loss_A, for_A)
        loss_G = began.errors(A, made).mean()
        descend(loss_G, for_G)
        k, M = began.balance(k, real_errors.mean().item(), loss_G.item(), gamma, rate)
        history.append((k, M))
    return G.eval()(torch.randn(14, 16)).detach().numpy(), *zip(*history, strict=True)


# %%
gammas = (0.3, 0.6, 0.9)
trained = {f"gamma = {gamma}": learn_began(gamma) for gamma in gammas}
samples = np.concatenate([images for images, _, _ in trained.values()]).reshape(-1, 8, 8)
gallery(samples, columns=14, what="digits by BEGAN, a row for each gamma", row_labels=list(trained))

# %%
ks, Ms = ({name: run[i] for name, run in trained.items()} for i in (1, 2))
plots.control(ks, Ms)

# %% [markdown]
# The name is deserved. With a small $\gamma$ all samples are the one shape that is easiest to copy; with a large one
# there are several digits. $M$ falls for all three: it watches convergence, **not** variety.

# %% [markdown]
# ## 9.7 Tricks, one at a time
#
# The list of tricks is long, and most were found by trying. So try: one hard setting, the hurried one of 9.1, and each
# trick switched on *alone*, with ten seeds. The figure is drawn from the file of the benchmark again. One row of
# it, with one seed, live; change it:
#
# **Predict.** Which of these help: label smoothing, averaged weights, noise on the inputs, spectral normalisation, a
# lower $\beta_1$?

# %%
trick = dict(sigma=0.5)  # or up=0.9, average=0.99, spectral=True, spread=True, slope_zero=1.0
run = ring.train(steps(400), rate=5e-3, beta1=0.9, **trick)
print(trick, run.quality())

# %%
ring_plots.ranking(ring.measured("hurried"), baseline="nothing")

# %% [markdown]
# The orange bar is the setting with no trick. A shorter memory mends it alone, on every seed; a lower *rate* with the long
# memory does not: the trouble was the memory, not the hurry. A discriminator with more steps or a higher rate helps in
# part. (Data ten times as large find the modes too, but look at the other two columns: they are scattered all over the
# place.) The other tricks, with good names, do next to nothing *here*; averaging even harms, since the average of a
# generator that runs round is one that is nowhere. **A trick mends the failure that it was made for.** In the table of
# failures, noise and the penalty at the data mended what a shorter memory could not.
#
# Now the same tricks on the calm setting, the first one of this chapter, which had no trouble to begin with.
#
# **Predict.** How many bars will be longer than the orange one?

# %%
ring_plots.ranking(ring.measured("calm"), baseline="nothing")

# %% [markdown]
# None in the first panel: there are no more than eight modes to find. What is left is how good the samples are. A few
# tricks help a little. Many change next to nothing: smoothed labels, noise, a sphere for $z$ and the spread of the
# batch no longer pay once the rest is in order. And some harm:
#
# - Data that are not normalised slow everything down.
# - A penalty that asks for slope 1 *between* real and generated samples suits a Wasserstein critic. A discriminator
#   that should come to rest at one half everywhere must become flat, and is never left in peace.
# - Batch normalisation in the discriminator, with real and generated samples in batches apart, as the list advises:
#   both batches are brought to the same mean and spread before $D$ may look, and that is just the difference that it
#   should see.
# - Rates that fall, averages and bounded slopes cost time. They pay at the end of a longer training.
#
# Three of these deserve a closer look.
#
# ### Labels that are not sure
#
# **Label smoothing** gives real samples the label $\alpha = 0.9$ in place of 1, and generated ones $\beta$. As for
# LSGAN, the best discriminator is the average label, $D^* = (\alpha\, p_{data} + \beta\, p_g) / (p_{data} + p_g)$.
#
# **Predict.** The advice is to smooth *one* side only, $\beta = 0$. What goes wrong with $\beta = 0.1$, at a place
# with bad samples and no data at all?

# %% tags=["nbval-check-output"]
print("p_data   p_g   plain   one-sided   two-sided")
for p_data, p_g in ((0.0, 0.5), (0.1, 0.4), (0.5, 0.5), (0.5, 0.0)):
    labels = (1, 0), (0.9, 0), (0.9, 0.1)
    best = [(up * p_data + low * p_g) / (p_data + p_g) for up, low in labels]
    print(f"{p_data:6} {p_g:5} {best[0]:7.2f} {best[1]:11.2f} {best[2]:11.2f}")


# %% [markdown]
# One-sided, $D$ is never *sure* of data, and nothing else changes: it is the old $D$ times $\alpha$. Two-sided, a
# place with nothing but bad samples is not rejected outright, and samples may stay there.

# %% [markdown]
# ### A leash for every layer
#
# A third leash after clipping and the penalty, and a cheap one: **spectral normalisation**. A linear layer stretches a
# vector by its largest singular value $\sigma(W)$ at most. Divide $W$ by it, in every layer, and the whole network has
# no slope above 1. To find $\sigma$, multiply a vector by $W$ and by $W^\top$ in turn: what is stretched most wins.
#
# ### Exercise 5: one step of the power iteration (2 points)

# %% tags=["exercise"]
def spectral_step(W, v):
    """W (m, k) and v (k,), not 0 -> a tuple (W_bar (m, k), v_new (k,)) after one power iteration:
    u = W v / |W v|, then v_new = W' u / |W' u|, then sigma = u . (W v_new), and W_bar = W / sigma.

    Example: W = 5 I and any v give W_bar = I, and v made to length 1.
    """
    ### BEGIN SOLUTION
    out = W @ v
    u = out / np.linalg.norm(out)
    back = W.T @ u
    v_new = back / np.linalg.norm(back)
    sigma = u @ (W @ v_new)
    return W / sigma, v_new
    ### END SOLUTION


# %% tags=["check"]
spectral_step = check("spectral_step")

# %% tags=["help"]
# hint("spectral_step")        # delete the first # for a hint; run again for the next one
# solution("spectral_step")    # the same for the solution

# %% tags=["nbval-check-output"]
random = np.random.default_rng(0)
W, v = random.normal(size=(64, 64)), random.normal(size=64)
print("largest singular value of W / sigma, after so many steps:")
for n in range(1, 33):
    W_bar, v = spectral_step(W, v)
    if n in (1, 2, 4, 8, 16, 32):
        print(f"{n:3}  {np.linalg.svd(W_bar, compute_uv=False)[0]:.4f}")

# %% [markdown]
# One step is not enough, thirty are. In a training one does a *single* step at each update and goes on from the last
# $v$: the weights change so little that $v$ keeps up. (`torch.nn.utils.parametrizations.spectral_norm` does just
# this.)
#
# ### Half way between two noises
#
# Noise from $N(0, I)$ in $p$ dimensions has a length near $\sqrt p$: it lies near a sphere. Half way along a straight
# line between two draws one is *inside* of it, where the generator has never been. **Spherical interpolation** goes
# along the arc:

# %%
z0, z1 = torch.randn(2, 100, generator=torch.Generator().manual_seed(0))
for t in (0.0, 0.25, 0.5, 0.75, 1.0):
    line, arc = torch.lerp(z0, z1, t), tricks.slerp(z0, z1, t)
    print(f"t = {t:4}   length on the line {line.norm():6.2f}   on the arc {arc.norm():6.2f}")


# %% [markdown]
# ## 9.8 How to judge samples
#
# On the ring we know the modes. For images nobody does: there are two heaps of points, real and generated, and we ask
# two questions. **Precision**: does a generated sample lie where real ones lie? **Recall**: does a real one lie where
# generated ones lie? "Where they lie" is a union of balls: about each point one that reaches to its $k$-th nearest
# neighbour.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $x_i$, $y_j$ | `real`, `made` | real and generated samples, or features of them |
# | $r_i$ | | distance from $x_i$ to its $k$-th nearest real neighbour |
# | precision | | share of the $y_j$ inside some ball $B(x_i, r_i)$ |
# | recall | | share of the $x_i$ inside some ball about a $y_j$, as far as its own $k$-th neighbour |
# | density | | how many balls $B(x_i, r_i)$ a $y_j$ lies in, over $k$ |
# | coverage | | share of the balls $B(x_i, r_i)$ with some $y_j$ inside |
#
# ### Exercise 6: precision and recall (2 points)

# %% tags=["exercise"]
def precision_and_recall(real, made, k):
    """real (n, d) and made (m, d), one point a row, and k -> a tuple (precision, recall). A heap
    covers a point that is no farther from one of the heap's points than that one's k-th nearest
    other point of the heap. Precision: the share of made that real covers. Recall: the share of
    real that made covers.

    Example: k = 1, real (0, 1, 5, 7), made (0.5, 0.6, 20) on a line give 2/3 and 1/2.
    """
    ### BEGIN SOLUTION
    def share_covered(points, heap):
        to_the_others = np.sort(cdist(heap, heap), axis=1)
        inside = cdist(points, heap) <= to_the_others[:, k]
        return float(inside.any(axis=1).mean())

    return share_covered(made, real), share_covered(real, made)
    ### END SOLUTION


# %% tags=["check"]
precision_and_recall = check("precision_and_recall")

# %% tags=["help"]
# hint("precision_and_recall")        # delete the first # for a hint; run again for the next one
# solution("precision_and_recall")    # the same for the solution

# %%
runs = {"healthy": healthy, "collapsed": collapsed, "hurried": hurried}
real = mixture.ring(1000, seed=1).numpy()
for name, run in runs.items():
    precision, recall = precision_and_recall(real, run.samples(1000).numpy(), 3)
    print(f"{name:10} precision {precision:.2f}   recall {recall:.2f}   {run.quality()}")

# %% [markdown]
# Precision alone finds the collapsed generator good. Recall sees it.
#
# ### Every measure can be fooled
#
# Five sets of "samples". Only the first comes from the true distribution, and no other is what we want.
#
# **Predict.** For each of the other four: which measure will praise it?

# %%
rng = np.random.default_rng(0)
held_out, centres = mixture.ring(1000, seed=2).numpy(), ring.centres().numpy()
sets = {
    "held out": held_out,
    "by heart": real.copy(),
    "one per mode": np.repeat(centres, 125, axis=0) + 1e-3 * rng.normal(size=(1000, 2)),
    "ten, repeated": np.repeat(held_out[:10], 100, axis=0),
    "same moments": rng.multivariate_normal(real.mean(axis=0), np.cov(real.T), 1000),
}


def judged(real, fake):
    precision, recall = sample_quality.precision_recall(real, fake)
    density, coverage = sample_quality.density_coverage(real, fake)
    values = precision, recall, density, coverage
    distance = frechet_distance(torch.tensor(real), torch.tensor(fake))
    names = ("precision", "recall", "density", "coverage", "Frechet")
    return dict(zip(names, (*values, distance), strict=True))


ring_plots.fooled(real, sets, {name: judged(real, fake) for name, fake in sets.items()})

# %% [markdown]
# - **By heart**: the training set itself. Every measure is delighted. Only the nearest training images of chapter 8
#   see it.
# - **One per mode**, and **ten, repeated**: precision is perfect. Recall and coverage see that the variety is missing;
#   the Frechet distance hardly notices the first, for its mean and covariance are nearly right.
# - **Same moments**: one broad Gaussian. Its Frechet distance is as small as that of held-out data, for it *is* the
#   distance of the moments, and of nothing else. Precision sees that most samples lie in no mode.
#
# So never one number: two at least, and the nearest training images.

# %% [markdown]
# ### Outliers among the data
#
# Three real samples are outliers, far from all. The generated samples are spread evenly over the whole square: plain
# noise.

# %%
wild = np.concatenate([real, [[6.0, 6.0], [-6.0, 5.0], [0.0, -7.0]]])
noise = rng.uniform(-8, 8, size=(1000, 2))
sets = {"noise, clean data": noise, "noise, with outliers": noise}
scores = {"noise, clean data": judged(real, noise), "noise, with outliers": judged(wild, noise)}
ring_plots.fooled(wild, sets, scores)

# %% [markdown]
# An outlier's neighbours are far, so its ball is wide, and wide balls catch noise: precision rises, and nothing got
# better. The density counts a ball as $1/k$ only, and rises less. Recall is fooled even on clean data: samples that
# are far apart have wide balls as well, and those hold all the data. Coverage uses the real balls only, and each of
# them counts once: it is the only one of the four that is not impressed.

# %% [markdown]
# ### Features, and noise that passes
#
# Between images, distances of pixels mean little. So features are compared: here, the last hidden layer of a small
# classifier of the digits. (For photographs it is a layer of Inception, and the Frechet distance is called FID.)

# %%
digits, digits_test = load_images("digits"), load_images("digits", "test")
torch.manual_seed(0)
features = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16), nn.ReLU())
reader = nn.Sequential(features, nn.Linear(16, 10))
optimiser = torch.optim.Adam(reader.parameters(), lr=3e-3)


def read_step(x, y):
    optimiser.zero_grad()
    loss = nn.functional.cross_entropy(reader(x), y)
    loss.backward()
    optimiser.step()
    return {"loss": loss}


reading = Training(read_step, [digits.x, digits.y], [reader, optimiser]).run(steps(600))

# %% [markdown]
# **Predict.** One set of digits has no sevens. One has pixels drawn from a Gaussian with the mean and covariance of the
# digits' pixels. Which distance sees which?

# %%
x, y = digits.x, digits.y
pixels = x.flatten(1)
bell = torch.distributions.MultivariateNormal(pixels.mean(0), pixels.T.cov() + 1e-5 * torch.eye(64))
sets = {
    "held out": digits_test.x,
    "no sevens": x[y != 7],
    "Gaussian pixels": bell.sample((len(x),)).view_as(x),
    "with some noise": (x + 0.15 * torch.randn_like(x)).clamp(0, 1),
}
print("Frechet distance of            pixels   features")
with torch.no_grad():
    for name, fake in sets.items():
        of_pixels = frechet_distance(fake.flatten(1), pixels)
        print(f"{name:25}{of_pixels:12.2f}{frechet_distance(features(fake), features(x)):11.2f}")

# %% [markdown]
# To pixels, the Gaussian is better than held-out digits, and the missing sevens are next to nothing. Features see both.
#
# So are features safe? Take 500 images of pure noise, and move their *pixels* until the mean and the covariance of
# their features are those of the digits.

# %%
passing = torch.rand(500, 1, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
forger = torch.optim.Adam([passing], lr=0.02)
wanted = features(x).detach()
for _ in range(steps(500)):
    now = features(passing)
    gap = now.mean(0) - wanted.mean(0), now.T.cov() - wanted.T.cov()
    forger.zero_grad()
    sum((part**2).sum() for part in gap).backward()
    forger.step()
    passing.data.clamp_(0, 1)
forged = passing.detach()
print("noise that passes:", round(frechet_distance(features(forged).detach(), wanted), 2))
gallery(forged[:20, 0], columns=10, what="images of noise that pass for digits")

# %% [markdown]
# The distance is as small as that of real digits, and there is no digit to be seen. Nobody does this by accident; but a
# generator that is *trained* on a judge's features, or picked by them among thousands, walks this way. A judge is a
# choice: name it with every number, and look at the samples.

# %% [markdown]
# ## 9.9 A recipe, and all losses side by side
#
# What is left of it all? On the ring this is enough: the $\log D$ loss, a small penalty on the discriminator's slope
# at the data, rates that fall to 0 in the second half, and averaged weights of the generator.

# %%
print(ring.RECIPE)
for seed in (0, 1):
    recipe = ring.train(steps(ring.RECIPE_ROUNDS), seed, **ring.RECIPE)
    print(f"seed {seed}:", recipe.quality())
print("data:  ", ring.quality(mixture.ring(4000)))
ring_plots.snapshots({"the recipe": recipe.training.snapshots})

# %% [markdown]
# All eight modes, evenly, and nearly all samples good. But TV tells what the eye sees: the samples lie along a thin
# circle, not in eight round heaps. The last bit of quality costs the longest training.
#
# Two seeds prove little. `python -m benchmarks.gan_ring` trains it, every loss and every trick on ten seeds and prints
# the tables; this is what it wrote. First all losses with one step of each player, then with a strong discriminator:
# five steps, and a head start.
#
# **Predict.** In which of the two settings does the choice of the loss matter?

# %%
table("recipe", "losses", "losses, strong D")

# %% [markdown]
# With one step each, minimax, $\log D$, least squares, reverse KL and Hellinger are nearly alike: a healthy game does
# not ask which divergence it is about. KL and $\chi^2$ are worse. They pay $e^{a-1}$ and $a^2/4 + a$ for a generated
# sample, and a few samples rule the step. Total variation hardly starts: its $\tanh$ is flat as soon as $D$ is sure.
# And a Wasserstein critic with a single step is no critic yet. BEGAN's autoencoder has a single number in its middle here,
# for there are only two to copy; a few modes are copied with less error than all of them, in both settings.
#
# With a strong discriminator it matters. The losses with an exponential, KL, reverse KL and Hellinger, break down or
# collapse, total variation as well, and $\log D$ loses modes. $\chi^2$ keeps them or breaks down, as the seed wills: look
# at its *least*. Minimax and both Wasserstein critics keep all eight on every seed, least squares nearly so. One feels the
# choice of a loss when the discriminator is nearly the best one.

# %% [markdown]
# ## 9.10 Break it
#
# First: take the leash off. How far apart can a critic push the two heaps on the line?

# %%
print(f"W1 = {W_line:.2f}")
for n_steps in (100, 200, 400, 800):
    _, gap = learn_critic(real_1d[:, None], fake_1d[:, None], n_steps=n_steps)
    print(f"no leash, {n_steps} steps: the critic claims {gap:.1f}")

# %% [markdown]
# As far as it has time for. There is no best answer, and the generator, which follows this critic, is thrown about by
# slopes that grow without end.
#
# Second: the penalty as published, on a line, with six seeds. It fines slopes that are not 1: above *and* below.

# %%
right = fake_1d[:, None] + 3.0  # a heap on the right of the other one: the best critic is f(x) = x
W = wasserstein_1d(right[:, 0], fake_1d)
for one_sided in (False, True):
    leash = dict(penalty=10, one_sided=one_sided, n_steps=120)
    gaps = [learn_critic(right, fake_1d[:, None], **leash, seed=seed)[1] for seed in range(6)]
    print("above 1 only: " if one_sided else "not equal 1:  ", *(f"{gap:6.2f}" for gap in gaps))
print(f"W1 = {W:.2f}, expected gap {W * (1 + W / 20):.2f}")

# %% [markdown]
# Some critics are *the wrong way round*: they claim a negative distance, and stay there. Their slope is near $-1$,
# which the two-sided penalty likes as well as $+1$. To get from one to the other it would have to go through 0, and
# there it is fined again. Hence the gap of $-W_1 (1 - W_1 / 2\lambda)$: a second valley of the same loss. In the plane
# and above, a slope can turn round without becoming 0, and the trap is open. Small examples show what large ones hide,
# and sometimes what large ones do not have.

# %% [markdown]
# ## What you can do now
#
# 1. **Failures.** Collapse: $D$ near one half, but no spread. Oscillation: modes come and go; lower $\beta_1$ and the
#    rates. Flat gradient: $D$ sure and the slope small; the $\log D$ loss, noise. $D$ wins: $D$ sure and the slope
#    huge; a penalty on it.
# 2. **Divergences.** $D_f = \max_T \mathbb E_p T - \mathbb E_q f^*(T)$, and the best $T$ is $f'(p/q)$. The GAN is the
#    row of JS, LSGAN measures Pearson's $\chi^2$ from the mixture.
# 3. **Heaps that do not meet.** There $p/q$ is 0 or infinite, and JS is $\log 2$ however near they are. $W_1$ is the
#    length of the way, and shows it.
# 4. **The leash.** Clipped weights give the way but not the distance; the penalty nearly gives the distance,
#    $W_1 (1 + W_1/2\lambda)$; spectral normalisation bounds every layer.
# 5. **BEGAN.** $M = \mathbb E L(x) + |\gamma \mathbb E L(x) - \mathbb E L(G(z))|$ falls while a training converges. It
#    does not see variety; $\gamma$ sets it.
# 6. **Judging.** Precision asks whether samples lie where data lie, recall the reverse. Each measure has a set of bad
#    samples that it praises: use two, and the nearest training images.
#
# ## Test yourself
#
# <details><summary>An f-GAN's discriminator says that the reverse KL is at least 0.3. May the true one be 0.2? 0.5?</summary>
#
# Not 0.2, on the distributions themselves: every T gives a lower bound. (On few samples the averages may be off, and a
# network that has learnt the samples by heart claims too much.) 0.5 is possible: a better T would show it.
# </details>
#
# <details><summary>Why must the discriminator of the reverse KL end in $-e^{-a}$?</summary>
#
# There $f^*(t) = -1 - \log(-t)$ has no value for $t \ge 0$. Every $T$ must be negative, as the best one, $-q/p$, is.
# </details>
#
# <details><summary>A WGAN's critic ends in a sigmoid. What is wrong?</summary>
#
# A critic is no probability. Squeezed into $(0, 1)$ it could not grow with the distance, and far from the middle it
# would be flat again: the flat gradient is back.
# </details>
#
# <details><summary>Batch normalisation in a critic with gradient penalty?</summary>
#
# The penalty asks for the slope at *each* $\hat x$. With batch normalisation the output at one sample depends on all of
# the batch, and there is no such slope. Layer normalisation is the usual way out.
# </details>
#
# <details><summary>BEGAN's M is small, and all samples show the same 1. How can that be?</summary>
#
# $M$ is small when the autoencoder copies data well and the errors are balanced. A single digit that is easy to copy
# balances them too, when $\gamma$ is small.
# </details>
#
# **References.** X. Nguyen, M. Wainwright, M. Jordan, *Estimating divergence functionals and the likelihood ratio by
# convex risk minimization*, IEEE Transactions on Information Theory 2010. S. Nowozin, B. Cseke, R. Tomioka, *f-GAN*,
# NeurIPS 2016. X. Mao et al., *Least squares generative adversarial networks*, ICCV 2017. M. Arjovsky, S. Chintala, L.
# Bottou, *Wasserstein generative adversarial networks*, ICML 2017. I. Gulrajani et al., *Improved training of
# Wasserstein GANs*, NeurIPS 2017. D. Berthelot, T. Schumm, L. Metz, *BEGAN: boundary equilibrium generative
# adversarial networks*, 2017. T. Miyato et al., *Spectral normalization for generative adversarial networks*, ICLR
# 2018. T. Kynkäänniemi et al., *Improved precision and recall metric for assessing generative models*, NeurIPS 2019.
# M. Naeem et al., *Reliable fidelity and diversity metrics for generative models*, ICML 2020. T. Salimans et al.,
# *Improved techniques for training GANs*, NeurIPS 2016. L. Mescheder, A. Geiger, S. Nowozin, *Which training methods
# for GANs do actually converge?*, ICML 2018.
