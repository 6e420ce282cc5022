import os
import shutil

import pytest

from course import doctor
from course.cli import main
from course.paths import data_folder


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_a_good_installation_has_a_line_for_everything_and_none_to_mend(capsys):
    assert main(["doctor"]) == 0
    out = lines(capsys)
    for what in ("Python", "torch ", "torchvision", "torch and torchvision", "nbval", "Jupyter kernel", "widgets",
                 "data: usarrests", "data folder", "cores", "GPU"):  # fmt: skip
        assert any(line.startswith(f"  {what}") for line in out), what
    assert out[-1] == "everything is well"


@pytest.mark.parametrize(
    ("requirement", "says"),
    [
        ("no-such-package-anywhere>=1", "! no-such-package-anywhere missing, >=1 wanted"),
        ("numpy<1", "wanted. To mend it: install again: `make lab`"),
    ],
)
def test_a_missing_or_wrong_package_is_one_line_with_its_mend(monkeypatch, capsys, requirement, says):
    monkeypatch.setattr(doctor, "required", lambda: [requirement])
    assert main(["doctor"]) == 1
    out = lines(capsys)
    assert any(says in line for line in out)
    assert out[-1] == "1 to mend"


def test_a_damaged_data_set_is_one_line_with_its_mend(monkeypatch, capsys, tmp_path):
    shutil.copytree(data_folder(), tmp_path / "data")
    (tmp_path / "data/usarrests.csv").write_text("state,Murder\n")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    assert main(["doctor"]) == 1
    assert any(line.startswith("! data: usarrests") and "git checkout" in line for line in lines(capsys))


def test_a_data_folder_that_cannot_be_written_to_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    assert main(["doctor"]) == 1
    assert any(line.startswith("! data folder") and "COURSE_DATA" in line for line in lines(capsys))


def test_a_kernel_of_another_python_is_one_line(monkeypatch, capsys, tmp_path):
    kernel = tmp_path / "kernels/python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        '{"argv": ["/somewhere/else/python"], "display_name": "x", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    findings = list(doctor._kernel())
    assert [finding.well for finding in findings] == [False]
    assert "/somewhere/else/python" in str(findings[0])


def test_a_look_that_fails_becomes_a_line_and_the_others_go_on(monkeypatch, capsys):
    def fails():
        raise RuntimeError("operator torchvision::nms does not exist")
        yield

    monkeypatch.setattr(doctor, "_LOOKS", (("torch and torchvision", fails), *doctor._LOOKS[-1:]))
    assert main(["doctor"]) == 1
    out = lines(capsys)
    assert out[0].startswith("! torch and torchvision  failed (RuntimeError: operator torchvision::nms")
    assert any("cores" in line and str(os.cpu_count()) in line for line in out)


def test_the_walls_of_the_sandbox_have_a_line_each(capsys):
    from course.grading import isolation

    try:
        isolation.best().close()
    except isolation.IsolationError as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    assert main(["doctor", "--grading"]) == 0
    out = lines(capsys)
    assert any("the hidden tests cannot be seen" in line for line in out)
    assert any("the network cannot be reached" in line for line in out)


def test_without_a_sandbox_one_line_says_so_and_how_to_go_on(monkeypatch, capsys):
    from course.grading import isolation

    def none():
        raise isolation.IsolationError("no sandbox can be had on this machine: no Linux. Go on with --no-sandbox")

    monkeypatch.setattr(isolation, "best", none)
    assert main(["doctor", "--grading"]) == 1
    assert any(line.startswith("! sandbox") and "--no-sandbox" in line for line in lines(capsys))
    assert main(["doctor"]) == 0
