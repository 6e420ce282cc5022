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
# # 7. The variational autoencoder
#
# **From the lecture:** the forward pass in two stages; training; the two-dimensional data manifold; varying $z_1$ and
# $z_2$, degree of smile and head pose; features $q(z|x)$; blurred samples; active areas: tighter bounds, richer posteriors.
#
# **When you are through, you can**
#
# 1. train a VAE from its loss, written by yourself, and sample from it,
# 2. choose a likelihood, and say what sigma does,
# 3. draw the plane of two latent variables,
# 4. measure why samples look worse than reconstructions, and mend part of it,
# 5. find a direction in the latent space, *score* what it changes, and use $q(z|x)$ as features,
# 6. make and mend posterior collapse; tighten the bound with more samples and with a richer $q$.
#
# **You need** chapter 6: the ELBO, the KL divergence of Gaussians, the reparameterisation trick. **Time:** about two
# hours with the seven exercises; the code itself runs in under a minute.

# %% tags=["setup"]
import math

import numpy as np
import torch
from torch.nn import functional as F

from course.data import load_images
from course.lab import check, hint, solution
from course.likelihood.gaussian import reparameterise
from course.likelihood.vae import VAE, conv_decoder, conv_encoder, kl_per_dimension
from course.plots import vae as plots
from course.plots.images import gallery
from course.plots.widgets import sliders
from course.training import Training, checkpoint, steps

torch.manual_seed(0)
torch.set_num_threads(1);

# %% [markdown]
# ## 7.1 The forward pass, in two stages
#
# Chapter 6 derived a bound. Here we build the machine that climbs it. What happens to an image on the way?

# %%
plots.stages()

# %% [markdown]
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $x$ | `x` | $(n, 1, 8, 8)$ | images |
# | $\mu,\ \log \operatorname{diag} \Sigma$ | `mu`, `logvar` | $(n, k)$ | the encoder's $q(z \mid x) = N(\mu, \Sigma)$ |
# | $z$ | `z` | $(n, k)$ | a sample of it, by the reparameterisation trick |
# | $\hat x$ | `x_hat`, `logits` | $(n, 1, 8, 8)$ | the decoder's $p(x \mid z)$: a probability for each pixel, or its logit |
#
# We begin with digits in black and white: every pixel is 0 or 1.

# %%
x, y = (load_images("digits").x > 0.5).float(), load_images("digits").y
x_test, y_test = (load_images("digits", "test").x > 0.5).float(), load_images("digits", "test").y
vae = VAE(shape=(1, 8, 8), latent=10, likelihood="bernoulli", hidden=(256, 128))

mu, logvar = vae.encode(x[:5])
z = reparameterise(mu, logvar)
x_hat = vae.decode(z)
for name, tensor in {"x": x[:5], "mu": mu, "logvar": logvar, "z": z, "x_hat": x_hat}.items():
    print(f"{name:7}", tuple(tensor.shape))


# %% [markdown]
# The decoder gives each pixel a *logit* $l_i$, any real number, and $p_i = 1 / (1 + e^{-l_i})$. Given $z$, pixels are
# independent:
#
# $$ \log p(x \mid z) = \sum_i \bigl[ x_i \log p_i + (1 - x_i) \log (1 - p_i) \bigr] . $$
#
# ### Exercise 1: the reconstruction term of binary images (2 points)

# %% tags=["exercise"]
def bernoulli_reconstruction(x, logits):
    """x (n, ...) of zeros and ones, logits (n, ...) -> (n,): log p(x|z) for each image, in nats,
    where a pixel is 1 with probability sigmoid(logit). Finite for logits of any size.

    Example: logits of 0 give -log 2 for every pixel.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
bernoulli_reconstruction = check("bernoulli_reconstruction")


# %% tags=["help"]
# hint("bernoulli_reconstruction")      # delete the first # for a hint; again for the next one
# solution("bernoulli_reconstruction")  # the same for the solution

# %% [markdown]
# The loss of a batch is minus the ELBO, with one $z_i \sim q(z \mid x_i)$ for each image:
#
# $$ L = -\frac1n \sum_{i=1}^n \Bigl[ \log p(x_i \mid z_i) - \tfrac12 \sum_{j=1}^k \bigl(\mu_{ij}^2 + \sigma_{ij}^2 - 1 -
#    \log \sigma_{ij}^2 \bigr) \Bigr] . $$
#
# ### Exercise 2: the loss of a batch (3 points)

# %% tags=["exercise"]
def batch_loss(x, logits, mu, logvar):
    """x, logits (n, ...), mu, logvar (n, k) -> (): the loss of a batch, the negative ELBO averaged
    over its n images; Bernoulli likelihood, prior N(0, I).

    Example: mu = logvar = 0 and logits = 0 give log 2 times the number of pixels.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
batch_loss = check("batch_loss")

# %% tags=["help"]
# hint("batch_loss")
# solution("batch_loss")

# %% [markdown]
# A training step: stage one, the loss, its gradient, an update. Nothing else is needed.

# %%
optimiser = torch.optim.Adam(vae.parameters(), lr=2e-3, fused=True)


def step(x):
    mu, logvar = vae.encode(x)
    logits = vae.decoder(reparameterise(mu, logvar))
    loss = batch_loss(x, logits, mu, logvar)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return {"loss": loss}


training = Training(step, x, keep=[vae, optimiser], batch_size=64, seed=0, threads=1)
training.run(steps(1500, full=6000))
plots.curve(training.history["step"], training.history["loss"], "-ELBO of a batch, in nats")


