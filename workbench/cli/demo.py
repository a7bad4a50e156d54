"""demo: the whole thing on a sample repository, with the real Claude Code on a scripted model."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from workbench.adapters import templates
from workbench.adapters.git.sample import make_repository
from workbench.cli.display import open_display
from workbench.cli.driving import drive, run_async
from workbench.cli.results import print_report
from workbench.composition import planning
from workbench.composition.output import made
from workbench.composition.place import open_place
from workbench.composition.runs import start_run
from workbench.core.report import Report
from workbench.errors import UsageError
from workbench.rehearsal.script import load


def demo(directory: Path | None, *, json: bool, headless: bool) -> int:
    """Make the sample, run its plan, show what came of it; gives the exit code."""

    async def main() -> tuple[Report, int, Path]:
        root = _folder(directory)
        repo = root / "stockroom"
        templates.copy_tree("demo/repo", repo)
        await make_repository(repo, "A stockroom that can list and find what it holds")
        plan = root / "plan.md"
        plan.write_text(templates.text("demo/plan.md"), encoding="utf-8")
        # Settings of the user's own must not bend the demo: it shows what is in the box.
        place = await open_place(repo, agent="claude", claude="bundled", keep_worktrees=False, trust="always")
        ready = planning.read_plan(plan)
        planning.approve(place, ready)
        if not json:
            print(_INTRODUCTION.format(repo=repo, plan=plan), file=sys.stderr)
        script = load(templates.text("demo/script.yaml"))
        async with start_run(place, ready, script=script) as run:
            display = open_display(json=json, headless=headless, plain=place.settings.plain)
            result, code = await drive(place, run, display)
        return result, code, repo

    result, code, repo = run_async(main())
    if not json:
        print_report(result)
        branch = f"workbench/{result.run}/integration"
        report = "workbench report".ljust(len(f"git log --graph --oneline {branch}"))
        words = _NEXT if result.complete else _FAILED
        print(words.format(repo=repo, run=result.run, branch=branch, report=report), file=sys.stderr)
    return code


def _folder(wanted: Path | None) -> Path:
    """The folder for the sample: a new one, or the one named, which must be empty or missing."""
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="workbench-demo-"))
    if wanted.exists() and (not wanted.is_dir() or any(wanted.iterdir())):
        raise UsageError(f"{wanted} is not an empty folder.", "Name one that does not exist yet.")
    return made(wanted).resolve()


_INTRODUCTION = """\
A small repository was made in {repo}, with a plan in {plan}.
Three teammates work on it now. Each is the real Claude Code, in a git worktree of its own; only the model
is scripted, so nothing is sent anywhere and nothing is spent.
"""

_FAILED = """
Not everything landed here, which should not happen. `workbench doctor` may know why; what the teammates
said is in {repo}/.git/workbench/runs/{run}.
"""

_NEXT = """
Where it is: {repo}
  cd {repo}
  git log --graph --oneline {branch}    the landings
  git merge {branch}                    take the work over
  {report}    this report again

Then, in a repository of your own: workbench doctor; write a plan.md (the README shows one);
workbench check plan.md; workbench rehearse plan.md; workbench approve plan.md; workbench run plan.md
"""
