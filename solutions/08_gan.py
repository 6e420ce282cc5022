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
# # 8. The game of a GAN
#
# **From the lecture:** PixelCNN, VAE and GAN side by side; the two-player game; the minimax objective; the flat gradient
# and the $\log D$ trick; the training algorithm with $k$ discriminator steps; samples and their nearest training images.
#
# **When you are through, you can**
#
# 1. say what each of three models defines, and which questions it cannot answer,
# 2. name the best discriminator, and what the game is worth against it,
# 3. explain why the generator does not learn from the loss that it is given, and what it uses in its place,
# 4. write the training algorithm down from memory,
# 5. say why two players who both follow their slopes may walk in circles,
# 6. check that a generator has not learnt its samples by heart.
#
# **You need** chapter 4 (explicit and implicit models) and a little PyTorch. **Time:** about two hours with the five
# exercises; the code itself runs in under a minute.

# %% tags=["setup"]
import numpy as np
import torch
from torch import nn

from course.data import load_images
from course.gan import game, theory
from course.lab import check, hint, solution
from course.likelihood.mixture import ring
from course.plots import gan as plots
from course.plots.images import gallery
from course.plots.widgets import slider
from course.training import Training, steps

torch.manual_seed(0)
torch.set_num_threads(1)  # these networks are small: one thread is faster than two


# %% [markdown]
# ## 8.1 Three models, side by side
#
# | | what it defines | the likelihood $p(x)$ | the code $p(z \mid x)$ | a sample costs |
# |---|---|---|---|---|
# | PixelCNN | $p(x) = \prod_i p(x_i \mid x_1, \dots, x_{i-1})$ | exact, one pass | no code | one pass for *each* pixel |
# | VAE | $p(x) = \int p(z)\, p(x \mid z)\, dz$ | a lower bound | approximate, $q(z \mid x)$ | one pass |
# | GAN | $x = G(z)$, and nothing else | **no answer** | **no answer** | one pass |
#
# A GAN gives up the density. It wants samples, and only samples. But without a density, how do we say that a sample is
# good? Chapter 4 compared densities. Here we have two heaps of points, real and generated, and want a number that says
# how different they are, and which way to move.
#
# The idea: *train somebody to tell them apart*. If the best judge cannot, the heaps are the same.

# %% [markdown]
# ## 8.2 The two-player game
#
# The **generator** $G$ makes samples $G(z)$ out of noise $z \sim p(z)$. The **discriminator** $D(x)$ says with which
# probability $x$ is real. They play
#
# $$ \min_G \max_D \; V(D, G) = \mathbb E_{x \sim p_{data}} \log D(x) + \mathbb E_{z \sim p(z)} \log (1 - D(G(z))) . $$
#
# | symbol | in code | meaning |
# |---|---|---|
# | $p_{data}$, $p_g$ | `p_data`, `p_g` | the densities of real samples and of $G(z)$ |
# | $D(x)$ | `D` | in $(0, 1)$; networks give the logit $a$, and $D = \sigma(a)$ |
# | $G(z)$ | `G` | a sample |
# | $k$ | `k` | steps of the discriminator for each one of the generator |
#
# First the discriminator alone. Stand at one place $x$, where real samples come with density $p_{data}(x)$ and generated
# ones with $p_g(x)$.
#
# ### Exercise 1: the best discriminator (2 points)

# %% tags=["exercise"]
def optimal_discriminator(p_data, p_g):
    """densities p_data (k,) and p_g (k,) at the same k places -> D (k,): the best discriminator's
    probability that a sample found there is real. 1/2 where both densities are 0.

    Example: p_data = (0.75, 0.25, 0) and p_g = (0.25, 0.75, 0) give (0.75, 0.25, 0.5).
    """
    ### BEGIN SOLUTION
    together = p_data + p_g
    somewhere = together > 0
    D = np.full(len(together), 0.5)
    D[somewhere] = p_data[somewhere] / together[somewhere]
    return D
    ### END SOLUTION


# %% tags=["check"]
optimal_discriminator = check("optimal_discriminator")

# %% tags=["help"]
# hint("optimal_discriminator")        # delete the first # for a hint; run again for the next one
# solution("optimal_discriminator")    # the same for the solution

# %% [markdown]
# Does a network find it? Real samples from $N(0, 1)$, generated ones from $N(1.5, 0.7^2)$, a discriminator with 32 hidden
# units, and the loss that is $-V$.
#
# **Predict.** Where is $D = \tfrac12$? And far out on the left, where neither comes often: near 0 or near 1?

