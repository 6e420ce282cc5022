"""`course audit`: are the hidden tests strict, and are they fair?

Strict: every exercise's solution is changed in every way that `course.grading.mutants` knows, the registered mistakes
are added, and each of these must lose its points; what does not, and gives other results than the solution, is listed.
Fair: the reference and other correct implementations (tests/hidden/alternatives/) keep their points, whatever the seed.
"""

from __future__ import annotations

import copy
import math
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import binomtest

from course.authoring import notebook
from course.grading import hidden
from course.grading.mutants import mutants
from course.grading.submission import LocalSubmission
from course.lab import exercises
from course.lab.compare import agree, is_tensor
from course.lab.exercise import Exercise
from course.lab.help import solved
from course.paths import project_root

SEEDS = (0, 1, 2)  # a mutant is killed when it loses its points with each of them
INPUTS = 50  # on which a surviving mutant is compared with the solution
TIME_LIMIT = 5.0  # seconds for all hidden tests of one exercise, once


class AuditError(Exception):
    """The audit cannot be done here; the message says why."""


class TimeUp(BaseException):
    """A function ran too long. No Exception: what catches those must let it through."""


@dataclass
class Survey:
    """What became of an exercise's mutants.

    killed      those that lost their points with every seed; `timed_out` of them by running too long
    survivors   the change of each that kept its points with some seed and differs from the solution
    alike       how many kept their points, and gave the solution's results on all of `inputs` inputs
    """

    exercise: str
    mutants: int = 0
    killed: int = 0
    timed_out: int = 0
    alike: int = 0
    inputs: int = 0
    survivors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rate:
    """How often the hidden tests judged a function wrongly: `wrong` of `seeds` runs. `what` names the function."""

    exercise: str
    what: str
    wrong: int
    seeds: int

    @property
    def bound(self) -> float:
        """The rate lies below this, with 95 % confidence: Clopper and Pearson's exact one-sided bound."""
        return binomtest(self.wrong, self.seeds, alternative="less").proportion_ci(0.95, method="exact").high


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeUp in the block once it has used this much CPU time, or twenty times that on the clock; again every
    second, should something swallow it. On a busy machine nothing honest runs out of time.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        raise AuditError("an audit needs a system with interval timers, such as Linux or macOS, and the main thread")

    def stop(*_: Any) -> None:
        raise TimeUp

    clocks = {signal.SIGPROF: (signal.ITIMER_PROF, seconds), signal.SIGALRM: (signal.ITIMER_REAL, 20 * seconds)}
    before = {number: signal.signal(number, stop) for number in clocks}
    for timer, bound in clocks.values():
        signal.setitimer(timer, bound, 1.0)
    try:
        yield
    finally:
        for number, (timer, _) in clocks.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])


def verdict(exercise: Exercise, function: Callable | None, seed: int, seconds: float = TIME_LIMIT) -> str:
    """What the hidden tests of one exercise say of a function, once: "passed", "failed" or, when it ran long, "time".

    The function is called on copies of its arguments, as in the sandbox; the references stand for the other exercises.
    """
    functions: dict[str, Callable] = {e.name: e.reference for e in exercises.of_chapter(exercise.chapter)}
    functions.pop(exercise.name, None)
    if function is not None:
        functions[exercise.name] = lambda *args: function(*copy.deepcopy(args))
    submission = LocalSubmission(exercise.chapter, functions)
    try:
        with time_limit(seconds):
            outcomes = hidden.run(exercise.chapter, submission, seed, only=exercise.name)
    except TimeUp:
        return "time"
    return "passed" if all(outcome.status == "passed" for outcome in outcomes) else "failed"


