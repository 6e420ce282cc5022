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
# # 11. The year of the GAN
#
# **From the lecture:** 2017, the year of the GAN: better training and generation (LSGAN, BEGAN); conditional GANs and text to
# image; pix2pix; domain transfer (CycleGAN); and what GANs cannot do: the queries $p(x)$ and $p(z \mid x)$.
#
# **When you are through, you can**
#
# 1. compare generators by one number, and say why you look at the samples all the same,
# 2. tell a generator *what* to make, by a label or by a sentence,
# 3. make a discriminator read the sentence, and count how often each word is obeyed,
# 4. translate drawings into faces, and say what the adversarial term adds to a distance,
# 5. turn faces of one kind into another without a single pair, and say what the cycle settles and what not,
# 6. name the questions that a GAN does not answer, and what the detours cost.
#
# **You need** chapter 8 (the game), chapter 9 (losses) and chapter 10 (DCGAN); for the last part chapter 7. **Time:** about
# three hours with the six exercises; the code itself runs in under a minute.

# %% tags=["setup"]
import numpy as np
import torch
from torch import nn

from course.data import load_images
from course.data.faces import edges, sample_factors
from course.gan import began, captions, cyclegan, game
from course.gan.conditional import ConditionalDiscriminator, ConditionalGenerator
from course.gan.dcgan import players
from course.gan.inversion import invert, squared_errors
from course.gan.pix2pix import PatchDiscriminator, UNet, patch_seen
from course.lab import check, hint, solution
from course.likelihood.image_quality import frechet_distance, power_spectrum
from course.likelihood.reader import Reader, r_squared
from course.likelihood.vae import VAE, conv_decoder, conv_encoder
from course.plots import applications as plots
from course.plots import translation
from course.plots.images import gallery
from course.plots.vae import spectra
from course.recipes import began_faces, text_to_faces, text_to_faces_ablation
from course.training import Training, checkpoint, steps

torch.manual_seed(0)
torch.set_num_threads(1);  # these networks are small: one thread is faster than two

# %% [markdown]
# ## 11.1 Better training, better samples?
#
# In 2017 a new GAN came out every week, named after its loss. Each paper showed a page of samples. How would you compare
# them?
#
# We have faces whose factors are known, and a judge that reads the factors off an image (chapter 7). A **Fréchet distance**
# on the judge's features says how far a heap of samples is from a heap of real faces: 0 for the same means and covariances.

# %%
test_faces = load_images("faces", "test", n=500)
reader = checkpoint("faces_reader", Reader(), {})[0].eval()
with torch.no_grad():
    test_features = reader.features(test_faces.x)


@torch.no_grad()
def distance(x):
    """Fréchet distance between images x in [0, 1] and 500 test faces."""
    return frechet_distance(reader.features(x), test_features)


real = load_images("faces", n=500).x
print(f"real faces against other real faces: {distance(real):.2f}")
print(f"the same, a little blurred:          {distance(nn.AvgPool2d(3, 1, 1)(real)):.2f}")

# %% [markdown]
# So no generator can be much better than the first number. Three games, which you know from chapter 9:
#
# | | the discriminator gives | it makes small | the generator makes small |
# |---|---|---|---|
# | DCGAN, $\log D$ | a logit | $-\log D(x) - \log (1 - D(G(z)))$ | $-\log D(G(z))$ |
# | LSGAN | a score | $\tfrac12 (D(x) - 1)^2 + \tfrac12 D(G(z))^2$ | $\tfrac12 (D(G(z)) - 1)^2$ |
# | BEGAN | a copy of its input, with the error $L$ | $L(x) - k_t\, L(G(z))$ | $L(G(z))$ |
#
# BEGAN's discriminator is an **autoencoder**. It learns to copy real faces well and generated ones badly; the generator
# makes faces that are easy to copy. The weight $k_t$ keeps the two errors in balance,
#
# $$ k_{t+1} = k_t + \lambda\, \bigl(\gamma L(x) - L(G(z))\bigr), \qquad
#    M = L(x) + \bigl|\gamma L(x) - L(G(z))\bigr| , $$
#
# and $M$ is what no GAN had before: *one number that falls while the training goes well*. A round of it:

# %%
networks = began_faces.network()
G, D = networks["generator"], networks["autoencoder"]
for_G, for_D = (torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.99), fused=True) for net in (G, D))
gamma, rate, k = began_faces.GAMMA, began_faces.CONTROL, 0.0


def began_round(x):
    global k
    fake = G(torch.randn(len(x), 32))
    real_errors = began.errors(D, x)
    loss_D, _ = began.losses(real_errors, began.errors(D, fake.detach()), k)
    for_D.zero_grad()
    loss_D.backward()
    for_D.step()
    loss_G = began.errors(D, fake).mean()
    for_G.zero_grad()
    loss_G.backward()
    for_G.step()
    k, M = began.balance(k, real_errors.mean().item(), loss_G.item(), gamma, rate)
    return {"M": M, "k": k, "error of real": real_errors.mean(), "error of generated": loss_G}


training = Training(began_round, real * 2 - 1, [G, D, for_G, for_D], 32, log_every=5)
training.run(steps(50));

# %% [markdown]
# That was the beginning. Now three checkpoints: the DCGAN of chapter 10, the same networks with the losses of LSGAN, and
# BEGAN. All had the same number of rounds, with batches of the same size.
#
# **Predict.** Whose faces will be the sharpest? Whose will be the smoothest?

# %%
networks, curve = checkpoint("began_faces", networks, training.history)
fresh = players((3, 32, 32), latent=32, width=24, discriminator_width=20)
generators = {"DCGAN": checkpoint("dcgan_faces", fresh, {})[0]["generator"],
              "LSGAN": checkpoint("lsgan_faces", fresh, {})[0]["generator"],
              "BEGAN": networks["generator"]}
z = torch.randn(500, 32, generator=torch.Generator().manual_seed(1))
samples = {"real": real}
with torch.no_grad():
    for name, G in generators.items():
        samples[name] = G.eval()(z) / 2 + 0.5
dcgan = generators["DCGAN"]
print("Fréchet distance of 500 samples to the test faces")
for name, x in samples.items():
    print(f"{name:15}{distance(x):7.2f}")

# %%
gallery(torch.cat([x[:11] for x in samples.values()]), columns=11, row_labels=list(samples),
        what="faces: real ones, and samples of three generators")

# %%
plots.balance(curve, gamma)


# %% [markdown]
# Read the table and the pictures together. LSGAN and $\log D$ are near each other, in both. BEGAN keeps its promise on the
# right: $M$ falls, and the errors stay in the ratio that was asked for. But its judge measures *pixels*, so it forgives
# what pixels hardly show: eyes and mouths stay soft. And look for what its row lacks: a falling $M$ did not notice that
# either. The paper trained for days, with larger networks.
#
# That became the rule. In a large and fair comparison (Lučić et al., 2018) most of the losses of that year ended up alike, once
# each had the same budget and the same number of tries. What does change things is *what you ask of the game*. The rest of
# this chapter is about that.

