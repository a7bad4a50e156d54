"""What a run has come to, as files that another job can check and push."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git import bundles
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.lock import RepositoryLock
from workbench.adapters.store import exported
from workbench.composition.output import made
from workbench.composition.past import proof, read_from, read_run, settle
from workbench.composition.place import Place
from workbench.core import delivery
from workbench.core.report import Report, markdown, report
from workbench.errors import UsageError


@dataclass(frozen=True)
class Packed:
    """A folder that was written: the manifest, the report, and the tasks that landed of how many."""

    manifest: delivery.Manifest
    report: Report
    folder: Path


async def pack(place: Place, wanted: str | None, folder: Path) -> Packed:
    """Write a run (the latest if None) to ``folder``: the bundle of what landed, if anything did, the log,
    the report and the manifest. Files of an earlier pack there are replaced.

    Raises UsageError when its branch is not where the log says or nothing can be written there, LockedError
    while a run goes on.
    """
    run = read_run(place, wanted).run
    with RepositoryLock(place.state_dir).acquire(run), place.reading() as store:
        state = read_from(store, run)
        await settle(place, state)
        await _check_tip(place, state.integration, state.published, state.base, run)
        result = report(state, await proof(place, state))
        made(folder)
        for name in (delivery.MANIFEST, delivery.BUNDLE):
            (folder / name).unlink(missing_ok=True)
        names = [delivery.LOG, delivery.PAGE, delivery.DATA]
        whole = exported.write(store.rows(run), folder / delivery.LOG)
        (folder / delivery.PAGE).write_text(markdown(result), encoding="utf-8", errors="backslashreplace")
        (folder / delivery.DATA).write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if state.published != state.base:
            await bundles.write(place.repository, state.integration, state.base, folder / delivery.BUNDLE)
            names.append(delivery.BUNDLE)
    manifest = delivery.Manifest(
        format=delivery.FORMAT,
        run=run,
        base=state.base,
        tip=state.published,
        integration=state.integration,
        records=whole.records,
        head=whole.head,
        files={name: digest(folder / name) for name in names},
    )
    (folder / delivery.MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return Packed(manifest, result, folder)


async def _check_tip(place: Place, ref: str, published: str, base: str, run: str) -> None:
    git = Plumbing(place.repository)
    try:
        tip = await git.tip(ref)
    finally:
        await git.aclose()
    if tip != published and published != base:
        branch = ref.removeprefix("refs/heads/")
        raise UsageError(
            f"{branch} is at {tip[:10] if tip else 'nothing'}, and run {run} left it at {published[:10]}.",
            f"`git branch -f {branch} {published[:10]}` takes it back to what is proven.",
        )


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
