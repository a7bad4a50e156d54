"""The Git port on real git: merges, refs, objects, and what other processes do meanwhile."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from workbench.adapters.git import diffs, process
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import open_repository, resolve
from workbench.errors import GitError, SetupError


def git(where: Path, *words: str, fine: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(["git", *words], cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode in fine, done.stderr
    return done.stdout.strip()


def commit(where: Path, message: str = "work") -> str:
    git(where, "add", "-A")
    git(where, "commit", "-q", "--allow-empty", "-m", message)
    return git(where, "rev-parse", "HEAD")


@pytest.fixture(params=[True, False], ids=["batched", "a process each"])
async def plumbing(repo: Path, request: pytest.FixtureRequest) -> AsyncIterator[Plumbing]:
    made = Plumbing(await open_repository(repo), batch_merges=request.param)
    yield made
    await made.aclose()
    await made.aclose()


@pytest.fixture
async def one(repo: Path) -> AsyncIterator[Plumbing]:
    made = Plumbing(await open_repository(repo))
    yield made
    await made.aclose()


Edit = Callable[[Path], object]


def executable(where: Path) -> None:
    (where / "src/app.py").chmod(0o755)


def rename_and_edit(where: Path) -> None:
    git(where, "mv", "src/long.txt", "src/renamed.txt")


def edit_long(where: Path) -> None:
    lines = (where / "src/long.txt").read_text().splitlines()
    (where / "src/long.txt").write_text("\n".join([*lines[:-1], "the end"]) + "\n")


CLEAN: dict[str, tuple[Edit, Edit]] = {
    "rename and edit": (rename_and_edit, edit_long),
    "delete": (lambda w: (w / "README.md").unlink(), edit_long),
    "mode": (executable, edit_long),
    "binary": (lambda w: (w / "b.bin").write_bytes(bytes(range(256))), edit_long),
    "crlf": (lambda w: (w / "crlf.txt").write_bytes(b"a\r\nb\r\n"), edit_long),
    "symlink": (lambda w: (w / "link").symlink_to("README.md"), edit_long),
    "unicode": (lambda w: (w / "zażółć\n-naïve☃.txt").write_text("x"), lambda w: (w / "-f").write_text("y")),
    "same change": (edit_long, edit_long),
}


def branches(repo: Path, ours: Edit, theirs: Edit) -> tuple[str, str]:
    (repo / "src/long.txt").write_text("\n".join(f"line {n}" for n in range(40)) + "\n")
    commit(repo, "base")
    base = git(repo, "rev-parse", "HEAD")
    ids = []
    for name, edit in (("ours", ours), ("theirs", theirs)):
        git(repo, "checkout", "-q", "-b", name, base)
        edit(repo)
        ids.append(commit(repo, name))
    git(repo, "checkout", "-q", "main")
    return ids[0], ids[1]


@pytest.mark.parametrize("name", CLEAN)
async def test_clean_merges_are_git_s_own_tree(repo: Path, plumbing: Plumbing, name: str) -> None:
    ours, theirs = branches(repo, *CLEAN[name])
    merged = await plumbing.merge(ours, theirs)
    assert merged.clean, merged
    git(repo, "checkout", "-q", "--detach", ours)
    git(repo, "merge", "-q", "--no-ff", "-m", "m", theirs)
    assert merged.tree == git(repo, "rev-parse", "HEAD^{tree}")


async def test_conflicts_name_files_and_show_both_sides(repo: Path, plumbing: Plumbing) -> None:
    ours, theirs = branches(
        repo,
        lambda w: (w / "README.md").write_text("# Ours\n"),
        lambda w: (w / "README.md").write_text("# Theirs\n"),
    )
    merged = await plumbing.merge(ours, theirs)
    assert not merged.clean
    assert merged.paths == ("README.md",)
    assert "# Ours" in merged.hunks
    assert "# Theirs" in merged.hunks
    assert "|||||||" in merged.hunks
    assert (await plumbing.merge(ours, ours)).clean, "the process is still in step"


async def test_modify_delete_and_binary_conflicts(repo: Path, plumbing: Plumbing) -> None:
    (repo / "b.bin").write_bytes(b"\0base")

    def ours(where: Path) -> None:
        (where / "README.md").unlink()
        (where / "b.bin").write_bytes(b"\0ours")

    def theirs(where: Path) -> None:
        (where / "README.md").write_text("# changed\n")
        (where / "b.bin").write_bytes(b"\0theirs")

    merged = await plumbing.merge(*branches(repo, ours, theirs))
    assert merged.paths == ("README.md", "b.bin")
    assert "modify/delete" in merged.hunks


async def test_a_submodule_in_conflict_does_not_hang_the_merge(repo: Path, plumbing: Plumbing) -> None:
    def module(oid: str) -> Edit:
        return lambda where: git(where, "update-index", "--add", "--cacheinfo", f"160000,{oid * 40},module")

    ids: list[str] = []
    for name, oid in (("base", "1"), ("ours", "2"), ("theirs", "3")):
        git(repo, "checkout", "-q", "-B", name, *ids[:1])
        module(oid)(repo)
        git(repo, "commit", "-q", "-m", name)
        ids.append(git(repo, "rev-parse", "HEAD"))

    async with asyncio.timeout(20):  # git glues its advice to the end of the answer
        merged = await plumbing.merge(ids[1], ids[2])
        assert (merged.clean, merged.paths, merged.files) == (False, ("module",), ())
        assert "Merge conflict in module" in merged.hunks
        assert (await plumbing.merge(ids[0], ids[1])).clean, "the process is still in step"


async def test_attributes_of_the_branch_decide(repo: Path, plumbing: Plumbing) -> None:
    (repo / ".gitattributes").write_text("README.md merge=union\n")
    ours, theirs = branches(
        repo,
        lambda w: (w / "README.md").write_text("# Ours\n"),
        lambda w: (w / "README.md").write_text("# Theirs\n"),
    )
    (repo / ".gitattributes").unlink()  # the user's files do not matter
    assert (await plumbing.merge(ours, theirs)).clean


async def test_failures_are_never_conflicts(repo: Path, plumbing: Plumbing) -> None:
    head = git(repo, "rev-parse", "HEAD")
    git(repo, "checkout", "-q", "--orphan", "alien")
    alien = commit(repo, "alien")
    git(repo, "checkout", "-q", "main")
    with pytest.raises(GitError, match="unrelated"):
        await plumbing.merge(head, alien)
    with pytest.raises(GitError):
        await plumbing.merge(head, "0" * 39 + "1")
    with pytest.raises(GitError, match="not a commit id"):
        await plumbing.merge(head, "--help")
    assert (await plumbing.merge(head, head)).clean


async def test_objects_and_refs_written_later_are_seen(repo: Path, plumbing: Plumbing) -> None:
    first = git(repo, "rev-parse", "HEAD")
    assert (await plumbing.merge(first, first)).clean
    assert await plumbing.tip("refs/heads/late") is None
    for packed in (False, True):
        (repo / f"late-{packed}.txt").write_text("x")
        new = commit(repo)
        git(repo, "update-ref", "refs/heads/late", new)
        if packed:
            git(repo, "gc", "-q", "--prune=now")
            git(repo, "pack-refs", "--all", "--prune")
        merged = await plumbing.merge(first, new)
        assert merged.tree == git(repo, "rev-parse", f"{new}^{{tree}}") == await plumbing.tree_of(new)
        assert await plumbing.tip("refs/heads/late") == new
        assert await plumbing.changed_files(first, new)


async def test_links_and_other_repositories_among_what_changed(repo: Path, one: Plumbing) -> None:
    old = git(repo, "rev-parse", "HEAD")
    (repo / "out").symlink_to("../else where")
    (repo / "README.md").unlink()
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{old},vendor")
    (repo / "plain").write_text("x")
    git(repo, "add", "out", "plain", "README.md")
    git(repo, "commit", "-q", "-m", "links")
    new = git(repo, "rev-parse", "HEAD")
    assert await one.links(old, new) == {"out": "../else where", "vendor": ""}
    assert await one.links(new, new) == await one.links(new, old) == {}
    assert await one.changed_files(old, new) == ("README.md", "out", "plain", "vendor")


async def test_processes_that_die_are_replaced(repo: Path, one: Plumbing) -> None:
    head = git(repo, "rev-parse", "HEAD")
    await one.merge(head, head)
    await one.pin("refs/workbench/r/a", head)
    talks = [one.objects._reader, one.refs._pins, one._merges._merger]
    for talk in talks:
        assert talk is not None
        assert talk._process is not None
        os.kill(talk._process.pid, signal.SIGKILL)
        await talk._process.wait()
    assert (await one.merge(head, head)).clean
    await one.pin("refs/workbench/r/b", head)
    assert await one.tip("refs/workbench/r/b") == head


async def test_a_cancelled_question_does_not_shift_answers(repo: Path, one: Plumbing) -> None:
    head = git(repo, "rev-parse", "HEAD")
    for _ in range(20):
        asking = asyncio.ensure_future(one.tip("refs/heads/main"))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert await one.tip("refs/heads/none") is None
        assert await one.tip("refs/heads/main") == head


async def test_move_ref_is_compare_and_swap(repo: Path, one: Plumbing) -> None:
    first = git(repo, "rev-parse", "HEAD")
    second = commit(repo)
    ref = "refs/heads/workbench/r/integration"
    assert await one.move_ref(ref, first, None, "made\nhere")
    assert not await one.move_ref(ref, second, None, "again")
    assert await one.move_ref(ref, second, first, "landed")
    assert not await one.move_ref(ref, first, first, "late")
    assert await one.tip(ref) == second
    assert "landed" in git(repo, "reflog", ref)
    git(repo, "pack-refs", "--all")
    git(repo, "update-ref", ref, first)
    assert not await one.move_ref(ref, first, second, "raced")
    with pytest.raises(GitError):
        await one.move_ref(ref, "f" * 40, first, "no such commit")
    with pytest.raises(GitError, match="ref name"):
        await one.move_ref("--stdin", first, None, "an option")


async def test_racing_writers_lose_no_update(repo: Path, one: Plumbing) -> None:
    """Each of our moves and each of theirs starts from what is there: a chain, nothing dropped."""
    ref, head = "refs/heads/workbench/r/race", git(repo, "rev-parse", "HEAD")
    tree = await one.tree_of(head)
    await one.move_ref(ref, head, None, "start")
    script = (
        f"for i in $(seq 30); do old=$(git rev-parse {ref}); new=$(git commit-tree -p $old -m x {tree});"
        f" git update-ref {ref} $new $old 2>/dev/null && echo won; [ $((i % 7)) = 0 ] && git pack-refs --all;"
        " done; true"
    )
    other = await asyncio.create_subprocess_exec("sh", "-c", script, cwd=repo, stdout=asyncio.subprocess.PIPE)
    ours = 0
    for _ in range(30):
        old = await one.tip(ref)
        assert old is not None
        new = await one.commit(tree, [old], "ours")
        ours += await one.move_ref(ref, new, old, "race")
    out, _ = await other.communicate()
    theirs = out.count(b"won")
    assert int(git(repo, "rev-list", "--count", f"{head}..{ref}")) == ours + theirs
    assert ours


async def test_the_lock_of_a_killed_git_is_removed_from_a_ref_of_ours(
    repo: Path, one: Plumbing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a run whose process was killed while it published would stop there for ever."""
    monkeypatch.setattr(process, "WAITS", (0.01,))
    head = git(repo, "rev-parse", "HEAD")
    for ref in ("refs/heads/workbench/r/integration", "refs/workbench/r/work/a/1"):
        lock = repo / ".git" / f"{ref}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    assert await one.move_ref("refs/heads/workbench/r/integration", head, None, "first")
    await one.pin("refs/workbench/r/work/a/1", head)
    assert await one.tip("refs/workbench/r/work/a/1") == head
    assert not list((repo / ".git").rglob("*.lock"))


