"""Which branch the work of a run is for."""

from __future__ import annotations

import pytest

from workbench.composition.harvest import target_of
from workbench.core.models import RunSettings
from workbench.core.state import RunState
from workbench.errors import UsageError


def state(target: str = "main", *, scripted: bool = False) -> RunState:
    settings = RunSettings(team=("ada",), scripted=scripted)
    integration = "refs/heads/workbench/r-1/integration"
    return RunState(run="r-1", target=target, integration=integration, settings=settings)


def test_the_branch_the_run_was_started_on_or_the_one_named() -> None:
    assert target_of(state(), None) == "main"
    assert target_of(state("team/next"), None) == "team/next"
    assert target_of(state(""), "refs/heads/release") == "release"


def test_what_a_script_wrote_lands_only_where_it_is_told_to() -> None:
    with pytest.raises(UsageError, match="rehearsal") as refusal:
        target_of(state(scripted=True), None)
    assert "--into BRANCH" in refusal.value.hint
    assert target_of(state(scripted=True), "main") == "main"


def test_no_branch_and_the_wrong_branch_are_refused() -> None:
    with pytest.raises(UsageError, match="detached"):
        target_of(state(""), None)
    with pytest.raises(UsageError, match="itself"):
        target_of(state(), "workbench/r-1/integration")
