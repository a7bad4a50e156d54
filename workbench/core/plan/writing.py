"""A plan back into text: the structured Markdown that ``parse`` reads, and a summary for people.

Text that ``parse`` would read otherwise (a body with headings of level 1 to 3, an unclosed fence, a
list that looks like fields, blank lines at its ends) is written whole in a fence marked ``verbatim``,
from which ``parse`` takes it letter by letter. So nothing is escaped, demoted or lost, and text that
needs no fence gets none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from workbench.core import graph
from workbench.core.models import Plan, Task
from workbench.core.money import dollars
from workbench.core.plan.fields import join_list, quote
from workbench.core.plan.page import VERBATIM
from workbench.core.plan.parse import parse
from workbench.errors import PlanError

FRONT = ("team", "budget_usd", "model", "base", "lead", "gates", "setup")


def render(plan: Plan) -> str:
    """``plan`` as a structured plan; ``parse`` gives the same plan back, apart from ``line``."""
    text = _write(plan, _as_it_is)
    if _reads_as(text, plan):
        return text
    return _write(plan, _fenced_where_needed)


def fence(text: str) -> str:
    """``text`` as a fence that stands for it letter by letter."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{VERBATIM}\n{text}\n{ticks}"


def summary(plan: Plan) -> str:
    """The plan in plain lines for a person: settings, every task, and the graph (see graph.draw)."""
    lines = [plan.title, "", *_facts(plan), ""]
    margin = min(24, max(len(task.id) for task in plan.tasks)) if plan.tasks else 0
    for task in plan.tasks:
        lines.append(f"  {task.id:<{margin}}  {task.title}")
        lines.extend(f"  {'':<{margin}}    {detail}" for detail in _details(task))
    lines += ["", "What waits for what, from left to right and downwards:", ""]
    lines.extend(f"  {line}" for line in graph.draw(plan.tasks).split("\n"))
    return "\n".join(lines)


# -- text ------------------------------------------------------------------------------------------

Verbatim = Callable[[str, Plan], str]
"""Takes a piece of text and a small plan that holds only it; gives how the piece is to be written."""


def _write(plan: Plan, verbatim: Verbatim) -> str:
    nothing = Task(id="a", title="a")
    parts = [_front(plan), _heading("#", plan.title)]
    if plan.context:
        probe = Plan(title="t", context=plan.context, contract="x", tasks=(nothing,))
        parts.append(verbatim(plan.context, probe))
    if plan.contract:
        probe = Plan(title="t", contract=plan.contract, tasks=(nothing,))
        parts += ["## Contract", verbatim(plan.contract, probe)]
    parts.append("## Tasks")
    for task in plan.tasks:
        parts.append(_heading("###", f"{task.id}: {task.title}"))
        parts.append("\n".join(_fields(task)))
        if task.body:
            update: dict[str, Any] = {"id": "a", "after": ("b",) if task.after else ()}
            probe = Plan(title="t", tasks=(task.model_copy(update=update), Task(id="b", title="b")))
            parts.append(verbatim(task.body, probe))
    return "\n\n".join(part for part in parts if part) + "\n"


def _as_it_is(piece: str, probe: Plan) -> str:
    return piece


def _fenced_where_needed(piece: str, probe: Plan) -> str:
    return piece if _reads_as(_write(probe, _as_it_is), probe) else fence(piece)


def _heading(marks: str, text: str) -> str:
    # A '#' at the end of a heading is taken for decoration unless another follows.
    return f"{marks} {text} {marks}" if text.endswith("#") else f"{marks} {text}"


def _front(plan: Plan) -> str:
    given = {name: getattr(plan, name) for name in FRONT if getattr(plan, name) not in (None, (), "")}
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    if not values:
        return ""
    return "---\n" + yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1 << 20) + "---"


def _fields(task: Task) -> Iterator[str]:
    if task.after:
        yield f"- after: {', '.join(task.after)}"
    if task.files:
        yield f"- files: {join_list(task.files)}"
    for gate in task.gates:
        yield f"- gate: {quote(gate)}"
    if task.role:
        yield f"- role: {quote(task.role)}"
    if task.priority:
        yield f"- priority: {task.priority}"
    if task.attempts is not None:
        yield f"- attempts: {task.attempts}"
    if task.budget_usd is not None:
        yield f"- budget: {task.budget_usd:g}"
    if task.plan_by:
        yield f"- plan: {task.plan_by}"


def _reads_as(text: str, plan: Plan) -> bool:
    try:
        return without_lines(parse(text)) == without_lines(plan)
    except PlanError:
        return False


def without_lines(plan: Plan) -> Plan:
    """The plan as if it had not been read from a file."""
    tasks = tuple(task.model_copy(update={"line": 0}) for task in plan.tasks)
    return plan.model_copy(update={"tasks": tasks})


# -- summary -----------------------------------------------------------------------------------------


def _facts(plan: Plan) -> Iterator[str]:
    at_once = graph.width(plan.tasks)
    longest = max(graph.ranks(plan.tasks).values(), default=-1) + 1
    tasks = "1 task" if len(plan.tasks) == 1 else f"{len(plan.tasks)} tasks"
    yield f"{tasks}, up to {at_once} at once, {longest} in the longest chain"
    if plan.team is not None:
        yield f"team: {plan.team}"
    yield from (f"gate: {gate}" for gate in plan.gates)
    yield from (f"setup: {command}" for command in plan.setup)
    if plan.budget_usd is not None:
        yield f"budget: {dollars(plan.budget_usd)}"
    if plan.model is not None:
        yield f"model: {plan.model}"
    if plan.base is not None:
        yield f"base: {plan.base}"
    if plan.lead:
        yield f"lead: {plan.lead}"
    if plan.contract:
        lines = len(plan.contract.splitlines())
        yield f"contract: {lines} line{'' if lines == 1 else 's'}, in every brief"


def _details(task: Task) -> Iterator[str]:
    if task.after:
        yield f"after: {', '.join(task.after)}"
    if task.files:
        yield f"files: {', '.join(task.files)}"
    yield from (f"gate: {gate}" for gate in task.gates)
    rest = {"role": task.role, "priority": task.priority, "attempts": task.attempts}
    said = [f"{name}: {value}" for name, value in rest.items() if value]
    if task.budget_usd is not None:
        said.append(f"budget: {dollars(task.budget_usd)}")
    if task.plan_by:
        yield f"plans first: the {task.plan_by} approves"
    if said:
        yield ", ".join(said)