# %% [markdown]
# ## 11.2 Told what to make
#
# So far $z$ decides what comes out, and nobody knows which $z$ makes a seven. A **conditional GAN** tells both players the
# label $y$: the generator what to make, the discriminator what was ordered.
#
# $$ \min_G \max_D \; \mathbb E_{x, y} \log D(x, y) + \mathbb E_{z, y} \log \bigl(1 - D(G(z, y), y)\bigr) . $$
#
# A label has no size: a 3 is not between a 2 and a 4. So it becomes $k$ numbers, a single 1 among zeros, beside $z$.
#
# ### Exercise 1: noise with a label (2 points)

# %% tags=["exercise"]
def labelled_noise(z, y, k):
    """noise z (n, d), labels y (n,) of whole numbers in 0..k-1, and k -> (n, d + k) tensor: each
    row of z followed by its label as k numbers, 1 at place y and 0 elsewhere.

    Example: z = [[0.5, -1]], y = [2], k = 3 give [[0.5, -1, 0, 0, 1]].
    """
    ### BEGIN SOLUTION
    places = torch.eye(k, dtype=z.dtype)
    return torch.cat([z, places[y]], dim=1)
    ### END SOLUTION


# %% tags=["check"]
labelled_noise = check("labelled_noise")

# %% tags=["help"]
# hint("labelled_noise")        # delete the first # for a hint; run again for the next one
# solution("labelled_noise")    # the same for the solution

# %% [markdown]
# The same function serves the discriminator: 64 pixels with a label. The rest is chapter 8, on the same digits.

# %%
digits, held_out_digits = load_images("digits"), load_images("digits", "test")


# %%
def train_conditional(tell_D=True, n_rounds=1500):
    torch.manual_seed(0)
    G = nn.Sequential(nn.Linear(16 + 10, 128), nn.BatchNorm1d(128), nn.ReLU(),
                      nn.Linear(128, 64), nn.Sigmoid())
    D = nn.Sequential(nn.Linear(64 + 10, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))
    for_G, for_D = (torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (G, D))
    judge = lambda x, y: D(labelled_noise(x, y if tell_D else 0 * y, 10))

    def one_round(x, y):
        made = G(labelled_noise(torch.randn(len(x), 16), y, 10))
        loss_D = game.discriminator_loss(judge(x, y), judge(made.detach(), y))
        for_D.zero_grad()
        loss_D.backward()
        for_D.step()
        loss_G = game.generator_loss(judge(made, y))
        for_G.zero_grad()
        loss_G.backward()
        for_G.step()
        return {"D": loss_D, "G": loss_G}

    data = (digits.x.flatten(1), digits.y)
    Training(one_round, data, [G, D, for_G, for_D], 64).run(steps(n_rounds))
    return G.eval()


# %%
make_digit = train_conditional()
ordered = torch.arange(10).repeat(40)
with torch.no_grad():
    made_digits = make_digit(labelled_noise(torch.randn(400, 16), ordered, 10))
gallery(made_digits[:50].reshape(-1, 8, 8), columns=10, cell=0.6, titles=[*range(10), *[""] * 40],
        what="digits made to order, a label for each column")

# %% [markdown]
# Is the label obeyed? We need a judge who never saw the GAN: a logistic regression, trained on the real digits.

# %%
from sklearn.linear_model import LogisticRegression

clerk = LogisticRegression(max_iter=1000).fit(digits.x.flatten(1), digits.y)
right = clerk.score(held_out_digits.x.flatten(1), held_out_digits.y)
print(f"the judge is right about real test digits: {right:.2f}")
obeyed = clerk.score(made_digits, ordered)
print(f"it sees the label that was ordered:        {obeyed:.2f}   (chance: 0.10)")

# %% [markdown]
# ## 11.3 From a sentence to a face
#
# Now the order is a sentence. Our faces come with one:

# %%
words_of_faces = captions.describe(test_faces.factors)
gallery(test_faces.x[:5], titles=words_of_faces[:5], columns=5, cell=1.9,
        what="faces with their captions")

# %% [markdown]
# A network wants numbers. The simplest way is a **bag of words**: one number for each known word, 1 where it is said. Order
# and grammar are lost. For these captions that is no loss; "a man looking at a woman with a beard" would be another matter,
# and there one takes a network that reads word after word.

# %%
c = captions.encode("a smiling brown-haired woman with glasses, looking left")
print(" ".join(captions.WORDS))
print(c.int().tolist()[0])
for words in ("a smilng man", "", "a calm smiling man", "a woman without glasses"):
    try:
        captions.encode(words)
    except ValueError as error:
        print("-", error)


# %% [markdown]
# Each kind of bad caption gets a sentence of its own, and no face. A caption may leave things out, though: "a woman" is
# fine, and the generator chooses the rest.
#
# The generator is easy: $z$ and $c$ side by side, as with the digits. **But why should the discriminator read the caption?**
# In a conditional GAN it sees two kinds of pairs:
#
# | image | caption | the answer | what tells them apart |
# |---|---|---|---|
# | real | its own | yes | |
# | generated | the one it was made for | no | *the image alone*, as long as it looks generated |
#
# Early on it can be right without reading a word. So Reed et al. (2016) add a third kind, for which the image is perfect:
#
# | real | **another one's** | no | *only the caption* |
# |---|---|---|---|
#
# With logits $a$ for the three kinds, the **matching-aware** discriminator makes small
#
# $$ - \mathbb E \log \sigma(a_{right}) - \tfrac12 \Bigl[ \mathbb E \log (1 - \sigma(a_{wrong})) +
#    \mathbb E \log (1 - \sigma(a_{fake})) \Bigr] . $$
#
# ### Exercise 2: the matching-aware loss (3 points)

# %% tags=["exercise"]
def text_loss(right, wrong, fake):
    """logits right, wrong, fake (n,) of real images with their own caption, real images with
    another one's, and generated images with the caption they were made for -> (): -E log D(right)
    - [E log(1 - D(wrong)) + E log(1 - D(fake))] / 2 with D = sigmoid(logit). Finite for logits of
    +-1000.

    Example: logits of 0 give log 4.
    """
    ### BEGIN SOLUTION
    cost = nn.functional.softplus
    yes, no = cost(-right).mean(), 0.5 * (cost(wrong) + cost(fake)).mean()
    return yes + no
    ### END SOLUTION


# %% tags=["check"]
text_loss = check("text_loss")

# %% tags=["help"]
# hint("text_loss")        # delete the first # for a hint; run again for the next one
# solution("text_loss")    # the same for the solution

# %% [markdown]
# One more idea helps here, from the *auxiliary classifier* GAN (Odena et al., 2017). The discriminator also **reads the
# caption back**: from the image alone it guesses each word. It learns that on real faces; the generator tries to be read
# correctly. A round:

