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
# # 4. Generative models
#
# **From the lecture:** density estimation; $p_{\text{data}}$ and $p_{\text{model}}$; explicit and implicit models; why
# generative models; the taxonomy, with one working member on every leaf.
#
# **When you are through, you can**
#
# 1. say what a generative model is asked to do, and measure how far it is from doing it,
# 2. place a model in the taxonomy: is $p(x)$ written down, is it exact, does sampling need a chain?
# 3. write down the formula at the heart of six families, and the lines of code that compute it,
# 4. prove that a network does not cheat, by its gradients,
# 5. choose: by likelihood, by samples, by the cost of either, by what is to be done with the model.
#
# **You need** probabilities, the chain rule for them, and a little PyTorch: tensors, `nn.Module`, an optimiser.
# **Time:** about two hours with the six exercises; the code itself runs in under a minute.

# %% tags=["setup"]
import math
from time import process_time

import numpy as np
import torch
from pandas import DataFrame, Series
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import nn

from course.data import load_images
from course.gan import game
from course.lab import check, hint, solution
from course.likelihood import autoregressive, flow, gsn, mixture, rbm
from course.likelihood.transfer import labelled_rows, paired_interval
from course.likelihood.vae import VAE, importance_weighted_bound, mlp
from course.plots import generative as plots
from course.plots.images import gallery
from course.training import Training, steps

torch.manual_seed(0)
threadpool_limits(1)  # tiny networks are faster on one core than on two
torch.set_num_threads(1)

# %% [markdown]
# ## 4.1 Two data sets, one question
#
# Somewhere there is a distribution $p_{\text{data}}$. We never see it; we see samples. A **generative model** is a second
# distribution $p_{\text{model}}$, ours, that should be like the first: good enough to draw *new* samples from.
#
# All of this chapter runs on two data sets. The first lives in the plane, so that we can look at densities; and because
# we made it, we know its $p_{\text{data}}$, a ring of eight Gaussians. The second is handwritten digits, 8 by 8 pixels,
# each black or white. Nobody knows *their* $p_{\text{data}}$.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $x$ | a row of `ring`, of `X` | $(2,)$, $(64,)$ | a sample |
# | $d$ | | | the number of its entries |
# | $p_{\text{data}}$ | `mixture.log_ring` | | where the samples come from; known for the ring only |
# | $p_{\text{model}}$ | | | what we learn |

# %%
ring, ring_test = mixture.ring(20_000, seed=0), mixture.ring(1_800, seed=1)
train, test = load_images("digits"), load_images("digits", "test")
X, X_test = ((images.x.flatten(1) > 0.5).float() for images in (train, test))
print("ring  ", tuple(ring.shape), tuple(ring_test.shape))
print("digits", tuple(X.shape), tuple(X_test.shape))


def on_grid(log_p):
    """log_p, a function of points (n, 2), as a density on a grid: (96, 96)."""
    axis = (torch.arange(96) + 0.5) / 16 - 3
    with torch.no_grad():
        return log_p(torch.cartesian_prod(axis, axis)).exp().view(96, 96)


plots.both("the data", ring, X, on_grid(mixture.log_ring))

# %% [markdown]
# Left: $p_{\text{data}}$ in blue, samples in orange. Right: samples, and a question. How far is a model from the truth?
# The lecture's answer is the Kullback-Leibler divergence,
#
# $$ \operatorname{KL}(p_{\text{data}} \,\Vert\, p_{\text{model}})
#    = \mathbb E_{x \sim p_{\text{data}}} \bigl[ \log p_{\text{data}}(x) - \log p_{\text{model}}(x) \bigr] \ge 0 , $$
#
# zero for equal distributions only. The first term does not depend on the model. So to make the divergence small is to
# make $\mathbb E \log p_{\text{model}}(x)$ large, and the mean over the samples is all that we have of an expectation:
#
# $$ \max_\theta\ \frac1n \sum_{i=1}^n \log p_\theta(x_i) , $$
#
# **maximum likelihood**. Whoever can write down $p_\theta(x)$ can climb it.
#
# **Predict.** Isn't a histogram enough? Cut the plane into 32 by 32 cells and count. How close does it come? And for
# digits?

# %%
log_ring_test = mixture.log_ring(ring_test)  # log p_data of the held-out points
for m in (4, 8, 16, 32, 64, 128):
    # the number of each point's cell, rows of cells one after the other
    cell, cell_test = (((x + 3) / 6 * m).long() @ torch.tensor([m, 1]) for x in (ring, ring_test))
    counts = torch.bincount(cell, minlength=m * m) + 1  # one more each: no cell is impossible
    log_p = (counts / counts.sum()).log()[cell_test] - 2 * math.log(6 / m)
    print(f"{m:4} x {m:<4} KL {(log_ring_test - log_p).mean():.3f}")
print(f"cells for the digits: 2^64 = {2.0**64:.1e}, digits to fill them: {len(X)}")

# %% [markdown]
# In the plane it works: fine cells follow the density, until there are too few points for each. For digits it is hopeless.
# Almost every cell stays empty, and an empty cell says nothing. A model of digits must know something about cells that it
# never saw, by sharing what it learns between them. Every model below is a way to share.

# %% [markdown]
# ## 4.2 The taxonomy
#
# One tree holds them all (Goodfellow, 2016). At each fork stands a question.

# %%
plots.taxonomy()

# %% [markdown]
# - Is $p(x)$ **written down** (explicit), or is there only a way to draw from it (implicit)?
# - If it is written down: can it be **computed**, or only approximated, by a bound or with the help of a chain?
# - If there is only a way to draw: does it take a **Markov chain**, or a single step?
#
# The rest of the chapter climbs from leaf to leaf. Each leaf gets its formula, its code, and the same two data sets.
# Three of the models know bits only. For them, a point of the plane is the number of its cell: 5 bits for each coordinate,
# so 10 bits for one of 32 by 32 cells, in a code where neighbouring cells differ in a single bit. A probability of cells
# is a density too, constant on each: divide by the cell's area.

# %%
ring_bits = mixture.encode(ring)
print("a point         ", ring[0].tolist())
print("its bits        ", ring_bits[0].int().tolist())
print("back, cell width", mixture.decode(ring_bits[:1], seed=None)[0].tolist(), mixture.CELL)


