"""A run in whole sentences, for whoever has it read aloud: nothing is said by place, colour or shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workbench.core.inbox import for_person
from workbench.core.lists import some
from workbench.core.money import dollars
from workbench.core.report import duration, elapsed
from workbench.core.state import RunState, TaskState, TaskStatus
from workbench.core.story.onward import onward
from workbench.core.story.team import resting, rows
from workbench.core.story.words import gist, short

_SPEAKERS = {"run": "The run", "merge": "Merging", "gate": "Gates", "probe": "Probing", "": "The run"}

_STANDS: Mapping[TaskStatus, str] = {
    TaskStatus.PENDING: "waits for other tasks",
    TaskStatus.HELD: "is held",
    TaskStatus.READY: "is ready to start",
    TaskStatus.RUNNING: "is being worked on",
    TaskStatus.DELIVERED: "is delivered and waits to land",
    TaskStatus.LANDING: "is landing",
    TaskStatus.LANDED: "has landed",
    TaskStatus.UNDONE: "was taken off again",
    TaskStatus.CONFLICTED: "has a conflict to resolve",
    TaskStatus.REJECTED: "was rejected and is to be repaired",
    TaskStatus.BLOCKED: "is blocked",
    TaskStatus.FAILED: "has failed",
    TaskStatus.SKIPPED: "is left out",
}


def told(who: str, what: str) -> list[str]:
    """A line of the story: one sentence, and what belongs to it below."""
    first, *more = what.splitlines() or [""]
    return [_ended(f"{_SPEAKERS.get(who, who)}: {first}"), *more]


def status(state: RunState, *, live: bool, now: float) -> list[str]:
    """Where a run stands: how far it is, what holds it back, who waits for the person, what to do next."""
    landed = sum(task.status is TaskStatus.LANDED for task in state.tasks.values())
    total = len(state.tasks)
    stands = "is paused" if state.paused else "is stopping" if state.stopping else "is going on"
    if not live or state.finished:
        stands = "is over" if state.finished else "does not go on"
    said = [f"Run {state.run} {stands}. {landed} of {total} task{'s' * (total != 1)} landed."]
    if others := _counted(state):
        said.append(f"Of the others, {others}.")
    spent = "The model is scripted" if state.settings.scripted else f"It has cost {dollars(state.cost_usd)}"
    took = elapsed(state) + (max(0.0, now - state.at) if live and not state.finished else 0.0)
    said.append(f"{spent}, and taken {duration(took)}.")
    if live and (why := resting(state)):
        said.append(_ended(f"Held back: {why}"))
    if asks := len(for_person(state)):
        said.append(f"{asks} question{'s' * (asks != 1)} for you: type inbox.")
    if next_ := onward(state, live=live):
        said.append(next_)
    return said


def team(state: RunState) -> list[str]:
    """Each teammate in a sentence."""
    said = []
    for row in rows(state):
        at = f" is at {row.task}, {row.percent} percent" if row.task else " has no task"
        said.append(_ended(f"{row.teammate}{at}: {row.doing}"))
    return said or ["Nobody is in the team yet."]


def tasks(state: RunState) -> list[str]:
    """Each task in a sentence, in the order of the plan."""
    return [_sentence(task) for task in state.tasks.values()] or ["There are no tasks yet."]


def task(state: RunState, name: str) -> list[str]:
    """A task in a few sentences: where it stands, who is at it, what it waits for, why it does not go on.
    Raises KeyError."""
    return list(_about(state, state.tasks[name]))


def _about(state: RunState, it: TaskState) -> Iterator[str]:
    yield _sentence(it)
    tries = [attempt for (name, _), attempt in state.attempts.items() if name == it.spec.id]
    if tries:
        last = tries[-1]
        yield f"{len(tries)} attempt{'s' * (len(tries) != 1)}, the last by {last.teammate}."
        if it.status is TaskStatus.RUNNING and (doing := last.doing or last.note):
            yield _ended(f"It is at {last.percent} percent: {short(doing)}")
    if it.unmet:
        yield f"It waits for {some(sorted(it.unmet))}."
    if it.landed:
        yield f"It landed as {it.landed[:10]}, with {len(it.files)} file{'s' * (len(it.files) != 1)} changed."
    yield from (short(line, 400) for line in it.spec.body.splitlines() if line.strip())
    if it.evidence and it.status is not TaskStatus.LANDED:
        yield "What was wrong with it last:"
        yield from (short(line, 400) for line in it.evidence.splitlines()[-20:] if line.strip())


def _sentence(it: TaskState) -> str:
    why = f" {_ended(gist(it.reason))}" if it.reason else ""
    return f"{it.spec.id}, {short(it.spec.title, 80)}, {_STANDS[it.status]}.{why}"


def _counted(state: RunState) -> str:
    found: dict[TaskStatus, int] = {}
    for it in state.tasks.values():
        if it.status is not TaskStatus.LANDED:
            found[it.status] = found.get(it.status, 0) + 1
    return ", ".join(f"{found[status]} {words}" for status, words in _STANDS.items() if status in found)


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", ":", "…")) else f"{sentence}."
