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
# # 3. Manifold learning
#
# **From the lecture:** MDS, ISOMAP, LLE, Laplacian and Hessian eigenmaps, diffusion map, LTSA, MDS by semidefinite
# programming (sensor network localisation), t-SNE.
#
# **When you are through, you can**
#
# 1. turn distances into coordinates, and say when that is just PCA,
# 2. measure distances along a surface that you know from samples only,
# 3. say what each of the nine methods keeps, and write down the problem that it solves,
# 4. tell the shape of a surface from the density of the samples on it,
# 5. find positions when most distances are missing, and know whether the answer can be trusted,
# 6. break each method on purpose, and recognise the damage when nobody did.
#
# **You need** chapter 1: eigenvectors and PCA. **Time:** about two hours with the six exercises; the code itself runs
# in under a minute.

# %% tags=["setup"]
from time import perf_counter

import numpy as np
import scipy.linalg
import scipy.sparse.csgraph
import scipy.stats
from scipy.spatial.distance import cdist
from sklearn.manifold import TSNE, LocallyLinearEmbedding
from threadpoolctl import threadpool_limits

from course.data import manifolds
from course.lab import check, hint, solution
from course.plots import manifolds as plots
from course.plots.widgets import chooser, slider
from course.unsupervised import diffusion, graph, localisation, mds, spectral
from course.unsupervised import embedding_quality as quality

threadpool_limits(1)  # one core for all: equal conditions, and small problems run faster
rng = np.random.default_rng(0)

# %% [markdown]
# ## 3.1 A sheet, rolled up
#
# Here are points in space. They fill no volume: they lie on a sheet of paper that somebody rolled up. Two numbers would
# do for each of them, the place along the paper and the height. Such a sheet, whatever its dimension, is called a
# **manifold**, and to find the two numbers is **manifold learning**.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $x_1, \dots, x_n$ | `X` | $(n, p)$ | the samples, one a row |
# | | `roll.truth` | $(n, 2)$ | their true coordinates, for us to compare with; no method sees them |

# %%
roll = manifolds.swiss_roll(500, seed=0)
X, n = roll.X, len(roll.X)
plots.surface(X, roll.truth, roll.colour, roll.name)

# %% [markdown]
# **Predict.** What do the first two principal components make of it?

# %%
from course.unsupervised.pca import principal_components, scores

Z_pca = scores(X, principal_components(X)[1][:, :2])
plots.maps({"true coordinates": roll.truth, "PCA": Z_pca}, roll.colour, columns=2)


# %% [markdown]
# A shadow of the roll: PCA moves points to a flat plane along straight lines, and lays turn upon turn. Blue and yellow
# points lie side by side that are far apart on the paper. We need another notion of *far*.

# %% [markdown]
# ## 3.2 MDS: coordinates from distances
#
# **Multidimensional scaling** forgets the samples and keeps the table of their distances $d_{ij}$. It looks for points
# in $k$ dimensions with those distances.
#
# If $d_{ij} = \lVert x_i - x_j \rVert$ and the points are centred, then squared distances are inner products in
# disguise: $d_{ij}^2 = x_i^T x_i + x_j^T x_j - 2 x_i^T x_j$. Taking off the means of rows and columns leaves the last
# term alone:
#
# $$ B = -\tfrac12\, H\, D^{(2)} H, \qquad D^{(2)}_{ij} = d_{ij}^2, \qquad H = I - \tfrac1n \mathbf 1 \mathbf 1^T,
#    \qquad B_{ij} = x_i^T x_j . $$
#
# The coordinates are a square root of $B$: with its leading eigenvalues and eigenvectors,
# $Z = (\sqrt{\lambda_1}\, u_1, \dots, \sqrt{\lambda_k}\, u_k)$ solves
#
# $$ \min_{Z \in \mathbb R^{n \times k}} \lVert B - Z Z^T \rVert_F^2 . $$
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $d_{ij}$ | `D` | $(n, n)$ | distances |
# | $H$ | | $(n, n)$ | centring matrix: $H v$ is $v$ minus its mean |
# | $B$ | | $(n, n)$ | inner products of the centred points |
# | $z_i$ | `Z` | $(n, k)$ | coordinates found |
#
# ### Exercise 1: classical MDS (3 points)

# %% tags=["exercise"]
def classical_mds(D, k):
    """D (n, n) distances, integer k -> Z (n, k): coordinates whose distances come close to D,
    the columns of mean 0 and falling variance.

    Example: three towns on a road, at 0, 1 and 3, and k = 1: their distances give -4/3, -1/3, 5/3,
    up to the sign.
    """
    ### BEGIN SOLUTION
    H = np.eye(len(D)) - 1 / len(D)
    eigenvalues, U = np.linalg.eigh(-H @ D**2 @ H / 2)
    leading = np.argsort(-eigenvalues)[:k]
    return U[:, leading] * np.sqrt(np.maximum(eigenvalues[leading], 0))
    ### END SOLUTION


# %% tags=["check"]
classical_mds = check("classical_mds")

# %% tags=["help"]
# hint("classical_mds")        # delete the first # for a hint; run again for the next one
# solution("classical_mds")    # the same for the solution

# %% [markdown]
# A probe. The triangle with sides 3, 4, 5, put on a page and measured again:

# %% tags=["nbval-check-output"]
triangle = np.array([[0, 3, 4], [3, 0, 5], [4, 5, 0]])
corners = classical_mds(triangle, 2)
print(cdist(corners, corners).round(6))

# %% [markdown]
# **Predict.** The distances of our roll are straight lines through space. What will MDS make of them?

# %%
Z_mds = classical_mds(cdist(X, X), 2)
print(
    "largest difference from PCA's scores, signs apart:",
    np.abs(np.abs(Z_mds) - np.abs(Z_pca)).max(),
)


