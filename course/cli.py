"""The command `course`. Every command imports what it needs when it runs, so that `course --help` is instant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from course.paths import project_root


def _build(options: argparse.Namespace) -> int:
    from course.authoring.build import build, stale

    if options.check:
        complaints = stale(project_root(), options.chapters)
        print("\n".join(complaints) if complaints else "every generated file is what its source says")
        return 1 if complaints else 0
    written = build(project_root(), options.chapters, options.run, options.overwrite)
    for path in written:
        print(path.relative_to(project_root()))
    print(f"{len(written)} files written")
    return 0


def _sync(options: argparse.Namespace) -> int:
    from course.authoring.sync import sync

    for path in options.notebooks:
        print(sync(path))
    return 0


def _release(options: argparse.Namespace) -> int:
    from course.authoring.release import release

    print(release(project_root(), options.to))
    return 0


def _grade(options: argparse.Namespace) -> int:
    from course.grading.grade import grade

    return grade(
        options.submissions,
        options.out,
        options.time_limit,
        options.seed,
        options.jobs,
        options.cluster,
        not options.no_sandbox,
        options.gradebook,
        options.marks,
    )


def _audit(options: argparse.Namespace) -> int:
    from course.grading.audit import audit

    return audit(options.chapters, options.seeds)


def _train(options: argparse.Namespace) -> int:
    from course.recipes import make

    folder = make(options.name, options.steps, options.to)
    if folder is not None:
        print(f"written: {folder}")
    return 0 if folder is not None else 1


def _doctor(options: argparse.Namespace) -> int:
    from course.doctor import report

    return 0 if report(options.grading) else 1


def _download(options: argparse.Namespace) -> int:
    from course.data.images import download

    print(download(options.name))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="course", description='The course "Generative Models and GANs".')
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(do=run)
        return sub

    sub = command("doctor", _doctor, "say what is wrong with this installation, and how to mend it")
    sub.add_argument("--grading", action="store_true", help="also try the sandbox that students' code is graded in")

    sub = command("train", _train, "make a checkpoint again from its recipe in course/recipes/")
    sub.add_argument("name", metavar="NAME", help="such as vae_faces; an interrupted training goes on where it was")
    sub.add_argument("--steps", type=int, metavar="N", help="another number of steps than the recipe's")
    sub.add_argument("--to", type=Path, metavar="DIR", help="the folder to write to (data/checkpoints)")

    sub = command("download", _download, "fetch the images called NAME (mnist, cifar10 or lfw) into data/downloads")
    sub.add_argument("name", metavar="NAME")

    sub = command("sync", _sync, "bring the .py and the .ipynb of a notebook together without losing an edit")
    sub.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")

    sub = command("build", _build, "make every form of a chapter from solutions/NN_name.py")
    sub.add_argument("chapters", nargs="*", metavar="CHAPTER", help="such as 01_pca; all of them by default")
    sub.add_argument("--check", action="store_true", help="write nothing; fail when a file differs from its source")
    sub.add_argument("--run", action="store_true", help="run the chapter to renew the outputs that nbval compares")
    sub.add_argument("--overwrite", action="store_true", help="drop edits that only a generated file has")

    sub = command("release", _release, "write the bundle for students, without solutions and hidden tests")
    sub.add_argument("--to", type=Path, default=Path("dist"), metavar="DIR", help="the folder to write to (dist)")

    sub = command("grade", _grade, "grade SUBMISSIONS/<student>/<notebook>.ipynb with the hidden tests")
    sub.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="a folder, or a zip, as exported")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the grades and the feedback")
    sub.add_argument("--time-limit", type=float, default=30, metavar="SECONDS", help="for each cell and each call (30)")
    sub.add_argument("--seed", type=int, help="of the hidden tests' inputs; drawn anew by default, and kept in DIR")
    sub.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that grade at the same time (1)")
    sub.add_argument("--cluster", default="", metavar="ADDRESS", help="hand the work to this Dask scheduler instead")
    sub.add_argument("--marks", type=Path, metavar="CSV", help="a person's marks for written answers, to be merged")
    sub.add_argument("--gradebook", default="", metavar="URL", help="of nbgrader, such as sqlite:///gradebook.db")
    sub.add_argument("--no-sandbox", action="store_true", help="go on where there is none: you trust every submission")

    sub = command("audit", _audit, "test the hidden tests: are they strict on mistakes, and fair to right answers?")
    sub.add_argument("chapters", nargs="*", metavar="CHAPTER", help="such as 01_pca; all of them by default")
    sub.add_argument("--seeds", type=int, default=200, metavar="N", help="to count wrong verdicts with (200; 0: none)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status. A foreseeable fault is one line on stderr and the status 2."""
    options = _parser().parse_args(arguments)
    try:
        return options.do(options)
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] == "course":
            raise
        print(f"course: the package {error.name} is missing; install again with `make lab`", file=sys.stderr)
    except KeyboardInterrupt:
        print("course: stopped", file=sys.stderr)
        return 130
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "course" and not isinstance(error, OSError):
            raise  # a fault of ours: let the traceback show it
        print(f"course: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
