"""A plan file becomes an approved plan: read, split where it is plain, checked against its approval."""

from __future__ import annotations

import os
import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.agents.environment import claude_environment
from workbench.adapters.git import restraint
from workbench.adapters.templates import Templates
from workbench.composition.place import Place
from workbench.core import plan as plans
from workbench.core.models import Plan
from workbench.core.plan.boxes import bare
from workbench.crashpoints import crashpoint
from workbench.errors import UsageError

MAX_BYTES = 2 << 20
"""A file larger than this is not read as a plan at all."""


@dataclass(frozen=True)
class ReadyPlan:
    """A plan as it will run: ``text`` is exactly what its ``sha256`` is of. ``split_from`` names the
    plain plan it was made from, and is None for one that was structured already."""

    path: Path
    text: str
    plan: Plan
    sha256: str
    split_from: Path | None = None


def read_plan(path: Path) -> ReadyPlan:
    """Read and check a structured plan. Raises PlanError with every problem, UsageError for the file."""
    text = read_text(path)
    return ReadyPlan(path, text, plans.parse(text, str(path)), plans.sha256(text))


def read_text(path: Path) -> str:
    """The text of a plan file, or a UsageError that says why there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # no more: a device has no end, and no size that says so
        if len(data) > MAX_BYTES:
            raise UsageError(f"{path} is too large for a plan.", "A plan is a Markdown file for people.")
        return data.decode("utf-8")  # exactly this text is approved, line ends included
    except FileNotFoundError:
        raise UsageError(f"There is no plan at {path}.", "Name a Markdown file; see the README.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text.", "Save it as UTF-8 and try again.") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder, not a plan.", "Name a Markdown file in it.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Look after its permissions.") from None


def split_path(path: Path) -> Path:
    """Where the structured form of a plain plan is written: beside it."""
    return path.with_name(f"{path.stem}.workbench.md")


async def structured(place: Place, path: Path, environment: dict[str, str] | None = None) -> ReadyPlan:
    """``path`` as a structured plan: read as it is, or split and written beside the original.

    A plain plan is split by Claude where the agent is Claude (``environment`` overrides what it is
    started with), and by its own structure otherwise. A structured form that was written before is
    never overwritten: it is what a person may have edited and approved, so it is taken instead.
    """
    text = read_text(path)
    if plans.is_structured(text):
        return read_plan(path)
    beside = split_path(path)
    if beside.exists():
        again = read_plan(beside)
        return ReadyPlan(beside, again.text, again.plan, again.sha256, split_from=path)
    plan = await _split(place, text, str(path), environment)
    rendered = plans.render(plan)
    plan = plans.parse(rendered, str(beside))
    crashpoint("plan.write")
    beside.write_bytes(rendered.encode("utf-8"))
    return ReadyPlan(beside, rendered, plan, plans.sha256(rendered), split_from=path)


async def _split(place: Place, text: str, name: str, environment: dict[str, str] | None) -> Plan:
    if place.settings.agent != "claude":
        return plans.split(text, name)
    from workbench.adapters.agents.claude import ClaudeSettings, split_with_claude

    # Claude Code asks git about the folder that it is started in, which here is the checkout.
    env = claude_environment(os.environ, place.settings.env) | restraint.variables() | (environment or {})
    answer = await split_with_claude(
        text,
        schema=plans.SPLIT_SCHEMA,
        prompt=Templates().render("split.md.j2", {}),
        cwd=place.root,
        env=env,
        model=place.settings.model,
        settings=ClaudeSettings(claude=place.settings.claude),
    )
    return plans.from_split(answer)


def approve(place: Place, ready: ReadyPlan) -> None:
    """Record that exactly this text is approved."""
    with place.store() as store:
        store.approve(ready.sha256, str(ready.path), time.time())


def demand_approval(place: Place, ready: ReadyPlan) -> None:
    """Raise UsageError unless exactly this text was approved."""
    if not place.approved(ready.sha256):
        raise UsageError(
            f"{ready.path} is not approved, or has changed since it was.",
            f"Read it, then run `workbench approve {shlex.quote(str(ready.path))}`;"
            " or pass --yes to approve it now.",
        )


def approve_ticked(place: Place, before: str, text: str) -> None:
    """A plan that was approved still is, once the boxes of what has landed were ticked in it; nothing else
    may be different."""
    with place.store() as store:
        if store.approved(plans.sha256(before)) and bare(before) == bare(text):
            store.approve(plans.sha256(text), "", time.time())
