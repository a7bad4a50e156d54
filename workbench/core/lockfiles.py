"""Where the packages in lock files come from. Pure.

A lock file changes with every dependency; a person need only look when packages come from somewhere new.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from workbench.core.guarded import folded

_HOST = r"([^/\\?#\s\"][^/?#\s\"]*)"
"""All that may be the host, and who logs in there: what is no host in it is for ``_named`` to see."""

URL = rf"(?:(?<![a-z+])[a-z+]+:[/\\]+|https?:|[/\\][/\\]|(?<![\w.-])git@(?=[^@/\s\"]*:)){_HOST}"
"""An address: with as few slashes as some tool is content with. From no place may it look far ahead in vain:
who writes lock files may write long ones."""

GIT = rf"(?:{URL}|(?=(?:[\w.-]+@)?[\w-][\w.-]*:[^/\s]){_HOST})"
"""An address that git takes, which may have no scheme."""

_JSON = r'"\s*:\s*"[\s�]*'
_TOML = r"[\"']?\s*=[\s\"'�]*"
_YAML = r"[\"']?\s*:\s*(?:[&!|>]\S*\s+)*[\s\"'�]*"
_ALIAS = r"(\*[^\s,}]+)"
"""Where YAML says that a value stands elsewhere: that is not looked for."""

SOURCES = {
    "package-lock.json": rf'"(?:resolved|version|from){_JSON}{URL}',
    "npm-shrinkwrap.json": rf'"(?:resolved|version|from){_JSON}{URL}',
    "yarn.lock": rf"^[^\S\n]*[\"']?(?:resol(?:ved|ution)|checksum-from)[\"':]*\s+(?=\S)[\"']?[^\"'\n]*?{URL}",
    "pnpm-lock.yaml": rf"\b(?:tarball|registry|repo){_YAML}(?:{URL}|{_ALIAS})",
    "bun.lock": rf'["@]{URL}',
    "uv.lock": rf"\b(?:registry|url|git|index){_TOML}{URL}",
    "poetry.lock": rf"\b(?:url|reference){_TOML}{URL}",
    "pdm.lock": rf"\b(?:url|git){_TOML}{GIT}",
    "Pipfile.lock": rf'"(?:url|git){_JSON}{GIT}',
    "Cargo.lock": rf"\bsource{_TOML}{URL}",
    "Gemfile.lock": rf"^[^\S\n]*remote:[^\S\n]*{GIT}",
    "Podfile.lock": rf"(?:[\s\"']{URL}|:(?:git|hg|svn|http){_YAML}(?:{GIT}|{_ALIAS}))",
    "composer.lock": rf'"url{_JSON}{GIT}',
    "go.sum": r"^[^\S\n]*([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:/\S*)?\s+v",
    "mix.lock": rf":git\s*,\s*\"{GIT}",
    "pubspec.lock": rf"\burl{_YAML}(?:{GIT}|{_ALIAS})",
    "Package.resolved": rf'"(?:location|repositoryURL){_JSON}{GIT}',
    "deno.lock": rf'"{URL}',
    "pixi.lock": rf"\b(?:url|conda|pypi){_YAML}(?:{URL}|{_ALIAS})",
    ".terraform.lock.hcl": r"^[^\S\n]*\"?provider\"?\s+\"([^/\"\s]+)/",
    "bun.lockb": rf"{URL}",  # no text
    "requirements.txt": rf"{URL}",
}
"""How each kind of lock file writes down where it has a package from; the groups are the host."""

LIKE = (
    (
        re.compile(r"(?:.*/)?[^/]*(?:requirements|constraints)[^/]*\.(?:txt|in)", re.DOTALL),
        "requirements.txt",
    ),
    (re.compile(r"(?:.*/)?requirements/[^/]+\.(?:txt|in)", re.DOTALL), "requirements.txt"),
    (re.compile(r"(?:.*/)?go\.work\.sum", re.DOTALL), "go.sum"),
)
"""Lock files that go by more than one name: pip's are whatever their users call them."""

USUAL = frozenset({
    "registry.npmjs.org", "registry.yarnpkg.com", "pypi.org", "files.pythonhosted.org", "rubygems.org",
    "index.crates.io", "static.crates.io",
})  # fmt: skip
"""The registries that the tools use unless they are told otherwise."""

