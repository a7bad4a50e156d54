"""What is guarded in the user's repository: in what two looks at it differ, and whose that is.

Pure. Only refs of the run itself are ever put back, for the log and our own writes say where they belong;
what may be the user's is told and, where something would be lost, pinned, and left as it was found.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

OBJECT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Stashed:
    """An entry of the stash: the commit, and what was said when it was put there."""

    commit: str
    message: str = ""

    def of(self, run: str) -> bool:
        """Whether a teammate of the run put it there: git writes the branch into the message."""
        return bool(re.match(rf"(WIP on|On) workbench/{re.escape(run)}/", self.message))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at a repository; what did not change since the look before is the same object in both.

    ``loose`` are the refs in files, by folder; ``packed`` those in ``packed-refs``. A value is an object
    id, or what else the file holds (``ref: …``). ``heads`` has the content of ``HEAD`` by checkout,
    ``files`` that of configuration by name in the git directory, ``hooks`` a mark for each that is not a
    sample. ``ours`` is what this process wrote last to each ref, ``maybe`` what it may have written when it
    was interrupted; ``fresh`` are those written since the look before, ``busy`` those written meanwhile.
    """

    loose: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    packed: Mapping[str, str] = field(default_factory=dict)
    stash: tuple[Stashed, ...] = ()
    heads: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    hooks: Mapping[str, str] = field(default_factory=dict)
    ours: Mapping[str, str] = field(default_factory=dict)
    maybe: Mapping[str, str] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()

    def value(self, ref: str) -> str:
        """What a ref holds; "" where there is none."""
        found = self.loose.get(ref.rpartition("/")[0], {}).get(ref)
        return found if found is not None else self.packed.get(ref, "")

    def under(self, prefix: str) -> set[str]:
        """What the refs below a prefix hold."""
        refs = {ref for folder in (*self.loose.values(), self.packed) for ref in folder}
        return {self.value(ref) for ref in refs if ref.startswith(prefix)}


class Whose(StrEnum):
    """Whose business a ref is."""

    INTEGRATION = "integration"
    PIN = "pin"
    TEAMMATE = "teammate"
    PAST = "past"
    REPLACE = "replace"
    BRANCH = "branch"
    OTHER = "other"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Moved:
    """A ref that is not where it should be (ours) or was (others'); "" stands for none."""

    ref: str
    whose: Whose
    expected: str
    found: str

    @property
    def name(self) -> str:
        """The ref as people call it."""
        return short(self.ref)


def short(ref: str) -> str:
    """A full ref name as people write it."""
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def whose(ref: str, run: str, team: Collection[str]) -> Whose:
    """Whose business ``ref`` is while ``run`` goes on."""
    if ref.startswith(f"refs/workbench/{run}/"):
        return Whose.PIN
    own = f"refs/heads/workbench/{run}/"
    if ref.startswith(own):
        name = ref.removeprefix(own)
        if name == "integration":
            return Whose.INTEGRATION
        return Whose.TEAMMATE if name in team else Whose.NOBODY
    if ref.startswith(("refs/workbench/", "refs/heads/workbench/")):
        return Whose.PAST
    if ref == "refs/stash" or ref.startswith(("refs/remotes/", "refs/bisect/", "refs/prefetch/")):
        return Whose.NOBODY  # the stash is looked at entry by entry; the others come and go by themselves
    if ref.startswith("refs/replace/"):
        return Whose.REPLACE
    return Whose.BRANCH if ref.startswith("refs/heads/") else Whose.OTHER


def differing(before: Snapshot, now: Snapshot) -> set[str]:
    """Refs that hold something else than before, or whose file came or went."""
    found: set[str] = set()
    same = before.loose is now.loose
    for folder in () if same else before.loose.keys() | now.loose.keys():
        old, new = before.loose.get(folder, {}), now.loose.get(folder, {})
        if old is not new:
            found |= {ref for ref, _ in old.items() ^ new.items()}
    if before.packed is not now.packed:
        found |= {ref for ref, _ in before.packed.items() ^ now.packed.items()}
    return found


def astray(before: Snapshot, now: Snapshot, run: str, team: Collection[str]) -> Iterator[Moved]:
    """Refs that somebody else moved between two looks, in the order of their names. What we wrote
    ourselves is compared with that, not with the look before: it may have been undone in between."""
    integration = f"refs/heads/workbench/{run}/integration"
    for ref in sorted(differing(before, now) | now.fresh | {integration}):
        owner = whose(ref, run, team)
        if ref in now.busy or owner is Whose.NOBODY:
            continue
        found, expected = now.value(ref), before.value(ref)
        if owner in (Whose.INTEGRATION, Whose.PIN):
            expected = now.ours.get(ref, expected)
            if found == now.maybe.get(ref):
                continue
        if found != expected:
            yield Moved(ref, owner, expected, found)


def unstashed(before: Snapshot, now: Snapshot) -> tuple[Stashed, ...]:
    """Entries that are in the stash no more."""
    if before.stash is now.stash:
        return ()
    left = {entry.commit for entry in now.stash}
    return tuple(entry for entry in before.stash if entry.commit not in left)
