"""What an agent says and does as passages that fold: from its own transcript, or from the run's events."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

from workbench.core.history import Act
from workbench.core.transcripts import Entry
from workbench.tui.presenting.table import Cell, Tone, fitted

CLOCK = 9
"""Cells of the time of day before a passage, where there is room for it."""

ROOMY = 76
"""Cells from which on there is."""

OUTPUT_LINES = 200
"""Lines of one text of an open passage that are shown."""

TAB = 4


@dataclass(frozen=True, slots=True)
class Part:
    """A text within a passage, under a name of its own."""

    name: str
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Passage:
    """One thing that was said or done ``at`` then (Unix seconds; 0 where that is not known). ``title`` and
    ``about`` make its one line, ``end`` stands at the right of that; ``parts`` are beneath when it is open.
    One with ``prose`` shows that instead, wrapped. ``key`` is its own as long as it is there."""

    key: str
    at: float
    glyph: Cell
    title: Cell = Cell("")  # noqa: RUF009
    about: str = ""
    end: Cell = Cell("")  # noqa: RUF009
    parts: tuple[Part, ...] = ()
    prose: str = ""
    opens: bool = False
    """Whether it is open unless somebody folded it."""

    @property
    def folds(self) -> bool:
        """Whether there is more to it than its line."""
        return bool(self.parts) or "\n" in self.prose

    @property
    def words(self) -> str:
        """All of its text, for searching and copying."""
        texts = (f"{self.title.text} {self.about}".strip(), self.prose, *(part.text for part in self.parts))
        return "\n".join(text for text in texts if text)


Made = dict[int, tuple[Entry, Passage]]
"""Passages that were made before, by the numbers of their entries."""


def of_entries(entries: Sequence[Entry], here: str, told: dict[str, str], made: Made) -> list[Passage]:
    """The passages of a transcript. ``here`` is the worktree, which most paths begin with; ``told`` names
    what workbench told for which purpose, by its text. What is in ``made`` and did not change is taken from
    there; afterwards it holds these."""
    found: Made = {}
    for entry in entries:
        before = made.get(entry.number)
        kept = before is not None and before[0] is entry and entry.kind != "told"
        found[entry.number] = before if kept and before else (entry, _of_entry(entry, here, told))
    made.clear()
    made.update(found)
    return [passage for _, passage in found.values()]


def _of_entry(entry: Entry, here: str, told: dict[str, str]) -> Passage:
    key, at = f"e{entry.number}", entry.at
    match entry.kind:
        case "said":
            return Passage(key, at, Cell("●", "strong"), prose=entry.text, opens=True)
        case "thought":
            return Passage(
                key,
                at,
                Cell("✻", "faint"),
                Cell("thinking", "faint"),
                parts=(_part("", entry.text, "faint"),),
            )
        case "told":
            kind = told.get(entry.text.strip(), "")
            title = PURPOSES.get(kind, "told" if kind else "brief" if entry.number == 1 else "told")
            return Passage(
                key,
                at,
                Cell("»", "accent"),
                Cell(title, "accent"),
                _first(entry.text),
                parts=more(entry.text),
            )
        case "output":
            return Passage(key, at, Cell(" "), about=entry.text)
        case _:
            return _of_tool(entry, here)


def _of_tool(entry: Entry, here: str) -> Passage:
    name = entry.title.removeprefix("mcp__workbench__")
    parts = [_part("in", entry.text.replace(f"{here}/", "") if here else entry.text)]
    if entry.result is None:
        end, glyph = Cell("…", "busy"), Cell("◌", "busy")
    elif entry.failed:
        end, glyph = Cell("failed", "bad"), Cell("✗", "bad")
    else:
        end, glyph = Cell(_size(entry.result), "faint"), Cell("✓", "good")
    if entry.result is not None:
        parts.append(
            _part("error" if entry.failed else "out", entry.result, "bad" if entry.failed else "plain")
        )
    about = entry.target.replace(f"{here}/", "") if here else entry.target
    return Passage(
        f"e{entry.number}", entry.at, glyph, Cell(name, "strong"), _first(about), end, tuple(parts)
    )


def of_acts(acts: Iterable[tuple[str, Act]], here: str, only: frozenset[str] | None = None) -> list[Passage]:
    """The passages that the run's events give, each with a key; of ``only`` these kinds if that is given."""
    found = []
    for key, act in acts:
        if only is None or act.what in only:
            found.append(_of_act(f"a{key}", act, here))
    return found


def _of_act(key: str, act: Act, here: str) -> Passage:
    text = act.text.replace(f"{here}/", "") if here else act.text
    match act.what:
        case "tool":
            name = act.title.removeprefix("mcp__workbench__")
            return Passage(key, act.at, Cell("·", "faint"), Cell(name, "strong"), _first(text))
        case "said":
            return Passage(key, act.at, Cell("●", "strong"), prose=act.text.strip(), opens=True)
        case "told":
            title = Cell(PURPOSES.get(act.title, act.title), "accent")
            return Passage(key, act.at, Cell("»", "accent"), title, _first(text), parts=more(act.text))
        case "marker":
            tone: Tone = (
                "good"
                if act.title.startswith("done")
                else "warn"
                if act.title.startswith("block")
                else "busy"
            )
            return Passage(
                key, act.at, Cell("◆", tone), Cell(act.title, tone), _first(text), parts=more(text)
            )
        case "denied":
            return Passage(
                key,
                act.at,
                Cell("⊘", "warn"),
                Cell(f"denied {act.title}", "warn"),
                _first(text),
                parts=more(text),
            )
        case "retry":
            return Passage(
                key, act.at, Cell("↻", "warn"), Cell(f"model's API failed: {act.title}", "warn"), _first(text)
            )
        case _:
            tone = "bad" if act.text else "faint"
            return Passage(
                key, act.at, Cell("■", tone), Cell(act.title, tone), _first(text), parts=more(text)
            )


