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
# # 5. Autoencoders
#
# **From the lecture:** autoencoders, from PCA to convolutional networks; the L2 loss; features that initialise a
# supervised model; and the question that leads to the variational autoencoder: can we generate new images from one?
#
# **When you are through, you can**
#
# 1. say what an autoencoder minimises, and which distribution that loss believes in,
# 2. show that a linear autoencoder finds PCA's subspace, and say what it does *not* find,
# 3. place NMF and dictionary learning beside it: one factorisation, other constraints,
# 4. build the slide's four autoencoders, upconvolution included, and compare them fairly,
# 5. reuse an encoder where labels are few, and say with an interval whether that helped,
# 6. show by measurement why an autoencoder is not yet a generative model.
#
# **You need** chapter 1, and how a PyTorch network is trained. **Time:** about an hour and a half with the six
# exercises; the code itself runs in under a minute.

# %% tags=["setup"]
import copy

import numpy as np
import scipy.stats
import torch
from sklearn.decomposition import NMF, MiniBatchDictionaryLearning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import nn

from course.data import load_images
from course.lab import check, hint, solution
from course.likelihood import autoencoder, two_sample
from course.likelihood.gaussian import log_normal
from course.likelihood.transfer import labelled_rows
from course.plots import autoencoders as plots
from course.plots.images import gallery
from course.training import Training, steps
from course.unsupervised.pca import principal_components

threadpool_limits(1)  # tiny networks are faster on one core
torch.set_num_threads(1)
rng = np.random.default_rng(0)

# %% [markdown]
# ## 5.1 A network that copies
#
# Copying an image is easy, and useless. Now forbid it: an image of 64 pixels must go through a door that is only eight
# numbers wide. Whoever gets it through, and out again on the other side, must have learnt what images have in common.
#
# $$ x \;\xrightarrow{\ \text{encoder } f\ }\; z = f(x) \;\xrightarrow{\ \text{decoder } g\ }\; \hat x = g(z),
#    \qquad \min_{f,\, g}\ \frac1n \sum_{i=1}^n \lVert x_i - \hat x_i \rVert^2 . $$
#
# No labels: the image itself is the answer. That is an **autoencoder**, and the loss is the slide's **L2 loss**.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $x_i$ | `x_train`, `x_test` | $(n, 1, 8, 8)$ | images, pixels between 0 and 1 |
# | | `X` | $(n, p)$ | the same, one image a row, the mean image taken off; $p = 64$ |
# | $z_i$ | `Z` | $(n, k)$ | codes, or *features* |
# | $\hat x_i$ | `x_hat` | as $x$ | reconstructions |

# %%
train_set, test_set = load_images("digits"), load_images("digits", "test")
x_train, x_test = train_set.x, test_set.x
y_train, y_test = train_set.y, test_set.y
mean_image = x_train.flatten(1).double().numpy().mean(axis=0)
X = x_train.flatten(1).double().numpy() - mean_image
n, p = X.shape
gallery(x_train[:20], columns=10, what="handwritten digits, for training", cell=0.8)


# %% [markdown]
# Before any network, the loss. To train, we need its slope in each pixel of $\hat x$; the rest is the chain rule, and
# PyTorch does that.
#
# ### Exercise 1: the L2 loss and its gradient (2 points)

# %% tags=["exercise"]
def l2_loss(x, x_hat):
    """x (n, p), x_hat (n, p) -> (loss, gradient): the loss is the squared length of x_hat - x, row
    by row, averaged over the n rows; the gradient (n, p) is that of the loss with respect to x_hat.

    Example: x = [[0, 0]] and x_hat = [[1, 2]] have the loss 5 and the gradient [[2, 4]].
    """
    ### BEGIN SOLUTION
    residual = x_hat - x
    return (residual**2).sum() / len(x), 2 * residual / len(x)
    ### END SOLUTION


# %% tags=["check"]
l2_loss = check("l2_loss")

# %% tags=["help"]
# hint("l2_loss")        # delete the first # for a hint; run again for the next one
# solution("l2_loss")    # the same for the solution

# %% [markdown]
# **What does this loss believe?** Suppose the decoder does not state an image but a distribution: every pixel is
# $\hat x_j$ plus Gaussian noise of variance $\sigma^2$. Then
#
# $$ -\log N(x;\, \hat x, \sigma^2 I) = \frac{1}{2\sigma^2} \lVert x - \hat x \rVert^2 + \frac p2 \log(2\pi\sigma^2) . $$
#
# To minimise the L2 loss *is* to maximise a Gaussian likelihood. Check it, with the mean image for every $\hat x$:

