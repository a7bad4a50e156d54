"""What is had without a coordinator: ``git merge`` of one feature after the other, kept when green."""

from __future__ import annotations

from typing import Any

from tests.nway.judge import Judge
from tests.nway.sets import FeatureSet
from tests.nway.stage import Stage
from tests.replay.history import git


def in_sequence(features: FeatureSet, stage: Stage, judge: Judge) -> dict[str, Any]:
    """``landed`` and ``names`` of the features that merge cleanly onto the ones before, and are green."""
    tip, commands, names = stage.base, [features.suite], list[str]()
    for one in features.features:
        merged = git(stage.repo, "merge-tree", "--write-tree", tip, stage.branches[one.name], fine=(0, 1))
        if merged.code:
            continue
        tree = merged.out.decode().split()[0]
        words = ("commit-tree", tree, "-p", tip, "-p", stage.branches[one.name], "-m", one.name)
        commit = git(stage.repo, *words).out.decode().strip()
        if not judge.red(commit, [*commands, one.test]):
            tip = commit
            commands.append(one.test)
            names.append(one.name)
    return {"landed": len(names), "names": names}


def red_alone(features: FeatureSet, stage: Stage, judge: Judge) -> dict[str, str]:
    """Features that are not green on the base they were written for, and the base itself when it is not."""
    out = {"base": judge.red(stage.base, [features.suite])}
    for one in features.features:
        out[one.name] = judge.red(stage.branches[one.name], [features.suite, one.test])
        if not out[one.name] and not judge.red(stage.base, [one.test]):
            out[one.name] = f"`{one.test}` is green on the base: it proves nothing"
    return {name: said for name, said in out.items() if said}
