"""One side's change put inside the other's, where both rewrote the same expression or statement."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from workbench.adapters.structure.entries import Entry
from workbench.adapters.structure.grammars import Piece

TIGHT = re.compile(
    r"identifier|call|call_expression|attribute|member_expression|subscript|string|integer|float|number|list|"
    r"dictionary|set|tuple|array|object|parenthesized_expression|field_expression|selector_expression|"
    r"macro_invocation|template_string|true|false|none|null|self|this|.*literal|.*comprehension|method_invocation|"
    r".*block|.*statement|.*clause|.*type|.*identifier|arguments|argument_list|.*parameters|parameter_list"
)
ROOMY = re.compile(
    r"argument_list|arguments|parenthesized_expression|assignment|.*statement|list|array|pair|keyword_argument|"
    r"variable_declarator|let_declaration|expression_list|return_expression|.*block|.*clause|.*type.*|arrow_function"
)
CHAINED = frozenset({"boolean_operator", "binary_expression", "binary_operator"})
WORDS = re.compile(rb"\w+|[^\w\s]")
ALIKE = 0.7  # share of words in common from which on a piece counts as the base's, changed
LONGEST = 4_000  # bytes of an expression that is looked for inside another
NAMING = frozenset({"name", "attribute", "property", "field", "key"})
RETURNS = frozenset({"return_statement", "return_expression"})
OPERATORS = CHAINED | {"unary_operator", "unary_expression", "not_operator", "comparison_operator"}
LOGICAL = frozenset({b"and", b"or", b"||", b"&&", b"??"})
ASSOCIATIVE = frozenset({b"+", b"*", b"|", b"&", b"^", b"and", b"or", b"||", b"&&", b"??"})
NAMED = frozenset({"assignment", "assignment_expression", "let_declaration", "variable_declarator"})
EDITED = 0.5  # share of words from which on an expression counts as edited, not replaced by another


def enclose(base: Piece, ours: Piece, theirs: Piece) -> bytes | None:
    """``f(x)`` and ``g(x)`` of one ``x``: ours inside theirs. With one side only that encloses the
    base, the other's text inside it. None when the base is not found once, or is a bare name that
    one side replaced, or the sides put it under operators whose order matters."""
    in_ours, in_theirs = holder(base, ours), holder(base, theirs)
    if in_ours is not None and in_theirs is not None:
        if _order_matters(ours, theirs):
            return None
        if ours.type == "expression_list" != theirs.type:  # one value became several
            return put(ours, in_ours, theirs)
        return put(theirs, in_theirs, ours)
    if len(base.kids) < 2:
        return None
    if in_ours is not None and edited(base, theirs):
        return put(ours, in_ours, theirs)
    if in_theirs is not None and edited(base, ours):
        return put(theirs, in_theirs, ours)
    return None


def edited(base: Piece, side: Piece) -> bool:
    """Whether ``side`` is the base's expression with a change in it, so that what the other side put around
    the one may stand around the other. What replaced it has nothing to do with that."""
    if base.type != side.type or not base.named:
        return False
    if not base.kids or not side.kids:
        return not (base.kids or side.kids)
    words = Counter(WORDS.findall(base.text))
    common = words & Counter(WORDS.findall(side.text))
    return any(word[:1].isalnum() or word[:1] == b"_" for word in common) and _share(words, side) >= EDITED


def _order_matters(one: Piece, other: Piece) -> bool:
    """Whether two operators put around one thing give two results: ``2 - x`` and ``x * 4``."""
    one, other = _bare(one), _bare(other)
    if one.type not in OPERATORS or other.type not in OPERATORS:
        return False
    if {_operator(one), _operator(other)} <= LOGICAL:
        return False  # a condition narrowed here and widened there: what the gate says
    same = one.type == other.type and _operator(one) == _operator(other)
    return not (same and _operator(one) in ASSOCIATIVE)


def holder(base: Piece, side: Piece) -> tuple[Piece, Piece] | None:
    """Where in ``side`` the base stands whole, exactly once: (parent, piece); None otherwise."""
    found = []
    for pair in _occurrences(base, side):
        found.append(pair)
        if len(found) > 1:
            return None
    return found[0] if found else None


def _occurrences(base: Piece, side: Piece) -> Iterator[tuple[Piece, Piece]]:
    if len(base.text) > LONGEST:
        return
    yield from _found(_squeezed(base), base, side)


def _found(text: bytes, base: Piece, side: Piece) -> Iterator[tuple[Piece, Piece]]:
    if not text or text not in _squeezed(side):
        return
    for kid in side.kids:
        if kid.type == base.type and _squeezed(kid) == text:
            if kid.field not in NAMING or base.kids:
                yield side, kid
        elif kid.end - kid.start > len(text):
            yield from _found(text, base, kid)


def _squeezed(piece: Piece) -> bytes:
    return b"".join(piece.text.split())


def put(whole: Piece, place: tuple[Piece, Piece], inner: Piece) -> bytes:
    """``whole`` with ``inner`` where the base stood, in parentheses where it needs them."""
    parent, old = place
    text = inner.text
    chained = parent.type in CHAINED and parent.type == inner.type and _operator(parent) == _operator(inner)
    chained = chained and (_operator(parent) in ASSOCIATIVE or (old.field == "left" and _groups_left(parent)))
    roomy = ROOMY.fullmatch(parent.type) is not None
    if inner.type == "expression_list":
        roomy = parent.type in RETURNS or parent.type == "assignment"
    if not (TIGHT.fullmatch(inner.type) or roomy or chained):
        text = b"(" + text + b")"
    return whole.src[whole.start : old.start] + text + whole.src[old.end : whole.end]


def _bare(piece: Piece) -> Piece:
    while piece.type == "parenthesized_expression" and len(piece.kids) == 3:
        piece = piece.kids[1]
    return piece


def _groups_left(piece: Piece) -> bool:
    return _operator(piece) != b"**"


def _operator(piece: Piece) -> bytes:
    found = piece.child("operator")
    return found.text if found else b""


def compose(base: Entry, ours: list[Entry], theirs: list[Entry]) -> bytes | None:
    """Two rewrites of one statement in turn: theirs works on what ours gives. None if they do not fit."""
    if not ours or not theirs:
        return None
    for run, other in ((ours, theirs), (theirs, ours)):
        if forks(base, run[:-1]) and run[-1].text == base.text:
            return _on_all(base, run, other)
    return (
        _pipeline(base.piece.core, ours, theirs)
        or _around(base.piece, ours, theirs)
        or _transplanted(base.piece, ours, theirs)
        or _transplanted(base.piece, theirs, ours)
    )


def _transplanted(base: Piece, one: list[Entry], other: list[Entry]) -> bytes | None:
    """The one expression that one side changed in place, changed as well where the other kept it. What the
    side put before its statement (where the expression is a variable now) stands before all."""
    if one[-1].kind != base.core.type:
        return None
    found = _kept(base, one, other)
    if found is None:
        return None
    entry, spot, new = found
    before = _run_text(one[:-1])
    return before + b"".join(
        (leading(e, base) if n or before else b"")
        + (put(e.piece, spot, new) if e is entry else e.text)
        + e.sep
        for n, e in enumerate(other)
    )


def forks(base: Entry, run: list[Entry]) -> list[Piece]:
    """The values that a run returns before the base's statement does, where they are forms of the value that
    it returns: what the other side makes of the one is meant for them too."""
    value = _value(base.piece.core)
    if base.kind not in RETURNS or value is None or not value.kids:
        return []
    out: list[Piece] = []
    todo = [entry.piece for entry in run]
    while todo:
        piece = todo.pop()
        found = _value(piece.core) if piece.core.type in RETURNS else None
        if found is not None:
            out += [found] if edited(value, found) else []
        elif not piece.type.endswith(("definition", "lambda", "function")):
            todo.extend(piece.kids)
    return out


def _on_all(base: Entry, run: list[Entry], other: list[Entry]) -> bytes | None:
    """Early returns of one side, each inside what the other put around the last."""
    value, returned = _value(base.piece.core), _value(other[0].piece.core)
    if value is None or returned is None or len(other) > 1:
        return None
    spot = holder(value, other[0].piece)
    around = None if spot is None else holder(value, returned)
    if around is None:
        return None
    out = b""
    for n, entry in enumerate(run[:-1]):
        text, end = entry.text, entry.piece.start
        for found in sorted(forks(base, [entry]), key=lambda piece: -piece.start):
            low, high = found.start - end, found.end - end
            text = text[:low] + put(returned, around, found) + text[high:]
        out += (entry.lead if n else b"") + text + entry.sep
    return out + leading(run[-1], base.piece) + other[0].text + other[0].sep


def _kept(
    base: Piece, one: list[Entry], other: list[Entry]
) -> tuple[Entry, tuple[Piece, Piece], Piece] | None:
    """Where the other side kept what ``one`` changed, and what it became: the smallest expression around the
    change that stands there once, whole, though in another statement."""
    for old, new in reversed(differences(base.core, one[-1].piece.core)):
        if len(old.kids) < 2 or old.text == base.text:
            continue
        if len(one) > 1 and not any(_squeezed(old) in _squeezed(e.piece) for e in one[:-1]):
            continue  # what stands before has nothing to do with the expression
        spots = [(entry, spot) for entry in other if (spot := holder(old, entry.piece)) is not None]
        if len(spots) == 1 and (len(one) > 1 or _fits(*spots[0], old, new)):
            return (*spots[0], new)
    return None


def _fits(entry: Entry, spot: tuple[Piece, Piece], old: Piece, new: Piece) -> bool:
    """Whether what became of an expression may stand where the other side left it: an edit anywhere but
    under an operator that would rather come first, another expression only as all that a name stands for."""
    if holder(old, new) is not None and any(
        _order_matters(new, it) for it in _around_it(entry.piece, spot[1])
    ):
        return False
    return spot[0].type in NAMED or edited(old, new)


def _around_it(whole: Piece, inner: Piece) -> list[Piece]:
    """The operators that work on ``inner`` as it stands in ``whole``."""
    out: list[Piece] = []
    piece: Piece | None = whole
    while piece is not None and (piece.start, piece.end) != (inner.start, inner.end):
        out = [*out, piece] if piece.type in OPERATORS or piece.type == "parenthesized_expression" else []
        piece = next((kid for kid in piece.kids if kid.start <= inner.start and inner.end <= kid.end), None)
    return out


def within(base: Piece, side: Piece) -> tuple[Piece, Piece] | None:
    """Where in ``side`` the base stands, itself changed: (parent, piece), the one piece of the base's kind
    that is much like it; None when there is none, or there are several."""
    words = Counter(WORDS.findall(base.text))
    found: list[tuple[Piece, Piece]] = []
    todo = [side]
    while todo:
        piece = todo.pop()
        for kid in piece.kids:
            if kid.type == base.type and _share(words, kid) >= ALIKE:
                found.append((piece, kid))
            elif kid.end - kid.start > LONGEST or kid.kids:
                todo.append(kid)
    return found[0] if len(found) == 1 else None


def _share(words: Counter[bytes], piece: Piece) -> float:
    there = Counter(WORDS.findall(piece.text))
    return 2 * (words & there).total() / max(1, words.total() + there.total())


def differences(base: Piece, side: Piece) -> list[tuple[Piece, Piece]]:
    """The pieces of the base whose change explains all of the side's, each inside the one before it."""
    out = [(base, side)]
    while base.type == side.type and len(base.kids) == len(side.kids):
        unlike = [(a, b) for a, b in zip(base.kids, side.kids, strict=True) if a.text != b.text]
        if len(unlike) != 1 or not unlike[0][0].named:
            break
        base, side = unlike[0]
        out.append((base, side))
    return out