# %% [markdown]
# What counts is the bound on digits that the network has not seen.

# %%
@torch.no_grad()
def held_out_elbo(vae, x, draws=10):
    """The ELBO, its reconstruction term and its KL term, averaged over x and several draws of z."""
    terms = torch.stack([torch.stack(vae.elbo(x)).mean(1) for _ in range(draws)]).mean(0)
    reconstruction, kl = terms.tolist()
    return reconstruction - kl, reconstruction, kl


elbo, reconstruction, kl = held_out_elbo(vae, x_test)
print(f"test ELBO {elbo:.2f} nats = reconstruction {reconstruction:.2f} - KL {kl:.2f}")
print(f"that is {-elbo / 64 / math.log(2):.3f} bits for each pixel")

# %% [markdown]
# **Predict.** Stage two needs no encoder. Where does its $z$ come from, and will the samples look like digits?

# %%
with torch.no_grad():
    x_hat = vae.decode(vae.encode(x_test[:10])[0])
rows = ["x", "decoded", "new", "new"]
gallery(torch.cat([x_test[:10], x_hat, vae.sample(20)]), columns=10, row_labels=rows,
        what="digits: data, their reconstructions, and two rows of samples from the prior")

# %% [markdown]
# The first two rows are stage one: an image, encoded and decoded. The last two are stage two: $z \sim N(0, I)$, then the
# decoder. The autoencoder of chapter 5 could not do that: nothing had told its codes where to be. Grey pixels are
# probabilities, not ink.

# %% [markdown]
# ## 7.2 The likelihood is part of the model
#
# Most code puts grey values $x_i \in [0, 1]$ into the Bernoulli formula. It runs. Is it a likelihood? A density must have
# the integral 1, whatever $p$ is.

# %%
p = np.linspace(0.01, 0.99, 99)
grey = np.linspace(0, 1, 401)
mass = np.trapezoid(p[:, None] ** grey * (1 - p[:, None]) ** (1 - grey), grey, axis=1)
plots.bernoulli_mass(p, mass)


# %% [markdown]
# It is below 1 everywhere, and it depends on $p$: the "likelihood" is no density, and its maximum is not the maximum of
# one. The samples may look fine; the number printed as ELBO bounds nothing. (Dividing by this integral gives the
# *continuous Bernoulli*.) The honest choice for grey values is a density:
#
# $$ p(x \mid z) = N(x;\, \hat x, \sigma^2 I), \qquad \log p(x \mid z) = -\frac{\lVert x - \hat x \rVert^2}{2 \sigma^2}
#    - \frac{D}{2} \log (2 \pi \sigma^2) . $$
#
# ### Exercise 3: the reconstruction term of grey images (2 points)

# %% tags=["exercise"]
def gaussian_reconstruction(x, x_hat, sigma):
    """x (n, ...), x_hat (n, ...), a number sigma -> (n,): log N(x; x_hat, sigma^2 I) for each
    image, in nats, with its constant.

    Example: x = x_hat and sigma = 1 give -0.9189 for every pixel.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
gaussian_reconstruction = check("gaussian_reconstruction")

# %% tags=["help"]
# hint("gaussian_reconstruction")
# solution("gaussian_reconstruction")

# %% [markdown]
# Mean squared error is this with a silent choice of $\sigma$. The half without $\sigma$ says: *minimise the squared error*;
# $1 / 2\sigma^2$ says how much an error costs against the KL term. Three ways to choose it: **fix** it; **learn** it, one
# more parameter; or set it to its **optimum**, for which the derivative by $\sigma$ gives
# $\sigma^2 = \frac{1}{nD} \sum \lVert x - \hat x \rVert^2$, at every step.
#
# **Predict.** Pixels lie in $[0, 1]$. What will a VAE with $\sigma = 1$ do?

# %%
grey_x, grey_test = load_images("digits").x, load_images("digits", "test").x


def train(vae, x, loss, n, lr=2e-3):
    """n steps of Adam on loss(vae, x)."""
    optimiser = torch.optim.Adam([w for w in vae.parameters() if w.requires_grad], lr, fused=True)

    def step(x):
        optimiser.zero_grad()
        value = loss(vae, x)
        value.backward()
        optimiser.step()
        return {"loss": value}

    Training(step, x, keep=[vae, optimiser], batch_size=64, threads=1).run(steps(n), show=False)
    return vae


# %% [markdown]
# `vae(x)` is the negative ELBO. For the optimum, $\sigma$ is set from the batch before each step:

# %%
from course.likelihood.vae import optimal_sigma


def with_optimal_sigma(vae, x):
    with torch.no_grad():
        x_hat = vae.decode(reparameterise(*vae.encode(x)))
        vae.log_sigma.copy_(optimal_sigma(x, x_hat).log())
    return vae(x)


grey_vaes = {}
for name, sigma in {"1, fixed": 1.0, "0.2, fixed": 0.2, "learnt": "learnt", "optimal": 1.0}.items():
    torch.manual_seed(0)
    new = VAE((1, 8, 8), 10, "gaussian", sigma=sigma, hidden=(256, 128))
    if name == "learnt":
        new.log_sigma.data.fill_(math.log(0.3))  # begin near the truth: this training is short
    loss = with_optimal_sigma if name == "optimal" else lambda vae, x: vae(x)
    grey_vaes[name] = train(new, grey_x, loss, 500)

# %%
print("sigma           value  squared error     KL    test ELBO")
for name, trained in grey_vaes.items():
    elbo, _, kl = held_out_elbo(trained, grey_test)
    with torch.no_grad():
        error = ((trained.decode(trained.encode(grey_test)[0]) - grey_test) ** 2).mean()
    print(f"{name:12}{trained.sigma:9.3f}{error:15.4f}{kl:7.1f}{elbo:13.1f}")

# %%
pictures = [trained.sample(10, torch.Generator().manual_seed(1)) for trained in grey_vaes.values()]
gallery(torch.cat([*pictures, grey_test[:10]]), columns=10,
        row_labels=[f"σ {name}" for name in grey_vaes] + ["data"],
        what="digits: samples for four choices of sigma, and data")


# %% [markdown]
# With $\sigma = 1$, an error costs next to nothing: the KL term wins, $q(z \mid x)$ becomes the prior, and every sample is
# the mean digit. That is *posterior collapse*, and we did nothing but leave $\sigma$ out of a formula. With a learnt or an
# optimal $\sigma$ the ELBO decides by itself. Note its sign: a density may be larger than 1. So an ELBO in nats can be
# compared between Gaussian models of the same data, and never with a Bernoulli one.

# %% [markdown]
# ## 7.3 The plane of two latent variables
#
# With $k = 2$ the whole latent space can be drawn. Put a grid on it and decode every point. The grid should spend its
# points where the prior does: at the quantiles of $N(0, 1)$, so that the same probability lies between neighbours.
#
# ### Exercise 4: the grid (2 points)

# %% tags=["exercise"]
def manifold_grid(m):
    """m -> (m * m, 2) tensor: the points (z1, z2) whose coordinates are the quantiles of N(0, 1)
    at 1/(2m), 3/(2m), ..., (2m-1)/(2m); in reading order: z1 rises along a row, z2 falls from
    row to row.

    Example: m = 1 gives the origin; m = 2 begins with (-0.6745, 0.6745), (0.6745, 0.6745).
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
manifold_grid = check("manifold_grid")

