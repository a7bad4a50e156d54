"""The script that stands between the SDK and Claude Code.

The SDK adds workbench's whole environment to what it is told to pass on, and starts Claude Code in
workbench's own process group, where a Ctrl-C would end it before its work is safe. So it is given this
script to start instead: it takes the variables out again that do not belong to the assignment, opens
a session of its own, writes down its process id, and becomes Claude Code. It holds names of variables,
never values.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

_SETSID = "import os,sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])"


def write_launcher(folder: Path, claude: Path, removed: Iterable[str]) -> Path:
    """Write the script that starts ``claude`` without the variables ``removed``; gives its path."""
    setsid = shutil.which("setsid")
    # macOS has no setsid command; any Python can do it, at 10 ms.
    own_session = [setsid] if setsid else [sys.executable, "-I", "-S", "-c", _SETSID]
    unset = [word for name in sorted(removed) for word in ("-u", name)]
    become = shlex.join([*own_session, "env", *unset, str(claude)])
    script = folder / "claude"
    script.write_text(
        "#!/bin/sh\n"
        "# Starts Claude Code with the variables of its assignment only, in a session of its own.\n"
        'echo $$ > "$0.pid"\n'
        f'exec {become} "$@"\n'
    )
    script.chmod(0o700)
    return script


def started_pid(script: Path) -> int | None:
    """The process id that ``script`` wrote down, None if it did not get that far."""
    try:
        return int(script.with_name(script.name + ".pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
