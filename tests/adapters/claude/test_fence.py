"""The fence, without Claude Code: paths, shell commands, other tools."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from workbench.adapters.agents.claude.fence import Fence
from workbench.adapters.agents.claude.shell import commands


@pytest.fixture
def fence(tmp_path: Path) -> Fence:
    (tmp_path / "tree" / "src").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "tree" / "way-out").symlink_to(tmp_path / "outside")
    (tmp_path / "tree" / "way-in").symlink_to(tmp_path / "tree" / "src")
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    return Fence(tmp_path / "tree", tmp_path / "home", sandboxed=False)


@pytest.mark.parametrize(
    "path", ["new", "src/a.py", "./src/../b", "way-in/c", ".gitignore", ".github/x", "a.git/x"]
)
def test_paths_inside_may_be_written(fence: Fence, path: str) -> None:
    assert fence.refuses("Write", {"file_path": path}) is None


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "..", "../x", "src/../../x", "/etc/x", "~/x", "way-out/x", "way-in/../../x"),
        *(".git", ".git/config", "sub/.git/hooks/x", ".GIT/config", ".workbench/markers/1.json"),
        *(".claude/settings.json", ".mcp.json", "/proc/self/cwd/x"),
    ],
)
@pytest.mark.parametrize("tool", ["Write", "Edit", "MultiEdit"])
def test_paths_outside_or_protected_may_not(fence: Fence, tool: str, path: str) -> None:
    assert fence.refuses(tool, {"file_path": path}) is not None


def test_notebooks_are_files_too(fence: Fence) -> None:
    assert fence.refuses("NotebookEdit", {"notebook_path": "../x.ipynb"}) is not None
    assert fence.refuses("NotebookEdit", {"notebook_path": "x.ipynb"}) is None


def test_a_neighbour_whose_name_begins_alike_is_outside(fence: Fence, tmp_path: Path) -> None:
    assert fence.refuses("Write", {"file_path": str(tmp_path / "tree-2" / "x")}) is not None


def test_secrets_are_not_read_and_the_rest_is(fence: Fence) -> None:
    assert fence.refuses("Read", {"file_path": "~/.ssh/id"}) is not None
    assert fence.refuses("Grep", {"pattern": "x", "path": "~/.ssh"}) is not None
    assert fence.refuses("Read", {"file_path": "/usr/include/stdio.h"}) is None


def test_the_login_is_hidden_where_its_folder_is_another(tmp_path: Path) -> None:
    moved = Fence(tmp_path / "tree", tmp_path / "home", sandboxed=True, logins=str(tmp_path / "moved"))
    assert moved.refuses("Read", {"file_path": str(tmp_path / "moved" / ".credentials.json")}) is not None
    assert moved.refuses("Read", {"file_path": str(tmp_path / "moved" / "settings.json")}) is None


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_what_other_programs_hold_is_not_read(fence: Fence) -> None:
    for path in ("/proc/self/environ", "/proc/1/environ", f"/proc/{os.getpid()}/mem"):
        assert fence.refuses("Read", {"file_path": path}) is not None, path
    assert fence.refuses("Read", {"file_path": "/proc/meminfo"}) is None
    assert fence.refuses("Read", {"file_path": "/proc"}) is None


REFUSED = [
    "git push",
    "git -C /elsewhere push origin main",
    "git -c a=b --no-pager push",
    "git add -A && git commit -m x && git push --force",
    "FOO=1 env BAR=2 git push",
    "if true; then git push; fi",
    "bash -lc 'git push'",
    "x=$(git push)",
    "echo `git stash`",
    "git worktree add ../x",
    "git worktree remove --force .",
    "git branch -D main",
    "git update-ref refs/heads/main HEAD~1",
    "git config --global user.name x",
    "sudo rm x",
    "cat <<EOF\nit's\nEOF\ngit push",
    "timeout 5 git push",
    "rm -rf /etc",
    "rm -rf ~",
    "rm -rf ../other",
    "rm -rf .",
    "workbench stop",
    "/usr/bin/git push",
]

ALLOWED = [
    "git status && git log --oneline | head -3",
    "git commit -m 'do not git push yet'",
    "echo git push",
    "git config user.name",
    "git branch --show-current",
    "git checkout -- file && git rebase HEAD~1",
    "rm -rf build && rm src/x.py && rm -f *.pyc",
    "workbench mark done --note x",
    "python -c 'print(\"sudo\")'",
    "grep -r push src; cat <<'END' > f\nit's a git thing\nEND",
    "",
    "   ",
]


@pytest.mark.parametrize("command", REFUSED)
def test_commands_against_the_team_are_refused(fence: Fence, command: str) -> None:
    assert fence.refuses("Bash", {"command": command}) is not None, list(commands(command))


@pytest.mark.parametrize("command", ALLOWED)
def test_ordinary_commands_are_not(fence: Fence, command: str) -> None:
    assert fence.refuses("Bash", {"command": command}) is None, list(commands(command))


def test_scratch_files_may_be_removed_unless_the_work_is_there(tmp_path: Path) -> None:
    far = Fence(Path("/srv/tree"), Path("/home/u"), sandboxed=False)
    assert far.refuses("Bash", {"command": "rm -rf /tmp/scratch"}) is None
    assert far.refuses("Bash", {"command": "rm -rf /tmp"}) is not None
    near = Fence(Path("/tmp/tree"), Path("/home/u"), sandboxed=False)
    assert near.refuses("Bash", {"command": "rm -rf /tmp/repo"}) is not None


def test_in_the_sandbox_rm_is_left_to_it(tmp_path: Path) -> None:
    assert Fence(tmp_path, tmp_path, sandboxed=True).refuses("Bash", {"command": "rm -rf /x"}) is None


def test_tools_that_leave_or_wait_are_refused(fence: Fence) -> None:
    for tool in ("AskUserQuestion", "ExitPlanMode", "EnterWorktree", "CronCreate"):
        assert fence.refuses(tool, {}) is not None
    assert fence.refuses("Task", {"prompt": "x", "isolation": "worktree"}) is not None
    assert fence.refuses("Task", {"prompt": "x"}) is None


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("Write", {"file_path": "a.txt"}),
        ("NotebookEdit", {"notebook_path": "a.ipynb"}),
        ("Bash", {"command": "cat a.txt"}),
        ("Skill", {"skill": "any"}),
        ("KillShell", {}),
        ("mcp__other__write", {}),
        ("SomethingNew", {}),
    ],
)
def test_a_locked_fence_lets_nothing_through_that_might_write(
    tmp_path: Path, tool: str, given: dict[str, str]
) -> None:
    fence = Fence(tmp_path / "tree", tmp_path / "home", sandboxed=True, locked=True)
    refusal = fence.refuses(tool, given)
    assert refusal is not None and "mcp__workbench__plan" in refusal.reason
    fence.locked = False
    unlocked = fence.refuses(tool, given)
    assert unlocked is None or "mcp__workbench__plan" not in unlocked.reason


def test_a_locked_fence_is_read_through_and_reported_over(tmp_path: Path) -> None:
    fence = Fence(tmp_path / "tree", tmp_path / "home", sandboxed=True, locked=True)
    for tool in (
        "Read",
        "Grep",
        "Glob",
        "Task",
        "WebSearch",
        "mcp__workbench__plan",
        "mcp__workbench__question",
    ):
        assert fence.refuses(tool, {}) is None, tool
    secret = fence.refuses("Read", {"file_path": "~/.ssh/id"})
    assert secret is not None and "logins" in secret.reason
