"""How the learning rate changes while a training runs."""

from __future__ import annotations

import torch


def falling(
    optimiser: torch.optim.Optimizer, steps: int, hold: float = 0.5, last: float = 0.02
) -> torch.optim.lr_scheduler.LambdaLR:
    """The optimiser's rate as it is for the first share `hold` of the steps, then on a line that reaches 0 at the end.

    At step t it is multiplied by min(1, max(last, (1 - t / steps) / (1 - hold))). Call its `step()` once in each step
    of the training, and keep it with the networks. Raises ValueError unless steps >= 1, 0 <= hold < 1 and last >= 0.
    """
    if steps < 1 or not 0 <= hold < 1 or not last >= 0:
        raise ValueError(f"steps {steps}, hold {hold}, last {last}: give steps >= 1, 0 <= hold < 1 and last >= 0")
    return torch.optim.lr_scheduler.LambdaLR(optimiser, lambda t: min(1.0, max(last, (1 - t / steps) / (1 - hold))))
