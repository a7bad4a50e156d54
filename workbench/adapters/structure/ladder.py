"""The rungs in order, over whole files: texts in, proposals out."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

from workbench.adapters.structure.grammars import Piece, language_of, parse
from workbench.adapters.structure.merging import Merger
from workbench.adapters.structure.overwrites import overwrites
from workbench.adapters.structure.positions import misplaced
from workbench.adapters.structure.runs import two_way
from workbench.adapters.structure.shapes import definitions
from workbench.core.moved import carried
from workbench.core.union import (
    BOTH_NEW,
    LINES_FIRST,
    LOOSE,
    MARKERS,
    MOVED,
    THEIRS_FIRST,
    Resolution,
    listed,
    settled,
    union,
)

LARGEST = 400_000  # characters of a file; beyond, nothing is proposed: parsing that takes half a minute
FAULTS: tuple[type[Exception], ...] = (Exception,)
"""What a rung may stumble over without the merge failing."""

WORD = re.compile(r"\w+")
Texts = tuple[str, str, str]
T = TypeVar("T", bound=Hashable)


def merge_file(path: str, base: str | None, ours: str, theirs: str) -> Resolution | None:
    """The first rung's proposal for a file in conflict, None when no rung is confident."""
    return next(_proposed(path, base, ours, theirs), None)


def proposals(path: str, base: str | None, ours: str, theirs: str) -> list[Resolution]:
    """Every rung's proposal in the order to try them, each a whole file, no two alike.

    A file both sides added has no base. Never raises; texts it cannot merge give an empty list. The
    result has the sides' line endings and, in a language with a grammar, parses if the sides do.
    """
    return list(_proposed(path, base, ours, theirs))


def _proposed(path: str, base: str | None, ours: str, theirs: str) -> Iterator[Resolution]:
    texts = (base or "", ours, theirs)
    if max(map(len, texts)) > LARGEST or any(MARKERS.search(text) or "\0" in text for text in texts):
        return
    crlf = [_all_crlf(text) for text in texts]
    if any(crlf):
        if any("\r\n" in text and not whole for text, whole in zip(texts, crlf, strict=True)):
            return
        texts = (
            texts[0].replace("\r\n", "\n"),
            texts[1].replace("\r\n", "\n"),
            texts[2].replace("\r\n", "\n"),
        )
    ending = "\r\n" if (crlf[2] if crlf[1] == crlf[0] else crlf[1]) else "\n"
    seen: set[str] = set()
    for rung, variant, text in _tried(path, texts):
        if ending != "\n":
            text = text.replace("\n", ending)
        if text not in seen:
            seen.add(text)
            yield Resolution(rung, text, variant)


def _tried(path: str, texts: Texts) -> Iterator[tuple[str, str, str]]:
    language = language_of(path)
    swapped = (texts[0], texts[2], texts[1])
    suffix = PurePosixPath(path).suffix.lower()
    check = _check(language, texts)
    rungs: list[tuple[str, str, Callable[[], str | None]]] = [
        ("union", "", lambda: union(*texts, code=language is not None))
    ]
    if language is not None:
        if not texts[0].strip():
            rungs.insert(0, ("structure", BOTH_NEW, lambda: _both_new(language, texts)))
        rungs += [
            ("structure", "", lambda: _structure(language, texts, loose=False)),
            ("structure", LOOSE, lambda: _structure(language, texts, loose=True)),
            ("structure", THEIRS_FIRST, lambda: _structure(language, swapped, loose=True)),
            ("structure", MOVED, lambda: _moved(language, texts)),
            ("structure", LINES_FIRST, lambda: _structure(language, settled(*texts), loose=True)),
        ]
    else:
        rungs += [
            ("list", "", lambda: listed(*texts, suffix)),
            ("list", THEIRS_FIRST, lambda: listed(*swapped, suffix)),
        ]
    rungs.append(("union", THEIRS_FIRST, lambda: union(*swapped, code=language is not None)))
    for rung, variant, make in rungs:
        try:
            text = make()
            held = text is not None and check(text)
        except FAULTS:
            continue  # a rung that cannot cope proposes nothing: the next rung, the agent, or a person will
        if text is not None and held:
            yield rung, variant, text


def _structure(language: str, texts: Texts, *, loose: bool) -> str:
    base, ours, theirs = (parse(language, text)[0] for text in texts)
    return Merger(language, loose).merge(base, ours, theirs).decode()


def _moved(language: str, texts: Texts) -> str | None:
    """One side moved what the other edited: the edit goes along, and the rest is merged."""
    sides = carried(*texts)
    return None if sides is None else _structure(language, (texts[0], *sides), loose=True)


def _both_new(language: str, texts: Texts) -> str:
    """A file that both sides added: what stands in both once, and the rest of each."""
    _, ours, theirs = (parse(language, text)[0] for text in texts)
    return two_way(ours, theirs, language).decode()


def _check(language: str | None, texts: Texts) -> Callable[[str], bool]:
    """Whether a proposal holds together: no marker, no new word of either side lost, and, if the texts it
    came from parse, it does too and means what they did."""
    sides = [side for text in texts if (side := _parsed(language, text)) is not None]
    old, ours, theirs = (set(WORD.findall(text)) for text in texts)
    new = (ours | theirs) - old

    def holds(text: str) -> bool:
        if MARKERS.search(text) or not new <= set(WORD.findall(text)):
            return False
        if language is None or len(sides) < len(texts):
            return True
        if (merged := _parsed(language, text)) is None:
            return False
        wrong = _more(definitions, sides, merged, 1) or _more(overwrites, sides, merged, 0)
        return not (wrong or misplaced(language, sides, merged))

    return holds


def _more(count: Callable[[Piece], Counter[T]], sides: Sequence[Piece], merged: Piece, fine: int) -> bool:
    """Whether something is found more often than in any of the sides: a definition that hides another of its
    name, a value that is lost because the other side gives its name another one right after."""
    now = {found: n for found, n in count(merged).items() if n > fine}
    if not now:
        return False
    known = [count(side) for side in sides]
    return any(n > max(side[found] for side in known) for found, n in now.items())


def _parsed(language: str | None, text: str) -> Piece | None:
    """The file as a piece, when it is one in its language."""
    if language is None:
        return None
    try:
        piece, clean = parse(language, text)
    except UnicodeError:
        return None
    return piece if clean and (language != "python" or _compiles(text)) else None


def _compiles(text: str) -> bool:
    """Python's own word on it: a parameter named twice, a default before a required one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "<merge>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _all_crlf(text: str) -> bool:
    return "\r\n" in text and text.count("\n") == text.count("\r\n")
