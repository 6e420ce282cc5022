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
# # 6. The derivation of the VAE
#
# **From the lecture:** variational autoencoders: the latent variable model, why its likelihood and its posterior are
# intractable, encoder and decoder, the lower bound (ELBO) line by line, the KL divergence in closed form, and how a
# gradient passes through a random sample.
#
# **When you are through, you can**
#
# 1. say why a model with latent variables cannot simply be fitted by maximum likelihood, and show it in numbers,
# 2. derive the ELBO, and say at each line which rule was used,
# 3. compute its two terms, and say exactly what it leaves out,
# 4. find the best $q$ by hand in one dimension, and by gradient in more,
# 5. estimate the gradient of an expectation in two ways, and say why a VAE uses the one it uses,
# 6. recognise a "lower bound" that is none.
#
# **You need** densities, expectations, Bayes' rule, the Gaussian in several dimensions, and PyTorch tensors. **Time:**
# about two hours with the six exercises; the code itself runs in seconds.

# %% tags=["setup"]
import math

import torch
from torch import nn

from course.lab import check, hint, solution
from course.likelihood import gaussian
from course.likelihood import gradient_estimators as gradients
from course.likelihood import linear_gaussian as lg
from course.plots import derivation as plots
from course.plots.widgets import slider

torch.set_num_threads(1)  # the tensors here are small: a second thread would only wait
rng = torch.Generator().manual_seed(0)
torch.manual_seed(0)  # for the first weights of networks


def normal(*shape):
    """Standard normal numbers in float64: this chapter compares to the last digit."""
    return torch.randn(*shape, generator=rng, dtype=torch.float64)


# %% [markdown]
# ## 6.1 Data from something unseen
#
# Why do the pixels of a face go together? Because a few things that no pixel shows directly decide about all of them:
# the pose, the smile, the light. A **latent variable model** says so in two steps:
#
# $$ z \sim p(z), \qquad x \sim p_\theta(x|z) . $$
#
# | symbol | in code | meaning |
# |---|---|---|
# | $x$ | `x` | what is seen: an image, here a few numbers |
# | $z$ | `z` | latent: never seen |
# | $p(z)$ | | the **prior**, something simple: $N(0, I)$ |
# | $p_\theta(x\vert z)$ | | the **decoder**, with parameters $\theta$: $N(\mu_{x\vert z}, \Sigma_{x\vert z})$, its mean a function of $z$ |
#
# **Predict.** $z$ is one number, and the decoder's mean moves along a circle as $z$ grows. Where will the points $x$ lie?

# %%
def decoder_mean(z):
    """z (n, 1) -> (n, 2): a point on the circle of radius 2, at the angle 2.2 z."""
    return 2 * torch.cat([torch.cos(2.2 * z), torch.sin(2.2 * z)], dim=1)


z = normal(700, 1)
x = decoder_mean(z) + 0.25 * normal(700, 2)
plots.two_steps(z[:, 0], x)


# %% [markdown]
# One number in, a ring in the plane out. A Gaussian was pushed through a function, and a density came out that no Gaussian
# comes near. That is all the magic there is: *a simple $p(z)$ and a flexible decoder make a complicated $p(x)$*.

# %% [markdown]
# ## 6.2 What would it cost to know $p(x)$?
#
# To fit $\theta$ by maximum likelihood we need the probability of each $x$. It might have come from any $z$:
#
# $$ p_\theta(x) = \int p(z)\, p_\theta(x|z)\, dz = E_{z \sim p(z)}\bigl[p_\theta(x|z)\bigr] . $$
#
# An expectation! So draw $z_1, \dots, z_S$ from the prior and average:
# $\hat p(x) = \frac1S \sum_{j=1}^S p_\theta(x|z_j)$. This **naive estimate** is unbiased. What is wrong with it?
#
# First a matter of arithmetic. For an image, $\log p(x|z)$ is a number like $-2000$, and $e^{-2000}$ is zero for the
# computer. What we want is $\log \hat p(x)$, from logarithms $a_j = \log p(x|z_j)$:
#
# $$ \log \frac1S \sum_{j=1}^S e^{a_j} = c + \log \frac1S \sum_{j=1}^S e^{a_j - c} \quad\text{for any } c . $$
#
# ### Exercise 1: log mean exp (2 points)

# %% tags=["exercise"]
def log_mean_exp(a):
    """a (S, n) -> (n,): log of the mean of exp(a) over the first axis, finite also where exp(a) is
    too small or too large for the computer.

    Example: the column -2000, -2000 gives -2000.
    """
    ### BEGIN SOLUTION
    largest = a.max(dim=0).values
    return largest + torch.log(torch.exp(a - largest).mean(dim=0))
    ### END SOLUTION


# %% tags=["check"]
log_mean_exp = check("log_mean_exp")

# %% tags=["help"]
# hint("log_mean_exp")        # delete the first # for a hint; run again for the next one
# solution("log_mean_exp")    # the same for the solution

# %% [markdown]
# To see how good the estimate is, we need a model whose $p(x)$ is known. Here is one, and it will serve for the whole
# chapter: the **linear-Gaussian model**
#
# $$ z \sim N(0, I_k), \qquad x|z \sim N(Wz,\, s^2 I_d) \qquad\Longrightarrow\qquad x \sim N(0,\, W W^T + s^2 I_d) . $$
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $W$ | `W` | $(d, k)$ | the decoder, a matrix |
# | $s$ | `s` | a number | standard deviation of each pixel about the decoder's mean |
# | $\log p(x\vert z)$ | `lg.log_likelihood(x, z, W, s)` | | |
# | $\log p(x)$ | `lg.log_evidence(x, W, s)` | | in closed form |
#
# **Predict.** One latent number for each of $d$ pixels, $W = I$, and a thousand samples. For one pixel the estimate will
# be good. How good for eight? For 64, an image of 8 by 8?