def survey(exercise: Exercise, source: str, space: dict[str, Any], seconds: float = TIME_LIMIT) -> Survey:
    """Test the hidden tests of an exercise.

    source   the code that solves it
    space    the names that the code finds where it runs
    """
    result = Survey(exercise.name)
    original = _defined(source, exercise.name, space)
    if original is None:
        raise AuditError(f"the solution of {exercise.name} defines no such function")
    if any(verdict(exercise, original, seed, seconds) != "passed" for seed in SEEDS):
        raise AuditError(f"the solution of {exercise.name} itself does not pass its hidden tests")
    candidates: list[tuple[str, Callable | None]] = [
        (f"# {mutant.operator}\n{mutant.change}", _defined(mutant.source, exercise.name, space))
        for mutant in mutants(source)
    ]
    candidates += [(f"# registered mistake: {mistake.name}", mistake.wrong) for mistake in exercise.mistakes]
    inputs: list[tuple] = []
    for change, function in candidates:
        result.mutants += 1
        verdicts = _until_time(verdict(exercise, function, seed, seconds) for seed in SEEDS)
        if "passed" not in verdicts:
            result.killed += 1
            result.timed_out += "time" in verdicts
            continue
        inputs = inputs or _inputs(exercise, original)
        result.inputs = len(inputs)
        if function is not None and _alike(exercise, original, function, inputs, seconds):
            result.alike += 1
        else:
            result.survivors.append(change)
    return result


def _until_time(verdicts: Iterable[str]) -> list[str]:
    found: list[str] = []
    for one in verdicts:
        found.append(one)
        if one == "time":
            break
    return found


def _defined(source: str, name: str, space: dict[str, Any]) -> Callable | None:
    own = dict(space)
    try:
        with time_limit(TIME_LIMIT):
            exec(compile(source, f"<{name}>", "exec"), own)
    except (Exception, TimeUp):
        return None
    return own.get(name)


