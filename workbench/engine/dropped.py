"""What a file in a marker folder comes to: a marker of the attempt that works there, or one set aside."""

from __future__ import annotations

from collections.abc import Collection

from workbench.core import events as e
from workbench.core.apply.notes import NOTES_LIMIT
from workbench.core.models import Marker
from workbench.core.state import AttemptState, RunState
from workbench.engine.ports import Dropped


def outcome(
    dropped: Dropped, state: RunState, attempt: AttemptState, seen: Collection[str]
) -> e.MarkerReceived | e.MarkerQuarantined:
    """The event of a file found in the worktree of ``attempt``; ``seen`` are the names that came before."""
    problem = _objection(dropped, state, attempt, seen)
    if dropped.marker is None or problem:
        return e.MarkerQuarantined(
            task=attempt.task, attempt=attempt.number, name=dropped.name, reason=problem or "unreadable"
        )
    return _received(attempt, dropped.name, dropped.marker)


def _objection(dropped: Dropped, state: RunState, attempt: AttemptState, seen: Collection[str]) -> str:
    marker = dropped.marker
    if marker is not None and marker.nonce != attempt.nonce:
        return "its nonce is not the one of this attempt, so it is not believed"
    if dropped.name in seen:
        return "a marker of this name was received before; give each a name of its own"
    if marker is not None and marker.kind == "note" and attempt.notes >= NOTES_LIMIT:
        return f"this attempt has kept {NOTES_LIMIT} notes; put what is left into one message or into a file"
    return dropped.problem


def _received(attempt: AttemptState, name: str, marker: Marker) -> e.MarkerReceived:
    return e.MarkerReceived(
        task=attempt.task,
        attempt=attempt.number,
        name=name,
        kind=marker.kind.value,
        note=marker.note,
        percent=marker.percent,
        confidence=marker.confidence,
        to=marker.to,
        reply_to=marker.reply_to,
        decision=marker.decision,
        namespace=marker.namespace,
        ttl=marker.ttl,
        paths=marker.paths,
    )
