"""Lines under a line of their own, of which only those that can be seen are made."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui.presenting.table import fitted
from workbench.tui.tones import style


class Lines(ScrollView, can_focus=True):
    """A long text with a cursor. A subclass says how many lines there are (``count``), makes each of them
    (``line``), and the one that stays on top (``summary``); it calls ``changed`` when there are others.

    With ``FOLLOWS`` it stays at its end as lines come, until the person goes elsewhere.
    """

    DEFAULT_CSS = """
    Lines { height: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable; overflow-x: hidden; }
    Lines > .lines--summary { text-style: bold; color: $text-muted; }
    Lines > .lines--cursor { background: $primary 25%; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--summary", "lines--cursor"}
    FOLLOWS: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "edge(-1)", "First line", show=False),
        Binding("end,G", "edge(1)", "Last line", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.empty = empty
        """What stands there when there are no lines."""
        self.following = self.FOLLOWS
        self._moving = False

    @property
    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def line(self, number: int, width: int, *, at: bool) -> Strip:
        """One of them, with the cursor or without."""
        raise NotImplementedError

    def summary(self, width: int) -> str:
        """What stands above them, whatever part of them is seen."""
        raise NotImplementedError

    def changed(self, cursor: int) -> None:
        """There are other lines now, and the cursor is to be on this one."""
        self._moving = True
        try:
            self.virtual_size = Size(self.size.width, self.count + 1)
            last = max(0, self.count - 1)
            # With the cursor on the last line as before, nothing would be told of the move.
            self.cursor = last if self.following else max(0, min(cursor, last))
            self._reveal(anyway=self.following)
        finally:
            self._moving = False
        self.refresh()

    # -- drawing --------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """See ScrollView."""
        width = self.scrollable_content_region.width  # without the scroll bar
        if y == 0:
            said = Segment(fitted(f" {self.summary(width)}", width), self.component("lines--summary"))
            return Strip([said])
        number = y - 1 + int(self.scroll_offset.y)
        if number < self.count:
            return self.line(number, width, at=number == self.cursor)
        said = Segment(f" {self.empty}" if number == 0 else "", self.rich_style + self.toned("faint"))
        return Strip([said]).adjust_cell_length(width, self.rich_style)

    def component(self, name: str) -> Style:
        """The style of a part of this widget."""
        return self.get_component_rich_style(name)

    def toned(self, tone: str) -> Style:
        """The style of a tone."""
        return style(tone, self.app.current_theme)  # type: ignore[arg-type]

    def ground(self, *, at: bool) -> Style:
        """What a line is drawn on."""
        return self.component("lines--cursor") if at and self.has_focus else self.rich_style

    def mark(self, *, at: bool) -> Segment:
        """The first cell of a line."""
        return Segment("▌" if at else " ", self.ground(at=at) + self.toned("accent"))

    def _draw(self, number: int) -> None:
        y = number + 1 - int(self.scroll_offset.y)
        if 0 < y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    # -- going about ----------------------------------------------------------------------------

    def on_resize(self) -> None:
        self.changed(self.cursor)

    def _reveal(self, *, anyway: bool = False) -> None:
        top, height = int(self.scroll_offset.y), max(1, self.size.height - 1)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + height or anyway:
            self.scroll_to(y=max(0, self.cursor - height + 1), animate=False)

    def reveal(self, first: int, last: int) -> None:
        """Scroll down until these lines can be seen, as far as the first of them stays."""
        height = max(1, self.size.height - 1)
        if last >= int(self.scroll_offset.y) + height:
            self.scroll_to(y=min(first, last - height + 1), animate=False)

    def watch_cursor(self, before: int, now: int) -> None:
        """Draw the two lines."""
        self._draw(before)
        self._draw(now)
        if not self._moving:
            self.following = self.FOLLOWS and now >= self.count - 1
            self._reveal()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Whoever scrolls up wants to read there."""
        super().watch_scroll_y(old_value, new_value)
        if self.FOLLOWS and not self._moving:
            self.following = new_value >= self.max_scroll_y

    def on_focus(self) -> None:
        self._draw(self.cursor)

    def on_blur(self) -> None:
        self._draw(self.cursor)

    def go(self, number: int) -> None:
        """The cursor to this line, or to the nearest that there is."""
        self.cursor = max(0, min(number, self.count - 1))

    def action_move(self, by: int) -> None:
        """The cursor by so many lines."""
        self.go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """The cursor by so many screens."""
        self.go(self.cursor + by * max(1, self.size.height - 2))

    def action_edge(self, way: int) -> None:
        """The cursor to the first line or to the last."""
        self.go(0 if way < 0 else self.count - 1)
        if way > 0 and self.FOLLOWS:
            self.following = True
            self._reveal(anyway=True)

    def pointed(self, event: events.Click) -> int | None:
        """The line that was clicked at; None beside them."""
        number = event.y - 1 + int(self.scroll_offset.y)
        return number if event.y > 0 and number < self.count else None
