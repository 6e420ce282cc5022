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
# # 12. Adversarial robustness
#
# **From the lecture:** adversarial examples; robust optimisation, $\min_\theta \max_{|\epsilon_i| \le \delta}
# J_n(\theta;\, x_i + \epsilon_i, y_i)$; distributionally robust optimisation.
#
# **When you are through, you can**
#
# 1. make a classifier answer what you like, by a change that nobody sees, with one gradient and with twenty,
# 2. tell an attack from noise of the same size, and see it work on models that it never met,
# 3. solve robust optimisation for a linear model exactly, and say what the adversary does to its weights,
# 4. train a network against an adversary, and name the price,
# 5. find out when a defence only hides its gradient,
# 6. say what it means to prepare for every *distribution* near the data, compute it two ways, and choose between three
#    objectives when you know what is wrong with your data.
#
# **You need** gradients by `torch.autograd`, logistic regression, and a linear programme (section 12.8 explains what it
# uses). **Time:** about two hours with the six exercises; the code itself runs in under a minute.

# %% tags=["setup"]
import cvxpy as cp
import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from course.data import load_images
from course.lab import check, hint, solution
from course.plots import adversarial as plots
from course.plots.images import gallery
from course.plots.widgets import slider
from course.robust import attacks, objectives
from course.training import Training, steps

torch.set_num_threads(1)  # the networks are small: one thread is faster than two
digits, test = load_images("digits"), load_images("digits", "test")


# %% [markdown]
# ## 12.1 A classifier that is nearly always right
#
# A small network, trained on 8 by 8 pixels, in the usual way. $J_n(\theta) = \frac1n \sum_i \ell(\theta; x_i, y_i)$ is the
# mean cross-entropy over the training set.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $x_i$ | `x` | $(n, 1, 8, 8)$ | images, every pixel in $[0, 1]$ |
# | $y_i$ | `y` | $(n,)$ | labels |
# | $\theta$ | `model` | | the weights of a network that gives ten logits |
# | $\epsilon_i$ | `x_attacked - x` | like $x$ | the change that an adversary makes |
# | $\delta$ | `delta` | | the most that it may change |
#
# (Papers and libraries often write $\epsilon$, `eps`, for the budget. We keep to the lecture: $\epsilon_i$ is the change,
# $\delta$ its bound.)

# %%
def network(seed, *hidden):
    torch.manual_seed(seed)
    layers, width = [nn.Flatten()], 64
    for units in hidden:
        layers += [nn.Linear(width, units), nn.ReLU()]
        width = units
    return nn.Sequential(*layers, nn.Linear(width, 10))


def train(model, data, n_steps, attack=None):
    """Minimise the mean loss over theta; with an attack, the loss after it has moved x."""
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step(x, y):
        x = x if attack is None else attack(model, x, y)
        loss = attacks.cross_entropy(model(x), y).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return {"loss": loss}

    Training(step, data, [model, optimiser], batch_size=128).run(n_steps)
    return model


# %%
plain = train(network(0, 128, 128), (digits.x, digits.y), steps(600))
x, y = test.x, test.y
print(f"right on {attacks.accuracy(plain, x, y):.3f} of the test images")


# %% [markdown]
# ## 12.2 One step in the worst direction
#
# To train, we go down the gradient in $\theta$. Now hold $\theta$ and go *up* the gradient in $x$. To first order,
#
# $$ \ell(\theta; x + \epsilon, y) \approx \ell(\theta; x, y) + \langle \nabla_x \ell, \epsilon \rangle , $$
#
# and if each pixel may change by at most $\delta$, the inner product is largest when every pixel uses its budget, with the
# gradient's sign:
#
# $$ \epsilon = \delta\, \mathrm{sign}(\nabla_x \ell), \qquad
#    \max_{\lVert \epsilon \rVert_\infty \le \delta} \langle \nabla_x \ell, \epsilon \rangle
#    = \delta\, \lVert \nabla_x \ell \rVert_1 . $$
#
# This is the **fast gradient sign method**. An $\ell_1$ norm adds up over the pixels: many changes, each too small to
# matter, all pull the same way.
#
# ### Exercise 1: the fast gradient sign step (2 points)

# %% tags=["exercise"]
def fgsm_step(x, gradient, delta):
    """tensors x (n, ...) in [0, 1] and gradient, of the same shape, delta >= 0 -> a tensor like x:
    every entry moved by delta in the direction of its gradient's sign, then clipped to [0, 1].

    Example: x = [[0.5, 0.95, 0.3]], gradient = [[-2, 1, 0]], delta = 0.1 give [[0.4, 1, 0.3]].
    """
    ### BEGIN SOLUTION
    return torch.clamp(x + delta * torch.sign(gradient), min=0, max=1)
    ### END SOLUTION


# %% tags=["check"]
fgsm_step = check("fgsm_step")

# %% tags=["help"]
# hint("fgsm_step")        # delete the first # for a hint; run again for the next one
# solution("fgsm_step")    # the same for the solution

# %% [markdown]
# `attacks.gradient_of` gives each sample's loss, and its gradient by $x$. The honest comparison is **noise of the same
# size**: random signs, which move every pixel just as far.
#
# **Predict.** At $\delta = 0.1$, a tenth of the way from white to black: how often is the network right under random signs,
# and how often under the attack?

# %%
delta = 0.1
_, gradient = attacks.gradient_of(plain, x, y)
x_noisy, x_fgsm = attacks.noise(x, delta), fgsm_step(x, gradient, delta)
for name, images in {"clean": x, "random signs": x_noisy, "FGSM": x_fgsm}.items():
    print(f"{name:13} right on {attacks.accuracy(plain, images, y):.3f}")


