"""Which gates a repository has: found in its own files, ranked, each with the reason. Pure.

``wanted`` says which files are worth reading, ``discover`` what follows from them. Nothing is run, and of
what the files say only fixed names get into a command: a repository cannot smuggle one in.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.core.invocations import Invocation, invocations, path_like

DEEPEST = 2
"""Folders below the top in which a project of its own is looked for."""

MOST_READ = 80
MOST_TESTS = 6
"""Files that are read at most, and test files among them."""

MANIFESTS = frozenset(
    {
        "pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini", "noxfile.py", "package.json", "Makefile",
        "makefile", "GNUmakefile", "Cargo.toml", "go.mod", "build.gradle", "build.gradle.kts", "pom.xml",
        "justfile", "Justfile", ".justfile",
    }
)  # fmt: skip

TEST_FILE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test)\.py$")

BEST, OWN, GOOD, ENTRY, SLOW, CHECK = 100, 95, 90, 80, 60, 30
"""Ranks: said in so many words, the project's own script, its tool-chain's, a target of a build file, what
builds environments of its own, and what is no test."""

TARGETS = ("test", "tests", "check", "lint", "typecheck", "build")
"""Names of scripts, targets and recipes that are likely to be checks."""


@dataclass(frozen=True, slots=True)
class Found:
    """A command that the repository has for checking itself. ``why`` is a phrase for people, ``path`` the
    file that shows it, ``setup`` what a fresh checkout needs before it can run; ``tests`` says that it runs
    tests, and is not a linter, a type checker or a build."""

    command: str
    why: str
    path: str
    rank: int
    setup: str = ""
    tests: bool = True


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a repository offers: ``found``, best first; ``known``, every program of it, script, target and
    recipe that there is, each with its folder; and ``paths``, all its files."""

    found: tuple[Found, ...]
    known: frozenset[tuple[str, str]]
    paths: frozenset[str]

    def doubt(self, command: str) -> str:
        """Why ``command`` will hardly do as a gate here, a phrase; empty when the repository shows it.

        A command is shown when one of its parts is: a program that it uses, or a script of its own. A
        word for word match is not asked for: ``pytest tests/new`` is pytest.
        """
        parts = list(invocations(command))
        doubts = [self._doubt(part) for part in parts]
        if "" in doubts:
            return ""
        return doubts[0] if doubts else "it holds no command"

    def _doubt(self, part: Invocation) -> str:
        if part.runs and path_like(part.runs):
            where = f"{part.folder}/{part.runs}" if part.folder else part.runs
            if where.removeprefix("./") in self.paths:
                return ""
        if (part.folder, part.family) in self.known:
            return ""
        if part.family in ABSENT:
            return f"the repository does not show that {ABSENT[part.family]}"
        kind, _, name = part.family.partition(":")
        if kind in NAMED:
            return f"there is no {NAMED[kind]} {name!r}" + (f" in {part.folder}" if part.folder else "")
        if part.runs and path_like(part.runs):
            return f"there is no file {part.runs}"
        return f"nothing in the repository says that {part.family.removeprefix('program:')} checks it"


ABSENT = {
    "pytest": "its tests run with pytest",
    "unittest": "its tests run with unittest",
    "tox": "it uses tox",
    "nox": "it uses nox",
    "cargo": "it is built with cargo",
    "go": "it is a Go module",
    "gradle": "it is built with Gradle",
    "maven": "it is built with Maven",
}
NAMED = {"script": "script", "make": "make target", "just": "recipe"}


def wanted(paths: Iterable[str]) -> tuple[str, ...]:
    """Which of a repository's files ``discover`` wants to see, the outermost first."""
    near = [path for path in paths if path.count("/") <= DEEPEST + 2 and _plain(path)]
    near.sort(key=lambda path: (path.count("/"), path))
    manifests = [path for path in near if _name(path) in MANIFESTS and path.count("/") <= DEEPEST]
    tests = [path for path in near if TEST_FILE.search(path)][:MOST_TESTS]
    return tuple(manifests[: MOST_READ - len(tests)] + tests)