# %%
faces = load_images("faces", n=800)
c_faces = captions.encode(captions.describe(faces.factors))
painter = text_to_faces.network()
G, D = painter["generator"], painter["discriminator"]
for_G, for_D = (torch.optim.Adam(net.parameters(), 2e-3, (0.5, 0.99)) for net in (G, D))
words_loss = nn.functional.binary_cross_entropy_with_logits


def text_round(x, c):
    fake = G(torch.randn(len(x), G.latent), c)
    seen = D.look(x)  # one look at the images serves right and wrong captions
    right, wrong = D.compare(seen, c), D.compare(seen, c.roll(1, 0))
    loss_D = text_loss(right, wrong, D(fake.detach(), c)) + words_loss(D.read(seen), c)
    for_D.zero_grad()
    loss_D.backward()
    for_D.step()
    seen = D.look(fake)
    loss_G = game.generator_loss(D.compare(seen, c)) + words_loss(D.read(seen), c)
    for_G.zero_grad()
    loss_G.backward()
    for_G.step()
    return {"D": loss_D, "G": loss_G}


# %%
parts = [painter, for_G, for_D]
Training(text_round, (faces.x * 2 - 1, c_faces), parts, 32, log_every=5).run(steps(60))
painter = checkpoint("text_to_faces", painter, {})[0].eval()

# %% [markdown]
# So few rounds are a beginning; the checkpoint had thousands, and the penalty and the averaged weights of chapters 9 and 10.
# In its training, words were left out of the captions now and then. And two combinations were **kept out** altogether:
# red-haired women with glasses, and bearded men with glasses who look left.

# %%
orders = ["a smiling brown-haired woman with glasses, looking left",
          "a frowning black-haired man with a beard, looking right",
          "a calm blond-haired woman, facing us",
          "a smiling grey-haired man with glasses, facing us",
          "a red-haired woman with glasses", "a man with a beard and glasses, looking left"]


@torch.no_grad()
def paint(words, z):
    """A face for each row of z, all with the same caption."""
    return painter["generator"](z, captions.encode(words).expand(len(z), -1)) / 2 + 0.5


z = torch.randn(7, painter["generator"].latent, generator=torch.Generator().manual_seed(4))
gallery(torch.cat([paint(words, z) for words in orders]), columns=7, cell=1.0,
        row_labels=[words.replace(", ", ",\n").replace(" with", "\nwith") for words in orders],
        what="faces painted from captions: one caption a row, one z a column")

# %% [markdown]
# Across a row $z$ changes, and with it all that the caption does not mention: skin, light, the width of the head. Down a
# column $z$ stays. The last two rows are the combinations that no training image showed.
#
# What does the discriminator say? One real face, with its own caption, and with one word of it wrong:

# %%
own = words_of_faces[0]
swaps = [("smiling", "frowning"), ("black", "blond"), ("woman", "man"), (" with glasses", ""),
         ("left", "right"), ("facing us", "looking left")]
tried = [own] + [own.replace(a, b) for a, b in swaps if a in own]
with torch.no_grad():
    judged = painter["discriminator"](
        test_faces.x[:1].expand(len(tried), -1, -1, -1) * 2 - 1, captions.encode(tried))
for words, logit in zip(tried, judged[:, 0].tolist()):
    print(f"logit {logit:6.1f}   {words}")


# %% [markdown]
# Every line but the first has one wrong word. Those that show in many pixels cost the image its credit. A mouth is small, and
# $D$ may overlook it: there it helps that the words are read back.
#
# ### How often is a word obeyed?
#
# The judge reads factors off the painted faces, and the captions' own thresholds turn factors into words. So there are two
# tables of zeros and ones: what was asked, and what is seen.
#
# ### Exercise 3: the share of obeyed words (2 points)

# %% tags=["exercise"]
def obeyed_words(asked, seen):
    """asked (n, k) and seen (n, k) of zeros and ones: row i is a face, column j a word, 1 where its
    caption says the word, and where the judge sees it -> (k,): of the faces asked to have word j,
    the share that has it. NaN for a word that no caption says.

    Example: asked [[1, 0], [1, 0]] and seen [[1, 1], [0, 1]] give [0.5, NaN].
    """
    ### BEGIN SOLUTION
    shares = np.full(asked.shape[1], np.nan)
    for j, wanted in enumerate(asked.T == 1):
        if wanted.any():
            shares[j] = np.mean(seen[wanted, j])
    return shares
    ### END SOLUTION


# %% tags=["check"]
obeyed_words = check("obeyed_words")

# %% tags=["help"]
# hint("obeyed_words")        # delete the first # for a hint; run again for the next one
# solution("obeyed_words")    # the same for the solution

# %% [markdown]
# **Predict.** Which words will be obeyed always? Which is the hardest to draw, and which the hardest for the judge to see?

# %%
asked = captions.encode(words_of_faces)


@torch.no_grad()
def painted_by(G, c):
    """A face in [0, 1] for each caption vector."""
    z = torch.randn(len(c), G.latent, generator=torch.Generator().manual_seed(0))
    return G(z, c) / 2 + 0.5


def seen_in(G, c):
    """The words that the judge sees in faces painted for each caption vector."""
    return captions.encode(captions.describe(reader.read(painted_by(G, c))))


seen = seen_in(painter["generator"], asked)
seen_in_real = captions.encode(captions.describe(reader.read(test_faces.x)))
plots.bars(captions.WORDS, {
    "real faces": obeyed_words(asked.numpy(), seen_in_real.numpy()),
    "painted": obeyed_words(asked.numpy(), seen.numpy()),
    "chance": obeyed_words(asked.numpy(), seen.roll(1, 0).numpy()),
}, "share obeyed")

# %% [markdown]
# The first bars are the most that can be had: a real smile of .26 counts as a smile, one of .24 does not, and the judge is
# not that exact. The last bars are painted faces held against somebody else's caption.
#
# And the combinations that were never seen in training? All captions that have one, group by group:

# %%
both = torch.cat([asked, c_faces])
new = both[captions.held_out(both)]
old = ~captions.held_out(asked)
table = {"all other captions": captions.right_groups(asked[old], seen[old]),
         f"{len(new)} never seen": captions.right_groups(new, seen_in(painter["generator"], new))}
print(f"{'':20}" + "".join(f"{group:>9}" for group in table["all other captions"]))
for name, shares in table.items():
    print(f"{name:20}" + "".join(f"{share:9.2f}" for share in shares.values()))

# %% [markdown]
# The words have been learnt one by one, not caption by caption: that is what lets them be put together anew.
#
# **What did each idea add?** Four equally short trainings of a smaller network: with wrong pairs or without, with words
# read back or without.

# %%
four = checkpoint("text_to_faces_ablation", text_to_faces_ablation.network(), {})[0].eval()
print(f"{'':25}" + "".join(f"{group:>9}" for group in shares) + "  Fréchet")
for name, G in {"(chance)": None, **four}.items():
    shown = seen.roll(1, 0) if G is None else seen_in(G, asked)
    shares = captions.right_groups(asked, shown)
    far = "" if G is None else f"{distance(painted_by(G, asked)):9.1f}"
    print(f"{name:25}" + "".join(f"{share:9.2f}" for share in shares.values()) + far)

