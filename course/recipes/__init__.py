"""The recipes of the checkpoints, one module each: vae_faces.py makes data/checkpoints/vae_faces. A new file is found.

A recipe is a module with

    a docstring       what is trained, and for which chapter: one sentence
    SEED, STEPS       of the training
    network()         the untrained network
    training(network) the `Training`, not yet run, that trains it
    measure(network)  {name: number}: what is measured on the trained network, and written beside it
"""

from __future__ import annotations

import difflib
import importlib
import time
from pathlib import Path

from course.data.dataset import DataError
from course.paths import data_folder, project_root

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


def recipe(name: str):
    """The recipe's module. Raises DataError, with the nearest name, when there is none."""
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(NAMES)}."
        raise DataError(f"no recipe is called {name!r}: {hint}")
    return importlib.import_module(f"{__name__}.{name}")


def make(name: str, steps: int | None = None, folder: Path | None = None, show: bool = True) -> Path | None:
    """Train a checkpoint from its recipe and write it; returns its folder.

    An interrupted training is set aside in build/checkpoints and returns None; the next call goes on from there. One
    that diverged returns None as well.
    """
    import torch

    from course.training.checkpoints import save_checkpoint

    plan = recipe(name)
    steps = steps or plan.STEPS
    aside = project_root() / "build" / "checkpoints" / f"{name}-{steps}.pt"
    with torch.random.fork_rng():
        torch.manual_seed(plan.SEED)
        network = plan.network()
        training = plan.training(network)
    if aside.exists():
        training.resume(aside)
        print(f"going on after step {training.done} of an earlier training; delete {aside} to start anew")
    began = time.process_time()
    training.run(steps, show=show)
    if training.interrupted:
        training.save(aside)
    if training.stopped:
        return None
    aside.unlink(missing_ok=True)
    seconds = round(time.process_time() - began)
    network.eval()
    facts = {
        "about": " ".join((plan.__doc__ or "").split()),
        "made_by": f"course train {name}",
        "recipe": f"course/recipes/{name}.py",
        "seed": plan.SEED,
        "steps": steps,
        "cpu_seconds": seconds,
        "torch": torch.__version__.split("+")[0],
        **{key: round(float(torch.as_tensor(value).detach()), 4) for key, value in plan.measure(network).items()},
    }
    return save_checkpoint(name, network, training.history, facts, folder or data_folder() / "checkpoints")
