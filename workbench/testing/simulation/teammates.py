"""Live attempts and their agents: what they may do next, and what the process hears of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.core import events as e
from workbench.core.models import Usage
from workbench.testing.simulation.world import Key, World


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


class Teammates:
    """The attempts that live in one process."""

    def __init__(self, world: World, tasks: Sequence[str]) -> None:
        self.world, self._tasks = world, tasks
        self.live: dict[Key, Teammate] = {}

    def start(self, key: Key, name: str) -> None:
        """An attempt begins."""
        self.live[key] = Teammate(key, name)

    def listening(self, key: Key) -> bool:
        """Whether what is done for an attempt still counts."""
        mate = self.live.get(key)
        return mate is not None and mate.stage != "ended" and not mate.interrupt

    def tell(self, key: Key) -> None:
        """Text is put into the session."""
        mate = self.live.get(key)
        if mate is None or mate.stage == "ended":
            return
        if mate.over:
            self._turn_end(mate, live=False, error="the session was over before it could be told more")
        else:
            mate.inbox += 1

    def end(self, key: Key, interrupt: bool) -> None:
        """The session is to be closed."""
        mate = self.live.get(key)
        if mate is None or mate.asked_to_end:
            return
        mate.asked_to_end, mate.interrupt = True, interrupt
        if interrupt:
            self.world.drop(key)

    def moves(self, mate: Teammate) -> list[Callable[[], None]]:
        """What may happen to a live attempt next."""
        moves: list[Callable[[], None]] = []
        if mate.stage == "ended":
            return (
                [lambda: self._drop_marker(mate)]
                if self.world.chance(0.05) and not self.world.inbox
                else moves
            )
        if mate.asked_to_end:
            moves += [lambda: self._close(mate)] * 2
        if mate.stage == "preparing":
            moves.append(lambda: self._prepare(mate))
        elif mate.stage == "turn":
            moves += [lambda: self._work(mate), lambda: self._finish_turn(mate)]
        elif mate.stage == "idle" and mate.inbox:
            moves.append(lambda: self._wake(mate))
        elif mate.stage == "idle" and self.world.chance(self.world.odds.crash):
            moves.append(lambda: self._die(mate))
        elif mate.stage == "idle" and self.world.chance(self.world.odds.broken):
            moves.append(lambda: self._break(mate))
        return moves

    def _prepare(self, mate: Teammate) -> None:
        if self.world.chance(self.world.odds.broken):
            self._break(mate)
            return
        mate.stage, mate.prepared = "turn", True
        self.world.inbox.append(
            e.WorktreeReady(teammate=mate.name, path=f"/w/{mate.name}", branch=mate.name, seconds=0.1)
        )
        self.world.inbox.append(e.AgentStarted(task=mate.key[0], attempt=mate.key[1], pid=7))

    def _wake(self, mate: Teammate) -> None:
        mate.stage, mate.inbox = "turn", 0

    def _work(self, mate: Teammate) -> None:
        task, number = mate.key
        if mate.inbox and self.world.chance(0.5):
            mate.inbox = 0
        elif self.world.chance(self.world.odds.broken):
            self._break(mate)
        elif self.world.chance(self.world.odds.chatter):
            self._drop_marker(mate)
        elif self.world.chance(self.world.odds.conflict / 2):
            self._probe(task)
        else:
            self.world.inbox.append(e.AgentActed(task=task, attempt=number, tool="Edit", target="a.py"))

    def _probe(self, task: str) -> None:
        """The task's commit was merged on trial with another's; what is said of it may come late."""
        others = [name for name in self._tasks if name != task]
        if not others:
            return
        other = self.world.dice.choice(others)
        paths = self.world.dice.choice((("a.py",), ("a.py", "b.py"), ()))
        event = (
            e.ConflictForeseen(task=task, other=other, paths=paths)
            if paths
            else e.ConflictCleared(task=task, other=other)
        )
        self.world.do(None, lambda: self.world.inbox.append(event))

    def _drop_marker(self, mate: Teammate) -> None:
        if self.world.chance(0.2):
            self.world.inbox.append(
                e.MarkerQuarantined(task=mate.key[0], attempt=mate.key[1], name="x", reason="forged")
            )
        else:
            self.world.inbox.append(
                self.world.marker(
                    mate.key, self.world.dice.choice(("progress", "question", "message", "note"))
                )
            )

    def _finish_turn(self, mate: Teammate) -> None:
        if self.world.chance(self.world.odds.crash):
            self._die(mate)
            return
        if self.world.chance(self.world.odds.login):
            mate.over, mate.stage = True, "gone"
            self._turn_end(mate, live=False, error="please sign in", login=True)
            return
        if self.world.chance(self.world.odds.blocked):
            self.world.inbox.append(self.world.marker(mate.key, "blocked"))
        elif self.world.chance(self.world.odds.done):
            self.world.inbox.append(self.world.marker(mate.key, "done"))
        mate.stage = "idle"
        if self.world.chance(0.2):  # a program that does one thing and exits
            mate.over, mate.stage = True, "gone"
        mate.spent += 1.0
        self._turn_end(mate, live=not mate.over)

    def _die(self, mate: Teammate) -> None:
        mate.over, mate.stage = True, "gone"
        self._turn_end(mate, live=False, error="it crashed")

    def _break(self, mate: Teammate) -> None:
        mate.over, mate.stage = True, "gone"
        self.world.inbox.append(
            e.EffectFailed(action="StartAttempt", error="broke", task=mate.key[0], attempt=mate.key[1])
        )

    def _turn_end(self, mate: Teammate, live: bool, error: str = "", login: bool = False) -> None:
        self.world.inbox.append(
            e.TurnEnded(
                task=mate.key[0], attempt=mate.key[1], live=live, error=error, login=login,
                usage=Usage(cost_usd=mate.spent),
            )
        )  # fmt: skip

    def _close(self, mate: Teammate) -> None:
        mate.stage = "ended"
        self.world.drop(mate.key)
        commit = self.world.commit() if mate.interrupt and mate.prepared else None
        self.world.inbox.append(
            e.AttemptEnded(
                task=mate.key[0], attempt=mate.key[1], teammate=mate.name, interrupted=mate.interrupt,
                commit=commit, usage=Usage(cost_usd=mate.spent),
            )
        )  # fmt: skip
