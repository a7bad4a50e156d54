"""What gates print can be read while they run, by anybody who knows what the log says of them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.adapters.test_gates import Directory
from workbench.adapters.gatelogs import LOG_BYTES, LOGS, GateLogs, last_lines
from workbench.adapters.gates import ShellGates
from workbench.core.models import TEXT_LIMIT, Verdict

COMMIT, TREE = "c0ffee" * 6 + "c0ff", "7" * 40


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    (tmp_path / "tree").mkdir()
    return Directory(tmp_path / "tree")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "gates"


async def verdict(directory: Directory, logs: Path, gate: str, seconds: float = 30) -> Verdict:
    gates = ShellGates(directory, seconds=seconds, env=dict(os.environ), logs=logs)
    (found,) = await gates.check(COMMIT, TREE, [gate])
    await gates.aclose()
    return found


async def shown(logs: Path, wanted: str, gate: str) -> None:
    """Wait until it can be read."""
    while wanted not in last_lines(logs, COMMIT, gate):  # noqa: ASYNC110 - a file is no event
        await asyncio.sleep(0.005)


async def test_output_is_there_while_the_gate_still_runs(directory: Directory, logs: Path) -> None:
    go = directory.where / "go"
    os.mkfifo(go)
    gate = "printf '\\033[31mred\\033[0m\\a text\\n'; read line < go; echo $line"
    running = asyncio.ensure_future(verdict(directory, logs, gate))
    await shown(logs, "red text", gate)
    assert last_lines(logs, COMMIT, gate) == last_lines(logs, TREE, gate) == "red text"
    assert not running.done()
    await asyncio.to_thread(go.write_text, "and more\n")
    assert (await running).green
    assert last_lines(logs, TREE, gate) == "red text\nand more", "and it stays when the gate is over"
    (file,) = logs.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600 and logs.stat().st_mode & 0o777 == 0o700
    assert b"\033[31m" in file.read_bytes(), "made fit for people when it is read"


async def test_only_what_is_asked_for_is_found(directory: Directory, logs: Path) -> None:
    await verdict(directory, logs, "echo one")
    assert last_lines(logs, COMMIT, "echo two") == last_lines(logs, "0" * 40, "echo one") == ""
    assert last_lines(logs / "nowhere", COMMIT, "echo one") == last_lines(logs, "", "echo one") == ""


async def test_who_prints_nothing_leaves_nothing(directory: Directory, logs: Path) -> None:
    assert (await verdict(directory, logs, "true")).green
    assert not logs.exists()


async def test_a_second_run_takes_the_place_of_the_first(directory: Directory, logs: Path) -> None:
    gate = "cat before 2>/dev/null; date +%N | tee before"
    await verdict(directory, logs, gate)
    first = last_lines(logs, COMMIT, gate)
    second = (await verdict(directory, logs, gate)).output
    assert second.startswith(first) and last_lines(logs, COMMIT, gate) == second
    assert len(list(logs.iterdir())) == 1


def test_what_a_run_before_printed_is_not_taken_for_this_one_s(logs: Path) -> None:
    kept = GateLogs(logs)
    with kept.of(COMMIT, TREE, "g") as log:
        assert log is not None
        log.write(b"red\n")
    assert last_lines(logs, COMMIT, "g") == "red"
    with kept.of(COMMIT, TREE, "g"):
        assert last_lines(logs, COMMIT, "g") == ""


async def test_much_output_is_cut_at_its_head(directory: Directory, logs: Path) -> None:
    gate = "seq 500000"
    assert (await verdict(directory, logs, gate)).green
    (file,) = logs.iterdir()
    first, *lines = file.read_text().splitlines()
    assert LOG_BYTES // 4 < file.stat().st_size <= LOG_BYTES
    assert first == "[earlier output cut]" and lines[-1] == "500000"
    assert [int(line) for line in lines] == list(range(int(lines[0]), 500_001)), "no line is lost or broken"
    text = last_lines(logs, COMMIT, gate)
    assert text.startswith("[earlier output cut]\n") and text.endswith("\n500000")
    assert text.count("cut]") == 1 and len(text) <= TEXT_LIMIT


async def test_a_gate_that_ran_out_of_time_can_be_read(directory: Directory, logs: Path) -> None:
    gate = "echo begun; exec sleep 600"
    assert not (await verdict(directory, logs, gate, seconds=0.5)).green
    assert last_lines(logs, COMMIT, gate) == "begun"


@pytest.mark.parametrize("kind", ["file", "missing"])
async def test_nowhere_to_write_fails_no_gate(directory: Directory, tmp_path: Path, kind: str) -> None:
    if kind == "file":
        (tmp_path / "state").write_text("")
    found = await verdict(directory, tmp_path / "state" / "gates", "echo all; echo well")
    assert (found.green, found.output) == (True, "all\nwell")


async def test_a_disk_that_fills_up_fails_no_gate(
    directory: Directory, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def full(file: int, data: bytes) -> int:
        if logs.exists() and any(it.stat().st_ino == os.fstat(file).st_ino for it in logs.iterdir()):
            raise OSError(28, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(os, "write", full)
    found = await verdict(directory, logs, "seq 3")
    assert (found.green, found.output) == (True, "1\n2\n3")
    assert last_lines(logs, COMMIT, "seq 3") == ""


def test_a_disk_that_is_full_when_a_file_is_shortened(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs.parent.mkdir(exist_ok=True)
    with GateLogs(logs).of(COMMIT, TREE, "g") as log:
        assert log is not None
        log.write(b"x\n" * (LOG_BYTES // 2))
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", _no_room)
            log.write(b"y\n")
        log.write(b"z\n")
    (file,) = logs.iterdir()
    assert file.suffix == ".log" and file.read_bytes() == b"x\n" * (LOG_BYTES // 2)


def _no_room(self: Path, target: Path) -> Path:
    raise OSError(28, "No space left on device")


def test_files_of_the_latest_gates_are_kept_also_from_before(logs: Path) -> None:
    for life in range(2):
        kept = GateLogs(logs)
        with kept.of("running", TREE, "slow") as slow:
            assert slow is not None
            slow.write(b"still at it\n")
            for number in range(LOGS):
                with kept.of(f"{life}{number}", TREE, "gate") as log:
                    assert log is not None
                    log.write(f"{life} {number}\n".encode())
            assert last_lines(logs, "running", "slow") == "still at it"
    assert len(list(logs.iterdir())) == LOGS
    assert last_lines(logs, "00", "gate") == last_lines(logs, f"0{LOGS - 1}", "gate") == ""
    assert last_lines(logs, "10", "gate") == "" and last_lines(logs, "11", "gate") == "1 1"
    for at, file in enumerate(sorted(logs.glob("1*.log"))):
        os.utime(file, (at, at))
    assert last_lines(logs, TREE, "gate") == "1 9", "of many on one tree the latest"
    assert last_lines(logs, "running", "slow") == "still at it", "it was over last"


def test_two_runs_of_one_gate_at_once_do_not_mix(logs: Path) -> None:
    kept = GateLogs(logs)
    with kept.of(COMMIT, TREE, "g") as first, kept.of(COMMIT, TREE, "g") as second:
        assert first is not None and second is not None
        first.write(b"one\n")
        second.write(b"two\n")
        first.write(b"one\n")
    assert last_lines(logs, COMMIT, "g") == "two"
