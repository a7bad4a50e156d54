"""What of a run is worth a note on a line of a file: what did not land, and what waits for somebody."""

# Annotations are not postponed here: see core.models.

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Literal

from workbench.core.ci.commands import command
from workbench.core.ci.markup import cut
from workbench.core.ci.places import places
from workbench.core.flakes import percent
from workbench.core.inbox import for_person, how_to_answer
from workbench.core.models import Value
from workbench.core.report.values import Report
from workbench.core.state import RunState, TaskState, TaskStatus

MOST = 10
"""Errors that GitHub shows of one step, and warnings; the rest is left out of its page, and so here."""

PLACES = 3
"""Places of one task that are noted."""

WORDS = 2_000
"""Characters of one note."""

Known = Callable[[str], str]


class Annotation(Value):
    """A note: an error or a warning, at a line of a file if there is one."""

    level: Literal["error", "warning"]
    title: str
    said: str
    path: str = ""
    line: int = 0

    def command(self) -> str:
        """The workflow command that makes it."""
        where = {"file": self.path, "line": str(self.line or ""), "title": cut(self.title, 200)}
        return command(self.level, cut(self.said, WORDS) or self.title, where)


def noted(state: RunState, result: Report, plan: str, known: Known) -> list[Annotation]:
    """The notes of a run that is over, at most ten errors and ten warnings, the telling ones first.

    ``plan`` is the path of its plan in the repository, empty where that is elsewhere; ``known`` is as
    ``places`` has it.
    """
    first, further = list[Annotation](), list[Annotation]()
    for task in state.tasks.values():
        found = [
            it if it.path else it.model_copy(update={"path": plan, "line": task.spec.line if plan else 0})
            for it in _of_task(state, task, known)
        ]
        first += found[:1]
        further += found[1:]
    everything = [*_refused(state, result, plan), *first, *further, *_warnings(state, result, plan)]
    return [
        it
        for level in ("error", "warning")
        for it in [note for note in everything if note.level == level][:MOST]
    ]


def _refused(state: RunState, result: Report, plan: str) -> Iterator[Annotation]:
    if state.outcome == "refused":
        yield Annotation(level="error", title="The run was refused", said=result.reason, path=plan)
    for task in result.tasks:
        if task.proven is False:
            said = f"{task.id} landed, and is not on the integration branch any more: somebody moved it."
            yield Annotation(level="error", title=f"{task.id} is gone", said=said)


def _of_task(state: RunState, task: TaskState, known: Known) -> Iterator[Annotation]:
    """What is to be said of one task; nothing of one that landed or is on its way."""
    name, why = task.spec.id, task.reason or task.status.value
    found = places(task.evidence, known, PLACES) if task.status is TaskStatus.FAILED else []
    match task.status:
        case TaskStatus.FAILED if task.conflicts and not found:
            sides = f" It collides with {', '.join(task.others)}." if task.others else ""
            for path in task.conflicts[:PLACES]:
                yield Annotation(
                    level="error", title=f"{name}: conflict", said=f"{why}.{sides}", path=known(path), line=1
                )
        case TaskStatus.FAILED:
            tests = f"\nFailing: {', '.join(task.failing[:MOST])}" if task.failing else ""
            evidence = f"\n\n{task.evidence}" if task.evidence and task.evidence != why else ""
            for place in found:
                yield Annotation(
                    level="error", title=f"{name}: {why}", said=place.said or why, path=place.path,
                    line=place.line,
                )  # fmt: skip
            if not found:
                yield Annotation(level="error", title=f"{name} failed", said=f"{why}{tests}{evidence}")
        case TaskStatus.BLOCKED | TaskStatus.HELD | TaskStatus.UNDONE:
            yield Annotation(level="warning", title=f"{name} is {task.status.value}", said=why)
        case _:
            pass


def _warnings(state: RunState, result: Report, plan: str) -> Iterator[Annotation]:
    for ask in for_person(state):
        message = ask.message
        line = state.tasks[message.task].spec.line if message.task in state.tasks and plan else 0
        said = f"{message.text}\n\n{how_to_answer(message, state.run)}"
        title = f"{message.sender} waits for an answer ({message.id})"
        yield Annotation(level="warning", title=title, said=said, path=plan, line=line)
    flaky, excused = (("flaky", it) for it in result.flakes), (("quarantined", it) for it in result.excused)
    for how, found in chain(flaky, excused):
        said = f"{found.times} of {found.runs} runs ({percent(found.rate)}) of {found.gate}"
        yield Annotation(level="warning", title=f"{how}: {found.name}", said=said)
    for alarm in result.alarms:
        yield Annotation(level="warning", title="alarm", said=f"{alarm.sentence}\n{alarm.hint}")
