"""What a plan could be better at, told to a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.cli.outcome import explain
from workbench.cli.printable import printable
from workbench.core.plan.review import Finding


def show_findings(findings: Sequence[Finding], path: Path) -> None:
    """Each on stderr with its line and what to do: they are warnings to whoever owns the plan."""
    for finding in findings:
        where = f"{path}:{finding.line}" if finding.line else str(path)
        explain(f"{where}: warning: {printable(finding.sentence)}", printable(finding.hint))
