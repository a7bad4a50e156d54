"""Files that a change must not touch without a person: what runs by itself, steers agents, or says what
"green" means. Pure.

GUARDED is the one list: globs, and why. ``guarded`` tells which of some paths are on it, or define one of
the run's gates. A glob without a slash is a name in any folder; ``**`` is any number of folders, and ``x/**``
also ``x`` itself, which may be a link to such a folder. Case does not count: on many disks ``.Claude`` is
``.claude``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from workbench.core.escapes import IGNORED
from workbench.core.invocations import in_workspaces, invocations, path_like

WORKFLOW = "it is what the code host runs by itself"
HOOK = "git runs it by itself"
STEERS = "it steers agents that read this repository"
GIT = "it decides what git does with other files"
OPENED = "editors and shells run it when the folder is opened"
SETTINGS = "it holds workbench's own settings"
OWNERS = "it says who reviews what"
ALLOWED = "it says which secrets are none"
REGISTRY = "it says where packages come from"
INSTALLED = "a package manager or build tool runs it by itself"
CHOSEN = "the settings guard it"

GUARDED: tuple[tuple[str, str], ...] = (
    (".github/workflows/**", WORKFLOW),
    (".github/actions/**", WORKFLOW),
    ("action.yml", WORKFLOW),
    ("action.yaml", WORKFLOW),
    (".github/dependabot.y*ml", WORKFLOW),
    (".gitlab-ci.y*ml", WORKFLOW),
    (".circleci/**", WORKFLOW),
    (".buildkite/**", WORKFLOW),
    (".travis.y*ml", WORKFLOW),
    ("azure-pipelines.y*ml", WORKFLOW),
    ("Jenkinsfile", WORKFLOW),
    ("CODEOWNERS", OWNERS),
    (".githooks/**", HOOK),
    (".git-hooks/**", HOOK),
    (".hooks/**", HOOK),
    (".husky/**", HOOK),
    (".pre-commit-config.y*ml", HOOK),
    ("lefthook.y*ml", HOOK),
    (".lefthook.y*ml", HOOK),
    ("**/.claude/**", STEERS),
    (".mcp.json", STEERS),
    ("CLAUDE.md", STEERS),
    ("CLAUDE.local.md", STEERS),
    ("AGENTS.md", STEERS),
    ("AGENTS.override.md", STEERS),
    ("GEMINI.md", STEERS),
    ("**/.cursor/**", STEERS),
    (".cursorrules", STEERS),
    (".windsurfrules", STEERS),
    (".clinerules", STEERS),
    ("**/.codex/**", STEERS),
    ("**/.gemini/**", STEERS),
    ("**/.opencode/**", STEERS),
    (".github/copilot-instructions.md", STEERS),
    (".github/instructions/**", STEERS),
    (".github/agents/**", STEERS),
    (".github/prompts/**", STEERS),
    (".gitattributes", GIT),
    (".gitmodules", GIT),
    (".lfsconfig", GIT),
    (".secrets.baseline", ALLOWED),
    (".envrc", OPENED),
    ("**/.vscode/**", OPENED),
    ("**/.devcontainer/**", OPENED),
    (".devcontainer.json", OPENED),
    (".npmrc", REGISTRY),
    (".yarnrc", REGISTRY),
    (".yarnrc.yml", REGISTRY),
    ("pnpm-workspace.yaml", REGISTRY),
    ("bunfig.toml", REGISTRY),
    ("pip.conf", REGISTRY),
    ("uv.toml", REGISTRY),
    ("nuget.config", REGISTRY),
    ("**/.cargo/**", REGISTRY),
    ("**/.bundle/**", REGISTRY),
    ("**/.mvn/**", INSTALLED),
    ("**/gradle/wrapper/**", INSTALLED),
    (".pnpmfile.*js", INSTALLED),
    ("**/.yarn/releases/**", INSTALLED),
    ("**/.yarn/plugins/**", INSTALLED),
    ("workbench.toml", SETTINGS),
)
"""What nobody's work may touch unseen, whatever the gates are."""

