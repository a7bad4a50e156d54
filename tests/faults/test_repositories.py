"""The row of odd repositories: each is told by doctor in a sentence, and a run handles or refuses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine
from tests.faults.conftest import hostile, landed, run_words

pytestmark = pytest.mark.e2e


def _finding(workbench: CommandLine, name: str, level: str, word: str, where: Path | None = None) -> None:
    told = json.loads(workbench("doctor", "--json", cwd=where, WORKBENCH_AGENT="command:true").stdout)
    (found,) = [finding for finding in told if finding["name"] == name]
    assert found["level"] == level and word in found["sentence"], found
    assert found["hint"] or level == "ok"


def _lands(workbench: CommandLine, plan: Path, *deed: str, where: Path | None = None) -> None:
    done = workbench(*run_words(plan, hostile(*(deed or ("good",)))), cwd=where)
    assert done.returncode == 0, done.stderr
    landing = workbench("land", cwd=where)
    assert landing.returncode == 0, landing.stderr
    assert git(where or workbench.cwd, "status", "--porcelain") == ""


def test_submodules_are_told_and_stay_as_they_are(
    workbench: CommandLine, repo: Path, plan: Path, outside: Path
) -> None:
    library = outside / "library"
    git(outside, "init", "-q", str(library))
    git(library, "commit", "-q", "--allow-empty", "-m", "a library")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
    git(repo, "commit", "-q", "-m", "a submodule")
    link = git(repo, "ls-tree", "HEAD", "lib")

    _finding(workbench, "submodules", "warn", "stay empty")
    _lands(workbench, plan, "uncommitted")

    assert git(repo, "ls-tree", "main", "lib") == link
    assert (repo / "lib" / ".git").exists()


def test_lfs_pointers_are_told_and_stay_pointers(workbench: CommandLine, repo: Path, plan: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    (repo / ".gitattributes").write_text("*.psd filter=lfs diff=lfs merge=lfs -text\n")
    (repo / "art.psd").write_text(pointer)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "large files")

    _finding(workbench, "large files", "warn", "pointers")
    _lands(workbench, plan)

    assert git(repo, "show", "main:art.psd") == pointer.strip()


def test_repo_hooks_are_told_and_run_for_people_only(
    workbench: CommandLine, repo: Path, plan: Path, outside: Path
) -> None:
    names = ("pre-commit", "commit-msg", "post-commit", "post-checkout", "post-index-change",
             "pre-merge-commit", "reference-transaction", "post-merge")  # fmt: skip
    for name in names:
        hook = repo / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {outside}/$(basename $0)\n")
        hook.chmod(0o755)

    _finding(workbench, "hooks", "warn", "pre-commit")
    done = workbench(*run_words(plan, hostile("work")))

    assert done.returncode == 0, done.stderr
    assert [path.name for path in outside.iterdir()] == ["precious"], "a hook of the user's ran"
    assert landed(repo, "one.txt") == "fine"
    refused = workbench("land")
    assert refused.returncode == 2 and "post-merge" in refused.stderr, "nobody has said that it is trusted"
    assert workbench("trust", "--yes").returncode == 0
    assert workbench("land").returncode == 0
    assert (outside / "post-merge").exists(), "landing is the user's own merge, hooks and all"


def test_repo_hooks_that_refuse_a_teammates_commit_are_its_to_deal_with(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho style is everything >&2\nexit 1\n")
    hook.chmod(0o755)

    done = workbench(*run_words(plan, hostile("good")), WORKBENCH_TRUST="always")

    assert done.returncode == 1
    assert "Traceback" in done.stdout, "the teammate's own words are shown"


@pytest.mark.parametrize("cone", [True, False], ids=["cone", "patterns"])
def test_sparse_checkouts_are_told_and_the_team_gets_everything(
    workbench: CommandLine, repo: Path, plan: Path, cone: bool
) -> None:
    (repo / "docs").mkdir()
    (repo / "docs" / "page.txt").write_text("a page\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "docs")
    git(repo, "sparse-checkout", "set", "--cone" if cone else "--no-cone", "src")
    assert not (repo / "docs").exists()

    _finding(workbench, "sparse", "warn", "sparse")
    _lands(workbench, plan, "edits", "docs/page.txt")

    assert git(repo, "show", "main:docs/page.txt") == "edited"
    assert not (repo / "docs").exists(), "landing filled the user's sparse checkout"
    assert git(repo, "ls-tree", "--name-only", "main", "src/") == "src/app.py"


def test_case_clashes_are_told_where_they_matter_and_land_where_they_do_not(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    if (repo / "readme.MD").exists():
        pytest.skip("this file system cannot hold both")
    (repo / "readme.MD").write_text("another\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "clashing")
    _lands(workbench, plan)
    assert git(repo, "show", "main:readme.MD") == "another"
    assert git(repo, "show", "main:README.md") == "# Sample"

    git(repo, "config", "core.ignoreCase", "true")
    _finding(workbench, "letter case", "fail", "readme.MD")


def test_no_commits_yet_is_told_by_doctor(workbench: CommandLine, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    git(fresh, "init", "-q")
    _finding(workbench, "repository", "fail", "no commits", where=fresh)


def test_detached_head_is_told_and_lands_where_it_is_told(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    git(repo, "checkout", "-q", "--detach")
    _finding(workbench, "repository", "warn", "detached")
    assert workbench(*run_words(plan, hostile("good"))).returncode == 0

    nowhere = workbench("land")

    assert nowhere.returncode == 2 and "--into" in nowhere.stderr
    assert workbench("land", "--into", "main").returncode == 0
    assert git(repo, "show", "main:one.txt") == "fine"


def test_shallow_clone_is_told_and_lands(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    git(repo, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")

    _finding(workbench, "history", "warn", "shallow", where=tmp_path / "shallow")
    _lands(workbench, plan, where=tmp_path / "shallow")


def test_dirty_tree_is_told_by_doctor(workbench: CommandLine, repo: Path) -> None:
    (repo / "README.md").write_text("changed\n")
    _finding(workbench, "changes", "warn", "1 uncommitted")


def test_a_repository_that_is_called_from_a_hook_or_alias_is_not_mistaken(
    workbench: CommandLine, repo: Path, plan: Path, outside: Path
) -> None:
    """Git gives those a GIT_DIR and more in the environment, for another repository than this."""
    other = outside / "other"
    git(outside, "init", "-q", str(other))
    lost = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / "index"),
    }

    done = workbench(*run_words(plan, hostile("good")), cwd=repo, **lost)

    assert done.returncode == 0, done.stderr
    assert landed(repo, "one.txt") == "fine"
    assert not (other / "index").exists() and not git(other, "for-each-ref")