# %% [markdown]
# The shadow again, to the last digit. From Euclidean distances, $B = X_c X_c^T$, where $X_c$ is $X$ with its column
# means taken off, and $S = X_c^T X_c / (n-1)$: the two have the same eigenvalues but for the factor $n-1$, and
# $\sqrt{\lambda_k}\, u_k$ is the score $X_c e_k$. **Classical MDS on Euclidean distances is PCA.**
#
# Nothing is gained, except this: MDS takes *any* distances.

# %% [markdown]
# ## 3.3 ISOMAP: distances of a walker
#
# An ant on the paper does not cross from turn to turn. How far is it for the ant? We do not have the paper, only
# samples. But *nearby* samples are about as far apart on the paper as in space, and a long way is many short steps.
# ISOMAP: join each sample to its nearest neighbours; measure along these edges; give the result to MDS.
#
# $$ d_G(i, j) = \min_{\text{paths } i = m_0, m_1, \dots, m_r = j} \sum_{s=1}^r \lVert x_{m_s} - x_{m_{s-1}} \rVert,
#    \qquad \min_Z \bigl\lVert -\tfrac12 H D_G^{(2)} H - Z Z^T \bigr\rVert_F^2 . $$
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | | `A` | $(n, n)$ | lengths of the edges, $\infty$ where there is none |
# | $d_G(i, j)$ | `G` | $(n, n)$ | lengths of the shortest paths |
#
# ### Exercise 2: the neighbour graph (2 points)

# %% tags=["exercise"]
def edge_lengths(X, k):
    """X (n, p), integer k -> A (n, n): the distance of i and j where one of them is among the k
    nearest of the other, infinity where not, 0 on the diagonal.

    Example: the points 0, 1, 3, 7 on a line with k = 1 have three edges, of lengths 1, 2 and 4.
    """
    ### BEGIN SOLUTION
    D = cdist(X, X)
    A = np.full(D.shape, np.inf)
    for i, row in enumerate(D.argsort(axis=1)):
        near = row[row != i][:k]
        A[i, near] = A[near, i] = D[i, near]
    np.fill_diagonal(A, 0.0)
    return A
    ### END SOLUTION


# %% tags=["check"]
edge_lengths = check("edge_lengths")


# %% tags=["help"]
# hint("edge_lengths")
# solution("edge_lengths")

# %% [markdown]
# ### Exercise 3: shortest paths (2 points)
#
# SciPy's graph routines are allowed; so are Floyd and Warshall, who need three lines. Below there are 500 points: let
# NumPy do two of their three loops, or it will take minutes.

# %% tags=["exercise"]
def shortest_paths(A):
    """A (n, n) edge lengths, infinity where there is no edge -> G (n, n): the length of the
    shortest path from i to j, infinity where there is none.

    Example: an edge 0-1 of length 1 and an edge 1-2 of length 2 give the way 0-2 the length 3.
    """
    ### BEGIN SOLUTION
    G = A.copy()
    for m in range(len(A)):
        G = np.minimum(G, G[:, [m]] + G[[m], :])
    return G
    ### END SOLUTION


# %% tags=["check"]
shortest_paths = check("shortest_paths")

# %% tags=["help"]
# hint("shortest_paths")
# solution("shortest_paths")

# %% [markdown]
# A probe: a road with four stretches, its towns numbered out of order, and a by-road that is longer than the road.

# %% tags=["nbval-check-output"]
road = np.full((5, 5), np.inf)
for i, j, length in [(0, 3, 1.0), (3, 1, 2.0), (1, 4, 1.5), (4, 2, 2.5), (0, 1, 4.0)]:
    road[i, j] = road[j, i] = length
np.fill_diagonal(road, 0)
print(shortest_paths(road))

# %% [markdown]
# Now the ant's way on the roll, and every distance against the truth. The true distance is a straight line in the flat
# coordinates.

# %%
A = edge_lengths(X, 7)
G = shortest_paths(A)
i, j = np.argmin(roll.truth[:, 0]), np.argmax(roll.truth[:, 0])
_, before = scipy.sparse.csgraph.shortest_path(A, indices=i, return_predecessors=True)
path = [j]
while path[-1] != i:
    path.append(before[path[-1]])
one, other = rng.integers(n, size=(2, 1500))
one, other = one[one != other], other[one != other]
true = np.linalg.norm(roll.truth[one] - roll.truth[other], axis=1)
plots.two_ways(X, path, true, cdist(X, X)[one, other], G[one, other], roll.colour)

# %% [markdown]
# Straight lines say nothing about what is far on the paper. Paths in the graph do: a little too long, since they zigzag
# from sample to sample. With more samples, and more neighbours for each, the error shrinks, and that is a theorem
# (Bernstein, de Silva, Langford and Tenenbaum, 2000), if the flat sheet has no dents and no holes.

# %%
Z_isomap = classical_mds(G, 2)
plots.maps({"true coordinates": roll.truth, "MDS": Z_mds, "ISOMAP": Z_isomap}, roll.colour)

# %% [markdown]
# ISOMAP's map is the flat sheet, up to a turn, a mirror image and a shift, which no distance can know. To put a number
# on it we move the map by the best such transform, with one common scale (**Procrustes analysis**), and divide what is
# left by the size of the truth:
#
# $$ \text{error} = \min_{s,\, Q^T Q = I,\, b}
#    \frac{\lVert T - (s\, Z Q + \mathbf 1 b^T) \rVert_F}{\lVert T - \mathbf 1 \bar t^{\,T} \rVert_F}, $$
#
# where $T$ holds the true coordinates and $\bar t$ is their mean. 0 is the same shape; 1 is no better than a single
# point.

