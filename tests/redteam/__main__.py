"""``python -m tests.redteam``: every escape of every half there is, one table; exit 1 at a hole."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
from pathlib import Path

from tests.redteam.escapes import Outcome, table

HALVES = ("plans", "commands", "claude")


def main() -> int:
    """Run the halves one after the other, each in a folder of its own, and print what came of it."""
    found: list[Outcome] = []
    known: list[str] = []
    with tempfile.TemporaryDirectory(prefix="redteam-") as folder:
        for half in HALVES:
            if importlib.util.find_spec(f"tests.redteam.{half}") is None:
                print(f"{half}: not here", file=sys.stderr)
                continue
            place = Path(folder, half)
            place.mkdir()
            module = importlib.import_module(f"tests.redteam.{half}")
            found += module.outcomes(place)
            known += getattr(module, "KNOWN", ())
    print(table(found))
    print("\n".join(["", "Known, and not tried here:", *(f"- {it}" for it in known)] if known else []))
    return 1 if not found or any(it.broken for it in found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
