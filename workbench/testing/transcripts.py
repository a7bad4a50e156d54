"""What agents' sessions took up, which outlives the process as Claude Code's transcripts do."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heard:
    """A session took a message up."""

    session: str
    teammate: str
    task: str
    message: str


@dataclass
class Transcripts:
    """All that any session took up, in order."""

    heard: list[Heard] = field(default_factory=list)

    def has(self, session: str, message: str) -> bool:
        """Whether a session knows a message already."""
        return any((it.session, it.message) == (session, message) for it in self.heard)