# %% [markdown]
# Both changes have the same size. Only one of them knows the gradient. Here are ten test images, what is added in both
# cases (red: darker ink, blue: less), and what comes out. The small numbers are the network's answers.

# %%
def answers(model, images):
    with torch.no_grad():
        return [str(int(k)) for k in model(images).argmax(1)]


first = torch.arange(10)
rows = [images[first] for images in (x, x_noisy, x_fgsm)]
titles = [word for row in rows for word in answers(plain, row)]
gallery(torch.cat(rows), titles, what="digits: clean, with random signs, attacked",
        row_labels=["clean", "random signs", "FGSM"])

# %%
changes = torch.cat([x_noisy - x, x_fgsm - x])[torch.cat([first, len(x) + first])]
plots.signed(changes, what="changes made to ten digits", scale=delta,
             row_labels=["random signs", "FGSM"])

# %% [markdown]
# The attack is not scattered: it fills in strokes that another digit would have, and thins strokes of its own.
#
# On 8 by 8 pixels a change of 0.1 can be seen. On larger images there are more pixels to add up over, and less is needed.
# Cartoon faces of 32 by 32 pixels in colour: does this person wear glasses?

# %%
faces, more = load_images("faces", n=2000), load_images("faces", "test", n=400)
wears, wears_test = faces.factors["glasses"].long(), more.factors["glasses"].long()
torch.manual_seed(0)
looker = nn.Sequential(nn.Conv2d(3, 32, 4, stride=4), nn.ReLU(), nn.Flatten(),
                       nn.Linear(2048, 64), nn.ReLU(), nn.Linear(64, 2))
looker = train(looker, (faces.x, wears), steps(300))
for delta in (0, 0.01, 0.02, 0.04):
    attacked = attacks.pgd(looker, more.x, wears_test, delta, steps=10)
    print(f"delta {delta:4}: right on {attacks.accuracy(looker, attacked, wears_test):.3f}, "
          f"noise {attacks.accuracy(looker, attacks.noise(more.x, delta), wears_test):.3f}")


# %% [markdown]
# (`attacks.pgd` is the stronger attack that you write next.) Glasses could not be plainer to us. From which row on do *you* see
# that something was done? From which row on is the network wrong? The last row is the last change, ten times as large, on grey.

# %%
def says(images):
    return ["glasses" if answer == "1" else "none" for answer in answers(looker, images)]


some, labels = more.x[:8], wears_test[:8]
rows = [attacks.pgd(looker, some, labels, delta, steps=10) for delta in (0, 0.01, 0.02, 0.04)]
magnified = 0.5 + 10 * (rows[-1] - some)
gallery(torch.cat([*rows, magnified]), says(torch.cat(rows)) + [""] * 8, columns=8,
        what="faces: clean, attacked with three budgets, and the last change ten times as large",
        row_labels=["clean", "0.01", "0.02", "0.04", "change x 10"], cell=1.0)


# %% [markdown]
# Noise of the same size does nothing at all. The attack gets lost in the picture, too, until it is magnified: then it has a
# shape. It brightens the place of the frames where there are glasses, and darkens it where there are none.
#
# At which budget does the network give in, face by face, and at which do you begin to see why?

# %%
def with_budget(delta):
    attacked = attacks.pgd(looker, some, labels, delta, steps=10)
    return gallery(torch.cat([some, attacked]), says(torch.cat([some, attacked])), columns=8,
                   what=f"faces: clean, and attacked with a budget of {delta:.2f}",
                   row_labels=["clean", f"{delta:.2f}"], cell=1.0)


slider(with_budget, "delta", 0, 0.12, 0.03, 0.01)


# %% [markdown]
# ## 12.3 Many steps
#
# A network is not linear, and one step uses the gradient at one place only. **Projected gradient ascent** takes small
# steps, looks at the gradient again after each, and comes back to the ball $\lVert \epsilon \rVert \le \delta$ whenever it
# leaves it: to the *closest* point of the ball.
#
# In $\ell_\infty$ that clips every pixel. In $\ell_2$ the whole change of an image counts, $\lVert \epsilon \rVert_2 =
# \sqrt{\sum_j \epsilon_j^2}$.
#
# ### Exercise 2: back into the ball (2 points)

# %% tags=["exercise"]
def project_l2(e, delta):
    """tensor e (n, ...) of changes, one sample a row, delta >= 0 -> a tensor like e: for each
    sample, the closest point of the ball of radius delta about 0, in the l2 norm over all of the
    sample's entries.

    Example: e = [[3, 4], [0.3, 0.4], [0, 0]], delta = 1 give [[0.6, 0.8], [0.3, 0.4], [0, 0]].
    """
    ### BEGIN SOLUTION
    length = e.flatten(start_dim=1).norm(dim=1).reshape(-1, *[1] * (e.ndim - 1))
    too_long = length > delta
    return torch.where(too_long, e * delta / torch.where(too_long, length, 1.0), e)
    ### END SOLUTION


# %% tags=["check"]
project_l2 = check("project_l2")


# %% tags=["help"]
# hint("project_l2")        # delete the first # for a hint; run again for the next one
# solution("project_l2")    # the same for the solution

# %% [markdown]
# ### Exercise 3: one step of projected gradient ascent (3 points)
#
# In $\ell_\infty$, from where we are, about the clean image `origin`: a step of size `step` along the gradient's sign; back
# into the ball about `origin`; back to pixels in $[0, 1]$.

