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
# # 1. Principal component analysis
#
# **From the lecture:** supervised and unsupervised learning; principal components; the USArrests data, Table 10.1 and
# Figure 10.1. (Table and figure numbers are those of *An Introduction to Statistical Learning*, first edition.)
#
# **When you are through, you can**
#
# 1. say what changes when the labels are taken away,
# 2. find principal components from a covariance matrix, with nothing but its eigenvectors,
# 3. read a biplot, and know which of its features are real,
# 4. decide whether to standardise, and say what happens if you do not,
# 5. compress data to $k$ numbers a sample, and say exactly what that loses.
#
# **You need** matrix products, eigenvectors, and NumPy's `axis`. **Time:** about an hour with the six exercises; the
# code itself runs in seconds.

# %% tags=["setup"]
import numpy as np

from course import data
from course.lab import check, hint, solution
from course.plots import pca as plots
from course.plots.widgets import slider

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1.1 Without labels
#
# *Supervised* learning has pairs $(x, y)$ and asks for $y$ when $x$ is given. *Unsupervised* learning has $x$ alone, and
# asks what shape the data have. There is no answer key: the question is part of the problem.
#
# **Predict.** Take the labels away from two groups of points. Can the groups still be found?

# %%
y = np.repeat([0, 1], 60)
points = rng.normal(size=(120, 2)) * [1.4, 0.6] + np.where(y[:, None] == 0, [-2, -1], [2, 1])
plots.labelled_and_not(points, y, names=["group 0", "group 1"])

# %% [markdown]
# Same points, twice. The right-hand picture still shows two clouds, and it shows something else: along one direction the
# points are spread far more than across it. Principal component analysis looks for that direction.

# %% [markdown]
# ## 1.2 Fifty states, four numbers each
#
# For every US state in 1973: arrests for murder, assault and rape per 100,000 residents, and the per cent of people who
# live in towns.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $X$ | `X` | $(n, p)$ | the data, one sample a row |
# | $n,\ p$ | `n`, `p` | | how many samples, how many features |

# %%
arrests = data.load("usarrests")
X = arrests.X
n, p = X.shape
arrests.frame.head()

# %% [markdown]
# **Predict.** Of the six pairs of features, which one is the most strongly correlated? Which feature stands apart?

# %%
plots.pairs(X, arrests.features)

# %% [markdown]
# The three crimes go up and down together. `UrbanPop` hardly takes part. So four columns hold perhaps *two* things worth
# knowing: how much violent crime there is, and how urban the state is. PCA will say so without being told.

# %% [markdown]
# ## 1.3 Standardise, or let the units decide
#
# A variance has units: arrests², per cent². Look at the four of them.

# %%
for name, variance in zip(arrests.features, X.var(axis=0, ddof=1)):
    print(f"{name:10}{variance:10.1f}")


# %% [markdown]
# `Assault` varies most only because it is counted in hundreds. Before we look for directions of large variance, we give
# every feature the variance 1:
#
# $$ \tilde x_{ij} = \frac{x_{ij} - \bar x_j}{s_j}, \qquad s_j^2 = \frac{1}{n-1} \sum_{i=1}^n (x_{ij} - \bar x_j)^2 . $$
#
# | symbol | in code | meaning |
# |---|---|---|
# | $\bar x_j$ | `X.mean(axis=0)` | mean of column $j$ |
# | $s_j$ | | standard deviation of column $j$ |
#
# ### Exercise 1: standardise (2 points)

# %% tags=["exercise"]
def standardise(X):
    """X (n, p) -> (n, p): every column with mean 0 and variance 1, the variance with divisor n - 1.

    Example: the column 0, 2, 4 becomes -1, 0, 1.
    """
    ### BEGIN SOLUTION
    mean, s = X.mean(axis=0), X.std(axis=0, ddof=1)
    return (X - mean) / s
    ### END SOLUTION


# %% tags=["check"]
standardise = check("standardise")

# %% tags=["help"]
# hint("standardise")        # delete the first # for a hint; run again for the next one
# solution("standardise")    # the same for the solution

# %% [markdown]
# A probe: the column means must now be zero, and the variances one.

# %%
X_std = standardise(X)
print("means    ", X_std.mean(axis=0).round(12) + 0.0)
print("variances", X_std.var(axis=0, ddof=1).round(12))


# %% [markdown]
# ## 1.4 How much do the data vary along a direction?
#
# Take a unit vector $w$. The sample $x_i$ has the coordinate $w^T (x_i - \bar x)$ along it, and the variance of these $n$
# numbers is
#
# $$ \frac{1}{n-1} \sum_{i=1}^n \bigl(w^T (x_i - \bar x)\bigr)^2 = w^T S\, w, \qquad
#    S = \frac{1}{n-1} \sum_{i=1}^n (x_i - \bar x)(x_i - \bar x)^T . $$
#
# One matrix $S$ answers the question for *every* direction at once.
#
# ### Exercise 2: the covariance matrix (2 points)

