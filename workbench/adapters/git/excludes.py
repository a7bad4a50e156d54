"""Our block in the repository's ``info/exclude``: shared by all its worktrees, never committed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from workbench.adapters.git.placeholders import DEVICES, FOLDER
from workbench.crashpoints import crashpoint, killpoint

BEGIN = "# >>> workbench: kept out of commits by teammates (written again when missing)"
END = "# <<< workbench"

ALWAYS = (f"/{FOLDER}/", *(f"/{name}" for name in DEVICES))


def exclude(common_dir: Path, paths: Iterable[str] = ()) -> None:
    """See that the block stands and also names ``paths`` (relative to a worktree's root).

    The user's own lines stay as they are; what the block already names stays in it. Nothing is
    written when nothing is missing.
    """
    target = common_dir / "info" / "exclude"
    text = target.read_text(errors="surrogateescape") if target.exists() else ""
    before, found, rest = text.partition(BEGIN + "\n")
    block, ended, after = rest.partition(END + "\n")
    present = block.splitlines() if ended else []
    wanted = [*ALWAYS, *(f"/{literal(path)}" for path in paths)]
    lines = list(dict.fromkeys([*present, *wanted]))
    if found and ended and lines == present:
        return
    if not found or not ended:
        before, after = text if not text or text.endswith("\n") else text + "\n", ""
    new = before + "\n".join([BEGIN, *lines, END]) + "\n" + after
    target.parent.mkdir(exist_ok=True)
    crashpoint("exclude.write")
    draft = target.with_name("exclude.workbench")  # one that a kill left is written over
    draft.unlink(missing_ok=True)
    with draft.open("x", errors="surrogateescape") as out:
        out.write(new)
    draft.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
    killpoint("exclude.draft")
    draft.replace(target)


def literal(path: str) -> str:
    """``path`` as a pattern that matches just it."""
    return re.sub(r"([\\*?\[\]! #])", r"\\\1", path)
