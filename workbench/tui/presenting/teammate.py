"""One teammate as its screen shows it: who, what, since when, at what cost; its marks and its mail."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from workbench.core.history import Act
from workbench.core.mail import ALL, MessageKind
from workbench.core.models import Usage
from workbench.core.money import dollars
from workbench.core.report import duration
from workbench.core.state import LIVE, AttemptState, Phase, RunState, TeammateState
from workbench.core.story import short
from workbench.core.story.team import rows
from workbench.core.transcripts import Entry
from workbench.core.watched import Watched
from workbench.tui.presenting.table import Cell
from workbench.tui.presenting.transcript import Made, Passage, merged, more, of_acts, of_entries, rule

Key = tuple[str, int]

WHYS = {
    "first": "",
    "retry": "again, from the start",
    "conflict": "to resolve a conflict",
    "rejected": "its landing was rejected",
    "continued": "goes on where it was interrupted",
}


def attempt_of(state: RunState, mate: TeammateState, place: int | None) -> AttemptState | None:
    """The ``place``-th attempt of a teammate, the latest for None; None where it had none."""
    if not mate.tried:
        return None
    last = len(mate.tried) - 1
    return state.attempts.get(mate.tried[last if place is None else max(0, min(place, last))])


def about(watched: Watched, name: str, place: int | None, now: float) -> list[list[Cell]]:
    """The lines above a teammate's panes, each as cells of which the last are left out where there is no
    room."""
    state = watched.state
    mate = state.teammates.get(name)
    if mate is None:
        return [[Cell(name, "strong"), Cell("is not in the team of this run", "faint")]]
    attempt = attempt_of(state, mate, place)
    doing = _doing(state, name) if attempt is not None and attempt.live and watched.live else ""
    return [
        [Cell(name, "strong"), _standing(mate, attempt, watched.live, doing), *_work(state, mate, attempt)],
        [it for it in _figures(mate, attempt, now, watched.live, doing) if it.text],
        [it for it in _whereabouts(mate, attempt) if it.text],
    ]


def _standing(mate: TeammateState, attempt: AttemptState | None, live: bool, doing: str) -> Cell:
    if mate.left:
        return Cell(f"○ left: {short(mate.reason, 60)}" if mate.reason else "○ left", "faint")
    if attempt is None:
        return Cell("○ has not worked yet", "faint")
    if attempt.live and not live:
        return Cell("○ was at work when the run ended", "warn")
    if not attempt.live:
        return _ended(attempt)
    if mate.leaving:
        return Cell("◌ leaves after this", "warn")
    if doing.startswith("waits for"):
        return Cell(f"● {doing}", "warn")
    if attempt.phase is Phase.WORKING:
        return Cell("● at work", "busy")
    return Cell(f"● {attempt.phase}", "warn")


def _doing(state: RunState, name: str) -> str:
    return next((it.doing for it in rows(state) if it.teammate == name), "")


def _ended(attempt: AttemptState) -> Cell:
    said = attempt.outcome or ("interrupted" if attempt.interrupted else "ended")
    good = said == "delivered"
    return Cell(f"{'✓' if good else '■'} {said}", "good" if good else "warn")


def _work(state: RunState, mate: TeammateState, attempt: AttemptState | None) -> list[Cell]:
    if attempt is None:
        return []
    task = state.tasks.get(attempt.task)
    title = f"{attempt.task}: {task.spec.title}" if task is not None else attempt.task
    many = len(mate.tried)
    place = mate.tried.index((attempt.task, attempt.number)) + 1
    why = WHYS.get(attempt.why, attempt.why)
    cells = [Cell(title, "accent"), Cell(f"attempt {attempt.number}" + (f", {why}" if why else ""))]
    if many > 1:
        cells.append(Cell(f"{place} of its {many} attempts", "faint"))
    return cells


def _figures(
    mate: TeammateState, attempt: AttemptState | None, now: float, live: bool, doing: str
) -> list[Cell]:
    unread = Cell(f"✉ {len(mate.unread)} unread" if mate.unread else "", "warn")
    if attempt is None:
        return [unread]
    going = attempt.live and live
    until = attempt.ended_at if attempt.ended_at is not None else now
    trouble = attempt.blocked or attempt.error
    return [
        Cell(duration(max(0.0, until - attempt.started_at))),
        Cell(f"{attempt.percent}%" if attempt.percent else "", "busy" if going else "plain"),
        Cell(short(trouble, 80), "bad"),
        Cell("" if doing.startswith("waits for") or doing in LIVE else short(doing, 60), "busy"),
        Cell(spent(attempt.usage)),
        unread,
        Cell(f"“{short(attempt.note, 60)}”" if attempt.note and attempt.note not in doing else ""),
        Cell(short(attempt.because, 80), "faint"),
    ]


def _whereabouts(mate: TeammateState, attempt: AttemptState | None) -> list[Cell]:
    branch = mate.branch.removeprefix("refs/heads/")
    session = attempt.session if attempt is not None and attempt.session else ""
    return [
        Cell(branch),
        Cell(mate.worktree, "faint"),
        Cell(f"session {session}" if session else "", "faint"),
        Cell("joined from outside" if mate.external else "", "faint"),
    ]


def spent(usage: Usage) -> str:
    """Tokens and money, in a few words; empty when there are none yet."""
    said = []
    if usage.input_tokens or usage.output_tokens:
        said.append(f"{thousands(usage.input_tokens)} in, {thousands(usage.output_tokens)} out")
    if usage.cost_usd:
        said.append(dollars(usage.cost_usd))
    return " · ".join(said)


def thousands(count: int) -> str:
    """A number of tokens: ``912``, ``8.4k``, ``120k``, ``1.2M``."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.1f}{letter}" if count < 10 * size else f"{count // size}{letter}"
    return str(count)


