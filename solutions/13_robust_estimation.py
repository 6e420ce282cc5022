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
# # 13. Robust estimation
#
# **From the lecture:** Huber's contamination model; why maximum likelihood fails; the coordinatewise median; Tukey's
# median; the table that compares them.
#
# **When you are through, you can**
#
# 1. write down Huber's model, and say what an adversary may do in it,
# 2. say why maximum likelihood has no answer to a single wild row,
# 3. compute the coordinatewise median, and say what it pays for each dimension,
# 4. prove that *nobody* can do better than a certain error, however clever,
# 5. find the depth of a point, draw depth contours, and find Tukey's median,
# 6. fill in the table of comparisons from your own measurements.
#
# **You need** means and medians, the Gaussian distribution function $\Phi$, and NumPy's `axis`. **Time:** about an hour
# and a half with the five exercises; the code itself runs in about half a minute.

# %% tags=["setup"]
import time
import warnings

import numpy as np
from scipy.stats import norm

from course.lab import check, hint, solution
from course.plots import robust as plots
from course.plots.widgets import sliders
from course.robust import CoordinateMedian, GeometricMedian, TukeyMedian, halfspace_depth
from course.robust.contamination import ar_covariance, gaussian, huber_sample, point_mass
from course.robust.medians import FilteredMean, trimmed_mean

rng = np.random.default_rng(13)

# %% [markdown]
# ## 13.1 One row in five is not what you think
#
# You want to know $\theta$, the centre of a cloud of measurements. Most rows are honest. Some are not: a broken sensor, a
# swapped label, somebody who wants you to be wrong. **Huber's model** says
#
# $$ X_1, \dots, X_n \;\sim\; (1 - \epsilon)\, P_\theta + \epsilon\, Q . $$
#
# | symbol | in code | meaning |
# |---|---|---|
# | $P_\theta$ | `"gaussian"` | the distribution of a clean row, here $N(\theta, I_p)$ |
# | $\epsilon$ | `eps` | the share of contaminated rows |
# | $Q$ | `contamination` | **anything at all**: the adversary chooses it, knowing $\theta$, $\epsilon$ and your method |
# | $n,\ p$ | `n`, `p` | rows and columns |
#
# In this chapter the truth is $\theta = 0$. A method never sees which rows are clean; we do, and so we can judge it.
#
# **Predict.** On the right, without colours: could you find the contaminated rows?

# %%
X, is_clean = huber_sample(200, 0.2, contamination=gaussian([3.0, 1.5]), rng=rng)
plots.contaminated(X, is_clean)


# %% [markdown]
# You see that something is odd on the right. But not where one cloud ends and the other begins: some contaminated rows
# look just like clean ones. And this was two dimensions, with an adversary who was not even trying.

# %% [markdown]
# ## 13.2 Why maximum likelihood fails
#
# For $N(\theta, I_p)$ the likelihood is largest at the sample mean. Where does the mean go?
#
# ### Exercise 1: the mean of a mixture (1 point)

# %% tags=["exercise"]
def mixture_mean(theta, q, eps):
    """theta (p,), the mean q (p,) of the contamination, share eps -> (p,): the mean of a row of
    (1 - eps) P_theta + eps Q, where P_theta has mean theta.

    Example: theta = 0, q = 10 and eps = 0.2 give 2.
    """
    ### BEGIN SOLUTION
    return (1 - eps) * theta + eps * q
    ### END SOLUTION


# %% tags=["check"]
mixture_mean = check("mixture_mean")

# %% tags=["help"]
# hint("mixture_mean")        # delete the first # for a hint; run again for the next one
# solution("mixture_mean")    # the same for the solution

# %%
print("formula ", mixture_mean(np.zeros(2), np.array([3.0, 1.5]), 0.2))
print("measured", X.mean(axis=0).round(3))
print("clean rows alone, the *oracle*", X[is_clean].mean(axis=0).round(3))


