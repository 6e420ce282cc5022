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
# # 2. Clustering
#
# **From the lecture:** k-means, Algorithm 10.1 and Figure 10.6; hierarchical clustering; the four linkages of Table 10.2.
# (Numbers of tables, figures and algorithms are those of *An Introduction to Statistical Learning*, first edition.)
#
# **When you are through, you can**
#
# 1. say what k-means makes small, and why no step of it ever makes that larger,
# 2. write Algorithm 10.1, and say what depends on its random start,
# 3. look for a number of clusters, and know how far to trust what you find,
# 4. build and read a dendrogram, under any of four linkages, and cut it,
# 5. name three choices that change the answer before any algorithm runs.
#
# **You need** means, Euclidean distance, and NumPy's boolean indexing. Chapter 1 helps in one place. **Time:** about an
# hour and a half with the six exercises; the code itself runs in seconds.

# %% tags=["setup"]
from itertools import combinations

import numpy as np

from course import data
from course.lab import check, hint, solution
from course.plots import clustering as plots
from course.plots import images
from course.unsupervised import kmeans, linkage, pca

# %% [markdown]
# ## 2.1 What is a good grouping?
#
# 150 points, drawn from three clouds of 70, 50 and 30. The clouds have different shapes, and they touch. From here on,
# nobody remembers which point came from which.

# %%
rng = np.random.default_rng(5)
cloud = np.repeat([0, 1, 2], [70, 50, 30])
centres = np.array([[-2, 0], [1, -2], [3, 0.5]])
spreads = np.array([[1.2, 1.2], [0.9, 0.5], [0.5, 1.0]])
X = centres[cloud] + spreads[cloud] * rng.normal(size=(150, 2))
n, p = X.shape
K = 3
plots.points(X)


# %% [markdown]
# *Clustering* splits the samples into $K$ groups, $C_1, \dots, C_K$: each sample is in just one of them. Samples of one
# group should be alike. K-means takes "alike" to mean *close*, and adds up how far apart the members of a cluster are:
#
# $$ W = \sum_{k=1}^K W(C_k), \qquad
#    W(C_k) = \frac{1}{|C_k|} \sum_{i, i' \in C_k} \sum_{j=1}^p (x_{ij} - x_{i'j})^2 . $$
#
# This is the **objective**, the within-cluster variation. The inner sum is a squared Euclidean distance; $i$ and $i'$ both
# run over the whole cluster, so each pair of samples comes twice.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $x_i$ | `X[i]` | $(p,)$ | sample $i$ |
# | $K$ | `K` | | how many clusters |
# | $C_k$ | `X[labels == k]` | $(\lvert C_k\rvert, p)$ | the members of cluster $k$ |
# | | `labels` | $(n,)$ | the number of each sample's cluster; in code it runs from 0 to $K - 1$ |
# | $W$ | `W` | | the objective, in squared units of $X$ |
#
# ### Exercise 1: the objective (2 points)

