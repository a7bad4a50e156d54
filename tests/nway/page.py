"""Outcomes as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.nway.verdicts import Outcome


def page(outcomes: Sequence[Outcome], ran: bool) -> str:
    """One block for each set, then the sums."""
    out: list[str] = []
    for one in outcomes:
        out += _block(one, ran)
    if len(outcomes) > 1:
        sums = total(outcomes)
        if ran:
            out.append(f"all: landed {sums['landed']} of {sums['features']}, {sums['green']} green, "
                       f"{sums['red_tips']} red tips, {sums['wrong_evictions']} wrong evictions, "
                       f"{sums['gate_runs']} gate runs, {sums['seconds']:.0f} s")  # fmt: skip
        out.append(f"all: by git merge in sequence {sums['baseline']} of {sums['features']}")
        if sums["conflicts"]:
            out.append(f"all: {sums['resolved']} of {sums['conflicts']} pairs in conflict resolved")
    return "\n".join(out)


def total(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The sums over all sets."""
    rungs: dict[str, int] = {}
    for one in outcomes:
        for rung, count in one.rungs.items():
            rungs[rung] = rungs.get(rung, 0) + count
    return {
        "features": sum(one.features for one in outcomes),
        "landed": sum(one.landed for one in outcomes),
        "green": sum(one.green for one in outcomes),
        "gate_runs": sum(one.gate_runs for one in outcomes),
        "red_tips": sum(len(one.red_tips) for one in outcomes),
        "wrong_evictions": sum(len(one.wrong_evictions) for one in outcomes),
        "rungs": rungs,
        "seconds": round(sum(one.seconds for one in outcomes), 1),
        "baseline": sum(one.baseline.get("landed", 0) for one in outcomes),
        "conflicts": sum(one.pairs.get("conflicts", 0) for one in outcomes),
        "resolved": sum(sum(one.pairs.get("resolved", {}).values()) for one in outcomes),
    }


def _block(one: Outcome, ran: bool) -> list[str]:
    out = [f"{one.set}: {one.features} features"]
    if ran:
        tips = f"{one.published} published tips, {len(one.red_tips)} red"
        out.append(f"  landed {one.landed} of {one.features}, {one.green} green; {tips}; "
                   f"{len(one.wrong_evictions)} wrong evictions")  # fmt: skip
        flakes = f", {one.flakes} flakes" if one.flakes else ""
        out.append(f"  {one.gate_runs} gate runs of candidates, {one.gate_commands} commands in all{flakes}, "
                   f"{one.seconds:.1f} s")  # fmt: skip
        out.append(f"  resolved by rung: {_counts(one.rungs)}; thrown away: {_counts(one.thrown)}")
        out += [f"  not landed: {name}: {why}" for name, why in one.not_landed.items()]
        out += [f"  RED TIP {said}" for said in one.red_tips]
        out += [f"  WRONG EVICTION {said}" for said in one.wrong_evictions]
        if one.complaint:
            out.append(f"  the run ended with {one.exit_code}: {one.complaint}")
    out.append(f"  by git merge in sequence: {one.baseline['landed']} of {one.features}")
    if pairs := one.pairs:
        solved = sum(pairs["resolved"].values())
        out.append(f"  pairs: {pairs['conflicts']} of {pairs['pairs']} conflict, {solved} resolved: "
                   f"{_counts(pairs['resolved'])}")  # fmt: skip
        out += [f"    left: {name}: {why}" for name, why in pairs["left"].items()]
        out += [f"    red without a conflict: {name}" for name in pairs["red"]]
        out += [f"    {kind or 'no kind'}: {row[0]} of {row[1]}" for kind, row in pairs["kinds"].items()]
    return out


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(found.items())) or "none"
