"""The student's process: it runs the cells of one submission, then answers calls of its functions.

It holds no test, no expected value and no mark. It is started by course.grading.submission as
`python -m course.grading.student FD`, where FD is one end of a socket pair; see `wire` for what travels on it.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import socket
import sys
from typing import Any

from course.grading import wire


def _limit_resources() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for what, bound in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 64 << 20), (resource.RLIMIT_AS, 16 << 30)):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (bound, bound))


def _complaint(error: BaseException) -> dict[str, Any]:
    """An exception as data: its type, its message, and the last line of the student's own that it passed through."""
    line, source, trace = 0, "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "ipykernel" in file or "ipython-input" in file:
            line, source = trace.tb_lineno, linecache.getline(file, trace.tb_lineno).strip()
        trace = trace.tb_next
    text = " ".join(str(error).split())[:300]
    return {"type": type(error).__name__, "message": text, "line": line, "source": source[:200]}


def _run(shell: Any, source: str) -> dict[str, Any] | None:
    """Run one cell; None when it went well."""
    try:
        result = shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
    except BaseException as raised:  # the shell lets SystemExit and the like through
        error = raised
    return None if error is None else _complaint(error)


def _answer(functions: dict[str, Any], own: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
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
        return _called(function, request["args"])
    finally:
        for other in own:
            if other in theirs:
                functions[other] = theirs[other]
            else:
                del functions[other]


def _called(function: Any, args: list) -> dict[str, Any]:
    if not callable(function):
        return {"raised": {"type": "TypeError", "message": "not a function", "line": 0, "source": ""}}
    if str(getattr(function, "__module__", "")).partition(".")[0] == "course":
        return {"borrowed": True}
    try:
        value = function(*args)
    except BaseException as error:
        return {"raised": _complaint(error)}
    try:
        wire.pack(value)
    except wire.WireError as error:
        return {"odd": str(error)}
    return {"value": value}


def main(descriptor: int) -> None:
    connection = socket.socket(fileno=descriptor)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    os.environ.update(MPLBACKEND="Agg", COURSE_GRADING="1", OMP_NUM_THREADS="1")
    _limit_resources()

    from IPython.core.interactiveshell import InteractiveShell

    from course.lab import exercises
    from course.lab.check import standing_in

    shell = InteractiveShell.instance()
    shell.ast_node_interactivity = "none"
    job = wire.receive(connection)
    for index, source in enumerate(job["cells"]):
        wire.send(connection, {"cell": index, "error": _run(shell, source)})
    own = {exercise.name: standing_in(exercise) for exercise in exercises.of_chapter(job["chapter"])}
    while True:
        try:
            request = wire.receive(connection)
        except wire.Closed:
            return
        wire.send(connection, _answer(shell.user_ns, own, request))


if __name__ == "__main__":
    main(int(sys.argv[1]))
