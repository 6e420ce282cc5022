"""One submitted notebook: read what it says, run what is needed of it, call its functions."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from course.grading import wire
from course.lab import exercises, inspect_code
from course.paths import project_root

SIZE_LIMIT = 50 << 20  # bytes of a submitted notebook
START_LIMIT = 60.0  # seconds for Python itself to start


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


def code_cells(path: Path) -> list[Cell]:
    """The code cells of a notebook file, whatever its metadata say. Raises Unreadable."""
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise Unreadable(f"larger than {SIZE_LIMIT >> 20} MB")
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
        cells = content["cells"]
    except OSError as error:
        raise Unreadable(error.strerror or "cannot be read") from None
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
            text = source if isinstance(source, str) else "".join(map(str, source))
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


def needed(cells: list[Cell], released: list[Cell]) -> list[str]:
    """The sources to run: the released setup, then every cell that holds an exercise or that the student wrote.

    A released cell that merely demonstrates, or checks, and was left as it is, is not run again.
    """
    setup = [cell.source for cell in released if "setup" in cell.tags]
    exercise = {cell.source for cell in released if "exercise" in cell.tags}
    known = {cell.source for cell in released} - exercise
    return setup + [cell.source for cell in cells if cell.source not in known]


@dataclass
class Submission:
    """A student's notebook, and its functions as attributes: `submission.covariance(X)`.

    A call runs in the student's process, is over within `time_limit` seconds, and returns plain data; or it raises
    StudentError, or NotImplementedError where the stub still stands. After a call that hung or died, the next one
    starts a fresh process. `close` ends it.
    """

    student: str
    path: Path
    time_limit: float = 30.0
    chapter: str | None = None
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._process: subprocess.Popen | None = None
        self._connection: socket.socket | None = None
        self._skipped: set[int] = set()
        self._home: tempfile.TemporaryDirectory | None = None
        self._dead: str = ""
        self._lost: dict[str, StudentError] = {}  # functions that hung or died once: they are not called again
        cells = code_cells(self.path)
        self.chapter = self.chapter or chapter_of(cells, self.path.stem)
        released = project_root() / "notebooks" / f"{self.chapter}.ipynb"
        self._sources = needed(cells, code_cells(released) if self.chapter and released.exists() else [])
        self._trees = _functions(self._sources)
        self._borrowed = _imported_from_course(self._sources)

    def __getattr__(self, name: str) -> Callable:
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(self.call, name)

    def call(self, name: str, *args: Any) -> Any:
        """The student's function `name` on these arguments. Raises StudentError, or NotImplementedError for a stub."""
        self._refuse_forbidden(name)
        if name in self._lost:
            raise self._lost[name]
        connection = self._running()
        deadline = time.monotonic() + self.time_limit
        try:
            wire.send(connection, {"call": name, "args": list(args)}, deadline)
            reply = wire.receive(connection, deadline)
        except wire.TimeUp:
            raise self._given_up(name, "time limit", f"{name} took longer than {self.time_limit:g} s") from None
        except wire.WireError:
            raise self._given_up(name, "died", f"{name} ended its process") from None
        return self._value(name, reply)

    def _given_up(self, name: str, status: str, message: str) -> StudentError:
        self._kill()
        self._lost[name] = StudentError(status, message)
        return self._lost[name]

    def _value(self, name: str, reply: Any) -> Any:
        if type(reply) is dict and len(reply) == 1:
            ((kind, content),) = reply.items()
            if kind == "value":
                return content
            if kind == "missing":
                raise StudentError("missing", f"the notebook defines no function {name}")
            if kind == "borrowed":
                raise StudentError("forbidden", f"{name} is the course's own function, not the student's")
            if kind == "odd":
                raise StudentError("wrong type or shape", f"{name} returned something else than data: {content}")
            if kind == "raised" and type(content) is dict:
                error, message = str(content.get("type")), str(content.get("message"))
                if error == "NotImplementedError":
                    raise NotImplementedError(name)
                where = f", at line {content['line']} of the cell: {content['source']}" if content.get("line") else ""
                raise StudentError("raised", f"{error}: {message}{where}" if message else f"{error}{where}")
        raise self._given_up(name, "died", f"{name} spoilt the channel to its process")

    def _refuse_forbidden(self, name: str) -> None:
        tree = self._trees.get(name)
        declared = {e.name: e for e in exercises.of_chapter(self.chapter)} if self.chapter else {}
        if tree is None or name not in declared:
            return
        exercise = declared[name]
        helpers = {other: function for other, function in self._trees.items() if other not in declared}
        forbidden = (*exercise.forbidden, *(alias for alias, real in self._borrowed.items() if real == name))
        used = inspect_code.forbidden_use(tree, forbidden, helpers, exercise.reference.__name__)
        if used:
            raise StudentError("forbidden", f"{name} uses {used[0]}, which the exercise asks to do without")

    def _running(self) -> socket.socket:
        """The connection to a process in which the cells have run; a cell that hangs or kills it is left out."""
        if self._dead:
            raise StudentError("died", self._dead)
        while self._connection is None:
            if len(self._skipped) > 3:
                self._dead = "more than three cells hang or end the process"
                raise StudentError("died", self._dead)
            self._start()
        return self._connection

    def _start(self) -> None:
        self._home = self._home or tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True)
        mine, theirs = socket.socketpair()
        environment = {
            key: os.environ[key] for key in ("PATH", "LANG", "SYSTEMROOT", "COURSE_DATA") if key in os.environ
        }
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "course.grading.student", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                cwd=self._home.name,
                env={**environment, "HOME": self._home.name, "PYTHONPATH": str(project_root())},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._connection = mine
        order = [i for i in range(len(self._sources)) if i not in self._skipped]
        current = -1  # position in `order` of the cell that is running
        try:
            wire.send(
                mine,
                {"chapter": self.chapter, "cells": [self._sources[i] for i in order]},
                time.monotonic() + START_LIMIT,
            )
            for current, index in enumerate(order):
                limit = self.time_limit + (START_LIMIT if current == 0 else 0)
                reply = wire.receive(mine, time.monotonic() + limit)
                if reply["error"] is not None:
                    self._note(index, f"{reply['error']['type']}: {reply['error']['message']}")
        except wire.TimeUp:
            self._leave_out(order, current, f"took longer than {self.time_limit:g} s and was left out")
        except (wire.WireError, KeyError, TypeError):
            self._leave_out(order, current, "ended the process and was left out")

    def _leave_out(self, order: list[int], current: int, what: str) -> None:
        self._kill()
        if current < 0:
            self._dead = "its process could not be started"
            raise StudentError("died", self._dead)
        self._skipped.add(order[current])
        self._note(order[current], what)

    def _note(self, index: int, what: str) -> None:
        first = next((line.strip() for line in self._sources[index].splitlines() if line.strip()), "")
        note = f"the cell that begins with “{first[:60]}”: {what}"
        if note not in self.problems:
            self.problems.append(note)

    def _kill(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End the student's process and remove its folder."""
        self._kill()
        if self._home is not None:
            self._home.cleanup()
            self._home = None


def _functions(sources: list[str]) -> dict[str, ast.AST]:
    """What cells define, `def name` or `name = ...`, by name; of several the last counts, as when they run."""
    found: dict[str, ast.AST] = {}
    for tree in _parsed(sources):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign):
                found |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
    return found


def _parsed(sources: list[str]) -> list[ast.Module]:
    from IPython.core.inputtransformer2 import TransformerManager

    trees = []
    for source in sources:
        try:
            trees.append(ast.parse(TransformerManager().transform_cell(source)))
        except (SyntaxError, ValueError, RecursionError):  # the cell will complain of itself when it runs
            continue
    return trees


def _imported_from_course(sources: list[str]) -> dict[str, str]:
    """Names that cells import from the course's own modules, as {name in the notebook: name in the course}."""
    return {
        alias.asname or alias.name: alias.name
        for tree in _parsed(sources)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "course"
        for alias in node.names
    }


@dataclass
class LocalSubmission:
    """Functions of this process in the place of a student's: how the hidden tests themselves are tested."""

    student: str
    chapter: str
    functions: dict[str, Callable]
    problems: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable:
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(self.call, name)

    def call(self, name: str, *args: Any) -> Any:
        try:
            return self.functions[name](*args)
        except KeyError:
            raise StudentError("missing", f"there is no function {name}") from None

    def close(self) -> None:
        """Nothing to end."""
