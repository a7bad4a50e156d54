"""What went wrong, in a sentence for the log."""

from __future__ import annotations

import logging

from workbench.errors import WorkbenchError

log = logging.getLogger(__name__)


def explain(problem: Exception) -> str:
    """One sentence for the log; what was not foreseen is logged whole."""
    if isinstance(problem, WorkbenchError):
        return str(problem) if not problem.hint else f"{problem} ({problem.hint})"
    log.error("unexpected failure", exc_info=problem)
    if isinstance(problem, OSError):
        return f"{problem.strerror or problem}: {problem.filename}" if problem.filename else str(problem)
    return f"{type(problem).__name__}: {problem}"
