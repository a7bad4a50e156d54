"""A goal becomes a plan: drafted by a Claude Code that only reads, checked, mended, and criticised if wanted.

It reads a copy of HEAD outside the repository (see ``git.copies``), so nothing that it does, or that a
killed process leaves, touches the repository. Nothing is written here; the caller has the result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.agents.environment import claude_environment
from workbench.adapters.git.copies import copy_of
from workbench.adapters.git.offers import offers_of
from workbench.adapters.templates import Templates
from workbench.composition.place import Place
from workbench.core import plan as plans
from workbench.core.discovery import Surroundings, shown
from workbench.core.models import Plan, Usage
from workbench.core.plan.answer import (
    CRITIQUE_SCHEMA,
    DRAFT_SCHEMA,
    Critique,
    Point,
    from_critique,
    from_draft,
)
from workbench.core.plan.review import Circumstances, Finding, errors, review
from workbench.core.plan.suitability import Suitability, judge
from workbench.engine.ports import AgentReport
from workbench.errors import AgentError, PlanError, Problem, UsageError, WorkbenchError

if TYPE_CHECKING:
    from workbench.adapters.agents.claude import Reader

ANSWER_SECONDS = 1800.0
"""How long one answer may take: a large repository is read in minutes."""

MENDS = 2
"""How often a draft goes back for what the check found."""

HINT = "Say the goal in other words, or write the plan by hand: the README shows one."

Say = Callable[[str], None]
Hear = Callable[[AgentReport], None]


@dataclass(frozen=True)
class Drafted:
    """A plan as Claude left it, in exactly this ``text``, with what is to be said about it.

    ``mended`` is how often it went back for the check's findings; ``findings`` are those that stayed.
    ``critique`` is None when none was asked for, and ``revised`` says whether anything came of it.
    """

    text: str
    plan: Plan
    findings: tuple[Finding, ...]
    suitability: Suitability
    offers: Surroundings
    usage: Usage
    mended: int = 0
    critique: Critique | None = None
    revised: bool = False


async def around(place: Place) -> Circumstances:
    """What is known around a plan in this repository, for ``review``."""
    offers = await offers_of(place.repository, place.repository.head)
    return Circumstances(place.settings.gates, offers)


async def draft(
    place: Place,
    goal: str,
    *,
    say: Say,
    hear: Hear,
    critique: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Drafted:
    """A plan for ``goal``. ``say`` is told in words what is begun, ``hear`` what the sessions do.

    Raises UsageError where the agent is no Claude, SetupError, LoginError, and AgentError when it gives
    no plan that can be used. Cancelling ends its processes and leaves nothing.
    """
    demand_claude(place)
    circumstances = await around(place)
    env = claude_environment(os.environ, place.settings.env) | dict(environment or {})
    async with AsyncExitStack() as stack:
        copy = await stack.enter_async_context(copy_of(place.repository, place.repository.head))
        desk = _Desk(place, copy, env, hear)
        author = await stack.enter_async_context(desk.session("drafting the plan", DRAFT_SCHEMA))
        spent, opinion = Usage(), None
        drafting = _Drafting(author, circumstances, say)
        try:
            say(f"reading {place.root.name} at {place.repository.head[:10]}, and drafting")
            version = await drafting.ask(_brief(goal, circumstances))
            if critique:
                say("a second session reviews the plan")
                opinion, spent = await _reviewed(desk, goal, version.text)
                if opinion.points:
                    say(f"{_count(len(opinion.points), 'point')}; the plan is revised")
                    version = await drafting.revise(opinion.points, version)
        except WorkbenchError:
            say(f"what was asked until then cost ${(author.usage + spent).cost_usd:.2f}")
            raise
        usage = author.usage + spent
    return replace(version, usage=usage, mended=drafting.mended, critique=opinion)


async def _reviewed(desk: _Desk, goal: str, text: str) -> tuple[Critique, Usage]:
    """What somebody thinks of the plan who did not write it, and what asking cost."""
    async with desk.session("reviewing the plan", CRITIQUE_SCHEMA) as critic:
        question = Templates().render("critique.md.j2", {"goal": goal, "plan": text})
        answer = await critic.ask(question)
        return from_critique(answer), critic.usage


def strange(place: Place, drafted: Drafted) -> tuple[str, ...]:
    """Commands that a run of the plan would start, and that neither the repository nor its settings have:
    a model thought of them, which may have read more than it should have believed."""
    named = [*drafted.plan.gates, *drafted.plan.setup]
    named += [gate for task in drafted.plan.tasks for gate in task.gates]
    own = {*place.settings.gates, *place.settings.setup}
    return tuple(dict.fromkeys(it for it in named if it not in own and not drafted.offers.shows(it)))


def demand_claude(place: Place) -> None:
    """Raise UsageError where the settings name another agent, and SetupError where there is no Claude."""
    if place.settings.agent != "claude":
        raise UsageError(
            "Plans are drafted by Claude Code, and the agent set here is a command.",
            "Take the setting `agent` away for this (WORKBENCH_AGENT=claude), or write the plan by hand.",
        )
    from workbench.adapters.agents.claude import find_claude

    find_claude(place.settings.claude, os.environ.get("PATH"))


@dataclass(frozen=True)
class _Desk:
    """Where sessions are begun: each the same copy, environment and settings."""

    place: Place
    copy: Path
    env: Mapping[str, str]
    hear: Hear

    def session(self, doing: str, schema: dict[str, Any]) -> Any:
        from workbench.adapters.agents.claude import ClaudeSettings, Purpose, reading

        return reading(
            Purpose(doing, HINT),
            schema=schema,
            cwd=self.copy,
            env=self.env,
            model=self.place.settings.model,
            settings=ClaudeSettings(claude=self.place.settings.claude),
            seconds=ANSWER_SECONDS,
            hear=self.hear,
        )


class _Drafting:
    """The author's side: questions out, versions of the plan in, each held to the check."""

    def __init__(self, author: Reader, circumstances: Circumstances, say: Say) -> None:
        self._author = author
        self._around = circumstances
        self._say = say
        self.mended = 0

    async def ask(self, question: str) -> Drafted:
        """The best version that comes of ``question``, mended as far as it can be."""
        version = await self._once(question)
        for _ in range(MENDS):
            problems = _wrong(version)
            if not problems:
                break
            self.mended += 1
            self._say(f"the check found {_count(len(problems), 'mistake')}; the draft goes back to be mended")
            again = await self._once(_mending(problems, _remarks(version)))
            version = _better(version, again)
        if isinstance(version, PlanError):
            first = "; ".join(problem.sentence for problem in version.problems[:3])
            raise AgentError(f"What Claude drafted is no plan, {MENDS + 1} times over: {first}.", HINT)
        return version

    async def revise(self, points: tuple[Point, ...], before: Drafted) -> Drafted:
        """``before`` with a critic's points taken up; as it was when nothing better comes of them."""
        try:
            after = await self.ask(_mending((), _remarks(before), points))
        except AgentError as error:
            self._say(f"the revision came to nothing, and the plan stays as it was: {error}")
            return before
        if len(errors(after.findings)) > len(errors(before.findings)):
            self._say("the revision was worse by the check, and the plan stays as it was")
            return before
        return replace(after, revised=after.text != before.text)

    async def _once(self, question: str) -> Drafted | PlanError:
        answer = await self._author.ask(question)
        try:
            plan = from_draft(answer)
            scores = answer.get("suitability")
            suitability = judge(plan, scores if isinstance(scores, dict) else {})
            text = plans.render(plan.model_copy(update={"team": suitability.team}))
            plan = plans.parse(text, "the draft")  # for its lines
        except PlanError as error:
            return error
        offers = self._around.offers
        assert offers is not None
        return Drafted(text, plan, review(plan, self._around), suitability, offers, Usage())


