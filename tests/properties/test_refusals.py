"""Without any gate a run is refused, loudly, unless that is said to be meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.conftest import examples
from workbench.adapters.git.repository import Repository
from workbench.composition.place import Place
from workbench.composition.planning import ReadyPlan
from workbench.composition.runs import run_settings
from workbench.config import Settings
from workbench.core.models import Plan, Task
from workbench.errors import UsageError

gates = st.lists(st.sampled_from(("pytest", "ruff check")), max_size=2, unique=True).map(tuple)


@examples(100)
@given(gates, gates, st.lists(gates, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_no_gate_is_a_refusal(
    standing: tuple[str, ...],
    planned: tuple[str, ...],
    own: list[tuple[str, ...]],
    said: bool,
    no_gates: bool,
) -> None:
    here = Path("/nowhere")
    repository = Repository(here, here, here, "0" * 40, "main", (), False, False, True, (2, 39))
    place = Place(repository, Settings(gates=standing), frozenset({"gates"} if said else ()))
    tasks = tuple(Task(id=f"t{number}", title="T", gates=each) for number, each in enumerate(own))
    ready = ReadyPlan(here / "plan.md", "", Plan(title="P", tasks=tasks, gates=planned), "0")
    believed = standing if said or not planned else planned
    if not believed and not all(own) and not no_gates:
        with pytest.raises(UsageError, match="No gate") as refusal:
            run_settings(place, ready, no_gates=no_gates, scripted=False)
        assert "--no-gates" in refusal.value.hint
    else:
        settings = run_settings(place, ready, no_gates=no_gates, scripted=False)
        assert (settings.gates, settings.no_gates) == (believed, no_gates)
