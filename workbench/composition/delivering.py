"""A pack that another job made is checked, pushed as a branch, and proposed as a pull request.

Whoever made the pack ran agents, and is not believed. What is relied on is this checkout, with the base in
its history and the plan among its files: whatever does not follow from it, the log and the commits together
is refused, and nothing is pushed. A log that was forged whole cannot be told from a true one; what then comes
out is a branch that touches nothing guarded, for a person to review.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from workbench.adapters import github
from workbench.adapters.git import bundles, leases
from workbench.adapters.git.objects import LINK, MODULE
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.target import has_origin
from workbench.adapters.store import exported
from workbench.composition.packing import digest
from workbench.composition.place import Place
from workbench.composition.trusting import let_count
from workbench.core import delivery, plan
from workbench.core.apply import fold
from workbench.core.delivery import Manifest
from workbench.core.escapes import escapes, unsafe
from workbench.core.events import Record, RunStarted
from workbench.core.globs import overlap
from workbench.core.guarded import guarded, scripts
from workbench.core.lists import some
from workbench.core.lockfiles import is_lock_file, new_hosts
from workbench.core.packagejson import redefines
from workbench.core.prose import calm, one_line
from workbench.core.report import markdown, report
from workbench.core.state import RunState
from workbench.engine.examining import UNREADABLE
from workbench.errors import GitError, IllegalEvent, PlanError, StoreError, UsageError, WorkbenchError

_NO_TEXT = re.compile("[\0\udc80-\udcff]")
"""What is in no text, as ``bundles.text`` has it."""

LARGEST = 1_000_000
"""Bytes that a manifest may have."""

TITLE = 200
"""Characters of a pull request's title; GitHub takes 256."""

NEXT = "Nothing was pushed. See the log of the job that made the pack; run it again if a transfer failed."


class Refused(UsageError):
    """A pack is not what it says it is, or brings what may not come unseen."""

    def __init__(self, sentence: str, hint: str = NEXT) -> None:
        super().__init__(sentence, hint)


@dataclass(frozen=True)
class Terms:
    """What is asked of a pack, and what is let pass: ``gates`` that must be green (those of the plan or the
    settings, if none is named), guarded files that may come (``allow``, as globs), a run without gates, and a
    plan that is no file of the checkout."""

    gates: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    no_gates: bool = False
    any_plan: bool = False


@dataclass(frozen=True)
class Delivered:
    """What became of a pack: the branch, what it is at, what it was at on the remote, and the pull request.
    ``pushed`` is False when it was only verified, or there was nothing to push."""

    run: str
    branch: str
    commit: str
    landed: int
    tasks: int
    gates: tuple[str, ...] = ()
    pushed: bool = False
    before: str = ""
    url: str = ""


@dataclass(frozen=True)
class Checked:
    """A pack that holds: its manifest, the state that its log comes to, and what is proven of its tip."""

    manifest: Manifest
    state: RunState
    gates: tuple[str, ...]


async def deliver(
    place: Place, folder: Path, terms: Terms, *, branch: str = "", into: str = "", dry_run: bool = False
) -> Delivered:
    """Verify the pack in ``folder``, then push it to ``origin`` as ``branch`` and open or update its pull
    request ``into`` a branch (the repository's default one if not named). Raises Refused, which says what is
    wrong; UsageError when the push or the pull request fails."""
    await let_count(place)
    checked = await verify(place, folder, terms)
    manifest, state = checked.manifest, checked.state
    branch = (branch or f"workbench/{delivery.slug(manifest.run)}").removeprefix("refs/heads/")
    landed = len(state.standing)
    done = Delivered(manifest.run, branch, manifest.tip, landed, len(state.tasks), checked.gates)
    if dry_run or manifest.tip == manifest.base:
        await bundles.drop(place.repository, _incoming(manifest))
        return done
    try:
        _refuse_script(state)
        if not await has_origin(place.repository):
            raise UsageError("There is no remote called `origin` to push to.", "Run this in a clone.")
        before = await leases.replace(place.repository, branch, manifest.tip)
    except GitError as error:
        raise UsageError(str(error), error.hint or "See that `git push origin` works here.") from error
    finally:
        await bundles.drop(place.repository, _incoming(manifest))
    done = replace(done, pushed=True, before=before)
    return replace(done, url=await _propose(place, checked, branch, into))


