"""A class of hostile and broken submissions, graded in one run: what each tries, and what it must not get.

None gains a mark, sees a line of a hidden test, touches a file outside its sandbox, leaves a process behind, or takes
more of the class's time than its own limit; and honest work in a broken wrapper keeps its marks.

A submission that gets through a wall says so: it prints, raises or names a type BREACH. It is written in two parts, so
that a page that quotes the source does not count.
"""

import contextlib
import csv
import hashlib
import json
import os
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from processes import alive, children

from course.grading.grade import grade
from course.grading.isolation import IsolationError, Unsandboxed
from course.grading.work import grade_one
from course.grading.workers import launcher_of_this_process
from course.lab import exercises
from course.paths import project_root

SOLVED = (project_root() / "solutions/01_pca.ipynb").read_bytes()
UNTOUCHED = (project_root() / "notebooks/01_pca.ipynb").read_bytes()
HIDDEN = project_root() / "tests/hidden/test_01_pca.py"
POINTS = {exercise.name: exercise.points for exercise in exercises.of_chapter("01_pca")}
EVERY = tuple(POINTS)
WRONG = "def covariance(X):\n    return np.zeros((X.shape[1], X.shape[1]))"

BREACH = "BREACH"
TELL = 'told = "BREA" + "CH"\n'
SECRET = "the-secret-of-another"
TIME_LIMIT = 3.0


@dataclass
class Case:
    """One submission: what it tries, its bytes or how it differs from the solved notebook, and what it loses by that.

    functions  the code in the place of an exercise's
    before     code in front of an exercise's own, in the same cell
    first      cells in front of all others
    last       cells behind all others
    edit       changes the notebook, a dict, in place
    lost       the exercises that must earn nothing; all others must earn their points
    status     of the lost exercises
    """

    tries: str
    functions: dict = field(default_factory=dict)
    before: dict = field(default_factory=dict)
    first: tuple = ()
    last: tuple = ()
    edit: object = None
    raw: bytes | None = None
    lost: tuple = ()
    status: str = ""

    def content(self):
        if self.raw is not None:
            return self.raw
        book = json.loads(SOLVED)
        for one in book["cells"]:
            source = "".join(one["source"])
            for name in EVERY:
                if f"def {name}(" in source:
                    source = self.functions.get(name, source)
                    one["source"] = self.before.get(name, "") + source
        book["cells"] = [*map(cell, self.first), *book["cells"], *map(cell, self.last)]
        if self.edit:
            self.edit(book)
        return json.dumps(book).encode()


def cell(source):
    return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}


def body(name, code):
    """A function `name` with the contract's arguments and this code in it."""
    arguments = {"spectrum": "S", "scores": "X, E", "explained_variance": "lam", "affine_approximation": "X, k"}
    lines = code.strip().splitlines()
    return {name: f"def {name}({arguments.get(name, 'X')}):\n" + "\n".join("    " + line for line in lines)}


def covariance(code, **more):
    return Case(functions=body("covariance", code), lost=("covariance",), **more)


# The bytes of a message, made without the module `wire`: whatever it checks, this does not.
FORGE = """
import json, os, struct
def forged(tree):
    text = json.dumps(tree).encode()
    return struct.pack("<QI", len(text) + 4, len(text)) + text
def everywhere(message):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, message)
        except OSError:
            pass
def value(v):
    return {"dict": [["value", v]]}
"""
REPORT = {"dict": [["cell", 0], ["error", None], ["printed", ""]]}

LIES = """
class Lie:
    def yes(self, *a, **k):
        return True
    __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __contains__ = __bool__ = yes
    def me(self, *a, **k):
        return self
    __sub__ = __rsub__ = __matmul__ = __rmatmul__ = __getitem__ = __getattr__ = __call__ = me
    __array_priority__ = 1e9
    def __array__(self, *a, **k):
        import numpy
        return numpy.zeros((4, 4))
    def __array_function__(self, *a, **k):
        return None
    def __array_ufunc__(self, *a, **k):
        return True
"""


def tag_as_check(book):
    for one in book["cells"]:
        if "def covariance(" in "".join(one["source"]):
            one["metadata"] = {"tags": ["check", "setup", "solution"]}


