"""What of a run is worth a shared note: notes that teammates keep, failures, and landings that prove notes.

``follow`` sees every event after it was applied. It adds to ``state.traces`` and never refuses: what may
come when is settled by the others.
"""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.models import MarkerKind
from workbench.core.noteform import PATHS_LIMIT, tidy_path
from workbench.core.notes import FAILURES, WORKBENCH
from workbench.core.plain import UNPRINTABLE
from workbench.core.state import AttemptState, RunState
from workbench.core.traces import Noted, Proof

REASON = 240
"""Characters of what a warning says about the reason."""

SURE = 0.9
"""How sure workbench is of what it saw itself."""

NOTES_LIMIT = 50
"""Notes that one attempt may keep."""

_TELLING = frozenset({
    e.MarkerReceived, e.WorkCollected, e.AttemptFailed, e.TaskBlocked, e.TaskConflicted, e.TaskRejected,
    e.TaskLanded,
})  # fmt: skip
"""Most events say nothing for the notes, and a long log is folded faster when that is one look."""


def follow(state: RunState, event: e.Event, at: float) -> None:
    """Keep what ``event``, which was just applied, says for the notes."""
    if type(event) not in _TELLING:
        return
    match event:
        case e.MarkerReceived(kind=MarkerKind.NOTE):
            _note(state, event, at)
        case e.WorkCollected() if event.files or not event.changed:
            state.attempt(event.task, event.attempt).files = event.files
        case e.AttemptFailed() if not event.broke:  # a broken agent says nothing about the files
            attempt = state.attempt(event.task, event.attempt)
            _warn(state, attempt, f"Attempt {event.attempt} failed: {event.reason}", attempt.files, at)
        case e.TaskBlocked():
            attempt = state.attempt(event.task, event.attempt)
            _warn(state, attempt, f"The teammate could not go on: {event.reason}", attempt.files, at)
        case e.TaskConflicted():
            others = f" with {', '.join(event.others)}" if event.others else ""
            _warn(state, _delivered(state, event.task), f"Conflicted{others} here.", event.paths, at)
        case e.TaskRejected():
            _rejected(state, event, at)
        case e.TaskLanded():
            state.traces.append(Proof(event.task, event.commit, event.files, at, active(state, at)))
        case _:
            pass


def active(state: RunState, at: float) -> float:
    """Seconds that the run has been at work at ``at``."""
    if state.finished:
        return state.active_seconds
    return state.active_seconds + max(0.0, at - state.resumed_at)


def _note(state: RunState, event: e.MarkerReceived, at: float) -> None:
    attempt = state.attempt(event.task, event.attempt)
    attempt.notes += 1
    if not event.note.strip() or attempt.notes > NOTES_LIMIT:
        return
    state.traces.append(
        Noted(
            task=event.task,
            attempt=event.attempt,
            name=event.name,
            text=event.note,
            author=attempt.teammate,
            made=at,
            seconds=active(state, at),
            namespace=event.namespace,
            confidence=event.confidence,
            ttl_seconds=event.ttl,
            paths=event.paths,
            commit=attempt.commit or attempt.start,
        )
    )


def _rejected(state: RunState, event: e.TaskRejected, at: float) -> None:
    attempt = _delivered(state, event.task)
    tests = f", in {', '.join(event.tests[:3])}" if event.tests else ""
    others = f" with {', '.join(event.others[:5])}" if event.others else " with what had landed"
    gate = f" by `{event.gate}`" if event.gate else ""
    _warn(state, attempt, f"Green alone, and red together{others}{gate}{tests}.", attempt.files, at)


def _delivered(state: RunState, task: str) -> AttemptState:
    return state.attempt(task, state.task(task).delivered_by)


def _warn(state: RunState, attempt: AttemptState, text: str, files: tuple[str, ...], at: float) -> None:
    """Warn of the files that a task touched: one warning for a task and a set of files, the last word
    counts. Where nothing was touched there is nothing to warn of."""
    paths = _paths(files)
    if not paths:
        return
    said = " ".join(UNPRINTABLE.sub(" ", text).split())
    state.traces.append(
        Noted(
            task=attempt.task,
            attempt=attempt.number,
            name=f"warning {' '.join(paths)}",
            text=said if len(said) <= REASON else f"{said[:REASON]} [cut]",
            author=WORKBENCH,
            made=at,
            seconds=active(state, at),
            kind="warning",
            namespace=FAILURES,
            confidence=SURE,
            paths=paths,
            commit=attempt.commit or "",
        )
    )


def _paths(files: tuple[str, ...]) -> tuple[str, ...]:
    """As many of ``files`` as a note has, less those with names that no note may show."""
    found: list[str] = []
    for file in files[: 2 * PATHS_LIMIT]:
        if UNPRINTABLE.search(file) or "\n" in file or "\t" in file:
            continue
        try:
            found.append(tidy_path(file))
        except ValueError:
            continue
    return tuple(sorted(found))[:PATHS_LIMIT]
