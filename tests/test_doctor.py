"""The doctor: each check on a machine or repository that has what it looks for, and on one that has not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from workbench.adapters.git.repository import Repository, open_repository
from workbench.adapters.git.sizes import tree_bytes
from workbench.adapters.lock import RepositoryLock
from workbench.composition import room
from workbench.config import Settings, load
from workbench.doctor import Finding, examine, is_ready, machine, repository, teammate
from workbench.doctor.finding import megabytes
from workbench.errors import SetupError

ENV = {"PATH": os.environ["PATH"]}


def git(where: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def claude_code(folder: Path, version: str = "2.1.329", signed_in: bool = True) -> str:
    """A program that answers the questions the doctor has for Claude Code."""
    status = {
        "loggedIn": signed_in,
        "authMethod": "api_key" if signed_in else "none",
        "apiProvider": "firstParty",
    }
    answer = (
        f"if [ \"$1\" = auth ]; then echo '{json.dumps(status)}'; else echo '{version} (Claude Code)'; fi"
    )
    return str(program(folder / "claude", answer))


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    names = {finding.name: finding for finding in findings}
    assert len(names) == len(findings)
    return names


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(
        tmp_path, {}, claude=claude_code(tmp_path / "bin"), sandbox="off", worktree_root=tmp_path / "trees"
    )


async def opened(repo: Path) -> Repository:
    return await open_repository(repo)


# -- all of it ---------------------------------------------------------------------------------


async def test_a_machine_that_is_ready(repo: Path, settings: Settings) -> None:
    (repo / "workbench.toml").write_text('gates = ["true"]\n')
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "settings")
    findings = await examine(repo, settings.model_copy(update={"gates": ("true",)}), ENV)
    names = by_name(findings)
    assert is_ready(findings)
    for name in ("Python", "git", "Claude Code", "login", "repository", "changes", "gates", "runs", "disk"):
        assert names[name].level == "ok", names[name]
    for name in ("identity", "history", "submodules", "large files", "letter case"):
        assert name not in names, names[name]
    assert names["settings"].sentence == "workbench.toml sets gates."
    assert all(finding.hint for finding in findings if finding.level != "ok")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        ((), "not inside a git repository"),
        (("init", "-q"), "no commits yet"),
        (("init", "-q", "--bare"), "bare"),
    ],
)
async def test_no_usable_repository(
    tmp_path: Path, settings: Settings, make: tuple[str, ...], words: str
) -> None:
    where = tmp_path / "elsewhere"
    where.mkdir()
    if make:
        git(where, *make)
    findings = await examine(where, settings, ENV)
    found = by_name(findings)["repository"]
    assert found.level == "fail"
    assert words in found.sentence
    assert found.hint
    assert not is_ready(findings)
    assert "changes" not in by_name(findings)


async def test_nothing_is_changed(repo: Path, settings: Settings) -> None:
    before = sorted(str(path) for path in repo.rglob("*"))
    await examine(repo, settings, ENV)
    assert sorted(str(path) for path in repo.rglob("*")) == before
    assert not settings.worktree_root.exists()


# -- teammates ---------------------------------------------------------------------------------


async def test_claude_code_is_missing_old_or_broken(repo: Path, tmp_path: Path, settings: Settings) -> None:
    old = settings.model_copy(update={"claude": claude_code(tmp_path / "old", version="1.0.3")})
    assert (await teammate.claude(old, ENV)).level == "fail"
    broken = settings.model_copy(update={"claude": str(program(tmp_path / "broken", "echo no >&2; exit 3"))})
    absent = settings.model_copy(update={"claude": "/nowhere/claude"})
    for wrong in (broken, absent):
        names = by_name(await examine(repo, wrong, ENV))
        assert names["Claude Code"].level == "fail"
        assert names["login"].level == "fail"
        assert names["Claude Code"].hint


async def test_no_login(tmp_path: Path, settings: Settings) -> None:
    out = settings.model_copy(update={"claude": claude_code(tmp_path / "out", signed_in=False)})
    found = await teammate.login(out, ENV)
    assert found.level == "fail"
    assert "ANTHROPIC_API_KEY" in found.hint
    assert (await teammate.login(settings, ENV)).level == "ok"


async def test_the_sandbox(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert (await teammate.sandbox(settings, ENV)).level == "warn"
    wanted = settings.model_copy(update={"sandbox": "auto"})
    forced = settings.model_copy(update={"sandbox": "on"})
    empty = {"PATH": str(tmp_path / "nothing")}
    assert (await teammate.sandbox(wanted, empty)).level == "warn"
    assert (await teammate.sandbox(forced, empty)).level == "fail"
    refusing, working = tmp_path / "refusing", tmp_path / "working"
    works = 'while [ "$1" != echo ]; do shift; done; exec "$@"'
    for tools, answer in [(refusing, "echo 'uid map: Permission denied' >&2; exit 1"), (working, works)]:
        program(tools / "bwrap", answer)
        program(tools / "socat", "true")
    refused = await teammate.sandbox(wanted, {"PATH": str(refusing)})
    assert refused.level == "warn"
    assert "uid map" in refused.sentence
    assert "namespaces" in refused.hint
    assert (await teammate.sandbox(wanted, {"PATH": str(working)})).level == "ok"


@pytest.mark.parametrize(
    ("agent", "level"),
    [
        ("command:sh -c 'work'", "ok"),
        ("command:./work.sh --fast", "ok"),
        ("command:X=1 no-such-program", "ok"),
        ("command:no-such-program x", "fail"),
        ("command:./no-such-program x", "warn"),
        ("command:sh 'open", "fail"),
    ],
)
async def test_a_command_in_place_of_claude(repo: Path, settings: Settings, agent: str, level: str) -> None:
    program(repo / "work.sh", "true")
    names = by_name(await examine(repo, settings.model_copy(update={"agent": agent}), ENV))
    assert names["agent"].level == level
    assert "Claude Code" not in names
    assert "login" not in names


# -- the repository --------------------------------------------------------------------------------


async def test_uncommitted_changes_are_counted(repo: Path) -> None:
    (repo / "a.txt").write_text("a")
    assert "1 uncommitted change (a.txt)" in repository.changes(await opened(repo)).sentence
    for name in "bcd":
        (repo / f"{name}.txt").write_text(name)
    found = repository.changes(await opened(repo))
    assert found.level == "warn"
    assert "4 uncommitted changes (a.txt, b.txt, c.txt, …)" in found.sentence


async def test_a_detached_head(repo: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    found = repository.head(await opened(repo))
    assert found.level == "warn"
    assert "detached" in found.sentence


async def test_nobody_to_commit_as(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL", "GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.delenv(name)
    found = repository.identity(await opened(repo))
    assert found is not None
    assert found.level == "warn"
    git(repo, "config", "user.email", "ada@example.invalid")
    assert repository.identity(await opened(repo)) is None


async def test_a_shallow_clone(repo: Path, tmp_path: Path) -> None:
    git(repo, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")
    found = repository.history(await opened(tmp_path / "shallow"))
    assert found is not None
    assert repository.history(await opened(repo)) is None


async def test_submodules_unless_set_up_brings_them(repo: Path, settings: Settings) -> None:
    (repo / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = ./x\n')
    found = await opened(repo)
    assert repository.submodules(found, settings) is not None
    brought = settings.model_copy(update={"setup": ("git submodule update --init",)})
    assert repository.submodules(found, brought) is None


async def test_large_files(repo: Path, tmp_path: Path) -> None:
    assert await repository.large_files(await opened(repo), ENV) is None
    (repo / "art").mkdir()
    (repo / "art" / ".gitattributes").write_text("*.psd filter=lfs diff=lfs merge=lfs -text\n")
    git(repo, "add", "-A")
    nowhere = {"PATH": str(tmp_path / "none")}
    found = await repository.large_files(await opened(repo), nowhere)
    assert found is not None
    assert found.level == "warn"
    program(tmp_path / "lfs" / "git-lfs", "true")
    found = await repository.large_files(await opened(repo), {"PATH": str(tmp_path / "lfs")})
    assert found is not None
    assert found.level == "ok"


async def test_names_that_only_case_tells_apart(repo: Path) -> None:
    blob = git(repo, "rev-parse", "HEAD:README.md")
    git(repo, "config", "core.ignoreCase", "true")
    assert await repository.letter_case(await opened(repo)) is None
    git(repo, "update-index", "--add", "--cacheinfo", f"100644,{blob},readme.MD")
    git(repo, "config", "core.ignoreCase", "false")
    assert await repository.letter_case(await opened(repo)) is None
    git(repo, "config", "core.ignoreCase", "true")
    found = await repository.letter_case(await opened(repo))
    assert found is not None
    assert found.level == "fail"
    assert "readme.MD" in found.sentence


async def test_the_size_of_a_checkout_counts_whole_blocks(repo: Path) -> None:
    assert await tree_bytes(await opened(repo)) == 2 * 4096


def test_gates_and_settings(repo: Path, settings: Settings) -> None:
    assert repository.gates(settings).level == "warn"
    assert repository.settings_file(repo).level == "ok"
    (repo / "pyproject.toml").write_text("[tool.workbench]\nteam = 2\n")
    assert "team" in repository.settings_file(repo).sentence
    (repo / "workbench.toml").write_text('copy = [".env"]\n')
    assert repository.settings_file(repo).level == "warn"
    (repo / "pyproject.toml").unlink()
    assert repository.settings_file(repo).sentence == "workbench.toml sets copy."


async def test_a_run_that_is_going_on_and_one_that_was_killed(repo: Path) -> None:
    found = await opened(repo)
    with RepositoryLock(found.state_dir).acquire("shop-1"):
        busy = repository.running(found)
    assert busy.level == "warn"
    assert "shop-1" in busy.sentence
    (found.state_dir / "lock").write_text('{"pid": 1, "run": "shop-1"}')
    assert repository.running(found).level == "ok"


# -- the machine -----------------------------------------------------------------------------------


def test_git_is_too_old(settings: Settings) -> None:
    def too_old() -> tuple[int, ...]:
        raise SetupError("git 2.20 is too old.", "Install git 2.38 or newer.")

    with pytest.raises(SetupError):
        machine.git(too_old)
    assert machine.git(lambda: (2, 39, 5)).sentence == "git 2.39.5."


def test_disk(tmp_path: Path) -> None:
    assert machine.disk(tmp_path / "a" / "b", 1).level == "ok"
    full = machine.disk(tmp_path / "a", 10**18)
    assert full.level == "fail"
    assert "worktree_root" in full.hint
    (tmp_path / "file").write_text("")
    assert machine.disk(tmp_path / "file" / "trees", 1).level == "fail"


def test_room_for_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.log_disk(tmp_path / "state").level == "ok"
    for free, level in ((machine.LOG_BYTES - 1, "fail"), (machine.LOG_BYTES * 2, "warn")):
        usage = shutil.disk_usage(tmp_path)._replace(free=free)
        monkeypatch.setattr("shutil.disk_usage", lambda folder, usage=usage: usage)
        found = machine.log_disk(tmp_path / "state")
        assert found.level == level and found.hint
    assert machine.LOG_BYTES == room.FLOOR_BYTES, "what the doctor calls too little is refused by a run"
    assert not (tmp_path / "a").exists()


def test_memory(settings: Settings) -> None:
    team = settings.model_copy(update={"team": 10})
    assert machine.memory(3_000_000_000, team).level == "ok"
    tight = machine.memory(1_000_000_000, team)
    assert tight.level == "warn"
    assert "`team` to 3" in tight.hint
    assert machine.memory(1, team.model_copy(update={"agent": "command:true"})).level == "ok"


def test_open_files(settings: Settings) -> None:
    team = settings.model_copy(update={"team": 10})
    assert machine.open_files(team, (1024, 4096)).level == "ok"
    assert machine.open_files(team, (256, 4096)).level == "ok"
    assert "smaller" in machine.open_files(team, (256, 256)).hint


def test_inotify(tmp_path: Path) -> None:
    assert machine.inotify(tmp_path) is None
    (tmp_path / "max_user_watches").write_text("8192\n")
    (tmp_path / "max_user_instances").write_text("128\n")
    assert machine.inotify(tmp_path) == Finding(
        "inotify", "ok", "A user may watch 8192 files and folders with 128 watchers."
    )
    (tmp_path / "max_user_instances").write_text("2\n")
    tight = machine.inotify(tmp_path)
    assert tight is not None
    assert tight.level == "warn"


def test_bytes_for_people() -> None:
    assert megabytes(240_000_000) == "240 MB"
    assert megabytes(3_440_000_000) == "3.4 GB"
