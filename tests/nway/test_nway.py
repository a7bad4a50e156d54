"""The tool that lands many features at once: the sets are sound, and it sees what it is there to see."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.nway.__main__ import main
from tests.nway.baseline import in_sequence, red_alone
from tests.nway.judge import Judge
from tests.nway.landing import Story
from tests.nway.pairs import every_pair
from tests.nway.sets import load
from tests.nway.stage import FLAKY, Stage, set_up
from tests.nway.verdicts import BRANCH, judged
from tests.replay.history import git

SETS = Path(__file__).parent / "sets"
LEDGER = SETS / "ledger"


def test_a_set_is_landed_by_a_real_run_and_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(LEDGER), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    one = told["sets"][0]
    assert one["exit_code"] in (0, 1)
    assert one["landed"] == one["green"] == len(one["names"]) == one["features"] == 5, one["not_landed"]
    assert one["baseline"]["landed"] == 1 and sum(one["rungs"].values()) == 4
    assert told["total"]["landed"] == 5
    assert one["red_tips"] == one["wrong_evictions"] == []
    assert 1 <= one["published"] <= one["landed"] and one["gate_commands"] >= one["features"]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return set_up(load(LEDGER), tmp_path / "stage")


@pytest.fixture
def judge(stage: Stage, tmp_path: Path) -> Judge:
    return Judge(stage.repo, tmp_path / "judge")


def _commit(stage: Stage, tip: str, feature: str, **texts: str) -> str:
    """A merge of a feature on ``tip``, whatever conflicts, with these files in it."""
    git(stage.repo, "checkout", "-q", "--detach", tip)
    git(stage.repo, "merge", "-q", "-s", "ours", "-m", feature, stage.branches[feature])
    git(stage.repo, "checkout", "-q", stage.branches[feature], "--", ".")
    for name, text in texts.items():
        (stage.repo / f"{name}.py").write_text(text)
    git(stage.repo, "add", "-A")
    git(stage.repo, "commit", "-q", "--amend", "--no-edit")
    return git(stage.repo, "rev-parse", "HEAD").out.decode().strip()


def _story(*events: dict[str, Any]) -> Story:
    return Story(list(events), 1, 1.0)


def test_a_red_tip_is_seen_though_a_green_one_followed(stage: Stage, judge: Judge) -> None:
    red = _commit(stage, stage.base, "fees", ledger="def parse(line): ...\n")
    tree = f"{stage.branches['fees']}^{{tree}}"
    green = git(stage.repo, "commit-tree", tree, "-p", red, "-m", "mended").out.decode().strip()
    git(stage.repo, "update-ref", "--create-reflog", BRANCH, red)
    git(stage.repo, "update-ref", BRANCH, green)

    out = judged(load(LEDGER), stage, _story({"type": "TaskLanded", "task": "fees", "commit": red}), judge)

    assert (out.published, out.landed, out.green, out.bad) == (2, 1, 1, True)
    assert len(out.red_tips) == 1 and out.red_tips[0].startswith(f"{red[:10]} (fees): python -m unittest")


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({}, "fees: green on "),
        ({"ledger": "broken\n"}, ""),
    ],
)
def test_a_feature_sent_back_although_it_is_green_is_seen(
    texts: dict[str, str], said: str, stage: Stage, judge: Judge
) -> None:
    made = _commit(stage, stage.base, "fees", **texts)
    story = _story(
        {"type": "CandidateMade", "task": "fees", "parent": stage.base, "commit": made},
        {"type": "TaskRejected", "task": "fees", "evidence": "red"},
    )

    out = judged(load(LEDGER), stage, story, judge)

    assert out.bad is bool(said)
    assert [it.startswith(said) for it in out.wrong_evictions] == ([True] if said else [])
    assert out.not_landed["fees"] == "red when merged: red"


def test_a_feature_blamed_for_the_one_before_it_is_seen(stage: Stage, judge: Judge) -> None:
    first = _commit(stage, stage.base, "comments", ledger="broken\n")
    second = _commit(stage, first, "fees", ledger="broken\n")
    story = _story(
        {"type": "CandidateMade", "task": "comments", "parent": stage.base, "commit": first},
        {"type": "CandidateMade", "task": "fees", "parent": first, "commit": second},
        {"type": "TaskRejected", "task": "fees", "evidence": "red"},
    )

    [said] = judged(load(LEDGER), stage, story, judge).wrong_evictions

    assert said.startswith("fees: blamed for what was red before it")


@pytest.mark.parametrize("feature", ["fees", "base"])
def test_a_feature_sent_back_for_a_flake_of_its_own_check_is_seen(
    feature: str, stage: Stage, judge: Judge
) -> None:
    commit = stage.branches.get(feature, stage.base)  # the base lacks the feature: that is truly red
    story = _story(
        {"type": "WorkChecked", "task": "fees", "commit": commit, "verdicts": [{"green": False}]},
        {"type": "AttemptFailed", "task": "fees", "commit": commit, "reason": "red", "final": False},
    )

    found = judged(load(LEDGER), stage, story, judge).wrong_evictions

    wanted = ["fees: sent back as red alone, although it is green"]
    assert found == (wanted if feature == "fees" else [])


def test_a_landed_feature_that_does_not_work_is_seen(stage: Stage, judge: Judge) -> None:
    git(stage.repo, "update-ref", "--create-reflog", BRANCH, stage.branches["fees"])
    landed = {"type": "TaskLanded", "task": "comments", "commit": stage.branches["fees"]}

    out = judged(load(LEDGER), stage, _story(landed), judge)

    assert (out.landed, out.green, len(out.red_tips), out.bad) == (1, 0, 1, True)


def test_pairs_and_the_sequence_by_git(stage: Stage, judge: Judge) -> None:
    assert in_sequence(load(LEDGER), stage, judge) == {"landed": 1, "names": ["absolute"]}
    found = every_pair(load(LEDGER), stage, judge)
    assert found["pairs"] == found["conflicts"] == 10
    assert sum(found["resolved"].values()) + len(found["left"]) == 10 and found["resolved"]


@pytest.mark.parametrize("name", sorted(one.name for one in SETS.iterdir()))
def test_every_feature_of_a_set_applies_to_its_base(name: str, tmp_path: Path) -> None:
    features = load(SETS / name)
    branches = set_up(features, tmp_path / "stage").branches
    assert len(set(branches.values())) == len(features.features) >= 5
    assert all(one.kind for one in features.features)


@pytest.mark.parametrize("name", ["ledger", "sums"])  # the tool itself checks it of every set it measures
def test_features_are_green_alone_and_proven_by_their_tests(name: str, tmp_path: Path) -> None:
    features = load(SETS / name)
    stage = set_up(features, tmp_path / "stage")
    assert red_alone(features, stage, Judge(stage.repo, tmp_path / "judge")) == {}


def test_the_flaky_suite_fails_by_its_seed_and_never_at_first(tmp_path: Path) -> None:
    script = tmp_path / "flaky.py"
    script.write_text(FLAKY)

    def codes(name: str, seed: str) -> list[int]:
        (tmp_path / name).mkdir()
        words = [sys.executable, str(script), "0.5", seed, str(tmp_path / name), "exit 0"]
        return [subprocess.run(words, capture_output=True, check=False).returncode for _ in range(12)]

    first, again, other = codes("a", "1"), codes("b", "1"), codes("c", "2")
    assert first == again != other
    assert first[0] == other[0] == 0 and 0 < sum(first) < 12
    assert len(list((tmp_path / "a").glob("flake-*"))) == sum(first)


def _without(name: str) -> Any:
    return lambda where: (where / name).unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_without("suite"), "suite must hold one command"),
        (_without("features/fees/feature.patch"), "feature.patch is not there"),
        (_without("features/fees/test"), "test must hold one command"),
        (lambda where: shutil.rmtree(where / "base"), "holds 0 bases"),
        (lambda where: shutil.rmtree(where / "features"), "holds no features"),
        (lambda where: (where / "features/fees").rename(where / "features/a b"), "no name for a task"),
        (lambda where: (where / "base/ledger.py").write_text("x\n"), "does not apply to the base"),
        (lambda where: (where / "suite").write_text("false\n"), "base is red alone"),
        (lambda where: (where / "features/fees/test").write_text("false\n"), "fees is red alone"),
        (lambda where: (where / "features/fees/test").write_text("true\n"), "it proves nothing"),
        (lambda where: shutil.rmtree(where), "is not a directory"),
    ],
)  # fmt: skip
def test_bad_sets_are_refused_with_a_sentence(
    damage: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = tmp_path / "ledger"
    shutil.copytree(LEDGER, where)
    damage(where)

    assert main([str(where)]) == 2

    told = capsys.readouterr()
    assert said in told.err and not told.out


def test_odd_dice_are_refused() -> None:
    assert main([str(LEDGER), "--flaky", "1.5"]) == 2
