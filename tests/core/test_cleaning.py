"""Which refs may go: never what has not landed, never what somebody else stands on."""

from __future__ import annotations

import pytest

from workbench.core.cleaning import Held, Standing, integration_stays, judged

INTEGRATION = Held("refs/heads/workbench/r/integration", "i", "integration", in_integration=True)
OVER = (Standing.OVER, Standing.INCOMPLETE)


def one(ref: Held, standing: Standing, *others: Held) -> tuple[bool, str]:
    found = judged((ref, *others), standing, "main")[0]
    assert found.why
    return found.goes, found.why


@pytest.mark.parametrize("standing", [Standing.LIVE, Standing.UNKNOWN, Standing.DAMAGED])
@pytest.mark.parametrize("kind", ["integration", "branch", "pin"])
def test_nothing_goes_of_a_run_that_goes_on_or_that_nobody_knows(standing: Standing, kind: str) -> None:
    ref = Held("x", "c", kind, in_target=True, in_integration=True, in_pins=True)
    assert one(ref, standing) == (False, f"the run is {standing}")


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize("kind", ["branch", "pin"])
def test_what_has_not_landed_stays(standing: Standing, kind: str) -> None:
    assert not one(Held("x", "c", kind), standing, INTEGRATION)[0]


@pytest.mark.parametrize("standing", OVER)
@pytest.mark.parametrize("kind", ["branch", "pin"])
def test_what_landed_goes(standing: Standing, kind: str) -> None:
    assert one(Held("x", "c", kind, in_integration=True), standing, INTEGRATION) == (True, "it landed")
    assert one(Held("x", "c", kind, in_target=True), standing) == (True, "main has it")


def test_what_only_a_lost_integration_branch_had_stays() -> None:
    assert not one(Held("x", "c", "pin", in_integration=True), Standing.OVER)[0]


def test_pins_of_a_run_that_can_be_resumed_stay_and_its_branches_need_one() -> None:
    landed = Held("x", "c", "pin", in_target=True, in_integration=True)
    assert not one(landed, Standing.RESUMABLE, INTEGRATION)[0]
    assert not one(INTEGRATION, Standing.RESUMABLE)[0]
    assert one(Held("b", "c", "branch", in_pins=True), Standing.RESUMABLE) == (True, "a pin has it")
    assert not one(Held("b", "c", "branch"), Standing.RESUMABLE)[0]


def test_a_pin_is_no_reason_for_another_pin_to_go() -> None:
    assert not one(Held("x", "c", "pin", in_pins=True), Standing.OVER, INTEGRATION)[0]


@pytest.mark.parametrize(
    ("standing", "in_target", "shown", "goes"),
    [
        (Standing.OVER, True, "", True),
        (Standing.OVER, False, "", False),
        (Standing.OVER, True, "/home/me/tree", False),
        (Standing.INCOMPLETE, True, "", False),
        (Standing.RESUMABLE, True, "", False),
    ],
)
def test_the_integration_branch(standing: Standing, in_target: bool, shown: str, goes: bool) -> None:
    ref = Held("i", "c", "integration", in_target=in_target, in_integration=True, shown=shown)
    assert one(ref, standing)[0] is goes
    assert integration_stays((ref,), standing) is not goes
    if shown:
        assert shown in one(ref, standing)[1]


def test_a_branch_that_somebody_looks_at_stays() -> None:
    ref = Held("b", "c", "branch", in_target=True, in_pins=True, shown="/home/me/tree")
    assert one(ref, Standing.OVER) == (False, "it is checked out in /home/me/tree")


def test_a_ref_that_is_no_commit_stays() -> None:
    assert not one(Held("x", "", "pin", in_target=True), Standing.OVER)[0]
