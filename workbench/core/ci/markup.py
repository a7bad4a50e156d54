"""Words of others inside Markdown and Mermaid, as nothing but words."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"[\\`*_\[\]{}<>|~&@:!#$^=]|www(?=\.)", re.IGNORECASE)
_PLAIN = " _-.,/()+"


def cut(text: str, width: int) -> str:
    """``text``, cut to ``width`` characters."""
    return text if len(text) <= width else text[: width - 1] + "…"


def _one_line(text: str, width: int) -> str:
    shown = "".join(char if char.isprintable() else " " for char in text[: 4 * width])
    return cut(" ".join(shown.split()), width)


def markdown(text: str, width: int = 200) -> str:
    """``text`` in one line of Markdown, a table's cell among others, cut to ``width`` characters: no link,
    image, tag, mention or formula comes of it."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0][0])};{found[0][1:]}", _one_line(text, width))


def code(text: str, width: int = 200) -> str:
    """``text`` as code in one line."""
    return f"<code>{markdown(text, width)}</code>"


def mermaid(text: str, width: int = 60) -> str:
    """``text`` for a quoted label of a Mermaid graph, cut to ``width``: letters and digits as they are, the
    rest by its number."""
    letters = _one_line(text, width)
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in letters)
