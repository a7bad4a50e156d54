"""What a run is started with, out of the settings and the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.composition.place import open_place
from workbench.composition.planning import ReadyPlan
from workbench.composition.runs import run_settings
from workbench.core.models import Plan, Task


@pytest.mark.parametrize(("text", "batch"), [("", 8), ("batch = 1\n", 1), ("batch = 100\n", 100)])
async def test_the_batch_size_is_the_repositorys(repo: Path, text: str, batch: int) -> None:
    (repo / "workbench.toml").write_text(f'gates = ["true"]\n{text}')
    place = await open_place(repo)
    ready = ReadyPlan(repo / "plan.md", "", Plan(title="P", tasks=(Task(id="a", title="A"),)), "0")
    assert run_settings(place, ready, no_gates=False, scripted=False).batch == batch


async def test_what_is_excused_is_recorded_with_the_run(repo: Path) -> None:
    (repo / "workbench.toml").write_text('gates = ["true"]\nquarantine = ["a*"]\ngate_junit = ["*.xml"]\n')
    place = await open_place(repo)
    ready = ReadyPlan(repo / "plan.md", "", Plan(title="P", tasks=(Task(id="a", title="A"),)), "0")
    settings = run_settings(place, ready, no_gates=False, scripted=False)
    assert (settings.quarantine, settings.gate_junit) == (("a*",), ("*.xml",))


async def test_a_plan_wants_a_lead_and_the_command_line_has_the_last_word(repo: Path) -> None:
    (repo / "workbench.toml").write_text('gates = ["true"]\n')
    plan = Plan(title="P", tasks=(Task(id="a", title="A"),), lead="claude")
    ready = ReadyPlan(repo / "plan.md", "", plan, "0")
    settings = run_settings(await open_place(repo), ready, no_gates=False, scripted=False)
    assert settings.lead == "claude"
    without = await open_place(repo, lead="")
    assert run_settings(without, ready, no_gates=False, scripted=False).lead == ""
