"""Whole runs of the pure core against a world made of dice: no I/O, thousands of runs a minute.

Everything in flight is a ``Doing``; at every step the dice choose who moves next, so events come in
every order the real engine can produce: late turn ends, checks that finish after their attempt failed,
stops during a publication, a process that dies between an intent and its effect. One seed, one run.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import undo
from workbench.core.models import Reversal, RunSettings, Task, Usage, Verdict
from workbench.core.state import OVER, RunState, TaskStatus
from workbench.testing.playbook import Playbook, started

LANDING = "landing"
"""Owner of what is done for the landing under way."""

Key = tuple[str, int]


@dataclass(frozen=True)
class Odds:
    """How likely each kind of trouble is, each time there is a chance for it."""

    done: float = 0.8
    crash: float = 0.05
    broken: float = 0.02
    login: float = 0.0
    blocked: float = 0.03
    unchanged: float = 0.05
    unresolved: float = 0.03
    red: float = 0.2
    conflict: float = 0.2
    lost: float = 0.1
    failed: float = 0.03
    chatter: float = 0.3
    stop: float = 0.0
    kill: float = 0.0
    undo: float = 0.0
    settled: float = 0.5


RUNGS = ("union", "structure")
FILES = ("a.py", "b.py", "c.py")

CALM = Odds(0.95, 0, 0, 0, 0, 0, 0, 0.1, 0.1, 0, 0, 0.1)
"""Little goes wrong."""


@dataclass(eq=False)
class Teammate:
    """One live attempt: what ``engine.attempts.LiveAttempt`` and its agent are in the real world."""

    key: Key
    name: str
    stage: str = "preparing"
    inbox: int = 0
    markers: int = 0
    over: bool = False
    asked_to_end: bool = False
    interrupt: bool = False
    prepared: bool = False
    spent: float = 0.0


@dataclass(eq=False)
class Doing:
    """An effect in flight: ``owner`` is the attempt or landing it ends with, ``commit`` what it gates;
    ``landing`` counts the landings."""

    act: Callable[[], None]
    owner: Key | str | None = None
    commit: str = ""
    landing: int = 0


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
        self._dice = random.Random(self.seed)  # noqa: S311 - a simulation, not a secret
        self.book = Playbook(self._check)
        self.tip = "base"
        self.parents: dict[str, tuple[str, ...]] = {"base": ()}
        self.landed: set[str] = set()
        self.undone: set[str] = set()
        self.tips = {"base"}
        self.green: set[tuple[str, str]] = set()
        self.kills = self.stops = 0
        self._serial = 0
        self._built: list[e.CandidateMade] = []
        self._begin()

    def _begin(self) -> None:
        self._inbox: deque[e.Event] = deque()
        self._doing: list[Doing] = []
        self._live: dict[Key, Teammate] = {}
        self._publishing = False
        self._landing = 0
        self._over: set[int] = set()

    @property
    def state(self) -> RunState:
        return self.book.state

    # -- running ---------------------------------------------------------------------------------

    def play(self) -> RunState:
        """Run until the run is over for good; raises AssertionError when it hangs or breaks a rule."""
        self._inbox.append(started(self.tasks, self.settings))
        for _ in range(self.steps):
            if self.state.finished:
                self._check_end()
                if self.state.outcome != "stopped" or self.state.reason == "the budget is spent":
                    return self.state
                self._resume()
            elif self.book.log and self.kills < 4 and self._chance(self.odds.kill):
                self.kills += 1
                self._resume()
            elif self.book.log and self.stops < 4 and self._chance(self.odds.stop):
                self.stops += 1
                self._inbox.append(e.StopRequested(reason="asked to"))
            else:
                self._step()
        raise AssertionError(f"not over after {self.steps} steps")

    def _step(self) -> None:
        moves: list[Callable[[], None]] = [self._take] if self._inbox else []
        moves += [lambda it=doing: self._perform(it) for doing in self._doing]  # type: ignore[misc]
        for mate in list(self._live.values()):
            moves += self._moves(mate)
        assert moves, "nothing is in flight and the run is not over"
        self._dice.choice(moves)()

    def _take(self) -> None:
        """One batch, as the engine takes it: all events first, then the effects of all."""
        actions: list[a.Action] = []
        while self._inbox:
            event = self._inbox.popleft()
            if self.state.finished and not isinstance(event, e.RunResumed):
                continue
            actions += self.book.send(event)
            if isinstance(event, e.AttemptEnded):
                self._live.pop((event.task, event.attempt))
        for action in actions:
            self._start(action)

    def _perform(self, doing: Doing) -> None:
        self._doing.remove(doing)
        doing.act()

    def _resume(self) -> None:
        """The process is gone; another takes the run up from the log (``engine.recover``)."""
        self._begin()
        self.book.restart()
        state = self.state
        if state.landing is not None:
            history = self._history()
            for step in list(state.landing.steps):
                if step.commit in history:
                    self.book.note(self._landing_event(step.task, step.commit))
        if state.landing is not None:
            self.book.note(e.LandingDropped())
        for key, attempt in list(state.working.items()):
            if self._chance(0.2):
                self.book.note(self._marker(key, self._dice.choice(("done", "blocked", "message"))))
            kept = self._commit() if attempt.prepared and self._chance(0.8) else None
            self.book.note(
                e.AttemptEnded(
                    task=key[0], attempt=key[1], teammate=attempt.teammate, interrupted=True, commit=kept
                )
            )
        if self._chance(self.odds.undo):
            self._undo()
        self._inbox.append(e.RunResumed(pid=1))
        self._take()

    def _undo(self) -> None:
        """A person takes something that landed off the branch, while no process holds the run."""
        names = [landing.task for landing in self.state.standing]
        if not names or self.tip != self.state.published:
            return
        reversals = []
        tip = self.tip
        for it in undo.chosen(self.state, self._dice.sample(names, self._dice.randint(0, len(names)))):
            task, landing, commit = it.landing.task, it.landing.commit, self._commit(tip)
            reversals.append(
                Reversal(task=task, landing=landing, parent=tip, commit=commit, tree=self._tree())
            )
            tip = commit
        self.book.note(e.UndoStarted(reversals=tuple(reversals)))
        if self._chance(0.2):
            self.book.note(e.UndoDropped(reason="the branch was not moved"))
            return
        self.tip = tip
        self.tips.add(tip)
        for reversal in reversals:
            self.book.note(e.LandingUndone.model_validate(reversal.model_dump()))

    # -- rolling -------------------------------------------------------------------------------------

    def _chance(self, odds: float) -> bool:
        return odds > 0 and self._dice.random() < odds

    def _commit(self, *parents: str) -> str:
        self._serial += 1
        name = f"c{self._serial}"
        self.parents[name] = parents
        return name

    def _tree(self) -> str:
        """Trees repeat now and then, so that verdicts are found again."""
        return f"tree-{self._dice.randrange(40)}"

    def _history(self) -> set[str]:
        seen: set[str] = set()
        waiting = [self.tip]
        while waiting:
            commit = waiting.pop()
            if commit not in seen:
                seen.add(commit)
                waiting += self.parents.get(commit, ())
        return seen

    def _verdicts(self, tree: str, gates: Sequence[str]) -> tuple[Verdict, ...]:
        verdicts = []
        for gate in gates:
            green = not self._chance(self.odds.red)
            failing = () if green else (f"{self._dice.choice(FILES)}::test",)
            verdicts.append(
                Verdict(tree=tree, gate=gate, environment="env", green=green, seconds=1.0, failing=failing)
            )
            if not green:
                break
        return tuple(verdicts)

    # -- actions -------------------------------------------------------------------------------------

    def _start(self, action: a.Action) -> None:
        match action:
            case a.CheckBase():
                self._do(None, lambda: self._inbox.append(e.BaseChecked(verdicts=())))
            case a.StartAttempt():
                key = (action.task, action.attempt)
                self._live[key] = Teammate(key, action.teammate)
            case a.Tell():
                self._do((action.task, action.attempt), lambda: self._tell((action.task, action.attempt)))
            case a.CollectWork() | a.CheckWork():
                self._do((action.task, action.attempt), lambda: self._of(action))
            case a.EndAttempt():
                self._end((action.task, action.attempt), action.interrupt)
            case a.BuildBatch():
                self._publishing = False
                self._landing += 1
                number = self._landing
                self._do(LANDING, lambda: self._of_landing(action, number))
            case a.CheckCandidate():
                number = self._landing
                self._do(LANDING, lambda: self._of_landing(action, number), action.commit)
            case a.StopChecks():
                self._doing = [doing for doing in self._doing if doing.commit not in action.commits]
            case a.FindPair():
                self._do(None, lambda: self._pair(action))
            case a.Publish():
                self._publishing = True
                self._do(None, lambda: self._publish(action))
            case a.DropLanding():
                self._do(None, self._drop)
            case _:
                self._inform(action)

    def _inform(self, action: a.Action) -> None:
        if isinstance(action, a.Wake):
            self._do(None, lambda: self._let_time_pass(action))
        if isinstance(action, a.ReadLanding):
            read = e.LandingRead(tasks=action.tasks, commit=action.new)
            self._do(None, lambda: self._inbox.append(read))

    def _let_time_pass(self, action: a.Wake) -> None:
        self.book.now = max(self.book.now, action.hold.until)
        self._inbox.append(e.Awoke())

    def _do(self, owner: Key | str | None, act: Callable[[], None], commit: str = "") -> None:
        if owner != LANDING or self._landing not in self._over:
            self._doing.append(Doing(act, owner, commit, self._landing))

    def _end_landing(self, landing: int) -> None:
        """One of its effects failed: nothing is heard of the others any more."""
        self._over.add(landing)
        self._doing = [it for it in self._doing if it.owner != LANDING or it.landing != landing]

    def _pair(self, action: a.FindPair) -> None:
        sides = [side.task for side in action.sides]
        others = (self._dice.choice(sides),) if self._chance(0.7) else tuple(sides)
        self._inbox.append(
            e.SemanticConflictFound(
                task=action.task, others=others, gate=action.gate, certain=len(others) == 1,
                verdicts=self._verdicts(self._tree(), (action.gate,)),
            )
        )  # fmt: skip

    def _of(self, action: a.CollectWork | a.CheckWork) -> None:
        key = (action.task, action.attempt)
        mate = self._live.get(key)
        if mate is None or mate.stage == "ended" or mate.interrupt:
            return
        if self._chance(self.odds.failed):
            self._inbox.append(e.EffectFailed(action="CheckWork", error="broke", task=key[0], attempt=key[1]))
        elif isinstance(action, a.CheckWork):
            verdicts = self._verdicts(action.tree, action.gates)
            self._inbox.append(
                e.WorkChecked(task=key[0], attempt=key[1], commit=action.commit, verdicts=verdicts)
            )
        else:
            unresolved = ("a.py",) if self._chance(self.odds.unresolved) else ()
            changed = not self._chance(self.odds.unchanged)
            self._inbox.append(
                e.WorkCollected(
                    task=key[0], attempt=key[1], commit=self._commit(), tree=self._tree(), changed=changed,
                    snapshot=False, pin="refs/pin", unresolved=unresolved,
                )
            )  # fmt: skip

    def _of_landing(self, action: a.BuildBatch | a.CheckCandidate, landing: int) -> None:
        if self._chance(self.odds.failed):
            self._end_landing(landing)
            self._inbox.append(e.EffectFailed(action="Landing", error="broke"))
        elif isinstance(action, a.CheckCandidate):
            verdicts = self._verdicts(action.tree, action.gates)
            self._inbox.append(e.CandidateChecked(task=action.task, commit=action.commit, verdicts=verdicts))
        else:
            self._build(action)

    def _build(self, action: a.BuildBatch) -> None:
        """As ``engine.batches`` does: what is clean, then at most one that a rung settled."""
        self._built = list[e.CandidateMade]()
        conflicted: list[tuple[str, str]] = []
        for task, delivered in zip(action.tasks, action.commits, strict=True):
            if self._chance(self.odds.failed):
                self._end_landing(self._landing)
                self._inbox.append(e.EffectFailed(action="Landing", error="broke in the middle"))
                return
            if self._chance(self.odds.conflict):
                conflicted.append((task, delivered))
            else:
                self._chain(task, delivered)
        for task, delivered in conflicted:
            left = [rung for rung in RUNGS if rung not in self.state.task(task).thrown]
            if any(made.rung for made in self._built):
                self._inbox.append(e.TaskDeferred(task=task, why="conflict"))
            elif left and self._chance(self.odds.settled):
                self._chain(task, delivered, left[0])
            else:
                behind = tuple(made.task for made in self._built) if self._chance(0.5) else ()
                self._inbox.append(
                    e.ConflictFound(task=task, parent=self._top, paths=("a.py",), behind=behind)
                )
        built = tuple(made.task for made in self._built)
        self._inbox.append(e.BatchBuilt(tasks=built, base=self.tip, base_tree="tree of the base"))

    @property
    def _top(self) -> str:
        return self._built[-1].commit if self._built else self.tip

    def _chain(self, task: str, delivered: str, rung: str = "") -> None:
        made = e.CandidateMade(
            task=task, parent=self._top, commit=self._commit(self._top, delivered), tree=self._tree(),
            files=(self._dice.choice(FILES),), rung=rung, resolved=("a.py",) if rung else (),
        )  # fmt: skip
        self._built.append(made)
        self._inbox.append(made)

    def _publish(self, action: a.Publish) -> None:
        if self._chance(self.odds.lost):
            self.tip = self._commit(self.tip)
            self.tips.add(self.tip)
        expected, last = action.candidates[0].parent, action.candidates[-1]
        self._assert_proven([candidate.task for candidate in action.candidates], last.tree)
        if self._chance(self.odds.failed):
            self._inbox.append(e.EffectFailed(action="Publish", error="broke"))
        elif self.tip != expected:
            self._inbox.append(e.PublicationLost(expected=expected, found=self.tip))
        else:
            self.tip = last.commit
            self.tips.add(self.tip)
            for candidate in action.candidates:
                self._inbox.append(self._landing_event(candidate.task, candidate.commit))

    def _landing_event(self, task: str, commit: str) -> e.TaskLanded:
        attempt = self.state.task(task).delivered_by
        parent = self.parents[commit][0]
        return e.TaskLanded(task=task, attempt=attempt, commit=commit, parent=parent, tree="")

    def _drop(self) -> None:
        if self._publishing:
            return
        self._doing = [doing for doing in self._doing if doing.owner != LANDING]
        self._inbox.append(e.LandingDropped())

    # -- teammates -------------------------------------------------------------------------------------

    def _tell(self, key: Key) -> None:
        mate = self._live.get(key)
        if mate is None or mate.stage == "ended":
            return
        if mate.over:
            self._turn_end(mate, live=False, error="the session was over before it could be told more")
        else:
            mate.inbox += 1

    def _end(self, key: Key, interrupt: bool) -> None:
        mate = self._live.get(key)
        if mate is None or mate.asked_to_end:
            return
        mate.asked_to_end, mate.interrupt = True, interrupt
        if interrupt:
            self._drop_checks(key)

    def _drop_checks(self, key: Key) -> None:
        self._doing = [doing for doing in self._doing if doing.owner != key]

    def _moves(self, mate: Teammate) -> list[Callable[[], None]]:
        """What may happen to a live attempt next."""
        moves: list[Callable[[], None]] = []
        if mate.stage == "ended":
            return [lambda: self._drop_marker(mate)] if self._chance(0.05) and not self._inbox else moves
        if mate.asked_to_end:
            moves += [lambda: self._close(mate)] * 2
        if mate.stage == "preparing":
            moves.append(lambda: self._prepare(mate))
        elif mate.stage == "turn":
            moves += [lambda: self._work(mate), lambda: self._finish_turn(mate)]
        elif mate.stage == "idle" and mate.inbox:
            moves.append(lambda: self._wake(mate))
        elif mate.stage == "idle" and self._chance(self.odds.crash):
            moves.append(lambda: self._die(mate))
        elif mate.stage == "idle" and self._chance(self.odds.broken):
            moves.append(lambda: self._break(mate))
        return moves

    def _prepare(self, mate: Teammate) -> None:
        if self._chance(self.odds.broken):
            self._break(mate)
            return
        mate.stage, mate.prepared = "turn", True
        self._inbox.append(
            e.WorktreeReady(teammate=mate.name, path=f"/w/{mate.name}", branch=mate.name, seconds=0.1)
        )
        self._inbox.append(e.AgentStarted(task=mate.key[0], attempt=mate.key[1], pid=7))

    def _wake(self, mate: Teammate) -> None:
        mate.stage, mate.inbox = "turn", 0

    def _work(self, mate: Teammate) -> None:
        task, number = mate.key
        if mate.inbox and self._chance(0.5):
            mate.inbox = 0
        elif self._chance(self.odds.broken):
            self._break(mate)
        elif self._chance(self.odds.chatter):
            self._drop_marker(mate)
        elif self._chance(self.odds.conflict / 2):
            self._probe(task)
        else:
            self._inbox.append(e.AgentActed(task=task, attempt=number, tool="Edit", target="a.py"))

    def _probe(self, task: str) -> None:
        """The task's commit was merged on trial with another's; what is said of it may come late."""
        others = [name for name in self.state.tasks if name != task]
        if not others:
            return
        other = self._dice.choice(others)
        paths = self._dice.choice((("a.py",), ("a.py", "b.py"), ()))
        event = (
            e.ConflictForeseen(task=task, other=other, paths=paths)
            if paths
            else e.ConflictCleared(task=task, other=other)
        )
        self._do(None, lambda: self._inbox.append(event))

    def _drop_marker(self, mate: Teammate) -> None:
        if self._chance(0.2):
            self._inbox.append(
                e.MarkerQuarantined(task=mate.key[0], attempt=mate.key[1], name="x", reason="forged")
            )
        else:
            self._inbox.append(
                self._marker(mate.key, self._dice.choice(("progress", "question", "message", "note")))
            )

    def _marker(self, key: Key, kind: str) -> e.MarkerReceived:
        self._serial += 1
        to = self._dice.choice((*self.settings.team, "all", "lead")) if kind == "message" else ""
        name = f"m{self._serial}"
        return e.MarkerReceived(task=key[0], attempt=key[1], name=name, kind=kind, note="words", to=to)

    def _finish_turn(self, mate: Teammate) -> None:
        if self._chance(self.odds.crash):
            self._die(mate)
            return
        if self._chance(self.odds.login):
            mate.over, mate.stage = True, "gone"
            self._turn_end(mate, live=False, error="please sign in", login=True)
            return
        if self._chance(self.odds.blocked):
            self._inbox.append(self._marker(mate.key, "blocked"))
        elif self._chance(self.odds.done):
            self._inbox.append(self._marker(mate.key, "done"))
        mate.stage = "idle"
        if self._chance(0.2):  # a program that does one thing and exits
            mate.over, mate.stage = True, "gone"
        mate.spent += 1.0
        self._turn_end(mate, live=not mate.over)

    def _die(self, mate: Teammate) -> None:
        mate.over, mate.stage = True, "gone"
        self._turn_end(mate, live=False, error="it crashed")

    def _break(self, mate: Teammate) -> None:
        mate.over, mate.stage = True, "gone"
        self._inbox.append(
            e.EffectFailed(action="StartAttempt", error="broke", task=mate.key[0], attempt=mate.key[1])
        )

    def _turn_end(self, mate: Teammate, live: bool, error: str = "", login: bool = False) -> None:
        self._inbox.append(
            e.TurnEnded(
                task=mate.key[0], attempt=mate.key[1], live=live, error=error, login=login,
                usage=Usage(cost_usd=mate.spent),
            )
        )  # fmt: skip

    def _close(self, mate: Teammate) -> None:
        mate.stage = "ended"
        self._drop_checks(mate.key)
        commit = self._commit() if mate.interrupt and mate.prepared else None
        self._inbox.append(
            e.AttemptEnded(
                task=mate.key[0], attempt=mate.key[1], teammate=mate.name, interrupted=mate.interrupt,
                commit=commit, usage=Usage(cost_usd=mate.spent),
            )
        )  # fmt: skip

    # -- rules -------------------------------------------------------------------------------------------

    def _check(self, state: RunState, record: e.Record) -> None:
        """What must hold after every single record."""
        event = record.event
        busy = [mate.task for mate in state.teammates.values() if mate.task is not None]
        assert len(busy) == len(state.working), "a teammate works on two tasks, or on none"
        for name, pairs in state.foreseen.items():
            assert pairs, f"nothing is foreseen for {name}, and that is kept"
            assert state.tasks[name].status not in OVER, f"{name} is over and conflicts with {set(pairs)}"
            assert all(state.foreseen[other][name] == paths for other, paths in pairs.items())
        if isinstance(event, e.AttemptStarted):
            waits = self.state.tasks[event.task].spec.after
            assert self.landed.issuperset(waits), f"{event.task} started before {waits} landed"
            assert event.task not in self.undone, f"{event.task} was undone and runs again"
            assert event.start in self.tips, f"{event.task} starts from {event.start}, never published"
            if event.why == "continued":
                held = state.teammates[event.teammate].held
                assert held == event.task, f"{event.task} would go on in a worktree that holds {held}"
        elif isinstance(event, e.TaskLanded):
            assert event.task not in self.landed, f"{event.task} landed twice"
            waits = state.tasks[event.task].spec.after
            assert self.landed.issuperset(waits), (
                f"{event.task} landed although {waits} did not, or not any more"
            )
            assert event.task not in self.undone, f"{event.task} was undone and landed again"
            self.landed.add(event.task)
        elif isinstance(event, e.LandingUndone):
            self.landed.remove(event.task)
            self.undone.add(event.task)
            built = {task.spec.id for task in state.tasks.values() if event.task in task.spec.after}
            assert not built & self.landed, f"{event.task} was undone under {built & self.landed}"
        elif isinstance(event, e.WorkChecked | e.SemanticConflictFound | e.CandidateChecked | e.BaseChecked):
            self.green |= {(verdict.tree, verdict.gate) for verdict in event.verdicts if verdict.green}
        elif isinstance(event, e.TaskRejected) and state.landing is not None:
            before = [step.task for step in state.landing.steps]
            self._assert_proven(before, state.landing.steps[-1].tree)

    def _assert_proven(self, names: Sequence[str], tree: str) -> None:
        """Nothing is published, and nobody blamed, on a tree that was not seen green."""
        for gate in {gate for name in names for gate in self.state.gates_of(name)}:
            assert (tree, gate) in self.green, f"{tree}, of {', '.join(names)}, was never green for {gate}"

    def _check_end(self) -> None:
        """What must hold when a run is over."""
        state = self.state
        ends = [(event.task, event.attempt) for event in self.book.events(e.AttemptEnded)]  # type: ignore[attr-defined]
        assert sorted(ends) == sorted(state.attempts), "each attempt ends once"
        assert state.landing is None, "a landing is left open"
        missing = [task for task in state.tasks.values() if task.status is not TaskStatus.LANDED]
        assert (state.outcome == "landed") == (not missing), "landed means every task"
        if state.outcome == "incomplete":
            for task in missing:
                assert task.reason, f"{task.spec.id} is {task.status} and nobody says why"
