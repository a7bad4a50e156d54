"""How much room a checkout takes."""

from __future__ import annotations

from workbench.adapters.git.process import Place, run
from workbench.adapters.git.repository import Repository

BLOCK = 4096


async def tree_bytes(repository: Repository, commit: str = "HEAD") -> int:
    """What one checkout takes, going by the sizes of the files of ``commit``."""
    place = Place(repository.git_dir, repository.root)
    listed = await run(place, "ls-tree", "-r", "-l", "-z", commit)
    sizes = (entry.split(b"\t")[0].split()[-1] for entry in listed.out.split(b"\0") if entry)
    return sum(-(-int(size) // BLOCK) * BLOCK for size in sizes if size.isdigit())
