"""Which refs of a run may go, which stay, and why. Pure: what git knows of them comes in.

A ref goes only when all that it holds is elsewhere for good: on the branch that the run was for, on the
integration branch, or in a pin that stays. What has not landed stays, always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How a run stands for somebody who would clean up after it."""

    LIVE = "going on"
    RESUMABLE = "can be resumed"
    INCOMPLETE = "over, with tasks that did not land"
    OVER = "over"
    UNKNOWN = "in no log"
    DAMAGED = "in a log that cannot be read"


@dataclass(frozen=True, slots=True)
class Held:
    """A ref of a run with what git says of it. ``kind`` is ``integration``, ``branch`` (a teammate's) or
    ``pin``; ``in_target`` and ``in_integration`` say which of the two contain its commit, ``in_pins``
    whether one of the pins that stay does; ``shown`` is a checkout in which it is the current branch."""

    name: str
    commit: str
    kind: str
    in_target: bool = False
    in_integration: bool = False
    in_pins: bool = False
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A ref that goes, or stays; ``why`` says the reason for either, in a few words."""

    ref: Held
    goes: bool
    why: str


def judged(refs: Sequence[Held], standing: Standing, target: str) -> tuple[Judged, ...]:
    """What becomes of each of ``refs``; ``target`` is the name of the branch that the run was for."""
    stays_in_place = integration_stays(refs, standing)
    return tuple(_judge(ref, standing, target, stays_in_place) for ref in refs)


def integration_stays(refs: Sequence[Held], standing: Standing) -> bool:
    """Whether the integration branch stays, and so holds what it contains."""
    return any(ref.kind == "integration" and not _integration(ref, standing, "").goes for ref in refs)


def _judge(ref: Held, standing: Standing, target: str, integration: bool) -> Judged:
    if standing in (Standing.LIVE, Standing.UNKNOWN, Standing.DAMAGED):
        return Judged(ref, False, f"the run is {standing}")
    if not ref.commit:
        return Judged(ref, False, "it holds no commit")
    if ref.kind == "integration":
        return _integration(ref, standing, target)
    if ref.shown:
        return Judged(ref, False, f"it is checked out in {ref.shown}")
    if ref.kind == "pin" and standing is Standing.RESUMABLE:
        return Judged(ref, False, "the run can be resumed, and may go on from it")
    if ref.in_target:
        return Judged(ref, True, f"{target} has it")
    if ref.in_integration and integration:
        return Judged(ref, True, "it landed")
    if ref.kind == "branch" and ref.in_pins:
        return Judged(ref, True, "a pin has it")
    return Judged(ref, False, "it has not landed")


def _integration(ref: Held, standing: Standing, target: str) -> Judged:
    if standing is Standing.RESUMABLE:
        return Judged(ref, False, "the run can be resumed, and lands there")
    if standing is not Standing.OVER:
        return Judged(ref, False, "what did not land yet can still be brought in there")
    if ref.shown:
        return Judged(ref, False, f"it is checked out in {ref.shown}")
    if not ref.in_target:
        return Judged(ref, False, f"not all of it is in {target} yet" if target else "the run has no target")
    return Judged(ref, True, f"{target} has it")
