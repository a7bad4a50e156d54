"""GitHub's command line, ``gh``, where it is installed: pull requests, with the user's own login."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

from workbench.adapters.git import restraint
from workbench.errors import WorkbenchError

BODY_LIMIT = 60_000
"""Characters of a pull request's text; GitHub takes 65,536."""


def installed() -> bool:
    """Whether there is a ``gh`` on PATH."""
    return shutil.which("gh") is not None


async def pull_request(root: Path, *, head: str, base: str, title: str, body: str) -> str:
    """The address of the open pull request of branch ``head``, opened into ``base`` ("": the repository's
    default branch) when there is none. Raises WorkbenchError with gh's words."""
    if there := await standing(root, head=head, base=base):
        return there
    return await create(root, head=head, base=base, title=title, body=body)


async def standing(root: Path, *, head: str, base: str) -> str:
    """The address of the open pull request of ``head`` into ``base`` ("": any branch), "" when there is
    none."""
    words = ("pr", "list", "--head", head, "--state", "open", "--json", "url", "--jq", ".[].url")
    found = (await _gh(root, *words, *(("--base", base) if base else ()))).split()
    return found[0] if found else ""


async def create(root: Path, *, head: str, base: str, title: str, body: str) -> str:
    """Open a pull request; gives its address ("" where gh did not say it)."""
    into = ("--base", base) if base else ()
    words = ("pr", "create", "--head", head, *into, "--title", title, "--body-file", "-")
    said = await _gh(root, *words, feed=body[:BODY_LIMIT].encode())
    found = re.findall(r"https?://\S+", said)
    return found[-1] if found else ""


async def update(root: Path, address: str, *, title: str, body: str) -> None:
    """Give the pull request at ``address`` another title and text. Raises WorkbenchError with gh's words."""
    words = ("pr", "edit", address, "--title", title, "--body-file", "-")
    await _gh(root, *words, feed=body[:BODY_LIMIT].encode())


async def _gh(root: Path, *words: str, feed: bytes = b"") -> str:
    # Variables that point git at another repository would point gh there too.
    tied = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE")
    env = {name: value for name, value in os.environ.items() if name not in tied}
    process = await asyncio.create_subprocess_exec(
        "gh",
        *words,
        cwd=root,
        env=env | restraint.variables() | {"GH_PROMPT_DISABLED": "1"},  # it runs git itself
        stdin=asyncio.subprocess.PIPE if feed else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate(feed or None)
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode != 0:
        complaint = " ".join(err.decode("utf-8", "replace").split()) or "it said nothing"
        raise WorkbenchError(f"gh {words[0]} {words[1]} failed: {complaint[:500]}")
    return out.decode("utf-8", "replace")
