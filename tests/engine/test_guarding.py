"""What is guarded while attempts are live, by the real engine on fakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from workbench.core import events as e
from workbench.core.guard import Snapshot, Stashed
from workbench.core.models import RunSettings, Task
from workbench.core.state import RunState
from workbench.engine import guarding
from workbench.engine.judging import Judge
from workbench.testing.agents import Edit, EndTurn, Mark, Reach, Step
from workbench.testing.playbook import INTEGRATION
from workbench.testing.stage import Stage

PIN = "refs/workbench/r/work/a/1"


def work(name: str) -> list[Step]:
    return [Edit({f"{name}.txt": f"{name}\n"}), Mark("done"), EndTurn(0.5)]


class Guarded(Stage):
    """Tasks ``a`` and then ``b``; while b's teammate is at work, ``deed`` is done behind the run's back."""

    def __init__(self, deed: Callable[[Guarded], None], *names: str) -> None:
        after = dict(zip(names or ("a", "b"), ("", *(names or ("a", "b"))), strict=False))
        tasks = [Task(id=it, title=it, after=(of,) if of else ()) for it, of in after.items()]
        super().__init__(tasks, RunSettings(team=("ada",), gates=("test",)))
        reached, go = asyncio.Event(), asyncio.Event()
        self.agent.scripts = {(it, 1): work(it) for it in after}
        self.agent.scripts["b", 1] = [Reach(reached, go), *work("b")]
        self.reached, self.go_on, self.deed = reached, go, deed

    async def play(self) -> RunState:
        async def act() -> None:
            await self.reached.wait()
            self.deed(self)
            self.go_on.set()

        state, _ = await asyncio.wait_for(asyncio.gather(self.run(), act()), 20)
        return state

    def sly(self) -> str:
        """A commit on the integration tip that no gate has seen."""
        tip = self.git.refs[INTEGRATION]
        return self.git.add(self.git.files(tip) | {"sly": "x"}, tip)

    def found(self) -> list[e.TamperingFound]:
        return [it.event for it in self.store.read("r") if isinstance(it.event, e.TamperingFound)]

    def restored(self) -> list[e.RefRestored]:
        return [it.event for it in self.store.read("r") if isinstance(it.event, e.RefRestored)]


def points(ref: str, at: Callable[[Guarded], str | None]) -> Callable[[Guarded], None]:
    def deed(stage: Guarded) -> None:
        to = at(stage)
        if to is None:
            del stage.git.refs[ref]
        else:
            stage.git.refs[ref] = to

    return deed


async def test_nothing_is_said_of_a_run_that_nobody_disturbs() -> None:
    stage = Guarded(lambda stage: None)
    state = await stage.play()
    assert state.outcome == "landed" and not state.alarms and "Noticed" not in stage.types()
    assert stage.guard.looks >= 4, "before and after each attempt"


@pytest.mark.parametrize("at", [Guarded.sly, lambda stage: stage.base, lambda stage: None])
async def test_the_integration_branch_goes_back_and_what_was_found_is_kept(
    at: Callable[[Guarded], str | None],
) -> None:
    stage = Guarded(points(INTEGRATION, at))
    state = await stage.play()
    assert state.outcome == "landed"
    (back,) = stage.restored()
    assert back.put_back == state.landings[0].commit and back.suspects == ("ada at b",)
    assert [it.parent for it in state.landings] == [stage.base, state.landings[0].commit]
    assert "sly" not in stage.landed_files()
    if at is Guarded.sly:
        assert stage.git.refs[back.kept] == back.found and back.kept in back.hint
    else:
        assert not back.kept and not back.hint, "it holds nothing that would be lost"


async def test_what_is_moved_between_a_publication_and_the_next_look_goes_back_too() -> None:
    """The look before saw the base, and so does the next: only what we wrote ourselves tells."""
    stage = Guarded(lambda stage: None)
    stage.on(e.TaskLanded, lambda record: stage.git.refs.__setitem__(INTEGRATION, stage.base))
    state = await stage.play()
    assert state.outcome == "landed" and len(stage.restored()) == 1
    assert stage.git.refs[INTEGRATION] == state.tip


async def test_a_pin_goes_back_and_one_that_is_not_ours_is_left() -> None:
    def deed(stage: Guarded) -> None:
        del stage.git.refs[PIN]
        stage.git.refs["refs/workbench/r/work/zzz/1"] = stage.base

    stage = Guarded(deed)
    await stage.play()
    (back,) = stage.restored()
    assert (back.ref, back.found) == (PIN, "") and stage.git.refs[PIN] == back.put_back
    assert any(isinstance(it.event, e.Noticed) and "zzz" in it.event.sentence for it in stage.records)


async def test_a_branch_of_a_teammate_moves_by_its_own_worktree_only() -> None:
    ref = "refs/heads/workbench/r/ada"
    stage = Guarded(lambda stage: None)
    first, own, foreign = stage.base, stage.git.add({"own": "x"}), stage.git.add({"foreign": "x"})
    stage.git.refs[ref] = first

    def deed(stage: Guarded) -> None:
        stage.git.refs[ref], stage.guard.own[ref] = foreign, own

    stage.deed = deed
    await stage.play()
    (back,) = stage.restored()
    assert (back.ref, back.found, back.put_back) == (ref, foreign, own)

    stage = Guarded(deed)
    stage.git.refs[ref] = first
    own = stage.git.add({"own": "x"})

    def commits(stage: Guarded) -> None:
        stage.git.refs[ref] = stage.guard.own[ref] = own

    stage.deed = commits
    await stage.play()
    assert not stage.restored(), "it committed"


async def test_the_users_branches_are_told_of_and_left() -> None:
    stage = Guarded(lambda stage: None)
    old = {name: stage.git.add({name: "x"}, stage.base) for name in ("grown", "rewritten", "deleted")}
    for name, commit in old.items():
        stage.git.refs[f"refs/heads/{name}"] = commit

    def deed(stage: Guarded) -> None:
        stage.git.refs["refs/heads/grown"] = stage.git.add({"more": "x"}, old["grown"])
        stage.git.refs["refs/heads/rewritten"] = stage.git.add({"other": "x"}, stage.base)
        stage.git.refs["refs/heads/new"] = stage.base
        del stage.git.refs["refs/heads/deleted"]

    stage.deed = deed
    state = await stage.play()
    assert state.outcome == "landed" and not stage.restored()
    deleted, rewritten = (it.alarm for it in stage.found())
    assert "deleted was deleted" not in rewritten.sentence and "deleted" in deleted.sentence
    assert [stage.git.refs[it.kept[0]] for it in (deleted, rewritten)] == [old["deleted"], old["rewritten"]]
    told = [it.event.sentence for it in stage.records if isinstance(it.event, e.Noticed)]
    assert len(told) == 1 and "grown" in told[0]


async def test_a_stash_of_the_users_is_kept_and_a_teammates_own_is_no_alarm() -> None:
    stage = Guarded(lambda stage: None)
    theirs, ours = stage.git.add({"s": "1"}), stage.git.add({"s": "2"})
    stage.guard.stash = (
        Stashed(theirs, "On main: mine"), Stashed(ours, "WIP on workbench/r/ada: x"),
    )  # fmt: skip
    stage.deed = lambda stage: setattr(stage.guard, "stash", ())
    await stage.play()
    (found,) = stage.found()
    assert found.alarm.kind == "stash" and "mine" in found.alarm.sentence
    assert {theirs, ours} <= set(stage.git.refs.values()), "both can be reached"


async def test_configuration_hooks_and_heads() -> None:
    def deed(stage: Guarded) -> None:
        stage.guard.files["config"] = b"core.bare true\nalias.x !secret\nbranch.x.merge y"
        stage.guard.hooks["pre-commit"] = "755"
        stage.guard.heads["/repo"] = "ref: refs/heads/other"

    stage = Guarded(deed)
    stage.guard.files["config"] = b"core.bare false"
    await stage.play()
    assert [it.alarm.kind for it in stage.found()] == ["config", "config", "hooks"]
    assert all(it.alarm.suspects == ("ada at b",) for it in stage.found())
    assert "secret" not in str(stage.found())
    told = [it.event.sentence for it in stage.records if isinstance(it.event, e.Noticed)]
    assert len(told) == 1 and "git -C /repo switch main" in told[0]


async def test_a_file_of_the_checkout_that_is_as_an_attempt_made_it_leaked() -> None:
    def deed(stage: Guarded) -> None:
        stage.guard.checkout |= {"b.txt": "b\n", "mine.txt": "changed\n", "README": "sample\n"}

    stage = Guarded(deed)
    stage.guard.checkout = {"mine.txt": "x\n", "a.txt": "a\n"}
    state = await stage.play()
    afterwards = stage.effects.afterwards()
    (found,) = afterwards
    assert isinstance(found, e.TamperingFound) and found.alarm.suspects == ("ada at b",)
    assert "b.txt in your checkout" in found.alarm.sentence
    await stage.engine.note(afterwards)
    assert stage.types()[-2:] == ["RunFinished", "TamperingFound"]
    assert state.alarms[-1].alarm == found.alarm


async def test_what_is_done_after_the_last_attempt_is_found_at_the_end() -> None:
    stage = Guarded(lambda stage: None)
    stage.on(e.RunFinished, lambda record: stage.git.refs.__delitem__(PIN))
    await stage.play()
    (back,) = stage.effects.afterwards()
    assert isinstance(back, e.RefRestored) and stage.git.refs[PIN] == back.put_back


async def test_an_attempt_whose_worktree_went_fails_at_the_next_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "POLL_SECONDS", 0.01)
    stage = Stage([Task(id="a", title="a")], RunSettings(team=("ada",), gates=("test",)))
    stage.agent.scripts = {
        ("a", 1): [Reach(asyncio.Event(), asyncio.Event())], ("a", 2): work("a"),
    }  # fmt: skip
    stage.on(e.AgentStarted, lambda record: stage.guard.gone.add("ada"))
    stage.on(e.AttemptFailed, lambda record: stage.guard.gone.clear())
    state = await asyncio.wait_for(stage.run(), 20)
    assert state.outcome == "landed" and state.tasks["a"].attempt == 2
    (failed,) = (it.event for it in stage.records if isinstance(it.event, e.AttemptFailed))
    assert failed.reason == "The worktree is gone: /worktrees/ada."


async def test_a_repository_that_cannot_be_read_is_told_of_once_and_fails_nothing() -> None:
    stage = Guarded(lambda stage: None)

    async def broken(whole: bool = False) -> None:
        raise PermissionError(13, "Permission denied", "/repo/.git/refs")

    stage.guard.look = broken  # type: ignore[method-assign, assignment]
    state = await stage.play()
    assert state.outcome == "landed" and stage.types().count("Noticed") == 1


async def test_a_run_whose_branch_is_moved_again_and_again_stops_and_can_go_on() -> None:
    names = ("a", "b", "c", "d", "f")
    stage = Guarded(lambda stage: None, *names)

    def move(record: e.Record) -> None:
        if isinstance(record.event, e.AgentStarted) and record.event.task != "a":
            stage.git.refs[INTEGRATION] = stage.sly()

    end = stage.bus.listen(move)
    state = await stage.play()
    assert state.outcome == "stopped" and "3 times" in state.reason
    assert len(stage.restored()) == 3
    end()
    state = await asyncio.wait_for(stage.resume(), 20)
    assert state.outcome == "landed" and "sly" not in stage.landed_files()


async def test_many_who_want_a_look_share_it() -> None:
    stage = Guarded(lambda stage: None)
    emitted: list[e.Event] = []
    guarded = guarding.Guarding(RunState(run="r"), stage.world, stage.guard, emitted.append)
    await guarded.look()
    await asyncio.gather(*(guarded.look() for _ in range(100)))
    assert stage.guard.looks == 2
    await guarded.aclose()


async def test_what_the_run_publishes_while_a_finding_is_dealt_with_stays() -> None:
    stage = Guarded(lambda stage: None)
    state = await stage.play()
    first, second = (it.commit for it in state.landings)
    judge = Judge(state, stage.world, stage.guard, stage.engine.emit)
    stage.git.refs[INTEGRATION] = stage.git.written[INTEGRATION] = stage.base
    before = await stage.guard.look(True)
    stage.git.refs[INTEGRATION] = stage.git.add({"foreign": "x"})
    now = await stage.guard.look(True)
    stage.git.refs[INTEGRATION] = stage.git.written[INTEGRATION] = first
    real = stage.git.tip

    async def published_meanwhile(ref: str) -> str | None:
        stage.git.refs[INTEGRATION] = stage.git.written[INTEGRATION] = second
        return await real(ref)

    stage.git.tip = published_meanwhile  # type: ignore[method-assign]
    await judge.judge(before, now, ("ada at b",))
    assert stage.git.refs[INTEGRATION] == second


async def test_a_guard_with_a_bug_stops_the_run_which_ends(caplog: pytest.LogCaptureFixture) -> None:
    stage = Guarded(lambda stage: None)

    async def look(whole: bool = False) -> Snapshot:
        raise ValueError("not foreseen")

    def broken(stage: Guarded) -> None:
        stage.guard.look = look  # type: ignore[method-assign]

    stage.deed = broken
    state = await stage.play()
    assert not state.working and "ValueError: not foreseen" in state.stopping
    assert "not foreseen" in caplog.text


@pytest.mark.parametrize("landed", [True, False])
async def test_what_clean_takes_of_an_earlier_run_is_no_alarm_unless_something_is_lost(landed: bool) -> None:
    pin = "refs/workbench/old/work/x/1"
    stage = Guarded(points(pin, lambda stage: None))
    stage.git.refs[pin] = stage.base if landed else stage.git.add({"x": "x"}, stage.base)
    stage.git.refs["refs/heads/workbench/old/integration"] = stage.base
    old = stage.git.refs[pin]
    await stage.play()
    assert [it.alarm.kind for it in stage.found()] == ([] if landed else ["ref"])
    assert (old in {at for ref, at in stage.git.refs.items() if "/guard/" in ref}) is not landed