# -- panes ------------------------------------------------------------------------------------------------

BESIDE = frozenset({"denied", "retry", "turn"})
"""What the run's events tell of an attempt and no transcript does."""


def _acts(watched: Watched, keys: Iterable[Key]) -> list[tuple[str, Act]]:
    """What these attempts did, each act with a key that it keeps when earlier ones are forgotten."""
    seen = Counter[tuple[str, int, float]]()
    found = []
    for task, number in keys:
        for act in watched.history.acts.get((task, number), ()):
            place = (task, number, act.at)
            seen[place] += 1
            found.append((f"{task}/{number}/{act.at}/{seen[place]}", act))
    return found


def conversation(
    watched: Watched, attempt: AttemptState, entries: tuple[Entry, ...] | None, made: Made
) -> list[Passage]:
    """What an attempt's agent says and does: from its transcript and, beside that, the run's events; from
    these alone where there is none. Attempts that went on in one session are parted. ``made`` is kept from
    one look at the same attempt to the next, so that only what is new costs anything."""
    state = watched.state
    mate = state.teammates[attempt.teammate]
    if entries is None:
        return of_acts(_acts(watched, [(attempt.task, attempt.number)]), mate.worktree)
    same = [attempt]
    if attempt.session:
        same = [it for key in mate.tried if (it := state.attempts.get(key)) and it.session == attempt.session]
    acts = _acts(watched, [(it.task, it.number) for it in same])
    told = {act.text.strip(): act.title for _, act in acts if act.what == "told"}
    others = of_acts(acts, mate.worktree, BESIDE)
    others += [rule(f"r{it.task}/{it.number}", it.started_at, _parting(it)) for it in same if len(same) > 1]
    return merged(of_entries(entries, mate.worktree, told, made), others)


def _parting(attempt: AttemptState) -> str:
    why = WHYS.get(attempt.why, attempt.why)
    return f"attempt {attempt.number} at {attempt.task}" + (f": {why}" if why else "")


def marks(watched: Watched, name: str, attempt: AttemptState | None) -> list[Passage]:
    """The markers of an attempt, and all mail to and from its teammate, in the order of time."""
    state = watched.state
    found: list[Passage] = []
    if attempt is not None:
        acts = _acts(watched, [(attempt.task, attempt.number)])
        found = of_acts(acts, state.teammates[name].worktree, frozenset({"marker"}))
    for message in state.mail.values():
        if name not in (message.sender, message.to) and message.to != ALL:
            continue
        at = watched.history.sent.get(message.id, 0.0)
        kind = "" if message.kind is MessageKind.MESSAGE else f" {message.kind}"
        way = f"✉{kind} {message.sender} → {message.to}"
        open_ = message.id in state.asks
        end = Cell("open", "warn") if open_ else Cell(message.decision)
        text = re.sub(r"\s+", " ", message.text).strip()
        tone = "warn" if open_ else "accent"
        glyph = Cell("▷" if message.to == name else "◁", "accent")
        title = Cell(f"{message.id} {way}", tone)  # type: ignore[arg-type]
        found.append(Passage(f"m{message.id}", at, glyph, title, text, end, more(message.text)))
    return sorted(found, key=lambda it: it.at)