def as_density(model):
    """A model of the bits as log p(x) of points in the plane."""
    return lambda x: model.log_prob(mixture.encode(x)) - 2 * math.log(mixture.CELL)


# %% [markdown]
# Most of the models are trained alike: Adam, a falling learning rate, the mean of a loss. So that is written once.

# %%
def fit(loss, network, data, n, lr, batch_size=64):
    """n steps of Adam on loss(x), for batches x of the data. Returns the CPU seconds."""
    optimiser = torch.optim.Adam(network.parameters(), lr, fused=True)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, total_iters=steps(n))

    def step(x):
        value = loss(x)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        falling.step()
        return {"loss": value}

    began = process_time()
    Training(step, data, [network, optimiser, falling], batch_size).run(steps(n))
    return process_time() - began


# %% [markdown]
# And all of them are judged alike. A likelihood is not defined for all, so we need one measure that is: **told apart**.
# A judge, a random forest, is shown real data and samples, and learns to tell which is which. Then it is asked about others
# that it has not seen. How often is it right? One half: it can only guess. One: it always knows.

# %%
def told_apart(samples, real, held_out):
    """Share of right answers of a judge that learnt from one part of the samples and real data,
    about the other part and held-out data."""
    n = min(len(held_out), len(samples) // 2)
    k = len(samples) - n
    judge = RandomForestClassifier(100, random_state=0)
    judge.fit(torch.cat([real[:k], samples[n:]]), [1] * k + [0] * k)
    right = judge.predict(torch.cat([held_out[:n], samples[:n]])) == np.repeat([1, 0], n)
    return right.mean()


def drawn(networks, draw):
    """(samples, network evaluations one after the other, CPU seconds) of a call of draw."""
    calls = []
    hooks = [net.register_forward_hook(lambda *_: calls.append(1)) for net in networks]
    began = process_time()
    with torch.no_grad():
        samples = draw()
    seconds = process_time() - began
    for hook in hooks:
        hook.remove()
    return samples, len(calls), seconds


# %%
plane, plane_table = {}, {}  # of each model, samples in the plane, and what is measured
digits, table = {}, {}  # the same for digits


@torch.no_grad()
def record_ring(name, points, log_p=None):
    """Keep 1,800 points; measure KL of p_data from exp(log_p), if there is one, and told apart."""
    plane[name] = points
    kl = math.nan if log_p is None else (log_ring_test - log_p(ring_test)).mean().item()
    plane_table[name] = {"KL": kl, "told apart": told_apart(points, ring, ring_test)}
    print(f"{name}: KL {kl:.3f}, told apart {plane_table[name]['told apart']:.3f}")


# %%
def record(name, networks, draw, seconds, exact="no", inference="no", bits=math.nan):
    """Draw 1,000 digits and write a row of the table."""
    digits[name], calls, seconds_to_draw = drawn(networks, draw)
    table[name] = {
        "exact p(x)": exact,
        "bits/dim": float(bits),
        "p(z|x)": inference,
        "evaluations": calls,
        "s for 1,000": seconds_to_draw,
        "told apart": told_apart(digits[name], X, X_test),
        "s to train": seconds,
    }
    print(Series(table[name]).to_string())


real_apart = told_apart(X[:700], X[700:], X_test)
print(f"real digits against real digits: {real_apart:.3f}")


# %% [markdown]
# ## 4.3 One entry after the other
#
# ### The formula
#
# Every distribution of $d$ entries is a product, by the chain rule of probability:
#
# $$ p(x) = \prod_{i=1}^{d} p(x_i \mid x_1, \dots, x_{i-1}) . $$
#
# No assumption, no approximation. A model that learns the factors is called **autoregressive**, or a *fully visible belief
# net*: nothing in it is hidden. For bits, a factor is one number, $p_i = p(x_i = 1 \mid x_1, \dots, x_{i-1})$, and
#
# $$ \log p(x) = \sum_{i=1}^{d} \log \bigl( p_i \text{ if } x_i = 1, \text{ else } 1 - p_i \bigr) . $$
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $x$ | `x` | $(n, d)$ | bits, one sample a row |
# | $p_i$ | `p` | $(n, d)$ | probability that entry $i$ is 1, given the entries before it in the same row |
#
# ### Exercise 1: the chain rule (2 points)

# %% tags=["exercise"]
def chain_rule_log_p(p, x):
    """p (n, d) with p[:, i] = p(x_i = 1 | the entries before i), bits x (n, d) -> (n,): log p(x) of
    each row, in nats.

    Example: p = (0.5, 0.9) and x = (1, 0) give log(0.5 * 0.1).
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
chain_rule_log_p = check("chain_rule_log_p")


# %% tags=["help"]
# hint("chain_rule_log_p")        # delete the first # for a hint; run again for the next one
# solution("chain_rule_log_p")    # the same for the solution

# %% [markdown]
# A log-likelihood in nats depends on the size of the image. Divided by $d$, and with logarithms to base 2, it has a
# meaning of its own: **bits per dimension**, the length of the shortest code for a pixel, if the coder believes the model.
#
# $$ -\frac{1}{n\,d} \sum_{i=1}^n \log_2 p(x_i), \qquad \log_2 p = \frac{\log p}{\log 2} . $$
#
# ### Exercise 2: bits per dimension (1 point)

# %% tags=["exercise"]
def bits_per_dimension(log_p, d):
    """log_p (n,) in nats, d entries in a sample -> (): the mean of -log2 p(x) for each entry, a
    tensor without axes.

    Example: fair coins have log p(x) = -d log 2, and need 1 bit each.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
bits_per_dimension = check("bits_per_dimension")

# %% tags=["help"]
# hint("bits_per_dimension")
# solution("bits_per_dimension")

# %% [markdown]
# The simplest model of digits: every pixel is black with a probability of its own, whatever the others do.
#
# **Predict.** How many bits does a pixel take? What do its samples look like?

# %%
began = process_time()
p_pixel = (X.sum(dim=0) + 1) / (len(X) + 2)
record(
    "independent pixels", [], lambda: torch.bernoulli(p_pixel.expand(1000, 64)),
    seconds=process_time() - began, exact="yes", inference="no z",
    bits=bits_per_dimension(chain_rule_log_p(p_pixel.expand_as(X_test), X_test), 64),
)  # fmt: skip
gallery(digits["independent pixels"][:20].view(-1, 1, 8, 8), columns=10, what="samples: dust")


# %% [markdown]
# Far better than a coin, and dust all the same: pixels of a stroke go together, and this model does not know it. The
# factors must look at what came before.
#
# ### MADE: a network that may only look back
#
# A network from all of $x$ to all of $p$ costs *one* evaluation for all factors. But output $i$ must not see $x_i, \dots,
# x_d$. **MADE** removes weights. Every hidden unit $k$ gets a degree $m_k$: it may see the inputs $1, \dots, m_k$, and only
# the outputs that come after $m_k$ may see it.
#
# $$ M^1_{ki} = [\, m_k \ge i \,], \qquad M^2_{ik} = [\, i > m_k \,], \qquad
#    h = \max(0, (W^1 \odot M^1)\, x + b^1), \qquad p = \sigma\bigl( (W^2 \odot M^2)\, h + b^2 \bigr) . $$
#
# From input $j$ through unit $k$ to output $i$ it goes only if $j \le m_k < i$. So $j < i$.
#
# ### Exercise 3: the masks (3 points)

# %% tags=["exercise"]
def made_masks(degrees, d):
    """degrees (h,), d -> M1 (h, d), M2 (d, h): M1[k, i] = 1 where input i may reach unit k,
    m_k >= i, and M2[i, k] = 1 where unit k may reach output i, i > m_k; i counted from 1 to d;
    0 elsewhere.

    Example: degrees (1, 2) and d = 3: the first unit sees input 1 and reaches outputs 2 and 3.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
made_masks = check("made_masks")

# %% tags=["help"]
# hint("made_masks")
# solution("made_masks")

# %% [markdown]
# The proof is a gradient. If output $i$ does not depend on input $j$, then $\partial p_i / \partial x_j = 0$, exactly, for
# every choice of weights. A probe with random weights, six inputs and eight units:

# %%
M1, M2 = made_masks(1 + torch.arange(8) % 5, 6)
W1, W2 = torch.randn(8, 6), torch.randn(6, 8)


def probabilities(x):
    return torch.sigmoid((W2 * M2) @ torch.relu((W1 * M1) @ x + 0.5))


torch.autograd.functional.jacobian(probabilities, torch.rand(6)).numpy().round(2) + 0.0

# %% [markdown]
# Zeros on the diagonal and above it. `autoregressive.MADE` is this network with its weights in `nn.Module`s, and a direct
# masked layer from input to output beside the hidden one. Now the plane: bits of cells, in the order in which the code has
# them, coarse ones first.

# %%
made = autoregressive.MADE(10, hidden=64)
fit(lambda b: -made.log_prob(b).mean(), made, ring_bits, 1000, lr=1e-2, batch_size=200)

drawn_bits = autoregressive.complete(made, torch.zeros(1800, 10), known=0)
record_ring("MADE", mixture.decode(drawn_bits), as_density(made))
made_density = on_grid(as_density(made))

# %% [markdown]
# The same class on digits: 64 bits, row by row. To **sample**, draw $x_1$ from $p_1$, put it in, draw $x_2$ from $p_2$, and
# so on: $d$ evaluations for what training did in one.

# %%
made = autoregressive.MADE(64, hidden=256)
seconds = fit(lambda x: -made.log_prob(x).mean(), made, X, 1500, lr=3e-3)
with torch.no_grad():
    log_p = chain_rule_log_p(made(X_test).sigmoid().double(), X_test.double())
record(
    "MADE", [made], lambda: autoregressive.complete(made, torch.zeros(1000, 64), known=0),
    seconds, exact="yes", inference="no z", bits=bits_per_dimension(log_p, 64),
)  # fmt: skip

# %%
plots.both("MADE", plane["MADE"], digits["MADE"], made_density)

# %% [markdown]
# Left, the squares are the cells of the code. Right: digits that nobody wrote.
#
# ### PixelCNN: the same rule for images
#
# In an image, a pixel is best guessed from its neighbours, and in the same way everywhere: a convolution. **PixelCNN** masks
# its kernels, so that a pixel sees those above it, and to its left in its own row. The first layer must leave out the pixel
# itself; the others may look at what the first has put there. (An image model for images: we spare the ring.)

# %%
print(autoregressive.MaskedConv(1, 1, 5, own=False).mask.int().numpy())
pixelcnn = autoregressive.PixelCNN(side=8, channels=16, layers=3)
seconds = fit(lambda x: -pixelcnn.log_prob(x).mean(), pixelcnn, X, 650, lr=5e-3)
with torch.no_grad():
    bits = bits_per_dimension(pixelcnn.log_prob(X_test), 64)
nothing = torch.zeros(1000, 64)
record(
    "PixelCNN", [pixelcnn], lambda: autoregressive.complete(pixelcnn, nothing, known=0),
    seconds, exact="yes", inference="no z", bits=bits,
)  # fmt: skip


# %% [markdown]
# Do both keep the rule after training? **Predict** what the matrix of all gradients looks like.

# %%
def sight(model):
    """Mean of |d logit_i / d x_j| over some digits, (64, 64)."""
    rows = [torch.autograd.functional.jacobian(lambda x: model(x[None])[0], x) for x in X_test[:8]]
    return torch.stack(rows).abs().mean(dim=0)


plots.causality({"MADE": sight(made), "PixelCNN": sight(pixelcnn)}, pixel=28)

# %% [markdown]
# White is an exact zero: nothing on the diagonal or above. MADE sees all that came before. PixelCNN sees a neighbourhood,
# and misses some pixels at its upper right: the **blind spot** of masked convolutions, known and mended in later versions.

# %%
gallery(digits["PixelCNN"][:20].view(-1, 1, 8, 8), columns=10, what="digits drawn by PixelCNN")


# %% [markdown]
# ## 4.4 Change of variables
#
# Take noise $z \sim N(0, I)$ and bend the space until it is the data. If the bending $f : x \mapsto z$ has an inverse, the
# density follows: where $f$ stretches, probability gets thinner.
#
# $$ p(x) = N\bigl( f(x); 0, I \bigr) \, \left| \det \frac{\partial f}{\partial x} \right| . $$
#
# Two things are needed: $f^{-1}$, and a determinant that is not dear. The **affine coupling layer** has both for
# nothing. It keeps one half of the entries as they are, and lets these decide how the others are scaled and shifted:
#
# $$ z_i = x_i \ \text{ where kept}, \qquad z_i = x_i\, e^{s_i} + t_i \ \text{ elsewhere}, \qquad
#    (s, t) = \text{network}(x_{\text{kept}}) . $$
#
# Put the kept entries first, and the Jacobian is a triangle with the diagonal $1, \dots, 1, e^{s_i}, \dots$ To invert it,
# compute $s$ and $t$ again, from what was kept: the network itself is never inverted.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | | `kept` | $(d,)$ | True where the entry stays |
# | $s, t$ | `s`, `t` | $(n, d)$ | log scale and shift; what stands at kept entries is ignored |
# | $\log \lvert \det \partial z / \partial x \rvert$ | `log_det` | $(n,)$ | one number for each sample |
#
# ### Exercise 4: a coupling layer (3 points)

# %% tags=["exercise"]
def couple(x, kept, s, t):
    """x (n, d), kept (d,) boolean, s (n, d), t (n, d) -> z (n, d), log_det (n,): z_i = x_i where
    kept, x_i exp(s_i) + t_i elsewhere, and log |det dz/dx| of each row.

    Example: x = (1, 2), kept = (True, False), s = (5, log 3), t = (9, 1) give z = (1, 7) and
    log_det = log 3.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
couple = check("couple")

# %% tags=["help"]
# hint("couple")
# solution("couple")

# %% [markdown]
# A **flow** is a chain of such layers, each keeping the half that the last one changed. Determinants multiply, so their
# logarithms add. Six layers for the ring:

# %%
ring_flow = flow.Flow(2, layers=6, hidden=32)
fit(lambda x: -ring_flow.log_prob(x).mean(), ring_flow, ring, 700, lr=5e-3, batch_size=256)

z, log_det = ring_test[:1], torch.zeros(1)
for layer in ring_flow.layers:
    z, more = couple(z, layer.kept, *layer.scale_and_shift(z))
    log_det = log_det + more
J = torch.autograd.functional.jacobian(lambda x: ring_flow(x[None])[0][0], ring_test[0])
print("sum of the layers' log determinants", log_det.item())
print("log |det| of autograd's Jacobian   ", torch.linalg.slogdet(J).logabsdet.item())

# %% [markdown]
# The same number, and no determinant was computed. Now backwards, from noise to data, two layers at a time:

# %%
with torch.no_grad():
    x = torch.randn(1800, 2)
    journey = {"noise": x}
    for k, layer in enumerate(reversed(ring_flow.layers), start=1):
        x = layer.inverse(x)
        if k % 2 == 0:
            journey[f"{k} layers"] = x
record_ring("flow", x, ring_flow.log_prob)
plots.clouds(journey)


# %% [markdown]
# A flow is continuous with a continuous inverse, so it cannot tear one blob into eight. Thin threads stay between the
# modes: look for points outside of the clouds.
#
# **Digits are not a density.** A black or white pixel has a probability; a flow has densities, and a density can be made
# as large as one likes on data that take two values. The cure is **dequantisation**: fill each level's cell evenly,
# $y = (x + u)/2$ with $u$ uniform on $[0, 1)$, and model the density of $y$. By Jensen's inequality,
#
# $$ \log P(x) = \log \int_{[0,1)^d} p\Bigl(\frac{x + u}{2}\Bigr) \frac{du}{2^d}
#    \;\ge\; \mathbb E_u \log p\Bigl(\frac{x + u}{2}\Bigr) - d \log 2 . $$
#
# So the flow gets a bound on a true probability of the bits, which may be compared with everybody else's. (A logit takes
# the cube to all of space, and its determinant counts as any other.)

# %%
def filled(x):
    """Bits (n, 64) -> points of space (n, 64), and log |det| of the way there from the cells."""
    a, log_det = flow.logit(flow.dequantise(x, levels=2), edge=0.05)
    return a, log_det - 64 * math.log(2)


digit_flow = flow.Flow(64, layers=6, hidden=64)
seconds = fit(lambda x: -digit_flow.log_prob(filled(x)[0]).mean(), digit_flow, X, 600, lr=4e-3)
with torch.no_grad():
    log_w = []  # one row for each draw of u
    for _ in range(50):
        a, log_det = filled(X_test)
        log_w.append(digit_flow.log_prob(a) + log_det)
log_w = torch.stack(log_w)
bits = bits_per_dimension(log_w.mean(dim=0), 64)
record(
    "flow", [layer.network for layer in digit_flow.layers],
    lambda: (digit_flow.inverse(torch.randn(1000, 64)) > 0).float(),
    seconds, exact="yes, of a density", inference="exact: z = f(x)", bits=bits,
)  # fmt: skip

# %%
tighter = bits_per_dimension(importance_weighted_bound(log_w), 64)
print(f"bits per dimension: at most {bits:.3f}; with a mean of 50 draws in the log, {tighter:.3f}")
plots.both("flow", plane["flow"], digits["flow"], on_grid(ring_flow.log_prob))

# %% [markdown]
# The bits are dear, and the digits have stray pixels. The bound is loose, as the second line shows. And a flow that must
# fill cubes evenly spends its power on walls between cells: bits are not what it was made for. On the ring it is at home,
# but for the threads.

# %% [markdown]
# ## 4.5 Variational: a bound instead of the likelihood
#
# Let a few hidden numbers $z \sim N(0, I)$ decide, and a network, the **decoder**, say what $x$ looks like given $z$:
#
# $$ p(x) = \int p(x \mid z)\, p(z)\, dz . $$
#
# Explicit, and out of reach: nobody can do the integral. A second network, the **encoder** $q(z \mid x)$, guesses which
# $z$ made $x$, and gives a bound from below that can be climbed:
#
# $$ \log p(x) \;\ge\; \mathbb E_{z \sim q(z|x)} \log p(x \mid z) - \operatorname{KL}\bigl( q(z \mid x) \,\Vert\, p(z) \bigr) . $$
#
# That is a **variational autoencoder**. Chapter 6 derives the bound, line by line, and chapter 7 makes the most of it. Here
# is its place in the tree: two dimensions of $z$ for the ring, twelve for digits.

# %%
ring_vae = VAE((2,), latent=2, likelihood="gaussian", sigma="learnt", hidden=(96, 96))
fit(ring_vae, ring_vae, ring, 800, lr=5e-3, batch_size=200)
# In two dimensions the integral can be done by brute force: the mean of p(x|z) over draws of z.
means, sigma = ring_vae.sample(4000), ring_vae.sigma


def log_vae(x):
    log_normal = -torch.cdist(x, means) ** 2 / (2 * sigma**2) - math.log(2 * math.pi * sigma**2)
    return torch.logsumexp(log_normal, dim=1) - math.log(len(means))


record_ring("VAE", ring_vae.sample(1800) + sigma * torch.randn(1800, 2), log_vae)

# %%
vae = VAE((64,), latent=12, likelihood="bernoulli", hidden=(256,))
seconds = fit(vae, vae, X, 1000, lr=3e-3)
with torch.no_grad():
    log_w = vae.log_weights(X_test, K=100)
record(
    "VAE", [vae.decoder], lambda: torch.bernoulli(vae.sample(1000)),
    seconds, exact="a bound", inference="approximate: q(z|x)",
    bits=bits_per_dimension(log_w.mean(dim=0), 64),
)  # fmt: skip
tighter = bits_per_dimension(importance_weighted_bound(log_w), 64)
print(f"\nwith a mean of 100 draws in the log, {tighter:.3f} bits per dimension")

# %%
plots.both("VAE", plane["VAE"], digits["VAE"], on_grid(log_vae))


# %% [markdown]
# One evaluation for a sample, and a code $z$ for every $x$. The price: the bound, and a smooth decoder. It maps one round
# cloud to the ring, so it builds bridges between the modes, and makes up for the rest with a wide $\sigma$.

# %% [markdown]
# ## 4.6 Markov chain: a machine with an energy
#
# Leave out that probabilities must add up to 1. Say only which states are *better* than others, by an **energy**, low for
# good ones. The **restricted Boltzmann machine** has visible bits $v$, hidden bits $h$, and weights between the two sides:
#
# $$ p(v, h) = \frac1Z\, e^{-E(v, h)}, \qquad -E(v, h) = v^T W h + b^T v + c^T h, \qquad
#    Z = \sum_{v, h} e^{-E(v, h)} . $$
#
# $Z$ sums over all states: explicit, but not tractable. Yet given $v$, the hidden bits do not know of each other. So they
# can be summed out one by one,
#
# $$ p(v) = \frac1Z\, e^{-F(v)}, \qquad F(v) = -\log \sum_h e^{v^T W h + b^T v + c^T h} , $$
#
# and $F$ is called the **free energy**.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $v$ | `v` | $(n, d)$ | visible bits: the data |
# | $h$ | | $(n, m)$ | hidden bits |
# | $W, b, c$ | `W`, `b`, `c` | $(d, m)$, $(d,)$, $(m,)$ | weights, biases of the visible and of the hidden side |
#
# ### Exercise 5: the free energy (3 points)

# %% tags=["exercise"]
def free_energy(v, W, b, c):
    """v (n, d), W (d, m), b (d,), c (m,) -> (n,): F(v) = -log of the sum over all h of
    exp(v^T W h + b^T v + c^T h).

    Example: with W = 0 and c = 0, each h gives the same term, and F(v) = -b^T v - m log 2.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
free_energy = check("free_energy")

# %% tags=["help"]
# hint("free_energy")
# solution("free_energy")

# %% [markdown]
# A probe: all $2^3$ hidden states, added up the long way.

# %%
W, b, c, v = torch.randn(4, 3), torch.randn(4), torch.randn(3), torch.tensor([[1.0, 0, 1, 1]])
h = rbm.states(3)
print("all states ", -torch.logsumexp(h @ (v @ W)[0] + v @ b + h @ c, dim=0).item())
print("free energy", free_energy(v, W, b, c).item())


# %% [markdown]
# To climb $\log p(v) = -F(v) - \log Z$ we need the gradient of $\log Z$. It is an expectation under the model itself, so
# the climb pulls in two directions:
#
# $$ \frac{\partial}{\partial W} \log p = \mathbb E_{\text{data}} \bigl[ v\, p(h \mid v)^T \bigr]
#    - \mathbb E_{\text{model}} \bigl[ v\, p(h \mid v)^T \bigr], \qquad p(h_j = 1 \mid v) = \sigma(c_j + v^T W_j) , $$
#
# and likewise $\mathbb E_{\text{data}}[v] - \mathbb E_{\text{model}}[v]$ for $b$, and the means of $p(h \mid v)$ for $c$.
# Data become more probable, what the model dreams up less. The dreams come from a Markov chain, the **Gibbs sampler**: draw
# $h \sim p(h \mid v)$, then $v \sim p(v \mid h)$, again and again. **Contrastive divergence** starts the chain at the data
# and takes only a few steps.
#
# ### Exercise 6: the contrastive gradient (3 points)

# %% tags=["exercise"]
def cd_gradient(v_data, v_model, W, c):
    """v_data (n, d), v_model (k, d), W (d, m), c (m,) -> dW (d, m), db (d,), dc (m,): means over
    the data less means over the model's samples of v p(h|v)^T, of v, and of p(h|v).

    Example: when the samples are the data, all three are zero.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
cd_gradient = check("cd_gradient")


# %% tags=["help"]
# hint("cd_gradient")
# solution("cd_gradient")

# %%
def fit_rbm(machine, data, n, lr, chain, batch_size):
    """n steps of contrastive divergence with chains of `chain` steps. Returns the CPU seconds."""
    optimiser = torch.optim.Adam(machine.parameters(), lr)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, total_iters=steps(n))

    def step(v):
        dreams = machine.gibbs(v, chain)
        uphill = cd_gradient(v, dreams, machine.W, machine.c)
        for parameter, gradient in zip((machine.W, machine.b, machine.c), uphill):
            parameter.grad = -gradient  # Adam goes downhill
        optimiser.step()
        falling.step()
        gap = machine.free_energy(v) - machine.free_energy(dreams)
        return {"free energy, data less dreams": gap.mean()}

    began = process_time()
    Training(step, data, [machine, optimiser, falling], batch_size).run(steps(n))
    return process_time() - began