# %%
nothing = np.zeros_like(X)  # X has the mean image taken off: 0 stands for that
loss, _ = l2_loss(X, nothing)
for sigma in (0.1, 0.27, 1.0):
    formula = loss / (2 * sigma**2) + p / 2 * np.log(2 * np.pi * sigma**2)
    logs = log_normal(torch.tensor(X), torch.tensor(nothing), 2 * np.log(sigma))
    print(f"sigma {sigma:4}: formula {formula:9.3f} nats, density {-logs.mean():9.3f} nats")
print(f"best sigma: the root of the loss of a pixel, {np.sqrt(loss / p):.3f}")

# %% [markdown]
# **Predict.** A code fits two images equally well: the two sevens below. Which *single* image has the smallest loss on
# average: the first, the second, or something else?

# %%
sevens = x_train[y_train == 7][[0, 4]]
middle = sevens.mean(0, keepdim=True)
for name, answer in [("first", sevens[:1]), ("second", sevens[1:]), ("mean", middle)]:
    rows = answer.expand(2, -1, -1, -1).flatten(1).numpy()
    print(f"{name:7} loss {l2_loss(sevens.flatten(1).numpy(), rows)[0]:.3f}")
titles = ["first", "second", "mean"]
gallery(torch.cat([sevens, middle]), titles, what="sevens, two and their mean, a blur", cell=1.2)


# %% [markdown]
# The mean wins, always: the L2 loss would rather say something blurred that nobody ever wrote than commit itself. Keep
# that in mind until chapter 8.
#
# ## 5.2 The linear autoencoder, by hand
#
# Begin with the simplest: both maps are linear. First let somebody *give* us the codes $Z$. What is the best linear
# decoder, $\hat x = z W + b$?
#
# ### Exercise 2: the optimal decoder (3 points)

# %% tags=["exercise"]
def optimal_decoder(Z, X):
    """Z (n, k) codes, X (n, p) samples -> (W, b), shapes (k, p) and (p,): the linear decoder with
    the smallest sum of squares of X - (Z W + b).

    Example: the codes 0, 1, 2 of the samples 1, 3, 5 give W = [[2]] and b = [1].
    """
    ### BEGIN SOLUTION
    A = np.column_stack([Z, np.ones(len(Z))])
    coefficients = np.linalg.lstsq(A, X, rcond=None)[0]
    return coefficients[:-1], coefficients[-1]
    ### END SOLUTION


# %% tags=["check"]
optimal_decoder = check("optimal_decoder")

# %% tags=["help"]
# hint("optimal_decoder")
# solution("optimal_decoder")

# %% [markdown]
# **Predict.** Five ways to make eight numbers of an image. Rank them: eight of its pixels; eight random mixtures of
# pixels; the sigmoids of eight random mixtures; PCA's scores; the sigmoids of PCA's scores.

# %%
lam, E = principal_components(X)
mixture = rng.normal(size=(p, 8)) / 4
codes = {
    "eight pixels": X[:, [18, 20, 27, 29, 34, 36, 43, 45]],
    "random mixtures": X @ mixture,
    "sigmoids of them": 1 / (1 + np.exp(-X @ mixture)),
    "PCA's scores": X @ E[:, :8],
    "sigmoids of those": 1 / (1 + np.exp(-X @ E[:, :8])),
}
for name, Z in codes.items():
    W, b = optimal_decoder(Z, X)
    print(f"{name:18} error of a pixel {l2_loss(X, Z @ W + b)[0] / p:.5f}")
print(f"{'Eckart and Young':18} at best          {(n - 1) / n * lam[8:].sum() / p:.5f}")


# %% [markdown]
# Nothing beats PCA, and nothing can. Whatever the encoder does, $ZW + b$ is a matrix of rank $k$ about the mean, and of
# all those PCA's is the closest (chapter 1). **With a linear decoder, a nonlinear encoder gains nothing** (Bourlard and
# Kamp, 1988). Remember it when we come to the sigmoid.
#
# Now nobody gives us the codes. Let encoder and decoder share one matrix, $z = xW$ and $\hat x = zW^T$ (**tied
# weights**), and let gradient descent find it:
#
# $$ L(W) = \frac1n \sum_{i=1}^n \lVert x_i - x_i W W^T \rVert^2, \qquad W \leftarrow W - \eta\, \frac{\partial L}{\partial W} . $$
#
# ### Exercise 3: one step (3 points)

# %% tags=["exercise"]
def tied_step(W, X, eta):
    """W (p, k), X (n, p) with column means 0, eta > 0 -> (p, k): W after one step of gradient
    descent, of size eta, on the mean over the rows x of X of the squared length of x - x W W^T.

    Example: W = [[0.5]], X = [[1], [-1]] and eta = 0.1 give 0.65.
    """
    ### BEGIN SOLUTION
    Z = X @ W
    R = X - Z @ W.T
    gradient = -2 / len(X) * (X.T @ (R @ W) + R.T @ Z)
    return W - eta * gradient
    ### END SOLUTION


