"""Somebody at the keyboard, and the machine under it: stops, signals, a moved branch, clocks that jump."""

from __future__ import annotations

import re
from collections.abc import Callable

from workbench.core.apply.reassigning import GIVEN
from workbench.core.changing import applicable, open_change
from workbench.core.mail import PERSON, Decision, MessageKind
from workbench.core.mailing import number
from workbench.core.plan.writing import render
from workbench.core.requests import (
    Answer,
    Pause,
    ProposeChange,
    Reassign,
    Request,
    RequestJoin,
    RequestShutdown,
    Retry,
    Skip,
    Spawn,
    Unpause,
    Write,
)
from workbench.core.state import Ask, RunState, TaskStatus
from workbench.testing.git import FakeGit
from workbench.testing.playbook import INTEGRATION
from workbench.testing.requests import MemoryRequests
from workbench.testing.universe import plans
from workbench.testing.universe.process import Process

VISIT = 4 * 3600.0
"""Within how many seconds of a process's start somebody interferes, mostly early."""

CHANGE = 900.0
"""Within how many seconds somebody changes the team."""

ANEW = 300.0
"""Within how many seconds somebody changes the plan, and as soon again says whether it is meant."""


PUT_BACK = re.compile(r"`git update-ref \S+ (\S+)`")
"""What a run asks for that misses what had landed."""


