"""Whether a plan is worth a team: three questions, 1 to 5 points each, and what the graph says to them.

A model answers them with a reason each; what it says is kept within what the plan's graph allows, because
a plan in which every task waits for the one before leaves nobody to work beside anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.core import graph
from workbench.core.models import Plan
from workbench.core.plan.meetings import meetings

ENOUGH = 12
"""Points, of 15, from which a team is recommended."""

MOST = 5
LARGEST_TEAM = 4
"""Teams beyond this are for people to ask for: what more teammates add, their merges take away."""

REASON = 400
"""Characters of a reason that are kept."""

QUESTIONS = {
    "collective": "collective potential",
    "asynchronous": "asynchronous benefit",
    "traces": "value of shared traces",
}
"""The three, by the name they have in an answer, and as people read them."""


@dataclass(frozen=True, slots=True)
class Score:
    """The points for one question, with the reason, and what kept them lower than they were given."""

    points: int
    reason: str
    limited: str = ""


@dataclass(frozen=True, slots=True)
class Suitability:
    """The scores by question, and the team that follows from them: its size, and why."""

    scores: Mapping[str, Score]
    team: int
    why: str

    @property
    def total(self) -> int:
        return sum(score.points for score in self.scores.values())

    @property
    def worth_a_team(self) -> bool:
        return self.total >= ENOUGH


def judge(plan: Plan, answers: Mapping[str, Any]) -> Suitability:
    """What ``answers`` (by question an object of ``score`` and ``reason``) and the graph of ``plan`` come
    to. A question that is not answered well has one point."""
    limits = _limits(plan)
    scores = {}
    for name in QUESTIONS:
        points, reason = _answer(answers.get(name))
        limit, why = limits[name]
        scores[name] = Score(min(points, limit), reason, why if limit < points else "")
    return _recommended(plan, scores)


def _recommended(plan: Plan, scores: Mapping[str, Score]) -> Suitability:
    total = sum(score.points for score in scores.values())
    at_once = graph.width(plan.tasks)
    if total >= ENOUGH and at_once > 1:
        team = min(at_once, LARGEST_TEAM)
        return Suitability(scores, team, f"{total} of 15 points, and {at_once} tasks can be at work at once")
    lowest = min(scores, key=lambda name: scores[name].points)
    low = scores[lowest]
    why = f"{total} of 15 points, and a team is worth it from {ENOUGH}; lowest is {QUESTIONS[lowest]}"
    return Suitability(scores, 1, f"{why}: {low.limited or low.reason}")


def _answer(given: Any) -> tuple[int, str]:
    if not isinstance(given, Mapping):
        return 1, "no answer"
    points, reason = given.get("score"), given.get("reason")
    said = " ".join(reason.split())[:REASON] if isinstance(reason, str) else ""
    # True is an int to Python, and no number is near NaN.
    usable = isinstance(points, int | float) and not isinstance(points, bool) and points == points
    return int(max(1, min(MOST, points))) if usable and points else 1, said or "no reason given"


def _limits(plan: Plan) -> dict[str, tuple[int, str]]:
    """The most points that the graph allows for each question, and why no more."""
    count, at_once = len(plan.tasks), graph.width(plan.tasks)
    longest = max(graph.ranks(plan.tasks).values(), default=0) + 1
    free = (MOST, "")
    if count <= 1:
        one = (1, "there is one task, and nobody to share anything with")
        return dict.fromkeys(QUESTIONS, one)
    asynchronous = free
    if at_once == 1:
        asynchronous = (1, "every task waits for another: no two can be at work at once")
    elif count / longest < 1.5:
        asynchronous = (
            2,
            f"{longest} of {count} tasks stand in one chain, which takes as long as one teammate",
        )
    elif count / longest < 2:
        asynchronous = (3, f"the longest chain has {longest} of the {count} tasks")
    collective = free
    crowded = {id_ for pair in meetings(plan) for id_ in pair}
    if at_once == 1:
        collective = (2, "every task waits for another")
    elif 2 * len(crowded) > count:
        collective = (
            3,
            f"{len(crowded)} of {count} tasks may touch files that others change at the same time",
        )
    elif count == 2:
        collective = (3, "there are two tasks")
    traces = free if count > 2 or plan.contract else (3, "two tasks without a contract share little")
    return {"collective": collective, "asynchronous": asynchronous, "traces": traces}


def as_data(suitability: Suitability) -> dict[str, object]:
    """The whole for programs."""
    scores = {
        name: {"score": score.points, "reason": score.reason, "limited": score.limited or None}
        for name, score in suitability.scores.items()
    }
    total = {"total": suitability.total, "of": MOST * len(QUESTIONS), "enough": ENOUGH}
    team = {"team": suitability.team, "worth_a_team": suitability.worth_a_team, "why": suitability.why}
    return {**scores, **total, **team}
