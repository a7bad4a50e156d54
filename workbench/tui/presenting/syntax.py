"""Lines of a program as pieces, each of a kind that has a colour."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pygments.lexer import Lexer  # type: ignore[import-untyped]

Kind = Literal["", "comment", "keyword", "string", "number", "name", "function", "type"]
"""What a piece of code is; "" for what needs no colour."""

LONGEST = 500
"""Characters of a line up to which it is looked at: what is longer was written by no person."""

Piece = tuple[str, Kind]


def pieces(path: str, lines: Sequence[str]) -> list[list[Piece]]:
    """``lines`` of a file of this name in pieces. One of a language that is not known is left whole; so is
    everything where its lexer fails. The pieces of a line together are that line."""
    whole: list[list[Piece]] = [[(line, "")] for line in lines]
    lexer = _lexer(path.rpartition("/")[2].lower())
    if lexer is None:
        return whole
    code = "\n".join(line if len(line) <= LONGEST else "" for line in lines)
    try:
        found = _lexed(lexer, code)
    except Exception:  # noqa: BLE001  # somebody else's lexers, of which a few hundred are not ours to trust
        return whole
    return [
        piece if "".join(text for text, _ in piece) == line else plain
        for line, piece, plain in zip(lines, [*found, *whole[len(found) :]], whole, strict=False)
    ]


def _lexed(lexer: Lexer, code: str) -> list[list[Piece]]:
    found: list[list[Piece]] = [[]]
    for token, text in lexer.get_tokens(code):
        kind = _kind(token)
        first, *rest = text.split("\n")
        if first:
            found[-1].append((first, kind))
        found += [[(part, kind)] if part else [] for part in rest]
    return found


@lru_cache(maxsize=128)
def _lexer(name: str) -> Lexer | None:
    from pygments.lexers import get_lexer_for_filename  # type: ignore[import-untyped]
    from pygments.lexers.special import TextLexer  # type: ignore[import-untyped]
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]

    try:
        lexer = get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return None if isinstance(lexer, TextLexer) else lexer


@lru_cache(maxsize=1024)
def _kind(token: object) -> Kind:
    name = str(token).removeprefix("Token.")
    for start, kind in _KINDS:
        if name.startswith(start):
            return kind
    return ""


_KINDS: tuple[tuple[str, Kind], ...] = (
    ("Comment", "comment"),
    ("Keyword.Type", "type"),
    ("Keyword", "keyword"),
    ("Operator.Word", "keyword"),
    ("Literal.String", "string"),
    ("Literal.Number", "number"),
    ("Name.Function", "function"),
    ("Name.Decorator", "function"),
    ("Name.Class", "type"),
    ("Name.Exception", "type"),
    ("Name.Builtin", "name"),
    ("Name.Tag", "keyword"),
    ("Name.Attribute", "name"),
    ("Generic.Heading", "keyword"),
    ("Generic.Subheading", "keyword"),
    ("Error", ""),
)
