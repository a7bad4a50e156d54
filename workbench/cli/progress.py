"""What takes long says on stderr what it is at; what does not, says nothing."""

from __future__ import annotations

import sys
import time

SECONDS = 2.0
"""Nobody wonders before that."""


class Patience:
    """Says what is being done now, once SECONDS have gone by since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def say(self, what: str) -> None:
        if time.monotonic() - self._began > SECONDS:
            print(what, file=sys.stderr, flush=True)
