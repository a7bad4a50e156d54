"""Words of others inside the page of a step and its Mermaid graph, as nothing but words."""

from __future__ import annotations

from workbench.core.prose import cut, one_line, words

__all__ = ["code", "cut", "markdown", "mermaid"]

_PLAIN = " _-.,/()+"


def markdown(text: str, width: int = 200) -> str:
    """``text`` in one line of Markdown, cut to ``width`` characters: see ``core.prose.words``."""
    return words(text, width)


def code(text: str, width: int = 200) -> str:
    """``text`` as code in one line."""
    return f"<code>{markdown(text, width)}</code>"


def mermaid(text: str, width: int = 60) -> str:
    """``text`` for a quoted label of a Mermaid graph, cut to ``width``: letters and digits as they are, the
    rest by its number."""
    letters = one_line(text, width)
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in letters)
