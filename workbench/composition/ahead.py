"""Imports ahead of need. Before the first agent works, git is waited for a dozen times; and once all work,
nothing is to be done for a while. What is imported then, in a thread, keeps nobody waiting."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from importlib import import_module

SOON = ("jinja2.sandbox", "watchfiles")
"""What it takes to write a brief and hear of a marker."""

LATER = ("gitdb.db", "workbench.core.report")
"""What it takes to write a commit, and to report."""

QUIET_SECONDS = 0.25
"""After this much time in a run the first agents have been started, on most machines."""


def import_ahead(modules: Sequence[str]) -> None:
    """Begin to import ``modules`` and come back at once; whoever needs one imports it all the same."""
    threading.Thread(target=_import, args=(modules,), name="imports", daemon=True).start()


def _import(modules: Sequence[str]) -> None:
    for name in modules:
        with contextlib.suppress(ImportError):  # told to whoever needs it
            import_module(name)