# %% tags=["check"]
tied_step = check("tied_step")

# %% tags=["help"]
# hint("tied_step")
# solution("tied_step")

# %% [markdown]
# Four numbers a digit, from a random start. Beside the loss stands the smallest that four numbers allow.

# %%
k = 4
W = 0.1 * rng.normal(size=(p, k))
path, when = [W], [0]
for step in range(1, steps(600) + 1):
    W = tied_step(W, X, 0.15)
    if step % 4 == 0:
        path.append(W)
        when.append(step)
    if step in (1, 10, 50, 100, 300, 600):
        print(f"step {step:4}: loss {l2_loss(X, X @ W @ W.T)[0]:.6f}")
print(f"PCA        loss {(n - 1) / n * lam[k:].sum():.6f}")


# %% [markdown]
# ## 5.3 Is that PCA?
#
# The loss says so. But compare $W$ with PCA's components entry by entry, and nothing agrees. The right question is
# whether both span the same **space**. Two spaces are compared by their **principal angles**: the smallest angle
# between a vector of one and a vector of the other; then the smallest among vectors orthogonal to those; and so on.
# With orthonormal bases $Q_A$, $Q_B$ of the two spaces,
#
# $$ \cos \theta_j = \text{the } j\text{-th singular value of } Q_A^T Q_B . $$
#
# All angles zero: the same space.
#
# ### Exercise 4: principal angles (3 points)

# %% tags=["exercise"]
def principal_angles(A, B):
    """A (p, k), B (p, k), each with independent columns -> (k,): the principal angles between the
    spaces that the columns span, in radians, smallest first.

    Example: the lines along (1, 0) and (2, 2) enclose the angle pi/4.
    """
    ### BEGIN SOLUTION
    Q_A, Q_B = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    cosines = np.linalg.svd(Q_A.T @ Q_B, compute_uv=False)
    return np.arccos(np.clip(cosines, 0, 1))
    ### END SOLUTION


# %% tags=["check"]
principal_angles = check("principal_angles")

# %% tags=["help"]
# hint("principal_angles")
# solution("principal_angles")

# %% [markdown]
# **Predict.** Do all four angles shrink together, or one after the other?

# %%
E_k = E[:, :k]
degrees = np.degrees([principal_angles(W_then, E_k) for W_then in path])
plots.angles(when, degrees)

# %% [markdown]
# One after the other: directions of large variance pull harder. The last angle waits longest, because the fourth
# variance is the one closest to the fifth, whose direction stays outside. But it arrives: **the linear autoencoder finds
# PCA's subspace.** (The floor of the curves is rounding: the arc cosine of a number close to 1 keeps half of its digits.)
#
# And the components themselves? Here are PCA's four and ours, then the inner products of the ones with the others.

# %%
rows = {"PCA's components": E_k.T, "columns of W": W.T}
plots.atoms({name: vectors.reshape(-1, 8, 8) for name, vectors in rows.items()})

# %%
plots.mixing(E_k.T @ W)

# %% [markdown]
# Each $w_j$ is a mixture of all four components. Why? The code may be mixed at will: for every invertible matrix $A$,
#
# $$ z' = z A, \qquad \hat x = z' A^{-1} W^T = z W^T , $$
#
# the images that come out are the same, so the loss is the same, and nothing can prefer $z$ to $zA$. (Tied weights
# allow only rotations $A$; two separate maps allow any.) **The loss decides what is kept, and says nothing about what a
# single number in the code means**, nor how large it is, nor how the codes are distributed. We shall pay for that in
# 5.8.

# %%
A = rng.normal(size=(k, k))
x_hat, x_hat_mixed = X @ W @ W.T, (X @ W @ A) @ np.linalg.inv(A) @ W.T
print("largest difference of a reconstruction:", np.abs(x_hat - x_hat_mixed).max())
print("deviations of the code ", (X @ W).std(axis=0).round(2))
print("deviations of the mixed", (X @ W @ A).std(axis=0).round(2))

# %% [markdown]
# ## 5.4 The family: matrix factorisation
#
# In the linear autoencoder, the data are a product: $X \approx Z D$, codes times **atoms**, an atom being a row of $D$.
# Mixing leaves the product as it is. To pin the atoms down, demand something of them:
#
# | method | asks of $X \approx Z D$ |
# |---|---|
# | linear autoencoder | nothing: any mixture will do |
# | PCA | orthonormal atoms, uncorrelated codes, sorted by variance |
# | NMF (non-negative matrix factorisation) | $Z \ge 0$ and $D \ge 0$: parts are added, never taken away |
# | dictionary learning | few codes of an image differ from 0: $\lVert Z D - X \rVert^2 / 2 + \alpha \lVert Z \rVert_1$ is small |
#
# The course's cartoon faces have parts that the eye knows: hair, beard, shoulders, light from one side.
#
# **Predict.** Which method will find parts? Which will show faces that nobody has?

