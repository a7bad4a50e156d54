"""What was probably meant, when a word in a plan is not one of those that are known."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

COMPARISONS = 20_000
"""How many words one ``Guesses`` compares before it stops suggesting: plans can be large and hostile."""

LONGEST = 64


class Guesses:
    """Hints for words that are not among ``known``; ``otherwise`` where nothing is close enough."""

    def __init__(self, known: Sequence[str], otherwise: str) -> None:
        self._known = list(known)
        self._otherwise = otherwise
        self._left = COMPARISONS

    def meant(self, word: str) -> str | None:
        """The known word that is closest, if one is close."""
        if self._left < len(self._known):
            return None
        self._left -= len(self._known)
        close = difflib.get_close_matches(word[:LONGEST].lower(), self._known, n=1, cutoff=0.7)
        return close[0] if close else None

    def hint(self, word: str) -> str:
        """A sentence that tells what to do about ``word``."""
        meant = self.meant(word)
        return f'Did you mean "{meant}"?' if meant else self._otherwise