USUAL_OF: dict[str, frozenset[str]] = {
    "composer.lock": frozenset({"api.github.com", "github.com", "packagist.org", "repo.packagist.org"}),
    "go.sum": frozenset(
        {
            "cloud.google.com",
            "github.com",
            "go.opentelemetry.io",
            "go.uber.org",
            "golang.org",
            "google.golang.org",
            "gopkg.in",
            "k8s.io",
            "sigs.k8s.io",
        }
    ),
    "Podfile.lock": frozenset({"cdn.cocoapods.org"}),
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

_PLAIN = re.compile(r"((?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d+)?)(?::[^@\\]*)?[',;)}>\]`]*", re.IGNORECASE)
"""A host as all tools read it, with what may follow: a path after a colon, for ssh, and what ends a value."""

_COMMENT = re.compile(r"(?:^|\s)#.*$", re.DOTALL)

_INCLUDED = re.compile(r"(?:^|\s)-(?:[rc]|-requirem[a-z]*|-cons[a-z]*)(?:=|\s)?\s*([^\s=]\S*)")
"""How pip's files name others: options may be cut short."""

_CODING = re.compile(r"\s*#.*?coding[:=]\s*([-\w.]+)")
"""How a file of pip's says what it is written in, in its first two lines."""

_CODINGS = frozenset({"utf-8", "utf8", "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1"})
"""Those that have ASCII as it is."""

_ESCAPED = re.compile(
    r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|x([0-9a-f]{2})|([/\\])|(.))", re.IGNORECASE | re.DOTALL
)

_ENCODED = re.compile(r"%([0-9a-f]{2})", re.IGNORECASE)


def is_lock_file(path: str) -> bool:
    """Whether ``path`` is a lock file that can be read here."""
    return _kind(path) in SOURCES


def new_hosts(path: str, before: str, after: str) -> tuple[str, ...]:
    """Hosts from which the lock file ``path`` takes packages after a change, and took none before, sorted.
    What is no host as all tools read it is told as it stands there."""
    kind = _kind(path)
    known = _hosts(kind, before) | USUAL | USUAL_OF.get(kind, frozenset())
    return tuple(sorted(_hosts(kind, after) - known))


def _kind(path: str) -> str:
    plain = folded(path)
    name = plain.rpartition("/")[2]
    return next((kind for names, kind in LIKE if names.fullmatch(plain)), _KINDS.get(name, name))


_KINDS = {name.casefold(): name for name in SOURCES}


def _hosts(kind: str, text: str) -> frozenset[str]:
    if kind == "requirements.txt":
        return _of_pip(text)
    if kind == "composer.lock":
        text = _without_people(text)
    plain = CRATES.sub("", _plain(text))
    if kind == "yarn.lock":  # one address may stand in another
        plain += "\n" + _ENCODED.sub(lambda found: chr(int(found[1], 16)), plain)
    return _found(kind, plain)


def _found(kind: str, text: str) -> frozenset[str]:
    matches = re.finditer(SOURCES[kind], text, re.MULTILINE | re.IGNORECASE)
    return frozenset(_named(next((it for it in match.groups() if it), "")) for match in matches) - {""}


def _named(authority: str) -> str:
    """The host. Where two tools may read two hosts, all that stands there."""
    login, _, host = authority.rpartition("@")
    found = None if "@" in login or "\\" in login else _PLAIN.fullmatch(host)
    return (found[1] if found else ascii(authority)[1:-1]).casefold()


def _of_pip(text: str) -> frozenset[str]:
    """What pip reads in a file of requirements: it joins lines before it leaves comments out. Quotes go, and
    a backslash is none for everybody."""
    lines = [_COMMENT.sub("", line).replace('"', "").replace("'", "") for line in _joined(text)]
    others = {name for line in lines for name in _INCLUDED.findall(line)}
    codings = {it[1].casefold() for line in text.split("\n")[:2] if (it := _CODING.match(line))}
    unread = {name for name in others if "://" not in name and not is_lock_file(name)}
    found = _found("requirements.txt", "\n".join(lines).replace("\\\\", "\\"))
    return found | unread | {f"a file written in {it}" for it in codings - _CODINGS}


def _joined(text: str) -> Iterator[str]:
    parts: list[str] = []
    for line in text.removeprefix("\ufeff").splitlines():
        comment = re.match(r"\s*#", line) is not None
        if line.endswith("\\") and not comment:
            parts.append(line.strip("\\"))
            continue
        yield "".join((*parts, " " if comment else "", line))
        parts = []
    yield "".join(parts)


def _without_people(text: str) -> str:
    """A composer.lock without whom its packages thank, and where they are talked about."""
    try:
        lock = json.loads(text)
    except (ValueError, RecursionError):  # whatever reads that must not read more than is looked at here
        return text
    for part in ("packages", "packages-dev"):
        packages = lock.get(part) if isinstance(lock, dict) else None
        for package in packages if isinstance(packages, list) else ():
            if isinstance(package, dict):
                package.pop("funding", None)
                package.pop("support", None)
    return json.dumps(lock)


def _plain(text: str) -> str:
    """The text as who reads it understands it: JSON, TOML and YAML can write any letter as a number."""
    return _ESCAPED.sub(_letter, text) if "\\" in text else text


def _letter(found: re.Match[str]) -> str:
    """What is meant by what is escaped. For an address a backslash is a slash, or part of what is before it.
    Spaces and quotes end what is written here, and not what is meant."""
    if found[4] == "/":
        return "/"
    if found[4] or found[5]:
        return "\\" if found[4] else "�"
    code = int(found[1] or found[2] or found[3], 16)
    return chr(code) if 0x20 < code < 0x7F and code not in b"\"'" else "�"