# %%
s, n_samples, repeats = 0.5, 1000, 100
dims = [1, 2, 4, 8, 16, 32, 64]
error, promised, log_ratio = [], [], []
for d in dims:
    W = torch.eye(d, dtype=torch.float64)
    x = torch.full((d,), math.sqrt(1 + s**2), dtype=torch.float64)  # each pixel at one deviation
    z = normal(n_samples, repeats, d)
    ratio = log_mean_exp(lg.log_likelihood(x, z, W, s)) - lg.log_evidence(x, W, s)
    log_ratio.append(ratio.tolist())
    error.append(((ratio.exp() - 1) ** 2).mean().sqrt().item())
    promised.append(math.sqrt(lg.relative_variance(x, W, s) / n_samples))
plots.naive_estimates(dims, error, promised, log_ratio)

# %% [markdown]
# *Left.* The variance of $p(x|z)$, relative to $p(x)^2$, is $r^d - 1$ with some $r > 1$: each pixel multiplies it by the
# same factor. The dashed line says what that means for the mean of a thousand samples. At first the measured error
# follows it. Then it stays **below**, and that is no good news: the error is made by rare samples of enormous
# weight, and in a hundred repeats none of them came.
#
# *Right.* So in high dimension nearly every estimate is far too *small*. The logarithm makes it worse: by Jensen's
# inequality $E[\log \hat p(x)] \le \log E[\hat p(x)] = \log p(x)$, at any $S$. Keep this in mind: **the logarithm of an
# unbiased estimate is, on average, a lower bound.** How far below? To the first order, by half the variance:
# $E[\log \hat p(x)] - \log p(x) \approx -\frac{1}{2S} \operatorname{Var}[p(x|z)] / p(x)^2$. Two pixels, many repeats:

# %%
W, x = torch.eye(2, dtype=torch.float64), torch.full((2,), math.sqrt(1 + s**2), dtype=torch.float64)
for n_samples in (10, 100, 1000):
    a = lg.log_likelihood(x, normal(n_samples, 4000, 2), W, s)
    bias = log_mean_exp(a) - lg.log_evidence(x, W, s)
    half = lg.relative_variance(x, W, s) / (2 * n_samples)
    print(f"{n_samples:4} samples: bias {bias.mean():8.4f} ± {bias.std() / math.sqrt(4000):.4f}, "
          f"first order {-half:8.4f}")

# %% [markdown]
# How many samples for an error of ten per cent, with $d$ pixels?

# %%
one = lg.relative_variance(x[:1], torch.eye(1, dtype=torch.float64), s)
for d in (1, 8, 64, 784):
    print(f"d = {d:3}: about 10^{d * math.log10(1 + one) + 2:.0f} samples")

# %% [markdown]
# The last line is the size of an MNIST image. **The likelihood is intractable**: not unknown, but out of reach. The
# reason is plain: almost no $z$ from the prior could have made *this* $x$.

# %% [markdown]
# ## 6.3 Then ask which $z$ could have made it
#
# Bayes' rule knows:
#
# $$ p_\theta(z|x) = \frac{p_\theta(x|z)\, p(z)}{p_\theta(x)} . $$
#
# **Predict.** Back to the ring. The star lies where its two ends overlap. What does the posterior of $z$ look like?

# %%
star = torch.tensor([[-1.95, 0.1]], dtype=torch.float64)
grid = torch.linspace(-4, 4, 801, dtype=torch.float64)
log_prior = lg.log_prior(grid[:, None])
log_joint = log_prior + gaussian.log_normal(star, decoder_mean(grid[:, None]), 2 * math.log(0.25))
spacing = grid[1] - grid[0]
p_star = log_joint.exp().sum() * spacing  # the integral over z, as a sum on the grid
z_ring = normal(700, 1)
x_ring = decoder_mean(z_ring) + 0.25 * normal(700, 2)
posterior = log_joint.exp() / p_star
plots.two_explanations(z_ring[:, 0], x_ring, star[0], grid, log_prior.exp(), posterior)

# %% [markdown]
# Two explanations, two bumps. To draw this we divided by $p(x)$, the very integral that is out of reach; here a grid of 801
# points did it. With $k$ latent numbers the grid has $801^k$ points. **The posterior is intractable too**, by the same
# denominator.

# %% [markdown]
# ## 6.4 The way out: a second network
#
# The posterior says where to look, and we cannot have it. So *approximate* it: a second network, the **encoder**, takes
# $x$ and puts out a simple distribution $q_\phi(z|x)$ over the $z$ that might have made it.

# %%
plots.encoder_decoder()

# %% [markdown]
# Both networks are probabilistic: what they put out is a mean and a **diagonal** covariance, that is, two numbers for
# each entry. The variances are put out as logarithms, `logvar`, because any real number is one.
#
# In code, a network with an output twice as long, cut in two. A probe of the shapes, for 10 images of 64 pixels and 3
# latent numbers:

# %%
encoder = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 2 * 3)).double()
mu, logvar = encoder(normal(10, 64)).chunk(2, dim=1)
print("mu", tuple(mu.shape), " logvar", tuple(logvar.shape))
print(f"variances between {logvar.exp().min():.2f} and {logvar.exp().max():.2f}")

