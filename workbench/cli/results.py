"""status and report."""

from __future__ import annotations

import json as jsonlib
import sys
import time
from pathlib import Path

from workbench.adapters.lock import owner
from workbench.adapters.store.damage import DamagedRun
from workbench.cli.collisions import SEMANTIC, SETTLED, semantic, settled
from workbench.cli.display import console
from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.composition.past import proof, proven_report, read_good, settle
from workbench.composition.place import open_place
from workbench.core.flakes import EXCUSED, FLAKES, percent
from workbench.core.inbox import mail_counts, open_asks
from workbench.core.protection import in_short, left_out
from workbench.core.report import (
    Report,
    duration,
    graph,
    headline,
    junit,
    markdown,
    proof_words,
    proposal_words,
    report,
    trust_words,
)
from workbench.core.state import RunState
from workbench.core.story.events import alarm
from workbench.core.story.mail import to_answer, waits
from workbench.core.story.team import afresh, counts, resting, rows
from workbench.core.story.words import gist, short
from workbench.errors import UsageError

TONES = {
    "landed": "green",
    "failed": "red",
    "blocked": "red",
    "held": "yellow",
    "undone": "yellow",
    "skipped": "yellow",
    "running": "cyan",
}
ALARMS = 10
"""The latest alarms that `status` shows; the report has all."""
FORMS = ("md", "json", "junit")


def show_report(run: str | None, repo: Path, form: str | None) -> int:
    """Print the report of a run; gives 0 when every task landed and 1 otherwise."""
    if form is not None and form not in FORMS:
        raise UsageError(f"There is no report format {form!r}.", f"Formats are {', '.join(FORMS)}.")

    async def main() -> tuple[Report, DamagedRun | None, bool]:
        place = await open_place(repo)
        state, damaged = read_good(place, run)
        holder = owner(place.state_dir)
        cut_short = not state.finished and (holder is None or holder.run != state.run)
        return await proven_report(place, state), damaged, cut_short

    result, damaged, cut_short = run_async(main())
    match form:
        case "json":
            # Not pydantic's own: a file name that is no UTF-8 may be in it.
            print(jsonlib.dumps(result.model_dump(mode="json"), indent=2, ensure_ascii=False))
        case "junit":
            print(junit(result), end="")
        case "md":
            print(markdown(result))
        case _:
            print_report(result)
    if damaged is not None:
        explain(str(damaged), damaged.hint)
        return damaged.exit_code
    if cut_short:
        explain("this run was cut short and can go on", afresh(result.run, result.reason))
    return 0 if result.complete else 1


