"""Features on one base, as edits; merging them by the rungs; running their own tests."""

from __future__ import annotations

import itertools
import os
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.adapters.structure.ladder import proposals
from workbench.adapters.structure.weakening import weakened
from workbench.core.union import Resolution, clean

RUSTUP = os.environ.get("RUSTUP_HOME") or str(Path.home() / ".rustup")  # before a test moves the home
FIXTURES = Path(__file__).parent / "fixtures"
Files = dict[str, str]

FORKS = """
import os, sys, unittest
module, *folders = sys.argv[1:]
for folder in folders:
    child = os.fork()
    if not child:
        os.chdir(folder)
        sys.path[0] = folder
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromName(module).run(result)
        os._exit(not (result.testsRun and result.wasSuccessful()))
    if os.waitpid(child, 0)[1]:
        sys.exit(1)
"""
"""Each tree's tests in a fork of one interpreter."""

REQUIRES = """
for (const file of process.argv.slice(1)) require(file);
"""
"""All trees' tests in one node, which ends with 1 if one of them fails. Folders keep modules apart."""


@dataclass(frozen=True)
class Base:
    """A base, its features as whole trees, and the command that tests a tree."""

    files: Files
    features: dict[str, Files]
    command: list[str]

    @classmethod
    def load(cls, name: str) -> Base:
        found = runpy.run_path(str(FIXTURES / f"{name}.py"))
        run = found["RUN"]
        command = [sys.executable, *run] if run[0].startswith("-") else run
        features = {name: _edited(found["BASE"], edits) for name, edits in found["FEATURES"].items()}
        return cls(found["BASE"], features, command)

    def green(self, files: Files, folder: Path) -> bool:
        """Whether a tree passes its tests."""
        _write(files, folder)
        return _passes(self.command, folder)

    def all_green(self, trees: Sequence[Files], folder: Path) -> bool:
        """Whether every one of the trees passes its tests: as ``green`` of each, at a tenth of the price."""
        places = [folder / f"t{number}" for number in range(len(trees))]
        for files, place in zip(trees, places, strict=True):
            _write(files, place)
        return not trees or _passes(self._together(folder, places), folder)

    def _together(self, folder: Path, places: Sequence[Path]) -> list[str]:
        """The command that tests all the trees at once."""
        match self.command:
            case ["node", "--test", test]:
                return ["node", "-e", REQUIRES, *(str(place / test) for place in places)]
            case [python, "-m", "unittest", "-q", module]:
                return [python, "-c", FORKS, module, *map(str, places)]
        (source,) = self.files
        modules = (f'#[path = "{place / source}"]\nmod {place.name};\n' for place in places)
        (folder / source).write_text("".join(modules))
        return self.command


def _write(files: Files, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def _passes(command: Sequence[str], folder: Path) -> bool:
    # Trees take each other's place within a second: bytecode of one would be taken for the next one's.
    env = os.environ | {"RUSTUP_HOME": RUSTUP, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False).returncode == 0


Judge = Callable[[Files], bool]
"""Whether a tree passes its tests."""


@dataclass
class Tally:
    """What came of the merges: how many conflicted, and by which rung and proposal they were resolved."""

    conflicts: int = 0
    rungs: Counter[str] = field(default_factory=Counter)
    unsolved: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return sum(self.rungs.values()) / self.conflicts if self.conflicts else 1.0


def merged(base: Base, ours: Files, theirs: Files, green: Judge, tally: Tally, name: str) -> Files | None:
    """Two trees as one, gated: the first combination of proposals that is green."""
    files: Files = {}
    open_: dict[str, list[Resolution]] = {}
    for path in {**ours, **theirs}:
        texts = (base.files.get(path, ""), ours.get(path, ""), theirs.get(path, ""))
        plain = clean(*texts)
        if plain is not None:
            files[path] = plain
        else:
            open_[path] = [r for r in proposals(path, *texts) if not weakened(*texts, r.text, path)]
    tally.conflicts += bool(open_)
    for turn in _turns(open_):
        tree = files | {path: one.text for path, one in turn.items()}
        if green(tree):
            if turn:
                order = ("structure", "list", "union")
                rung = min((one.rung for one in turn.values()), key=order.index)
                tally.rungs[rung] += 1
            return tree
    tally.unsolved.append(name)
    return None


def _turns(found: dict[str, list[Resolution]]) -> Iterator[dict[str, Resolution]]:
    if any(not several for several in found.values()):
        return
    for n in range(max(map(len, found.values()), default=1)):
        yield {path: several[min(n, len(several) - 1)] for path, several in found.items()}


def pairs(base: Base, folder: Path) -> Tally:
    """Every pair of features, merged alone."""

    def merge(green: Judge) -> Tally:
        tally = Tally()
        for one, other in itertools.combinations(base.features, 2):
            merged(base, base.features[one], base.features[other], green, tally, f"{one} + {other}")
        return tally

    return _hopefully(base, folder, merge)


def sequence(base: Base, names: list[str], folder: Path) -> Tally:
    """All features, one after the other onto what has landed."""

    def merge(green: Judge) -> Tally:
        tally = Tally()
        tree = base.files
        for name in names:
            tree = merged(base, tree, base.features[name], green, tally, name) or tree
        return tally

    return _hopefully(base, folder, merge)


def _hopefully(base: Base, folder: Path, merge: Callable[[Judge], Tally]) -> Tally:
    """Take every tree for green, and test all at once; only if one is not, test each as it is made."""
    trees: list[Files] = []

    def taken(tree: Files) -> bool:
        trees.append(tree)
        return True

    tally = merge(taken)
    return tally if base.all_green(trees, folder) else merge(lambda tree: base.green(tree, folder))


def _edited(base: Files, edits: dict[str, list[tuple[str, str]]]) -> Files:
    out = dict(base)
    for path, changes in edits.items():
        for old, new in changes:
            if out[path].count(old) != 1:
                raise ValueError(f"{path}: {old!r} is there {out[path].count(old)} times")
            out[path] = out[path].replace(old, new)
    return out
