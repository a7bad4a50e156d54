"""doctor: what this machine and repository lack, and what to do about it."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from pathlib import Path

from workbench.cli.display import console
from workbench.cli.driving import run_async
from workbench.cli.trust import WITHHELD_HINT
from workbench.composition.place import Place, open_place
from workbench.config import load, narrowed, own_word
from workbench.doctor import Finding, examine, is_ready
from workbench.errors import SetupError, WorkbenchError

MARKS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red")}


def doctor(repo: Path, *, json: bool) -> int:
    """Print every finding; gives 0 when nothing stops a run and 2 otherwise."""

    async def look() -> list[Finding]:
        try:
            place = await open_place(repo)
        except SetupError:  # no repository to speak of: that will be a finding, not the end
            return await examine(repo, narrowed(load(repo), own_word(repo))[0])
        return [*await examine(repo, place.settings), *await _trust(place)]

    findings = run_async(look())
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


async def _trust(place: Place) -> list[Finding]:
    """Whether a run that starts now loads what the repository has for agents, if it has anything."""
    from workbench.composition.trusting import gate
    from workbench.core.protection import left_out
    from workbench.core.trust.words import standing

    try:
        trust = (await gate(place, place.repository.head)).trust
    except WorkbenchError as error:
        return [Finding("trust", "fail", str(error), error.hint)]
    if not trust.count:
        return []
    said, hint = (f"{words[:1].upper()}{words[1:]}" for words in standing(trust))
    found = [Finding("trust", "ok" if trust.trusted else "warn", f"{said}.", hint and f"{hint}.")]
    if words := left_out(place.withheld, place.file):
        found.append(Finding("left out", "warn", f"{words}.", f"{WITHHELD_HINT}."))
    return found
