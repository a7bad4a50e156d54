"""Where the packages in lock files come from. Pure.

A lock file changes with every dependency; a person need only look when packages come from somewhere new.
"""

from __future__ import annotations

import json
import re

URL = r"(?:[a-z+]+:/+|https?:|//|(?<![\w.])git@)(?:[^@/\s\"']*@)?([A-Za-z0-9.-]+(?::\d+)?)"
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
    "Podfile.lock": rf"[\s\"']{URL}",
    "composer.lock": rf'"url"\s*:\s*"{URL}',
    "go.sum": r"^\s*([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:/\S*)?\s+v",
    "mix.lock": rf":git\s*,\s*\"{URL}",
    "pubspec.lock": rf"\burl[\"']?\s*:\s*[\"']?{URL}",
    "Package.resolved": rf'"(?:location|repositoryURL)"\s*:\s*"{URL}',
    "deno.lock": rf'"{URL}',
    "pixi.lock": rf"\b(?:url|conda|pypi)[\"']?\s*:\s*[\"']?{URL}",
    ".terraform.lock.hcl": r"^\s*provider\s+\"([^/\"\s]+)/",
    "bun.lockb": rf"{URL}",  # no text
    "requirements.txt": rf"{URL}",
}
"""How each kind of lock file writes down where it has a package from; the group is the host."""

LIKE = (
    (re.compile(r"(?:.*/)?[^/]*(?:requirements|constraints)[^/]*\.(?:txt|in)"), "requirements.txt"),
    (re.compile(r"(?:.*/)?requirements/[^/]+\.(?:txt|in)"), "requirements.txt"),
    (re.compile(r"(?:.*/)?go\.work\.sum"), "go.sum"),
)
"""Lock files that go by more than one name: pip's are whatever their users call them."""

USUAL = frozenset({
    "registry.npmjs.org", "registry.yarnpkg.com", "pypi.org", "files.pythonhosted.org", "rubygems.org",
    "index.crates.io", "static.crates.io",
})  # fmt: skip
"""The registries that the tools use unless they are told otherwise."""

USUAL_OF: dict[str, frozenset[str]] = {
    "composer.lock": frozenset({"api.github.com", "github.com", "packagist.org", "repo.packagist.org"}),
    "go.sum": frozenset({"github.com", "golang.org", "google.golang.org", "gopkg.in"}),
    "Package.resolved": frozenset({"github.com"}),
    "pubspec.lock": frozenset({"pub.dev", "pub.dartlang.org"}),
    "deno.lock": frozenset({"deno.land", "jsr.io"}),
    "pixi.lock": frozenset({"conda.anaconda.org"}),
    ".terraform.lock.hcl": frozenset({"registry.terraform.io", "registry.opentofu.org"}),
}
"""Those of one tool. Where a tool has most of its packages from a code host, that is usual: who owns one
there is not looked at."""

CRATES = re.compile(r"registry\+https://github\.com/rust-lang/crates\.io-index(?=[\"'])")
"""How a Cargo.lock names the usual one."""

_COMMENT = re.compile(r"(?m)(?:^|\s)#.*$")

_ESCAPED = re.compile(r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|x([0-9a-f]{2}))", re.IGNORECASE)


def is_lock_file(path: str) -> bool:
    """Whether ``path`` is a lock file that can be read here."""
    return _kind(path) in SOURCES


def new_hosts(path: str, before: str, after: str) -> tuple[str, ...]:
    """Hosts from which the lock file ``path`` takes packages after a change, and took none before, sorted."""
    kind = _kind(path)
    known = _hosts(kind, before) | USUAL | USUAL_OF.get(kind, frozenset())
    return tuple(sorted(_hosts(kind, after) - known))


def _kind(path: str) -> str:
    return next((kind for names, kind in LIKE if names.fullmatch(path)), path.rpartition("/")[2])


def _hosts(kind: str, text: str) -> frozenset[str]:
    if kind == "requirements.txt":
        text = _COMMENT.sub("", text)
    elif kind == "composer.lock":
        text = _without_people(text)
    found = re.findall(SOURCES[kind], CRATES.sub("", _plain(text)), re.MULTILINE | re.IGNORECASE)
    return frozenset(host.casefold() for host in found)


def _without_people(text: str) -> str:
    """A composer.lock without whom its packages thank, and where they are talked about."""
    try:
        return json.dumps(_taken_from(json.loads(text)))
    except (ValueError, RecursionError):  # whatever reads that must not read more than is looked at here
        return text


def _taken_from(value: object) -> object:
    if isinstance(value, dict):
        return {key: _taken_from(inner) for key, inner in value.items() if key not in ("funding", "support")}
    return [_taken_from(inner) for inner in value] if isinstance(value, list) else value


def _plain(text: str) -> str:
    """The text as who reads it understands it: JSON, TOML and YAML can write any letter as a number, and for
    an address a backslash is a slash."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(_letter, text).replace("\\", "/")


def _letter(found: re.Match[str]) -> str:
    code = int(found[1] or found[2] or found[3], 16)
    return chr(code) if code <= 0x10FFFF else ""
