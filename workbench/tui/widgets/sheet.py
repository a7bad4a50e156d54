"""Text to read: lines wrapped to the width there is, of which only those are drawn that can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui.presenting.prose import Line, wrapped
from workbench.tui.tones import style
from workbench.tui.widgets.reading import READING, Reading

MOST = 20_000
"""Lines that are shown; of longer text, the last."""


class Sheet(Reading, ScrollView, can_focus=True, inherit_bindings=False):
    """``show`` gives it what to show. A sheet that ``follows`` stays at its end while that grows, until
    somebody scrolls up; at its end again, it follows again."""

    DEFAULT_CSS = """
    Sheet { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; padding: 0; }
    Sheet:focus { background-tint: $foreground 4%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*READING]

    def __init__(self, *, empty: str = "", follows: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.empty, self.follows = empty, follows
        self.lines: tuple[Line, ...] = ()
        self._about: object = None
        self._drawn: list[Line] = []
        self._width = 0

    def show(self, lines: Sequence[Line], about: object = None) -> None:
        """Show these lines now. Where they are ``about`` something else than those before, they are shown
        from their beginning, or their end; otherwise what is read stays where it is."""
        lines = tuple(lines[-MOST:])
        anew = about != self._about
        if lines == self.lines and not anew:
            return
        ended = anew or self.is_vertical_scroll_end
        self._about, self.lines = about, lines
        self._lay()
        if self.follows and ended:
            self.scroll_end(animate=False, immediate=True)
        elif anew:
            self.scroll_to(y=0, animate=False, immediate=True)

    def _lay(self) -> None:
        self._width = max(1, self.scrollable_content_region.width - 2)
        lines = self.lines or (((),) if not self.empty else ())
        self._drawn = [piece for line in lines for piece in wrapped(line, self._width)]
        self.virtual_size = Size(self._width, len(self._drawn))
        self.refresh()

    def on_resize(self) -> None:
        if self._width == max(1, self.scrollable_content_region.width - 2):
            return
        ended = self.is_vertical_scroll_end
        self._lay()
        if self.follows and ended:
            self.scroll_end(animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        """See ScrollView."""
        base, theme, width = self.rich_style, self.app.current_theme, self.size.width
        place = y + int(self.scroll_offset.y)
        if not self.lines and place == 0:
            cells = [Segment(f" {self.empty}", base + style("faint", theme))]
        elif place < len(self._drawn):
            cells = [Segment(" ", base)]
            cells += [Segment(cell.text, base + style(cell.tone, theme)) for cell in self._drawn[place]]
        else:
            cells = []
        return Strip(cells).adjust_cell_length(width, base)