def discover(paths: Iterable[str], texts: Mapping[str, str]) -> Surroundings:
    """What a repository offers, by all its ``paths`` and the ``texts`` of those that are ``wanted``."""
    every = frozenset(paths)
    folders = sorted({_folder(path) for path in texts if _name(path) in MANIFESTS} | {""})
    found: list[Found] = []
    known: set[tuple[str, str]] = set()
    claimed: set[str] = set()
    for folder in sorted(folders, key=lambda name: (name.count("/") + bool(name), name)):
        inside = {
            path.removeprefix(f"{folder}/") if folder else path: text
            for path, text in texts.items()
            if not folder or path.startswith(f"{folder}/")
        }
        for look in LOOKS:
            tools = _Tools(folder, every, found, known)
            # What stands at the top covers what lies below, in most repositories.
            if look.__name__ in claimed:
                continue
            look(tools, inside)
            if tools.seen and not folder and look in COVERING:
                claimed.add(look.__name__)
    unique = {item.command: item for item in sorted(found, key=_worth, reverse=True)}
    ranked = sorted(unique.values(), key=lambda item: (-item.rank, item.path.count("/"), item.command))
    return Surroundings(tuple(ranked), frozenset(known), every)


def _worth(item: Found) -> tuple[int, int]:
    return (-item.rank, item.path.count("/"))


class _Tools:
    """Where a look at one folder notes what it finds."""

    def __init__(
        self, folder: str, paths: Collection[str], found: list[Found], known: set[tuple[str, str]]
    ) -> None:
        self.folder = folder
        self.seen = False
        self._paths = paths
        self._found = found
        self._known = known

    def exists(self, name: str) -> bool:
        return (f"{self.folder}/{name}" if self.folder else name) in self._paths

    def knows(self, family: str) -> None:
        self._known.add((self.folder, family))
        self.seen = True

    def note(
        self, command: str, why: str, path: str, rank: int, *, setup: str = "", tests: bool = True
    ) -> None:
        if self.folder:
            into = f"cd {shlex.quote(self.folder)} && "
            command, setup, path = into + command, setup and into + setup, f"{self.folder}/{path}"
            rank -= 5
        self._found.append(Found(command, why, path, rank, setup, tests))
        self.seen = True


Texts = Mapping[str, str]


def _python(tools: _Tools, texts: Texts) -> None:
    project = _toml(texts.get("pyproject.toml", ""))
    settings = _table(project, "tool")
    tests = [path for path in texts if TEST_FILE.search(path)]
    why = _says_pytest(texts, settings, tests)
    if why:
        tools.knows("pytest")
        tools.note("python -m pytest -q", why[0], why[1], BEST if why[2] else GOOD)
    for path in tests:
        if not why and re.search(r"^\s*(?:import|from) unittest\b", texts[path], re.MULTILINE):
            folder = path.rpartition("/")[0]
            start = (
                f" -s {shlex.quote(folder)}" if folder and not tools.exists(f"{folder}/__init__.py") else ""
            )
            tools.knows("unittest")
            tools.note(f"python -m unittest discover{start}", f"{path} uses unittest", path, GOOD)
            break
    if "tox.ini" in texts or "tox" in settings:
        path = "tox.ini" if "tox.ini" in texts else "pyproject.toml"
        if path == "pyproject.toml" or re.search(r"^\[(?:tox|testenv)", texts[path], re.MULTILINE):
            tools.knows("tox")
            tools.note("tox", f"{path} sets tox up", path, SLOW)
    if "noxfile.py" in texts:
        tools.knows("nox")
        tools.note("nox", "there is a noxfile.py", "noxfile.py", SLOW)
    for name, command in (("ruff", "ruff check ."), ("mypy", "mypy")):
        if name in settings:
            tools.knows(f"program:{name}")
            tools.note(command, f"pyproject.toml has [tool.{name}]", "pyproject.toml", CHECK, tests=False)


def _says_pytest(
    texts: Texts, settings: Mapping[str, Any], tests: Sequence[str]
) -> tuple[str, str, bool] | None:
    """Why its tests are pytest's, the file that says so, and whether in so many words."""
    if "pytest.ini" in texts:
        return "there is a pytest.ini", "pytest.ini", True
    if "pytest" in settings:
        return "pyproject.toml has [tool.pytest.ini_options]", "pyproject.toml", True
    for path, section in (("setup.cfg", "[tool:pytest]"), ("tox.ini", "[pytest]")):
        if section in texts.get(path, ""):
            return f"{path} has {section}", path, True
    for path in tests:
        if re.search(r"^\s*(?:import|from) pytest\b", texts[path], re.MULTILINE):
            return f"{path} imports pytest", path, False
    for path in tests:
        if re.search(r"^(?:async )?def test_", texts[path], re.MULTILINE):
            return f"{path} has test functions as pytest collects them", path, False
    return None