PURPOSES = {
    "ask_done": "asked whether it is done",
    "gate_red": "told: a gate is red",
    "no_change": "told: nothing is changed",
    "unresolved": "told: conflict markers are left",
    "weakened": "told: a test was lost",
    "message": "a message",
    "answer": "an answer",
    "quarantine": "told: a marker was no good",
    "foreseen": "told: a conflict is coming",
    "landed": "told: something landed",
    "nudge": "nudged",
    "refused": "told: refused",
    "ask_plan": "asked for a plan",
    "plan_approved": "told: its plan is approved",
    "plan_rejected": "told: its plan is turned down",
}
"""What workbench tells an agent, by the kinds of ``Told``."""


def rule(key: str, at: float, text: str) -> Passage:
    """A line that parts what was before from what comes after."""
    return Passage(key, at, Cell("━", "accent"), Cell(text, "accent"))


def merged(entries: Sequence[Passage], others: Sequence[Passage]) -> list[Passage]:
    """Both in the order of time; of ``entries`` the order stays as it is."""
    found: list[Passage] = []
    rest = sorted(others, key=lambda it: it.at)
    at = 0
    for passage in entries:
        while at < len(rest) and passage.at and rest[at].at < passage.at:
            found.append(rest[at])
            at += 1
        found.append(passage)
    return found + rest[at:]


def _part(name: str, text: str, tone: Tone = "plain") -> Part:
    return Part(name, text.strip("\n"), tone)


def more(text: str) -> tuple[Part, ...]:
    """What a passage holds besides its line, where ``text`` does not stand in that whole."""
    return (_part("", text),) if "\n" in text.strip() or len(text) > ROOMY // 2 else ()


def _first(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _size(text: str) -> str:
    lines = len(text.strip().splitlines())
    return "" if lines <= 1 else f"{lines} lines"


# -- as lines ---------------------------------------------------------------------------------------------


def drawn(passage: Passage, width: int, *, opened: bool) -> list[tuple[Cell, ...]]:
    """The lines of a passage, each as cells that follow each other, in ``width`` cells."""
    clock = Cell(_clock(passage.at), "faint") if width >= ROOMY else Cell("")
    lead = (clock, passage.glyph, Cell(" "))
    room = max(4, width - cell_len(clock.text) - 2)
    margin = Cell(" " * (width - room))
    if passage.prose:
        lines = wrapped(passage.prose, room)
        if not opened and len(lines) > 1:
            lines = [f"{lines[0]} …"]
        return [(*lead, Cell(lines[0])), *((margin, Cell(line)) for line in lines[1:])]
    first = (*lead, *_head(passage, room, opened=opened))
    if not opened:
        return [first]
    return [first, *(line for part in passage.parts for line in _within(part, margin, room))]


def _head(passage: Passage, room: int, *, opened: bool) -> list[Cell]:
    fold = ("▾ " if opened else "▸ ") if passage.folds else ""
    title = fitted(passage.title.text, min(cell_len(passage.title.text), max(1, room - len(fold))))
    left = room - len(fold) - cell_len(title) - 1
    end = passage.end.text if left >= cell_len(passage.end.text) + 12 else ""
    left -= cell_len(end) + bool(end)
    about = fitted(passage.about.expandtabs(TAB), left) if left > 1 else ""
    cells = [Cell(fold, "faint"), Cell(title, passage.title.tone), Cell(f" {about}" if title else about)]
    return [*cells, Cell(f" {end}", passage.end.tone)] if end else cells


_LEAD = Cell("      │ ", "faint")


def _within(part: Part, margin: Cell, room: int) -> Iterable[tuple[Cell, ...]]:
    lines = part.text.splitlines()
    over = len(lines) - OUTPUT_LINES
    wide = room - 8
    lead = Cell(f"{part.name:>5} │ ", "faint")
    for line in lines[:OUTPUT_LINES]:
        for piece in wrapped(line, wide):
            tone: Tone = part.tone
            if part.name == "in" and piece.startswith(("+ ", "- ")):
                tone = "good" if piece[0] == "+" else "bad"
            yield margin, lead, Cell(piece, tone)
            lead = _LEAD
    if over > 0:
        yield margin, _LEAD, Cell(f"… and {over:,} lines more", "faint")


def _clock(at: float) -> str:
    return datetime.datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S ") if at else " " * CLOCK


def wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells, broken at spaces where there are some. Lines keep the
    room that they begin with; nothing in them is invisible."""
    found: list[str] = []
    for raw in text.expandtabs(TAB).splitlines() or [""]:
        if len(raw) <= width and raw.isascii() and raw.isprintable():
            found.append(raw.rstrip())
            continue
        line = raw if raw.isprintable() else "".join(char if char.isprintable() else " " for char in raw)
        found += _broken(line.rstrip(), max(4, width))
    return found


def _broken(line: str, width: int) -> list[str]:
    if cell_len(line) <= width:
        return [line]
    body = line.lstrip(" ")
    indent = " " * min(len(line) - len(body), width // 2)
    found, now, fresh = list[str](), indent, True
    for word in body.split(" "):
        tried = now + word if fresh else f"{now} {word}"
        if cell_len(tried) <= width:
            now, fresh = tried, False
            continue
        if not fresh:
            found.append(now.rstrip())
        *whole, now = chop_cells(indent + word, width) or [indent]
        found += whole
        fresh = False
    return [*found, now]
