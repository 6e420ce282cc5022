"""JS-GAN estimators of location and scatter, with scikit-learn's interface.

In Huber's model X_1, ..., X_n ~ (1 - eps) P_theta + eps Q, with eps and Q unknown, JS-GAN estimates theta by

    argmin_eta  max_T  [ mean_i log T(X_i) + E_eta log(1 - T(X)) ] + log 4,

T ranging over small neural networks. `raw_location_` is the outcome of that game alone. `location_` goes one step
further, as scikit-learn's MinCovDet does: rows are weighed by their probability of being clean, given the first fit,
and averaged. Sources: the lecture's slides on JS-GAN; Gao, Liu, Yao, Zhu, Robust estimation and generative adversarial
networks, ICLR 2019; Gao, Yao, Zhu, Generative adversarial nets for robust scatter estimation: a proper scoring rule
perspective, JMLR 21, 2020.
"""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import OutlierMixin
from sklearn.covariance import EmpiricalCovariance
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from course.robust.adversarial import Generator, knot_levels, play, squash
from course.robust.discriminator import Discriminator
from course.robust.reweighting import clean_weights, normal_radii, radius_cut, weighted_t
from course.robust.scoring_rules import ScoringRule

START_ROWS = 2000  # a median of more rows than these would cost more time than it saves


