"""The rungs of the conflict ladder that know lines and words only.

``union`` keeps both sides where both only inserted. ``listed`` also merges entry by entry (a
trailing comma more or less does not count) and word by word, for prose, tables and configuration.
"""

from __future__ import annotations

import itertools
import json
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from workbench.core.diff3 import Stretch, matches, slid, stretches

MARKERS = re.compile(r"^(?:<{7}|>{7}|\|{7})(?: |$)", re.MULTILINE)
KEY = re.compile(r"""^\s*(?:[-*+] )?["']?([\w.@/ -]+?)["']?\s*(?:[:=]|[<>~!]=)""")
WORD = re.compile(r"\s+|\w+|[^\w\s]")
ENTERS = re.compile(r"\b(?:[Rr]?[Ll]ock|[Aa]cquire)\(\)|^\s*defer\b")
"""What begins with a lock guards all that follows it."""

Lines = Sequence[str]
Solve = Callable[[Lines, Lines, Lines], "list[str] | None"]


BOTH_NEW, LOOSE, THEIRS_FIRST = "both new", "loose", "theirs first"
MOVED, LINES_FIRST = "moved", "lines first"
"""Variants of a rung: for a file without a base, with less caution, with the sides the other way round, with
edits carried to where the other side moved the code, with what does not clash by lines settled by lines."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """A whole merged file, and the rung of the ladder that made it. A proposal: gate it. ``variant`` tells
    proposals of one rung apart: the way it went about it."""

    rung: str
    text: str
    variant: str = ""


def merge_lines(base: str, ours: str, theirs: str, solve: Solve) -> str | None:
    """The merged text: one-sided changes as they are, clashes as ``solve`` says, None if it cannot."""
    b, o, t = base.split("\n"), ours.split("\n"), theirs.split("\n")
    out: list[str] = []
    for same, part in stretches(*(_ended(side) for side in (b, o, t))):
        ob, oo, ot = b[slice(*part.base)], o[slice(*part.ours)], t[slice(*part.theirs)]
        merged = ob if same else one_sided(ob, oo, ot)
        if merged is None:
            merged = solve(ob, oo, ot)
        if merged is None:
            return None
        out.extend(merged)
    return "\n".join(out)


def settled(base: str, ours: str, theirs: str) -> tuple[str, str, str]:
    """The three texts with every stretch that does not clash as the merge has it: what is left between them
    is what clashes."""
    b, o, t = base.split("\n"), ours.split("\n"), theirs.split("\n")
    out: tuple[list[str], list[str], list[str]] = ([], [], [])
    for same, part in stretches(*(_ended(side) for side in (b, o, t))):
        rows = b[slice(*part.base)], o[slice(*part.ours)], t[slice(*part.theirs)]
        merged = rows[0] if same else one_sided(*rows)
        for text, row in zip(out, rows, strict=True):
            text.extend(row if merged is None else merged)
    return "\n".join(out[0]), "\n".join(out[1]), "\n".join(out[2])


def _ended(lines: list[str]) -> list[str]:
    """The lines to compare by: a file's end is no blank line like another."""
    return [*lines[:-1], lines[-1] or "\0"]


