"""Taking a run up again: what lay in the worktrees when its process ended is accounted for."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

from workbench.adapters.folder import FOLDER, QUARANTINE
from workbench.adapters.markers import MarkerFolders
from workbench.core import events as e
from workbench.core.apply import apply, fold
from workbench.core.models import RunSettings, Task
from workbench.core.state import RunState
from workbench.engine.recover import accounts
from workbench.testing.agents import Edit, Reach, Step
from workbench.testing.stage import Stage


def settings(**values: object) -> RunSettings:
    return RunSettings.model_validate({"team": ("ada",), "gates": ("test",), **values})


def stage_in(folder: Path, **values: object) -> Stage:
    """A run of one task whose worktrees are real folders as far as markers go."""
    stage = Stage([Task(id="a", title="Do a")], settings(**values))
    stage.worktrees.root = folder
    (folder / "ada" / FOLDER / "markers").mkdir(parents=True)
    return stage


def held(*steps: Step) -> tuple[list[Step], asyncio.Event]:
    """Steps after which the agent stands still, and what says that it got there."""
    there = asyncio.Event()
    return [*steps, Reach(there, asyncio.Event())], there


async def killed(stage: Stage, there: asyncio.Event, resumed: bool = False) -> None:
    """Run, or go on, and break off when the agent stands still."""
    running = asyncio.ensure_future(stage.resume() if resumed else stage.run())
    await asyncio.wait_for(there.wait(), 20)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def accounted(stage: Stage, markers: MarkerFolders) -> tuple[RunState, list[e.Event]]:
    """The state once all is accounted for, and the events that it took; nothing is started."""
    state, came = fold(stage.store.read("r")), list[e.Event]()
    state.run = "r"
    async for event in accounts(state, replace(stage.world, markers=markers)):
        record = e.Record(state.seq + 1, 0.0, event)
        apply(state, record)
        await stage.store.append("r", [record])
        came.append(event)
    return state, came


async def test_bad_markers_are_set_aside_with_the_reason_and_good_ones_count(tmp_path: Path) -> None:
    """As while the run lives: nothing that a teammate dropped is deleted unread."""
    stage = stage_in(tmp_path)
    stage.agent.scripts[("a", 1)], there = held(Edit({"a": "a\n"}))  # type: ignore[index]
    await killed(stage, there)
    nonce = stage.agent.assignments[0].nonce
    folder = tmp_path / "ada" / FOLDER / "markers"
    texts = {
        "1.json": f'{{"kind": "progress", "percent": 40, "nonce": "{nonce}"}}',
        "2.json": '{"kind": "done", "nonce": "guessed"}',
        "3.json": "{not json",
        "4.json": f'{{"kind": "message", "to": "nobody", "note": "hello", "nonce": "{nonce}"}}',
    }
    for name, text in texts.items():
        (folder / name).write_text(text)

    state, came = await accounted(stage, MarkerFolders())

    assert [event.name for event in came if isinstance(event, e.MarkerReceived)] == ["1.json"]
    aside = {event.name: event.reason for event in came if isinstance(event, e.MarkerQuarantined)}
    assert list(aside) == ["2.json", "3.json", "4.json"]
    assert "its nonce" in aside["2.json"] and "not JSON" in aside["3.json"] and "'nobody'" in aside["4.json"]
    assert (state.quarantined, state.messages, state.attempt("a", 1).percent) == (3, 0, 40)
    assert not list(folder.iterdir())
    aside_in = tmp_path / "ada" / FOLDER / QUARANTINE
    kept = {path.name.partition("-")[2]: path.read_text() for path in aside_in.iterdir()}
    for name, reason in aside.items():
        assert (kept[name], kept[f"{name}.reason"]) == (texts[name], f"{reason}\n")


async def test_a_marker_that_is_in_the_log_is_cleared_away(tmp_path: Path) -> None:
    stage = stage_in(tmp_path)
    stage.agent.scripts[("a", 1)], there = held(Edit({"a": "a\n"}))  # type: ignore[index]
    await killed(stage, there)
    seq = stage.store.read("r")[-1].seq
    note = e.MarkerReceived(task="a", attempt=1, name="1.json", kind="note", note="x")
    await stage.store.append("r", [e.Record(seq + 1, 0.0, note)])
    folder = tmp_path / "ada" / FOLDER / "markers"
    nonce = stage.agent.assignments[0].nonce
    (folder / "1.json").write_text(f'{{"kind": "note", "note": "x", "nonce": "{nonce}"}}')

    _, came = await accounted(stage, MarkerFolders())

    assert [type(event) for event in came] == [e.AttemptEnded]
    assert not list(folder.iterdir()) and not (tmp_path / "ada" / FOLDER / QUARANTINE).exists()
