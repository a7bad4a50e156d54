"""How a command ends: what a person reads when it fails, and the exit code.

0 all is well; 1 some task did not land; 2 usage, plan or set-up error; 3 a bug of ours; 130
interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable

from workbench.errors import IllegalEvent, PlanError, WorkbenchError

BUG = 3
INTERRUPTED = 130


MACHINE = {
    errno.EMFILE: "Raise the limit of open files: ulimit -n 4096",
    errno.ENFILE: "The whole system has too many files open: close some programs.",
    errno.ENOSPC: "Make room on that disk. What was committed is kept.",
    errno.EDQUOT: "Make room: the quota is used up. What was committed is kept.",
    errno.EROFS: "That disk cannot be written to: mount it for writing, or work on another.",
    errno.ENOMEM: "There is no memory left: end other programs, or make the team smaller.",
}
"""What a machine may lack at any point, which is no bug of ours, and what to do about it."""


def guarded(command: Callable[[], int]) -> int:
    """Run ``command``; whatever it raises becomes words on stderr and an exit code."""
    import typer

    # Typer brought its own click along at some point; what both call usage errors is found from here.
    usage = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
    try:
        return command()
    except IllegalEvent as error:
        return _bug(error)
    except PlanError as error:
        for problem in error.problems:
            explain(f"{error.path or 'plan'}:{problem.line}: {problem.sentence}", problem.hint)
        return error.exit_code
    except WorkbenchError as error:
        explain(str(error), error.hint)
        return error.exit_code
    except typer.Exit as done:
        return done.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): nothing to say, and nothing more to flush.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last stop before a person
        if isinstance(error, OSError) and error.errno in MACHINE:
            where = f" ({error.filename})" if error.filename else ""
            explain(f"{error.strerror}{where}", MACHINE[error.errno])
            return 2
        if not isinstance(error, usage):
            return _bug(error)
        error.show(sys.stderr)  # type: ignore[attr-defined]
        return 2


def explain(sentence: str, hint: str = "") -> None:
    """Say on stderr what went wrong and what to do next."""
    _say(f"workbench: {sentence}")
    if hint:
        _say(f"  next: {hint}")


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # the terminal was closed: nobody is there, and the exit code stands
        print(line, file=sys.stderr)


def _bug(error: BaseException) -> int:
    """A bug of ours: keep the details in a file, and say in a line that it is not the user's fault."""
    import tempfile
    import traceback

    details = "".join(traceback.format_exception(error))
    with tempfile.NamedTemporaryFile(
        "w", prefix="workbench-bug-", suffix=".txt", delete=False, encoding="utf-8"
    ) as kept:
        kept.write(details)
    explain(
        f"this is a bug in workbench: {type(error).__name__}: {error}",
        f"nothing that was committed is lost; the details are in {kept.name}",
    )
    return BUG
