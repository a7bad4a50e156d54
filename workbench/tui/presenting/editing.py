"""What somebody made of a plan, in words: its problems, or what it changes."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.changes import description, gist
from workbench.core.changing import applicable, remarks
from workbench.core.decide.changes import proposed, read
from workbench.core.plan.boxes import NOTE, boxes
from workbench.core.plan.writing import render
from workbench.core.requests import PLAN_LIMIT
from workbench.core.state import RunState
from workbench.errors import PlanError
from workbench.tui.presenting.prose import Line, clean
from workbench.tui.presenting.table import Cell, Tone

_DIFF: dict[str, Tone] = {"+": "good", "-": "bad", "~": "accent"}


@dataclass(frozen=True, slots=True)
class Review:
    """``title`` and ``lines`` are shown; ``yes`` names what the person may agree to: to ask for it where it
    ``fits``, otherwise to mend it."""

    title: str
    lines: tuple[Line, ...]
    yes: str
    fits: bool = False
    gist: str = ""


def own(text: str) -> str:
    """The run's own plan file without what it says of itself."""
    return NOTE.sub("", text, count=1)


def rendered(state: RunState) -> str:
    """The plan as it stands, as text."""
    return render(state.plan) if state.plan is not None else ""


def line_of(text: str, task: str) -> int:
    """The line on which the heading of a task stands, 1 where it is not found."""
    start = next((it.start for it in boxes(text) if it.id == task), 0)
    return text.count("\n", 0, start) + 1


def review(state: RunState, text: str) -> Review:
    """What comes of ``text`` as another plan of the run."""
    if not text.strip() or len(text) > PLAN_LIMIT:
        what = f"longer than {PLAN_LIMIT:,} characters" if text.strip() else "empty"
        return _amiss([(Cell(f"It is {what}.", "bad"),)])
    try:
        said = read(text, "plan.md", state.tasks)
    except PlanError as error:
        lines: list[Line] = []
        for it in error.problems[:100]:
            lines.append((Cell(f"line {it.line}: ", "accent"), Cell(clean(it.sentence), "bad")))
            if it.hint:
                lines.append((Cell(f"  {clean(it.hint)}", "faint"),))
        return _amiss(lines)
    proposal = proposed(state, "", said, approved=True)
    if proposal is None:
        note: list[Line] = [(Cell(clean(it), "warn"),) for it in remarks(state, "", said)]
        return _amiss(note or [(Cell("It says what the plan says already."),)], "Nothing is different")
    assert state.plan is not None, "only a run that was started has a plan to change"
    fit, refused = applicable(state, proposal.change)
    specs = {name: task.spec for name, task in state.tasks.items()}
    lines = [_told(line) for line in description(fit, specs, state.plan)]
    cannot: list[Line] = [(Cell(clean(it), "warn"),) for it in refused]
    if cannot:
        lines += [*([()] if lines else []), (Cell("Not possible now:", "strong"),), *cannot]
    lines += [(Cell(clean(it), "faint"),) for it in remarks(state, "", said)]
    if fit.empty:
        return _amiss(lines, "None of it can be done now")
    words = gist(fit)
    return Review(
        "Change the plan of this run?", tuple(lines), "change it", fits=True, gist=f"the plan: {words}"
    )


def _amiss(lines: list[Line], title: str = "This is no plan yet; nothing was asked for") -> Review:
    return Review(title, tuple(lines), "edit again")


def _told(line: str) -> Line:
    sign = line.lstrip()[:1]
    return (Cell(clean(line), _DIFF.get(sign, "plain")),)
