"""What a package.json says besides what it depends on. Pure.

A gate that is one of its scripts is defined in a file that changes with every dependency. A person need only
look when something else in it changes, or when a dependency is not one of the registry's by its version.
"""

from __future__ import annotations

import json
import re
from typing import Any

TABLES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")

_VERSION = r"(?:[\^~=]|[<>]=?)? ?v?(?:[0-9]+|[xX*])(?:\.(?:[0-9]+|[xX*])){0,2}(?:[-+][0-9A-Za-z.+-]+)?"
RANGE = re.compile(rf"{_VERSION}(?:(?: \|\| | - | ){_VERSION}){{0,9}}|latest|next")
"""Versions as npm writes them (semver's ranges); whatever else there is leads elsewhere: ``npm:other@1``,
``file:…``, ``owner/repository``, addresses, folders, archives."""

ARCHIVE = re.compile(r"\.(?:tgz|tar)", re.IGNORECASE)
"""npm takes a version that ends so, whatever else it looks like, for a file of this folder."""

NAME = re.compile(r"(?:@[0-9A-Za-z~_-][0-9A-Za-z._~-]*/)?[0-9A-Za-z~_-][0-9A-Za-z._~-]*")
"""Names of packages. yarn reads ``name@version`` as one word: a name with an ``@`` in it brings its own."""


def redefines(before: str | None, after: str | None) -> bool:
    """Whether a package.json says something new besides its dependencies, in the order in which it says it
    (patterns of a test runner count so), or has one that need not come from the registry under its own name.
    What cannot be read says anything. None where there is no such file."""
    if before is None or after is None:
        return True
    try:
        was, now = _read(before), _read(after)
    except (ValueError, RecursionError):
        return True
    if _rest(was) != _rest(now):
        return True
    for table in TABLES:
        old, new = was.get(table, {}), now.get(table, {})
        if not isinstance(old, dict) or not isinstance(new, dict):
            return True
        if any(not _plain(name, new[name]) for name in new if name not in old or old[name] != new[name]):
            return True
    return False


def _read(text: str) -> dict[str, Any]:
    found = json.loads(text, object_pairs_hook=_unique)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which of two values counts differs from reader to reader."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _rest(found: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in found.items() if name not in TABLES})


def _plain(name: str, version: object) -> bool:
    if not isinstance(version, str) or len(version) > 100 or ARCHIVE.search(version):
        return False
    return NAME.fullmatch(name) is not None and RANGE.fullmatch(version) is not None
