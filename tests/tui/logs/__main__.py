"""Write the recorded logs."""

from __future__ import annotations

import sys

from tests.tui.logs import RUNS, path, written

if __name__ == "__main__":
    for name in sys.argv[1:] or RUNS:
        text = written(name)
        path(name).write_text(text, encoding="utf-8")
        sys.stdout.write(
            f"{path(name).name}: {text.count(chr(10))} events, {len(text.encode()) // 1000} kB\n"
        )
