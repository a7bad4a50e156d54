"""Tasks and plans as they were written, before they are held to the rules; ``build`` does that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from workbench.core import graph
from workbench.core.models import Approver, Plan, Task
from workbench.core.plan import rules
from workbench.errors import PlanError, Problem


@dataclass(slots=True)
class Draft:
    """A task as written. ``done`` ones are not part of the plan, and what waits for them need not.
    ``lines`` holds where each field stands, if that is not the line of the heading."""

    id: str
    title: str
    line: int = 0
    body: str = ""
    after: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    role: str = ""
    priority: int = 0
    attempts: int | None = None
    budget_usd: float | None = None
    plan_by: str = ""
    done: bool = False
    lines: dict[str, int] = field(default_factory=dict)

    def at(self, name: str) -> int:
        """The line of a field."""
        return self.lines.get(name, self.line)

    def problems(self) -> Iterator[Problem]:
        """Every value of it that breaks a rule."""
        yield from rules.id_problems(self.id, self.line)
        yield from rules.title_problems(self.title, self.line)
        for glob in self.files:
            yield from rules.glob_problems(glob, self.at("files"))
        for gate in self.gates:
            yield from rules.command_problems(gate, self.at("gate"), "gate")
        if self.role:
            yield from rules.role_problems(self.role, self.at("role"))
        if self.attempts is not None:
            line = self.at("attempts")
            yield from rules.number_problems(self.attempts, line, "attempts", 1, rules.MAX_ATTEMPTS)
        if self.plan_by:
            yield from rules.approver_problems(self.plan_by, self.at("plan"))


@dataclass(slots=True)
class Head:
    """What a plan says besides its tasks; the fields are those of Plan."""

    title: str = ""
    context: str = ""
    contract: str = ""
    team: int | None = None
    gates: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    budget_usd: float | None = None
    model: str | None = None
    base: str | None = None
    lead: Literal["", "claude"] = ""


@dataclass(slots=True)
class Front:
    """What the front matter says; without any, nothing. ``unread`` means that it could not be taken as
    YAML at all."""

    head: Head = field(default_factory=Head)
    todos: list[Draft] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: bool = False


def build(head: Head, drafts: Sequence[Draft], problems: Sequence[Problem], path: str) -> Plan:
    """The plan, if neither ``problems`` nor the rules nor the graph stand against it.

    Raises PlanError with all of them otherwise.
    """
    found = list(problems)
    if len(drafts) > rules.MAX_TASKS:
        sentence = f"the plan has {len(drafts):,} tasks, more than {rules.MAX_TASKS:,}"
        raise PlanError(
            [*found, Problem(drafts[rules.MAX_TASKS].line, sentence, "Make several plans.")], path
        )
    found.extend(rules.title_problems(head.title, 0))
    for draft in drafts:
        found.extend(draft.problems())
    live = [draft for draft in drafts if not draft.done]
    found.extend(_done_twice(drafts))
    done = {draft.id for draft in drafts if draft.done} - {draft.id for draft in live}
    for draft in live:
        draft.after = tuple(id_ for id_ in draft.after if id_ not in done)
    # Not validated yet, so that a wrong id is one problem and not one more for each that names it.
    tasks = [Task.model_construct(id=d.id, title=d.title, after=d.after, line=d.line) for d in live]
    found.extend(graph.problems(tasks, {d.id: d.at("after") for d in live if "after" in d.lines}))
    if not live and not found:
        sentence = "every task is done already" if drafts else "the plan has no tasks"
        hint = "Write '## Tasks', and below it a heading '### id: title' for each task."
        again = "Clear the box of what is to be done again, [ ] for [x], or add a task."
        found.append(Problem(0, sentence, again if drafts else hint))
    if found:
        raise PlanError(found, path)
    return Plan(
        title=head.title,
        tasks=tuple(_task(draft) for draft in live),
        context=head.context,
        contract=head.contract,
        team=head.team,
        gates=head.gates,
        setup=head.setup,
        budget_usd=head.budget_usd,
        model=head.model,
        base=head.base,
        lead=head.lead,
    )


def _task(draft: Draft) -> Task:
    return Task(
        id=draft.id,
        title=draft.title,
        body=draft.body,
        after=draft.after,
        files=draft.files,
        gates=draft.gates,
        role=draft.role,
        priority=draft.priority,
        attempts=draft.attempts,
        budget_usd=draft.budget_usd,
        plan_by=cast("Approver", draft.plan_by),  # held to the rules by now
        line=draft.line,
    )


def _done_twice(drafts: Sequence[Draft]) -> Iterator[Problem]:
    """Ids of which one is done and another is not: nobody could say which is meant."""
    first: dict[str, Draft] = {}
    for draft in drafts:
        earlier = first.setdefault(draft.id, draft)
        if earlier is not draft and (draft.done or earlier.done):
            sentence = f'the id "{draft.id}" is used twice (see line {earlier.line}), and one of them is done'
            yield Problem(draft.line, sentence, "Give one of the two another id, or remove it.")