# %% tags=["exercise"]
def pgd_step(x, origin, gradient, step, delta):
    """tensors x, origin and gradient (n, ...), step > 0, delta >= 0 -> a tensor like x: x moved by
    step along the gradient's sign, then to the closest point with |x - origin| <= delta in every
    entry, then clipped to [0, 1].

    Example: x = [[0.55, 0.5]], origin = [[0.5, 0.02]], gradient = [[1, -1]], step = 0.1,
    delta = 0.08 give [[0.58, 0.1]].
    """
    ### BEGIN SOLUTION
    x = x + step * gradient.sign()
    x = torch.maximum(torch.minimum(x, origin + delta), origin - delta)
    return torch.clamp(x, 0, 1)
    ### END SOLUTION


# %% tags=["check"]
pgd_step = check("pgd_step")


# %% tags=["help"]
# hint("pgd_step")        # delete the first # for a hint; run again for the next one
# solution("pgd_step")    # the same for the solution

# %% [markdown]
# The attack is a loop around your step. It holds for any model that gives a gradient.

# %%
def ascend(model, x, y, delta, n_steps=20):
    now = x
    for _ in range(n_steps):
        _, gradient = attacks.gradient_of(model, now, y)
        now = pgd_step(now, x, gradient, 2.5 * delta / n_steps, delta)
    return now


x_pgd = ascend(plain, x, y, delta=0.1)
print(f"FGSM {attacks.accuracy(plain, x_fgsm, y):.3f}")
print(f"PGD  {attacks.accuracy(plain, x_pgd, y):.3f}")
print(f"largest change of a pixel {(x_pgd - x).abs().max():.6f}")
print(f"pixels between {x_pgd.min():.3f} and {x_pgd.max():.3f}")


# %% [markdown]
# `attacks.pgd` is the same loop with a random start, both norms, and the best iterate of each sample kept.
#
# **Predict.** Accuracy against the budget $\delta$: how do the curves of noise, FGSM and PGD fall? In $\ell_2$, a length of
# 1 is how many pixels changed from white to black?

# %%
def curves(budgets, **named):
    return {name: [attacks.accuracy(plain, attack(d), y) for d in budgets]
            for name, attack in named.items()}


sizes, lengths = [0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3], [0, 0.25, 0.5, 0.75, 1, 1.5]
in_linf = curves(sizes, noise=lambda d: attacks.noise(x, d),
                 FGSM=lambda d: attacks.fgsm(plain, x, y, d),
                 PGD=lambda d: attacks.pgd(plain, x, y, d))
in_l2 = curves(lengths, noise=lambda d: attacks.noise(x, d, "l2"),
               PGD=lambda d: attacks.pgd(plain, x, y, d, "l2"))
plots.accuracy_curves({"every pixel, $\\ell_\\infty$": (sizes, in_linf),
                       "whole image, $\\ell_2$": (lengths, in_l2)})

# %% [markdown]
# Noise hardly hurts. PGD is at least as strong as one step, and soon leaves nothing. In $\ell_2$, a change as long as *one*
# pixel from white to black is enough when it is spread in the right way.
#
# **Targeted.** Descend the loss of a label of your choice, instead of climbing the loss of the right one. The same digit,
# asked to become each of the ten:

# %%
one = x[:1].expand(10, -1, -1, -1)
wanted = attacks.pgd(plain, one, torch.arange(10), 0.25, targeted=True, steps=40)
gallery(torch.cat([one, wanted]), [""] * 10 + answers(plain, wanted),
        row_labels=["clean", "targeted"],
        what="one digit, and what it was made into, each with the network's answer")

# %% [markdown]
# ## 12.4 Examples travel
#
# An adversary who does not have your model trains one of their own, and attacks that.
#
# **Predict.** The rows of the table are the models that the examples were made on, the columns the models that must answer.
# One of them, nearest neighbours, is no network and has no gradient. Where will the accuracy be low?

# %%
models = {
    "network": plain,
    "another seed": train(network(1, 128, 128), (digits.x, digits.y), steps(600)),
    "linear": train(network(2), (digits.x, digits.y), steps(600)),
}
nearest = KNeighborsClassifier(3).fit(digits.x.flatten(1).numpy(), digits.y.numpy())
judges = models | {
    "neighbours": lambda x: torch.as_tensor(nearest.predict_proba(x.flatten(1).numpy()))
}
sources = {"(clean)": x, "(noise)": attacks.noise(x, 0.15)} | {
    name: attacks.pgd(model, x, y, 0.15) for name, model in models.items()
}
table = [[attacks.accuracy(judge, made, y) for judge in judges.values()]
         for made in sources.values()]
plots.heat_table(table, list(sources), list(judges), "accuracy", "made on", "answered by")


# %% [markdown]
# The diagonal is darkest, and a network with another start is hit nearly as hard: it learnt much the same directions. Nearest
# neighbours lose more than by noise, but far less than the networks: the more alike two models, the better examples travel.
# Keeping a model secret protects it a little, not much.

# %% [markdown]
# ## 12.5 Robust optimisation
#
# The cure that the lecture writes down: minimise the loss *after* the adversary has moved,
#
# $$ \min_\theta \; \max_{\lVert \epsilon_i \rVert \le \delta} \; J_n(\theta;\, x_i + \epsilon_i,\, y_i) . $$
#
# Can the inner maximum be solved? For a linear model, on one line. Let $y_i = \pm 1$ and
# $\ell = \log(1 + e^{-m_i})$ with the **margin** $m_i = y_i (w^T x_i + b)$. The loss falls in the margin, so the adversary
# makes the margin small:
#
# $$ \min_{\lVert \epsilon_i \rVert \le \delta} y_i \big( w^T (x_i + \epsilon_i) + b \big)
#    = m_i - \delta\, \lVert w \rVert_* , \qquad
#    \lVert w \rVert_* = \max_{\lVert \epsilon \rVert \le 1} w^T \epsilon . $$
#
# $\lVert w \rVert_*$ is the **dual norm**: the sum of the $|w_j|$ against an $\ell_\infty$ adversary (take
# $\epsilon_j = \pm\delta$), the length of $w$ against an $\ell_2$ adversary (move straight at the line).
#
# ### Exercise 4: the worst loss of a linear model (3 points)

