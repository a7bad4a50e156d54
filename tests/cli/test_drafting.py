"""What a person sees of a session that reads."""

from __future__ import annotations

import pytest

from workbench.cli.drafting import _hear
from workbench.engine.ports import Acted, AgentReport, Denied, Ended, Retried, Said


@pytest.mark.parametrize(
    ("report", "shown"),
    [
        (Acted("Read", "/tmp/workbench-plan-x1/shop/src/a.py"), "reads src/a.py"),
        (Acted("Read", "src/a.py"), "reads src/a.py"),
        (Acted("Glob", "/tmp/workbench-plan-x1/shop"), "looks for ."),
        (Acted("Grep", "def \x1b[2J"), "searches for def \\x1b[2J"),
        (Denied("Bash", "ls", "No."), "was refused Bash ls: No."),
        (Said("One.\nTwo."), "One."),
        (Retried(529, "overloaded", 3.0), "the model's API asks to wait: overloaded (529)"),
    ],
)
def test_each_report_is_a_line(report: AgentReport, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    _hear(report)
    said = capsys.readouterr()
    assert said.err == f"    {shown}\n" and not said.out


def test_what_is_no_news_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    _hear(Ended(live=False, error=""))
    assert not capsys.readouterr().err
