"""plan: Claude drafts one, a person decides."""

from __future__ import annotations

import json as jsonlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.cli.driving import run_async
from workbench.cli.findings import show_findings
from workbench.cli.outcome import explain
from workbench.cli.printable import printable
from workbench.cli.trust import say_withheld
from workbench.composition import drafting, planning
from workbench.composition.place import Place, open_place
from workbench.core import plan as plans
from workbench.core.plan import rules, suitability
from workbench.core.plan.review import as_data, review
from workbench.engine.ports import Acted, AgentReport, Denied, Retried, Said
from workbench.errors import AgentError, PlanError, UsageError

LONGEST_GOAL = 100_000
"""Characters; a goal that needs more is a plan already."""

NUMBERS = 1000
"""Plans of the default name in one folder before a name has to be given."""

LOOKS = {"Read": "reads", "Glob": "looks for", "Grep": "searches for"}


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for. ``goal`` may be ``-`` for stdin; ``output`` None for plan.md, or
    the first free plan-2.md…"""

    goal: str
    repo: Path
    output: Path | None = None
    overrides: Mapping[str, object] | None = None
    critique: bool = False
    edit: bool = False
    yes: bool = False
    force: bool = False
    json: bool = False


def plan(wanted: Wanted) -> int:
    """Draft a plan, write it, show it, and ask for its approval; gives the exit code."""
    goal = _goal(wanted.goal)
    path = _output(wanted)  # before anything is paid for

    async def main() -> tuple[Place, drafting.Drafted]:
        place = await open_place(wanted.repo, **(wanted.overrides or {}))
        say_withheld(place.withheld, place.file)
        drafting.demand_claude(place)
        if place.repository.dirty:
            explain("the draft is made from the latest commit: what is not committed is not seen")
        try:
            return place, await drafting.draft(place, goal, say=_say, hear=_hear, critique=wanted.critique)
        except AgentError as error:
            raise drafting.no_use(error) from error

    place, drafted = run_async(main(), "nothing was written; what was asked until then is paid for")
    path = _write(path, drafted.text, wanted)
    if not wanted.json:
        _show(drafted)
    if wanted.edit:
        drafted = _edited(path, place, drafted, json=wanted.json)
    show_findings(drafted.findings, path)
    ready = planning.ReadyPlan(path, drafted.text, drafted.plan, plans.sha256(drafted.text))
    approved = _approves(wanted, path, () if wanted.edit else drafting.strange(place, drafted))
    if approved:
        planning.approve(place, ready)
    if wanted.json:
        print(jsonlib.dumps(_data(path, drafted, approved=approved), indent=2))
    explain(f"written to {path}; the draft cost ${drafted.usage.cost_usd:.2f}", _next(path, wanted, approved))
    return 0


# -- in ------------------------------------------------------------------------------------------------


def _goal(given: str) -> str:
    text = (_stdin() if given == "-" else given).replace("\r\n", "\n").strip()
    if not text:
        raise UsageError("There is no goal.", 'Say what you want: workbench plan "Export reports to CSV"')
    if len(text) > LONGEST_GOAL:
        raise UsageError(
            f"The goal has more than {LONGEST_GOAL:,} characters.",
            "Put details into a file of the repository.",
        )
    if given != "-" and "\n" not in text and len(text) < 256 and Path(text).is_file():
        raise UsageError(
            f"{text} is a file, and the goal is taken as it is written.",
            f"workbench plan - < {shlex.quote(text)}",
        )
    for problem in rules.hidden_characters(text):
        raise UsageError(f"Line {problem.line} of the goal: {problem.sentence}.", "Remove it.")
    return text


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read(4 * LONGEST_GOAL + 1).decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("The goal on stdin is not UTF-8 text.", "Save it as UTF-8 and try again.") from None


def _output(wanted: Wanted) -> Path:
    path = wanted.output or Path("plan.md")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", "Make it, or name another file with -o.")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"Nothing can be written to {path.parent}.", "Name another file with -o.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Name a file with -o.")
    if wanted.output is not None and _there(path) and not wanted.force:
        raise UsageError(
            f"{path} exists already.", "Name another file with -o, or pass --force to replace it."
        )
    return path


def _there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _write(path: Path, text: str, wanted: Wanted) -> Path:
    """Write the plan, never over a file that nobody gave up; gives where it is."""
    names: Iterator[Path] = iter([path])
    if wanted.output is None and not wanted.force:
        names = (path if n == 1 else path.with_name(f"plan-{n}.md") for n in range(1, NUMBERS))
    for name in names:
        try:
            with name.open("wb" if wanted.force else "xb") as file:
                file.write(text.encode("utf-8"))
            return name
        except FileExistsError:
            continue
        except OSError as error:
            _rescue(text)
            raise UsageError(f"{name} cannot be written: {error.strerror}.", "It is printed above.") from None
    _rescue(text)
    raise UsageError(f"{path} appeared while the plan was drafted.", "It is printed above.")


def _rescue(text: str) -> None:
    """A plan that was paid for is not lost with the file it was meant for."""
    print(text)


# -- while it drafts -----------------------------------------------------------------------------------


def _say(words: str) -> None:
    print(f"· {printable(words)}", file=sys.stderr, flush=True)


def _hear(report: AgentReport) -> None:
    if isinstance(report, Acted):
        words = f"{LOOKS.get(report.tool, report.tool)} {_inside(report.target)}"
    elif isinstance(report, Denied):
        words = f"was refused {report.tool} {_inside(report.target)}: {report.reason}"
    elif isinstance(report, Retried):
        words = f"the model's API asks to wait: {report.error}" + (
            f" ({report.status})" if report.status else ""
        )
    elif isinstance(report, Said):
        words = report.text.splitlines()[0]
    else:
        return
    print(f"    {printable(words)[:200]}", file=sys.stderr, flush=True)


def _inside(target: str) -> str:
    """A path without the temporary folder in front of it."""
    before, found, after = target.partition("workbench-plan-")
    return after.partition("/")[2].partition("/")[2] or "." if found and before.startswith("/") else target


# -- out -----------------------------------------------------------------------------------------------


def _show(drafted: drafting.Drafted) -> None:
    print(plans.summary(drafted.plan))
    if drafted.critique is not None:
        print(f"\nThe review: {printable(drafted.critique.verdict) or 'nothing was said'}")
        for point in drafted.critique.points:
            about = f" {point.task}:" if point.task else ""
            print(f"  {point.weight}{printable(about)} {printable(point.point)}")
        if drafted.critique.points:
            print(
                f"  (the plan above {'was revised after it' if drafted.revised else 'is as it was before'})"
            )
    _show_suitability(drafted.suitability)


def _show_suitability(scored: suitability.Suitability) -> None:
    print(f"\nIs a team worth it? {scored.total} of 15; a team is, from {suitability.ENOUGH}.")
    for name, score in scored.scores.items():
        limited = f" (no more, because {score.limited})" if score.limited else ""
        print(f"  {score.points}  {suitability.QUESTIONS[name]}: {printable(score.reason)}{limited}")
    size = "one teammate" if scored.team == 1 else f"a team of {scored.team}"
    print(f"  recommended: {size}, which the plan says in `team:`. {printable(scored.why)}")


def _data(path: Path, drafted: drafting.Drafted, *, approved: bool) -> dict[str, Any]:
    critique = drafted.critique
    points = [vars_of(point) for point in critique.points] if critique else []
    return {
        "plan": str(path),
        "sha256": plans.sha256(drafted.text),
        "approved": approved,
        **drafted.plan.model_dump(mode="json"),
        "suitability": suitability.as_data(drafted.suitability),
        "warnings": [as_data(finding) for finding in drafted.findings],
        "mended": drafted.mended,
        "critique": {"verdict": critique.verdict, "points": points, "revised": drafted.revised}
        if critique
        else None,
        "gates_found": [
            {"command": found.command, "why": found.why, "setup": found.setup or None, "tests": found.tests}
            for found in drafted.offers.found
        ],
        "cost_usd": drafted.usage.cost_usd,
        "usage": drafted.usage.model_dump(mode="json"),
    }


def vars_of(point: Any) -> dict[str, str]:
    """A critic's point for programs."""
    return {name: getattr(point, name) for name in ("weight", "task", "point", "mend")}