def _node(tools: _Tools, texts: Texts) -> None:
    project = _json(texts.get("package.json", ""))
    scripts = {name: body for name, body in _table(project, "scripts").items() if isinstance(body, str)}
    if not scripts:
        return
    manager, setup = _manager(tools, project)
    for name in scripts:
        tools.knows(f"script:{name}")
    for name in TARGETS:
        body = scripts.get(name)
        if body is None or "no test specified" in body:
            continue
        run = f"{manager} test" if name == "test" else f"{manager} run {name}"
        # Runners that watch files would never end.
        if "react-scripts test" in body or re.search(r"--watch(?!=false)\b", body):
            run = f"CI=true {run}"
        tests = name in ("test", "tests")
        why = f'package.json has a script "{name}"'
        tools.note(run, why, "package.json", OWN if tests else CHECK, setup=setup, tests=tests)


def _manager(tools: _Tools, project: Mapping[str, Any]) -> tuple[str, str]:
    """The package manager, and how it installs exactly what is locked."""
    modern = "yarn install --immutable" if tools.exists(".yarnrc.yml") else "yarn install --frozen-lockfile"
    installs = {
        "pnpm": ("pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
        "yarn": ("yarn.lock", modern),
        "bun": ("bun.lock", "bun install --frozen-lockfile"),
        "npm": ("package-lock.json", "npm ci"),
    }
    named = str(project.get("packageManager", "")).partition("@")[0]
    for name, (lock, install) in installs.items():
        if name == named or (not named and tools.exists(lock)):
            return name, install
    return "npm", "npm install"


def _make(tools: _Tools, texts: Texts) -> None:
    for path in ("GNUmakefile", "makefile", "Makefile"):
        if path not in texts:
            continue
        targets = {
            name
            for line in re.findall(r"^([A-Za-z0-9][\w .-]*?)\s*::?(?!=)", texts[path], re.MULTILINE)
            for name in line.split()
        }
        _targets(tools, targets, "make", path, f"{path} has a target")
        return


def _just(tools: _Tools, texts: Texts) -> None:
    for path in ("justfile", "Justfile", ".justfile"):
        if path in texts:
            recipes = re.findall(r"^@?([A-Za-z_][\w-]*)(?:\s[^:=\n]*)?:(?!=)", texts[path], re.MULTILINE)
            _targets(tools, set(recipes), "just", path, f"{path} has a recipe")
            return


def _targets(tools: _Tools, names: Collection[str], program: str, path: str, why: str) -> None:
    for name in names:
        tools.knows(f"{program}:{name}")
    for place, name in enumerate(TARGETS):
        if name in names:
            tests = name in ("test", "tests", "check")
            rank = ENTRY - place if tests else CHECK
            tools.note(f"{program} {name}", f'{why} "{name}"', path, rank, tests=tests)


def _cargo(tools: _Tools, texts: Texts) -> None:
    if "Cargo.toml" in texts:
        whole = " --workspace" if "workspace" in _toml(texts["Cargo.toml"]) else ""
        tools.knows("cargo")
        tools.note(f"cargo test{whole}", "there is a Cargo.toml", "Cargo.toml", GOOD)


def _go(tools: _Tools, texts: Texts) -> None:
    if "go.mod" in texts:
        tools.knows("go")
        tools.note("go test ./...", "there is a go.mod", "go.mod", GOOD)


def _gradle(tools: _Tools, texts: Texts) -> None:
    for path in ("build.gradle.kts", "build.gradle"):
        if path in texts:
            tools.knows("gradle")
            program = "./gradlew" if tools.exists("gradlew") else "gradle"
            tools.note(f"{program} test", f"there is a {path}", path, GOOD)
            return


def _maven(tools: _Tools, texts: Texts) -> None:
    if "pom.xml" in texts:
        tools.knows("maven")
        program = "./mvnw" if tools.exists("mvnw") else "mvn"
        tools.note(f"{program} -q test", "there is a pom.xml", "pom.xml", GOOD)


Look = Callable[[_Tools, Texts], None]
LOOKS: tuple[Look, ...] = (_python, _node, _make, _just, _cargo, _go, _gradle, _maven)
COVERING: tuple[Look, ...] = (_python, _cargo, _gradle, _maven)
"""Those whose project at the top takes in the ones below it."""


def _plain(path: str) -> bool:
    return path.isprintable() and not path.startswith("-")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):  # not to be read as a manifest, then
        return {}


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _table(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = of.get(name)
    return value if isinstance(value, dict) else {}


def shown(found: Iterable[Found], most: int = 12) -> Iterator[Found]:
    """The first few, for a prompt or a person."""
    for number, item in enumerate(found):
        if number >= most:
            return
        yield item
