"""Hostile plans and names: what somebody else wrote down is run, and what it says is nothing but words."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.redteam import places
from tests.redteam.escapes import Escape, Outcome
from workbench.testing import forkserver

SECONDS = 60.0

NASTY = '--output=pwned $(touch pwned) `touch pwned` ; touch pwned | "\' {{ "eval" * 2 }} <script>'


@dataclass(frozen=True, slots=True)
class Case:
    """A plan, or words of a command, that try something. ``refused`` says whether it must be turned away;
    else the run goes on, and nothing comes of the words. ``branch`` is the user's branch meanwhile."""

    name: str
    story: str
    plan: str
    words: Sequence[str] = ()
    branch: str = "main"
    refused: bool = True


def _plan(task: str, head: str = "", title: str = "P") -> str:
    return f"{head}# {title}\n\n## Tasks\n\n{task}\n"


PLAIN = _plan("### one: One\n\nDo it.")

CASES = (
    Case("plan-words", "Titles and bodies full of commands and options.",
         _plan(f"### one: {NASTY}\n\n{NASTY}", title=NASTY), refused=False),
    Case("plan-id-option", "A task's id that git would take for an option.",
         _plan("### --output=pwned: O\n\nx")),
    Case("plan-id-path", "A task's id that leads out of the folder.", _plan("### ../../pwned: O\n\nx")),
    Case("plan-id-command", "A task's id that a shell would run.", _plan("### $(touch pwned): O\n\nx"),
         refused=False),
    Case("plan-id-ours", "A task called like a branch of workbench's own.",
         _plan("### one: O\n\nx\n\n### integration: I\n\nx"), refused=False),
    Case("plan-files-outside", "Files that are outside.",
         _plan("### one: O\n- files: ../../outside/**\n\nx")),
    Case("plan-teammate", "A teammate with a path for a name.",
         _plan("### one: O\n\nx", "---\nteam: [../pwned]\n---\n")),
    Case("plan-yaml-object", "Front matter that makes an object of Python's.",
         _plan("### one: O\n\nx", "---\n!!python/object/apply:os.system ['touch pwned']\n---\n")),
    Case("plan-terminal", "Sequences that write to the terminal.", _plan("### one: O\x1b]0;pwned\x07\n\nx")),
    Case("plan-base-option", "A base that git would take for an option.",
         _plan("### one: O\n\nx", "---\nbase: --output=pwned\n---\n")),
    Case("plan-role-path", "A role that is a file elsewhere.",
         _plan("### one: O\n- role: ../../outside/role\n\nx")),
    Case("run-id-path", "A run's id that leads out of the folder.", PLAIN, ("--run-id", "../../pwned")),
    Case("run-id-option", "A run's id that is an option.", PLAIN, ("--run-id=--output=pwned",)),
    Case("base-option", "A base on the command line that is an option.", PLAIN, ("--base=--output=pwned",)),
    Case("branch-command", "The user's own branch is called like a command.", PLAIN,
         branch="$(touch${IFS}pwned);--output=pwned", refused=False),
)  # fmt: skip


def outcomes(place: Path) -> list[Outcome]:
    """Each in a world of its own."""
    return [tried(place, case) for case in CASES]


def tried(place: Path, case: Case) -> Outcome:
    """Run one."""
    world = place / case.name
    world.mkdir(parents=True)
    places.build(world, {})
    repo, plan = world / "repo", world / "plan.md"
    places.git(repo, "stash", "clear")
    if case.branch != "main":
        places.git(repo, "symbolic-ref", "HEAD", f"refs/heads/{case.branch}")
        places.git(repo, "commit", "-q", "--allow-empty", "-m", "mine")
    plan.write_text(case.plan)
    before = places.fingerprints(world)
    code, said = _run(world, plan, case)
    after = places.fingerprints(world)
    effects = [f"{name} changed" for name in before if before[name] != after[name]]
    effects += [f"{path.relative_to(world)} was made" for path in world.rglob("pwned*")]
    effects += ["it was let through"] if (code == 0) is case.refused else []
    effects += ["the terminal was written to"] if "\x1b" in said else []
    line = next((it for it in said.splitlines() if it.startswith("workbench: ")), "")
    return Outcome(
        Escape(case.name, case.story, case.plan, lambda _: ""), "plan", tried=code in (0, 2),
        stopped=not effects, noticed=line.removeprefix("workbench: ")[:90] if code == 2 else "",
        effect="; ".join(effects),
    )  # fmt: skip


def _run(world: Path, plan: Path, case: Case) -> tuple[int, str]:
    words = ("run", str(plan), "--agent", "command:echo done > work.txt", "--no-gates", "--yes", *case.words)
    own = {"SANDBOX": "auto", "TRUST": "always", "RETRY_SECONDS": "0.05"}
    env = places.environment(world) | {f"WORKBENCH_{name}": value for name, value in own.items()}
    env["XDG_STATE_HOME"] = str(world / "home" / "state")
    with tempfile.TemporaryFile("w+b") as out:
        process = forkserver.shared().start(words, cwd=world / "repo", env=env, stdout=out, stderr=out)
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            process.kill()
        out.seek(0)
        return code, out.read().decode(errors="replace")
