"""Measuring ends when its time is up, and says so."""

from __future__ import annotations

import time
from pathlib import Path

from tests.conftest import git
from workbench.composition.disk import usage
from workbench.composition.place import open_place


async def test_without_time_nothing_is_claimed(repo: Path) -> None:
    place = await open_place(repo)
    tree = place.worktrees("r") / "team" / "ada"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "file").write_bytes(b"x" * 100_000)
    git(repo, "update-ref", "refs/workbench/r/work/a/1", "HEAD")
    said: list[str] = []

    began = time.monotonic()
    found = await usage(place, None, said.append, seconds=0)
    assert time.monotonic() - began < 10

    (used,) = found.runs
    assert not used.worktrees.whole and not used.objects.whole and not found.total.whole
    assert said == ["measuring r"] and used.pins == 1 and used.standing == "in no log"
    whole = await usage(place, "r", said.append)
    assert whole.total.whole and whole.runs[0].worktrees.bytes > 100_000
    assert whole.runs[0].objects.bytes == 0, "main has it"
