"""The soak, short: teammates and the orchestrator are killed at random, and everything lands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.__main__ import main
from workbench.bench import chaos as bench
from workbench.bench.chaos import Soak, chaos
from workbench.bench.sweep.checks import Reference
from workbench.bench.sweep.world import World


@pytest.mark.timeout(600)
def test_whoever_is_killed_everything_lands_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "AGENT_SECONDS", (0.2, 0.6))
    monkeypatch.setattr(bench, "ORCHESTRATOR_SECONDS", (1.5, 3.0))
    outcome = chaos(Soak(tasks=30, team=4, seed=11), tmp_path, lambda said: None)
    assert outcome.lost == []
    assert outcome.landed == 30
    assert outcome.agents + outcome.orchestrators > 0, "nobody was killed"


@pytest.mark.timeout(600)
def test_the_figures_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "chaos", "--tasks", "3", "--team", "2", "--seed", "5", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["landed"], figures["lost"], figures["seed"]) == (3, [], 5)


def test_a_file_that_is_not_as_it_must_be_is_a_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = bench._wanted

    def other(soak: Soak, world: World, scratch: Path) -> Reference:
        right = wanted(soak, world, scratch)
        return replace(right, tree=right.tree | {"100644 blob 1\tone-more.txt"})

    monkeypatch.setattr(bench, "_wanted", other)
    outcome = chaos(Soak(tasks=1, team=1, seed=1), tmp_path, lambda said: None)
    assert outcome.landed == 1
    assert any("one-more.txt" in sentence for sentence in outcome.lost)