# %%
ring_rbm = rbm.RBM(10, 32)
fit_rbm(ring_rbm, ring_bits, 1000, lr=0.02, chain=5, batch_size=200)

v = torch.bernoulli(torch.full((1800, 10), 0.5))
chain = {"start": mixture.decode(v)}
for name, more in [("1 step", 1), ("10 steps", 9), ("300 steps", 290)]:
    v = ring_rbm.gibbs(v, more)
    chain[name] = mixture.decode(v)
record_ring("RBM", chain["300 steps"], as_density(ring_rbm))
plots.clouds(chain)

# %% [markdown]
# From coins to the ring, step by step. Here $Z$ has only $2^{10}$ terms, so we know it exactly. For digits we take 16 hidden
# bits: the visible ones are summed out by hand, and $2^{16}$ hidden states are soon counted. With 500 hidden bits we could
# only estimate.

# %%
digit_rbm = rbm.RBM(64, 16)
digit_rbm.b.data = torch.logit(p_pixel)  # begin with independent pixels
seconds = fit_rbm(digit_rbm, X, 1500, lr=0.01, chain=3, batch_size=64)
record(
    "RBM", [digit_rbm], lambda: digit_rbm.gibbs(torch.bernoulli(torch.full((1000, 64), 0.5)), 500),
    seconds, exact="up to Z", inference="exact: p(h|x)",
    bits=bits_per_dimension(digit_rbm.log_prob(X_test), 64),
)  # fmt: skip