async def verify(place: Place, folder: Path, terms: Terms) -> Checked:
    """See that a pack is whole, explains itself and may be pushed from here. Its commits are in this
    repository then, held by a ref of ours until they are delivered."""
    manifest = _manifest(folder)
    records, state = _log(folder, manifest)
    started = records[0].event
    if not isinstance(started, RunStarted):
        raise Refused("The log does not begin with the beginning of a run.")
    _agree(manifest, state)
    await _check_base(place, manifest)
    gates = await _gates(place, started, manifest, terms)
    moves = delivery.published(record.event for record in records)
    if manifest.tip == manifest.base:
        if moves:
            raise Refused("The log has landings, and the pack brings no commit.")
        return Checked(manifest, state, ())
    try:
        await _take(place, folder, manifest)
        chain = await bundles.chain(place.repository, manifest.base, manifest.tip)
        if said := delivery.difference(manifest.base, moves, chain):
            raise Refused(said)
        proven = _proven(state, chain[-1].tree, gates, terms)
        await _look_through(place, manifest, proven, terms)
    except BaseException:
        await bundles.drop(place.repository, _incoming(manifest))
        raise
    return Checked(manifest, state, proven)


def _manifest(folder: Path) -> Manifest:
    """The manifest, once every file that it names was found to be what it says."""
    path = _plain(folder, delivery.MANIFEST)
    if path.stat().st_size > LARGEST:
        raise Refused(f"{delivery.MANIFEST} is too large to be one.")
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise Refused(
            f"{delivery.MANIFEST} is not one that this version writes: {where}: {first['msg']}."
        ) from None
    needed = {delivery.LOG, delivery.PAGE, delivery.DATA}
    needed |= {delivery.BUNDLE} if manifest.tip != manifest.base else set()
    if set(manifest.files) != needed:
        odd = ", ".join(sorted(set(manifest.files) ^ needed))
        raise Refused(f"{delivery.MANIFEST} does not name the files that a pack has: {odd}.")
    for name, sha256 in manifest.files.items():
        if digest(_plain(folder, name)) != sha256:
            raise Refused(f"{name} is not the file that was packed: its SHA-256 is another.")
    return manifest


def _plain(folder: Path, name: str) -> Path:
    path = folder / name
    try:
        mode = path.lstat().st_mode
    except OSError:
        raise Refused(f"There is no {name} in {folder}.") from None
    if not stat.S_ISREG(mode):
        raise Refused(f"{name} is not a plain file.")
    return path


def _log(folder: Path, manifest: Manifest) -> tuple[list[Record], RunState]:
    """The log's records and what they come to."""
    try:
        records, whole = exported.read(folder / delivery.LOG, manifest.run)
    except (StoreError, UnicodeError) as error:
        raise Refused(str(error)) from error
    if (whole.records, whole.head) != (manifest.records, manifest.head):
        raise Refused(f"The log is not whole: {whole.records} events, and {manifest.records} were packed.")
    try:
        state = fold(records)
    except Exception as error:  # what a forged log does to the state, nobody foresees
        said = str(error) if isinstance(error, IllegalEvent) else "its events do not go together"
        raise Refused(f"The log tells what cannot have happened: {said}.") from error
    state.run = manifest.run
    return records, state


def _agree(manifest: Manifest, state: RunState) -> None:
    if manifest.integration != f"refs/heads/workbench/{manifest.run}/integration":
        raise Refused("The manifest does not agree with itself on the run's branch.")
    said = (state.base, state.published, state.integration)
    for name, one, other in zip(
        ("base", "tip", "branch"), said, (manifest.base, manifest.tip, manifest.integration), strict=True
    ):
        if one != other:
            raise Refused(f"The manifest and the log do not agree on the run's {name}.")


async def _check_base(place: Place, manifest: Manifest) -> None:
    base = manifest.base
    known = await bundles.has(place.repository, base)
    git = Plumbing(place.repository)
    try:
        ours = known and await git.is_ancestor(base, place.repository.head)
    finally:
        await git.aclose()
    if not ours:
        hint = "Check the whole history out (`fetch-depth: 0`)." if place.repository.is_shallow else NEXT
        raise Refused(f"The run began at {base[:10]}, which is not in the history of this checkout.", hint)


async def _gates(place: Place, started: RunStarted, manifest: Manifest, terms: Terms) -> tuple[str, ...]:
    """The gates that must be green: said by the caller, by the plan, which must be one of the checkout's own
    files, or by its settings."""
    text = started.plan_text
    if plan.sha256(text) != started.plan_sha256:
        raise Refused("The plan in the log is not the one that was approved.")
    try:
        own = plan.parse(text).gates
    except PlanError as error:
        raise Refused("The plan in the log is none.") from error
    reviewed = False
    for commit in dict.fromkeys((manifest.base, place.repository.head)):
        reviewed = reviewed or await bundles.holds(place.repository, commit, text)
    if not reviewed and not terms.any_plan:
        raise Refused(
            f"The plan of run {manifest.run} is no file of this checkout: nobody has reviewed it.",
            "Commit the plan, or give --any-plan if you have read it. Nothing was pushed.",
        )
    return terms.gates or (own if reviewed else ()) or place.settings.gates or own


