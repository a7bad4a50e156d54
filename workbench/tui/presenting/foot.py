"""The keys at the foot of a screen: none is cut, and those for help and for closing are always there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

GAP = 1


@dataclass(frozen=True, slots=True)
class Foot:
    """A key: ``key`` is Textual's name for it, ``shown`` how it is written, ``what`` the word beside it."""

    key: str
    shown: str
    what: str
    enabled: bool = True
    screen: bool = False
    """Whether it leads to one of the screens."""
    stays: bool = False

    @property
    def width(self) -> int:
        return cell_len(self.shown) + 1 + cell_len(self.what)


def fitting(keys: Sequence[Foot], room: int) -> list[Foot]:
    """Those that there is room for. The keys of the screens become one first, then the last ones go."""
    found = list(keys)
    if _width(found) <= room:
        return found
    screens = [it for it in found if it.screen]
    if len(screens) > 1:
        first, last = screens[0], screens[-1]
        at = found.index(first)
        found[at] = Foot("", f"{first.shown}-{last.shown}", "Screens")
        found = [it for it in found if it not in screens[1:]]
    while _width(found) > room:
        gone = next((it for it in reversed(found) if not it.stays and it.key), None)
        if gone is None:
            break
        found.remove(gone)
    return found


def _width(keys: Sequence[Foot]) -> int:
    return sum(it.width for it in keys) + GAP * max(0, len(keys) - 1)