# %% [markdown]
# What should the encoder be trained for? "To be close to the posterior" needs the posterior. The answer is the **ELBO**,
# and it comes out of five lines.

# %% [markdown]
# ## 6.5 The derivation, line by line
#
# We take a point $x$ of the linear-Gaussian model, where we can compute every term, and *any* distribution
# $q(z) = N(\mu, \operatorname{diag} \sigma^2)$ in the place of $q_\phi(z|x)$: a bad one, on purpose.
#
# | symbol | in code | |
# |---|---|---|
# | $p(x)$ | `p_x` | a number, by the closed form |
# | $p(x\vert z)$, $p(z)$, $p(z\vert x)$ | `p_x_given_z(z)`, `p_z(z)`, `p_z_given_x(z)` | functions of $z$ |
# | $q(z\vert x)$ | `q(z)` | with `mu`, `logvar` |

# %%
W = torch.tensor([[1.0, 0.9], [0.4, -0.1], [0.8, 0.9]], dtype=torch.float64)
x, s = torch.tensor([0.9, -0.4, 1.3], dtype=torch.float64), 0.7
mu = torch.tensor([0.4, -0.3], dtype=torch.float64)
logvar = torch.tensor([-1.2, 0.3], dtype=torch.float64)

p_x = lg.log_evidence(x, W, s).exp()


def p_x_given_z(z):
    return lg.log_likelihood(x, z, W, s).exp()


def p_z(z):
    return lg.log_prior(z).exp()


def p_z_given_x(z):
    return lg.log_posterior(z, x, W, s).exp()


def q(z):
    return gaussian.log_normal(z, mu, logvar).exp()


# %% [markdown]
# Each line will be an expectation $E_q[f(z)]$. We compute it twice: by **Gauss-Hermite quadrature**, a weighted sum over
# a few nodes that is exact for polynomials, and by **Monte Carlo** with 20,000 samples and its standard error.

# %%
nodes, weights = lg.gauss_hermite(mu, logvar)
samples = gaussian.reparameterise(mu.expand(20_000, 2), logvar.expand(20_000, 2), rng)


def expect(name, f):
    """Print E_q[f(z)] in both ways; return the one by quadrature."""
    values = f(samples)
    error = values.std() / math.sqrt(len(values))
    exact = weights @ f(nodes)
    print(f"{name:36} {exact:12.9f}    Monte Carlo {values.mean():9.5f} ± {error:.5f}")
    return exact


# %% [markdown]
# **Line 1.** $p(x)$ does not depend on $z$, so averaging over $z$ changes nothing:
#
# $$ \log p(x) = E_{z \sim q(z|x)}\bigl[\log p(x)\bigr] . $$

# %%
print(f"{'log p(x)':36} {p_x.log():12.9f}")
line_1 = expect("E[ log p(x) ]", lambda z: torch.log(p_x).expand(len(z)))

# %% [markdown]
# **Line 2.** Bayes' rule, solved for $p(x)$:
#
# $$ = E_z\left[\log \frac{p(x|z)\, p(z)}{p(z|x)}\right] . $$
#
# **Predict.** The fraction is full of $z$. What will be its standard error?

# %%
line_2 = expect("E[ log p(x|z) p(z) / p(z|x) ]",
                lambda z: torch.log(p_x_given_z(z) * p_z(z) / p_z_given_x(z)))

# %% [markdown]
# Zero. Bayes' rule holds for *every* $z$: whichever sample is put in, the fraction is $p(x)$.
#
# **Line 3.** Multiply by a constant, $1 = q(z|x) / q(z|x)$:
#
# $$ = E_z\left[\log \frac{p(x|z)\, p(z)}{p(z|x)} \cdot \frac{q(z|x)}{q(z|x)}\right] . $$

# %%
line_3 = expect("E[ log ... q(z|x) / q(z|x) ]",
                lambda z: torch.log(p_x_given_z(z) * p_z(z) / p_z_given_x(z) * q(z) / q(z)))

# %% [markdown]
# **Line 4.** Logarithms: products become sums, and we deal the factors out to three terms. It is here that $q$, which
# has only been a visitor, gets its work:
#
# $$ = E_z\bigl[\log p(x|z)\bigr] - E_z\left[\log \frac{q(z|x)}{p(z)}\right]
#      + E_z\left[\log \frac{q(z|x)}{p(z|x)}\right] . $$

# %%
terms = {
    "log p(x|z)": lambda z: torch.log(p_x_given_z(z)),
    "- log q(z|x)/p(z)": lambda z: -torch.log(q(z) / p_z(z)),
    "+ log q(z|x)/p(z|x)": lambda z: torch.log(q(z) / p_z_given_x(z)),
}
line_4 = sum(expect(f"E[ {name} ]", f) for name, f in terms.items())
print(f"{'their sum':36} {line_4:12.9f}")

# %% [markdown]
# Now each term has a standard error: *alone*, it depends on $z$.
#
# **Line 5.** An expected log ratio is a Kullback-Leibler divergence, $KL(q \,\|\, p) = E_q[\log q/p]$:
#
# $$ \log p(x) = \underbrace{E_z\bigl[\log p(x|z)\bigr] - KL\bigl(q(z|x)\,\|\,p(z)\bigr)}_{\text{ELBO}}
#      + \underbrace{KL\bigl(q(z|x)\,\|\,p(z|x)\bigr)}_{\ge\, 0} . $$
#
# All three have closed forms here, found by three different roads; none of them knows of $\log p(x)$:

