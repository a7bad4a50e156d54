"""Merged entries as text: white space before the first, separators between."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from workbench.adapters.structure import shapes
from workbench.adapters.structure.entries import Entry
from workbench.adapters.structure.grammars import BUNDLE

SEMICOLONS = frozenset({"object_type", "interface_body"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands: the node it is in, and how that node is laid out."""

    language: str
    kind: str
    free: bool
    indent: bytes
    base: tuple[bytes, ...]


@dataclass(slots=True)
class Written:
    """An entry of the merged node, ready to be written."""

    text: bytes
    lead: bytes
    first: bool
    sep: bytes
    anchor: bool
    comment: bool
    next_lead: bytes | None


@dataclass(slots=True)
class _Style:
    comma: bytes
    closing: bool


def write(place: Place, out: list[Written], sides: tuple[list[Entry], list[Entry], list[Entry]]) -> bytes:
    """The text of a node's children."""
    style = _style(place, sides)
    if style.comma:
        _separate(out, style)
    if shapes.is_comma_list(place.kind):
        _stack(out)
    text = bytearray()
    for n, one in enumerate(out):
        lead = _lead(place, out, n, root=sides[1])
        text += lead + one.text + one.sep
    return bytes(text)


def _lead(place: Place, out: list[Written], n: int, root: list[Entry]) -> bytes:
    one = out[n]
    if n == 0:
        return root[0].lead if root and root[0].first and not place.kind.startswith(BUNDLE) else b""
    before = out[n - 1]
    lead = one.lead
    comma = shapes.is_comma_list(place.kind) or before.sep.startswith(b",")
    packed = place.free and not comma and not (lead or one.anchor or before.anchor)
    if one.first or packed:
        flat = b" " if comma else b"\n" + place.indent
        lead = one.next_lead if one.next_lead and (one.next_lead.strip(b" \t") or comma) else flat
    if before.comment and before.text.startswith((b"#", b"//")) and b"\n" not in lead:
        lead = b"\n" + place.indent + lead.lstrip()
    return lead


def _stack(out: list[Written]) -> None:
    """Where entries stand a line each, an addition from a side that had them in one line does too."""
    items = [one for one in out if not one.anchor and not one.comment]
    lines = [one for one in items if b"\n" in one.lead]
    if lines and items[0] is lines[0] and 2 * len(lines) > len(items):
        for one in items:
            if one.lead == b" ":
                one.lead = lines[0].lead


def _style(place: Place, sides: tuple[list[Entry], list[Entry], list[Entry]]) -> _Style:
    seen = [entry.sep.strip() for side in sides for entry in side if entry.sep]
    comma = b""
    if b"," in seen or (not seen and shapes.is_comma_list(place.kind)):
        comma = b","
    elif b";" in seen and place.kind in SEMICOLONS:
        comma = b";"
    closing = [_closed(side) for side in sides]
    ours, theirs = closing[1:]
    return _Style(comma, theirs if ours == closing[0] else ours)


def _closed(side: list[Entry]) -> bool:
    last = next((entry for entry in reversed(side) if not entry.anchor and not entry.comment), None)
    return last is not None and bool(last.sep)


def _separate(out: list[Written], style: _Style) -> None:
    items = [n for n, one in enumerate(out) if not one.anchor and not one.comment]
    for n, following in itertools.pairwise(items):
        if any(out[k].anchor for k in range(n, following)):
            continue
        out[n].sep = out[n].sep or style.comma
    if items:
        last = out[items[-1]]
        last.sep = (last.sep or style.comma) if style.closing else b""
