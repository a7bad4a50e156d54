"""The attempts at a task, and what was done in each."""

from __future__ import annotations

from workbench.core.history import Act
from workbench.core.money import dollars
from workbench.core.report import duration
from workbench.core.state import AttemptState, Phase
from workbench.core.story import short
from workbench.core.watched import Watched
from workbench.tui.presenting.prose import Line, clean, lines_of
from workbench.tui.presenting.table import Cell, Column, Row, Tone
from workbench.tui.presenting.times import time_of_day

ATTEMPTS = (
    Column("#", 3, right=True),
    Column("teammate", 12),
    Column("why", 9),
    Column("began", 8, rank=2),
    Column("took", 11, right=True),
    Column("cost", 8, right=True, rank=1),
    Column("outcome", 12, flex=2),
    Column("commit", 10, rank=3),
    Column("because", 12, flex=2, rank=4),
)
NO_ATTEMPTS = "nobody has begun this task: its attempts stand here, newest first, when somebody has"


def attempts(watched: Watched, name: str, now: float) -> list[Row]:
    """The attempts at a task, the newest first."""
    state = watched.state
    last = state.tasks[name].attempt if name in state.tasks else 0
    numbers = range(last, 0, -1)
    return [
        _attempt(watched, it, now)
        for number in numbers
        if (it := state.attempts.get((name, number))) is not None
    ]


def _attempt(watched: Watched, it: AttemptState, now: float) -> Row:
    end = it.ended_at if it.ended_at is not None else now
    words, tone = _outcome(it)
    return Row(
        str(it.number),
        (
            Cell(str(it.number)),
            Cell(it.teammate, "strong"),
            Cell(it.why),
            Cell(time_of_day(it.started_at), "faint"),
            Cell(duration(max(0.0, end - it.started_at))),
            Cell(dollars(it.usage.cost_usd) if it.usage.cost_usd else ""),
            Cell(words, tone),
            Cell((it.commit or "")[:10]),
            Cell(short(it.because, 200), "faint"),
        ),
    )


def _outcome(it: AttemptState) -> tuple[str, Tone]:
    if it.phase is not Phase.ENDED and it.outcome == "":
        return f"● {it.phase}", "busy"
    good = it.outcome == "delivered"
    words = short(it.outcome or "ended", 200)
    return (f"✓ {words}", "good") if good else (f"✗ {words}", "warn" if it.interrupted else "bad")


_ACTS: dict[str, tuple[str, Tone]] = {
    "tool": ("▸", "plain"),
    "said": ("“", "plain"),
    "told": ("←", "accent"),
    "marker": ("◆", "busy"),
    "denied": ("✗", "bad"),
    "retry": ("↻", "warn"),
    "turn": ("·", "faint"),
}


def acts(watched: Watched, name: str, number: int) -> list[Line]:
    """What an attempt did and was told, oldest first."""
    found = watched.history.acts.get((name, number), ())
    attempt = watched.state.attempts.get((name, number))
    mate = watched.state.teammates.get(attempt.teammate) if attempt is not None else None
    # Paths are long, and most of each is where its worktree stands.
    here = f"{mate.worktree}/" if mate is not None and mate.worktree else ""
    return [line for act in found for line in _act(act, watched.state.at, here)]


def _act(act: Act, now: float, here: str) -> list[Line]:
    sign, tone = _ACTS[act.what]
    begin = (Cell(f"{time_of_day(act.at)} ", "faint"), Cell(f"{sign} ", tone))
    text = act.text if act.what != "tool" else ""
    if act.what == "tool":
        title = (
            f"{act.title.removeprefix('mcp__workbench__')} {act.text.replace(here, '') if here else act.text}"
        )
    else:
        title = act.title if act.what != "said" else ""
    body = lines_of(text, "plain" if act.what == "said" else "faint")
    if act.what == "said" and body:
        return [(*begin, *body[0]), *((Cell(" " * 11), *line) for line in body[1:])]
    return [(*begin, Cell(clean(title), tone)), *((Cell(" " * 11), *line) for line in body)]
