"""Arguments given by place, in a merge whose parameters stand in another order than on their side.

Two sides that each add a parameter agree on one order in the signature; a call that only one side wrote may
count on its own. Where nothing else tells (no type, no keyword), the value ends up as another parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set

from workbench.adapters.structure.grammars import Piece
from workbench.adapters.structure.shapes import COMMENTS

LANGUAGES = frozenset({"python", "javascript", "typescript", "tsx"})
FUNCTIONS = frozenset({"function_definition", "function_declaration", "method_definition"})
CLASSES = frozenset({"class_definition", "class_declaration"})
HOLDERS = CLASSES | {
    "module", "program", "block", "class_body", "decorated_definition", "export_statement", "if_statement",
    "try_statement",
}  # fmt: skip
CALLS = frozenset({"call", "call_expression", "new_expression"})
BUILDERS = frozenset({b"__init__", b"constructor"})
NAME = re.compile(rb"(?:(?:private|public|protected|readonly|override) )*([A-Za-z_$][\w$]*)")
RECEIVERS = frozenset({b"self", b"cls"})
Given = tuple[bytes, tuple[bytes, ...]]


def misplaced(language: str, sides: Sequence[Piece], merged: Piece) -> bool:
    """Whether a call in the merge gives a value as a parameter that no side with that call means by it.
    Functions are known by name, and only those that a file defines once."""
    if language not in LANGUAGES:
        return False
    now, before = _signatures(merged), [_signatures(side) for side in sides]
    unlike = {name for name, it in now.items() if any(side.get(name, it) != it for side in before)}
    calls = list(_calls(merged, unlike)) if unlike else []
    if not calls:
        return False
    meant: dict[Given, set[tuple[bytes, ...]]] = {}
    single: dict[Given, set[bytes]] = {}
    for side, known in zip(sides, before, strict=True):
        for name, given in _calls(side, unlike & known.keys()):
            names = known[name]
            meant.setdefault((name, given), set()).add(names[: len(given)])
            for value, parameter in zip(given, names, strict=False):
                single.setdefault((name, (value,)), set()).add(parameter)
    for name, given in calls:
        names = now[name][: len(given)]
        if names not in meant.get((name, given), {names}):
            return True
        if any(it not in single.get((name, (v,)), {it}) for v, it in zip(given, names, strict=False)):
            return True
    return False


def _signatures(root: Piece) -> dict[bytes, tuple[bytes, ...]]:
    """Parameters that may be given by place, by the function's name; a constructor's by its class's. What
    is defined within functions is left out."""
    out: dict[bytes, list[tuple[bytes, ...]]] = {}
    todo: list[tuple[Piece, bytes]] = [(root, b"")]
    while todo:
        piece, owner = todo.pop()
        if piece.type in CLASSES:
            owner = _name(piece)
        if piece.type in FUNCTIONS and (found := piece.child("parameters")) is not None:
            name = _name(piece)
            out.setdefault(owner if name in BUILDERS else name, []).append(tuple(_parameters(found)))
        elif piece.type in HOLDERS:
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


def _calls(root: Piece, names: Set[bytes]) -> Iterator[Given]:
    """Every call of these names: the last word of what is called, and the values it gives by place."""
    todo = [root]
    while todo:
        piece = todo.pop()
        todo.extend(kid for kid in piece.kids if kid.kids and any(name in kid.text for name in names))
        if piece.type not in CALLS:
            continue
        callee = piece.child("function") or piece.child("constructor")
        arguments = piece.child("arguments")
        if callee is None or arguments is None:
            continue
        words = re.findall(rb"[\w$]+$", callee.text)
        given: list[bytes] = []
        for kid in arguments.kids:
            if kid.type in {"keyword_argument", "list_splat", "dictionary_splat", "spread_element"}:
                break
            if kid.named and kid.type not in COMMENTS:
                given.append(b"".join(kid.text.split()))
        if words and words[0] in names and given:
            yield words[0], tuple(given)


def _name(piece: Piece) -> bytes:
    found = piece.child("name")
    return found.text if found is not None else b""
