"""The real engine on fakes that answer at random moments, with stops, cancels and broken agents."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, cast

import pytest

from workbench.core import events as e
from workbench.core.apply import fold
from workbench.core.models import RunSettings, Task, Verdict
from workbench.engine.ports import Assignment, Gates, Git, Worktrees
from workbench.errors import GitError
from workbench.testing.agents import Break, Commit, Crash, Edit, EndTurn, Mark, Script, Step, Use
from workbench.testing.playbook import INTEGRATION
from workbench.testing.stage import Stage


class Slow:
    """A port whose every coroutine takes a random number of turns of the loop, and sometimes fails."""

    def __init__(self, port: object, dice: random.Random, fails: float) -> None:
        self._port, self._dice, self._fails = port, dice, fails

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(real):
            return real

        async def slow(*args: Any, **named: Any) -> Any:
            await self._wait()
            if self._dice.random() < self._fails:
                raise GitError(f"{name} failed")
            answer = await cast("Callable[..., Coroutine[Any, Any, Any]]", real)(*args, **named)
            await self._wait()
            return answer

        return slow

    async def _wait(self) -> None:
        for _ in range(self._dice.choice((0, 1, 3, 12))):
            await asyncio.sleep(0)


def scripts(dice: random.Random) -> Callable[[Assignment], Script]:
    def script(it: Assignment) -> Script:
        asides: tuple[Step, ...] = (
            Use("Edit"), EndTurn(0.1), Mark("note", "n"), Mark("question", "q?"),
            Mark("message", "m", to=dice.choice(("ada", "bob", "all"))),
            Mark("done", nonce="guessed"), Mark("note", "x", name="same.json"),
        )  # fmt: skip
        steps = dice.choices(asides, k=dice.randrange(4))
        steps.append(Edit({dice.choice(("f", it.task)): f"{it.task} {it.attempt}\n"}))
        if dice.random() < 0.5:
            steps += [Commit(), Use("Edit"), Edit({"f": dice.choice(("1\n", "2\n"))}), Commit()]
        roll = dice.random()
        if roll < 0.08:
            steps.append(Crash())
        elif roll < 0.14:
            steps.append(Break())
        elif roll < 0.17:
            steps.append(Mark("blocked", "cannot"))
        elif roll < 0.9:
            steps.append(Mark("done"))
        return [*steps, EndTurn(0.1)]

    return script


async def chaotic(seed: int) -> Stage:
    dice = random.Random(seed)
    tasks = [
        Task(id="a", title="A"), Task(id="b", title="B"), Task(id="c", title="C", after=("a",)),
        Task(id="d", title="D", after=("b", "c"), priority=1), Task(id="e", title="E", gates=("own",)),
        Task(id="g", title="G"),
    ]  # fmt: skip
    chosen = RunSettings(
        team=("ada", "bob", "cy")[: dice.randint(1, 3)], gates=("test",), continues=dice.random() < 0.5
    )
    stage = Stage(tasks, chosen, files={"f": "0\n"})
    stage.agent.otherwise = scripts(dice)
    stage.agent.exits = dice.random() < 0.3
    stage.gates.judge = lambda command, files: files == {"f": "0\n"} or dice.random() < 0.85
    fails = dice.choice((0.0, 0.0, 0.02))
    stage.world = replace(
        stage.world,
        git=cast("Git", Slow(stage.git, dice, fails)),
        worktrees=cast("Worktrees", Slow(stage.worktrees, dice, fails)),
        gates=cast("Gates", Slow(stage.gates, dice, fails)),
    )
    stage.use(stage.agent)
    step = stage.run
    for _ in range(30):
        doing = asyncio.ensure_future(step())
        if dice.random() < 0.6:
            for _ in range(dice.randrange(1, 300)):
                await asyncio.sleep(0)
            if dice.random() < 0.5:
                stage.engine.stop("asked to")
            else:
                doing.cancel()
        with contextlib.suppress(asyncio.CancelledError, GitError):
            await asyncio.wait_for(doing, 20)
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"
        log = stage.store.read("r")
        if log and fold(log).outcome in ("landed", "incomplete", "refused"):
            return stage
        step = stage.resume if log else stage.run
        stage.use(stage.agent)
    raise AssertionError("stopped thirty times and still not over")


def verdicts(event: e.Event) -> tuple[Verdict, ...]:
    """What gates said, as the log has it."""
    heard = e.BaseChecked | e.WorkChecked | e.CandidateChecked | e.SemanticConflictFound
    return event.verdicts if isinstance(event, heard) else ()


@pytest.mark.parametrize("block", range(8))
def test_whatever_happens_the_run_ends_and_the_branch_holds_exactly_what_landed(block: int) -> None:
    batches = 0
    for seed in range(block * 25, block * 25 + 25):
        stage = asyncio.run(chaotic(seed))
        log = stage.store.read("r")
        state = fold(log)
        landed = [record.event.task for record in log if isinstance(record.event, e.TaskLanded)]
        assert max(Counter(landed).values(), default=1) == 1, f"seed {seed}: landed twice"
        starts = [(r.event.task, r.event.attempt) for r in log if isinstance(r.event, e.AttemptStarted)]
        ends = [(r.event.task, r.event.attempt) for r in log if isinstance(r.event, e.AttemptEnded)]
        assert sorted(starts) == sorted(ends), f"seed {seed}: an attempt ends once"
        tip, way = stage.git.refs[INTEGRATION], []
        while tip != stage.base:
            way.append(tip)
            tip = stage.git.commits[tip].parents[0]
        assert way[::-1] == [it.commit for it in state.landings], f"seed {seed}: landed unseen"
        published = [commit for ref, commit in stage.git.moves[1:] if ref == INTEGRATION]
        assert set(published) <= set(way), f"seed {seed}: published and lost"
        assert not way or published[-1] == way[0], f"seed {seed}: the tip was never published"
        proven = {(v.tree, v.gate) for r in log for v in verdicts(r.event) if v.green}
        together: set[str] = set()
        for landing in state.landings:
            together.update(state.gates_of(landing.task))
            if landing.commit in published:
                tree = stage.git.commits[landing.commit].tree
                assert {(tree, gate) for gate in together} <= proven, f"seed {seed}: published without green"
                together.clear()
        starts_from = {r.event.start for r in log if isinstance(r.event, e.AttemptStarted)}
        assert starts_from <= {stage.base, *published}, f"seed {seed}: started from what was never published"
        batches += len(way) - len(published)
    assert batches > 0, "nothing ever landed together"
