"""The letters of a run as a list of exchanges that fold."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from workbench.core.mail import Message
from workbench.tui.presenting import threads
from workbench.tui.presenting.table import Row
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.core.watched import Watched

LETTERS_SECONDS = 1.0
"""How often the letters are read anew at most while none is added: that looks at every mailbox."""


class Letters(Rows):
    """Exchanges, the latest at the end, where the cursor begins and stays for as long as it is there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "screen.page", "Read", show=False),
        Binding("space", "fold", "Fold", show=False, tooltip="Fold the exchange at the cursor, or unfold it"),
        Binding("minus", "fold_all", "Fold all", show=False, tooltip="Fold all exchanges, or unfold them"),
    ]

    def __init__(self, *, empty: str, id: str) -> None:  # noqa: A002
        super().__init__(threads.COLUMNS, empty=empty, id=id)
        self._folded: set[str] = set()
        self._watched: Watched | None = None
        self._now = 0.0
        self._matches: Callable[[Message], bool] | None = None
        self._made: dict[tuple[str, int, int, str], Row] = {}
        self._read: tuple[object, ...] = ()
        self._read_at = float("-inf")

    @property
    def message(self) -> Message | None:
        """The message at the cursor."""
        return self._watched.state.mail.get(self.key) if self._watched is not None else None

    def bring(
        self, watched: Watched, now: float, words: str, matches: Callable[[Message], bool] | None
    ) -> None:
        """Show the letters of a run as they stand at ``now``: those that match the ``words`` of a filter."""
        if self._watched is not watched:
            self._folded.clear()
        state = watched.state
        self._watched, self._now, self._matches = watched, now, matches
        read = (watched.run, words, len(state.mail), len(state.answers), len(state.asks))
        if read != self._read or monotonic() - self._read_at >= LETTERS_SECONDS:
            self._read, self._read_at = read, monotonic()
            self._draw_all()

    def _draw_all(self) -> None:
        watched = self._watched
        if watched is None:
            return
        readers, sent = threads.Readers(watched.state), watched.history.sent
        last = self.cursor >= len(self.rows) - 1
        found = threads.entries(watched.state, self._folded, self._matches)
        before, self._made = self._made, {}
        for it in found:  # what a letter says does not change
            stands = readers.stands(it.message)
            key = (it.message.id, it.depth, it.hidden, stands.text)
            self._made[key] = before.get(key) or threads.row(it, sent, self._now, stands)
        self.show(list(self._made.values()))
        if self.rows and last:
            self.action_edge(1)

    def action_fold(self) -> None:
        """Fold the exchange at the cursor, or unfold it."""
        if (message := self.message) is not None:
            thread = message.thread or message.id
            self._folded ^= {thread}
            self._draw_all()
            self.point(thread)

    def action_fold_all(self) -> None:
        """Fold all exchanges, or unfold them when any is folded."""
        message = self.message
        if message is None or self._watched is None:
            return
        mail = self._watched.state.mail.values()
        self._folded = set() if self._folded else {it.thread or it.id for it in mail}
        self._draw_all()
        if not self.point(message.id):
            self.point(message.thread or message.id)
