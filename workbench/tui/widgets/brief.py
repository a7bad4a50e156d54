"""Markdown of others to read: its links lead nowhere, and what it shows is text."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Markdown


class Brief(VerticalScroll, can_focus=True, inherit_bindings=False):
    """``show`` gives it the text."""

    DEFAULT_CSS = """
    Brief { height: 1fr; scrollbar-size-vertical: 1; padding: 0 1; }
    Brief Markdown { padding: 0; margin: 0; background: transparent; }
    Brief MarkdownH1 { content-align: left middle; margin: 0 0 1 0; }
    Brief MarkdownH2, Brief MarkdownH3 { margin: 1 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_by(1)", "Down", show=False),
        Binding("up,k", "scroll_by(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f,space", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "edge(-1)", "Begin", show=False),
        Binding("end,G", "edge(1)", "End", show=False),
    ]

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(Markdown(open_links=False), id=id)
        self._text = ""

    def show(self, text: str) -> None:
        """Show this now."""
        if text != self._text:
            self._text = text
            self.query_one(Markdown).update(text)

    def action_scroll_by(self, by: int) -> None:
        """So many lines further."""
        self.scroll_relative(y=by, animate=False, immediate=True)

    def action_page(self, by: int) -> None:
        """So many screens further."""
        self.scroll_relative(y=by * max(1, self.size.height - 2), animate=False, immediate=True)

    def action_edge(self, way: int) -> None:
        """To the beginning or the end."""
        if way < 0:
            self.scroll_home(animate=False)
        else:
            self.scroll_end(animate=False)