# %% tags=["exercise"]
def covariance(X):
    """X (n, p) -> S (p, p): the sample covariance matrix, with divisor n - 1.

    Example: the rows (0, 0) and (2, 4) give [[2, 4], [4, 8]].
    """
    ### BEGIN SOLUTION
    deviations = X - X.mean(axis=0)
    return deviations.T @ deviations / (len(X) - 1)
    ### END SOLUTION


# %% tags=["check"]
covariance = check("covariance")

# %% tags=["help"]
# hint("covariance")
# solution("covariance")

# %% [markdown]
# For standardised data, $S$ has ones on the diagonal: it is the correlation matrix. And the formula holds: the variance
# along some direction, computed sample by sample, is $w^T S w$.

# %%
S = covariance(X_std)
w = np.array([0.5, 0.5, -0.5, 0.5])
print(S.round(3))
print("sample by sample", (X_std @ w).var(ddof=1))
print("w^T S w         ", w @ S @ w)

# %% [markdown]
# **Predict.** Take just `Murder` and `Assault`, standardised. At which angle is the variance largest? At which is it
# smallest? Why can you say so before you look?

# %%
two = X_std[:, :2]
plots.direction(two, 20, ["Murder", "Assault"])


# %% [markdown]
# Turn the direction yourself. The grey threads join each sample to its foot on the line: as the feet spread out, the
# threads get shorter. *Largest variance* and *smallest distance to the line* are the same wish, by Pythagoras.

# %%
def draw(angle):
    return plots.direction(two, angle, ["Murder", "Assault"])


slider(draw, "angle", low=0, high=180, value=20)


# %% [markdown]
# <details><summary>What did you find?</summary>
#
# The best direction is at 45°, the worst at 135°. Both features have variance 1, so $w = (\cos t, \sin t)$ gives
# $w^T S w = 1 + r \sin 2t$, where $r$ is their correlation: largest at 45° whenever $r > 0$, whatever its size.
# </details>

# %% [markdown]
# ## 1.5 The best direction is an eigenvector
#
# The first principal component solves
#
# $$ \max_{w}\; w^T S w \quad\text{subject to}\quad w^T w = 1 . $$
#
# With a multiplier $\lambda$, the gradient of $w^T S w - \lambda (w^T w - 1)$ must vanish:
#
# $$ 2 S w - 2 \lambda w = 0 \quad\Longrightarrow\quad S w = \lambda w . $$
#
# So $w$ is an eigenvector of $S$, and its variance is $w^T S w = \lambda$: the eigenvalue *is* the variance. The best one
# is the eigenvector $e_1$ with the largest eigenvalue $\lambda_1$; the best direction orthogonal to it is $e_2$, and so on.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $\lambda_k$ | `lam[k-1]` | $(p,)$ | variance along component $k$, largest first |
# | $e_k$ | `E[:, k-1]` | $(p, p)$ | loadings of component $k$, a unit vector, in a column |
#
# ### Exercise 3: the spectrum (3 points)

# %% tags=["exercise"]
def spectrum(S):
    """S (p, p) symmetric -> (lam, E): eigenvalues (p,), largest first, and unit eigenvectors
    in the columns of E (p, p).

    Example: [[2, 1], [1, 2]] gives lam = (3, 1), and (1, 1) / sqrt(2), up to its sign, in the
    first column of E.
    """
    ### BEGIN SOLUTION
    ascending, vectors = np.linalg.eigh(S)
    return ascending[::-1], vectors[:, ::-1]
    ### END SOLUTION


# %% tags=["check"]
spectrum = check("spectrum")

# %% tags=["help"]
# hint("spectrum")
# solution("spectrum")

# %% [markdown]
# An eigenvector times $-1$ is an eigenvector, so the signs are nobody's to decide. To compare with a printed table we need
# one choice; ours makes the entry of largest size in each column positive.

# %%
from course.unsupervised.pca import fix_signs

lam, E = spectrum(S)
E = fix_signs(E)

# %% [markdown]
# Here are our loadings, and the shares of variance that R's `prcomp` prints for the same data. The first two columns are
# **Table 10.1**, to seven digits, signs apart.

# %% tags=["nbval-check-output"]
print(" " * 10 + "".join(f"{f'PC{k}':>12}" for k in range(1, p + 1)))
for feature, row in zip(arrests.features, E):
    print(f"{feature:10}" + "".join(f"{value:12.7f}" for value in row))
print(f"{'variance':10}" + "".join(f"{value:12.5f}" for value in lam))


