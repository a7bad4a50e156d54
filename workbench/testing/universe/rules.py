"""What must hold, whatever happens: of the log, the branch, the refs and the processes."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from workbench.core import events as e
from workbench.core import graph
from workbench.core.apply import fold
from workbench.core.mail import MessageKind
from workbench.core.mailing import members
from workbench.core.models import Verdict
from workbench.core.notes import note_of
from workbench.core.state import OVER, RunState, TaskStatus
from workbench.core.traces import Noted
from workbench.testing.faults.agents import sound
from workbench.testing.git import FakeGit
from workbench.testing.notes import FakeNotes
from workbench.testing.playbook import INTEGRATION
from workbench.testing.universe import held
from workbench.testing.universe.person import Person
from workbench.testing.universe.process import RUN, Process

OURS = re.compile(r"\b(?!RuntimeError: broken agent)[A-Z][A-Za-z]*(Error|Exception): |IllegalEvent")
"""How an error that nobody foresaw looks in the log."""

LONGEST = 90 * 86_400.0
"""Seconds within which every run ends, the nights in which the machine sleeps not counted."""


JUDGED = (e.BaseChecked, e.WorkChecked, e.CandidateChecked, e.SemanticConflictFound, e.UndoStarted)
"""What verdicts are in."""


def verdicts(event: e.Event) -> tuple[Verdict, ...]:
    """What gates said, as the log has it."""
    return event.verdicts if isinstance(event, JUDGED) else ()


def after_process(process: Process, how: str) -> None:
    """What must hold when a process has ended by itself."""
    if how == "killed":
        return
    assert not process.left, f"tasks were left behind: {process.left}"
    assert process.agents.working == 0, "agents were left behind"
    assert process.lead.working == 0, "the lead was left behind"
    if how == "over" and process.state is not None:
        assert process.state.finished, "it ended, and the run neither did nor was stopped"
        state = fold(process.machine.store.read(RUN))
        state.run = RUN
        assert state == process.state, "the log does not replay to what was lived"


def at_end(
    state: RunState, log: list[e.Record], git: FakeGit, base: str, person: Person, seconds: float
) -> None:
    """What must hold of a run that is over for good."""
    assert seconds < LONGEST, f"the run took {seconds / 86_400:.0f} days"
    _attempts(log, state)
    _tasks(state)
    _plan(state)
    if state.outcome != "refused":
        _branch(log, state, git, base, person)
    _begun(log, state, git)
    _kept(log, git)
    _planned(log, state)
    held.seen(log, state, git)
    for record in log:
        said = getattr(record.event, "error", "") or getattr(record.event, "reason", "")
        assert not OURS.search(said), f"record {record.seq}, {record.type}: {said}"


def noted(state: RunState, log: list[e.Record], notes: FakeNotes, cut_off: bool) -> None:
    """The shared notes are those that the log tells of, each once; what they lack is of the last moments, of
    a process that was ``cut_off`` when the run was over: a later word for a note that is there, too."""
    told: dict[str, list[str]] = {}
    for trace in state.traces:
        if isinstance(trace, Noted):
            told.setdefault(note_of(trace, RUN, 0.0).id, []).append(trace.text)
    for name, note in notes.notes.items():
        assert name in told, f"nobody left the note {note.text!r}"
        words = told[name] if cut_off else told[name][-1:]
        assert note.text in words, f"the note {note.text!r} is not the last word"
    given = {name for it in log if isinstance(it.event, e.NotesGiven) for name in it.event.notes}
    assert given <= told.keys(), "a brief carried a note that nobody left"


def _attempts(log: list[e.Record], state: RunState) -> None:
    starts = [(r.event.task, r.event.attempt) for r in log if isinstance(r.event, e.AttemptStarted)]
    ends = [(r.event.task, r.event.attempt) for r in log if isinstance(r.event, e.AttemptEnded)]
    assert len(set(starts)) == len(starts), "an attempt was started twice"
    assert sorted(starts) == sorted(ends), "each attempt ends once"
    assert all(attempt.ended_at is not None for attempt in state.attempts.values())
    assert not state.working
    assert len(state.free) == len(members(state)), "a teammate is still busy"
    _team(log)
    _given(log)


def _team(log: list[e.Record]) -> None:
    """Nobody is given a task who has left, or is about to; who came from outside goes before the run ends."""
    leaving: set[str] = set()
    outside: set[str] = set()
    for record in log:
        match record.event:
            case e.TeammateJoined(name=name, external=True):
                outside.add(name)
            case e.TeammateLeaving(name=name):
                leaving.add(name)
            case e.TeammateLeft(name=name):
                leaving.add(name)
                outside.discard(name)
            case e.AttemptStarted(teammate=name):
                assert name not in leaving, f"{name} was given {record.event.task} and has left"
            case e.RunFinished(outcome=outcome):
                assert outcome == "refused" or not outside, f"{outside} are left in the team"
            case _:
                pass


def _given(log: list[e.Record]) -> None:
    """What a person gave to somebody is begun by nobody else while that one is in the team."""
    given: dict[str, str] = {}
    for record in log:
        match record.event:
            case e.TaskReassigned(task=task, to=to):
                given[task] = to
            case e.TeammateLeaving(name=name) | e.TeammateLeft(name=name):
                given = {task: to for task, to in given.items() if to != name}
            case e.AttemptStarted(task=task, teammate=name):
                assert given.get(task) in (None, "", name), f"{task} is {given[task]}'s, and {name} began it"
            case _:
                pass


def _begun(log: list[e.Record], state: RunState, git: FakeGit) -> None:
    """Whoever begins has all that its task waits for, but for what a person left out by then; and nobody
    begins while the run is paused."""
    landed: dict[str, str] = {}
    after: dict[str, tuple[str, ...]] = {}
    left_out: set[str] = set()
    paused = False
    for record in log:
        match record.event:
            case e.RunStarted():
                after = {task.id: task.after for task in record.event.plan.tasks}
            case e.PlanChanged():
                change = record.event.change
                after.update({task.id: task.after for task in (*change.added, *change.changed)})
                for name in change.dropped:
                    del after[name]
            case e.RunPaused() | e.RunUnpaused() | e.RunResumed():
                paused = isinstance(record.event, e.RunPaused)
            case e.TaskSkipped():
                left_out.add(record.event.task)
            case e.TaskLanded():
                landed[record.event.task] = record.event.commit
            case e.AttemptStarted():
                name = f"attempt {record.event.attempt} at {record.event.task}"
                assert not paused, f"{name} began while the run was paused"
                for other in set(after[record.event.task]) - left_out:
                    assert other in landed, f"{name} began before {other} had landed"
                    assert git.holds(record.event.start, landed[other]), f"{name} begins without {other}"
            case _:
                pass


def _planned(log: list[e.Record], state: RunState) -> None:
    """What is planned first is delivered by who had an approved plan, and wrote nothing before."""
    left = [name for name, ask in state.asks.items() if ask.message.kind is not MessageKind.CHANGE]
    assert not left, f"the run is over, and somebody waits: {left}"
    asked: dict[str, str] = {}
    approved: set[str] = set()
    early: set[tuple[str, int]] = set()
    delivered: set[tuple[str, int]] = set()
    for record in log:
        match record.event:
            case e.MessageSent(message=message) if message.kind is MessageKind.PLAN:
                asked[message.id] = message.task
            case e.MessageSent(message=message) if message.reply_to in asked and message.decision == "yes":
                approved.add(asked[message.reply_to])
            case e.PlanBreached():
                early.add((record.event.task, record.event.attempt))
                assert not early & delivered, f"{record.event.task} was delivered before that was looked into"
            case e.TaskDelivered():
                it = record.event
                delivered.add((it.task, it.attempt))
                assert not state.tasks[it.task].spec.plan_by or it.task in approved, f"{it.task} had no plan"
                assert (it.task, it.attempt) not in early, (
                    f"{it.task} was written before its plan was approved"
                )
            case _:
                pass


def _tasks(state: RunState) -> None:
    assert state.landing is None, "a landing is left open"
    missing = [task for task in state.tasks.values() if task.status is not TaskStatus.LANDED]
    assert (state.outcome == "landed") == (not missing), "landed means every task"
    if state.outcome == "incomplete":
        for task in missing:
            assert task.reason, f"{task.spec.id} is {task.status} and nobody says why"


def _plan(state: RunState) -> None:
    """The plan as it stands, the tasks and what was made of both are one."""
    assert state.plan is not None
    assert {task.id: task for task in state.plan.tasks} == {name: it.spec for name, it in state.tasks.items()}
    assert state.dependents == graph.dependents(state.plan.tasks)
    ranks = graph.ranks(state.plan.tasks)
    over = 0
    for name, task in state.tasks.items():
        assert task.rank == ranks[name], f"{name} has another rank"
        settled = (TaskStatus.LANDED, TaskStatus.SKIPPED)
        missing = {it for it in task.spec.after if state.tasks[it].status not in settled}
        if task.status in (TaskStatus.PENDING, TaskStatus.HELD):
            assert task.unmet == missing, f"{name} waits for {task.unmet}, not {missing}"
        assert task.unmet <= missing and (task.status is not TaskStatus.READY or not task.unmet), name
        over += task.status in OVER
    assert state.over == over, "what is over was counted wrong"
    places = [name for _, name in state.startable]
    able = (TaskStatus.READY, TaskStatus.CONFLICTED, TaskStatus.REJECTED)
    assert sorted(places) == sorted(name for name, it in state.tasks.items() if it.status in able)
    assert state.startable == sorted(state.startable), "what can start is in no order"


def _branch(log: list[e.Record], state: RunState, git: FakeGit, base: str, person: Person) -> None:
    pushed = set(person.pushed)
    landed = [record.event.task for record in log if isinstance(record.event, e.TaskLanded)]
    assert max(Counter(landed).values(), default=1) == 1, "something landed twice"
    way: list[str] = []
    tip = git.refs[INTEGRATION]
    while tip != base:
        way.append(tip)
        tip = git.commits[tip].parents[0]
    way.reverse()
    landings = [it.commit for it in state.landings]
    assert [commit for commit in way if commit not in pushed] == landings, "the branch is not what landed"
    assert pushed <= set(way), "what a person put on the branch is gone"
    moves = [commit for ref, commit in git.moves if ref == INTEGRATION]
    assert moves[:1] == [base], "the branch began elsewhere"
    for before, now in pairwise(move for move in moves if move not in pushed):
        assert git.holds(now, before), f"the branch was moved back from {before} to {now}"
    for task in state.tasks.values():
        if task.status is TaskStatus.LANDED:
            assert task.commit and git.holds(way[-1], task.commit), f"{task.spec.id} landed and is not there"
    _proven(log, state, git, set(moves))
    starts = {record.event.start for record in log if isinstance(record.event, e.AttemptStarted)}
    assert starts <= {base, *moves, *person.taken_off}, "an attempt started from what was never published"


def _proven(log: list[e.Record], state: RunState, git: FakeGit, moves: set[str]) -> None:
    green = {(v.tree, v.gate) for record in log for v in verdicts(record.event) if v.green}
    together: set[str] = set()
    for landing in state.landings:
        together.update(state.gates_of(landing.task))
        if landing.commit not in moves:
            continue
        tree = git.commits[landing.commit].tree
        assert {(tree, gate) for gate in together} <= green, f"{landing.task} was published without green"
        assert sound("test", git.trees[tree]), f"{landing.task} was published, and is not sound"
        together.clear()


def _kept(log: list[e.Record], git: FakeGit) -> None:
    """Every commit that a teammate's work was ever in can be reached from some ref."""
    reachable = git.reachable()
    for record in log:
        if isinstance(record.event, e.WorkCollected | e.AttemptEnded | e.TaskDelivered | e.TaskBlocked):
            commit = record.event.commit
            name = f"{record.event.task} {record.event.attempt}"
            assert commit is None or commit in reachable, f"{record.type} of {name}: {commit} is lost"
    for commit in git.made:
        assert commit in reachable, f"{commit} ({git.commits[commit].message!r}) is lost"