# %% tags=["exercise"]
def robust_linear_loss(X, y, w, b, delta, norm):
    """arrays X (n, p), y (n,) of -1 and +1, w (p,), numbers b and delta, norm "linf" or "l2" -> a
    number: the mean over i of the largest log(1 + exp(-y_i (w . (x_i + e_i) + b))) over
    |e_i| <= delta in that norm.

    Example: X = [[1, 1]], y = [1], w = (1, -1), b = 0, delta = 1, "linf": the margin is 0, the
    adversary makes it -2, and the loss is log(1 + e^2).
    """
    ### BEGIN SOLUTION
    dual = np.abs(w).sum() if norm == "linf" else np.sqrt((w**2).sum())
    margins = y * (X @ w + b) - delta * dual
    return float(np.mean(np.logaddexp(0, -margins)))
    ### END SOLUTION


# %% tags=["check"]
robust_linear_loss = check("robust_linear_loss")

# %% tags=["help"]
# hint("robust_linear_loss")        # delete the first # for a hint; run again for the next one
# solution("robust_linear_loss")    # the same for the solution

# %% [markdown]
# A probe by brute force. A maximum of a convex function over a cube is attained at a corner; in three dimensions there are
# eight. Try all of them on every sample:

# %%
rng = np.random.default_rng(0)
X3, y3, w3 = rng.normal(size=(50, 3)), rng.choice([-1, 1], size=50), np.array([1.0, -2.0, 0.5])
corners = 0.3 * np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, 8).T
tried = np.logaddexp(0, -y3[:, None] * ((X3[:, None] + corners) @ w3 + 0.1))
print("all corners ", tried.max(axis=1).mean())
print("closed form ", robust_linear_loss(X3, y3, w3, 0.1, 0.3, "linf"))


# %% [markdown]
# With the inner maximum gone, the whole problem is *convex* in $(w, b)$, and a solver finds its global minimum: the lecture's
# min-max, solved exactly. Each point below owns a square in which the adversary may move it.
#
# **Predict.** One direction separates the points by a hair, another one with room to spare. Which one does each model use?

# %%
def solve_robust(X, y, delta):
    """The exact minimum over (w, b) of the worst logistic loss, against an l_inf adversary."""
    w, b = cp.Variable(X.shape[1]), cp.Variable()
    margins = cp.multiply(y, X @ w + b) - delta * cp.norm1(w)
    worst_loss = cp.sum(cp.logistic(-margins)) / len(y)
    cp.Problem(cp.Minimize(worst_loss + 1e-5 * cp.sum_squares(w))).solve()  # finite, if separable
    return w.value, float(b.value)


label = np.repeat([-1.0, 1.0], 15)
cloud = rng.normal(size=(30, 2)) * [0.5, 0.03] + label[:, None] * [0.7, 0.1]
budget = 0.25
lines = {f"$\\delta = {d}$": solve_robust(cloud, label, d) for d in (0.0, budget)}
plots.linear_classifiers(cloud, label, lines, budget)


# %% [markdown]
# The plain model leans on $x_2$, along which the classes are separated cleanly but by very little. The adversary moves most
# points across (dark squares). The robust model turns to $x_1$, which is noisier, and which the adversary cannot outrun. It makes mistakes
# that the plain one does not make. Hold on to that: **robustness changes which features are worth using**.
#
# The same on real images: threes against eights, as pictures of $w$.

# %%
def threes_and_eights(images):
    keep = (images.y == 3) | (images.y == 8)
    return images.x[keep].flatten(1).double().numpy(), np.where(images.y[keep] == 8, 1.0, -1.0)


X38, y38 = threes_and_eights(digits)
X38_test, y38_test = threes_and_eights(test)
solved = {d: solve_robust(X38, y38, d) for d in (0.0, 0.05, 0.1, 0.2)}
for d, (w, b) in solved.items():
    margins = y38_test * (X38_test @ w + b)
    won = [np.mean(margins > reach * np.abs(w).sum()) for reach in (0, 0.1, 0.2)]
    print(f"trained at {d:4}: right on {won[0]:.3f} clean, "
          f"{won[1]:.3f} at 0.1, {won[2]:.3f} at 0.2")

# %%
plots.signed(np.stack([w.reshape(8, 8) for w, _ in solved.values()]),
             [f"delta {d}" for d in solved], columns=4, cell=1.6,
             what="weights of a linear classifier of threes (blue) and eights (red)")


# %% [markdown]
# $\delta \lVert w \rVert_1$ is the lasso's penalty, inside the loss. The larger $\delta$, the fewer pixels are used, and those
# that remain are where an eight has ink and a three has none. Adversarial accuracy here is exact: no attack can do better.
# (Nor quite as well: this adversary may leave $[0, 1]$, which a pixel may not.)

# %% [markdown]
# ## 12.6 Adversarial training
#
# For a network the inner maximum has no formula. Replace it by the best attack at hand, PGD, on every batch. The outer step
# is the usual one, at the attacked images. (Danskin's theorem: the gradient of a maximum is the gradient at the point where
# it is attained.)

