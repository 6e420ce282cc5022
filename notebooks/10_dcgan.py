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
# # 10. Deep convolutional GANs
#
# **From the lecture:** DCGAN: its architecture and the five guidelines; samples; interpolation between random points;
# vector arithmetic: man with glasses $-$ man $+$ woman $=$ woman with glasses.
#
# **When you are through, you can**
#
# 1. compute a fractionally strided convolution by hand, in three ways,
# 2. say where checkerboards come from, and what mends them,
# 3. name the five guidelines, and check a network against them,
# 4. train a GAN on images, and judge it by eye, by number and by its nearest training images,
# 5. walk from one face to another, and say why the straight line is not the best way,
# 6. do arithmetic with faces, *score* it, and name the baseline that such a score must beat.
#
# **You need** chapter 8 (the game), a little of chapter 9 (tricks), and convolutions. **Time:** about two hours with the
# six exercises; the code itself runs in under a minute.

# %% tags=["setup"]
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course.data import load_images
from course.gan import latent, strides
from course.gan.dcgan import Discriminator, Generator
from course.gan.game import play
from course.gan.guidelines import GUIDELINES, breaches
from course.gan.neighbours import nearest_images
from course.gan.tricks import on_sphere, slerp
from course.lab import check, hint, solution
from course.likelihood.image_quality import frechet_distance, power_spectrum
from course.likelihood.reader import Reader
from course.plots import dcgan as plots
from course.plots.images import gallery
from course.plots.widgets import sliders
from course.training import Training, checkpoint, steps

torch.manual_seed(0)
torch.set_num_threads(1);  # small networks: one thread is faster than two

# %% [markdown]
# ## 10.1 What stood in the way
#
# The generator of chapter 8 gives every pixel a weight from every hidden unit. It must learn an eye anew for each place
# that an eye may have. Convolutions learn it once. By 2014 they had won every contest in recognising images. So why did
# nobody train a deep convolutional GAN?
#
# Many tried. A network that *recognises* goes from a large image to a small answer, and throws away where things are: that
# is what pooling is for. A generator must go the other way. And training it is a game, which falls apart when the signals
# in one player fade or explode. In 2016 Radford, Metz and Chintala published five guidelines, found by trying, with which
# it worked on one data set after another. They still stand behind most generators that followed.
#
# We take them one by one, and begin with the operation that makes images larger.

# %% [markdown]
# ## 10.2 The convolution that makes an image larger
#
# A convolution with stride 2 moves its kernel by two pixels at a time: the image becomes half as wide. What would a stride
# of *one half* be? To move by half a pixel, put a zero between any two pixels, and move by one.

# %%
y = np.array([[1.0, 2.0], [3.0, 4.0]])
w = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]])
wide = strides.zeros_between(y, stride=2)
up = strides.fractional_convolution(y, w, stride=2)
plots.tables({"y": y, "zeros between": wide, "kernel w": w, "result": up})


# %% [markdown]
# Read the result in another way: every pixel of $y$ presses the kernel down like a rubber stamp, two places apart, as hard
# as the pixel is bright. The corner at the top left is $1 \cdot w$. Where stamps overlap, they add up.
#
# **Predict.** The middle of the result is touched by all four stamps. Which entry of the kernel does each of them put
# there?
#
# ### Exercise 1: fractionally strided (3 points)