# %% tags=["exercise"]
def within_cluster_variation(X, labels):
    """X (n, p), labels (n,) integers -> W, a number: for each cluster the squared distances of
    all ordered pairs of its members, added up and divided by the size of the cluster; and that
    added up over the clusters.

    Example: one feature, and 0, 2, 4 in one cluster, give (4 + 16 + 4 + 4 + 16 + 4) / 3 = 16.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
within_cluster_variation = check("within_cluster_variation")

# %% tags=["help"]
# hint("within_cluster_variation")        # delete the first # for a hint; again for the next
# solution("within_cluster_variation")    # the same for the solution

# %% [markdown]
# Pairs are dear: a cluster of 1,000 has a million of them. But $W$ has a second face. Write
# $x_i - x_{i'} = (x_i - \bar x_k) - (x_{i'} - \bar x_k)$, with $\bar x_k$ the mean of the cluster. The square has two equal
# square terms, and a mixed term that sums to zero. So
#
# $$ \frac{1}{|C_k|} \sum_{i, i' \in C_k} \lVert x_i - x_{i'} \rVert^2 = 2 \sum_{i \in C_k} \lVert x_i - \bar x_k \rVert^2 . $$
#
# A probe, on the clouds themselves:

# %%
print("by pairs ", within_cluster_variation(X, cloud))
squares = [((X[cloud == k] - X[cloud == k].mean(axis=0)) ** 2).sum() for k in range(K)]
print("by means ", 2 * sum(squares))

# %% [markdown]
# Which partition makes $W$ smallest? One could try them all. There are $K^n$ ways to hand out the numbers:

# %%
print(f"{K} to the power {n} has {len(str(K**n))} digits")


# %% [markdown]
# ## 2.2 Algorithm 10.1
#
# Nobody tries them all. K-means goes downhill instead:
#
# 1. Give every sample a random number from $1$ to $K$.
# 2. Until the numbers stop changing:
#    - (a) for each cluster, compute the **centroid**, the mean of its members;
#    - (b) give every sample the number of the closest centroid, in Euclidean distance.
#
# $$ m_k = \frac{1}{|C_k|} \sum_{i \in C_k} x_i , \qquad c(i) = \arg\min_k \lVert x_i - m_k \rVert . $$
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $m_k$ | `M[k]` | $(K, p)$ | the centroid of cluster $k$, in a row |
# | $c(i)$ | `labels[i]` | $(n,)$ | the number of the cluster that sample $i$ is in |
#
# ### Exercise 2: step 2(a) (1 point)

# %% tags=["exercise"]
def centroids(X, labels, K):
    """X (n, p), labels (n,) integers from 0 to K - 1, each of them used, K -> M (K, p): row k
    is the mean of the samples with the label k.

    Example: the samples (0, 0), (2, 4), (5, 5) with the labels 0, 0, 1 give the rows (1, 2) and
    (5, 5).
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
centroids = check("centroids")


# %% tags=["help"]
# hint("centroids")
# solution("centroids")

# %% [markdown]
# ### Exercise 3: step 2(b) (2 points)

# %% tags=["exercise"]
def assign(X, M):
    """X (n, p), M (K, p) -> labels (n,), integers from 0 to K - 1: for each sample, the row of
    M that is closest to it; of several that are equally close, the one with the lowest number.

    Example: the samples (0, 0), (4, 4), (2, 2) and the centroids (0, 1), (4, 3) give 0, 1, 0.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
assign = check("assign")


# %% tags=["help"]
# hint("assign")
# solution("assign")

# %% [markdown]
# ### Exercise 4: the whole algorithm (3 points)
#
# The random numbers of step 1 are handed in, so that the result is one and the same for everybody.

# %% tags=["exercise"]
def k_means(X, labels, K):
    """X (n, p), labels (n,) integers from 0 to K - 1, K -> (labels (n,), M (K, p)): step 2 of
    Algorithm 10.1 from the given labels, until no label changes, and the centroids then. No
    cluster runs empty on the way.

    Example: the samples 0, 1, 9, 10 with the labels 0, 1, 1, 1 end with the labels 0, 0, 1, 1
    and the centroids 0.5, 9.5.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
k_means = check("k_means")

# %% tags=["help"]
# hint("k_means")
# solution("k_means")

# %%
random = np.random.default_rng(22).integers(K, size=n)
labels, M = k_means(X, random, K)
print("objective of the random assignment", round(within_cluster_variation(X, random), 1))
print("objective of the result           ", round(within_cluster_variation(X, labels), 1))
print("objective of the clouds           ", round(within_cluster_variation(X, cloud), 1))

# %% [markdown]
# The result is even better than the truth, by this measure: k-means does not know the clouds, it knows $W$.
#
# **Predict.** Where are the three centroids after step 2(a) of the *first* round? The labels are still random.
#
# To watch the steps, we take the course's `kmeans.steps`: the same loop as yours, handing out each step as it is made.
# Here is **Figure 10.6**: colour and shape are the cluster, the large framed marks the centroids.

