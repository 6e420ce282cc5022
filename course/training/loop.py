"""The training loop: batches from memory, a progress bar, snapshots, stopping and going on.

What a step does is not written here: it is the lesson, and stands in the notebook.
"""

from __future__ import annotations

import contextlib
import io
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from course.files import write_bytes
from course.training.machine import threads as with_threads


class ResumeError(ValueError):
    """A saved training cannot be gone on with; the message says why."""


Watch = Callable[[Mapping[str, float]], str | None]


def diverged(values: Mapping[str, float]) -> str | None:
    """What is wrong when a logged value is no finite number, and what to try; None when all is well."""
    for name, value in values.items():
        if not math.isfinite(value):
            return (
                f"{name} is {value}: the training has diverged. Build the networks again and lower the learning rate; "
                "clip the gradients if that is not enough."
            )
    return None


class batches(Iterator):
    """Endless shuffled batches of tensors that stay in memory.

    data         a tensor (n, ...), or several of the same n
    batch_size   rows a batch; an epoch's last rows that fill no batch are left out of it
    seed         of the shuffling

    Each batch is a tuple with one tensor for each tensor of `data`. Raises ValueError for a batch size outside 1..n.
    """

    def __init__(self, data: torch.Tensor | Sequence[torch.Tensor], batch_size: int, seed: int = 0):
        self.data = (data,) if isinstance(data, torch.Tensor) else tuple(data)
        sizes = {len(tensor) for tensor in self.data}
        if len(sizes) != 1:
            raise ValueError(f"the tensors have {sorted(sizes)} rows: they must have the same number")
        (self.n,) = sizes
        if not 1 <= batch_size <= self.n:
            raise ValueError(f"batch_size is {batch_size}: choose one from 1 to {self.n}, the number of rows")
        self.batch_size = batch_size
        self.generator = torch.Generator().manual_seed(seed)
        self.epoch = -1
        self._shuffle()

    def _shuffle(self) -> None:
        self.before_epoch = self.generator.get_state()
        self.order = torch.randperm(self.n, generator=self.generator).to(self.data[0].device)
        self.position, self.epoch = 0, self.epoch + 1

    def __next__(self) -> tuple[torch.Tensor, ...]:
        if self.position + self.batch_size > self.n:
            self._shuffle()
        rows = self.order[self.position : self.position + self.batch_size]
        self.position += self.batch_size
        return tuple(tensor[rows] for tensor in self.data)

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self.before_epoch, "position": self.position, "epoch": self.epoch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.generator.set_state(state["generator"])
        self.epoch = state["epoch"] - 1
        self._shuffle()
        self.position = state["position"]