# %%
judge = nn.Sequential(nn.Linear(1, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
optimiser = torch.optim.Adam(judge.parameters(), lr=0.01)


def judge_step(real):
    generated = 1.5 + 0.7 * torch.randn_like(real)
    optimiser.zero_grad()
    loss = game.discriminator_loss(judge(real), judge(generated))
    loss.backward()
    optimiser.step()
    return {"loss": loss}


samples = torch.randn(20_000, 1)
Training(judge_step, samples, [judge, optimiser], batch_size=256).run(steps(1000))

# %%
normal = lambda x, mean, sd: np.exp(-(((x - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))
x = np.linspace(-4, 5, 181)
p_data, p_g = normal(x, 0, 1), normal(x, 1.5, 0.7)
with torch.no_grad():
    learnt = torch.sigmoid(judge(torch.tensor(x, dtype=torch.float32)[:, None]))[:, 0].numpy()
answers = {"best, p_data / (p_data + p_g)": optimal_discriminator(p_data, p_g), "learnt": learnt}
plots.discriminators(x, p_data, p_g, answers)


# %% [markdown]
# Where samples come, the network agrees with the formula. Where none come it says what it likes: nobody corrects it. It
# never saw a density. It learnt a *ratio* of densities, from samples alone, and that is all that a GAN needs.

# %% [markdown]
# ## 8.3 What the game is worth
#
# Put the best discriminator into $V$. What is left for the generator to minimise?
#
# ### Exercise 2: the value (2 points)

# %% tags=["exercise"]
def game_value(p_data, p_g, D):
    """probabilities p_data (k,) and p_g (k,), and D (k,) in [0, 1] -> a number: the sum of p_data
    log D plus the sum of p_g log(1 - D), in nats, where 0 log 0 = 0.

    Example: D = 1/2 everywhere gives -log 4.
    """
    ### BEGIN SOLUTION
    real, generated = p_data > 0, p_g > 0
    paid_for_real = p_data[real] * np.log(D[real])
    paid_for_generated = p_g[generated] * np.log(1 - D[generated])
    return float(paid_for_real.sum() + paid_for_generated.sum())
    ### END SOLUTION


# %% tags=["check"]
game_value = check("game_value")

# %% tags=["help"]
# hint("game_value")        # delete the first # for a hint; run again for the next one
# solution("game_value")    # the same for the solution

# %% [markdown]
# A probe. Real samples are throws of a fair die, generated ones of a die loaded by $c$. The value against the best
# discriminator, and beside it a divergence that you know:

# %% tags=["nbval-check-output"]
fair, loaded = np.full(6, 1 / 6), np.array([0, 0, 0, 0, 0, 1.0])
for c in (0.0, 0.3, 0.7, 1.0):
    die = (1 - c) * fair + c * loaded
    value = game_value(fair, die, optimal_discriminator(fair, die))
    divergence = 2 * theory.js_divergence(fair, die) - np.log(4)
    print(f"c = {c}: value {value:8.5f}   2 JS - log 4 = {divergence:8.5f}")


# %% [markdown]
# They are equal, and the algebra is two lines. With $m = \tfrac12 (p_{data} + p_g)$,
#
# $$ V(D^*, G) = \sum p_{data} \log \frac{p_{data}}{2 m} + \sum p_g \log \frac{p_g}{2 m}
#    = 2\, \mathrm{JS}(p_{data}, p_g) - \log 4 . $$
#
# So against a perfect judge the generator minimises the Jensen-Shannon divergence. It is smallest, $-\log 4$, exactly
# when $p_g = p_{data}$, and then $D^* = \tfrac12$ everywhere.

# %% [markdown]
# ## 8.4 The flat gradient
#
# So much for the perfect judge. In training the generator goes down the slope of $\mathbb E_z \log (1 - D(G(z)))$. Early
# on its samples are bad, and the discriminator sees it: $D(G(z)) \approx 0$.
#
# **Predict.** A bad generator has the most to learn. Is its gradient then large, or small?
#
# ### Exercise 3: two slopes (2 points)

# %% tags=["exercise"]
def generator_slopes(a):
    """logits a (m,) of generated samples -> two arrays (m,): the derivative in a of log(1 - D), and
    that of -log D, where D = sigmoid(a). Finite and exact for logits of +-1000.

    Example: at a = 0, D is 1/2 and both derivatives are -1/2.
    """
    ### BEGIN SOLUTION
    from scipy.special import expit

    return -expit(a), -expit(-a)
    ### END SOLUTION


# %% tags=["check"]
generator_slopes = check("generator_slopes")


# %% tags=["help"]
# hint("generator_slopes")        # delete the first # for a hint; run again for the next one
# solution("generator_slopes")    # the same for the solution

# %% [markdown]
# The slope of the minimax loss is $-D$: **where the discriminator is sure that a sample is fake, the generator learns
# nothing from it.** The trick is to go *up* the slope of $\log D(G(z))$ in place of *down* that of $\log(1 - D(G(z)))$.
# The slope is $-(1 - D)$ then, large where it is needed; the ratio of the two is $(1 - D)/D$.
#
# Now measure it on a real, early generator: a ring of eight Gaussians, a fresh generator, and a discriminator that gets a
# longer and longer head start.

# %%
def network(inputs, outputs, width=64):
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LeakyReLU(0.2),
        nn.Linear(width, width), nn.LeakyReLU(0.2),
        nn.Linear(width, outputs),
    )


def networks():
    return network(2, 2), network(2, 1)  # the generator, the discriminator


def size_of_gradient(loss, network):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, network.parameters())]).norm()


