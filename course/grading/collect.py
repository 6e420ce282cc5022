"""Where submissions lie: folders as nbgrader, Canvas and Moodle leave them, and zips of those."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from course.grading.submission import SIZE_LIMIT


class CollectError(Exception):
    """There is nothing to grade; the message says what was expected where."""


@dataclass(frozen=True)
class Found:
    """One submitted file: whose it is, what it is called, and where its bytes are."""

    student: str
    notebook: str
    path: Path
    member: str = ""  # the name inside the zip `path`

    def read(self) -> bytes:
        """The bytes, or SIZE_LIMIT + 1 of them where there are more. Raises OSError, zipfile.BadZipFile."""
        if not self.member:
            if self.path.is_symlink() or not self.path.is_file():
                raise OSError(f"{self.path.name} is a link or no plain file, and was not followed")
            with self.path.open("rb") as file:
                return file.read(SIZE_LIMIT + 1)
        with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
            return file.read(SIZE_LIMIT + 1)  # what the archive claims of its size is not believed


# Canvas: name, perhaps LATE, two numbers, and the name of the file, in one flat folder.
_CANVAS = re.compile(r"(?P<student>[^_/]+)_(?:LATE_)?(?P<id>\d+)_\d+_(?P<file>.+?)(?:-\d+)?(?P<end>\.ipynb)$")
# Moodle: a folder for each student, its name ending in a number and the name of the plugin.
_MOODLE = re.compile(r"(?P<student>.+)_\d+_assignsubmission_(?:file|onlinetext)_?$")


def collect(place: Path) -> list[Found]:
    """Every submitted notebook below a folder, or in a zip, in the order of students and names.

    Understood are <student>/<notebook>.ipynb, nbgrader's <student>/<assignment>/<notebook>.ipynb, Moodle's folders,
    Canvas's flat files, and a zip of any of these. Raises CollectError where there is none.
    """
    if place.is_dir():
        files = [
            (PurePosixPath(path.relative_to(place).as_posix()), path, "") for path in sorted(place.rglob("*.ipynb"))
        ]
        for archive in sorted(place.glob("*.zip")):
            files += _members(archive)
    elif zipfile.is_zipfile(place):
        files = list(_members(place))
    else:
        raise CollectError(f"{place} is neither a folder nor a zip; expected one with a folder for each student")
    found = []
    for name, path, member in files:
        hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
        whose = None if hidden else _whose(name)
        if whose:
            found.append(Found(*whose, path, member))
    if not found:
        raise CollectError(f"{place} holds no <student>/<notebook>.ipynb")
    return sorted(found, key=lambda f: (f.student, f.notebook, str(f.path), f.member))


def _members(archive: Path) -> Iterator[tuple[PurePosixPath, Path, str]]:
    try:
        with zipfile.ZipFile(archive) as content:
            names = content.namelist()
    except zipfile.BadZipFile:
        raise CollectError(f"{archive} is damaged, or not a zip; download it again") from None
    for name in sorted(names):
        if name.endswith(".ipynb"):
            yield PurePosixPath(name), archive, name


def _whose(name: PurePosixPath) -> tuple[str, str] | None:
    """The student and the notebook's name, from a path relative to the place of submissions."""
    canvas = _CANVAS.match(name.name)
    if len(name.parts) == 1:
        return (f"{canvas['student']}_{canvas['id']}", canvas["file"] + canvas["end"]) if canvas else None
    moodle = _MOODLE.match(name.parts[0])
    return (moodle["student"] if moodle else name.parts[0]), name.name
