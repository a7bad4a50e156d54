"""A draft goes back as often as helps, and the best of what came is what is shown."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.composition.drafting import MENDS, Drafted, _Drafting
from workbench.core.discovery import discover
from workbench.core.models import Usage
from workbench.core.plan.answer import Point
from workbench.core.plan.review import Circumstances, errors
from workbench.errors import AgentError

OFFERS = discover(["Makefile"], {"Makefile": "test:\n"})


class Author:
    """Gives one prepared answer after the other, and remembers what it was asked."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.usage = Usage()

    async def ask(self, question: str) -> dict[str, Any]:
        self.asked.append(question)
        return self.answers.pop(0)


def answer(*globs: str, gates: tuple[str, ...] = ("make test",), title: str = "T") -> dict[str, Any]:
    more = {"title": "T", "body": "Do it.", "after": [], "gate": []}
    tasks = [{"id": f"t{n}", "files": [glob], **more} for n, glob in enumerate(globs)]
    return {"title": title, "context": "", "contract": "", "tasks": tasks, "gates": list(gates)}


GOOD, TWO, ONE = answer("a", "b"), answer("x", "x", gates=()), answer("x", "x")
NONE = answer()


def drafting(*answers: dict[str, Any]) -> tuple[_Drafting, Author, list[str]]:
    author, said = Author(*answers), list[str]()
    return _Drafting(author, Circumstances(offers=OFFERS), said.append), author, said  # type: ignore[arg-type]


async def test_a_good_draft_is_taken_at_once() -> None:
    work, author, said = drafting(GOOD)
    version = await work.ask("Draft.")
    assert author.asked == ["Draft."] and not said and work.mended == 0
    assert version.plan.team == 1 and "team: 1" in version.text, "no scores speak for a team"


async def test_what_the_check_finds_is_told_until_it_is_mended() -> None:
    work, author, said = drafting(NONE, TWO, GOOD)
    assert not errors((await work.ask("Draft.")).findings)
    assert "the plan has no tasks" in author.asked[1]
    assert "may touch x" in author.asked[2] and "no gate for the whole" in author.asked[2]
    assert said == [
        "the check found 1 mistake; the draft goes back to be mended",
        "the check found 2 mistakes; the draft goes back to be mended",
    ]


@pytest.mark.parametrize(
    ("answers", "left"), [((ONE, NONE, TWO), 1), ((TWO, ONE, TWO), 1), ((NONE, TWO, NONE), 2)]
)
async def test_the_best_version_stands(answers: tuple[dict[str, Any], ...], left: int) -> None:
    work, author, _ = drafting(*answers)
    assert len(errors((await work.ask("Draft.")).findings)) == left
    assert len(author.asked) == MENDS + 1


async def test_no_plan_at_all_is_an_error() -> None:
    work, _, _ = drafting(NONE, NONE, NONE)
    with pytest.raises(AgentError, match="no plan, 3 times over: the plan has no tasks"):
        await work.ask("Draft.")


POINTS = (Point("must", "t0", "It is wrong.", "Right it."),)


@pytest.mark.parametrize(
    ("answers", "revised", "said"),
    [
        ((answer("a", "b", title="Better"),), True, ""),
        ((GOOD,), False, ""),
        ((ONE, ONE, ONE), False, "worse by the check"),
        ((NONE, NONE, NONE), False, "came to nothing"),
    ],
)
async def test_a_critics_points_make_it_better_or_leave_it(
    answers: tuple[dict[str, Any], ...], revised: bool, said: str
) -> None:
    work, author, told = drafting(GOOD, *answers)
    before: Drafted = await work.ask("Draft.")
    after = await work.revise(POINTS, before)
    assert "must, `t0`: `It is wrong.`; proposed: `Right it.`" in author.asked[1]
    assert after.revised is revised and (after.plan.title == "Better") is revised
    assert said in (told[-1] if told else "")
