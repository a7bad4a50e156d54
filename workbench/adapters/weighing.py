"""What a red run of a gate comes to. Apart from the gates, for most runs are green and need none of this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from workbench.adapters.junit import Reports
from workbench.adapters.output import CONTROL, Capture
from workbench.core.failing import failing_tests
from workbench.core.quarantine import RedRun, decide


class Weighed(NamedTuple):
    """What a red run comes to: the tests that it names, those for which it is ``excused`` (see
    ``core.quarantine``), and the ``doubt`` for which it is not although all of them are quarantined."""

    failing: tuple[str, ...]
    excused: tuple[str, ...]
    doubt: str


def weighed(
    command: str, exit_code: int | None, output: Capture, reports: Reports, quarantine: Sequence[str]
) -> Weighed:
    """The tests that a red gate names, in its reports if they name any, else in all that it printed; and
    whether they are excused."""
    report = reports.read()
    report = report._replace(failing=_printable(report.failing))
    text, whole = output.kept()
    printed = _printable(failing_tests(text))
    decision = decide(RedRun(command, exit_code, text, printed, whole, report), quarantine)
    return Weighed(report.failing or printed, decision.excused, decision.doubt)


def _printable(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(CONTROL.sub("", name) for name in names)