# %%
faces = load_images("faces", size=24, n=500).x.mean(1)  # grey
F = faces.flatten(1).double().numpy()
F_mean = F.mean(axis=0)
F_c = F - F_mean
lam_faces, E_faces = principal_components(F_c)
V = 0.002 * rng.normal(size=(F.shape[1], 8))
for _ in range(steps(600)):
    V = tied_step(V, F_c, 0.35 / lam_faces[0])
nmf = NMF(8, init="nndsvda", max_iter=500, tol=1e-3).fit(F)
sparse = MiniBatchDictionaryLearning(
    8, alpha=0.5, batch_size=50, max_iter=20, transform_algorithm="lasso_lars",
    transform_alpha=0.5, random_state=0,
).fit(F_c)
atoms = {
    "linear autoencoder": (F_c @ V, V.T, F_mean),
    "PCA": (F_c @ E_faces[:, :8], E_faces[:, :8].T, F_mean),
    "NMF": (nmf.transform(F), nmf.components_, 0),
    "dictionary learning": (sparse.transform(F_c), sparse.components_, F_mean),
}

# %%
print(f"{'':20}{'error of a pixel':>18}{'zeros in the codes':>20}{'zeros in the atoms':>20}")
for name, (Z, D, offset) in atoms.items():
    error = l2_loss(F, Z @ D + offset)[0] / F.shape[1]
    zeros = [(np.abs(table) < 1e-6 * np.abs(table).max()).mean() for table in (Z, D)]
    print(f"{name:20}{error:18.5f}{zeros[0]:20.2f}{zeros[1]:20.2f}")
plots.atoms({name: D.reshape(-1, 24, 24) for name, (_, D, _) in atoms.items()})


# %% [markdown]
# Red is positive, blue negative, white zero. PCA's atoms are global: one sets all of the hair against all of the face.
# The autoencoder's are nameless mixtures, of nearly the same space after so few steps. NMF's atoms can only add light,
# and some add it to a single part: the chin, where there may be a beard, the hair, the shoulders. The dictionary pays
# with a larger error for codes that are mostly zero. One product, four meanings: PCA has the smallest error of all, and
# the constraint decides what the atoms look like.

# %% [markdown]
# ## 5.5 Upconvolution: a decoder for images
#
# The slide's history of encoder and decoder goes on: *linear and a nonlinearity (sigmoid)*; then *deep, fully
# connected*; then *ReLU and convolutions*, with **upconvolution** in the decoder. A convolution of stride 2 makes an
# image half as large. How does a decoder get back?
#
# By stamping. Every number of the small image presses the kernel onto the large one, that hard, two pixels further on
# each time; where stamps overlap, they add up. In one dimension, with stride $s$:
#
# $$ y_{is + j} \mathrel{+}= x_i\, w_j . $$
#
# ### Exercise 5: upconvolution by hand (2 points)

# %% tags=["exercise"]
def upconvolution(x, w, stride):
    """x (n,), w (m,), integer stride >= 1 -> ((n - 1) stride + m,): the entries x_i times the
    kernel w, laid down at the places i stride and added where they overlap.

    Example: x = (1, 10), w = (1, 2, 3), stride 2 give (1, 2, 13, 20, 30).
    """
    ### BEGIN SOLUTION
    y = np.zeros((len(x) - 1) * stride + len(w))
    for i, value in enumerate(x):
        y[i * stride : i * stride + len(w)] += value * w
    return y
    ### END SOLUTION


# %% tags=["check"]
upconvolution = check("upconvolution")

# %% tags=["help"]
# hint("upconvolution")
# solution("upconvolution")

# %% [markdown]
# In two dimensions the same, and PyTorch calls it `ConvTranspose2d`. Follow the four frames: each is a stamp.

# %%
small = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
kernel = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
layer = nn.ConvTranspose2d(1, 1, kernel_size=3, stride=2, bias=False)
layer.weight.data = kernel[None, None]
large = layer(small[None, None])[0, 0].detach()
plots.upconvolution(small, kernel, large, 2)

# %% [markdown]
# Why *transposed*? Write a strided convolution as a matrix $C$, one row for each place of the kernel. Upconvolution
# multiplies by $C^T$: it goes back through the same connections. It is not the inverse.
#
# **Predict.** Stamp a row of equal numbers with a kernel of ones, stride 2. Is the result even?

# %%
print("kernel of 3:", upconvolution(np.ones(6), np.ones(3), 2))
print("kernel of 4:", upconvolution(np.ones(6), np.ones(4), 2))