# %% [markdown]
# The first column has nearly equal weights on the three crimes: it is *overall violent crime*. The second one leans on
# `UrbanPop`: it is *how urban*. Just what the scatter plots suggested.

# %% [markdown]
# ## 1.6 Scores: the states along the components
#
# The coordinate of all samples along component $k$ is the vector of **scores**
#
# $$ Z_k = X e_k , $$
#
# where, on the slide, $X$ stands for the data with its column means taken off.
#
# ### Exercise 4: scores (2 points)

# %% tags=["exercise"]
def scores(X, E):
    """X (n, p), E (p, k) -> Z (n, k): the coordinates of the centred samples along the columns
    of E.

    Example: with E the identity matrix, Z is X with its column means taken off.
    """
    ### BEGIN SOLUTION
    return (X - X.mean(axis=0)) @ E
    ### END SOLUTION


# %% tags=["check"]
scores = check("scores")

# %% tags=["help"]
# hint("scores")
# solution("scores")

# %% [markdown]
# **Predict.** What is the covariance matrix of the scores? (Write $Z = XE$ into the formula for $S$.)

# %%
Z = scores(X_std, E)
print(covariance(Z).round(6) + 0.0)

# %% [markdown]
# $\frac{1}{n-1} Z^T Z = E^T S E = \operatorname{diag}(\lambda_1, \dots, \lambda_p)$: the scores are **uncorrelated**, and
# their variances are the eigenvalues. PCA is a rotation to axes along which nothing is said twice.
#
# And now **Figure 10.1**: samples as points in the plane of the first two scores, features as arrows.

# %%
plots.biplot(Z, E, arrests.samples, arrests.features)


# %% [markdown]
# How to read it. A state far to the right has much violent crime; one far up is urban. Arrows that point the same way
# belong to features that go together: the three crimes do. Nevada and Florida lie where you would look for them now;
# so do North Dakota and Hawaii. Mirror the picture left to right and nothing has changed: only relative positions are real.

# %% [markdown]
# ## 1.7 How much of the variance is that?
#
# All the variance there is, is $\sum_j S_{jj} = \operatorname{trace}(S) = \lambda_1 + \dots + \lambda_p$. Component $k$
# explains the share
#
# $$ \frac{\lambda_k}{\operatorname{trace}(S)} . $$
#
# ### Exercise 5: explained variance (1 point)

# %% tags=["exercise"]
def explained_variance(lam):
    """lam (p,) -> (p,): the share of the total variance along each component, adding up to 1.

    Example: the variances 5, 3, 2 have the shares 0.5, 0.3, 0.2.
    """
    ### BEGIN SOLUTION
    return lam / np.sum(lam)
    ### END SOLUTION


# %% tags=["check"]
explained_variance = check("explained_variance")

# %% tags=["help"]
# hint("explained_variance")
# solution("explained_variance")

# %% tags=["nbval-check-output"]
print("each    ", " ".join(f"{share:.5f}" for share in explained_variance(lam)))
print("added up", " ".join(f"{share:.5f}" for share in explained_variance(lam).cumsum()))

# %%
plots.scree(explained_variance(lam))


# %% [markdown]
# Two numbers a state instead of four keep most of what varies. There is no rule for how many to keep; people look for the
# *elbow*, where the curve stops falling steeply, and later chapters ask what the numbers are for.

# %% [markdown]
# ## 1.8 The closest plane
#
# Keep $k$ scores and go back:
#
# $$ \hat x_i = \bar x + \sum_{j=1}^{k} z_{ij}\, e_j . $$
#
# The points $\hat x_i$ lie in a $k$-dimensional affine subspace, through the mean. **Eckart and Young** say that no other
# such subspace is closer, and what is lost is what was not kept:
#
# $$ \sum_{i=1}^n \lVert x_i - \hat x_i \rVert^2 = (n-1) \sum_{j > k} \lambda_j . $$
#
# ### Exercise 6: the affine approximation (3 points)
#
# Use the functions you have; each line of the formula is one of them.

# %% tags=["exercise"]
def affine_approximation(X, k):
    """X (n, p), integer k -> (n, p): the samples moved to the closest points of the best
    k-dimensional affine subspace.

    Example: k = 0 moves every sample to the mean, k = p leaves it where it is.
    """
    ### BEGIN SOLUTION
    E_k = spectrum(covariance(X))[1][:, :k]
    return X.mean(axis=0) + scores(X, E_k) @ E_k.T
    ### END SOLUTION


# %% tags=["check"]
affine_approximation = check("affine_approximation")

# %% tags=["help"]
# hint("affine_approximation")
# solution("affine_approximation")

# %% [markdown]
# The error that we measure, against the error that the theorem promises, for every $k$:

# %%
measured = [((X_std - affine_approximation(X_std, k)) ** 2).sum() for k in range(p + 1)]
promised = [(n - 1) * lam[k:].sum() for k in range(p + 1)]
plots.approximation_error(measured, promised)