# %%
def hardened(delta):
    def attack(model, x, y):
        return attacks.pgd(model, x, y, delta, steps=4, seed=None)

    return train(network(0, 128, 128), (digits.x, digits.y), steps(800), attack)


trained = {"plain": plain, "trained at 0.1": hardened(0.1), "trained at 0.2": hardened(0.2)}

# %% [markdown]
# **Predict.** Three networks of the same size. Which is best on clean images? Which under attack? Is there a budget at which
# the order changes?

# %%
under_attack = {
    name: [attacks.accuracy(model, attacks.pgd(model, x, y, d), y) for d in sizes]
    for name, model in trained.items()
}
plots.accuracy_curves({"under PGD, $\\ell_\\infty$": (sizes, under_attack)})

# %%
for name, model in trained.items():
    seen = attacks.accuracy(model, digits.x, digits.y)
    unseen = attacks.accuracy(model, x, y)
    print(f"{name:15} clean: {seen:.3f} in training, {unseen:.3f} on test images")

# %% [markdown]
# Training at $\delta$ buys accuracy up to about $\delta$, and the curve falls beyond. The price is paid on clean images, and
# it grows with the budget. At a small budget it can even be a gain, because moved images are more data. Compare the first
# column too: the harder the adversary, the less even the training set can be fitted.
#
# What did the networks learn? Ask each for its input gradient: which pixels would it like to see changed?

# %%
gradients = [attacks.gradient_of(model, x[:10], y[:10])[1] for model in trained.values()]
plots.signed(torch.cat(gradients), row_labels=list(trained),
             what="gradients of the loss by the image for ten digits, three models")


# %% [markdown]
# Above: speckle, with sense to nobody. Below: strokes. Red is ink whose appearance would mislead the model, and it lies where
# another digit would have it. A robust model's gradient can be read, because a direction that a person does not see is one
# that it was trained not to use.

# %% [markdown]
# ## 12.7 Break it: a model that only looks robust
#
# Here is a defence that costs one multiplication, changes no answer, and needs no training.

# %%
def sharpened(x):
    return 1000 * plain(x)


for d in (0.1, 0.2):
    fast = attacks.accuracy(sharpened, attacks.fgsm(sharpened, x, y, d), y)
    slow = attacks.accuracy(sharpened, attacks.pgd(sharpened, x, y, d, seed=None), y)
    print(f"delta {d}: FGSM {fast:.3f}, PGD {slow:.3f}   "
          f"(the plain model, PGD: {attacks.accuracy(plain, attacks.pgd(plain, x, y, d), y):.3f})")

# %% [markdown]
# Accuracy stays where it was without an attack: better than any hardened network. **Predict** why, before you look at the loss
# of one image, as it is moved along the direction of the plain model's attack.

# %%
t = torch.linspace(0, 0.3, 121)
worst = attacks.gradient_of(plain, x[:1], y[:1])[1].sign()
line = x[:1] + t.view(-1, 1, 1, 1) * worst
shown = {"plain": plain, "trained at 0.2": trained["trained at 0.2"], "logits x 1000": sharpened}
followed = {name: attacks.gradient_of(m, line, y[:1].expand(121)) for name, m in shown.items()}
plots.along_a_line(t, {name: value for name, (value, _) in followed.items()},
                   {name: g.flatten(1).abs().sum(1) for name, (_, g) in followed.items()})

# %% [markdown]
# The orange line shows an honest model: a slope from the start, and a gentle one. The sharpened loss has the cliff of the plain
# one, and before it a stretch that is *exactly* flat. With logits this large the softmax is 1 in floating point, the loss is 0,
# and so is its gradient: there is nothing to climb. Nothing was defended; the slope was hidden.
#
# This is **gradient masking**, and many published defences were of this kind. Four checks that any claim must pass:

# %%
dead = (attacks.gradient_of(sharpened, x, y)[1].flatten(1) == 0).all(1).float().mean()
by_margin = attacks.pgd(sharpened, x, y, 0.1, loss=attacks.margin)
borrowed = attacks.pgd(plain, x, y, 0.1)
unbounded = attacks.pgd(sharpened, x, y, 1.0, seed=None)
print(f"1. gradients that are zero in every pixel:            {dead:.3f}")
print(f"2. accuracy when a loss without softmax is climbed:    "
      f"{attacks.accuracy(sharpened, by_margin, y):.3f}")
print(f"3. accuracy on examples made on another model:         "
      f"{attacks.accuracy(sharpened, borrowed, y):.3f}")
print(f"4. accuracy at delta = 1, where every image is allowed: "
      f"{attacks.accuracy(sharpened, unbounded, y):.3f}")

# %% [markdown]
# With the **margin** loss $\max_{k \ne y} z_k - z_y$ the attack is back to about where it was on the plain model. And the last line
# gives the defence away without any new attack: a budget of 1 allows *every* image, so a working attack must reach 0. When it
# does not, it is the attack that is broken. An attack gives an upper bound of the accuracy, never a proof.

