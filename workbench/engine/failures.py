"""What went wrong, in a sentence for the log."""

from __future__ import annotations

import errno
import logging

from workbench.core.events import EffectFailed
from workbench.errors import WorkbenchError

log = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
FULL_WORDS = ("No space left on device", "Disk quota exceeded", "Read-only file system")
"""What git, which writes on our behalf, says of the same."""


def failed(
    action: str, problem: BaseException, task: str | None = None, attempt: int | None = None
) -> EffectFailed:
    """What the log says of an effect that failed."""
    error = explain(problem) if isinstance(problem, Exception) else f"{type(problem).__name__}: {problem}"
    return EffectFailed(action=action, error=error, task=task, attempt=attempt, full=no_room(problem))


def no_room(problem: BaseException | None) -> bool:
    """Whether it was for want of room on a disk, or of a disk that can be written to."""
    while problem is not None:
        if isinstance(problem, OSError) and problem.errno in FULL:
            return True
        if isinstance(problem, WorkbenchError) and any(words in str(problem) for words in FULL_WORDS):
            return True
        problem = problem.__cause__
    return False


def explain(problem: Exception) -> str:
    """One sentence for the log; what was not foreseen is logged whole."""
    if isinstance(problem, WorkbenchError):
        return str(problem) if not problem.hint else f"{problem} ({problem.hint})"
    log.error("unexpected failure", exc_info=problem)
    if isinstance(problem, OSError):
        return f"{problem.strerror or problem}: {problem.filename}" if problem.filename else str(problem)
    return f"{type(problem).__name__}: {problem}"
