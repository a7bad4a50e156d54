"""How many files this process may open: macOS starts with 256, and some containers with fewer."""

from __future__ import annotations

import contextlib
import resource

from workbench.errors import SetupError

WANTED = 4_096
"""What the limit is raised to where the system allows: no team comes near it."""

APART = 48
EACH = 8
"""Open files of a run without its team (a few gits, the log, the gates) and of each teammate: below this
attempts would fail for want of them, one by one. Measured: 41 and 2 to 6."""


def allow_files(team: int) -> None:
    """Raise the soft limit of open files as far as is sensible and allowed.

    Raises SetupError when what is allowed is too little for ``team`` teammates at work at once.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = APART + EACH * team
    wanted = max(WANTED, needed)
    if not _enough(soft, wanted):
        with contextlib.suppress(ValueError, OSError):  # a kernel's own limit: what there is may do
            raised = wanted if _enough(hard, wanted) else hard
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    if not _enough(soft, needed):
        fits = (soft - APART) // EACH
        smaller = f", or set `team` to {fits}" if fits > 0 else ""
        raise SetupError(
            f"A process may open {soft} files here, and a team of {team} needs {needed}.",
            f"Raise the limit (`ulimit -n {WANTED}`, or the container's){smaller}.",
        )


def _enough(limit: int, wanted: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= wanted
