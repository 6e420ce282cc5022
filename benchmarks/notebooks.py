"""How long each notebook takes, untouched and solved: `python -m benchmarks.notebooks [CHAPTER ...]`.

Wall seconds include the kernel's start; CPU seconds are those of the kernel and all it starts.
"""

import os
import sys
import time

import nbformat
from nbclient import NotebookClient

from course.lab.exercises import CHAPTERS
from course.paths import project_root


def main() -> None:
    print(f"{'notebook':42}{'wall s':>8}{'CPU s':>8}   on {os.cpu_count()} cores")
    for chapter in sys.argv[1:] or CHAPTERS:
        for folder in ("notebooks", "solutions"):
            path = project_root() / folder / f"{chapter}.ipynb"
            resources = {"metadata": {"path": str(project_root() / "notebooks")}}
            before, wall = os.times(), time.perf_counter()
            NotebookClient(nbformat.read(path, 4), timeout=600, kernel_name="python3", resources=resources).execute()
            after, wall = os.times(), time.perf_counter() - wall
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            print(f"{folder + '/' + path.name:42}{wall:8.1f}{cpu:8.1f}", flush=True)


if __name__ == "__main__":
    main()