# %% [markdown]
# With a width of 3, every other pixel gets two stamps: a checkerboard, which the network must learn to undo. With a
# width that is a multiple of the stride, all pixels away from the ends get the same. So we take 4.

# %% [markdown]
# ## 5.6 Four autoencoders, one length of code
#
# To compare fairly, all four get eight numbers a digit:
#
# | model | encoder | decoder |
# |---|---|---|
# | linear | $64 \to 8$ | $8 \to 64$ |
# | sigmoid | $64 \to 8$, sigmoid | $8 \to 64$ |
# | deep | $64 \to 128 \to 64 \to 8$, ReLUs between | the mirror image |
# | convolutional | two convolutions of stride 2, then linear | linear, then two upconvolutions |

# %%
SHAPE, k = (1, 8, 8), 8
autoencoder.convolutional(SHAPE, k)


# %% [markdown]
# One training for all. A step is the L2 loss of a batch; the learning rate falls to zero, so that the end is calm.
# (`noise` stays 0 for now.)

# %%
def train(model, n_steps, lr, noise=0.0):
    optimiser = torch.optim.Adam(model.parameters(), lr, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps(n_steps))

    def step(x):
        optimiser.zero_grad()
        loss = ((model(x + noise * torch.randn_like(x)) - x) ** 2).mean()
        loss.backward()
        optimiser.step()
        schedule.step()
        return {"loss": loss}

    training = Training(step, x_train, keep=[model, optimiser, schedule], threads=1)
    training.run(steps(n_steps))
    return model


# %% [markdown]
# **Predict.** Which of the four will do better than PCA with eight components? Think of 5.2.

# %%
torch.manual_seed(0)
models = {
    "linear": train(autoencoder.linear(SHAPE, k), 1000, 1e-2),
    "sigmoid": train(autoencoder.sigmoid(SHAPE, k), 1000, 2e-2),
    "deep": train(autoencoder.deep(SHAPE, k), 1500, 3e-3),
    "convolutional": train(autoencoder.convolutional(SHAPE, k), 1200, 5e-3),
}


# %%
def pca_copy(x, k):
    """Images x -> their closest points in the space of the first k components."""
    rows = x.flatten(1).double().numpy() - mean_image
    return torch.tensor(mean_image + rows @ E[:, :k] @ E[:, :k].T).reshape(x.shape)


print(f"{'error of a pixel':16}{'weights':>9}{'train':>9}{'held out':>10}{'PCA = 1':>9}")
pca_test = ((pca_copy(x_test, k) - x_test) ** 2).mean()
pca_train = ((pca_copy(x_train, k) - x_train) ** 2).mean()
print(f"{'PCA':16}{'':9}{pca_train:9.5f}{pca_test:10.5f}{1:9.2f}")
for name, model in models.items():
    train_error = autoencoder.reconstruction_error(model, x_train)
    test_error = autoencoder.reconstruction_error(model, x_test)
    print(
        f"{name:16}{autoencoder.parameters(model):9}{train_error:9.5f}{test_error:10.5f}"
        f"{test_error / pca_test:9.2f}"
    )

# %%
some = torch.stack([x_test[y_test == digit][0] for digit in range(10)])
with torch.no_grad():
    rows = [some, pca_copy(some, k).float(), *(model(some) for model in models.values())]
names = ["held out", "PCA", *models]
gallery(torch.cat(rows), columns=10, row_labels=names, what="digits and reconstructions", cell=0.85)

# %% [markdown]
# What to see. *Linear* and *sigmoid* stand just above PCA, as they must: their decoders are linear. *Deep* and
# *convolutional* go far below it: their reconstructions lie on a **curved** surface of dimension eight, and digits lie
# near such a surface, not near a flat one. Both do better on the images they were trained with than on held-out ones,
# which PCA hardly does: flexibility has its price. The convolutional one gets about as far with less than half the
# weights, since a kernel is used again at every place.
#
# ## 5.7 Features that initialise a supervised model
#
# Labels cost money, images do not. The lecture's recipe: train an autoencoder on all images, **throw the decoder
# away**, put a classifier on the encoder, and train that with the few labels there are.
#
# A classifier wants more than the eight numbers that carry most ink, so we let the code have 32. But a wide door makes
# copying easy again. The cure is to spoil the images that go in, and ask for the clean ones: the **denoising
# autoencoder** (Vincent and others, 2008). That is the `noise` in `train`.

# %%
torch.manual_seed(1)
denoiser = train(autoencoder.deep(SHAPE, 32), 1500, 3e-3, noise=0.3)
with torch.no_grad():
    spoilt = some + 0.3 * torch.randn(some.shape)
    rows = torch.cat([some, spoilt, denoiser(spoilt)])
gallery(rows, columns=10, row_labels=["held out", "spoilt", "denoised"], what="digits", cell=0.8)