class Person:
    """Interferes with one process after the other. ``pushed`` are the commits put on the integration
    branch, and not taken off it again, ``taken_off`` what had been its tip; ``changes`` how often the team
    may still be changed, ``plans`` how often the plan."""

    def __init__(self, git: FakeGit) -> None:
        self._git = git
        self.pushed: list[str] = []
        self.taken_off: set[str] = set()
        self.changes = 16
        self.plans = 4

    def visit(self, process: Process) -> None:
        """Plan what is done to this process, each thing at a time of its own."""
        weather = process.machine.weather
        acts = (
            self.stop,
            self.stop_twice,
            *[self.cancel] * 3,  # most processes are over before, or die of something else
            self.kill,
            self.push,
            self.reset,
            self.jump,
            self.suspend,
            self.ask,
            self.talk,
            self.reassign,
        )
        visits = int(weather.trouble.person) + weather.chance(weather.trouble.person % 1)
        for _ in range(min(visits, weather.visits)):
            weather.visits -= 1
            act = weather.dice.choice(acts)
            process.loop.call_later(VISIT * weather.dice.random() ** 4, self._act, act, process)
        self._look_after_the_team(process)
        if self.plans and not process.machine.large:
            self._plan_anew(process)

    def _look_after_the_team(self, process: Process) -> None:
        """Some processes are asked to let people join and leave, in the first minutes."""
        weather = process.machine.weather
        acts = (self.spawn, self.join, self.talk, self.ask_to_leave, self.send_away, *[self.reassign] * 3)
        if not weather.trouble.person or not weather.chance(0.5):
            return
        for _ in range(min(self.changes, weather.dice.choice((1, 3, 8)))):
            self.changes -= 1
            act = weather.dice.choice(acts)
            process.loop.call_later(CHANGE * weather.dice.random() ** 2, self._act, act, process)

    def _plan_anew(self, process: Process) -> None:
        """Plan changes of the plan, and when they are answered, if they are in time."""
        dice = process.machine.weather.dice
        moment = 0.0
        for act in (self.change, self.talk, self.change, self.talk)[: dice.choice((0, 0, 1, 2, 2, 3, 4))]:
            moment += ANEW * dice.random() ** 2
            process.loop.call_later(moment, self._act, act, process)

    def _act(self, act: Callable[[Process], None], process: Process) -> None:
        if not process.life.dead and not process.main.done():
            process.machine.weather.say(f"person: {act.__name__}")
            act(process)

    def stop(self, process: Process) -> None:
        """Ctrl-C once."""
        if process.engine is not None:
            process.engine.stop("asked to")

    def stop_twice(self, process: Process) -> None:
        """Ctrl-C, and again soon after."""
        self.stop(process)
        process.loop.call_later(process.machine.weather.dice.random() * 5.0, self.cancel, process)

    def cancel(self, process: Process) -> None:
        """At once."""
        process.main.cancel()

    def kill(self, process: Process) -> None:
        """SIGKILL, at no point in particular."""
        process.life.die("from outside")

    def ask(self, process: Process) -> None:
        """Write to somebody, pause the run, have a task tried again, leave one out, or give it to another."""
        acts = (self.write, self.pause, self.retry, self.skip, self.reassign)
        process.machine.weather.dice.choice(acts)(process)

    def pause(self, process: Process) -> None:
        """Pause the run, and let it go on after a while."""
        self._ask(process, Pause())
        process.loop.call_later(600.0, self._ask, process, Unpause())

    def retry(self, process: Process) -> None:
        """Have what was given up tried again, now and for some time; or what was not, if nothing was."""
        over = (TaskStatus.FAILED, TaskStatus.BLOCKED, TaskStatus.SKIPPED)
        if (name := self._any(process, *over)) is not None:
            self._ask(process, Retry(task=name))
        if process.machine.weather.dice.random() < 0.8:
            process.loop.call_later(120.0, self._act, self.retry, process)

    def skip(self, process: Process) -> None:
        """Leave some task out, wherever it stands."""
        if (name := self._any(process)) is not None:
            self._ask(process, Skip(task=name))

    def reassign(self, process: Process) -> None:
        """Give a task to somebody, wherever both stand: mostly one that somebody is at, or will be."""
        dice = process.machine.weather.dice
        name = self._any(process, *dice.choice(((TaskStatus.RUNNING,), GIVEN, GIVEN, ())))
        if name is not None and process.state is not None:
            to = dice.choice((*process.state.teammates, "nobody"))
            self._ask(process, Reassign(task=name, to=to))

    def _any(self, process: Process, *statuses: TaskStatus) -> str | None:
        tasks = process.state.tasks if process.state is not None else {}
        fit = [name for name, task in tasks.items() if task.status in statuses] or list(tasks)
        return process.machine.weather.dice.choice(fit) if fit else None

    def _ask(self, process: Process, request: Request) -> None:
        if not process.life.dead and not process.main.done():
            process.machine.requests.leave(request)

    def push(self, process: Process) -> None:
        """Commit on the integration branch itself."""
        tip = self._git.refs.get(INTEGRATION)
        if tip is None:
            return
        files = self._git.tree(tip).changed({f"person-{len(self._git.commits)}.txt": "by hand\n"})
        commit = self._git.add(files, tip, message="by hand")
        self._git.refs[INTEGRATION] = commit
        self._git.moves.append((INTEGRATION, commit))
        self.pushed.append(commit)

    def reset(self, process: Process) -> None:
        """Take the newest commit off the integration branch."""
        tip = self._git.refs.get(INTEGRATION)
        if tip is not None and (parents := self._git.commits[tip].parents):
            self.taken_off.add(parents[0])  # which may be the middle of a batch, never published by itself
            self._set(parents[0])

    def _set(self, commit: str) -> None:
        """Make the branch what it was; what was done to it besides is not there any more."""
        git = self._git
        git.refs[INTEGRATION] = commit
        self.taken_off.update(now for ref, now in git.moves if ref == INTEGRATION)
        git.moves[:] = [it for it in git.moves if it[0] != INTEGRATION or git.holds(commit, it[1])]
        self.pushed[:] = [it for it in self.pushed if git.holds(commit, it)]

    def mend(self, published: str) -> None:
        """Put back what was taken off when the run was over and nobody looked any more."""
        tip = self._git.refs.get(INTEGRATION)
        if tip is not None and not self._git.holds(tip, published):
            self._set(published)
            self._git.moves.append((INTEGRATION, published))

    def heed(self, reason: str) -> None:
        """Do what the run asks for before it is resumed: what was taken off its branch is put back, and a
        branch in its way is given another name."""
        if back := PUT_BACK.search(reason):
            self._set(back[1])
            self._git.moves.append((INTEGRATION, back[1]))
        if "exists already" in reason and INTEGRATION in self._git.refs:
            tip = self._git.refs.pop(INTEGRATION)
            self._git.refs[f"{INTEGRATION}-{tip[:8]}"] = tip
            self.pushed.clear()
            self.taken_off.update(now for ref, now in self._git.moves if ref == INTEGRATION)
            self._git.moves[:] = [move for move in self._git.moves if move[0] != INTEGRATION]

    def spawn(self, process: Process) -> None:
        """One more of the run's own agent."""
        self._ask(process, Spawn(name=process.machine.weather.dice.choice(("", "ada", "gus", "all"))))

    def join(self, process: Process) -> None:
        """Somebody comes from outside."""
        dice = process.machine.weather.dice
        seat, worktree = f"{dice.getrandbits(64):016x}", dice.choice(("", "/mine"))
        name = dice.choice(("", "ivo", "bob", "../etc"))
        self._ask(process, RequestJoin(seat=seat, name=name, agent="command", worktree=worktree))

    def ask_to_leave(self, process: Process, now: bool = False) -> None:
        """Somebody of the team is not needed any more."""
        if process.state is not None and (team := list(process.state.teammates)):
            name = process.machine.weather.dice.choice(team)
            self._ask(process, RequestShutdown(teammate=name, reason="enough", now=now))

    def send_away(self, process: Process) -> None:
        """The same, without asking."""
        self.ask_to_leave(process, now=True)

    def write(self, process: Process) -> None:
        """Write to somebody, or to nobody."""
        dice = process.machine.weather.dice
        names = [*process.machine.first.settings.team, "all", "lead", "nobody"]
        process.machine.requests.leave(Write(to=dice.choice(names), text="hear me"))

    def talk(self, process: Process) -> None:
        """Answer what is open."""
        if process.state is not None:
            self.answer(process.state, process.machine.requests)

    def answer(self, state: RunState, requests: MemoryRequests) -> None:
        """Answer all that waits for a person."""
        for ask in state.asks.values():
            if ask.to == PERSON:
                requests.leave(Answer(message=ask.message.id, decision=self._decision(ask), text="do it"))

    def insists(self, state: RunState, requests: MemoryRequests) -> bool:
        """Whether a change is approved that makes more of a run that is over."""
        ask = open_change(state)
        if ask is None or state.proposed is None or state.outcome == "refused":
            return False
        added = applicable(state, state.proposed.change)[0].added
        if not any(task.after == () for task in added):
            return False
        requests.leave(Answer(message=ask.message.id, decision="yes"))
        return True

    def _decision(self, ask: Ask) -> Decision:
        """Some are declined: every third change of the plan, and some of the others."""
        if ask.message.kind is MessageKind.CHANGE:
            return "no" if number(ask.message.id) % 3 == 0 else "yes"
        return "no" if ask.message.id.endswith("7") else "yes"

    def change(self, process: Process) -> None:
        """Ask for another plan; nobody knows whether it is one."""
        if process.state is not None and process.state.plan is not None and self.plans:
            self.plans -= 1
            machine = process.machine
            plan = plans.another(machine.weather.dice, process.state.plan)
            approved = machine.weather.dice.random() < 0.4
            machine.requests.leave(ProposeChange(text=render(plan), approved=approved))

    def jump(self, process: Process) -> None:
        """The wall clock is set, forward or back."""
        process.machine.clock.jump(process.machine.weather.dice.choice((-86_400.0, -3.0, 3.0, 86_400.0)))

    def suspend(self, process: Process) -> None:
        """The lid is closed over night."""
        process.machine.clock.suspend(8 * 3600.0)
