"""What the project promises about its own installation."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from course.paths import project_root

PROJECT = tomllib.loads((project_root() / "pyproject.toml").read_text("utf-8"))["project"]
CONDA = yaml.safe_load((project_root() / "environment.yml").read_text("utf-8"))
CONDA_NAMES = {"pytorch": "torch"}  # what conda-forge calls differently


def requirements(lines):
    return {r.name: str(r.specifier) for r in map(Requirement, lines)}


def test_conda_and_pip_name_the_same_packages_and_bounds():
    lines = [line for line in CONDA["dependencies"] if isinstance(line, str)]
    conda = requirements(lines)
    python = conda.pop("python")
    conda.pop("pip")
    conda = {CONDA_NAMES.get(name, name): bounds for name, bounds in conda.items()}
    assert conda == requirements(PROJECT["dependencies"])
    assert python == PROJECT["requires-python"]
    assert CONDA["dependencies"][-1] == {"pip": ["--editable ."]}


def test_the_packages_that_the_course_is_built_on_are_all_there():
    fixed = {"jupyterlab", "jupytext", "torch", "torchvision", "scikit-learn", "matplotlib", "ipywidgets", "nbval"}
    assert fixed <= requirements(PROJECT["dependencies"]).keys()


def test_the_tested_versions_lie_within_the_bounds():
    tested = {
        r.name.lower(): next(iter(r.specifier)).version
        for line in (project_root() / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
        for r in [Requirement(line)]
    }
    for line in PROJECT["dependencies"]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(tested[requirement.name.lower()]), line


def test_everything_imported_by_the_package_is_a_declared_dependency():
    provided = importlib.metadata.packages_distributions()
    declared = {re.sub(r"[-_.]+", "-", name).lower() for name in requirements(PROJECT["dependencies"])}
    come_along = {  # parts of what is declared: jupyterlab and nbval bring these, by their own declared needs
        "ipython", "nbformat", "nbclient", "jupyter-client", "jupyterlab-widgets", "packaging", "cycler",
        "traitlets", "nbconvert", "threadpoolctl",
    }  # fmt: skip
    asked_for = {name for extra in ("grading",) for name in requirements(PROJECT["optional-dependencies"][extra])}
    found = set()
    for path in (project_root() / "course").rglob("*.py"):
        for name in re.findall(r"^\s*(?:import|from) (\w+)", path.read_text("utf-8"), re.MULTILINE):
            if name in provided and name not in sys.stdlib_module_names and name != "course":
                found.add(re.sub(r"[-_.]+", "-", provided[name][0]).lower())
    assert found <= declared | come_along | asked_for


def test_importing_the_course_is_fast_and_free_of_heavy_modules():
    code = (
        "import sys, time; began = time.perf_counter(); import course, course.cli; "
        "print(time.perf_counter() - began); print(*sys.modules)"
    )
    seconds, modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert float(seconds) < 0.3
    assert not {"torch", "numpy", "matplotlib", "pandas", "sklearn", "IPython"} & set(modules.split())


@pytest.mark.parametrize("module", ["course.lab", "course.plots", "course.data", "course.unsupervised.pca"])
def test_the_first_chapters_need_no_torch(module):
    code = f"import sys, {module}; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


LAYERS = [
    "data",
    "training",
    "unsupervised likelihood robust",
    "gan",
    "plots recipes",
    "lab",
    "authoring",
    "grading",
    "cli",
]


def test_imports_run_one_way():
    """cli -> grading -> authoring -> lab -> plots, recipes -> topics -> training -> data; gan uses likelihood."""
    height = {name: i for i, layer in enumerate(LAYERS) for name in layer.split()}
    for path in (project_root() / "course").rglob("*.py"):
        own = path.relative_to(project_root() / "course").parts[0].removesuffix(".py")
        for name in re.findall(r"^\s*(?:from|import) course\.(\w+)", path.read_text("utf-8"), re.MULTILINE):
            if own in height and name in height and name != own:
                assert height[name] < height[own], f"{path.name} in {own} imports {name}"


def test_the_licences_and_the_citation_are_there():
    assert "MIT License" in (project_root() / "LICENSE").read_text()
    assert "CC BY 4.0" in (project_root() / "LICENSE-TEXT").read_text()
    citation = yaml.safe_load((project_root() / "CITATION.cff").read_text("utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == PROJECT["version"]
    lecture = citation["references"][0]
    assert "Generative Models and GANs" in lecture["title"]
    assert lecture["authors"][0]["family-names"] == "Yao"


def test_the_two_versions_agree():
    import course

    assert course.__version__ == PROJECT["version"]