@pytest.mark.parametrize(
    ("ref", "opened"), [("refs/heads/theirs", False), ("refs/heads/workbench/r/integration", True)]
)
async def test_a_lock_that_somebody_may_hold_stays(
    repo: Path, one: Plumbing, monkeypatch: pytest.MonkeyPatch, ref: str, opened: bool
) -> None:
    monkeypatch.setattr(process, "WAITS", (0.01,))
    head = git(repo, "rev-parse", "HEAD")
    lock = repo / ".git" / f"{ref}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        if not opened:
            held.close()
        with pytest.raises(GitError, match="lock"):
            await one.move_ref(ref, head, None, "first")
    assert lock.exists()


async def test_a_lock_held_for_a_moment_is_waited_out(repo: Path, one: Plumbing) -> None:
    head = git(repo, "rev-parse", "HEAD")
    await one.pin("refs/workbench/r/a", head)
    lock = repo / ".git/refs/workbench/r/a.lock"
    lock.touch()
    asyncio.get_running_loop().call_later(0.15, lock.unlink)
    new = commit(repo)
    await one.pin("refs/workbench/r/a", new)
    assert await one.tip("refs/workbench/r/a") == new


async def test_commits_are_git_s(repo: Path, one: Plumbing) -> None:
    head = git(repo, "rev-parse", "HEAD")
    made = await one.commit(await one.tree_of(head), [head], "Land é\n\nWorkbench-Task: a")
    git(repo, "fsck", "--strict")
    shown = git(repo, "show", "-s", "--format=%an|%ce|%B", made)
    assert shown == "workbench|workbench@localhost|Land é\n\nWorkbench-Task: a"
    assert await one.is_ancestor(head, made)
    assert not await one.is_ancestor(made, head)
    with pytest.raises(GitError):
        await one.is_ancestor("0" * 39 + "1", head)