# %% [markdown]
# Three classifiers of one architecture, and one without a network:
#
# - *from scratch*: encoder with random weights, all of it trained with the labels;
# - *fine-tuned*: the denoiser's encoder, all of it trained on;
# - *frozen*: the denoiser's encoder as it is, only the last layer trained;
# - *pixels*: logistic regression on the 64 pixels. If features are worth anything, they should beat that.

# %%
def with_classifier(encoder, frozen=False):
    encoder = copy.deepcopy(encoder).requires_grad_(not frozen)
    return nn.Sequential(encoder, nn.Linear(32, 10))


def accuracy(classifier, rows):
    """Trained on x_train[rows] and their labels -> the share of right answers on held-out ones."""
    encoder, last = ({"params": part.parameters()} for part in classifier)
    optimiser = torch.optim.Adam([encoder, last | {"lr": 1e-2}], lr=1e-3, fused=True)
    for _ in range(steps(100)):
        optimiser.zero_grad()
        nn.functional.cross_entropy(classifier(x_train[rows]), y_train[rows]).backward()
        optimiser.step()
    with torch.no_grad():
        return (classifier(x_test).argmax(1) == y_test).double().mean().item()


# %% [markdown]
# A fair comparison is **paired**: in each of eight draws, all four see the same labelled images. Some draws are lucky
# for everybody; in the *difference* of two methods that luck cancels. For the differences $d_1, \dots, d_n$ of two
# methods, Student's interval for the true mean difference is
#
# $$ \bar d \pm t_{n-1,\,(1 + \text{level})/2}\; \frac{s_d}{\sqrt n} . $$
#
# ### Exercise 6: the interval of a paired difference (2 points)

# %% tags=["exercise"]
def paired_interval(a, b, level):
    """a (n,), b (n,), level -> (low, high): Student's confidence interval for the mean of the
    differences a - b.

    Example: a = (1, 2, 3), b = (0, 0, 0), level 0.5 give about (1.53, 2.47).
    """
    ### BEGIN SOLUTION
    d = a - b
    t = scipy.stats.t.ppf((1 + level) / 2, len(d) - 1)
    reach = t * d.std(ddof=1) / np.sqrt(len(d))
    return d.mean() - reach, d.mean() + reach
    ### END SOLUTION


# %% tags=["check"]
paired_interval = check("paired_interval")

# %% tags=["help"]
# hint("paired_interval")
# solution("paired_interval")

# %% [markdown]
# **Predict.** With how many labels of each class will pre-training help most: 1, 3, 10 or 50? Will it ever hurt?

# %%
per_class, draws = [1, 3, 10, 50], range(8)
names = ("from scratch", "fine-tuned", "frozen", "pixels")
right = {name: np.zeros((len(per_class), len(draws))) for name in names}
for i, count in enumerate(per_class):
    for draw in draws:
        rows = labelled_rows(y_train, count, np.random.default_rng(draw))
        torch.manual_seed(draw)
        right["from scratch"][i, draw] = accuracy(
            with_classifier(autoencoder.deep(SHAPE, 32).encoder), rows
        )
        right["fine-tuned"][i, draw] = accuracy(with_classifier(denoiser.encoder), rows)
        right["frozen"][i, draw] = accuracy(with_classifier(denoiser.encoder, frozen=True), rows)
        pixels = LogisticRegression(C=10, max_iter=500)
        pixels.fit(x_train[rows].flatten(1), y_train[rows])
        right["pixels"][i, draw] = pixels.score(x_test.flatten(1), y_test)

# %%
comparisons = [("fine-tuned", "from scratch"), ("frozen", "from scratch"), ("frozen", "pixels")]
print("Differences in percentage points: mean and 95 % interval")
for one, other in comparisons:
    print(f"\n{one} minus {other}")
    for i, count in enumerate(per_class):
        a, b = right[one][i], right[other][i]
        low, high = paired_interval(a, b, 0.95)
        verdict = "better" if low > 0 else "worse" if high < 0 else "cannot tell"
        print(
            f"{count:4} labels of each class {100 * (a - b).mean():6.1f}"
            f"  ({100 * low:5.1f}, {100 * high:5.1f})  {verdict}"
        )

# %%
gains = [(a - b).mean() for a, b in zip(right["fine-tuned"], right["from scratch"])]
bounds = [
    paired_interval(a, b, 0.95) for a, b in zip(right["fine-tuned"], right["from scratch"])
]
plots.few_labels(per_class, right, gains, bounds, "fine-tuned minus from scratch")