def _inputs(exercise: Exercise, original: Callable) -> list[tuple]:
    """Arguments that the solution accepts: of the visible cases, of the hidden tests' own calls, and both perturbed."""
    rng = np.random.default_rng(0)
    cases = [case.args for case in exercise.cases()]
    pool = [*cases, *_called_with(exercise)[: INPUTS // 2]]
    found: list[tuple] = []
    for i in range(4 * INPUTS):
        args = pool[i] if i < len(pool) else perturbed(pool[int(rng.integers(len(pool)))], rng)
        try:
            with np.errstate(all="ignore"), time_limit(TIME_LIMIT):
                original(*copy.deepcopy(args))
        except (Exception, TimeUp):  # not an input that the contract allows
            continue
        found.append(args)
        if len(found) == INPUTS:
            break
    return found


def _called_with(exercise: Exercise) -> list[tuple]:
    seen: list[tuple] = []

    def watched(*args: Any) -> Any:
        seen.append(copy.deepcopy(args))
        return exercise.reference(*args)

    for seed in range(10):
        verdict(exercise, watched, 1000 + seed)
    return seen


def perturbed(value: Any, rng: np.random.Generator) -> Any:
    """Every real array times random positive factors: zeros, signs, infinities and symmetry stay what they are."""
    if isinstance(value, tuple | list):
        return type(value)(perturbed(item, rng) for item in value)
    if is_tensor(value):
        return value.new_tensor(perturbed(value.detach().numpy(), rng)) if value.is_floating_point() else value
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return value
    factor = np.exp(rng.normal(scale=0.3, size=value.shape))
    if value.ndim == 2 and np.array_equal(value, value.T):
        factor = np.sqrt(factor * factor.T)
    return value * factor.astype(value.dtype)


def _alike(exercise: Exercise, original: Callable, other: Callable, inputs: list[tuple], seconds: float) -> bool:
    form = exercise.canonical or (lambda result: result)
    for args in inputs:
        try:
            with np.errstate(all="ignore"), time_limit(seconds):
                expected, got = form(original(*copy.deepcopy(args))), form(other(*copy.deepcopy(args)))
        except (Exception, TimeUp):
            return False
        if not agree(expected, got, exercise.rtol, exercise.atol):
            return False
    return bool(inputs)


def in_single_precision(function: Callable) -> Callable:
    """The function on arrays of float32, with results in float32: an honest computation with seven digits."""

    def single(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return type(value)(single(item) for item in value)
        if isinstance(value, np.ndarray) and value.dtype == np.float64:
            return value.astype(np.float32)
        return value.float() if is_tensor(value) and value.is_floating_point() else value

    return lambda *args: single(function(*single(args)))


def calibrate(exercise: Exercise, seeds: int = 200) -> list[Rate]:
    """How often, over the seeds 0 to seeds - 1, right functions fail and registered mistakes pass."""
    right: dict[str, Callable] = {"the reference fails": exercise.reference}
    for function in hidden.alternatives(exercise.chapter).get(exercise.name, ()):
        right[f"alternative {function.__name__} fails"] = function
        right[f"alternative {function.__name__} in float32 fails"] = in_single_precision(function)
    rates = [_rate(exercise, what, function, seeds, "failed") for what, function in right.items()]
    return rates + [
        _rate(exercise, f"the mistake “{mistake.name}” passes", mistake.wrong, seeds, "passed")
        for mistake in exercise.mistakes
    ]


def _rate(exercise: Exercise, what: str, function: Callable, seeds: int, wrong: str) -> Rate:
    verdicts = [verdict(exercise, function, seed) for seed in range(seeds)]
    # A right function that runs out of time has failed; a mistake that does has not passed.
    count = sum(one == wrong or (one == "time" and wrong == "failed") for one in verdicts)
    return Rate(exercise.name, what, count, seeds)


def audit(chapters: Sequence[str] = (), seeds: int = 200) -> int:
    """Print both halves for the exercises of these chapters, or of all that have hidden tests; 1 where one is wrong."""
    wrong = 0
    for chapter in chapters or _tested():
        tasks = exercises.of_chapter(chapter)
        source, space = _solutions(chapter)
        width = max(len(exercise.name) for exercise in tasks)
        print(f"{chapter}: mutants of the solutions, and the registered mistakes")
        print(f"  {'exercise':{width}}  mutants  killed  survived  no difference found")
        for exercise in tasks:
            found = survey(exercise, solved(source, exercise.name), space)
            alike = f"{found.alike} (on {found.inputs} inputs)" if found.alike else "0"
            late = f"  {found.timed_out} killed by the clock" if found.timed_out else ""
            counts = f"{found.mutants:7}  {found.killed:6}  {len(found.survivors):8}"
            print(f"  {exercise.name:{width}}  {counts}  {alike}{late}", flush=True)
            for change in found.survivors:
                print("    survived: " + change.replace("\n", "\n      "))
            wrong += len(found.survivors)
        if seeds > 0:
            wrong += _print_rates(chapter, seeds, width)
    return 1 if wrong else 0


def _tested() -> list[str]:
    folder = project_root() / "tests" / "hidden"
    found = [chapter for chapter in exercises.CHAPTERS if (folder / f"test_{chapter}.py").exists()]
    if not found:
        raise AuditError(f"there are no hidden tests here ({folder}); audit from the instructors' clone")
    return found


def _print_rates(chapter: str, seeds: int, width: int) -> int:
    wrong = 0
    print(f"{chapter}: wrong verdicts, that is, right functions that fail and mistakes that pass, with {seeds} seeds")
    for exercise in exercises.of_chapter(chapter):
        rates = calibrate(exercise, seeds)
        alternatives = len(hidden.alternatives(chapter).get(exercise.name, ()))
        judged = f"reference, {alternatives} alternatives (float64 and float32), {len(exercise.mistakes)} mistakes"
        clean = [rate for rate in rates if not rate.wrong]
        bound = f", so each of these rates is below {_percent(clean[0].bound)} (95 %, Clopper-Pearson)" if clean else ""
        print(
            f"  {exercise.name:{width}}  {judged}: {len(clean)} of {len(rates)} never judged wrongly{bound}", flush=True
        )
        for rate in rates:
            if rate.wrong:
                share = _percent(rate.wrong / seeds)
                print(f"    {rate.what}: {rate.wrong} of {seeds} ({share}; below {_percent(rate.bound)} with 95 %)")
                wrong += 1
    return wrong


def _percent(share: float) -> str:
    """Two digits, rounded up: a bound must stay one."""
    if share <= 0:
        return "0 %"
    unit = 10.0 ** (math.floor(math.log10(100 * share)) - 1)
    return f"{min(100.0, math.ceil(round(100 * share / unit, 9)) * unit):.3g} %"


def _solutions(chapter: str) -> tuple[str, dict[str, Any]]:
    """A chapter's source, and the names that its solutions find: those of the setup cell, and the references."""
    path = project_root() / "solutions" / f"{chapter}.py"
    space: dict[str, Any] = {}
    setup = [cell.source for cell in notebook.read(path).cells if "setup" in cell.metadata.get("tags", [])]
    exec("\n".join(setup), space)
    return path.read_text("utf-8"), space | {e.name: e.reference for e in exercises.of_chapter(chapter)}