def print_report(result: Report) -> None:
    """The report for a person: a table on a terminal, Markdown in a pipe."""
    if not sys.stdout.isatty():
        print(markdown(result))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = console()
    tone = "green" if result.complete else "yellow"
    out.print()
    out.print(Text(result.title, "bold"), Text(f"  {result.run}", "dim"))
    out.print(Text(headline(result), tone))
    if result.reason:
        out.print(Text(result.reason, "yellow"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("task", "", "by", "tries", "time", "cost", "landed as"):
        table.add_column(name, overflow="fold", min_width=len("0123456789") if name == "landed as" else None)
    for task in result.tasks:
        extras = [f"{task.conflicts} for a conflict"] * bool(task.conflicts)
        extras += [f"{task.repairs} repaired"] * bool(task.repairs)
        tries = f"{task.attempts}" + (f" ({', '.join(extras)})" if extras else "")
        status = task.status if task.proven is not False else "NOT FOUND"
        table.add_row(
            Text(task.id, "bold") + Text(f"  {task.title}", "dim"),
            Text(status, TONES.get(status, "")),
            task.teammate,
            tries,
            duration(task.seconds) if task.seconds else "",
            f"${task.usage.cost_usd:.2f}" if task.usage.cost_usd and not result.scripted else "",
            Text(task.landed[:10], "cyan") if task.landed else Text(task.reason, "yellow"),
        )
    out.print(table)
    out.print(Text(graph(result), "dim"))
    out.print()
    out.print(Text("\n".join(result.protected), "dim"))
    for heading, collided in (
        (SETTLED, settled(result.conflicts)),
        (SEMANTIC, semantic(result.semantic_conflicts)),
    ):
        for number, (what, more) in enumerate(collided):
            if number == 0:
                out.print(Text(f"{heading}:", "yellow"))
            out.print(Text(f"  {what}  ", "bold") + Text(more, "dim"))
    _print_alarms(result)
    if words := proof_words(result):
        out.print(Text(words, "dim" if result.complete else "yellow"))
    for how, found in ((FLAKES, result.flakes), (EXCUSED, result.excused)):
        if found:
            out.print(Text(f"{how}:", "yellow"))
        for it in found:
            seen = f"{it.times} of {it.runs} runs ({percent(it.rate)}) of `{short(it.gate, 60)}`"
            out.print(Text(f"  {short(it.name, 100)}  ", "bold") + Text(seen, "dim"))


def _print_alarms(result: Report) -> None:
    from rich.text import Text

    for words in (trust_words(result), *proposal_words(result)):
        if words:
            console().print(Text(words, "yellow"))
    for raised in result.alarms:
        console().print(Text("alarm: ", "red") + Text(alarm(raised).what.replace("\n", "\n  ")))


def _print_waiting(state: RunState) -> None:
    """Who waits for whom, and what somebody should look at."""
    for waiting in filter(None, [*waits(state), to_answer(state)]):
        print(f"  {waiting}")
    for raised in state.alarms[-ALARMS:]:
        print(f"  alarm: {alarm(raised.alarm).what}".replace("\n", "\n    "))


def status(run: str | None, repo: Path, *, json: bool) -> int:
    """Print where a run stands; gives the exit code."""
    place = run_async(open_place(repo))
    state, damaged = read_good(place, run)
    if damaged is not None:
        explain(str(damaged), damaged.hint)
    run_async(settle(place, state))
    holder = owner(place.state_dir)
    going_on = holder is not None and holder.run == state.run
    proven = run_async(proof(place, state))
    if json:
        found = report(state, proven).model_dump(mode="json")
        going = {"going_on": going_on, "pid": holder.pid if holder else None, "paused": state.paused}
        mail = {"mail": mail_counts(state), "asks": open_asks(state)}
        print(jsonlib.dumps(going | found | mail, indent=2))
        return damaged.exit_code if damaged else 0
    said = "going on" if going_on else state.outcome or "cut short"
    cost = "scripted" if state.settings.scripted else f"${state.cost_usd:.2f}"
    since = max(0.0, time.time() - state.at) if going_on else 0.0  # the last that happened may be a while ago
    print(f"{state.run}: {said} · {counts(state)} · {duration(report(state).seconds + since)} · {cost}")
    if state.reason:
        print(f"  {state.reason}")
    walls = in_short(state.protection) if state.protection is not None else ""
    missing = left_out(state.protection.withheld, state.protection.file) if state.protection else ""
    for words in (trust_words(report(state)), walls, missing, *proposal_words(report(state))):
        if words:
            print(f"  {words}")
    if going_on and (why := resting(state)):
        print(f"  {why}")
    for task in state.tasks.values():
        attempt = state.attempts.get((task.spec.id, task.attempt))
        who = attempt.teammate if attempt else ""
        more = gist(task.reason) or (task.landed or "")[:10]
        if proven.get(task.spec.id) is False:
            more += "  NOT on the integration branch any more: somebody moved it"
        print(f"  {task.spec.id:<24} {task.status:<10} {who:<8} {more}".rstrip())
    _print_waiting(state)
    if going_on:
        for row in rows(state):
            at = f"{row.task} {row.percent}% " if row.task else ""
            print(f"  {row.teammate:<8} {at}{row.doing}".rstrip())
    elif state.outcome in (None, "stopped"):
        explain("this run can go on", afresh(state.run, state.reason))
    return damaged.exit_code if damaged else 0