async def test_changed_files_with_odd_names(repo: Path, one: Plumbing) -> None:
    head = git(repo, "rev-parse", "HEAD")
    for name in ("-dash", "with space", "new\nline", "é"):
        (repo / name).write_text(name)
    (repo / "README.md").unlink()
    new = commit(repo)
    for _ in range(2):
        assert await one.changed_files(head, new) == tuple(
            sorted(["-dash", "with space", "new\nline", "é", "README.md"])
        )
        assert await one.changed_files(head, head) == ()


async def test_what_is_remembered_is_forgotten_when_git_looks_again(repo: Path, one: Plumbing) -> None:
    before = git(repo, "rev-parse", "HEAD")
    (repo / "README.md").write_text("# Other\n")
    after = commit(repo)
    changed, tree = await one.changed_files(before, after), await one.tree_of(after)
    was = await one.tree_of(before)
    assert changed == ("README.md",)
    git(repo, "update-ref", "refs/heads/main", before)
    git(repo, "read-tree", before)  # the index keeps trees, too
    git(repo, "reflog", "expire", "--expire=all", "--all")
    git(repo, "prune", "--expire=now")
    assert await one.tree_of(after) == tree
    assert await one.changed_files(before, after) == changed
    one.look_again()
    with pytest.raises(GitError, match=after):
        await one.tree_of(after)
    with pytest.raises(GitError, match=after):
        await one.changed_files(before, after)
    with pytest.raises(GitError, match=tree):  # that of the trees, too, which were not asked for just now
        await one._diffs.paths(was, tree)


