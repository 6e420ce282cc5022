"""`course doctor`: one line for each thing that can be wrong with an installation, and how to mend it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from course.paths import data_folder, project_root

REINSTALL = "install again: `make lab`, or `conda env update -f environment.yml`"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, what was found, and how to mend it where it is not."""

    well: bool
    what: str
    found: str
    mend: str = ""

    def __str__(self) -> str:
        line = f"{'  ' if self.well else '! '}{self.what:22} {self.found}"
        return line if self.well else f"{line}. To mend it: {self.mend}"


def required() -> list[str]:
    """The packages that pyproject.toml asks for, with their bounds; [] where the course came without one."""
    try:
        project = tomllib.loads((project_root() / "pyproject.toml").read_text("utf-8"))
    except OSError:
        return []
    return project["project"]["dependencies"]


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding(sys.version_info >= (3, 11), "Python", version, "install Python 3.11 or newer, then `make lab`")


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    for line in required():
        requirement = Requirement(line)
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(False, requirement.name, f"missing, {requirement.specifier} wanted", REINSTALL)
            continue
        well = requirement.specifier.contains(version, prereleases=True)
        yield Finding(
            well, requirement.name, version if well else f"{version}, {requirement.specifier} wanted", REINSTALL
        )


def _torch_pair() -> Iterator[Finding]:
    from course.torchvision_shim import import_torchvision, operators_load

    compiled = operators_load()
    import_torchvision()
    how = "a matched pair" if compiled else "works, without the compiled operators, which the course does not need"
    yield Finding(True, "torch and torchvision", how)


def _kernel() -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        yield Finding(False, "Jupyter kernel", "no kernel named python3", "`python -m ipykernel install --sys-prefix`")
        return
    mine = os.path.realpath(command) == os.path.realpath(sys.executable) or os.path.basename(command) == command
    yield Finding(
        mine, "Jupyter kernel", "python3" if mine else f"python3 runs another Python, {command}",
        "`python -m ipykernel install --sys-prefix`",
    )  # fmt: skip


def _widgets() -> Iterator[Finding]:
    import ipywidgets
    import jupyterlab_widgets

    yield Finding(
        True, "widgets", f"ipywidgets {ipywidgets.__version__}, JupyterLab side {jupyterlab_widgets.__version__}"
    )


def _data() -> Iterator[Finding]:
    from course.data import DataError, available, load

    for name in available():
        try:
            yield Finding(True, f"data: {name}", f"{len(load(name).X)} samples")
        except DataError as error:
            yield Finding(False, f"data: {name}", "cannot be used", str(error))


def _folder() -> Iterator[Finding]:
    folder = data_folder()
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield Finding(
            False, "data folder", f"{folder} cannot be written to ({error.strerror})",
            "give yourself the right to write there, or set COURSE_DATA to a copy of it elsewhere",
        )  # fmt: skip
    else:
        yield Finding(True, "data folder", "can be written to")


def _hardware() -> Iterator[Finding]:
    import torch

    yield Finding(True, "cores", str(os.cpu_count()))
    yield Finding(
        True, "GPU", torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none, and none is needed"
    )


def _sandbox() -> Iterator[Finding]:
    from course.grading.isolation import IsolationError, best, probe

    mend = "grade on Linux, or in a container that may make namespaces; only where you trust everyone: --no-sandbox"
    try:
        launcher = best()
    except IsolationError as error:
        found, _, how = str(error).partition(". ")
        yield Finding(False, "sandbox", found, how)
        return
    try:
        yield Finding(True, "sandbox", launcher.name)
        for sentence, holds in probe(launcher):
            yield Finding(holds, "sandbox", sentence if holds else f"does NOT hold: {sentence}", mend)
    finally:
        launcher.close()


_LOOKS: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
    ("Python", _python),
    ("packages", _packages),
    ("torch and torchvision", _torch_pair),
    ("Jupyter kernel", _kernel),
    ("widgets", _widgets),
    ("data", _data),
    ("data folder", _folder),
    ("hardware", _hardware),
)


def findings(grading: bool = False) -> Iterator[Finding]:
    """Look at everything, one Finding after the other. A look that fails becomes a Finding itself; none raises.

    grading adds what only an instructor needs: the sandbox, each of its walls tried from inside.
    """
    for what, look in (*_LOOKS, *((("sandbox", _sandbox),) if grading else ())):
        try:
            yield from look()
        except Exception as error:
            text = " ".join(str(error).split())[:160]
            yield Finding(False, what, f"failed ({type(error).__name__}: {text})", REINSTALL)


def report(grading: bool = False) -> bool:
    """Print every finding, and a last line that counts the faults; True when there are none."""
    faults = 0
    for finding in findings(grading):
        print(finding, flush=True)
        faults += not finding.well
    print("everything is well" if not faults else f"{faults} to mend")
    return not faults