# %%
for name, Z in {"MDS": Z_mds, "ISOMAP": Z_isomap}.items():
    print(f"{name:8}{quality.procrustes(roll.truth, Z)[1]:.3f}")


# %% [markdown]
# ## 3.4 LLE: weights instead of distances
#
# A small patch of a smooth surface is nearly flat. So a sample is nearly a weighted mean of its neighbours, and the
# weights do not change when the patch is moved, turned or stretched. **Locally linear embedding** finds the weights in
# space, then looks for flat coordinates that are rebuilt by the same weights:
#
# $$ \min_{w_i}\ \Bigl\lVert x_i - \sum_{j \in N_i} w_{ij} x_j \Bigr\rVert^2 + \varepsilon\, \operatorname{tr}(G) \lVert w_i \rVert^2
#    \ \text{ subject to } \sum_j w_{ij} = 1;
#    \qquad \min_Z\ \sum_i \Bigl\lVert z_i - \sum_j w_{ij} z_j \Bigr\rVert^2
#    \ \text{ subject to } Z^T Z = I,\ Z^T \mathbf 1 = 0 . $$
#
# The first problem is solved sample by sample. Because the weights add up to 1,
# $x - \sum_j w_j N_j = \sum_j w_j (x - N_j)$, whose squared length is $w^T G w$ with the Gram matrix
# $G_{ij} = (N_i - x)^T (N_j - x)$. The second has the solution that you would expect by now: eigenvectors, of
# $M = (I - W)^T (I - W)$, those with the smallest eigenvalues after the constant one.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $x$ | `x` | $(p,)$ | a sample |
# | $N_1, \dots, N_k$ | `N` | $(k, p)$ | its neighbours, one a row |
# | $w$ | `w` | $(k,)$ | their weights |
# | $\varepsilon$ | `reg` | | keeps the weights small; with more neighbours than dimensions, many $w$ fit equally well |
#
# ### Exercise 4: the weights (3 points)

# %% tags=["exercise"]
def lle_weights(x, N, reg):
    """x (p,), its neighbours N (k, p), reg -> w (k,): the weights with sum 1 that minimise
    |x - sum_j w_j N_j|^2 + reg trace(G) |w|^2, where G_ij = (N_i - x)^T (N_j - x).

    Example: x = (0, 0) between (-1, 0) and (3, 0) gets the weights 3/4 and 1/4 as reg goes to 0.
    """
    ### BEGIN SOLUTION
    G = (N - x) @ (N - x).T
    w = np.linalg.solve(G + reg * np.trace(G) * np.eye(len(N)), np.ones(len(N)))
    return w / w.sum()
    ### END SOLUTION


# %% tags=["check"]
lle_weights = check("lle_weights")

# %% tags=["help"]
# hint("lle_weights")
# solution("lle_weights")

# %%
N = np.array([[-1.0, -0.6], [0.9, -0.8], [1.2, 0.7], [-0.4, 1.1]])
x = np.array([0.3, 0.1])
plots.reconstruction(x, N, lle_weights(x, N, 1e-3))

# %% [markdown]
# The weighted sum falls on the point. Four neighbours in a plane leave many weights to choose from, and the penalty
# takes the most even ones. A probe: turn, stretch and shift the picture, and the weights stay.

# %%
turn = np.array([[0.6, -0.8], [0.8, 0.6]])
print(lle_weights(x, N, 1e-3).round(6))
print(lle_weights(5 * x @ turn + 7, 5 * N @ turn + 7, 1e-3).round(6))

# %% [markdown]
# From the weights to the map takes six lines.

# %%
_, near = graph.nearest(X, 8)
W = np.zeros((n, n))
for i in range(n):
    W[i, near[i]] = lle_weights(X[i], X[near[i]], 1e-3)
M = (np.eye(n) - W).T @ (np.eye(n) - W)
Z_lle = scipy.linalg.eigh(M, subset_by_index=(1, 2))[1]
plots.maps({"true coordinates": roll.truth, "LLE": Z_lle}, roll.colour, columns=2, same_scale=False)


# %% [markdown]
# The roll is open, and the colours are in order. But the map is bent and pinched in places, and its size is arbitrary:
# the condition $Z^T Z = I$ gives both coordinates the same variance, so LLE cannot know that the sheet is longer than
# wide.

# %% [markdown]
# ## 3.5 Laplacian eigenmap: neighbours stay together
#
# Give every edge a weight, large for near samples: $W_{ij} = e^{-\lVert x_i - x_j \rVert^2 / t}$, or simply 1. Then ask
# for a map that keeps heavy edges short:
#
# $$ \min_F\ \tfrac12 \sum_{ij} W_{ij} \lVert f_i - f_j \rVert^2 = \operatorname{tr}(F^T L F)
#    \ \text{ subject to } F^T D F = I,\ F^T D \mathbf 1 = 0,
#    \qquad L = D - W,\quad D_{ii} = \sum_j W_{ij} . $$
#
# Without the first condition all points would fall into one; the second removes a constant that says nothing. With
# multipliers, as in chapter 1, the columns of $F$ solve $L f = \lambda D f$ with the smallest $\lambda > 0$.
#
# (The letter $D$ now stands for the degrees. Distances and degrees share it in the literature too.)
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $W$ | `W` | $(n, n)$ | weights, symmetric, 0 where there is no edge |
# | $L$ | | $(n, n)$ | graph Laplacian |
# | $\lambda$ | `lam` | $(k,)$ | eigenvalues, between 0 and 2 |
# | $f_i$ | `F[i]` | $(n, k)$ | coordinates found |
#
# ### Exercise 5: the Laplacian eigenmap (3 points)