class _JSGAN(OutlierMixin, EmpiricalCovariance):
    """What both estimators share: start, game, weights, final fit, outliers."""

    _full: bool  # whether the generator's A is a full matrix, or diagonal

    def __init__(
        self,
        *,
        family="gaussian",
        hidden=(20,),
        scoring_rule="log",
        max_iter=None,
        batch_size=None,
        discriminator_rate=None,
        location_rate=0.15,
        scale_rate=None,
        contamination=0.1,
        store_precision=True,
        device="cpu",
        random_state=None,
    ):
        super().__init__(store_precision=store_precision)
        self.family = family
        self.hidden = hidden
        self.scoring_rule = scoring_rule
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.discriminator_rate = discriminator_rate
        self.location_rate = location_rate
        self.scale_rate = scale_rate
        self.contamination = contamination
        self.device = device
        self.random_state = random_state

    def fit(self, X, y=None):
        """Estimate from the rows X (n, p); y is ignored.

        Raises ValueError for NaN, infinity, a single row, a constant column and parameters out of range. Warns when
        there are no more rows than columns, and with ConvergenceWarning when the game has not settled.
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        rule = self._check(X)
        n, p = X.shape
        elliptical = self.family == "elliptical"
        random = check_random_state(self.random_state)
        draws = torch.Generator().manual_seed(int(random.randint(2**31 - 1)))
        order = random.permutation(n)
        with _one_thread():
            center, scale = _median_start(X[order[:START_ROWS]])
            Y = ((X - center) / scale).astype(np.float32)
            if self._full:  # start the game at the rows that look clean, in coordinates where these are uncorrelated
                shift, root = _clean_start(Y)
                center = center + scale * shift
                Y = ((Y - shift) @ np.linalg.inv(root).T).astype(np.float32)
            else:
                root = np.eye(p)
            unit = scale[:, None] * root

            batch = self.batch_size or min(n, 500 if n >= 20_000 else max(50, min(250, n // 5)))
            steps = self.max_iter or _steps(n, p, batch)
            # Far rows are seen nearer than they are, which keeps the game stable, yet beyond all generated ones.
            radius = (1 if elliptical else 2) * math.sqrt(radius_cut(np.einsum("ij,ij->i", Y, Y)))
            rows, _ = squash(torch.from_numpy(Y[order]).to(self.device), radius)
            rate = self.discriminator_rate or (0.03 if elliptical else 0.01)
            spread_rate = self.scale_rate or (0.01 if self._full else 0.05)
            discriminator = Discriminator(p, self.hidden, draws, self.device)
            generator = Generator(p, n, draws, self.device, self._full, elliptical)
            if elliptical:
                generator.log_radius.copy_(_log_radii(rows, p))
            self.loss_curve_, drift = play(
                rows,
                discriminator,
                generator,
                rule,
                steps=steps,
                batch=batch,
                rate=rate,
                rates={"location": self.location_rate, "scale": spread_rate, "radius": 0.05},
                radius=radius,
                random=draws,
            )
            eta, A = generator.eta.cpu().numpy(), generator.matrix().cpu().numpy()
            self._warn(eta, drift, n, p)

            suspect = discriminator.mean_gradient(rows[:5000]).cpu().numpy()[None]
            location, root_of_final, weights = eta, A, np.ones(n, dtype=np.float32)
            again = elliptical and n > 2 * p  # radii are about a centre: once more about a better one
            for _ in range(2 if again else 1):
                V = ((Y - location) @ np.linalg.inv(root_of_final).T).astype(np.float32)
                weights = clean_weights(normal_radii(V, weights) if elliptical else V, suspect @ root_of_final)
                location, covariance = self._final(Y, weights)
                root_of_final = np.linalg.cholesky(covariance) if again else A

        self.n_iter_, self.weights_ = steps, weights
        self.discriminator_ = discriminator
        self._to_discriminator = (center, np.linalg.inv(unit), radius)
        self.raw_location_ = center + unit @ eta
        self.raw_covariance_ = unit @ A @ A.T @ unit.T
        self.location_ = center + unit @ location
        self._set_covariance(unit @ covariance @ unit.T)
        self.support_ = weights > 0.5
        self.dist_ = self.mahalanobis(X)
        self.offset_ = float(np.percentile(-self.dist_, 100 * self.contamination))
        return self

    def _check(self, X: NDArray) -> ScoringRule:
        """Raise ValueError for parameters and columns that cannot be worked with."""
        if self.family not in ("gaussian", "elliptical"):
            raise ValueError(f"family = {self.family!r}; choose 'gaussian' or 'elliptical'")
        if not 0 < self.contamination <= 0.5:
            raise ValueError(f"contamination = {self.contamination}; the share of outliers lies in (0, 0.5]")
        for name in ("max_iter", "batch_size"):
            value = getattr(self, name)
            if value is not None and (value != int(value) or value < 1):
                raise ValueError(f"{name} = {value}; give a positive whole number, or None to choose it from the data")
        if self.batch_size is not None and self.batch_size > len(X):
            raise ValueError(f"batch_size = {self.batch_size}, but there are {len(X)} rows: use at most as many")
        for name in ("discriminator_rate", "location_rate", "scale_rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} = {value}; a step size is a positive number")
        if isinstance(self.hidden, int) or any(units != int(units) or units < 1 for units in self.hidden):
            raise ValueError(
                f"hidden = {self.hidden!r}; give the units of each hidden layer, such as (20,) or (40, 20)"
            )
        constant = np.flatnonzero((X[0] == X).all(axis=0))
        if constant.size:
            raise ValueError(f"column {constant[0]} is constant: it has a location but no scale; drop it first")
        if len(X) <= X.shape[1]:
            warnings.warn(
                f"{len(X)} rows for {X.shape[1]} columns: the covariance is not full rank, and distances mean little",
                stacklevel=3,
            )
        return ScoringRule(self.scoring_rule)

    def _warn(self, eta: NDArray, drift: float, n: int, p: int) -> None:
        """ConvergenceWarning where the generator has not settled, or has not moved; eta and drift in standard units."""
        noise = math.sqrt(p / n)
        if not np.isfinite(eta).all():
            raise FloatingPointError("the game diverged; lower location_rate, scale_rate and discriminator_rate")
        if drift > 3 * noise:
            warnings.warn(
                f"the location still moved by {drift:.3g} standard units at the end of the game: raise max_iter",
                ConvergenceWarning,
                stacklevel=3,
            )
        if np.linalg.norm(eta) < 0.01 * noise:
            warnings.warn(
                "the location stayed where it started, at the coordinatewise median: raise max_iter or location_rate",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _final(self, Y: NDArray, weights: NDArray) -> tuple[NDArray, NDArray]:
        """Weighted maximum likelihood: mean and covariance, or centre and scatter of a multivariate t."""
        if self.family == "elliptical":
            location, covariance, self.degrees_ = weighted_t(Y, weights)
            return location, covariance
        location = (Y * weights[:, None]).sum(axis=0, dtype=float) / weights.sum(dtype=float)
        V = Y - location.astype(np.float32)
        return location, (V * weights[:, None]).T @ V / weights.sum(dtype=float)

    def discriminate(self, X) -> NDArray:
        """T(x) in (0, 1) for each row of X (n, p): the discriminator's probability that the row is real.

        About 1/2 at most where clean rows lie, which the generator imitates; near 1 at outliers, which it cannot.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        center, inverse, radius = self._to_discriminator
        Y = torch.from_numpy(((X - center) @ inverse.T).astype(np.float32)).to(self.device)
        return torch.sigmoid(self.discriminator_(squash(Y, radius)[0])).cpu().numpy()

    def score_samples(self, X) -> NDArray:
        """Minus the squared Mahalanobis distance of each row of X (n, p): the lower, the more of an outlier."""
        return -self.mahalanobis(X)

    def decision_function(self, X) -> NDArray:
        """score_samples less `offset_`: below 0 for outliers, of which there are a share `contamination` in the fit."""
        return self.score_samples(X) - self.offset_

    def predict(self, X) -> NDArray:
        """1 for an inlier and -1 for an outlier, for each row of X (n, p)."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def mahalanobis(self, X) -> NDArray:
        """(x - location_)^T precision_ (x - location_) for each row x of X (n, p)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        V = X - self.location_
        return np.einsum("ij,ij->i", V @ self.get_precision(), V)


