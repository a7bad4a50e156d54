"""Rows about the person: edits, commits and a dirty tree while the team works, then ``workbench land``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of, until
from tests.faults.conftest import INTEGRATION, hostile, run_words

pytestmark = pytest.mark.e2e


def test_user_edits_and_commits_on_the_target_during_the_run(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    """Commits, staged and unstaged changes, untracked files: none is touched, and the gate of the run sees
    none; ``land`` merges with what was committed and gates that."""
    agent = hostile("waits", str(tmp_path / "go"))
    process = workbench.start(*run_words(plan, agent, "--gate", "test ! -e red"))
    until(process, lambda event: event["type"] == "MarkerReceived")
    (repo / "mine.txt").write_text("mine\n")
    git(repo, "add", "mine.txt")
    git(repo, "commit", "-q", "-m", "the user's own")
    (repo / "README.md").write_text("staged\n")
    git(repo, "add", "README.md")
    (repo / "README.md").write_text("edited\n")
    (repo / "red").write_text("untracked\n")
    before = (git(repo, "rev-parse", "main"), git(repo, "status", "--porcelain"), git(repo, "ls-files", "-s"))
    (tmp_path / "go").touch()
    _, said = process.communicate(timeout=60)

    assert process.returncode == 0, said
    assert before == (
        git(repo, "rev-parse", "main"), git(repo, "status", "--porcelain"), git(repo, "ls-files", "-s"),
    )  # fmt: skip
    assert (repo / "README.md").read_text() == "edited\n"
    blocked = workbench("land")
    assert blocked.returncode == 2 and "README.md" in blocked.stderr
    git(repo, "stash", "push", "-q", "--", "README.md")

    done = workbench("land")

    assert done.returncode == 0, done.stderr
    assert (repo / "one.txt").read_text() == "fine\n" and (repo / "mine.txt").read_text() == "mine\n"
    assert (repo / "red").read_text() == "untracked\n"
    git(repo, "merge-base", "--is-ancestor", before[0], "main")
    git(repo, "merge-base", "--is-ancestor", INTEGRATION, "main")
    git(repo, "stash", "pop", "-q")
    assert (repo / "README.md").read_text() == "edited\n"


def test_user_conflicts_with_the_work_on_the_target_and_nothing_is_touched(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    assert workbench(*run_words(plan, hostile("uncommitted"))).returncode == 0
    (repo / "README.md").write_text("the user's own\n")
    git(repo, "commit", "-q", "-am", "the user's own")
    before = git(repo, "rev-parse", "main")

    refused = workbench("land")

    assert refused.returncode == 2 and "README.md" in refused.stderr and "next:" in refused.stderr
    assert git(repo, "rev-parse", "main") == before and git(repo, "status", "--porcelain") == ""


def test_user_commits_on_the_integration_branch_during_the_run_and_it_is_kept_aside(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    """Nobody knows who did it while teammates work, and no gate saw it: it goes, and nothing is lost."""
    process = workbench.start(*run_words(plan, hostile("waits", str(tmp_path / "go"))))
    until(process, lambda event: event["type"] == "MarkerReceived")
    tree = git(repo, "rev-parse", "main^{tree}")
    theirs = git(repo, "commit-tree", tree, "-p", "main", "-m", "by hand")
    git(repo, "update-ref", f"refs/heads/{INTEGRATION}", theirs)
    (tmp_path / "go").touch()
    out, said = process.communicate(timeout=60)

    assert process.returncode == 0, said
    (back,) = of("RefRestored", events(out))
    assert back["found"] == theirs
    assert git(repo, "rev-parse", back["kept"]) == theirs
    assert "cherry-pick" in back["hint"] or theirs[:10] in back["hint"]
    assert git(repo, "show", f"{INTEGRATION}:one.txt") == "fine"
