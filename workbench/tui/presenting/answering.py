"""What a person has answered and the log does not tell of yet; and whether a key was meant for an item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from workbench.core.story.words import gist
from workbench.tui.presenting.inbox import Item

SETTLE_SECONDS = 0.5
"""So long an item that came under the cursor by itself takes no answer: the key was meant for the one before.
A key that is held down begins this anew each time, and so answers once."""


@dataclass(slots=True)
class Given:
    """Answers on their way, by the item and when that came up, and ``kept`` ones, which the run takes when it
    goes on."""

    kept: dict[str, str] = field(default_factory=dict)
    _sent: dict[str, tuple[float, str]] = field(default_factory=dict)

    def send(self, item: Item, words: str) -> None:
        """An answer to this is on its way."""
        self._sent[item.key] = (item.since, f"{words} (sent)")

    def keep(self, item: Item, words: str) -> None:
        """What was asked about this is kept until the run goes on."""
        self._sent[item.key] = (item.since, f"{words} (kept)")

    def forget(self, item: Item) -> None:
        """Nothing is on its way for this any more."""
        self._sent.pop(item.key, None)

    def settle(self, found: Iterable[Item]) -> None:
        """Of what waits, these are left: what was answered of all else has arrived."""
        since = {item.key: item.since for item in found}
        self._sent = {key: it for key, it in self._sent.items() if since.get(key) == it[0]}

    def sent(self, item: Item) -> str:
        """What is on its way for this; "" when nothing is."""
        return self._sent[item.key][1] if item.key in self._sent else ""

    def words(self, item: Item) -> str:
        """What was answered to this, as far as the log does not tell; "" when nothing was."""
        return self.sent(item) or self.kept.get(item.key, "")


def kept(decision: str, text: str) -> str:
    """What stands at an item whose answer is kept until the run goes on."""
    return f"{decision or gist(text, 24)} (kept)"


@dataclass(slots=True)
class Guard:
    """Whether a key is for the item that it would hit. ``now`` is of any clock that does not go back."""

    at: str = ""
    """The item at the cursor."""
    _came: float = float("-inf")
    _told: bool = False

    def came(self, key: str, now: float) -> None:
        """Another item stands at the cursor, and nobody went there."""
        self.at, self._came, self._told = key, now, False

    def went(self, key: str) -> None:
        """The person went to an item."""
        if key != self.at:
            self.at, self._came = key, float("-inf")

    def stops(self, now: float) -> bool:
        """Whether a key that is pressed now was meant for something else."""
        if now - self._came >= SETTLE_SECONDS:
            return False
        self._came = now
        return True

    def tells(self) -> bool:
        """Whether to say so: once for each item."""
        told, self._told = self._told, True
        return not told


def next_item(found: Sequence[Item], item: Item, given: Given) -> str:
    """Where to go when ``item`` was answered: the next that waits for the person and has no answer, from the
    top again behind the last; "" when there is none."""
    place = next((it for it, other in enumerate(found) if other.key == item.key), -1)
    around = [*found[place + 1 :], *found[: max(place, 0)]]
    return next((it.key for it in around if it.mine and it.moves and not given.words(it)), "")
