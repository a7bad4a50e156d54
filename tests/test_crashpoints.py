"""Points at which a fault can be ordered: when it strikes, how, and that nothing does otherwise."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import crashpoints
from workbench.bench.sweep.faults import parse, passings, struck
from workbench.config import load
from workbench.crashpoints import CRASH, TRACE, ordered
from workbench.errors import UsageError

PASSES = """
from workbench.crashpoints import crashpoint, killpoint
crashpoint("one"); killpoint("two"); crashpoint("one"); print("through")
"""


def passing(**env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PASSES], env=os.environ | env, capture_output=True, text=True, check=False
    )


def test_points_are_off_where_nothing_is_ordered() -> None:
    assert ordered({}) is None
    assert crashpoints._fault is None


@pytest.mark.parametrize("order", ["kill:2", "kill:3", "kill:1@two", "kill:2@one"])
def test_a_process_kills_itself_at_the_point_that_was_ordered(order: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    done = passing(**{CRASH: order, TRACE: str(trace)})
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")
    where = {"kill:2": "two", "kill:3": "one", "kill:1@two": "two", "kill:2@one": "one"}[order]
    assert trace.read_text().splitlines()[-1] == f"{where} struck"
    assert struck(trace)


def test_a_call_fails_as_ordered_and_only_where_calls_can_fail(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    done = passing(**{CRASH: "ENOSPC:2", TRACE: str(trace)})
    assert "No space left on device" in done.stderr
    assert trace.read_text().splitlines() == ["one any", "two kill", "one any", "one struck"]
    assert passing(**{CRASH: "EIO:1@two"}).stdout == "through\n"


def test_each_passing_is_known_by_its_number_and_the_time_of_its_name(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    assert passing(**{TRACE: str(trace)}).stdout == "through\n"
    found = passings(trace)
    assert [(it.number, it.name, it.time, it.deadly) for it in found] == [
        (1, "one", 1, False), (2, "two", 1, True), (3, "one", 2, False)
    ]  # fmt: skip
    assert not struck(trace)


@pytest.mark.parametrize("order", ["kill", "kill:x", "EPERM:1", ":1", "kill:-1"])
def test_an_order_that_makes_no_sense_is_refused_in_a_sentence(order: str) -> None:
    done = passing(**{CRASH: order})
    assert done.returncode == 2 and "is not KIND:N" in done.stderr and "Traceback" not in done.stderr


def test_orders_are_no_settings(tmp_path: Path) -> None:
    load(tmp_path, {CRASH: "kill:1", TRACE: "x", "WORKBENCH_BENCH": "y"})


def test_faults_are_named_by_what_replays_them() -> None:
    text = "run:kill:2@ref.move+kill:9+kill:1@git.add"
    assert str(parse(text)) == text and parse(text).kind == "kill again"
    assert parse("land:EIO:1@git.merge-base").kind == "EIO"
    for wrong in ("", "run", "run:kill", "kill:1", "run:EPERM:1", "run:kill:1+EIO:1"):
        with pytest.raises(UsageError):
            parse(wrong)


def test_errors_are_those_of_the_system() -> None:
    assert crashpoints.ERRORS == {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EAGAIN": errno.EAGAIN}
