"""Events that may not come are refused, named, and change nothing; those that may move the tables."""

from __future__ import annotations

import copy

import pytest

from workbench.core import events as e
from workbench.core.apply import apply, fold
from workbench.core.models import RunSettings, Task, Usage, Verdict
from workbench.core.state import PHASE_MOVES, TASK_MOVES, Phase, RunState, TaskStatus, move_phase, move_task
from workbench.errors import IllegalEvent
from workbench.testing.playbook import started

TASKS = [Task(id="a", title="A"), Task(id="b", title="B", after=("a",)), Task(id="c", title="C")]
GREEN = Verdict(tree="t", gate="test", environment="env", green=True, seconds=1.0)


def started_attempt(task: str = "a", attempt: int = 1, teammate: str = "ada") -> e.AttemptStarted:
    return e.AttemptStarted(
        task=task, attempt=attempt, teammate=teammate, nonce="n", start="base", why="first"
    )


def collected() -> e.WorkCollected:
    return e.WorkCollected(task="a", attempt=1, commit="c", tree="t", changed=True, snapshot=False, pin="p")


DELIVERED = e.TaskDelivered(task="a", attempt=1, commit="c", tree="t")
TURN = e.TurnEnded(task="a", attempt=1, live=True)
ENDED = e.AttemptEnded(task="a", attempt=1, teammate="ada")
MADE = e.CandidateMade(task="a", parent="base", commit="L", tree="tl")
BUILT = e.BatchBuilt(tasks=("a",), base="base", base_tree="tb")
CHECKED = e.CandidateChecked(task="a", commit="L", verdicts=(GREEN,))
LANDED = e.TaskLanded(task="a", attempt=1, commit="L", parent="base", tree="tl", files=("f",))
START: list[e.Event] = [
    started(TASKS, RunSettings(team=("ada", "bob"), gates=("test",))),
    e.BaseChecked(verdicts=(GREEN,)),
]
RUNNING: list[e.Event] = [*START, started_attempt()]
WORKED: list[e.Event] = [*RUNNING, TURN, collected(), DELIVERED]
LANDING: list[e.Event] = [*WORKED, ENDED, e.LandingStarted(tasks=("a",))]
C_WORKED: list[e.Event] = [
    event.model_copy(update={"task": "c"} | ({"teammate": "bob"} if hasattr(event, "teammate") else {}))
    for event in (started_attempt(), TURN, collected(), DELIVERED)
]
BOTH: list[e.Event] = [*WORKED, *C_WORKED, e.LandingStarted(tasks=("a", "c")), MADE]


def played(events: list[e.Event]) -> RunState:
    return fold(e.Record(seq, float(seq), event) for seq, event in enumerate(events, 1))


