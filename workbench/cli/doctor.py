"""doctor: what this machine and repository lack, and what to do about it."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from pathlib import Path

from workbench.cli.display import console
from workbench.cli.driving import run_async
from workbench.composition.place import open_place
from workbench.config import Settings, load
from workbench.doctor import examine, is_ready
from workbench.errors import SetupError

MARKS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red")}


def doctor(repo: Path, *, json: bool) -> int:
    """Print every finding; gives 0 when nothing stops a run and 2 otherwise."""

    async def settings() -> Settings:
        try:
            return (await open_place(repo)).settings
        except SetupError:  # no repository to speak of: that will be a finding, not the end
            return load(repo)

    findings = run_async(examine(repo, run_async(settings())))
    if json:
        print(jsonlib.dumps([asdict(finding) for finding in findings], indent=2))
        return 0 if is_ready(findings) else 2
    from rich.text import Text

    out = console()
    for finding in findings:
        mark, style = MARKS[finding.level]
        text = Text(f"{mark:<5}", style)
        text.append(f"{finding.name:<13} ", "bold")
        text.append(finding.sentence)
        out.print(text, soft_wrap=True)
        if finding.hint and finding.level != "ok":
            out.print(Text(f"{'':<19}{finding.hint}", "dim"), soft_wrap=True)
    if is_ready(findings):
        out.print("\nReady. Try `workbench demo`, or `workbench check plan.md`.")
    return 0 if is_ready(findings) else 2
