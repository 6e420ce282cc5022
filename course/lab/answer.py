"""What a check, a hint or a solution says: as HTML in JupyterLab, as plain text everywhere else."""

from __future__ import annotations

import html
import re
import sys
from dataclasses import dataclass, field

# Okabe and Ito's colours, told apart by colour-blind readers too; the sign says the same without any colour.
_LOOK = {
    "passed": ("✔", "#009E73"),
    "not attempted": ("○", "#0072B2"),
    "raised": ("✘", "#D55E00"),
    "wrong type or shape": ("✘", "#D55E00"),
    "wrong value": ("✘", "#D55E00"),
    "forbidden": ("✘", "#D55E00"),
    "hint": ("→", "#0072B2"),
    "solution": ("→", "#0072B2"),
    "unknown": ("?", "#D55E00"),
}


@dataclass(frozen=True)
class Answer:
    """One answer to the learner.

    status   a key of the table above
    title    the first line: which exercise, and the verdict on it
    lines    what happened, a sentence each; `code` stands in backticks
    code     Python source to show beneath, or ""
    mistake  the name of the known mistake that the result matches, or ""
    """

    status: str
    title: str
    lines: tuple[str, ...] = ()
    code: str = ""
    mistake: str = field(default="", compare=False)

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    def __str__(self) -> str:
        text = [f"{_LOOK[self.status][0]} {self.title}", *(f"  {line}" for line in self.lines)]
        if self.code:
            text += ["", *(f"    {line}".rstrip() for line in self.code.splitlines())]
        return "\n".join(text)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        sign, colour = _LOOK[self.status]

        def marked(line: str) -> str:
            return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(line, quote=False))

        body = "".join(f"<div style='margin-top:.25em'>{marked(line)}</div>" for line in self.lines)
        if self.code:
            body += f"<pre style='margin:.5em 0 0'><code>{html.escape(self.code)}</code></pre>"
        return (
            f"<div role='status' style='border-left:4px solid {colour};padding:.4em .9em;margin:.2em 0;"
            "background:var(--jp-layout-color2,#f5f5f5);color:var(--jp-content-font-color1,#111);"
            "font-family:var(--jp-content-font-family,sans-serif);max-width:60em'>"
            f"<div><span aria-hidden='true' style='color:{colour};font-weight:bold'>{sign}</span> "
            f"<strong>{marked(self.title)}</strong></div>{body}</div>"
        )


def show(answer: Answer) -> None:
    """Display in a notebook, print elsewhere."""
    if "IPython" in sys.modules:
        from IPython.core.getipython import get_ipython

        if get_ipython() is not None:
            from IPython.display import display

            display(answer)
            return
    print(answer)
