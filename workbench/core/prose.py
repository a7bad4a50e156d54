"""Words of others inside Markdown, as nothing but words: titles, reasons, file names, what was said. Pure.

Whatever a plan, a teammate, a gate or a repository can bring to a page goes through ``words`` or ``code``. A
page may become the text of a pull request: there a mention calls somebody, `Closes #1` closes an issue, and
an image tells its owner who has looked. A code host looks for those in the text that is left when Markdown is
done, where escapes are gone; so they are parted by a space of no width.
"""

from __future__ import annotations

import re

APART = "\u200b"
"""A space of no width."""

_CALLS = re.compile(
    r"@(?=[A-Za-z0-9])|(?<!&)#(?=\d)|GH-(?=\d)|/(?:issues|pull|discussions)/(?=\d)|:(?=//)|www(?=\.)",
    re.IGNORECASE,
)
"""What a code host makes a mention, a reference or a link of, up to where it is to be parted."""

_MARKUP = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown makes something of. Between letters an underscore is one."""

_FIRST = re.compile(r"^(?:[-+=#:]|\d+(?=[.)]))")
"""What makes a list, a heading or a line of the first characters of a line."""

_RUN = re.compile("`+")


def one_line(text: str, width: int) -> str:
    """``text`` in one line without what is not seen, cut to ``width`` characters."""
    if len(text) > 4 * width:
        text = f"{text[: 2 * width]}…{text[-2 * width :]}"
    shown = "".join(char if char.isprintable() else " " for char in text)
    return cut(" ".join(shown.split()), width)


def cut(text: str, width: int) -> str:
    """``text``, cut in its middle to ``width`` characters: of what a command printed, the end tells most."""
    if len(text) <= width:
        return text
    end = width // 2
    return f"{text[: width - 1 - end]}…{text[len(text) - end :]}"


def calm(text: str) -> str:
    """``text`` so that it calls nobody, and closes and links nothing; Markdown stays what it is."""
    return _CALLS.sub(lambda found: found[0] + APART, text)


def words(text: str, width: int = 1_000) -> str:
    """``text`` in one line of Markdown, a table's cell among others: no link, image, tag, mention, code or
    formula comes of it, nor the end of what it stands in."""
    line = _MARKUP.sub(lambda found: "\\" + found[0], one_line(text, width))
    if (first := _FIRST.match(line)) is not None:
        # An escaped digit would show its backslash; a list needs the dot behind it.
        at = first.end() if first[0].isdigit() else 0
        line = f"{line[:at]}\\{line[at:]}"
    return calm(line)


def code(text: str, width: int = 500, *, cell: bool = False) -> str:
    """``text`` as code in one line, ``cell`` for one of a table; "" for nothing."""
    line = one_line(text.replace("`", "'"), width)
    return f"`{line.replace('|', chr(92) + '|') if cell else line}`" if line else ""


def fenced(text: str, language: str = "text") -> list[str]:
    """Lines of a block that show ``text`` as it stands: nothing in it ends the block."""
    fence = "`" * max(3, 1 + max(map(len, _RUN.findall(text)), default=0))
    return [f"{fence}{language}", *text.split("\n"), fence]


def spoken(seconds: float) -> str:
    """A deadline as it is told to an agent: ``90 seconds``, ``30 minutes``."""
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes"
