"""What gates of a run print, seen from elsewhere."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.composition.gatelogs import gate_output
from workbench.composition.place import open_place
from workbench.composition.wiring import furnishing_of, open_gates
from workbench.core.models import RunSettings

RUN = "r"


async def test_a_gate_that_runs_is_looked_at_by_its_commit_and_tree(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_SANDBOX_READ", str(tmp_path / "go"))
    place = await open_place(repo)
    place.run_dir(RUN).mkdir(parents=True)
    commit, tree = git(repo, "rev-parse", "HEAD", "HEAD^{tree}").split()
    os.mkfifo(tmp_path / "go")
    gate = f"echo so far; cat {tmp_path}/go"
    settings = RunSettings(team=("ada",))
    async with open_gates(place, RUN, settings, furnishing_of(place, RUN, settings), 1) as gates:
        running = asyncio.ensure_future(gates.check(commit, tree, (gate,)))
        while not (seen := gate_output(place, RUN, commit, gate)):  # noqa: ASYNC110 - a file is no event
            await asyncio.sleep(0.005)
        assert seen == gate_output(place, RUN, tree, gate) == "so far" and not running.done()
        await asyncio.to_thread((tmp_path / "go").write_text, "over\n")
        (verdict,) = await running
    assert verdict.green and gate_output(place, RUN, verdict.tree, verdict.gate) == "so far\nover"
    assert gate_output(place, RUN, commit, "another") == gate_output(place, "other", commit, gate) == ""
