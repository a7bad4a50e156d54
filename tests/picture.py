"""``python -m tests.picture``: run the demo, and draw it for the README as a terminal shows it.

The run is a real one, and so are its times. It is drawn from the red gate to the first report after both
conflicts were settled and landed. Look at the result before it is committed: on a busy machine it is longer.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from workbench.adapters.store.sqlite import SqliteStore
from workbench.cli.lines import LiveTable
from workbench.core import events as e
from workbench.core.apply import apply
from workbench.core.state import RunState

PICTURE = Path(__file__).parents[1] / ".github" / "pictures" / "demo.svg"
WIDTH = 110
LINES = 42
"""Lines of the story; the team stands below them."""
CONFLICTS = 2

FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""A font from the network, which a picture on a page cannot load."""


def records() -> list[e.Record]:
    """The log of a demo that was run just now."""
    with tempfile.TemporaryDirectory(prefix="workbench-picture-") as folder:
        command = [sys.executable, "-m", "workbench", "demo", "--json", "--dir", f"{folder}/demo"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with SqliteStore.reading(Path(folder, "demo/stockroom/.git/workbench/events.db")) as store:
            return store.read(store.runs()[-1])


def up_to_the_end(log: Iterable[e.Record]) -> Iterator[e.Record]:
    """The records that are drawn."""
    conflicts: set[str] = set()
    landed: set[str] = set()
    for record in log:
        yield record
        match record.event:
            case e.TaskConflicted(task=task):
                conflicts.add(task)
            case e.CandidateMade(task=task, rung=rung) if rung:
                conflicts.add(task)
            case e.TaskLanded(task=task) if task in conflicts:
                landed.add(task)
            case e.MarkerReceived() if len(landed) == CONFLICTS:
                return


def drawn(log: Iterable[e.Record]) -> str:
    """What a terminal shows of these records, as SVG."""
    state = RunState()
    story = _console()
    display = LiveTable(story, lambda: state.at or state.started_at)
    began, first = 0.0, 0
    for record in log:
        began = began or record.at
        record = e.Record(record.seq, record.at - began, record.event)
        apply(state, record)
        if isinstance(record.event, e.Told) and record.event.kind == "gate_red":
            first = len(story.export_text(clear=False).splitlines())
        display.show(state, record)
    page = _console()
    page.print(Text.from_ansi("\n".join(story.export_text(styles=True).splitlines()[first:])))
    page.print(display.foot())
    svg = page.export_svg(title="workbench demo", unique_id="demo")
    svg = FONT.sub("", svg).replace("Fira Code", "ui-monospace, Menlo, Consolas")
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)  # for viewers that trim blanks otherwise


def _console() -> Console:
    return Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor",
        highlight=False,
    )  # fmt: skip


if __name__ == "__main__":
    PICTURE.write_text(drawn(up_to_the_end(records())), encoding="utf-8")
    sys.stdout.write(f"{PICTURE}\n")
