"""Committing what was left uncommitted in a worktree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Container, Mapping, Sequence
from pathlib import Path

from workbench.adapters.git.administration import Linked
from workbench.adapters.git.objects import Objects
from workbench.adapters.git.placeholders import Leftovers, real_devices
from workbench.adapters.git.process import COMMITTER, decoded, encoded, run
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import GitError


async def commit_on_head(
    linked: Linked, objects: Objects, branch: str, left: Leftovers, message: str, author: tuple[str, str]
) -> str:
    """Commit the leftovers on HEAD, ending a merge in progress; gives the new HEAD.

    HEAD, index and files agree afterwards, so a live session can go on.
    """
    await _record(linked, left, {})
    killpoint("snapshot.staged")
    words = ("commit", "-q", "--no-verify", "--allow-empty", "--allow-empty-message", "--cleanup=verbatim")
    signed = f"--author={author[0]} <{author[1]}>"
    await run(linked.place, *words, signed, "-F", "-", feed=encoded(message + "\n"))
    if branch:
        found = await objects.info(f"refs/heads/{branch}")
        head = found[0] if found else ""
    else:
        head = "".join(linked.heads("HEAD"))
    if len(head) != 40:
        raise GitError(f"The snapshot in {linked.path} was made but its HEAD cannot be read.")
    return head


async def commit_aside(
    linked: Linked,
    objects: Objects,
    parents: Sequence[str],
    left: Leftovers,
    message: str,
    author: tuple[str, str] = COMMITTER,
) -> str:
    """A commit of the worktree as it stands; HEAD, index, files and operations in progress stay."""
    aside = linked.admin / "workbench-index"
    index = linked.admin / "index"
    crashpoint("snapshot.aside")
    aside.unlink(missing_ok=True)
    if index.exists():
        shutil.copy2(index, aside)
    extra = {"GIT_INDEX_FILE": str(aside)}
    try:
        await _record(linked, left, extra)
        tree = (await run(linked.place, "write-tree", extra=extra)).text
    finally:
        aside.unlink(missing_ok=True)
    return await objects.write_commit(tree, list(dict.fromkeys(parents)), message, author)


async def _record(linked: Linked, left: Leftovers, extra: Mapping[str, str]) -> None:
    """Bring the index to what the files are. ``update-index`` takes plain paths: no patterns, no
    options in disguise, and no cost per pair of path and file as ``git add`` has."""
    if left.unwanted:
        feed = b"".join(encoded(path) + b"\0" for path in left.unwanted)
        removal = ("rm", "-r", "-f", "-q", "--cached", "--ignore-unmatch", "--sparse")
        listed = ("--pathspec-from-file=-", "--pathspec-file-nul")
        literal = {"GIT_LITERAL_PATHSPECS": "1"} | dict(extra)
        await run(linked.place, *removal, *listed, feed=feed, extra=literal)
    if left.removed:  # a folder or a link may have taken the place of a file or of a folder of it, and
        # then git takes a plain path for a mistake
        feed = b"".join(encoded(path) + b"\0" for path in left.removed)
        await run(linked.place, "update-index", "--force-remove", "-z", "--stdin", feed=feed, extra=extra)
    if left.work:
        feed = b"".join(encoded(path) + b"\0" for path in left.work)
        words = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
        await run(linked.place, *words, feed=feed, extra=extra)


async def shadowed(linked: Linked, tracked: Container[str]) -> tuple[str, ...]:
    """Untracked work under names that only *our* exclude block hides (a real ``.mcp.json``).
    ``tracked`` are the names at the root of HEAD: files among them are no question."""
    names = [
        name for name in real_devices(linked.path) if name not in tracked or (linked.path / name).is_dir()
    ]
    if not names:
        return ()
    ignore = await run(linked.place, "config", "--type=path", "--get", "core.excludesFile", fine=(0, 1))
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    own = Path(ignore.text) if ignore.text else home / "git" / "ignore"
    words = ["ls-files", "-o", "-z", "--exclude-per-directory=.gitignore"]
    if own.is_file():
        words.append(f"--exclude-from={own}")
    literal = {"GIT_LITERAL_PATHSPECS": "1"}
    listed = await run(linked.place, *words, "--", *names, extra=literal)
    return tuple(path for path in decoded(listed.out).split("\0") if path and not path.endswith("/"))
