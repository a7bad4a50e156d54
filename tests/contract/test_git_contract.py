"""What Git, Worktrees and Gates promise, kept alike by the fakes and by real git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from workbench.adapters.gates import ShellGates
from workbench.adapters.git.checkouts import Checkouts
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import open_repository
from workbench.adapters.git.worktrees import Worktrees
from workbench.engine import ports
from workbench.errors import GitError
from workbench.testing import FakeGates, FakeGit, FakeWorktrees

REF = "refs/heads/workbench/r/integration"
SAME = {"keep": "same\n"}


class House(Protocol):
    """One implementation of the ports, and how a test sets its scene."""

    @property
    def git(self) -> ports.Git: ...
    @property
    def worktrees(self) -> ports.Worktrees: ...
    @property
    def gates(self) -> ports.Gates: ...

    def commit(self, files: Mapping[str, str], *parents: str) -> str: ...
    def files(self, commit: str) -> dict[str, str]: ...
    def edit(self, path: Path, files: Mapping[str, str]) -> None: ...
    def read(self, path: Path, name: str) -> str: ...
    def lose(self, path: Path) -> None: ...


@dataclass
class FakeHouse:
    git: FakeGit
    worktrees: FakeWorktrees
    gates: FakeGates

    def commit(self, files: Mapping[str, str], *parents: str) -> str:
        return self.git.add(files, *parents)

    def files(self, commit: str) -> dict[str, str]:
        return self.git.files(commit)

    def edit(self, path: Path, files: Mapping[str, str]) -> None:
        self.worktrees.at(path).files.update(files)

    def read(self, path: Path, name: str) -> str:
        return self.worktrees.at(path).files[name]

    def lose(self, path: Path) -> None:
        del self.worktrees.standing[path.name]


@dataclass
class RealHouse:
    repo: Path
    git: Plumbing
    worktrees: Worktrees
    gates: ShellGates

    def _run(self, *words: str, given: str = "") -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.repo, check=True, capture_output=True, text=True, input=given
        )
        return done.stdout

    def commit(self, files: Mapping[str, str], *parents: str) -> str:
        entries = []
        for path, text in files.items():
            blob = self._run("hash-object", "-w", "--stdin", given=text).strip()
            entries.append(f"100644 blob {blob}\t{path}")
        tree = self._run("mktree", given="\n".join(entries) + "\n").strip()
        words = [word for parent in parents for word in ("-p", parent)]
        return self._run("commit-tree", tree, *words, given="a commit").strip()

    def files(self, commit: str) -> dict[str, str]:
        names = self._run("ls-tree", "-r", "--name-only", commit).splitlines()
        return {name: self._run("show", f"{commit}:{name}") for name in names}

    def edit(self, path: Path, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (path / name).write_text(text)

    def read(self, path: Path, name: str) -> str:
        return (path / name).read_text()

    def lose(self, path: Path) -> None:
        (path / ".git").unlink()


def red_where_broken(command: str, files: Mapping[str, str]) -> bool:
    return command == "true" or "ok" in files


@pytest.fixture(params=["fake", "real"])
async def house(request: pytest.FixtureRequest, repo: Path, tmp_path: Path) -> AsyncIterator[House]:
    if request.param == "fake":
        git = FakeGit()
        yield FakeHouse(git, FakeWorktrees(git), FakeGates(git, red_where_broken))
        return
    repository = await open_repository(repo)
    plumbing = Plumbing(repository)
    checkouts = Checkouts(repository, tmp_path / "trees")
    worktrees = Worktrees(repository, plumbing, tmp_path / "trees", "r")
    gates = ShellGates(checkouts, seconds=60.0, env=dict(os.environ))
    yield RealHouse(repo, plumbing, worktrees, gates)
    await checkouts.aclose()
    await plumbing.aclose()


# -- Git ---------------------------------------------------------------------------------------------


async def test_a_ref_moves_only_from_where_it_was_expected(house: House) -> None:
    one = house.commit(SAME)
    two = house.commit({"f": "2\n"}, one)
    assert await house.git.tip(REF) is None
    assert not await house.git.move_ref(REF, two, one, "not there yet")
    assert await house.git.move_ref(REF, one, None, "start")
    assert not await house.git.move_ref(REF, two, None, "there already")
    assert await house.git.tip(REF) == one
    assert await house.git.move_ref(REF, two, one, "on")
    assert not await house.git.move_ref(REF, two, one, "twice")
    assert await house.git.tip(REF) == two


async def test_pins_are_made_and_moved(house: House) -> None:
    one, two = house.commit(SAME), house.commit({"f": "2\n"})
    await house.git.pin("refs/workbench/r/work/a/1", one)
    await house.git.pin("refs/workbench/r/work/a/1", two)
    assert await house.git.tip("refs/workbench/r/work/a/1") == two


async def test_texts_in_place_of_the_marked_files_settle_a_conflict(house: House) -> None:
    base = house.commit({**SAME, "f": "0\n"})
    ours, theirs = house.commit({**SAME, "f": "ours\n"}, base), house.commit({**SAME, "f": "theirs\n"}, base)
    merged = await house.git.merge(ours, theirs)
    (file,) = merged.files
    versions = [await house.git.text(blob) for blob in (file.base, file.ours, file.theirs)]
    assert (file.path, versions) == ("f", ["0\n", "ours\n", "theirs\n"])
    tree = await house.git.with_texts(merged.tree, {"f": "both\n"})
    commit = await house.git.commit(tree, [ours, theirs], "Settle it")
    assert house.files(commit) == {**SAME, "f": "both\n"}
    assert await house.git.text_at(commit, "f") == "both\n"


async def test_a_file_that_both_sides_added_has_no_base(house: House) -> None:
    base = house.commit(SAME)
    merged = await house.git.merge(
        house.commit({**SAME, "f": "ours\n"}, base), house.commit({**SAME, "f": "theirs\n"}, base)
    )
    assert [(file.path, file.base) for file in merged.files] == [("f", "")]


async def test_no_text_settles_a_file_that_one_side_removed(house: House) -> None:
    base = house.commit({**SAME, "f": "0\n", "g": "0\n"})
    merged = await house.git.merge(
        house.commit({**SAME, "g": "ours\n"}, base), house.commit({**SAME, "f": "1\n", "g": "theirs\n"}, base)
    )
    assert not merged.clean
    assert merged.files == ()


async def test_a_text_for_a_file_that_is_not_there_is_refused(house: House) -> None:
    base = house.commit(SAME)
    with pytest.raises(GitError):
        await house.git.with_texts(await house.git.tree_of(base), {"gone": "text\n"})
    assert await house.git.text_at(base, "gone") is None


async def test_a_clean_merge_is_a_tree_to_commit(house: House) -> None:
    base = house.commit(SAME)
    ours, theirs = house.commit(SAME | {"a": "a\n"}, base), house.commit(SAME | {"b": "b\n"}, base)
    merged = await house.git.merge(ours, theirs)
    assert merged.clean
    commit = await house.git.commit(merged.tree, [ours, theirs], "Land it")
    assert house.files(commit) == SAME | {"a": "a\n", "b": "b\n"}
    assert await house.git.tree_of(commit) == merged.tree
    assert await house.git.is_ancestor(ours, commit)
    assert await house.git.is_ancestor(theirs, commit)
    assert await house.git.is_ancestor(commit, commit)
    assert not await house.git.is_ancestor(commit, ours)


async def test_commits_between_follow_first_parents_newest_first(house: House) -> None:
    base = house.commit(SAME)
    side = house.commit(SAME | {"b": "b\n"}, base)
    tree = await house.git.tree_of(side)
    one = await house.git.commit(tree, [base, side], "Land one\n\nWorkbench-Run: r\nWorkbench-Task: one\n")
    two = await house.git.commit(tree, [one], "naïve two")
    found = await house.git.between(base, two)
    assert [commit for commit, _ in found] == [two, one]
    assert [message.strip() for _, message in found] == [
        "naïve two",
        "Land one\n\nWorkbench-Run: r\nWorkbench-Task: one",
    ]
    assert await house.git.between(two, two) == await house.git.between(two, base) == []


async def test_a_conflict_names_its_paths_and_shows_both_sides(house: House) -> None:
    base = house.commit(SAME | {"f": "0\n"})
    ours, theirs = house.commit(SAME | {"f": "us\n"}, base), house.commit(SAME | {"f": "them\n"}, base)
    merged = await house.git.merge(ours, theirs)
    assert (merged.clean, merged.paths) == (False, ("f",))
    for word in ("<<<<<<<", "us\n", "|||||||", "0\n", "=======", "them\n", ">>>>>>>"):
        assert word in merged.hunks


async def test_a_probe_says_of_each_pair_whether_it_would_merge(house: House) -> None:
    base = house.commit(SAME | {"f": "0\n"})
    one = house.commit(SAME | {"f": "1\n"}, base)
    two = house.commit(SAME | {"f": "2\n"}, base)
    aside = house.commit(SAME | {"f": "0\n", "g": "g\n"}, base)
    found = await house.git.probe([(one, two), (one, aside), (one, "1" * 40), (base, one), (two, one)])
    told = [None if isinstance(it, GitError) else (it.clean, it.paths) for it in found]
    assert told == [(False, ("f",)), (True, ()), None, (True, ()), (False, ("f",))]
    for merged, words in ((found[0], ("1\n", "|||||||", "2\n")), (found[4], ("0\n",))):
        assert isinstance(merged, ports.Merged)
        assert all(word in merged.hunks for word in words)
    assert await house.git.probe([]) == []


async def test_the_text_of_a_file_in_a_commit(house: House) -> None:
    commit = house.commit(SAME | {"f": "naïve\n"})
    assert await house.git.text_at(commit, "f") == "naïve\n"
    assert await house.git.text_at(commit, "g") is None


async def test_the_same_change_on_both_sides_is_no_conflict(house: House) -> None:
    base = house.commit(SAME | {"f": "0\n"})
    merged = await house.git.merge(
        house.commit(SAME | {"f": "1\n"}, base), house.commit(SAME | {"f": "1\n", "g": "\n"}, base)
    )
    assert merged.clean


async def test_changed_files_are_sorted_and_know_deletions(house: House) -> None:
    old = house.commit({"a": "1\n", "gone": "x\n", "keep": "k\n"})
    new = house.commit({"a": "2\n", "born": "y\n", "keep": "k\n"}, old)
    assert await house.git.changed_files(old, new) == ("a", "born", "gone")
    assert await house.git.changed_files(new, new) == ()


async def test_an_unknown_commit_is_an_error_not_a_conflict(house: House) -> None:
    known = house.commit(SAME)
    with pytest.raises(GitError):
        await house.git.merge(known, "1" * 40)
    with pytest.raises(GitError):
        await house.git.tree_of("1" * 40)


async def test_closing_twice_is_fine(house: House) -> None:
    await house.git.aclose()
    await house.git.aclose()


# -- Worktrees -----------------------------------------------------------------------------------------


async def prepared(house: House, start: str, carry: str | None = None, keep: bool = False) -> ports.Prepared:
    return await house.worktrees.prepare("ada", start, carry=carry, keep=keep, sparse=())


async def test_a_worktree_holds_its_start_and_what_is_left_in_it_is_collected(house: House) -> None:
    start = house.commit(SAME | {"f": "0\n"})
    ready = await prepared(house, start)
    assert ready.created
    assert house.read(ready.path, "f") == "0\n"
    house.edit(ready.path, {"f": "1\n", "new": "n\n"})
    work = await house.worktrees.collect("ada", start, "Leftovers", "refs/workbench/r/work/a/1")
    assert (work.changed, work.snapshot, work.unresolved) == (True, True, ())
    assert house.files(work.commit) == SAME | {"f": "1\n", "new": "n\n"}
    assert await house.git.tip("refs/workbench/r/work/a/1") == work.commit
    assert await house.git.tree_of(work.commit) == work.tree
    assert await house.git.is_ancestor(start, work.commit)
    again = await house.worktrees.collect("ada", start, "Leftovers", "refs/workbench/r/work/a/1")
    assert (again.commit, again.snapshot) == (work.commit, False)


async def test_untouched_work_is_no_change(house: House) -> None:
    start = house.commit(SAME)
    await prepared(house, start)
    work = await house.worktrees.collect("ada", start, "Leftovers", "refs/workbench/r/work/a/1")
    assert (work.commit, work.changed, work.snapshot) == (start, False, False)


async def test_the_next_task_starts_clean_and_what_was_there_is_pinned(house: House) -> None:
    start = house.commit(SAME)
    ready = await prepared(house, start)
    house.edit(ready.path, {"half": "done\n"})
    second = await prepared(house, start)
    assert (second.path, second.created) == (ready.path, False)
    assert second.pinned is not None
    pinned = await house.git.tip(second.pinned)
    assert pinned is not None
    assert house.files(pinned)["half"] == "done\n"
    work = await house.worktrees.collect("ada", start, "Leftovers", "refs/workbench/r/work/a/2")
    assert not work.changed


async def test_a_continued_attempt_finds_its_worktree_as_it_left_it(house: House) -> None:
    start = house.commit(SAME)
    ready = await prepared(house, start)
    house.edit(ready.path, {"half": "done\n"})
    again = await prepared(house, start, keep=True)
    assert house.read(again.path, "half") == "done\n"


async def test_carried_work_is_merged_in_and_its_conflicts_are_left_to_resolve(house: House) -> None:
    base = house.commit(SAME | {"f": "0\n"})
    start, carry = (
        house.commit(SAME | {"f": "us\n"}, base),
        house.commit(SAME | {"f": "them\n", "g": "g\n"}, base),
    )
    ready = await prepared(house, start, carry)
    assert ready.conflicts == ("f",)
    assert house.read(ready.path, "g") == "g\n"
    assert "<<<<<<<" in house.read(ready.path, "f")
    pin = "refs/workbench/r/work/a/2"
    left = await house.worktrees.collect("ada", start, "Leftovers", pin)
    assert left.unresolved == ("f",)
    house.edit(ready.path, {"f": "both\n"})
    work = await house.worktrees.collect("ada", start, "Leftovers", pin)
    assert work.unresolved == ()
    assert house.files(work.commit)["f"] == "both\n"
    assert await house.git.is_ancestor(carry, work.commit), "so that it merges cleanly from now on"


async def test_a_worktree_that_is_one_no_longer_is_an_error(house: House) -> None:
    start = house.commit(SAME)
    ready = await prepared(house, start)
    house.lose(ready.path)
    with pytest.raises(GitError):
        await house.worktrees.collect("ada", start, "Leftovers", "refs/workbench/r/work/a/1")


async def test_removing_keeps_what_it_held_reachable_and_it_can_be_made_again(house: House) -> None:
    start = house.commit(SAME)
    ready = await prepared(house, start)
    house.edit(ready.path, {"half": "done\n"})
    await house.worktrees.remove("ada")
    await house.worktrees.remove("ada")
    assert (await prepared(house, start)).created


# -- Gates ---------------------------------------------------------------------------------------------


async def test_gates_stop_at_the_first_red_and_give_a_verdict_for_each_that_ran(house: House) -> None:
    bad, good = house.commit(SAME), house.commit(SAME | {"ok": "\n"})
    commands = ["true", "test -e ok", "true"]
    for commit, greens in ((bad, [True, False]), (good, [True, True, True])):
        tree = await house.git.tree_of(commit)
        verdicts = await house.gates.check(commit, tree, commands)
        assert [verdict.green for verdict in verdicts] == greens
        assert [verdict.gate for verdict in verdicts] == commands[: len(greens)]
        assert {(v.tree, v.environment) for v in verdicts} == {(tree, house.gates.environment())}
        assert [verdict.exit_code == 0 for verdict in verdicts] == greens


async def test_no_gates_no_verdicts(house: House) -> None:
    commit = house.commit(SAME)
    assert await house.gates.check(commit, await house.git.tree_of(commit), []) == []
