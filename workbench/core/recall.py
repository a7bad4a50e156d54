"""Which shared notes answer a question, best first, and how they are shown. Pure.

What a note says was written by somebody else: it is shown as data with its author, age and evidence,
never as an instruction.
"""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench.core.notes import Fading, Note, lineage, strength_at
from workbench.core.notices import own_among

BRIEF_NOTES = 8
BRIEF_CHARACTERS = 2_500
"""What the notes in one brief may take, evidence included."""

SHOWN_TEXT = 600
"""Characters of one note in a brief."""

FROM_ONE = 4
"""Notes of one attempt that one answer holds, so that nobody talks over everybody else."""

QUERY_WORDS = 48
"""Words of a question that are looked for."""

PATH_WEIGHT = 2.0
ELSEWHERE = 0.1
"""What a note without paths counts where no word of it is asked for: it may concern everybody."""

AKIN = 0.3
"""From which share of common words on a note about other files is worth a brief: one word is none."""

WORD = re.compile(r"[^\W_]+")
WILD = re.compile(r"[*?\[]")
DULL = frozenset(
    WORD.findall(
        "a all an and are as at be but by can do for from has have if in into is it its no not of on one or "
        "so that the their them then there this to use was when which will with you your"
    )
)
"""Words that say nothing about what is meant."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: ``words`` in any form, ``files`` as globs of a plan or as paths, a ``namespace`` and
    those below it. With ``strict``, what is given must be met; without, it only says what comes first.
    ``settled`` asks for warnings that were overcome, too."""

    words: str = ""
    files: tuple[str, ...] = ()
    namespace: str = ""
    limit: int = 10
    strict: bool = True
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Recalled:
    """A note that answers, its ``strength`` now, and its ``score``."""

    note: Note
    strength: float
    score: float


def words_of(text: str) -> list[str]:
    """The words of a text that can be looked for, each once, as they are compared."""
    if not text.isascii():
        text = "".join(it for it in unicodedata.normalize("NFKD", text) if not unicodedata.combining(it))
    return list(dict.fromkeys(WORD.findall(text.casefold())))


def asked_words(query: Query) -> list[str]:
    """Those of a question that say something, if any do, and as many as are looked for."""
    every = words_of(query.words)
    return ([word for word in every if word not in DULL] or every)[:QUERY_WORDS]


def ranked(notes: Iterable[Note], query: Query, now: float, wall: float, fading: Fading) -> list[Recalled]:
    """Notes that answer ``query`` at ``now`` (run time) and ``wall`` (Unix seconds), best first: by overlap
    of paths, then by words, times strength times confidence. Of two that say the same one is left."""
    wanted = asked_words(query)
    found = [it for note in notes if (it := _judged(note, query, wanted, now, wall, fading)) is not None]
    found.sort(key=lambda it: (-it.score, -it.note.made, it.note.id))
    said: set[tuple[str, str]] = set()
    of_one: Counter[tuple[str, str, int]] = Counter()
    best: list[Recalled] = []
    for it in found:
        saying = (it.note.namespace, " ".join(it.note.text.split()).casefold())
        source = (it.note.run, it.note.task, it.note.attempt)
        if saying in said or (it.note.run and not query.strict and of_one[source] >= FROM_ONE):
            continue
        said.add(saying)
        of_one[source] += 1
        best.append(it)
        if len(best) >= query.limit:
            break
    return best


def _judged(
    note: Note, query: Query, wanted: Sequence[str], now: float, wall: float, fading: Fading
) -> Recalled | None:
    if note.expired(wall) or (note.settled and not query.settled) or not _within(note, query.namespace):
        return None
    overlap = 1.0 if query.files and concerns(note.paths, query.files) else 0.0
    alike = _alike(note, wanted)
    if query.strict:
        if (query.files and not overlap) or (wanted and not alike) or (query.words.strip() and not wanted):
            return None
    elif not overlap and alike < AKIN and note.paths:
        return None
    strength = strength_at(note, now, fading)
    weight = max(PATH_WEIGHT * overlap + alike, ELSEWHERE)
    return Recalled(note, strength, weight * max(strength, fading.floor) * note.confidence)


def _within(note: Note, namespace: str) -> bool:
    return not namespace or note.namespace == namespace or note.namespace.startswith(f"{namespace}/")


def _alike(note: Note, wanted: Sequence[str]) -> float:
    """The share of the words looked for that a note has, a beginning of a word included; of a long question
    a few are as good as all."""
    if not wanted:
        return 0.0
    there = sorted(words_of(" ".join((note.text, note.namespace, *note.paths))))
    met = sum(_has(there, word) for word in wanted)
    return min(1.0, met / min(len(wanted), 6))


def _has(there: Sequence[str], word: str) -> bool:
    """Whether ``word``, or one that begins with it, is among sorted words."""
    place = bisect.bisect_left(there, word)
    other = there[place] if place < len(there) else ""
    return other == word or (len(word) > 2 and other.startswith(word))


def concerns(paths: Sequence[str], globs: Sequence[str]) -> bool:
    """Whether one of a note's ``paths``, files or folders, is among what ``globs`` name."""
    if own_among(paths, globs, ()):
        return True
    bases = {WILD.split(glob.removeprefix("./"), maxsplit=1)[0].rstrip("/") for glob in globs}
    above = {folder for base in bases if base for folder in lineage(base)}
    return not above.isdisjoint(paths)


def age(seconds: float) -> str:
    """How long ago, in words."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def evidence(note: Note) -> str:
    """What a note rests on, on one line."""
    parts = [f"task {note.task}, attempt {note.attempt}"] if note.task else []
    parts += [f"run {note.run}"] if note.run else []
    parts += [f"commit {note.commit[:10]}"] if note.commit else []
    parts += ["paths " + " ".join(note.paths)] if note.paths else []
    return "; ".join(parts)


def for_brief(found: Iterable[Recalled], wall: float) -> list[Recalled]:
    """Those of the notes ``found`` that a brief has room for, best first."""
    chosen: list[Recalled] = []
    room = BRIEF_CHARACTERS
    for it in found:
        size = sum(map(len, shown(it.note, wall).values()))
        if len(chosen) < BRIEF_NOTES and size <= room:
            chosen.append(it)
            room -= size
    return chosen


def shown(note: Note, wall: float) -> dict[str, str]:
    """A note as a brief shows it."""
    return {
        "kind": note.kind,
        "author": note.author,
        "age": age(wall - note.made),
        "evidence": _cut(evidence(note), SHOWN_TEXT // 2),
        "text": _cut(note.text, SHOWN_TEXT),
    }


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} [cut]"
