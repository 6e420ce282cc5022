"""Our grading beside `nbgrader autograde`, on the same submissions: `python -m benchmarks.grading [--n 24] [--full]`.

Every submission is the solved 01_pca with a cell `import torch` and a call of torch in an exercise. Both graders get
the same files. nbgrader runs them as it is used: the whole notebook in a kernel, with its hidden tests in the check
cells, a plain NumPy assert or two for each exercise: fewer and cheaper than those of tests/hidden that ours runs. What
is measured is the CPU time of all processes that a command starts, however they end, by a control group where one can
be made; elsewhere by the times of its children, and the output says so.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course.paths import project_root

CHAPTER, POINTS = "01_pca", 13
MANY = 4  # ours is also run on so many times the submissions: the difference tells what one more costs
NBGRADER = "nbgrader==0.9.6"

ASSERTS = {
    "standardise": "Z = standardise(X)\nassert np.allclose(Z.mean(axis=0), 0)\nassert np.allclose(Z.var(0, ddof=1), 1)",
    "covariance": "assert np.allclose(covariance(X), np.cov(X, rowvar=False))",
    "spectrum": "lam, E = spectrum(np.cov(X.T))\nassert np.allclose(np.cov(X.T) @ E, lam * E) and lam[0] >= lam[-1]",
    "scores": "assert np.allclose(scores(X, np.eye(4)), X - X.mean(axis=0))",
    "explained_variance": "assert np.allclose(explained_variance(np.array([5.0, 3.0, 2.0])), [0.5, 0.3, 0.2])",
    "affine_approximation": "assert np.allclose(affine_approximation(X, 4), X)",
}
WITH_TORCH = "    lam = torch.as_tensor(np.ascontiguousarray(lam))\n    return (lam / lam.sum()).numpy()"
HIDDEN = "### BEGIN HIDDEN TESTS\nX = np.random.default_rng(1).normal(size=(30, 4))\n{}\n### END HIDDEN TESTS"


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds on the clock, CPU seconds, and the memory at moments of its run, in MB."""

    wall: float
    cpu: float
    memory: tuple[float, ...] = ()