def one_sided(base: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    """What stands when at most one side changed a stretch, or both did alike; None otherwise."""
    if ours == theirs or theirs == base:
        return ours
    return theirs if ours == base else None


def clean(base: str, ours: str, theirs: str) -> str | None:
    """A merge without any clash, or None."""
    return merge_lines(base, ours, theirs, lambda *_: None)


def union(base: str, ours: str, theirs: str, *, code: bool = False) -> str | None:
    """Both sides kept, ours first, wherever both only inserted lines; None if one took lines away.

    A heading that both inserted is kept once, but in ``code``, where one line may begin two things.
    """
    return merge_lines(base, ours, theirs, partial(keep_both, code=code))


def keep_both(base: Lines, ours: Lines, theirs: Lines, *, code: bool = False) -> list[str] | None:
    """A clash of pure insertions: in every gap of the base ours, then theirs."""
    in_ours, in_theirs = _insertions(base, ours), _insertions(base, theirs)
    if in_ours is None or in_theirs is None:
        return None
    out: list[str] = []
    for n in range(len(base) + 1):
        swapped = code and enters(in_theirs[n]) and not enters(in_ours[n])
        pair = (in_theirs[n], in_ours[n]) if swapped else (in_ours[n], in_theirs[n])
        out.extend(joined(*pair, code=code))
        out.extend(base[n : n + 1])
    return out


def enters(lines: Lines) -> bool:
    """Whether inserted code begins by taking a lock: then it stands before what the other side inserted
    there. The other order is green as often as not, and wrong."""
    first = next((line for line in lines if line.strip()), "")
    return ENTERS.search(first) is not None


def joined(first: list[str], second: list[str], *, code: bool = False) -> list[str]:
    """Two runs of inserted lines as one. Blank lines that end both are kept once, and so is a first
    line that both start with when it is a heading; a run that both wrote is kept once."""
    if not first or not second or first == second:
        return first or second
    if set(second) <= set(first) and not matches_none(first, second):
        return first
    head = 0
    while head < min(len(first), len(second)) and first[head] == second[head] and _heading(first[head]):
        head += 1
    if code or not any(line.strip() for line in first[:head]):
        head = 0
    tail = 0
    while tail < min(len(first), len(second)) - head and not first[-1 - tail] and not second[-1 - tail]:
        tail += 1
    if tail and not head and len(first) - tail > 1 and not _starts_blank(first):
        tail = 0  # blocks, each with the blank lines that part it from what follows
    return [*first[: len(first) - tail], *second[head:]]


def matches_none(first: list[str], second: list[str]) -> bool:
    """Whether ``second`` is not found in ``first``, whole and in order."""
    return len(matches(second, first)) < len(second)


def listed(base: str, ours: str, theirs: str, suffix: str = "") -> str | None:
    """Entry by entry, then word by word. ``suffix`` (``.json``, ``.toml``) has the result parsed."""
    merged = merge_lines(base, ours, theirs, merge_entries)
    if merged is None or not all(_reads(suffix, text) for text in (base, ours, theirs)):
        return merged
    return merged if _reads(suffix, merged) else None


def merge_entries(base: Lines, ours: Lines, theirs: Lines) -> list[str] | None:
    """A clash of lines taken as entries: a comma at the end does not make an entry another one."""
    b, o, t = ([_bare(line) for line in side] for side in (base, ours, theirs))
    out: list[str] = []
    for same, part in stretches(b, o, t):
        rows = (b[slice(*part.base)], o[slice(*part.ours)], t[slice(*part.theirs)])
        merged = rows[0] if same else one_sided(*rows) or _entries(*rows)
        if merged is None:
            return None
        out.extend(merged)
    return _commas(out, base, ours, theirs)


def retold(base: str, ours: str, theirs: str) -> str:
    """Prose that both sides rewrote: word by word where that works, else ours, then what theirs added."""

    def both(old: Lines, mine: Lines, yours: Lines) -> list[str]:
        words = merge_words("\n".join(old), "\n".join(mine), "\n".join(yours))
        if words is not None:
            return words.split("\n")
        return [*mine, *(line for line in yours if line not in old and line not in mine)]

    return merge_lines(base, ours, theirs, both) or ours


def merge_words(base: str, ours: str, theirs: str) -> str | None:
    """A line or passage of prose, word by word: both sides' inserted words are kept."""
    b, o, t = WORD.findall(base), WORD.findall(ours), WORD.findall(theirs)
    out: list[str] = []
    for same, part in stretches(b, o, t):
        rows = (b[slice(*part.base)], o[slice(*part.ours)], t[slice(*part.theirs)])
        merged = rows[0] if same else one_sided(*rows)
        if merged is None:
            merged = _words(part, *rows)
        if merged is None:
            return None
        out.extend(merged)
    return "".join(out)


def _words(part: Stretch, base: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    if part.base[0] != part.base[1]:
        return None
    return [*ours, *theirs]


def _entries(base: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    """Match lines by their key, merge each alone, keep what either side inserted."""
    to_ours, to_theirs = _paired(base, ours), _paired(base, theirs)
    out: list[str] = []
    at_o = at_t = 0
    for n, line in enumerate(base):
        o, t = to_ours.get(n), to_theirs.get(n)
        out.extend(joined(ours[at_o : at_o if o is None else o], theirs[at_t : at_t if t is None else t]))
        at_o, at_t = (at_o if o is None else o + 1), (at_t if t is None else t + 1)
        if o is None or t is None:
            kept = ours[o] if o is not None else theirs[t] if t is not None else line
            if kept != line:
                return None  # one side changed what the other took away
            continue
        merged = one_sided([line], [ours[o]], [theirs[t]])
        word = merged[0] if merged else merge_words(line, ours[o], theirs[t])
        if word is None:
            return None
        out.append(word)
    rest_o, rest_t = ours[at_o:], theirs[at_t:]
    keys = {k for k in map(_key, rest_o) if k} & {k for k in map(_key, rest_t) if k}
    if any(line not in rest_t for line in rest_o if _key(line) in keys):
        return None  # one key, two values
    return [*out, *joined(rest_o, rest_t)]


def _paired(base: list[str], side: list[str]) -> dict[int, int]:
    same = matches(base, side)
    pairs, rows, columns = dict(same), [i for i, _ in same], [j for _, j in same]
    for i, j in matches([_key(x) or i for i, x in enumerate(base)], [_key(x) or "" for x in side]):
        at = bisect_left(rows, i)
        if at != bisect_left(columns, j) or (at < len(rows) and (rows[at] == i or columns[at] == j)):
            continue  # one of the two is paired, or is beyond a line that is
        pairs[i] = j
        rows.insert(at, i)
        columns.insert(at, j)
    if len(base) == 1 and side and not pairs:
        pairs[0] = max(
            range(len(side)), key=lambda j: len(matches(WORD.findall(base[0]), WORD.findall(side[j])))
        )
    return pairs


def _insertions(base: Lines, side: Lines) -> list[list[str]] | None:
    """What ``side`` inserted in each gap of ``base``; None when it took something away."""
    pairs = slid(base, side, matches(base, side))
    if len(pairs) < len(base):
        return None
    marks = [-1, *(j for _, j in pairs), len(side)]
    return [list(side[low + 1 : high]) for low, high in itertools.pairwise(marks)]


def _commas(merged: list[str], base: Lines, ours: Lines, theirs: Lines) -> list[str]:
    """Put commas back: between entries always, after the last as the sides have it."""
    sides = [line.rstrip() for line in (*base, *ours, *theirs) if line.strip()]
    with_comma = {_bare(line) for line in sides if line.endswith(",")}
    if not with_comma:
        return merged
    last_bare = [
        _bare(side[-1]) for side in (base, ours, theirs) if side and not side[-1].rstrip().endswith(",")
    ]
    filled = [n for n, line in enumerate(merged) if line.strip()]
    out = list(merged)
    for n in filled:
        entry = merged[n] in with_comma or (n != filled[-1] and merged[n] in last_bare)
        if entry and not (n == filled[-1] and last_bare):
            out[n] = f"{merged[n]},"
    return out


def _bare(line: str) -> str:
    text = line.rstrip()
    return text[:-1] if text.endswith(",") else line


def _key(line: str) -> str | None:
    found = KEY.match(line)
    return found.group(1) if found else None


def _heading(line: str) -> bool:
    text = line.strip()
    return not text or text.startswith(("#", "=", "-", "~", "[")) or text.endswith(":")


def _starts_blank(run: list[str]) -> bool:
    return bool(run) and not run[0].strip()


def _reads(suffix: str, text: str) -> bool:
    try:
        if suffix == ".json":
            json.loads(text)
        elif suffix == ".toml":
            import tomllib

            tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