# %% [markdown]
# Words that show in many pixels (man or woman, the colour of the hair) come early in any case. Those of a few pixels (glasses,
# the mouth, where the eyes look) stay at chance unless somebody asks for them. Wrong pairs ask, reading back asks, and the two
# together do best, in the look of the faces too.
#
# Now write your own. Misspell a word, deny one, contradict yourself:

# %%
z_shown = torch.randn(9, painter["generator"].latent, generator=torch.Generator().manual_seed(8))
painted = lambda words: gallery(paint(words, z_shown), columns=9, what=f"faces painted as {words}")
plots.text_box(painted, "caption", "a frowning red-haired man with glasses")

# %% [markdown]
# ## 11.4 pix2pix: from drawings to faces
#
# So far noise went in. Now an *image* goes in, and an image comes out: a map to a satellite picture, a sketch to a
# handbag, a drawing to a face. We have **pairs**: each drawing $x$ with the face $y$ that it was made from.

# %%
pairs, held_out_pairs = load_images("faces", n=400), load_images("faces", "test", n=500)
x_pairs, y_pairs = edges(pairs.factors) * 2 - 1, pairs.x * 2 - 1
x_held, y_held = edges(held_out_pairs.factors) * 2 - 1, held_out_pairs.x * 2 - 1
coloured = lambda x: x.expand(-1, 3, -1, -1) / 2 + 0.5  # grey, in [0, 1], with three channels
shown = torch.cat([coloured(x_held[:10]), y_held[:10] / 2 + 0.5])
gallery(shown, columns=10, row_labels=["x", "y"],
        what="line drawings, and below each the face that it was made from")

# %% [markdown]
# With pairs this looks like regression: train a network $G$ so that $G(x)$ is near $y$. Why would we need a GAN?
#
# **Predict.** The drawing does not say where the light comes from, and hardly where a beard ends. What does a network
# answer that is trained on the distance $\mathbb E\, |G(x) - y|$ alone?

# %%
values, probabilities = [0.15, 0.35, 0.8, 0.9], [0.3, 0.25, 0.25, 0.2]
translation.best_answers(values, probabilities, "one pixel, given the drawing")

# %% [markdown]
# One drawing, many true faces, one answer. The absolute error is smallest at the **median** of $p(y \mid x)$, for each
# pixel on its own, the squared error at the mean. Each pixel plays safe; together they are no face that was ever seen. Safe
# answers are flat and soft: *L1 alone blurs*. A discriminator does not punish an answer for being another one than $y$. It
# punishes it for not looking like a face.
#
# $$ L_G = \underbrace{- \mathbb E \log D(x, G(x))}_{\text{looks like a face that belongs to } x} + \;\lambda\,
#    \underbrace{\mathbb E\, | G(x) - y |}_{\text{is near this one}} , \qquad \lambda = 100 . $$
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $x$, $y$ | `x`, `y` | $(n, 1, 32, 32)$, $(n, 3, 32, 32)$ | drawings and their faces, in $[-1, 1]$ |
# | $G(x)$ | `made` | as $y$ | a **U-Net**: down to 4 x 4 pixels and up again |
# | $D(x, y)$ | `D(x, y)` | $(n, 1, 7, 7)$ | a logit for each **patch** of drawing and face together |

# %% [markdown]
# **The U-Net.** On the way down, an image loses its place: 4 x 4 pixels know that there is a nose, not where exactly. So
# each layer on the way up also gets what the layer of the same size saw on the way down. These are the *skips*.

# %%
torch.manual_seed(0)
draw_face = UNet(1, 3, width=16)
h = x_held[:1]
print("down:", " -> ".join(str(tuple((h := layer(h)).shape[1:])) for layer in draw_face.down))
print("up:  ", " -> ".join(str(layer[0].in_channels) for layer in draw_face.up), "channels come in")
print("each is what comes from below and, from the second on, what was seen at that size")


# %% [markdown]
# **The discriminator of patches.** It has no last layer that joins everything. L1 already looks after the whole; $D$ shall
# look after the detail, and detail is local. Its outputs are a map: one verdict for each patch of the image.
#
# How large is a patch? One output of the last layer sees a few outputs of the layer before, and each of those sees a few of
# the one before that.
#
# ### Exercise 4: the side of a patch (2 points)

# %% tags=["exercise"]
def patch_side(layers):
    """layers, a list of pairs (kernel, stride) of convolutions, the one nearest to the image first
    -> a whole number: the side, in pixels of the image, of the patch that one output of the last
    layer sees.

    Example: [(4, 2)] gives 4, and [(3, 2), (5, 1)] gives 11.
    """
    ### BEGIN SOLUTION
    outputs = 1
    for kernel, stride in reversed(layers):
        outputs = (outputs - 1) * stride + kernel
    return outputs
    ### END SOLUTION


# %% tags=["check"]
patch_side = check("patch_side")

# %% tags=["help"]
# hint("patch_side")        # delete the first # for a hint; run again for the next one
# solution("patch_side")    # the same for the solution

# %% [markdown]
# Ask the network itself: one logit depends on those pixels for which its gradient is not zero.

# %%
for halvings in (1, 2, 3):
    D = PatchDiscriminator(4, halvings=halvings)
    layers = [(c.kernel_size[0], c.stride[0]) for c in D.layers if isinstance(c, nn.Conv2d)]
    top, bottom, _, _ = patch_seen(D, side=64, row=2, column=2)
    print(f"{layers}: {patch_side(layers)} by the formula, {bottom - top + 1} by the gradient")

# %% [markdown]
# (The last patch would be larger than the gradient says where it hangs over the image's border.) We take two halvings, and
# train for a moment.

# %%
D = PatchDiscriminator(1 + 3, width=16, halvings=2)
for_G = torch.optim.Adam(draw_face.parameters(), 1e-3, (0.5, 0.99), fused=True)
for_D = torch.optim.Adam(D.parameters(), 1e-3, (0.5, 0.99), fused=True)


def step(x, y):
    made = draw_face(x)
    loss_D = game.discriminator_loss(D(x, y), D(x, made.detach()))
    for_D.zero_grad()
    loss_D.backward()
    for_D.step()
    distance = (made - y).abs().mean()
    loss_G = game.generator_loss(D(x, made)) + 100 * distance
    for_G.zero_grad()
    loss_G.backward()
    for_G.step()
    return {"discriminator": loss_D, "distance": distance}


parts = [draw_face, D, for_G, for_D]
Training(step, (x_pairs, y_pairs), parts, 32, log_every=5).run(steps(130, full=2800));

# %%
x_some, y_some = x_held[:64], y_held[:64]
with torch.no_grad():
    made = draw_face.eval()(x_some)
    shown = {"the face": y_some, "made": made, "another face": y_some.roll(-1, dims=0)}
    beliefs = {name: D(x_some, images)[0, 0] for name, images in shown.items()}
seen = patch_seen(D, 32, 3, 3)
translation.patches({name: image[0] / 2 + 0.5 for name, image in shown.items()}, beliefs, seen)

