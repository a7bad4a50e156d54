"""Which theme the viewer begins with."""

from __future__ import annotations

from collections.abc import Collection, Mapping

LIGHT = "textual-light"


def chosen(wanted: str, known: Collection[str], env: Mapping[str, str]) -> tuple[str, str]:
    """The theme to begin with, "" for the usual one, and a sentence where there is none named ``wanted``.
    Without a wish it is light where the terminal says that its background is."""
    if wanted in known:
        return wanted, ""
    begin = LIGHT if _is_light(env.get("COLORFGBG", "")) and not env.get("TEXTUAL_THEME") else ""
    names = ", ".join(sorted(known))
    return begin, f"There is no theme `{wanted}`. Setting theme may be one of: {names}." if wanted else ""


def _is_light(colours: str) -> bool:
    """What rxvt, Konsole and others say of themselves: the number of the background comes last, and of the
    sixteen colours 7 and those from 9 are light."""
    ground = colours.rpartition(";")[2]
    return ground.isascii() and ground.isdigit() and (int(ground) == 7 or 9 <= int(ground) <= 15)
