"""The rungs in order, over whole files: texts in, proposals out."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from workbench.adapters.structure.grammars import language_of, parse
from workbench.adapters.structure.merging import Merger
from workbench.adapters.structure.overwrites import overwrites
from workbench.adapters.structure.positions import misplaced
from workbench.adapters.structure.runs import two_way
from workbench.adapters.structure.shapes import definitions
from workbench.core.moved import carried
from workbench.core.union import BOTH_NEW, LOOSE, MARKERS, MOVED, THEIRS_FIRST, Resolution, listed, union

LARGEST = 2_000_000  # characters of a file; beyond, nothing is proposed
FAULTS: tuple[type[Exception], ...] = (Exception,)
"""What a rung may stumble over without the merge failing."""

WORD = re.compile(r"\w+")
Texts = tuple[str, str, str]


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
    """Whether a proposal holds together: no marker, no new word of either side lost, and it parses if
    the texts it came from do."""
    clean = language is not None and all(_parses(language, text) for text in texts)
    old, ours, theirs = (set(WORD.findall(text)) for text in texts)
    new = (ours | theirs) - old

    def holds(text: str) -> bool:
        if MARKERS.search(text) or not new <= set(WORD.findall(text)):
            return False
        if language is None or not clean:
            return True
        return _parses(language, text) and not any(
            wrong(language, texts, text) for wrong in (_doubled, _overwritten, _misplaced)
        )

    return holds


def _doubled(language: str, texts: Texts, merged: str) -> bool:
    """Whether something is defined more often than in any of the texts: one would hide the other."""
    now = definitions(parse(language, merged)[0])
    if max(now.values(), default=0) < 2:
        return False
    sides = [definitions(parse(language, text)[0]) for text in texts]
    return any(count > max(1, *(side[name] for side in sides)) for name, count in now.items())


def _overwritten(language: str, texts: Texts, merged: str) -> bool:
    """Whether a value is lost that one side gave a name, for the other gives it one right after."""
    now = overwrites(parse(language, merged)[0])
    if not now:
        return False
    sides = [overwrites(parse(language, text)[0]) for text in texts]
    return any(count > max(side[pair] for side in sides) for pair, count in now.items())


def _misplaced(language: str, texts: Texts, merged: str) -> bool:
    """Whether a value is given by place as a parameter it is not meant for."""
    base, ours, theirs = (parse(language, text)[0] for text in texts)
    return misplaced(language, (base, ours, theirs), parse(language, merged)[0])


def _parses(language: str, text: str) -> bool:
    try:
        _, clean = parse(language, text)
    except UnicodeError:
        return False
    return clean and (language != "python" or _compiles(text))


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
