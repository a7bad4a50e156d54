"""What a merge assigns and at once assigns again, so that the first value is lost unread.

Two sides that both begin with ``label = node.label``, or both give one name a value of their own, add up to
code that is often green and always wrong: what came first counts for nothing.
"""

from __future__ import annotations

import re
from collections import Counter

from workbench.adapters.structure.grammars import Piece
from workbench.adapters.structure.shapes import STATEMENTS

ASSIGNS = {
    "assignment": ("left", "right"), "assignment_expression": ("left", "right"),
    "short_var_declaration": ("left", "right"), "assignment_statement": ("left", "right"),
    "let_declaration": ("pattern", "value"), "variable_declarator": ("name", "value"),
}  # fmt: skip
PLAIN = re.compile(rb"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*")
WORDS = re.compile(rb"[A-Za-z_$][\w$]*")
SCOPES = re.compile(
    r".*definition|.*function|.*_item|class_.*|lambda|closure_expression|func_literal|"
    r"(?:function|method|interface|constructor|generator_function|enum)_declaration"
)
"""What has names of its own."""

SHELLS = frozenset({"expression_statement", "lexical_declaration", "variable_declaration"})


def overwrites(root: Piece) -> Counter[tuple[bytes, bytes]]:
    """Pairs of a statement that ends by assigning a plain name and a later one of its block that assigns it
    again, whatever it was, with no word of that name between them; counted."""
    out = Counter[tuple[bytes, bytes]]()
    todo = [root]
    while todo:
        piece = todo.pop()
        if piece.type in STATEMENTS:
            out.update(_in_block(piece))
        todo.extend(piece.kids)
    return out


def _in_block(block: Piece) -> list[tuple[bytes, bytes]]:
    out: list[tuple[bytes, bytes]] = []
    waiting: dict[bytes, dict[bytes, bytes]] = {}  # by a name's first word, so that a statement asks for few
    for kid in block.kids:
        if not kid.named or kid.type.endswith("comment"):
            continue
        text = kid.text
        whole = _assigned(kid)
        here = waiting.get(_first(whole[0]), {}) if whole is not None else {}
        if whole is not None and whole[0] in here and not _mentions(whole[0], whole[1]):
            out.append((here[whole[0]], text))
        for word in waiting.keys() & set(WORDS.findall(text)):
            waiting[word] = {n: it for n, it in waiting[word].items() if not _mentions(n, text)}
        for name in {whole[0]} if whole is not None else _ends_assigning(kid):
            waiting.setdefault(_first(name), {})[name] = text
    return out


def _first(name: bytes) -> bytes:
    return name.split(b".", 1)[0]


def _assigned(statement: Piece) -> tuple[bytes, bytes] | None:
    """The plain name a statement assigns and what it assigns to it."""
    inner = statement
    if statement.type in SHELLS:
        named = [kid for kid in statement.kids if kid.named]
        if len(named) != 1:
            return None
        inner = named[0]
    fields = ASSIGNS.get(inner.type)
    if fields is None:
        return None
    left, right = (inner.child(field) for field in fields)
    if left is None or right is None or PLAIN.fullmatch(left.text) is None:
        return None
    return left.text, right.text


def _ends_assigning(statement: Piece) -> set[bytes]:
    """Names that a statement with blocks in it assigns, and does not read after."""
    out: set[bytes] = set()
    todo = [] if SCOPES.fullmatch(statement.type) else list(statement.kids)
    while todo:
        piece = todo.pop()
        found = _assigned(piece)
        if found is not None:
            rest = statement.src[piece.end : statement.end]
            if not _mentions(found[0], rest):
                out.add(found[0])
        elif not SCOPES.fullmatch(piece.type):
            todo.extend(piece.kids)
    return out


def _mentions(name: bytes, text: bytes) -> bool:
    return re.search(rb"(?<![\w$.])" + re.escape(name) + rb"(?![\w$])", text) is not None