# %%
history = list(kmeans.steps(X, random, K))
plots.algorithm(X, history)

# %% [markdown]
# The first three centroids lie almost in one place: each is the mean of a random third of the data, close to the mean of
# all. A small difference is enough. The closest centroid cuts the plane into three wedges, and from there it goes fast.

# %% [markdown]
# ## 2.3 The objective never rises
#
# Let the labels and the centroids be free of each other, and measure
#
# $$ J(c, m) = 2 \sum_{i=1}^n \lVert x_i - m_{c(i)} \rVert^2 . $$
#
# - Step 2(a) changes $m$ only. For any point $m$,
#   $\sum_{i \in C} \lVert x_i - m \rVert^2 = \sum_{i \in C} \lVert x_i - \bar x \rVert^2 + |C|\, \lVert \bar x - m \rVert^2$:
#   the mean is the best choice there is.
# - Step 2(b) changes $c$ only. Each sample takes its smallest term: the best choice again.
#
# So neither step can make $J$ larger; and right after step 2(a), by the identity above, $J = W$. There are finitely many
# partitions, none comes back once $J$ has fallen, so the algorithm stops. It stops where neither step alone can do better.
# In this sense it is a *local* minimum. It need not be the smallest.

# %%
starts = [kmeans.random_assignment(n, K, seed) for seed in (22, 23, 24)]
histories = [list(kmeans.steps(X, start, K)) for start in starts]
plots.descent(histories)

# %% [markdown]
# Each start has a plunge, then a slow end; and not all of them end at the same height. A proof should survive a try, so here
# are five hundred starts and every step:

# %%
largest_rise = -np.inf
for seed in range(500):
    values = [step.objective for step in kmeans.steps(X, kmeans.random_assignment(n, K, seed), K)]
    largest_rise = max(largest_rise, np.diff(values).max())
print(f"the largest rise in any step of 500 runs: {largest_rise:.1e}")

# %% [markdown]
# (Rounding may leave something of the size $10^{-13}$.) Now go through the steps yourself: forward, back, another start.

# %%
plots.kmeans_stepper(X, K, seed=2)

# %% [markdown]
# ## 2.4 The result depends on the start
#
# **Predict.** Six random starts: how many different results?
#
# This is the idea of **Figure 10.7**; the number above each panel is its objective. We picked a seed with several results;
# with another seed it may be one, or more.

# %%
rng = np.random.default_rng(9)
runs = [k_means(X, rng.integers(K, size=n), K) for start in range(6)]
found = [within_cluster_variation(X, labels) for labels, M in runs]
titles = [f"{W:.1f}" + (", the smallest" if np.isclose(W, min(found)) else "") for W in found]
plots.partitions(X, [labels for labels, M in runs], titles, [M for labels, M in runs])


# %% [markdown]
# The bad results are stable: no single sample is closer to another centroid. Two centroids share one cloud, and one
# centroid holds two clouds. To get out, a centroid would have to travel uphill.
#
# How often does that happen? And does it help to choose the start with care? **K-means++** draws $K$ samples as first
# centroids: the first uniformly, each next one with probability proportional to $D_i^2$, the squared distance from $x_i$
# to the nearest one drawn so far. Far samples are likely, but an outlier is not certain.
#
# With three clouds there is little to gain. So here are 25 small clouds as well, on a grid of five by five:

# %%
def results(X, K, start, seeds):
    """-> the objectives, in ascending order, of one run of k-means from each seed."""
    return np.sort([kmeans.kmeans(X, K, start, rng=seed).objective for seed in seeds])


grid = np.repeat([[i, j] for i in range(5) for j in range(5)], 10, axis=0)
grid = grid + 0.15 * rng.normal(size=(250, 2))
for name, samples, clusters in (("3 clouds", X, 3), ("25 clouds", grid, 25)):
    for start in ("random", "k-means++"):
        ends = results(samples, clusters, start, range(100))
        print(f"{name:10}{start:10} smallest {ends[0]:6.1f}, median {np.median(ends):6.1f}, "
              f"largest {ends[-1]:6.1f}")

