"""Text of others, made such that who reads it sees all of it."""

from __future__ import annotations

from workbench.core.plan.rules import NEVER


def visible(text: str) -> str:
    """``text`` with line ends as ours, and what no one would see (see ``plan.rules.NEVER``) as ⟨U+001B⟩."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return NEVER.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", plain)


def line(text: str, limit: int = 0) -> str:
    """``text`` on one line, as ``visible`` has it, cut to ``limit`` characters if there is one."""
    plain = " ".join(visible(text).split())
    return plain if not limit or len(plain) <= limit else plain[: limit - 1] + "…"
