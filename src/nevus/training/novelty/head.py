"""From statistics of lesions and of other pictures to the score's parameters."""

from __future__ import annotations

import numpy as np
import torch

from nevus.training.novelty.covariance import whitening
from nevus.training.novelty.parameters import Floats, NoveltyParameters, log_squared_distance, signed_and_absolute

DISTANCE = 0.5
"""Weight of the distance from lesions relative to the resemblance to other pictures, each in spreads of lesions."""


def ridge_logistic(x: Floats, positive: np.ndarray, strength: float) -> tuple[Floats, float]:
    """Weights [F] and intercept of a logistic regression with both sides of equal weight.

    Minimises |w|^2 / 2 + strength * sum_i c_i log(1 + exp(-y_i (w.x_i + b))) with c_i = n / (2 n_side) and y = +-1.

    Args:
        x: [n,F].
        positive: bool [n].
        strength: inverse weight of the penalty.
    """
    rows = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64))
    side = torch.from_numpy(np.where(positive, 1.0, -1.0))
    weights = torch.from_numpy(np.where(positive, 0.5 / positive.mean(), 0.5 / (~positive).mean()))
    found = torch.zeros(rows.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([found], max_iter=1000, tolerance_grad=1e-7, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        margin = side * (rows @ found[:-1] + found[-1])
        value = found[:-1].square().sum() / 2 + strength * (weights * torch.nn.functional.softplus(-margin)).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    result = found.detach().numpy()
    return result[:-1].copy(), float(result[-1])


def fit_statistics(inside: Floats, outside: Floats, strength: float = 0.03) -> NoveltyParameters:
    """The score's parameters from statistics of lesions [n,F] and of other pictures [m,F].

    Two views of the same statistics are added, each standardised on the lesions: a ridge logistic regression on
    [z, |z|] that tells lesions from the other pictures (the |z| let it refuse what lies off on a side that no drawing
    shows), and the log of the squared Mahalanobis distance from lesions, which needs no other pictures at all.
    """
    centre, spread = inside.mean(0), inside.std(0)
    scale = np.maximum(spread, 1e-3 * spread.mean() + 1e-9)
    z, strange = (inside - centre) / scale, (outside - centre) / scale
    rows = signed_and_absolute(np.concatenate([z, strange]))
    weight, _ = ridge_logistic(rows, np.arange(len(rows)) >= len(z), strength)
    white = whitening(z)
    linear = signed_and_absolute(z) @ weight
    away = log_squared_distance(z, white)
    weight = weight / linear.std()
    distance = DISTANCE / away.std()
    total = linear / linear.std() + distance * away
    size = total.std()
    return NoveltyParameters(
        centre, scale, weight / size, white, np.array([distance / size]), np.array([-total.mean() / size])
    )
