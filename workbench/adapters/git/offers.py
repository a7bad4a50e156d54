"""Which gates a commit shows: its manifests, read through git and never from the working tree."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.adapters.git.objects import Objects, full_id
from workbench.adapters.git.process import Place, decoded, run
from workbench.adapters.git.repository import Repository
from workbench.core.discovery import Surroundings, discover, wanted

LARGEST = 512 * 1024
"""Bytes of a manifest; a larger one was not written by a person."""


async def offers_of(repository: Repository, commit: str) -> Surroundings:
    """What the repository offers for checking itself at ``commit``. Costs three git processes."""
    place = Place(repository.git_dir, repository.root)
    listed = await run(place, "ls-tree", "-r", "-z", "--full-tree", full_id(commit))
    files: dict[str, str] = {}
    for line in decoded(listed.out).split("\0"):
        entry, _, path = line.partition("\t")
        mode, _, rest = entry.partition(" ")
        kind, _, oid = rest.partition(" ")
        if kind == "blob" and mode != "120000":  # a link's text is a path, not a manifest
            files[path] = oid
    return discover(files, await _texts(repository, place, {path: files[path] for path in wanted(files)}))


async def _texts(repository: Repository, place: Place, blobs: Mapping[str, str]) -> dict[str, str]:
    # Sizes of these alone: in a partial clone git fetches whatever it is asked about.
    asked = "".join(f"{oid}\n" for oid in blobs.values())
    sizes = await run(place, "cat-file", "--batch-check=%(objectname) %(objectsize)", feed=asked.encode())
    known = dict(line.split(" ", 1) for line in sizes.text.splitlines())
    small = {oid for oid, size in known.items() if size.isdecimal() and int(size) <= LARGEST}
    objects = Objects(place, repository.common_dir)
    try:
        texts = {}
        for path, oid in blobs.items():
            if oid in small and (raw := await objects.contents(oid)) is not None:
                texts[path] = raw.decode("utf-8", "replace")
        return texts
    finally:
        await objects.aclose()
