"""A process that is killed at any point, and another that takes the run up: as if nothing had been."""

from __future__ import annotations

import asyncio
import itertools
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from tests.properties.conftest import examples
from tests.properties.house import PATIENCE, House, Score
from tests.properties.proofs import INTEGRATION, belongings, git
from tests.properties.scores import open_house, scores
from tests.properties.test_runs import check
from workbench.adapters.git import process
from workbench.core import events as e

FINISHED, BROKE = 0, 3


Death = tuple[int, int]
"""At which point, and how many milliseconds after it: long enough for git to be in the middle of things."""


def killed(house: House, death: Death) -> bool:
    """Play the run in a process of its own that is killed, with every git it has started, at one of the
    things that it does to the world. Whether it came to that."""
    sys.stdout.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child touches no thread of ours
        child = os.fork()
    if child == 0:
        _die_playing(house, *death)
    watch = os.pidfd_open(child)
    over, _, _ = select.select([watch], [], [], 2 * PATIENCE)
    os.close(watch)
    if not over:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert over, "it hangs"
        return True
    trouble = house.root / "trouble"
    assert os.WEXITSTATUS(status) == FINISHED, trouble.read_text() if trouble.exists() else status
    return False


def _die_playing(house: House, point: int, delay: int) -> None:
    code = BROKE
    try:
        os.setsid()
        process._pool = ThreadPoolExecutor(4)  # its threads did not come along
        passing = itertools.count(1)

        def at(what: str) -> None:
            if next(passing) == point:
                with (house.root / "died").open("a") as file:
                    file.write(what + "\n")
                time.sleep(delay / 1000)
                os.killpg(0, signal.SIGKILL)

        class Mortal(subprocess.Popen[bytes]):
            def __init__(self, command: list[str], *args: Any, **named: Any) -> None:
                super().__init__(command, *args, **named)
                words = (word for word in command[1:] if not word.startswith("-"))
                at(f"during {next(words, command[0])}")

        subprocess.Popen = Mortal  # type: ignore[assignment,misc]
        asyncio.run(house.go(at))
        code = FINISHED
    except BaseException:  # noqa: BLE001 - nothing may go on in the place of the test
        (house.root / "trouble").write_text(traceback.format_exc())
    os._exit(code)


def finish(house: House, deaths: list[Death]) -> str:
    """Play with deaths through to the end; gives the outcome."""
    for death in deaths:
        if not killed(house, death):
            break
        for worktree in (house.root / "trees" / "team").glob("*"):
            house.ledger.leave(worktree)
    last = house.records()
    finished = last[-1].event if last else None
    if isinstance(finished, e.RunFinished):
        return finished.outcome
    return asyncio.run(house.go()).outcome or ""


def what_the_log_says_was_believed(house: House) -> None:
    """No process gated again what was green in the log, but for the base of a batch that is red."""
    seen: Counter[tuple[str, str]] = Counter()
    bases: set[str] = set()
    for record in house.records():
        if isinstance(record.event, e.BatchBuilt):
            bases.add(record.event.base)
        if getattr(record.event, "commit", "") not in bases:
            for verdict in getattr(record.event, "verdicts", ()):
                seen[verdict.tree, verdict.gate] += verdict.green
    twice = [key for key, count in seen.items() if count > 1]
    assert not twice, f"green, and gated again: {twice}"


deaths = st.lists(st.tuples(st.integers(1, 250), st.integers(0, 6)), min_size=1, max_size=3)


@examples(11)
@given(scores(most=4), deaths)
def test_killed_at_any_point_nothing_is_lost_or_landed_twice(score: Score, deaths: list[Death]) -> None:
    with tempfile.TemporaryDirectory() as root:
        house = open_house(Path(root), score)
        before = belongings(house.repo)
        outcome = finish(house, deaths)
        died = house.root / "died"
        for line in died.read_text().splitlines() if died.exists() else ():
            event(line)
        check(house, before)
        if score.flaky is None:
            what_the_log_says_was_believed(house)
        assert outcome in ("landed", "incomplete")


@examples(8)
@given(scores(most=4, wild=False), deaths)
def test_killed_at_any_point_the_same_tree_comes_of_it(score: Score, deaths: list[Death]) -> None:
    """Where the work is disjoint, the tree is the base's with all work in it, whatever died when."""
    with tempfile.TemporaryDirectory() as root:
        house = open_house(Path(root), score)
        before = belongings(house.repo)
        assert finish(house, deaths) == "landed"
        proof = check(house, before)
        assert {it.task for it in proof.landings.values()} == set(score.features)
        calm_house = open_house(_other(Path(root)), score)
        asyncio.run(calm_house.go())
        assert git(house.repo, "rev-parse", f"{INTEGRATION}^{{tree}}") == git(
            calm_house.repo, "rev-parse", f"{INTEGRATION}^{{tree}}"
        )


def _other(root: Path) -> Path:
    (root / "calm").mkdir()
    return root / "calm"