# %%
plots.both("RBM", plane["RBM"], digits["RBM"], on_grid(as_density(ring_rbm)))


# %% [markdown]
# ## 4.7 Implicit, by a Markov chain: spoil and mend
#
# Now without any $p(x)$. Learn only to **mend**: spoil $x$ a little, and let a network say what it was, bit by bit. Then
# spoil what it said, mend again, and so on for ever:
#
# $$ \tilde x \sim C(\tilde x \mid x), \qquad x' \sim P_\theta(x \mid \tilde x), \qquad
#    \min_\theta\ -\mathbb E \log P_\theta(x \mid \tilde x) . $$
#
# If the network mends as well as is possible, this chain comes to rest with just the distribution of the data: that is a
# theorem (Bengio, Yao, Alain and Vincent, 2013). It is called a **generative stochastic network**. Nobody knows its $p(x)$;
# one can only run it.
#
# One step of training teaches what to do near the data. But the chain may stray. **Walkback** walks a few steps of the
# chain away from $x$ and asks each time for $x$ itself.

# %%
def mend(network):
    return lambda x: gsn.walkback_loss(network, x, rate=0.2, steps=2)


ring_gsn = mlp([10, 128, 128, 10])
fit(mend(ring_gsn), ring_gsn, ring_bits, 900, lr=3e-3, batch_size=200)

