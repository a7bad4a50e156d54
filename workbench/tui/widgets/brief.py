"""Markdown of others to read: its links lead nowhere, and what it shows is text."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Markdown

from workbench.tui.widgets.reading import READING, Reading


class Brief(Reading, VerticalScroll, can_focus=True, inherit_bindings=False):
    """``show`` gives it the text."""

    DEFAULT_CSS = """
    Brief { height: 1fr; scrollbar-size-vertical: 1; padding: 0 1; }
    Brief Markdown { padding: 0; margin: 0; background: transparent; }
    Brief MarkdownH1 { content-align: left middle; margin: 0 0 1 0; }
    Brief MarkdownH2, Brief MarkdownH3 { margin: 1 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*READING]

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(Markdown(open_links=False), id=id)
        self._text = ""

    def show(self, text: str) -> None:
        """Show this now."""
        if text != self._text:
            self._text = text
            self.query_one(Markdown).update(text)
