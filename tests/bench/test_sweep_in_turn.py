"""The crash sweep to the letter: on a tiny plan, a kill and a failing call at n = 1, 2, 3, … of all passings
until a run finishes untouched. ``test_sweep`` strikes a richer plan, once at each name.

``PROPERTIES=2`` in the environment, or more, lets each call fail in every way; without it every other one
fails, in ways that take turns. ``test_sweep`` has each name fail.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pytest

from workbench.bench.sweep.faults import Injection
from workbench.bench.sweep.plan import tiny_plan
from workbench.bench.sweep.sweep import Found, Sweep
from workbench.crashpoints import ERRORS

TIMES = float(os.environ.get("PROPERTIES", "1"))

KILL_SHARDS = 4
ERROR_SHARDS = 2
"""Tests that each take every fourth, or second, n, so that they can run at the same time."""

FAILING = range(1, 1 + (ERROR_SHARDS if TIMES > 1 else 1))
"""Those of the second kind that are run."""

BY_TURNS: list[list[str]] = [[kind] for kind in ERRORS] if TIMES > 1 else [list(ERRORS)]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    folder = tmp_path_factory.mktemp("sweep")
    made = Sweep(tiny_plan(folder / "subject"), folder / "worlds", lambda said: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        made.prepare()
    return made


def survived_until_untouched(found: Sequence[Found], passed: int, step: int) -> None:
    """Each fault struck and was survived, but for the last, which a run of about ``passed`` passings never
    came to."""
    lost = {f"n = {it.injection.number}, {it.injection} at {it.struck}": it.lost for it in found if it.lost}
    assert not lost
    *faults, last = found
    assert last.untouched
    assert [it.injection.number for it in faults if not it.struck] == []
    # Every run passes a few more or fewer, as threads and looks at the repository fall; not many.
    assert last.injection.number + step > passed * 0.8


@pytest.mark.timeout(600)
@pytest.mark.parametrize("shard", range(1, KILL_SHARDS + 1))
def test_killed_at_each_passing_until_a_run_finishes_untouched(sweep: Sweep, shard: int) -> None:
    passed = len(sweep.stages["run"].passed)
    survived_until_untouched(list(sweep.in_turn("run", ["kill"], shard, KILL_SHARDS)), passed, KILL_SHARDS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kinds", BY_TURNS, ids="-".join)
@pytest.mark.parametrize("shard", FAILING)
def test_each_call_fails_until_a_run_finishes_untouched(sweep: Sweep, shard: int, kinds: list[str]) -> None:
    passed = sum(not it.deadly for it in sweep.stages["run"].passed)
    survived_until_untouched(list(sweep.in_turn("run", kinds, shard, ERROR_SHARDS)), passed, ERROR_SHARDS)


# -- that nothing is left out -------------------------------------------------------------------------


@pytest.mark.parametrize("shards", [1, 2, 4])
def test_shards_strike_at_every_passing_between_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shards: int
) -> None:
    def strike(self: Sweep, injection: Injection) -> Found:
        return Found(injection, ("a",) if injection.number <= 10 else (), (), 0.0)

    monkeypatch.setattr(Sweep, "strike", strike)
    sweep = Sweep(tiny_plan(tmp_path), tmp_path, lambda said: None)
    found = [list(sweep.in_turn("run", list(ERRORS), shard, shards)) for shard in range(1, shards + 1)]
    orders = {it.injection.number: it.injection.order for it in chain(*found)}
    assert sorted(orders) == list(range(1, 11 + shards))
    assert all(it.untouched == (it is of[-1]) for of in found for it in of)
    assert [orders[n] for n in (1, 2, 3, 4)] == ["EIO:1", "EAGAIN:2", "ENOSPC:3", "EIO:4"]


def test_a_run_that_went_on_is_not_untouched() -> None:
    """Even if the fault could not say that it struck, as when there was no room for that."""
    assert Found(Injection("run", "kill:7"), (), (), 0.0).untouched
    assert not Found(Injection("run", "kill:7"), (), (), 0.0, commands=2).untouched
    assert not Found(Injection("run", "EIO:7"), ("ref.move",), (), 0.0).untouched