# %%
reconstruction = lg.reconstruction(x, mu, logvar, W, s)
kl_prior = gaussian.kl_standard_normal(mu, logvar)
gap = lg.kl_to_posterior(x, mu, logvar, W, s)
line_5 = reconstruction - kl_prior + gap
for number, line in enumerate([line_1, line_2, line_3, line_4, line_5], start=1):
    print(f"line {number} less log p(x): {line - p_x.log():9.1e}")
print(f"log p(x) - ELBO = {p_x.log() - (reconstruction - kl_prior):.15f}")
print(f"KL(q || p(z|x)) = {gap:.15f}")

# %% [markdown]
# Five lines, one number, to rounding. Look at it sample by sample:

# %%
few = samples[:25]
parts = {name: f(few) for name, f in terms.items()}
plots.line_by_line(parts, sum(parts.values()), [reconstruction, kl_prior, gap])


# %% [markdown]
# The third term is the one that we cannot compute in a real model: it has the intractable posterior in it. But it is
# **never negative** (Jensen again: $-E_q[\log \tfrac pq] \ge -\log E_q[\tfrac pq] = 0$). Leave it out, and what remains is a *lower bound*, the **evidence lower bound**:
#
# $$ \text{ELBO} = E_z\bigl[\log p_\theta(x|z)\bigr] - KL\bigl(q_\phi(z|x)\,\|\,p(z)\bigr) \;\le\; \log p_\theta(x) . $$
#
# It has the decoder, the encoder and the prior in it, nothing else. Its first term says: *reconstruct $x$ from the $z$
# that the encoder proposes*. The second says: *stay close to the prior*.

# %% [markdown]
# ## 6.6 The first term, by hand
#
# With one latent number and one pixel we can do it on paper. The model is $z \sim N(0, 1)$, $x|z \sim N(wz, s^2)$, and
# $q = N(\mu, \sigma^2)$. So
#
# $$ \log p(x|z) = -\tfrac12 \log(2\pi s^2) - \frac{(x - wz)^2}{2s^2}, \qquad
#    E_q[z] = \mu, \quad E_q[z^2] = \mu^2 + \sigma^2 . $$
#
# ### Exercise 2: the expected reconstruction, as a formula (3 points)
#
# Return it as **text**, with `**` for powers and `*` for products. It is compared as a formula: any way to write it that
# is equal is right.

# %% tags=["exercise"]
def expected_reconstruction():
    """no arguments -> a text: the formula of E_q[log p(x|z)] for p(x|z) = N(w z, s^2) and
    q = N(mu, sigma^2), in the symbols x, w, s, mu, sigma, with exact numbers.

    Example of a text, for another question: "(mu**2 + sigma**2 - 1)/2 - log(sigma) + pi".
    """
    ### BEGIN SOLUTION
    spread = "w**2*sigma**2"
    return f"-log(2*pi*s**2)/2 - ((x - w*mu)**2 + {spread})/(2*s**2)"
    ### END SOLUTION


# %% tags=["check"]
expected_reconstruction = check("expected_reconstruction")

# %% tags=["help"]
# hint("expected_reconstruction")
# solution("expected_reconstruction")

# %% [markdown]
# The squared error at the mean, and one term more: the encoder pays for its own uncertainty, $w^2\sigma^2/2s^2$. With many
# pixels and latents the same holds for each. A probe, by Monte Carlo:

# %%
from course.lab.formula import value

here = {"x": 1.2, "w": 1.5, "s": 0.8, "mu": 0.2, "sigma": 0.6}
z = here["mu"] + here["sigma"] * normal(100_000)
away = (here["x"] - here["w"] * z) / here["s"]
log_p = -math.log(2 * math.pi * here["s"] ** 2) / 2 - away**2 / 2
print(f"formula     {value(expected_reconstruction(), here):.4f}")
print(f"Monte Carlo {log_p.mean():.4f} ± {log_p.std() / math.sqrt(len(z)):.4f}")


# %% [markdown]
# ## 6.7 The second term in closed form
#
# In one dimension, with $q = N(\mu, \sigma^2)$ and $p = N(0, 1)$:
#
# $$ KL(q\,\|\,p) = E_q\left[-\log\sigma - \frac{(z-\mu)^2}{2\sigma^2} + \frac{z^2}{2}\right]
#    = \tfrac12\bigl(\mu^2 + \sigma^2 - 1\bigr) - \log \sigma . $$
#
# With diagonal covariances $\log q$ and $\log p$ are sums over the dimensions, and so is the divergence.
#
# ### Exercise 3: the KL divergence to the prior (2 points)

# %% tags=["exercise"]
def kl_to_prior(mu, logvar):
    """mu (n, k), logvar (n, k) -> (n,): KL(N(mu, diag exp(logvar)) || N(0, I)) of each row, in
    nats.

    Example: mu = 0 and logvar = 0 gives 0; mu = (3, 4) and logvar = 0 gives 12.5.
    """
    ### BEGIN SOLUTION
    return (mu**2 + logvar.exp() - 1 - logvar).sum(dim=-1) / 2
    ### END SOLUTION


# %% tags=["check"]
kl_to_prior = check("kl_to_prior")

# %% tags=["help"]
# hint("kl_to_prior")
# solution("kl_to_prior")

