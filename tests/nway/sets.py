"""A set of features on one base, as it lies in a folder."""

from __future__ import annotations

import re
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.replay.history import git
from workbench.errors import UsageError

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: its patches in the order to apply them, and the command that proves it."""

    name: str
    patches: tuple[Path, ...]
    test: str
    kind: str


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """A base, the command that tests it, and features, in the order of their names."""

    name: str
    base: Path
    suite: str
    features: tuple[Feature, ...]


def load(folder: Path) -> FeatureSet:
    """Read a set. UsageError, naming the file, for anything that is missing or empty."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a directory.", "Name the folder of a feature set.")
    bases = [one for name in ("base", "base.tar", "base.git") if (one := folder / name).exists()]
    if len(bases) != 1:
        raise UsageError(
            f"{folder} holds {len(bases)} bases.", "Put one of base/, base.tar or base.git there."
        )
    kept = folder / "features"
    found = sorted(it for it in kept.iterdir() if it.is_dir()) if kept.is_dir() else []
    if not found:
        raise UsageError(f"{folder} holds no features.", "Put each into features/NAME/.")
    features = tuple(_feature(it) for it in found)
    return FeatureSet(folder.resolve().name, bases[0].resolve(), _command(folder / "suite"), features)


def _feature(folder: Path) -> Feature:
    if not NAME.fullmatch(folder.name):
        raise UsageError(
            f"{folder} is no name for a task.", "Use small letters, digits and dashes, at most 40."
        )
    patches = [folder / "feature.patch", folder / "tests.patch"]
    if not patches[0].is_file():
        raise UsageError(f"{patches[0]} is not there.", "It is the feature, for `git apply` on the base.")
    kind = folder / "kind"
    return Feature(
        folder.name,
        tuple(one.resolve() for one in patches if one.is_file()),
        _command(folder / "test"),
        kind.read_text().strip() if kind.is_file() else "",
    )


def _command(path: Path) -> str:
    text = path.read_text().strip() if path.is_file() else ""
    if not text or "\n" in text:
        raise UsageError(f"{path} must hold one command, on one line.", "It is run with `sh -c`.")
    return text


def unpack(base: Path, where: Path) -> None:
    """The files of the base in ``where``, which is made; no history comes along."""
    if base.name == "base.tar":
        try:
            with tarfile.open(base) as archive:
                archive.extractall(where, filter="data")
        except (tarfile.TarError, OSError) as error:
            raise UsageError(f"{base} cannot be unpacked: {error}") from error
    elif base.name == "base.git" or (base / ".git").exists():
        git(base.parent, "clone", "-q", str(base), str(where))
        shutil.rmtree(where / ".git")
    else:
        shutil.copytree(base, where, symlinks=True)