# %% tags=["exercise"]
def laplacian_eigenmap(W, k):
    """W (n, n) symmetric weights, integer k -> (lam, F): the k smallest eigenvalues (k,) of
    L f = lam D f after lam = 0, ascending, and F (n, k), an eigenvector in each column, with
    F^T D F = I.

    Example: two points joined by the weight 1 give lam = 2 and F = (1, -1) / sqrt(2), up to its
    sign.
    """
    ### BEGIN SOLUTION
    D = np.diag(W.sum(axis=0))
    values, vectors = scipy.linalg.eigh(D - W, D)
    return values[1 : k + 1], vectors[:, 1 : k + 1]
    ### END SOLUTION


# %% tags=["check"]
laplacian_eigenmap = check("laplacian_eigenmap")

# %% tags=["help"]
# hint("laplacian_eigenmap")
# solution("laplacian_eigenmap")

# %%
W = np.where(np.isfinite(A), 1.0, 0.0) - np.eye(n)
lam, F = laplacian_eigenmap(W, 6)
print("eigenvalues", lam.round(5))
print("correlation of each column with the length along the roll, and with the height:")
print(np.corrcoef(F.T, roll.truth.T)[:6, 6:].round(2).T)

# %%
plots.maps(
    {f"columns 1 and {c + 1}": F[:, [0, c]] for c in (1, 2, 3)}, roll.colour, same_scale=False
)

# %% [markdown]
# The first column follows the length of the roll. And the second? It is *a function of the first*: the map is a curve,
# a horseshoe. The eigenfunctions of a long strip are those of a guitar string,
# $\cos(\pi s/\ell), \cos(2\pi s/\ell), \dots$, and the overtones along the length come before the first wave across.
# The height shows up only in a later column. Two columns need not be two dimensions.

# %% [markdown]
# ## 3.6 Hessian eigenmap and LTSA: what is linear?
#
# Overtones are a nuisance because they bend. Both of these methods ask for functions that do *not* bend, and both begin
# by fitting the tangent plane at every sample: PCA on its neighbours.
#
# **Hessian eigenmap** (Hessian LLE). On a flat sheet, the functions without any second derivative are the constants,
# the two coordinates, and their sums. So look for functions on the samples whose Hessian, estimated in tangent
# coordinates on every neighbourhood, is smallest:
#
# $$ \min_F\ \sum_i \lVert H_i F_{N_i} \rVert_F^2 \;\approx \int \lVert \nabla^2 f \rVert_F^2
#    \quad\text{subject to } F^T F = I,\ F^T \mathbf 1 = 0 . $$
#
# **LTSA**, local tangent space alignment. Every neighbourhood has a small map of its own, the tangent coordinates
# $\Theta_i$ ($k \times d$). Turn and stretch these maps by matrices $A_i$, so that they agree where they overlap:
#
# $$ \min_{Z,\, A_1, \dots, A_n}\ \sum_i \lVert H_k (Z_{N_i} - \Theta_i A_i) \rVert_F^2
#    \quad\text{subject to } Z^T Z = I,\ Z^T \mathbf 1 = 0 . $$
#
# Here $F_{N_i}$ and $Z_{N_i}$ are the rows that belong to the neighbours of $i$, $H_i$ estimates second derivatives
# from values at those neighbours, and $H_k$ centres $k$ rows. Both end at the smallest eigenvectors of a sparse matrix,
# like LLE. From here on we take them from scikit-learn.

# %%
maps = {"true coordinates": roll.truth}
for name, method in {"Hessian eigenmap": "hessian", "LTSA": "ltsa"}.items():
    maps[name] = LocallyLinearEmbedding(
        n_neighbors=8, method=method, eigen_solver="dense"
    ).fit_transform(X)
    error = quality.procrustes(roll.truth, maps[name])[1]
    stretched = quality.affine_error(roll.truth, maps[name])
    print(f"{name:17} error {error:.3f}, after stretching {stretched:.3f}")
plots.maps(maps, roll.colour, same_scale=False)


# %% [markdown]
# Straight rectangles, except that length and height have the same variance once more: these methods are right *up to a
# linear map*. So there are two errors from now on, one that allows what Procrustes allows, and one that allows any
# linear map (*affine*).

# %% [markdown]
# ## 3.7 Diffusion map: let a walker wander
#
# Drop a walker on a sample. At each step it moves on, most likely to somewhere near. Two samples are close if walkers
# from both are soon spread alike. That is a distance over *all* paths, not only the shortest one, and a few bad edges
# cannot spoil it.
#
# The walk comes from a kernel in two divisions:
#
# $$ K_{ij} = e^{-\lVert x_i - x_j \rVert^2 / 4\varepsilon}, \qquad
#    q_i = \sum_j K_{ij}, \qquad K^{(\alpha)}_{ij} = \frac{K_{ij}}{(q_i q_j)^\alpha}, \qquad
#    P_{ij} = \frac{K^{(\alpha)}_{ij}}{\sum_m K^{(\alpha)}_{im}} . $$
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $\varepsilon$ | `epsilon` | | width of the kernel, a squared length: the time that one step takes |
# | $q_i$ | | $(n,)$ | how crowded it is around sample $i$ |
# | $\alpha$ | `alpha` | | 0: crowds attract the walker; 1: the crowd is divided out |
# | $P$ | `P` | $(n, n)$ | Markov matrix: $P_{ij}$ is the probability of a step from $i$ to $j$ |
#
# ### Exercise 6: the Markov matrix (2 points)

