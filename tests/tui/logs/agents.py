"""The agents of a run on stage: each goes through the beats of its turns, and is told things meanwhile."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.tui.logs.beats import Beat, crash, repair, usual
from tests.tui.logs.naming import digest, session
from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.models import Usage

if TYPE_CHECKING:
    from tests.tui.logs.stage import Stage

Key = tuple[str, int]

PLAIN: dict[str, type[e.AttemptEvent]] = {
    "say": e.AgentSaid,
    "forged": e.MarkerQuarantined,
    "denied": e.ActionDenied,
    "retried": e.AgentRetried,
}
"""Beats that are one event and nothing else."""

STILL = frozenset({"answer", "message", "plan_approved"})
"""What an agent is told after which it goes on where it was."""


@dataclass(eq=False)
class Mate:
    """An attempt that lives: what its agent has still before it, and what it was told meanwhile."""

    key: Key
    name: str
    beats: deque[Beat]
    session: str
    dice: random.Random
    edits: int = 0
    inbox: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    turn: bool = False
    over: bool = False


def of(kind: type[e.AttemptEvent], key: Key, /, **values: Any) -> e.AttemptEvent:
    """An event of an attempt."""
    return kind.model_validate({"task": key[0], "attempt": key[1], **values})


class Agents:
    """Live attempts; ``root`` is the folder that their worktrees stand in."""

    def __init__(self, stage: Stage, root: str) -> None:
        self._stage, self._script, self._root = stage, stage.script, root
        self._mates: dict[Key, Mate] = {}
        self._left: dict[str, deque[Beat]] = {}
        self._turns: defaultdict[tuple[str, str], deque[list[Beat]]] = defaultdict(deque)
        for key, turns in stage.script.turns.items():
            self._turns[key].extend(turns)

    def paths_of(self, task: str) -> tuple[str, ...]:
        """The files that work on a task changes."""
        spec = self._stage.state.tasks[task].spec
        return self._script.paths.get(task) or spec.files or ("README.md",)

    def perform(self, action: a.Action) -> None:
        """Begin what an action asks of an agent or its work, if it does."""
        match action:
            case a.StartAttempt():
                self._begin(action)
            case a.Tell(task, number, kind, _, message):
                self._told((task, number), kind, message)
            case a.CollectWork(task, number):
                self._collect((task, number))
            case a.CheckWork():
                self._check(action)
            case a.EndAttempt(task, number, interrupt):
                self._end((task, number), interrupt)
            case a.CutShort(task, number, reason):
                self._cut((task, number), reason)
            case a.Rule(task, number):
                if (mate := self._mates.get((task, number))) is not None:
                    self._stage.later(1.0, lambda: self._next(mate), mate.key)
            case _:
                pass

    # -- beginning and ending ----------------------------------------------------------------------------

    def _begin(self, action: a.StartAttempt) -> None:
        stage, key = self._stage, (action.task, action.attempt)
        if action.why == "continued":
            beats = self._left.pop(action.task, deque())
        else:
            beats = deque(self._turn(action.task, action.why))
        known = action.session or session(self._script.run, *key)
        mate = self._mates[key] = Mate(
            key, action.teammate, beats, known, random.Random(f"{self._script.run} {key}")
        )
        mate.edits = int(action.carry is not None)
        pid = 41_000 + len(stage.state.attempts) * 7
        ready = e.WorktreeReady(
            teammate=mate.name, path=f"{self._root}/{mate.name}",
            branch=f"workbench/{self._script.run}/{mate.name}",
            seconds=round(0.05 + mate.dice.random() / 10, 4),
        )  # fmt: skip

        def up() -> None:
            stage.send(of(e.AgentStarted, key, pid=pid, session=mate.session))
            mate.inbox += stage.state.attempts[key].mail
            mate.turn = True
            if stage.broken:
                mate.beats.appendleft(crash(stage.broken, 0.4, exit_code=127))
            self._next(mate)

        stage.later(0.1 + mate.dice.random() / 5, lambda: stage.send(ready), key)
        stage.later(0.8 + mate.dice.random(), up, key)

    def _end(self, key: Key, interrupt: bool) -> None:
        mate = self._mates[key]
        self._stage.drop(key)
        mate.over = True
        if interrupt:
            self._left[key[0]] = mate.beats

        def ended() -> None:
            del self._mates[key]
            self._stage.send(self._ended(mate, interrupt))

        self._stage.later(0.4, ended)

    def _ended(self, mate: Mate, interrupt: bool) -> e.AttemptEvent:
        keeps = interrupt and self._stage.state.attempts[mate.key].prepared
        return of(
            e.AttemptEnded, mate.key, teammate=mate.name, usage=mate.usage, interrupted=interrupt,
            commit=digest("kept", mate.key, mate.edits) if keeps else None, session=mate.session,
        )  # fmt: skip

    def _cut(self, key: Key, reason: str) -> None:
        if (mate := self._mates.get(key)) is not None:
            mate.over = True
            self._stage.later(1.0, lambda: self._turn_ended(mate, error=reason), key)

    def die(self) -> None:
        """Their processes are gone with the run's; what they had before them is before them still."""
        for key in list(self._stage.state.working):
            mate = self._mates.pop(key)
            self._left[key[0]] = mate.beats
            self._stage.note(self._ended(mate, interrupt=True))

    def idle(self, task: str) -> None:
        """An agent gives no sign of life for long."""
        state = self._stage.state
        key = (task, state.tasks[task].attempt)
        if key in state.working:
            seconds = state.settings.idle_seconds or 600.0
            self._stage.send(of(e.DeadlinePassed, key, deadline="idle", seconds=seconds))

    # -- turns -------------------------------------------------------------------------------------------

    def _turn(self, task: str, why: str) -> list[Beat]:
        """What an agent does in a turn that it has for this reason."""
        if own := self._turns[task, why]:
            return own.popleft()
        paths, state = self.paths_of(task), self._stage.state.tasks[task]
        check = self._script.check.format(folder=paths[-1].partition("/")[2].rpartition("/")[0])
        match why:
            case "gate_red":
                return repair(paths, check, "The gate is right: I had not thought of that. I mend the cause.")
            case "conflict":
                where = ", ".join(state.conflicts)
                said = f"Both sides changed {where}. I keep what both mean, and all tests."
                return repair(state.conflicts, check, said)
            case "rejected":
                others = ", ".join(state.others)
                return repair(paths, check, f"Green alone, red with {others}: I look at what that changed.")
            case "first" | "retry" | "continued":
                dice = random.Random(f"{self._script.run} {task}")
                turn = usual(state.spec, paths, check, dice, self._script.thorough)
                middle = len(turn) // 2
                return [*turn[:middle], *self._script.asides.get(task, ()), *turn[middle:]]
            case _:
                return []

    def _next(self, mate: Mate) -> None:
        """The next beat of an agent's turn, or its end."""
        if mate.over:
            return
        if mate.inbox:
            heard, mate.inbox = tuple(mate.inbox), []
            self._stage.send(of(e.MessagesRead, mate.key, messages=heard))
        if not mate.beats:
            self._turn_ended(mate)
            return
        beat = mate.beats.popleft()
        seconds = beat.seconds * self._script.tempo * (0.7 + 0.6 * mate.dice.random())
        self._stage.later(seconds, lambda: self._beat(mate, beat), mate.key)

    def _beat(self, mate: Mate, beat: Beat) -> None:
        cost = self._script.dollars * beat.seconds * (0.8 + 0.4 * mate.dice.random())
        mate.usage += Usage(
            cost_usd=round(cost, 4), input_tokens=int(cost * 240_000), output_tokens=int(cost * 9_000)
        )
        match beat.what:
            case "act":
                self._acted(mate, beat.values["tool"], beat.values["target"])
            case "mark":
                if self._marked(mate, beat.values):
                    self._turn_ended(mate)
                    return
            case "permission":
                key = digest(self._script.run, mate.key, len(self._stage.records))[:12]
                self._stage.send(of(e.PermissionAsked, mate.key, key=key, **beat.values))
                return  # it waits until it is ruled
            case "crash":
                mate.over = True
                self._turn_ended(mate, **beat.values)
                return
            case plain:
                self._stage.send(of(PLAIN[plain], mate.key, **beat.values))
        self._next(mate)

    def _acted(self, mate: Mate, tool: str, target: str) -> None:
        if tool in ("Edit", "Write", "Read"):
            mate.edits += tool != "Read"
            target = f"{self._root}/{mate.name}/{target}"
        self._stage.send(of(e.AgentActed, mate.key, tool=tool, target=target))

    def _marked(self, mate: Mate, values: dict[str, Any]) -> bool:
        """Drop a marker; whether the turn ends with it."""
        kind = values["kind"]
        if self._script.thorough and kind != "done":
            self._acted(mate, f"mcp__workbench__{kind}", values["note"][:120])
        pid = self._stage.state.attempts[mate.key].pid
        name = f"{int(self._stage.now * 1e9)}-{pid}-{kind}.json"
        self._stage.send(of(e.MarkerReceived, mate.key, name=name, **values))
        return kind in ("question", "plan", "done", "blocked")

    def _turn_ended(self, mate: Mate, **values: Any) -> None:
        mate.turn = False
        mate.usage += Usage(turns=1)
        ended = of(
            e.TurnEnded, mate.key, live=not mate.over, usage=mate.usage, session=mate.session, **values
        )
        self._stage.send(ended)

    def _told(self, key: Key, kind: str, message: str) -> None:
        mate = self._mates.get(key)
        if mate is None or mate.over:
            return
        if message:
            mate.inbox.append(message)
        if mate.turn:
            return
        if kind not in STILL:
            mate.beats = deque(self._turn(key[0], kind))
        mate.turn = True
        self._stage.later(1.5, lambda: self._next(mate), key)

    # -- their work --------------------------------------------------------------------------------------

    def _collect(self, key: Key) -> None:
        mate, run = self._mates[key], self._script.run
        collected = of(
            e.WorkCollected, key, commit=digest("work", run, key, mate.edits), changed=mate.edits > 0,
            tree=digest("tree", run, key, mate.edits), snapshot=False, files=self.paths_of(key[0]),
            pin=f"refs/workbench/{run}/work/{key[0]}/{key[1]}",
        )  # fmt: skip
        self._stage.later(0.15, lambda: self._stage.send(collected), key)

    def _check(self, action: a.CheckWork) -> None:
        stage, key = self._stage, (action.task, action.attempt)
        stage.send(e.CheckingStarted(task=action.task, commit=action.commit, gates=action.gates, alone=True))
        verdicts = stage.gates.verdicts(action.tree, action.gates, stage.gates.alone(action.task))
        checked = of(e.WorkChecked, key, commit=action.commit, verdicts=verdicts)
        stage.later(stage.gates.seconds(action.tree), lambda: stage.send(checked), key)