b = torch.bernoulli(torch.full((1800, 10), 0.5))
chain = {"start": mixture.decode(b)}
for name, more in [("1 step", 1), ("10 steps", 9), ("300 steps", 290)]:
    b = gsn.chain(ring_gsn, b, 0.2, more)
    chain[name] = mixture.decode(b)
record_ring("GSN", chain["300 steps"])
plots.clouds(chain)

# %%
digit_gsn, coins = mlp([64, 256, 256, 64]), torch.bernoulli(torch.full((1000, 64), 0.5))
seconds = fit(mend(digit_gsn), digit_gsn, X, 800, lr=2e-3)
record("GSN", [digit_gsn], lambda: gsn.chain(digit_gsn, coins, 0.2, 200), seconds, inference="no z")

# %% [markdown]
# One chain of digits, from coins on, every fourth step:

# %%
x, film = torch.bernoulli(torch.full((3, 64), 0.5)), []
for _ in range(12):
    film.append(x)
    x = gsn.chain(digit_gsn, x, 0.2, 4)
frames = torch.stack(film, dim=1).flatten(0, 1).view(-1, 1, 8, 8)
gallery(frames, columns=12, what="digits that three chains pass through, from noise on", cell=0.8)


# %% [markdown]
# From noise to a stroke in a few steps; then the chain wanders from digit to digit, or stays with one for long. Samples
# that follow each other are alike: the price of a chain.

