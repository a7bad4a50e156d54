"""Work that may land only with a person's word: what it touches, what is asked about it, what was said. Pure.

A task is *held* while it is delivered and ``TaskState.touches`` is not empty. A yes clears exactly the files
as they were shown: what is delivered again with the same contents need not be asked about again.
"""

from __future__ import annotations

from collections.abc import Iterable

from workbench.core.guarded import guarded
from workbench.core.mail import PERSON, WORKBENCH, MessageKind
from workbench.core.mailing import Draft
from workbench.core.models import TEXT_LIMIT
from workbench.core.state import PERSON as BY_HAND
from workbench.core.state import Ask, Landing, RunState, TaskState, TaskStatus
from workbench.core.touches import MERGED, Touch

MOST_NAMED = 40
"""Files that an ask lists."""


def standing(task: TaskState, touches: Iterable[Touch]) -> tuple[Touch, ...]:
    """Those of ``touches`` that nobody has said yes to, as they are."""
    return tuple(it for it in touches if task.cleared.get(it.path) != it.blob)


def waits(state: RunState, name: str) -> bool:
    """Whether a delivered task may not be taken into a landing."""
    return bool(state.tasks[name].touches)


def asked(state: RunState, name: str) -> Ask | None:
    """What the person is asked about a held task, while it is open."""
    kind = MessageKind.HELD
    return next(
        (it for it in state.asks.values() if it.message.kind is kind and it.message.task == name), None
    )


def draft(state: RunState, task: TaskState) -> Draft:
    """What the person is asked about a task that was just held."""
    return Draft(
        MessageKind.HELD,
        WORKBENCH,
        PERSON,
        _text(state, task)[:TEXT_LIMIT],
        task=task.spec.id,
        attempt=task.delivered_by,
    )


def _text(state: RunState, task: TaskState) -> str:
    attempt = state.attempt(task.spec.id, task.delivered_by)
    shown = task.touches[:MOST_NAMED]
    lines = [
        f"May {task.spec.id} land, as {attempt.teammate} delivered it? It changes what needs a person:",
        "",
    ]
    lines += [f"- {_named(it)}" for it in shown]
    if len(task.touches) > len(shown):
        lines.append(f"- and {len(task.touches) - len(shown)} more")
    if attempt.patch:
        lines += ["", attempt.patch]
    lines += ["", f"All of it: git diff {attempt.start[:12]} {(task.commit or '')[:12]}"]
    return "\n".join(lines)


def _named(touch: Touch) -> str:
    if touch.secret:
        return f"{touch.path}:{touch.line}: it looks like a secret ({touch.secret})"
    return f"{touch.path}: {touch.why}"


def verdict(task: TaskState, words: str) -> str:
    """What the next attempt is told of a no: a person's ``words``, and what it is about."""
    listed = "\n".join(f"- {_named(it)}" for it in task.touches[:MOST_NAMED])
    said = f"{words.strip() or 'They said no more than no.'}\n\nIt was about:\n{listed}"
    if leaks(task.touches):
        said += (
            f"\n\nThe earlier commits hold a secret, so you begin anew, without them. What else was good in"
            f" them can be read in {task.commit}; do not merge or pick them."
        )
    return said


def leaks(touches: Iterable[Touch]) -> bool:
    """Whether a secret is among ``touches``: then its commits must not be built upon."""
    return any(it.secret for it in touches)


def final(state: RunState, task: TaskState) -> bool:
    """Whether no attempt is left to do it another way."""
    if state.attempt(task.spec.id, task.delivered_by).teammate == BY_HAND:
        return True
    name = task.spec.id
    return task.fixups + 1 > (task.spec.attempts or state.settings.attempts) or state.spent_up(name)


def surprises(state: RunState, landing: Landing) -> dict[str, tuple[Touch, ...]]:
    """What the merges of a landing change that needs a person and was not seen in what was delivered, by
    task: a file may have been renamed to such a place meanwhile."""
    if state.settings.on_guarded != "hold":
        return {}
    found: dict[str, tuple[Touch, ...]] = {}
    for step in landing.steps:
        task = state.task(step.task)
        if state.attempt(step.task, task.delivered_by).teammate == BY_HAND:
            continue
        touched = guarded(step.files, state.gates_of(step.task), state.settings.guarded)
        touched |= {it.path: it.why for it in step.touches if it.path not in touched}
        new = {path: why for path, why in touched.items() if path not in task.cleared}
        if new:
            found[step.task] = tuple(Touch(path=path, why=why, blob=MERGED) for path, why in new.items())
    return found


def held(state: RunState) -> list[str]:
    """The delivered tasks that wait for a person's word."""
    return [name for name in state.queue if waits(state, name)]


def forget(state: RunState, task: TaskState) -> None:
    """The task is not delivered any more: what was asked about it is moot."""
    task.touches, task.no = (), ""
    if task.status is not TaskStatus.LANDING and (ask := asked(state, task.spec.id)) is not None:
        del state.asks[ask.message.id]