# %% [markdown]
# ## 12.8 Every distribution nearby
#
# The adversary so far moves each sample a little. **Distributionally robust optimisation** lets it choose the *distribution*:
#
# $$ \min_\theta \; \sup_{Q \in \mathcal D(P_n)} \; \mathbb E_{(x, y) \sim Q}\, \ell(\theta; x, y) , $$
#
# with an **ambiguity set** $\mathcal D(P_n)$ of distributions near the empirical one. First,
# $\mathcal D = \{Q : W(Q, P_n) \le \rho\}$: the mass of the samples may be carried elsewhere, and mass times cost of the way
# is bounded *in all*, not sample by sample. Some samples may go far, if others stay.
#
# How is a supremum over distributions computed? Put a price $\gamma$ on the way, instead of a bound:
#
# $$ \sup_Q \big\{ \mathbb E_Q\, \ell - \gamma\, W(Q, P_n) \big\}
#    = \frac1n \sum_{i=1}^n \sup_{x'} \big\{ \ell(x') - \gamma\, c(x', x_i) \big\} . $$
#
# Each sample goes where it pays best, on its own: an attack with a price in place of a budget. And the bound comes back by
# choosing the price:
#
# $$ \sup_{W(Q, P_n) \le \rho} \mathbb E_Q\, \ell
#    = \min_{\gamma \ge 0} \Big\{ \gamma \rho + \frac1n \sum_{i=1}^n \sup_{x'} \big\{ \ell(x') - \gamma\, c(x', x_i) \big\} \Big\} . $$
#
# Believe it when you see it. Five samples on a line, a hilly loss, places on a grid. The left side is a *linear programme* in
# the plan $\pi_{ij} \ge 0$, how much mass goes from sample $i$ to place $j$. A solver does it; it knows nothing of the right
# side.

# %%
places = np.linspace(0, 10, 101)
loss = np.sin(2 * places) + 0.25 * places
samples = places[[4, 15, 33, 52, 70]]
cost = np.abs(samples[:, None] - places)
rho = 0.5

plan = cp.Variable(cost.shape, nonneg=True)
bounds = [cp.sum(plan, axis=1) == 1 / len(samples), cp.sum(cp.multiply(plan, cost)) <= rho]
primal = cp.Problem(cp.Maximize(cp.sum(plan @ loss)), bounds).solve()
dual, price = objectives.wasserstein_worst_case(loss, cost, rho)
print(f"linear programme {primal:.8f}")
print(f"dual             {dual:.8f} at the price gamma = {price:.4f}")

# %%
prices = np.linspace(0, 3, 121)
over_prices = [g * rho + objectives.wasserstein_penalised(loss, cost, g) for g in prices]
plots.transport(places, loss, samples, plan.value, prices, over_prices)


# %% [markdown]
# Mass climbs the nearby hills, and one sample is split between two of them, so that the budget is used up exactly. The dual needs no plan at all: one number $\gamma$, and an inner maximum for each sample.
#
# For a linear model and the squared loss this inner maximum is a parabola. Let $r = y - w^T x$ and let the cost be
# $c(x', x) = \lVert x' - x \rVert_2^2$; only $x$ moves. By symmetry $x' = x - t\, w$, and what is left is a maximum over
# one number $t$.
#
# ### Exercise 5: the penalised inner maximum (3 points)

# %% tags=["exercise"]
def wasserstein_inner(X, y, w, gamma):
    """arrays X (n, p), y (n,), w (p,), number gamma > 0 -> (n,): for each row, the supremum over x'
    (p,) of (y_i - w . x')^2 - gamma |x' - x_i|_2^2. Infinite in every row when gamma < w . w.

    Example: X = [[0, 0]], y = [1], w = (1, 0), gamma = 2 give [2]; gamma = 0.5 gives [inf].
    """
    ### BEGIN SOLUTION
    s = w @ w
    if gamma < s:
        return np.full(len(X), np.inf)
    r = y - X @ w
    return r**2 * gamma / (gamma - s)
    ### END SOLUTION


# %% tags=["check"]
wasserstein_inner = check("wasserstein_inner")

# %% tags=["help"]
# hint("wasserstein_inner")        # delete the first # for a hint; run again for the next one
# solution("wasserstein_inner")    # the same for the solution

# %% [markdown]
# Too cheap a way, $\gamma < \lVert w \rVert^2$, and moving pays without end. Now minimise over $\gamma$, for the ball
# $W_2(Q, P_n) \le \rho$, which is $\rho^2$ in this cost. On paper the result is
#
# $$ \sup_{W_2(Q, P_n) \le \rho} \mathbb E_Q (Y - w^T X)^2
#    = \Big( \sqrt{\tfrac1n \textstyle\sum_i r_i^2} + \rho\, \lVert w \rVert_2 \Big)^2 . $$

# %%
y3 = X3 @ np.array([1.0, 0.0, 1.0]) + rng.normal(size=50)
for rho in (0.1, 0.5, 1.0):
    grid = w3 @ w3 * (1 + np.geomspace(1e-3, 1e3, 4001))
    least = min(g * rho**2 + wasserstein_inner(X3, y3, w3, g).mean() for g in grid)
    formula = objectives.wasserstein_regression(X3, y3, w3, rho)
    print(f"rho {rho}: least over gamma {least:.5f}, formula {formula:.5f}")


# %% [markdown]
# Read the formula again. It is least squares with a penalty on $\lVert w \rVert_2$: **ridge regression's idea falls out of
# preparing for nearby distributions**, as the lasso's fell out of preparing for nearby images.

# %% [markdown]
# ## 12.9 Reweighting: CVaR and chi-square
#
# Another kind of nearness moves no sample, and only lets some count more: $Q = (q_1, \dots, q_n)$ on the samples themselves.
#
# $$ \text{CVaR:}\quad q_i \le \frac{1}{\alpha n}, \qquad\qquad
#    \text{chi-square ball:}\quad \frac{1}{2n} \sum_i (n q_i - 1)^2 \le \rho . $$
#
# The first adversary puts all weight, evenly, on the worst share $\alpha$ of the samples. Its value is the **conditional value
# at risk**, and it has a dual as well:
#
# $$ \mathrm{CVaR}_\alpha = \max_{q_i \le 1/(\alpha n)} \sum_i q_i \ell_i
#    = \min_t \Big\{ t + \frac{1}{\alpha n} \sum_i \max(\ell_i - t, 0) \Big\} . $$
#
# ### Exercise 6: CVaR (2 points)

