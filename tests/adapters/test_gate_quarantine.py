"""Quarantine with real test runners as gates: what is excused is green, loudly; everything else is red."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.adapters.test_gate_names import PYTEST, Folder
from workbench.adapters.gates import ShellGates
from workbench.core.models import FAILING_LIMIT, Verdict

SUITE = """\
import pytest

def test_good(): pass

def test_slow(): assert 0

@pytest.mark.parametrize("x", ["a/b", "c"])
def test_net(x): assert 0
"""
JUNIT = '--junitxml="$WORKBENCH_JUNIT"'


@pytest.fixture
def where(tmp_path: Path) -> Path:
    folder = tmp_path / "gate"
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "test_x.py").write_text(SUITE)
    return folder


async def check(where: Path, command: str, quarantine: Sequence[str], seconds: float = 60) -> Verdict:
    gates = ShellGates(Folder(where), seconds=seconds, env=dict(os.environ), quarantine=quarantine)
    try:
        (verdict,) = await gates.check("c", "t", [command])
        return verdict
    finally:
        await gates.aclose()


ALL = ("tests/test_x.py::test_slow", "tests/*::test_net[*]")
NAMES = (
    "tests/test_x.py::test_slow",
    "tests/test_x.py::test_net[a/b]",
    "tests/test_x.py::test_net[c]",
)


@pytest.mark.parametrize("command", [PYTEST, f"cd . && {PYTEST} -v --durations=3", f"{PYTEST} -rN"])
async def test_a_gate_of_quarantined_failures_only_counts_as_green(where: Path, command: str) -> None:
    verdict = await check(where, command, ALL)
    assert (verdict.green, verdict.exit_code, verdict.failing) == (True, 1, ())
    assert verdict.quarantined == NAMES and "3 failed, 1 passed" in verdict.output


async def test_a_report_names_them_its_own_way(where: Path) -> None:
    verdict = await check(where, f"{PYTEST} {JUNIT}", ALL)
    assert verdict.green
    assert verdict.quarantined == (
        "tests.test_x.test_slow",
        "tests.test_x.test_net[a/b]",
        "tests.test_x.test_net[c]",
    )
    assert (
        await check(where, f"{PYTEST} {JUNIT} --no-summary --tb=no", ALL)
    ).quarantined == verdict.quarantined


@pytest.mark.parametrize("more", ["", f" {JUNIT}", f" {JUNIT} --no-summary --tb=no"])
async def test_one_other_failure_keeps_it_red(where: Path, more: str) -> None:
    verdict = await check(where, PYTEST + more, ALL[1:])
    assert (verdict.green, verdict.quarantined, len(verdict.failing)) == (False, (), 3)
    assert "stays red" not in verdict.output, "there is nothing to explain"


async def test_green_is_green_without_a_word(where: Path) -> None:
    verdict = await check(where, f"{PYTEST} -k good", ALL)
    assert (verdict.green, verdict.quarantined) == (True, ())


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (f"{PYTEST} -x", "told to stop early"),
        (f"{PYTEST} && echo linted", "more than one command"),
        (f"sh -c '{PYTEST}; echo linted; exit 1'", "more than one command"),
        ("sh script.sh", "does not end as that of a test runner"),
        (f"{PYTEST} -p nothing_like_it || exit 1", ""),
    ],
)
async def test_doubt_keeps_it_red_and_is_told(where: Path, command: str, reason: str) -> None:
    (where / "script.sh").write_text(f"{PYTEST}\necho 'app.py:1: unused import'\nexit 1\n")
    verdict = await check(where, command, ALL)
    assert not verdict.green and not verdict.quarantined
    assert reason in verdict.output.splitlines()[-1]


async def test_what_cannot_be_imported_is_not_excused(where: Path) -> None:
    (where / "tests" / "test_broken.py").write_text("import nothing_like_it\n")
    for more in ("", " --continue-on-collection-errors", f" --continue-on-collection-errors {JUNIT}"):
        verdict = await check(where, PYTEST + more, (*ALL, "tests/*"))
        assert not verdict.green and not verdict.quarantined


async def test_a_process_that_dies_is_not_excused(where: Path) -> None:
    (where / "tests" / "test_y.py").write_text("import os\n\ndef test_slow(): os._exit(1)\n")
    verdict = await check(where, f"{PYTEST} -v", (*ALL, "tests/test_y.py::*"))
    assert (verdict.green, verdict.exit_code) == (False, 1)


async def test_out_of_time_is_not_excused(where: Path) -> None:
    line = "FAILED tests/test_x.py::test_slow - x\\n1 failed in 0.1s\\n"
    verdict = await check(where, f"sh -c 'printf \"{line}\"; exec sleep 60'", ALL, seconds=0.5)
    assert (verdict.green, verdict.exit_code, verdict.failing) == (False, None, NAMES[:1])


async def test_more_output_than_is_held_is_not_excused(where: Path) -> None:
    (where / "tests" / "test_x.py").write_text("def test_slow():\n    print('x' * 3_000_000)\n    assert 0\n")
    assert (await check(where, f"{PYTEST} --show-capture=no", ALL)).green
    verdict = await check(where, PYTEST, ALL)
    assert not verdict.green and "too long" in verdict.output


async def test_a_hostile_report_is_not_believed(where: Path) -> None:
    bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><testsuite/>"
    (where / "conftest.py").write_text(
        "import os, pathlib\n\ndef pytest_unconfigure():\n"
        f"    pathlib.Path(os.environ['WORKBENCH_JUNIT']).write_text({bomb!r})\n"
    )
    verdict = await check(where, PYTEST, ALL)
    assert not verdict.green and "damaged" in verdict.output


async def test_the_decision_sees_more_names_than_an_event_holds(where: Path) -> None:
    """The one that is not quarantined comes last."""
    suite = "".join(f"def test_slow{n}(): assert 0\n" for n in range(FAILING_LIMIT + 9))
    (where / "tests" / "test_x.py").write_text(suite)
    patterns = ["tests/test_x.py::test_slow*"]
    assert len((await check(where, f"{PYTEST} --tb=no", patterns)).quarantined) == FAILING_LIMIT
    (where / "tests" / "test_x.py").write_text(suite + "def test_other(): assert 0\n")
    verdict = await check(where, f"{PYTEST} --tb=no", patterns)
    assert not verdict.green and "tests/test_x.py::test_other" not in verdict.failing


async def test_unittest_too(where: Path) -> None:
    (where / "test_u.py").write_text(
        "import unittest\n\nclass Net(unittest.TestCase):\n    def test_slow(self): self.fail()\n"
        "    def test_good(self): pass\n"
    )
    command = PYTEST.partition(" -m ")[0] + " -m unittest test_u"
    assert (await check(where, command, ["*slow"])).quarantined == ("test_u.Net.test_slow",)
    assert not (await check(where, command.replace("test_u", "test_gone"), ["*slow", "*gone*"])).green


def test_the_list_is_part_of_the_environment(where: Path) -> None:
    def environment(quarantine: Sequence[str] = (), junit: Sequence[str] = ()) -> str:
        return ShellGates(Folder(where), seconds=1, env={}, quarantine=quarantine, junit=junit).environment()

    others = {environment(["a"]), environment(["b"]), environment(["a", "b"]), environment(["a"], ["b"])}
    assert len(others | {environment()}) == 5
    assert environment(junit=["x.xml"]) == environment(), "where names are read alone changes no verdict"
