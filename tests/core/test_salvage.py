"""What a snapshot says of itself, and whose work it is."""

from __future__ import annotations

import datetime

from workbench.core.salvage import Kept, attempt_at, is_pin, read_commit, salvage_message, split_pin
from workbench.core.state import AttemptState

HEAD = b"tree t\nparent p\nauthor a <a@b> 5 +0000\ncommitter workbench <w@localhost> 7 +0200\n\n"


def test_a_snapshot_says_when_and_why() -> None:
    text = salvage_message("r", "ada", "before it burned", 1234.5675)
    assert read_commit(HEAD + text.encode()) == Kept(
        1234.567, "before it burned", "Found uncommitted in the worktree of ada"
    )


def test_a_commit_of_an_agent_says_neither() -> None:
    assert read_commit(HEAD + b"\nAdd \xff it\n\nMore\n") == Kept(7.0, "", "Add \ufffd it")
    assert read_commit(HEAD + b"x\n\nWorkbench-Salvaged: yesterday\n").at == 7.0
    assert read_commit(b"") == Kept(0.0, "", "")
    late = read_commit(HEAD.replace(b" 7 ", b" 99999999999999999 ")).at
    assert datetime.datetime.fromtimestamp(late, datetime.UTC).year < 10_000


def attempt(task: str, began: float, ended: float | None, teammate: str = "t1") -> AttemptState:
    return AttemptState(task, 1, teammate, "n", "s", "first", began, ended_at=ended)


def test_the_work_is_that_of_the_last_attempt_that_was_over() -> None:
    first, second = attempt("one", 10.0, 20.0), attempt("two", 21.0, None)
    other = attempt("three", 5.0, 24.0, "t2")
    every = [first, second, other]
    assert attempt_at(every, "t1", 22.0) is first, "its worktree is made ready for the second"
    assert attempt_at([attempt("two", 21.0, 30.0), first], "t1", 40.0) is not first
    assert attempt_at(every, "t1", 15.0) is first, "it was cut short"
    assert attempt_at(every, "t2", 30.0) is other
    assert attempt_at(every, "t9", 30.0) is None


def test_ids_that_no_task_has() -> None:
    assert is_pin("salvage/t1/3") and is_pin("r:x") and not is_pin("to-csv.2")
    assert split_pin("r:salvage/t1/3") == ("r", "salvage/t1/3")
    assert split_pin("salvage/t1/3") == (None, "salvage/t1/3")