# %% [markdown]
# A divergence is no distance: $KL(q\,\|\,p)$ and $KL(p\,\|\,q)$ differ. The closed form for two Gaussians,
#
# $$ KL\bigl(N(\mu_q, v_q)\,\|\,N(\mu_p, v_p)\bigr) = \tfrac12\left(\frac{v_q + (\mu_q - \mu_p)^2}{v_p} - 1
#    - \log\frac{v_q}{v_p}\right) \quad\text{in each dimension,} $$
#
# is `gaussian.kl_gaussians`. Both directions against Monte Carlo, for the $q$ and the prior of above:

# %%
zero = torch.zeros(2, dtype=torch.float64)


def log_ratio_of(z):
    return gaussian.log_normal(z, mu, logvar) - lg.log_prior(z)


estimates = {"KL(q ‖ p)": log_ratio_of(samples), "KL(p ‖ q)": -log_ratio_of(normal(20_000, 2))}
exact = {"KL(q ‖ p)": gaussian.kl_gaussians(mu, logvar, zero, zero).item(),
         "KL(p ‖ q)": gaussian.kl_gaussians(zero, zero, mu, logvar).item()}
print(f"your kl_to_prior: {kl_to_prior(mu[None], logvar[None]).item():.6f}")
plots.running_means(estimates, exact)

# %% [markdown]
# The bands close in as $1/\sqrt n$, and the closed form is there from the start, with no noise at all. That is why a VAE
# uses it for this term, and samples only for the other one.

# %% [markdown]
# ## 6.8 Move $q$
#
# In one dimension, with $w = 1$, $s = 0.8$ and $x = 1.6$, the posterior is a Gaussian that we can draw.
#
# **Predict.** First move the mean, then the width. Three things change: the two terms and the gap. What does not? Where
# is the gap zero?

# %%
W_1 = torch.ones(1, 1, dtype=torch.float64)
x_1, s_1 = torch.tensor([1.6], dtype=torch.float64), 0.8
m_1, V_1 = lg.posterior(x_1, W_1, s_1)


def draw(mean, width):
    mu, logvar = torch.tensor([[mean], [2 * math.log(width)]], dtype=torch.float64)
    terms = [lg.reconstruction(x_1, mu, logvar, W_1, s_1), kl_to_prior(mu[None], logvar[None]),
             lg.kl_to_posterior(x_1, mu, logvar, W_1, s_1)]
    return plots.moving_q(mean, width, m_1.item(), V_1.item(), *map(float, terms))


draw(0.2, 0.35)

# %%
slider(lambda mean: draw(mean, 0.35), "mean of q", low=-0.5, high=2.5, value=0.2, step=0.05)

# %%
slider(lambda width: draw(m_1.item(), width), "width of q", low=0.15, high=1.8, value=0.35,
       step=0.05)


# %% [markdown]
# $\log p(x)$ stays: it knows nothing of $q$. So *to raise the ELBO over $q$ is to lower the gap*, and the gap is zero just
# where $q$ is the posterior. We never computed the posterior to say so: the ELBO does not contain it.
#
# Now find that point by hand. From exercise 2 and the KL,
#
# $$ \text{ELBO}(\mu, \sigma) = \text{(your formula)} - \tfrac12(\mu^2 + \sigma^2 - 1) + \log\sigma . $$
#
# ### Exercise 4: the best q, as formulas (3 points)

# %% tags=["exercise"]
def best_q():
    """no arguments -> a tuple of two texts: the mean and the variance of the q = N(mu, sigma^2)
    that maximises the ELBO of the model z ~ N(0, 1), x | z ~ N(w z, s^2), in the symbols x, w, s.

    Example: at w = 0 the pixel says nothing about z, and they become 0 and 1, as in the prior.
    """
    ### BEGIN SOLUTION
    variance = "1/(1 + w**2/s**2)"
    return f"({variance})*w*x/s**2", variance
    ### END SOLUTION


# %% tags=["check"]
best_q = check("best_q")

# %% tags=["help"]
# hint("best_q")
# solution("best_q")

# %% [markdown]
# Is it the posterior, which Bayes' rule gives as $V = (1 + w^2/s^2)^{-1}$, $m = V w x / s^2$? SymPy may say so, and the
# point of the slider too:

# %%
from course.lab.formula import equivalent

mean, variance = best_q()
intervals = {"x": (-2, 2), "w": (-2, 2), "s": (0.3, 2)}  # where values may be tried
print("variance is V:", equivalent(variance, "(1 + w**2/s**2)**(-1)", intervals))
print("mean is m:    ", equivalent(mean, "(1 + w**2/s**2)**(-1) * w*x/s**2", intervals))
at = {"x": 1.6, "w": 1.0, "s": 0.8}
print(f"your formulas: {value(mean, at):.12f} {value(variance, at):.12f}")
print(f"Bayes' rule:   {m_1.item():.12f} {V_1.item():.12f}")


# %% [markdown]
# ## 6.9 The ELBO as a VAE computes it
#
# A real decoder is a network, and $E_q[\log p(x|z)]$ has no closed form. But it can be *estimated*, with very few
# samples, because now $z$ comes from $q$, which knows where to look. The samples are made in a particular way:
#
# $$ z = \mu + \sigma \odot \varepsilon, \qquad \varepsilon \sim N(0, I) , $$
#
# noise first, then shift and stretch. The next section will tell why. It is called the **reparameterisation trick**.
#
# ### Exercise 5: an estimate of the ELBO (3 points)
#
# The decoder is still the matrix $W$; put a network in its place, and this is the objective of chapter 7.