_PARAMETERS = """

    Parameters
    ----------
    family : {"gaussian", "elliptical"}, default="gaussian"
        What clean rows look like. "elliptical": x = theta + xi A u, u uniform on a sphere, with any law of xi > 0; the
        law is learnt. Cauchy rows are elliptical, though they have no mean.
    hidden : sequence of int, default=(20,)
        Units in each hidden layer of the discriminator. (): a linear one, which estimates the mean of all rows.
    scoring_rule : {"log", "quadratic", "boosting", "tv"} or (alpha, beta), default="log"
        How the discriminator is paid: the log score makes JS-GAN, "tv" makes TV-GAN, (alpha, beta) > 0 is a member of
        the Beta family. See `course.robust.scoring_rules`.
    max_iter, batch_size : int, default=None
        Steps of the game, and rows in one step. None: about eighteen passes over the rows, fewer over many columns.
    discriminator_rate, location_rate, scale_rate : float, default=None, 0.15, None
        Step sizes: of Adam for the discriminator, of plain gradient steps for location and scale, in standard units.
        None: .01, or .03 for the elliptical family; and .05, or .01 for a full scatter matrix.
    contamination : float in (0, 0.5], default=0.1
        The share of rows that `predict` calls outliers. Location and scatter do not depend on it.
    store_precision : bool, default=True
        Whether to keep the inverse of the covariance.
    device : str or torch.device, default="cpu"
        Where the game is played. For small networks a CPU is as quick as anything.
    random_state : int, RandomState instance or None
        Decides the order of the rows, the noise, and the discriminator's first weights.

    Attributes
    ----------
    raw_location_ (p,), raw_covariance_ (p, p)
        The game's own answer.
    location_ (p,), covariance_ (p, p), precision_ (p, p)
        The final one: maximum likelihood, rows weighted by their probability of being clean. For the elliptical family
        that of a multivariate t with `degrees_` degrees of freedom, and covariance_ is its scatter matrix.
    weights_, support_, dist_ (n,)
        That probability; whether it is above 1/2; squared Mahalanobis distances of the rows of the fit.
    loss_curve_, n_iter_
        The value of the game during play, plus log 4 for the log score (at best twice the Jensen-Shannon divergence of
        rows and model); the steps played.
    discriminator_, offset_
        The discriminator at the end (`discriminate` applies it); what `decision_function` subtracts.

    There are no sample weights: rows are drawn in batches, and a row of weight 2 would not be two rows.
"""


class JSGANLocation(_JSGAN):
    __doc__ = (
        """Location of the clean rows by JS-GAN, in Huber's model with unknown eps and Q.

    The game, with a generator N(eta, diag(s)^2) or its elliptical kin, is

        min over (eta, s)  max_T  mean_i log T(X_i) + E log(1 - T(eta + s z)) + log 4,

    played on columns standardised by median and MAD, begun at the coordinatewise median. Columns are taken to be
    uncorrelated in the game; where they are not, the raw estimate suffers and JSGANScatter is the better choice."""
        + _PARAMETERS
    )
    _full = False


class JSGANScatter(_JSGAN):
    __doc__ = (
        """Location and scatter matrix of the clean rows by JS-GAN, or by the GAN of another proper scoring rule.

    The game, with a generator N(eta, A A^T) or its elliptical kin, is

        min over (eta, A)  max_T  mean_i S(T(X_i), 1) + E S(T(eta + A z), 0),

    begun at mean and covariance of the rows that look clean after standardising by median and MAD."""
        + _PARAMETERS
    )
    _full = True


def _median_start(X: NDArray) -> tuple[NDArray, NDArray]:
    """Coordinatewise median and 1.4826 MAD, twice: of all rows, then of those that are not far by the first."""
    keep = np.ones(len(X), dtype=bool)
    for _ in range(2):
        center = np.median(X[keep], axis=0)
        scale = 1.4826 * np.median(np.abs(X[keep] - center), axis=0)
        ties = scale == 0  # more than half of a column is one value
        scale[ties] = X[:, ties].std(axis=0)
        r2 = (((X - center) / scale) ** 2).sum(axis=1)
        keep = r2 <= radius_cut(r2)
    return center.astype(float), scale.astype(float)


def _clean_start(Y: NDArray) -> tuple[NDArray, NDArray]:
    """Mean (p,) and a root (p, p) of the covariance of the rows of Y that look clean."""
    p = Y.shape[1]
    weights = clean_weights(Y, np.empty((0, p), dtype=np.float32))
    if weights.sum() < 2 * p:  # too few for a covariance matrix to begin with
        return np.zeros(p), np.eye(p)
    return np.average(Y, axis=0, weights=weights), np.linalg.cholesky(np.atleast_2d(np.cov(Y.T, aweights=weights)))


def _steps(n: int, p: int, batch: int) -> int:
    """Eighteen passes over many rows, at least 240 steps; fewer where p / n is large and T would learn rows by heart.

    In few columns the parts of a mixture are fewer standard units apart per unit of weight, and T needs longer.
    """
    return int(min(max(240 + 1500 // p, 18 * n / batch), max(100, 5 * n**2 / (p * batch))))


def _log_radii(rows: torch.Tensor, p: int) -> torch.Tensor:
    """log(|y| / sqrt(p)) of the rows, at the levels of the generator's knots."""
    return torch.quantile(rows[:5000].norm(dim=1), knot_levels().to(rows.device)).log() - math.log(p) / 2


@contextmanager
def _one_thread():
    """On a CPU a network of twenty units is slower with more threads than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
