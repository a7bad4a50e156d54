"""The one place that knows tree-sitter: from bytes to syntax, lazily, a grammar at a time."""

from __future__ import annotations

from functools import cache
from typing import Self

from tree_sitter import Language, Node, Parser

from workbench.core.languages import language_of

__all__ = ["BUNDLE", "Piece", "language_of", "parse"]

BUNDLE = "bundle of "  # no grammar has a node type with a blank in it
NEWLINES = b"\r\n"


class Piece:
    """A node of a syntax tree with its text; children are made when asked for.

    ``lead`` is what stands between the previous sibling (or the parent's start) and this one.
    Whitespace that a grammar counts into a node's end belongs to the next lead instead.
    """

    __slots__ = ("_kids", "_name", "_node", "end", "field", "lead", "named", "src", "start", "type")

    def __init__(self, src: bytes, node: Node | None, kind: str, start: int, end: int) -> None:
        self.src, self.type, self.start, self.end = src, kind, start, end
        self.field: str | None = None
        self.lead = b""
        self.named = node is None or node.is_named
        self._node = node
        self._kids: list[Piece] | None = None
        self._name: str | None = None

    @classmethod
    def bundle(cls, pieces: list[Piece]) -> Self:
        """Neighbours that belong together (a comment, an attribute, the definition) as one piece."""
        first, last = pieces[0], pieces[-1]
        whole = cls(last.src, None, f"{BUNDLE}{last.type}", first.start, last.end)
        whole.lead, whole.field, whole._kids = first.lead, last.field, pieces
        return whole

    @property
    def text(self) -> bytes:
        return self.src[self.start : self.end]

    @property
    def indent(self) -> bytes:
        """The white space that starts the line this piece starts in."""
        line = self.src[self.src.rfind(b"\n", 0, self.start) + 1 : self.start]
        return line[: len(line) - len(line.lstrip(b" \t"))]

    @property
    def core(self) -> Piece:
        """The piece itself, or what a bundle is about."""
        return self.kids[-1] if self.type.startswith(BUNDLE) else self

    @property
    def kids(self) -> list[Piece]:
        if self._kids is None:
            self._kids = list(self._make_kids())
        return self._kids

    def _make_kids(self) -> list[Piece]:
        out: list[Piece] = []
        at = self.start
        if self._node is None:
            return out
        for n, node in enumerate(self._node.children):
            start, end = node.start_byte, node.end_byte
            while end > start and self.src[end - 1] in NEWLINES:
                end -= 1
            if end == start or not self.src[start:end].strip():
                continue
            kid = Piece(self.src, node, node.type, start, end)
            kid.field = self._node.field_name_for_child(n)
            kid.lead = self.src[at:start]
            out.append(kid)
            at = end
        return out

    @property
    def tail(self) -> bytes:
        """What follows the last child inside this piece."""
        return self.src[self.kids[-1].end : self.end] if self.kids else b""

    def child(self, field: str) -> Piece | None:
        """The first child in ``field``."""
        return next((kid for kid in self.kids if kid.field == field), None)


@cache
def _grammar(language: str) -> Language:
    if language == "python":
        import tree_sitter_python

        grammar = tree_sitter_python.language()
    elif language == "javascript":
        import tree_sitter_javascript

        grammar = tree_sitter_javascript.language()
    elif language in {"typescript", "tsx"}:
        import tree_sitter_typescript as ts

        grammar = ts.language_tsx() if language == "tsx" else ts.language_typescript()
    elif language == "go":
        import tree_sitter_go

        grammar = tree_sitter_go.language()
    elif language == "rust":
        import tree_sitter_rust

        grammar = tree_sitter_rust.language()
    else:
        import tree_sitter_java

        grammar = tree_sitter_java.language()
    return Language(grammar)


def parse(language: str, text: str) -> tuple[Piece, bool]:
    """The whole file as a piece, and whether it parsed without an error."""
    src = text.encode()
    node = Parser(_grammar(language)).parse(src).root_node
    root = Piece(src, node, node.type, 0, len(src))
    return root, not node.has_error
