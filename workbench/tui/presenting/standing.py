"""How a task stands, as a glyph and a word: never by its colour alone."""

from __future__ import annotations

from workbench.core.state import RunState, TaskStatus
from workbench.tui.presenting.table import Cell, Tone

T = TaskStatus
GLYPHS: dict[TaskStatus, tuple[str, Tone]] = {
    T.PENDING: ("·", "faint"),
    T.HELD: ("‖", "warn"),
    T.READY: ("○", "plain"),
    T.RUNNING: ("●", "busy"),
    T.DELIVERED: ("◇", "busy"),
    T.LANDING: ("◆", "busy"),
    T.LANDED: ("✓", "good"),
    T.UNDONE: ("↺", "warn"),
    T.CONFLICTED: ("≠", "warn"),
    T.REJECTED: ("↩", "warn"),
    T.BLOCKED: ("■", "bad"),
    T.FAILED: ("✗", "bad"),
    T.SKIPPED: ("-", "faint"),
}
"""All of them are one cell wide."""

WORDS = {T.DELIVERED: "queued"}
"""Where another word than the state's own says more."""


def glyph(status: TaskStatus) -> Cell:
    """The sign of a status."""
    return Cell(*GLYPHS[status])


def word(status: TaskStatus) -> str:
    """The status in a word."""
    return WORDS.get(status, status.value)


def standing(status: TaskStatus) -> Cell:
    """Sign and word."""
    sign, tone = GLYPHS[status]
    return Cell(f"{sign} {word(status)}", tone)


def named(state: RunState, task: str) -> Cell:
    """A task by its name, with its sign; one that is none any more by its name."""
    there = state.tasks.get(task)
    if there is None:
        return Cell(task, "faint")
    sign, tone = GLYPHS[there.status]
    return Cell(f"{sign} {task}", tone)
