"""The command line of ``python -m tests.replay``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.replay.history import merges, scratch
from tests.replay.tally import Tally
from tests.replay.trial import Replayer
from workbench.errors import UsageError

PROGRESS_SECONDS = 2.0


async def replayed(repo: Path, limit: int | None = None, loud: bool = False) -> Tally:
    """Replay the history of ``repo``; ``loud`` tells on stderr how far it is."""
    tally = Tally()
    history = merges(repo, limit)
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        replayer = Replayer(scratch(repo, Path(folder) / "scratch"))
        told = time.monotonic()
        try:
            for merge in history:
                tally.add(await replayer.replay(merge))
                if loud and time.monotonic() - told > PROGRESS_SECONDS:
                    told = time.monotonic()
                    _tell(tally, len(history))
        finally:
            await replayer.aclose()
    return tally


def _tell(tally: Tally, total: int) -> None:
    found = f"{tally.outcomes['different']} different, {tally.outcomes['conflict']} in conflict"
    print(f"{tally.total} of {total} merges: {found}", file=sys.stderr, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Replay, print, and give the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.replay", description="Replay every two-parent merge of a repository's history."
    )
    parser.add_argument("repo", type=Path, metavar="REPO", help="the repository; only read")
    parser.add_argument("--limit", type=int, metavar="N", help="the newest N merges only")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    given = parser.parse_args(words)
    try:
        if given.limit is not None and given.limit < 1:
            raise UsageError("--limit must be 1 or more.")
        tally = asyncio.run(replayed(given.repo, given.limit, loud=True))
    except UsageError as error:
        print(f"{error}\n{error.hint}".strip(), file=sys.stderr)
        return error.exit_code
    print(json.dumps(tally.as_json(), indent=2) if given.json else tally.as_text())
    return 1 if tally.outcomes["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