def _next(path: Path, wanted: Wanted, approved: bool) -> str:
    where = "" if wanted.repo == Path() else f" --repo {shlex.quote(str(wanted.repo))}"
    name = shlex.quote(str(path))
    if approved:
        return f"workbench run {name}{where}"
    return f"read it, change what you like, then workbench approve {name}{where}"


# -- the person's word ---------------------------------------------------------------------------------


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _approves(wanted: Wanted, path: Path, strange: Sequence[str]) -> bool:
    """The person's word. One that was given before the plan was there does not cover commands that nothing
    but a model thought of."""
    if strange:
        said = ", ".join(f"`{printable(command)}`" for command in strange[:4])
        explain(
            f"the plan would run {said}, which nothing in the repository asks for",
            "read it with that in mind" + ("; --yes does not approve it unread" if wanted.yes else ""),
        )
    if wanted.yes:
        return not strange
    if wanted.json or not _terminal():
        return False
    import typer

    return bool(typer.confirm(f"Approve {path} as it is now?", default=False, err=True))


def _edited(path: Path, place: Place, drafted: drafting.Drafted, *, json: bool) -> drafting.Drafted:
    """The plan after a person edited it; edited again, if they like, for as long as it is wrong."""
    while True:
        _open_editor(path)
        try:
            ready = planning.read_plan(path)
        except PlanError as error:
            if json or not _terminal():
                raise
            for problem in error.problems:
                line = f":{problem.line}" if problem.line else ""
                explain(f"{path}{line}: {problem.sentence}", problem.hint)
            import typer

            if typer.confirm("Edit it again?", default=True, err=True):
                continue
            raise
        if ready.text == drafted.text:
            return drafted
        if not json:
            print(f"\nAs edited:\n\n{plans.summary(ready.plan)}")
        circumstances = run_async(drafting.around(place))
        return replace(drafted, text=ready.text, plan=ready.plan, findings=review(ready.plan, circumstances))


def _open_editor(path: Path) -> None:
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(chosen)
        done = subprocess.run([*words, str(path)], check=False)
    except (OSError, ValueError, IndexError) as error:
        raise UsageError(
            f"The editor {chosen!r} cannot be started: {error}.",
            f"Set VISUAL or EDITOR; the plan is in {path}.",
        ) from None
    if done.returncode != 0:
        raise UsageError(
            f"The editor {chosen!r} ended with exit code {done.returncode}.", f"The plan is in {path}."
        )
