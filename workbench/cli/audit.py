"""audit: who decided what in a run, as a table, as JSON lines or CSV, and whether the log holds."""

from __future__ import annotations

import csv
import datetime
import io
import json as jsonlib
from pathlib import Path
from typing import Any

from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.composition.auditing import Audited, Fault, faults, read
from workbench.composition.place import open_place
from workbench.core.audit import Entry
from workbench.core.story.words import short
from workbench.errors import UsageError

FORMS = ("json", "csv")
COLUMNS = ("run", "seq", "at", "kind", "by", "task", "about", "commit", "tree", "sha256", "verdicts")

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula: text of a teammate may begin so."""


def audit(run: str | None, repo: Path, form: str | None, *, verify: bool) -> int:
    """Print what was decided in a run; gives 0, or 1 where the log or what was verified does not hold."""
    if form is not None and form not in FORMS:
        raise UsageError(f"There is no audit format {form!r}.", f"Formats are {', '.join(FORMS)}.")

    async def main() -> tuple[Audited, list[Fault]]:
        place = await open_place(repo)
        audited = read(place, run, verify=verify)
        return audited, await faults(place, audited) if verify else []

    audited, found = run_async(main())
    rows = [_row(audited.run, entry) for entry in audited.audit.entries]
    if form == "json":
        for row in rows:
            print(jsonlib.dumps(row))
    elif form == "csv":
        print(_csv(rows), end="")
    else:
        for entry in audited.audit.entries:
            _print(entry)
    return _verified(audited, found) if verify else _read(audited)


def _read(audited: Audited) -> int:
    if audited.damaged is None:
        return 0
    explain(str(audited.damaged), audited.damaged.hint)
    return 1


def _verified(audited: Audited, found: list[Fault]) -> int:
    for fault in found:
        explain(f"event {fault.seq}: {fault.sentence}")
    if found:
        first = f"it does not hold: event {found[0].seq} is the first of {len(found)}"
        explain(first, audited.damaged.hint if audited.damaged else "")
        return 1
    published, moved = len(audited.audit.publications), len(audited.audit.moved)
    chained = f"head {audited.head}" if audited.head else "without hashes: an older workbench wrote it"
    gates = (
        "the run had no gates"
        if audited.audit.no_gates
        else f"gates were green on each of {published} published tip{'s' * (published != 1)}"
    )
    explain(
        f"the log of {audited.run} is whole: {audited.records} events, {chained}; git has the"
        f" {moved} commit{'s' * (moved != 1)} that it put on the branch, and {gates}"
    )
    return 0


def _row(run: str, entry: Entry) -> dict[str, Any]:
    found = entry.model_dump(mode="json")
    at = datetime.datetime.fromtimestamp(entry.at, datetime.UTC).isoformat(timespec="milliseconds")
    return {"run": run, **found, "at": at.replace("+00:00", "Z")}


def _csv(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = ["; ".join(row[name]) if name == "verdicts" else str(row[name]) for name in COLUMNS]
        writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])
    return out.getvalue().encode("utf-8", "replace").decode()


def _print(entry: Entry) -> None:
    when = datetime.datetime.fromtimestamp(entry.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    print(f"{entry.seq:>6}  {when}  {entry.kind:<18} {short(entry.by, 16):<10} {short(entry.task, 24):<16} "
          f"{short(entry.about)}".rstrip())  # fmt: skip
    for name, value in (("commit", entry.commit), ("sha256", entry.sha256)):
        if value:
            print(f"{'':>29}{name} {value}")
    for verdict in entry.verdicts:
        print(f"{'':>29}{short(verdict)}")
