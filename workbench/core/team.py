"""Who is in the team, and how its members may be called. Pure."""

from __future__ import annotations

import re
from itertools import count

from workbench.core.mail import RESERVED, MessageKind
from workbench.core.mailing import members
from workbench.core.state import RunState

NAMES = (
    "ada", "bob", "cleo", "dan", "eve", "fay", "gus", "hana", "ivo", "jun", "kim", "leo", "mia", "noor",
    "omar", "pia", "quin", "rosa", "sam", "tess", "uma", "vik", "wren", "xia", "yara", "zoe",
)  # fmt: skip
"""Short names, one for each letter; a larger team goes on with numbers."""

NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?")
"""It becomes part of refs and paths, and people type it."""

TAKEN = RESERVED | {"integration"}
"""Names that mean somebody, or a branch, already."""

NOBODY_LEFT = "nobody is left in the team"

SHAPE = "use up to 32 small letters, digits, dots and dashes, with a letter or digit at both ends"


def fault(state: RunState, name: str) -> str:
    """Why nobody can join under ``name``, as the end of a sentence; "" when somebody can."""
    if not NAME.fullmatch(name) or ".." in name or name.endswith(".lock"):
        return f"that is no name for a teammate: {SHAPE}"
    if name in TAKEN:
        return "that name is taken by what it means"
    if name in state.teammates:
        return "there was one of that name before" if state.teammates[name].left else "there is one already"
    return ""


def wanted(state: RunState) -> set[str]:
    """Names under which somebody waits to be let in."""
    asks = [ask.message.key for ask in state.asks.values() if ask.message.kind is MessageKind.JOIN]
    return {state.joining[key].name for key in asks}


def next_name(state: RunState) -> str:
    """The first name that nobody has, had, or waits for."""
    waiting = wanted(state)
    numbered = (f"mate-{number}" for number in count(len(NAMES) + 1))
    found = (name for names in (NAMES, numbered) for name in names)
    return next(name for name in found if name not in state.teammates and name not in waiting)


def deserted(state: RunState) -> str:
    """Why a team is empty, as a sentence; "" when somebody is there."""
    if members(state):
        return ""
    gone = [f"{mate.name}: {mate.reason}" for mate in state.teammates.values() if mate.left]
    return f"{NOBODY_LEFT} ({'; '.join(gone[-4:])})"
