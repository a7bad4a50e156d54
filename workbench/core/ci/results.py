"""What a run came to, for the steps that follow: outputs, and whether the job is green."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.core.deadline import by_deadline, in_order, resume_at
from workbench.core.inbox import for_person
from workbench.core.report import has_landed
from workbench.core.report.values import Report
from workbench.core.state import RunState

GONE = ("failed", "blocked")


def outputs(state: RunState, result: Report) -> dict[str, str]:
    """The outputs of the step, by name; all are there, empty where there is nothing to say."""
    failed = sum(task.status in GONE or task.proven is False for task in result.tasks)
    return {
        "run": state.run,
        "outcome": state.outcome or "stopped",
        "landed": str(sum(map(has_landed, result.tasks))),
        "failed": str(failed),
        "tasks": str(len(result.tasks)),
        "asks": str(len(for_person(state))),
        "branch": result.integration.removeprefix("refs/heads/") if result.landings else "",
        "cost": f"{result.usage.cost_usd:.2f}" if not result.scripted else "0.00",
        "resumable": "false" if state.over_for_good else "true",
        "resume_at": resume_at(state),
    }


NOTHING: Mapping[str, str] = {
    "run": "", "outcome": "error", "landed": "0", "failed": "0", "tasks": "0", "asks": "0", "branch": "",
    "cost": "0.00", "resumable": "false", "resume_at": "",
}  # fmt: skip
"""The outputs where no run could be opened."""


def goes_on(state: RunState, result: Report) -> bool:
    """Whether a run that did not land everything is as it should be: stopped for its deadline, with nothing
    given up or gone, so that resuming it is all there is to do."""
    return by_deadline(state) and in_order(state) and all(task.proven is not False for task in result.tasks)
