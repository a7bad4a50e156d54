"""The crash sweep on its short plan: at each name of a crash point a kill, and a fault of the system. Where a
run passes once what one of the tiny plan passes, too, it is not killed: ``test_sweep_in_turn`` does that,
every time it is passed.

``PROPERTIES=10`` in the environment strikes ten times as often.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.__main__ import main
from workbench.bench.sweep.checks import BRANCH, broken
from workbench.bench.sweep.faults import Injection, Passing, chosen, parse
from workbench.bench.sweep.plan import short_plan, tiny_plan
from workbench.bench.sweep.sweep import Found, Sweep
from workbench.bench.sweep.world import World
from workbench.crashpoints import ERRORS, KINDS

TIMES = float(os.environ.get("PROPERTIES", "1"))
SHARDS = 4
"""Tests that each take a part of the faults, so that they can run at the same time."""

OFTEN = 4
"""A point that a run passes so often is passed by whoever takes the run up again, too."""

CHAINS = 12


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    folder = tmp_path_factory.mktemp("sweep")
    made = Sweep(short_plan(folder / "subject"), folder / "worlds", lambda said: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        made.prepare()
    return made


@pytest.fixture(scope="module")
def killed_in_turn(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names that a run of the tiny plan passes."""
    folder = tmp_path_factory.mktemp("tiny")
    made = Sweep(tiny_plan(folder / "subject"), folder / "worlds", lambda said: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        made.prepare()
    return {it.name for it in made.stages["run"].passed}


def once_a_name(sweep: Sweep, *stages: str) -> list[tuple[str, Passing, int]]:
    """A passing of each name, the middle one in the first of ``stages`` that has it; and how many it has."""
    found: dict[str, tuple[str, Passing, int]] = {}
    for stage in stages:
        passed = sweep.stages[stage].passed
        for name in dict.fromkeys(it.name for it in passed):
            of = [it for it in passed if it.name == name]
            found.setdefault(name, (stage, of[len(of) // 2], len(of)))
    return list(found.values())


def kills(sweep: Sweep, killed_in_turn: set[str]) -> list[Injection]:
    """Each name once. What is passed again and again is struck in one run and in each of those that take it
    up again, which costs a third."""
    if TIMES > 1:
        return sweep.injections(["kill"], max(1, round(40 / TIMES)))
    named = once_a_name(sweep, "run", "undo", "land")
    often = [it for _, it, times in named if times >= OFTEN]
    seldom = [(stage, it, times) for stage, it, times in named if times < OFTEN]
    single = [(stage, it) for stage, it, _ in seldom if stage != "run" or it.name not in killed_in_turn]
    # Worktrees go at the end, twice. Those of the tiny plan have nothing in them that was copied or set up.
    known = [it for stage, it, times in seldom if (stage, it) not in single and times > 1]
    chains = [chain for chain in (known, *(often[at::CHAINS] for at in range(CHAINS))) if chain]
    found = [
        Injection("run", f"kill:{first.time}@{first.name}", tuple(f"kill:1@{it.name}" for it in then))
        for first, *then in chains
    ]
    return [*found, *(Injection(stage, f"kill:{it.time}@{it.name}") for stage, it in single)]


def all_survive(sweep: Sweep, faults: list[Injection]) -> None:
    """Whatever strikes, nothing is lost; and most do strike, though a few are passed by in another order."""
    found = sweep.try_all(faults, lambda found: None)
    found += sweep.try_all([rest for it in found if (rest := unstruck(it)) is not None], lambda found: None)
    lost = {str(it.injection): it.lost for it in found if it.lost}
    assert not lost
    ordered = sum(1 + len(it.then) for it in faults)
    struck = sum(len(it.struck) for it in found)
    assert struck >= ordered * 0.8, "the faults did not strike"


def unstruck(found: Found) -> Injection | None:
    """What is left of a chain: it is over with the first run that does not come past its next point. A run of
    its own does."""
    orders = (found.injection.order, *found.injection.then)
    left = [order for order in orders if order.partition("@")[2] not in found.struck]
    return Injection("run", left[0], tuple(left[1:])) if left and len(orders) > 1 else None


@pytest.mark.timeout(600)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_at_each_point_it_goes_on_and_nothing_is_lost(
    sweep: Sweep, killed_in_turn: set[str], shard: int
) -> None:
    all_survive(sweep, kills(sweep, killed_in_turn)[shard::SHARDS])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ERRORS)
def test_a_call_that_fails_is_told_and_nothing_is_lost(sweep: Sweep, kind: str) -> None:
    """Each name at one of the kinds, in the stage that takes the least time."""
    offset = list(ERRORS).index(kind)
    named = [(stage, it) for stage, it, _ in once_a_name(sweep, "land", "undo", "run") if not it.deadly]
    faults = [Injection(stage, f"{kind}:{it.time}@{it.name}") for stage, it in named[offset :: len(ERRORS)]]
    if TIMES > 1:
        faults = sweep.injections([kind], max(1, round(40 / TIMES)))
    all_survive(sweep, faults)


# -- that it would notice -----------------------------------------------------------------------------


def leave_a_lock(world: World) -> None:
    (world.repo / ".git" / "index.lock").touch()


def lose_a_commit(world: World) -> None:
    with world.ledger.open("a") as file:
        file.write("1" * 40 + "\n")


def land_twice(world: World) -> None:
    tip = git(world.repo, "rev-parse", BRANCH)
    again = git(world.repo, "commit-tree", f"{tip}^{{tree}}", "-p", tip, "-m", "x\n\nWorkbench-Task: apple")
    git(world.repo, "update-ref", f"refs/heads/{BRANCH}", again)


def land_less(world: World) -> None:
    git(world.repo, "update-ref", f"refs/heads/{BRANCH}", git(world.repo, "rev-parse", f"{BRANCH}^"))


def move_the_target(world: World) -> None:
    git(world.repo, "update-ref", "refs/heads/main", git(world.repo, "rev-parse", BRANCH))


def write_in_the_checkout(world: World) -> None:
    (world.repo / "fruit.txt").write_text("not theirs\n")


def leave_a_worktree(world: World) -> None:
    git(world.repo, "worktree", "add", "-q", "--detach", str(world.folder / "worktrees" / "x"), "main")


def damage_an_object(world: World) -> None:
    blob = git(world.repo, "rev-parse", f"{BRANCH}:fruit.txt")
    objects = world.repo / ".git" / "objects"
    (objects / blob[:2] / blob[2:]).unlink()
    for pack in (objects / "pack").iterdir():  # what was delivered is in packs, too
        pack.unlink()


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (leave_a_lock, "locks are left"),
        (lose_a_commit, "no ref reaches"),
        (land_twice, "landed twice"),
        (land_less, "other tasks landed"),
        (move_the_target, "refs/heads/main"),
        (write_in_the_checkout, "fruit.txt"),
        (leave_a_worktree, "worktrees are left"),
        (damage_an_object, "git fsck"),
    ],
)
def test_what_is_broken_is_noticed(
    sweep: Sweep, tmp_path: Path, spoil: Callable[[World], None], word: str
) -> None:
    after = sweep.stages["undo"].before  # the run is over there
    wanted = sweep.stages["run"].wanted
    assert wanted is not None
    world = after.copied(tmp_path / "world")
    assert broken(world, sweep.subject, wanted) == []
    spoil(world)
    assert any(word in sentence for sentence in broken(world, sweep.subject, wanted))


# -- the command --------------------------------------------------------------------------------------


def test_each_name_is_struck_however_few_are_chosen() -> None:
    passed = [Passing(n, name, 1, deadly) for n, (name, deadly) in enumerate(
        [("a", False), ("b", True), ("c", False), ("d", True)], 1)]  # fmt: skip
    assert [it.order for it in chosen("land", passed, ["kill"], 1000)] == [
        "kill:1@a", "kill:1@b", "kill:1@c", "kill:1@d"
    ]  # fmt: skip
    assert [it.order for it in chosen("land", passed, ["EIO"], 1)] == ["EIO:1@a", "EIO:1@c"]


def test_any_plan_is_swept_in_a_clone(repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.md"
    plan.write_text(
        "# P\n\n## Tasks\n\n### one: One\n- files: src/app.py\n\n### two: Two\n- files: docs/**\n"
    )
    (repo / "dirty").write_text("the user's\n")
    before = (
        git(repo, "for-each-ref"),
        git(repo, "status", "--porcelain"),
        sorted((repo / ".git").iterdir()),
    )
    words = ["bench", "sweep", str(plan), "--repo", str(repo)]
    faults = ["run:kill:1@landing.published", "land:kill:1@lock.taken"]
    assert main([*words, "--at", faults[0], "--at", faults[1]]) == 0
    said = capsys.readouterr()
    assert "kill        |        2 |      2 |        2 | 0" in said.out
    after = (git(repo, "for-each-ref"), git(repo, "status", "--porcelain"), sorted((repo / ".git").iterdir()))
    assert after == before


def test_a_loss_is_told_with_what_replays_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def strike(self: Sweep, injection: Injection) -> Found:
        return Found(replace(injection, number=17), (injection.order,), ("a file is gone",), 0.1)

    monkeypatch.setattr(Sweep, "strike", strike)
    assert main(["bench", "sweep", "--at", "run:kill:2@ref.move"]) == 1
    said = capsys.readouterr().out
    assert "n = 17" in said and "a file is gone" in said
    assert "workbench bench sweep --at run:kill:2@ref.move" in said


@pytest.mark.parametrize("words", [["--kinds", "flood"], ["--at", "nonsense"], ["no-such-plan.md"]])
def test_what_cannot_be_swept_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "sweep", *words]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_plan_that_does_not_land_is_refused(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.md"
    plan.write_text(
        "---\ngates: ['test ! -e docs']\n---\n# P\n\n## Tasks\n\n### one: One\n- files: docs/**\n"
    )
    assert main(["bench", "sweep", str(plan), "--repo", str(repo)]) == 2
    assert "every task lands" in capsys.readouterr().err


def test_kinds_are_all_known() -> None:
    assert [parse(f"run:{kind}:1").kind for kind in KINDS] == list(KINDS)
