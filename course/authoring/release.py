"""`course release`: the bundle for students, a zip without solutions and hidden tests."""

from __future__ import annotations

import io
import json
import tokenize
import zipfile
from collections.abc import Iterator
from pathlib import Path

from course import __version__
from course.authoring import build, notebook
from course.authoring.notebook import AuthoringError
from course.files import write_bytes

NAME = "generative-models-course"
FILES = (
    "README.md",
    "environment.yml",
    "pyproject.toml",
    "constraints.txt",
    "Makefile",
    "jupyterlab-settings.json",
    "LICENSE",
    "LICENSE-TEXT",
    "CITATION.cff",
)
FOLDERS = ("course", "data", "docs")
LEFT_OUT = {"__pycache__", "downloads", ".ipynb_checkpoints", ".DS_Store"}


def contents(root: Path) -> dict[str, bytes]:
    """Every file of the bundle, by its path in it. Notebooks come from their sources, never from notebooks/ itself."""
    files = {name: (root / name).read_bytes() for name in FILES}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            parts = path.relative_to(root).parts
            if path.is_file() and not LEFT_OUT.intersection(parts):
                files["/".join(parts)] = path.read_bytes()
    for chapter in build.chapters(root):
        for path, text in build.forms(root, chapter, build.outputs_of(root, chapter)).items():
            if path.parent.name == "notebooks":
                files[f"notebooks/{path.name}"] = text.encode()
    return files


def release(root: Path, to: Path) -> Path:
    """Write the bundle into the folder `to` and return its path; the same sources give the same bytes.

    Raises AuthoringError, and writes nothing, when a file of the bundle holds a line of a solution.
    """
    try:
        files = contents(root)
    except OSError as error:
        raise AuthoringError(
            f"{error.filename} cannot be read ({error.strerror}); the bundle was not written"
        ) from None
    found = list(leaks(files, secret_lines(root)))
    if found:
        raise AuthoringError("the bundle would give solutions away; say it in other words there:\n" + "\n".join(found))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{NAME}/{name}")  # dated 1980: no clock in the bytes
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            bundle.writestr(entry, files[name])
    path = to / f"{NAME}-{__version__}.zip"
    write_bytes(path, stream.getvalue())
    return path


def secret_lines(root: Path) -> dict[str, str]:
    """The lines that must not get out, and the chapter that each comes from: all between a source's markers.

    Lines of fewer than four tokens (`return total`, `else:`) say nothing and are left out, and so are those that the
    student's own version of the same chapter has outside the markers.
    """
    secrets = {}
    for chapter in build.chapters(root):
        source = notebook.read(root / "solutions" / f"{chapter}.py")
        public = {
            line.strip()
            for cell in notebook.without_solutions(source, chapter).cells
            for line in cell.source.splitlines()
        }
        for cell in source.cells:
            for line in notebook.solution_lines(cell.source, chapter):
                if line not in public and _tokens(line) >= 4:
                    secrets[line] = chapter
    return secrets


def _tokens(line: str) -> int:
    try:
        kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(line).readline)]
    except (tokenize.TokenError, IndentationError):  # a line of a longer statement
        return len(line.split())
    return sum(kind in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING, tokenize.OP) for kind in kinds)


def leaks(files: dict[str, bytes], secrets: dict[str, str]) -> Iterator[str]:
    """A sentence for each line of a solution that stands in one of the files."""
    for name, content in sorted(files.items()):
        for line in _lines(name, content):
            if line.strip() in secrets:
                yield f"{name} has a line of a solution of {secrets[line.strip()]}: {line.strip()}"


def _lines(name: str, content: bytes) -> list[str]:
    try:
        text = content.decode()
    except UnicodeDecodeError:  # an image or a checkpoint
        return []
    if name.endswith(".ipynb"):
        return [line for cell in json.loads(text)["cells"] for line in "".join(cell["source"]).splitlines()]
    return text.splitlines()
