"""The feed: lines of different heights that are followed to their end, until somebody looks back."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.core.history import Told
from workbench.tui.presenting.feed import Entry, height, laid_out
from workbench.tui.presenting.table import fitted
from workbench.tui.presenting.times import moment
from workbench.tui.tones import style
from workbench.tui.widgets.panes import BETWEEN_PANES

KEPT = 12_000
"""Entries that stay laid out; more than the feed holds."""


class Feed(ScrollView, can_focus=True):
    """What was told, oldest first, with a cursor on one entry. With the cursor on the last one it follows
    what comes; anywhere else it stays where it is. Enter, or a second click on an entry, posts ``Chosen``."""

    DEFAULT_CSS = """
    Feed { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"feed--cursor", "feed--day"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "edge(-1)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False, tooltip="Last; a feed is followed from there"),
        Binding("enter", "choose", "Open", show=False),
        *BETWEEN_PANES,
    ]

    class Chosen(Message):
        """An entry was opened."""

        def __init__(self, told: Told) -> None:
            super().__init__()
            self.told = told

    class Followed(Message):
        """The feed began to follow its end, or to stay."""

        def can_replace(self, message: Message) -> bool:
            """How it is in the end can be asked."""
            return isinstance(message, Feed.Followed)

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.empty = empty
        """What stands there when nothing was told."""
        self.following = True
        self.cursor = 0
        self._told: Sequence[Told] = ()
        self._laid: dict[int, Entry] = {}
        self._heights: dict[int, tuple[int, str]] = {}
        """How many lines each entry takes, and its day."""
        self._width = 0
        self._ends: list[int] = []
        """Where each entry ends, in lines from the top; a new day has a line of its own before it."""

    @property
    def told(self) -> Told | None:
        """The entry with the cursor."""
        return self._told[self.cursor] if self.cursor < len(self._told) else None

    @property
    def later(self) -> int:
        """How many entries stand below the cursor."""
        return max(0, len(self._told) - 1 - self.cursor)

    def show(self, told: Sequence[Told]) -> None:
        """Show this now. The cursor stays on its entry, unless the end is followed."""
        at, top = self.told, self._top()
        self._told = told
        self._lay_out()
        if self.following or at is None:
            self._to_end()
        else:
            self.cursor = self._place(at.seq)
            self._stay(top)
        self.refresh()

    def _place(self, seq: int) -> int:
        """The entry of a record, or the first after it."""
        return min(max(0, len(self._told) - 1), bisect_right(self._told, seq - 1, key=lambda it: it.seq))

    def _lay_out(self) -> None:
        width = max(20, self.scrollable_content_region.width - 1)
        if width != self._width or len(self._heights) > KEPT:
            self._laid, self._heights, self._width = {}, {}, width
        known = self._heights
        heights, before = [], ""
        for told in self._told:
            if (there := known.get(told.seq)) is None:
                there = known[told.seq] = height(told, width), moment(told.at)[0]
            lines, day = there
            heights.append(lines + 1 if day != before and before else lines)
            before = day
        self._ends = list(accumulate(heights))
        self.virtual_size = Size(self.size.width, self._ends[-1] if self._ends else 1)

    # -- where it is ----------------------------------------------------------------------------

    def _top(self) -> tuple[int, int]:
        """The entry at the top, by its record, and how many of its lines are above."""
        y = int(self.scroll_offset.y)
        place = bisect_right(self._ends, y)
        if place >= len(self._told):
            return (0, 0)
        return self._told[place].seq, y - (self._ends[place - 1] if place else 0)

    def _stay(self, top: tuple[int, int]) -> None:
        seq, inside = top
        place = self._place(seq)
        self._scroll((self._ends[place - 1] if place else 0) + inside)

    def _to_end(self) -> None:
        self.cursor = max(0, len(self._told) - 1)
        self._scroll(max(0, self.virtual_size.height - self.size.height))

    def _scroll(self, y: int) -> None:
        self.scroll_to(y=y, animate=False)

    def _reveal(self) -> None:
        if not self._ends:
            return
        first = self._ends[self.cursor - 1] if self.cursor else 0
        last, top, height = self._ends[self.cursor], int(self.scroll_offset.y), max(1, self.size.height)
        if first < top:
            self._scroll(first)
        elif last > top + height:
            self._scroll(max(0, min(first, last - height)))

    def _follow(self, follows: bool) -> None:
        if follows != self.following:
            self.following = follows
            self.post_message(self.Followed())

    def on_mouse_scroll_up(self) -> None:
        self.call_after_refresh(self._looked)

    def on_mouse_scroll_down(self) -> None:
        self.call_after_refresh(self._looked)

    def on_scroll_up(self) -> None:
        """A page up, by a click on the scrollbar."""
        self._follow(False)

    def on_scroll_to(self) -> None:
        """The scrollbar was dragged."""
        self.call_after_refresh(self._looked)

    def _looked(self) -> None:
        """Who scrolls up looks back; who scrolls to the end follows it again. The cursor stays in view."""
        if not self._ends:
            return
        top, last = int(self.scroll_offset.y), len(self._told) - 1
        if top >= int(self.max_scroll_y):
            self.cursor = last
        else:
            bottom = top + max(1, self.size.height) - 1
            highest, lowest = bisect_right(self._ends, top), bisect_right(self._ends, bottom)
            self.cursor = max(min(self.cursor, lowest, last), highest)
        self._follow(top >= int(self.max_scroll_y))
        self.refresh()

    def on_resize(self) -> None:
        """Lines break elsewhere."""
        at = self._top()
        self._lay_out()
        if self.following:
            self._to_end()
        else:
            self._stay(at)
            self._reveal()
        self.refresh()

    # -- drawing --------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """See ScrollView."""
        width, theme, base = self.size.width, self.app.current_theme, self.rich_style
        line = y + int(self.scroll_offset.y)
        if not self._ends or line >= self._ends[-1]:
            said = f" {self.empty}" if not self._ends and line == 0 else ""
            said = fitted(said, width)
            return Strip([Segment(said, base + style("faint", theme))]).adjust_cell_length(width, base)
        place = bisect_right(self._ends, line)
        told = self._told[place]
        if (entry := self._laid.get(told.seq)) is None:
            entry = self._laid[told.seq] = laid_out(told, self._width)
        inside = line - (self._ends[place] - len(entry.lines))
        if inside < 0:
            day = fitted(f"── {moment(told.at)[0]} ".ljust(width, "─"), width)
            return Strip([Segment(day, base + style("faint", theme))])
        at = place == self.cursor
        if at and self.has_focus:
            base = self.get_component_rich_style("feed--cursor")
        parts = [Segment("▌" if at else " ", base + style("accent", theme))]
        parts += [Segment(text, base + style(tone, theme)) for text, tone in entry.lines[inside]]
        return Strip(parts).adjust_cell_length(width, base)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    # -- keys -----------------------------------------------------------------------------------

    def _go(self, place: int) -> None:
        last = len(self._told) - 1
        self.cursor = max(0, min(place, last))
        self._follow(self.cursor >= last)
        if self.following:
            self._to_end()
        else:
            self._reveal()
        self.refresh()

    def action_move(self, by: int) -> None:
        """The cursor by so many entries."""
        self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """The cursor by so many screens."""
        if not self._ends:
            return
        line = self._ends[self.cursor] - 1 + by * max(1, self.size.height - 1)
        self._go(bisect_right(self._ends, max(0, line)))

    def action_edge(self, way: int) -> None:
        """The cursor to the first entry or to the last."""
        self._go(0 if way < 0 else len(self._told) - 1)

    def action_choose(self) -> None:
        """Open the entry with the cursor."""
        if self.told is not None:
            self.post_message(self.Chosen(self.told))

    def on_click(self, event: events.Click) -> None:
        """The first click on an entry moves the cursor there, the second opens it."""
        place = bisect_right(self._ends, event.y + int(self.scroll_offset.y))
        if place >= len(self._told):
            return
        if place == self.cursor and event.chain > 1:
            self.action_choose()
        self._go(place)