# %% tags=["exercise"]
def fractionally_strided(y, w, stride, padding):
    """an image y (n, n), a kernel w (k, k), a stride and a padding -> a larger image, of side
    (n - 1) stride + k - 2 padding: every y[i, j] presses the stamp y[i, j] w with its corner at
    (i stride, j stride), stamps add up where they overlap, and `padding` rows and columns are cut
    off on all four sides.

    Example: y = ((2,),), w = ((1, 2), (3, 4)) with padding 0 give ((2, 4), (6, 8)).
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
fractionally_strided = check("fractionally_strided")

# %% tags=["help"]
# hint("fractionally_strided")        # delete the first # for a hint; run again for the next one
# solution("fractionally_strided")    # the same for the solution

# %% [markdown]
# A third way, and it gives the operation its other name. A convolution is linear: with images as long vectors it is a
# matrix, $y = M x$. Its rows hold the kernel, shifted. The **transpose** $M^\top$ goes from small to large, and it is the
# same operation once more: *transposed convolution*. (Not "deconvolution": $M^\top$ is no inverse.)

# %% tags=["nbval-check-output"]
M = strides.convolution_matrix(w, side=5, stride=2, padding=0)
print("M, from 5 x 5 pixels to 2 x 2:", M.shape)
wide = np.pad(strides.zeros_between(y, 2), 2)
turned = w[::-1, ::-1]
by_zeros = [[(wide[i : i + 3, j : j + 3] * turned).sum() for j in range(5)] for i in range(5)]
by_matrix = (M.T @ y.ravel()).reshape(5, 5)
by_torch = F.conv_transpose2d(*(torch.tensor(a)[None, None] for a in (y, w)), stride=2)[0, 0]
for name, result in {"zeros between": by_zeros, "matrix": by_matrix, "PyTorch": by_torch}.items():
    same = np.allclose(result, fractionally_strided(y, w, 2, 0))
    print(f"{name:14} the same as stamps: {same}")


# %% [markdown]
# (In the first way the kernel is turned by 180 degrees: PyTorch's "convolution" does not turn it, the stamp does.)
#
# How large do images become? Going down, a kernel of $k$ with stride $s$ and padding $p$ makes a side $n$ to
# $\lfloor (n + 2p - k)/s \rfloor + 1$. Going up is the same relation, read backwards.
#
# ### Exercise 2: sides (2 points)

# %% tags=["exercise"]
def layer_sides(side, layers):
    """side, and a list of layers ("down" or "up", kernel, stride, padding) -> a list of whole
    numbers: the side of the image before the first layer and after each.

    Example: layer_sides(8, [("down", 4, 2, 1), ("up", 3, 2, 0)]) gives [8, 4, 9].
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
layer_sides = check("layer_sides")

# %% tags=["help"]
# hint("layer_sides")        # delete the first # for a hint; run again for the next one
# solution("layer_sides")    # the same for the solution

# %% [markdown]
# A kernel of 4 with stride 2 and padding 1 halves a side, or doubles it, exactly. DCGAN's generator begins with $z$ as an
# image of one pixel with many channels:

# %% tags=["nbval-check-output"]
doubling = [("up", 4, 2, 1)] * 3
print("generator:    ", layer_sides(1, [("up", 4, 1, 0), *doubling]))
print("discriminator:", layer_sides(32, [("down", 4, 2, 1)] * 3 + [("down", 4, 1, 0)]))


# %% [markdown]
# ## 10.3 Checkerboards
#
# Early generators left a fine checkerboard on their images. Where does it come from? Count how many stamps cover each
# place.
#
# ### Exercise 3: how many stamps (2 points)

# %% tags=["exercise"]
def stamps_over(n, kernel, stride):
    """whole numbers n, kernel, stride -> ((n - 1) stride + kernel,): how many of n stamps of
    length kernel, laid down stride places apart, cover each place of a line.

    Example: stamps_over(2, 3, 2) gives (1, 1, 2, 1, 1).
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
stamps_over = check("stamps_over")

# %% tags=["help"]
# hint("stamps_over")        # delete the first # for a hint; run again for the next one
# solution("stamps_over")    # the same for the solution

# %% [markdown]
# **Predict.** A kernel of 3 with stride 2, and one of 4: which of them is uneven?

# %%
cases = [(3, 2), (4, 2), (5, 3)]
plots.overlaps({f"kernel {k}, stride {s}": stamps_over(9, k, s) for k, s in cases})

# %% [markdown]
# Where the stride does not divide the kernel, some places get more ink than their neighbours, whatever the image is. In
# the plane the pattern is multiplied with itself: a checkerboard. A network can learn weights that balance it. That is
# one thing more to learn, in every layer.
#
# A kernel of 4 with stride 2 is even, **if its weights are**. Are we safe then? Take an image that is the same everywhere,
# and draw the weights at random, as at the start of a training. A *resize-convolution* first doubles the image by
# repeating pixels, then convolves with stride 1.

# %%
flat = torch.ones(1, 1, 12, 12)
inner = lambda x: x[0, 0, 6:18, 6:18]
random = lambda k: torch.rand(1, 1, k, k, generator=torch.Generator().manual_seed(3)) / k**2
results = {
    "3 / 2, equal": F.conv_transpose2d(flat, torch.ones(1, 1, 3, 3) / 9, stride=2),
    "4 / 2, equal": F.conv_transpose2d(flat, torch.ones(1, 1, 4, 4) / 16, stride=2),
    "3 / 2, random": F.conv_transpose2d(flat, random(3), stride=2),
    "4 / 2, random": F.conv_transpose2d(flat, random(4), stride=2),
    "resize, random": F.conv2d(F.interpolate(flat, scale_factor=2), random(3)),
}
for name, x in results.items():
    print(f"{name:15} varies by {inner(x).std() / inner(x).mean():.3f} of its mean")
relative = torch.stack([inner(x) / inner(x).mean() for x in results.values()])
gallery(relative, results, 5, what="answers to an image that is the same everywhere", cell=1.5)

# %% [markdown]
# Only the resize-convolution gives a flat answer to a flat question, with any weights: every pixel sees the same kernel.
# With 4 / 2, the four pixels of each 2 x 2 block are made by four different parts of the kernel. It *can* be even, and in
# DCGAN the discriminator has to teach it that. We will measure whether it did.

# %% [markdown]
# ## 10.4 The five guidelines

# %% tags=["nbval-check-output"]
for number, guideline in GUIDELINES.items():
    print(f"{number}. {guideline}")


# %% [markdown]
# - **Strides** let the networks learn how to change the size.
# - **Batch normalisation** keeps signals alive in a deep network, and one bad start from collapsing all. Not at $G$'s
#   output and $D$'s input: there the mean and scale of the images are what matters.
# - **No hidden layer that is fully connected**: it would mix all places again.
# - **ReLU** in $G$, but tanh at its end: images are scaled to $[-1, 1]$.
# - **LeakyReLU** in $D$: it has a slope on both sides, and the generator learns through that slope.
#
# The second one deserves a closer look. What is normalised over what?
#
# ### Exercise 4: batch normalisation (2 points)

# %% tags=["exercise"]
def batch_normalise(x, gamma, beta):
    """x (n, channels, height, width), gamma (channels,), beta (channels,) -> an array of the same
    shape: every channel with its mean taken off and divided by sqrt(variance + 0.00001), both over
    all images and places, then times gamma and plus beta of that channel. The variance divides by
    the number of values.

    Example: the values 1 and 3 of one channel, with gamma = 1 and beta = 5, give about 4 and 6.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
