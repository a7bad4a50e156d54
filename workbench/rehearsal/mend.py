"""Resolve conflicts by keeping both sides: ``python -P -m workbench.rehearsal.mend``

Run by a rehearsed teammate in its worktree, in the place of a model that would think about it. In every file
that git calls unmerged, or that is changed and holds conflict markers, the markers and the base between
them go and both sides stay, ours first. Prints ``mended N files``; staged, not committed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def both_sides(lines: list[bytes]) -> Iterator[bytes]:
    """The lines of a conflicted file with both sides of every conflict, without the zdiff3 base."""
    side = ""
    for line in lines:
        mark = line[:7] if line[7:8] in (b"", b" ", b"\n", b"\r") else b""
        if mark == b"<<<<<<<" and not side:
            side = "ours"
        elif mark == b"|||||||" and side == "ours":
            side = "base"
        elif mark == b"=======" and side in ("ours", "base"):
            side = "theirs"
        elif mark == b">>>>>>>" and side == "theirs":
            side = ""
        elif side != "base":
            yield line


def _names(*words: str) -> list[str]:
    done = subprocess.run(["git", *words, "-z"], check=True, capture_output=True)
    return [name.decode(errors="surrogateescape") for name in done.stdout.split(b"\0") if name]


def mend(root: Path) -> list[str]:
    """Mend and stage every conflicted file of the worktree at ``root``; their names."""
    unmerged = _names("-C", str(root), "diff", "--name-only", "--diff-filter=U")
    changed = _names("-C", str(root), "diff", "--name-only", "HEAD")
    mended = []
    for name in dict.fromkeys([*unmerged, *changed]):
        path = root / name
        whole = path.is_file() and not path.is_symlink()
        before = path.read_bytes().splitlines(keepends=True) if whole else []
        after = list(both_sides(before))
        if name not in unmerged and after == before:
            continue
        if whole:
            path.write_bytes(b"".join(after))
        mended.append(name)
    if mended:
        # A file that one side deleted and the other changed stays if it is there, and goes if it is not.
        subprocess.run(["git", "-C", str(root), "add", "--sparse", "-A", "--", *mended], check=True)
    return mended


def main() -> int:
    """The command line: see the module."""
    sys.stdout.write(f"mended {len(mend(Path.cwd()))} files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
