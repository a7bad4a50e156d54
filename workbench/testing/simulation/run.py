"""One run of the core, moved on by dice.

Everything in flight is a ``Doing``; at every step the dice choose who moves next, so events come in
every order the real engine can produce: late turn ends, checks that finish after their attempt failed,
stops during a publication, a process that dies between an intent and its effect. One seed, one run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import undo
from workbench.core.models import Reversal, RunSettings, Task
from workbench.core.state import RunState
from workbench.testing.playbook import Playbook, started
from workbench.testing.simulation.membership import change
from workbench.testing.simulation.odds import Odds
from workbench.testing.simulation.rules import Rules
from workbench.testing.simulation.teammates import Teammates
from workbench.testing.simulation.world import FILES, LANDING, Doing, World

RUNGS = ("union", "structure")


@dataclass
class Simulation:
    """One simulated run. ``play`` runs it to its end, through as many processes as that takes."""

    tasks: Sequence[Task]
    settings: RunSettings
    seed: int
    odds: Odds = field(default_factory=Odds)
    steps: int = 5_000
    book: Playbook = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(self.settings, self.seed, self.odds)
        self.rules = Rules()
        self.book = Playbook(self.rules.check)
        self.kills = self.stops = self.changes = 0
        self._built: list[e.CandidateMade] = []
        self._begin()

    def _begin(self) -> None:
        self.world.restart()
        self.team = Teammates(self.world, [task.id for task in self.tasks])
        self._publishing = False

    @property
    def state(self) -> RunState:
        return self.book.state

    # -- running ---------------------------------------------------------------------------------

    def play(self) -> RunState:
        """Run until the run is over for good; raises AssertionError when it hangs or breaks a rule."""
        self.world.inbox.append(started(self.tasks, self.settings))
        for _ in range(self.steps):
            if self.state.finished:
                self.rules.at_end(self.book)
                if self.state.outcome != "stopped" or self.state.reason == "the budget is spent":
                    return self.state
                self._resume()
            elif self.book.log and self.kills < 4 and self.world.chance(self.odds.kill):
                self.kills += 1
                self._resume()
            elif self.book.log and self.stops < 4 and self.world.chance(self.odds.stop):
                self.stops += 1
                self.world.inbox.append(e.StopRequested(reason="asked to"))
            else:
                if self.book.log and self.changes < 6 and self.world.chance(self.odds.team):
                    self.changes += 1
                    self.world.inbox.append(change(self.world, self.state, self.changes))
                self._step()
        raise AssertionError(f"not over after {self.steps} steps")

    def _step(self) -> None:
        moves: list[Callable[[], None]] = [self._take] if self.world.inbox else []
        moves += [lambda it=doing: self._perform(it) for doing in self.world.doing]  # type: ignore[misc]
        for mate in list(self.team.live.values()):
            moves += self.team.moves(mate)
        assert moves, "nothing is in flight and the run is not over"
        self.world.dice.choice(moves)()

    def _take(self) -> None:
        """One batch, as the engine takes it: all events first, then the effects of all."""
        actions: list[a.Action] = []
        while self.world.inbox:
            event = self.world.inbox.popleft()
            if self.state.finished and not isinstance(event, e.RunResumed):
                continue
            actions += self.book.send(event)
            if isinstance(event, e.AttemptEnded):
                self.team.live.pop((event.task, event.attempt))
        for action in actions:
            self._start(action)

    def _perform(self, doing: Doing) -> None:
        self.world.doing.remove(doing)
        doing.act()

    def _resume(self) -> None:
        """The process is gone; another takes the run up from the log (``engine.recover``)."""
        self._begin()
        self.book.restart()
        state = self.state
        if state.landing is not None:
            history = self.world.history()
            for step in list(state.landing.steps):
                if step.commit in history:
                    self.book.note(self._landing_event(step.task, step.commit))
        if state.landing is not None:
            self.book.note(e.LandingDropped())
        for key, attempt in list(state.working.items()):
            if self.world.chance(0.2):
                self.book.note(self.world.marker(key, self.world.dice.choice(("done", "blocked", "message"))))
            kept = self.world.commit() if attempt.prepared and self.world.chance(0.8) else None
            self.book.note(
                e.AttemptEnded(
                    task=key[0], attempt=key[1], teammate=attempt.teammate, interrupted=True, commit=kept
                )
            )
        if self.world.chance(self.odds.undo):
            self._undo()
        self.world.inbox.append(e.RunResumed(pid=1))
        self._take()

    def _undo(self) -> None:
        """A person takes something that landed off the branch, while no process holds the run."""
        names = [landing.task for landing in self.state.standing]
        if not names or self.world.tip != self.state.published:
            return
        reversals = []
        tip = self.world.tip
        for it in undo.chosen(
            self.state, self.world.dice.sample(names, self.world.dice.randint(0, len(names)))
        ):
            task, landing, commit = it.landing.task, it.landing.commit, self.world.commit(tip)
            reversals.append(
                Reversal(task=task, landing=landing, parent=tip, commit=commit, tree=self.world.tree())
            )
            tip = commit
        self.book.note(e.UndoStarted(reversals=tuple(reversals)))
        if self.world.chance(0.2):
            self.book.note(e.UndoDropped(reason="the branch was not moved"))
            return
        self.world.tip = tip
        self.rules.tips.add(tip)
        for reversal in reversals:
            self.book.note(e.LandingUndone.model_validate(reversal.model_dump()))

    # -- actions -------------------------------------------------------------------------------------

    def _start(self, action: a.Action) -> None:
        match action:
            case a.CheckBase():
                self.world.do(None, lambda: self.world.inbox.append(e.BaseChecked(verdicts=())))
            case a.StartAttempt():
                self.team.start((action.task, action.attempt), action.teammate)
            case a.Tell():
                self.world.do(
                    (action.task, action.attempt), lambda: self.team.tell((action.task, action.attempt))
                )
            case a.CollectWork() | a.CheckWork():
                self.world.do((action.task, action.attempt), lambda: self._of(action))
            case a.EndAttempt():
                self.team.end((action.task, action.attempt), action.interrupt)
            case a.BuildBatch():
                self._publishing = False
                self.world.landing += 1
                number = self.world.landing
                self.world.do(LANDING, lambda: self._of_landing(action, number))
            case a.CheckCandidate():
                number = self.world.landing
                self.world.do(LANDING, lambda: self._of_landing(action, number), action.commit)
            case a.StopChecks():
                self.world.drop_checks(action.commits)
            case a.FindPair():
                self.world.do(None, lambda: self._pair(action))
            case a.Publish():
                self._publishing = True
                self.world.do(None, lambda: self._publish(action))
            case a.DropLanding():
                self.world.do(None, self._drop)
            case _:
                self._inform(action)

    def _inform(self, action: a.Action) -> None:
        if isinstance(action, a.Wake):
            self.world.do(None, lambda: self._let_time_pass(action))
        if isinstance(action, a.ReadLanding):
            read = e.LandingRead(tasks=action.tasks, commit=action.new)
            self.world.do(None, lambda: self.world.inbox.append(read))

    def _let_time_pass(self, action: a.Wake) -> None:
        self.book.now = max(self.book.now, action.hold.until)
        self.world.inbox.append(e.Awoke())

    def _pair(self, action: a.FindPair) -> None:
        sides = [side.task for side in action.sides]
        others = (self.world.dice.choice(sides),) if self.world.chance(0.7) else tuple(sides)
        self.world.inbox.append(
            e.SemanticConflictFound(
                task=action.task, others=others, gate=action.gate, certain=len(others) == 1,
                verdicts=self.world.verdicts(self.world.tree(), (action.gate,)),
            )
        )  # fmt: skip

    def _of(self, action: a.CollectWork | a.CheckWork) -> None:
        key = (action.task, action.attempt)
        if not self.team.listening(key):
            return
        if self.world.chance(self.odds.failed):
            self.world.inbox.append(
                e.EffectFailed(action="CheckWork", error="broke", task=key[0], attempt=key[1])
            )
        elif isinstance(action, a.CheckWork):
            verdicts = self.world.verdicts(action.tree, action.gates)
            self.world.inbox.append(
                e.WorkChecked(task=key[0], attempt=key[1], commit=action.commit, verdicts=verdicts)
            )
        else:
            unresolved = ("a.py",) if self.world.chance(self.odds.unresolved) else ()
            changed = not self.world.chance(self.odds.unchanged)
            self.world.inbox.append(
                e.WorkCollected(
                    task=key[0], attempt=key[1], commit=self.world.commit(), tree=self.world.tree(),
                    changed=changed, snapshot=False, pin="refs/pin", unresolved=unresolved,
                )
            )  # fmt: skip

    def _of_landing(self, action: a.BuildBatch | a.CheckCandidate, landing: int) -> None:
        if self.world.chance(self.odds.failed):
            self.world.end_landing(landing)
            self.world.inbox.append(e.EffectFailed(action="Landing", error="broke"))
        elif isinstance(action, a.CheckCandidate):
            verdicts = self.world.verdicts(action.tree, action.gates)
            self.world.inbox.append(
                e.CandidateChecked(task=action.task, commit=action.commit, verdicts=verdicts)
            )
        else:
            self._build(action)

    def _build(self, action: a.BuildBatch) -> None:
        """As ``engine.batches`` does: what is clean, then at most one that a rung settled."""
        self._built = list[e.CandidateMade]()
        conflicted: list[tuple[str, str]] = []
        for task, delivered in zip(action.tasks, action.commits, strict=True):
            if self.world.chance(self.odds.failed):
                self.world.end_landing(self.world.landing)
                self.world.inbox.append(e.EffectFailed(action="Landing", error="broke in the middle"))
                return
            if self.world.chance(self.odds.conflict):
                conflicted.append((task, delivered))
            else:
                self._chain(task, delivered)
        for task, delivered in conflicted:
            left = [rung for rung in RUNGS if rung not in self.state.task(task).thrown]
            if any(made.rung for made in self._built):
                self.world.inbox.append(e.TaskDeferred(task=task, why="conflict"))
            elif left and self.world.chance(self.odds.settled):
                self._chain(task, delivered, left[0])
            else:
                behind = tuple(made.task for made in self._built) if self.world.chance(0.5) else ()
                self.world.inbox.append(
                    e.ConflictFound(task=task, parent=self._top, paths=("a.py",), behind=behind)
                )
        built = tuple(made.task for made in self._built)
        self.world.inbox.append(e.BatchBuilt(tasks=built, base=self.world.tip, base_tree="tree of the base"))

    @property
    def _top(self) -> str:
        return self._built[-1].commit if self._built else self.world.tip

    def _chain(self, task: str, delivered: str, rung: str = "") -> None:
        made = e.CandidateMade(
            task=task, parent=self._top, commit=self.world.commit(self._top, delivered),
            tree=self.world.tree(), files=(self.world.dice.choice(FILES),), rung=rung,
            resolved=("a.py",) if rung else (),
        )  # fmt: skip
        self._built.append(made)
        self.world.inbox.append(made)

    def _publish(self, action: a.Publish) -> None:
        if self.world.chance(self.odds.lost):
            self.world.tip = self.world.commit(self.world.tip)
            self.rules.tips.add(self.world.tip)
        expected, last = action.candidates[0].parent, action.candidates[-1]
        self.rules.proven(self.state, [candidate.task for candidate in action.candidates], last.tree)
        if self.world.chance(self.odds.failed):
            self.world.inbox.append(e.EffectFailed(action="Publish", error="broke"))
        elif self.world.tip != expected:
            self.world.inbox.append(e.PublicationLost(expected=expected, found=self.world.tip))
        else:
            self.world.tip = last.commit
            self.rules.tips.add(self.world.tip)
            for candidate in action.candidates:
                self.world.inbox.append(self._landing_event(candidate.task, candidate.commit))

    def _landing_event(self, task: str, commit: str) -> e.TaskLanded:
        attempt = self.state.task(task).delivered_by
        parent = self.world.parents[commit][0]
        return e.TaskLanded(task=task, attempt=attempt, commit=commit, parent=parent, tree="")

    def _drop(self) -> None:
        if self._publishing:
            return
        self.world.drop(LANDING)
        self.world.inbox.append(e.LandingDropped())
