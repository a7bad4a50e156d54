"""What a run needs: a repository, a branch for each feature, a plan, an agent, perhaps a flaky suite."""

from __future__ import annotations

import json
import shlex
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.nway.sets import Feature, FeatureSet, unpack
from tests.replay.history import git
from workbench.errors import UsageError

AGENT = """\
# Applies a feature's patches; work that comes back with a conflict in it is given up, and said to be.
set -e
mark() {{ {workbench} mark "$@"; }}
if git grep -q -E '^<{{7}} ' -- . ; then
    mark blocked "there are conflicts here, and no one to resolve them"
    exit 0
fi
for patch in {patches}/"$WORKBENCH_TASK"/*.patch; do
    if git apply --check --reverse "$patch" 2>/dev/null; then continue; fi
    if ! git apply --index "$patch"; then
        mark blocked "$(basename "$patch") does not apply to what has landed"
        exit 0
    fi
done
if ! git diff --cached --quiet; then git commit -q -m "$WORKBENCH_TASK"; fi
if [ "$WORKBENCH_ATTEMPT" != 1 ] && ! sh {patches}/"$WORKBENCH_TASK"/prove; then
    mark blocked "red together with what has landed, and no one to mend it"
fi
"""

FLAKY = '''\
"""Runs a command, or fails in its place, by seeded dice; the first run is never touched."""
import os, random, subprocess, sys
odds, seed, folder, command = float(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
number = 0
while True:
    try:
        os.close(os.open(os.path.join(folder, f"run-{number}"), os.O_CREAT | os.O_EXCL))
        break
    except FileExistsError:
        number += 1
if number and random.Random(f"{seed}:{number}").random() < odds:
    open(os.path.join(folder, f"flake-{number}"), "w").close()
    sys.exit("a test timed out, for no reason of the change's")
sys.exit(subprocess.run(["sh", "-c", command]).returncode)
'''


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything in ``folder``: ``repo`` on main at ``base``; ``branches`` are the features' commits."""

    folder: Path
    repo: Path
    base: str
    branches: dict[str, str]
    plan: Path
    agent: Path
    dice: Path


def set_up(features: FeatureSet, folder: Path, flaky: float = 0.0, seed: int = 0) -> Stage:
    """Build it all. UsageError when a patch does not apply to the base, or changes nothing."""
    repo = folder / "repo"
    unpack(features.base, repo)
    git(repo, "init", "-q", "-b", "main")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "base")
    base = _head(repo)
    branches = {one.name: _branch(repo, one, base) for one in features.features}
    git(repo, "checkout", "-q", "main")
    patches, dice = folder / "patches", folder / "dice"
    dice.mkdir()
    for one in features.features:
        target = patches / one.name
        target.mkdir(parents=True)
        for number, patch in enumerate(one.patches, 1):
            (target / f"{number}.patch").write_bytes(patch.read_bytes())
        (target / "prove").write_text(f"( {features.suite} ) && ( {one.test} )\n")
    workbench = f"{shlex.quote(sys.executable)} -m workbench"
    agent = folder / "agent.sh"
    agent.write_text(AGENT.format(workbench=workbench, patches=shlex.quote(str(patches))))
    agent.chmod(agent.stat().st_mode | stat.S_IXUSR)
    suite = features.suite
    if flaky:
        (folder / "flaky.py").write_text(FLAKY)
        words = [sys.executable, str(folder / "flaky.py"), str(flaky), str(seed), str(dice), suite]
        suite = shlex.join(words)
    plan = folder / "plan.md"
    plan.write_text(_plan(features, suite))
    return Stage(folder, repo, base, branches, plan, agent, dice)


def _branch(repo: Path, feature: Feature, base: str) -> str:
    git(repo, "checkout", "-q", "-B", f"feature/{feature.name}", base)
    for patch in feature.patches:
        try:
            git(repo, "apply", "--index", str(patch))
        except UsageError as error:
            raise UsageError(f"{patch} does not apply to the base: {error}") from error
    if not git(repo, "diff", "--cached", "--quiet", fine=(0, 1)).code:
        raise UsageError(f"{feature.patches[0]} changes nothing.")
    git(repo, "commit", "-q", "-m", feature.name)
    return _head(repo)


def _head(repo: Path) -> str:
    return git(repo, "rev-parse", "HEAD").out.decode().strip()


def _plan(features: FeatureSet, suite: str) -> str:
    out = [
        "---",
        f"gates: [{json.dumps(suite)}]",
        "---",
        f"# {features.name}",
        "",
        "Features on one base.",
        "",
    ]
    out += ["## Tasks", ""]
    for one in features.features:
        title = one.name.replace("-", " ")
        out += [
            f"### {one.name}: {title}",
            f"- gate: {_span(one.test)}",
            "",
            f"{one.kind or 'A feature'}.",
            "",
        ]
    return "\n".join(out)


def _span(command: str) -> str:
    ticks = "`"
    while ticks in command:
        ticks += "`"
    pad = " " if command.startswith("`") or command.endswith("`") else ""
    return f"{ticks}{pad}{command}{pad}{ticks}"
