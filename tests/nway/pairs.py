"""Every pair of features merged by the model-free rungs alone, each proposal gated."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.nway.judge import Judge
from tests.nway.sets import Feature, FeatureSet
from tests.nway.stage import Stage
from tests.replay.history import git
from workbench.adapters.structure.ladder import proposals
from workbench.adapters.structure.weakening import weakened
from workbench.core.union import Resolution

ORDER = ("union", "list", "structure")


def every_pair(features: FeatureSet, stage: Stage, judge: Judge) -> dict[str, Any]:
    """``pairs``, ``conflicts``, ``resolved`` by rung, ``left`` by pair, ``red`` clean pairs, and per kind
    [resolved, conflicts]."""
    resolved, kinds, left, red = Counter[str](), dict[str, list[int]](), dict[str, str](), list[str]()
    pairs = list(itertools.combinations(features.features, 2))
    for one, other in pairs:
        name = f"{one.name} + {other.name}"
        commands = [features.suite, one.test, other.test]
        tree, stages = _merged(stage, one, other)
        if not stages:
            if judge.red(tree, commands):
                red.append(name)
            continue
        rung, why = _resolve(stage, judge, tree, stages, commands)
        if rung:
            resolved[rung] += 1
        else:
            left[name] = why
        for kind in {one.kind, other.kind}:
            row = kinds.setdefault(kind, [0, 0])
            row[0] += bool(rung)
            row[1] += 1
    conflicts = sum(resolved.values()) + len(left)
    return {
        "pairs": len(pairs), "conflicts": conflicts, "resolved": dict(resolved), "left": left,
        "red": red, "kinds": dict(sorted(kinds.items())),
    }  # fmt: skip


def _merged(stage: Stage, one: Feature, other: Feature) -> tuple[str, dict[str, dict[int, str]]]:
    """Git's tree, and the blobs of each stage of the paths in conflict."""
    tips = (stage.branches[one.name], stage.branches[other.name])
    done = git(stage.repo, "merge-tree", "--write-tree", "-z", "--no-messages", *tips, fine=(0, 1))
    tree, *entries = done.out.decode().rstrip("\0").split("\0")
    stages: dict[str, dict[int, str]] = {}
    for entry in entries:
        head, _, path = entry.partition("\t")
        _, blob, number = head.split()
        stages.setdefault(path, {})[int(number)] = blob
    return tree, stages


def _resolve(
    stage: Stage, judge: Judge, tree: str, stages: dict[str, dict[int, str]], commands: list[str]
) -> tuple[str, str]:
    """The rung whose proposals are green, or "" and why none is."""
    found: dict[str, list[Resolution]] = {}
    for path, blobs in stages.items():
        if not {2, 3} <= set(blobs):
            return "", f"{path}: changed and taken away"
        base, ours, theirs = (_text(stage, blobs[n]) if n in blobs else None for n in (1, 2, 3))
        assert ours is not None and theirs is not None
        several = proposals(path, base, ours, theirs)
        found[path] = [it for it in several if not weakened(base, ours, theirs, it.text, path)]
        if not found[path]:
            return "", f"{path}: {'all proposals lose a test' if several else 'no proposal'}"
    said = ""
    for turn in turns(found):
        made = _with(stage, tree, {path: one.text for path, one in turn.items()})
        said = judge.red(made, commands)
        if not said:
            return max((one.rung for one in turn.values()), key=ORDER.index), ""
    return "", f"red: {said.splitlines()[-1][:160] if said else ''}"


def turns(found: dict[str, list[Resolution]]) -> Iterator[dict[str, Resolution]]:
    """Combinations to try: every file's first, every file's second, and so on."""
    for n in range(max(map(len, found.values()), default=0)):
        yield {path: several[min(n, len(several) - 1)] for path, several in found.items()}


def _with(stage: Stage, tree: str, texts: dict[str, str]) -> str:
    """The tree with these files in it."""
    index = stage.folder / "pairs.index"
    index.unlink(missing_ok=True)
    place = f"--git-dir={stage.repo / '.git'}"
    env = {"GIT_INDEX_FILE": str(index)}
    git(stage.repo, place, "read-tree", tree, extra=env)
    for path, text in texts.items():
        scratch = stage.folder / "blob"
        scratch.write_bytes(text.encode())
        blob = git(stage.repo, "hash-object", "-w", "--no-filters", str(scratch)).out.decode().strip()
        git(stage.repo, place, "update-index", "--cacheinfo", f"100644,{blob},{path}", extra=env)
    return git(stage.repo, place, "write-tree", extra=env).out.decode().strip()


def _text(stage: Stage, blob: str) -> str:
    return git(stage.repo, "cat-file", "blob", blob).out.decode()
