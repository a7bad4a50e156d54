"""What Guard promises, kept alike in memory and by a repository's files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git.guard import RepositoryGuard
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import open_repository
from workbench.core.guard import Whose, astray, differing
from workbench.engine.ports import Git, Guard
from workbench.testing import FakeGit, FakeGuard

INTEGRATION = "refs/heads/workbench/r/integration"


@dataclass
class Scene:
    """A repository with two commits; ``set`` moves or deletes a ref behind the run's back."""

    git: Git
    guard: Guard
    one: str
    two: str
    set: Callable[[str, str | None], None]


@pytest.fixture(params=["memory", "files"])
async def scene(request: pytest.FixtureRequest, repo: Path) -> AsyncIterator[Scene]:
    if request.param == "memory":
        fake = FakeGit()

        def put(ref: str, to: str | None) -> None:
            if to is None:
                del fake.refs[ref]
            else:
                fake.refs[ref] = to

        yield Scene(fake, FakeGuard(fake), fake.add({"f": "1"}), fake.add({"f": "2"}), put)
        return
    repository = await open_repository(repo)
    plumbing = Plumbing(repository)

    def write(ref: str, to: str | None) -> None:
        git(repo, "update-ref", *(["-d", ref] if to is None else [ref, to]))

    two = git(repo, "commit-tree", "-m", "two", "HEAD^{tree}")
    guard = RepositoryGuard(repository, plumbing, "r")
    yield Scene(plumbing, guard, git(repo, "rev-parse", "HEAD"), two, write)
    await plumbing.aclose()


async def test_what_the_run_writes_is_its_own_and_what_others_write_is_found(scene: Scene) -> None:
    before = await scene.guard.look(True)
    assert await scene.git.move_ref(INTEGRATION, scene.one, None, "start")
    scene.set("refs/heads/other", scene.one)
    now = await scene.guard.look()
    assert [(it.ref, it.whose) for it in astray(before, now, "r", ())] == [("refs/heads/other", Whose.BRANCH)]
    scene.set(INTEGRATION, scene.two)
    before, now = now, await scene.guard.look()
    (moved,) = astray(before, now, "r", ())
    assert (moved.ref, moved.expected, moved.found) == (INTEGRATION, scene.one, scene.two)
    assert await scene.git.move_ref(INTEGRATION, scene.one, scene.two, "put back")
    before, now = now, await scene.guard.look()
    assert list(astray(before, now, "r", ())) == []


async def test_a_pin_that_went_is_missed_by_no_whole_look(scene: Scene) -> None:
    pin = "refs/workbench/r/work/a/1"
    before = await scene.guard.look(True)
    await scene.git.pin(pin, scene.one)
    scene.set(pin, None)
    now = await scene.guard.look(True)
    assert [(it.ref, it.expected, it.found) for it in astray(before, now, "r", ())] == [(pin, scene.one, "")]


async def test_a_quiet_repository_gives_what_it_gave(scene: Scene) -> None:
    before = await scene.guard.look(True)
    now = await scene.guard.look()
    assert not differing(before, now) and before.packed is now.packed
    assert (before.stash, before.heads, before.files, before.hooks) == (
        now.stash, now.heads, now.files, now.hooks,
    )  # fmt: skip
