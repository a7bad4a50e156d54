"""File names and words of others on a terminal: nothing in them moves the cursor or breaks a line."""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` with everything escaped that is not to be seen, bytes that are no UTF-8 among it."""
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")
