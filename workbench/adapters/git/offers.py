"""Which gates a commit shows: its manifests, read through git and never from the working tree."""

from __future__ import annotations

import re

from workbench.adapters.git.objects import Objects, full_id
from workbench.adapters.git.process import Place, decoded, run
from workbench.adapters.git.repository import Repository
from workbench.core.discovery import Surroundings, discover, wanted

LARGEST = 512 * 1024
"""Bytes of a manifest; a larger one was not written by a person."""

ENTRY = re.compile(r"(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t(.*)", re.DOTALL)


async def offers_of(repository: Repository, commit: str) -> Surroundings:
    """What the repository offers for checking itself at ``commit``. Costs two git processes."""
    place = Place(repository.git_dir, repository.root)
    listed = await run(place, "ls-tree", "-r", "-z", "-l", "--full-tree", full_id(commit))
    files: dict[str, tuple[str, int]] = {}
    for line in decoded(listed.out).split("\0"):
        entry = ENTRY.fullmatch(line)
        if entry and entry[2] == "blob" and entry[1] != "120000":  # a link's text is a path, not a manifest
            files[entry[5]] = (entry[3], int(entry[4]))
    objects = Objects(place, repository.common_dir)
    try:
        texts = {}
        for path in wanted(files):
            oid, size = files[path]
            if size <= LARGEST and (raw := await objects.contents(oid)) is not None:
                texts[path] = raw.decode("utf-8", "replace")
    finally:
        await objects.aclose()
    return discover(files, texts)