# %% [markdown]
# How to read it. Against the same network from scratch, pre-training gains most where labels are fewest, and the gain
# shrinks towards nothing as they become many: labels then say all that the images could have said. Frozen features do
# best early and fall behind later, when it would pay to bend the encoder to the task. And look at *pixels*: on images
# this small, a plain regression is hard to beat, and where the last part of the table does not say "better", the whole
# detour bought nothing. Features pay where labels are few **and** pixels are a bad description, which is truer of
# photographs than of 8 by 8 digits.
#
# What the interval does not cover: there was one pre-training and one set of held-out digits; only the labelled images
# and the new weights were drawn anew.
#
# ## 5.8 Can it make new digits?
#
# The decoder turns any eight numbers into an image. So draw eight numbers and decode them! But from which distribution?
# The usual noise is $N(0, I)$.
#
# **Predict.** What will come out?

# %%
model = models["convolutional"]
torch.manual_seed(0)
with torch.no_grad():
    Z = model.encoder(x_train)
    noise = torch.randn(len(Z), k)
    decoded = model.decoder(noise)
gallery(decoded[:30], columns=10, what="decoded draws of noise, few of them digits", cell=0.8)

# %% [markdown]
# Some look like digits, many like nothing. Why? The decoder was only ever asked about codes of images. Compare where
# those lie with where the noise lies. Each colour is a digit; the circles are one and two standard deviations of
# $N(0, I)$.

# %%
mu, C = Z.mean(0), torch.cov(Z.T)
fitted = torch.distributions.MultivariateNormal(mu, C + 1e-6 * torch.eye(k))
standard = torch.distributions.MultivariateNormal(torch.zeros(k), torch.eye(k))
z_fitted = fitted.sample((len(Z),))
print("mean of the codes ", mu.numpy().round(2))
print("their deviations  ", Z.std(0).numpy().round(2))
distance = torch.distributions.kl_divergence(fitted, standard)
print(f"KL from N(0, I) of the Gaussian fitted to the codes: {distance:.2f} nats")
plots.code_clouds({"codes": Z, "N(0, I)": noise, "fitted Gaussian": z_fitted}, y_train)

# %% [markdown]
# The codes sit where the training left them, and 5.3 said why: the loss does not care. A half-way house is to fit a
# Gaussian to the codes, with their mean and covariance, and to draw from that (the third panel).
#
# Look, and then **measure**. Two scores compare 360 images with the 360 held-out digits:
#
# - the **energy distance** $2\,\mathrm E |X - Y| - \mathrm E |X - X'| - \mathrm E |Y - Y'|$, where $X, X'$ are images of one
#   set and $Y, Y'$ of the other: 0 when both sets come from one distribution;
# - the **neighbour score**: for each image, is its nearest neighbour among all others from its own set? One half:
#   cannot be told apart. 1: told apart every time.
#
# Real against real comes first: that is what perfect samples would score.

# %%
m = len(x_test)
picked = torch.randperm(n)[:m]
with torch.no_grad():
    candidates = {
        "real digits": x_train[picked],
        "reconstructions": model(x_train[picked]),
        "decoded N(0, I)": model.decoder(noise[:m]),
        "decoded fitted": model.decoder(z_fitted[:m]),
    }
print(f"{'against held-out digits':26}{'energy distance':>16}{'neighbour score':>17}")
for name, images in candidates.items():
    energy = two_sample.energy_distance(images, x_test)
    print(f"{name:26}{energy:16.3f}{two_sample.neighbour_score(images, x_test):17.2f}")

# %%
rows = torch.cat([images[:10] for images in candidates.values()])
gallery(rows, columns=10, row_labels=list(candidates), what="images", cell=0.85)

# %% [markdown]
# The reconstructions say how good samples from this decoder could be. Decoded noise is far from that. The fitted
# Gaussian closes most of the gap by one score, and much less by the other, which has an eye for single images: between
# the clouds of the ten digits lie codes of no digit, and a single Gaussian fills them in. (Why reconstructions of
# *other* images? A reconstruction's nearest neighbour is its own original. Try `model(x_test)`.)
#
# So an autoencoder is no generative model: it has a decoder, but no distribution of codes to draw from. Two ways out.
# *Make the codes follow* $N(0, I)$ while training: chapters 6 and 7. Or drop the encoder, and train the decoder until
# its samples cannot be told from real ones: chapter 8.
#
# ## 5.9 Break it
#
# **Predict.** Widen the door. With a code of 64 numbers, what is the error on held-out digits? And on pure noise, which
# no one trained for?

# %%
static = torch.rand(360, 1, 8, 8)
print(f"{'code length':14}{'digits':>9}{'noise':>9}")
for length in (2, 8, 32, 64):
    errors = [((pca_copy(x, length) - x) ** 2).mean() for x in (x_test, static)]
    print(f"{length:<14}{errors[0]:9.5f}{errors[1]:9.5f}")