# %% tags=["exercise"]
def elbo_estimate(x, eps, mu, logvar, W, s):
    """x (n, d), eps (S, n, k), mu (n, k), logvar (n, k), W (d, k), number s -> (n,): for each row
    of x the mean of log N(x; W z, s^2 I) over the S samples z = mu + sigma eps, less
    KL(q || N(0, I)).

    Example: with eps = 0, mu = 0, logvar = 0, x = 0, s = 1 and two pixels it gives -log(2 pi).
    """
    ### BEGIN SOLUTION
    squares = ((x - (mu + torch.exp(logvar / 2) * eps) @ W.T) / s) ** 2
    log_p = -(math.log(2 * math.pi * s**2) + squares).sum(dim=-1) / 2
    return log_p.mean(dim=0) - kl_to_prior(mu, logvar)
    ### END SOLUTION


# %% tags=["check"]
elbo_estimate = check("elbo_estimate")

# %% tags=["help"]
# hint("elbo_estimate")
# solution("elbo_estimate")

# %% [markdown]
# Held against the closed form: one sample, ten, a thousand.

# %%
print(f"closed form           {lg.elbo(x, mu, logvar, W, s):8.4f}   log p(x) {p_x.log():8.4f}")
for n_samples in (1, 10, 1000):
    eps = normal(n_samples, 500, 2)  # the same point, 500 estimates
    many = elbo_estimate(x.expand(500, 3), eps, mu.expand(500, 2), logvar.expand(500, 2), W, s)
    above = (many > p_x.log()).double().mean()
    print(f"{n_samples:4} samples: mean    {many.mean():8.4f}   spread {many.std():7.4f}   "
          f"above log p(x): {above:.1%}")


# %% [markdown]
# Unbiased with any number of samples: the mean is right in each row. But *one* estimate may well lie above $\log p(x)$. The
# bound holds for the expectation. A VAE takes one sample for each image and leaves the averaging to the minibatch.

# %% [markdown]
# ## 6.10 A gradient through a random number
#
# To climb the ELBO we need $\nabla_{\mu, \sigma} E_{z \sim q}[f(z)]$, where $f(z) = \log p(x|z)$. The trouble: $\mu$ and
# $\sigma$ sit in the *distribution* that we sample from. There are two ways out.
#
# **The score function.** Since $\nabla q = q\, \nabla \log q$,
#
# $$ \nabla E_q[f(z)] = E_q\bigl[f(z)\, \nabla \log q(z)\bigr], \qquad
#    \nabla_\mu \log q(z) = \frac{z - \mu}{\sigma^2} = \frac{\varepsilon}{\sigma} . $$
#
# It needs only values of $f$, no derivative. A number $b$ may be taken off $f$ first, a **baseline**, because
# $E_q[\nabla \log q] = 0$.
#
# **Reparameterisation.** Write $z = \mu + \sigma \varepsilon$. The distribution of $\varepsilon$ has no parameters, so the
# gradient goes inside, and the chain rule does the rest:
#
# $$ \nabla_\mu E[f(\mu + \sigma\varepsilon)] = E\bigl[f'(z)\bigr], \qquad
#    \nabla_{\log\sigma^2} E[f(\mu + \sigma\varepsilon)] = E\bigl[f'(z)\, \tfrac12 \sigma\, \varepsilon\bigr] . $$
#
# ### Exercise 6: the reparameterised gradient (3 points)
#
# By hand or by autograd, as you like. $f(z) = \log N(x; Wz, s^2 I)$.

# %% tags=["exercise"]
def reparameterised_gradient(x, eps, mu, logvar, W, s):
    """x (d,), eps (S, k), mu (k,), logvar (k,), W (d, k), number s -> two tensors (k,), (k,): the
    gradients with respect to mu and to logvar of the mean of log N(x; W z, s^2 I) over the S
    samples z = mu + sigma eps.

    Example: with eps = 0, mu = 0, W = I and s = 1 they are x and 0.
    """
    ### BEGIN SOLUTION
    mu, logvar = mu.clone().requires_grad_(), logvar.clone().requires_grad_()
    away = x - (mu + torch.exp(logvar / 2) * eps) @ W.T
    mean_log_p = -(away**2).sum(dim=-1).mean() / (2 * s**2)
    return torch.autograd.grad(mean_log_p, (mu, logvar))
    ### END SOLUTION


# %% tags=["check"]
reparameterised_gradient = check("reparameterised_gradient")


# %% tags=["help"]
# hint("reparameterised_gradient")
# solution("reparameterised_gradient")

# %% [markdown]
# **Predict.** All three estimates have the same mean. Which one scatters most? What happens to each when there are more
# latent dimensions, which have nothing to do with this one?

# %%
def f(z):
    return lg.log_likelihood(x, z, W, s)


eps = normal(5000, 2)
single = {
    "score function": gradients.score_function(f, mu, logvar, eps)[0][:, 0],
    "score with baseline": gradients.score_function(f, mu, logvar, eps, baseline=True)[0][:, 0],
    "reparameterised": gradients.reparameterised(f, mu, logvar, eps)[0][:, 0],
}
exact = ((x - W @ mu) @ W / s**2)[0]  # the gradient of the closed form
print(f"exact {exact:.4f}   your estimate from {len(eps)} samples "
      f"{reparameterised_gradient(x, eps, mu.clone(), logvar.clone(), W, s)[0][0]:.4f}")
for name, values in single.items():
    print(f"{name:20} {values.mean():8.4f} ± {values.std() / math.sqrt(len(eps)):.4f}")


