"""One submitted notebook: read what it says, run what is needed of it, call its functions."""

from __future__ import annotations

import ast
import functools
import json
import math
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from course.grading import networks, wire
from course.grading.isolation import Launcher, Running
from course.lab import exercises, inspect_code
from course.paths import project_root

SIZE_LIMIT = 50 << 20  # bytes of a submitted notebook
START_LIMIT = 60.0  # seconds more for the first cell: where there is no fork server, Python itself must start
CELL_LIMIT = 1000  # code cells of a notebook that are run
SOURCE_LIMIT = 1 << 19  # characters of code that are run
ALL_CALLS = 4  # time limits that all calls of one function may take together


class Unreadable(Exception):
    """A file is not a notebook; the message says why."""


class StudentError(Exception):
    """A student's function could not be called, or gave no data. `status` names the case for the gradebook."""

    shown_as = ""  # the message says all: what the function raised has its own name in there

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Cell:
    source: str
    tags: tuple[str, ...] = ()


def code_cells(content: bytes) -> list[Cell]:
    """The code cells of a notebook file, whatever its metadata say. Raises Unreadable."""
    if len(content) > SIZE_LIMIT:
        raise Unreadable(f"larger than {SIZE_LIMIT >> 20} MB")
    try:
        cells = json.loads(content.decode("utf-8-sig"))["cells"]
    except UnicodeDecodeError:
        raise Unreadable("not a text in UTF-8") from None
    except (ValueError, RecursionError):
        raise Unreadable("not JSON, so not a notebook; is the file whole?") from None
    except (KeyError, TypeError):
        raise Unreadable("JSON, but without cells: not a notebook of format 4") from None
    found = []
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            text = source if isinstance(source, str) else "".join(map(str, source if isinstance(source, list) else ()))
            metadata = cell.get("metadata")
            tags = metadata.get("tags", ()) if isinstance(metadata, dict) else ()
            found.append(Cell(text.strip("\n"), tuple(map(str, tags)) if isinstance(tags, list) else ()))
    return found


def _defines(source: str) -> set[str]:
    return set(re.findall(r"^(?:async )?def (\w+)\s*\(", source, re.MULTILINE))


def chapter_of(cells: list[Cell], name: str) -> str | None:
    """The chapter that a notebook belongs to: by the exercises that it defines, whatever its file is called."""
    defined = set().union(*(_defines(cell.source) for cell in cells))
    fit = {
        chapter: len(defined & {exercise.name for exercise in exercises.of_chapter(chapter)})
        for chapter in exercises.CHAPTERS
    }
    best = max(fit, key=lambda chapter: fit[chapter])
    if fit[best]:
        return best
    return next((chapter for chapter in exercises.CHAPTERS if name.startswith(chapter)), None)


@functools.cache
def _released(chapter: str) -> tuple[Cell, ...]:
    path = project_root() / "notebooks" / f"{chapter}.ipynb"
    return tuple(code_cells(path.read_bytes())) if path.exists() else ()


def needed(cells: list[Cell], released: tuple[Cell, ...]) -> list[str]:
    """The sources to run: the released setup, then every cell that holds an exercise or that the student wrote.

    A released cell that merely demonstrates, or checks, and was left as it is, is not run again.
    """
    setup = [cell.source for cell in released if "setup" in cell.tags]
    exercise = {cell.source for cell in released if "exercise" in cell.tags}
    known = {cell.source for cell in released} - exercise
    return setup + [cell.source for cell in cells if cell.source not in known]


@dataclass
class Past:
    """What came of a submission so far: it outlives the processes that run it and that judge it.

    problems  sentences for the instructor and the student
    printed   what the cell of an exercise printed
    skipped   cells that hung or ended their process, `deaths` of them, and are not run again
    dead      why no process of the submission can be had
    lost      functions that hung or died, with the status and the message: they are not called again
    spent     seconds that calls of a function have taken
    """

    problems: list[str] = field(default_factory=list)
    printed: dict[str, str] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)
    deaths: int = 0
    dead: str = ""
    lost: dict[str, tuple[str, str]] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)