# %% tags=["help"]
# hint("manifold_grid")
# solution("manifold_grid")

# %% [markdown]
# We train for a moment, and go on with a checkpoint that had longer.

# %%
plane = train(VAE((1, 8, 8), 2, hidden=(256, 128)), x, lambda vae, x: vae(x), 500)
print(f"trained here: test ELBO {held_out_elbo(plane, x_test)[0]:.2f}")
plane, _ = checkpoint("vae_digits_plane", plane, {})
print(f"going on with: test ELBO {held_out_elbo(plane, x_test)[0]:.2f}")

# %%
m = 17
with torch.no_grad():
    manifold = plane.decode(manifold_grid(m).float())
gallery(manifold, columns=m, cell=0.42, what="decoded digits over the plane of z1 and z2")

# %% [markdown]
# **Predict.** Where in this picture will the sevens of the test set be encoded? The fours?

# %%
with torch.no_grad():
    mu, logvar = plane.encode(x_test)
plots.plane(mu, y_test)

# %% [markdown]
# One digit turns into another without a gap: the *data manifold*. In the scatter, each point is the mean of one test
# image's $q(z \mid x)$. No label was used, yet most digits have a region of their own; those that share one look alike.

# %% [markdown]
# ## 7.4 Faces
#
# Now colour images of 32 by 32 pixels, a convolutional encoder, an upconvolutional decoder, a Gaussian likelihood.
# `DATA` may be `"faces"`, cartoons that come with the course; or `"mnist"`, `"cifar10"`, `"lfw"` (Labeled Faces in the
# Wild), once `course download mnist` has fetched them. The cells below are the same for all.

# %%
DATA = "faces"
images = load_images(DATA, size=32, n=1200)
held_out = load_images(DATA, "test", size=32, n=350)
channels = images.x.shape[1]
images

# %%
k, sigma = 16, 0.1
photo_vae = VAE((channels, 32, 32), k, "gaussian", sigma=sigma,
                encoder=conv_encoder(channels, k), decoder=conv_decoder(channels, k))
optimiser = torch.optim.Adam(photo_vae.parameters(), lr=2e-3, fused=True)


def step(x):
    optimiser.zero_grad()
    loss = photo_vae(x)
    loss.backward()
    optimiser.step()
    return {"loss": loss}


training = Training(step, images.x, [photo_vae, optimiser], batch_size=32, log_every=2)
training.run(steps(120, full=12_000))
curve = training.history
if DATA == "faces":  # the checkpoint is of faces; other images go on with what was trained here
    photo_vae, curve = checkpoint("vae_faces", photo_vae, curve)
photo_vae.eval()
plots.curve(curve["step"], curve["loss"], "-ELBO of a batch")

# %% [markdown]
# The checkpoint went on for thousands of steps from the recipe in `course/recipes`. Stage one and stage two:

# %%
with torch.no_grad():
    z = photo_vae.encode(images.x)[0]
    decoded = photo_vae.decode(photo_vae.encode(held_out.x)[0])
samples = photo_vae.sample(350, torch.Generator().manual_seed(0))
gallery(torch.cat([held_out.x[:12], decoded[:12], samples[:12]]), columns=12,
        row_labels=["x", "decoded", "new"], what="images, their reconstructions and samples")

# %% [markdown]
# ## 7.5 Blurred, and why samples are worse than reconstructions
#
# Two complaints, and they are different ones. *Reconstructions* are softer than the data. *Samples* are worse than
# reconstructions. Measure before explaining: how much power is in coarse shapes, at low frequencies, and how much in fine
# detail, at high ones?

