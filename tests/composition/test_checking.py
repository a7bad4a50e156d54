"""What a check says of a plan text, and that exactly what was shown is approved."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.composition.checking import approve_as_shown, checked
from workbench.composition.place import Place, open_place
from workbench.core.plan import sha256
from workbench.errors import UsageError

PLAN = "# A plan\n\n## Tasks\n\n### a: Do a\n\nIt.\n\n### b: Do b\n\n- after: a\n\nThat.\n"


@pytest.fixture
async def place(repo: Path) -> Place:
    return await open_place(repo)


async def test_a_good_plan(place: Place) -> None:
    found = await checked(place, PLAN, "plan.md")
    assert found.plan is not None and found.structured and found.approved is False
    assert found.sha256 == sha256(PLAN) and not found.problems
    assert "no-gate" in {it.rule for it in found.findings}
    assert not place.log_path.exists(), "looking makes no log"


async def test_problems_have_their_lines(place: Place) -> None:
    found = await checked(place, PLAN.replace("after: a", "after: c"), "plan.md")
    assert found.plan is None and [it.line for it in found.problems] == [11]


async def test_a_role_that_is_not_there_is_a_problem(place: Place) -> None:
    found = await checked(place, PLAN.replace("- after: a", "- after: a\n- role: painter"), "plan.md")
    assert found.plan is None and "painter" in found.problems[0].sentence


async def test_a_plain_plan_is_nothing_to_approve(place: Place) -> None:
    found = await checked(place, "# Goals\n\n1. Do this\n2. Do that\n", "plan.md")
    assert not found.structured and found.plan is not None and found.approved is None


async def test_without_a_repository_it_is_checked_all_the_same() -> None:
    found = await checked(None, PLAN, "plan.md")
    assert found.plan is not None and found.approved is None


async def test_exactly_what_was_shown_is_approved(place: Place) -> None:
    path = place.root / "plan.md"
    path.write_bytes(PLAN.encode())
    shown = await checked(place, PLAN, "plan.md")
    path.write_bytes(PLAN.replace("\n", "\r\n").encode())
    assert approve_as_shown(place, path, shown) == "", "line ends count, too"
    with place.store() as store:
        assert not store.approved(shown.sha256)
    path.write_bytes(PLAN.encode())
    assert approve_as_shown(place, path, shown) == shown.sha256
    assert (await checked(place, PLAN, "plan.md")).approved


async def test_a_plan_that_is_gone_is_not_approved(place: Place) -> None:
    shown = await checked(place, PLAN, "plan.md")
    with pytest.raises(UsageError, match="no plan at"):
        approve_as_shown(place, place.root / "plan.md", shown)