# %% tags=["exercise"]
def markov_matrix(K, alpha):
    """K (n, n) a symmetric kernel, alpha -> P (n, n): K_ij / (q_i q_j)^alpha with q_i = sum_j K_ij,
    and then each row divided by its sum.

    Example: if all entries of K are 1, all entries of P are 1 / n.
    """
    ### BEGIN SOLUTION
    q = K.sum(axis=1)
    K_alpha = K / np.outer(q, q) ** alpha
    return K_alpha / K_alpha.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %% tags=["check"]
markov_matrix = check("markov_matrix")

# %% tags=["help"]
# hint("markov_matrix")
# solution("markov_matrix")

# %% [markdown]
# Row $i$ of $P^t$ says where a walker from $i$ is after $t$ steps.

# %%
epsilon = diffusion.bandwidth(X, n_neighbors=8)
P = markov_matrix(np.exp(-(cdist(X, X) ** 2) / (4 * epsilon)), alpha=1.0)
start = int(np.linalg.norm(roll.truth - [45, 10], axis=1).argmin())
plots.spreading(X, start, {t: np.linalg.matrix_power(P, t)[start] for t in (1, 20, 400)})

# %% [markdown]
# Along the paper, not across. The eigenvectors of $P$, $P \psi_j = \lambda_j \psi_j$ with
# $1 = \lambda_0 > \lambda_1 \ge \lambda_2 \ge \dots$, tell the same for all starts and times at once. The **diffusion
# map** is
#
# $$ \Psi_t(x_i) = \bigl( \lambda_1^t\, \psi_1(i), \dots, \lambda_k^t\, \psi_k(i) \bigr), $$
#
# and with all $n - 1$ eigenvectors, plain distance in it is the **diffusion distance** between two clouds of walkers,
# where $\pi$ is the distribution in which the walk ends:
#
# $$ \lVert \Psi_t(x_i) - \Psi_t(x_j) \rVert^2 = \sum_m \frac{\bigl( (P^t)_{im} - (P^t)_{jm} \bigr)^2}{\pi_m} . $$
#
# It minimises what the Laplacian eigenmap minimises, with the weights $K^{(\alpha)}$; then it scales by $\lambda^t$. A
# probe of the last formula, for two samples and ten steps:

# %%
dm = diffusion.diffusion_map(X, epsilon, k=n - 1, alpha=1.0)
Pt = np.linalg.matrix_power(P, 10)
print("clouds", ((Pt[3] - Pt[4]) ** 2 / dm.pi).sum())
print("map   ", ((dm.coordinates(10)[3] - dm.coordinates(10)[4]) ** 2).sum())

# %% [markdown]
# ### The shape, or the crowd?
#
# What does $\alpha$ do? A circle knows the answer. Its Laplacian is $d^2/d\theta^2$, with the eigenfunctions
# $\cos m\theta, \sin m\theta$ and the eigenvalues $m^2$: 1, 1, 4, 4, 9, 9. The walk has a counterpart, the generator
# $(P - I)/\varepsilon$. For samples with density $p$, as $n \to \infty$ and then $\varepsilon \to 0$, it becomes
#
# $$ \frac{P - I}{\varepsilon}\, f \;\longrightarrow\; \Delta f + 2 (1 - \alpha)\, \nabla \log p \cdot \nabla f . $$
#
# **Predict.** Samples on a circle, nine times as dense at the right end as at the left. For which $\alpha$ do the
# eigenvalues still come out as 1, 1, 4, 4, 9, 9?

# %%
X_circle, angle = manifolds.circle(1000, lean=0.8)
walks = {a: diffusion.diffusion_map(X_circle, epsilon=0.005, k=6, alpha=a) for a in (0.0, 0.5, 1.0)}
for a, walk in walks.items():
    print(f"alpha = {a}: ", walk.rates[1:].round(3))
squares = np.array([1, 1, 4, 4, 9, 9])
plots.rates({f"alpha = {a}": walk.rates[1:] for a, walk in walks.items()}, squares)

# %%
maps = {f"alpha = {a}": walk.coordinates(1) for a, walk in walks.items()}
plots.maps(maps, np.cos(angle), "maps of the circle")

# %% [markdown]
# Yellow is the crowded end. With $\alpha = 1$ the crowd is gone, and what is left is geometry: the **Laplace-Beltrami
# operator**, whatever the density. With $\alpha = 0$, a Laplacian eigenmap with a heat kernel, crowd and shape are
# mixed. With $\alpha = 1/2$ it is the motion of a particle in a force field that comes to rest with the density $p$
# (Fokker and Planck).

# %% [markdown]
# ## 3.8 MDS by SDP: most distances are missing
#
# Sensors lie about in a field. Each measures its distance to those within radio range; a few of them, the *anchors*
# $a_k$, know where they are. Where are the others? MDS needs all distances. Here most are missing.
#
# A squared distance is not convex in the positions, but it is *linear* in their inner products $Y = X X^T$. The rank of
# $Y$ is what makes the problem hard, so it is left out: **semidefinite programming** keeps only that $Y - X X^T$ has no
# negative eigenvalue, which can be written with one big matrix:
#
# $$ \min_{X,\, Y}\ \sum_{(i,j) \text{ known}} \bigl| Y_{ii} + Y_{jj} - 2 Y_{ij} - d_{ij}^2 \bigr|
#    + \sum_{(i,k) \text{ known}} \bigl| Y_{ii} - 2 a_k^T x_i + a_k^T a_k - d_{ik}^2 \bigr|
#    \quad\text{subject to}\quad \begin{pmatrix} Y & X \\ X^T & I_d \end{pmatrix} \succeq 0 . $$
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $d_{ij}$ | `D` | $(n + m, n + m)$ | distances, sensors first, then the $m$ anchors; NaN where unknown |
# | $a_k$ | `anchors` | $(m, d)$ | positions of the anchors |
# | $X$ | `found.X` | $(n, d)$ | positions found |
# | $Y$ | `found.gram` | $(n, n)$ | in the place of $X X^T$ |
#
# If the big matrix has rank $d$, then $Y = X X^T$: nothing was lost by leaving the rank out, and $X$ solves the hard
# problem too. If not, $\sqrt{Y_{ii} - x_i^T x_i}$ says how far sensor $i$ escaped into further dimensions: how unsure
# we are of it.

