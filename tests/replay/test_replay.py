"""Replaying histories: git's trees bit for bit, honest counts, and a word for what is no history."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings

from tests.conftest import git
from tests.replay import trial
from tests.replay.__main__ import main, replayed
from tests.replay.histories import Commit, histories, write
from workbench.adapters.git.plumbing import Plumbing
from workbench.engine.ports import Merged


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
async def test_a_landing_s_merge_is_git_s_merge(history: list[Commit]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "repo"
        write(where, history)
        tally = await replayed(where)
    for outcome, count in tally.outcomes.items():
        event(f"{outcome}: {bool(count)}")
    assert tally.total == sum(
        len(commit.parents) == 2 and _reached(history, n) for n, commit in enumerate(history)
    )
    assert not tally.different, [one.said for one in tally.different]


def _reached(history: list[Commit], wanted: int) -> bool:
    todo, seen = [len(history) - 1], set[int]()
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo.extend(history[at].parents)
    return wanted in seen


@pytest.fixture
def forked(repo: Path) -> Path:
    """Two merges: one of an insertion on both sides, resolved as the union is; and one that is clean."""
    _lines(repo, "x = 1", "y = 2")
    for name in ("one", "two"):
        git(repo, "checkout", "-q", "-b", name, "main")
        _lines(repo, "x = 1", f"{name} = 3", "y = 2")
    subprocess.run(["git", "merge", "one", "-q", "--no-commit"], cwd=repo, check=False, capture_output=True)
    _lines(repo, "x = 1", "two = 3", "one = 3", "y = 2")
    git(repo, "checkout", "-q", "-b", "three", "one")
    (repo / "more.txt").write_text("more\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "more")
    git(repo, "checkout", "-q", "two")
    git(repo, "merge", "three", "-q", "-m", "clean")
    git(repo, "checkout", "-q", "main")
    return repo


def _lines(repo: Path, *lines: str) -> None:
    (repo / "a.py").write_text("".join(f"{line}\n" for line in lines))
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "lines")


def test_what_the_rungs_resolve_is_counted_and_compared(
    forked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refs = git(forked, "for-each-ref")
    files = {path for path in (forked / ".git").rglob("*") if path.is_file()}

    assert main([str(forked), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["merges"], told["same"], told["conflict"], told["different"]) == (2, 1, 1, 0)
    assert told["conflicts"]["merges"]["union"] == {"resolved": 1, "equal": 1, "alike": 1}
    assert told["conflicts"]["files"]["union"] == {"resolved": 1, "equal": 1, "alike": 1}
    assert git(forked, "for-each-ref") == refs
    assert {path for path in (forked / ".git").rglob("*") if path.is_file()} == files, (
        "the repository was written to"
    )


def test_the_page_for_people_and_a_limit(forked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(forked), "--limit", "1"]) == 0
    assert (
        "1 merges of two parents\n       1 clean, the tree is git's (1 as committed)"
        in capsys.readouterr().out
    )


def test_a_merge_that_is_not_git_s_is_told_with_its_commit(
    forked: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ours(self: Plumbing, ours: str, theirs: str) -> Merged:
        return Merged(clean=True, tree=await self.tree_of(ours))

    monkeypatch.setattr(Plumbing, "merge", ours)

    assert main([str(forked)]) == 1

    said = capsys.readouterr().out
    assert f"different: {git(forked, 'rev-parse', 'two')}: git: tree " in said
    assert "git: conflict in a.py; workbench: tree" in said


def test_a_merge_that_hangs_is_told(
    forked: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(self: Plumbing, ours: str, theirs: str) -> Merged:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Plumbing, "merge", silent)
    monkeypatch.setattr(trial, "SILENCE", 0.01)

    assert main([str(forked), "--limit", "1"]) == 1

    assert "git merges it, workbench says: no answer in" in capsys.readouterr().out


def test_unrelated_histories_are_refused_by_both(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(repo, "checkout", "-q", "--orphan", "other")
    git(repo, "commit", "-q", "-m", "another beginning")
    git(repo, "merge", "main", "-q", "-m", "joined", "--allow-unrelated-histories")

    assert main([str(repo), "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["refused"] == 1


def test_a_missing_object_is_an_error_that_names_the_merge(
    forked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blob = git(forked, "rev-parse", "one:a.py")
    (forked / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    merge = git(forked, "rev-parse", "two~1")

    assert main([str(forked)]) == 2

    assert f"Merge {merge} cannot be replayed" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["nowhere"], ["."], [".", "--limit", "0"]])
def test_bad_input_is_a_sentence(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") <= 2 and "Traceback" not in said.err and not said.out