class Meter:
    """Runs commands and measures all that they start."""

    def __init__(self) -> None:
        self.group, self.usage = _control_group()
        self.how = f"the control group {self.group}" if self.group else "the times of ended children (no control group)"

    def run(self, command: list[str], cwd: Path | None = None, memory: bool = False, path: str = "") -> Cost:
        """Run a command to its end. Raises RuntimeError with what it printed if it fails."""
        before, start = self._cpu(), time.perf_counter()
        environment = {
            **os.environ,
            "PATH": os.pathsep.join([path or str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        process = subprocess.Popen(
            command,
            cwd=cwd or project_root(),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=self._join,
        )
        seen: list[float] = []
        watch = threading.Thread(target=self._watch, args=(process, seen), daemon=True)
        if memory and self.group:
            watch.start()
        printed, _ = process.communicate()
        wall = time.perf_counter() - start
        deadline = time.monotonic() + 10
        while self._processes() and time.monotonic() < deadline:  # what was killed may take a moment to go
            time.sleep(0.05)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{printed[-3000:]}")
        return Cost(wall, self._cpu() - before, tuple(seen))

    def _join(self) -> None:
        if self.group:
            (self.group / "cgroup.procs").write_text(str(os.getpid()))

    def _processes(self) -> list[str]:
        return (self.group / "cgroup.procs").read_text().split() if self.group else []

    def _cpu(self) -> float:
        if self.group is None:
            ended = resource.getrusage(resource.RUSAGE_CHILDREN)
            return ended.ru_utime + ended.ru_stime
        text = (self.group / self.usage).read_text()
        return int(text) / 1e9 if self.usage == "cpuacct.usage" else int(text.split()[1]) / 1e6

    def _watch(self, process: subprocess.Popen, seen: list[float]) -> None:
        while process.poll() is None:
            seen.append(sum(map(_proportional, self._processes())))
            time.sleep(0.5)

    def close(self) -> None:
        if self.group:
            with contextlib.suppress(OSError):  # an interrupted run may have left processes in it
                self.group.rmdir()


def _control_group() -> tuple[Path | None, str]:
    """A new control group, of version 1 or 2, and the file that has its CPU time; or none."""
    mine = {controllers: path for _, controllers, path in (line.split(":", 2) for line in _lines("/proc/self/cgroup"))}
    places = [
        (Path(f"/sys/fs/cgroup/cpuacct{mine.get('cpuacct', '')}"), "cpuacct.usage"),
        (Path(f"/sys/fs/cgroup{mine.get('', '')}"), "cpu.stat"),
    ]
    for parent, usage in places:
        with contextlib.suppress(OSError):
            group = parent / f"benchmark-{os.getpid()}"
            group.mkdir()
            if (group / usage).exists() and (group / "cgroup.procs").exists():
                return group, usage
            group.rmdir()
    return None, ""


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _proportional(pid: str) -> float:
    """Memory of a process in MB, pages that several share divided among them."""
    with contextlib.suppress(OSError):
        for line in _lines(f"/proc/{pid}/smaps_rollup"):
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


# --- the submissions ---


def source() -> nbformat.NotebookNode:
    """The solved notebook, as nbgrader's source: hidden tests stand in the check cells."""
    nb = nbformat.read(project_root() / "solutions" / f"{CHAPTER}.ipynb", 4)
    for cell in nb.cells:
        known = cell.metadata.get("nbgrader", {})
        if known.get("grade"):
            cell.source += "\n" + HIDDEN.format(ASSERTS[known["grade_id"]])
    return nb


def submitted(number: int) -> nbformat.NotebookNode:
    """An honest student's notebook: every exercise solved, one of them with torch."""
    nb, quotes = nbformat.read(project_root() / "solutions" / f"{CHAPTER}.ipynb", 4), '"""'
    for cell in nb.cells:
        cell.source = cell.source.replace("    ### BEGIN SOLUTION\n", "").replace("\n    ### END SOLUTION", "")
        if "def explained_variance(" in cell.source:
            cell.source = f"{cell.source.rpartition(quotes)[0]}{quotes}\n{WITH_TORCH}"
    nb.cells.insert(1, nbformat.v4.new_code_cell(f"import torch  # student {number}", id="own"))
    return nb


def hand_in(folder: Path, n: int) -> Path:
    """n students' submissions in nbgrader's layout."""
    for number in range(n):
        path = folder / "submitted" / f"student{number:04}" / CHAPTER / f"{CHAPTER}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(submitted(number)))
    return folder / "submitted"


# --- the graders ---


def ours(meter: Meter, n: int, *options: str, memory: bool = False, script: str = "") -> Cost:
    """`course grade` on n submissions; RuntimeError where not all of them get all points."""
    with tempfile.TemporaryDirectory() as folder:
        place, out = hand_in(Path(folder), n), Path(folder) / "out"
        command = [sys.executable, "-c", script] if script else [sys.executable, "-m", "course.cli", "grade"]
        cost = meter.run([*command, str(place), "--out", str(out), "--seed", "1", *options], memory=memory)
        with (out / "grades.csv").open() as file:
            _all_points(n, sum(int(row["score"]) for row in csv.DictReader(file)))
        return cost


def _all_points(n: int, points: float) -> None:
    if points != n * POINTS:
        raise RuntimeError(f"{n} honest submissions got {points} points, not {n * POINTS}: nothing can be compared")


ON_A_CLUSTER = """
import sys
from pathlib import Path
from distributed import LocalCluster
from course.grading.grade import grade
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster:
        grade(Path(sys.argv[1]), Path(sys.argv[3]), seed=1, cluster=cluster.scheduler_address)
"""

EMPTY_SANDBOXES = """
import time
from course.grading import wire
from course.grading.isolation import best
launcher = best()
for _ in range(COUNT):
    running, deadline = launcher.start(), time.monotonic() + 60
    wire.send(running.connection, {"chapter": "01_pca", "cells": []}, deadline)
    wire.send(running.connection, {"call": "nothing", "args": []}, deadline)
    wire.receive(running.connection, deadline)
    running.kill()
launcher.close()
"""


def nbgrader_environment(where: Path) -> Path | None:
    """The Python of an environment with nbgrader and all packages of this one; None where it cannot be installed."""
    python = where / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(where)], check=True)
        packages = where / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
        here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        lines = [
            f"import site; site.addsitedir({path!r})" for path in sorted(here)
        ]  # torch and the course as they are here
        (packages / "this-environment.pth").write_text("\n".join(lines) + "\n")
    if subprocess.run([str(python), "-c", "import nbgrader"], capture_output=True).returncode:
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NBGRADER]
        if subprocess.run(install, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            return None
    return python


def theirs(meter: Meter, n: int, python: Path) -> Cost:
    """`nbgrader autograde` on n submissions; the making of the assignment is not counted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hand_in(folder, n)
        (folder / "nbgrader_config.py").write_text("c = get_config()\n")
        path = folder / "source" / CHAPTER / f"{CHAPTER}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(source()))
        programs = str(python.parent)
        meter.run([str(python), "-m", "nbgrader", "generate_assignment", CHAPTER], cwd=folder, path=programs)
        cost = meter.run([str(python), "-m", "nbgrader", "autograde", CHAPTER], cwd=folder, path=programs)
        meter.run([str(python), "-m", "nbgrader", "export"], cwd=folder, path=programs)
        with (folder / "grades.csv").open() as file:
            _all_points(n, sum(float(row["score"]) for row in csv.DictReader(file)))
        return cost


# --- the report ---


def line(what: str, n: int, cost: Cost, other_n: int, other: Cost) -> float:
    """Print a row of the table, and return the CPU seconds that one more submission costs."""
    more = (other.cpu - cost.cpu) / (other_n - n)
    fixed = cost.cpu - n * more
    longer = f"{60 * other_n / other.wall:.1f}" if other_n > n else "-"
    print(f"{what:30}{60 * n / cost.wall:10.1f}{longer:>12}{cost.cpu / n:14.3f}{more:16.3f}{fixed:14.2f}", flush=True)
    return more


def rows(meter: Meter, n: int, python: Path | None) -> Iterator[tuple[str, Cost, float]]:
    """Each grader in turn: its name, what n submissions took, and the CPU seconds of one more."""
    ways: dict[str, tuple[tuple[str, ...], str]] = {
        f"course grade --jobs {jobs}": (("--jobs", str(jobs)), "") for jobs in (1, 2)
    }
    if importlib.util.find_spec("distributed"):
        ways["course grade, 2 Dask workers"] = ((), ON_A_CLUSTER)
    else:
        print("a Dask cluster: NOT measured, the package distributed is not installed")
    for name, (settings, script) in ways.items():
        cost, other = (ours(meter, many, *settings, script=script) for many in (n, MANY * n))
        yield name, cost, line(name, n, cost, MANY * n, other)
    if python is None:
        print(f"nbgrader autograde: NOT measured, {NBGRADER} could not be installed")
    else:
        cost, other = theirs(meter, n, python), theirs(meter, 1, python)
        yield "nbgrader autograde", cost, line("nbgrader autograde", n, cost, 1, other)


def sandbox_alone(meter: Meter, count: int = 50) -> None:
    """What it costs to start a sandbox, get a first answer from it, and end it; and what the fork server costs."""
    many, none = (meter.run([sys.executable, "-c", EMPTY_SANDBOXES.replace("COUNT", str(c))]) for c in (count, 0))
    wall, cpu = (many.wall - none.wall) / count, (many.cpu - none.cpu) / count
    print(
        f"an empty sandbox, from its start to a first answer and its end: {1000 * wall:.0f} ms, {1000 * cpu:.0f} ms CPU"
    )
    print(f"the fork server, once for each run on a machine: {none.wall:.1f} s, {none.cpu:.1f} s CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=24, help="submissions (24)")
    parser.add_argument("--full", action="store_true", help="memory at 500 submissions, too")
    parser.add_argument("--venv", type=Path, default=project_root() / "build" / "nbgrader-venv", help="with nbgrader")
    options = parser.parse_args()
    if options.n < 2:
        parser.error("--n must be 2 or more")
    meter = Meter()
    try:
        report(meter, options)
    finally:
        meter.close()


def report(meter: Meter, options: argparse.Namespace) -> None:
    n = options.n
    print(" ".join((__doc__ or "").partition("\n\n")[2].split()))
    print(
        f"\n{n} submissions; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; CPU by {meter.how}\n"
    )
    print(
        f"{'':30}{'a minute':>10}{f'of {MANY * n}':>12}{'CPU s each':>14}{'CPU s one more':>16}{'CPU s fixed':>14}",
        flush=True,
    )
    found = {name: (cost, more) for name, cost, more in rows(meter, n, nbgrader_environment(options.venv))}
    if "nbgrader autograde" in found:
        slow, slow_more = found.pop("nbgrader autograde")
        for name, (cost, more) in found.items():
            print(
                f"{name}: {slow.wall / cost.wall:.1f} times nbgrader's throughput; 1/{slow.cpu / cost.cpu:.1f} of its "
                f"CPU seconds with all fixed cost, 1/{slow_more / more:.1f} for one more submission"
            )
    print()
    sandbox_alone(meter)
    for many in (10, 100, *([500] if options.full else [])):
        cost = ours(meter, many, "--jobs", "2", memory=True)
        if cost.memory:  # the most of many moments is more than that of few: the median tells whether it grows
            half, most = statistics.median(cost.memory), max(cost.memory)
            print(f"memory at {many} submissions, jobs=2 (PSS): median {half:.0f} MB, most {most:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
