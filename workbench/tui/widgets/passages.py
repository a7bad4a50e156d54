"""What was said and done, passage by passage, each of which folds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from workbench.tui.presenting.table import Cell
from workbench.tui.presenting.transcript import Passage, drawn
from workbench.tui.widgets.lines import Lines

Drawn = list[tuple[Cell, ...]]


class Passages(Lines):
    """Passages, of which only those that changed are laid out anew. It stays at its end as they come, until
    the person goes elsewhere; the cursor stays on its passage."""

    FOLLOWS: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "fold", "Unfold", tooltip="Unfold or fold what stands at the cursor"),
        Binding("z", "fold_all", "Unfold all", tooltip="Unfold everything, or fold it", show=False),
        Binding("n", "passage(1)", "Next", tooltip="Go to what was said or done next", show=False),
        Binding("N", "passage(-1)", "Previous", tooltip="Go to what was said or done before", show=False),
    ]

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(empty=empty, id=id)
        self.passages: tuple[Passage, ...] = ()
        self._head = ""
        self._turned: set[str] = set()
        """Keys of those that somebody folded or unfolded."""
        self._all = False
        """Whether all are open that would not be."""
        self._drawn: dict[str, tuple[Passage, bool, Drawn]] = {}
        self._width = 0
        self._starts: list[int] = []
        self._count = 0

    def show(self, passages: Sequence[Passage], head: str = "", empty: str | None = None) -> None:
        """Show these now, under this line."""
        passages = tuple(passages)
        if empty is not None and empty != self.empty:
            self.empty = empty
            self.refresh()
        if head != self._head:
            self._head = head
            self.refresh()
        if passages != self.passages:
            self._take(passages)

    def _take(self, passages: tuple[Passage, ...]) -> None:
        key, line = self._where()
        self.passages = passages
        self._lay_out()
        there = next((it for it, passage in enumerate(passages) if passage.key == key), None)
        if there is None:
            self.changed(self.cursor)
        else:
            self.changed(self._starts[there] + min(line, self._height(there) - 1))

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width - 1
        if width != self._width:
            self._drawn.clear()
            self._width = width
        kept: dict[str, tuple[Passage, bool, Drawn]] = {}
        self._starts, row = [], 0
        for passage in self.passages:
            opened = self._opened(passage)
            before = self._drawn.get(passage.key)
            same = before is not None and (before[0] is passage or before[0] == passage)
            if before is None or not same or before[1] != opened:
                before = (passage, opened, drawn(passage, max(8, width), opened=opened))
            kept[passage.key] = before
            self._starts.append(row)
            row += len(before[2])
        self._drawn, self._count = kept, row

    def _opened(self, passage: Passage) -> bool:
        return (passage.opens or (self._all and passage.folds)) != (passage.key in self._turned)

    def _height(self, place: int) -> int:
        return len(self._drawn[self.passages[place].key][2])

    def _at(self, number: int) -> int:
        return max(0, bisect_right(self._starts, number) - 1)

    def _where(self) -> tuple[str, int]:
        if not self.passages:
            return "", 0
        place = self._at(self.cursor)
        return self.passages[place].key, self.cursor - self._starts[place]

    @property
    def passage(self) -> Passage | None:
        """The one with the cursor."""
        return self.passages[self._at(self.cursor)] if self.passages else None

    @property
    def count(self) -> int:
        """See Lines."""
        return self._count

    def summary(self, width: int) -> str:
        """See Lines."""
        if self.FOLLOWS and not self.following and self.count:
            return f"{self._head} · not following: G goes to the end"
        return self._head

    def line(self, number: int, width: int, *, at: bool) -> Strip:
        """See Lines."""
        place = self._at(number)
        cells = self._drawn[self.passages[place].key][2][number - self._starts[place]]
        base = self.ground(at=at)
        parts = [Segment(cell.text, base + self.toned(cell.tone)) for cell in cells if cell.text]
        return Strip([self.mark(at=at), *parts]).adjust_cell_length(width, base)

    def on_resize(self) -> None:
        key, line = self._where()
        self._lay_out()
        there = next((it for it, passage in enumerate(self.passages) if passage.key == key), None)
        self.changed(self._starts[there] + line if there is not None else self.cursor)

    def action_fold(self) -> None:
        """Unfold or fold the passage with the cursor."""
        passage = self.passage
        if passage is None or not (passage.folds or passage.opens):
            return
        self._turned ^= {passage.key}
        following, self.following = self.following, False  # what was unfolded is to be read
        self._lay_out()
        place = self._at_key(passage.key)
        first = self._starts[place]
        self.changed(first)
        self.reveal(first, first + self._height(place) - 1)
        self.following = following and self.cursor >= self.count - 1

    def _at_key(self, key: str) -> int:
        return next((it for it, passage in enumerate(self.passages) if passage.key == key), 0)

    def action_fold_all(self) -> None:
        """Unfold all, or fold them."""
        key, _ = self._where()
        self._all = not self._all
        self._turned.clear()
        self._lay_out()
        self.changed(self._starts[self._at_key(key)] if self.passages else 0)

    def action_passage(self, way: int) -> None:
        """The cursor to the first line of the next passage, or of the one before."""
        if self.passages:
            place = self._at(self.cursor) + way
            if 0 <= place < len(self._starts):
                self.go(self._starts[place])

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a second one folds."""
        if (number := self.pointed(event)) is not None:
            at = number == self.cursor
            self.go(number)
            if at or event.chain > 1:
                self.action_fold()