# %%
from course.likelihood.image_quality import frechet_distance, power_spectrum

shown = {"data": held_out.x, "decoded": decoded, "from the prior": samples}
plots.spectra({name: power_spectrum(x.clamp(0, 1)) for name, x in shown.items()})

# %% [markdown]
# **Blur.** All that $\mu$ does not say is averaged over: $\hat x$ is the *mean* of $p(x \mid z)$, and the mean of many
# sharp images is soft. A squared error likes it so.
#
# **Samples.** The decoder was trained on $z$ that the encoder sends: together, the *aggregate posterior*
# $q(z) = \frac1n \sum_i q(z \mid x_i)$. The ELBO pulls $q(z)$ towards the prior, and does not get there. Samples of the
# prior fall into holes where no image has ever been.
#
# **Predict.** What if we sample from $q(z)$ itself? Fit ten Gaussians to the codes, and draw from those.

# %%
from sklearn.mixture import GaussianMixture

with torch.no_grad():
    codes = reparameterise(*photo_vae.encode(images.x))
mixture = GaussianMixture(10, random_state=0, reg_covar=1e-3).fit(codes.double().numpy())
order = np.random.default_rng(0).permutation(350)
z_mixture = torch.as_tensor(mixture.sample(350)[0][order]).float()
with torch.no_grad():
    mended = photo_vae.decode(z_mixture)
plots.prior_and_codes(codes[:350], z_mixture)

# %%
gallery(torch.cat([samples[:12], samples[12:24], mended[:12], mended[12:24]]), columns=12,
        row_labels=["prior", "", "mixture", ""], what="samples from the prior and from the mixture")

# %% [markdown]
# And in numbers. A small network that reads the factors of a face off its pixels (next section) has an inner layer; the
# *Frechet distance* compares mean and covariance of its outputs on two sets of images: 0 means alike.

# %%
from course.likelihood.reader import READ, Reader, r_squared, softened, targets

drawn = load_images("faces", n=1200) if DATA != "faces" else images
reader = Reader()
optimiser = torch.optim.Adam(reader.parameters(), lr=3e-3, fused=True)


def step(x, f):
    optimiser.zero_grad()
    loss = ((reader(softened(x)) - f) ** 2).mean()
    loss.backward()
    optimiser.step()
    return {"loss": loss}


data = (drawn.x, targets(drawn.factors))
training = Training(step, data, [reader, optimiser], batch_size=64)
training.run(steps(60), show=False)
reader, _ = checkpoint("faces_reader", reader, training.history)
reader.eval();


# %%
@torch.no_grad()
def features_of(x):
    return reader.features(x.expand(-1, 3, -1, -1).clamp(0, 1))


shown = {"data, other": images.x[:350], "decoded": decoded, "prior": samples, "mixture": mended}
real = features_of(held_out.x)
fine = slice(10, 17)  # cycles to a side
print(f"{'':14}fine detail, relative to data   distance to held-out data")
for name, x_shown in shown.items():
    power = power_spectrum(x_shown.clamp(0, 1))[fine] / power_spectrum(held_out.x)[fine]
    print(f"{name:14}{power.mean():18.2f}{frechet_distance(features_of(x_shown), real):28.2f}")

# %% [markdown]
# The mixture's samples come nearer to the data without a step of training: much of the fault lay in *where we sampled*.
# What is left is the blur. Read the first row as the floor: two sets of real images are this far apart. (A sample from a
# hole may have plenty of "fine detail": grain, that no face has. One number is never the whole story.)

# %% [markdown]
# ## 7.6 Which way is a smile?
#
# The lecture's picture: $z_1$ is the degree of smile, $z_2$ the pose of the head. But the prior is round: nothing ties a
# factor to an axis. It will be a *direction*. Our faces have known factors, so we can find it, and score it.
#
# First: is the factor in $\mu(x)$ at all? Read it out linearly, half of the faces to fit, half to score.

# %%
from sklearn.linear_model import LinearRegression, LogisticRegression

face_vae = photo_vae
if DATA != "faces":
    networks = {"encoder": conv_encoder(3, k), "decoder": conv_decoder(3, k)}
    face_vae = VAE((3, 32, 32), k, "gaussian", sigma=sigma, **networks)
    face_vae, _ = checkpoint("vae_faces", face_vae, {})
    face_vae.eval()
with torch.no_grad():
    z = face_vae.encode(drawn.x)[0]
for name in ("yaw", "skin", "hair", "woman", "glasses", "smile", "light", "brow"):
    f = drawn.factors[name]
    fitted = LinearRegression().fit(z[:600], f[:600])
    print(f"{name:8} R2 = {fitted.score(z[600:], f[600:]):5.2f}")


# %% [markdown]
# Big shapes and colours are read well; a smile is a few pixels, and the height of the brows is lost: the ELBO does not pay
# for it. Now the direction. Move the factor by 1: how do the latent variables move, on average?
#
# $$ d_j = \frac{\operatorname{cov}(z_j, f)}{\operatorname{var}(f)} . $$
#
# This is the regression of $z$ *on* $f$. (The other way round, the weights that predict $f$ from $z$, ignores how the codes
# are spread, and leaves the region where faces are.)
#
# ### Exercise 5: the direction of a factor (2 points)

