"""What an agent's own record of its session holds, entry by entry, whichever agent it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["said", "thought", "tool", "told", "output"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that stands in a transcript, the ``number``-th of it, written ``at`` then (Unix seconds; 0
    where that is not known). Of a tool ``title`` is its name, ``target`` what it was for, ``text`` what it
    was given and ``result`` what it gave back: None until it did, and ``failed`` says that it went wrong."""

    number: int
    at: float
    kind: Kind
    title: str = ""
    target: str = ""
    text: str = ""
    result: str | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Transcript:
    """The latest entries of a transcript. ``earlier`` says that there were more, ``path`` where all are."""

    entries: tuple[Entry, ...] = ()
    path: str = ""
    earlier: bool = False