# %% [markdown]
# So: run it several times and keep the smallest $W$. That is what `kmeans.kmeans(X, K, starts=20)` does, and scikit-learn's
# `n_init=20`. And where $K$ is large, start with care. Yet not even that is sure: with 25 clouds, hardly a run gives each
# cloud a centroid of its own.
#
# Now something larger: the 1,797 handwritten digits of chapter 0, 64 pixels each, in ten clusters. A centroid is a mean of
# images, so it is an image. K-means has not seen a single label; above each centroid stands the digit that most of its
# members are, looked up afterwards, and their share.

# %%
digits = data.load("digits")
ten = kmeans.kmeans(digits.X, 10, "k-means++", starts=10, rng=0)
members = [np.bincount(digits.y[ten.labels == k], minlength=10) for k in range(10)]
titles = [f"{count.argmax()}: {count.max() / count.sum():.0%}" for count in members]
images.gallery(ten.centroids.reshape(10, 8, 8), titles, columns=10, what="centroids of the digits")

# %% [markdown]
# Most centroids are digits. Some digits share a cluster, and some digit may have two: the ten clusters of smallest $W$ are
# not the ten classes, and nothing in the algorithm says they should be.

# %% [markdown]
# ## 2.5 Held against scikit-learn
#
# `KMeans` starts from centroids, not from labels, so we give it ours. Its `inertia_` counts
# $\sum_i \lVert x_i - m_{c(i)} \rVert^2$ once; the book's $W$ is twice that.

# %% tags=["nbval-check-output"]
from sklearn.cluster import KMeans