batch_normalise = check("batch_normalise")

# %% tags=["help"]
# hint("batch_normalise")        # delete the first # for a hint; run again for the next one
# solution("batch_normalise")    # the same for the solution

# %% [markdown]
# Here are our two networks, for faces of 32 x 32 pixels. Read them line by line: where is each guideline?

# %%
G = Generator(shape=(3, 32, 32), latent=32, width=24)
D = Discriminator(shape=(3, 32, 32), width=20)
print(G.layers)
print(D.layers)
x = G(torch.randn(5, 32))
print("z (5, 32) ->", tuple(x.shape), "->", tuple(D(x).shape))

# %% [markdown]
# `breaches` reads a network as you just did, and names each layer that breaks a guideline. Our networks first, then a
# discriminator that looks like a good classifier of the time.

# %% tags=["nbval-check-output"]
print("G:", breaches(G, "generator"), "  D:", breaches(D, "discriminator"))
classifier = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(2048, 64), nn.ReLU(), nn.Linear(64, 1),
)
for breach in breaches(classifier, "discriminator"):
    print(f"layer {breach.layer} breaks {breach.guideline}: {breach.why}")

# %% [markdown]
# And a generator with the resize-convolutions of 10.3. It breaks the letter of the first guideline, and knows why:
# guidelines are what worked in 2016, not laws.

