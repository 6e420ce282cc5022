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
# # Start here
#
# This is the course that goes with Prof. Yuan Yao's lecture *Generative Models and GANs* (HKUST). It follows the lecture
# from PCA to GANs to robust estimation, one notebook a chapter. Each formula stands beside the few lines of code that
# compute it, and you write the ones that matter.
#
# **In this chapter you**
#
# 1. run cells, and see that your installation works,
# 2. solve an exercise, and see how a check tells you what is wrong,
# 3. meet the data,
# 4. find your way from the slides to the chapters.
#
# **You need** Python, a little NumPy, and fifteen minutes. Nothing here downloads anything.

# %% tags=["setup"]
import numpy as np

from course import data
from course.lab import check, hint, solution
from course.plots import images

# %% [markdown]
# ## 0.1 Cells
#
# A notebook is a column of *cells*, some with text, some with code. Click into the next one and press **Shift + Enter**:
# the code runs, its result appears below, and the cursor moves on.

# %%
2 + 2

# %% [markdown]
# *Run > Run All Cells* runs the whole notebook. Every notebook of this course runs to its end even if you solve nothing:
# where your function is missing or wrong, the course's own takes its place.
#
# The notebook is yours. Change it, add cells, break things. If you work in the `.py` file beside it, with an editor of
# your own, `course sync notebooks/00_start_here.ipynb` in a terminal carries the edits over, either way.

# %% [markdown]
# ## 0.2 Is everything installed?
#
# One line for each thing that may be wrong. A line that begins with `!` says how to mend it.

# %%
from course.doctor import report

report()


# %% [markdown]
# ## 0.3 An exercise
#
# An exercise has a **contract**: what goes in, what comes out, in which shapes. `X (n, p) -> (p,)` reads: `X` is an array
# with `n` rows and `p` columns; the result has `p` entries. Replace the line `raise NotImplementedError`, and run the cell.
#
# ### Exercise: the range of each column (1 point)

# %% tags=["exercise"]
def column_range(X):
    """X (n, p) -> (p,): for every column, its largest value minus its smallest.

    Example: the rows (1, 10), (2, 20), (6, 60) give (5, 50).
    """
    raise NotImplementedError  # your code here


# %% [markdown]
# Then run its **check**. It says what is wrong, if anything is, and gives back a function that works: yours, if it passed.

# %% tags=["check"]
column_range = check("column_range")


# %% [markdown]
# Stuck? Delete the first `#` of a line and run the cell: one hint more each time, and the solution only when you ask.

# %% tags=["help"]
# hint("column_range")
# solution("column_range")

# %% [markdown]
# ### What a failed check looks like
#
# Here are three wrong attempts, made on purpose. **Predict** what the check will say of each, then run the cell.

# %%
def forgot_the_return(X):
    largest = X.max(axis=0)


def lost_the_columns(X):
    return X.max() - X.min()


def wrong_way_round(X):
    ascending = np.sort(X, axis=0)
    return ascending[0] - ascending[-1]


# %%
for attempt in (forgot_the_return, lost_the_columns, wrong_way_round):
    check("column_range", attempt)

# %% [markdown]
# A check compares your result with the course's on inputs that you may see. It tells you the largest difference and where
# it is; and when your answer is just what a well-known mistake gives, it says which.
#
# ### And a passed one

# %%
check("column_range", lambda X: np.ptp(X, axis=0));

# %% [markdown]
# ## 0.4 The data
#
# Three data sets come with the course, and each loads with one call. The first is a table.

# %%
arrests = data.load("usarrests")
arrests

# %%
arrests.frame.head()

# %% [markdown]
# Your function (or the course's, so far) on it: how far apart are the lowest and the highest state?

# %%
dict(zip(arrests.features, column_range(arrests.X).round(1).tolist()))

# %% [markdown]
# The second is images: 8 by 8 pixels, small enough that every model of this course trains on them in seconds.

# %%
digits = data.load("digits")
images.gallery(digits.X[:20].reshape(-1, 8, 8), titles=digits.y[:20], what="handwritten digits")