async def test_no_more_comparisons_are_remembered_than_fit(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trees = [git(repo, "rev-parse", "HEAD^{tree}")]
    for name in ("a", "b"):
        (repo / name).write_text(name)
        trees.append(git(repo, "rev-parse", f"{commit(repo, name)}^{{tree}}"))
    monkeypatch.setattr(diffs, "PATHS", 2)
    differ = diffs.Diffs(process.Place(repo / ".git", repo))
    try:
        one = await differ.entries(trees[0], trees[1])
        assert await differ.entries(trees[0], trees[1]) is one
        two = await differ.entries(trees[0], trees[2])
        assert await differ.entries(trees[0], trees[2]) is two
        assert await differ.entries(trees[0], trees[1]) is not one
    finally:
        await differ.aclose()


async def test_repository_as_it_is(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "new.txt").write_text("x")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    opened = await open_repository(repo / "src")
    monkeypatch.delenv("GIT_DIR")
    assert (opened.root, opened.common_dir, opened.branch) == (repo, repo / ".git", "main")
    assert opened.dirty == ("new.txt",)
    assert await resolve(opened, "main") == opened.head
    for wrong in ("nope", "--help", ":README.md"):
        with pytest.raises(SetupError, match="not a commit"):
            await resolve(opened, wrong)
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "-q", "--detach", str(linked))
    inside = await open_repository(linked)
    assert (inside.root, inside.common_dir, inside.branch) == (linked, repo / ".git", "")
    assert inside.state_dir == opened.state_dir


async def test_repositories_that_cannot_be_used(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = {"not inside": tmp_path / "plain", "bare": tmp_path / "bare", "no commits": tmp_path / "empty",
             "sha256": tmp_path / "sha"}  # fmt: skip
    (tmp_path / "plain").mkdir()
    git(tmp_path, "init", "-q", "--bare", "bare")
    git(tmp_path, "init", "-q", "empty")
    git(tmp_path, "init", "-q", "--object-format=sha256", "sha")
    for words, where in cases.items():
        with pytest.raises(SetupError, match=words) as refused:
            await open_repository(where)
        assert refused.value.hint
    shell = shutil.which("sh")
    assert shell
    old = tmp_path / "bin"
    old.mkdir()
    (old / "git").write_text(f"#!{shell}\necho git version 2.30.1\n")
    (old / "git").chmod(0o755)
    monkeypatch.setattr("workbench.adapters.git.repository.executable", lambda: str(old / "git"))
    with pytest.raises(SetupError, match=r"2\.30\.1 is too old"):
        await open_repository(repo)
