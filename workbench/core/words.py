"""The telling words of a text: what two tasks, or a role and a task, may have in common."""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W\d_][^\W_]{2,31}")
LONGEST = 20_000
"""Characters of a text that are looked at."""

COMMON = frozenset(
    """
    about above add after again agent agents all also and any are before being below between both but can
    change changes code could create does done down each every expert file files first for from give good
    has have her his how implement into its just keep make makes making may more most must need needs new
    nor not now off once one only other our out over own part project same shall should skilled some
    specialist such task tasks test tests than that the their them then there these they this those three
    through too two under until update use used user uses using very was were what when where which while
    who why will with work works would write writing you your proactively
    """.split()  # noqa: SIM905 - a list of hundreds of quoted words is nothing to read
)
"""Words that any task may have, or any description of a role."""


def telling(text: str) -> tuple[str, ...]:
    """The words of ``text`` that say what it is about: in small letters, without a plural's s, each once, in
    the order in which they come."""
    found = (match[0].lower() for match in WORD.finditer(text[:LONGEST]))
    return tuple(dict.fromkeys(_singular(word) for word in found if word not in COMMON))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word