# %%
sensors = np.random.default_rng(6).uniform(-0.5, 0.5, size=(30, 2))
anchors = np.array([[-0.45, -0.45], [0.45, -0.45], [-0.45, 0.45], [0.45, 0.45]])
cases = {
    "exact distances": {"radius": 0.45},
    "10 % noise": {"radius": 0.45, "noise": 0.1},
    "exact, but fewer": {"radius": 0.33},
}
shown = {}
for name, settings in cases.items():
    D = localisation.measured(sensors, anchors, seed=1, **settings)
    found = localisation.localise(D, anchors)
    shown[name] = D, found.X, found.spread
    worst = np.linalg.norm(found.X - sensors, axis=1).max()
    print(f"{name:16} rank {found.rank}, worst error {worst:.1e}, spread {found.spread.max():.1e}")
plots.networks(shown, sensors, anchors)

# %% [markdown]
# Exact distances: every sensor in its place to the solver's precision, though many pairs were never measured, and rank
# 2 proves it. Noise: near the truth, pulled a little inwards. Fewer distances: most sensors are still right, some are
# not determined; the rank is higher, and the discs show which.
#
# **Predict.** Does the error grow in proportion to the noise?

# %%
levels, errors = [0, 0.05, 0.1, 0.2], []
for noise in levels:
    measured = [localisation.measured(sensors, anchors, 0.45, noise, seed=s) for s in range(3)]
    found = [localisation.localise(D, anchors).X for D in measured]
    errors.append([np.linalg.norm(X_found - sensors, axis=1).mean() for X_found in found])
plots.error_curve(levels, errors, "noise, as a part of each distance", "mean error of position")

# %% [markdown]
# Nearly, while the noise is small; then a little less, for the relaxation pulls sensors inwards, and inwards there is
# an end. And when no points have the measured distances, the exact problem says so instead of inventing an answer:

# %%
try:
    D = localisation.measured(sensors, anchors, 0.45, noise=0.1)
    localisation.localise(D, anchors, exact=True)
except ValueError as error:
    print(error)

# %% [markdown]
# **Without anchors** the points may fly apart until the known distances, like taut threads, hold them:
#
# $$ \max_{Y \succeq 0}\ \operatorname{tr}(Y) \quad\text{subject to}\quad Y_{ii} + Y_{jj} - 2 Y_{ij} \le d_{ij}^2
#    \text{ for known pairs},\quad \mathbf 1^T Y \mathbf 1 = 0 . $$
#
# That pulls a rolled-up sheet flat. The price: time grows like $n^6$. So we unfold 36 *landmarks* of the roll, and tell
# the SDP only the ant's distances between neighbouring ones.

# %%
chosen = localisation.landmarks(G, 36)
unfolded = localisation.unfold(localisation.only_near(G[np.ix_(chosen, chosen)], 6))
print("leading eigenvalues of Y", unfolded.eigenvalues[:5].round(2) + 0.0, " rank", unfolded.rank)
print("error", round(quality.procrustes(roll.truth[chosen], unfolded.coordinates(2))[1], 3))

# %% [markdown]
# Nobody asked for two dimensions; pulling at the threads found them.

# %% [markdown]
# ## 3.9 t-SNE: neighbours as probabilities
#
# The last one wants pictures, not coordinates. Each sample chooses a neighbour at random, near ones more likely; the
# points on the page do the same, with a heavy-tailed kernel; the page is arranged so that the choices agree.
#
# $$ \min_Z\ \operatorname{KL}(P \,\Vert\, Q) = \sum_{i \ne j} p_{ij} \log \frac{p_{ij}}{q_{ij}}, \qquad
#    p_{j|i} = \frac{e^{-\lVert x_i - x_j \rVert^2 / 2 \sigma_i^2}}{\sum_{m \ne i} e^{-\lVert x_i - x_m \rVert^2 / 2 \sigma_i^2}}, \qquad
#    p_{ij} = \frac{p_{j|i} + p_{i|j}}{2n}, \qquad
#    q_{ij} = \frac{(1 + \lVert z_i - z_j \rVert^2)^{-1}}{\sum_{r \ne s} (1 + \lVert z_r - z_s \rVert^2)^{-1}} . $$
#
# Each $\sigma_i$ is set so that sample $i$ has as many neighbours, effectively, as the **perplexity** says. The problem
# is not convex and has no eigenvectors: it is solved by gradient descent from a start, and the start counts.

# %%
Z_tsne = TSNE(max_iter=500, random_state=0).fit_transform(X)
plots.maps({"true coordinates": roll.truth, "t-SNE": Z_tsne}, roll.colour, columns=2)

# %% [markdown]
# Colours in order, neighbours kept, and the sheet torn: a tear costs little, as only neighbours count.

# %% [markdown]
# ## 3.10 All of them at once
#
# Nine methods on four data sets: the roll, a sheet bent into an S, a sphere with a hole, and images of handwritten
# digits. A sphere has no flat coordinates (Gauss: you cannot flatten an orange peel without tearing or stretching it),
# and nobody knows those of digits; there we measure neighbourhoods only.
#
# - **trustworthiness** (`trust`): are neighbours on the map neighbours in the data? 1 is best; chance gives about a
#   half.
# - **continuity** (`cont.`): are neighbours in the data neighbours on the map?
# - **error** and **affine**: distance from the true coordinates, after Procrustes and after the best linear map.