def _pipeline(base: Piece, ours: list[Entry], theirs: list[Entry]) -> bytes | None:
    """``return x`` that became ``y = f(x); return y`` and ``z = g(x); return z``."""
    value, last = _value(base), _value(ours[-1].piece.core)
    if value is None or last is None or (ours[-1].kind != base.type and base.type in RETURNS):
        return None
    spots = [(entry, spot) for entry in theirs if (spot := holder(value, entry.piece)) is not None]
    used = [entry for entry in ours if value.text in entry.text]
    if not spots and len(theirs) == 1 and theirs[0].kind == base.type:
        return _replaced(value, _value(theirs[0].piece.core), ours, base)
    if len(spots) != 1 or not used:
        return None
    entry, spot = spots[0]
    if sum(value.text in other.text for other in theirs) != 1 and value.kids:
        return None
    yours = _value(entry.piece.core)
    if yours is not None and holder(value, last) is not None and _order_matters(last, yours):
        return None
    first = _run_text(ours[:-1])
    after = b""
    for n, one in enumerate(theirs):
        text = put(one.piece, spot, last) if one is entry else one.text
        after += (leading(one, base) if n or ours[:-1] else b"") + text + one.sep
    return first + after


def _replaced(value: Piece, new: Piece | None, run: list[Entry], base: Piece) -> bytes | None:
    """Statements about a value that the other side changed in place: about the changed one."""
    spots = [(entry, spot) for entry in run if (spot := holder(value, entry.piece)) is not None]
    if new is None or len(spots) != 1 or not _fits(*spots[0], value, new):
        return None
    entry, spot = spots[0]
    return b"".join(
        (leading(one, base) if n else b"")
        + (put(one.piece, spot, new) if one is entry else one.text)
        + one.sep
        for n, one in enumerate(run)
    )