# %% [markdown]
# ## 4.8 Implicit and direct: a game
#
# The last leaf asks for nothing but a network from noise to data, $x = G(z)$. No density, no chain, no inverse. Who says
# whether $x$ is good? A second network, $D$, which learns to tell real from made, while $G$ learns to fool it:
#
# $$ \min_G \max_D\ \mathbb E_x \log D(x) + \mathbb E_z \log\bigl( 1 - D(G(z)) \bigr) . $$
#
# A **generative adversarial network**. Chapters 8 to 11 are about it. One round of the game is one step of each player:

# %%
def fit_gan(generator, discriminator, noise, data, n, lr, batch_size):
    """n rounds of the game. Returns the CPU seconds."""
    players = generator, discriminator
    adam = {"lr": lr, "betas": (0.5, 0.99), "fused": True}
    optimisers = [torch.optim.Adam(net.parameters(), **adam) for net in players]
    linear = torch.optim.lr_scheduler.LinearLR
    falling = [linear(optimiser, 1.0, 0.05, total_iters=steps(n)) for optimiser in optimisers]

    def step(x):
        losses = game.play(generator, discriminator, *optimisers, x, torch.randn(len(x), noise))
        for rate in falling:
            rate.step()
        return losses

    began = process_time()
    Training(step, data, [*players, *optimisers, *falling], batch_size).run(steps(n))
    return process_time() - began


# %%
def leaky(a, b):
    def hidden(a):
        return nn.Linear(a, 96), nn.LeakyReLU(0.2)

    return nn.Sequential(*hidden(a), *hidden(96), nn.Linear(96, b))


