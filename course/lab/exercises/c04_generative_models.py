"""The exercises of 04_generative_models. torch is imported where it is used: the lab does without it."""

from __future__ import annotations

import math

from course.lab.exercise import Case, Exercise, Mistake


def _draw(*shape: int, seed: int = 0):
    import torch

    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _bits(*shape: int, seed: int = 0):
    return (_draw(*shape, seed=seed) > 0).double()


# chain_rule_log_p and bits_per_dimension


def _chain_rule_log_p(p, x):
    import torch
    from torch.distributions import Bernoulli

    return Bernoulli(torch.as_tensor(p)).log_prob(x).sum(dim=1)


def _bits_per_dimension(log_p, d):
    return (log_p / math.log(0.5)).sum() / (len(log_p) * d)


# made_masks


def _made_masks(degrees, d):
    from course.likelihood.autoregressive import autoregressive_masks

    return autoregressive_masks(degrees, d)


def _masks_from(compare_in: str, compare_out: str):
    """The masks with other comparisons than `ge` and `gt`."""

    def wrong(degrees, d):
        import torch

        place = torch.arange(1, d + 1)
        into = getattr(torch, compare_in)(degrees[:, None], place)
        return into.float(), getattr(torch, compare_out)(place[:, None], degrees).float()

    return wrong


# couple


def _couple(x, kept, s, t):
    from course.likelihood.flow import affine_coupling

    return affine_coupling(x, kept, s, t)


def _shifted_first(x, kept, s, t):
    import torch

    return torch.where(kept, x, (x + t) * s.exp()), _couple(x, kept, s, t)[1]


# free_energy and cd_gradient


def _free_energy(v, W, b, c):
    from course.likelihood import rbm

    return rbm.free_energy(v, W, b, c)


def _cd_gradient(v_data, v_model, W, c):
    from course.likelihood.rbm import contrastive_gradient

    return contrastive_gradient(v_data, v_model, W, c)


def _one_phase(v_data, v_model, W, c):
    """The data's phase alone: a sample of zeros takes away nothing from dW and db, and dc is put right."""
    import torch

    dW, db, _ = _cd_gradient(v_data, 0 * v_model, W, c)
    return dW, db, torch.sigmoid(v_data @ W + c).mean(dim=0)


def _summed(v_data, v_model, W, c):
    import torch

    n, k = len(v_data), len(v_model)
    h_data, h_model = torch.sigmoid(v_data @ W + c), torch.sigmoid(v_model @ W + c)
    data = (n * (v_data.T @ h_data / n), n * v_data.mean(dim=0), n * h_data.mean(dim=0))
    model = (k * (v_model.T @ h_model / k), k * v_model.mean(dim=0), k * h_model.mean(dim=0))
    return tuple(one - other for one, other in zip(data, model, strict=True))


def _masks_cases():
    import torch

    return [
        Case("three bits, two units", torch.tensor([1, 2]), 3),
        Case("five bits, seven units", torch.tensor([1, 2, 3, 4, 1, 2, 3]), 5),
    ]


def _coupling_cases():
    import torch

    return [
        Case(
            "one point",
            torch.tensor([[1.0, 2.0]], dtype=torch.float64),
            torch.tensor([True, False]),
            torch.tensor([[5.0, math.log(3)]], dtype=torch.float64),
            torch.tensor([[9.0, 1.0]], dtype=torch.float64),
        ),
        Case(
            "three points in four dimensions",
            _draw(3, 4),
            torch.tensor([False, True, True, False]),
            0.5 * _draw(3, 4, seed=1),
            _draw(3, 4, seed=2),
        ),
    ]


