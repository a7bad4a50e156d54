"""Markdown as rows of the screen. It hides nothing: somebody approves what they read here."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from markdown_it import MarkdownIt
from rich import markdown
from rich.console import Console
from rich.style import Style
from rich.theme import Theme as RichTheme
from textual.strip import Strip
from textual.theme import Theme

from workbench.tui.tones import style
from workbench.tui.widgets.laying import Laid, joined

_LANGUAGE = re.compile(r"[\w+#.-]{0,16}")
"""What stands behind a fence and need not be shown."""

HIDING = ("reference", "link", "image", "entity")
"""What Markdown can keep from a reader's eyes is shown as it is written. HTML is not even read as such."""


def laid_out(text: str, width: int, theme: Theme, *, tables: bool) -> Laid:
    """``text``, each part of it at the line of its heading. ``tables`` are for texts of our own: they leave
    out cells that have no heading."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        theme=_styles(theme),
    )

    def rows() -> Iterator[tuple[int, Strip]]:
        for start, part in _parts(text):
            drawn = console.render_lines(_Markdown(part, dark=theme.dark, tables=tables), pad=False)
            while drawn and not "".join(segment.text for segment in drawn[-1]).strip():
                drawn.pop()
            for segments in drawn:
                yield start, Strip([segment for segment in segments if not segment.control])
            yield start, Strip.blank(0)

    return joined(rows())


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The text cut before each heading, with the 1-based line that each part begins at; front matter is a
    part, as it is written."""
    lines = text.split("\n")
    first = 0
    if lines[0].rstrip() == "---":
        end = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
        if end is not None:
            yield 1, "\n".join(["````````yaml", *lines[1:end], "````````"])
            first = end + 1
    rest = "\n".join(lines[first:])
    starts = [
        token.map[0] + first
        for token in _parser(tables=False).parse(rest)
        if token.type == "heading_open" and token.level == 0 and token.map
    ]
    cuts = sorted({first, *starts, len(lines)})
    for begin, end in pairwise(cuts):
        part = "\n".join(lines[begin:end])
        if part.strip():
            yield begin + 1, part


def _styles(theme: Theme) -> RichTheme:
    strong, busy, faint = (style(tone, theme) for tone in ("strong", "busy", "faint"))
    return RichTheme(
        {
            "markdown.h1": strong + Style(underline=True),
            "markdown.h2": busy + strong + Style(underline=True),
            "markdown.h3": busy + strong,
            "markdown.h4": strong,
            "markdown.h5": strong,
            "markdown.h6": strong,
            "markdown.code": style("accent", theme),
            "markdown.code_block": Style(),
            "markdown.block_quote": faint,
            "markdown.item.bullet": busy,
            "markdown.item.number": busy,
            "markdown.hr": faint,
            "markdown.table.border": faint,
            "markdown.table.header": strong,
        }
    )


class _Heading(markdown.Heading):
    LEVEL_ALIGN: ClassVar = {}


class _Markdown(markdown.Markdown):
    """Markdown that hides nothing."""

    elements: ClassVar[dict[str, type[markdown.MarkdownElement]]] = {
        **markdown.Markdown.elements,
        "heading_open": _Heading,
    }

    def __init__(self, text: str, *, dark: bool, tables: bool) -> None:
        super().__init__("", code_theme="ansi_dark" if dark else "ansi_light", hyperlinks=False)
        self.parsed = _parser(tables=tables).parse(text)
        for token in self.parsed:
            if token.type == "fence" and not _LANGUAGE.fullmatch(token.info.strip()):
                token.content = f"{token.info.strip()}\n{token.content}"


def _parser(*, tables: bool) -> MarkdownIt:
    found = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").disable(list(HIDING))
    return found.enable("table") if tables else found