# %% tags=["exercise"]
def latent_slope(z, f):
    """z (n, k), f (n,) -> (k,): cov(z_j, f) / var(f) for every latent variable j: how far it moves
    when the factor f grows by 1.

    Example: z_1 = 3 f + 1 has the slope 3.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
latent_slope = check("latent_slope")

# %% tags=["help"]
# hint("latent_slope")
# solution("latent_slope")

# %% [markdown]
# Take a real face of the test set, neither smiling nor frowning, that looks at us. Walk along both directions.

# %%
some = load_images("faces", "test", n=350) if DATA != "faces" else held_out
smile, yaw = latent_slope(z, drawn.factors["smile"]), latent_slope(z, drawn.factors["yaw"])
plain = some.factors["smile"].abs() / 1 + some.factors["yaw"].abs() / 0.7 + some.factors["glasses"]
i = int(plain.argmin())
with torch.no_grad():
    start = face_vae.encode(some.x[i : i + 1])[0][0]


@torch.no_grad()
def face(z1, z2):
    """The decoded face at start + z1 * smile + z2 * yaw: (1, 3, 32, 32)."""
    return face_vae.decode((start + z1 * smile + z2 * yaw)[None])


turns = torch.linspace(-0.55, 0.55, 7)
grid = torch.cat([face(a, b) for a in torch.linspace(1.5, -1.5, 5) for b in turns])
gallery(grid, columns=7, cell=1.2, what="faces, the smile growing from the bottom row to the top, "
        "the head turning from left to right")

# %% [markdown]
# The slide's figure, from our own model. Move it yourself:

# %%
sliders(lambda z1, z2: gallery(face(z1, z2), cell=2.5, what=f"face, z1 = {z1:.1f}, z2 = {z2:.1f}"),
        {"z1: smile": (-1.5, 1.5, 0, 0.1), "z2: pose": (-0.6, 0.6, 0, 0.05)})

# %% [markdown]
# Does it look so, or *is* it so? The reader was trained on drawn faces, whose factors are known. First, is the judge any
# good? On drawn faces, and on the same faces after our VAE:

# %%
with torch.no_grad():
    through = face_vae.decode(face_vae.encode(some.x)[0])
on_drawn, on_decoded = reader.read(some.x), reader.read(through)
for name in ("smile", "yaw", "skin", "hair", "glasses"):
    true = some.factors[name]
    print(f"{name:8} R2 on drawn faces {r_squared(on_drawn[name], true):5.2f}, "
          f"on decoded faces {r_squared(on_decoded[name], true):5.2f}")

# %% [markdown]
# Now move 60 faces along each direction, those nearest to neutral, and let the reader say what has changed: the factor that
# we meant, and the others. Factors that it cannot read off decoded faces, for the VAE has lost them, are left out.

# %%
moves = torch.linspace(-0.6, 0.6, 7)
kept = {name for name in READ if r_squared(on_decoded[name], some.factors[name]) > 0.5}
kept |= {"smile", "yaw"}


@torch.no_grad()
def read_along(direction, scale):
    """{factor: mean change that is read, over 60 faces, at each move}, in half-ranges of each."""
    begin = face_vae.encode(some.x[plain.argsort()[:60]])[0]
    outputs = [reader(face_vae.decode(begin + scale * move * direction)) for move in moves]
    change = torch.stack(outputs).mean(1) - reader(face_vae.decode(begin)).mean(0)
    return {name: column for name, column in zip(READ, change.T) if name in kept}


along = {"smile": read_along(smile, 1.0), "yaw": read_along(yaw, 0.7)}
plots.changes(moves, along)

# %%
for meant, read in along.items():
    slopes = {name: float(change[-1] - change[0]) / 1.2 for name, change in read.items()}
    others = max(slopes.keys() - {meant}, key=lambda name: abs(slopes[name]))
    print(f"{meant}: rises all the way: {bool((read[meant].diff() > 0).all())}; of 1.00 asked for "
          f"{slopes[meant]:.2f} is read; what leaks most is {others}, {slopes[others]:+.2f}")

# %% [markdown]
# A good direction gives a line that rises, and leaves the others flat. Less may be read than was asked for: a code that
# holds half of a factor moves half of it. What leaks most is a look-alike: a side
# that brightens may be a turn or a lamp. Do not read more into it: directions found this way
# need labels. The ELBO alone has no reason to put a factor on an axis, for a rotated $z$ has the same prior and the
# same bound.

# %% [markdown]
# ## 7.7 Features
#
# The encoder has seen all images and no label. Suppose labels are dear: a few of each class. Is $\mu(x)$, the mean of
# $q(z \mid x)$, a better input to a classifier than the pixels?
#
# Three tasks: which digit; does a head look left or right; does a face smile or frown. **Predict.** Where will a few numbers
# beat all the pixels, and where not?

# %%
from course.likelihood.transfer import labelled_rows, paired_interval

with torch.no_grad():
    codes = {"digits": [vae.encode(x)[0], vae.encode(x_test)[0]],
             "faces": [face_vae.encode(drawn.x)[0], face_vae.encode(some.x)[0]]}
pixels = {"digits": [x.flatten(1), x_test.flatten(1)],
          "faces": [drawn.x.flatten(1), some.x.flatten(1)]}
left_right = [(faces.factors["yaw"] > 0).long() for faces in (drawn, some)]
frown_smile = [(faces.factors["smile"] > 0).long() for faces in (drawn, some)]
tasks = {"digit": ("digits", y, y_test), "left or right": ("faces", *left_right),
         "frown or smile": ("faces", *frown_smile)}


def accuracies(inputs, seen, unseen, per_class, seeds=5):
    rows = [labelled_rows(seen, per_class, np.random.default_rng(seed)) for seed in range(seeds)]
    fits = [LogisticRegression(max_iter=100, tol=1e-2).fit(inputs[0][r], seen[r]) for r in rows]
    return [fit.score(inputs[1], unseen) for fit in fits]


# %%
print("task            labels of each   q(z|x)   pixels   difference, with its 95 % interval")
for name, (images_of, seen, unseen) in tasks.items():
    for count in (2, 25):
        a = accuracies(codes[images_of], seen, unseen, count)
        b = accuracies(pixels[images_of], seen, unseen, count)
        low, high = paired_interval(a, b)
        gain = np.mean(a) - np.mean(b)
        print(f"{name:16}{count:14d}{np.mean(a):9.2f}{np.mean(b):9.2f}{gain:+13.2f}"
              f"  ({low:+.2f} to {high:+.2f})")


# %% [markdown]
# The interval is for the mean difference over five draws of the labelled images. Sixteen numbers find the pose of a head from
# a handful of labels: in pixels it is scattered over thousands. The digits are the other case: 64 pixels of a centred
# numeral are good features to begin with, and ten numbers have thrown something away. A code keeps what the ELBO pays for,
# not what your task needs: a smile is a few pixels.

# %% [markdown]
# ## 7.8 Posterior collapse, made and mended
#
# In 7.2 a large $\sigma$ silenced the latent variables. Weighing the KL term with $\beta$ does the same:
#
# $$ L_\beta = -E_q \log p(x \mid z) + \beta\, \mathrm{KL}(q(z \mid x) \,\Vert\, p(z)) . $$
#
# A latent variable with $\mathrm{KL}_j = 0$ says nothing. **Free bits** mend that: the first $\lambda$ nats of each latent
# variable cost nothing.
#
# $$ \sum_{j=1}^k \max\Bigl( \lambda,\ \frac1n \sum_{i=1}^n \mathrm{KL}_{ij} \Bigr) $$
#
# ### Exercise 6: free bits (2 points)

# %% tags=["exercise"]
def free_bits_kl(kl, floor):
    """kl (n, k), a number floor -> (): average over the n samples of the batch first, raise what
    is below the floor to the floor, then add up over the k latent variables.

    Example: means of 0.1 and 2 nats with the floor 0.5 give 2.5.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