@dataclass
class Submission:
    """A student's notebook, and its functions as attributes: `submission.covariance(X)`.

    A call runs in the student's process, is over within `time_limit` seconds, and returns plain data; or it raises
    StudentError, or NotImplementedError where the stub still stands. All calls of a function together may take four
    times as long. After a call that hung or died, the next one starts a fresh process. `close` ends it.

    content     the bytes of the notebook
    launcher    starts the processes
    time_limit  seconds for a cell, and for a call
    chapter     where it is known; else it is found by the exercises that the notebook defines
    past        of an earlier Submission of the same bytes, to go on from there
    """

    content: bytes
    launcher: Launcher
    time_limit: float = 30.0
    chapter: str | None = None
    name: str = ""
    past: Past = field(default_factory=Past)

    def __post_init__(self) -> None:
        self._process: Running | None = None
        cells = code_cells(self.content)
        self.chapter = self.chapter or chapter_of(cells, self.name)
        sources = needed(cells, _released(self.chapter) if self.chapter else ())
        if len(sources) > CELL_LIMIT or sum(map(len, sources)) > SOURCE_LIMIT:
            self._problem(f"only the first {CELL_LIMIT} cells, of {SOURCE_LIMIT} characters in all, are run")
        self._sources: list[str] = []
        for source in sources[:CELL_LIMIT]:
            if sum(map(len, self._sources)) + len(source) <= SOURCE_LIMIT:
                self._sources.append(source)
        defined = Counter(name for source in self._sources for name in _defines(source))
        if self.chapter:
            self._tell_of_cells(defined)
        parsed = _parsed(self._sources)
        self._trees = _functions(parsed)
        self._borrowed = _imported_from_course(parsed)
        self._banned: dict[str, str] = {}  # the first forbidden name that a function uses, once it was looked for

    def _tell_of_cells(self, defined: Counter[str]) -> None:
        """What differs from the released notebook, of the file and of the cells that define its exercises."""
        if self.name and str(self.chapter) not in self.name:
            self._problem(f"the file is called {self.name}; by its exercises it is {self.chapter}")
        names = [exercise.name for exercise in exercises.of_chapter(str(self.chapter))]
        for name in names:
            if defined[name] > 1:
                self._problem(f"{defined[name]} cells define {name}: what was defined last counts")
        gone = [name for name in names if not defined[name]]
        if gone:
            self._problem(f"no cell defines {', '.join(gone)}")
        if [name for name in defined if name in names] != [name for name in names if defined[name]]:
            self._problem("the exercises stand in another order than in the released notebook, which costs nothing")

    def __getattr__(self, name: str) -> Callable:
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(self.call, name)

    def call(self, name: str, *args: Any) -> Any:
        """The student's function `name` on these arguments. Raises StudentError, or NotImplementedError for a stub."""
        return self._ask(name, {"call": name, "args": list(args)})

    def shapes(self, name: str, *args: Any) -> dict[str, list[int]]:
        """The shapes of the weights, by their names, of the network that the student's function builds of `args`.

        Raises what `call` does, and StudentError where these are no shapes.
        """
        found = self._ask(name, {"call": name, "args": list(args), "network": None})
        if type(found) is not dict or not all(
            type(shape) is list and all(type(n) is int and n >= 0 for n in shape) for shape in found.values()
        ):
            raise StudentError("wrong type or shape", f"{name} builds no network")
        return found

    def outputs(self, name: str, args: tuple, weights: dict[str, Any], *inputs: Any) -> Any:
        """What that network computes of the inputs with these weights, tensors by name. Raises what `call` does."""
        return self._ask(name, {"call": name, "args": list(args), "network": [weights, list(inputs)]})

    def _ask(self, name: str, request: dict[str, Any]) -> Any:
        self._refuse_forbidden(name)
        if name in self.past.lost:
            raise StudentError(*self.past.lost[name])
        connection = self._running().connection
        begun, spent = time.monotonic(), self.past.spent.get(name, 0.0)
        limit = min(self.time_limit, ALL_CALLS * self.time_limit - spent)
        try:
            wire.send(connection, request, begun + limit)
            reply = wire.receive(connection, begun + limit)
        except wire.TimeUp:
            most = f"{self.time_limit:g} s" if limit == self.time_limit else f"{ALL_CALLS * self.time_limit:g} s in all"
            raise self._given_up(name, "time limit", f"{name} took longer than {most}") from None
        except wire.WireError:
            raise self._given_up(name, "died", f"{name} ended its process") from None
        self.past.spent[name] = spent + time.monotonic() - begun
        return self._value(name, reply)

    def _given_up(self, name: str, status: str, message: str) -> StudentError:
        self.close()
        self.past.lost[name] = (status, message)
        return StudentError(status, message)

    def _value(self, name: str, reply: Any) -> Any:
        if type(reply) is dict and len(reply) == 1:
            ((kind, content),) = reply.items()
            if kind == "value":
                return content
            if kind == "missing":
                raise StudentError("missing", f"the notebook defines no function {name}")
            if kind == "forbidden":
                known = type(content) is str and content in self._forbidden_names(name)  # else it could carry an input
                what = content if known else "something"
                raise StudentError("forbidden", f"{name} uses {what}, which the exercise asks to do without")
            if kind == "borrowed":
                raise StudentError("forbidden", f"{name} is the course's own function, not the student's")
            if kind == "odd":
                raise StudentError("wrong type or shape", f"{name} returned something else than data: {_text(content)}")
            if kind == "raised" and type(content) is dict:
                error, message, source = (_text(content.get(key)) for key in ("type", "message", "source"))
                line = content.get("line")
                if error == "NotImplementedError":
                    raise NotImplementedError(name)
                where = f", at line {line} of the cell: {source}" if type(line) is int and line else ""
                raise StudentError("raised", f"{error}: {message}{where}" if message else f"{error}{where}")
        raise self._given_up(name, "died", f"{name} spoilt the channel to its process")

    def _refuse_forbidden(self, name: str) -> None:
        if name not in self._banned:
            self._banned[name] = self._first_banned(name)
        if self._banned[name]:
            raise StudentError("forbidden", f"{name} uses {self._banned[name]}, which the exercise asks to do without")

    def _forbidden_names(self, name: str) -> set[str]:
        mine = (e for e in (exercises.of_chapter(self.chapter) if self.chapter else ()) if e.name == name)
        return {forbidden for e in mine for forbidden in (*e.forbidden, e.reference.__name__)}

    def _first_banned(self, name: str) -> str:
        tree = self._trees.get(name)
        declared = {e.name: e for e in exercises.of_chapter(self.chapter)} if self.chapter else {}
        if tree is None or name not in declared:
            return ""
        exercise = declared[name]
        helpers = {other: function for other, function in self._trees.items() if other not in declared}
        forbidden = (*exercise.forbidden, *(alias for alias, real in self._borrowed.items() if real == name))
        used = inspect_code.forbidden_use(tree, forbidden, helpers, exercise.reference.__name__)
        return used[0] if used else ""

    def _running(self) -> Running:
        """The process in which the cells have run; a cell that hangs or kills it is left out."""
        while self._process is None:
            if self.past.deaths > 3:
                self.past.dead = "more than three cells hang or end the process"
            if self.past.dead:
                raise StudentError("died", self.past.dead)
            self._start()
        return self._process

    def _start(self) -> None:
        self._process = self.launcher.start()
        connection = self._process.connection
        order = [i for i in range(len(self._sources)) if i not in self.past.skipped]
        current = -1  # position in `order` of the cell that is running
        last = math.inf
        try:
            job = {"chapter": self.chapter, "cells": [self._sources[i] for i in order]}
            wire.send(connection, job, time.monotonic() + START_LIMIT)
            for current, index in enumerate(order):
                limit = self.time_limit + (START_LIMIT if current == 0 else 0)
                reply = wire.receive(connection, min(last, time.monotonic() + limit))
                if current == 0:  # one limit for all the others: a thousand cells that sleep must not delay the class
                    last = time.monotonic() + 4 * self.time_limit
                self._heard(index, reply)
        except wire.TimeUp:
            if time.monotonic() >= last:
                self.past.skipped.update(order[current:])
                self._leave_out(
                    order, current, f"all cells before it took {4 * self.time_limit:g} s; the rest is left out"
                )
            else:
                self._leave_out(order, current, f"took longer than {self.time_limit:g} s and was left out")
        except wire.WireError:
            self._leave_out(order, current, "ended the process and was left out")

    def _heard(self, index: int, reply: Any) -> None:
        # The student's own code may have written the reply: nothing about it is certain.
        if type(reply) is not dict:
            raise wire.WireError("not the report on a cell")
        error = reply.get("error")
        if type(error) is dict:
            self._note(index, f"{_text(error.get('type'))}: {_text(error.get('message'))}")
        for name in _defines(self._sources[index]):
            self.past.printed[name] = _text(reply.get("printed"), 2000)

    def _leave_out(self, order: list[int], current: int, what: str) -> None:
        self.close()
        if current < 0:
            self.past.dead = "its process could not be started"
            raise StudentError("died", self.past.dead)
        self.past.skipped.add(order[current])
        self.past.deaths += 1
        self._note(order[current], what)

    def _note(self, index: int, what: str) -> None:
        first = next((line.strip() for line in self._sources[index].splitlines() if line.strip()), "")
        self._problem(f"the cell that begins with “{first[:60]}”: {what}")

    def _problem(self, note: str) -> None:
        if note not in self.past.problems:
            self.past.problems.append(note)

    def close(self) -> None:
        """End the student's process."""
        if self._process is not None:
            self._process.kill()
            self._process = None


