"""bench mail: how long a message is on its way."""

from __future__ import annotations

import json as jsonlib
import os
import sys
import tempfile
from pathlib import Path
from typing import cast

from workbench.bench.mail import Kind, Post, Trips, quantile, trips
from workbench.cli.driving import run_async
from workbench.errors import UsageError

KINDS: tuple[Kind, ...] = ("claude", "command")

HEAD = "agent    team  messages |     p50     p95     max | told p50  between requests | load"


def bench_mail(teammates: int, messages: int, rounds: int, agent: str, *, json: bool) -> int:
    """Measure and print a line for each round; gives 0."""
    if agent not in (*KINDS, "both"):
        raise UsageError(f"There is no kind of teammate {agent!r}.", "Say claude, command or both.")
    kinds = KINDS if agent == "both" else (cast("Kind", agent),)
    found: list[dict[str, object]] = []
    if not json:
        print(HEAD)
    for number in range(rounds):
        for kind in kinds:
            print(f"{kind}, {teammates} teammates, round {number + 1}/{rounds}", file=sys.stderr)
            post = Post(teammates, messages, kind)
            with tempfile.TemporaryDirectory(prefix="workbench-mail-", ignore_cleanup_errors=True) as folder:
                figures = _figures(post, run_async(trips(post, Path(folder) / "post")))
            found.append(figures)
            if not json:
                print(_line(figures), flush=True)
    if json:
        print(jsonlib.dumps(found, indent=2))
    return 0


def _figures(post: Post, found: Trips) -> dict[str, object]:
    def ms(values: list[float], share: float) -> float:
        return round(quantile(values, share) * 1000, 1)

    return {
        "agent": post.kind,
        "teammates": post.teammates,
        "messages": len(found.seconds),
        "p50_ms": ms(found.seconds, 0.5),
        "p95_ms": ms(found.seconds, 0.95),
        "max_ms": ms(found.seconds, 1.0),
        "taken_p50_ms": ms(found.taken, 0.5),
        "told_p50_ms": ms(found.told, 0.5),
        "between_requests_ms": round(found.between * 1000, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def _line(row: dict[str, object]) -> str:
    return (
        f"{row['agent']:<8} {row['teammates']:4d} {row['messages']:9d} | "
        f"{row['p50_ms']:4.0f} ms {row['p95_ms']:4.0f} ms {row['max_ms']:4.0f} ms | "
        f"{row['told_p50_ms']:5.0f} ms {row['between_requests_ms']:14.0f} ms | {row['load']:4.1f}"
    )
