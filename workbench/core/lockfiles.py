"""Where the packages in lock files come from. Pure.

A lock file changes with every dependency; a person need only look when packages come from somewhere new.
"""

from __future__ import annotations

import re

URL = r"(?:[a-z+]+:/+|https?:|//|git@)(?:[^@/\s\"']*@)?([A-Za-z0-9.-]+(?::\d+)?)"
"""An address, and its host: with as few slashes as some tool is content with."""

SOURCES = {
    "package-lock.json": rf'"(?:resolved|version|from)"\s*:\s*"{URL}',
    "npm-shrinkwrap.json": rf'"(?:resolved|version|from)"\s*:\s*"{URL}',
    "yarn.lock": rf"^\s*[\"']?(?:resolved|resolution|checksum-from)[\"']?:?\s+[\"']?[^\"'\n]*?{URL}",
    "pnpm-lock.yaml": rf"\b(?:tarball|registry|repo)[\"']?\s*:\s*[\"']?{URL}",
    "bun.lock": rf'"{URL}',
    "uv.lock": rf"\b(?:registry|url|git|index)[\"']?\s*=\s*[\"']+{URL}",
    "poetry.lock": rf"\b(?:url|reference)[\"']?\s*=\s*[\"']+{URL}",
    "pdm.lock": rf"\b(?:url|git)[\"']?\s*=\s*[\"']+{URL}",
    "Pipfile.lock": rf'"(?:url|git)"\s*:\s*"{URL}',
    "Cargo.lock": rf"\bsource[\"']?\s*=\s*[\"']+(?:[a-z]+\+)?{URL}",
    "Gemfile.lock": rf"^\s*remote:\s*{URL}",
}
"""How each kind of lock file writes down where it has a package from; the group is the host."""

USUAL = frozenset({
    "registry.npmjs.org", "registry.yarnpkg.com", "pypi.org", "files.pythonhosted.org", "rubygems.org",
    "index.crates.io", "static.crates.io",
})  # fmt: skip
"""The registries that the tools use unless they are told otherwise."""

CRATES = re.compile(r"registry\+https://github\.com/rust-lang/crates\.io-index(?=[\"'])")
"""How a Cargo.lock names the usual one."""

_ESCAPED = re.compile(r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|x([0-9a-f]{2}))", re.IGNORECASE)


def is_lock_file(path: str) -> bool:
    """Whether ``path`` is a lock file that can be read here."""
    return path.rpartition("/")[2] in SOURCES


def new_hosts(path: str, before: str, after: str) -> tuple[str, ...]:
    """Hosts from which the lock file ``path`` takes packages after a change, and took none before, sorted."""
    known = _hosts(path, before) | USUAL
    return tuple(sorted(_hosts(path, after) - known))


def _hosts(path: str, text: str) -> frozenset[str]:
    pattern = SOURCES[path.rpartition("/")[2]]
    found = re.findall(pattern, CRATES.sub("", _plain(text)), re.MULTILINE | re.IGNORECASE)
    return frozenset(host.casefold() for host in found)


def _plain(text: str) -> str:
    """The text as who reads it understands it: JSON, TOML and YAML can write any letter as a number, and for
    an address a backslash is a slash."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(_letter, text).replace("\\", "/")


def _letter(found: re.Match[str]) -> str:
    code = int(found[1] or found[2] or found[3], 16)
    return chr(code) if code <= 0x10FFFF else ""
