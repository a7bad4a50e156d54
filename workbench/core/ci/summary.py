"""The page of a step: what came of the run, at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core.ci.markup import code, markdown, mermaid
from workbench.core.ci.results import goes_on
from workbench.core.deadline import resume_at
from workbench.core.inbox import NEEDS_SOMEBODY, for_person, how_to_answer
from workbench.core.mail import Message, MessageKind
from workbench.core.report import duration, headline
from workbench.core.report.values import Report, TaskReport
from workbench.core.state import RunState
from workbench.core.story.team import again

LIMIT = 1024 * 1024 - 1024
"""Bytes that a step may write: GitHub drops a summary that is larger than a MiB. Some stay for others."""

ASKS = 20
"""Asks that are shown."""

NODES = 150
EDGES = 400
GRAPH = 40_000
"""Tasks, dependencies and characters of a graph that GitHub's Mermaid still draws."""

SHADES = {
    "done": "fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "bad": "fill:#ffebe9,stroke:#cf222e,color:#1f2328",
    "waits": "fill:#fff8c5,stroke:#9a6700,color:#1f2328",
    "going": "fill:#ddf4ff,stroke:#0969da,color:#1f2328",
    "open": "fill:#f6f8fa,stroke:#59636e,color:#1f2328",
}
SHADE = {
    "landed": "done", "failed": "bad", "blocked": "bad",
    "held": "waits", "undone": "waits", "skipped": "waits",
    "conflicted": "going", "rejected": "going", "running": "going", "delivered": "going", "landing": "going",
}  # fmt: skip


def summary(state: RunState, result: Report, room: int = LIMIT) -> str:
    """Markdown of at most ``room`` bytes in UTF-8: the graph goes first, then rows of the table, then all."""
    head = [f"## {markdown(result.title)}", "", f"Run {code(result.run)} · {markdown(headline(result))}.", ""]
    if result.reason:
        head += [f"> {markdown(result.reason, 500)}", ""]
    head += [*_further(state, result), *_asks(state)]
    text = "\n".join(head)
    if _size(text) > room:
        return ""
    drawn = _graph(state)
    table = _table(result, room - _size(text) - 1)
    whole = "\n".join([text, *table])
    return "\n".join([whole, *drawn]) if _size("\n".join([whole, *drawn])) <= room else whole


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _further(state: RunState, result: Report) -> list[str]:
    """How to go on."""
    steps = []
    branch = result.integration.removeprefix("refs/heads/")
    if result.landings:
        steps.append(f"What landed is on {code(branch)}; every tip of it that was published is green.")
    if state.outcome in (None, "stopped"):
        at = resume_at(state)
        fine = "Nothing is wrong: it is to be resumed" if goes_on(state, result) else "It can be resumed"
        when = f", not before {at}" if at else ""
        steps.append(f"{fine}{when}: {code(again(result.run, result.reason))}")
    stuck = [task for task in state.tasks.values() if task.status in NEEDS_SOMEBODY]
    if stuck:
        names = ", ".join(code(task.spec.id) for task in stuck[:8]) + (" …" if len(stuck) > 8 else "")
        steps.append(
            f"Not landed: {names}. What was made of it is kept; {code('workbench inbox')} says more."
        )
    if result.alarms:
        steps.append(f"Alarms: {len(result.alarms)}; the report has them.")
    return [*(f"- {step}" for step in steps), ""] if steps else []


def _asks(state: RunState) -> list[str]:
    asks = for_person(state)
    if not asks:
        return []
    lines = ["### Waits for an answer", ""]
    for ask in asks[:ASKS]:
        message = ask.message
        about = f" ({code(message.task)})" if message.task else ""
        said = f"{markdown(message.sender)}{about}: {markdown(message.text, 400)}"
        lines.append(f"- {said} — {code(how_to_answer(message, state.run))}")
    if len(asks) > ASKS:
        lines.append(f"- and {len(asks) - ASKS} more")
    return [*lines, "", _by_workflow(asks[0].message), ""]


def _by_workflow(message: Message) -> str:
    """How to answer where the run's state is in no checkout of a person's, but in a job's cache."""
    word = "TEXT" if message.kind is MessageKind.QUESTION else "yes"
    command = f'gh workflow run workbench -f mode=resume -f answers="{message.id} {word}"'
    return f"By the workflow that `workbench init` writes, a line for each: {code(command)}"


def _table(result: Report, room: int) -> list[str]:
    lines = [
        "| task | | attempts | by | time | cost | landed as |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    left = room - _size("\n".join(lines)) - 100  # the line that says how many are left out
    if left < 0:
        return []
    for number, task in enumerate(result.tasks):
        row = _row(task, scripted=result.scripted)
        left -= _size(row) + 1
        if left < 0:
            return [*lines, "", f"{len(result.tasks) - number} more tasks are in the report.", ""]
        lines.append(row)
    return [*lines, ""]


def _row(task: TaskReport, *, scripted: bool) -> str:
    status = "NOT FOUND" if task.status == "landed" and task.proven is False else task.status
    cost = f"${task.usage.cost_usd:.2f}" if task.usage.cost_usd and not scripted else ""
    cells = (
        f"{code(task.id)} {markdown(task.title, 120)}",
        status,
        str(task.attempts),
        markdown(task.teammate),
        duration(task.seconds) if task.seconds else "",
        markdown(cost),
        code(task.landed[:10]) if task.landed else markdown(task.reason),
    )
    return f"| {' | '.join(cells)} |"


def _graph(state: RunState) -> list[str]:
    """The plan as a graph; nothing where it would not be drawn."""
    tasks = list(state.tasks.values())
    numbers = {task.spec.id: f"t{place}" for place, task in enumerate(tasks)}
    edges = [
        f"  {numbers[before]} --> {numbers[task.spec.id]}"
        for task in tasks
        for before in task.spec.after
        if before in numbers
    ]
    if len(tasks) > NODES or len(edges) > EDGES:
        return []
    nodes = [
        f'  {numbers[it.spec.id]}["{mermaid(it.spec.id)}"]:::{SHADE.get(it.status.value, "open")}'
        for it in tasks
    ]
    shades = [f"  classDef {name} {look}" for name, look in SHADES.items()]
    drawn = ["```mermaid", "flowchart LR", *nodes, *edges, *shades, "```", ""]
    return drawn if _fits(drawn) else []


def _fits(lines: Sequence[str]) -> bool:
    return sum(map(len, lines)) + len(lines) <= GRAPH