def _text(content: Any, length: int = 300) -> str:
    """What a student's process says in words, cut to length; nothing where it is not a string."""
    return content[:length] if type(content) is str else ""


def _functions(trees: list[ast.Module]) -> dict[str, ast.AST]:
    """What cells define, `def name` or `name = ...`, by name; of several the last counts, as when they run."""
    found: dict[str, ast.AST] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign):
                found |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
    return found


def _parsed(sources: list[str]) -> list[ast.Module]:
    trees = []
    for source in sources:
        for read in (str, _without_magics):
            try:
                trees.append(ast.parse(read(source)))
                break
            except (SyntaxError, ValueError, RecursionError, MemoryError):  # the cell will complain when it runs
                continue
    return trees


def _without_magics(source: str) -> str:
    """A cell as plain Python: of the lines that IPython alone understands, `pass` is left.

    IPython's own translation is not used: a student can make it take minutes.
    """
    lines = source.split("\n")
    for i, line in enumerate(lines):
        bare = line.strip()
        value = bare.partition("=")[2].lstrip()
        if bare.startswith(("%", "!", "?")) or bare.endswith("?") or value.startswith(("%", "!")):
            lines[i] = line[: len(line) - len(line.lstrip())] + "pass"
    return "\n".join(lines)


def _imported_from_course(trees: list[ast.Module]) -> dict[str, str]:
    """Names that cells import from the course's own modules, as {name in the notebook: name in the course}."""
    return {
        alias.asname or alias.name: alias.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "course"
        for alias in node.names
    }


@dataclass
class LocalSubmission:
    """Functions of this process in the place of a student's: how the hidden tests themselves are tested."""

    chapter: str
    functions: dict[str, Callable]
    past: Past = field(default_factory=Past)

    def __getattr__(self, name: str) -> Callable:
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(self.call, name)

    def call(self, name: str, *args: Any) -> Any:
        try:
            function = self.functions[name]
        except KeyError:
            raise StudentError("missing", f"there is no function {name}") from None
        return function(*args)

    def shapes(self, name: str, *args: Any) -> dict[str, list[int]]:
        return networks.shapes(self.call(name, *args))

    def outputs(self, name: str, args: tuple, weights: dict[str, Any], *inputs: Any) -> Any:
        return networks.outputs(self.call(name, *args), weights, list(inputs))

    def close(self) -> None:
        """Nothing to end."""
