import os
import subprocess
import sys

import pytest

from course.cli import main


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    commands = ("audit", "build", "doctor", "download", "grade", "release", "sync", "train")
    assert all(command in out for command in commands)


def test_build_check_says_that_all_is_well(capsys):
    assert main(["build", "--check"]) == 0
    assert capsys.readouterr().out == "every generated file is what its source says\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build", "07_nothing"], "there is no chapter '07_nothing'"),
        (["audit", "07_nothing"], "there is no chapter '07_nothing'"),
        (["sync", "nothing.ipynb"], "there is neither nothing.py nor nothing.ipynb"),
        (["grade", "nowhere", "--out", "{tmp}/out"], "nowhere is neither a folder nor a zip"),
        (["release", "--to", "{tmp}/file/dist"], "cannot be written to"),
    ],
)
def test_a_fault_is_one_line_and_a_status(arguments, says, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert main([argument.format(tmp=tmp_path) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("course: ")
    assert says in error
    assert error.count("\n") == 1


def test_a_missing_package_is_one_line(tmp_path):
    """A Python in which jupytext cannot be imported, as after half an installation."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['jupytext'] = None\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run([sys.executable, "-m", "course.cli", "build"], env=environment, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr == "course: the package jupytext is missing; install again with `make lab`\n"