# %% [markdown]
# And is it really the *best* plane? A thousand random planes through the mean have a try:

# %%
def error_of_plane(Q):
    """Q (p, 2) with orthonormal columns -> squared distance of the samples from its plane."""
    return ((X_std - X_std @ Q @ Q.T) ** 2).sum()


tries = [error_of_plane(np.linalg.qr(rng.normal(size=(p, 2)))[0]) for _ in range(1000)]
print(f"best of 1000 random planes {min(tries):.2f}, principal components {measured[2]:.2f}")

# %% [markdown]
# ## 1.9 Held against scikit-learn
#
# From here on we may use a library: we know what it does. Signs apart, everything agrees to rounding.

# %%
from sklearn.decomposition import PCA

library = PCA().fit(X_std)
print("loadings", np.abs(fix_signs(library.components_.T) - E).max())
print("variances", np.abs(library.explained_variance_ - lam).max())
print("shares", np.abs(library.explained_variance_ratio_ - explained_variance(lam)).max())

# %% [markdown]
# ## 1.10 Break it
#
# **Predict.** Leave the data as they are, in their units. What will the first component be?

# %%
lam_raw, E_raw = spectrum(covariance(X))
E_raw = fix_signs(E_raw)
titles = ["standardised", "in their own units"]
plots.two_biplots((Z, E), (scores(X, E_raw), E_raw), arrests.samples, arrests.features, titles)

# %%
print("first component ", dict(zip(arrests.features, E_raw[:, 0].round(3).tolist())))
print("its share       ", explained_variance(lam_raw)[0].round(3))

# %% [markdown]
# The first component is `Assault`, and it "explains" almost everything, because one arrest counts as much as one per cent.
# Measure assaults per 1,000 residents instead, and the answer changes:

# %%
units = np.array([1, 0.01, 1, 1])
E_units = fix_signs(spectrum(covariance(X * units))[1])
print(dict(zip(arrests.features, E_units[:, 0].round(3).tolist())))

# %% [markdown]
# PCA is not blind to units. Standardise when the columns are measured in different ones; do not when they share one and
# their sizes mean something, such as the pixels of an image (chapter 5).
#
# **Something else to break.** Move one state far away and watch the first component follow it. Try other distances.

# %%
moved = X_std.copy()
moved[0] += np.array([0, 0, 30, 0])
print("before", E[:, 0].round(3))
print("after ", fix_signs(spectrum(covariance(moved))[1])[:, 0].round(3))

# %% [markdown]
# One sample in fifty decides. Squared distances make PCA so fragile; chapters 13 and 14 are about estimators that are not.

# %% [markdown]
# ## What you can do now
#
# 1. *Without labels*: there is only $x$, and the aim, here variance, is our own choice.
# 2. *Components*: the eigenvectors of $S$; the eigenvalue is the variance along the eigenvector.
# 3. *Biplot*: distances between samples and angles between arrows are real; left, right, up and down are not.
# 4. *Standardise* when units differ: otherwise the largest unit wins.
# 5. *Compress*: keep $k$ scores; exactly $(n-1)\sum_{j>k}\lambda_j$ of squared distance is lost.
#
# ## Test yourself
#
# <details><summary>1. All $p$ features are uncorrelated with variance 1. What does PCA find?</summary>
#
# $S = I$: every direction has the variance 1, and any orthonormal basis is a set of eigenvectors. There is nothing to find.
# </details>
#
# <details><summary>2. Three samples in a hundred dimensions: how many components have variance above zero?</summary>
#
# At most two. Three points lie in a plane: centring takes one away, and $S$ has rank at most $n - 1$.
# </details>
#
# <details><summary>3. Is the variance of the data along $e_1 + e_2$ equal to $\lambda_1 + \lambda_2$?</summary>
#
# No. As a unit vector it is $(e_1 + e_2)/\sqrt 2$, and its variance is $(\lambda_1 + \lambda_2)/2$.
# </details>
#
# <details><summary>4. Two people run PCA on the same data and get opposite signs. Who is right?</summary>
#
# Both. Whatever changes with the sign is not a statement about the data.
# </details>
#
# ## References
#
# - G. James, D. Witten, T. Hastie, R. Tibshirani, *An Introduction to Statistical Learning*, Springer 2013, section 10.2
#   (second edition 2021, section 12.2).
# - C. Eckart, G. Young, *The approximation of one matrix by another of lower rank*, Psychometrika 1 (1936), 211-218.
# - K. R. Gabriel, *The biplot graphic display of matrices with application to principal component analysis*,
#   Biometrika 58 (1971), 453-467.
#
# **Next:** chapter 2 looks for groups instead of directions.