ILLEGAL: list[tuple[list[e.Event], e.Event, str]] = [
    ([], e.RunResumed(pid=1), "RunResumed before RunStarted"),
    (START, START[0], "starts once"),
    (START, started_attempt("zzz"), "'zzz'"),
    (START, started_attempt(teammate="eve"), "'eve' is not free"),
    (START, started_attempt(attempt=2), "cannot follow attempt 0"),
    (START, started_attempt("b"), "'b' is pending and cannot start"),
    (START, TURN, "no attempt 1 at task 'a'"),
    (START, e.WorktreeReady(teammate="eve", path="/", branch="b", seconds=0), "WorktreeReady for 'eve'"),
    (RUNNING, started_attempt("a", 2, "bob"), "'a' is running and cannot start"),
    (RUNNING, started_attempt("b", 1, "ada"), "'ada' is not free"),
    (RUNNING, collected(), "is working and cannot collect"),
    (RUNNING, e.WorkChecked(task="a", attempt=1, commit="c", verdicts=(GREEN,)), "working and cannot check"),
    (RUNNING, ENDED, "is working and cannot end"),
    (RUNNING, e.AttemptEnded(task="a", attempt=1, teammate="bob", interrupted=True), "is not 'bob'"),
    (RUNNING, e.RunFinished(outcome="stopped"), "cannot finish while attempts are live"),
    (RUNNING, e.RunResumed(pid=1), "unaccounted for"),
    (RUNNING, e.LandingStarted(tasks=("a",)), "'a' is running and cannot take"),
    (RUNNING, LANDED, "'a' is not being landed"),
    (WORKED, DELIVERED, "'a' is delivered and cannot deliver"),
    (WORKED, e.Told(task="a", attempt=1, kind="message", text="x"), "is closing and cannot tell"),
    (WORKED, e.AttemptFailed(task="a", attempt=1, reason="x"), "'a' is delivered and cannot retry"),
    (WORKED, e.TaskBlocked(task="a", attempt=1, reason="x"), "'a' is delivered and cannot block"),
    ([*WORKED, ENDED], TURN, "TurnEnded for attempt 1 at 'a', which has ended"),
    ([*WORKED, ENDED], ENDED, "AttemptEnded for attempt 1 at 'a', which has ended"),
    (LANDING, e.LandingStarted(tasks=("a",)), "a cannot land while a does"),
    (LANDING, LANDED, "the next candidate is none"),
    (LANDING, BUILT, "other candidates were made"),
    (WORKED, BUILT, "no landing is being built"),
    ([*LANDING, MADE, BUILT], BUILT, "no landing is being built"),
    ([*LANDING, MADE], MADE, "'a' is made already"),
    ([*LANDING, MADE, BUILT], MADE, "'a' is made already"),
    (LANDING, CHECKED, "'a' was not to be checked now"),
    ([*LANDING, MADE], CHECKED, "'a' was not to be checked now"),
    ([*LANDING, MADE, BUILT, CHECKED], CHECKED, "'a' was not to be checked now"),
    ([*LANDING, MADE, BUILT], CHECKED.model_copy(update={"commit": "base"}), "was not to be checked now"),
    ([*LANDING, MADE, BUILT], LANDED.model_copy(update={"commit": "M"}), "the next candidate is L"),
    (WORKED, e.LandingStarted(tasks=()), "takes each task once"),
    (WORKED, e.LandingStarted(tasks=("a", "a")), "takes each task once"),
    (WORKED, e.LandingStarted(tasks=("a", "b")), "'b' is pending and cannot take"),
    (WORKED, e.LandingDropped(), "nothing is being landed"),
    (WORKED, e.PublicationLost(expected="base", found="x"), "nothing is being landed"),
    (LANDING, e.TaskDeferred(task="b", why="conflict"), "'b' is not being landed"),
    (BOTH, MADE.model_copy(update={"task": "c", "parent": "base"}), "does not follow L"),
    (BOTH, e.TaskLanded(task="c", attempt=1, commit="M", parent="L", tree="t"), "the next candidate is L"),
    (LANDING, e.RunResumed(pid=1), "landing of a is open"),
    (LANDING, e.RunFinished(outcome="stopped"), "while a is being landed"),
    (LANDING, e.TaskConflicted(task="b", paths=("f",)), "'b' is not being landed"),
    ([*LANDING, MADE, BUILT, CHECKED, LANDED], LANDED, "'a' is not being landed"),
    ([*START, e.RunFinished(outcome="landed")], TURN, "TurnEnded after the run was landed"),
    ([*START, e.RunFinished(outcome="landed")], e.RunResumed(pid=1), "the run is over: landed"),
    (
        [*RUNNING, e.MarkerReceived(task="a", attempt=1, name="m", kind="note")],
        e.MarkerReceived(task="a", attempt=1, name="m", kind="note"),
        "'m' was received before",
    ),
]


@pytest.mark.parametrize(("history", "event", "words"), ILLEGAL, ids=[words for _, _, words in ILLEGAL])
def test_an_illegal_event_names_itself_and_changes_nothing(
    history: list[e.Event], event: e.Event, words: str
) -> None:
    state = played(history)
    before = copy.deepcopy(state)
    with pytest.raises(IllegalEvent, match=words.replace("(", r"\(")):
        apply(state, e.Record(state.seq + 1, 99.0, event))
    assert state == before


