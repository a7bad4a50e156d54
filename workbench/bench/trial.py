"""What both sides get: a repository, tasks that sleep, write and commit, and the naive script."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git.sample import make_repository

FILES = 160
"""Files in the repository if nothing else is asked for: a small project."""

AGENT = """\
#!/bin/sh
# One teammate's work: think for $2 seconds, write three files, commit them.
set -e
sleep "$2"
mkdir -p "work/$1"
for part in a b c; do echo "$1 $part" > "work/$1/$part.txt"; done
git add -A work
git commit -q -m "task $1"
"""

SCRIPT = """\
#!/bin/sh
# The way without workbench: a worktree for each task, agents in parallel, merges one after another.
set -e
repo=$1 tasks=$2 team=$3 seconds=$4 agent=$5
cd "$repo"
i=1
while [ $i -le $tasks ]; do
  git worktree add -q -b "task-$i" "../naive/$i" main
  if [ $team -ge $tasks ]; then (cd "../naive/$i" && sh "$agent" "task-$i" "$seconds") & fi
  i=$((i + 1))
done
if [ $team -lt $tasks ]; then
  lane=1
  while [ $lane -le $team ]; do
    (
      i=$lane
      while [ $i -le $tasks ]; do
        (cd "../naive/$i" && sh "$agent" "task-$i" "$seconds")
        i=$((i + team))
      done
    ) &
    lane=$((lane + 1))
  done
fi
wait
i=1
while [ $i -le $tasks ]; do
  git merge -q --no-ff -m "merge task-$i" "task-$i"
  i=$((i + 1))
done
"""


@dataclass(frozen=True)
class Trial:
    """How much work, by how many: ``seconds`` is how long each task sleeps, ``files`` how many the
    repository has."""

    tasks: int
    team: int
    seconds: float
    files: int = FILES

    @property
    def ideal(self) -> float:
        """Seconds it would take if everything but the tasks were free."""
        rounds = -(-self.tasks // self.team)
        return rounds * self.seconds

    @property
    def plan(self) -> str:
        """The plan: as many independent tasks as there are."""
        heads = [
            f"### task-{number}: Write three files\n\n- files: work/task-{number}/**\n\nWrite them.\n"
            for number in range(1, self.tasks + 1)
        ]
        return f"# Bench\n\n## Tasks\n\n{chr(10).join(heads)}"


def make_trial(folder: Path, trial: Trial) -> Path:
    """Fill ``folder`` with a repository (returned), the plan, the agent and the script."""
    repo = folder / "repo"
    for number in range(trial.files):
        path = repo / f"src/part{number % 16:02d}/file{number:03d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * 20, encoding="utf-8")
    asyncio.run(make_repository(repo, "base"))
    (folder / "plan.md").write_text(trial.plan, encoding="utf-8")
    (folder / "agent.sh").write_text(AGENT, encoding="utf-8")
    (folder / "naive.sh").write_text(SCRIPT, encoding="utf-8")
    return repo
