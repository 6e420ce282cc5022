"""What runs: for tests that nothing is left behind."""

import contextlib
import os
from pathlib import Path


def alive(pids):
    """Those of the processes that have not ended."""
    return set(_parents(pids))


def _parents(pids):
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":  # a zombie has ended; its parent will take note at the next request
                found[pid] = int(parent)
    return found


def children(of=None):
    """All processes that came from this one, or from the process `of`, whoever started them."""
    parents = _parents(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    found, todo = set(), [of or os.getpid()]
    while todo:
        parent = todo.pop()
        new = {pid for pid, its in parents.items() if its == parent}
        found |= new
        todo += new
    return found