# %% [markdown]
# Blue patches are believed, orange ones are not. What was made still has patches that give it away. On the right stands a
# true face that does not belong to the drawing. $D$ sees the drawing, so it *could* object; but nobody has shown it such a
# pair and called it wrong. Here it is the distance to $y$ that ties $G(x)$ to $x$. (To see what the skips do, build
# `UNet(1, 3, skips=False)` above and train again.)
#
# Now two checkpoints of the same network, trained equally long: one with L1 alone, one with both terms.
#
# **Predict.** Which of them has the smaller mean $|G(x) - y|$ on new drawings? Which looks better?

# %%
answers = {}
for name, kind in {"L1 alone": "pix2pix_l1_faces", "L1 + GAN": "pix2pix_faces"}.items():
    with torch.no_grad():
        trained = checkpoint(kind, draw_face, {})[0].eval()
        answers[name] = trained(x_held) / 2 + 0.5
answers["true"] = y_held / 2 + 0.5
rows = [coloured(x_held[:10]), *(images[:10] for images in answers.values())]
gallery(torch.cat(rows), columns=10, row_labels=["x", *answers],
        what="drawings, the faces that two networks make of them, and the true faces")

# %%
with torch.no_grad():
    features = {name: reader.features(images) for name, images in answers.items()}
    others = reader.features(y_pairs / 2 + 0.5)  # true faces of other people
print("            L1   Fréchet   R² of smile  yaw  skin  hair  glasses  beard  light")
for name, images in answers.items():
    off = (images - answers["true"]).abs().mean()
    far = frechet_distance(features[name], others)
    read = reader.read(images)
    scores = [r_squared(read[f], held_out_pairs.factors[f])
              for f in ("smile", "yaw", "skin", "hair", "glasses", "beard", "light")]
    print(f"{name:9}{off:6.3f}{far:9.2f}      ", "".join(f"{s:7.2f}" for s in scores))

# %%
spectra({"true": power_spectrum(answers["true"]), **{
    name: power_spectrum(answers[name]) for name in ("L1 alone", "L1 + GAN")}})

# %% [markdown]
# (The Fréchet distances are to faces of *other* people: the last row is what two sets of true faces have.) L1 alone
# wins at what it was trained for, by a little, and that is the whole of its victory: its faces lack the fine detail that the
# spectrum shows at the right, and they are farther from true faces in the judge's eyes. Look at `light`: no drawing
# shows it, so nobody can read it back, and a GAN does not change that. What it draws is *plausible*, not *known*. Keep that
# in mind where such a network colours a medical image or sharpens a face for the police.

# %% [markdown]
# **Break it.** Drawings unlike all that the network was trained on: a face with stripes, one with a hat, one upside down, one
# moved by six pixels.

# %%
stripes, hats = torch.tensor([1.0, 0, 0, 0]), torch.tensor([0.0, 1, 0, 0])
unlike = sample_factors(4, seed=5, back=0, shirt=1, mouth=1.5, glasses=0)
x_odd = edges({**unlike, "striped": stripes, "hat": hats}) * 2 - 1
x_odd[2], x_odd[3] = x_odd[2].flip(1), x_odd[3].roll(6, dims=2)
with torch.no_grad():
    y_odd = trained(x_odd) / 2 + 0.5
gallery(torch.cat([coloured(x_odd), y_odd]), columns=4, row_labels=["x", "G(x)"],
        titles=["stripes", "a hat", "upside down", "moved", "", "", "", ""],
        what="drawings unlike those of the training, and what the network makes of them")


# %% [markdown]
# It never says that it does not know. It paints what the nearest familiar lines would mean.

# %% [markdown]
# ## 11.5 CycleGAN: no pairs at all
#
# Nobody has the same horse as a zebra. What if we only have two heaps: faces *without* glasses, $A$, and *other people's*
# faces with glasses, $B$? We want $G: A \to B$ and, for the way back, $F: B \to A$.
#
# A discriminator $D_B$ can ask that $G(a)$ looks like a face with glasses. But it would be content with **any** face with
# glasses, of any person: nothing ties $G(a)$ to $a$. So CycleGAN adds a wish: *the way there and back leads home*,
#
# $$ L_{cyc} = \mathbb E_a\, | F(G(a)) - a | + \mathbb E_b\, | G(F(b)) - b | . $$
#
# First on points of the plane, with linear maps.
#
# ### Exercise 5: there and back (2 points)

# %% tags=["exercise"]
def cycle_error(X, Y, A, B):
    """points X (n, d) and Y (m, k), one a row, and matrices A (k, d), B (d, k) of the maps
    G(x) = A x and F(y) = B y -> a number: the mean of |F(G(x)) - x| over all coordinates of all x,
    plus the mean of |G(F(y)) - y| over all coordinates of all y.

    Example: X = [[1, 2]], Y = [[3, 0]], A = 2 I, B = I give 1.5 + 1.5 = 3.
    """
    ### BEGIN SOLUTION
    x_back = (X @ A.T) @ B.T
    y_back = (Y @ B.T) @ A.T
    return float(np.mean(np.abs(x_back - X)) + np.mean(np.abs(y_back - Y)))
    ### END SOLUTION


# %% tags=["check"]
cycle_error = check("cycle_error")

# %% tags=["help"]
# hint("cycle_error")        # delete the first # for a hint; run again for the next one
# solution("cycle_error")    # the same for the solution

# %% [markdown]
# Does coming home settle what $G$ does? Take two round clouds of points, $A$ and $B$, both from $N(0, I)$, and let $G$ turn
# the plane by an angle, $F$ turn it back. Three numbers for each angle: how unlike $B$ the turned cloud is (a Fréchet
# distance, what a discriminator would punish), the cycle error, and the **identity loss**
#
# $$ L_{id} = \mathbb E_b\, | G(b) - b | + \mathbb E_a\, | F(a) - a | : \quad \text{leave alone what has arrived already.} $$
#
# **Predict.** Which of the three knows that not to turn at all is the simplest answer?

# %%
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(2, 2000, 2))
angles = np.arange(-180, 181, 15)
losses = {"unlike B": [], "cycle": [], "identity": []}
for angle in np.deg2rad(angles):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    losses["unlike B"].append(frechet_distance(torch.tensor(X @ turn.T), torch.tensor(Y)))
    losses["cycle"].append(cycle_error(X, Y, turn, turn.T))
    losses["identity"].append(np.abs(Y @ turn.T - Y).mean() + np.abs(X @ turn - X).mean())
translation.turns(angles, losses)

# %% [markdown]
# Only the identity loss. *Every* turn fools the judge and comes home: all pairs of maps that undo each other do. The cycle
# forbids that $G$ throws something away; it does not say what $G$ should do with it. That is settled by what the networks
# find easiest, and by the identity loss, which pulls towards changing nothing that need not change.

# %% [markdown]
# Now faces. The two heaps share no person:

