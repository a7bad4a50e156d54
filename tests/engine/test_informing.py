"""Conflicts foreseen and landings told, in whole runs of the real engine on fakes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from workbench.core import events as e
from workbench.core.models import PublicChange, RunSettings, Task
from workbench.core.state import RunState
from workbench.engine.ports import Git, Merged, Versions
from workbench.errors import GitError
from workbench.testing import LineNames
from workbench.testing.agents import Commit, Edit, EndTurn, Hear, Mark, Reach, Step
from workbench.testing.stage import Stage

END: tuple[Step, ...] = (Mark("done"), EndTurn())


def stage(*names: str, **files: str) -> Stage:
    tasks = [Task(id=name, title=f"Do {name}", files=("own.py",) if name == "b" else ()) for name in names]
    chosen = RunSettings(team=("ada", "bob", "cy", "dan")[: len(names)], gates=("test",))
    return Stage(tasks, chosen, files={"f": "0\n", **files})


async def within(it: Stage) -> RunState:
    return await asyncio.wait_for(it.run(), 20)


def after(event: asyncio.Event) -> Reach:
    return Reach(asyncio.Event(), event)


def happened(it: Stage, *kinds: type[e.Event]) -> list[Any]:
    return [record.event for record in it.store.read("r") if isinstance(record.event, kinds)]


# -- probes ---------------------------------------------------------------------------------------------


async def test_both_are_warned_as_soon_as_the_second_commits() -> None:
    it = stage("a", "b", "c")
    it.agent.scripts = {
        ("a", 1): [Edit({"f": "a\n"}), Commit(), Hear("foreseen"), Edit({"f": "a2\n"}), Commit(), *END],
        ("b", 1): [Edit({"f": "b\n"}), Commit(), Hear("foreseen"), Edit({"f": "b2\n"}), Commit(), *END],
        ("b", 2): [Edit({"f": "both\n"}), *END],
        ("a", 2): [Edit({"f": "both\n"}), *END],
    }
    state = await within(it)
    assert state.outcome == "landed"
    first, *more = happened(it, e.ConflictForeseen)
    assert ({first.task, first.other}, first.paths) == ({"a", "b"}, ("f",))
    assert "a\n" in first.hunks and "b\n" in first.hunks
    assert not more, "once for a pair and its paths"
    assert len(it.git.probed) > 1, "they were merged again when they had committed more"
    assert {task for task, text in it.agent.heard if "foreseen" in text} == {"a", "b"}
    assert state.foreseen == {}


async def test_a_conflict_that_one_of_them_takes_back_is_cleared() -> None:
    cleared = asyncio.Event()
    it = stage("a", "b")
    it.agent.scripts = {
        ("a", 1): [Edit({"f": "a\n"}), Commit(), Hear("foreseen"), after(cleared), *END],
        ("b", 1): [
            Edit({"f": "b\n"}), Commit(), Hear("foreseen"),
            Edit({"f": "a\n", "g": "b\n"}), Commit(), after(cleared), *END,
        ],
    }  # fmt: skip
    it.on(e.ConflictCleared, lambda record: cleared.set())
    state = await within(it)
    assert state.outcome == "landed"
    assert [type(event).__name__ for event in happened(it, e.ConflictForeseen, e.ConflictCleared)] == [
        "ConflictForeseen", "ConflictCleared",
    ]  # fmt: skip
    assert len(state.attempts) == 2, "both landed at the first attempt"


async def test_only_work_on_the_same_files_is_merged_each_pair_once_and_the_newest_of_each() -> None:
    second, third, fourth, all_in = (asyncio.Event() for _ in range(4))
    it = stage("a", "b", "c", "d")
    then = {"a": second, "b": third, "c": fourth, "d": all_in}

    def work(name: str, *before: Step) -> list[Step]:
        """All that shares a file changes it alike, so that nothing conflicts."""
        edits: list[Step] = [Edit({"same": "yes\n", name: name} if name != "d" else {name: name}), Commit()]
        return [
            *before,
            Edit({name: "first\n"}),
            Commit(),
            *edits,
            Mark("progress", name),
            after(all_in),
            *END,
        ]

    it.agent.scripts = {
        ("a", 1): work("a"), ("b", 1): work("b", after(second)), ("c", 1): work("c", after(third)),
        ("d", 1): work("d", after(fourth)),
    }  # fmt: skip

    def on(record: e.Record) -> None:
        if isinstance(record.event, e.MarkerReceived) and record.event.note:
            it.markers.move("ada")  # a hint when nothing is new
            then[record.event.note].set()

    it.bus.listen(on)
    state = await within(it)
    assert state.outcome == "landed"
    commits = {state.tasks[name].commit: name for name in "abcd"}
    pairs = [{commits[one], commits[other]} for one, other in it.git.probed]
    assert sorted(map(sorted, pairs)) == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert happened(it, e.ConflictForeseen, e.ConflictCleared) == []


async def test_whoever_works_alone_is_never_looked_at() -> None:
    it = stage("a")
    it.agent.scripts = {("a", 1): [Edit({"f": "a\n"}), Commit(), *END]}
    asked: list[str] = []
    tip = it.git.tip

    async def watched(ref: str) -> str | None:
        asked.append(ref)
        return await tip(ref)

    it.git.tip = watched  # type: ignore[method-assign]
    assert (await within(it)).outcome == "landed"
    assert {ref.rpartition("/")[2] for ref in asked} == {"integration"}


async def test_who_takes_back_all_of_its_work_conflicts_with_nobody() -> None:
    cleared = asyncio.Event()
    it = stage("a", "b")
    it.agent.scripts = {
        ("a", 1): [Edit({"f": "a\n"}), Commit(), Hear("foreseen"), after(cleared), *END],
        ("b", 1): [Edit({"f": "b\n"}), Commit(), Hear("foreseen"), Edit({"f": "0\n", "g": "b\n"}), Commit(),
                   after(cleared), *END],
    }  # fmt: skip
    it.on(e.ConflictCleared, lambda record: cleared.set())
    assert (await within(it)).outcome == "landed"
    assert len(it.git.probed) == 1, "what shares no file is not merged"


async def test_what_landed_meanwhile_is_not_taken_for_a_teammates_doing() -> None:
    """c starts on a tip that holds b's landed change of f; a, from before, conflicts with that only."""
    landed, done = asyncio.Event(), asyncio.Event()
    it = Stage(
        [Task(id="a", title="A"), Task(id="b", title="B"), Task(id="c", title="C", after=("b",))],
        RunSettings(team=("ada", "bob"), gates=("test",)),
        files={"f": "0\n"},
    )
    it.agent.scripts = {
        ("a", 1): [after(landed), Edit({"f": "a\n", "g": "c\n"}), Commit(), after(done), *END],
        ("b", 1): [Edit({"f": "b\n"}), *END],
        ("c", 1): [Edit({"g": "c\n"}), Commit(), *END],
        ("a", 2): [Edit({"f": "both\n"}), *END],
    }  # both write g, and alike
    it.on(e.TaskLanded, lambda record: landed.set())

    def delivered(record: e.Record) -> None:
        if isinstance(record.event, e.TaskLanded) and record.event.task == "c":
            done.set()

    it.bus.listen(delivered)
    state = await within(it)
    assert state.outcome == "landed"
    assert it.git.probed, "a and c were merged on trial"
    assert happened(it, e.ConflictForeseen) == []


