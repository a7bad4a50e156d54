"""A worktree whose branch, HEAD or index names objects that are gone: made workable again.

Whoever works there can delete objects, or have git do it, of what is in no pack. Nothing of that comes back;
what must not happen is that nobody can work there any more. Files are left as they are.
A branch that only names another one is made a branch again.
"""

from __future__ import annotations

from pathlib import Path

from workbench.adapters.git.administration import Linked
from workbench.adapters.git.objects import OID
from workbench.adapters.git.process import Place, run
from workbench.adapters.git.refs import Refs
from workbench.crashpoints import crashpoint, killpoint


async def mend(linked: Linked, refs: Refs, ref: str, start: str) -> list[str]:
    """Set ``ref``, the branch of a worktree, to ``start`` if what it names is not all there, and put the
    worktree's HEAD and index aside if they name what is not; gives a sentence for each.

    Raises GitError when ``start`` itself is not all there: nothing can be done then."""
    place = Place(linked.common_dir, linked.common_dir, clear=linked.place.clear, notice=linked.notice)
    said: list[str] = []
    named = _named(linked.common_dir / ref)
    if named and not await _whole(place, named, start):
        crashpoint("worktree.mend")
        if OID.fullmatch(named):
            await refs.move(ref, start, named, "workbench: what it was at is gone")
        else:
            (linked.common_dir / ref).unlink()
        killpoint("worktree.mended")
        said.append(
            f"{ref} was at {named[:10]}, of which something is gone; it starts at {start[:10]} again."
        )
    head = "".join(linked.heads("HEAD"))
    if OID.fullmatch(head) and not await _whole(place, head, start):
        (linked.admin / "HEAD").write_text(f"ref: {ref}\n")
        said.append(f"{linked.path} was at {head[:10]}, of which something is gone; it is on {ref} again.")
    index = linked.admin / "index"
    staged = ("rev-list", "--objects", "--quiet", "--single-worktree", "--indexed-objects", f"^{start}", "--")
    if linked.path.is_dir() and index.exists() and (await run(linked.place, *staged, fine=(0, 1, 128))).code:
        index.replace(linked.admin / "index.damaged")
        said.append(f"What was staged in {linked.path} was put aside: some of it is gone.")
    return said


def dangles(common_dir: Path, ref: str) -> bool:
    """Whether a ref that names nothing that is there has a file all the same."""
    return bool(_named(common_dir / ref))


async def straighten(linked: Linked, refs: Refs, ref: str) -> None:
    """A branch that somebody made symbolic would carry what is committed here to the branch it names,
    the user's perhaps: make it a branch of its own again, where this worktree had it last."""
    file = linked.common_dir / ref
    try:
        symbolic = file.read_bytes().startswith(b"ref:")
    except OSError:
        return
    if not symbolic:
        return
    if last := linked.last_tip():
        await refs.move(ref, last, await refs.tip(ref), "workbench: a branch again")
    else:
        file.unlink()


async def _whole(place: Place, commit: str, start: str) -> bool:
    """Whether everything that ``commit`` brings in beyond ``start`` can be read."""
    if not OID.fullmatch(commit):
        return False
    words = ("rev-list", "--objects", "--quiet", commit, f"^{start}", "--")
    return not (await run(place, *words, fine=(0, 1, 128))).code


def _named(file: Path) -> str:
    """What the file of a ref says; "" where there is none."""
    try:
        return file.read_text(errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