@contextlib.contextmanager
def _between_steps() -> Iterator[list[int]]:
    """Collects a first interrupt instead of raising it, so that no step is cut in half."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return

    def catch(number: int, frame: Any) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    before = signal.signal(signal.SIGINT, catch)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, before)


class Training:
    """Repeat `step`, and keep what is needed to look back, to stop and to go on.

    step         step(*batch) does one update and returns a dict of numbers or one-element tensors to be logged
    data         a tensor or several, as in `batches`
    keep         the networks, optimisers and schedulers that the step changes: all that has a `state_dict`
    batch_size   rows a batch
    seed         of the batches and of every random number that torch draws inside the steps; the random numbers of the
                 rest of the notebook are left alone, so the same seed gives the same training wherever it stands
    log_every    steps from one logged value to the next
    snapshot     snapshot() is called every `snapshot_every` steps, before the first step and after the last; what it
                 returns is kept, with its step, in `snapshots`
    watch        functions that read the logged values and return what is wrong, or None; the training stops and says it
    threads      1 for tiny networks; None leaves the number as it is

    history      {name: list of logged values}, and "step": the steps they belong to
    stopped      why the last `run` ended before its time, or None; `interrupted` says whether a person ended it
    """

    def __init__(
        self,
        step: Callable[..., Mapping[str, Any]],
        data: torch.Tensor | Sequence[torch.Tensor],
        keep: Sequence[Any],
        batch_size: int = 64,
        seed: int = 0,
        log_every: int = 10,
        snapshot: Callable[[], Any] | None = None,
        snapshot_every: int = 100,
        watch: Sequence[Watch] = (diverged,),
        threads: int | None = None,
    ):
        self.step, self.keep, self.watch, self.threads = step, tuple(keep), tuple(watch), threads
        without = [type(part).__name__ for part in self.keep if not hasattr(part, "state_dict")]
        if without:
            raise ValueError(f"keep holds {', '.join(without)}: give the networks and optimisers themselves")
        self.batches = batches(data, batch_size, seed)
        self.device = self.batches.data[0].device
        self.log_every, self.snapshot, self.snapshot_every = log_every, snapshot, snapshot_every
        self.done = 0
        self.history: dict[str, list[float]] = {"step": []}
        self.snapshots: list[tuple[int, Any]] = []
        self.stopped: str | None = None
        self.interrupted = False
        with torch.random.fork_rng(self._cuda):
            torch.manual_seed(seed)
            self.random = self._random_state()

    @property
    def _cuda(self) -> list[torch.device]:
        return [self.device] if self.device.type == "cuda" else []

    def _random_state(self) -> list[torch.Tensor]:
        return [torch.get_rng_state(), *map(torch.cuda.get_rng_state, self._cuda)]

    @contextlib.contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """Inside, torch draws from the training's own stream; afterwards it draws as if nothing had happened."""
        with torch.random.fork_rng(self._cuda):
            torch.set_rng_state(self.random[0])
            for gpu, state in zip(self._cuda, self.random[1:], strict=True):
                torch.cuda.set_rng_state(state, gpu)
            try:
                yield
            finally:
                self.random = self._random_state()

    def run(self, steps: int, show: bool = True) -> Training:
        """Train until `steps` steps are done in all, so that a second call does what an interrupted one left undone.

        Interrupting (the stop button, or Ctrl-C) ends the training after the step that it is in and loses nothing; a
        second interrupt ends it at once.
        """
        self.stopped, self.interrupted = None, False
        bar = tqdm(
            total=steps, initial=min(self.done, steps), file=sys.stdout, mininterval=0.5, ncols=88, disable=not show
        )
        with self._own_random_numbers(), with_threads(self.threads), _between_steps() as interrupted, bar:
            if self.done == 0:
                self._take_snapshot()
            while self.done < steps and self.stopped is None:
                values = self.step(*next(self.batches))
                self.done += 1
                bar.update()
                if self.done % self.log_every == 0 or self.done == steps:
                    self._log(values, bar)
                if self.done % self.snapshot_every == 0 or self.done == steps:
                    self._take_snapshot()
                if interrupted and self.done < steps:
                    self.interrupted = True
                    self.stopped = f"interrupted after {self.done} of {steps} steps: run it again to go on"
        if self.stopped:
            print(self.stopped)
        return self

    def _log(self, values: Mapping[str, Any], bar: tqdm) -> None:
        numbers = {name: float(torch.as_tensor(value).detach()) for name, value in values.items()}
        self.history["step"].append(self.done)
        for name, value in numbers.items():
            self.history.setdefault(name, []).append(value)
        bar.set_postfix({name: f"{value:.4g}" for name, value in numbers.items()}, refresh=False)
        complaints = [said for look in self.watch if (said := look(numbers))]
        if complaints:
            self.stopped = f"stopped after {self.done} steps: {complaints[0]}"

    def _take_snapshot(self) -> None:
        if self.snapshot is not None and (not self.snapshots or self.snapshots[-1][0] != self.done):
            with torch.no_grad():
                self.snapshots.append((self.done, self.snapshot()))

    def save(self, path: str | Path) -> None:
        """Write all that `resume` needs, as a whole or not at all."""
        state = {
            "keep": [part.state_dict() for part in self.keep],
            "batches": self.batches.state_dict(),
            "random": self.random,
            "done": self.done,
            "history": self.history,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_bytes(Path(path), buffer.getvalue())

    def resume(self, path: str | Path) -> Training:
        """Go back to where `save` was called: what follows is what would have followed then.

        Raises ResumeError when the file is missing, damaged, or of another training. Snapshots are not in the file.
        """
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            parts, position, done, history = state["keep"], state["batches"], state["done"], state["history"]
            self.random = [numbers.cpu() for numbers in state["random"]]
        except OSError as error:
            raise ResumeError(f"{path} cannot be read ({error.strerror}): train from the start instead") from None
        except Exception:
            raise ResumeError(f"{path} is damaged, or no saved training: train from the start instead") from None
        position["generator"] = position["generator"].cpu()
        try:
            for part, saved in zip(self.keep, parts, strict=True):
                part.load_state_dict(saved)
            self.batches.load_state_dict(position)
        except (RuntimeError, ValueError, KeyError) as error:
            raise ResumeError(f"{path} was saved by another training: {str(error).splitlines()[0]}") from None
        self.done, self.history, self.snapshots = done, history, []
        return self