def _better(before: Drafted | PlanError, after: Drafted | PlanError) -> Drafted | PlanError:
    if isinstance(before, PlanError):
        return after
    if isinstance(after, PlanError):
        return before
    return before if len(errors(before.findings)) < len(errors(after.findings)) else after


def _wrong(version: Drafted | PlanError) -> tuple[Problem, ...]:
    """What has to be mended, as problems."""
    if isinstance(version, PlanError):
        return tuple(version.problems)
    return tuple(Problem(it.line, it.sentence, it.hint) for it in errors(version.findings))


def _remarks(version: Drafted | PlanError) -> tuple[Finding, ...]:
    if isinstance(version, PlanError):
        return ()
    return tuple(finding for finding in version.findings if finding.severity == "warning")


def _mending(
    problems: tuple[Problem, ...], remarks: tuple[Finding, ...], points: tuple[Point, ...] = ()
) -> str:
    values = {"problems": problems[:20], "remarks": remarks[:10], "points": points}
    return Templates().render("mend.md.j2", values)


def _brief(goal: str, circumstances: Circumstances) -> str:
    assert circumstances.offers is not None
    gates = list(shown(circumstances.offers.found))
    return Templates().render("draft.md.j2", {"goal": goal, "gates": gates, "own_gates": circumstances.gates})


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def no_use(error: WorkbenchError) -> WorkbenchError:
    """``error`` as a command reports it that had nothing else to do: the set-up was not up to it."""
    error.exit_code = 2
    return error
