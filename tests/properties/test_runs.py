"""Whole runs on real git: whatever teammates do, what is published is green and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path

from hypothesis import event, given
from hypothesis import strategies as st

from tests.properties.conftest import examples
from tests.properties.house import House, Score
from tests.properties.proofs import Proof, belongings, whole
from tests.properties.scores import GROUND, NAMES, open_house, scores
from tests.properties.teammates import Feature
from workbench.core import events as e
from workbench.core.models import Task
from workbench.core.state import RunState
from workbench.engine.loop import Engine

Breaks = list[tuple[str, int]]


async def played(house: House, breaks: Breaks) -> RunState:
    """The run with its breaks (stopped in good order, or dropped where it is) through to its end."""
    for kind, place in breaks:
        with contextlib.suppress(asyncio.CancelledError):
            await _broken_off(house, kind, place)
    return await house.go()


async def _broken_off(house: House, kind: str, place: int) -> None:
    running: asyncio.Future[RunState]

    def break_off(engine: Engine, record: e.Record) -> None:
        if record.seq == place and kind == "stop":
            engine.stop("asked to")
        elif record.seq == place:
            running.cancel()

    running = asyncio.ensure_future(house.go(on=break_off))
    await running


def check(house: House, before: dict[str, bytes], foreign: frozenset[str] = frozenset()) -> Proof:
    records = house.records()
    proof = Proof(house.repo, house.score, house.base, records, foreign)
    proof.hold()
    whole(records)
    assert belongings(house.repo) == before
    assert not house.ledger.lost(house.repo)
    return proof


breaks = st.lists(st.tuples(st.sampled_from(("stop", "cancel")), st.integers(1, 80)), max_size=2)


@examples(18)
@given(scores(), breaks)
def test_whatever_teammates_do(score: Score, breaks: Breaks) -> None:
    with tempfile.TemporaryDirectory() as root:
        house = open_house(Path(root), score)
        before = belongings(house.repo)
        state = asyncio.run(played(house, breaks))
        event(f"{state.outcome}")
        proof = check(house, before)
        for kind in (e.ConflictFound, e.TaskRejected, e.ResolutionRejected, e.FlakeSeen, e.TaskDeferred):
            if proof.events(kind):
                event(kind.__name__)
        if any(isinstance(it, e.CandidateMade) and it.rung for _, it in proof.events(e.CandidateMade)):
            event("resolved by a rung")
        assert state.outcome in ("landed", "incomplete"), state.reason


@examples(6)
@given(scores(wild=False), breaks)
def test_able_teammates_with_disjoint_work_land_it_all(score: Score, breaks: Breaks) -> None:
    with tempfile.TemporaryDirectory() as root:
        house = open_house(Path(root), score)
        before = belongings(house.repo)
        state = asyncio.run(played(house, breaks))
        proof = check(house, before)
        assert state.outcome == "landed"
        assert {it.task for it in proof.landings.values()} == set(score.features)


def test_who_breaks_a_large_batch_is_found_in_the_middle_of_it() -> None:
    """The first landing takes so long that all others queue up behind it."""
    chosen = tuple(Task(id=name, title=name) for name in NAMES)
    features = {task.id: Feature() for task in chosen}
    clashes = (frozenset({"bee", "cat"}), frozenset({"ant", "dog", "eel"}))
    score = Score(GROUND, chosen, features, clashes, team=3, slow=0.5)
    with tempfile.TemporaryDirectory() as root:
        house = open_house(Path(root), score)
        before = belongings(house.repo)
        state = asyncio.run(house.go())
        proof = check(house, before)
        assert proof.events(e.TaskRejected)
        assert state.outcome == "landed"
