"""The teammates' worktrees on real git: nothing lost, nothing leaked, the user's checkout untouched."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.adapters.git.checkouts import Checkouts
from workbench.adapters.git.furnishing import Furnishing
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import Repository, open_repository
from workbench.adapters.git.worktrees import Worktrees
from workbench.engine.ports import Collected, Prepared
from workbench.errors import GitError, SetupError, UsageError

PIN = "refs/workbench/run-1/task/1"


def git(where: Path, *words: str, fine: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(["git", *words], cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode in fine, (words, done.stdout, done.stderr)
    return done.stdout.strip()


def commit(where: Path, message: str = "work") -> str:
    git(where, "add", "-A")
    git(where, "commit", "-q", "--allow-empty", "-m", message)
    return git(where, "rev-parse", "HEAD")


class Team:
    """The worktrees of one run with the defaults tests need."""

    def __init__(self, repository: Repository, plumbing: Plumbing, root: Path) -> None:
        self.repository, self.git, self.root = repository, plumbing, root
        self.notices: list[str] = []
        self.worktrees = self.again()

    def again(
        self, *, sparse: bool = False, salvage: tuple[str, ...] = (), **furnishing: tuple[str, ...]
    ) -> Worktrees:
        """What a new process of workbench would have."""
        plain = Furnishing(self.repository.root, notice=self.notices.append)
        self.furnishing = replace(plain, **furnishing)  # type: ignore[arg-type]
        self.worktrees = Worktrees(
            self.repository, self.git, self.root, "run-1", self.furnishing, sparse=sparse, salvage=salvage
        )
        return self.worktrees

    async def prepare(
        self,
        name: str = "ada",
        start: str = "",
        carry: str | None = None,
        keep: bool = False,
        sparse: tuple[str, ...] = (),
    ) -> Prepared:
        start = start or self.repository.head
        return await self.worktrees.prepare(name, start, carry=carry, keep=keep, sparse=sparse)

    async def collect(self, name: str = "ada", start: str = "") -> Collected:
        return await self.worktrees.collect(name, start or self.repository.head, "left\n# over", PIN)

    def reachable(self) -> str:
        """The ids of every object that some ref reaches."""
        return git(self.repository.root, "rev-list", "--objects", "--all")


@pytest.fixture
async def team(repo: Path, tmp_path: Path) -> AsyncIterator[Team]:
    (repo / ".gitignore").write_text("*.log\n.env\nnode_modules/\n")
    commit(repo, "base")
    repository = await open_repository(repo)
    plumbing = Plumbing(repository)
    yield Team(repository, plumbing, tmp_path / "trees")
    await plumbing.aclose()


def blob(repo: Path, text: str) -> str:
    done = subprocess.run(
        ["git", "hash-object", "--stdin"], cwd=repo, input=text, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


async def test_a_new_worktree_is_git_s(team: Team, repo: Path) -> None:
    made = await team.prepare()
    assert made.created
    assert made.branch == "workbench/run-1/ada"
    assert git(made.path, "rev-parse", "--show-toplevel") == str(made.path)
    assert git(made.path, "symbolic-ref", "HEAD") == "refs/heads/workbench/run-1/ada"
    assert git(made.path, "status", "--porcelain") == ""
    assert all((made.path / ".workbench" / part).is_dir() for part in ("markers", "inbox", "quarantine"))
    assert str(made.path) in git(repo, "worktree", "list")
    git(repo, "worktree", "prune", "--expire=now")
    git(repo, "fsck", "--strict")
    work = commit(made.path)
    assert git(repo, "rev-parse", "workbench/run-1/ada") == work


async def test_the_user_s_checkout_is_untouched(team: Team, repo: Path) -> None:
    (repo / "README.md").write_text("# edited\n")
    (repo / "staged.txt").write_text("staged")
    git(repo, "add", "staged.txt")

    def state() -> tuple[object, ...]:
        files = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in repo.rglob("*")
                 if p.is_file() and ".git" not in p.parts}  # fmt: skip
        names = ("index", "HEAD", "config", "refs/heads/main")
        return (files, [(repo / ".git" / name).read_bytes() for name in names])

    before = state()
    made = await team.prepare()
    (made.path / "x").write_text("x")
    work = await team.collect()
    async with Checkouts(team.repository, team.root).lease(work.commit):
        pass
    await team.git.merge(team.repository.head, work.commit)
    await team.worktrees.remove("ada")
    assert state() == before


async def test_twelve_at_once(team: Team) -> None:
    made = await asyncio.gather(*(team.prepare(f"mate-{n}") for n in range(12)))
    assert {git(each.path, "status", "--porcelain") for each in made} == {""}
    assert git(team.repository.root, "worktree", "list").count("mate-") == 24  # path and branch


async def test_collect_of_a_clean_tree(team: Team) -> None:
    made = await team.prepare()
    nothing = await team.collect()
    assert (nothing.changed, nothing.snapshot, nothing.commit) == (False, False, team.repository.head)
    (made.path / "x").write_text("x")
    work = commit(made.path)
    got = await team.collect()
    assert (got.commit, got.changed, got.snapshot, got.unresolved) == (work, True, False, ())
    assert await team.git.tip(PIN) == work


ODD = ("-rf", "--all", "a b", "new\nline", "ünï", ":(glob)*", "d/*", "t\ttab", '"quoted"')


async def test_collect_snapshots_everything(team: Team, repo: Path) -> None:
    made = await team.prepare()
    for name in ODD:
        (made.path / name).parent.mkdir(exist_ok=True)
        (made.path / name).write_text(name)
    (made.path / "README.md").unlink()
    (made.path / "src/app.py").rename(made.path / "src/moved.py")
    (made.path / "src/app.py").mkdir()
    (made.path / "src/app.py/inner").write_text("a folder where a file was")
    (made.path / "link").symlink_to("/etc/hostname")
    (made.path / "noise.log").write_text("ignored")
    (made.path / ".workbench/markers/m.json").write_text("{}")
    got = await team.collect()
    assert (got.changed, got.snapshot) == (True, True)
    names = git(repo, "ls-tree", "-r", "-z", "--name-only", got.commit).strip("\0").split("\0")
    assert sorted(names) == sorted([".gitignore", "link", "src/app.py/inner", "src/moved.py", *ODD])
    assert git(repo, "show", "-s", "--format=%an|%cn|%B", got.commit) == "ada|workbench|left\n# over"
    assert git(made.path, "status", "--porcelain") == ""
    assert not (await team.collect()).snapshot


@pytest.mark.parametrize("staged", [False, True])
async def test_a_folder_in_the_place_of_a_file(team: Team, repo: Path, staged: bool) -> None:
    """Git refuses to record the deletion of a file that is a folder now, when it knows of it already."""
    made = await team.prepare()
    git(made.path, "rm", "-q", "README.md")
    (made.path / "README.md").mkdir()
    (made.path / "README.md" / "index").write_text("inside\n")
    if staged:
        git(made.path, "add", "-A")
    work = await team.collect()
    assert git(repo, "ls-tree", "-r", "--name-only", work.commit, "README.md") == "README.md/index"
    git(made.path, "rm", "-r", "-q", "--cached", ".")
    await team.worktrees.remove("ada")
    assert blob(repo, "inside\n") in team.reachable()


async def test_a_link_in_the_place_of_a_folder(team: Team, repo: Path) -> None:
    made = await team.prepare()
    (made.path / "src").rename(made.path / "lib")
    (made.path / "src").symlink_to("lib")
    work = await team.collect()
    listed = git(repo, "ls-tree", "-r", "--name-only", work.commit)
    assert listed.splitlines() == [".gitignore", "README.md", "lib/app.py", "src"]


async def test_a_deletion_that_is_only_staged_is_collected(team: Team, repo: Path) -> None:
    made = await team.prepare()
    git(made.path, "rm", "-q", "README.md")
    work = await team.collect()
    assert (work.changed, work.snapshot) == (True, True)
    assert git(repo, "ls-tree", "--name-only", work.commit, "README.md") == ""


async def test_placeholders_never_reach_a_commit(team: Team, repo: Path) -> None:
    made = await team.prepare()
    for name in (".npmrc", "package.json", ".env.local", "yarn.lock", ".bashrc"):
        (made.path / name).touch()
    os.mkfifo(made.path / "pipe")
    assert not (await team.collect()).snapshot
    (made.path / "bunfig.toml").touch()
    git(made.path, "add", "bunfig.toml")
    assert not (await team.collect()).changed
    git(made.path, "add", "-f", "package.json")
    (made.path / "real.txt").write_text("x")
    (made.path / "empty.txt").touch()
    commit(made.path)
    (made.path / ".vscode").mkdir()
    (made.path / ".vscode/settings.json").write_text("{}")
    (made.path / ".mcp.json").write_text("{}")
    got = await team.collect()
    names = git(repo, "ls-tree", "-r", "--name-only", got.commit).split()
    assert set(names) == {".gitignore", "README.md", "src/app.py", "real.txt", "empty.txt",
                          ".vscode/settings.json", ".mcp.json"}  # fmt: skip


async def test_a_tracked_empty_file_is_the_user_s(team: Team, repo: Path) -> None:
    (repo / ".npmrc").touch()
    (repo / "package.json").write_text("{}")
    start = commit(repo)
    made = await team.prepare(start=start)
    (made.path / "package.json").write_text("")
    (made.path / "x").write_text("x")
    got = await team.collect(start=start)
    assert git(repo, "show", f"{got.commit}:.npmrc") == git(repo, "show", f"{got.commit}:package.json") == ""


async def test_reuse_resets_and_loses_nothing(team: Team, repo: Path) -> None:
    made = await team.prepare()
    texts = {name: f"precious {name}" for name in ("staged", "untracked", "committed", "detached", "edited")}
    (made.path / "c.txt").write_text(texts["committed"])
    commit(made.path)
    git(made.path, "checkout", "-q", "--detach", "HEAD~1")
    (made.path / "d.txt").write_text(texts["detached"])
    commit(made.path)
    (made.path / "s.txt").write_text(texts["staged"])
    git(made.path, "add", "s.txt")
    (made.path / "u.txt").write_text(texts["untracked"])
    (made.path / "README.md").write_text(texts["edited"])
    (made.path / "keep.log").write_text("a cache")
    again = await team.prepare()
    assert not again.created
    assert again.pinned
    assert again.pinned.startswith("refs/workbench/run-1/salvage/ada/")
    assert git(again.path, "status", "--porcelain", "--branch").splitlines() == ["## workbench/run-1/ada"]
    assert git(again.path, "rev-parse", "HEAD") == team.repository.head
    assert (again.path / "keep.log").exists()
    assert all(blob(repo, text) in team.reachable() for text in texts.values())
    assert (await team.prepare()).pinned is None


@pytest.mark.parametrize("operation", ["merge", "rebase", "cherry-pick"])
async def test_reuse_in_the_middle_of_an_operation(team: Team, repo: Path, operation: str) -> None:
    made = await team.prepare()
    (made.path / "README.md").write_text("# one\n")
    one = commit(made.path)
    git(made.path, "checkout", "-q", "-b", "side", "HEAD~1")
    (made.path / "README.md").write_text("# two\n")
    two = commit(made.path)
    git(made.path, operation, one, fine=(1,))
    got = await team.collect()
    assert got.unresolved == ("README.md",)
    assert git(made.path, "ls-files", "-u"), "the agent's merge is left as it was"
    again = await team.prepare()
    assert git(again.path, "status").endswith("working tree clean")
    assert "side" not in git(again.path, "status")
    assert one in team.reachable()
    assert two in team.reachable()
    assert again.pinned


async def test_rewritten_history_and_orphans_are_collected(team: Team, repo: Path) -> None:
    made = await team.prepare()
    (made.path / "x").write_text("first")
    commit(made.path)
    first = (await team.collect()).commit
    (made.path / "x").write_text("second")
    git(made.path, "commit", "-qa", "--amend", "-m", "rewritten")
    second = (await team.collect()).commit
    assert first != second
    assert first in team.reachable(), "what a pin let go of is kept by another"
    git(made.path, "checkout", "-q", "--orphan", "fresh")
    (made.path / "y").write_text("orphan")
    orphan = await team.collect()
    assert await team.git.is_ancestor(team.repository.head, orphan.commit)
    assert blob(repo, "orphan") in team.reachable()


async def test_leftovers_on_a_foreign_branch_do_not_move_it(team: Team, repo: Path) -> None:
    git(repo, "branch", "precious")
    made = await team.prepare()
    git(made.path, "checkout", "-q", "precious")
    (made.path / "x").write_text("x")
    got = await team.collect()
    assert got.changed
    assert git(repo, "rev-parse", "precious") == team.repository.head


async def test_a_deleted_git_file_never_makes_git_answer_for_a_parent(team: Team, repo: Path) -> None:
    team.root = repo / "nested"
    team.again()
    made = await team.prepare()
    (made.path / "x").write_text("only here")
    (made.path / ".git").unlink()
    with pytest.raises(GitError, match=r"\.git file"):
        await team.collect()
    again = await team.prepare()
    assert blob(repo, "only here") in team.reachable()
    assert git(again.path, "rev-parse", "--show-toplevel") == str(again.path)
    shutil.rmtree(again.path / ".git", ignore_errors=True)
    (again.path / ".git").unlink()
    git(again.path, "init", "-q")
    assert git((await team.prepare()).path, "rev-parse", "HEAD") == team.repository.head
    shutil.rmtree(made.path)
    with pytest.raises(GitError, match="is gone"):
        await team.collect()
    assert (await team.prepare()).created


async def test_a_branch_that_was_made_symbolic_carries_nothing_to_the_users_branch(
    team: Team, repo: Path
) -> None:
    made = await team.prepare()
    own = commit(made.path, "own")
    main = git(repo, "rev-parse", "main")
    ref = "refs/heads/workbench/run-1/ada"
    for left in ("committed", ""):
        git(repo, "symbolic-ref", ref, "refs/heads/main")
        (made.path / "x").write_text(left)
        if left:
            got = await team.collect()
            assert got.changed and git(repo, "rev-parse", f"{got.commit}^") == own
        else:
            await team.prepare()
        assert git(repo, "rev-parse", "main") == main
        assert git(repo, "symbolic-ref", "-q", ref, fine=(1,)) == ""


async def test_a_lost_record_and_a_damaged_index_are_mended(team: Team, repo: Path) -> None:
    made = await team.prepare()
    (made.path / "x").write_text("one")
    shutil.rmtree(repo / ".git/worktrees")
    await team.prepare()
    (made.path / "x").write_text("two")
    admin = Path(git(made.path, "rev-parse", "--absolute-git-dir"))
    (admin / "index").write_bytes(b"garbage")
    await team.prepare()
    assert {blob(repo, "one"), blob(repo, "two")} <= set(team.reachable().split())
    assert git(made.path, "status", "--porcelain") == ""


async def test_leftovers_of_a_killed_process_are_mended(team: Team, repo: Path) -> None:
    made = await team.prepare()
    admin = Path(git(made.path, "rev-parse", "--absolute-git-dir"))
    (admin / "index.lock").touch()
    (repo / ".git/refs/heads/workbench/run-1/ada.lock").touch()
    (admin / "workbench-ready").unlink()
    assert git((await team.prepare()).path, "status", "--porcelain") == ""
    git(repo, "branch", "workbench/run-1/bob", commit(made.path))  # a branch without its worktree
    assert (await team.prepare("bob")).created


async def test_killed_while_checking_out(team: Team, tmp_path: Path) -> None:
    script = (
        "import asyncio, sys, os, signal\nfrom pathlib import Path\n"
        "from workbench.adapters.git import worktrees as w\n"
        "from workbench.adapters.git.plumbing import Plumbing\n"
        "from workbench.adapters.git.repository import open_repository\n"
        "async def main():\n"
        "    r = await open_repository(Path(sys.argv[1]))\n"
        "    async def dead(*a, **k): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    w.run = dead\n"
        "    await w.Worktrees(r, Plumbing(r), Path(sys.argv[2]), 'run-1').prepare(\n"
        "        'ada', r.head, carry=None, keep=False, sparse=())\n"
        "asyncio.run(main())\n"
    )
    words = [sys.executable, "-c", script, str(team.repository.root), str(team.root)]
    killed = await asyncio.create_subprocess_exec(*words)
    assert await killed.wait() == -signal.SIGKILL
    made = await team.prepare()
    assert git(made.path, "status", "--porcelain") == ""


async def test_no_driver_runs_when_earlier_work_is_merged_in(team: Team, repo: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    git(repo, "config", "merge.a=b.driver", f"touch {seen}; cp %B %A")
    (repo / ".gitattributes").write_text("f merge=a=b\n")
    (repo / "f").write_text("base\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a file")
    base = git(repo, "rev-parse", "HEAD")
    tips = []
    for text in ("ours\n", "theirs\n"):
        git(repo, "checkout", "-q", "--detach", base)
        (repo / "f").write_text(text)
        git(repo, "commit", "-q", "-am", text)
        tips.append(git(repo, "rev-parse", "HEAD"))
    prepared = await team.prepare(start=tips[0], carry=tips[1])
    assert prepared.conflicts == ("f",)
    assert not seen.exists()


async def test_carry_clean_conflicting_and_resolved(team: Team, repo: Path) -> None:
    made = await team.prepare()
    (made.path / "README.md").write_text("# mine\n")
    work = commit(made.path)
    (repo / "other.txt").write_text("x")
    clean = commit(repo)
    merged = await team.prepare(start=clean, carry=work)
    assert merged.conflicts == ()
    parents = git(made.path, "show", "-s", "--format=%P", "HEAD").split()
    assert parents == [clean, work]
    assert (await team.collect(start=clean)).changed

    (repo / "README.md").write_text("# theirs\n")
    start = commit(repo)
    torn = await team.prepare(start=start, carry=work)
    assert torn.conflicts == ("README.md",)
    assert "|||||||" in (made.path / "README.md").read_text()
    team.again()  # the record outlives the process
    assert (await team.prepare(start=start, keep=True)).conflicts == ("README.md",)
    first = await team.collect(start=start)
    assert first.unresolved == ("README.md",)
    (made.path / "README.md").write_text("# mine and theirs\n")
    done = await team.collect(start=start)
    assert (done.unresolved, done.snapshot) == ((), True)
    assert git(repo, "show", "-s", "--format=%P", done.commit).split() == [start, work]
    assert (await team.git.merge(start, done.commit)).clean
    commit_with_markers = made.path / "README.md"
    commit_with_markers.write_text("<<<<<<< a\n=======\n>>>>>>> b\n")
    commit(made.path)
    assert (await team.collect(start=start)).unresolved == ("README.md",)


async def test_a_deletion_conflict_stays_open_until_decided(team: Team, repo: Path) -> None:
    made = await team.prepare()
    (made.path / "README.md").unlink()
    work = commit(made.path)
    (repo / "README.md").write_text("# changed\n")
    start = commit(repo)
    assert (await team.prepare(start=start, carry=work)).conflicts == ("README.md",)
    assert (await team.collect(start=start)).unresolved == ("README.md",)
    git(made.path, "rm", "-q", "README.md")
    assert (await team.collect(start=start)).unresolved == ()


async def test_keep_leaves_everything(team: Team) -> None:
    made = await team.prepare()
    (made.path / "half.txt").write_text("half done")
    kept = await team.prepare(keep=True)
    assert (kept.created, (kept.path / "half.txt").read_text()) == (False, "half done")
    assert (await team.prepare("new", keep=True)).created


async def test_copy_link_and_setup(team: Team, repo: Path, tmp_path: Path) -> None:
    (repo / ".env").write_text("SECRET=1")
    (repo / "local.cfg").write_text("not ignored")
    (repo / "node_modules").mkdir()
    (repo / "node_modules/dep.js").write_text("x")
    (tmp_path / "outside").write_text("x")
    team.again(
        copy=(".env", "*.cfg", "gone.txt", "../outside", "README.md"),
        link=("node_modules",),
        setup=("echo made > made.log; echo hello",),
    )
    made = await team.prepare()
    assert (made.path / ".env").read_text() == "SECRET=1"
    assert (made.path / "node_modules").is_symlink()
    assert (made.path / "made.log").exists()
    assert len(team.notices) == 2
    assert git(made.path, "status", "--porcelain") == ""
    git(made.path, "add", "-A")
    assert not (await team.collect()).snapshot
    (made.path / "made.log").unlink()
    await team.prepare()
    assert not (made.path / "made.log").exists(), "set up once"
    assert (made.path / "local.cfg").exists()


async def test_failing_setup_is_explained_and_tried_again(team: Team) -> None:
    team.again(setup=("echo broken; test -e /nonexistent",))
    for _ in range(2):
        with pytest.raises(SetupError, match="broken"):
            await team.prepare()
    team.again()
    await team.prepare()


async def test_cancelled_preparation_is_mended(team: Team, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    team.again(setup=(f"echo begun > {begun}; exec cat < /dev/zero > /dev/null",))
    preparing = asyncio.ensure_future(team.prepare())
    assert await asyncio.to_thread(begun.read_text) == "begun\n"
    preparing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await preparing
    team.again(setup=("echo whole > whole.log",))
    assert ((await team.prepare()).path / "whole.log").exists()


async def test_hooks_and_filters_of_the_repository(team: Team, repo: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    for hook in ("pre-commit", "post-commit", "post-checkout", "reference-transaction", "commit-msg",
                 "post-merge", "post-index-change"):  # fmt: skip
        file = repo / ".git/hooks" / hook
        file.write_text(f"#!/bin/sh\necho {hook} >> {told}\n")
        file.chmod(0o755)
    git(repo, "config", "core.fsmonitor", f"echo fsmonitor >> {told}; false")
    git(repo, "config", "commit.gpgSign", "true")
    git(repo, "config", "filter.up.smudge", "tr a-z A-Z")
    git(repo, "config", "filter.up.clean", "tr A-Z a-z")
    (repo / ".git/info/attributes").write_text("*.up filter=up\n")
    made = await team.prepare()
    (made.path / "x.up").write_text("LOUD")
    got = await team.collect()
    async with Checkouts(team.repository, team.root).lease(got.commit) as path:
        assert (path / "x.up").read_text() == "LOUD"
    await team.git.move_ref("refs/heads/workbench/run-1/integration", got.commit, None, "x")
    assert not told.exists()
    assert git(repo, "cat-file", "blob", f"{got.commit}:x.up") == "loud"


async def test_a_repository_inside_is_moved_aside(team: Team) -> None:
    made = await team.prepare()
    git(made.path, "init", "-q", "inner")
    (made.path / "inner/x").write_text("x")
    assert not (await team.collect()).snapshot
    await team.prepare()
    assert not (made.path / "inner").exists()
    assert len(list(team.root.glob("kept/*/inner/x"))) == 1


async def test_ignored_here_but_not_there_is_no_work_of_the_next_task(team: Team) -> None:
    made = await team.prepare()
    (made.path / ".gitignore").write_text("build/\n")
    (made.path / "build").mkdir()
    (made.path / "build/out").write_text("x")
    commit(made.path)
    await team.collect()
    await team.prepare()
    assert not (await team.collect()).changed


async def test_remove_keeps_the_work(team: Team, repo: Path) -> None:
    made = await team.prepare()
    (made.path / "x").write_text("unlanded")
    await team.worktrees.remove("ada")
    await team.worktrees.remove("ada")
    assert not made.path.exists()
    assert str(made.path) not in git(repo, "worktree", "list")
    assert blob(repo, "unlanded") in team.reachable()
    assert git(repo, "rev-parse", "workbench/run-1/ada") == team.repository.head


async def test_a_branch_from_before_is_pinned(team: Team, repo: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    old = commit(repo, "old work")
    git(repo, "branch", "workbench/run-1/ada", old)
    git(repo, "checkout", "-q", "main")
    made = await team.prepare()
    assert made.pinned
    assert await team.git.tip(made.pinned) == old


async def test_sparse_follows_the_task(team: Team, repo: Path) -> None:
    for folder in ("a/deep", "b", "c"):
        (repo / folder).mkdir(parents=True)
        (repo / folder / "f.txt").write_text(folder)
    start = commit(repo)
    team.again(sparse=True)
    made = await team.prepare(start=start, sparse=("a/**", "b/*.txt"))
    present = [folder for folder in ("a/deep", "b", "c", "src") if (made.path / folder / "").exists()]
    assert present == ["a/deep", "b"]
    (made.path / "a/new.txt").write_text("x")
    assert (await team.collect(start=start)).changed
    await team.prepare(start=start, sparse=("c/f.txt",))
    assert (made.path / "c/f.txt").exists()
    assert not (made.path / "b/f.txt").exists()
    await team.prepare(start=start)
    assert (made.path / "src/app.py").exists()


async def test_submodules_are_left_alone(team: Team, repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(repo), "sub")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "sub"), "lib")
    start = commit(repo)
    made = await team.prepare(start=start)
    (made.path / "x").write_text("x")
    got = await team.collect(start=start)
    assert await team.git.changed_files(start, got.commit) == ("x",)
    async with Checkouts(team.repository, team.root).lease(got.commit) as path:
        assert (path / "x").exists()


async def test_what_was_written_into_a_submodule_that_is_not_checked_out_is_moved_aside(
    team: Team, repo: Path, tmp_path: Path
) -> None:
    """Git says nothing of it, and so it would stay for the next task, and be gone with the worktree."""
    git(tmp_path, "clone", "-q", str(repo), "sub")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "sub"), "lib/one")
    start = commit(repo)
    made = await team.prepare(start=start)
    for text in ("first", "second"):
        (made.path / "lib/one/deep").mkdir()
        (made.path / "lib/one/deep/code.py").write_text(text)
        assert git(made.path, "status", "--porcelain") == ""
        if text == "first":
            got = await team.collect(start=start)
            assert not got.changed and any("is not committed" in note for note in team.notices)
            again = await team.prepare(start=start)
            assert again.path == made.path and list((made.path / "lib/one").iterdir()) == []
        else:
            await team.worktrees.remove("ada")
            assert not made.path.exists()
    kept = sorted(path.read_text() for path in team.root.glob("kept/*/one/deep/code.py"))
    assert kept == ["first", "second"]
    assert sum("was moved to" in note for note in team.notices) == 2


async def test_a_submodules_folder_that_leads_elsewhere_is_nobodys_to_move(
    team: Team, repo: Path, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "one").mkdir(parents=True)
    (theirs / "one" / "precious").write_text("x")
    (repo / ".gitmodules").write_text("")
    start = commit(repo)
    made = await team.prepare(start=start)
    (made.path / "lib").symlink_to(theirs)
    git(made.path, "update-index", "--add", "--cacheinfo", f"160000,{start},lib/one")
    await team.prepare(start=start)
    assert (theirs / "one" / "precious").exists()
    assert not (team.root / "kept").exists()


async def test_a_submodules_folder_is_moved_once_whatever_the_index_says(team: Team, repo: Path) -> None:
    """In a merge with conflicts it is listed three times; one inside another no git lists."""
    (repo / ".gitmodules").write_text("")
    start = commit(repo)
    made = await team.prepare(start=start)
    stages = "".join(f"160000 {start} {stage}\tlib/one\n" for stage in (1, 2, 3))
    inside = f"160000 {start} 0\tlib/one/two\n"
    for listed in (stages, stages + inside):
        fed = ["git", "update-index", "--index-info"]
        await asyncio.to_thread(subprocess.run, fed, cwd=made.path, input=listed, text=True, check=True)
        (made.path / "lib/one/two").mkdir(parents=True)
        (made.path / "lib/one/two/code.py").write_text("x")
        await team.prepare(start=start)
    assert len(list(team.root.glob("kept/*"))) == 2
    assert sum("was moved to" in note for note in team.notices) == 2


@pytest.mark.parametrize("name", ["", "../x", "-x", "a/b", "a..b", "x.lock", "a b", "x."])
async def test_names_that_could_be_paths_are_refused(team: Team, name: str) -> None:
    with pytest.raises(UsageError):
        await team.prepare(name)


async def test_the_exclude_block_is_written_once(team: Team, repo: Path) -> None:
    file = repo / ".git/info/exclude"
    file.write_text("mine")
    await team.prepare()
    once = file.read_text()
    assert once.startswith("mine\n# >>> workbench")
    team.again()
    await team.prepare("bob")
    assert file.read_text() == once


async def test_checkouts_are_reused_clean_and_wait_their_turn(team: Team, repo: Path) -> None:
    first = team.repository.head
    (repo / "two.txt").write_text("2")
    second = commit(repo)
    pool = Checkouts(team.repository, team.root, slots=1)
    async with pool.lease(first) as path:
        (path / "junk.txt").write_text("x")
        (path / "cache.log").write_text("x")
        (path / "README.md").write_text("broken")
        git(path, "init", "-q", "nested")
    seen: list[str] = []

    async def use(name: str, urgent: bool) -> None:
        async with pool.lease(second, urgent) as again:
            seen.append(name)
            assert again == path
            assert git(again, "status", "--porcelain") == ""
            assert git(again, "rev-parse", "HEAD") == second
            assert (again / "cache.log").exists()
            assert not (again / "nested").exists()

    async with pool.lease(second):
        waiting = [asyncio.ensure_future(use(name, name == "urgent")) for name in ("a", "b", "urgent", "c")]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*waiting, return_exceptions=True)
    assert seen == ["urgent", "b", "c"]
    (path / ".git").unlink()
    async with pool.lease(first) as mended:
        assert git(mended, "rev-parse", "--show-toplevel") == str(mended)
    with pytest.raises(GitError):
        async with pool.lease("f" * 40):
            raise AssertionError("there is no such commit")
    await pool.aclose()
    await pool.aclose()
    assert not path.exists()
    assert "gate-" not in git(repo, "worktree", "list")


LISTED = ("notes/**", "*.sqlite", "keep")


async def test_listed_ignored_files_are_kept_and_never_delivered(team: Team, repo: Path) -> None:
    (repo / ".gitignore").write_text("notes/\n*.sqlite\nkeep/\n*.log\n")
    start = commit(repo)
    worktrees = team.again(salvage=LISTED)
    made = await team.prepare(start=start)
    texts = {"notes/a b\nc.md": "a note", "deep/down/x.sqlite": "rows", "keep/all/of it": "kept"}
    for name, text in texts.items():
        (made.path / name).parent.mkdir(parents=True, exist_ok=True)
        (made.path / name).write_text(text)
    odd = os.fsencode(made.path) + b"/notes/\xff.md"
    Path(os.fsdecode(odd)).write_bytes(b"odd\xff\0bytes")
    (made.path / "noise.log").write_text("not listed")
    (made.path / "notes" / "out").symlink_to("/etc")
    (made.path / "work.txt").write_text("work")
    delivered = await team.collect(start=start)
    assert git(repo, "ls-tree", "-r", "--name-only", delivered.commit).splitlines() == [
        ".gitignore", "README.md", "src/app.py", "work.txt",
    ]  # fmt: skip

    again = await team.prepare(start=start)

    assert again.pinned == "refs/workbench/run-1/salvage/ada/1"
    names = await team.git.changed_files(start, await team.git.tip(again.pinned) or "")
    assert set(names) == {os.fsdecode(b"notes/\xff.md"), "notes/out", "work.txt", *texts}
    odder = f"{again.pinned}:{os.fsdecode(odd.rpartition(b'/notes/')[2])}"
    assert await team.git.objects.contents(odder.replace(":", ":notes/")) == b"odd\xff\0bytes"
    for name, text in texts.items():
        assert git(repo, "show", f"{again.pinned}:{name}") == text
    said = git(repo, "log", "-1", "--format=%B", again.pinned)
    assert "Workbench-Salvaged: 20" in said and "before the worktree was reset" in said
    assert (again.path / "notes/a b\nc.md").exists(), "ignored files stay where they are"
    assert (await team.prepare(start=start)).pinned is None, "nothing new"
    (again.path / "deep/down/x.sqlite").write_text("more rows")
    await worktrees.remove("ada")
    assert git(repo, "show", "refs/workbench/run-1/salvage/ada/2:deep/down/x.sqlite") == "more rows"
    assert "before the worktree was removed" in git(
        repo, "log", "-1", "--format=%B", "refs/workbench/run-1/salvage/ada/2"
    )


async def test_salvaging_again_after_a_kill_pins_nothing_twice(team: Team, repo: Path) -> None:
    made = await team.prepare()
    (made.path / "x").write_text("once")
    kept = shutil.copytree(team.root, team.root.with_name("as it was"), symlinks=True)
    pinned = (await team.prepare()).pinned
    shutil.rmtree(made.path)
    shutil.copytree(kept / "team" / "ada", made.path, symlinks=True)
    team.again()
    await team.worktrees.remove("ada")
    pins = git(repo, "for-each-ref", "--format=%(refname)", "refs/workbench/run-1/salvage")
    assert git(repo, "show", f"{pinned}:x") == "once"
    trees = {git(repo, "rev-parse", f"{ref}^{{tree}}") for ref in pins.split()}
    assert len(trees) == len(pins.split())


@pytest.mark.parametrize("step", ["prepare", "remove"])
async def test_a_link_in_the_place_of_a_worktree_is_not_followed(
    team: Team, tmp_path: Path, step: str
) -> None:
    home = tmp_path / "precious"
    home.mkdir()
    (home / "diary.txt").write_text("mine")
    made = await team.prepare()
    work = commit(made.path)
    shutil.rmtree(made.path)
    made.path.symlink_to(home)
    with pytest.raises(GitError, match="is gone"):
        await team.collect()
    await (team.prepare() if step == "prepare" else team.worktrees.remove("ada"))
    await team.worktrees.aclose()
    assert [it.name for it in home.iterdir()] == ["diary.txt"]
    assert not made.path.is_symlink() and made.path.is_dir() == (step == "prepare")
    assert work in team.reachable()
    assert any(str(home) in notice for notice in team.notices)


async def test_links_in_what_is_deleted_are_not_followed(team: Team, tmp_path: Path) -> None:
    home = tmp_path / "precious"
    (home / "locked").mkdir(parents=True)
    (home / "diary.txt").write_text("mine")
    (home / "locked").chmod(0o555)
    made = await team.prepare()
    (made.path / "home").symlink_to(home)
    deep = made.path / "mod" / "cache"
    deep.mkdir(parents=True)
    (deep / "home").symlink_to(home)
    (deep / "file").write_text("x")
    deep.chmod(0o555)
    async with Checkouts(team.repository, team.root).lease(team.repository.head) as gate:
        (gate / "home").symlink_to(home)
    await team.worktrees.remove("ada")
    await team.worktrees.aclose()
    assert not made.path.exists() and not (team.root / "trash").exists()
    assert (home / "diary.txt").read_text() == "mine" and (home / "locked").stat().st_mode & 0o777 == 0o555


@pytest.mark.parametrize("missing", ["record", "index", "checkout", "branch", "files"])
async def test_a_half_made_worktree_is_removed_and_what_is_in_it_kept(
    team: Team, repo: Path, missing: str
) -> None:
    made = await team.prepare()
    (made.path / "odd \n name").write_text("precious")
    work = commit(made.path) if missing in ("files", "branch") else ""
    admin = Path(git(made.path, "rev-parse", "--absolute-git-dir"))
    if missing == "record":
        shutil.rmtree(admin)
    elif missing == "index":
        (admin / "index").unlink()
        (admin / "index.lock").touch()
    elif missing == "checkout":
        (made.path / "README.md").unlink()
        shutil.rmtree(made.path / "src")
    elif missing == "branch":
        git(repo, "update-ref", "-d", "refs/heads/workbench/run-1/ada")
    else:
        shutil.rmtree(made.path)
    team.again()
    await team.worktrees.remove("ada")
    await team.worktrees.aclose()
    assert not made.path.exists() and not admin.exists()
    git(repo, "update-ref", "-d", "refs/heads/workbench/run-1/ada")
    assert blob(repo, "precious") in team.reachable()
    assert not work or missing == "branch" or work in team.reachable()


async def test_an_attempt_goes_on_from_its_pin_when_its_worktree_was_removed(team: Team, repo: Path) -> None:
    made = await team.prepare()
    (made.path / "wip").write_text("half")
    left = await team.collect()
    await team.worktrees.remove("ada")
    await team.worktrees.aclose()
    git(repo, "update-ref", "-d", "refs/heads/workbench/run-1/ada")
    team.again()
    again = await team.prepare(carry=left.commit, keep=True)
    assert again.created and not again.conflicts
    assert (again.path / "wip").read_text() == "half"


async def test_changes_that_were_hidden_from_git_are_kept_when_the_worktree_goes(
    team: Team, repo: Path
) -> None:
    made = await team.prepare()
    git(made.path, "update-index", "--assume-unchanged", "README.md")
    (made.path / "README.md").write_text("hidden work")
    assert git(made.path, "status", "--porcelain") == ""
    await team.worktrees.remove("ada")
    assert blob(repo, "hidden work") in team.reachable()