# %% [markdown]
# Now with $k$ latents and $k$ pixels, each pixel telling of its own latent only. We measure the variance of the gradient
# for the first.

# %%
def f_all(z):
    return gaussian.log_normal(torch.ones_like(z), z, 2 * math.log(0.7))  # every x_i is 1


latents = [1, 2, 4, 8, 16, 32, 64]
variances = {name: [] for name in single}
for k in latents:
    q_k = torch.zeros(k, dtype=torch.float64), torch.full((k,), -1.0, dtype=torch.float64)
    eps_k = normal(5000, k)
    gradients_k = [gradients.score_function(f_all, *q_k, eps_k),
                   gradients.score_function(f_all, *q_k, eps_k, baseline=True),
                   gradients.reparameterised(f_all, *q_k, eps_k)]
    for name, (g_mu, _) in zip(single, gradients_k):
        variances[name].append(g_mu[:, 0].var().item())
plots.gradient_estimates(single, exact.item(), latents, variances)

# %% [markdown]
# The score function multiplies *one* number $f(z)$, in which all pixels have their say, with the score of *one* latent: it
# has to find out by trial whose merit the reward was, and every other dimension is noise to it. The baseline removes the
# size of $f$ but not this. The reparameterised gradient is told by $f'(z)$ in which direction each latent should go: its
# variance does not grow at all. This is why VAEs train, and why their latents are continuous: through a discrete $z$
# there is no $f'$.

# %% [markdown]
# ## 6.11 Climb
#
# Stochastic gradient ascent on the ELBO, for our point $x$: the reparameterised gradient of the first term, the exact
# gradient of the second, $\nabla_\mu KL = \mu$ and $\nabla_{\log\sigma^2} KL = \frac12(\sigma^2 - 1)$.
#
# **Predict.** The true posterior is Gaussian. Will the gap go to zero?

# %%
m, V = lg.posterior(x, W, s)
mu_t = torch.tensor([-1.2, 1.5], dtype=torch.float64)
logvar_t = torch.tensor([-3.0, 0.5], dtype=torch.float64)
mus, logvars = [mu_t], [logvar_t]
for t in range(600):
    start = mu_t.clone(), logvar_t.clone()
    g_mu, g_logvar = reparameterised_gradient(x, normal(16, 2), *start, W, s)
    step = 0.1 / (1 + t / 40)
    mu_t = mu_t + step * (g_mu - mu_t)
    logvar_t = logvar_t + step * (g_logvar - (logvar_t.exp() - 1) / 2)
    mus.append(mu_t)
    logvars.append(logvar_t)
mus, logvars = torch.stack(mus), torch.stack(logvars)

# %%
elbos = lg.elbo(x, mus, logvars, W, s)
best = lg.elbo(x, *lg.best_diagonal(x, W, s), W, s)
plots.climb(mus, logvars, m, V, elbos, p_x.log().item(), best.item())

# %% [markdown]
# The mean is found. But the posterior is tilted, its two latents are correlated, and a diagonal $q$ cannot tilt. What is
# lost has a formula. With $P = V^{-1}$ the best diagonal $q$ has the variances $1/P_{ii}$, **not** $V_{ii}$: it would
# rather be too narrow than put mass where the posterior has none. And the gap that remains is
# $\frac12\bigl(\sum_i \log P_{ii} - \log\det P\bigr)$:

# %%
P = torch.linalg.inv(V)
print("variances of q at the end   ", logvars[-1].exp().numpy().round(3))
print("1 / P_ii                    ", (1 / P.diagonal()).numpy().round(3))
print("V_ii, those of the posterior", V.diagonal().numpy().round(3))
print(f"gap at the end   {lg.kl_to_posterior(x, mus[-1], logvars[-1], W, s):.4f}")
print(f"by the formula   {P.diagonal().log().sum() / 2 - torch.logdet(P) / 2:.4f}")

# %% [markdown]
# This loss is not bad luck with one point: it is the price of the family. Chapter 7 has richer ones.
#
# **One encoder for all points.** To climb for each $x$ anew would be slow. A VAE trains one network that gives $\mu$ and
# $\log\sigma^2$ for any $x$. In our model the best mean is a linear function, $m = V W^T x / s^2$, so a linear encoder can
# do it. We train one on a thousand points, with one sample each, by autograd. The loss is minus your `elbo_estimate`, in
# the package's functions:

