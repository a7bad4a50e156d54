"""The feed: what was said and what happened, as lines that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, chop_cells

from workbench.core.history import History, Told
from workbench.core.mail import LEAD, PERSON
from workbench.core.state import RunState
from workbench.tui.presenting.table import Tone, fitted
from workbench.tui.presenting.times import moment

Which = Literal["all", "messages", "trouble"]
WHICH: tuple[Which, ...] = ("all", "messages", "trouble")

LINES = 10
"""Of one entry, at most; what is longer ends with …"""

TIME = 9
NAME, NARROW_NAME = 10, 8
"""Cells for the time of day and for who, with what is between."""

GLYPHS: dict[str, str] = {"bad": "✗", "warn": "!", "good": "✓"}

Line = tuple[tuple[str, Tone], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a record told, as the lines that it takes."""

    told: Told
    lines: tuple[Line, ...]


def picked(history: History, which: Which, matches: Callable[..., bool] | None) -> list[Told]:
    """What of the feed is shown, oldest first."""
    found = [told for told in history.feed if which == "all" or _is(told, which)]
    return found if matches is None else [it for it in found if matches(it.who, it.what, it.task)]


def _is(told: Told, which: Which) -> bool:
    if which == "messages":
        return told.kind == "message"
    return told.tone == "bad" or (told.tone == "warn" and told.kind != "message")


def about(state: RunState, told: Told) -> tuple[Literal["ask", "letter", "task", "teammate", ""], str]:
    """What an entry is about, and its key: something that the person is asked, a message that can be
    answered, a task or a teammate; "" where it is the run as a whole."""
    letter, ask = state.mail.get(told.message), state.asks.get(told.message)
    if ask is not None and ask.to == PERSON:
        return "ask", told.message
    if letter is not None and letter.sender in (*state.teammates, LEAD):
        return "letter", told.message
    if told.task in state.tasks:
        return "task", told.task
    return ("teammate", told.who) if told.who in state.teammates else ("", "")


def laid_out(told: Told, width: int) -> Entry:
    """An entry in lines of ``width`` cells: time of day, who, a glyph for its tone, and the text, which goes
    on under itself where it is long."""
    _, time = moment(told.at)
    name, room = _columns(width)
    texts = _texts(told.what, room)
    glyph = "✉" if told.kind == "message" else GLYPHS.get(told.tone, " ")
    tone: Tone = told.tone
    lines: list[Line] = [
        (
            (f"{time} ", "faint"),
            (fitted(told.who, name), "strong"),
            (f" {glyph} ", tone),
            (fitted(texts[0], room), tone),
        )
    ]
    indent = " " * (TIME + name + 3)
    lines.extend(((indent, "plain"), (fitted(text, room), tone)) for text in texts[1:])
    return Entry(told, tuple(lines))


def height(told: Told, width: int) -> int:
    """How many lines ``laid_out`` makes of an entry, for less."""
    room, what = _columns(width)[1], told.what
    if len(what) <= room and what.isascii() and what.isprintable():
        return 1
    return len(_texts(what, room))


def _columns(width: int) -> tuple[int, int]:
    """The cells for who, and for the text."""
    name = NARROW_NAME if width < 70 else NAME
    return name, max(8, width - TIME - name - 3)


def _texts(what: str, room: int) -> list[str]:
    texts = [part for line in what.splitlines() or [""] for part in wrapped(line, room)]
    if len(texts) > LINES:
        texts[LINES - 1 :] = ["…"]
    return texts


def wrapped(text: str, width: int) -> Sequence[str]:
    """A line of text, broken between words to lines of at most ``width`` cells; words that are longer are
    broken where they must."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    if cell_len(text) <= width:
        return (text,)
    lines: list[str] = []
    line, used = "", 0
    for word in text.split(" "):
        size = cell_len(word)
        if line and used + 1 + size <= width:
            line, used = f"{line} {word}", used + 1 + size
            continue
        if line:
            lines.append(line)
        *whole, word = chop_cells(word, width) if size > width else [word]
        lines.extend(whole)
        line, used = word, cell_len(word)
    return [*lines, line] if line else lines
