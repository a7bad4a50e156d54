"""A commit's files in a folder of their own, for somebody who is only to read them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from workbench.adapters.git.objects import full_id
from workbench.adapters.git.process import Place, run
from workbench.adapters.git.repository import Repository

EXTRA = {
    # A link would lead out of the copy; as a file it shows where it leads.
    "GIT_CONFIG_PARAMETERS": "'core.symlinks=false'",
    "GIT_LFS_SKIP_SMUDGE": "1",
}


@asynccontextmanager
async def copy_of(repository: Repository, commit: str) -> AsyncIterator[Path]:
    """The files of ``commit`` in a new temporary folder, which is gone afterwards.

    It is no worktree: there is no ``.git`` in it, and the repository knows nothing of it. So nothing that
    is done in it, or left by a killed process, reaches the repository, its refs and its list of worktrees.
    Raises GitError when there is no such commit.
    """
    with tempfile.TemporaryDirectory(prefix="workbench-plan-", ignore_cleanup_errors=True) as folder:
        top = Path(folder).resolve() / repository.root.name
        top.mkdir()
        extra = {**EXTRA, "GIT_INDEX_FILE": str(Path(folder) / "index")}
        words = ("read-tree", "--reset", "-u", "--no-sparse-checkout", full_id(commit))
        await run(Place(repository.git_dir, top), *words, extra=extra)
        yield top