free_bits_kl = check("free_bits_kl")


# %% tags=["help"]
# hint("free_bits_kl")
# solution("free_bits_kl")

# %% [markdown]
# **Predict.** Twenty latent variables on the binary digits. How many will be in use, for $\beta = 1$? For $\beta = 6$? And
# when free bits are added to $\beta = 6$?

# %%
def weighted(beta, floor=0.0):
    def loss(vae, x):
        mu, logvar = vae.encode(x)
        log_p = vae.log_likelihood(x, reparameterise(mu, logvar))
        return beta * free_bits_kl(kl_per_dimension(mu, logvar), floor) - log_p.mean()

    return loss


losses = {"beta = 1": weighted(1), "beta = 6": weighted(6), "beta = 6, free bits": weighted(6, 0.3)}
spoken = {}
for name, loss in losses.items():
    torch.manual_seed(0)
    spoken[name] = train(VAE((1, 8, 8), 20, hidden=(256,)), x, loss, 600)

# %%
from course.likelihood.vae import active_units

per_latent = {}
for name, trained in spoken.items():
    with torch.no_grad():
        mu, logvar = trained.encode(x_test)
    per_latent[name] = kl_per_dimension(mu, logvar).mean(0)
    elbo, reconstruction, kl = held_out_elbo(trained, x_test)
    print(f"{name:20} active {int(active_units(mu).sum()):2d} of 20, reconstruction "
          f"{reconstruction:6.2f}, KL {kl:5.2f}, ELBO {elbo:6.2f}")
plots.kl_bars(per_latent)


# %% [markdown]
# A unit counts as *active* when its mean moves with $x$, with a variance above 0.01. Some silence is thrift: the bars of
# $\beta = 1$ fall off by themselves, as the digits do not need all twenty. Collapse is when *the loss* silences what the data
# could use, and it shows in the reconstruction term. Free bits bring the units back, each to about its floor. Compare the
# true ELBO, in the last column, before you believe in a cure.

# %% [markdown]
# ## 7.9 A tighter bound: more samples
#
# The ELBO is the mean of $\log w$ with $w = p(x \mid z)\, p(z) / q(z \mid x)$. The mean of $w$ itself is $p(x)$. Between the
# two, with $K$ samples $z_1, \dots, z_K \sim q(z \mid x)$:
#
# $$ L_K = E \Bigl[ \log \frac1K \sum_{k=1}^K \frac{p(x \mid z_k)\, p(z_k)}{q(z_k \mid x)} \Bigr], \qquad
#    \text{ELBO} = L_1 \le L_2 \le \dots \le \log p(x) . $$
#
# ### Exercise 7: the importance-weighted bound (3 points)

