"""``workbench`` and ``python -m workbench``.

``mark`` is called often, by agents, so it is answered before anything else is imported.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: see the README for the codes."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["mark"]:
        from workbench.cli.mark import main as mark

        return mark(words[1:])
    from workbench.cli.app import main as command_line

    return command_line(words)


def entry() -> None:
    """The program: ``main``, and then the end of the process without taking the interpreter down
    piece by piece. Everything that must be closed is, by then."""
    # What other packages would like to hook into pydantic has no business here, and is not looked for.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Imports make no garbage worth collecting: a tenth of the time to start.
    gc.disable()
    try:
        code = main()
    except KeyboardInterrupt:  # while this was still being imported
        code = 130
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # the reader went away
        pass
    os._exit(code)


if __name__ == "__main__":
    entry()
