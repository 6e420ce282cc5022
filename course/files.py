"""Writing files so that nothing is ever half written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


class UnwritableError(OSError):
    """A file cannot be written; the message says where and why."""


def write(path: Path, text: str) -> None:
    """Replace a text file as a whole, with line feeds on every system."""
    # Half a character, which a notebook or a file name may well hold, is no reason to lose a page.
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file as a whole: a reader, or a crash, never sees half of it. Raises UnwritableError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise UnwritableError(f"{path.parent} cannot be written to ({error.strerror}); nothing was changed") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
