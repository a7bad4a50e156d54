"""Looks at a real repository: what git and others do is seen, by one look or at least by a whole one."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git import guard as adapter
from workbench.adapters.git.guard import RepositoryGuard
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.refs import Written
from workbench.adapters.git.repository import open_repository
from workbench.adapters.git.worktrees import Worktrees
from workbench.core import alarms as words
from workbench.core import guard as g
from workbench.errors import GitError

RUN = "r"
INTEGRATION = f"refs/heads/workbench/{RUN}/integration"


class Watched:
    """A repository that is looked at. ``found`` are the refs that moved between the last two looks."""

    def __init__(self, plumbing: Plumbing, guard: RepositoryGuard) -> None:
        self.git, self.guard = plumbing, guard
        self.before = self.now = g.Snapshot()

    async def look(self, whole: bool = False) -> g.Snapshot:
        self.before, self.now = self.now, await self.guard.look(whole)
        return self.now

    async def found(self, whole: bool = False) -> dict[str, tuple[str, str]]:
        await self.look(whole)
        moved = g.astray(self.before, self.now, RUN, ("ada",))
        return {it.ref: (it.expected, it.found) for it in moved}


@pytest.fixture
async def it(repo: Path) -> AsyncIterator[Watched]:
    repository = await open_repository(repo)
    plumbing = Plumbing(repository)
    made = Watched(plumbing, RepositoryGuard(repository, plumbing, RUN))
    await made.look(True)
    yield made
    await plumbing.aclose()


def seen(snapshot: g.Snapshot) -> dict[str, str]:
    refs = {*snapshot.packed, *(ref for folder in snapshot.loose.values() for ref in folder)}
    return {ref: snapshot.value(ref) for ref in refs}


def real(repo: Path) -> dict[str, str]:
    lines = git(repo, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(tuple(line.split()) for line in lines)  # type: ignore[misc]


def sly(repo: Path, message: str = "sly") -> str:
    return git(repo, "commit-tree", "-m", message, "HEAD^{tree}")


async def test_a_look_that_sees_nothing_new_gives_the_same_objects_and_starts_no_process(
    it: Watched, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repo, "pack-refs", "--all")
    git(repo, "branch", "loose")
    await asyncio.sleep(0.1)  # stamps as new as the look itself are not believed
    await it.look(True)

    def none(*words: object, **more: object) -> None:
        raise AssertionError(f"a process was started: {words}")

    monkeypatch.setattr(subprocess, "Popen", none)
    for _ in range(3):
        await it.look()
        assert it.now.loose is it.before.loose and it.now.packed is it.before.packed
        assert it.now.stash is it.before.stash and not g.differing(it.before, it.now)


async def test_looks_agree_with_git_whatever_git_does(it: Watched, repo: Path) -> None:
    dice = random.Random(7)
    names = [f"refs/heads/{folder}b{n}" for folder in ("", "x/", "x/y/") for n in range(3)]
    names += ["refs/tags/t", "refs/notes/n", "refs/heads/workbench/r/ada"]
    commits = [sly(repo, str(n)) for n in range(4)]
    for _ in range(80):
        name = dice.choice(names)
        match dice.randrange(5):
            case 0 if name in real(repo):
                git(repo, "update-ref", "-d", name)
            case 1:
                git(repo, "pack-refs", "--all", *(["--no-prune"] if dice.random() < 0.5 else []))
            case _:
                git(repo, "update-ref", name, dice.choice(commits))
        await it.look()
        assert seen(it.now) == real(repo)


async def test_what_is_written_without_git_is_seen_by_a_whole_look(it: Watched, repo: Path) -> None:
    await asyncio.sleep(0.1)
    await it.look(True)
    other = sly(repo)
    with (repo / ".git/refs/heads/main").open("r+") as file:
        file.write(other)
    assert (await it.found(True))["refs/heads/main"][1] == other


async def test_our_own_writes_are_nobodys_doing(it: Watched, repo: Path) -> None:
    head, other = git(repo, "rev-parse", "HEAD"), sly(repo)
    assert await it.git.move_ref(INTEGRATION, head, None, "start")
    await it.git.pin("refs/workbench/r/work/a/1", head)
    assert await it.found(True) == {}
    assert await it.git.move_ref(INTEGRATION, other, head, "land")
    git(repo, "update-ref", INTEGRATION, head)
    git(repo, "update-ref", "-d", "refs/workbench/r/work/a/1")
    assert await it.found() == {INTEGRATION: (other, head)}
    assert await it.found(True) == {INTEGRATION: (other, head), "refs/workbench/r/work/a/1": (head, "")}
    assert not await it.git.move_ref(INTEGRATION, other, other, "refused")
    assert (await it.found())[INTEGRATION] == (other, head)


async def test_a_symbolic_ref_in_place_of_ours_never_moves_the_users_branch(it: Watched, repo: Path) -> None:
    head, other, pin = git(repo, "rev-parse", "HEAD"), sly(repo), "refs/workbench/r/x"
    for ref in (INTEGRATION, pin):
        git(repo, "symbolic-ref", ref, "refs/heads/main")
    assert (await it.found(True))[INTEGRATION] == ("", "ref: refs/heads/main")
    assert await it.git.move_ref(INTEGRATION, other, head, "land")
    await it.git.pin(pin, other)
    assert git(repo, "rev-parse", "main", INTEGRATION, pin).split() == [head, other, other]
    git(repo, "symbolic-ref", INTEGRATION, "refs/heads/nowhere")
    assert await it.git.tip(INTEGRATION) is None
    assert await it.git.move_ref(INTEGRATION, other, None, "put back")
    assert git(repo, "rev-parse", INTEGRATION) == other
    assert "nowhere" not in git(repo, "branch")


async def test_what_was_interrupted_may_have_been_written() -> None:
    written = Written()
    with written.writing("a", "1"):
        assert written.under_way() == {"a"} and written.since() == {"a"}
    assert (written.last, written.maybe, written.under_way()) == ({"a": "1"}, {}, frozenset())
    assert written.since() == {"a"} and written.since() == frozenset()
    with pytest.raises(asyncio.CancelledError), written.writing("a", "2"):
        raise asyncio.CancelledError
    assert (written.last, written.maybe) == ({"a": "1"}, {"a": "2"})
    with pytest.raises(GitError), written.writing("a", "3"):
        written.refused("a")
        raise GitError("no")
    assert written.maybe == {}


async def test_pins_and_earlier_runs_are_left_to_whole_looks(it: Watched, repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD")
    for ref in ("refs/workbench/old/work/a/1", "refs/heads/workbench/old/ada"):
        git(repo, "update-ref", ref, head)
    await it.look(True)
    for ref in ("refs/workbench/old/work/a/1", "refs/heads/workbench/old/ada"):
        git(repo, "update-ref", "-d", ref)
    assert await it.found() == {}
    assert set(await it.found(True)) == {"refs/workbench/old/work/a/1", "refs/heads/workbench/old/ada"}


async def test_the_stash_heads_hooks_and_files(it: Watched, repo: Path, tmp_path: Path) -> None:
    (repo / "README.md").write_text("x\n")
    git(repo, "stash", "push", "-q", "-m", "mine")
    git(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    before = await it.look()
    assert before.stash == (g.Stashed(git(repo, "rev-parse", "refs/stash"), "On main: mine"),)
    assert before.heads == {str(repo): "ref: refs/heads/main", str(tmp_path / "side"): "ref: refs/heads/side"}
    git(repo, "stash", "drop", "-q")
    git(tmp_path / "side", "switch", "-q", "--detach")
    git(repo, "config", "core.bare", "true")
    for name, mode in (("pre-commit", 0o755), ("post-merge", 0o644), ("update.sample", 0o755)):
        (repo / ".git/hooks").mkdir(exist_ok=True)
        hook = repo / ".git/hooks" / name
        hook.write_text("exit 0\n")
        hook.chmod(mode)
    (repo / ".git/info").mkdir(exist_ok=True)
    (repo / ".git/info/attributes").write_text("* merge=ours\n")
    now = await it.look()
    assert now.stash == () and set(now.hooks) - set(before.hooks) == {"pre-commit"}
    assert g.OBJECT.fullmatch(now.heads[str(tmp_path / "side")])
    changed = {name for name in now.files if now.files[name] != before.files.get(name)}
    assert changed == {"config", "info/attributes"}
    old, new = [words.keys(await it.guard.keys(files["config"])) for files in (before.files, now.files)]
    assert [alarm.kind for alarm in words.config_alarms("config", old, new)] == ["config"]
    (repo / ".git/hooks/pre-commit").write_text("exit 1\n")
    assert (await it.look()).hooks != now.hooks


async def test_configuration_as_git_reads_it(it: Watched) -> None:
    raw = b'[core]\n\tbare\n[url "https://a=b"]\n insteadOf = x\n insteadOf = "y\\nz"\n[include]\npath=/no\n'
    assert await it.guard.keys(raw) == (
        ("core.bare", ""), ("url.https://a=b.insteadof", "x"), ("url.https://a=b.insteadof", "y\nz"),
        ("include.path", "/no"),
    )  # fmt: skip
    assert await it.guard.keys(b"") == ()
    with pytest.raises(GitError):
        await it.guard.keys(b"[core\n")


async def test_where_a_branch_was_by_commands_of_its_own_worktree(
    it: Watched, repo: Path, tmp_path: Path
) -> None:
    repository = await open_repository(repo)
    trees = Worktrees(repository, it.git, tmp_path / "trees", RUN)
    head, ref = git(repo, "rev-parse", "HEAD"), f"refs/heads/workbench/{RUN}/ada"
    made = await trees.prepare("ada", head, carry=None, keep=False, sparse=())
    assert it.guard.own_tip(made.path, ref) == head and it.guard.problem(made.path) == ""
    git(made.path, "commit", "-q", "--allow-empty", "-m", "own")
    own = git(made.path, "rev-parse", "HEAD")
    assert it.guard.own_tip(made.path, ref) == own
    git(repo, "update-ref", ref, head)
    assert it.guard.own_tip(made.path, ref) == own, "moved from elsewhere"
    git(made.path, "reset", "-q", "--hard", own)
    git(made.path, "commit", "-q", "--amend", "--allow-empty", "-m", "amended")
    assert it.guard.own_tip(made.path, ref) == git(made.path, "rev-parse", "HEAD")
    git(made.path, "checkout", "-q", "--detach")
    assert it.guard.own_tip(made.path, ref) == "", "it has another branch, or none"
    assert it.guard.own_tip(tmp_path / "nowhere", ref) == ""
    shutil.rmtree(made.path)
    assert "gone" in it.guard.problem(made.path)
    await trees.aclose()


async def test_the_fingerprint_of_a_checkout_writes_nothing(it: Watched, repo: Path) -> None:
    assert await it.guard.fingerprint() == {}
    (repo / "README.md").write_text("changed\n")
    (repo / "new").write_text("x")
    (repo / "src/app.py").unlink()
    (repo / "link").symlink_to("new")
    os.mkfifo(repo / "pipe")
    index = (repo / ".git/index").read_bytes(), (repo / ".git/index").stat().st_mtime_ns
    found = await it.guard.fingerprint()
    assert found == {
        "README.md": git(repo, "hash-object", "README.md"), "new": git(repo, "hash-object", "new"),
        "src/app.py": "",
    }  # fmt: skip
    assert index == ((repo / ".git/index").read_bytes(), (repo / ".git/index").stat().st_mtime_ns)
    head = git(repo, "rev-parse", "HEAD")
    assert await it.guard.blob_at(head, "README.md") == git(repo, "rev-parse", "HEAD:README.md")
    assert [await it.guard.blob_at(head, path) for path in ("no", "src", "a\nb")] == ["", "", ""]


async def test_a_fingerprint_is_bounded(it: Watched, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        (repo / f"f{n}").write_bytes(b"x" * 10)
    (repo / "large").write_bytes(b"x" * 100)
    monkeypatch.setattr(adapter, "LARGEST_FILE", 50)
    assert set(await it.guard.fingerprint()) == {f"f{n}" for n in range(5)}
    monkeypatch.setattr(adapter, "MOST_BYTES", 25)
    assert len(await it.guard.fingerprint()) == 2
    monkeypatch.setattr(adapter, "MOST_PATHS", 1)
    assert len(await it.guard.fingerprint()) == 1


async def test_what_is_no_ref_does_not_stop_a_look(it: Watched, repo: Path) -> None:
    heads = repo / ".git/refs/heads"
    (heads / "link").symlink_to("main")
    os.mkfifo(heads / "pipe")
    (heads / "held.lock").touch()
    (heads / "empty").touch()
    (heads / "garbage").write_bytes(b"\xff\n")
    (heads / "locked").mkdir(mode=0o000)
    now = await it.look(True)
    assert now.value("refs/heads/main") == git(repo, "rev-parse", "HEAD")
    assert now.value("refs/heads/garbage") and not now.value("refs/heads/held.lock")
    (heads / "locked").chmod(0o755)
    shutil.rmtree(repo / ".git/refs/heads")
    (repo / ".git/refs/heads").mkdir()
    assert (await it.found())["refs/heads/main"][1] == ""


@pytest.mark.parametrize("whole", [False, True])
async def test_what_cannot_be_read_for_want_of_descriptors_is_not_gone(it: Watched, whole: bool) -> None:
    await it.look()
    git(it.guard.root, "commit", "-q", "--allow-empty", "-m", "more")
    git(it.guard.root, "config", "user.name", "Somebody")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            await it.guard.look(whole)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert list(await it.found(whole)) == ["refs/heads/main"]
    assert it.now.files.keys() == it.before.files.keys()
    assert it.now.heads == it.before.heads