# %% [markdown]
# The error of the mean is $\epsilon\,\lVert E_Q X - \theta \rVert$, and the adversary chooses $Q$. So the worst case is not
# just large, it is infinite, for every $\epsilon > 0$:
#
# $$ \sup_Q\; \bigl\lVert E \bar X - \theta \bigr\rVert = \epsilon\, \sup_Q\, \lVert E_Q X - \theta \rVert = \infty . $$
#
# Could the likelihood be maximised more carefully, against the worst $Q$? That would be the max-min
#
# $$ \max_\eta\, \min_Q\; \bigl\{ (1-\epsilon)\, E_{P_\theta} \log p_\eta(X) + \epsilon\, E_Q \log p_\eta(X) \bigr\} . $$
#
# Let us move $Q$, a single point at $t$, and look at the value in braces, for three different $\eta$, in one dimension.
# For $X \sim N(0, 1)$ we have $E \log p_\eta(X) = -\tfrac12 \log 2\pi - \tfrac12 (1 + \eta^2)$.

# %%
def value(eta, t, eps=0.05):
    clean = -0.5 * np.log(2 * np.pi) - 0.5 * (1 + eta**2)
    return (1 - eps) * clean + eps * norm.logpdf(t, loc=eta)


print("       t" + "".join(f"   eta = {eta:3.0f}" for eta in (0, 1, 10)))
for t in (1, 10, 100, 1e4, 1e6):
    print(f"{t:8.0e}" + "".join(f"{value(eta, t):12.3g}" for eta in (0, 1, 10)))

# %% [markdown]
# **The inner minimum is $-\infty$, whatever $\eta$ is.** The true centre and a foolish one have the same worst value, so
# the max-min cannot tell them apart: its absolute value is infinite everywhere. The logarithm is to blame: one row that
# $p_\eta$ thinks impossible costs $\log 0$.
#
# **Predict.** Now move $Q$ and watch estimates instead. Which curves go up for ever?

# %%
distances = np.logspace(0, 6, 13)
errors = {"mean": [], "trimmed mean, 25 %": [], "coordinatewise median": []}
for t in distances:
    wild, _ = huber_sample(200, 0.2, contamination=point_mass([t, t]), rng=1)
    errors["mean"].append(np.linalg.norm(wild.mean(axis=0)))
    errors["trimmed mean, 25 %"].append(np.linalg.norm(trimmed_mean(wild, 0.25)))
    errors["coordinatewise median"].append(np.linalg.norm(CoordinateMedian().fit(wild).location_))

# %%
plots.moving_away(distances, errors)


# %% [markdown]
# The mean follows the adversary: slope one. The others stop caring once the wild rows are out of sight.

# %% [markdown]
# ## 13.3 Each coordinate on its own
#
# The simplest cure: the median of every column, $\hat\theta_j = \operatorname{median}(X_{1j}, \dots, X_{nj})$.
#
# ### Exercise 2: the coordinatewise median (2 points)
#
# By hand: sort, and look in the middle.

