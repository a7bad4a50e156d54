"""Arguments given by place, in a merge whose parameters stand in another order than on their side.

Two sides that each add a parameter agree on one order in the signature; a call that only one side wrote may
count on its own. Where nothing else tells (no type, no keyword), the value ends up as another parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.adapters.structure.grammars import Piece
from workbench.adapters.structure.shapes import COMMENTS

LANGUAGES = frozenset({"python", "javascript", "typescript", "tsx"})
FUNCTIONS = frozenset({"function_definition", "function_declaration", "method_definition"})
CLASSES = frozenset({"class_definition", "class_declaration"})
CALLS = frozenset({"call", "call_expression", "new_expression"})
BUILDERS = frozenset({b"__init__", b"constructor"})
NAME = re.compile(rb"(?:(?:private|public|protected|readonly|override) )*([A-Za-z_$][\w$]*)")
RECEIVERS = frozenset({b"self", b"cls"})
Given = tuple[bytes, tuple[bytes, ...]]


def misplaced(language: str, sides: tuple[Piece, Piece, Piece], merged: Piece) -> bool:
    """Whether a call in the merge gives a value as a parameter that no side with that call means by it.
    Functions are known by name, and only those that a file defines once."""
    if language not in LANGUAGES:
        return False
    now = _signatures(merged)
    meant: dict[Given, set[tuple[bytes, ...]]] = {}
    single: dict[Given, set[bytes]] = {}
    for side in sides:
        known = _signatures(side)
        for name, given in _calls(side):
            names = known.get(name)
            if names is None:
                continue
            meant.setdefault((name, given), set()).add(names[: len(given)])
            for value, parameter in zip(given, names, strict=False):
                single.setdefault((name, (value,)), set()).add(parameter)
    for name, given in _calls(merged):
        if name not in now:
            continue
        names = now[name][: len(given)]
        if names not in meant.get((name, given), {names}):
            return True
        if any(it not in single.get((name, (v,)), {it}) for v, it in zip(given, names, strict=False)):
            return True
    return False


def _signatures(root: Piece) -> dict[bytes, tuple[bytes, ...]]:
    """Parameters that may be given by place, by the function's name; a constructor's by its class's."""
    out: dict[bytes, list[tuple[bytes, ...]]] = {}
    todo: list[tuple[Piece, bytes]] = [(root, b"")]
    while todo:
        piece, owner = todo.pop()
        if piece.type in CLASSES:
            owner = _name(piece)
        if piece.type in FUNCTIONS and (found := piece.child("parameters")) is not None:
            name = _name(piece)
            out.setdefault(owner if name in BUILDERS else name, []).append(tuple(_parameters(found)))
        todo.extend((kid, owner) for kid in piece.kids)
    return {name: several[0] for name, several in out.items() if len(several) == 1}


def _parameters(piece: Piece) -> Iterator[bytes]:
    for n, kid in enumerate(kid for kid in piece.kids if kid.named and kid.type not in COMMENTS):
        found = NAME.match(kid.text)
        if found is None:
            if kid.text != b"/":
                return  # a star, or a pattern: what follows has no place
            continue
        if n or found[1] not in RECEIVERS:
            yield found[1]


def _calls(root: Piece) -> Iterator[Given]:
    """Every call: the last word of what is called, and the values it gives by place."""
    todo = [root]
    while todo:
        piece = todo.pop()
        todo.extend(piece.kids)
        callee = piece.child("function") or piece.child("constructor")
        arguments = piece.child("arguments")
        if piece.type not in CALLS or callee is None or arguments is None:
            continue
        words = re.findall(rb"[\w$]+$", callee.text)
        given: list[bytes] = []
        for kid in arguments.kids:
            if kid.type in {"keyword_argument", "list_splat", "dictionary_splat", "spread_element"}:
                break
            if kid.named and kid.type not in COMMENTS:
                given.append(b"".join(kid.text.split()))
        if words and given:
            yield words[0], tuple(given)


def _name(piece: Piece) -> bytes:
    found = piece.child("name")
    return found.text if found is not None else b""
