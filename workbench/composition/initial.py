"""A repository is set up: what is in it, and the files that are written for it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters import installation, templates
from workbench.adapters.git.offers import offers_of
from workbench.adapters.git.repository import Repository, open_repository
from workbench.adapters.git.target import default_branch, origin_of
from workbench.config import from_file
from workbench.core import starters
from workbench.core.discovery import Surroundings
from workbench.errors import SetupError, UsageError


@dataclass(frozen=True)
class Setting:
    """What was found: ``requirement`` is what a job's pip installs this workbench from ("" where that is not
    known), ``settings`` the file that holds settings already ("" for none)."""

    repository: Repository
    offers: Surroundings
    branch: str
    requirement: str
    settings: str


async def look(where: Path) -> Setting:
    """See what there is in the repository that ``where`` belongs to."""
    repository = await open_repository(where)
    offers = await offers_of(repository, repository.head)
    branch = await default_branch(repository) or "main"
    return Setting(repository, offers, branch, await _requirement(), from_file(repository.root)[0])


async def _requirement() -> str:
    found = installation.source()
    if found.folder is not None:  # this machine's own: others have the repository that it is a checkout of
        try:
            checkout = await open_repository(found.folder)
        except SetupError:
            return ""
        return installation.requirement(await origin_of(checkout), checkout.head)
    if found.url:
        return installation.requirement(found.url, found.commit)
    return f"workbench=={found.version}"


def files(setting: Setting, gates: tuple[str, ...], requirement: str, *, workflow: bool) -> dict[str, str]:
    """Path and text of each file to write. Settings that stand in ``pyproject.toml`` stay where they are."""
    made: dict[str, str] = {}
    if setting.settings in ("", starters.SETTINGS):
        template = templates.text(starters.SETTINGS)
        made[starters.SETTINGS] = starters.settings(template, gates, setting.offers)
    if workflow:
        template = templates.text("github/workbench.yml")
        made[starters.WORKFLOW] = starters.workflow(template, setting.branch, requirement, setting.offers)
        made[starters.ACTION] = templates.text("github/action.yml")
    return made


def write(root: Path, made: Mapping[str, str], *, force: bool) -> None:
    """Write the files, all or, where one is there that may not be replaced, none. Raises UsageError."""
    there = [name for name in made if os.path.lexists(root / name)]
    if there and not force:
        raise UsageError(
            f"There is a {' and a '.join(there)} already; nothing was written.",
            "--force replaces what is there.",
        )
    for name in made:
        if not (root / name).parent.resolve().is_relative_to(root.resolve()):
            raise UsageError(
                f"{name} would be written outside the repository.", "See where its folder leads."
            )
    for name, text in made.items():
        _replace(root / name, text)


def _replace(path: Path, text: str) -> None:
    """Put a file there as a whole; a link in its place is replaced, not followed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".workbench-")
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    Path(beside).chmod(0o644)
    Path(beside).replace(path)