def _value(statement: Piece) -> Piece | None:
    """The expression a statement is about: what it returns or assigns, or itself at a block's end."""
    if statement.type in RETURNS:
        named = [kid for kid in statement.kids if kid.named]
        return named[0] if len(named) == 1 else None
    if statement.type == "expression_statement" and statement.kids:
        inner = statement.kids[0]
        return (
            _value(inner)
            if inner.type in {"return_expression", "assignment", "assignment_expression"}
            else None
        )
    if statement.type in {"assignment", "assignment_expression"}:
        return statement.child("right")
    if statement.type in {"let_declaration", "variable_declarator"}:
        return statement.child("value")
    return None if statement.type.endswith(("statement", "definition", "item", "declaration")) else statement


def _around(base: Piece, ours: list[Entry], theirs: list[Entry]) -> bytes | None:
    """A statement one side put into a block (``if``, ``try``, ``with``) and the other rewrote."""
    for outer, inner in ((theirs, ours), (ours, theirs)):
        spots = [(n, spot) for n, e in enumerate(outer) if (spot := _inside(base, e.piece)) is not None]
        if len(spots) != 1:
            continue
        n, (start, end, indent) = spots[0]
        entry = outer[n]
        body = reindent(_run_text(inner), inner[0].piece.indent, indent)
        text = entry.piece.src[entry.piece.start : start] + body + entry.piece.src[end : entry.piece.end]
        return (
            _run_text(outer[:n])
            + (leading(entry, base) if n else b"")
            + text
            + entry.sep
            + _rest(outer[n + 1 :], base)
        )
    return None


