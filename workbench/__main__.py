"""``workbench`` and ``python -m workbench``.

``mark`` is called often, by agents, so it is answered before anything else is imported.
"""

from __future__ import annotations

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


if __name__ == "__main__":
    sys.exit(main())