DEFINITIONS: dict[str, tuple[str, ...]] = {
    "pytest": ("pytest.ini", ".pytest.ini", "conftest.py"),
    "tox": ("tox.ini",),
    "nox": ("noxfile.py",),
    "make": ("Makefile", "makefile", "GNUmakefile"),
    "just": ("justfile", ".justfile"),
    "gradle": ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "gradlew"),
    "maven": ("pom.xml", "mvnw"),
}
"""Files at the top of the folder in which a gate runs, by what it runs, that say what the gate does. Files
that mostly hold other things (``pyproject.toml``, ``Cargo.toml``) are not among them; for package.json see
``scripts``."""

_PART = "it is part of the gate `{}`"


def guarded(paths: Iterable[str], gates: Iterable[str] = (), more: Iterable[str] = ()) -> dict[str, str]:
    """Those of ``paths`` (from the repository's top, with slashes) that need a person, each with the reason,
    a clause. ``gates`` are the run's gate commands; what they run, and what defines it, is guarded too.
    ``more`` are globs that the user added to the list."""
    defining = {path: gate for gate in gates for path in definitions(gate)}
    added = tuple(more)
    every = _any((*(glob for glob, _ in GUARDED), *added))
    found: dict[str, str] = {}
    for path in paths:
        plain = folded(path)
        if every.fullmatch(plain):
            found[path] = next((why for glob, why in GUARDED if _pattern(glob).fullmatch(plain)), CHOSEN)
        elif (gate := defining.get(plain)) is not None:
            found[path] = _PART.format(gate)
    return found


def definitions(gate: str) -> frozenset[str]:
    """Paths (in lower case) that define what the command ``gate`` does, as far as it shows: scripts that it
    runs, and the files of DEFINITIONS. They need not exist."""
    found: set[str] = set()
    for part in invocations(gate):
        names = DEFINITIONS.get(part.family.partition(":")[0], ())
        if part.family in ("program:make", "program:gmake", "program:just"):
            names = DEFINITIONS["just" if part.family == "program:just" else "make"]
        if part.runs and path_like(part.runs):
            names = (*names, part.runs)
        found.update(_within(part.folder, name) for name in names)
    return frozenset(path.casefold() for path in found if path)


@dataclass(frozen=True, slots=True)
class Scripts:
    """The ``package.json`` files whose scripts gates run: each with the gate's reason, by its path as
    ``folded`` has it, or with ``everywhere`` all that there are."""

    named: Mapping[str, str]
    everywhere: str = ""

    def why(self, path: str) -> str:
        """Why ``path`` is guarded where ``core.packagejson`` says so of what changed in it; "" for all other
        files."""
        plain = folded(path)
        if plain.rpartition("/")[2] != "package.json":
            return ""
        return self.named.get(plain) or self.everywhere


def scripts(gates: Iterable[str]) -> Scripts:
    """The scripts that ``gates`` run, as far as it shows."""
    named: dict[str, str] = {}
    everywhere = ""
    for gate in gates:
        for part in invocations(gate):
            if part.family.startswith("script:") and (path := _within(part.folder, "package.json")):
                named[path.casefold()] = _PART.format(gate)
        if in_workspaces(gate):
            everywhere = _PART.format(gate)
    return Scripts(named, everywhere)


def folded(path: str) -> str:
    """``path`` as it counts on disks that do not tell case, and leave some characters out."""
    return IGNORED.sub("", path).casefold()


def _within(folder: str, name: str) -> str:
    """``name``, seen from the repository's top; empty where it is not inside."""
    steps: list[str] = []
    if name.startswith("/"):
        return ""
    for step in f"{folder}/{name}".split("/"):
        if step == "..":
            if not steps:
                return ""
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


@lru_cache(maxsize=16)
def _any(globs: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern for all of them: most paths are on no list, and there may be thousands."""
    return re.compile("|".join(f"(?:{_pattern(glob).pattern})" for glob in globs), re.DOTALL)


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    """A glob in lower case as a pattern; nothing in it can backtrack far."""
    glob = glob.casefold()
    if "/" not in glob:
        glob = f"**/{glob}"
    parts = {"**/": "(?:[^/]+/)*", "/**": "(?:/.+)?", "*": "[^/]*"}
    split = re.split(r"(\*\*/|/\*\*$|\*)", glob)
    return re.compile("".join(parts.get(part) or re.escape(part) for part in split), re.DOTALL)
