"""Workflow commands, and text that can be none.

The runner looks at every line of a step's output. ``::name key=value::data`` is a command where it stands
behind nothing but white space, and the older ``##[name]data`` is one anywhere in a line. It compares by the
rules of a language, for which characters that are not seen do not count, and it takes a lone carriage return
for the end of a line (actions/runner: ActionCommand, ActionCommandManager).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

Name = Literal["error", "warning", "notice", "group", "endgroup", "stop-commands"]

UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
"""Categories of characters that are left out of a log: controls, formats, and what is no character."""

MARKS = frozenset({"Mn", "Me", "Zl", "Zp"})
"""Categories that may hide what follows; such a line loses them where something is hidden."""

MOVE = "| "
"""Stands before a line that would begin like a command."""

_CONTROLS = {code: None for code in (*range(32), 127) if code != 9}


def escaped(text: str) -> str:
    """``text`` as the data of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escaped_property(text: str) -> str:
    """``text`` as the value of a command's property."""
    return escaped(text).replace(":", "%3A").replace(",", "%2C")


def command(name: Name, data: str = "", properties: Mapping[str, str] | None = None) -> str:
    """One command, on one line. The data may be anything; properties that are empty are left out."""
    given = {key: value for key, value in (properties or {}).items() if value}
    said = ",".join(f"{key}={escaped_property(_seen(value))}" for key, value in given.items())
    return f"::{name}{' ' + said if said else ''}::{escaped(_seen(data))}"


def harmless(text: str) -> str:
    """``text`` so that none of its lines is a command; line ends become line feeds, and what is not seen is
    left out."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(map(_harmless, lines))


def is_command(line: str) -> bool:
    """Whether the runner could take a line for a command: more is meant here than it does."""
    bare = _bare(line)
    return bare.lstrip().startswith("::") or "##[" in bare


def stopped(text: str, token: str) -> str:
    """Several lines, between which and their end the runner obeys no command. ``token`` is drawn anew for
    each; raises ValueError where the text has it."""
    if token in text:
        raise ValueError("the text holds the token that is to end it")
    return f"{command('stop-commands', token)}\n{harmless(text)}\n::{token}::"


def _harmless(line: str) -> str:
    plain = _seen(line)
    if not is_command(plain):
        return plain
    plain = re.sub(r"##(?=\[)", "## ", _bare(plain))
    return MOVE + plain if plain.lstrip().startswith("::") else plain


def _seen(text: str) -> str:
    """Without what is not seen, tabs and line ends apart."""
    if text.isascii():
        return text if text.isprintable() else text.translate({**_CONTROLS, 10: "\n", 13: "\r"})
    return "".join(char for char in text if char in "\t\n\r" or unicodedata.category(char) not in UNSEEN)


def _bare(text: str) -> str:
    if text.isascii():
        return text.translate(_CONTROLS)
    hidden = UNSEEN | MARKS
    return "".join(char for char in text if char == "\t" or unicodedata.category(char) not in hidden)


def output(name: str, value: str, token: str) -> str:
    """What sets an output of the step, for the file that GITHUB_OUTPUT names: any value, of many lines too.
    ``token`` is drawn anew for each; raises ValueError where the value has it."""
    if token in value or not token:
        raise ValueError(f"the value of {name} holds the delimiter that is to end it")
    return f"{name}<<{token}\n{value}\n{token}\n"
