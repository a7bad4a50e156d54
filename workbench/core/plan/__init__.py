"""The plan: a Markdown file with a context, a shared contract and tasks; approved by its hash.

Text in, values out, and back. Which file holds what:

    page          the text as blocks, each at its line; comments and verbatim fences
    front         YAML front matter: settings of the run, todos
    fields        the list of fields below a task's heading
    parse         the structured plan
    steps         a plain plan, split by its headings and lists
    answer        a plan that a model split or drafted, and its opinion of one
    draft         tasks as written, and ``build``, which holds them to
    rules         what each value may be, and to ``core.graph``
    writing       a plan as text again, and its summary
    boxes         the box before each task, which says where it stands
    meetings      which tasks can be at work at once on the same files
    review        what a plan that parses could still be better at
    suitability   whether it is worth a team

What only a plain plan needs, or one that is written, is imported when it is first asked for.
"""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import TYPE_CHECKING

from workbench.core.plan.parse import is_structured, parse

if TYPE_CHECKING:
    from workbench.core.plan.answer import SPLIT_SCHEMA, from_split
    from workbench.core.plan.steps import split
    from workbench.core.plan.writing import render, summary

LATER = {
    "SPLIT_SCHEMA": "answer",
    "from_split": "answer",
    "split": "steps",
    "render": "writing",
    "summary": "writing",
}

__all__ = ["SPLIT_SCHEMA", "from_split", "is_structured", "parse", "render", "sha256", "split", "summary"]


def __getattr__(name: str) -> object:
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{LATER[name]}"), name)
    return found


def sha256(text: str) -> str:
    """The name of exactly this text, for approvals: nothing is normalised, not even line ends."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
