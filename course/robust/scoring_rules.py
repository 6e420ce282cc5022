"""Proper scoring rules for a discriminator, as derivatives that a training loop can use.

A discriminator T(x) in (0, 1) is the probability that x is real. A scoring rule pays S(T, 1) for a real x and S(T, 0)
for a generated one, and a proper rule pays most on average for the true probability. The GAN of a rule is

    min_generator max_T  mean_i S(T(X_i), 1) + E S(T(generated), 0),

and the log score S(t, 1) = log t, S(t, 0) = log(1 - t) gives JS-GAN. The Beta family has two numbers alpha and beta:

    dS(t, 1)/dt = t^(alpha - 1) (1 - t)^beta,      dS(t, 0)/dt = -t^alpha (1 - t)^(beta - 1),

so that with T = sigmoid(s), dt/ds = t (1 - t), the derivatives by the score s are t^alpha (1 - t)^(beta + 1) and
-t^(alpha + 1) (1 - t)^beta. Log score: alpha = beta = 0; quadratic (Brier): 1; boosting: -1/2. As alpha = beta grows,
the rule tends to the zero-one loss, whose smooth stand-in S(t, 1) = t, S(t, 0) = 1 - t is called "tv" here: TV-GAN.

Source: Gao, Yao, Zhu, Generative adversarial nets for robust scatter estimation: a proper scoring rule perspective,
JMLR 2020; Buja, Stuetzle, Shen, Loss functions for binary class probability estimation, 2005.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import beta as beta_function
from scipy.special import betainc
from torch import Tensor

BETA_RULES = {"log": (0.0, 0.0), "quadratic": (1.0, 1.0), "boosting": (-0.5, -0.5)}
RULES = (*BETA_RULES, "tv")


@dataclass(frozen=True)
class ScoringRule:
    """A rule by name ("log", "quadratic", "boosting", "tv") or by a pair (alpha, beta) > 0 of the Beta family."""

    rule: str | tuple[float, float] = "log"

    def __post_init__(self) -> None:
        if isinstance(self.rule, str):
            if self.rule not in RULES:
                raise ValueError(
                    f"scoring rule {self.rule!r}; choose one of {', '.join(RULES)} or a pair (alpha, beta)"
                )
        elif len(self.rule) != 2 or min(self.rule) <= 0:
            raise ValueError(
                f"scoring rule {self.rule!r}; a pair (alpha, beta) of the Beta family has two numbers above 0"
            )

    def real(self, score: Tensor) -> Tensor:
        """dS(sigmoid(s), 1)/ds, at least 0: how hard a real row pulls its score s up."""
        if self.rule == "log":
            return torch.sigmoid(-score)
        if self.rule == "tv":
            return torch.sigmoid(score) * torch.sigmoid(-score)
        alpha, beta = self._exponents()
        return _power(score, alpha) * _power(-score, beta + 1)

    def fake(self, score: Tensor) -> Tensor:
        """dS(sigmoid(s), 0)/ds, at most 0: how hard a generated row pulls its score s down."""
        if self.rule == "log":
            return -torch.sigmoid(score)
        if self.rule == "tv":
            return -torch.sigmoid(score) * torch.sigmoid(-score)
        alpha, beta = self._exponents()
        return -_power(score, alpha + 1) * _power(-score, beta)

    def payment(self, score, real: bool) -> np.ndarray:
        """S(T, 1) or S(T, 0) at T = sigmoid(score), up to a constant: 0 for a sure and right answer ("tv": 1)."""
        s = np.asarray(score, dtype=float) * (1 if real else -1)
        right = 1 / (1 + np.exp(-s))  # the probability that was given to the right answer
        if self.rule == "tv":
            return right
        alpha, beta = self._exponents()
        if self.rule == "log":
            return -np.logaddexp(0, -s)
        if self.rule == "boosting":
            return -2 * np.exp(-s / 2)
        if not real:
            alpha, beta = beta, alpha
        return -beta_function(beta + 1, alpha) * betainc(beta + 1, alpha, 1 - right)

    def _exponents(self) -> tuple[float, float]:
        return BETA_RULES[self.rule] if isinstance(self.rule, str) else self.rule


def _power(score: Tensor, exponent: float) -> Tensor:
    """sigmoid(score)^exponent; a negative exponent is held below exp(10) by a floor under the score."""
    return torch.exp(exponent * torch.nn.functional.logsigmoid(score.clamp(min=-20)))
