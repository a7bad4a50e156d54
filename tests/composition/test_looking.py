"""What a viewer looks at besides the log."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git import patches
from workbench.adapters.git.administration import establish, linked_at
from workbench.adapters.git.process import Place as GitPlace
from workbench.adapters.git.process import opening
from workbench.composition.looking import commit_diff, worktree_diff
from workbench.composition.place import Place, open_place
from workbench.core.state import RunState, TeammateState
from workbench.errors import WorkbenchError
from workbench.tui.presenting.diff import FileDiff, parsed

INTEGRATION = "refs/heads/workbench/r/integration"


@pytest.fixture
async def place(repo: Path) -> Place:
    return await open_place(repo)


@pytest.fixture
async def state(place: Place, tmp_path: Path) -> RunState:
    """A run with one teammate, whose worktree stands at the first commit."""
    head = git(place.root, "rev-parse", "HEAD")
    git(place.root, "update-ref", INTEGRATION, head)
    git(place.root, "branch", "workbench/r/ada", head)
    tree = tmp_path / "r" / "team" / "ada"
    tree.parent.mkdir(parents=True)
    establish(linked_at(tree, place.repository.common_dir), "ref: refs/heads/workbench/r/ada", "test")
    git(tree, "reset", "-q", "--hard")
    state = RunState(run="r", integration=INTEGRATION, base=head, tip=head)
    state.teammates["ada"] = TeammateState("ada", 0, worktree=str(tree))
    return state


def tree_of(state: RunState) -> Path:
    return Path(state.teammates["ada"].worktree)


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder, with its size and when it was written."""
    found = (Path(at, name) for at, _, names in os.walk(folder) for name in names)
    return {str(path): ((seen := path.lstat()).st_size, seen.st_mtime_ns) for path in found}


async def files(place: Place, state: RunState) -> dict[str, FileDiff]:
    found = await worktree_diff(place, state, "ada")
    return {file.path: file for file in parsed(found.text).files}


async def test_all_that_a_worktree_holds_is_seen_and_nothing_is_written(
    place: Place, state: RunState
) -> None:
    tree = tree_of(state)
    (tree / "README.md").write_text("# Sample\nmore\n")
    git(tree, "commit", "-qam", "committed")
    (tree / "src" / "app.py").write_text("def greet(name):\n    return 'bye'\n")
    (tree / "staged.txt").write_text("staged\n")
    git(tree, "add", "staged.txt")
    (tree / "new.txt").write_text("one\ntwo\n")
    (tree / ".claude").mkdir()
    (tree / ".claude" / "hooks").write_text("")  # as a sandbox lays it while a command runs
    (tree / "package.json").write_text("")
    before = everything(place.root)
    found = await files(place, state)
    assert {path: (it.kind, it.added, it.removed) for path, it in found.items()} == {
        "README.md": ("changed", 1, 0),
        "src/app.py": ("changed", 1, 1),
        "staged.txt": ("new", 1, 0),
        "new.txt": ("new", 2, 0),
    }
    assert everything(place.root) == before


async def test_what_others_landed_meanwhile_does_not_look_taken_back(place: Place, state: RunState) -> None:
    (place.root / "theirs.txt").write_text("landed\n")
    git(place.root, "add", "-A")
    git(place.root, "commit", "-qm", "theirs")
    git(place.root, "update-ref", INTEGRATION, "HEAD")
    (tree_of(state) / "mine.txt").write_text("mine\n")
    assert list(await files(place, state)) == ["mine.txt"]


async def test_a_conflict_in_progress_is_one_change_of_its_file(place: Place, state: RunState) -> None:
    tree = tree_of(state)
    git(tree, "branch", "other")
    (tree / "README.md").write_text("# Mine\n")
    git(tree, "commit", "-qam", "mine")
    git(tree, "checkout", "-q", "other")
    (tree / "README.md").write_text("# Theirs\n")
    git(tree, "commit", "-qam", "theirs")
    git(tree, "checkout", "-q", "workbench/r/ada")
    with pytest.raises(Exception, match="merge"):
        git(tree, "merge", "-q", "other")
    found = await files(place, state)
    assert list(found) == ["README.md"]
    assert found["README.md"].added >= 3


async def test_nothing_that_the_repository_is_set_up_with_is_run(
    place: Place, state: RunState, tmp_path: Path
) -> None:
    tree, trap = tree_of(state), tmp_path / "sprung"
    command = f"sh -c 'touch {trap}; cat'"
    for key in ("filter.x.clean", "filter.x.process", "diff.x.textconv", "diff.x.command", "diff.external"):
        git(place.root, "config", key, command)
    git(place.root, "config", "filter.x.required", "true")
    git(place.root, "config", "core.fsmonitor", command)
    (tree / ".gitattributes").write_text("* filter=x diff=x\n")
    (tree / "src" / "app.py").write_text("changed\n")
    (tree / "new.txt").write_text("new\n")
    assert set(await files(place, state)) == {".gitattributes", "src/app.py", "new.txt"}
    assert not trap.exists()


async def test_a_diff_that_is_too_long_is_cut_at_a_line_and_says_so(
    place: Place, state: RunState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patches, "MOST", 2_000)
    (tree_of(state) / "long.txt").write_text("a line of text\n" * 10_000)
    found = await worktree_diff(place, state, "ada")
    assert found.note.startswith("only the first")
    assert len(found.text) <= 2_000
    assert found.text.endswith("\n")


async def test_a_worktree_that_is_gone_is_a_sentence(place: Place, state: RunState) -> None:
    tree = tree_of(state)
    tree.rename(tree.with_name("elsewhere"))
    with pytest.raises(WorkbenchError, match="is gone"):
        await worktree_diff(place, state, "ada")
    state.teammates["ada"].worktree = ""
    with pytest.raises(WorkbenchError, match="no worktree yet"):
        await worktree_diff(place, state, "ada")


async def test_without_the_integration_branch_it_is_against_the_base(place: Place, state: RunState) -> None:
    git(place.root, "update-ref", "-d", INTEGRATION)
    state.tip = "0" * 40
    (tree_of(state) / "new.txt").write_text("new\n")
    assert list(await files(place, state)) == ["new.txt"]


async def test_the_difference_of_two_commits(place: Place) -> None:
    old = git(place.root, "rev-parse", "HEAD")
    git(place.root, "mv", "README.md", "READ ME.md")
    (place.root / "blob").write_bytes(b"\0\1\2")
    git(place.root, "add", "-A")
    git(place.root, "commit", "-qm", "second")
    new = git(place.root, "rev-parse", "HEAD")
    found = {file.path: file for file in parsed((await commit_diff(place, old, new)).text).files}
    assert found["READ ME.md"].title == "README.md → READ ME.md (renamed)"
    assert "binary" in found["blob"].facts[0]
    with pytest.raises(WorkbenchError):
        await commit_diff(place, old, "0" * 40)
    with pytest.raises(WorkbenchError, match="is not a commit id"):
        await commit_diff(place, old, "--output=x")


async def test_cancelling_ends_git_and_what_it_started(place: Place, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    waits = ("-c", f"alias.wait=!touch {begun}; sleep 100", "wait")
    where = GitPlace(place.repository.common_dir, place.root)
    async with asyncio.timeout(20):
        reading = asyncio.ensure_future(opening(where, *waits, most=10))
        while not begun.exists():  # noqa: ASYNC110  # another process makes it
            await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
