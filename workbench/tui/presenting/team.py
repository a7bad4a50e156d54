"""The teammates of a run as rows: what each is at, what it is doing right now, what it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.core.mail import LEAD, PERSON, MessageKind
from workbench.core.money import dollars
from workbench.core.state import Ask, AttemptState, Phase, RunState, TeammateState
from workbench.core.story.team import resting
from workbench.core.story.words import short
from workbench.core.watched import Watched
from workbench.tui.presenting.table import Cell, Column, Made, Row, Tone
from workbench.tui.presenting.times import span

ORDERS = ("team order", "needs you first", "slowest first", "costliest first")

OUR_TOOLS = "mcp__workbench__"
DOING = 200
"""Characters of what somebody is doing that are shown at most."""

BAR = 5

NEEDED = Cell("? needs you", "warn")
"""Whom it is up to the person to let go on."""

GATES = Cell("◐ gates", "busy")
WORKING = Cell("● working", "busy")
IDLE = Cell("○ idle", "faint")
RESTING = Cell("‖ resting", "warn")
LEFT = Cell("∅ left", "faint")

_PHASES = {
    Phase.COLLECTED: GATES,
    Phase.CHECKED: Cell("◐ judged", "busy"),
    Phase.TURN_OVER: Cell("◔ turn over", "busy"),
    Phase.CLOSING: Cell("◔ closing", "faint"),
}
_BLOCKS = (MessageKind.PLAN, MessageKind.PERMISSION)


@dataclass(frozen=True, slots=True)
class Look:
    """What is found out once for all rows of one look at a run at ``now``."""

    watched: Watched
    now: float
    asks: dict[tuple[str, str], list[Ask]]
    """What is open, by task and by who asked."""
    gating: dict[str, float]
    """Since when (Unix seconds) gates run on the work of a task alone."""
    held: str
    """Why nothing new starts."""

    def attempt(self, mate: TeammateState) -> AttemptState | None:
        """What a teammate is at; None while it is at nothing."""
        state = self.watched.state
        task = state.tasks.get(mate.task) if mate.task is not None else None
        return state.attempts.get((task.spec.id, task.attempt)) if task is not None else None

    def blocked_by(self, attempt: AttemptState) -> Ask | None:
        """What an attempt cannot go on without, as ``core.mailing.blocking`` has it."""
        asks = self.asks.get((attempt.task, attempt.teammate))
        if not asks:
            return None
        needed = next((ask for ask in asks if ask.message.kind in _BLOCKS), None)
        return needed or (asks[0] if attempt.waiting else None)


def look(watched: Watched, now: float) -> Look:
    """Everything that the rows of the team have in common."""
    state = watched.state
    asks: dict[tuple[str, str], list[Ask]] = {}
    for ask in state.asks.values():
        asks.setdefault((ask.message.task, ask.message.sender), []).append(ask)
    gating = {run.task: run.start for run in watched.history.checks if run.alone and run.end is None}
    held = resting(state) if watched.live else ""
    return Look(watched, now, asks, gating, held)


def standing(look: Look, mate: TeammateState, attempt: AttemptState | None) -> Cell:
    """How a teammate is, as a glyph and a word."""
    if mate.left:
        return LEFT
    if attempt is None:
        if mate.leaving:
            return Cell("→ leaving", "faint")
        return RESTING if look.held and not look.watched.state.finished else IDLE
    if (ask := look.blocked_by(attempt)) is not None:
        return NEEDED if ask.to == PERSON else Cell("… asks", "busy")
    if attempt.phase is not Phase.WORKING:
        return _PHASES.get(attempt.phase, Cell(str(attempt.phase)))
    if not attempt.prepared:
        return Cell("◔ set up", "busy")
    return Cell("◌ planning", "busy") if attempt.planning else WORKING


def doing(look: Look, mate: TeammateState, attempt: AttemptState | None) -> str:
    """What a teammate is doing right now: its last tool and its target, without the path of its worktree."""
    if mate.left or mate.leaving:
        why = f"{'left' if mate.left else 'leaves after this'}: {mate.reason}" if mate.reason else ""
        if mate.left or attempt is None:
            return short(why, DOING)
    if attempt is None:
        return _idle(look)
    if (ask := look.blocked_by(attempt)) is not None:
        to = "" if ask.to == PERSON else f"{ask.to}, "
        return short(f"{to}{ask.message.id}: {ask.message.text}", DOING)
    if attempt.phase is Phase.COLLECTED:
        since = look.gating.get(attempt.task)
        said = f"{span(look.now - since)}: " if since is not None else "waits for "
        return said + ", ".join(look.watched.state.gates_of(attempt.task))
    said = plainly(attempt.doing, mate.worktree) or attempt.note
    return short(f"leaves after this; {said}" if mate.leaving else said, DOING)


def _idle(look: Look) -> str:
    state = look.watched.state
    if state.finished or not look.watched.live:
        return ""
    return look.held or ("" if state.startable else "nothing is ready")


def plainly(doing: str, worktree: str) -> str:
    """A tool and its target as a person reads them."""
    if worktree:
        doing = doing.replace(f"{worktree}/", "").replace(worktree, ".")
    return doing.replace(OUR_TOOLS, "")


def progress(percent: int) -> str:
    """A small bar and the number, ten cells."""
    done = BAR * max(0, min(100, percent)) // 100
    return f"{'━' * done}{'─' * (BAR - done)} {percent:>3}%"


def tokens(count: int) -> str:
    """A count of tokens in five cells at most."""
    if count < 1_000:
        return str(count) if count else ""
    if count < 999_500:
        return f"{count / 1_000:.0f}k"
    return f"{count / 1_000_000:.1f}M"


def columns(state: RunState) -> tuple[Column, ...]:
    """The columns of the team; roles have one where somebody has a role."""
    role = any(mate.role for mate in state.teammates.values())
    return (
        Column("teammate", 9),
        *((Column("role", 10, rank=5),) if role else ()),
        Column("status", 11),
        Column("task", 12, flex=1),
        Column("doing right now", 15, flex=4),
        Column("progress", 10),
        Column("time", 7, right=True, rank=1),
        Column("tokens", 6, right=True, rank=4),
        Column("cost", 7, right=True, rank=3),
        Column("✉", 3, right=True, rank=2),
    )


def team_rows(look: Look, order: str, matches: Callable[..., bool] | None) -> Made:
    """A row for each member of the team, the lead first where there is one, in one of ``ORDERS``; those who
    left come last. With ``matches`` only those that it wants."""
    state = look.watched.state
    role = any(mate.role for mate in state.teammates.values())
    names = sorted(state.teammates, key=lambda name: _place(look, state.teammates[name], order))
    if matches is not None:
        names = [name for name in names if matches(*_texts(look, state.teammates[name]))]
    lead = bool(state.settings.lead) and (matches is None or matches(LEAD, state.lead.doing))

    def row(name: str) -> Row:
        if name == LEAD:
            return _lead(state, role=role)
        mate = state.teammates.get(name)
        return _row(look, mate, role=role) if mate is not None else Row(name, (Cell(name),))

    return Made([LEAD, *names] if lead else names, row)


def counts(look: Look) -> list[Cell]:
    """How many of the team are at work, need the person, and are idle."""
    working = needed = idle = 0
    for mate in look.watched.state.teammates.values():
        attempt = look.attempt(mate)
        if attempt is None:
            idle += not mate.left
        elif (ask := look.blocked_by(attempt)) is not None and ask.to == PERSON:
            needed += 1
        else:
            working += 1
    need = Cell(f"{needed} need{'s' if needed == 1 else ''} you", "warn")
    said = [(working, Cell(f"{working} at work")), (needed, need), (idle, Cell(f"{idle} idle", "faint"))]
    return [cell for count, cell in said if count]


def _place(look: Look, mate: TeammateState, order: str) -> tuple[float, ...]:
    attempt = None if order == ORDERS[0] else look.attempt(mate)
    first = 0.0
    if order == ORDERS[1]:
        ask = look.blocked_by(attempt) if attempt is not None else None
        first = 0.0 if ask is not None and ask.to == PERSON else 1.0
    elif order == ORDERS[2]:
        first = attempt.started_at if attempt is not None else float("inf")
    elif order == ORDERS[3]:
        first = -_spent(mate, attempt)
    return (mate.left, first, mate.index)


def _spent(mate: TeammateState, attempt: AttemptState | None) -> float:
    return mate.usage.cost_usd + (attempt.usage.cost_usd if attempt is not None else 0.0)


def _texts(look: Look, mate: TeammateState) -> Sequence[str]:
    attempt = look.attempt(mate)
    status = standing(look, mate, attempt).text
    return (mate.name, mate.role, mate.task or "", status, doing(look, mate, attempt))


def _row(look: Look, mate: TeammateState, *, role: bool) -> Row:
    attempt = look.attempt(mate)
    status = standing(look, mate, attempt)
    usage = mate.usage + attempt.usage if attempt is not None else mate.usage
    cost = usage.cost_usd
    faint: Tone = "faint" if attempt is None else "plain"
    unread = len(mate.unread)
    return Row(
        mate.name,
        (
            Cell(mate.name, "faint" if mate.left else "strong"),
            *((Cell(mate.role),) if role else ()),
            status,
            Cell(mate.task or ""),
            Cell(doing(look, mate, attempt), faint),
            Cell(progress(attempt.percent) if attempt is not None else "", "plain"),
            Cell(span(look.now - attempt.started_at) if attempt is not None else ""),
            Cell(tokens(usage.input_tokens + usage.output_tokens), "faint"),
            Cell(dollars(cost) if cost else "", "faint"),
            Cell(str(unread) if unread else "", "accent"),
        ),
    )


def _lead(state: RunState, *, role: bool) -> Row:
    lead = state.lead
    status, said = IDLE, "comes when it is asked something"
    if lead.out:
        status, said = Cell("✗ out", "bad"), lead.out
    elif lead.up:
        status, said = WORKING, plainly(lead.doing, "") or "reads what it was asked"
        if lead.ready and not lead.told and not state.for_lead:
            status, said = Cell("○ listens"), plainly(lead.doing, "")
    usage = lead.usage + lead.spent
    unread = len(state.for_lead)
    return Row(
        LEAD,
        (
            Cell(LEAD, "strong"),
            *((Cell("lead"),) if role else ()),
            status,
            Cell(""),
            Cell(short(said, DOING), "plain" if lead.up else "faint"),
            Cell(""),
            Cell(""),
            Cell(tokens(usage.input_tokens + usage.output_tokens), "faint"),
            Cell(dollars(usage.cost_usd) if usage.cost_usd else "", "faint"),
            Cell(str(unread) if unread else "", "accent"),
        ),
    )
