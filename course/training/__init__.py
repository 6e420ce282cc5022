"""The one training loop of the course, its seeds and its checkpoints.

def step(x):                                  # the lesson stays in the notebook: one step, in plain PyTorch
    optimiser.zero_grad()
    loss = ((autoencoder(x) - x) ** 2).mean()
    loss.backward()
    optimiser.step()
    return {"loss": loss}

training = Training(step, images, keep=[autoencoder, optimiser], batch_size=64, seed=0)
training.run(2000)                            # a progress bar; stop it, and run it again to go on
training.history["loss"]
"""

import importlib

_HOMES = {
    "Training": "loop",
    "batches": "loop",
    "diverged": "loop",
    "checkpoint": "checkpoints",
    "falling": "schedule",
    "steps": "machine",
    "threads": "machine",
}

__all__ = ["Training", "batches", "checkpoint", "diverged", "falling", "steps", "threads"]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
