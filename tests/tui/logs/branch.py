"""The integration branch of a run on stage: merges, conflicts and landings as the script has them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tests.tui.logs.naming import digest
from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.models import Reversal

if TYPE_CHECKING:
    from tests.tui.logs.stage import Stage

LANDING = "landing"
"""Owner of what is done for the landing under way."""

Made = tuple[str, str, tuple[str, ...]]
"""A task that is merged, the rung that settled its conflict, and where."""


class Branch:
    """What git and the conflict ladder do."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._clashes = {task: deque(them) for task, them in stage.script.clashes.items()}
        self.base_tree = digest("tree", stage.script.run)
        self._trees: dict[str, str] = {}

    def perform(self, action: a.Action) -> None:
        """Begin what an action asks of the branch, if it does."""
        stage = self._stage
        match action:
            case a.BuildBatch():
                self._build(action)
            case a.CheckCandidate():
                self._check(action)
            case a.StopChecks(commits):
                for commit in commits:
                    stage.drop((LANDING, commit))
            case a.FindPair():
                self._find_pair(action)
            case a.Publish():
                stage.later(0.05, lambda: self._publish(action))
            case a.DropLanding():
                landing = stage.state.landing
                steps = landing.steps if landing is not None else []
                for owner in (LANDING, *((LANDING, step.commit) for step in steps)):
                    stage.drop(owner)
                stage.later(0.2, lambda: stage.send(e.LandingDropped()))
            case a.ReadLanding():
                stage.later(0.3, lambda: self._read(action))
            case _:
                pass

    # -- merging ---------------------------------------------------------------------------------------

    def _build(self, action: a.BuildBatch) -> None:
        made, aside = self._merged(action.tasks)
        base = self._stage.state.tip
        events: list[e.Event] = []
        parent, names = base, list[str]()
        for task, rung, paths in made:
            names.append(task)
            commit = digest("landing", base, *names)
            events.append(
                e.CandidateMade(
                    task=task, parent=parent, commit=commit, tree=self._tree(commit, names),
                    files=self._stage.agents.paths_of(task), rung=rung, resolved=paths if rung else (),
                )
            )  # fmt: skip
            parent = commit
        tree = self._trees.get(base, self.base_tree)
        self._one_by_one(
            deque([*events, *aside, e.BatchBuilt(tasks=tuple(names), base=base, base_tree=tree)])
        )

    def _merged(self, tasks: tuple[str, ...]) -> tuple[list[Made], list[e.Event]]:
        """As git and the ladder do: what is clean, then at most one that a rung settled; and what becomes of
        the others."""
        stage = self._stage
        conflicted = [task for task in tasks if self._clashes.get(task)]
        made: list[Made] = [(task, "", ()) for task in tasks if task not in conflicted]
        aside: list[e.Event] = []
        for task in conflicted:
            clash = self._clashes[task][0]
            if any(rung for _, rung, _ in made):
                aside.append(e.TaskDeferred(task=task, why="conflict"))
            elif clash.rung and clash.rung not in stage.state.task(task).thrown:
                made.append((task, clash.rung, clash.paths))
            else:
                behind = tuple(name for name, _, _ in made)
                base = stage.state.tip
                parent = digest("landing", base, *behind) if behind else base
                aside.append(
                    e.ConflictFound(
                        task=task, parent=parent, paths=clash.paths, hunks=clash.hunks, behind=behind
                    )
                )
                if not behind:
                    self._clashes[task].popleft()
        return made, aside

    def _tree(self, commit: str, names: list[str]) -> str:
        landed = sorted((it.task, it.attempt) for it in self._stage.state.standing)
        self._trees[commit] = digest("tree", landed, sorted(names))
        return self._trees[commit]

    def _one_by_one(self, left: deque[e.Event]) -> None:
        def play() -> None:
            self._stage.send(left.popleft())
            if left:
                self._stage.later(0.08, play, LANDING)

        self._stage.later(0.1, play, LANDING)

    # -- gating and publishing -------------------------------------------------------------------------

    def _check(self, action: a.CheckCandidate) -> None:
        stage = self._stage
        landing = stage.state.landing
        assert landing is not None, "what is checked is being landed"
        names: list[str] = []
        if action.commit != landing.base:
            chain = [step.commit for step in landing.steps]
            names = [step.task for step in landing.steps[: chain.index(action.commit) + 1]]
        verdicts = stage.gates.verdicts(action.tree, action.gates, stage.gates.together(names))
        checked = e.CandidateChecked(task=action.task, commit=action.commit, verdicts=verdicts)
        stage.later(stage.gates.seconds(action.tree), lambda: stage.send(checked), (LANDING, action.commit))

    def _find_pair(self, action: a.FindPair) -> None:
        stage = self._stage
        pairs = [it for it in stage.script.pairs if action.task in (it.earlier, it.later)]
        others, red = (action.sides[-1].task,), None
        if pairs:
            others = (pairs[0].earlier if action.task == pairs[0].later else pairs[0].later,)
            red = pairs[0].red
        tree = digest("pair", action.task, others)
        found = e.SemanticConflictFound(
            task=action.task, others=others, gate=action.gate, tests=action.tests, certain=True,
            evidence=action.evidence, verdicts=stage.gates.verdicts(tree, (action.gate,), red),
        )  # fmt: skip
        stage.later(1.5 * stage.script.gate_seconds, lambda: stage.send(found))

    def _publish(self, action: a.Publish) -> None:
        for it in action.candidates:
            clashes = self._clashes.get(it.task)
            if clashes and clashes[0].rung:
                clashes.popleft()
            self._stage.send(
                e.TaskLanded(
                    task=it.task, attempt=it.attempt, commit=it.commit, parent=it.parent, tree=it.tree,
                    files=it.files,
                )
            )  # fmt: skip

    def _read(self, action: a.ReadLanding) -> None:
        stage = self._stage
        changes = tuple(it for task in action.tasks for it in stage.script.changes.get(task, ()))
        landed = set(action.files)
        touched = {
            task: mine
            for task, _ in stage.state.working
            if (mine := tuple(path for path in stage.agents.paths_of(task) if path in landed))
        }
        read = e.LandingRead(tasks=action.tasks, commit=action.new, changes=changes, touched=touched)
        stage.send(read)

    def undo(self, task: str) -> None:
        """A person takes a landing off the branch while no process holds the run."""
        stage = self._stage
        landing = next(it for it in reversed(stage.state.landings) if it.task == task)
        parent = stage.state.published
        commit = digest("revert", parent, task)
        tree = self._trees[commit] = digest("tree", commit)
        reversal = Reversal(task=task, landing=landing.commit, parent=parent, commit=commit, tree=tree)
        verdicts = stage.gates.verdicts(tree, stage.script.settings.gates, None)
        stage.now += 40.0
        stage.note(e.UndoStarted(reversals=(reversal,), verdicts=verdicts))
        stage.note(e.LandingUndone.model_validate(reversal.model_dump()))