def claim_everything(book):
    book["metadata"] = {"kernelspec": 3, "nbgrader": {"score": 99}, "course": {"graded": True}}
    for one in book["cells"]:
        one["metadata"] = {
            "tags": ["check", {"a": []}],
            "nbgrader": {"grade": True, "points": 100, "locked": False, "solution": True, "grade_id": "x"},
        }
        one["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "standardise: passed, 2 of 2 points"}]


def forged_book():
    book = json.loads(UNTOUCHED)
    claim_everything(book)
    return json.dumps(book).encode()


def without_setup(book):
    book["cells"] = [one for one in book["cells"] if "setup" not in one["metadata"].get("tags", [])]


def renamed(book):
    for i, one in enumerate(book["cells"]):
        one["id"] = f"renamed-{i}"
        one["metadata"] = {"collapsed": True}


def reordered(book):
    book["cells"].reverse()


def doubled(book):
    book["cells"] *= 2


def of_another_kernel(book):
    book["metadata"] = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}, "language_info": "R"}


def without_kernel(book):
    del book["metadata"]
    book.pop("nbformat")


DEADLY = ("import os\nos._exit(0)", "import os\nos.kill(os.getpid(), 9)", "import ctypes\nctypes.string_at(0)")

CASES = {
    "honest": Case("to be graded beside the others"),
    "honest too": Case("to be graded beside the others"),
    # Patches: all comparing is done elsewhere.
    "patched numpy": Case(
        "to make NumPy's comparisons true",
        first=("import numpy as np, numpy.testing\nnp.allclose = np.array_equal = lambda *a, **k: True\n"
               "np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None",),
        functions={"covariance": WRONG}, lost=("covariance",), status="wrong value",
    ),
    "patched torch": Case(
        "to make PyTorch's comparisons true",
        first=("import torch\ntorch.allclose = torch.equal = torch.Tensor.__eq__ = lambda *a, **k: True",),
        functions=body("standardise", "import torch\nreturn torch.zeros(X.shape)"), lost=("standardise",),
    ),
    "patched builtins": Case(
        "to make Python's own comparisons true",
        first=("import builtins\nbuiltins.all = builtins.any = lambda *_: True\nbuiltins.abs = lambda x: 0\n"
               "builtins.AssertionError = builtins.ZeroDivisionError",),
        functions={"covariance": WRONG}, lost=EVERY,  # which breaks NumPy for the honest functions too
    ),
    "patched operators": Case(
        "to make the operators lie",
        first=("import operator, math\noperator.eq = operator.sub = operator.le = lambda a, b: True\n"
               "math.isclose = lambda *a, **k: True",),
        functions={"covariance": WRONG}, lost=("covariance",),
    ),
    "array of a subclass": covariance(
        "class Lie(np.ndarray):\n    __eq__ = __le__ = lambda a, b: np.array(True)\n    __sub__ = lambda a, b: a * 0\n"
        "return np.zeros((4, 4)).view(Lie)", tries="to return an array that equals everything",
        status="wrong type or shape",
    ),
    "lying object": Case(
        "to return an object that equals everything", first=(LIES,), functions=body("covariance", "return Lie()"),
        lost=("covariance",), status="wrong type or shape",
    ),
    "lying inside a tuple": Case(
        "to hide such an object in a tuple", first=(LIES,), functions=body("spectrum", "return Lie(), [Lie()]"),
        lost=("spectrum",), status="wrong type or shape",
    ),
    "float of a subclass": Case(
        "to return numbers that equal everything",
        functions=body("explained_variance", "class F(float):\n    __eq__ = __le__ = lambda a, b: True\n"
                       "    __hash__ = float.__hash__\nreturn [F(0)] * len(lam)"),
        lost=("explained_variance",), status="wrong type or shape",
    ),
    "string of a subclass": covariance(
        "class Key(str):\n    pass\nreturn {Key('value'): X}", tries="to return a dict whose keys carry code",
        status="wrong type or shape",
    ),
    "not a number": covariance("return np.full((4, 4), np.nan)", tries="to pass by NaN, which compares in odd ways"),
    # Walks: what they look for is in another process.
    "frame walk": covariance(
        "import sys\nframe = sys._getframe()\nwhile frame:\n    for name, v in frame.f_locals.items():\n"
        "        if name in ('expected', 'desired', 'test', 'outcome', 'rng', 'seed'):\n"
        "            raise KeyError('BREA' + 'CH')\n    frame = frame.f_back\nreturn X",
        tries="to find the expected value in the frames that called it",
    ),
    "garbage walk": covariance(
        "import gc, types\nfor thing in gc.get_objects():\n    name = getattr(thing, '__name__', '')\n"
        "    if isinstance(thing, types.FunctionType) and 'hidden' in thing.__module__:\n"
        "        raise KeyError('BREA' + 'CH')\nreturn X",
        tries="to find the tests among the garbage collector's objects",
    ),
    "stack of sources": Case(
        "to print the source of everything on the stack",
        before={"covariance": "import inspect\nfor f in inspect.stack():\n    print(f.filename, f.code_context)\n"
                "import sys\nprint([m for m in sys.modules if 'hidden' in m or 'test_01' in m])\n"},
    ),
    # Hooks into IPython and Python.
    "syntax transformer": Case(
        "to rewrite all comparisons of later code",
        first=("import ast\nclass Yes(ast.NodeTransformer):\n    def visit_Compare(self, node):\n"
               "        return ast.copy_location(ast.Constant(True), node)\n"
               "    def visit_Assert(self, node):\n        return ast.copy_location(ast.Pass(), node)\n"
               "get_ipython().ast_transformers.append(Yes())",),
        functions={"covariance": WRONG}, lost=("covariance",),
    ),
    "input transformer": Case(
        "to rewrite the text of later cells",
        first=("get_ipython().input_transformers_post.append("
               "lambda lines: [l.replace('assert ', 'True or ') for l in lines])",),
        functions={"covariance": WRONG}, lost=("covariance",),
    ),
    "events": Case(
        "to run with every cell",
        first=("for event in ('pre_run_cell', 'post_run_cell', 'pre_execute', 'post_execute'):\n"
               "    get_ipython().events.register(event, lambda *_: print('hooked') or 1 / 0)",),
    ),
    "trace and exit hooks": Case(
        "to see every call, and to run when all is over",
        first=("import atexit, os, sys, threading, time\natexit.register(time.sleep, 3600)\n"
               "sys.settrace(lambda *a: None)\nsys.excepthook = lambda *a: time.sleep(3600)\n"
               "threading.setprofile(lambda *a: None)",),
    ),
    "import hook": Case(
        "to break the imports of what grades it",
        first=("import sys\nclass No:\n    def find_spec(self, name, *a):\n"
               "        raise ImportError(name)\nsys.meta_path.insert(0, No())\n"
               "for m in [m for m in sys.modules if m.startswith('course.lab.exercises')]:\n    del sys.modules[m]",),
    ),
    # Files.
    "reader": Case(
        "to read hidden tests, solutions, other submissions, passwords and keys",
        before={"covariance": TELL + "import glob, os\nfor path in ['{hidden}', '{solved}', '{canary}/secret', "
                "'{submitted}/honest/01_pca.ipynb', '/etc/passwd', '/etc/shadow', '/proc/1/environ', "
                "os.path.expanduser('~/.ssh/id_rsa'), '/proc/1/root/etc/passwd', "
                "*glob.glob('/home/*/*'), *glob.glob('/proc/[0-9]*/cwd/*')]:\n"
                "    try:\n        text = open(path).read()\n    except OSError:\n        continue\n"
                "    if '{secret}' in text or path[:5] in ('/etc/', '/root', '/home') or 'test_01' in path:\n"
                "        print(told, path)\n    print(text[:200])\n"},
    ),
    "environment": Case(
        "to read the grader's environment",
        before={"covariance": TELL + "import os\nprint({**os.environ})\nif '{secret}' in str(os.environ):\n"
                "    print(told)\n"},
    ),
    "disk walk": Case(
        "to find the tests, and what other students handed in",
        before={"covariance": TELL + "import os\nfor root in ('/', '{project}', '/tmp', '/home', '/root', '/box'):\n"
                "    for name in (os.listdir(root) if os.path.isdir(root) else ()):\n"
                "        if name in ('tests', 'solutions', 'submitted', 'canary', '.git'):\n"
                "            print(told, root, name)\n"},
    ),
    "deleter": Case(
        "to delete everything",
        first=("import shutil\nfor path in ('{canary}', '{submitted}', '{out}', '{project}', '/home', '/'):\n"
               "    shutil.rmtree(path, ignore_errors=True)",),
    ),
    "links": Case(
        "to reach a file through links of its own",
        before={"covariance": TELL + "import os\n"
                "for i, path in enumerate(['{canary}/secret', '{hidden}', '/proc/1/root']):\n"
                "    for link in (os.symlink, os.link):\n        try:\n"
                "            link(path, f'link{i}{link.__name__}')\n"
                "            print(told, open(f'link{i}{link.__name__}', 'a').name)\n"
                "        except OSError:\n            pass\n"},
    ),
    "disk filler": Case(
        "to fill the disk",
        first=("i = 0\nwhile True:\n    with open(f'{i}', 'wb') as file:\n        file.write(bytes(1 << 20))\n"
               "    i += 1",
               "for i in range(100_000):\n    open(f'empty{i}', 'w').close()"),
    ),
    # Forged replies.
    "patched channel": Case(
        "to answer every call itself",
        first=("import numpy as np\nfrom course.grading import student, wire\nreal = wire.pack\n"
               "wire.pack = lambda v: real({'value': np.eye(4)})",),
        lost=EVERY,
    ),
    "patched server": Case(
        "to answer that all is well",
        first=("from course.grading import student\nstudent._answer = lambda *a: {'value': True, 'passed': True}",),
        lost=EVERY,
    ),
    "replies early": Case(
        "to answer before it is asked",
        last=(FORGE + f"everywhere(forged({REPORT!r}) + forged(value({{'float': '0x0p+0'}})) * 40)",),
        lost=EVERY,
    ),
    "replies twice": Case(
        "to answer a call more than once",
        first=(FORGE,),
        functions=body("affine_approximation", "everywhere(forged(value(True)) * 3)\nreturn X"),
        lost=("affine_approximation",),
    ),
    "forged array": Case(
        "to report on a cell with an array, where the grader expects a dict",
        first=(FORGE + "everywhere(struct.pack('<QI', 40, 35) + b'{\"array\": [\"bool\", [1]]}            \\0')",),
    ),
    "forged report": Case(
        "to report on a cell with other types than the grader expects",
        first=(FORGE + "everywhere(forged({'dict': [['cell', None], ['error', {'dict': [['type', 3]]}], "
               "['printed', {'list': [1]}]]}))\nos._exit(0)",),
        lost=EVERY, status="died",  # the cells behind it are blamed: whoever forges reports forges his own
    ),
    "forged complaint": Case(
        "to report an exception whose parts are of other types", first=(FORGE,),
        functions=body("affine_approximation", "everywhere(forged({'dict': [['raised', {'dict': [['type', None], "
                       "['line', {'list': []}], ['message', {'dict': []}]]}]]}))\nos._exit(0)"),
        lost=("affine_approximation",),
    ),
    "endless message": Case(
        "to announce more bytes than there are", first=(FORGE,),
        functions=body("covariance", "everywhere(struct.pack('<Q', 2 ** 63))"), lost=("covariance",), status="died",
    ),
    "dribble": Case(
        "to send one byte after the other, for ever", first=(FORGE + "import time",),
        functions=body("covariance", "everywhere(struct.pack('<Q', 1 << 20))\nwhile True:\n    everywhere(b' ')\n"
                       "    time.sleep(0.05)"), lost=("covariance",), status="time limit",
    ),
    "dimensions": Case(
        "to send an array of so many dimensions that counting its entries takes for ever", first=(FORGE,),
        functions=body("covariance", "everywhere(forged(value({'array': ['bool', [67108864] * 300_000]})))\n"
                       "os._exit(0)"),
        lost=("covariance",), status="died",
    ),
    "long text": Case(
        "to send a text that takes long to read", first=(FORGE,),
        functions=body("covariance", "everywhere(forged(value({'list': [{'list': []}] * 3_000_000})))\nos._exit(0)"),
        lost=("covariance",),
    ),
    "huge product": Case(
        "to return a row whose product with itself fills the grader's memory",
        functions=body("spectrum", "return np.ones(1), np.ones((1, 40_000))"), lost=("spectrum",), status="wrong value",
    ),
    "pickles": Case(
        "to have something unpickled",
        functions=body("covariance", "import pickle\nreturn pickle.dumps(X)")
        | body("scores", "class P:\n    def __reduce__(self):\n        return (print, (1,))\nreturn np.array([P()])"),
        lost=("covariance", "scores"), status="wrong type or shape",
    ),
    # Ends of processes, and bombs.
    "exits": Case(
        "to end or stop its process, or all processes, in a function",
        functions=body("standardise", "import os\nos._exit(0)")
        | body("covariance", "import os\nos.kill(0, 9)\nos.kill(os.getpid(), 9)\nos._exit(1)")
        | body("spectrum", "import os\nos.kill(os.getpid(), 19)\nwhile True: pass")
        | body("scores", "import os\ntry:\n    os.kill(-1, 9)\nfinally:\n    os._exit(3)")
        | body("explained_variance", "import ctypes\nctypes.string_at(0)"),
        lost=EVERY[:5],
    ),
    "deadly cells": Case("to end its process in three cells", first=DEADLY),
    "too many deadly cells": Case(
        "to have its process started without end", first=tuple(f"import os\nos._exit({i})" for i in range(9)),
        lost=EVERY, status="died",
    ),
    "process bomb": covariance(
        "import os\nwhile True:\n    os.fork()", tries="to fork without end", status="raised",
    ),
    "programs": Case(
        "to start programs",
        before={"covariance": TELL + "import os, subprocess\n"
                "for start in (lambda: subprocess.run(['/bin/true']), os.fork,\n"
                "              lambda: os.posix_spawn('/bin/true', ['true'], {}),\n"
                "              lambda: os.execv('/bin/true', ['true'])):\n"
                "    try:\n        start()\n        print(told)\n    except OSError:\n        pass\n"},
    ),
    "thread bomb": Case(
        "to start threads without end",
        first=("import threading, time\ntry:\n    for _ in range(3000):\n"
               "        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
               "except RuntimeError:\n    pass",),
    ),
    "memory bomb": covariance(
        "held = []\nwhile True:\n    held.append(bytearray(1 << 28))", tries="to take all memory",
    ),
    "memory that is not counted": Case(
        "to take memory that belongs to no process",
        before={"covariance": TELL + "import ctypes, os\nlibc = ctypes.CDLL(None)\n"
                "taken = libc.shmget(0, 1 << 20, 0o1666), libc.memfd_create(b'x', 0), libc.msgget(0, 0o1666)\n"
                "if max(taken) >= 0:\n    print(told)\n"},
    ),
    "orphan": Case(
        "to outlive the process that started it",
        before={"covariance": TELL + "import ctypes\n"
                "if ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0:\n    print(told)\n"},
    ),
    "recursion": Case(
        "to recurse without end, within Python's limit and beyond",
        functions=body("covariance", "return covariance(X)")
        | body("scores", "import sys\nsys.setrecursionlimit(10 ** 9)\nf = lambda: [f() for _ in 'a']\nreturn f()"),
        lost=("covariance", "scores"),
    ),
    # Loops.
    "endless cell": Case("to hang in a cell", first=("while True:\n    pass",)),
    "endless function": covariance(
        "import signal\nfor s in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):\n"
        "    signal.signal(s, signal.SIG_IGN)\n"
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        tries="to hang in a function, whatever is thrown at it", status="time limit",
    ),
    "sleeping cells": Case(
        "to take the time of a thousand cells", last=tuple(f"import time\ntime.sleep(1.5)  # {i}" for i in range(900)),
    ),
    "slow magics": Case("to have a cell of magics rewritten for minutes", last=("%time x = 1\n" * 8000,)),
    "output": Case(
        "to print without end",
        first=("import os\nfor _ in range(200):\n    print('flood ' * 10_000)\n    os.write(1, b'flood' * 10_000)",),
        functions=body("explained_variance", "print('flood ' * 1_000_000)\nreturn lam / lam.sum()"),
    ),
    "network": Case(
        "to send what it knows",
        before={"covariance": TELL + "import socket\nfor kind in (socket.AF_INET, socket.AF_INET6):\n    try:\n"
                "        socket.socket(kind).connect(('127.0.0.1', {port}))\n        print(told)\n"
                "    except OSError:\n        pass\n"},
    ),
    # Hidden inputs.
    "tells its inputs": Case(
        "to get a hidden input onto its own page",
        functions={
            "covariance": "SEEN = []\ndef covariance(X):\n    if len(X) in (2, 30):\n        SEEN.append(X)\n"
            "        raise ValueError('BREA' + 'CH')\n    raise ValueError('BREA' + 'CH' if SEEN else 'nothing')",
            "scores": "def scores(X, E):\n    return type('BREA' + 'CH' if len(X) == 30 else 'nothing', (), {})()",
            "standardise": "GIVEN = []\ndef standardise(X):\n    GIVEN.append(X)\n    print('BREA' + 'CH')\n"
            "    if any(len(given) == 30 for given in GIVEN) and len(X) != 30:\n        return 'BREA' + 'CH'\n"
            "    return X",
        },
        lost=("covariance", "scores", "standardise"),
    ),
    "tells by a refusal": Case(
        "to get a hidden input onto its own page by the name of what it is refused", first=(FORGE,),
        functions=body("affine_approximation", "everywhere(forged({'dict': [['forbidden', 'BREA' + 'CH']]}))\n"
                       "return X"),
        lost=("affine_approximation",), status="forbidden",
    ),
    "replay": Case(
        "to answer with what it computed before",
        functions={"covariance": "SEEN = []\ndef covariance(X):\n    SEEN.append(X)\n"
                   "    c = SEEN[0] - SEEN[0].mean(axis=0)\n    return c.T @ c / (len(c) - 1)"},
        lost=("covariance",),
    ),
    # What an exercise forbids.
    "built name": covariance(
        "return getattr(np, 'c' + 'ov')(X, rowvar=False)", tries="to use a forbidden name unseen", status="forbidden",
    ),
    "name kept in a cell": Case(
        "to fetch a forbidden function in another cell", first=("import numpy as np\nkept = vars(np)['co' + 'v']",),
        functions=body("covariance", "try:\n    return kept(X.T)\nexcept NameError:\n    c = X - X.mean(axis=0)\n"
                       "    return c.T @ c / (len(c) - 1)"), lost=("covariance",), status="forbidden",
    ),
    "evaluated name": Case(
        "to use forbidden names in texts",
        functions=body("covariance", "return eval('np.c' + 'ov(X.T)')")
        | body("standardise", "space = {'X': X}\nexec('from scipy.stats import zs' + 'core\\nZ = zs' + "
               "'core(X, ddof=1)', space)\nreturn space['Z']"),
        lost=("covariance", "standardise"), status="forbidden",
    ),
    "handed on": Case(
        "to make the forbidden function its own by other means",
        last=("import functools\ncovariance = functools.partial(getattr(np, 'co' + 'v'), rowvar=False)",),
        lost=("covariance",), status="forbidden",
    ),
    "class by name": Case(
        "to use a forbidden class unseen",
        functions=body("scores", "import importlib\nkind = getattr(importlib.import_module('sklearn.decomposition'), "
                       "'P' + 'CA')\nclass Mine(kind):\n    pass\nf = Mine(E.shape[1]).fit(X)\n"
                       "return (X - X.mean(axis=0)) @ E")
        | body("spectrum", "import torch\nf = getattr(torch.linalg, 's' + 'vd')(torch.as_tensor(S))\n"
               "return f[1].numpy(), f[0].numpy()"),
        lost=("scores", "spectrum"), status="forbidden",
    ),
    "decorated name": covariance(
        "import importlib\nf = getattr(importlib.import_module('sklearn.covariance'), 'empirical' + '_covariance')\n"
        "return f(X) * len(X) / (len(X) - 1)", tries="to use a forbidden function that sklearn decorates",
        status="forbidden",
    ),
    "reference by name": covariance(
        "import importlib\ncopied = importlib.import_module('course.unsuper' + 'vised.pca')\n"
        "return getattr(copied, 'covari' + 'ance')(X)",
        tries="to use the course's own function", status="forbidden",
    ),
    "allowed inside": Case(
        "honestly, what a library may use inside is used by a library",
        functions=body("spectrum", "from scipy.linalg import eigh\nlam, E = eigh(S)\nreturn lam[::-1], E[:, ::-1]")
        | body("covariance", "from sklearn.covariance import OAS\nOAS().fit(X)\n"
               "c = X - np.mean(X, axis=0)\nreturn np.einsum('ij,ik->jk', c, c) / (len(X) - 1)"),
    ),
    # Broken wrappers around honest work.
    "marked": Case("honestly, with a byte-order mark", raw=b"\xef\xbb\xbf" + SOLVED),
    "other kernel": Case("honestly, with R's kernel", edit=of_another_kernel),
    "no kernel": Case("honestly, without metadata", edit=without_kernel),
    "renamed cells": Case("honestly, with other ids and no tags", edit=renamed),
    "reordered cells": Case("honestly, from the last cell to the first", edit=reordered),
    "doubled cells": Case("honestly, everything twice", edit=doubled),
    "no setup": Case("honestly, without the setup", edit=without_setup),
    "thousands of cells": Case("honestly, before five thousand others", last=tuple(f"x = {i}" for i in range(5000))),
    "magics": Case(
        "honestly, with IPython's magics", 
        first=("%matplotlib inline\n!ls\n%time 1 + 1", "%%bash\nls -l", "?np", "%load_ext no"),
    ),
    "broken cells": Case(
        "honestly, beside cells that cannot be read",
        first=("def covariance(X:\n  return", "-" * 50_000 + "1", "(" * 50_000, "x" + ".a" * 40_000,
               "'\ud800'\nprint('\\ud800')"),
        before={"scores": "print('\\ud800 half a character \\x00 \\x1b[31m')\n"},
    ),
    "own names": Case(
        "honestly, with names that the grader knows",
        first=("submission = rng = expected = 3\ncheck = lambda *a: None\nhint = solution = exit",),
    ),
    "in place": Case(
        "honestly, in place",
        functions=body("standardise", "s = X.std(axis=0, ddof=1)\nX -= X.mean(axis=0)\nX /= s\nreturn X"),
    ),
    "defined twice": Case(
        "a wrong function before the right one, and the reverse",
        first=("def covariance(X):\n    return X",), last=("def scores(X, E):\n    return X",), lost=("scores",),
    ),
    "asynchronous": Case(
        "a coroutine", functions={"covariance": "async def covariance(X):\n    return X.T @ X"}, lost=("covariance",),
    ),
    # No work at all.
    "missing cells": Case(
        "to leave out exercises", functions=dict.fromkeys(EVERY[:2], "pass"), lost=EVERY[:2], status="missing",
    ),
    "forged metadata": Case("to claim points, tests and outputs", raw=forged_book(), lost=EVERY),
    "tagged as a check": Case(
        "to pass an exercise off as a check", functions={"covariance": WRONG}, edit=tag_as_check, lost=("covariance",),
    ),
    "cut": Case("half a file", raw=SOLVED[: len(SOLVED) // 2], lost=EVERY, status="unreadable"),
    "empty": Case("an empty file", raw=b"", lost=EVERY, status="unreadable"),
    "wide characters": Case("UTF-16", raw=SOLVED.decode().encode("utf-16"), lost=EVERY, status="unreadable"),
    "nested": Case("deep JSON", raw=b'{"cells": ' + b"[" * 200_000, lost=EVERY, status="unreadable"),
    "nested source": Case(
        "JSON of just the depth that Python can bear",
        raw=b'{"cells": [{"cell_type": "code", "source": [' + b"[" * 985 + b"]" * 985 + b"]}]}", lost=EVERY,
    ),
}  # fmt: skip


@dataclass
class Class:
    """What the one run left: the table, the pages, and what there was before and after."""

    table: dict
    out: Path
    seconds: float
    before: dict
    after: dict
    left: set

    def page(self, student):
        return (self.out / "feedback" / f"{student}.html").read_text(errors="surrogatepass")


def fingerprints(*places):
    """A hash of each of the files, and of every file below the folders."""
    files = [path for place in places for path in (place, *sorted(place.rglob("*"))) if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def sandboxes():
    """Processes of users that only a sandbox has, also those that lost their parents; none of another test worker."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid >= 0x60000000:
                    found.add(int(entry.name))
    return alive(found - (children(os.getppid()) - children()))


def filled(content, places):
    """The bytes of a case with the paths of this run in it."""
    for name, place in places.items():
        content = content.replace(f"{{{name}}}".encode(), str(place).encode())
    return content


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    try:
        launcher_of_this_process(sandbox=True)
    except IsolationError as error:
        pytest.skip(f"NOT TRIED: no sandbox can be had here ({error})")
    folder, canary, out = (tmp_path_factory.mktemp(name) for name in ("submitted", "canary", "out"))
    (canary / "secret").write_text(SECRET)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_SECRET", SECRET)
        places = {
            "hidden": HIDDEN, "solved": project_root() / "solutions/01_pca.py", "canary": canary, "secret": SECRET,
            "submitted": folder, "out": out, "project": project_root(), "port": listener.getsockname()[1],
        }  # fmt: skip
        for student, case in CASES.items():
            content = filled(case.content(), places)
            (folder / student).mkdir()
            (folder / student / "01_pca.ipynb").write_bytes(content)
        for student, target in (("linked", canary / "secret"), ("linked to another", folder / "honest/01_pca.ipynb")):
            (folder / student).mkdir()
            (folder / student / "01_pca.ipynb").symlink_to(target)
        untouched = [*folder.iterdir(), canary, HIDDEN, project_root() / "data"]
        before, running, started = fingerprints(*untouched), children() | sandboxes(), time.monotonic()
        assert grade(folder, out, time_limit=TIME_LIMIT, seed=11, jobs=2) == 1, "a link is not graded, all else is"
        seconds = time.monotonic() - started
        after = fingerprints(*untouched)
    deadline = time.monotonic() + 5
    while (children() | sandboxes()) - running and time.monotonic() < deadline:
        time.sleep(0.05)
    table: dict = {}
    with (out / "grades.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            table.setdefault(row["student"], {})[row["exercise"]] = (int(row["score"]), row["status"])
    return Class(table, out, seconds, before, after, (children() | sandboxes()) - running)


@pytest.mark.parametrize("student", CASES)
def test_each_gets_what_it_deserves(graded, student):
    case = CASES[student]
    scores = {name: graded.table[student].get(name, (0, ""))[0] for name in EVERY}
    deserved = {name: 0 if name in case.lost else points for name, points in POINTS.items()}
    assert scores == deserved, f"{student} tried {case.tries}: {graded.table[student]}"
    if case.status:
        given = {name: graded.table[student][name][1] for name in case.lost}
        assert set(given.values()) == {case.status}, f"{student} tried {case.tries}"


@pytest.mark.parametrize("student", CASES)
def test_none_sees_what_it_must_not(graded, student):
    secret = [line.strip() for line in HIDDEN.read_text().splitlines()]
    secret = [line for line in secret if line.startswith(("assert", "np.testing", "X =", "lam", "def test_", "S ="))]
    assert len(secret) > 30
    page, tried = graded.page(student), f"{student} tried {CASES[student].tries}"
    assert BREACH not in page, tried
    assert SECRET not in page, tried
    assert "root:x:0" not in page, tried
    assert not [line for line in secret if line in page], tried


@pytest.mark.parametrize("student", CASES)
def test_no_page_is_flooded(graded, student):
    size = len(graded.page(student))
    assert size < 60_000, f"{student} tried {CASES[student].tries}: its page has {size} characters"


@pytest.mark.parametrize("student", ["linked", "linked to another"])
def test_a_link_is_not_followed(graded, student):
    assert graded.table[student][""] == (0, graded.table[student][""][1]), student
    assert "is a link" in graded.table[student][""][1], student
    assert SECRET not in graded.page(student), student


def test_no_file_outside_is_touched(graded):
    assert graded.before == graded.after


def test_no_process_is_left(graded):
    assert not graded.left


def test_nobody_waits_for_the_hostile(graded):
    """At most a limit for each cell and function that hangs, and a little for each submission, on two workers."""
    hangs = 30
    assert graded.seconds < 40 + hangs * TIME_LIMIT + 0.5 * len(CASES)


def test_without_walls_the_same_code_gets_through(tmp_path):
    """So the cases above can fail: each of these, harmless in itself, says so when nothing stops it."""
    names = ("network", "orphan", "disk walk", "reader")
    (tmp_path / "canary").mkdir()
    (tmp_path / "canary" / "secret").write_text(SECRET)
    code = "".join(f"print('<{name}>')\n{CASES[name].before['covariance']}" for name in names)
    code = code.replace("print(text[:200])", "pass")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        places = {
            "hidden": HIDDEN, "solved": HIDDEN, "canary": tmp_path / "canary", "secret": SECRET,
            "submitted": tmp_path, "project": project_root(), "port": listener.getsockname()[1],
        }  # fmt: skip
        content = filled(Case("", before={"covariance": code}).content(), places)
        record = grade_one("01_pca.ipynb", content, Unsandboxed(), 20, 0)
    printed = next(result["printed"] for result in record["results"] if result["exercise"] == "covariance")
    for name in names:
        assert BREACH in printed.partition(f"<{name}>")[2].partition("<")[0], f"{name} cannot fail"


def test_the_suite_is_large_enough():
    assert len(CASES) >= 60
