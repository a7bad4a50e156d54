"""init: a repository gets its settings, and a workflow."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.composition import initial
from workbench.core import starters

SHOWN = 5
"""Commands that a person is shown to choose from."""


def init(repo: Path, *, yes: bool, workflow: bool, requirement: str | None, force: bool) -> int:
    """Look at a repository, ask what cannot be seen, and write its files; gives the exit code."""
    setting = run_async(initial.look(repo))
    asking = not yes and sys.stdin.isatty() and sys.stderr.isatty()
    gates = tuple(found.command for found in starters.proposed(setting.offers))
    for found in setting.offers.found[:SHOWN]:
        explain(f"found `{found.command}`: {found.why}")
    if asking:
        gates = _asked_gates(gates)
    source = setting.requirement if requirement is None else requirement
    if asking and workflow and not source:
        source = str(typer.prompt("What does a job's pip install workbench from", default="", err=True))
    made = initial.files(setting, gates, source, workflow=workflow)
    initial.write(setting.repository.root, made, force=force)
    for name in made:
        print(name)
    _tell_next(gates, setting, source, workflow=workflow, wrote_settings=starters.SETTINGS in made)
    return 0


def _asked_gates(gates: tuple[str, ...]) -> tuple[str, ...]:
    """The gates that a person wants: commands, one after the other, with ``;;`` between them."""
    said = typer.prompt("Gates (several with ;; between them)", default=" ;; ".join(gates), err=True)
    return tuple(command for part in str(said).split(";;") if (command := part.strip()))


def _tell_next(
    gates: tuple[str, ...], setting: initial.Setting, source: str, *, workflow: bool, wrote_settings: bool
) -> None:
    if not wrote_settings:
        explain(f"the settings stay where they are, in {setting.settings}")
    elif not gates:
        explain(
            "no tests were found here, so there is no gate yet",
            f"write a command that must be green into `gates` in {starters.SETTINGS}",
        )
    if workflow and not source:
        explain(
            "where a job gets workbench from is not known here",
            f"write what pip installs, such as git+https://HOST/OWNER/workbench@COMMIT, as `requirement` into"
            f" {starters.WORKFLOW}, in two places",
        )
    if workflow:
        explain(
            "commit these files; the workflow needs the secret ANTHROPIC_API_KEY",
            "merge a plan into plans/, or start it by hand: "
            "`gh workflow run workbench -f plan=plans/FILE.md`",
        )