# %%
data = normal(1000, 2) @ W.T + s * normal(1000, 3)
encoder = nn.Linear(3, 2).double()
logvar_all = torch.zeros(2, dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.Adam([*encoder.parameters(), logvar_all], lr=0.02)
for _ in range(600):
    mu_x, logvar_x = encoder(data), logvar_all.expand(1000, 2)
    z = gaussian.reparameterise(mu_x, logvar_x, rng)
    elbo = lg.log_likelihood(data, z, W, s) - gaussian.kl_standard_normal(mu_x, logvar_x)
    loss = -elbo.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("encoder's matrix\n", encoder.weight.detach().numpy().round(3))
print("V W^T / s^2\n", (V @ W.T / s**2).numpy().round(3))
print("variances", logvar_all.detach().exp().numpy().round(3),
      "  1 / P_ii", (1 / P.diagonal()).numpy().round(3))

# %% [markdown]
# Nobody showed it a posterior. It found Bayes' rule, as far as its family goes, by being asked to reconstruct and to stay
# close to the prior.

# %% [markdown]
# ## 6.12 Break it
#
# **Another weight on the KL.** It is tempting to weigh the two terms: reconstruction less $\beta$ times KL. And it is easy
# to write the KL with the wrong sign, $\beta = -1$.
#
# **Predict.** Which of these are lower bounds of $\log p(x)$?

# %%
sigma = torch.logspace(-2.5, 1, 200, dtype=torch.float64)
mu_b, logvar_b = m_1.expand(200, 1), 2 * sigma.log()[:, None]
first, second = lg.reconstruction(x_1, mu_b, logvar_b, W_1, s_1), kl_to_prior(mu_b, logvar_b)
objectives = {f"$\\beta$ = {beta:g}": first - beta * second for beta in (1, 2, 0.2, 0, -1)}
plots.kl_weights(sigma, objectives, lg.log_evidence(x_1, W_1, s_1).item())

# %% [markdown]
# $\beta \ge 1$ gives a bound, a loose one when it is above 1: something positive is taken off. $\beta < 1$ gives none: at
# $\beta = 0$ the best $q$ is a single point, the autoencoder of chapter 5, and its "bound" lies above the truth. With the
# wrong sign there is no maximum at all: the narrower $q$, the better, without end. **If your ELBO grows and grows, look
# at the sign of the KL term.**
#
# **A $q$ that looks at the wrong place.** With samples from $q$, $p(x)$ itself can be estimated, without the prior's
# waste: $\hat p(x) = \frac1S \sum_j p(x|z_j)\, p(z_j) / q(z_j)$. By Bayes' rule the fraction is *constant* when $q$ is the
# posterior. **Predict.** What if $q$ is ten times too narrow? And if it is three times too wide?

# %%
ratios, log_p_hat = [0.1, 0.2, 0.35, 0.6, 1, 1.7, 3], []
for c in ratios:
    logvar_c = (c**2 * V_1.diagonal()).log()
    z = gaussian.reparameterise(m_1.expand(100, 200, 1), logvar_c.expand(100, 200, 1), rng)
    log_weights = (lg.log_likelihood(x_1, z, W_1, s_1) + lg.log_prior(z)
                   - gaussian.log_normal(z, m_1, logvar_c))
    log_p_hat.append((log_mean_exp(log_weights) - lg.log_evidence(x_1, W_1, s_1)).tolist())
plots.width_of_q(ratios, log_p_hat)

# %% [markdown]
# At the posterior's width one sample would do. Too wide costs a little. Too narrow is ruinous, and *silent*: nearly all
# estimates are too low and agree with each other, since no sample comes from where the mass is. And narrow is just what
# 6.11 says that a diagonal $q$ tends to be.

# %% [markdown]
# ## What you can do now
#
# 1. *Intractable*: $p(x)$ is an average over all $z$, and almost none of them explains this $x$; the error of the naive
#    estimate grows exponentially with the dimension. The posterior has the same integral in its denominator.
# 2. *The five lines*: average a constant; Bayes' rule; multiply by $q/q$; logarithms; name the KL divergences.
# 3. *The terms*: reconstruction less KL to the prior; what is left out is $KL(q\,\|\,p(z|x))$, exactly.
# 4. *The best $q$*: the posterior, if the family has it; otherwise one that is too narrow.
# 5. *Gradients*: the score function needs values only and is noisy, the more so the more latents; reparameterisation uses
#    the slope of $f$, and its noise does not grow.
# 6. *No bound*: a weight below 1 on the KL, its wrong sign, or a single noisy estimate taken for the expectation.
#
# ## Test yourself
#
# <details><summary>1. In line 2, why is the standard error zero although z is random?</summary>
#
# Because $p(x|z)p(z)/p(z|x) = p(x)$ for every $z$. The integrand is a constant; only its looks depend on $z$.
# </details>
#
# <details><summary>2. Your ELBO rises from -120 to -100 during training. Did log p(x) rise?</summary>
#
# Not necessarily. The ELBO is $\log p(x)$ less the gap: a better encoder alone raises it too, with $\log p(x)$ unchanged.
# </details>
#
# <details><summary>3. Can KL(q || p(z)) be zero for all x, and what does the model do then?</summary>
#
# Yes: then $q$ is the prior whatever $x$ is, so $z$ says nothing about $x$, and the decoder must do without it. It is called
# posterior collapse, and chapter 7 makes it happen.
# </details>
#
# <details><summary>4. Why KL(q || p) and not KL(p || q) for the gap?</summary>
#
# Line 4 leaves no choice: the expectations are over $q$. It is a lucky case: samples of $q$ are to be had, samples of the
# posterior are not.
# </details>
#
# <details><summary>5. The decoder is a table lookup without derivative. Which gradient is left for the encoder?</summary>
#
# The score function: it needs $f(z)$ only.
# </details>
#
# ## References
#
# - D. P. Kingma, M. Welling, *Auto-Encoding Variational Bayes*, International Conference on Learning Representations 2014.
# - D. J. Rezende, S. Mohamed, D. Wierstra, *Stochastic Backpropagation and Approximate Inference in Deep Generative Models*,
#   International Conference on Machine Learning 2014.
# - M. E. Tipping, C. M. Bishop, *Probabilistic Principal Component Analysis*, Journal of the Royal Statistical Society B 61
#   (1999), 611-622.
# - R. J. Williams, *Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning*, Machine
#   Learning 8 (1992), 229-256.
# - Y. Burda, R. Grosse, R. Salakhutdinov, *Importance Weighted Autoencoders*, International Conference on Learning
#   Representations 2016: where the last figure leads to.
#
# **Next:** chapter 7 puts networks in the place of the matrix, and draws.
