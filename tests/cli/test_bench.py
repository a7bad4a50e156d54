"""What `workbench bench` prints. How long things take is not looked at."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from workbench.__main__ import main
from workbench.bench import merging
from workbench.bench.trial import Trial, make_trial

PUBLISHED = {0.01: 1.3, 0.05: 2.5, 0.10: 3.9, 0.30: 8.8}


def test_a_repository_has_as_many_files_as_asked_for(tmp_path: Path) -> None:
    repo = make_trial(tmp_path, Trial(tasks=2, team=1, seconds=0, files=23))
    listed = subprocess.run(["git", "-C", repo, "ls-files"], capture_output=True, text=True, check=True)
    assert len(listed.stdout.split()) == 23


def test_both_sides_land_everything_and_the_files_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "--tasks", "2", "--seconds", "0", "--rounds", "1", "--files", "23"]
    assert main(words) == 0
    head, row = capsys.readouterr().out.splitlines()
    shown = dict(zip(head.split("|")[0].split(), row.split("|")[0].split(), strict=True))
    assert shown == {"tasks": "2", "team": "2", "S": "0.0", "files": "23"}


def test_gate_runs_are_as_published_and_both_merge_to_the_same_tree(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "merge", "--files", "60", "--branches", "10", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["odds"]: row["published"] for row in found["gate_runs"]} == PUBLISHED
    for row in found["gate_runs"]:
        assert row["serial"] == 8
        assert row["batch"] == pytest.approx(PUBLISHED[row["odds"]], rel=0.1)
        assert row["batch_with_rechecks"] > row["batch"]
    cost = found["merge_cost"]
    assert cost["same_tree"] is True
    assert (cost["files"], cost["branches"]) == (60, 10)
    assert cost["ratio"] > 0 and cost["workbench_ms_median"] > 0 and cost["git_ms_median"] > 0


def test_merging_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "merge", "--files", "40", "--branches", "3"]) == 0
    said = capsys.readouterr().out
    assert "1.31        1.3" in said and "8.80        8.8" in said
    assert "3 branches of 3 files merged into 40" in said and "the same tree" in said
    assert "the first 3:" in said and "the last 3:" in said


def test_different_trees_are_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def by_hand(repo: Path, batch: list[str]) -> list[float]:
        return [0.1] * len(batch)  # git merges nothing

    monkeypatch.setattr(merging, "_merged_by_git", by_hand)
    assert main(["bench", "merge", "--files", "40", "--branches", "3"]) == 1
    assert "DIFFERENT TREES" in capsys.readouterr().out


def test_too_few_files_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "merge", "--files", "10"]) == 2
    assert "Ask for more files" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "wanted"), [(["bench"], "merge"), (["bench", "merge"], "--branches")])
def test_help_teaches(words: list[str], wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    assert wanted in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [("--tasks", "0"), ("--rounds", "0"), ("--team", "0"), ("--seconds", "-1"), ("--files", "0")]
)
def test_what_cannot_be_measured_is_refused(
    words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *words]) == 2
    said = capsys.readouterr()
    assert words[0] in said.err
    assert not said.out
