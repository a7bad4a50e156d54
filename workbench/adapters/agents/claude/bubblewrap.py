"""The ``bwrap`` that sandboxed teammates find first on their PATH; see ``bwrap_script``."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from workbench.adapters.agents.claude import bwrap_script


def path_with_patience(
    folder: Path, worktree: Path, path: str | None, more: Sequence[str] = ()
) -> str | None:
    """``path`` with a ``bwrap`` in front, written into ``folder``, that tries again when another teammate
    got in its way, and puts the options ``more`` after all that it is given. ``path`` as it is where there is
    no bubblewrap.

    Commands in the sandbox must not be able to write to ``folder``: what stands there runs outside it.
    """
    real = shutil.which("bwrap", path=path)
    if platform.system() != "Linux" or real is None:
        return path
    first = folder / "bin"
    first.mkdir(exist_ok=True)
    script = first / "bwrap"
    python = [sys.executable, "-I", "-S", bwrap_script.__file__]
    words = [*python, str(worktree), str(Path(real).absolute()), str(len(more)), *more]
    script.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    script.chmod(0o700)
    return os.pathsep.join([str(first), path or os.defpath])