ring_G, ring_D = leaky(8, 2), leaky(2, 1)
fit_gan(ring_G, ring_D, 8, ring, 1400, lr=2e-3, batch_size=200)
record_ring("GAN", ring_G(torch.randn(1800, 8)).detach())

# %%
G = nn.Sequential(
    nn.Linear(16, 128), nn.BatchNorm1d(128), nn.ReLU(),
    nn.Linear(128, 128), nn.BatchNorm1d(128), nn.ReLU(),
    nn.Linear(128, 64), nn.Sigmoid(),
)  # fmt: skip
D = nn.Sequential(
    nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3),
    nn.Linear(128, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(128, 1),
)  # fmt: skip
seconds = fit_gan(G, D, 16, X, 1000, lr=3e-3, batch_size=64)
G.eval()
record("GAN", [G], lambda: (G(torch.randn(1000, 16)) > 0.5).float(), seconds)

# %%
plots.both("GAN", plane["GAN"], digits["GAN"])

# %% [markdown]
# One evaluation a sample and crisp strokes. But no likelihood to tell how well it does, and a training that is a fight, not
# a climb: which is why the next GAN chapters are long.

# %% [markdown]
# ## 4.9 All of them at once
#
# In the plane we know the truth. The divergence from it, where there is a density, and the samples of all six:

# %%
print(DataFrame(plane_table).T.round(3).to_string(na_rep="-"))
plots.clouds({"data": ring_test, **plane})

# %% [markdown]
# And the digits. *Evaluations*: of a network, one after the other, until a sample is there. *Told apart*: by nearest
# neighbours, against held-out digits; 0.5 is best. Bits per dimension are for held-out digits; those of the flow and of
# the VAE are bounds from above. Seconds are CPU seconds, on the machine that ran this.

# %%
DataFrame(table).T.infer_objects().round(3).sort_values("told apart")

# %%
rows = [digits[name][:12].view(-1, 1, 8, 8) for name in table]
what = "samples, a row for each model"
gallery(torch.cat(rows), columns=12, row_labels=list(table), what=what, cell=0.6)

# %% [markdown]
# **Predict.** A model with fewer bits per dimension knows the data better. Are its samples harder to tell from real ones?

# %%
told = {name: row["told apart"] for name, row in table.items()}
plots.trade_off({name: row["bits/dim"] for name, row in table.items()}, told, floor=real_apart)

# %% [markdown]
# By and large, but not one for one: models with much the same bits draw samples of quite different quality. The two axes
# ask different questions. Bits punish *any* digit that the model holds impossible, and hardly notice nonsense among the
# samples: a model whose samples are good once in a hundred times, and noise otherwise, loses at most $\log_2(100)/64$ bits
# a pixel. The judge punishes the nonsense, and hardly notices a digit that never comes (Theis, van den Oord and Bethge,
# 2016). So say what a model is for, and measure that.

# %% [markdown]
# ## 4.10 What are they for?
#
# Three answers from the lecture, each with a model that we have trained.
#
# ### In-painting and super-resolution: several answers to one question
#
# Half of a digit is covered. A classifier or a regression would give one answer, the mean of all. A model of $p(x)$ gives
# samples of $p(\text{lower half} \mid \text{upper half})$; and an autoregressive one needs no new training, if what is
# known comes first.

# %%
chosen = torch.tensor([3, 8, 14, 21])
covered = X_test[chosen].clone()
covered[:, 32:] = 0
columns = [X_test[chosen], covered, *(autoregressive.complete(made, covered, 32) for _ in range(8))]
pictures = torch.stack(columns, dim=1).flatten(0, 1).view(-1, 1, 8, 8)
titles = ["truth", "given", *["drawn"] * 8] + [""] * 30
what = "digits: the truth, its upper half, and eight completions of it"
gallery(pictures, titles, columns=10, what=what, cell=0.7)

# %% [markdown]
# Where the upper half leaves a choice, the completions disagree, as they should.
#
# ### Features without labels
#
# Images are cheap and labels are dear. The VAE and the RBM saw 1,437 digits without a label. Are their hidden variables
# better to learn from than pixels, when only two digits of each kind have a label?

# %%
with torch.no_grad():
    features = {
        "pixels": (X, X_test),
        "VAE, mean of q(z|x)": tuple(vae.encode(x)[0] for x in (X, X_test)),
        "RBM, p(h|x)": tuple(digit_rbm.p_hidden(x) for x in (X, X_test)),
    }
rng, accuracy = np.random.default_rng(0), {name: [] for name in features}
for _ in range(20):
    rows = labelled_rows(train.y, 2, rng)
    for name, (f, f_test) in features.items():
        judge = LogisticRegression(max_iter=1000).fit(f[rows].numpy(), train.y[rows].numpy())
        accuracy[name].append(judge.score(f_test.numpy(), test.y.numpy()))
for name, values in accuracy.items():
    low, high = paired_interval(values, accuracy["pixels"])
    print(f"{name:20} accuracy {np.mean(values):.3f}, above pixels by {low:+.3f} to {high:+.3f}")

# %% [markdown]
# The intervals are for the mean over twenty draws of the labels, at 95 %. One above zero says yes; one that holds zero says
# that twenty draws cannot tell. Chapters 5 and 7 take this up.
#
# ### Simulation: learning from made-up data
#
# If a model can draw digits *of a kind*, it can stand in for the real ones: to make a small data set larger, to share what
# cannot be shared, to let a robot plan in a simulated world. By the chain rule, a label is just ten more bits, put in
# front: then $p(x \mid y)$ is sampled by keeping the label and drawing the rest.

# %%
labelled = torch.cat([torch.eye(10)[train.y], X], dim=1)
simulator = autoregressive.MADE(74, hidden=256)
fit(lambda yx: -simulator.log_prob(yx).mean(), simulator, labelled, 1000, lr=3e-3)

y_made = torch.arange(10).repeat_interleave(140)
start = torch.cat([torch.eye(10)[y_made], torch.zeros(1400, 64)], dim=1)
X_made = autoregressive.complete(simulator, start, known=10)[:, 10:]
for name, (x, y) in {"real": (X, train.y), "simulated": (X_made, y_made)}.items():
    judge = LogisticRegression(max_iter=1000, C=0.1).fit(x.numpy(), y.numpy())
    print(f"trained on {len(x)} {name:10} tested on real digits: {judge.score(X_test, test.y):.3f}")
