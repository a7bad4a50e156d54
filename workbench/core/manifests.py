"""What each kind of manifest says about how a repository is checked: one look for each. Pure.

Only fixed names get from a manifest into a command (see ``discovery``).
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


class Workshop:
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


def _python(shop: Workshop, texts: Texts) -> None:
    project = _toml(texts.get("pyproject.toml", ""))
    settings = _table(project, "tool")
    tests = [path for path in texts if TEST_FILE.search(path)]
    why = _says_pytest(texts, settings, tests)
    if why:
        shop.knows("pytest")
        shop.note("python -m pytest -q", why[0], why[1], BEST if why[2] else GOOD)
    for path in tests:
        if not why and re.search(r"^\s*(?:import|from) unittest\b", texts[path], re.MULTILINE):
            folder = path.rpartition("/")[0]
            start = (
                f" -s {shlex.quote(folder)}" if folder and not shop.exists(f"{folder}/__init__.py") else ""
            )
            shop.knows("unittest")
            shop.note(f"python -m unittest discover{start}", f"{path} uses unittest", path, GOOD)
            break
    if "tox.ini" in texts or "tox" in settings:
        path = "tox.ini" if "tox.ini" in texts else "pyproject.toml"
        if path == "pyproject.toml" or re.search(r"^\[(?:tox|testenv)", texts[path], re.MULTILINE):
            shop.knows("tox")
            shop.note("tox", f"{path} sets tox up", path, SLOW)
    if "noxfile.py" in texts:
        shop.knows("nox")
        shop.note("nox", "there is a noxfile.py", "noxfile.py", SLOW)
    for name, command in (("ruff", "ruff check ."), ("mypy", "mypy")):
        if name in settings:
            shop.knows(f"program:{name}")
            shop.note(command, f"pyproject.toml has [tool.{name}]", "pyproject.toml", CHECK, tests=False)


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


def _node(shop: Workshop, texts: Texts) -> None:
    project = _json(texts.get("package.json", ""))
    scripts = {name: body for name, body in _table(project, "scripts").items() if isinstance(body, str)}
    if not scripts:
        return
    manager, setup = _manager(shop, project)
    for name in scripts:
        shop.knows(f"script:{name}")
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
        shop.note(run, why, "package.json", OWN if tests else CHECK, setup=setup, tests=tests)


def _manager(shop: Workshop, project: Mapping[str, Any]) -> tuple[str, str]:
    """The package manager, and how it installs exactly what is locked."""
    modern = "yarn install --immutable" if shop.exists(".yarnrc.yml") else "yarn install --frozen-lockfile"
    installs = {
        "pnpm": ("pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
        "yarn": ("yarn.lock", modern),
        "bun": ("bun.lock", "bun install --frozen-lockfile"),
        "npm": ("package-lock.json", "npm ci"),
    }
    named = str(project.get("packageManager", "")).partition("@")[0]
    for name, (lock, install) in installs.items():
        if name == named or (not named and shop.exists(lock)):
            return name, install
    return "npm", "npm install"


def _make(shop: Workshop, texts: Texts) -> None:
    for path in ("GNUmakefile", "makefile", "Makefile"):
        if path not in texts:
            continue
        targets = {
            name
            for line in re.findall(r"^([A-Za-z0-9][\w .-]*?)\s*::?(?!=)", texts[path], re.MULTILINE)
            for name in line.split()
        }
        _targets(shop, targets, "make", path, f"{path} has a target")
        return


def _just(shop: Workshop, texts: Texts) -> None:
    for path in ("justfile", "Justfile", ".justfile"):
        if path in texts:
            recipes = re.findall(r"^@?([A-Za-z_][\w-]*)(?:\s[^:=\n]*)?:(?!=)", texts[path], re.MULTILINE)
            _targets(shop, set(recipes), "just", path, f"{path} has a recipe")
            return


def _targets(shop: Workshop, names: Collection[str], program: str, path: str, why: str) -> None:
    for name in names:
        shop.knows(f"{program}:{name}")
    for place, name in enumerate(TARGETS):
        if name in names:
            tests = name in ("test", "tests", "check")
            rank = ENTRY - place if tests else CHECK
            shop.note(f"{program} {name}", f'{why} "{name}"', path, rank, tests=tests)


def _cargo(shop: Workshop, texts: Texts) -> None:
    if "Cargo.toml" in texts:
        whole = " --workspace" if "workspace" in _toml(texts["Cargo.toml"]) else ""
        shop.knows("cargo")
        shop.note(f"cargo test{whole}", "there is a Cargo.toml", "Cargo.toml", GOOD)


def _go(shop: Workshop, texts: Texts) -> None:
    if "go.mod" in texts:
        shop.knows("go")
        shop.note("go test ./...", "there is a go.mod", "go.mod", GOOD)


def _gradle(shop: Workshop, texts: Texts) -> None:
    for path in ("build.gradle.kts", "build.gradle"):
        if path in texts:
            shop.knows("gradle")
            program = "./gradlew" if shop.exists("gradlew") else "gradle"
            shop.note(f"{program} test", f"there is a {path}", path, GOOD)
            return


def _maven(shop: Workshop, texts: Texts) -> None:
    if "pom.xml" in texts:
        shop.knows("maven")
        program = "./mvnw" if shop.exists("mvnw") else "mvn"
        shop.note(f"{program} -q test", "there is a pom.xml", "pom.xml", GOOD)


Look = Callable[[Workshop, Texts], None]
LOOKS: tuple[Look, ...] = (_python, _node, _make, _just, _cargo, _go, _gradle, _maven)
COVERING: tuple[Look, ...] = (_python, _cargo, _gradle, _maven)
"""Those whose project at the top takes in the ones below it."""


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
