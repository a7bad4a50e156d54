"""What must hold of a run of the core, after each record and at its end."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core import events as e
from workbench.core.state import OVER, RunState, TaskStatus
from workbench.testing.playbook import Playbook


class Rules:
    """What was seen of one run. ``tips`` is everything that the integration branch has ever been at."""

    def __init__(self) -> None:
        self.landed: set[str] = set()
        self.undone: set[str] = set()
        self.skipped: set[str] = set()
        self.tips = {"base"}
        self.green: set[tuple[str, str]] = set()

    def check(self, state: RunState, record: e.Record) -> None:
        """What must hold after every single record."""
        event = record.event
        busy = [mate.task for mate in state.teammates.values() if mate.task is not None]
        assert len(busy) == len(state.working), "a teammate works on two tasks, or on none"
        for name, pairs in state.foreseen.items():
            assert pairs, f"nothing is foreseen for {name}, and that is kept"
            assert state.tasks[name].status not in OVER, f"{name} is over and conflicts with {set(pairs)}"
            assert all(state.foreseen[other][name] == paths for other, paths in pairs.items())
        if isinstance(event, e.AttemptStarted):
            waits = state.tasks[event.task].spec.after
            assert self.over_with.issuperset(waits), f"{event.task} started before {waits} landed"
            assert not state.paused, f"{event.task} started while the run was paused"
            assert event.task not in self.undone, f"{event.task} was undone and runs again"
            assert event.start in self.tips, f"{event.task} starts from {event.start}, never published"
            if event.why == "continued":
                held = state.teammates[event.teammate].held
                assert held == event.task, f"{event.task} would go on in a worktree that holds {held}"
        elif isinstance(event, e.TaskLanded):
            assert event.task not in self.landed, f"{event.task} landed twice"
            waits = state.tasks[event.task].spec.after
            assert self.over_with.issuperset(waits), (
                f"{event.task} landed although {waits} did not, or not any more"
            )
            assert event.task not in self.undone, f"{event.task} was undone and landed again"
            self.landed.add(event.task)
        elif isinstance(event, e.TaskSkipped):
            self.skipped.add(event.task)
        elif isinstance(event, e.LandingUndone):
            self.landed.remove(event.task)
            self.undone.add(event.task)
            built = {task.spec.id for task in state.tasks.values() if event.task in task.spec.after}
            assert not built & self.landed, f"{event.task} was undone under {built & self.landed}"
        elif isinstance(event, e.WorkChecked | e.SemanticConflictFound | e.CandidateChecked | e.BaseChecked):
            self.green |= {(verdict.tree, verdict.gate) for verdict in event.verdicts if verdict.green}
        elif isinstance(event, e.TaskRejected) and state.landing is not None:
            before = [step.task for step in state.landing.steps]
            self.proven(state, before, state.landing.steps[-1].tree)

    @property
    def over_with(self) -> set[str]:
        """What nobody waits for any more. Who began without a task that is taken up again goes on so."""
        return self.landed | self.skipped

    def proven(self, state: RunState, names: Sequence[str], tree: str) -> None:
        """Nothing is published, and nobody blamed, on a tree that was not seen green."""
        for gate in {gate for name in names for gate in state.gates_of(name)}:
            assert (tree, gate) in self.green, f"{tree}, of {', '.join(names)}, was never green for {gate}"

    def at_end(self, book: Playbook) -> None:
        """What must hold when a run is over."""
        state = book.state
        ends = [(event.task, event.attempt) for event in book.events(e.AttemptEnded)]  # type: ignore[attr-defined]
        assert sorted(ends) == sorted(state.attempts), "each attempt ends once"
        assert state.landing is None, "a landing is left open"
        missing = [task for task in state.tasks.values() if task.status is not TaskStatus.LANDED]
        assert (state.outcome == "landed") == (not missing), "landed means every task"
        if state.outcome == "incomplete":
            for task in missing:
                assert task.reason, f"{task.spec.id} is {task.status} and nobody says why"