# %%
without, with_glasses, who = cyclegan.unpaired(600, "glasses")
gallery(torch.cat([without[:10], with_glasses[:10]]) / 2 + 0.5, columns=10, row_labels=["A", "B"],
        what="faces without glasses, and other people's faces with glasses")


# %% [markdown]
# Both generators are U-Nets that say what to *change* in the image, and both discriminators judge an image patch by patch
# (the section on pix2pix takes the two networks apart); the adversarial losses are those of LSGAN. In one round, on a few
# images $a$ and $b$ that have nothing to do with each other:
#
# $$ L = \tfrac12 \mathbb E (D_B(G(a)) - 1)^2 + \tfrac12 \mathbb E (D_A(F(b)) - 1)^2 + 10\, L_{cyc} + 2\, L_{id} , $$
#
# then a step of the discriminators. `cyclegan.play` does just that, in a dozen lines.

# %%
def train_cycle(n_rounds, cycle=10.0, identity=2.0, width=16):
    torch.manual_seed(0)
    G, F = (UNet(3, 3, width, change=True) for _ in range(2))
    D_A, D_B = (PatchDiscriminator(3, width) for _ in range(2))
    nets = [G, F, D_A, D_B]
    adam = lambda a, b: torch.optim.Adam([*a.parameters(), *b.parameters()], 1e-3, (0.5, 0.99))
    players = adam(G, F), adam(D_A, D_B)
    step = lambda a, b: cyclegan.play(*nets, *players, a, b, cycle, identity)
    Training(step, (without, with_glasses), [*nets, *players], 8, log_every=5).run(n_rounds)
    return nn.ModuleDict({"G": G, "F": F}).eval()


translators = train_cycle(steps(110, full=2200))
translators, _ = checkpoint("cyclegan_faces", translators, {})
translators.eval();

# %% [markdown]
# A hundred rounds are a beginning; the checkpoint had twenty times as many. And here is what no CycleGAN of photographs
# can show: the **exact answer**. These faces were drawn from factors, so we can draw the same new people with glasses.

# %%
a, b, new_people = cyclegan.unpaired(200, "glasses", seed=300)
truth = {"G": cyclegan.counterfactual(new_people[0], "glasses"),
         "F": cyclegan.counterfactual(new_people[1], "glasses")}
with torch.no_grad():
    G, F = translators["G"], translators["F"]
    there = {"G": G(a), "F": F(b)}
    home = {"G": F(there["G"]), "F": G(there["F"])}
rows = {"a": a, "G(a)": there["G"], "the truth": truth["G"], "F(G(a))": home["G"],
        "b": b, "F(b)": there["F"], "truth": truth["F"]}
gallery(torch.cat([images[:10] for images in rows.values()]) / 2 + 0.5, columns=10,
        row_labels=list(rows), cell=0.8,
        what="faces, their translations, the exact answers and the way back")

# %%
start = {"G": a, "F": b}
print("                      glasses read   L1 to the truth   (doing nothing)   L1 of the cycle")
for way, goal in {"G": "put on ", "F": "take off"}.items():
    worn = (reader.read(there[way] / 2 + 0.5)["glasses"] > 0.5).float().mean()
    gap = lambda u, v: (u - v).abs().mean().item() / 2
    print(f"{way}, {goal:17} {worn:10.2f} {gap(there[way], truth[way]):15.4f}"
          f" {gap(start[way], truth[way]):16.4f} {gap(home[way], start[way]):17.4f}")
print("\nR² of what should be kept, read off G(a) and F(b):")
for way, people in zip("GF", new_people):
    read = reader.read(there[way] / 2 + 0.5)
    kept = ("smile", "yaw", "skin", "hair", "light", "width", "beard", "woman")
    print(way, " ".join(f"{f} {r_squared(read[f], people[f]):.2f}" for f in kept))

# %% [markdown]
# The judge sees glasses on nearly all that got them and on hardly any that lost them; the person stays. Read the two middle
# columns together: glasses are few pixels, so *doing nothing* is a strong competitor in L1. The translations are nearer to
# the truth than that, though no training ever saw a face with and without.
#
# **What do the two extra terms do?** Three equally short trainings of a smaller network, from one start: with all terms,
# without $L_{id}$, without $L_{cyc}$. (`course train cyclegan_ablation_faces` made them.)
#
# **Predict.** What will a generator without the identity loss do to a face that has glasses already? And one without the
# cycle loss to the rest of the face?

# %%
small_pair = lambda: nn.ModuleDict({way: UNet(3, 3, width=8, change=True) for way in "GF"})
variants = nn.ModuleDict({name: small_pair() for name in ("all", "no identity", "no cycle")})
variants = checkpoint("cyclegan_ablation_faces", variants, {})[0].eval()
shown = [a[:10]]
print("              glasses read   L1 to the truth   of the cycle   |G(b) - b|   |F(a) - a|")
for name, nets in variants.items():
    with torch.no_grad():
        made, arrived = nets["G"](a), (nets["G"](b), nets["F"](a))
        around = nets["F"](made)
    worn = (reader.read(made / 2 + 0.5)["glasses"] > 0.5).float().mean()
    print(f"{name:12}{worn:14.2f}{gap(made, truth['G']):18.4f}{gap(around, a):15.4f}"
          f"{gap(arrived[0], b):13.4f}{gap(arrived[1], a):13.4f}")
    shown += [made[:10], arrived[0][:10]]
names = [f"{what}, {name}" for name in variants for what in ("G(a)", "G(b)")]

# %%
gallery(torch.cat([shown[0], b[:10], *shown[1:]]) / 2 + 0.5, columns=10, cell=0.75,
        row_labels=["a", "b", *names],
        what="faces without and with glasses, and what three generators make of both")

# %% [markdown]
# One seed, and short trainings: read the rows as what happens *on the way*. Without the identity loss nothing is ever said
# about a $b$ given to $G$, and so $G$ draws glasses over glasses: $|G(b) - b|$ is larger, and so is the distance to the truth.
# The whole loss is slower to put glasses on, for one of its terms asks to change little. And where that term stands alone
# beside the game, without the cycle, $G$ has hardly dared to change anything yet; still its cycle error is the largest,
# because nothing asks it to find the way back.

# %% [markdown]
# **Break it.** Every pair of maps that undo each other comes home. So let $G'$ translate *and mirror* the face, and let $F'$
# mirror it back and translate. Which of CycleGAN's losses notices?

# %%
mirror = lambda x: x.flip(3)
G_mirror, F_mirror = (lambda x: mirror(G(x))), (lambda y: F(mirror(y)))
b_features = reader.features(b / 2 + 0.5).detach()
print("            Fréchet to B   cycle error   identity error   L1 to the truth")
for name, go, back in (("as trained", G, F), ("mirroring", G_mirror, F_mirror)):
    with torch.no_grad():
        made = go(a)
        unlike_B = frechet_distance(reader.features(made / 2 + 0.5), b_features)
        print(f"{name:12}{unlike_B:11.2f}{gap(back(made), a):14.4f}{gap(go(b), b):16.4f}"
              f"{gap(made, truth['G']):18.4f}")

