"""How a command ends: what a person reads when it fails, and the exit code.

0 all is well; 1 some task did not land; 2 usage, plan or set-up error; 3 a bug of ours; 130
interrupted. As a step of a job, what was stopped for its deadline with nothing given up is well, too.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable

from workbench.errors import IllegalEvent, MachineError, PlanError, WorkbenchError, plainly

TRY_AGAIN = "then try again; `workbench resume` goes on with a run."
FULL = f"Free some space, {TRY_AGAIN}"
BUSY = f"End some programs or raise the limit (`ulimit -a`), {TRY_AGAIN}"
TROUBLE = {
    errno.ENOSPC: ("The disk is full", FULL),
    errno.EDQUOT: ("Your share of the disk is used up", FULL),
    errno.EIO: (
        "The disk failed to read or write",
        f"Look at the system's log for disk trouble, {TRY_AGAIN}",
    ),
    errno.EROFS: ("The disk can only be read", f"Make it writable, {TRY_AGAIN}"),
    errno.EAGAIN: ("The system has no room for another process", BUSY),
    errno.ENOMEM: ("The system is out of memory", BUSY),
    errno.EMFILE: ("Too many files are open", BUSY),
    errno.ENFILE: ("Too many files are open on this machine", BUSY),
}
"""What the machine can run out of, and what to do then."""

BUG = 3
INTERRUPTED = 130


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
            line = f":{problem.line}" if problem.line else ""  # 0: it is about the file as a whole
            explain(f"{error.path or 'plan'}{line}: {problem.sentence}", problem.hint)
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
        if isinstance(error, OSError) and (machine := trouble(error)) is not None:
            explain(str(machine), machine.hint)
            return machine.exit_code
        if not isinstance(error, usage):
            return _bug(error)
        error.message = plainly(error.message)  # type: ignore[attr-defined]
        error.show(sys.stderr)  # type: ignore[attr-defined]
        return 2


def trouble(error: OSError) -> MachineError | None:
    """What the system complains about, in a sentence with the next step; None when it is not the machine's
    doing."""
    what = TROUBLE.get(error.errno or 0)
    if what is None:
        return None
    sentence, hint = what
    where = f" ({error.filename})" if error.filename else ""
    return MachineError(f"{sentence}{where}.", f"{hint} Nothing that was committed is lost.")


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