# %% [markdown]
# **Predict.** `digits.X` has one row an image. What are its two numbers of the shape?

# %%
digits.X.shape

# %% [markdown]
# The third is faces. Nobody was photographed: they are drawn from *known factors*, the smile, the turn of the head, hair,
# glasses, so that later chapters can ask what a model has understood, and know the answer.

# %%
faces = data.load_images("faces", n=20)
images.gallery(faces.x, columns=10, what="drawn faces")

# %%
{name: round(value[0].item(), 2) for name, value in faces.factors.items()}

# %% [markdown]
# `data.load_images` also reads MNIST, CIFAR-10 and Labeled Faces in the Wild, by their names: `"mnist"`, `"cifar10"`,
# `"lfw"`. Nothing is fetched unless you ask: `course download mnist` in a terminal does.

# %% [markdown]
# ## 0.5 Break it
#
# Ask for a data set that is not there, or for an exercise that is not. The answer should help. (If an error message of
# this course ever leaves you helpless, that is a fault of the course.)

# %%
try:
    data.load("usarests")
except data.DataError as error:
    print(error)

check("colum_range");

# %% [markdown]
# ## 0.6 From the slides to the chapters
#
# | chapter | from the lecture |
# |---|---|
# | 0. Start here | how the course works |
# | 1. PCA | supervised and unsupervised learning; principal components; USArrests, Table 10.1, Figure 10.1 |
# | 2. Clustering | k-means, Algorithm 10.1 and Figure 10.6; hierarchical clustering, the four linkages of Table 10.2 |
# | 3. Manifold learning | MDS, ISOMAP, LLE, Laplacian and Hessian eigenmaps, diffusion map, LTSA, MDS by SDP, t-SNE |
# | 4. Generative models | $p_{data}$ and $p_{model}$; explicit and implicit; the taxonomy, one working model on every leaf |
# | 5. Autoencoders | PCA as an autoencoder; sigmoid, deep, convolutional; features for a supervised model |
# | 6. The VAE, derived | latent variables; why likelihood and posterior are intractable; the ELBO line by line |
# | 7. The VAE, trained | two stages; the data manifold; varying $z_1$ and $z_2$; richer posteriors |
# | 8. GAN | the two-player game; the flat gradient and the $\log D$ trick; the algorithm |
# | 9. Training a GAN | collapse, oscillation and other failures; $f$-divergences, LSGAN, Wasserstein, BEGAN; the known tricks |
# | 10. DCGAN | the five guidelines; nearest training images; interpolation; vector arithmetic |
# | 11. Applications | better training; conditional GAN; text to image; pix2pix; CycleGAN; what GANs cannot do |
# | 12. Adversarial robustness | adversarial examples; robust and distributionally robust optimisation |
# | 13. Robust estimation | Huber's model; coordinatewise and Tukey's median; the table of comparisons |
# | 14. JS-GAN | why a hidden layer; the rates; scatter; outliers; elliptical families; scoring rules |
#
# Each chapter begins with what it covers and what you need, and ends with what you can do. Chapters build on each other,
# but none needs your own solutions of an earlier one.
#
# ## What you can do now
#
# 1. *Run cells*: Shift + Enter; everything runs to its end, solved or not.
# 2. *Exercises*: read the contract, replace the stub, run the check; `hint` and `solution` when you ask.
# 3. *Data*: `data.load("usarrests")`, `data.load("digits")`, `data.load_images("faces")`.
#
# ## Test yourself
#
# <details><summary>1. A check failed, and you run the rest of the notebook. Whose function do later cells call?</summary>
#
# The course's: `column_range = check("column_range")` gives it to you in place of yours, so that nothing later breaks.
# </details>
#
# <details><summary>2. The contract says <code>X (n, p) -> (p,)</code>, and you return an array of shape (1, p). Right?</summary>
#
# Not quite: that is a table with one row, and the check says so. `axis=0` alone drops the row.
# </details>
#
# **Next:** chapter 1, principal component analysis.
