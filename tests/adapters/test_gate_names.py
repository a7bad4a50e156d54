"""Which tests a red gate names: in its JUnit XML, or in all that it printed."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from workbench.adapters import junit
from workbench.adapters.gates import ShellGates
from workbench.core.models import FAILING_LIMIT, Verdict
from workbench.errors import SetupError

PYTEST = f"{shlex.quote(sys.executable)} -m pytest -q -p no:cacheprovider"
CASE = '<testcase classname="a" name="{}"><failure/></testcase>'


class Folder:
    """A checkout that is a folder in which tests lie already."""

    def __init__(self, where: Path) -> None:
        self.where = where

    @contextlib.asynccontextmanager
    async def lease(self, commit: str, urgent: bool = False) -> AsyncIterator[Path]:
        yield self.where

    async def aclose(self) -> None:
        pass


@pytest.fixture
def where(tmp_path: Path) -> Path:
    folder = tmp_path / "gate"
    folder.mkdir()
    return folder


async def check(where: Path, *commands: str, globs: Sequence[str] = (), seconds: float = 60) -> list[Verdict]:
    gates = ShellGates(Folder(where), seconds=seconds, env=dict(os.environ), junit=globs)
    try:
        return await gates.check("c", "t", commands)
    finally:
        await gates.aclose()


async def failing(where: Path, command: str, *globs: str) -> tuple[str, ...]:
    (verdict,) = await check(where, command, globs=globs)
    return verdict.failing


def xml(*names: str) -> str:
    return f"<testsuite>{''.join(map(CASE.format, names))}</testsuite>"


async def test_names_are_read_from_what_pytest_prints(where: Path) -> None:
    (where / "test_sum.py").write_text("def test_good(): pass\ndef test_bad(): assert 0\n")
    (verdict,) = await check(where, PYTEST)
    assert (verdict.green, verdict.failing) == (False, ("test_sum.py::test_bad",))
    (verdict,) = await check(where, f"{PYTEST} -k good")
    assert (verdict.green, verdict.failing) == (True, ())


async def test_names_are_read_from_the_report_that_pytest_writes(where: Path) -> None:
    (where / "test_sum.py").write_text("def test_bad(): assert 0\n")
    (verdict,) = await check(where, f'{PYTEST} --no-summary --tb=no --junitxml="$WORKBENCH_JUNIT"')
    assert verdict.failing == ("test_sum.test_bad",)


async def test_names_far_above_the_end_are_found(where: Path) -> None:
    above = "echo 'FAILED tests/test_a.py::test_x - assert 0'; seq 1 100000"
    (verdict,) = await check(where, f"{above}; exit 1")
    assert verdict.failing == ("tests/test_a.py::test_x",)
    assert "test_x" not in verdict.output and verdict.output.startswith("[earlier output cut]")


async def test_a_gate_that_is_out_of_time_names_what_failed_before(where: Path) -> None:
    (verdict,) = await check(where, "echo 'FAILED a.py::test_x'; sleep 60", seconds=0.3)
    assert (verdict.exit_code, verdict.failing) == (None, ("a.py::test_x",))


async def test_an_event_holds_so_many_names_and_no_control_characters(where: Path) -> None:
    command = 'i=0; while [ $i -lt 80 ]; do echo "FAILED a.py::test_$i"; i=$((i+1)); done; exit 1'
    assert len(await failing(where, command)) == FAILING_LIMIT
    (where / "in.xml").write_text(xml("x\u202ey"))
    assert await failing(where, 'cp in.xml "$WORKBENCH_JUNIT"; exit 1') == ("a.xy",)


async def test_globs_name_reports_in_the_worktree(where: Path) -> None:
    (where / "in.xml").write_text(xml("x"))
    (where / "in2.xml").write_text(xml("y"))
    command = "mkdir -p build/deep; cp in.xml build/1.xml; cp in2.xml build/deep/2.xml; exit 1"
    assert await failing(where, command) == ()
    assert await failing(where, command, "build/*.xml") == ("a.x",)
    assert await failing(where, command, "build/**/*.xml") == ("a.x", "a.y")


async def test_a_report_that_was_there_before_does_not_count(where: Path) -> None:
    """Neither a file of the commit, nor one that a gate before this wrote."""
    (where / "old.xml").write_text(xml("old"))
    first, second = await check(
        where, "cp old.xml written.xml", "echo FAILED b.py::test_x; exit 1", globs=["*.xml"]
    )
    assert (first.green, second.failing) == (True, ("b.py::test_x",))
    assert await failing(where, "cp old.xml written.xml; exit 1", "*.xml") == ("a.old",)


async def test_a_report_without_failures_leaves_it_to_the_output(where: Path) -> None:
    (where / "in.xml").write_text("<testsuite><testcase name='x'/></testsuite>")
    assert await failing(where, 'cp in.xml "$WORKBENCH_JUNIT"; echo FAILED b.py::test_x; exit 1') == (
        "b.py::test_x",
    )


HOSTILE = {
    "a bomb": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite>&b;</testsuite>',
    "deep": "<a>" * 200_000,
    "no text": "\0\1\2" * 1000,
    "UTF-16": xml("x").encode("utf-16").decode("latin-1"),
    "empty": "",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_report_is_harmless(where: Path, name: str) -> None:
    (where / "in.xml").write_text(HOSTILE[name], encoding="latin-1")
    assert await failing(where, 'cp in.xml "$WORKBENCH_JUNIT"; echo FAILED b.py::test_x; exit 1') == (
        "b.py::test_x",
    )


@pytest.mark.parametrize(
    "put",
    [
        'mkfifo "$WORKBENCH_JUNIT" pipe.xml',
        'mkdir "$WORKBENCH_JUNIT" folder.xml',
        'ln -s "$SECRET" "$WORKBENCH_JUNIT"; ln -s "$SECRET" link.xml',
        'ln -s "$(dirname "$SECRET")" away',
        'rm -r "$(dirname "$WORKBENCH_JUNIT")"',
    ],
)
async def test_only_plain_files_inside_are_read(
    where: Path, tmp_path: Path, put: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside" / "secret.xml"
    outside.parent.mkdir()
    monkeypatch.setenv("SECRET", str(outside))
    command = f'echo "{xml("secret").replace(chr(34), chr(39))}" > "$SECRET"; {put}; exit 1'
    assert await failing(where, command, "*.xml", "away/*.xml") == ()


async def test_a_report_is_read_up_to_a_size(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = xml("x", "y")
    monkeypatch.setattr(junit, "BYTES", report.index("y") - 1)
    (where / "in.xml").write_text(report)
    assert await failing(where, 'cp in.xml "$WORKBENCH_JUNIT"; exit 1') == ("a.x",)


async def test_nothing_is_left_of_the_file_that_a_gate_may_write(where: Path) -> None:
    (verdict,) = await check(where, 'echo x > "$WORKBENCH_JUNIT"; echo "$WORKBENCH_JUNIT"')
    assert verdict.green and verdict.output.endswith("junit.xml")
    assert not Path(verdict.output).parent.exists()


async def test_no_folder_for_a_report_is_no_verdict(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(where / "gone"))
    with pytest.raises(SetupError, match="folder for a gate's report"):
        await check(where, "true")
