"""A table that draws only what can be seen, so that a thousand rows cost what twenty do."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui.presenting.table import GAP, Column, Made, Row, fitted, key_at, place_of, widths
from workbench.tui.tones import style


class Rows(ScrollView, can_focus=True):
    """Rows under fixed headings, with a cursor that stays on its row whatever is added or taken away.

    ``show`` gives it what to show; only what has changed is drawn again. Enter, or a click on the row with
    the cursor, posts ``Chosen``.
    """

    DEFAULT_CSS = """
    Rows { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--heading", "rows--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False, group=None),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "edge(-1)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
        Binding("enter,l", "choose", "Open", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    class Chosen(Message):
        """A row was opened: ``key`` is its key."""

        def __init__(self, rows: Rows, key: str) -> None:
            super().__init__()
            self.rows, self.key = rows, key

        @property
        def control(self) -> Rows:
            return self.rows

    class Moved(Message):
        """The cursor stands on another row: ``key`` is its key, "" when there is none."""

        def __init__(self, rows: Rows, key: str) -> None:
            super().__init__()
            self.rows, self.key = rows, key

        def can_replace(self, message: Message) -> bool:
            """Only where it stands in the end counts."""
            return isinstance(message, Rows.Moved) and message.rows is self.rows

        @property
        def control(self) -> Rows:
            return self.rows

    def __init__(self, columns: Sequence[Column], *, empty: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.empty = empty
        """What stands there when there are no rows."""
        self.rows: Sequence[Row] = ()
        self._widths: list[int] = []
        self._drawn: dict[int, Row] = {}

    @property
    def key(self) -> str:
        """The key of the row with the cursor; "" when there is none."""
        return key_at(self.rows, self.cursor)

    def show(self, rows: Sequence[Row], columns: Sequence[Column] | None = None) -> None:
        """Show these rows now; of those that are ``Made`` only what is visible is looked at. The cursor stays
        on the row of its key, or at its place where that is gone."""
        if columns is not None and tuple(columns) != self.columns:
            self.columns = tuple(columns)
            self._measure()
            self.refresh()
        before, rows = self.rows, rows if isinstance(rows, Made) else tuple(rows)
        if rows == before:
            return
        key = self.key
        self.rows = rows
        if len(rows) != len(before) or self.virtual_size.width != self.size.width:
            self._measure()
        if key and key != self.key:
            there = place_of(rows, key)
            self.cursor = there if there is not None else max(0, min(self.cursor, len(rows) - 1))
        if len(rows) != len(before):
            self.refresh()
            return
        top, height = int(self.scroll_offset.y), self.size.height - 1
        for it in range(top, min(top + height, len(rows))):
            if rows[it] != self._drawn.get(it):
                self._draw(it)

    def point(self, key: str) -> bool:
        """Put the cursor on the row of ``key``; False when there is none."""
        there = place_of(self.rows, key)
        if there is None:
            return False
        self.cursor = there
        return True

    def _measure(self) -> None:
        room = max(1, self.scrollable_content_region.width - 2)
        self._widths = widths(self.columns, room)
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)

    def on_resize(self) -> None:
        self._measure()
        self._reveal()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """See ScrollView."""
        width = self.size.width
        theme = self.app.current_theme
        if y == 0:
            heading = self.get_component_rich_style("rows--heading")
            text = (" " * GAP).join(
                fitted(column.title, size, right=column.right)
                for column, size in zip(self.columns, self._widths, strict=False)
                if size
            )
            return self._strip([Segment(f" {text}", heading)], width, heading)
        place = y - 1 + int(self.scroll_offset.y)
        base = self.rich_style
        if place >= len(self.rows):
            said = [] if self.rows else textwrap.wrap(self.empty, max(10, width - 2))
            line = f" {said[place]}" if place < len(said) else ""
            return self._strip([Segment(line, base + style("faint", theme))], width, base)
        row = self._drawn[place] = self.rows[place]
        at = place == self.cursor
        if at and self.has_focus:
            base = self.get_component_rich_style("rows--cursor")
        parts = [Segment("▌" if at else " ", base + style("accent", theme))]
        first = True
        for column, size, cell in zip(self.columns, self._widths, row.cells, strict=False):
            if not size:
                continue
            if not first:
                parts.append(Segment(" " * GAP, base))
            first = False
            for text, tone in cell.pieces(size, right=column.right):
                parts.append(Segment(text, base + style(tone, theme)))
        return self._strip(parts, width, base)

    def _strip(self, parts: list[Segment], width: int, base: Style) -> Strip:
        return Strip(parts).adjust_cell_length(width, base)

    def _draw(self, place: int) -> None:
        y = place + 1 - int(self.scroll_offset.y)
        if 0 < y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _reveal(self) -> None:
        top, height = int(self.scroll_offset.y), max(1, self.size.height - 1)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False)

    def watch_cursor(self, before: int, now: int) -> None:
        """Draw the two rows, and tell."""
        self._draw(before)
        self._draw(now)
        self._reveal()
        self.post_message(self.Moved(self, self.key))

    def on_focus(self) -> None:
        self._draw(self.cursor)

    def on_blur(self) -> None:
        self._draw(self.cursor)

    def _go(self, place: int) -> None:
        self.cursor = max(0, min(place, len(self.rows) - 1))

    def action_move(self, by: int) -> None:
        """The cursor by so many rows."""
        self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """The cursor by so many screens."""
        self._go(self.cursor + by * max(1, self.size.height - 2))

    def action_edge(self, way: int) -> None:
        """The cursor to the first row or to the last."""
        self._go(0 if way < 0 else len(self.rows) - 1)

    def action_choose(self) -> None:
        """Open the row with the cursor."""
        if self.key:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """The first click on a row moves the cursor there, one on that row opens it."""
        place = event.y - 1 + int(self.scroll_offset.y)
        if event.y == 0 or place >= len(self.rows):
            return
        if place == self.cursor and event.chain > 1:
            self.action_choose()
        self._go(place)
