"""Whole runs of the core against dice: they always end, and never break a rule on the way."""

from __future__ import annotations

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties.conftest import TIMES
from workbench.core import events as e
from workbench.core.apply import apply, fold
from workbench.core.models import RunSettings, Task
from workbench.core.state import RunState
from workbench.testing.simulation import CALM, Odds, Simulation

MANY = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 2**32)


@st.composite
def graphs(draw: st.DrawFn) -> list[Task]:
    tasks: list[Task] = []
    for index in range(draw(st.integers(1, 8))):
        before = (
            draw(st.lists(st.sampled_from([t.id for t in tasks]), unique=True, max_size=3)) if tasks else []
        )
        tasks.append(
            Task(
                id=f"t{index}", title=f"Task {index}", after=tuple(before),
                gates=draw(st.sampled_from([(), (), ("own",)])),
                priority=draw(st.integers(0, 2)),
                attempts=draw(st.sampled_from([None, None, 1, 2])),
            )
        )  # fmt: skip
    return tasks


@st.composite
def run_settings(draw: st.DrawFn) -> RunSettings:
    return RunSettings(
        team=tuple(f"m{index}" for index in range(draw(st.integers(1, 4)))),
        gates=draw(st.sampled_from([("test",), ("test", "lint"), ()])),
        no_gates=draw(st.booleans()),
        attempts=draw(st.integers(1, 3)),
        repairs=draw(st.integers(0, 2)),
        budget_usd=draw(st.sampled_from([None, None, 4.0, 40.0])),
        continues=draw(st.booleans()),
        gate_slots=draw(st.integers(1, 4)),
        batch=draw(st.sampled_from([1, 4, 8])),
    )


@st.composite
def odds(draw: st.DrawFn) -> Odds:
    def upto(most: float) -> float:
        return draw(st.sampled_from([0.0, most / 8, most / 2, most]))

    return Odds(
        done=draw(st.sampled_from([0.0, 0.5, 0.9, 1.0])), crash=upto(0.4), broken=upto(0.3), login=upto(0.1),
        blocked=upto(0.3), unchanged=upto(0.5), unresolved=upto(0.5), red=upto(0.9), conflict=upto(0.9),
        lost=upto(0.6), failed=upto(0.4), chatter=upto(0.8), stop=upto(0.05), kill=upto(0.05),
        settled=upto(1.0),
    )  # fmt: skip


@MANY
@given(graphs(), run_settings(), odds(), SEEDS)
def test_every_run_ends_and_keeps_the_rules(
    tasks: list[Task], chosen: RunSettings, trouble: Odds, seed: int
) -> None:
    """Any order, any trouble, stops and kills included; the rules are checked after each record."""
    state = Simulation(tasks, chosen, seed, trouble).play()
    assert state.finished


@SOME
@given(graphs(), run_settings(), SEEDS)
def test_without_trouble_everything_lands(tasks: list[Task], chosen: RunSettings, seed: int) -> None:
    calm = Odds(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.3)
    state = Simulation(tasks, chosen.model_copy(update={"budget_usd": None}), seed, calm).play()
    assert state.outcome == "landed"


@SOME
@given(graphs(), run_settings(), SEEDS)
def test_runs_in_which_work_is_undone_meanwhile_keep_the_rules(
    tasks: list[Task], chosen: RunSettings, seed: int
) -> None:
    rough = Odds(1, 0, 0, 0, 0, 0, 0, 0.1, 0.1, 0.1, 0, 0.3, stop=0.05, kill=0.05, undo=0.7)
    simulation = Simulation(tasks, chosen, seed, rough)
    state = simulation.play()
    assert simulation.rules.undone == {name for name, task in state.tasks.items() if task.status == "undone"}
    assert state.published == simulation.world.tip or state.tip == simulation.world.tip


@SOME
@given(graphs(), run_settings(), SEEDS)
def test_stopped_and_killed_runs_still_land_everything(
    tasks: list[Task], chosen: RunSettings, seed: int
) -> None:
    rough = Odds(1, 0, 0, 0, 0, 0, 0, 0, 0, 0.3, 0, 0.3, stop=0.05, kill=0.05)
    simulation = Simulation(tasks, chosen.model_copy(update={"budget_usd": None}), seed, rough)
    assert simulation.play().outcome == "landed"


@SOME
@given(graphs(), run_settings(), odds(), SEEDS)
def test_replaying_any_prefix_gives_the_state_of_that_moment(
    tasks: list[Task], chosen: RunSettings, trouble: Odds, seed: int
) -> None:
    simulation = Simulation(tasks, chosen, seed, trouble)
    simulation.play()
    log = simulation.book.log
    live = RunState()
    moments = {0: copy.deepcopy(live)}
    for place, record in enumerate(log, 1):
        apply(live, record)
        if place % 7 == 0 or place == len(log):
            moments[place] = copy.deepcopy(live)
    for place, moment in moments.items():
        stored = [e.Record(r.seq, r.at, e.load(r.type, e.dump(r.event))) for r in log[:place]]
        assert stored == log[:place]
        assert fold(stored) == moment
    live.run = "r"
    assert simulation.state == live


def test_thousands_of_seeds() -> None:
    """More orders of events than the strategies reach, on one awkward graph."""
    tasks = [
        Task(id="a", title="A"), Task(id="b", title="B", after=("a",)), Task(id="c", title="C"),
        Task(id="d", title="D", after=("b", "c")), Task(id="e", title="E", priority=2),
    ]  # fmt: skip
    trouble = Odds(stop=0.01, kill=0.01, login=0.01, broken=0.05, failed=0.05, lost=0.2)
    for seed in range(round(1000 * TIMES)):
        for continues in (False, True):
            chosen = RunSettings(team=("ada", "bob"), gates=("test",), continues=continues)
            Simulation(tasks, chosen, seed, trouble if seed % 2 else CALM).play()


def test_much_failing_work_and_several_gates_at_once() -> None:
    """Long enough for the failure rate to be known: then gates run side by side, are called off, and fail."""
    tasks = [Task(id=f"t{index}", title=f"Task {index}") for index in range(12)]
    team = tuple(f"m{index}" for index in range(6))
    trouble = Odds(red=0.3, failed=0.03, stop=0.01, kill=0.01, lost=0.1)
    for seed in range(100):
        chosen = RunSettings(team=team, gates=("test",), attempts=6, gate_slots=2 + seed % 3)
        Simulation(tasks, chosen, seed, trouble).play()
