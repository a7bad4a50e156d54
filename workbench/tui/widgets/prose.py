"""A text to be read, drawn line by line as it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.worker import get_current_worker

from workbench.tui.widgets.laying import Laid, Make, as_source, printable

if TYPE_CHECKING:
    from textual.theme import Theme

LAID_OUT = 200_000
"""Characters that are laid out as Markdown, at most; more is shown as it is written."""


def as_markdown(text: str, *, tables: bool = False) -> Make:
    """``text`` laid out, with each heading at its line; as it is written where it is too long for that. For
    ``tables`` see ``markdown.laid_out``."""

    def make(width: int, theme: Theme) -> Laid:
        from workbench.tui.widgets.markdown import laid_out  # takes a while to import: here, in a thread

        return laid_out(printable(text), width, theme, tables=tables)

    return make if len(text) <= LAID_OUT else as_source(text)


class Prose(ScrollView, can_focus=True):
    """A text that is laid out in a thread, however long, and drawn only where it is seen. ``show`` gives it
    what to show; until that is laid out, what was there before stays."""

    DEFAULT_CSS = """
    Prose { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; padding: 0; }
    Prose > .prose--mark { background: $primary 25%; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"prose--mark"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "rows(1)", "Down", show=False),
        Binding("up,k", "rows(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f,space", "pages(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "pages(-1)", "Page up", show=False),
        Binding("home,g", "end(-1)", "To the beginning", show=False),
        Binding("end,G", "end(1)", "To the end", show=False),
    ]

    class _Ready(Message):
        def __init__(self, made: Make, width: int, laid: Laid) -> None:
            super().__init__()
            self.made, self.width, self.laid = made, width, laid

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._make: Make | None = None
        self._laid = Laid()
        self._current: tuple[Make, int] | None = None
        self._marked = 0
        self._wanted = 0

    @property
    def line(self) -> int:
        """The line of the source that stands at the top; 0 for none."""
        top = int(self.scroll_offset.y)
        return self._laid.lines[top] if top < len(self._laid.lines) else 0

    @property
    def marked(self) -> int:
        """The line that it was last sent to; 0 for none."""
        return self._marked

    def show(self, make: Make, at: int = 0) -> None:
        """Show this; ``at`` is the line to begin with, otherwise it stays where it is."""
        self._make, self._marked, self._wanted = make, 0, at
        self._lay()

    def go(self, line: int) -> None:
        """Mark a line, and bring it into sight."""
        self._marked = self._wanted = line
        if self._current is not None and self._current[0] is self._make:
            self._arrive()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._on_theme)

    def _on_theme(self, _: object) -> None:
        self._current = None
        self._wanted = self._wanted or self.line
        self._lay()

    def on_resize(self) -> None:
        if self._current is not None and self._room != self._current[1]:
            self._wanted = self._wanted or self.line
        self._lay()

    @property
    def _room(self) -> int:
        # Room for the scroll bar is always left: whether there is one depends on what comes of this.
        return max(0, self.size.width + self.scrollbar_size_vertical * self.show_vertical_scrollbar - 3)

    def _lay(self) -> None:
        make, room = self._make, self._room
        if make is None or room < 8 or self._current == (make, room):
            return
        theme = self.app.current_theme

        def laying() -> None:
            laid = make(room, theme)
            if not get_current_worker().is_cancelled:
                self.post_message(self._Ready(make, room, laid))

        self.run_worker(laying, group="lay", exclusive=True, thread=True)

    def on_prose__ready(self, event: _Ready) -> None:
        if event.made is not self._make:
            return
        self._laid = event.laid
        self._current = (event.made, event.width)
        self.virtual_size = Size(self.size.width, len(self._laid.rows))
        self.refresh()
        if self._wanted:
            self.call_after_refresh(self._arrive)

    def _arrive(self) -> None:
        if not self._wanted:
            return
        row = self._laid.row(self._wanted)
        above = 2 if self._marked else 0
        self._wanted = 0
        self.scroll_to(y=max(0, row - above), animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """See ScrollView."""
        width, base = self.size.width, self.rich_style
        row = y + int(self.scroll_offset.y)
        if row >= len(self._laid.rows):
            return Strip.blank(width, base)
        if self._marked and self._laid.lines[row] == self._marked:
            base = self.get_component_rich_style("prose--mark")
        strip = Strip([Segment(" "), *self._laid.rows[row]]).apply_style(base)
        return strip.adjust_cell_length(width, base)

    def action_rows(self, by: int) -> None:
        """So many rows on."""
        self.scroll_relative(y=by, animate=False, immediate=True)

    def action_pages(self, by: int) -> None:
        """So many screens on."""
        self.scroll_relative(y=by * max(1, self.size.height - 2), animate=False, immediate=True)

    def action_end(self, way: int) -> None:
        """To the beginning or the end."""
        self.scroll_to(y=0 if way < 0 else self.max_scroll_y, animate=False, immediate=True)
