"""Reverts made in memory: what is left is what the rest would have been, and a kill changes nothing."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import git as run_git
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import open_repository
from workbench.core import events as e
from workbench.core.apply import apply, fold
from workbench.core.models import Reversal, RunSettings, Task
from workbench.core.report import report
from workbench.core.state import Landed, RunState, TaskState, TaskStatus
from workbench.engine.ports import Git
from workbench.engine.undo import Stuck, publish, reverse, undone
from workbench.testing.git import FakeGit
from workbench.testing.playbook import INTEGRATION
from workbench.testing.stage import Stage


def state_of(names: Sequence[str]) -> RunState:
    tasks = {name: TaskState(Task(id=name, title=name), 0, 0, set()) for name in names}
    return RunState(run="r", tasks=tasks, integration=INTEGRATION)


def landing(task: str, commit: str, parent: str, delivered: str, *files: str) -> Landed:
    return Landed(task, 1, "ada", commit, parent, delivered, 0.0, files)


async def landed(git: Git, base: str, work: dict[str, str]) -> list[Landed]:
    """Merge each delivered commit on the one before, as landings do."""
    tip, made = base, []
    for name, delivered in work.items():
        merged = await git.merge(tip, delivered)
        assert merged.clean, merged.paths
        commit = await git.commit(merged.tree, [tip, delivered], name)
        made.append(landing(name, commit, tip, delivered))
        tip = commit
    return made


# -- what is left ----------------------------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[set[str], set[str]]], list[int]]:
    """For each task the files of its own and those of earlier tasks that it changes; and tasks to undo,
    with all that build on them."""
    edits: list[tuple[set[str], set[str]]] = []
    needs: list[set[int]] = []
    owner: dict[str, int] = {}
    touched: set[str] = set()
    for index in range(draw(st.integers(1, 7))):
        own = {f"f{index}{letter}" for letter in draw(st.sets(st.sampled_from("abc"), min_size=1))}
        free = sorted(set(owner) - touched)
        other = draw(st.sets(st.sampled_from(free), max_size=2)) if free else set()
        touched |= other  # each file is changed once more at most, so that every order merges
        needs.append({owner[path] for path in other})
        owner |= dict.fromkeys(own, index)
        edits.append((own, other))
    gone = set(draw(st.sets(st.sampled_from(range(len(edits))), min_size=1)))
    for index, before in enumerate(needs):  # needs point back, so one pass closes it
        if before & gone:
            gone.add(index)
    return edits, sorted(gone, reverse=True)


@settings(max_examples=150, deadline=None)
@given(histories())
def test_undoing_is_as_if_it_had_never_landed(
    history: tuple[list[tuple[set[str], set[str]]], list[int]],
) -> None:
    edits, gone = history
    git, sample = FakeGit(), {"README": "sample\n"}
    base = tip = git.add(sample)
    made: list[Landed] = []
    left: dict[str, str] = {}
    for index, (own, other) in enumerate(edits):
        start = tip if other else base  # on what landed, where it needs something of that
        changed = dict.fromkeys(own | other, f"by {index}\n")
        work = {f"t{index}": git.add(git.files(start) | changed, start)}
        made += asyncio.run(landed(git, tip, work))
        tip = made[-1].commit
        if index not in gone:
            left |= changed

    going = [made[index] for index in gone]
    found = asyncio.run(reverse(state_of([it.task for it in made]), git, tip, going))

    assert isinstance(found, tuple), found
    assert [it.landing for it in found] == [it.commit for it in going]
    assert git.trees[found[-1].tree] == sample | left
    assert set(git.ancestors(found[-1].commit)) >= {it.commit for it in made}, "something is lost"


# -- real git --------------------------------------------------------------------------------------------


def delivered(repo: Path, name: str, change: str) -> str:
    """A commit on the base in which ``change``, a shell script, was made."""
    run_git(repo, "switch", "-q", "-C", name, "main")
    subprocess.run(["sh", "-ec", change], cwd=repo, check=True)
    run_git(repo, "add", "-A")
    run_git(repo, "commit", "-q", "-m", name)
    commit = run_git(repo, "rev-parse", "HEAD")
    run_git(repo, "switch", "-q", "main")
    return commit


LINES = "".join(f"line {number}\\n" for number in range(40))
CHANGES = {
    "top": "sed -i 's/line 3$/line three/' lines.txt",
    "middle": "sed -i '20a between' lines.txt",
    "moved": "git mv src/app.py src/main.py",
    "mode": "chmod +x run.sh",
    "gone": "git rm -q old.bin",
    "link": "ln -s README.md link; mkdir -p ü; printf 'é\\r\\n' > 'ü/ñ .txt'",
    "binary": "printf '\\000\\001\\002' > new.bin",
    "bottom": "echo last >> lines.txt",
}


async def _undone_is_never_landed(
    git: Git, base: str, work: dict[str, str], gone: Sequence[str]
) -> tuple[str, str]:
    """The tree after undoing ``gone``, and the tree that landing only the rest gives."""
    made = await landed(git, base, work)
    going = [it for it in reversed(made) if it.task in gone]
    found = await reverse(state_of(list(work)), git, made[-1].commit, going)
    assert isinstance(found, tuple), found
    chain = [made[-1].commit, *(it.commit for it in found)]
    assert [it.parent for it in found] == chain[:-1]
    rest = await landed(git, base, {name: commit for name, commit in work.items() if name not in gone})
    return found[-1].tree, await git.tree_of(rest[-1].commit if rest else base)


@pytest.fixture
async def real(repo: Path) -> tuple[Plumbing, Path, str]:
    (repo / "lines.txt").write_text(LINES.replace("\\n", "\n"))
    (repo / "run.sh").write_text("true\n")
    (repo / "old.bin").write_bytes(b"\0old")
    run_git(repo, "add", "-A")
    run_git(repo, "commit", "-q", "-m", "base")
    return Plumbing(await open_repository(repo)), repo, run_git(repo, "rev-parse", "HEAD")


async def test_every_kind_of_change_comes_off_whole(real: tuple[Plumbing, Path, str]) -> None:
    """Each one alone, then pairs, then all: always the tree that the rest alone would give."""
    git, repo, base = real
    work = {name: delivered(repo, name, change) for name, change in CHANGES.items()}
    names = list(work)
    subsets = [[name] for name in names] + [[names[i], names[-1 - i]] for i in range(4)]
    for gone in (*subsets, names[:4], names):
        left, wanted = await _undone_is_never_landed(git, base, work, gone)
        assert left == wanted, gone
    await git.aclose()


async def test_lines_that_changed_again_are_in_the_way(real: tuple[Plumbing, Path, str]) -> None:
    git, repo, base = real
    first = delivered(repo, "first", "sed -i 's/line 3$/line three/' lines.txt")
    run_git(repo, "switch", "-q", "-C", "second", first)
    text = (repo / "lines.txt").read_text()
    (repo / "lines.txt").write_text(text.replace("line three", "line THREE"))
    run_git(repo, "commit", "-q", "-am", "second")
    second = run_git(repo, "rev-parse", "HEAD")
    made = await landed(git, base, {"first": first, "second": second})
    refs = run_git(repo, "for-each-ref")

    stuck = await reverse(state_of(["first", "second"]), git, made[-1].commit, [made[0]])

    assert isinstance(stuck, Stuck) and stuck.paths == ("lines.txt",)
    both = await reverse(state_of(["first", "second"]), git, made[-1].commit, list(reversed(made)))
    assert isinstance(both, tuple) and both[-1].tree == await git.tree_of(base)
    assert run_git(repo, "for-each-ref") == refs
    await git.aclose()


@pytest.mark.parametrize("attributes", ["", "*.md merge=union\n"])
async def test_lines_added_beside_other_added_lines_come_off_alone(
    real: tuple[Plumbing, Path, str], attributes: str
) -> None:
    """As a list grows in a team: to git a conflict, or with a union driver no change at all."""
    git, repo, _ = real
    (repo / ".gitattributes").write_text(attributes)
    (repo / "LIST.md").write_text("# List\n")
    run_git(repo, "add", "-A")
    run_git(repo, "commit", "-q", "-m", "a list")
    tip = run_git(repo, "rev-parse", "HEAD")
    made: list[Landed] = []
    names = ["a", "b", "c"]
    for name in names:
        run_git(repo, "switch", "-q", "-C", name, tip)
        with (repo / "LIST.md").open("a") as file:
            file.write(f"- {name}\n")
        run_git(repo, "commit", "-q", "-am", name)
        (one,) = await landed(git, tip, {name: run_git(repo, "rev-parse", "HEAD")})
        made.append(landing(name, one.commit, tip, one.delivered, "LIST.md"))
        tip = one.commit
    for gone in (["a"], ["b"], ["b", "a"], ["c", "a"], ["c", "b"]):
        going = [it for it in reversed(made) if it.task in gone]
        found = await reverse(state_of(names), git, tip, going)
        assert isinstance(found, tuple)
        left = "".join(f"- {name}\n" for name in names if name not in gone)
        assert await git.text_at(found[-1].commit, "LIST.md") == f"# List\n{left}", gone
    ungated = await reverse(state_of(names), git, tip, [made[0]], gated=False)
    assert isinstance(ungated, Stuck) and ungated.paths == ("LIST.md",)
    await git.aclose()


async def test_a_union_driver_does_not_hide_that_lines_changed_again(
    real: tuple[Plumbing, Path, str],
) -> None:
    git, repo, _ = real
    (repo / ".gitattributes").write_text("*.md merge=union\n")
    (repo / "LIST.md").write_text("# List\n")
    run_git(repo, "add", "-A")
    run_git(repo, "commit", "-q", "-m", "a list")
    tip = run_git(repo, "rev-parse", "HEAD")
    made: list[Landed] = []
    for name, text in (("a", "# List\n- a\n"), ("b", "# List\n- A, more\n")):
        run_git(repo, "switch", "-q", "-C", name, tip)
        (repo / "LIST.md").write_text(text)
        run_git(repo, "commit", "-q", "-am", name)
        (one,) = await landed(git, tip, {name: run_git(repo, "rev-parse", "HEAD")})
        made.append(landing(name, one.commit, tip, one.delivered, "LIST.md"))
        tip = one.commit
    stuck = await reverse(state_of(["a", "b"]), git, tip, [made[0]])
    assert isinstance(stuck, Stuck) and stuck.paths == ("LIST.md",)
    await git.aclose()


# -- intent, effect, confirm -----------------------------------------------------------------------------


async def chain() -> tuple[Stage, RunState, tuple[Reversal, ...]]:
    """A stopped run in which ``a`` landed and ``b``, which waits for it, did not."""
    tasks = [Task(id="a", title="A"), Task(id="b", title="B", after=("a",)), Task(id="c", title="C")]
    stage = Stage(tasks, RunSettings(team=("ada",), gates=("test",)))
    stage.on(e.TaskLanded, lambda record: stage.engine.stop("asked to"))
    state = await stage.run()
    assert [it.task for it in state.landings] == ["a"] and state.outcome == "stopped"
    made = await reverse(state, stage.git, state.published, list(state.landings))
    assert isinstance(made, tuple)
    record = e.Record(state.seq + 1, 0.0, e.UndoStarted(reversals=made))
    apply(state, record)
    await stage.store.append("r", [record])
    return stage, state, made


async def test_a_resume_finds_what_a_killed_undoing_did() -> None:
    stage, state, made = await chain()
    assert await publish(state, stage.git, made)

    state = await stage.resume()

    standing = {name: task.status for name, task in state.tasks.items()}
    assert standing == {"a": TaskStatus.UNDONE, "b": TaskStatus.HELD, "c": TaskStatus.LANDED}
    assert state.outcome == "incomplete" and "Noticed" not in stage.types()
    assert stage.types().count("LandingUndone") == 1 and stage.types().count("AttemptStarted") == 2
    assert not report(fold(stage.store.read("r"))).complete
    assert not any(path.startswith("a") for path in stage.landed_files())


async def test_a_resume_drops_what_a_killed_undoing_did_not_do() -> None:
    stage, state, _ = await chain()
    state = await stage.resume()
    assert state.outcome == "landed" and "UndoDropped" in stage.types()


async def test_a_branch_that_was_moved_is_not_published_on() -> None:
    stage, state, made = await chain()
    mine = stage.git.add({"mine": "mine"}, state.published)
    stage.git.refs[INTEGRATION] = mine
    assert not await publish(state, stage.git, made)
    assert stage.git.refs[INTEGRATION] == mine
    assert await undone(state, stage.git) == [e.UndoDropped(reason="the branch was not moved")]