# %% [markdown]
# At 64 both errors are zero: a perfect copy of anything. It has learnt nothing, for all images are alike to it. **A
# reconstruction error means little by itself; what counts is what the door keeps out.** A short code, noise on the way
# in, codes that are mostly zero, or a price on every nat that passes (chapter 6): each is a narrow door.
#
# **Something else to break.** Take longer steps in exercise 3.

# %%
for eta in (0.15, 0.3, 0.6, 1.2):
    W = 0.1 * np.random.default_rng(0).normal(size=(p, 4))
    count = 0
    while count < steps(200) and np.abs(W).max() < 1e3:
        W, count = tied_step(W, X, eta), count + 1
    print(f"eta {eta:4}: after {count:3} steps the loss is {l2_loss(X, X @ W @ W.T)[0]:.4g}")
print(f"stable near the solution below eta = {1 / (4 * lam[0]):.3f}")

# %% [markdown]
# The loss is of fourth degree in $W$: it gets steeper the further out one is, and a step that overshoots may land where
# the next one overshoots more. Near the solution the curvature sets the limit. Stretch $w_1 = e_1$ by $s$: the loss
# changes like $\lambda_1 (1 - s^2)^2$, whose curvature at $s = 1$ is $8 \lambda_1$, and gradient descent is stable for
# steps below $2 / (8 \lambda_1) = 1 / (4 \lambda_1)$.

# %% [markdown]
# ## What you can do now
#
# 1. *Minimise*: the mean of $\lVert x - \hat x \rVert^2$, the log-likelihood of a Gaussian with one variance; its best
#    guess is a mean, so doubt is blurred.
# 2. *Linear*: PCA's subspace, all principal angles zero; not its components, since any invertible mixing of the code is
#    as good.
# 3. *Kin*: $X \approx ZD$; orthogonal is PCA, non-negative is NMF, sparse is dictionary learning.
# 4. *Four models*: with a linear decoder PCA is the limit, whatever the encoder; deep and convolutional decoders reach
#    curved surfaces. Upconvolution stamps, and a kernel's width is best a multiple of the stride.
# 5. *Reuse*: keep the encoder, train a classifier on it; a paired interval says whether it helped, and where.
# 6. *Not generative*: nothing in the loss says where codes lie; decoded noise scores far from real images.
#
# ## Test yourself
#
# <details><summary>1. An encoder of ten layers, a linear decoder, a code of five numbers: what is the smallest error?</summary>
#
# PCA's with five components. The reconstructions lie in an affine subspace of dimension five, and PCA's is the closest.
# </details>
#
# <details><summary>2. Two trained linear autoencoders of the same data have different codes. Is one of them wrong?</summary>
#
# No. If both reached the smallest error, one code is an invertible mixture of the other.
# </details>
#
# <details><summary>3. Do the codes of a linear autoencoder become uncorrelated?</summary>
#
# Not by themselves: mixing correlates them and costs nothing. PCA asks for it, the autoencoder does not.
# </details>
#
# <details><summary>4. Divide every code by 100, multiply inside the decoder: what becomes of the loss, and of samples?</summary>
#
# The loss stays. The codes now sit within a hundredth of where they were, so noise from $N(0, I)$ lies far away from
# all of them: samples get worse. A score of samples depends on something that the loss ignores.
# </details>
#
# <details><summary>5. Fine-tuned beats frozen with many labels. Why not with one label of each class?</summary>
#
# Ten images can move all the weights of an encoder in directions that only those ten images justify. With frozen
# weights there is less to get wrong.
# </details>
#
# ## References
#
# - H. Bourlard, Y. Kamp, *Auto-association by multilayer perceptrons and singular value decomposition*, Biological
#   Cybernetics 59 (1988), 291-294.
# - P. Baldi, K. Hornik, *Neural networks and principal component analysis*, Neural Networks 2 (1989), 53-58.
# - D. D. Lee, H. S. Seung, *Learning the parts of objects by non-negative matrix factorization*, Nature 401 (1999),
#   788-791.
# - B. A. Olshausen, D. J. Field, *Emergence of simple-cell receptive field properties by learning a sparse code for
#   natural images*, Nature 381 (1996), 607-609.
# - G. E. Hinton, R. R. Salakhutdinov, *Reducing the dimensionality of data with neural networks*, Science 313 (2006),
#   504-507.
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, *Extracting and composing robust features with denoising
#   autoencoders*, ICML 2008.
# - V. Dumoulin, F. Visin, *A guide to convolution arithmetic for deep learning*, arXiv:1603.07285 (2016).
# - G. J. Székely, M. L. Rizzo, *Energy statistics: a class of statistics based on distances*, Journal of Statistical
#   Planning and Inference 143 (2013), 1249-1272.
#
# **Next:** chapter 6 gives the codes a distribution, and derives the loss that goes with it.