# %%
points = ring(8000)
G, D = networks()
optimiser = torch.optim.Adam(D.parameters(), lr=2e-3)
z = torch.randn(512, 2)
measured = []
for head_start in range(steps(400) + 1):
    if head_start in (0, 10, 20, 40, 80, 160, 400):
        logits = D(G(z))
        flat = size_of_gradient(game.minimax_loss(logits), G)
        steep = size_of_gradient(game.generator_loss(D(G(z))), G)
        measured.append((torch.sigmoid(logits).mean().item(), flat.item(), steep.item()))
    optimiser.zero_grad()
    real = points[torch.randint(len(points), (512,))]
    game.discriminator_loss(D(real), D(G(torch.randn(512, 2)).detach())).backward()
    optimiser.step()

# %%
print("mean D(G(z))   gradient, minimax   gradient, log D   ratio   (1 - D) / D")
for d, flat, steep in measured:
    print(f"{d:12.1e} {flat:19.1e} {steep:17.1e} {steep / flat:7.0f} {(1 - d) / d:13.0f}")

# %%
d = np.logspace(-6, np.log10(0.9), 200)
slope_minimax, slope_trick = generator_slopes(np.log(d / (1 - d)))
plots.slopes(d, slope_minimax, slope_trick)


# %% [markdown]
# As the discriminator grows sure, the minimax gradient dies and the other grows. In the table the ratio of the two follows
# $(1 - D)/D$, roughly: each sample has a $D$ of its own.
#
# Do both losses lead to the same place? Both slopes are negative for every $D$ in $(0, 1)$: both push samples towards
# larger $D$. And where $D$ is one half everywhere, which is the best answer to $p_g = p_{data}$, its own slope in $x$ is
# zero, and neither pushes at all. They share that fixed point. On the way there they differ, and with the trick the
# generator no longer minimises $V$: it is a game of two losses.

# %% [markdown]
# ## 8.5 The algorithm
#
# As on the slide: for each round, $k$ times a step of the discriminator, then one of the generator. Two functions, and a
# loop.

# %%
def update_discriminator(D, G, optimiser, x, z):
    optimiser.zero_grad()
    loss = game.discriminator_loss(D(x), D(G(z).detach()))  # detach: G does not move in this step
    loss.backward()
    optimiser.step()
    return loss


def update_generator(D, G, optimiser, z):
    optimiser.zero_grad()
    loss = game.generator_loss(D(G(z)))  # the log D trick
    loss.backward()
    optimiser.step()
    return loss


# %%
def train_gan(G, D, data, noise, n_rounds, k=1, rate=1e-3, snapshot=None, every=100):
    for_G = torch.optim.Adam(G.parameters(), lr=rate, betas=(0.5, 0.999))
    for_D = torch.optim.Adam(D.parameters(), lr=rate, betas=(0.5, 0.999))

    def one_round(x):
        for part in x.chunk(k):  # k steps, on k batches
            loss_D = update_discriminator(D, G, for_D, part, torch.randn(len(part), noise))
        loss_G = update_generator(D, G, for_G, torch.randn(len(part), noise))
        return {"discriminator": loss_D, "generator": loss_G}

    parts = [G, D, for_G, for_D]
    training = Training(one_round, data, parts, 128 * k, snapshot=snapshot, snapshot_every=every)
    return training.run(n_rounds)


# %% [markdown]
# On the ring, with $k = 2$. At every hundredth round we keep what the generator makes of the same noise, and what the
# discriminator believes on a grid.