async def _take(place: Place, folder: Path, manifest: Manifest) -> None:
    bundle = folder / delivery.BUNDLE
    try:
        heads = await bundles.heads(place.repository, bundle)
        if heads != {manifest.integration: manifest.tip}:
            brought = some([f"{ref} at {oid[:10]}" for ref, oid in heads.items()])
            raise Refused(f"The bundle does not bring the run's branch and nothing else, but {brought}.")
        await bundles.take(place.repository, bundle, manifest.tip, _incoming(manifest))
    except GitError as error:
        raise Refused(f"The bundle cannot be used: {error}") from error


def _incoming(manifest: Manifest) -> str:
    """The ref that holds what came in until it is delivered."""
    return f"refs/workbench/incoming/{manifest.integration.split('/')[3]}"


def _proven(state: RunState, tree: str, gates: Sequence[str], terms: Terms) -> tuple[str, ...]:
    """The gates that are green on exactly the tip's tree."""
    green = delivery.proven(state, tree)
    missing = [gate for gate in gates if gate not in green]
    if missing:
        raise Refused(f"The log has no green verdict of `{missing[0]}` on exactly what is to be pushed.")
    if not green and not terms.no_gates:
        raise Refused(
            f"No gate was green on what run {state.run} landed.",
            "Give the plan or workbench.toml a gate; --no-gates if you mean it. Nothing was pushed.",
        )
    return green


async def _look_through(place: Place, manifest: Manifest, gates: Sequence[str], terms: Terms) -> None:
    """See that the work touches nothing guarded and nothing outside the repository."""
    changed = await bundles.changes(place.repository, manifest.base, manifest.tip)
    for it in changed:
        if why := unsafe(it.path):
            raise Refused(f"{it.path!r} may not come: {why}.")
        if it.mode == MODULE:
            raise Refused(f"{it.path!r} may not come: it is another repository.")
        if it.mode == LINK and escapes(it.path, await bundles.text(place.repository, it.oid)):
            raise Refused(f"{it.path!r} may not come: it is a link that leads out of the repository.")
    held = guarded((it.path for it in changed), gates)
    run = scripts(gates)
    for it in changed:
        if (part := run.why(it.path)) and await _redefined(place, it):
            held.setdefault(it.path, part)
        if it.path not in held and is_lock_file(it.path) and (why := await _sources(place, it)):
            held[it.path] = why
    held = {path: why for path, why in held.items() if not any(_matches(glob, path) for glob in terms.allow)}
    if held:
        path, why = next(iter(held.items()))
        more = f" So are {len(held) - 1} more." if len(held) > 1 else ""
        raise Refused(
            f"{path!r} was changed, and {why}: a person has to bring that in.{more}",
            f"Look at the pack's bundle yourself, or give --allow {path!r}. Nothing was pushed.",
        )


async def _redefined(place: Place, changed: bundles.Changed) -> bool:
    """Whether a changed package.json says more than before besides its dependencies."""
    sides = (changed.was, (changed.mode, changed.oid))
    if any(mode in (bundles.GONE, MODULE, LINK) for mode, _ in sides):
        return True
    before, after = [await bundles.text(place.repository, oid) for _, oid in sides]
    return redefines(before, after)


async def _sources(place: Place, changed: bundles.Changed) -> str:
    """Why a person should see a changed lock file; "" for nothing new in it."""
    if changed.mode == bundles.GONE:
        return ""
    if changed.mode == LINK:
        return "it is a link, not a lock file"
    mode, was = changed.was
    before = await bundles.text(place.repository, was) if mode not in (bundles.GONE, MODULE) else ""
    after = await bundles.text(place.repository, changed.oid)
    if _NO_TEXT.search(after):
        return UNREADABLE
    hosts = new_hosts(changed.path, before, after)
    return f"it takes packages from {', '.join(hosts)}" if hosts else ""


def _matches(glob: str, path: str) -> bool:
    return glob == path or ("*" in glob and "*" not in path and "?" not in path and overlap(glob, path))


def _refuse_script(state: RunState) -> None:
    if state.settings.scripted:
        raise Refused(
            f"Run {state.run} was a rehearsal: what it landed was written by a script.",
            "--dry-run checks the pack of a rehearsal. Nothing was pushed.",
        )


async def _propose(place: Place, checked: Checked, branch: str, into: str) -> str:
    """Open the pull request, or bring it up to date; "" without ``gh``."""
    if not github.installed():
        return ""
    state = checked.state
    title = calm(one_line(state.plan.title if state.plan else state.run, TITLE))
    proven = dict.fromkeys((landing.task for landing in state.standing), True)
    page = markdown(report(state, proven))
    body = page.encode("utf-8", "backslashreplace").decode()
    try:
        url = await github.standing(place.root, head=branch, base=into)
        if not url:
            return await github.create(place.root, head=branch, base=into, title=title, body=body)
        await github.update(place.root, url, title=title, body=body)
    except WorkbenchError as error:
        raise UsageError(
            f"{branch} was pushed to origin, but {error}", "See `gh auth status`, then run this again."
        ) from error
    return url
