"""What is handed from job to job: moves of a branch by the log and by git, and texts for a code host."""

from __future__ import annotations

import pytest

from workbench.core import events as e
from workbench.core.delivery import Commit, Published, difference, published, slug
from workbench.core.prose import calm

BASE, ONE, TWO, THREE = "0" * 40, "1" * 40, "2" * 40, "3" * 40
WORK, TREE, OTHER = "a" * 40, "b" * 40, "c" * 40

MOVES = (Published("t1", ONE, BASE, TREE, WORK), Published("t1", TWO, ONE, OTHER))
CHAIN = [Commit(ONE, TREE, (BASE, WORK)), Commit(TWO, OTHER, (ONE,))]


def test_landings_and_undoings_are_moves_and_nothing_else_is() -> None:
    events: list[e.Event] = [
        e.TaskDelivered(task="t1", attempt=1, commit=WORK, tree=TREE),
        e.TaskLanded(task="t1", attempt=1, commit=ONE, parent=BASE, tree=TREE),
        e.LandingUndone(task="t1", landing=ONE, parent=ONE, commit=TWO, tree=OTHER),
        e.LandingDropped(),
    ]
    assert published(events) == MOVES
    assert published(events[1:])[0].other == "?", "what nobody delivered is no parent of anything"


def test_git_and_the_log_agree() -> None:
    assert difference(BASE, MOVES, CHAIN) == ""


@pytest.mark.parametrize(
    ("moves", "chain", "said"),
    [
        (MOVES, CHAIN[:1], "not among the commits"),
        (MOVES[:1], CHAIN, "no landing in the log"),
        (MOVES, [CHAIN[0], Commit(THREE, OTHER, (ONE,))], "stands there"),
        (MOVES, [Commit(ONE, TREE, (BASE, THREE)), CHAIN[1]], "does not merge"),
        (MOVES, [Commit(ONE, TREE, (BASE,)), CHAIN[1]], "does not merge"),
        (MOVES, [CHAIN[0], Commit(TWO, OTHER, (ONE, WORK))], "does not merge"),
        (MOVES, [Commit(ONE, OTHER, (BASE, WORK)), CHAIN[1]], "other files"),
        ((Published("t1", ONE, THREE, TREE, WORK),), CHAIN[:1], "stands there"),
    ],
)
def test_where_they_differ_is_said(moves: tuple[Published, ...], chain: list[Commit], said: str) -> None:
    assert said in difference(BASE, moves, chain)


def test_runs_of_one_plan_share_a_name() -> None:
    assert slug("export-to-csv-12") == "export-to-csv"
    assert slug("named") == "named" and slug("-1") == "-1"


@pytest.mark.parametrize(
    "text",
    [
        "@octocat",
        "fixes #12",
        "org/repo#3",
        "GH-7",
        "gh-7",
        "closes https://github.com/a/b/issues/4",
        "a/b/pull/5",
    ],
)
def test_a_report_calls_nobody_and_closes_nothing(text: str) -> None:
    made = calm(text)
    assert made != text and made.replace("\u200b", "") == text
    assert calm("plain `code` and # a title, a@ b") == "plain `code` and # a title, a@ b"
