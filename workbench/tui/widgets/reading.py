"""How a text is scrolled by keys, line by line and screen by screen."""

from __future__ import annotations

from textual.binding import Binding
from textual.widget import Widget

READING: tuple[Binding, ...] = (
    Binding("down,j", "scroll_by(1)", "Down", show=False),
    Binding("up,k", "scroll_by(-1)", "Up", show=False),
    Binding("pagedown,ctrl+f,space", "page(1)", "Page down", show=False),
    Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
    Binding("home,g", "edge(-1)", "Begin", show=False),
    Binding("end,G", "edge(1)", "End", show=False),
)


class Reading(Widget):
    """What the keys of ``READING`` do; a widget that takes these has them among its own."""

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