# %% tags=["exercise"]
def cvar(losses, alpha):
    """array losses (n,), alpha in (0, 1] -> a number: the mean of the worst share alpha of the
    losses. When alpha n is not whole, one sample counts in part.

    Example: losses 0, 1, 2, 5: alpha = 1/2 gives 3.5; alpha = 3/8, one sample and a half, gives 4.
    """
    ### BEGIN SOLUTION
    # The dual is piecewise linear in t, with its kinks at the losses: its minimum is at one of them.
    return float(min(t + np.maximum(losses - t, 0).mean() / alpha for t in losses))
    ### END SOLUTION


# %% tags=["check"]
cvar = check("cvar")

# %% tags=["help"]
# hint("cvar")        # delete the first # for a hint; run again for the next one
# solution("cvar")    # the same for the solution

# %% [markdown]
# A probe at both ends, and a solver in between:

# %%
losses = rng.exponential(size=40)
q = cp.Variable(40, nonneg=True)
tenth = cp.Problem(cp.Maximize(q @ losses), [cp.sum(q) == 1, q <= 1 / (0.1 * 40)]).solve()
print(f"alpha = 1     {cvar(losses, 1.0):.6f}, the mean    {losses.mean():.6f}")
print(f"alpha = 0.1   {cvar(losses, 0.1):.6f}, the solver  {tenth:.6f}")
print(f"alpha = 1/n   {cvar(losses, 1 / 40):.6f}, the maximum {losses.max():.6f}")

# %%
plots.weights_by_loss(losses, {
    "mean (ERM)": np.full(40, 1 / 40),
    "CVaR, $\\alpha = 0.3$": objectives.cvar_weights(losses, 0.3),
    "chi-square, $\\rho = 0.5$": objectives.chi_square_weights(losses, 0.5),
})


# %% [markdown]
# CVaR is a step; the chi-square ball is a ramp: a sample counts in proportion to how far its loss lies above a threshold.

# %% [markdown]
# ## 12.10 Three objectives, three kinds of bad data
#
# Is the digit odd? In training, 95 % of the odd digits stand on a grey ground and 95 % of the even ones on white. Somebody
# collected the data badly. In the test, the ground says nothing. The **worst group** of the four (parity by ground) tells
# whether a model reads the digit or the ground.

# %%
def on_ground(images, share, seed):
    parity = images.y % 2
    agrees = torch.rand(len(parity), generator=torch.Generator().manual_seed(seed)) < share
    grey = torch.where(agrees, parity, 1 - parity)
    ground = 0.3 * grey.view(-1, 1, 1, 1)
    return torch.maximum(images.x, ground), parity, 2 * parity + grey


x_biased, parity, group = on_ground(digits, 0.95, seed=0)
x_fair, parity_test, group_test = on_ground(test, 0.5, seed=1)
print("training images in each group", torch.bincount(group).tolist())
titles = ["odd" if odd else "even" for odd in parity[:20]]
gallery(x_biased[:20], titles, what="digits on white or grey ground, most odd ones on grey")


# %% [markdown]
# Three objectives, and one that knows more: **ERM**, the mean loss; **robust**, PGD within $\delta = 0.1$; **DRO** by
# reweighting, CVaR and chi-square; and **group DRO**, which is *told* the group of each training image and minimises the
# worst group's mean.

# %%
def worst_group(losses, groups):
    means = {g: losses[groups == g].mean() for g in np.unique(groups)}
    worst = groups == max(means, key=means.get)
    return worst / worst.sum()


weights = {
    "ERM": lambda losses, groups: np.full(len(losses), 1 / len(losses)),
    "robust": lambda losses, groups: np.full(len(losses), 1 / len(losses)),
    "CVaR": lambda losses, groups: objectives.cvar_weights(losses, 0.2),
    "chi-square": lambda losses, groups: objectives.chi_square_weights(losses, 1.0),
    "group DRO": worst_group,
}


# %% [markdown]
# One function trains all of them: the weights of the worst $Q$ are computed from the batch's losses, and the step goes down
# the weighted loss (Danskin again).

# %%
def train_against(objective, labels, groups):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)

    def step(x, y, g):
        if objective == "robust":
            x = attacks.pgd(model, x, y, 0.1, steps=3, seed=None)
        losses = attacks.cross_entropy(model(x), y)
        q = weights[objective](losses.detach().numpy(), g.numpy())
        loss = (torch.as_tensor(q, dtype=torch.float32) * losses).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return {"loss": loss}

    data = (x_biased, labels, groups)
    Training(step, data, [model, optimiser], batch_size=256).run(steps(300), show=False)
    return model


# %% [markdown]
# **Predict.** Which objective has the best worst group? Then a tenth of the training labels is flipped at random. Which
# objective suffers most?

# %%
flipped = torch.rand(len(parity), generator=torch.Generator().manual_seed(5)) < 0.1
noisy = torch.where(flipped, 1 - parity, parity)
x_alike, parity_alike, _ = on_ground(test, 0.95, seed=2)
rows = {}
for objective in weights:
    model = train_against(objective, parity, group)
    attacked = attacks.pgd(model, x_alike, parity_alike, 0.1)
    by_group = [attacks.accuracy(model, x_fair[group_test == g], parity_test[group_test == g])
                for g in range(4)]
    model_noisy = train_against(objective, noisy, 2 * noisy + group % 2)
    rows[objective] = [attacks.accuracy(model, x_alike, parity_alike),
                       attacks.accuracy(model, attacked, parity_alike), min(by_group),
                       attacks.accuracy(model_noisy, x_alike, parity_alike)]

