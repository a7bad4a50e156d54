"""A new repository around files that are there already, for the demo and for trying things out."""

from __future__ import annotations

import asyncio
from pathlib import Path

from git import Actor, Repo
from git.exc import GitError as GitPythonError

from workbench.errors import SetupError

AUTHOR = ("workbench demo", "demo@workbench.invalid")


async def make_repository(folder: Path, message: str) -> None:
    """Make ``folder`` a repository on branch main with one commit of all it holds.

    The repository gets an identity of its own, so that it works on machines where git has none.
    Raises SetupError when git does not agree.
    """
    await asyncio.to_thread(_make, folder, message)


def _make(folder: Path, message: str) -> None:
    try:
        with Repo.init(folder, initial_branch="main") as repo:
            with repo.config_writer() as config:
                config.set_value("user", "name", AUTHOR[0])
                config.set_value("user", "email", AUTHOR[1])
                config.set_value("commit", "gpgsign", "false")
            repo.git.add("--all")
            actor = Actor(*AUTHOR)
            repo.index.commit(message, author=actor, committer=actor, skip_hooks=True)
    except GitPythonError as error:
        raise SetupError(f"git could not make a repository in {folder}: {error}") from None
