"""What displays that only print have in common."""

from __future__ import annotations

from workbench.cli.outcome import explain


class Printed:
    """What a display that only prints does about the rest: it says things at once, and keeps nobody."""

    def say(self, sentence: str, hint: str = "") -> None:
        """See Display."""
        explain(sentence, hint)

    async def closed(self) -> None:
        """See Display."""

    def close(self) -> None:
        """See Display."""