# %%
columns = ["like the\ntraining data", "the same,\nattacked", "ground at random:\nworst group",
           "10 % false labels\nin training"]
plots.heat_table(list(rows.values()), list(rows), columns, "accuracy", "trained by", "test images")

# %% [markdown]
# Read the table column by column; it is one seed, and a few hundredths are luck. (The last column is measured on the images of
# the first, with their true labels.)
#
# - **Like the training data**, everybody is good, and ERM is hard to beat. Group DRO pays for what it gains elsewhere.
# - **Attacked**, one model stands: the one trained against an attack. Look at its worst group before you buy it. It is lost
#   completely. A grey ground is spread over all pixels and differs by more than $2\delta$: to an $\ell_\infty$ adversary it is
#   *the most robust feature there is*, so the robust model reads nothing else. Robust against one thing is not robust
#   against another.
# - **Worst group.** ERM has learnt the ground, for it is right 19 times in 20. Reweighting finds the rare images that the ground
#   gets wrong by their losses, and helps a little without knowing any group; being told the groups helps much more.
# - **False labels.** A false label has a large loss, and keeps it. CVaR and chi-square cannot tell it from a rare group, and let
#   it count the most. ERM hardly notices; all that reweight lose. Even the groups are no help: a false label moves an image
#   into the wrong group, which is rare, and gets the attention. DRO prepares for what is rare and *true*. Against what is
#   *false*, one must do the opposite and trust the extremes less: that is chapter 13.

# %% [markdown]
# ## What you can do now
#
# 1. *Attack*: one step along the gradient's sign (FGSM), or many with a projection (PGD), within a budget $\delta$.
# 2. *Compare*: noise of the same size does almost nothing; examples made on one model fool its kin.
# 3. *Solve exactly*: for a linear model the adversary takes $\delta \lVert w \rVert_*$ from every margin, and the min-max is a
#    convex problem.
# 4. *Train against it*: climb in $x$, then descend in $\theta$; accuracy up to about $\delta$, paid for on clean images.
# 5. *Doubt*: zero gradients, another loss, transferred examples, and a budget that must break everything.
# 6. *Prepare for distributions*: move mass at a price, or reweight; choose by what is wrong with the data, and never reweight
#    towards large losses when labels may be false.
#
# ## Test yourself
#
# <details><summary>1. Why does the same $\delta$ do more harm on larger images?</summary>
#
# To first order the loss grows by $\delta \lVert \nabla_x \ell \rVert_1$, a sum over pixels. With more pixels that carry a
# little of the gradient, the same change of each adds up to more.
# </details>
#
# <details><summary>2. A linear model has margin 0.5 on a sample, and $w = (3, -4)$. Which $\ell_2$ and which $\ell_\infty$ budget
# turns the answer?</summary>
#
# The dual norms are 5 and 7: from $\delta = 0.1$ in $\ell_2$, and from $0.5 / 7 \approx 0.071$ in $\ell_\infty$.
# </details>
#
# <details><summary>3. Iterated attacks do worse than a single step on somebody's model. What do you conclude?</summary>
#
# That the attack is broken: more steps within the same ball cannot find a smaller maximum. Look for a masked gradient.
# </details>
#
# <details><summary>4. In the Wasserstein dual, what is the best $\gamma$ when the radius is very large?</summary>
#
# Zero: there is budget enough for all mass to go to the place of the largest loss, and moving has no price at the margin.
# </details>
#
# <details><summary>5. Training minimises CVaR with $\alpha = 0.05$, and 8 % of the labels are false. What does it learn?</summary>
#
# Once the true labels are fitted, the worst 5 % are false labels and nothing else. All weight is on them: it learns to be wrong.
# </details>
#
# ## References
#
# - I. Goodfellow, J. Shlens, C. Szegedy, *Explaining and harnessing adversarial examples*, ICLR 2015.
# - A. Madry, A. Makelov, L. Schmidt, D. Tsipras, A. Vladu, *Towards deep learning models resistant to adversarial attacks*,
#   ICLR 2018.
# - A. Athalye, N. Carlini, D. Wagner, *Obfuscated gradients give a false sense of security*, ICML 2018.
# - D. Tsipras, S. Santurkar, L. Engstrom, A. Turner, A. Madry, *Robustness may be at odds with accuracy*, ICLR 2019.
# - H. Xu, C. Caramanis, S. Mannor, *Robustness and regularization of support vector machines*, JMLR 10 (2009), 1485-1510.
# - J. Blanchet, K. Murthy, *Quantifying distributional model risk via optimal transport*, Mathematics of Operations Research
#   44 (2019), 565-600; with Y. Kang, *Robust Wasserstein profile inference and applications to machine learning*, Journal of
#   Applied Probability 56 (2019), 830-857.
# - R. Gao, A. Kleywegt, *Distributionally robust stochastic optimization with Wasserstein distance*, Mathematics of Operations
#   Research 48 (2023), 603-655.
# - R. T. Rockafellar, S. Uryasev, *Optimization of conditional value-at-risk*, Journal of Risk 2 (2000), 21-41.
# - H. Namkoong, J. Duchi, *Variance-based regularization with convex objectives*, NeurIPS 2017.
# - S. Sagawa, P. W. Koh, T. Hashimoto, P. Liang, *Distributionally robust neural networks for group shifts*, ICLR 2020.
#
# **Next:** in chapter 13 the bad rows are not rare truths but lies, and the estimator has to see through them.