for name, samples, clusters in (("clouds", X, 3), ("digits", digits.X, 10)):
    start = samples[:: len(samples) // clusters][:clusters]
    library = KMeans(clusters, init=start, n_init=1, algorithm="lloyd", tol=0).fit(samples)
    labels, M = k_means(samples, assign(samples, start), clusters)
    W = within_cluster_variation(samples, labels)
    print(f"{name}: same labels {np.array_equal(labels, library.labels_)}, "
          f"same centroids {np.allclose(M, library.cluster_centers_)}, "
          f"same objective {np.isclose(W, 2 * library.inertia_)}")

# %% [markdown]
# ## 2.6 How many clusters?
#
# $W$ cannot tell: more clusters always make it smaller, down to zero at $K = n$. Two habits help a little.
#
# - **The elbow.** Plot the smallest $W$ against $K$; look for the place from which it falls only slowly.
# - **The silhouette.** For sample $i$ let $a_i$ be its mean distance to the rest of its cluster, and $b_i$ its mean distance
#   to the nearest other cluster. Then
#
# $$ s_i = \frac{b_i - a_i}{\max(a_i, b_i)} \in [-1, 1] , $$
#
# near 1 in the midst of a tight cluster, 0 on a border, below 0 on the wrong side of it. Take the $K$ with the largest mean.
#
# **Predict.** What will the two say of points spread evenly over a square, where there is no group at all?

# %%
square = np.random.default_rng(0).uniform(size=(150, 2))
Ks = range(1, 9)
elbows, silhouettes = [], []
for points in (X, square):
    best = [kmeans.kmeans(points, k, starts=20, rng=k) for k in Ks]
    elbows.append([run.objective for run in best])
    means = [kmeans.silhouette(points, run.labels).mean() for run in best[1:]]
    silhouettes.append([np.nan, *means])
plots.choosing(Ks, elbows, silhouettes, ["three clouds", "an even square"])


# %% [markdown]
# On the clouds both point to the same $K$, the elbow less clearly. On the square $W$ falls just as well, without an elbow,
# and the silhouette has a largest value all the same: *a method that is asked for clusters returns clusters*. Neither is a
# rule, and neither compares with "no groups at all". Trust a $K$ that comes back on another half of the data and is of use
# afterwards.

# %% [markdown]
# ## 2.7 Clusters within clusters
#
# K-means must be told $K$. **Hierarchical clustering** builds all numbers of clusters at once, from below
# (Algorithm 10.2):
#
# 1. Every sample is a cluster. Compute all $\binom n2 = n(n-1)/2$ dissimilarities.
# 2. For $i = n, n - 1, \dots, 2$:
#    - (a) among the $i$ clusters find the two that are least dissimilar, and **fuse** them. Their dissimilarity is the
#      **height** of the fusion in the tree;
#    - (b) compute the dissimilarities between the $i - 1$ clusters that are left.
#
# Between two samples, we take Euclidean distance. Between two *clusters* there is a choice, the **linkage** (Table 10.2):
#
# | linkage | dissimilarity between $A$ and $B$ |
# |---|---|
# | complete | the largest distance between a member of $A$ and a member of $B$ |
# | single | the smallest of these distances |
# | average | the mean of these distances |
# | centroid | the distance between the mean of $A$ and the mean of $B$ |
#
# ### Exercise 5: linkage (2 points)

# %% tags=["exercise"]
def linkage_dissimilarity(A, B, kind):
    """A (a, p), B (b, p), kind -> a number: the dissimilarity of the clusters A and B by Table
    10.2, from Euclidean distances. kind is "complete", "single", "average" or "centroid".

    Example: A with 0 and 2, B with 3 and 7 (one feature): complete 7, single 1, average 4,
    centroid 4.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
linkage_dissimilarity = check("linkage_dissimilarity")


# %% tags=["help"]
# hint("linkage_dissimilarity")
# solution("linkage_dissimilarity")

# %% [markdown]
# With that, Algorithm 10.2 is a dozen lines. It looks at all pairs each time, which is slow and easy to believe.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | | `Z` | $(n - 1, 4)$ | a fusion a row: two clusters, the height, the size of the new cluster |
# | | `0, ..., n - 1` | | the samples as clusters; the fusion in row $t$ makes cluster $n + t$ |

# %%
def fuse_all(X, kind):
    """X (n, p) -> Z (n - 1, 4): Algorithm 10.2."""
    members = {i: [i] for i in range(len(X))}
    Z = []
    while len(members) > 1:
        height, a, b = min(
            (linkage_dissimilarity(X[members[a]], X[members[b]], kind), a, b)
            for a, b in combinations(members, 2)
        )
        members[len(X) + len(Z)] = members.pop(a) + members.pop(b)
        Z.append([a, b, height, len(members[len(X) + len(Z)])])
    return np.array(Z)


# %% [markdown]
# Nine points first. **Predict** from the right-hand picture alone: which two fuse first? Who joins last?

# %%
nine = np.random.default_rng(3).uniform(size=(9, 2))
D = linkage.dissimilarities(nine)
print(f"{len(np.unique(D[D > 0]))} dissimilarities; n (n - 1) / 2 = {9 * 8 // 2}")
Z = fuse_all(nine, "complete")
plots.tree_and_points(nine, Z)

# %% [markdown]
# Read a dendrogram from below. Each leaf is a sample. Two branches that meet low are alike; two that meet high are not.
# **Only the height at which they meet counts.** At each fusion left and right could be swapped, so two leaves that stand
# side by side may be far apart: find such a pair in the picture, and look for it on the right.

# %% [markdown]
# ## 2.8 Four linkages
#
# 45 points from three clouds. The four trees, each cut into three clusters:

# %%
rng = np.random.default_rng(6)
X45 = np.repeat([[-2.5, 0], [1.5, 2], [1.5, -2]], 15, axis=0) + rng.normal(size=(45, 2))
plots.linkages(X45, 3)

# %% [markdown]
# Complete and average linkage give balanced trees. Single linkage adds stragglers one at a time. In the centroid tree
# something odd happens near the top; section 2.10 comes back to it.
#
# Choose a linkage, and look at the points beside the tree:

# %%
plots.chosen_linkage(X45, "complete", 3)

# %%
plots.linkage_chooser(X45, 3)

# %% [markdown]
# SciPy has all four. Same fusions, same heights? And the course's own `linkage.agglomerate` does it without looking at all
# pairs each time: it keeps a table of dissimilarities, from which those of a new cluster follow (Lance and Williams), and
# the nearest neighbour of every cluster.

# %% tags=["nbval-check-output"]
from scipy.cluster import hierarchy

for kind in linkage.LINKAGES:
    theirs = hierarchy.linkage(X45, kind)
    ours = fuse_all(X45, kind)
    quick = linkage.agglomerate(linkage.dissimilarities(X45), kind)
    print(f"{kind:9} fusions {np.array_equal(ours[:, [0, 1, 3]], theirs[:, [0, 1, 3]])}, heights "
          f"{np.allclose(ours[:, 2], theirs[:, 2])}; the quick one {np.allclose(quick, theirs)}")


# %% [markdown]
# ## 2.9 Cutting the tree
#
# Stop after $n - K$ fusions and there are $K$ clusters. Where heights only grow, that is a horizontal cut: all fusions below
# the line are made, none above it. One tree holds the answer for every $K$, and the answers are *nested*: $K + 1$ clusters
# come from $K$ by splitting one. K-means makes no such promise. Nor is nesting always right: the best two groups of a
# hundred people may be by sex, the best three by nationality.
#
# ### Exercise 6: cut (2 points)

# %% tags=["exercise"]
def cut_into(Z, K):
    """Z (n - 1, 4), integer K -> labels (n,), integers: the K clusters that there are after the
    first n - K fusions, numbered in any way. Row t of Z fuses the clusters Z[t, 0] and Z[t, 1]
    into cluster n + t.

    Example: Z = [[0, 2, 1.0, 2], [1, 3, 5.0, 3]] and K = 2 give 0, 1, 0, or the same with other
    numbers.
    """
    raise NotImplementedError  # your code here


# %% tags=["check"]
cut_into = check("cut_into")

# %% tags=["help"]
# hint("cut_into")
# solution("cut_into")

# %%
Z = linkage.tree(X45, "complete")
print("sizes of three clusters", np.sort(np.bincount(cut_into(Z, 3))))
at_height = linkage.cut_at(Z, height=Z[-3:-1, 2].mean())
print("the same, cut at a height", np.sort(np.bincount(at_height)))

# %% [markdown]
# **Figure 10.9**: one tree, three cuts.

# %%
plots.cuts(Z, [1, 2, 3])

# %% [markdown]
# ## 2.10 Where linkages fail
#
# **Chaining.** Two round clouds with a thin bridge of points between them; and two long bands. **Predict**, for each of the
# two: does complete or single linkage find the groups?

# %%
rng = np.random.default_rng(2)
bridged = np.vstack([
    np.repeat([[-2, 0], [2, 0]], 40, axis=0) + 0.45 * rng.normal(size=(80, 2)),
    np.column_stack([np.linspace(-1.6, 1.6, 14), 0.05 * rng.normal(size=14)]),
])
along = rng.uniform(-3, 3, size=80)
bands = np.column_stack([along, np.repeat([-0.8, 0.8], 40) + 0.15 * rng.normal(size=80)])


def two_clusters(X):
    return [cut_into(linkage.tree(X, kind), 2) for kind in ("complete", "single")]


plots.partitions(bridged, two_clusters(bridged), ["bridge, complete", "bridge, single"])

# %%
plots.partitions(bands, two_clusters(bands), ["bands, complete", "bands, single"])

# %% [markdown]
# Single linkage needs *one* short step to fuse two clusters. It walks over the bridge, and its two clusters are everything
# and a straggler. The same short steps let it follow a band to its end, where complete linkage, which dislikes any long
# distance within a cluster, cuts across. A linkage is a statement about what a cluster is.
#
# **Inversion.** Centroid linkage has a fault of its own. Three points, almost an equilateral triangle:

# %%
triangle = np.array([[0, 0], [1, 0], [0.5, 0.9]])
Z = linkage.tree(triangle, "centroid")
plots.inversion(triangle, Z)

# %% [markdown]
# The first two fuse at their distance. Their centroid is *closer* to the third point than either of them was, so the second
# fusion is **lower** than the first: an inversion. The other three linkages cannot do this. After an inversion a horizontal
# line no longer parts early fusions from late ones. Cutting into $K$ still works; cutting at a height is refused:

# %%
try:
    linkage.cut_at(Z, 0.95)
except ValueError as refusal:
    print(refusal)

arrests = data.load("usarrests")
for kind in linkage.LINKAGES:
    turned = linkage.inversions(linkage.tree(arrests.X, kind))
    print(f"{kind:9}inversions in the tree of USArrests: {len(turned)}")

# %% [markdown]
# ## 2.11 What counts as alike?
#
# So far, alike meant close. Three samples with twenty features each (the idea of **Figure 10.13**). **Predict**: which two
# are alike?

# %%
t = np.arange(20)
levels, heights = np.array([[4], [12], [4.5]]), np.array([[1.5], [3], [1.5]])
three = levels + heights * np.array([np.sin(0.9 * t), np.sin(0.9 * t + 0.3), np.cos(0.5 * t)])
trees = [linkage.tree(three, "complete", metric) for metric in linkage.METRICS]
plots.profiles(three, trees, ["Euclidean", "correlation"])

# %%
for metric in linkage.METRICS:
    print(metric, *linkage.dissimilarities(three, metric).round(3), sep="\n")

# %% [markdown]
# Euclidean distance pairs the samples of the same *level*. Correlation-based dissimilarity, $1 - r$ with $r$ taken over the
# features of two samples, pairs those of the same *shape*. If rows are customers and columns are products, the first finds
# people who buy equally much, the second people who like the same things.
#
# **Units.** Like PCA in chapter 1, distances follow the largest unit. Fifty states, complete linkage, three clusters:

# %%
raw = linkage.tree(arrests.X, "complete")
standardised = linkage.tree(pca.standardise(arrests.X), "complete")
plots.named_trees([raw, standardised], arrests.samples, ["in their own units", "standardised"], 3)

# %% tags=["nbval-check-output"]
left, right = cut_into(raw, 3), cut_into(standardised, 3)
left, right = (
    np.array([list(dict.fromkeys(cut)).index(number) for number in cut]) for cut in (left, right)
)
print("rows: clusters of the raw data; columns: of the standardised data")
for k in range(3):
    row = [np.sum((left == k) & (right == other)) for other in range(3)]
    print(" ".join(f"{count:4d}" for count in row), "  of", np.sum(left == k))

# %% [markdown]
# The two partitions disagree on many states. What do the clusters have in common? Their means, and the range of `Assault`:

# %%
for name, cut in (("own units", left), ("standardised", right)):
    for k in range(3):
        mean = arrests.X[cut == k].mean(axis=0)
        means = ", ".join(f"{f} {v:.0f}" for f, v in zip(arrests.features, mean))
        print(f"{name:13} cluster {k}: {means}; Assault from {arrests.X[cut == k, 1].min():.0f} "
              f"to {arrests.X[cut == k, 1].max():.0f}")

# %% [markdown]
# In their own units the clusters are three levels of `Assault`, whose ranges do not even overlap. Standardised, all four
# features have a say, and the ranges do overlap. Which is right depends on what you want to know. What is wrong is not to
# have chosen.

# %% [markdown]
# ## 2.12 Break it
#
# **A cluster runs empty.** Step 2(b) may leave a centroid without a single sample. **Predict** the centroids and the labels
# after one round, from this start:

# %%
line = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
start = np.array([0, 1, 0, 2, 1, 2])
first = centroids(line, start, 3)
after = assign(line, first)
print("centroids", first.ravel(), " labels", after, " members", np.bincount(after, minlength=3))

# %% [markdown]
# The mean of no samples is 0/0. Algorithm 10.1 does not say what to do; a program must. Our package has a rule: *an empty
# cluster takes as its centroid the sample that is farthest from the centroid of its own cluster*. The next step 2(b) hands it
# that sample, so $J$ falls, and section 2.3 still holds. (scikit-learn does much the same.)

# %%
for step in kmeans.steps(line, start, 3):
    means = f"centroids {step.centroids.ravel()}" if len(step.centroids) else ""
    print(f"step {step.name:3} labels {step.labels}  objective {step.objective:6.2f}  {means}")

# %% [markdown]
# **Round clusters, wanted or not.** What does k-means make of the two bands?

# %%
labels, M = k_means(bands, np.arange(80) % 2, 2)
plots.partitions(bands, [labels], ["k-means, K = 2"], [M])

# %% [markdown]
# It cuts across, as complete linkage did. Its clusters meet halfway between centroids, so they are always convex, and it
# likes them round and of equal size. Squeeze the first column (`bands * [0.1, 1]`) and k-means finds the bands: the same
# data, in another unit.

# %% [markdown]
# ## What you can do now
#
# 1. *The objective* is the within-cluster variation $W$. Means and nearest centroids each make it as small as they can, so
#    it never rises.
# 2. *Algorithm 10.1* ends in a local minimum that depends on the random numbers of step 1: run it often, keep the smallest.
# 3. *The number of clusters*: elbow and silhouette are habits, not rules; the silhouette has its favourite $K$ even for an
#    even square.
# 4. *A dendrogram* is read by the heights of its fusions. Single linkage chains, centroid linkage may invert, complete and
#    average linkage like compact clusters. A cut into $K$ takes the first $n - K$ fusions.
# 5. *Before any algorithm*: what alike means, in which units, and which linkage or $K$.
#
# ## Test yourself
#
# <details><summary>1. Two runs of k-means end with the same partition, and their labels differ everywhere. How?</summary>
#
# The numbers of clusters are only names. Compare partitions by pairs: are two samples together in both?
# </details>
#
# <details><summary>2. Is the smallest W for K + 1 clusters always at most the smallest for K?</summary>
#
# Yes, while $K + 1 \le n$. Split one sample off a cluster of the best $K$: its own term becomes 0, and the rest is no farther
# from its new mean. But a *run* of k-means may end worse with more clusters: it only finds local minima.
# </details>
#
# <details><summary>3. Multiply all distances by 2, or square them. Which trees keep their fusions?</summary>
#
# All of them when multiplied. When squared, single and complete linkage do: they depend only on the *order* of the distances,
# and heights become squares. Average linkage may change, for the mean of squares is not the square of the mean.
# </details>
#
# <details><summary>4. Single linkage's heights are the edges of a well-known graph. Of which?</summary>
#
# Of the minimum spanning tree of the samples: Algorithm 10.2 with single linkage is Kruskal's algorithm.
# </details>
#
# ## References
#
# - G. James, D. Witten, T. Hastie, R. Tibshirani, *An Introduction to Statistical Learning*, Springer 2013, section 10.3
#   (second edition 2021, section 12.4).
# - S. P. Lloyd, *Least squares quantization in PCM*, IEEE Transactions on Information Theory 28 (1982), 129-137.
# - D. Arthur, S. Vassilvitskii, *k-means++: the advantages of careful seeding*, SODA 2007, 1027-1035.
# - P. J. Rousseeuw, *Silhouettes: a graphical aid to the interpretation and validation of cluster analysis*, Journal of
#   Computational and Applied Mathematics 20 (1987), 53-65.
# - G. N. Lance, W. T. Williams, *A general theory of classificatory sorting strategies*, The Computer Journal 9 (1967),
#   373-380.
# - D. Müllner, *Modern hierarchical, agglomerative clustering algorithms*, arXiv:1109.2378 (2011).
#
# **Next:** chapter 3 looks for curved surfaces instead of groups.
