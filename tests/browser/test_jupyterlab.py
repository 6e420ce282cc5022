"""The course in a real JupyterLab, in a real browser: open, Run All, move the slider, look.

Screenshots are left in build/screenshots/.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest

from course.lab import exercises
from course.paths import project_root

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SCREENSHOTS = project_root() / "build" / "screenshots"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on this machine: JupyterLab was NOT looked at in a browser"
    ),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab on a copy of the student's folders."""
    root = tmp_path_factory.mktemp("lab")
    for name in ("notebooks", "data"):
        shutil.copytree(project_root() / name, root / name, ignore=shutil.ignore_patterns(".*"))
    shutil.copy(project_root() / "pyproject.toml", root)
    log = (root / "lab.log").open("w")
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True",
        "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(root / "config"), "IPYTHONDIR": str(root / "ipython")}
    server = subprocess.Popen(command, cwd=root, stdout=log, stderr=subprocess.STDOUT, env=environment)
    try:
        yield _address(server, root / "lab.log")
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def _address(server, log):
    for _ in range(240):
        found = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())
        if found:
            try:
                urllib.request.urlopen(found.group() + "api", timeout=2).read()
                return found.group()
            except OSError:
                pass
        assert server.poll() is None, log.read_text()
        time.sleep(0.25)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


READY = """async () => {
    const panel = jupyterapp.shell.currentWidget;
    await panel.sessionContext.ready;
    const kernel = panel.sessionContext.session.kernel;
    await kernel.info;
    return kernel.connectionStatus === "connected";
}"""
RUN_ALL = """async () => { await jupyterapp.commands.execute("notebook:run-all-cells"); }"""
CELLS = """() => jupyterapp.shell.currentWidget.content.model.sharedModel.cells
    .filter(cell => cell.cell_type === "code")
    .map(cell => ({source: cell.getSource(), outputs: cell.getOutputs(), count: cell.execution_count}))"""


def open_and_run(browser, address, chapter):
    """A page with the notebook open and every cell run; and the code cells, with what they gave."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}lab/tree/notebooks/{chapter}.ipynb?reset", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
    page.wait_for_function(READY, timeout=90_000)
    page.evaluate(RUN_ALL)  # sent before the kernel is ready, it would be dropped without a word
    page.wait_for_function(f"() => ({CELLS})().every(cell => cell.count || !cell.source.trim())", timeout=180_000)
    return page, page.evaluate(CELLS)


def texts_of(cells):
    return "\n".join(str(output) for cell in cells for output in cell["outputs"])


# Every notebook is run by nbval, and three times by test_notebooks.py. Here, these stand for all: a page is a page.
SOME = ("00_start_here", "01_pca", "07_vae", "14_js_gan")


@pytest.mark.parametrize("chapter", exercises.CHAPTERS if os.environ.get("COURSE_BROWSER") == "all" else SOME)
def test_every_cell_runs_in_jupyterlab_and_every_figure_is_shown(browser, lab, chapter):
    page, cells = open_and_run(browser, lab, chapter)
    errors = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert errors == []
    assert texts_of(cells).count("not attempted") >= len(exercises.of_chapter(chapter))
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    # JupyterLab draws cells as they come into view: walk down the page, so that every figure is looked at.
    total = page.evaluate("() => jupyterapp.shell.currentWidget.content.widgets.length")
    seen = 0
    for index in range(total):
        page.evaluate(f"() => jupyterapp.shell.currentWidget.content.scrollToItem({index}, 'center')")
        cell = page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{index}']")
        cell.wait_for(state="attached", timeout=20_000)
        for image in cell.locator(".jp-OutputArea-output img").all():
            image.wait_for(state="visible", timeout=20_000)
            assert image.evaluate("image => image.naturalWidth") > 100
            assert len(image.get_attribute("alt") or "") > 30, "a figure without a text alternative"
            image.scroll_into_view_if_needed()
            page.screenshot(path=SCREENSHOTS / f"{chapter}-{seen:02}.png")
            seen += 1
    expected = texts_of(cells).count("<img alt=")
    assert seen >= expected
    page.close()


def test_a_check_is_shown_as_a_box_and_not_as_plain_text(browser, lab):
    page, _ = open_and_run(browser, lab, "00_start_here")
    page.evaluate(
        """() => { const notebook = jupyterapp.shell.currentWidget.content;
            const index = notebook.widgets.findIndex(w => w.model.sharedModel.getSource().startsWith("for attempt in"));
            notebook.scrollToItem(index, "center"); }"""
    )
    boxes = page.locator(".jp-OutputArea-output div[role=status]")
    boxes.filter(has_text="Is the return missing?").first.wait_for(timeout=20_000)
    page.screenshot(path=SCREENSHOTS / "check.png")
    assert boxes.filter(has_text="smallest minus largest").count() == 1
    page.close()


def test_the_slider_of_chapter_1_redraws_the_figure(browser, lab):
    page, _ = open_and_run(browser, lab, "01_pca")
    page.evaluate(
        """() => { const notebook = jupyterapp.shell.currentWidget.content;
            const index = notebook.widgets.findIndex(w => w.model.sharedModel.getSource().includes("slider(draw"));
            notebook.scrollToItem(index, "center"); }"""
    )
    figure = page.locator(".widget-html img, .jupyter-widgets img").first
    figure.wait_for(timeout=20_000)
    assert "line at 20 degrees" in figure.get_attribute("alt")
    handle = page.locator(".jupyter-widgets.widget-slider [role=slider], .jupyter-widgets .noUi-handle").first
    handle.focus()
    for _ in range(25):
        handle.press("ArrowRight")
    turned = """() => [...document.querySelectorAll(".jupyter-widgets img")]
        .some(image => image.alt.includes("line at 45 degrees"))"""
    page.wait_for_function(turned, timeout=20_000)
    page.screenshot(path=SCREENSHOTS / "slider.png")
    page.close()
