"""Files that run code or steer an agent: known by name, and by what they say."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Iterable
from hashlib import sha256

from workbench.core.trust.items import Item, Kind

CLAUDE = ".claude"

INSTRUCTIONS = frozenset({"claude.md", "claude.local.md", "agents.md"})

SKILLS = frozenset({"skills", "commands", "agents", "output-styles", "workflows"})

DRIVER = re.compile(rb"(?<!\S)(filter|diff|merge)=(\S+)")
"""An attribute that names a filter or driver of git's configuration."""

BUILT_IN = frozenset({b"text", b"binary", b"union"})
"""Merge drivers that are part of git."""

RUN = frozenset(
    {
        "command",
        "apiKeyHelper",
        "awsAuthRefresh",
        "awsCredentialExport",
        "gcpAuthRefresh",
        "otelHeadersHelper",
    }
)
"""Names in Claude Code's settings behind which a program stands."""

IMPORT = re.compile(r"(?<![\w`@./-])@((?:\.{0,2}/)?[\w.-][\w./-]*)")
"""How CLAUDE.md brings in another file: ``@path``."""


def kind_of(path: str) -> Kind | None:
    """What the file at ``path`` is by its name alone; None for a file like any other. Case does not count: on
    some systems it makes no difference to who looks for the file."""
    parts = path.casefold().split("/")
    name = parts[-1]
    if CLAUDE in parts:
        below = parts[len(parts) - parts[::-1].index(CLAUDE) :]
        if name in INSTRUCTIONS or below[:1] == ["rules"]:
            return Kind.INSTRUCTIONS
        return Kind.SKILL if below and below[0] in SKILLS else Kind.SETTINGS
    if name in INSTRUCTIONS:
        return Kind.INSTRUCTIONS
    return {".mcp.json": Kind.SERVERS, ".gitattributes": Kind.ATTRIBUTES, ".gitmodules": Kind.SUBMODULES}.get(
        name
    )


def near(path: str, watched: Collection[str] = ()) -> bool:
    """Whether a change of the file at ``path`` is one of what was decided about: by its name, or as one of
    ``watched``, where a folder has a slash behind it."""
    if kind_of(path) is not None or path in watched:
        return True
    return any(folder.endswith("/") and path.startswith(folder) for folder in watched)


def item_of(path: str, kind: Kind, content: bytes, because: str = "") -> Item | None:
    """The file as an item of the list; None for one that turns out to do nothing."""
    why = because
    if kind is Kind.ATTRIBUTES:
        named = {
            f"{what.decode()}={name.decode('utf-8', 'replace')}"
            for what, name in DRIVER.findall(content)
            if what != b"merge" or name not in BUILT_IN
        }
        if not named:
            return None
        why = f"names {', '.join(sorted(named))}"
    elif kind is Kind.SETTINGS and (commands := hook_commands(content)):
        why = f"runs {'; '.join(commands)}"
    return Item(kind=kind, name=path, sha256=sha256(content).hexdigest(), why=why)


def hook_commands(content: bytes) -> tuple[str, ...]:
    """The programs that a settings file of Claude Code has it start, as far as that can be read."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return ()
    commands: list[str] = []
    left: list[object] = [found]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            commands += [value for name, value in one.items() if name in RUN and isinstance(value, str)]
            left += one.values()
        elif isinstance(one, list):
            left += one
    return tuple(dict.fromkeys(commands))


def imports(path: str, content: bytes) -> tuple[str, ...]:
    """Files of the repository that the instructions at ``path`` bring in."""
    found = IMPORT.findall(content.decode("utf-8", "replace"))
    targets = (_joined(path, name.rstrip(".")) for name in found)
    return tuple(dict.fromkeys(target for target in targets if target))


def link_target(path: str, content: bytes) -> str:
    """Where the link at ``path`` leads to in the repository; "" for a place outside it."""
    return _joined(path, content.decode("utf-8", "replace"))


def links_to(target: str, paths: Iterable[str]) -> list[str]:
    """Of ``paths`` the file ``target``, or all below it where it is a folder."""
    return [path for path in paths if path == target or path.startswith(f"{target}/")]


def _joined(path: str, name: str) -> str:
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    return "" if joined.startswith(("/", "../")) or joined in ("..", ".") else joined
