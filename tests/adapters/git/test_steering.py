"""What of a real repository runs code or steers agents."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git.process import Place, overruling
from workbench.adapters.git.process import run as run_git
from workbench.adapters.git.repository import open_repository
from workbench.adapters.git.steering import Found, loose, steering
from workbench.core.trust.items import Kind


def commit(repo: Path, **files: str) -> str:
    for name, text in files.items():
        path = repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(repo, "add", "-Af", ".")
    git(repo, "commit", "-q", "-m", "more")
    return git(repo, "rev-parse", "HEAD")


async def found(repo: Path) -> Found:
    return await steering(await open_repository(repo), git(repo, "rev-parse", "HEAD"))


def names(seen: Found, kind: Kind) -> set[str]:
    return {item.name for item in seen.items if item.kind is kind}


async def test_a_plain_repository_has_nothing(repo: Path) -> None:
    git(repo, "config", "core.fsmonitor", "true")
    seen = await found(repo)
    assert (seen.items, seen.settings, seen.watched) == ((), (), ())


async def test_files_come_from_the_commit_and_not_from_the_checkout(repo: Path) -> None:
    commit(repo, **{"CLAUDE.md": "x", ".claude/settings.json": "{}", "pkg/CLAUDE.md": "y", ".mcp.json": "{}"})
    before = await found(repo)
    (repo / "CLAUDE.md").write_text("other")
    (repo / "AGENTS.md").write_text("not committed")
    assert await found(repo) == before
    assert names(before, Kind.INSTRUCTIONS) == {"CLAUDE.md", "pkg/CLAUDE.md"}
    assert names(before, Kind.SERVERS) == {".mcp.json"}


async def test_links_and_imports_are_followed(repo: Path) -> None:
    (repo / ".claude").symlink_to("tools/agents")
    (repo / "CLAUDE.md").symlink_to("docs/guide.md")
    (repo / "AGENTS.md").symlink_to("/etc/passwd")
    commit(
        repo,
        **{"tools/agents/settings.json": "{}", "docs/guide.md": "@more.md @nowhere.md", "docs/more.md": "z"},
    )
    seen = await found(repo)
    every = {item.name: item.why for item in seen.items}
    assert {"tools/agents/settings.json", "docs/guide.md", "docs/more.md"} <= every.keys()
    assert "outside" in every["AGENTS.md"]
    assert {"tools/agents/", "docs/guide.md", "docs/more.md", "docs/nowhere.md"} <= set(seen.watched)


async def test_hooks_are_those_that_git_would_run(repo: Path, tmp_path: Path) -> None:
    hooks = repo / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name, mode in {"pre-commit": 0o755, "commit-msg": 0o644, "post-commit.sample": 0o755}.items():
        (hooks / name).write_text("#!/bin/sh\n")
        (hooks / name).chmod(mode)
    assert names(await found(repo), Kind.HOOK) == {"pre-commit"}
    git(repo, "config", "core.hooksPath", ".husky/")
    commit(repo, **{".husky/post-checkout": "#!/bin/sh\n"})
    seen = await found(repo)
    assert names(seen, Kind.HOOK) == {".husky/post-checkout"} and ".husky/" in seen.watched
    git(repo, "config", "core.hooksPath", str(hooks))
    assert names(await found(repo), Kind.HOOK) == {"pre-commit"}


async def test_included_settings_count_and_the_users_own_do_not(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "gitconfig"
    own.write_text('[filter "lfs"]\n\tclean = git-lfs clean\n[alias]\n\tx = !true\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    (repo / ".git" / "more").write_text('[filter "bad"]\n\tclean = evil\n')
    git(repo, "config", "include.path", "more")
    git(repo, "config", "--add", "credential.helper", "one")
    git(repo, "config", "--add", "credential.helper", "two")
    seen = await found(repo)
    wanted = {"include.path", "filter.bad.clean", "credential.helper", "credential.helper (2)"}
    assert names(seen, Kind.CONFIG) == wanted


async def test_what_lies_loose_in_a_worktree_is_found_on_disk(repo: Path) -> None:
    head = commit(repo, **{"CLAUDE.md": "one\ntwo\n", ".claude/rules/a.md": "x"})
    seen = await steering(await open_repository(repo), head)
    trusted = {item.name: item.sha256 for item in seen.items}
    assert loose(repo, trusted) == ()
    (repo / "CLAUDE.md").write_bytes(b"one\r\ntwo\r\n")
    assert loose(repo, trusted) == (), "line ends are git's to turn"
    git(repo, "update-index", "--assume-unchanged", "CLAUDE.md")
    (repo / "CLAUDE.md").write_text("evil")
    (repo / ".claude" / "settings.json").write_text("{}")
    (repo / ".mcp.json").symlink_to(os.devnull)
    (repo / "src" / "CLAUDE.md").write_text("evil")
    assert loose(repo, trusted) == (".claude/settings.json", ".mcp.json", "CLAUDE.md")
    assert "src/CLAUDE.md" in loose(repo, trusted, deep=True)


async def test_what_overrules_holds_for_as_long_as_it_is_open(repo: Path) -> None:
    git(repo, "config", "alias.st", "!echo evil")
    place = Place(repo / ".git", repo)
    with overruling({"alias.st": "!echo good"}):
        assert (await run_git(place, "st")).text == "good"
    assert (await run_git(place, "st")).text == "evil"