# %%
every, k = slice(None), 10


def walked(X):
    return graph.geodesic_distances(graph.neighbour_graph(X, k))


def by_sdp(X):
    G = walked(X)
    chosen = localisation.landmarks(G, 36)
    known = localisation.only_near(G[np.ix_(chosen, chosen)], 6)
    return localisation.unfold(known).coordinates(2), chosen


def by_laplacian(X):
    return spectral.laplacian_eigenmap(graph.neighbour_graph(X, k) > 0, 2)[1], every


def lle(method):
    model = LocallyLinearEmbedding(n_neighbors=k, method=method, eigen_solver="dense")
    return lambda X: (model.fit_transform(X), every)


# %%
methods = {
    "MDS": lambda X: (mds.classical_mds(cdist(X, X), 2), every),
    "ISOMAP": lambda X: (mds.classical_mds(walked(X), 2), every),
    "LLE": lle("standard"),
    "Laplacian": by_laplacian,
    "Hessian": lle("hessian"),
    "diffusion": lambda X: (diffusion.diffusion_map(X, k=2, alpha=1).coordinates(1), every),
    "LTSA": lle("ltsa"),
    "MDS by SDP": by_sdp,
    "t-SNE": lambda X: (TSNE(max_iter=500, random_state=0).fit_transform(X), every),
}

# %%
surfaces = [
    manifolds.swiss_roll(800),
    manifolds.s_curve(800),
    manifolds.sphere_with_hole(800),
    manifolds.digits(800),
]
results, rows = [], []
for surface in surfaces:
    maps = {}
    for method, embed in methods.items():
        began = perf_counter()
        Z, chosen = embed(surface.X)
        seconds = perf_counter() - began
        truth = None if surface.truth is None else surface.truth[chosen]
        measures = quality.assess(surface.X[chosen], Z, truth)
        first = {"data": surface.name, "method": method, "n": len(Z), "seconds": seconds}
        results.append(first | measures)
        maps[method] = Z, chosen
    rows.append((surface.name, surface.X, surface.colour, maps))
plots.comparison(rows)

# %%
quality.table(results).round(3)

# %% [markdown]
# Seconds are for one core, on the machine that ran this. MDS by SDP has only its 36 landmarks, and its measures are for
# those: 36 points on the roll lie further apart than its turns, so that their neighbours in space are not their
# neighbours on the paper, and a good map gets a low continuity.
#
# What to see:
#
# - **MDS** sees straight lines: fast, and blind to the roll.
# - **ISOMAP** and **MDS by SDP** get both sheets right in shape *and* in the ratio of length to width. They work with
#   lengths.
# - **LLE, Hessian, LTSA** are to be judged by *affine*: length against width is lost to $Z^T Z = I$. Hessian and LTSA
#   are nearly exact on sheets.
# - **Laplacian** and **diffusion** draw horseshoes from long sheets: two columns, one dimension.
# - **t-SNE** is the most trustworthy on all four. Its error is small on the S and large on the roll, which it tears.
#   Believe its neighbourhoods, not its distances.
# - On the **sphere** every method has to stretch, fold or cut. MDS, ISOMAP, Hessian and LTSA fold it, so that light and
#   dark mix and the trust falls; LLE, Laplacian, diffusion and t-SNE open it at the hole.
# - The **digits** are no sheet at all. Ten neighbours in 64 dimensions lie near no plane, so Hessian and LTSA collapse
#   into a few spots; t-SNE separates the classes.

# %% [markdown]
# ## 3.11 Break it
#
# ### Too many neighbours: short circuits
#
# **Predict.** One edge between two turns of the roll, among thousands. How much harm can it do?

# %%
plots.neighbours(X, roll.truth, roll.colour, 8)

# %%
plots.neighbours(X, roll.truth, roll.colour, 9)

# %% [markdown]
# A great deal: *all* shortest paths take the short cut. Try other numbers.

# %%
slider(
    lambda k: plots.neighbours(X, roll.truth, roll.colour, int(k)),
    "neighbours",
    low=2,
    high=16,
    value=8,
)


# %% [markdown]
# Noise does the same: it fills the gaps between the turns. A diffusion map minds less, since one edge is one of very
# many paths. The correlation (of ranks) of the first coordinate with the length along the roll, for three rolls each:

# %%
def follows(z, roll):
    return abs(scipy.stats.spearmanr(z, roll.truth[:, 0])[0])


for noise in (0.6, 1.2):
    noisy = [manifolds.swiss_roll(1000, noise=noise, seed=seed) for seed in range(3)]
    by_path = [follows(mds.isomap(roll.X, 10, 1)[:, 0], roll) for roll in noisy]
    by_walk = [follows(diffusion.diffusion_map(roll.X, k=1).psi[:, 1], roll) for roll in noisy]
    print(f"noise {noise}   ISOMAP", np.round(by_path, 3), "  diffusion map", np.round(by_walk, 3))

# %% [markdown]
# With little noise ISOMAP fails on some rolls where the diffusion map holds. With more, both fail.

# %% [markdown]
# ### Too few neighbours: pieces
#
# No path, no distance. The package says so; a formula would give infinity or, worse, one map for each piece on top of
# the other.

# %%
try:
    mds.isomap(X, 3)
except ValueError as error:
    print(error)

# %% [markdown]
# ### The hole
#
# Cut a window into the paper before rolling it up. The ant has to walk around it, so distances across are too long, and
# ISOMAP blows the window up. Tangent planes do not care.