few = X_made.view(10, 140, 1, 8, 8)[:, :6].transpose(0, 1).flatten(0, 1)
what = "simulated digits, a column for each label from 0 to 9"
gallery(few, columns=10, what=what, cell=0.7)

# %% [markdown]
# A classifier that never saw a real digit reads most of them.

# %% [markdown]
# ## 4.11 Break it
#
# **Predict.** Let MADE's outputs see a little more than they should: their own input, by one diagonal of weights. What
# happens to the bits per dimension? And to the samples?

# %%
cheat = autoregressive.MADE(64, hidden=256)
cheat.direct.mask.fill_diagonal_(1)
fit(lambda x: -cheat.log_prob(x).mean(), cheat, X, 500, lr=1e-2)
with torch.no_grad():
    print("bits per dimension", bits_per_dimension(cheat.log_prob(X_test), 64).item())
dreams = autoregressive.complete(cheat, torch.zeros(1000, 64), known=0)
print("told apart        ", told_apart(dreams, X, X_test))
print("leaks             ", int((sight(cheat).triu() != 0).sum()))
gallery(dreams[:20].view(-1, 1, 8, 8), columns=10, what="samples of the cheating MADE")

# %% [markdown]
# The best likelihood of the chapter, and one of the worst models. Each output copies its own input, so whatever comes is
# called probable: the numbers $p(x)$ no longer add up to 1, and nothing complains. In the sampler, where the entry is not
# there yet, the copy is of a zero. A likelihood that is too good calls for a gradient test, not for a party.
#
# ### A measure that can be fooled
#
# **Predict.** A simpler judge than the forest: put held-out digits and samples on one table, and ask of each one whether
# its nearest neighbour is of its own kind. Which model will get off too lightly?

# %%
from course.likelihood.two_sample import neighbour_score

print(f"{'':20}{'neighbours':>12}{'forest':>8}")
for name, x in digits.items():
    near = [part + 1e-3 * torch.rand(360, 64) for part in (X_test, x[:360])]  # of equals, any one
    print(f"{name:20}{neighbour_score(*near):12.3f}{told[name]:8.3f}")

# %% [markdown]
# The flow: the best of all by neighbours, though anyone can see its stray pixels. Each sample is noisy in its own way, so
# it is far from the others, and its nearest neighbour is a clean digit. So is that of a real digit. The samples are always
# taken for the other kind, the digits never: a half, on average. Look at pictures before you believe a number.
#
# **Something else to break.** Make the RBM's chain start at coins and stop after 5 steps instead of 500. Give the GSN the
# rate 0.02: it mends nearly nothing, and the chain hardly moves. Take the GAN's batch norm away.

# %% [markdown]
# ## What you can do now
#
# 1. *Say what is asked*: a $p_{\text{model}}$ like $p_{\text{data}}$; maximum likelihood makes
#    $\operatorname{KL}(p_{\text{data}} \Vert p_{\text{model}})$ small. Held-out bits per dimension measure it up to a
#    constant; where there is no likelihood, compare samples.
# 2. *Place a model*: MADE and PixelCNN are exact by the chain rule, a flow by a determinant; a VAE has a bound, an RBM an
#    unknown $Z$; a GSN needs a chain, a GAN one step, and neither has a density.
# 3. *Formulas*: a product of conditionals; $\log \lvert \det \rvert$; the ELBO; $e^{-F}/Z$; spoil and mend; a game.
# 4. *Prove it*: a zero gradient for every input that must not be seen.
# 5. *Choose*: exact probabilities or a conditional in the right order: autoregressive. Exact $z$: a flow. Features and fast
#    samples: a VAE. Crisp samples, and no need of probabilities: a GAN.
#
# ## Test yourself
#
# <details><summary>1. Does MADE need another network if the pixels come in another order?</summary>
#
# Another training, yes: the chain rule holds for every order, but the factors differ. All orders can represent every
# distribution; a network of limited size finds some orders easier.
# </details>
#
# <details><summary>2. A flow reports 2 bits per dimension on images with 256 levels without dequantisation. Is that good?</summary>
#
# It means nothing. The density of discrete values has no upper limit: the flow can put a narrow peak on each level. With
# dequantisation it would be a bound on a code length.
# </details>
#
# <details><summary>3. Why can an RBM's log-likelihood be compared between two digits, but not between two RBMs?</summary>
#
# Between two digits $Z$ cancels: the difference is $F(v') - F(v)$. Two machines have two different, unknown $Z$.
# </details>
#
# <details><summary>4. A GAN learns all training images by heart. Which of our measures notices?</summary>
#
# None. Copies of real digits look as real as real digits, and there is no likelihood to fall on held-out ones. One must
# look for it: is a sample's nearest training image nearer than that of a held-out digit?
# </details>
#
# ## References
#
# - I. Goodfellow, *NIPS 2016 Tutorial: Generative Adversarial Networks*, arXiv:1701.00160: the taxonomy.
# - M. Germain, K. Gregor, I. Murray, H. Larochelle, *MADE: Masked Autoencoder for Distribution Estimation*, ICML 2015.
# - A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, *Pixel Recurrent Neural Networks*, ICML 2016.
# - L. Dinh, J. Sohl-Dickstein, S. Bengio, *Density Estimation Using Real NVP*, ICLR 2017.
# - D. P. Kingma, M. Welling, *Auto-Encoding Variational Bayes*, ICLR 2014.
# - G. E. Hinton, *Training Products of Experts by Minimizing Contrastive Divergence*, Neural Computation 14 (2002).
# - Y. Bengio, L. Yao, G. Alain, P. Vincent, *Generalized Denoising Auto-Encoders as Generative Models*, NIPS 2013.
# - I. Goodfellow et al., *Generative Adversarial Nets*, NIPS 2014.
# - L. Theis, A. van den Oord, M. Bethge, *A Note on the Evaluation of Generative Models*, ICLR 2016.
# - D. Lopez-Paz, M. Oquab, *Revisiting Classifier Two-Sample Tests*, ICLR 2017.
#
# **Next:** chapter 5 looks for short codes of images, without any probability.
