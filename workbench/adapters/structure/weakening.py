"""Whether a merge kept what both sides' tests check."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field

from workbench.adapters.structure.grammars import Piece, language_of, parse

FUNCTIONS = frozenset({
    "function_definition", "function_declaration", "function_item", "method_declaration",
    "method_definition",
})  # fmt: skip
SCOPES = frozenset({"class_definition", "class_declaration", "mod_item", "impl_item"})
CALL = re.compile(rb"(?:it|test|specify|bench)(?:\.\w+)*$")
SUITE = re.compile(rb"(?:describe|suite|context)(?:\.\w+)*$")
SKIP = re.compile(
    rb"@(?:\w+\.)*(?:skip\w*|xfail|expectedFailure)\b|@(?:Disabled|Ignore)\b|#\[ignore|\bt\.Skip\w*\(|"
    rb"\b(?:it|test|describe)\.(?:skip|todo)\b|\bx(?:it|describe|test)\(|self\.skipTest\(|pytest\.(?:skip|xfail)\("
)
CHECKS = {
    "python": re.compile(
        rb"assert\b|self\.(?:assert|fail)\w*|(?:with\s+)?(?:pytest\.|self\.assert)\w*[Rr]aises|(?:\w+\.)?assert_\w+"
    ),
    "go": re.compile(rb"\w+\.(?:Error|Fatal|Fail|FailNow)f?\(|(?:assert|require)\.\w+\("),
    "rust": re.compile(rb"(?:debug_)?assert\w*!|panic!|insta::"),
    "java": re.compile(rb"(?:\w+\.)?(?:assert|verify|fail)\w*\("),
    "javascript": re.compile(rb"(?:await\s+)?(?:expect|assert|t\.\w+)\b"),
}  # fmt: skip
NUMBER = re.compile(rb"\b\d+(?:\.\d+)?\b")
STATEMENT = frozenset({
    "expression_statement", "assert_statement", "with_statement", "macro_invocation", "if_statement",
    "return_statement",
})  # fmt: skip


@dataclass(slots=True)
class Case:
    """One test: its checks, counted, and the marks that keep it from running."""

    checks: Counter[bytes] = field(default_factory=Counter)
    skips: Counter[bytes] = field(default_factory=Counter)
    rows: Counter[bytes] = field(default_factory=Counter)


def weakened(
    base: str | None, ours: str, theirs: str, merged: str, path: str, *, strict: bool = True
) -> str | None:
    """A sentence when ``merged`` lacks a test of either side, or one of a test's checks or cases, or
    skips what neither skipped; None when all is kept. A test or check of the base that one side took
    out, and the other left as it was, may be gone, and one that a side renamed may have its new name. Files
    of no known language count as kept; so do those whose sides cannot be read, unless ``strict``."""
    language = language_of(path)
    if language is None:
        return None
    try:
        before, mine, yours = (cases(language, text) for text in (base or "", ours, theirs))
    except (UnicodeError, RecursionError):
        return f"{path} cannot be read, so its tests cannot be compared." if strict else None
    try:
        now = cases(language, merged)
    except (UnicodeError, RecursionError):
        return f"{path} cannot be read, so its tests cannot be compared."
    for name in [*mine, *(n for n in yours if n not in mine)]:
        found = now.get(name)
        if found is None and name in before:
            found = _renamed(mine.get(name) or yours[name], yours if name in mine else mine, before, now)
        said = _compare(path, name, before.get(name), (mine.get(name), yours.get(name)), found)
        if said:
            return said
    return None


def _renamed(
    case: Case, other: dict[str, Case], before: dict[str, Case], now: dict[str, Case]
) -> Case | None:
    """What the merge has of a test under a name that the ``other`` side gave: with all that is checked."""
    names = (name for name in other if name not in before and name in now)
    return next((it for name in names if case.checks and _covers(it := now[name], case)), None)


def _covers(one: Case, other: Case) -> bool:
    return not (other.checks - one.checks or other.rows - one.rows)


def _compare(
    path: str, name: str, base: Case | None, sides: tuple[Case | None, Case | None], now: Case | None
) -> str | None:
    ours, theirs = sides
    left = ours or theirs
    if (ours is None or theirs is None) and base is not None and left == base:
        return None  # one side took it out, the other had not touched it
    if now is None:
        return f"{path}: the test {name} is gone from the merge."
    empty = Case()
    one, two = ours or empty, theirs or empty
    for kind in ("checks", "rows"):
        old, a, b, have = (getattr(case or empty, kind) for case in (base, one, two, now))
        for text in {**a, **b}:
            wanted = max(a[text], b[text]) if not old[text] else min(a[text], b[text], old[text])
            wanted = max(wanted, *(n for n in (a[text], b[text]) if n > old[text]), 0)
            if have[text] < wanted and not _in_one(text, old, (a, b), have):
                return f"{path}: the test {name} no longer has: {text.decode(errors='replace')[:200]}"
    for text, count in now.skips.items():
        if count > max(one.skips[text], two.skips[text]):
            return f"{path}: the test {name} is skipped in the merge and on neither side."
    return None


def _in_one(
    text: bytes, base: Counter[bytes], sides: tuple[Counter[bytes], Counter[bytes]], now: Counter[bytes]
) -> bool:
    """Whether a check stands in one of the merge's that says what both sides made of the same old one: every
    word that either added, and every one that both kept. Where both expect another value, as of a count of
    what both add to, the merge may expect a third."""
    ours, theirs = sides
    olds = [check for check in base if not ours[check] and not theirs[check]]
    mine, yours = ([check for check in side if not base[check]] for side in sides)
    new = [check for check in now if not (base[check] or ours[check] or theirs[check])]
    made = [_words(check) for check in new]
    for old, one, two in itertools.product(olds, mine, yours):
        if text not in (one, two):
            continue
        if _form(old) == _form(one) == _form(two) and any(_form(check) == _form(old) for check in new):
            return True
        was, a, b = _words(old), _words(one), _words(two)
        if any((a - was) + (b - was) + (was & a & b) <= found for found in made):
            return True
    return False


def _form(check: bytes) -> bytes:
    """A check whatever number it expects."""
    return NUMBER.sub(b"0", check)


def _words(check: bytes) -> Counter[bytes]:
    return Counter(re.findall(rb"\w+|[^\w\s]", check))


def cases(language: str, text: str) -> dict[str, Case]:
    """The tests of a file by their full names; a name used twice counts as one test."""
    root, _ = parse(language, text)
    out: dict[str, Case] = {}
    known = "javascript" if language in {"typescript", "tsx"} else language
    _collect(root, known, (), b"", out)
    return out


def _collect(piece: Piece, language: str, scope: tuple[str, ...], marks: bytes, out: dict[str, Case]) -> None:
    before = b""
    for kid in piece.kids:
        if not kid.named:
            continue
        if kid.type in {"attribute_item", "decorator"}:
            before += kid.text
            continue
        around, before = before, b""
        if piece.type == "decorated_definition":
            around = marks + around
        if kid.type == "decorated_definition":
            _collect(kid, language, scope, around, out)
            continue
        name = _test_name(kid, language, around)
        if name is not None:
            case = out.setdefault(" > ".join((*scope, name)), Case())
            _fill(case, kid, language, around)
        else:
            inner = _scope(kid)
            _collect(kid, language, (*scope, inner) if inner else scope, b"", out)


def _scope(piece: Piece) -> str | None:
    if piece.type in SCOPES:
        found = piece.child("name") or piece.child("type")
        return found.text.decode(errors="replace") if found else None
    call = _call(piece)
    return _first(call) if call and SUITE.match(_callee(call)) else None


def _test_name(piece: Piece, language: str, marks: bytes) -> str | None:
    if language == "javascript":
        call = _call(piece)
        return _first(call) if call and CALL.match(_callee(call)) else None
    if piece.type not in FUNCTIONS:
        return None
    found = piece.child("name")
    name = found.text.decode(errors="replace") if found else ""
    if language == "rust":
        return name if re.search(rb"#\[(?:\w+::)*test\b|#\[rstest|test_case", marks) else None
    if language == "java":
        return name if re.search(rb"@(?:\w+\.)*\w*Test\b", piece.text.split(b"{", 1)[0]) else None
    pattern = r"(?:Test|Benchmark|Example|Fuzz)" if language == "go" else r"test"
    return name if re.match(pattern, name) else None


def _call(piece: Piece) -> Piece | None:
    if piece.type == "expression_statement" and piece.kids and piece.kids[0].type == "call_expression":
        return piece.kids[0]
    return None


def _callee(call: Piece) -> bytes:
    found = call.child("function")
    return found.text if found else b""


def _first(call: Piece) -> str | None:
    arguments = call.child("arguments")
    named = [kid for kid in arguments.kids if kid.named] if arguments else []
    return named[0].text.decode(errors="replace") if named else None


def _fill(case: Case, piece: Piece, language: str, marks: bytes) -> None:
    for found in SKIP.findall(marks + piece.text):
        case.skips[found] += 1
    for row in marks.splitlines():
        if row.strip() and not row.lstrip().startswith((b"@", b"#[", b")", b"]")):
            case.rows[row.strip().rstrip(b",")] += 1
    pattern = CHECKS.get(language)
    todo = list(piece.kids)
    while todo:
        kid = todo.pop()
        if kid.type in STATEMENT and pattern and pattern.match(kid.text):
            text = kid.text
            if kid.type == "with_statement":
                text = text.split(b":\n", 1)[0]
                todo.extend(kid.kids)
            case.checks[b" ".join(text.rstrip(b";").split())] += 1
            continue
        todo.extend(kid.kids)