# %%
G, D = networks()
z_shown = torch.randn(400, 2)
half = 3.0
axis = torch.linspace(-half, half, 60)
grid = torch.cartesian_prod(axis, axis).flip(1)  # one row of the picture after the other
look = lambda: (G(z_shown).numpy(), torch.sigmoid(D(grid)).reshape(60, 60).numpy())
training = train_gan(G, D, points, noise=2, n_rounds=steps(2500), k=2, snapshot=look)


# %%
def moment(i):
    step, (samples, believed) = training.snapshots[int(i)]
    return plots.scene(points, samples, believed, half, step, training.history)


moment(len(training.snapshots) - 1)

# %% [markdown]
# Blue is where the discriminator believes in data, orange where it believes in fakes, white where it cannot tell. It is
# nearly white wherever there are samples, and the discriminator's loss is near $\log 4$, that of a coin.
#
# Now go through the whole training. Watch how the samples run after the blue, and how the blue runs away.

# %%
slider(moment, "snapshot", 0, len(training.snapshots) - 1, 3)


# %% [markdown]
# The losses say little: they hover, while the samples improve. In a game a loss that stays is no sign that nothing
# happens, for the other player improves too.

# %% [markdown]
# ## 8.6 Why games turn
#
# The smallest game there is: each player has one number, and $V(\theta, \psi) = \theta\, \psi$. The generator goes down its
# slope, the discriminator up its own. The equilibrium is $(0, 0)$.
#
# **Predict.** Both follow their slopes with small steps. Where do they end?
#
# ### Exercise 4: one step of the smallest game (2 points)

# %% tags=["exercise"]
def game_step(theta, psi, rate, alternating):
    """numbers theta, psi, rate, and alternating (True or False) -> (theta, psi) after one step of
    the game V = theta psi: theta goes down its slope, psi goes up its own. Alternating: psi first,
    then theta against the new psi. Otherwise both against the old.

    Example: from (1, 0) with rate 0.5: (1, 0.5) both at once, (0.75, 0.5) one after the other.
    """
    ### BEGIN SOLUTION
    risen = psi + rate * theta
    answered = risen if alternating else psi
    return theta - rate * answered, risen
    ### END SOLUTION


# %% tags=["check"]
game_step = check("game_step")


# %% tags=["help"]
# hint("game_step")        # delete the first # for a hint; run again for the next one
# solution("game_step")    # the same for the solution

# %%
def walk(alternating, rate=0.2, n=60):
    places = [(0.7, 0.0)]
    for _ in range(n):
        places.append(game_step(*places[-1], rate, alternating))
    return np.array(places)


plots.field({"both at once": walk(False), "one after the other": walk(True)})

# %% [markdown]
# The arrows turn round the equilibrium, and nothing points *to* it. Both at once, the players spiral outwards, by the
# factor $\sqrt{1 + \text{rate}^2}$ a step, however small the rate. One after the other, as in the algorithm, they circle
# for ever. No loss of one number behaves like this: following a slope downhill ends at the bottom. It is the
# *game* that turns, and chapter 9 is about mending it.

# %% [markdown]
# ## 8.7 Digits, and their nearest training images
#
# The same two functions, on images of 8 x 8 pixels.

# %%
digits = load_images("digits")
X = digits.x.flatten(1)
G_digits = nn.Sequential(
    nn.Linear(16, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64), nn.Sigmoid()
)
D_digits = nn.Sequential(nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))
train_gan(G_digits, D_digits, X, noise=16, n_rounds=steps(4000))
with torch.no_grad():
    made = G_digits.eval()(torch.randn(10, 16)).numpy()


# %% [markdown]
# They look like digits. But does the generator *make* them, or has it learnt the training images by heart? The paper's
# answer is to show the nearest training image beside every sample.
#
# ### Exercise 5: nearest training images (2 points)

# %% tags=["exercise"]
def nearest_images(samples, images):
    """samples (m, d) and training images (n, d), one a row -> (index (m,), distance (m,)): the
    nearest training image of every sample, and the Euclidean distance to it.

    Example: samples (0, 0) and (5, 5), images (9, 9), (0, 1), (4, 5) give the index (1, 2) and the
    distance (1, 1).
    """
    ### BEGIN SOLUTION
    distances = np.sqrt(((samples[:, None] - images) ** 2).sum(axis=2))
    return distances.argmin(axis=1), distances.min(axis=1)
    ### END SOLUTION


# %% tags=["check"]
nearest_images = check("nearest_images")

# %% tags=["help"]
# hint("nearest_images")        # delete the first # for a hint; run again for the next one
# solution("nearest_images")    # the same for the solution

# %%
index, distance = nearest_images(made, X.numpy())
both = np.concatenate([made, X.numpy()[index]]).reshape(-1, 8, 8)
what = "samples, and below each its nearest training image"
gallery(both, columns=10, what=what, row_labels=["made", "nearest"])