@pytest.mark.parametrize("history", [START, RUNNING, WORKED, LANDING], ids=["start", "run", "work", "land"])
def test_no_event_at_all_is_half_applied(history: list[e.Event]) -> None:
    """Every event of the longest story, in every state: it fits, or it leaves no trace."""
    story = [
        *LANDING,
        MADE,
        BUILT,
        CHECKED,
        LANDED,
        e.AttemptFailed(task="a", attempt=1, reason="x", final=True),
    ]
    for event in story:
        state = played(history)
        before = copy.deepcopy(state)
        try:
            apply(state, e.Record(state.seq + 1, 99.0, event))
        except IllegalEvent:
            assert state == before, f"{type(event).__name__} left a trace"
        else:
            assert state.seq == before.seq + 1


def test_a_gap_in_the_log_is_refused() -> None:
    state = played(START)
    with pytest.raises(IllegalEvent, match="record 9 cannot follow record 2"):
        apply(state, e.Record(9, 1.0, TURN))


def test_the_tables_refuse_whatever_is_not_in_them() -> None:
    for status in TaskStatus:
        for move in {move for _, move in TASK_MOVES}:
            if (status, move) not in TASK_MOVES:
                with pytest.raises(IllegalEvent, match=f"'a' is {status} and cannot {move}"):
                    move_task("a", status, move)
    for phase in Phase:
        for move in {move for _, move in PHASE_MOVES}:
            if (phase, move) not in PHASE_MOVES:
                with pytest.raises(IllegalEvent, match=f"attempt 1 at 'a' is {phase} and cannot {move}"):
                    move_phase("a", 1, phase, move)


def test_nothing_leads_away_from_landed_but_undoing_it_and_from_there_but_other_work() -> None:
    assert [key for key in TASK_MOVES if key[0] is TaskStatus.LANDED] == [(TaskStatus.LANDED, "undo")]
    assert [key for key in TASK_MOVES if key[0] is TaskStatus.UNDONE] == [(TaskStatus.UNDONE, "provide")]


def test_landing_releases_what_waited_and_is_recorded() -> None:
    state = played([*LANDING, MADE, BUILT, CHECKED, LANDED])
    assert state.tasks["b"].status is TaskStatus.READY
    assert (state.tip, state.landings[0].delivered, state.landings[0].files) == ("L", "c", ("f",))
    assert state.teammates["ada"].landed == 1


def test_usage_is_the_attempts_while_it_lives_and_the_runs_after() -> None:
    turn = TURN.model_copy(update={"usage": Usage(cost_usd=2.0)})
    state = played([*RUNNING, turn])
    assert (state.cost_usd, state.spent.cost_usd) == (2.0, 0.0)
    ended = ENDED.model_copy(update={"usage": Usage(cost_usd=3.0)})
    state = played([*RUNNING, turn, collected(), DELIVERED, ended])
    assert (state.cost_usd, state.spent.cost_usd, state.teammates["ada"].usage.cost_usd) == (3.0, 3.0, 3.0)


def test_an_interrupted_attempt_goes_on_only_with_work_to_go_on_with() -> None:
    settings = RunSettings(team=("ada",), continues=True)
    for commit, why in (("half", "continued"), (None, "first")):
        ended = ENDED.model_copy(update={"interrupted": True, "commit": commit})
        state = played([started(TASKS, settings), START[1], started_attempt(), ended])
        assert (state.tasks["a"].why, state.tasks["a"].carry) == (why, commit)
        assert state.tasks["a"].tries == 0


def test_every_event_survives_the_log() -> None:
    for event in [*LANDING, MADE, BUILT, CHECKED, LANDED]:
        assert e.load(type(event).__name__, e.dump(event)) == event
