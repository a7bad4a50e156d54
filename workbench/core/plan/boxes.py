"""The box before each task of a plan: where it stands, as anybody can see.

    ### [ ] parser: Parse the file      not begun
    ### [~] writer: Write the file      at work, or on its way to the branch
    ### [x] lexer: Cut it into words    landed
    ### [!] docs: Say so                given up, held or undone
    ### [-] demo: Show it               left out

A box is set by changing one character, or by putting one where there is none; every other byte of the text
stays as it is. Nothing is concluded from a box: git knows what has landed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workbench.core.models import Plan
from workbench.core.plan import page as plan_page
from workbench.core.plan.parse import HEADING, sections_of, tasks_of
from workbench.core.state import RunState, TaskStatus
from workbench.errors import PlanError

OPEN, WORKING, DONE, TROUBLE, LEFT_OUT = " ", "~", "x", "!", "-"

MARKS: dict[TaskStatus, str] = {
    TaskStatus.PENDING: OPEN,
    TaskStatus.READY: OPEN,
    TaskStatus.LANDED: DONE,
    TaskStatus.SKIPPED: LEFT_OUT,
    **dict.fromkeys((TaskStatus.HELD, TaskStatus.UNDONE, TaskStatus.BLOCKED, TaskStatus.FAILED), TROUBLE),
    **dict.fromkeys(
        (
            TaskStatus.RUNNING,
            TaskStatus.DELIVERED,
            TaskStatus.LANDING,
            TaskStatus.CONFLICTED,
            TaskStatus.REJECTED,
        ),
        WORKING,
    ),
}
"""What stands in the box of a task, by its status."""

LINES = re.compile(r"\r\n|\r|\n")
START = re.compile(r"(?P<lead>\ufeff?[ ]{0,3}#{3}[ \t]+)(?:\[(?P<mark>[ xX~!-])\](?P<gap>[ \t]+))?")
"""A task's heading up to its id."""

NOTE = re.compile(r"<!-- workbench wrote this[^\n]*? (?P<print>[0-9a-f]{16}) -->\n\n?")
"""What the run's own file says of itself, with a name for the rest of it."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where the box of a task stands in the text, or would stand (``start`` equals ``end``). ``mark`` is
    empty for none."""

    id: str
    mark: str
    start: int
    end: int


def boxes(text: str) -> tuple[Box, ...]:
    """The boxes of all tasks below ``## Tasks``, in their order; none where two have one id, or for a text
    that cannot be read at all."""
    try:
        page = plan_page.read(text)
    except PlanError:
        return ()
    starts = [0, *(match.end() for match in LINES.finditer(text))]
    found: dict[str, Box | None] = {}
    for section in sections_of(page):
        if section.name != "tasks":
            continue
        for heading, _ in tasks_of(section):
            begun = START.match(text, starts[heading.start])
            named = HEADING.fullmatch(heading.text)
            if begun is None or named is None:
                continue
            at = begun.end("lead")
            box = Box(named["id"], begun["mark"] or "", at, begun.end())
            found[box.id] = None if box.id in found else box
    return tuple(box for box in found.values() if box is not None)


@dataclass(frozen=True, slots=True)
class Boxed:
    """A text and where its boxes are: to set them again and again costs no reading of the whole."""

    text: str
    boxes: tuple[Box, ...]

    @classmethod
    def read(cls, text: str) -> Boxed:
        """Find the boxes of a text."""
        return cls(text, boxes(text))

    def marked(self, marks: Mapping[str, str]) -> Boxed:
        """The text with these marks in the boxes of tasks by their ids; a task that has no box gets one.
        Nothing else changes."""
        pieces: list[str] = []
        there: list[Box] = []
        done = moved = 0
        for box in self.boxes:
            mark = marks.get(box.id, box.mark)
            if mark == box.mark.lower() or not mark:
                there.append(Box(box.id, box.mark, box.start + moved, box.end + moved))
                continue
            gap = self.text[box.start + 3 : box.end] if box.mark else " "
            pieces += (self.text[done : box.start], f"[{mark}]", gap)
            done = box.end
            start, moved = box.start + moved, moved + 3 + len(gap) - (box.end - box.start)
            there.append(Box(box.id, mark, start, box.end + moved))
        if not pieces:
            return self
        return Boxed("".join((*pieces, self.text[done:])), tuple(there))


def marked(text: str, marks: Mapping[str, str]) -> str:
    """``text`` with these marks in its boxes: see ``Boxed.marked``."""
    return Boxed.read(text).marked(marks).text


def bare(text: str) -> str:
    """``text`` without its boxes: the same for all texts that differ in them alone."""
    pieces: list[str] = []
    done = 0
    for box in boxes(text):
        pieces.append(text[done : box.start])
        done = box.end
    return "".join((*pieces, text[done:]))


def marks_of(state: RunState) -> dict[str, str]:
    """What stands in the box of each task of a run."""
    return {name: MARKS[task.status] for name, task in state.tasks.items()}


# -- the run's own file ------------------------------------------------------------------------------


def written(plan: Plan, run: str, marks: Mapping[str, str]) -> str:
    """The plan as it stands as the run's own file: ``parse`` reads the same plan from it, and ``untouched``
    knows it again whatever its boxes say."""
    from workbench.core.plan.writing import render

    text = render(plan)
    lines = text.split("\n")
    at = sum(len(line) + 1 for line in lines[: plan_page.read(text).blocks[0].start])
    note = (
        f"<!-- workbench wrote this, the plan of run {run} as it stands; change it to propose a change of "
        f"the plan. {_print(text)} -->\n\n"
    )
    return marked(text[:at] + note + text[at:], marks)


def untouched(text: str) -> bool:
    """Whether a text is as ``written``, but for its boxes."""
    note = NOTE.search(text)
    return note is not None and _print(text[: note.start()] + text[note.end() :]) == note["print"]


def _print(text: str) -> str:
    return hashlib.sha256(bare(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: |$)", re.MULTILINE)


def in_conflict(text: str) -> bool:
    """Whether a merge of git's left its markers in the text."""
    return CONFLICT.search(text) is not None


def by_hand(before: str, now: str) -> Iterator[str]:
    """Tasks whose box became another from one text to the next."""
    was = {box.id: box.mark.lower() for box in boxes(before)}
    for box in boxes(now):
        if box.id in was and was[box.id] != box.mark.lower():
            yield box.id