# %% tags=["exercise"]
def coordinate_median(X):
    """X (n, p) -> (p,): the median of each column; with n even, the mean of the two values in
    the middle.

    Example: the column 9, 1, 4, 2 has the median 3.
    """
    ### BEGIN SOLUTION
    ordered = np.sort(X, axis=0)
    lower, upper = ordered[(len(X) - 1) // 2], ordered[len(X) // 2]
    return (lower + upper) / 2
    ### END SOLUTION


# %% tags=["check"]
coordinate_median = check("coordinate_median")

# %% tags=["help"]
# hint("coordinate_median")
# solution("coordinate_median")

# %%
print("mean                 ", X.mean(axis=0).round(3))
print("coordinatewise median", coordinate_median(X).round(3))
print("scikit-learn's way   ", CoordinateMedian().fit(X).location_.round(3))

# %% [markdown]
# How far can the adversary push one coordinate? Everything that he has goes to one side. Then the median $m$ must cut the
# clean part where $(1 - \epsilon)\, \Phi(m) = \tfrac12$:
#
# $$ m = \Phi^{-1}\!\Bigl( \frac{1}{2 (1 - \epsilon)} \Bigr) \approx 1.25\,\epsilon \quad\text{for small } \epsilon . $$
#
# That is small, and finite for every $\epsilon < 1/2$. **Predict.** But there are $p$ coordinates, and all can be pushed at
# once. What is the length of an error that is $m$ in each of $p$ coordinates?

# %%
m = norm.ppf(1 / (2 * (1 - 0.2)))
print("   p   measured   m sqrt(p)")
for p in (1, 4, 16, 64, 256):
    far, _ = huber_sample(4000, 0.2, p=p, contamination="far", rng=p)
    print(f"{p:4d} {np.linalg.norm(coordinate_median(far)):10.3f} {m * np.sqrt(p):11.3f}")


# %% [markdown]
# **The price is $\sqrt p$.** In the lecture's words, the squared error is of the order $\frac pn + p\,\epsilon^2$. With ten
# thousand dimensions, one per cent of contamination moves the estimate by more than a standard deviation.

# %% [markdown]
# ## 13.4 How wrong must one be?
#
# Is that a weakness of this median, or of all methods? Turn the question round: which error can *nobody* avoid?
#
# Take two candidates, $\theta = 0$ and $\theta = d$ in one dimension. If the adversary can make both samples look alike,
#
# $$ (1-\epsilon)\, N(0, 1) + \epsilon\, Q \;=\; (1-\epsilon)\, N(d, 1) + \epsilon\, Q' , $$
#
# then no method on earth can tell them apart, and for one of them it is wrong by at least $d/2$. What must $Q$ supply?
# Wherever $N(d, 1)$ has more mass than $N(0, 1)$, the difference. That mass is the **total variation** of the two,
# $2\,\Phi(d/2) - 1$, times $1 - \epsilon$; and the adversary has $\epsilon$. So he succeeds as long as
#
# $$ 2\,\Phi(d/2) - 1 \;\le\; \frac{\epsilon}{1 - \epsilon} . $$
#
# ### Exercise 3: the distance that can be hidden (2 points)
#
# Solve the equality for $d$. `norm` is there: `norm.cdf` is $\Phi$, `norm.ppf` its inverse.

# %% tags=["exercise"]
def hidden_distance(eps):
    """share eps, 0 <= eps < 1/2 -> a number: the distance d at which N(0, 1) and N(d, 1) have
    total variation eps / (1 - eps), so that an adversary with share eps can make them look alike.

    Example: eps = 0 gives 0: without an adversary nothing is hidden.
    """
    ### BEGIN SOLUTION
    total_variation = eps / (1 - eps)
    return 2 * norm.ppf((1 + total_variation) / 2)
    ### END SOLUTION


# %% tags=["check"]
hidden_distance = check("hidden_distance")

# %% tags=["help"]
# hint("hidden_distance")
# solution("hidden_distance")

# %%
plots.twins(0.2)

# %% [markdown]
# The black outlines are the same curve. Which of the two pictures is the truth? The data cannot say.

# %%
print("nobody can promise less than d / 2 =", round(hidden_distance(0.2) / 2, 4))
print("the median in one dimension is off by", round(m, 4))

# %% [markdown]
# They are equal: **in one dimension the median is the best there is** (Huber, 1964). And in $p$ dimensions? The adversary
# may use the same trick along one direction, and the unavoidable error is still $d/2$: there is no $\sqrt p$ in it. Between
# $\epsilon$ and $\sqrt p\,\epsilon$ there is room for a better method.

# %% [markdown]
# ## 13.5 How deep is a point?
#
# In one dimension the median is the point with half of the data on either side. **Tukey (1975)** carried that over: a
# point is deep if there is *no direction* in which it lies at the edge. Its **halfspace depth** in the data is
#
# $$ D(\eta) \;=\; \min_{\lVert u \rVert = 1}\; \frac1n\, \#\{\, i : u^T X_i \ge u^T \eta \,\} . $$
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $\eta$ | `z` | $(p,)$ | the point whose depth is asked |
# | $u$ | a row of `U` | $(p,)$ | a direction: $u^T x \ge u^T \eta$ is a halfspace with $\eta$ on its edge |
#
# The star is the point in question; the shaded halfplane is the one with the fewest data. **Predict** each count.

# %%
small = np.random.default_rng(1).normal(size=(40, 2)) @ [[1.5, 1.2], [0.0, 0.35]]
plots.halfplanes(small, [[1.5, -0.5], [0.5, 0.55], [0.0, 0.0]])


# %% [markdown]
# ### Exercise 4: depth along given directions (3 points)
#
# There are infinitely many directions. Let us try a list of them: what comes out can only be too large.

# %% tags=["exercise"]
def directional_depth(z, X, U):
    """z (p,), X (n, p), directions U (k, p) -> a number: the smallest share of the rows in a
    halfspace {x : u^T x >= u^T z}, over the rows u of U.

    Example: z = 2 among the rows 1, 2, 4, with the directions 1 and -1, has 2/3.
    """
    ### BEGIN SOLUTION
    beyond = (X - z) @ U.T >= 0
    return beyond.mean(axis=0).min()
    ### END SOLUTION


# %% tags=["check"]
directional_depth = check("directional_depth")

# %% tags=["help"]
# hint("directional_depth")
# solution("directional_depth")

# %%
z = np.array([0.3, 0.4])
for k in (3, 10, 100, 1000):
    angles = 2 * np.pi * np.arange(k) / k
    U = np.column_stack([np.cos(angles), np.sin(angles)])
    print(f"{k:5d} directions {directional_depth(z, small, U):.3f}")
print("      exact     ", halfspace_depth([z], small)[0])

# %% [markdown]
# Few directions can miss the one that matters, and then a point looks deeper than it is; never shallower. In the plane
# it needs no luck. Turn the halfplane about $\eta$: its count changes only when its edge meets a data point. **Sort the
# angles, and go round once**: $O(n \log n)$. In $p$ dimensions the same idea costs $O(n^{p-1} \log n)$.
#
# A probe. For $N(0, I)$ the emptiest halfspace at $\eta$ looks straight outwards, so $D(\eta) = \Phi(-\lVert\eta\rVert)$.

# %%
many = rng.normal(size=(20_000, 2))
points = np.array([[0.0, 0.0], [0.5, 0.0], [1.0, 1.0], [0.0, -2.0]])
for eta, depth in zip(points, halfspace_depth(points, many)):
    print(eta, f"depth {depth:.4f}   Phi(-|eta|) {norm.cdf(-np.linalg.norm(eta)):.4f}")

# %% [markdown]
# ## 13.6 The deepest point
#
# **Tukey's median** is the deepest point, $\hat\theta = \arg\max_\eta D(\eta)$. All points of depth $\alpha$ or more form a
# convex polygon, and the polygons lie in each other like contours on a map.
#
# **Predict.** Two clouds, one with four times as many points. Where is the summit?

# %%
tukey = TukeyMedian().fit(X)
marks = {"mean": X.mean(axis=0), "coordinatewise": coordinate_median(X), "Tukey": tukey.location_}
plots.depth_contours(X, [0.02, 0.1, 0.2, 0.3, 0.4], is_clean, marks)

# %% [markdown]
# The outer contours follow the outliers; the inner ones close in on the clean cloud. The shape of the data is visible
# without a model: no covariance was estimated.
#
# Why is the deepest point near $\theta$? Up to sampling noise, $\theta$ has depth $\frac{1-\epsilon}{2}$ at least, so the
# deepest point has that too. A point of that depth cannot live on the adversary's rows alone: its depth among the clean
# rows must be at least $\frac12 - \frac{\epsilon}{1-\epsilon}$, and clean depth is $\Phi(-\lVert\eta\rVert)$. Therefore
#
# $$ \lVert \hat\theta - \theta \rVert \;\le\; \Phi^{-1}\!\Bigl(\frac12 + \frac{\epsilon}{1 - \epsilon}\Bigr)
#    \;\approx\; 2.5\,\epsilon , \qquad \epsilon < \tfrac13 . $$
#
# **No $p$ anywhere.** In the lecture's words, the squared error is of the order $\frac pn + \epsilon^2$.

# %%
print("depth of the deepest point", tukey.depth_)
for name, place in marks.items():
    depth = halfspace_depth([place], X)[0]
    print(f"{name:15} error {np.linalg.norm(place):.3f}   depth {depth:.3f}")
print("the bound, for large n:", norm.ppf(0.5 + 0.2 / 0.8).round(3))


# %% [markdown]
# ## 13.7 Three other answers
#
# **The geometric median** minimises $\sum_i \lVert X_i - m \rVert$. At the minimum the unit vectors towards the rows
# cancel; solved for $m$, this is a weighted mean whose weights depend on $m$. Weiszfeld (1937) just repeats it:
#
# $$ m \;\leftarrow\; \frac{\sum_i X_i / r_i}{\sum_i 1 / r_i} , \qquad r_i = \lVert X_i - m \rVert . $$
#
# ### Exercise 5: a step of Weiszfeld's (2 points)

# %% tags=["exercise"]
def weiszfeld_step(m, X):
    """m (p,), X (n, p), no row equal to m -> (p,): the mean of the rows with weights 1 / r_i,
    where r_i is the distance of row i from m.

    Example: from m = 1, the rows 0 and 4 give 1 again: 0/1 + 4/3 over 1/1 + 1/3.
    """
    ### BEGIN SOLUTION
    r = np.linalg.norm(X - m, axis=1)
    return (X / r[:, None]).sum(axis=0) / (1 / r).sum()
    ### END SOLUTION


# %% tags=["check"]
weiszfeld_step = check("weiszfeld_step")

# %% tags=["help"]
# hint("weiszfeld_step")
# solution("weiszfeld_step")

# %%
m_k = X.mean(axis=0)
for k in range(7):
    total = np.linalg.norm(X - m_k, axis=1).sum()
    print(f"step {k}   m = {m_k.round(4)}   sum of distances {total:.5f}")
    m_k = weiszfeld_step(m_k, X)
print("library  m =", GeometricMedian().fit(X).location_.round(4))

# %% [markdown]
# Every step goes down. The library's version also knows what to do when $m$ lands on a data point, where $r_i = 0$.
#
# **The trimmed mean** leaves out a share of the smallest and of the largest values of each column.
#
# **A spectral filter** (Diakonikolas and others, 2016) uses that an adversary leaves a trace: rows that move the mean
# together also *stretch the variance* in that direction. Find the direction of largest variance; if it is larger than it
# should be, drop the rows far out along it; repeat. It needs to know the covariance of the clean rows.

# %%
filtered = FilteredMean().fit(X)
print("error ", np.linalg.norm(filtered.location_).round(3), "after", filtered.n_iter_, "rounds")
print("kept  ", (filtered.support_ & is_clean).sum(), "of", is_clean.sum(), "clean rows")
print("kept  ", (filtered.support_ & ~is_clean).sum(), "of", (~is_clean).sum(), "contaminated rows")


# %% [markdown]
# ## 13.8 An adversary under your hand
#
# Be the adversary. You have the share `eps` of the rows and may put your cloud at $(x, y)$.

# %%
def everyone(X):
    return {
        "mean": X.mean(axis=0),
        "coordinatewise": CoordinateMedian().fit(X).location_,
        "geometric": GeometricMedian().fit(X).location_,
        "Tukey": TukeyMedian().fit(X).location_,
    }


def attack(x, y, eps):
    cloud = gaussian([x, y], 0.1 * np.eye(2))
    rows, honest = huber_sample(150, eps, contamination=cloud, rng=5)
    return plots.estimates(rows, honest, everyone(rows))


attack(4, 4, 0.2)

# %% [markdown]
# Now with sliders. Three things to try: pull the mean out of the picture; find the place *nearest to the truth* from where
# your cloud does Tukey's median nearly all the harm it can; then raise `eps` until the medians follow you.

# %%
sliders(attack, {"x": (-8, 8, 4, 0.5), "y": (-8, 8, 4, 0.5), "eps": (0, 0.49, 0.2, 0.01)})


# %% [markdown]
# <details><summary>What did you find?</summary>
#
# A cloud far away does hardly more harm to a median than one at two or three standard deviations: only its *side*
# counts, and near rows are harder to find. On the diagonal the coordinatewise median is pushed in both coordinates. Near
# one third Tukey's median gives way; the coordinatewise and the geometric median hold until one half. It holds out
# against fewer, and is hurt less by those: both are true, in many dimensions all the more.
# </details>

# %% [markdown]
# ## 13.9 The table, measured
#
# The lecture ends with a table of comparisons. Let us measure each of its entries.
#
# **Breakdown point.** Move a share of the rows very far away. The largest share that an estimate survives is its breakdown
# point. **Predict** all six before you look.

# %%
def put_far_away(estimate, share, n=120):
    rows = np.random.default_rng(2).normal(size=(n, 2))
    rows[: round(share * n)] = [1e5, 1e5]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some say that they are lost; here we want to see it
        return np.linalg.norm(estimate(rows))


shares = np.arange(0, 62, 2) / 120
contenders = {
    "mean": lambda X: X.mean(axis=0),
    "trimmed mean, 10 %": lambda X: trimmed_mean(X, 0.1),
    "coordinatewise median": lambda X: CoordinateMedian().fit(X).location_,
    "geometric median": lambda X: GeometricMedian().fit(X).location_,
    "Tukey's median": lambda X: TukeyMedian(max_iter=60, random_state=0).fit(X).location_,
    "filter": lambda X: FilteredMean().fit(X).location_,
}
moved = {name: [put_far_away(f, s) for s in shares] for name, f in contenders.items()}
plots.breakdown(shares, moved)

# %% [markdown]
# Tukey's median is the one that breaks at a third. (For a sample at its worst it can be as little as $1/(p+1)$: the corners
# of a triangle, say, have no point deeper than one third.)
#
# **Error.** The contamination is $N(5 \cdot 1_p, I_p)$. On log scales a power law is a straight line, and its slope is the
# exponent. What should the slopes be, if the squared error is $\frac pn + p\,\epsilon^2$, or $\frac pn + \epsilon^2$?
#
# Three experiments: $p$ grows; $\epsilon$ grows; and with $\epsilon = 0$, $n$ grows.

# %%
racers = ["coordinatewise median", "geometric median", "Tukey's median", "filter"]
seconds = dict.fromkeys(racers, 0.0)


def error(name, n, p, eps):
    rows, _ = huber_sample(n, eps, p=p, contamination="far", rng=7)
    start = time.process_time()
    place = contenders[name](rows)
    seconds[name] = time.process_time() - start
    return np.linalg.norm(place)


dimensions, shares_tried, sizes = [5, 10, 20, 40], [0.05, 0.1, 0.15, 0.2], [250, 1000, 4000]
against_n = {name: [error(name, n, 20, 0.0) for n in sizes] for name in racers}
against_eps = {name: [error(name, 4000, 20, eps) for eps in shares_tried] for name in racers}
against_p = {name: [error(name, 4000, p, 0.2) for p in dimensions] for name in racers}

# %%
experiments = [("p", dimensions, against_p), ("eps", shares_tried, against_eps)]
plots.power_laws([*experiments, ("n", sizes, against_n)], "error")

# %% [markdown]
# Left: the coordinatewise and the geometric median climb with slope near one half, $\sqrt p$; Tukey's median hardly climbs.
# Middle: all medians have a bias that grows like $\epsilon$. Right: without contamination everybody improves like
# $1/\sqrt n$. The filter beats them all here, because it was told the covariance: see *Break it*.
#
# **Time.** For Tukey's median it depends on how. The exact depth of *one* point among sixty, by going round it:

# %%
for p in (2, 3, 4, 5):
    rows = np.random.default_rng(p).normal(size=(60, p))
    start = time.process_time()
    exact = halfspace_depth(np.zeros((1, p)), rows, method="exact")[0]
    taken = time.process_time() - start
    bound = halfspace_depth(np.zeros((1, p)), rows, method="random", random_state=0)[0]
    print(f"p = {p}   exact {exact:.3f} in {1000 * taken:8.1f} ms   found by search {bound:.3f}")

# %% [markdown]
# Each dimension multiplies the time by a number like $n$: hopeless at $p = 10$, not to speak of 100. The last column comes
# from a *search*: an adversary starts with some direction $u$ and turns it, plane by plane, towards fewer points. What it
# finds is a halfspace that really has so few points: **an upper bound of the depth**. Here you can see how close it comes.
#
# The same adversary gives a Tukey's median for many dimensions. He turns $u$ against the present $\eta$; then $\eta$ moves
# along $u$ to where it is no longer exposed; and so on. Two players, one minimising and one maximising: you have met them.
# The adversary is a *linear discriminator*, and this is a GAN. The next chapter takes it from here.
#
# Here is our table, then.

# %%
broke = plots.limits(shares, moved)
print(f"{'':23} breakdown   error ~ p^   ~ eps^     ~ n^   seconds, p = 40")
for name in racers:
    x = plots.slope(dimensions, against_p[name])
    y = plots.slope(shares_tried, against_eps[name])
    w = plots.slope(sizes, against_n[name])
    print(f"{name:23}{broke[name]:10.2f}{x:13.2f}{y:9.2f}{w:9.2f}{seconds[name]:18.3f}")

# %% [markdown]
# ## 13.10 A hundred dimensions
#
# The setting of the papers behind the next chapter: $p = 100$, $\epsilon = 0.2$, and the contamination near at
# $N(0.5 \cdot 1_p, I_p)$, or far at $N(5 \cdot 1_p, I_p)$. Here with $n = 5000$. The oracle is the mean of the clean rows.

# %%
for where in ("near", "far"):
    rows, honest = huber_sample(5000, 0.2, p=100, contamination=where, rng=0)
    print(f"{where:5}oracle {np.linalg.norm(rows[honest].mean(axis=0)):.3f}", end="")
    for name in ["mean", *racers]:
        print(f"   {name.split()[0]} {np.linalg.norm(contenders[name](rows)):.3f}", end="")
    print()

# %% [markdown]
# The adversary who stands *near* is as dangerous as the one far away, and much harder to see. The coordinatewise median
# pays its $\sqrt{100} = 10$; Tukey's median does not; and there is still a gap between it and the oracle. For methods that
# close it, go on to chapter 14.

# %% [markdown]
# ## 13.11 Break it
#
# The filter looked unbeatable. **Predict.** What happens if the clean rows are correlated, and nobody tells it?

# %%
Sigma, zigzag = ar_covariance(20, 0.9), (-1.0) ** np.arange(20)
correlated = gaussian(np.zeros(20), Sigma)
rows, honest = huber_sample(4000, 0.1, 20, correlated, point_mass(zigzag), rng=3)
print("oracle", np.linalg.norm(rows[honest].mean(axis=0)).round(3))
for told, covariance in (("wrong", None), ("right", Sigma)):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fit = FilteredMean(covariance).fit(rows)
    kept, wrong = (fit.support_ & honest).sum() / honest.sum(), np.linalg.norm(fit.location_)
    print(f"{told} covariance: error {wrong:.3f}, clean rows kept {kept:.0%}")
    print("   ", *[str(w.message)[:60] + " ..." for w in said])
print("Tukey, told nothing:", np.linalg.norm(contenders["Tukey's median"](rows)).round(3))

# %% [markdown]
# Correlated rows vary much in some directions, so the filter, told that they should not, throws *honest* rows away and
# keeps the adversary's, who sits where honest rows hardly vary. It gives up in the end, and says so. With the right
# covariance it is perfect. Tukey's median needs none. Stretch or turn the space, and the deepest point is stretched
# and turned with it: halfspaces stay halfspaces. That is worth something too.

# %% [markdown]
# ## What you can do now
#
# 1. **Huber's model** is $(1-\epsilon) P_\theta + \epsilon Q$, and $Q$ is anything: it may depend on $\theta$ and on your
#    method.
# 2. **Maximum likelihood** has the worst value $-\infty$ at every $\eta$; the mean goes to
#    $(1-\epsilon)\theta + \epsilon E_Q X$, wherever that is.
# 3. **The coordinatewise median** is off by $\Phi^{-1}(1/(2(1-\epsilon)))$ in each coordinate, and by $\sqrt p$ times that
#    in all.
# 4. **Nobody** can promise less than $\Phi^{-1}(1/(2(1-\epsilon)))$: at twice that distance two truths can be made to look
#    alike. In one dimension the median is as good as that.
# 5. **Depth** is the smallest share of the data in a halfspace at the point, and **Tukey's median** is the deepest point:
#    error of order $\epsilon$ in any dimension, exact in the plane by sorting angles, by a game in many dimensions.
# 6. **The table**: breakdown 1/2 and $\sqrt p\,\epsilon$ and fast, or about 1/3 and $\epsilon$ and hard to compute.
#
# ## Test yourself
#
# <details><summary>The adversary has one row in a hundred. How far can he move the mean? And the median, in one dimension?
# </summary>
#
# The mean as far as he likes. The median by about $1.25 \cdot 0.01$ standard deviations.
# </details>
#
# <details><summary>Four points are the corners of a square. Which point is the deepest, and how deep is it?</summary>
#
# The crossing of the diagonals: every closed halfplane through it holds at least two of the four corners. Depth 1/2. Any
# other point has at most one corner on one side: depth 1/4 inside the square.
# </details>
#
# <details><summary>Why is the depth found by trying directions never too small?</summary>
#
# Each direction shows a halfspace that really holds that share of the data. The depth is the smallest such share over *all*
# directions, so it can only be smaller still.
# </details>
#
# <details><summary>Multiply the first column by 1000. Which estimates simply have their first coordinate multiplied too?
# </summary>
#
# The mean, the coordinatewise median, the trimmed mean, and Tukey's median. Not the geometric median, since distances have
# changed, and not the filter, unless it is told the new covariance.
# </details>
#
# <details><summary>Where does an adversary who knows that you use Tukey's median put his rows?</summary>
#
# All on one side, close to the clean rows rather than far away: beyond a certain distance nothing more is gained, and near
# rows cannot be found.
# </details>
#
# ## References
#
# - P. J. Huber (1964). Robust estimation of a location parameter. *Annals of Mathematical Statistics* 35.
# - J. W. Tukey (1975). Mathematics and the picturing of data. *Proceedings of the ICM*, Vancouver.
# - D. L. Donoho, M. Gasko (1992). Breakdown properties of location estimates based on halfspace depth. *Annals of
#   Statistics* 20.
# - P. J. Rousseeuw, I. Ruts (1996). Bivariate location depth. *Applied Statistics* 45.
# - Y. Vardi, C.-H. Zhang (2000). The multivariate $L_1$-median and associated data depth. *PNAS* 97.
# - R. Dyckerhoff, P. Mozharovskyi (2016). Exact computation of the halfspace depth. *Computational Statistics and Data
#   Analysis* 98.
# - I. Diakonikolas, G. Kamath, D. Kane, J. Li, A. Moitra, A. Stewart (2017). Being robust (in high dimensions) can be
#   practical. *ICML*.
# - M. Chen, C. Gao, Z. Ren (2018). Robust covariance and scatter matrix estimation under Huber's contamination model.
#   *Annals of Statistics* 46.
# - C. Gao, J. Liu, Y. Yao, W. Zhu (2019). Robust estimation and generative adversarial networks. *ICLR*.
