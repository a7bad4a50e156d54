"""What Claude Code would ask of a person at its keyboard, put to the team instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.adapters.agents.claude.tools import drop
from workbench.core.markers import NOTE_LIMITS
from workbench.core.models import MarkerKind
from workbench.core.plain import UNPRINTABLE
from workbench.engine.ports import Consult

ASKED = (
    "Asked: the answer will come as a message. Go on with what does not depend on it, or else end your turn."
)


@dataclass(frozen=True, slots=True)
class Team:
    """The team as one session sees it. ``consult``, where there is one, asks the person whether a tool may
    be used."""

    worktree: Path
    nonce: str
    consult: Consult | None = None

    def takes(self, tool: str, given: Mapping[str, Any]) -> str:
        """Put what ``tool`` would ask a person to the team, by a marker. Gives what the tool is told then,
        "" where the team has nothing to do with it."""
        if tool == "AskUserQuestion":
            return self._drop(MarkerKind.QUESTION, "\n".join(_questions(given)), ASKED)
        return ""

    def submits(self, plan: str) -> None:
        """Submit a plan for approval."""
        self._drop(MarkerKind.PLAN, plan)

    def _drop(self, kind: MarkerKind, text: str, answer: str = "") -> str:
        note = UNPRINTABLE.sub(" ", text.replace("\r\n", "\n")).strip()[: NOTE_LIMITS[kind]]
        if not note:
            return ""
        try:
            drop(self.worktree, self.nonce, kind, {"note": note})
        except (ValueError, OSError) as problem:
            return f"It could not be put to the team: {problem}"
        return answer


def _questions(given: Mapping[str, Any]) -> Iterator[str]:
    """The questions with what there is to choose from, a line each."""
    found = given.get("questions")
    for asked in found if isinstance(found, list) else []:
        if not isinstance(asked, dict):
            continue
        yield str(asked.get("question") or asked.get("header") or "")
        options = asked.get("options")
        for option in options if isinstance(options, list) else []:
            if isinstance(option, dict):
                more = str(option.get("description") or "")
                yield f"- {option.get('label', '')}" + (f": {more}" if more else "")