EXERCISES = (
    Exercise(
        name="chain_rule_log_p",
        chapter="04_generative_models",
        points=2,
        contract="p (n, d) with p[:, i] = p(x_i = 1 | the entries before i), bits x (n, d) -> (n,): log p(x) of each "
        "row, in nats.",
        reference=_chain_rule_log_p,
        cases=lambda: [
            Case("three coins", _draw(1, 3).sigmoid(), _bits(1, 3, seed=3)),
            Case("four rows of six bits", _draw(4, 6).sigmoid(), _bits(4, 6, seed=1)),
        ],
        hints=(
            "The chain rule multiplies d factors. What becomes of a product under a logarithm?",
            "Where the bit is 1, its factor is p; where it is 0, the factor is 1 - p.",
            "`torch.where(x == 1, p, 1 - p)` picks the right one of the two.",
        ),
        mistakes=(
            Mistake(
                "zeros are free",
                lambda p, x: (x * p.log()).sum(dim=1),
                "A bit that is 0 has a probability too, 1 - p: it belongs into the product.",
            ),
            Mistake(
                "the probability of a one, whatever came",
                lambda p, x: p.log().sum(dim=1),
                "`p` is the probability of a 1. Where x is 0, take 1 - p.",
            ),
            Mistake(
                "the probability, not its logarithm",
                lambda p, x: _chain_rule_log_p(p, x).exp(),
                "Sum logarithms instead of multiplying: the product of 64 factors is soon below what a float can hold.",
            ),
            Mistake(
                "the sign is turned",
                lambda p, x: -_chain_rule_log_p(p, x),
                "This is the negative log-likelihood. A log probability of bits is never above 0.",
            ),
            Mistake(
                "the mean over the entries",
                lambda p, x: _chain_rule_log_p(p, x) / x.shape[1],
                "The log of a product is the sum of the logs; dividing by d comes with the next exercise.",
            ),
        ),
        forbidden=("Bernoulli", "binary_cross_entropy", "binary_cross_entropy_with_logits", "BCELoss", "bce_loss"),
    ),
    Exercise(
        name="bits_per_dimension",
        chapter="04_generative_models",
        points=1,
        contract="log_p (n,) in nats, d entries in a sample -> (): the mean of -log2 p(x) for each entry, a tensor "
        "without axes.",
        reference=_bits_per_dimension,
        cases=lambda: [
            Case("two images of four fair bits", _draw(2) * 0 - 4 * math.log(2), 4),
            Case("five images of 64 bits", -20 + _draw(5), 64),
        ],
        hints=(
            "Three steps: the mean over the samples, from nats to bits, from a sample to an entry.",
            "log2 p = log p / log 2. With `math.log(2)` you need no tensor.",
        ),
        mistakes=(
            Mistake(
                "nats, not bits",
                lambda log_p, d: _bits_per_dimension(log_p, d) * math.log(2),
                "One bit is log 2 = 0.693 nats: divide by that.",
            ),
            Mistake(
                "bits for a whole sample",
                lambda log_p, d: _bits_per_dimension(log_p, d) * d,
                "Per dimension: divide by the number of entries of a sample.",
            ),
            Mistake(
                "the sign is turned",
                lambda log_p, d: -_bits_per_dimension(log_p, d),
                "A code length is never negative where log p is a log probability: turn the sign.",
            ),
            Mistake(
                "multiplied by log 2",
                lambda log_p, d: _bits_per_dimension(log_p, d) * math.log(2) ** 2,
                "There are more bits than nats in the same message: divide by log 2.",
            ),
        ),
    ),
    Exercise(
        name="made_masks",
        chapter="04_generative_models",
        points=3,
        contract="degrees (h,), d -> M1 (h, d), M2 (d, h): M1[k, i] = 1 where input i may reach unit k, m_k >= i, and "
        "M2[i, k] = 1 where unit k may reach output i, i > m_k; i counted from 1 to d; 0 elsewhere.",
        reference=_made_masks,
        cases=_masks_cases,
        hints=(
            "Compare every degree with every place: `degrees[:, None]` is a column, `torch.arange(1, d + 1)` a row.",
            "A column compared with a row gives a table: `column >= row` has the shape (h, d).",
            "M2 has a row for each output: now the places are the column and the degrees the row.",
        ),
        mistakes=(
            Mistake(
                "an output sees its own input",
                _masks_from("ge", "ge"),
                "A unit of degree m has seen x_m itself, so it may reach the outputs after m only: `>` in M2.",
            ),
            Mistake(
                "a unit does not see the input of its degree",
                _masks_from("gt", "gt"),
                "A unit of degree m sees the inputs 1 to m, m too: `>=` in M1. Nothing leaks, but much is thrown away.",
            ),
            Mistake(
                "counted from 0",
                lambda degrees, d: _made_masks(degrees + 1, d),
                "Degrees and places count from 1: the first place is 1, `torch.arange(1, d + 1)`.",
            ),
            Mistake(
                "the other way round",
                lambda degrees, d: tuple(1 - mask for mask in _made_masks(degrees, d)),
                "A 1 keeps a weight and a 0 removes it; in yours the outputs see what comes after them.",
            ),
        ),
        forbidden=("autoregressive_masks", "MADE"),
    ),
    Exercise(
        name="couple",
        chapter="04_generative_models",
        points=3,
        contract="x (n, d), kept (d,) boolean, s (n, d), t (n, d) -> z (n, d), log_det (n,): z_i = x_i where kept, "
        "x_i exp(s_i) + t_i elsewhere, and log |det dz/dx| of each row.",
        reference=_couple,
        cases=_coupling_cases,
        hints=(
            "Two cases for each entry: `torch.where(kept, ..., ...)` chooses between them, column by column.",
            "dz_i/dx_i is 1 where kept and exp(s_i) elsewhere, and the determinant of a triangular matrix is the "
            "product of its diagonal.",
            "So the log determinant is a sum of s, over the entries that are not kept.",
        ),
        mistakes=(
            Mistake(
                "the log determinant sums the kept entries too",
                lambda x, kept, s, t: (_couple(x, kept, s, t)[0], s.sum(dim=1)),
                "A kept entry has the derivative 1, whatever s is there: it adds log 1 = 0.",
            ),
            Mistake(
                "kept and changed mixed up",
                lambda x, kept, s, t: _couple(x, ~kept, s, t),
                "`kept` is True where the entry stays as it is.",
            ),
            Mistake(
                "the determinant, not its logarithm",
                lambda x, kept, s, t: (_couple(x, kept, s, t)[0], _couple(x, kept, s, t)[1].exp()),
                "The log of a product of exp(s_i) is the sum of the s_i.",
            ),
            Mistake(
                "shifted before scaled",
                _shifted_first,
                "First times exp(s), then plus t: `(x + t) exp(s)` is another map.",
            ),
            Mistake(
                "one log determinant for all rows",
                lambda x, kept, s, t: (_couple(x, kept, s, t)[0], _couple(x, kept, s, t)[1].sum().expand(len(x))),
                "Every row is a sample with its own volume change: sum over the entries, `dim=1`.",
            ),
        ),
        forbidden=("affine_coupling", "Coupling", "jacobian"),
    ),
    Exercise(
        name="free_energy",
        chapter="04_generative_models",
        points=3,
        contract="v (n, d), W (d, m), b (d,), c (m,) -> (n,): F(v) = -log of the sum over all h of "
        "exp(v^T W h + b^T v + c^T h).",
        reference=_free_energy,
        cases=lambda: [
            Case("no weights, three hidden bits", _bits(2, 2), 0 * _draw(2, 3), _draw(2), 0 * _draw(3)),
            Case("four rows of five bits", _bits(4, 5), _draw(5, 3, seed=1), _draw(5, seed=2), _draw(3, seed=3)),
        ],
        hints=(
            "Given v, the exponent is b^T v plus one term for each hidden bit: the sum over all h is a product.",
            "One hidden bit contributes e^0 + e^(c_j + v^T W_j). Take the logarithm of the product.",
            "`torch.nn.functional.softplus(a)` is log(1 + e^a), without overflow for large a.",
        ),
        mistakes=(
            Mistake(
                "the sign is turned",
                lambda v, W, b, c: -_free_energy(v, W, b, c),
                "Probable configurations have low energy: p(v) is proportional to e^(-F(v)).",
            ),
            Mistake(
                "the visible biases are missing",
                lambda v, W, b, c: _free_energy(v, W, 0 * b, c),
                "b^T v does not depend on h, but it does on v: it stays in F.",
            ),
            Mistake(
                "the hidden biases are missing",
                lambda v, W, b, c: _free_energy(v, W, b, 0 * c),
                "Each hidden bit has the exponent c_j + v^T W_j.",
            ),
            Mistake(
                "the best h instead of all",
                lambda v, W, b, c: -(v @ b) - (v @ W + c).clamp(min=0).sum(dim=1),
                "This keeps the largest term of the sum. All states of h count: log(1 + e^a), not max(0, a).",
            ),
        ),
        forbidden=("RBM",),
    ),
    Exercise(
        name="cd_gradient",
        chapter="04_generative_models",
        points=3,
        contract="v_data (n, d), v_model (k, d), W (d, m), c (m,) -> dW (d, m), db (d,), dc (m,): means over the data "
        "less means over the model's samples of v p(h|v)^T, of v, and of p(h|v).",
        reference=_cd_gradient,
        cases=lambda: [
            Case("three data, two samples", _bits(3, 4), _bits(2, 4, seed=5), _draw(4, 2, seed=1), _draw(2, seed=2)),
            Case("five data, five samples", _bits(5, 3), _bits(5, 3, seed=5), _draw(3, 4, seed=1), _draw(4, seed=2)),
        ],
        hints=(
            "The same three means, once with the data and once with the samples: one minus the other.",
            "p(h_j = 1 | v) is `torch.sigmoid(v @ W + c)`, of shape (n, m).",
            "The sum over the rows of v p(h|v)^T is the matrix product `v.T @ p`.",
        ),
        mistakes=(
            Mistake(
                "the sign is turned",
                lambda v_data, v_model, W, c: _cd_gradient(v_model, v_data, W, c),
                "Data should become more probable: their mean comes with a plus.",
            ),
            Mistake(
                "only the data's phase",
                _one_phase,
                "Without the second phase all weights grow for ever: take off the means over the model's samples.",
            ),
            Mistake(
                "sums instead of means",
                _summed,
                "Divide each sum by its own number of rows; the two numbers may differ.",
            ),
            Mistake(
                "the hidden biases are missing",
                lambda v_data, v_model, W, c: _cd_gradient(v_data, v_model, W, 0 * c),
                "p(h_j = 1 | v) is the sigmoid of c_j + v^T W_j.",
            ),
        ),
        forbidden=("contrastive_gradient", "backward", "grad"),
    ),
)
