"""The script that stands between the SDK and Claude Code.

The SDK adds workbench's whole environment to what it is told to pass on, starts Claude Code in
workbench's own process group, where a Ctrl-C would end it before its work is safe, and leaves it running
when workbench is killed. So it is given this script to start instead: it takes the variables out again
that do not belong to the assignment, opens a session of its own, sees to it that Claude Code ends with
workbench, writes down its process id, and becomes Claude Code. It holds names of variables, never values.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_SETSID = "import os,sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])"

# Where the kernel cannot tell a process that its parent died (macOS), somebody has to look.
_WATCH = """\
while kill -0 "$1"; do
  kill -0 "$2" || { kill "$1"; break; }
  sleep 2
done
"""


def write_launcher(folder: Path, claude: Path, removed: Iterable[str]) -> Path:
    """Write the script that starts ``claude`` without the variables ``removed``; gives its path."""
    setsid, setpriv = shutil.which("setsid"), shutil.which("setpriv")
    if setpriv and Path(setpriv).resolve().name == "busybox":
        setpriv = None  # it does not know --pdeathsig
    # macOS has no setsid command; any Python can do it, at 10 ms.
    become = [setsid] if setsid else [sys.executable, "-I", "-S", "-c", _SETSID]
    become += ["env", *(word for name in sorted(removed) for word in ("-u", name))]
    watch = ""
    if setpriv:
        become += [setpriv, "--pdeathsig", "TERM"]
    else:
        watch = f'sh -c {shlex.quote(_WATCH)} watch "$$" "$PPID" </dev/null >/dev/null 2>&1 &\n'
    script = folder / "claude"
    script.write_text(
        "#!/bin/sh\n"
        "# Starts Claude Code with the variables of its assignment only, in a session of its own.\n"
        'echo $$ > "$0.pid"\n'
        f'{watch}exec {shlex.join([*become, str(claude)])} "$@"\n'
    )
    script.chmod(0o700)
    return script


def started_pid(script: Path) -> int | None:
    """The process id that ``script`` wrote down, None if it did not get that far."""
    try:
        return int(script.with_name(script.name + ".pid").read_text())
    except (FileNotFoundError, ValueError):
        return None


def ask_to_end(script: Path) -> None:
    """Tell the Claude Code that ``script`` became to end now. In the middle of a turn it would not
    notice for seconds that its input was closed. Only for one that nobody has waited for yet: until
    then its process id is nobody else's."""
    pid = started_pid(script)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
