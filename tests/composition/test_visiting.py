"""What a person starts in a teammate's worktree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.composition.place import Place, open_place
from workbench.composition.visiting import claude_at, shell_at
from workbench.core.models import RunSettings
from workbench.core.state import AttemptState, RunState, TeammateState
from workbench.errors import WorkbenchError

SESSION = "0d46beac-8d68-47c8-9cb2-d7e8726832f2"


@pytest.fixture
async def place(repo: Path, tmp_path: Path) -> Place:
    claude = tmp_path / "claude"
    claude.write_text("#!/bin/sh\n")
    claude.chmod(0o755)
    return await open_place(repo, claude=str(claude))


def team(tmp_path: Path, *, agent: str = "claude", scripted: bool = False) -> tuple[RunState, AttemptState]:
    worktree = tmp_path / "tree"
    worktree.mkdir()
    state = RunState(run="r", settings=RunSettings(team=("ada",), agent=agent, scripted=scripted))
    state.teammates["ada"] = TeammateState(
        "ada", 0, worktree=str(worktree), branch="refs/heads/workbench/r/ada"
    )
    return state, AttemptState("one", 1, "ada", "nonce", "", "first", 0.0, session=SESSION)


def kept(home: Path) -> None:
    path = home / "projects" / "-tree" / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("{}\n")


def test_a_shell_stands_in_the_worktree_and_is_no_teammate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", "/bin/shell")
    monkeypatch.setenv("WORKBENCH_NONCE", "secret")
    monkeypatch.setenv("WORKBENCH_GATES", "true")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    state, attempt = team(tmp_path)
    there = shell_at(state, "ada")
    assert (there.command, there.cwd) == (("/bin/shell",), tmp_path / "tree")
    assert there.env["WORKBENCH_GATES"] == "true"
    assert not {"WORKBENCH_NONCE", "GIT_DIR"} & there.env.keys()
    assert "`exit` brings you back" in there.said and "at work" not in there.said
    state.working["one", 1] = attempt
    assert "ada is at work in it" in shell_at(state, "ada").said


def test_a_worktree_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    state, _ = team(tmp_path)
    (tmp_path / "tree").rmdir()
    with pytest.raises(WorkbenchError, match="is gone") as gone:
        shell_at(state, "ada")
    assert "workbench/r/ada" in gone.value.hint
    with pytest.raises(WorkbenchError, match="no worktree yet"):
        shell_at(state, "bob")


async def test_a_session_goes_on_where_nobody_is_at_work(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "home"))
    kept(tmp_path / "home")
    state, attempt = team(tmp_path)
    there = claude_at(place, state, attempt, live=True)
    assert there.command == (str(tmp_path / "claude"), "--resume", SESSION)
    assert there.cwd == tmp_path / "tree"
    assert there.env["CLAUDE_CONFIG_DIR"] == str(tmp_path / "home")


async def test_of_a_live_session_a_copy_is_opened_that_only_reads(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "home"))
    kept(tmp_path / "home")
    state, attempt = team(tmp_path)
    state.working["one", 1] = attempt
    there = claude_at(place, state, attempt, live=True)
    assert there.command[3:] == ("--fork-session", "--permission-mode", "plan")
    assert "a copy" in there.said
    assert "--fork-session" not in claude_at(place, state, attempt, live=False).command


async def test_a_rehearsed_session_asks_nobody_and_for_nothing(place: Place, tmp_path: Path) -> None:
    kept(place.run_dir("r") / "claude" / "ada")
    state, attempt = team(tmp_path, scripted=True)
    for _ in range(2):
        there = claude_at(place, state, attempt, live=False)
    home = Path(there.env["CLAUDE_CONFIG_DIR"])
    assert (home / "projects" / "-tree" / f"{SESSION}.jsonl").is_file()
    answers = json.loads((home / ".claude.json").read_text())
    assert answers["projects"][str(tmp_path / "tree")]["hasTrustDialogAccepted"]
    assert there.env["ANTHROPIC_BASE_URL"].startswith("http://127.0.0.1:")
    assert "rehearsal" in there.said


async def test_where_there_is_nothing_to_attach_to_it_says_so(place: Place, tmp_path: Path) -> None:
    state, attempt = team(tmp_path)
    with pytest.raises(WorkbenchError, match="keeps no transcript"):
        claude_at(place, state, attempt, live=False)
    attempt.session = None
    with pytest.raises(WorkbenchError, match="no session yet"):
        claude_at(place, state, attempt, live=False)
    state.settings = RunSettings(team=("ada",), agent="command:make")
    with pytest.raises(WorkbenchError, match="no Claude Code"):
        claude_at(place, state, attempt, live=False)