# %% tags=["nbval-check-output"]
resizing = nn.Sequential(
    nn.ConvTranspose2d(32, 48, 4), nn.BatchNorm2d(48), nn.ReLU(),
    nn.Upsample(scale_factor=2), nn.Conv2d(48, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
    nn.Upsample(scale_factor=2), nn.Conv2d(24, 1, 3, padding=1), nn.Sigmoid(),
)
for breach in breaches(resizing, "generator"):
    print(f"layer {breach.layer} breaks {breach.guideline}: {breach.why}")

# %% [markdown]
# ## 10.5 Faces
#
# The course's faces are cartoons, drawn from known factors. Images go to $[-1, 1]$, weights start from
# $N(0, 0.02^2)$, and Adam's $\beta_1$ is $0.5$, as in the paper. `play` is one round of chapter 8's algorithm with $k = 1$
# and the $\log D$ trick.

# %%
faces = load_images("faces", n=1000 + steps(1000, full=7000))


def adam(network, rate=5e-4):
    return torch.optim.Adam(network.parameters(), rate, betas=(0.5, 0.99), fused=True)


for_G, for_D = adam(G), adam(D)
z_shown = torch.randn(10, 32, generator=torch.Generator().manual_seed(4))


def step(x):
    return play(G, D, for_G, for_D, x, torch.randn(len(x), 32))


def look():
    return G(z_shown) / 2 + 0.5


training = Training(step, faces.x * 2 - 1, [G, D, for_G, for_D], batch_size=32,
                    log_every=5, snapshot=look, snapshot_every=steps(100))

# %%
training.run(steps(300, full=7600));

# %% [markdown]
# You may stop it (the square in the toolbar) and run this one cell again: it goes on after the last step, and nothing is
# lost. `training.save(path)` and `training.resume(path)` do the same for another day. A loss that is no number any more
# stops it, with a word on what to try.
#
# The same ten $z$ at several steps:

# %%
shown = training.snapshots[:: max(1, len(training.snapshots) // 4)]
labels = [f"step {number}" for number, _ in shown]
gallery(torch.cat([x for _, x in shown]), columns=10, row_labels=labels,
        what="generated faces, the same noise at several steps of the training")

# %% [markdown]
# Heads and hair come first, then something about the eyes. And there they are, the checkerboards of 10.3. Good faces need
# some minutes; a checkpoint had them. Its recipe, `course/recipes/dcgan_faces.py`, adds three things of chapter 9 to the
# step above: the weights of $G$ are averaged over many steps, the rates fall in the second half, and a penalty on the slope
# of $D$ at the data keeps $D$ from growing sure.

# %%
trained_here = nn.ModuleDict({"generator": G, "discriminator": D})
networks, curve = checkpoint("dcgan_faces", trained_here, training.history)
G, D = networks["generator"].eval(), networks["discriminator"].eval()
plots.losses(curve)


# %%
@torch.no_grad()
def draw(z):
    return G(z) / 2 + 0.5


own = torch.Generator().manual_seed(1)
z = torch.randn(steps(3000), 32, generator=own)
made = draw(z)
gallery(made[:50], columns=10, cell=1, what="generated faces, not chosen")

# %% [markdown]
# The first fifty, none left out. Are they faces at first sight? Glasses, beards, smiles, heads that turn, hair with
# strands? Look longer: which ones went wrong, and where?
#
# By number: the Frechet distance of chapter 7 (0 means alike) between features of generated and of held-out faces, on
# 1,000 each. Beside it, two sets of *real* faces: no generator can be expected below that.

# %%
reader, _ = checkpoint("faces_reader", Reader(), {})
reader.eval()
held_out = load_images("faces", "test")


@torch.no_grad()
def features(x):
    return reader.features(x.clamp(0, 1))


def distance(x, real=held_out.x):
    return frechet_distance(features(x), features(real))


print(f"real faces:          {distance(faces.x[:1000]):6.2f}")
print(f"DCGAN:               {distance(made[:1000]):6.2f}")
blurred = F.avg_pool2d(F.pad(faces.x[:1000], (1, 1, 1, 1), mode="replicate"), 3, 1)
print(f"real faces, blurred: {distance(blurred):6.2f}")

# %% [markdown]
# The last line is a warning: the reader was trained to see through blur, so this distance hardly minds it, and a sharp eye
# does. One number is never the whole story.
#
# And the checkerboards? Look where nothing should be: at the plain background in a corner. How much do the four pixels of a
# 2 x 2 block differ from each other there?

# %%
corner = lambda x: x[:, :, :6, :6]
within = lambda x: F.avg_pool2d(x**2, 2) - F.avg_pool2d(x, 2) ** 2  # the variance in each block
early = training.snapshots[-1][1]
for name, x in {"real": held_out.x, "DCGAN": made, "trained here": early}.items():
    print(f"{name:13}{within(corner(x)).mean().sqrt():.4f}")

# %% [markdown]
# The discriminator has taught the generator to balance its stamps, nearly: it takes thousands of steps.

# %% [markdown]
# ## 10.6 Digits
#
# Digits of 16 x 16 pixels need one doubling less. Nothing else changes. A checkpoint again; its recipe is
# `course/recipes/dcgan_digits.py`.

# %%
digits = load_images("digits", size=16)
shape = (1, 16, 16)
fresh = {"generator": Generator(shape, 16, 24), "discriminator": Discriminator(shape, 24)}
digit_networks, _ = checkpoint("dcgan_digits", nn.ModuleDict(fresh), {})
G_digits = digit_networks["generator"].eval()
with torch.no_grad():
    made_digits = G_digits(torch.randn(360, 16, generator=own)) / 2 + 0.5
gallery(torch.cat([made_digits[:24], digits.x[:12]]), columns=12, what="digits, generated and real",
        row_labels=["made", "", "the data"])

# %% [markdown]
# ## 10.7 Learnt by heart?
#
# The paper asks it, and so did chapter 8: beside each sample its nearest training image.

# %%
index, _ = nearest_images(made_digits[:12].numpy(), digits.x.numpy())
gallery(torch.cat([made_digits[:12], digits.x[index]]), columns=12, row_labels=["made", "nearest"],
        what="generated digits, and below each its nearest training image")

# %%
all_faces = load_images("faces", n=steps(8000)).x  # what the checkpoint has seen
index, _ = nearest_images(made[:10].numpy(), all_faces.numpy())
gallery(torch.cat([made[:10], all_faces[index]]), columns=10, row_labels=["made", "nearest"],
        what="generated faces, and below each its nearest training image")

# %%
new_digits = load_images("digits", "test", size=16).x
for name, training_set, heaps in [
    ("digits", digits.x, {"made": made_digits, "held out": new_digits}),
    ("faces", all_faces, {"made": made[:200], "held out": held_out.x[:200]}),
]:
    for heap, x in heaps.items():
        d = nearest_images(x.numpy(), training_set.numpy())[1]
        low, middle, high = np.quantile(d, [0.05, 0.5, 0.95])
        print(f"{name:7}{heap:9} distance to nearest: {low:5.2f} ... {middle:5.2f} ... {high:5.2f}")

# %% [markdown]
# A copy would be at distance 0. Samples keep no closer to the training images than new, real images do: they were not
# copied. Where they keep *farther* away, it is no virtue: what no training image looks like may be no digit. (Pixel by
# pixel a copy that is moved by one pixel is far away too. This is a check, no proof.)

# %% [markdown]
# ## 10.8 From one face to another
#
# Between two random points $z_0$ and $z_1$ lies a whole path of $z$. If the generator had learnt single images, the path
# would jump from one to the next.

# %%
t = torch.linspace(0, 1, 10)
pairs = torch.randn(4, 2, 32, generator=torch.Generator().manual_seed(3))
walks = torch.cat([draw(latent.lerp(z0, z1, t)) for z0, z1 in pairs])
gallery(walks, columns=10, what="faces along straight lines between random points, a line a row")


# %% [markdown]
# It does not jump: all that is between is a face. But is the straight line the right path?
#
# **Predict.** Draw $z_0$ and $z_1$ from $N(0, I)$. Is their midpoint a typical draw from $N(0, I)$?
#
# ### Exercise 5: two variances (2 points)

# %% tags=["exercise"]
def mixed_variances():
    """no arguments -> two texts, formulas in t and k: the variance of each coordinate of
    (1 - t) z0 + t z1, and that of mean(a) - mean(b) + mean(c) with k draws in each mean; all draws
    independent, from N(0, I).

    Example: a text such as "t**2 - 1/k"; the first formula is "1" at t = 0 and t = 1.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
mixed_variances = check("mixed_variances")

# %% tags=["help"]
# hint("mixed_variances")        # delete the first # for a hint; run again for the next one
# solution("mixed_variances")    # the same for the solution

# %% [markdown]
# In the middle the variance is one half. In 32 dimensions a draw has a length near $\sqrt{32}$, hardly ever as little as
# $\sqrt{16}$: the straight line cuts through a ball where the generator was never trained. The way out is to walk on the
# sphere, at the length of a typical draw. `slerp` of chapter 9 does it:
# $\;\frac{\sin((1 - t)\,\omega)}{\sin \omega} z_0 + \frac{\sin(t\, \omega)}{\sin \omega} z_1$ with $\omega$ the angle between them.

# %%
z0, z1 = torch.randn(2, steps(1000), 32, generator=own)
ways = {"straight": lambda s: torch.lerp(z0, z1, float(s)),
        "on the sphere": lambda s: slerp(z0, z1, torch.full((len(z0),), float(s)))}
length = lambda z: z.norm(dim=-1) / 32**0.5
on_the_way = {name: torch.stack([length(at(s)) for s in t], 1) for name, at in ways.items()}
plots.lengths(t, on_the_way, length(z))

# %%
z_a, z_b = pairs[0]
rows = torch.cat([draw(latent.lerp(z_a, z_b, t)), draw(slerp(z_a, z_b, t))])
gallery(rows, columns=10, row_labels=["straight", "sphere"],
        what="faces between one pair of points, joined in two ways")

# %% [markdown]
# By eye there is little between them. By number? The midpoints of 1,000 pairs, as a set of images; "detail" is the power
# at high frequencies, relative to real faces; "spread" is how much the images differ from each other, likewise.

# %%
fine = slice(10, 17)  # cycles to a side
detail = lambda x, real=held_out.x: (power_spectrum(x)[fine] / power_spectrum(real)[fine]).mean()
spread = lambda x: (x.var(0).mean() / held_out.x.var(0).mean()).sqrt()
middles = {"draws": z0, **{name: at(0.5) for name, at in ways.items()}}
print(f"{'':14}Frechet distance   detail   spread")
for name, z_middle in middles.items():
    x = draw(z_middle)
    print(f"{name:14}{distance(x):16.2f}{detail(x):9.2f}{spread(x):9.2f}")


# %% [markdown]
# Midpoints on the sphere are as good as any draw. Midpoints of straight lines differ less from each other than faces do,
# and are smoother: they are all a little nearer to the average face. A small network forgives it, and each single one looks
# fine. It is the *set* that is wrong. Measure before you believe in a trick, also in this one.

# %% [markdown]
# ## 10.9 Arithmetic with faces
#
# The slide: take the $z$ of three men with glasses, of three men without, of three women without. Average each group.
# Then
#
# $$ z = \bar z_{\text{man with glasses}} - \bar z_{\text{man}} + \bar z_{\text{woman}} . $$
#
# ### Exercise 6: arithmetic (1 point)

# %% tags=["exercise"]
def latent_arithmetic(a, b, c):
    """tensors a, b, c (k, p), the latents of k exemplars each -> (p,): the mean of a minus the
    mean of b plus the mean of c.

    Example: a = ((1, 2), (3, 4)), b = c = ((0, 0), (0, 0)) give (2, 3).
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
latent_arithmetic = check("latent_arithmetic")

# %% tags=["help"]
# hint("latent_arithmetic")        # delete the first # for a hint; run again for the next one
# solution("latent_arithmetic")    # the same for the solution

# %% [markdown]
# The paper's authors picked exemplars by eye. We have a judge: the reader of chapter 7 says of each of our 3,000 generated
# faces whether it is a woman's, and whether it wears glasses. Where it is unsure, we leave the face out.

# %%
groups = latent.kinds(reader.read(made))
print({kind: len(found) for kind, found in groups.items()})
if min(map(len, groups.values())) == 0:  # with an untrained generator: any faces will do
    groups = {kind: torch.arange(i, len(z), 4) for i, kind in enumerate(latent.KINDS)}
wanted = ("man with glasses", "man", "woman")
picked = latent.triples(groups, 1, 3, torch.Generator().manual_seed(5))
a, b, c = (z[one[0]] for one in picked)
result = latent_arithmetic(a, b, c)
nine = draw(latent.around(result, 0.35, 9, own))
columns = {kind: (draw(group), draw(group.mean(0, keepdim=True))[0])
           for kind, group in zip(wanted, (a, b, c))}
plots.arithmetic(columns, nine, "woman with glasses")

# %% [markdown]
# One triple is an anecdote. Take 500 triples, and let the judge read the results. By chance a face is a woman's with
# glasses once in four times.
#
# A number alone proves nothing: what would a method get that understands nothing? So do the same arithmetic with
# **pixels**: average the images, subtract, add. Print both for $k$ exemplars a group, and beside the judge's verdict
# three measures of whether these are *images of faces*: the fine detail relative to real women with glasses, the Frechet
# distance to them, and what our discriminator says (its mean logit; it saw real faces and generated ones).

# %%
is_it = (held_out.factors["woman"] > 0.5) & (held_out.factors["glasses"] > 0.5)
real = held_out.x[is_it]


@torch.no_grad()
def judge(name, x):
    x = x.clamp(0, 1)
    share = latent.women_with_glasses(reader.read(x))
    print(f"{name:28}{share:14.2f}{detail(x, real):9.2f}{distance(x, real):10.1f}"
          f"{D(2 * x - 1).mean():8.1f}")


print(f"{'':28}woman, glasses   detail   Frechet       D")
of_kind = (faces.factors["woman"] > 0.5) & (faces.factors["glasses"] > 0.5)
judge("real women with glasses", faces.x[of_kind])
judge("generated, any", made[:500])
judge("generated, read as such", made[groups["woman with glasses"]])
for k in (1, 3, 10):
    a, b, c = latent.triples(groups, steps(500), k, own)
    in_z = latent.arithmetic(z[a], z[b], z[c])
    judge(f"in z, k = {k}", draw(in_z))
    judge("in z, back on the sphere", draw(on_sphere(in_z)))
    judge(f"in pixels, k = {k}", made[a].mean(1) - made[b].mean(1) + made[c].mean(1))

# %% [markdown]
# Read it column by column. In the first, arithmetic in $z$ is far above chance, **and pixels are at least as good**:
# glasses and long hair always sit in the same place in our faces, so adding and subtracting them as ink works. A paper
# that printed this column alone would have shown nothing. The last column tells them apart: for $D$ the results in $z$ are
# like any other generated faces; the pixel results are not. Look:

# %%
a, b, c = latent.triples(groups, 10, 3, torch.Generator().manual_seed(7))
by_latent = draw(latent.arithmetic(z[a], z[b], z[c]))
by_pixels = (made[a].mean(1) - made[b].mean(1) + made[c].mean(1)).clamp(0, 1)
gallery(torch.cat([by_latent, by_pixels]), columns=10, row_labels=["in z", "in pixels"],
        what="man with glasses minus man plus woman, ten triples: in latent space, and in pixels")

# %% [markdown]
# Pixel arithmetic is a double exposure: three noses, ghosts of glasses, faces that look two ways. Arithmetic in $z$ gives
# *one* face. That is what the slide shows: the generator's space has directions, and they mean something.
#
# And $k$? By Exercise 5 the sum has the variance $3 / k$: with one exemplar it is too long (too much "detail"), with ten too
# short (too little), and **three exemplars make a vector of just the usual length**. More exemplars average more of the
# accidents away, so put the sum of ten back on the sphere, as in 10.8: it is the best of all rows, and nearer to real
# women with glasses than pixels come.
#
# If glasses are a direction, we can walk along it. Two directions, from the means of the groups:

# %%
man, man_glasses, woman, woman_glasses = (z[groups[kind]].mean(0) for kind in latent.KINDS)
to_glasses = (man_glasses + woman_glasses - man - woman) / 2
to_woman = (woman + woman_glasses - man - man_glasses) / 2
start = z[groups["man"][28 % len(groups["man"])]]
steps_along = torch.linspace(-0.5, 2, 8)[:, None]
both = torch.cat([start + steps_along * to_glasses, start + steps_along * to_woman])
gallery(draw(both), columns=8, row_labels=["glasses", "woman"],
        what="faces: one man, moved along two directions")


# %% [markdown]
# Now walk yourself:

# %%
def face_at(glasses, woman, other):
    there = slerp(start, z[7], torch.tensor([other]))[0]
    x = draw((there + glasses * to_glasses + woman * to_woman)[None])
    return gallery(x, cell=2.4, what=f"face, glasses {glasses:.1f}, woman {woman:.1f}, {other:.1f}")


knobs = {"glasses": (-1, 2, 0, 0.1), "woman": (-1, 2, 0, 0.1), "to another face": (0, 1, 0, 0.05)}
sliders(face_at, knobs)

# %% [markdown]
# ## 10.10 Photographs
#
# The same networks take real images of 32 x 32 pixels. CIFAR-10 (170 MB) and Labeled Faces in the Wild (230 MB) are never
# fetched unless you ask: `course download cifar10` or `course download lfw` in a terminal. Then this cell trains on them
# for a moment. Give it an hour, with `training.run(50_000)`, if you want to see birds and ships.

# %%
from course.data.dataset import DataError


def try_on(name, rounds):
    photos = load_images(name, n=5000, size=32).x * 2 - 1
    G, D = Generator(latent=64), Discriminator()
    g, d = adam(G), adam(D)
    step = lambda x: play(G, D, g, d, x, torch.randn(len(x), 64))
    Training(step, photos, [G, D, g, d], batch_size=32).run(rounds)
    with torch.no_grad():
        x = G.eval()(torch.randn(12, 64)) / 2 + 0.5
    display(gallery(torch.cat([x, photos[:12] / 2 + 0.5]), columns=12, row_labels=["made", "real"]))


for name in ("cifar10", "lfw"):
    try:
        try_on(name, steps(100))
    except DataError as missing:
        print(missing)


# %% [markdown]
# ## 10.11 Break it
#
# Take the second guideline away: no batch normalisation, all else as before. How much does a pixel differ from one $z$ to
# another, after each layer of a fresh generator?

# %%
def signals(network, z):
    found, x = [], z[:, :, None, None]
    for layer in network.layers:
        x = layer(x)
        if isinstance(layer, nn.ConvTranspose2d):
            found.append(x.std(0).mean().item())
    return "  ".join(f"{value:.4f}" for value in found)


def without_norm(network):
    kept = [layer for layer in network.layers if not isinstance(layer, nn.BatchNorm2d)]
    network.layers = nn.Sequential(*kept)
    return network


z_some = torch.randn(64, 32)
with torch.no_grad():
    for name, change in {"with": lambda network: network, "without": without_norm}.items():
        torch.manual_seed(0)
        fresh = change(Generator((3, 32, 32), 32, 24))
        print(f"{name:8} batch normalisation: {signals(fresh, z_some)}")


# %% [markdown]
# **Predict.** Without it every layer shrinks the signal. What will the two generators have learnt after the same number of
# rounds on digits?

# %%
def trained(change, rounds=300):
    torch.manual_seed(0)
    G, D = change(Generator((1, 16, 16), 32, 16)), change(Discriminator((1, 16, 16), 16))
    g, d = adam(G, 2e-3), adam(D, 2e-3)
    one = lambda x: play(G, D, g, d, x, torch.randn(len(x), 32))
    Training(one, digits.x * 2 - 1, [G, D, g, d], batch_size=32).run(steps(rounds), show=False)
    with torch.no_grad():
        return G(z_some[:12]) / 2 + 0.5


both = torch.cat([trained(lambda network: network), trained(without_norm)])
gallery(both, columns=12, row_labels=["with", "without"],
        what="digits after the same short training, with and without batch normalisation")

# %% [markdown]
# The signal that reaches the image is next to nothing, and so is the gradient that comes back. Adam divides a gradient by
# its size, and so rescues something: blobs, much alike. (With larger weights at the start a network without normalisation
# can be trained, if with more care.) Break others: ReLU in $D$, a sigmoid at the end of $G$ with images still in
# $[-1, 1]$, batch normalisation at $G$'s output.

# %% [markdown]
# ## What you can do now
#
# 1. **Fractionally strided.** Zeros between the pixels and a convolution; stamps that add up; the transpose of the
#    convolution's matrix. All the same.
# 2. **Checkerboards** come from uneven overlaps, where the stride does not divide the kernel, and from uneven weights
#    where it does. A resize-convolution has none.
# 3. **The guidelines**: strides for pooling; batch normalisation in both, not at $G$'s output and $D$'s input; no fully
#    connected hidden layers; ReLU and tanh in $G$; LeakyReLU in $D$.
# 4. **Judge** samples by eye, by the Frechet distance beside that of real images, by their nearest training images.
# 5. **Interpolate** on the sphere: the middle of a straight line has half the variance of a draw.
# 6. **Arithmetic** in $z$ works, far above chance; so does arithmetic in pixels, by the judge of attributes. Only the
#    measures of realism tell a face from a double exposure.
#
# ## Test yourself
#
# <details><summary>A generator ends with a kernel of 5 and stride 2. What do you expect to see?</summary>
#
# Five is not a multiple of two: places are covered by two or three stamps a line, in turn. A checkerboard, unless the
# weights have learnt to balance it.
# </details>
#
# <details><summary>Why is there no batch normalisation at the output of G?</summary>
#
# It would give every batch of images the same mean and spread, channel by channel, whatever was drawn. Brightness and
# contrast of the images could not vary as those of the data do.
# </details>
#
# <details><summary>Your samples are far from every training image. Is the generator good?</summary>
#
# Noise is far from them too. The distance should be like that of held-out images: not smaller, not larger.
# </details>
#
# <details><summary>A method turns men into women with glasses, by a judge's verdict, in 95 of 100 cases. What do you ask?</summary>
#
# What does a baseline that understands nothing get, such as pixel arithmetic? And: are the results good images, by a second
# judge that did not read the attributes?
# </details>
#
# **References.** A. Radford, L. Metz, S. Chintala, *Unsupervised representation learning with deep convolutional generative
# adversarial networks*, ICLR 2016. V. Dumoulin, F. Visin, *A guide to convolution arithmetic for deep learning*, 2016.
# A. Odena, V. Dumoulin, C. Olah, *Deconvolution and checkerboard artifacts*, Distill 2016. T. White, *Sampling generative
# networks*, 2016. L. Mescheder, A. Geiger, S. Nowozin, *Which training methods for GANs do actually converge?*, ICML 2018.
