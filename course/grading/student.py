"""The student's process: it runs the cells of one submission, then answers calls of its functions.

It holds no test, no expected value and no mark. See `wire` for what travels on the connection to the grader. The
nursery forks it; where there is no nursery, `python -m course.grading.student FD` starts it, with FD one end of a
socket pair.
"""

from __future__ import annotations

import functools
import io
import linecache
import os
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

from course.grading import networks, wire
from course.lab.exercise import Exercise

PRINTED = 4000  # characters that are kept of what a cell or a call prints


class Tail(io.TextIOBase):
    """A stream that takes any amount and keeps the first PRINTED characters."""

    def __init__(self) -> None:
        self.kept = ""

    def write(self, text: str) -> int:
        if len(self.kept) < PRINTED:
            self.kept += text[: PRINTED - len(self.kept)]
        return len(text)


def new_shell() -> Any:
    """IPython without its history, which would write a database from a thread of its own."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    shell.ast_node_interactivity = "none"
    return shell


def _complaint(error: BaseException) -> dict[str, Any]:
    """An exception as data: its type, its message, and the last line of the student's own that it passed through."""
    line, source, trace = 0, "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "ipykernel" in file or "ipython-input" in file:
            line, source = trace.tb_lineno, linecache.getline(file, trace.tb_lineno).strip()
        trace = trace.tb_next
    try:
        text = " ".join(str(error).split())[:300]
    except BaseException:  # their __str__ may do anything
        text = ""
    return {"type": type(error).__name__[:100], "message": text, "line": line, "source": source[:200]}


def _run(shell: Any, source: str) -> dict[str, Any] | None:
    """Run one cell; None when it went well."""
    try:
        result = shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
    except BaseException as raised:  # the shell lets SystemExit and the like through
        error = raised
    return None if error is None else _complaint(error)


def _watch(exercise: Exercise, notebook: dict[str, Any], used: list[str]) -> Callable[..., None]:
    """A function for sys.setprofile that refuses what the exercise forbids, and notes the name in `used`.

    Refused are calls by the student's own code, however it came by the function: that a library calls the same inside
    is its own affair. The syntax tree, which the grader reads, is the other half: this one stands in the student's
    process, where it can be undone.
    """
    names, reference = frozenset(exercise.forbidden), getattr(exercise.reference, "__code__", None)

    def own(frame: types.FrameType | None) -> bool:
        return frame is not None and (frame.f_globals is notebook or frame.f_code.co_filename in ("<string>", __file__))

    def wraps(frame: types.FrameType, code: types.CodeType) -> bool:  # a decorator's frame, around what it decorates
        return any(getattr(frame.f_locals.get(name), "__code__", None) is code for name in frame.f_code.co_freevars)

    def refuse(name: str) -> None:
        used.append(name)
        raise NameError(f"{name} is not to be used here")

    def watch(frame: types.FrameType, event: str, called: Any) -> None:
        if event == "c_call":
            name = str(getattr(called, "__name__", "")).removeprefix("linalg_")  # torch.linalg.svd is linalg_svd
            if name in names and own(frame):
                refuse(name)
        elif event == "call":
            code, caller = frame.f_code, frame.f_back
            if code.co_name == "__init__" and code.co_varnames and own(caller):
                kinds = type(frame.f_locals.get(code.co_varnames[0])).__mro__
                made = next(kind.__name__ for kind in kinds if kind.__module__ != notebook["__name__"])
                if made in names:  # or the notebook's own class, made from one
                    refuse(made)
            elif code.co_name in names or code is reference:
                inner = code
                while caller is not None and not own(caller) and wraps(caller, inner):
                    inner, caller = caller.f_code, caller.f_back
                if own(caller) and not own(frame):
                    refuse(code.co_name)

    return watch


def _answer(
    functions: dict[str, Any], own: dict[str, Any], declared: dict[str, Exercise], request: dict[str, Any]
) -> dict[str, Any]:
    """Call one function of the student's, with the course's own in the place of all other exercises.

    So it is in the notebook, where `check` replaces what is wrong; and a fault in one exercise costs that one alone.
    """
    name = request["call"]
    if name not in functions:
        return {"missing": True}
    function = functions[name]
    theirs = dict(functions)
    functions.update({other: stand_in for other, stand_in in own.items() if other != name})
    try:
        used: list[str] = []
        watch = _watch(declared[name], functions, used) if name in declared else None
        answer = _called(_as_asked(function, request), request["args"], watch)
        return {"forbidden": used[0]} if used else answer
    finally:
        for other in own:
            if other in theirs:
                functions[other] = theirs[other]
            else:
                functions.pop(other, None)


def _as_asked(function: Any, request: dict[str, Any]) -> Any:
    """The function itself, or what becomes of the network that it builds."""
    if not callable(function) or "network" not in request:
        return function
    if request["network"] is None:
        wanted = networks.shapes
    else:
        weights, inputs = request["network"]
        wanted = functools.partial(networks.outputs, weights=weights, inputs=inputs)
    return functools.update_wrapper(lambda *args: wanted(function(*args)), function)


def _called(function: Any, args: list, watch: Callable[..., None] | None) -> dict[str, Any]:
    if not callable(function):
        return {"raised": {"type": "TypeError", "message": "not a function", "line": 0, "source": ""}}
    if str(getattr(function, "__module__", "")).partition(".")[0] == "course":
        return {"borrowed": True}
    sys.setprofile(watch)
    try:
        value = function(*args)
    except BaseException as error:
        return {"raised": _complaint(error)}
    finally:
        sys.setprofile(None)
    try:
        wire.pack(value)
    except BaseException as error:
        return {"odd": str(error)[:200] if isinstance(error, wire.WireError) else type(error).__name__}
    return {"value": value}


def serve(connection: socket.socket) -> None:
    """Receive the cells, run them, report on each; then answer calls until the grader closes the connection."""
    from course.lab import exercises
    from course.lab.check import standing_in

    shell, printed = new_shell(), Tail()
    sys.stdout = sys.stderr = printed
    job = wire.receive(connection)
    # Before the cells: what they do to Python's import must not cost the student the other exercises.
    declared = {exercise.name: exercise for exercise in exercises.of_chapter(job["chapter"])}
    own = {name: standing_in(exercise) for name, exercise in declared.items()}
    for index, source in enumerate(job["cells"]):
        printed.kept = ""
        wire.send(connection, {"cell": index, "error": _run(shell, source), "printed": printed.kept})
    while True:
        try:
            request = wire.receive(connection)
        except wire.Closed:
            return
        wire.send(connection, _answer(shell.user_ns, own, declared, request))


def main(descriptor: int) -> None:
    connection = socket.socket(fileno=descriptor)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    os.environ.update(MPLBACKEND="Agg", COURSE_GRADING="1", OMP_NUM_THREADS="1")
    if sys.platform == "linux":
        from course.grading import namespaces, nursery, seccomp

        namespaces.limit(nursery.MEMORY, 600, nursery.FILE_SIZE, nursery.FILES)
        namespaces.die_with_parent()
        if "--confine" in sys.argv:  # inside bubblewrap, which has made the namespaces already
            namespaces.bound_threads()
            seccomp.install()
    serve(connection)


if __name__ == "__main__":
    main(int(sys.argv[1]))