# %% [markdown]
# How near is near? Compare with real digits that were held out: the distance from each of *them* to its nearest training
# image. A generator that copies would be much nearer than that. One that makes bad digits would be farther.

# %%
held_out = load_images("digits", split="test").x.flatten(1).numpy()
with torch.no_grad():
    many = G_digits(torch.randn(300, 16)).numpy()
for name, heap in {"made": many, "held out": held_out}.items():
    low, middle, high = np.quantile(nearest_images(heap, X.numpy())[1], [0.05, 0.5, 0.95])
    print(f"{name:9}: distance to the nearest {low:.2f} ... {middle:.2f} ... {high:.2f}")


# %% [markdown]
# ## 8.8 Break it
#
# Give the discriminator a head start, and let the generator learn from the loss as it stands in the minimax, by plain
# gradient descent. Does it reach the ring? Then the same with the trick.

# %%
def late_generator(trick, ahead=300, n_rounds=1000):
    torch.manual_seed(1)
    G, D = networks()
    for_G = torch.optim.SGD(G.parameters(), lr=0.2)
    for_D = torch.optim.Adam(D.parameters(), lr=1e-3)
    loss = game.generator_loss if trick else game.minimax_loss
    for turn in range(steps(ahead + n_rounds)):
        x = points[torch.randint(len(points), (128,))]
        update_discriminator(D, G, for_D, x, torch.randn(128, 2))
        if turn >= ahead:
            for_G.zero_grad()
            loss(D(G(torch.randn(128, 2)))).backward()
            for_G.step()
    angle = np.arange(8) * np.pi / 4
    centres = 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    index, distance = nearest_images(G(z_shown).detach().numpy(), centres)
    near = distance < 0.75
    return f"{near.mean():.0%} of the samples near one of {len(set(index[near]))} Gaussians"


print("minimax:", late_generator(trick=False))
print("log D:  ", late_generator(trick=True))

# %% [markdown]
# The minimax generator does not move: its gradient is nearly zero. With the trick the samples arrive, though not
# everywhere; that is a trouble of its own, and the next chapter's first. (Adam in place of plain descent would hide the
# effect in part: it divides the gradient by its own size. Try it.)

# %% [markdown]
# ## What you can do now
#
# 1. **Side by side.** PixelCNN has an exact density and slow samples, the VAE a bound and a code, the GAN samples alone.
# 2. **The best discriminator** is $p_{data} / (p_{data} + p_g)$, and against it the game is worth
#    $2\, \mathrm{JS} - \log 4$.
# 3. **The flat gradient.** The minimax loss has the slope $-D$, nothing where the generator is bad; $-\log D$ has
#    $-(1 - D)$. Both rest at $p_g = p_{data}$.
# 4. **The algorithm.** $k$ steps of $D$ on $\log D(x) + \log(1 - D(G(z)))$, one of $G$ on $\log D(G(z))$, and again.
# 5. **Games turn.** For $V = \theta \psi$ the slopes circle the equilibrium; simultaneous steps spiral out of it.
# 6. **By heart?** Hold the distances to the nearest training images against those of held-out images.
#
# ## Test yourself
#
# <details><summary>Can you ask this GAN how likely a given image is?</summary>
#
# No. It has no density: $G(z)$ may not even reach the image. $D$ does not help: at the end it is near one half everywhere.
# </details>
#
# <details><summary>The discriminator's loss is near 0. Is the training going well?</summary>
#
# It tells real from generated without a mistake. With the minimax loss the generator gets no gradient any more; with the
# trick it gets one, of a judge that it is far from convincing.
# </details>
#
# <details><summary>Why does update_discriminator detach G(z)?</summary>
#
# The discriminator's step must not move the generator. The optimiser moves only what it was given, so the result would be
# the same; but the gradient would be carried back through $G$ for nothing, at nearly twice the cost.
# </details>
#
# <details><summary>V is smallest at p_g = p_data. Why is finding it harder than minimising a loss?</summary>
#
# Because nobody goes down $\max_D V$: both players take small steps at the same time, and such a walk may circle.
# </details>
#
# **References.** I. Goodfellow et al., *Generative adversarial nets*, NeurIPS 2014. A. van den Oord, N. Kalchbrenner,
# K. Kavukcuoglu, *Pixel recurrent neural networks*, ICML 2016. L. Mescheder, A. Geiger, S. Nowozin, *Which training methods
# for GANs do actually converge?*, ICML 2018. M. Arjovsky, L. Bottou, *Towards principled methods for training generative
# adversarial networks*, ICLR 2017.