# %% [markdown]
# A crowd of mirrored faces looks like a crowd of faces, so the judge is content; the cycle comes home *exactly* as before. Only
# the identity loss objects. Its use is just this: among all maps that are as good by the other two losses, it prefers the
# one that changes least. In our training the network's form did so as well: it begins near "change nothing".

# %% [markdown]
# ## 11.6 What a GAN cannot do
#
# All of this was sampling. Chapter 4 had a longer list of what one asks of a model: *how likely is this image?* *Which
# causes does it have?* *What is behind the part that I cannot see?* A GAN is a function $x = G(z)$. It has no $p(x)$ and no
# $p(z \mid x)$. There are detours; let us take them.
#
# ### How likely is this image?
#
# The detour of early papers: take samples, put a small Gaussian on each of them, and call that the density,
#
# $$ \hat p(x) = \frac1m \sum_{i=1}^m N(x;\, s_i,\, h^2 I) , $$
#
# with the bandwidth $h$ that serves best. Let us test it on three "models" of which we know who is best:
#
# - **the truth**: its 200 samples are 200 real digits,
# - **averages**: 200 centres of k-means, blurred averages of a few digits each; it can make nothing else,
# - **the GAN** of 11.2.
#
# **Predict.** Which of them gets the highest $\log \hat p$ on held-out digits?

# %%
from scipy.special import logsumexp
from sklearn.cluster import KMeans


def kernel_density(samples, x, h):
    """The mean of log p_hat over the rows of x, in nats."""
    squares = ((x[:, None] - samples) ** 2).sum(axis=2)
    inside = logsumexp(-squares / (2 * h**2), axis=1) - np.log(len(samples))
    return (inside - x.shape[1] / 2 * np.log(2 * np.pi * h**2)).mean()


half = len(digits.x) // 2
truth, rest = digits.x.flatten(1).numpy()[:200], digits.x.flatten(1).numpy()[half:]
heaps = {"the truth": truth,
         "averages": KMeans(200, n_init=1, random_state=0).fit(rest).cluster_centers_,
         "the GAN": made_digits.numpy()[:200]}
x_held_out = held_out_digits.x.flatten(1).numpy()
bandwidths = np.geomspace(0.08, 0.6, 15)
plots.densities(bandwidths, {name: [kernel_density(heap, x_held_out, h) for h in bandwidths]
                             for name, heap in heaps.items()})

# %%
shown = np.concatenate([heap[:10] for heap in heaps.values()])
gallery(shown.reshape(-1, 8, 8), columns=10, cell=0.6,
        row_labels=list(heaps), what="digits: real ones, averages, and samples of the GAN")


# %% [markdown]
# The averages beat the truth by far. A density made from samples in 64 dimensions rewards samples that lie *in the middle*
# of things, and its level depends on $h$ more than on the model. Theis et al. (2016) showed this, and the field stopped
# reporting such numbers.

# %% [markdown]
# ### Which z made this image?
#
# A VAE has an encoder for that. With a generator alone we can only search: start at some $z$, go down the slope of
# $\lVert G(z) - x \rVert^2$. First where everything is known, a linear generator $G(z) = W z + b$.
#
# ### Exercise 6: the code of an image (3 points)

# %% tags=["exercise"]
def find_code(W, b, x, rate, n_steps):
    """W (p, d), b (p,), x (p,), rate, n_steps -> (d,): the code z after n_steps of gradient
    descent, from z = 0, on half the squared error of a linear generator, |W z + b - x|^2 / 2.

    Example: W = [[2]], b = [1], x = [5], rate 0.1: after one step z = [0.8].
    """
    ### BEGIN SOLUTION
    z = torch.zeros(W.shape[1], dtype=W.dtype)
    for _turn in range(n_steps):
        error = W @ z + b - x
        z = z - rate * (error @ W)
    return z
    ### END SOLUTION


# %% tags=["check"]
find_code = check("find_code")

# %% tags=["help"]
# hint("find_code")        # delete the first # for a hint; run again for the next one
# solution("find_code")    # the same for the solution

# %%
maker = torch.Generator().manual_seed(0)
W, b, x = (torch.randn(*shape, generator=maker) for shape in ((6, 3), (6,), (6,)))
direct = torch.linalg.lstsq(W, x - b).solution
for n in (1, 10, 100, 1000):
    z = find_code(W, b, x, 0.05, n)
    left, off = torch.linalg.norm(W @ z + b - x), torch.linalg.norm(z - direct)
    print(f"{n:5} steps: error {left:.4f}, distance to the least squares solution {off:.4f}")

# %% [markdown]
# It ends at the least squares solution, and an error is left: three numbers cannot make every image of six pixels.
#
# The generator of faces is no matrix, and its valleys are many. We search for six real test faces and for six that the
# generator *made itself*, from two starts each.
#
# **Predict.** For its own faces a perfect $z$ exists. Will the search find that $z$?

# %%
z_true = torch.randn(6, 32, generator=torch.Generator().manual_seed(3))
with torch.no_grad():
    images = torch.cat([test_faces.x[:6] * 2 - 1, dcgan(z_true)])
z_found, errors = invert(dcgan, images, latent=32, n_steps=steps(250), starts=2)
with torch.no_grad():
    first, second = dcgan(z_found[0]), dcgan(z_found[1])
gallery(torch.cat([images, first, second]) / 2 + 0.5, columns=12, cell=0.8,
        row_labels=["x", "found", "found again"],
        what="six real and six generated faces, and what two searches find for each")

# %% [markdown]
# Beside it the VAE of chapter 7, which was trained to do this. Its encoder answers in one pass.

# %%
vae = VAE((3, 32, 32), 16, "gaussian", sigma=0.1,
          encoder=conv_encoder(3, 16), decoder=conv_decoder(3, 16))
vae = checkpoint("vae_faces", vae, {})[0].eval()
with torch.no_grad():
    copied = vae.decode(vae.encode(test_faces.x[:6])[0])
    log_likelihood, kl = vae.elbo(test_faces.x[:6], torch.Generator().manual_seed(0))
best = errors.amin(0)
plots.strips({"GAN, real faces": best[:6], "GAN, its own faces": best[6:],
              "VAE, real faces": squared_errors(copied * 2 - 1, images[:6])},
             "squared error a pixel")

# %%
between = torch.linalg.norm(z_found[0, 6:] - z_found[1, 6:], dim=1).mean()
to_truth = torch.linalg.norm(z_found[:, 6:] - z_true, dim=2).mean()
drawn = torch.linalg.norm(torch.randn(500, 32) - torch.randn(500, 32), dim=1).mean()
print(f"its own faces: {between:.1f} from one found z to the other, {to_truth:.1f} to the true z")
print(f"two z drawn from the prior are {drawn:.1f} apart")
bound = ", ".join(f"{v:.0f}" for v in (log_likelihood - kl).tolist())
print(f"the VAE also gives a lower bound of log p(x), in nats: {bound}")