# %% tags=["exercise"]
def many_sample_bound(log_likelihood, log_prior, log_q):
    """log_likelihood, log_prior, log_q (K, n): log p(x|z_k), log p(z_k) and log q(z_k|x) for K
    samples z_k ~ q(z|x) of each of n images -> (n,): log (1/K) sum_k w_k, finite however small
    the weights w_k are.

    Example: when all K weights of an image are e^-900, the bound is -900.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
many_sample_bound = check("many_sample_bound")

# %% tags=["help"]
# hint("many_sample_bound")
# solution("many_sample_bound")

# %% [markdown]
# With two latent variables, $p(x) = \int p(x \mid z)\, p(z)\, dz$ can be summed over a fine grid: the truth is known. That
# is where we test the bound, on the VAE of 7.3.

# %%
from course.likelihood.gaussian import log_normal
from course.likelihood.vae import log_p_by_quadrature

some_x = x_test[:120]
with torch.no_grad():
    mu, logvar = (part.repeat(1024, 1) for part in plane.encode(some_x))
    z = reparameterise(mu, logvar)
    log_likelihood = plane.log_likelihood(some_x.repeat(1024, 1, 1, 1), z).view(1024, 120)
log_prior = log_normal(z, torch.zeros(2), 0.0).view(1024, 120)
log_q = log_normal(z, mu, logvar).view(1024, 120)

Ks = [1, 4, 16, 64, 256, 1024]
bounds = []
for K in Ks:
    parts = (part.reshape(K, -1) for part in (log_likelihood, log_prior, log_q))
    bounds.append(many_sample_bound(*parts).mean().item())
log_p = log_p_by_quadrature(plane, some_x).mean().item()
plots.bounds(Ks, bounds, log_p)

# %% [markdown]
# The bound rises with $K$ and stays below $\log p(x)$. Each $K$ uses the same 1,024 samples, in groups. It is a better
# *measure* of a model at once; as a *loss* it also lets $q$ be worse where it costs nothing.

# %% [markdown]
# ## 7.10 A tighter bound: a richer posterior
#
# The gap is $\mathrm{KL}(q(z \mid x) \,\Vert\, p(z \mid x))$, and $q$ is a Gaussian with a diagonal covariance. Here is a
# decoder whose posterior is bent: $x = z_2 - z_1^2 + \text{noise}$. Given $x$, the likely $z$ lie along a parabola.
#
# An *inverse autoregressive flow* carries the Gaussian sample on, a step at a time: $z_i' = e^{s_i} z_i + m_i$, where $s_i$
# and $m_i$ depend on $z_1, \dots, z_{i-1}$ and $x$. The Jacobian is triangular, so its log determinant is $\sum_i s_i$,
# and $\log q(z' \mid x) = \log q(z \mid x) - \sum_i s_i$.
#
# **Predict.** How will the best Gaussian lie on a parabola?

# %%
from course.likelihood.flow_posterior import FlowPosterior


class Bend(torch.nn.Module):
    def forward(self, z):
        return z[:, 1:] - z[:, :1] ** 2


torch.manual_seed(0)
bent = VAE((1,), 2, "gaussian", sigma=0.3, hidden=(32,), decoder=Bend())
points = Bend()(torch.randn(4000, 2)) + 0.3 * torch.randn(4000, 1)
train(bent, points, lambda vae, x: vae(x), 800)

torch.manual_seed(0)
flow = FlowPosterior((1,), 2, steps=2, hidden=32)
both = torch.nn.ModuleList([VAE((1,), 2, "gaussian", sigma=0.3, hidden=(32,), decoder=Bend()),
                            flow])
train(both, points, lambda both, x: -both[0].log_weights(x, flow=both[1]).mean(), 800);

# %%
new = Bend()(torch.randn(500, 2)) + 0.3 * torch.randn(500, 1)
with torch.no_grad():
    gaussian_bound = bent.log_weights(new, 50).mean().item()
    flow_bound = both[0].log_weights(new, 50, flow=flow).mean().item()
log_p = log_p_by_quadrature(bent, new).mean().item()
print(f"ELBO, Gaussian q {gaussian_bound:.3f}, with the flow {flow_bound:.3f}, "
      f"log p(x) {log_p:.3f}")
print(f"the flow closes {(flow_bound - gaussian_bound) / (log_p - gaussian_bound):.0%} of the gap")

# %%
x0 = torch.full((600, 1), -1.0)
with torch.no_grad():
    plain = reparameterise(*bent.encode(x0))
    carried = flow(reparameterise(*both[0].encode(x0)), x0)[0]
plots.posteriors(lambda z: -0.5 * ((-1 - Bend()(z)[:, 0]) / 0.3) ** 2 - 0.5 * (z**2).sum(1),
                 {"Gaussian q": plain, "q with a flow": carried})

# %% [markdown]
# The Gaussian covers one stretch of the parabola, since a sample off it costs dearly. The flow bends with it.
#
# And on the digits? There the gap has two parts: a Gaussian may not fit (*approximation*), or the encoder may not find the
# best Gaussian of an image it has not seen (*amortisation*). Give each test image its own free $\mu$ and $\log \sigma^2$:

# %%
with torch.no_grad():
    own = [part.clone().requires_grad_() for part in plane.encode(some_x)]
    of_encoder = plane.log_weights(some_x, 100).mean().item()
    log_p = log_p_by_quadrature(plane, some_x).mean().item()
optimiser = torch.optim.Adam(own, lr=0.02)


def own_elbo(draws=10):
    mu, logvar = (part.repeat(draws, 1) for part in own)
    log_p_given_z = plane.log_likelihood(some_x.repeat(draws, 1, 1, 1), reparameterise(mu, logvar))
    return log_p_given_z.mean() - kl_per_dimension(*own).sum(1).mean()


for _ in range(steps(150)):
    optimiser.zero_grad()
    (-own_elbo()).backward()
    optimiser.step()
best = own_elbo(200).item()
print(f"log p(x) {log_p:.2f}, ELBO with the best Gaussians {best:.2f}, with the encoder's "
      f"{of_encoder:.2f}")
print(f"approximation gap {log_p - best:.2f}, amortisation gap {best - of_encoder:.2f} nats")

# %% [markdown]
# A richer family mends the first part only. Know which gap you have before you buy a flow.

# %% [markdown]
# ## 7.11 Break it
#
# **Predict.** $\beta = 0$: no KL term at all. What happens to reconstructions, and to samples?

# %%
torch.manual_seed(0)
broken = train(VAE((1, 8, 8), 10, hidden=(256, 128)), x, weighted(0), 600)
with torch.no_grad():
    x_hat = broken.decode(broken.encode(x_test[:10])[0])
    spread = broken.encode(x_test)[0].std(0)
print("spread of mu in each latent variable", spread.numpy().round(1))
gallery(torch.cat([x_test[:10], x_hat, broken.sample(10)]), columns=10,
        row_labels=["x", "decoded", "new"], what="digits of a VAE without its KL term")

# %% [markdown]
# It is the autoencoder of chapter 5: it reconstructs better, and the prior lies in one small place among codes that are
# spread far and wide.
#
# **Something else to break.** A likelihood has a domain, and data may be damaged. The VAE says so at the call:

# %%
for bad in (16 * grey_test, x_test * math.nan, x_test.flatten(1)):
    try:
        vae(bad)
    except ValueError as error:
        print(error)

# %% [markdown]
# ## What you can do now
#
# 1. *Train and sample*: encode, sample, decode, two terms of loss; then $z \sim N(0, I)$ and the decoder alone.
# 2. *A likelihood*: Bernoulli for zeros and ones, a density for grey values; $\sigma$ weighs errors against the KL term, so
#    learn it or set it to its optimum.
# 3. *The plane*: decode the quantiles of the prior.
# 4. *Samples against reconstructions*: blur is an average; holes are a prior that is not $q(z)$, and a mixture mends those.
# 5. *A direction*: $\operatorname{cov}(z, f) / \operatorname{var}(f)$, scored by a judge that never saw the model. As features,
#    codes help where labels are few and pixels many; they keep only what the ELBO pays for.
# 6. *Collapse and bounds*: look at the KL of each latent variable; free bits; $K$ samples; a flow, if the family is the fault.
#
# ## Test yourself
#
# <details><summary>1. Why is the decoder's mean shown, and not a sample of p(x|z)?</summary>
#
# A sample of the model has noise in each pixel: $\sigma$ for a Gaussian, salt and pepper for a Bernoulli. Showing the mean
# leaves it out, which is kind to the model. The ELBO scores the noise too.
# </details>
#
# <details><summary>2. You multiply the images by 255. What must change for the same model?</summary>
#
# $\sigma$, by 255, and then the ELBO falls by $D \log 255$: a density has units. With $\sigma$ left at 0.1, the
# reconstruction term grows by $255^2$ and the KL term is as good as gone.
# </details>
#
# <details><summary>3. Rotate z by an orthogonal matrix, in encoder and decoder. What happens to the ELBO?</summary>
#
# Nothing, if $q$ may have any covariance: the prior is the same in all directions. So $z_1$ alone has no reason to be the
# smile. (A diagonal $q$ does prefer some axes, a little.)
# </details>
#
# <details><summary>4. The bound with K = 1000 equals the ELBO for every image. What do you conclude?</summary>
#
# All weights are equal: $q(z \mid x)$ is the true posterior, and both are $\log p(x)$. Or all latents are collapsed: then
# $q$ is the prior, which *is* the posterior of a decoder that ignores $z$.
# </details>
#
# <details><summary>5. A mixture fitted to q(z) gives better samples. Is it then a better model?</summary>
#
# With the mixture as prior the ELBO can be computed anew, with $\mathrm{KL}(q(z|x) \Vert \text{mixture})$ in place of the
# old term, and it usually rises: yes. Fitted on the training codes, it must be judged on held-out ones.
# </details>
#
# ## References
#
# - D. P. Kingma, M. Welling, *Auto-encoding variational Bayes*, ICLR 2014.
# - D. J. Rezende, S. Mohamed, D. Wierstra, *Stochastic backpropagation and approximate inference in deep generative
#   models*, ICML 2014.
# - Y. Burda, R. Grosse, R. Salakhutdinov, *Importance weighted autoencoders*, ICLR 2016.
# - D. P. Kingma, T. Salimans, R. Jozefowicz, X. Chen, I. Sutskever, M. Welling, *Improving variational inference with
#   inverse autoregressive flow*, NIPS 2016.
# - S. R. Bowman et al., *Generating sentences from a continuous space*, CoNLL 2016 (posterior collapse).
# - I. Higgins et al., *beta-VAE*, ICLR 2017.
# - C. Cremer, X. Li, D. Duvenaud, *Inference suboptimality in variational autoencoders*, ICML 2018.
# - G. Loaiza-Ganem, J. P. Cunningham, *The continuous Bernoulli*, NeurIPS 2019.
# - P. Ghosh et al., *From variational to deterministic autoencoders*, ICLR 2020 (a density fitted to the codes).
# - O. Rybkin, K. Daniilidis, S. Levine, *Simple and effective VAE training with calibrated decoders*, ICML 2021.
# - M. Heusel et al., *GANs trained by a two time-scale update rule*, NIPS 2017 (the Frechet distance on features).
#
# **Next:** chapter 8 gives up the likelihood, and lets a second network judge.