def _inside(base: Piece, side: Piece) -> tuple[int, int, bytes] | None:
    """Where ``side`` holds the base, were it not for its indent: once, deeper."""
    wanted = reindent(base.text, base.indent, b"")
    found: list[tuple[int, int, bytes]] = []
    todo = list(side.core.kids)
    head = wanted.split(b"\n", 1)[0]
    while todo:
        piece = todo.pop()
        if head not in piece.text:
            continue
        if piece.type == base.core.type and reindent(piece.text, piece.indent, b"") == wanted:
            found.append((piece.start, piece.end, piece.indent))
        else:
            todo.extend(piece.kids)
    return found[0] if len(found) == 1 else None


def reindent(text: bytes, old: bytes, new: bytes) -> bytes:
    """The lines after the first moved from one indent to another."""
    if old == new:
        return text
    head, *lines = text.split(b"\n")
    moved = [new + line[len(old) :] if line.startswith(old) and line.strip() else line for line in lines]
    return b"\n".join([head, *moved])


def _run_text(run: list[Entry]) -> bytes:
    return b"".join((e.lead if n else b"") + e.text + e.sep for n, e in enumerate(run))


def _rest(run: list[Entry], base: Piece) -> bytes:
    return b"".join(leading(e, base) + e.text + e.sep for e in run)


def leading(entry: Entry, base: Piece) -> bytes:
    """The white space before an entry that has come to stand after others."""
    return entry.lead if b"\n" in entry.lead else b"\n" + base.indent