# %%
window = manifolds.swiss_roll(1000, hole=True)
maps = {
    "true coordinates": window.truth,
    "ISOMAP": mds.isomap(window.X, 10),
    "LTSA, stretched": lle("ltsa")(window.X)[0],
}
print("ISOMAP", round(quality.procrustes(window.truth, maps["ISOMAP"])[1], 3))
print(
    "LTSA, after stretching", round(quality.affine_error(window.truth, maps["LTSA, stretched"]), 3)
)
plots.maps(maps, window.colour, same_scale=False)

# %% [markdown]
# ### Perplexity
#
# The same 240 digits, the same method, one number changed.

# %%
some = manifolds.digits(240)
pages = {}
for p in (2, 5, 30, 79):
    tsne = TSNE(perplexity=p, max_iter=500, random_state=0)
    pages[f"perplexity {p}"] = tsne.fit_transform(some.X)
plots.maps(pages, some.colour, "t-SNE maps of the same digits", columns=2)

# %% [markdown]
# Small: crumbs, groups that are not there. As it grows, the crumbs join into classes, and at last the classes draw near
# to each other. Sizes of groups and distances *between* them change with the number and mean nothing: look at several
# maps before you believe one.

# %%
chooser(
    lambda name: plots.maps({name: pages[name]}, some.colour, columns=1),
    "",
    list(pages),
    "perplexity 30",
)

# %% [markdown]
# ## What you can do now
#
# 1. *Distances to coordinates*: centre the squares twice, take the root. With Euclidean distances that is PCA.
# 2. *Along the surface*: neighbours, then shortest paths; or a random walk.
# 3. *Nine methods*: inner products (MDS), path lengths (ISOMAP), weights (LLE), short edges (Laplacian), no second
#    derivative (Hessian), where a walker goes (diffusion map), tangent planes that fit together (LTSA), some distances
#    and a convex cone (SDP), random neighbours (t-SNE). All but the last two end at eigenvectors.
# 4. *Shape, not crowd*: $\alpha = 1$ divides the density out.
# 5. *Missing distances*: solve the SDP, look at the rank; rank $d$ is a proof.
# 6. *Damage*: a short circuit folds the map, too few neighbours tear it, a hole inflates it, perplexity redraws it.
#
# ## Test yourself
#
# <details><summary>1. MDS on the distances between the corners of an equilateral triangle: which eigenvalues has B?</summary>
#
# With side 1: $\tfrac12, \tfrac12, 0$. The centred corners lie on a circle of radius $1/\sqrt3$, alike in all
# directions; the zero is there for any $D$, since $B \mathbf 1 = 0$.
# </details>
#
# <details><summary>2. Some eigenvalues of B are negative. What does that say?</summary>
#
# No points in any number of dimensions have these distances (Schoenberg). Shortest paths around a hole do that, and so
# does rounding. Classical MDS drops those eigenvalues.
# </details>
#
# <details><summary>3. A sample lies in the middle of its two neighbours. What are its LLE weights? And at an end of the line?</summary>
#
# $\tfrac12, \tfrac12$ in the middle. Outside its neighbours, at the end, one weight is negative: weights add up to 1
# but need not be positive.
# </details>
#
# <details><summary>4. How many zero eigenvalues has the Laplacian of a graph in three pieces?</summary>
#
# Three: one for the indicator of each piece. Their eigenvectors say which piece a sample is in, and nothing else.
# Spectral clustering begins there.
# </details>
#
# <details><summary>5. Why must a diffusion map's first eigenvector be left out?</summary>
#
# $P \mathbf 1 = \mathbf 1$, as rows add up to 1: $\psi_0$ is constant, the same for every sample.
# </details>
#
# <details><summary>6. The SDP returns rank 3 for sensors in a plane. Are the positions wrong?</summary>
#
# Not all of them need be. Those with a spread of 0 are right; the others were found a place out of the plane that fits
# the distances as well, and are only shadows of it.
# </details>
#
# ## References
#
# - W. S. Torgerson, *Multidimensional scaling: I. Theory and method*, Psychometrika 17 (1952), 401-419.
# - J. B. Tenenbaum, V. de Silva, J. C. Langford, *A global geometric framework for nonlinear dimensionality reduction*,
#   Science 290 (2000), 2319-2323.
# - S. T. Roweis, L. K. Saul, *Nonlinear dimensionality reduction by locally linear embedding*, Science 290 (2000),
#   2323-2326.
# - M. Belkin, P. Niyogi, *Laplacian eigenmaps for dimensionality reduction and data representation*, Neural Computation
#   15 (2003), 1373-1396.
# - D. L. Donoho, C. Grimes, *Hessian eigenmaps*, PNAS 100 (2003), 5591-5596.
# - Z. Zhang, H. Zha, *Principal manifolds and nonlinear dimensionality reduction via tangent space alignment*, SIAM
#   Journal on Scientific Computing 26 (2004), 313-338.
# - R. R. Coifman, S. Lafon, *Diffusion maps*, Applied and Computational Harmonic Analysis 21 (2006), 5-30.
# - P. Biswas, Y. Ye, *Semidefinite programming for ad hoc wireless sensor network localization*, IPSN 2004, 46-54.
# - K. Q. Weinberger, L. K. Saul, *Unsupervised learning of image manifolds by semidefinite programming*, International
#   Journal of Computer Vision 70 (2006), 77-90.
# - L. van der Maaten, G. Hinton, *Visualizing data using t-SNE*, Journal of Machine Learning Research 9 (2008),
#   2579-2605.
# - J. Venna, S. Kaski, *Local multidimensional scaling*, Neural Networks 19 (2006), 889-899 (trustworthiness,
#   continuity).
#
# **Next:** chapter 4 asks not where samples lie, but where new ones could come from.