# %% [markdown]
# The search finds *something* for each image. For the generator's own faces it mostly comes close, yet with a $z$ that is not
# the one that made it; now and then it gets stuck even there. For real faces an error remains. Is the face not in the range of
# $G$, or did the search stop too early? The number does not say. And nothing here is a probability: no density for $x$, no
# spread for $z$.

# %% [markdown]
# ### What is behind the hand?
#
# Half of a face is hidden. The answer should be a *distribution*: all the faces that fit. With a GAN we search again, for a
# $z$ whose image fits the visible half, and hope for the rest.

# %%
visible = torch.ones(1, 1, 32, 32)
visible[:, :, 17:] = 0
half_seen = test_faces.x[:6] * 2 - 1
z_found, errors = invert(dcgan, half_seen, 32, steps(250), starts=3, visible=visible)
with torch.no_grad():
    completed = [torch.where(visible > 0, half_seen, dcgan(z)) for z in z_found]
whole = [squared_errors(x, half_seen, 1 - visible) for x in completed]
gallery(torch.cat([half_seen * visible, *completed, half_seen]) / 2 + 0.5, columns=6,
        row_labels=["given", "start 1", "start 2", "start 3", "true"], cell=0.8,
        what="faces with the lower half hidden, three completions of each, and the true faces")

# %%
print("face     error on the visible half       on the hidden half, from the three starts")
for i in range(6):
    seen_part = "  ".join(f"{e:.3f}" for e in errors[:, i])
    hidden = "  ".join(f"{e[i]:.3f}" for e in whole)
    print(f"{i:4}      {seen_part:28}     {hidden}")

# %% [markdown]
# Each start gives another mouth. Is one of them likelier than the others? The visible error cannot say: it does not look
# there. A model with a density would weigh them; here the spread of three starts is all there is, and it is a property of
# the search as much as of the faces.
#
# | question | PixelCNN | VAE | GAN |
# |---|---|---|---|
# | a sample | slow | one pass | one pass |
# | $p(x)$ | exact | a lower bound | none |
# | $p(z \mid x)$ | no $z$ | approximate, one pass | a search, without a probability |
# | complete an image | in its own order only | sample $z$, weigh | a search, without a probability |

# %% [markdown]
# ## 11.7 Break it
#
# In 11.2 both players were told the label. Tell the generator only: the discriminator gets a label, but always the same one.
#
# **Predict.** The generator knows what was ordered. Will it deliver?

# %%
deaf = train_conditional(tell_D=False, n_rounds=700)
with torch.no_grad():
    whatever = deaf(labelled_noise(torch.randn(400, 16), ordered, 10))
print(f"label obeyed: {clerk.score(whatever, ordered):.2f} (before: {obeyed:.2f}, chance: 0.10)")
gallery(whatever[:20].reshape(-1, 8, 8), columns=10, cell=0.6, titles=[*range(10), *[""] * 10],
        what="digits of a generator that nobody checks, a label for each column")

# %% [markdown]
# It makes digits, and any digit will do. To the generator the label is more noise: *nobody is paid for obeying*. Whatever a
# generator should do must show in what its discriminator can see.

# %% [markdown]
# ## What you can do now
#
# 1. **One number and a look.** The Fréchet distance, beside that of real faces to real faces; equal budgets; and the samples,
#    for a number can be fooled.
# 2. **To order.** The label, or the words, go to both players; an independent judge counts how often they are obeyed.
# 3. **Reading.** Wrong pairs of real images and other captions make the discriminator read; words read back help the rest.
# 4. **pix2pix.** L1 answers with the conditional median; a discriminator of patches that sees the drawing adds the detail.
# 5. **CycleGAN.** Two heaps, two generators, two judges; the cycle forbids to throw something away, the identity loss to
#    change what need not change. Neither knows more than its data say.
# 6. **What a GAN cannot do.** It has no $p(x)$ and no $p(z \mid x)$. Densities from samples rank wrongly; a search for $z$ costs
#    hundreds of passes, may fail, and gives no probability.
#
# ## Test yourself
#
# <details><summary>1. A CycleGAN turns every face into the same perfect face with glasses. Which loss complains?</summary>
#
# Not the discriminator: that face is real enough, one at a time. The cycle does: from one and the same image, nobody can find
# the way back to many different faces.
# </details>
#
# <details><summary>2. Why does the discriminator need real images with wrong captions, and not generated ones?</summary>
#
# A generated image can be recognised by its looks. With a real image the looks are perfect, so only the caption can be the
# reason to say no.
# </details>
#
# <details><summary>3. A text-to-image GAN obeys every word. What may still be wrong?</summary>
#
# All faces for one caption may be the same (collapse), or look bad in a way that the judge of words does not see. That is why
# the Fréchet distance and the samples stand beside the shares.
# </details>
#
# <details><summary>4. pix2pix colours a grey photograph of a shirt red. Was it red?</summary>
#
# Nobody knows. Red is a likely answer, not a measured one: the adversarial term asks that the picture *looks* true.
# </details>
#
# <details><summary>5. Why does the discriminator of pix2pix see the drawing?</summary>
#
# Otherwise any fine face would do. With the drawing it can reject a face that belongs to another one.
# </details>
#
# <details><summary>6. Why a U-Net, and not an autoencoder?</summary>
#
# Input and output share their outlines. The skips carry them past the bottom, which then only has to say what things are.
# </details>
#
# <details><summary>7. Your CycleGAN has a cycle error of 0. Is G right?</summary>
#
# Nobody knows. Every map that can be undone has it, the one that mirrors all faces too.
# </details>
#
# <details><summary>8. A search finds no z for a photograph. Is the photograph unlikely under the GAN?</summary>
#
# Perhaps it is not in the range of $G$ at all; then it has the density 0. Or the search stopped in a wrong valley. The two
# look the same from outside.
# </details>
#
# **References.** X. Mao et al., *Least squares generative adversarial networks*, ICCV 2017. D. Berthelot, T. Schumm,
# L. Metz, *BEGAN: boundary equilibrium generative adversarial networks*, 2017. J.-Y. Zhu, T. Park, P. Isola, A. A. Efros,
# *Unpaired image-to-image translation using cycle-consistent adversarial networks*, ICCV 2017. P. Isola, J.-Y. Zhu, T. Zhou,
# A. A. Efros, *Image-to-image translation with conditional adversarial networks*, CVPR 2017. O. Ronneberger, P. Fischer,
# T. Brox, *U-Net*, MICCAI 2015. M. Mirza, S. Osindero,
# *Conditional generative adversarial nets*, 2014. S. Reed et al., *Generative adversarial text to image synthesis*, ICML
# 2016. A. Odena, C. Olah, J. Shlens, *Conditional image synthesis with auxiliary classifier GANs*, ICML 2017. M. Lučić et
# al., *Are GANs created equal?*, NeurIPS 2018. L. Theis, A. van den Oord, M. Bethge, *A note on the evaluation of generative
# models*, ICLR 2016. L. Mescheder, A. Geiger, S. Nowozin, *Which training methods for GANs do actually converge?*, ICML 2018.
