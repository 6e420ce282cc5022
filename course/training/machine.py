"""How long a training runs, and on how many threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch

TIERS = ("smoke", "short", "full")


def tier() -> str:
    """How much is trained, from the environment variable COURSE_TIER: smoke (tests), short (the default), or full."""
    chosen = os.environ.get("COURSE_TIER") or "short"
    if chosen not in TIERS:
        raise ValueError(f"COURSE_TIER is {chosen!r}: set it to one of {', '.join(TIERS)}, or leave it unset")
    return chosen


def steps(short: int, full: int | None = None) -> int:
    """The number of training steps to do: `short` before a learner's eyes, `full` when COURSE_TIER=full asks for the
    real training, and a fiftieth of `short`, at least 2, when tests only want to see the page run."""
    return {"smoke": max(2, short // 50), "short": short, "full": full or short}[tier()]


@contextlib.contextmanager
def threads(n: int | None) -> Iterator[None]:
    """Run with n threads; None leaves them as they are.

    A tiny network is slower on two threads than on one: handing out the work costs more than the work.
    """
    before = torch.get_num_threads()
    try:
        if n is not None:
            torch.set_num_threads(n)
        yield
    finally:
        torch.set_num_threads(before)
