"""Shared notes in a run: briefs carry them, kills lose none, and trouble with them stops nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from workbench.core import events as e
from workbench.core.models import Marker, MarkerKind, RunSettings, Task
from workbench.core.recall import Query, Recalled
from workbench.engine import noting
from workbench.testing import FakeNotes
from workbench.testing.agents import Edit, EndTurn, Mark, Reach, Step
from workbench.testing.stage import Stage

TASKS = [
    Task(id="one", title="Write the parser", files=("src/**",)),
    Task(id="two", title="Make use of it", files=("src/use.py",), after=("one",)),
    Task(id="doc", title="Describe", files=("docs/**",), after=("one",)),
]
KEPT = Mark("note", "mind the encoding", paths=("src/use.py",))


def staged(*steps: Step, **fields: Any) -> Stage:
    """Three tasks, of which the first leaves a note for whoever touches src/use.py."""
    stage = Stage(TASKS, RunSettings(team=("ada", "bob"), gates=("test",)), **fields)
    steps = steps or (KEPT, Edit({"src/one.py": "1\n"}), Mark("done"), EndTurn())
    stage.agent.scripts[("one", 1)] = steps  # type: ignore[index]
    return stage


def briefs(stage: Stage) -> dict[str, str]:
    return {it.task: it.brief for it in stage.agent.assignments}


def noticed(stage: Stage) -> list[str]:
    return [it.event.sentence for it in stage.store.read("r") if isinstance(it.event, e.Noticed)]


async def test_a_brief_carries_what_matters_for_its_files_and_says_which() -> None:
    stage = staged()
    state = await stage.run()
    assert state.outcome == "landed"
    said = briefs(stage)
    assert "mind the encoding" in said["two"] and "mind the encoding" not in said["one"] + said["doc"]
    assert "'author': 'ada'" in said["two"] and "src/use.py" in said["two"]
    (it,) = stage.notes.notes.values()
    given = [record.event for record in stage.store.read("r") if isinstance(record.event, e.NotesGiven)]
    assert given == [e.NotesGiven(task="two", attempt=1, notes=(it.id,))]
    assert it.strength > 0.5, "its task landed, and so did its path"
    assert stage.notes.clock == {"r": state.active_seconds}, "to the end"


async def test_a_failure_is_a_warning_to_the_next_who_touches_the_files_until_it_lands() -> None:
    stage = staged()
    bad = (Edit({"src/one.py": "BROKEN\n"}), Mark("blocked", "the API needs a key"), EndTurn())
    stage.agent.scripts[("one", 1)] = bad  # type: ignore[index]
    state = await stage.run()
    assert state.outcome == "incomplete"
    (it,) = stage.notes.notes.values()
    assert (it.kind, it.author, it.paths) == ("warning", "workbench", ("src/one.py",))
    assert "needs a key" in it.text


async def test_others_are_warned_and_who_failed_knows_already() -> None:
    tasks = [Task(id=name, title=f"Do {name}", files=("app.py",)) for name in ("bad", "good")]
    stage = Stage(tasks, RunSettings(team=("ada",), gates=("test",), attempts=2, repairs=0))
    stage.gates.judge = lambda command, files: "BROKEN" not in files.get("app.py", "")
    for number in (1, 2):
        script = (Edit({"app.py": f"BROKEN {number}\n"}), Mark("done"), EndTurn())
        stage.agent.scripts[("bad", number)] = script  # type: ignore[index]
    state = await stage.run()
    assert state.outcome == "incomplete" and [it.task for it in stage.agent.assignments][:2] == ["bad", "bad"]
    again, other = stage.agent.assignments[1].brief, stage.agent.assignments[2].brief
    assert "'author': 'workbench'" not in again
    assert "'author': 'workbench'" in other and "Attempt 2 failed" in other and "Attempt 1" not in other


async def broken_off(running: Any, there: asyncio.Event) -> None:
    task = asyncio.ensure_future(running)
    await asyncio.wait_for(there.wait(), 20)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_what_a_killed_run_did_not_come_to_keep_is_made_up_for_when_it_is_resumed() -> None:
    there = asyncio.Event()
    stage = staged(KEPT, Edit({"src/one.py": "1\n"}), Reach(there, asyncio.Event()))
    stage.notes.fails = "the process is as good as dead"
    await broken_off(stage.run(), there)
    assert not stage.notes.notes
    stage.notes.fails = ""
    state = await stage.resume()
    assert state.outcome == "landed"
    assert [it.text for it in stage.notes.notes.values()] == ["mind the encoding"]
    assert "mind the encoding" in briefs(stage)["two"]


async def test_a_note_that_lay_in_a_worktree_at_a_kill_is_kept_once() -> None:
    there = asyncio.Event()
    stage = staged(Edit({"src/one.py": "1\n"}), Reach(there, asyncio.Event()), KEPT, KEPT)
    await broken_off(stage.run(), there)
    it = stage.agent.assignments[0]
    marker = Marker(kind=MarkerKind.NOTE, nonce=it.nonce, note="found later", paths=("src/use.py",))
    stage.markers.drop(it.worktree, "9.json", marker)
    state = await stage.resume()
    assert state.outcome == "landed"
    assert [note.text for note in stage.notes.notes.values()] == ["found later"]
    assert "found later" in briefs(stage)["two"]


@pytest.mark.parametrize("what", ["the notes are locked", "the notes are damaged"])
async def test_trouble_with_the_notes_is_told_and_stops_nothing(what: str) -> None:
    stage = staged()
    stage.notes.fails = what
    state = await stage.run()
    assert state.outcome == "landed" and not stage.notes.notes
    assert any(what in said and "could not be kept" in said for said in noticed(stage))
    assert any(what in said and "goes without" in said for said in noticed(stage))


class Slow(FakeNotes):
    async def recall(self, query: Query, run: str = "", seconds: float = 0.0) -> list[Recalled]:
        await asyncio.Event().wait()
        return []


class Odd(FakeNotes):
    async def recall(self, query: Query, run: str = "", seconds: float = 0.0) -> list[Recalled]:
        raise KeyError("a bug of ours")


@pytest.mark.parametrize(("kind", "said"), [(Slow, "took too long"), (Odd, "KeyError")])
async def test_a_brief_does_not_wait_for_notes_nor_fail_for_them(
    monkeypatch: pytest.MonkeyPatch, kind: Callable[[], FakeNotes], said: str
) -> None:
    monkeypatch.setattr(noting, "PATIENCE", 0.01)
    stage = staged()
    object.__setattr__(stage.world, "notes", kind())
    state = await stage.run()
    assert state.outcome == "landed"
    assert any(said in sentence for sentence in noticed(stage))


async def test_a_file_that_was_lost_meanwhile_gets_the_whole_log_again() -> None:
    class Lossy(FakeNotes):
        lost = False

        async def keep(self, run: str, traces: Any, seconds: float) -> None:
            if self.notes and not self.lost:
                self.lost = True
                self.notes.clear()
                self.fails = "damaged, and set aside"
            try:
                await super().keep(run, traces, seconds)
            finally:
                self.fails = ""

    stage = staged()
    lossy = Lossy()
    object.__setattr__(stage.world, "notes", lossy)
    state = await stage.run()
    assert state.outcome == "landed" and lossy.lost
    assert [it.text for it in lossy.notes.values()] == ["mind the encoding"]
