"""What a person reads when the machine gives out."""

from __future__ import annotations

import errno
import os

import pytest

from workbench.cli.outcome import TROUBLE, guarded
from workbench.core.plan import parse


@pytest.mark.parametrize("number", TROUBLE)
def test_trouble_with_the_machine_is_no_bug_of_ours(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise OSError(number, os.strerror(number), "/some/where")

    assert guarded(command) == 2
    said = capsys.readouterr().err
    assert "/some/where" in said and "next:" in said and "bug" not in said and "Traceback" not in said


def test_any_other_error_of_the_system_is_told_as_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise OSError(errno.EBADF, "Bad file descriptor")

    assert guarded(command) == 3
    assert "bug in workbench" in capsys.readouterr().err


def test_what_is_wrong_with_a_plan_as_a_whole_names_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    def command(text: str) -> int:
        parse(text, "plan.md")
        return 0

    assert guarded(lambda: command("")) == 2
    assert "plan.md: the plan is empty" in capsys.readouterr().err
    assert guarded(lambda: command("# P\n\n## Tasks\n\n### a: A\n- after: b\n")) == 2
    assert "plan.md:6: " in capsys.readouterr().err
