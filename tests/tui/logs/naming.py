"""Hashes and session ids that are always the same ones."""

from __future__ import annotations

import hashlib


def digest(*parts: object) -> str:
    """What stands for the hash of something."""
    return hashlib.sha1("\0".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def session(*parts: object) -> str:
    """What stands for the id of a session."""
    name = digest(*parts)
    return f"{name[:8]}-{name[8:12]}-4{name[13:16]}-a{name[17:20]}-{name[20:32]}"
