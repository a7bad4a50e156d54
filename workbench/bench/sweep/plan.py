"""What a sweep runs: a short plan in a small repository, or any plan in a clone of any repository."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.adapters.git.process import environment
from workbench.adapters.git.sample import make_repository
from workbench.config import load
from workbench.core import plan as plans
from workbench.core.models import Plan
from workbench.errors import SetupError, UsageError
from workbench.rehearsal.author import targets

PLAN = """\
---
gates: ["sh gate.sh"]
team: 2
---
# Sweep

## Tasks

### apple: Add a word
- files: fruit.txt

### pear: Add a word to the same line
- files: fruit.txt

### kiwi: Write what is red first
- after: apple
- files: kiwi.txt

### plum: Write one more
- files: plum.txt
"""
"""Two conflict, one is red at first, one can be taken off again."""

WORK: Mapping[str, Mapping[str, object]] = {
    "apple": {"words": {"fruit.txt": "apple"}},
    "pear": {"words": {"fruit.txt": "pear"}, "left": "pear.txt"},
    "kiwi": {"flaw": "kiwi.txt", "words": {"nuts.txt": "kiwi"}},
    "plum": {"words": {"plum.txt": "plum"}, "left": "pit.txt"},
}

SETTINGS = 'copy = ["secret"]\nsetup = ["cat secret > made"]\n'

TINY_PLAN = """\
# Tiny

## Tasks

### apple: Add a word
- files: fruit.txt
"""
"""The least that is delivered, gated and landed, so that each passing of it can be struck in turn."""

TINY_TEAMMATE = """\
echo apple >fruit.txt
git add fruit.txt
git diff --cached --quiet || git commit -q -m 'do apple'
git rev-parse HEAD >>"$1"
"""
"""What ``hand`` does for it, at a fraction of the price."""

GATE = "if grep -q broken kiwi.txt 2>/dev/null; then echo kiwi.txt is broken; exit 1; fi\n"


@dataclass(frozen=True)
class Subject:
    """What is run. ``exact`` when the tree that comes of it is always the same one; ``undo`` is a task to
    be taken off again, ``options`` are for ``workbench run``. The teammate is ``workbench.bench.hand``, which
    does what ``work`` says, or ``script``, for ``sh``, which is told where the ledger is."""

    repo: Path
    plan: Path
    work: Path
    tasks: tuple[str, ...]
    exact: bool = False
    undo: str = ""
    options: tuple[str, ...] = ()
    edits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    script: Path | None = None

    def agent(self, ledger: Path) -> str:
        """The teammate, as ``--agent`` takes it."""
        if self.script:
            return f"command:{shlex.join(['exec', 'sh', str(self.script), str(ledger)])}"
        words = [sys.executable, "-P", "-m", "workbench.bench.hand", str(self.work), str(ledger)]
        return f"command:{shlex.join(words)}"


def short_plan(folder: Path) -> Subject:
    """The built-in plan, and its repository, in ``folder``."""
    repo = folder / "repo"
    repo.mkdir(parents=True)
    (repo / "fruit.txt").write_text("none\n", encoding="utf-8")
    (repo / "nuts.txt").write_text("none\n", encoding="utf-8")
    (repo / "gate.sh").write_text(GATE, encoding="utf-8")
    (repo / "workbench.toml").write_text(SETTINGS, encoding="utf-8")
    (repo / ".gitignore").write_text("/secret\n", encoding="utf-8")
    asyncio.run(make_repository(repo, "base"))
    (repo / "secret").write_text("kept out of git\n", encoding="utf-8")
    (folder / "plan.md").write_text(PLAN, encoding="utf-8")
    (folder / "work.json").write_text(json.dumps({"tasks": WORK}), encoding="utf-8")
    return Subject(
        repo, folder / "plan.md", folder / "work.json", tuple(WORK), exact=True, undo="plum",
        options=("--team", "2"),
    )  # fmt: skip


def tiny_plan(folder: Path) -> Subject:
    """A plan of one task, with a gate that costs nothing, and its repository, in ``folder``."""
    repo = folder / "repo"
    repo.mkdir(parents=True)
    (repo / "fruit.txt").write_text("none\n", encoding="utf-8")
    settings = (
        'gates = ["grep -q . fruit.txt"]\nsandbox = "off"\n'  # it goes through its passings hundreds of times
    )
    (repo / "workbench.toml").write_text(settings, encoding="utf-8")
    asyncio.run(make_repository(repo, "base"))
    plan, script = folder / "plan.md", folder / "teammate.sh"
    plan.write_text(TINY_PLAN, encoding="utf-8")
    script.write_text(TINY_TEAMMATE, encoding="utf-8")
    return Subject(
        repo, plan, folder / "work.json", ("apple",), exact=True, options=("--team", "1"), script=script
    )


def any_plan(folder: Path, plan: Path, repo: Path) -> Subject:
    """A plan of the user's, in a clone of ``repo``. Raises what reading the plan raises, and SetupError."""
    try:
        text = plan.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{plan} cannot be read: {error}.", "Name a Markdown file.") from None
    read = plans.parse(text, str(plan)) if plans.is_structured(text) else plans.split(text)
    clone = folder / "repo"
    folder.mkdir(parents=True, exist_ok=True)
    command = ["git", "clone", "-q", "--no-hardlinks", str(repo.resolve()), str(clone)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    if done.returncode:
        raise SetupError(f"{repo} cannot be cloned: {done.stderr.strip()}", "Name a repository with --repo.")
    if (repo / "workbench.toml").is_file():  # it may not be committed
        shutil.copy2(repo / "workbench.toml", clone)
    (folder / "plan.md").write_text(plans.render(read) if read and not plans.is_structured(text) else text)
    edits = {task.id: tuple(targets(task)) or (".rehearsal/",) for task in read.tasks}
    work = {"tasks": {name: {"edits": list(where)} for name, where in edits.items()}}
    (folder / "work.json").write_text(json.dumps(work), encoding="utf-8")
    names = tuple(task.id for task in read.tasks)
    options = () if _gated(clone, read) else ("--no-gates",)
    return Subject(clone, folder / "plan.md", folder / "work.json", names, options=options, edits=edits)


def _gated(repo: Path, plan: Plan) -> bool:
    return bool(load(repo).gates or plan.gates or all(task.gates for task in plan.tasks))