class Troubled:
    """A repository in which trial merges fail: with an error for the first pair, altogether after that."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self.asked = 0
        self.failed = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._git, name)

    async def probe(self, pairs: Sequence[tuple[str, str]]) -> list[Merged | GitError]:
        self.asked += 1
        if self.asked == 1:
            self.failed.set()
            return [GitError("unrelated histories") for _ in pairs]
        raise GitError("git is gone")


async def test_a_probe_that_fails_harms_nobody() -> None:
    it = stage("a", "b")
    git = Troubled(it.git)
    it.world = replace(it.world, git=cast("Git", git))
    it.use(it.agent)
    failed = git.failed
    it.agent.scripts = {
        ("a", 1): [Edit({"a": "1\n", "s": "\n"}), Commit(), after(failed), *END],
        ("b", 1): [Edit({"b": "1\n", "s": "\n"}), Commit(), after(failed), Edit({"b": "2\n"}), *END],
    }
    state = await within(it)
    assert state.outcome == "landed"
    assert {event.action for event in happened(it, e.EffectFailed)} == {"Probe"}


# -- landings -------------------------------------------------------------------------------------------


async def test_those_at_work_hear_what_landed_which_names_and_whose_files() -> None:
    it = stage("a", "b", "c", **{"own.py": "f(a)\n", "x.py": "g()\n"})
    it.agent.scripts = {
        ("a", 1): [Edit({"own.py": "f(a, b)\n", "notes.md": "h\n", "test_x.py": "t\n"}), *END],
        ("b", 1): [Hear("landed"), Edit({"b": "b\n"}), *END],
        ("c", 1): [Edit({"x.py": "c\n"}), Commit(), Hear("landed"), *END],
    }
    state = await within(it)
    assert state.outcome == "landed"
    read = happened(it, e.LandingRead)[0]
    assert (read.tasks, read.more) == (("a",), 0)
    assert [(change.path, change.how, change.name) for change in read.changes] == [
        ("own.py", "removed", "f(a)"), ("own.py", "added", "f(a, b)"),
    ]  # fmt: skip
    assert read.touched == {"b": ("own.py",)}
    assert {task for task, text in it.agent.heard if text.startswith("tell/landed")} == {"b", "c"}


async def test_a_file_that_a_teammate_has_changed_is_its_own() -> None:
    it = stage("a", "c", **{"x.py": "g()\n"})
    it.agent.scripts = {
        ("a", 1): [after(go := asyncio.Event()), Edit({"x.py": "g(1)\n", "y.md": "\n"}), *END],
        ("c", 1): [Edit({"y.md": "\n"}), Commit(), Mark("progress"), Hear("landed"), *END],
    }
    it.on(e.MarkerReceived, lambda record: go.set())
    assert (await within(it)).outcome == "landed"
    assert happened(it, e.LandingRead)[0].touched == {"c": ("y.md",)}


class Unread(LineNames):
    async def changes(self, files: Sequence[Versions]) -> list[PublicChange]:
        raise AssertionError("nothing is to be read")


async def test_nothing_is_read_when_nobody_is_at_work_or_no_source_changed() -> None:
    it = stage("a")
    it.world = replace(it.world, names=Unread())
    it.use(it.agent)
    it.agent.scripts = {("a", 1): [Edit({"a.py": "1\n"}), *END]}
    assert (await within(it)).outcome == "landed"
    assert happened(it, e.LandingRead, e.EffectFailed) == []

    it = stage("a", "b")
    it.world = replace(it.world, names=Unread())
    it.use(it.agent)
    it.agent.scripts = {
        ("a", 1): [Edit({"a.md": "1\n", "tests/test_a.py": "2\n"}), *END],
        ("b", 1): [Hear("landed"), Edit({"b": "b\n"}), *END],
    }
    assert (await within(it)).outcome == "landed"
    assert happened(it, e.EffectFailed) == []
    assert happened(it, e.LandingRead)[0].changes == ()


async def test_what_landed_is_no_longer_kept_to_be_compared_with() -> None:
    names = [f"t{number}" for number in range(24)]
    it = stage(*names)
    it.agent.scripts = {(name, 1): [Edit({f"{name}.txt": "x\n"}), Commit(), *END] for name in names}
    state = await within(it)
    assert state.outcome == "landed" and it.git.probed == [], "no two touch the same file"
    probes = it.effects._probes
    assert probes is not None
    kept = (len(probes._indexed), len(probes._changed), len(probes._touching))
    assert max(kept) < len(names) // 2, kept
