"""A page about one thing beside a list, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.tui.presenting.table import Cell

Form = Literal["text", "markdown", "change", "lines"]
"""How a part is written: words, Markdown, what changes in a plan, or a program's output."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a page under its heading, which may be empty."""

    heading: str
    text: str
    form: Form = "text"


@dataclass(frozen=True, slots=True)
class Page:
    """All that there is to read about one thing. ``facts`` are names and values, ``keys`` what can be
    pressed and what that does. Parts in Markdown come first."""

    key: str
    title: Cell
    facts: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
