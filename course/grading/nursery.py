"""The fork server: it pays for importing torch once, and has a fresh, confined child ready for each submission.

It is started by course.grading.isolation as `python -m course.grading.nursery FD`, knows no test and no submission,
and gives up its view of the file system before anything else. For every request it forks twice: a *warden*, which
makes the namespaces and ends with the nursery, and in them the *student*, process 1 of its own world, which ends with
the warden. No child ever runs the code of two students.

A request brings the student's connection and a *leash*. On the leash the student says that it is confined, before any
code runs; then it is the warden's, who ends the student as soon as nobody holds the other end: however the grader ends.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from course.grading import forks, namespaces, seccomp, wire
from course.paths import data_folder, project_root

MEMORY, FILE_SIZE, FILES = 3 << 30, 16 << 20, 256
CONFINED = "confined"  # what the leash says when all walls stand
PACKAGES = ("site-packages", "dist-packages")  # names of folders that Python has its packages in
PRELOADED = (
    "numpy", "scipy.linalg", "scipy.stats", "scipy.sparse.csgraph", "pandas", "sklearn.decomposition",
    "sklearn.cluster", "sklearn.manifold", "sklearn.datasets", "matplotlib.figure", "matplotlib.backends.backend_agg",
    "torch", "torch.nn.functional", "ipywidgets", "course.lab", "course.plots.widgets", "course.data",
)  # fmt: skip


def visible() -> list[str]:
    """What a student's process may read: the system's libraries, Python with its packages, the course's package."""
    paths = ["/usr", "/etc/fonts", "/etc/localtime", "/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl/certs"]
    paths += [sys.prefix, sys.base_prefix, *(p for p in sys.path if os.path.basename(p) in PACKAGES)]
    paths += [f"/{name}" for name in ("lib", "lib64", "bin") if not os.path.islink(f"/{name}")]
    return [*paths, str(project_root() / "course"), str(data_folder())]


def main(descriptor: int) -> None:
    control = socket.socket(fileno=descriptor)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    try:
        _confine()
        with forks.shared_memory():
            _preload()
    except Exception as error:
        wire.send(control, {"failed": f"{type(error).__name__}: {error}"})
        return
    wire.send(control, {"ready": True})
    forks.serve(control, _warden)


def _confine() -> None:
    folder = tempfile.mkdtemp(prefix="nursery-")
    outside = os.open(os.path.dirname(folder), os.O_RDONLY)
    if os.geteuid() != 0:
        namespaces.become_root_of_a_user_namespace()
    namespaces.enter_small_root(visible(), folder)
    os.rmdir(os.path.basename(folder), dir_fd=outside)
    os.close(outside)
    os.environ.clear()
    os.environ.update(environment())


def environment() -> dict[str, str]:
    """All environment variables that a student's process gets."""
    scratch = namespaces.SCRATCH
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": scratch,
        "TMPDIR": scratch,
        "IPYTHONDIR": f"{scratch}/.ipython",
        "MPLCONFIGDIR": f"{scratch}/.matplotlib",
        "MPLBACKEND": "Agg",
        "COURSE_GRADING": "1",
        "COURSE_DATA": str(data_folder()),
        "PYTHONPATH": str(project_root()),
        **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")},
    }


def _preload() -> None:
    from course.grading.student import new_shell

    for name in PRELOADED:
        with contextlib.suppress(ImportError):  # what a course does not install, its students cannot import either
            importlib.import_module(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)  # a fork has one thread; a pool made before it would be dead in it
    new_shell().run_cell("0", store_history=False)


def _warden(theirs: int, leash: int) -> None:
    """Wait until the student's process ends, or the leash is let go, and let nothing of it live on."""
    namespaces.die_with_parent()
    uid = namespaces.FIRST_UID + os.getpid() if Path("/proc/self/uid_map").read_text().split()[2] != "1" else None
    with _said(leash):
        namespaces.private_views(own_user=uid is None)
    student = os.fork()
    if student == 0:
        _student(theirs, leash, uid)
    os.close(theirs)
    watch = select.poll()
    for descriptor in (os.pidfd_open(student), leash):
        watch.register(descriptor, select.POLLIN)
    watch.poll()
    os.kill(student, signal.SIGKILL)
    os.waitpid(student, 0)


@contextlib.contextmanager
def _said(leash: int) -> Iterator[None]:
    """Tell whoever waits at the other end why there is no sandbox, if it fails."""
    try:
        yield
    except BaseException as error:
        os.write(leash, f"{type(error).__name__}: {error}".encode())
        os._exit(1)


def _student(theirs: int, leash: int, uid: int | None) -> None:
    """Never returns: it shuts itself in, then serves the grader."""
    try:
        with _said(leash):
            confine_student(uid, cpu_seconds=600)
        os.write(leash, CONFINED.encode())
        os.close(leash)
        from course.grading.student import serve

        serve(socket.socket(fileno=theirs))
    finally:
        os._exit(0)


def confine_student(uid: int | None, cpu_seconds: int) -> None:
    namespaces.limit(MEMORY, cpu_seconds, FILE_SIZE, FILES)
    namespaces.fresh_folders()
    namespaces.drop_rights(uid)
    namespaces.die_with_parent()  # after the change of user, which undoes it; before the filter, which forbids to
    seccomp.install()


if __name__ == "__main__":
    main(int(sys.argv[1]))
