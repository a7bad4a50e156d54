"""A teammate that is a small program: ``python -P -m workbench.bench.hand WORK LEDGER``

What it does for each task stands in the JSON file WORK, and comes to the same files whatever was killed
meanwhile, in whichever order tasks land. What it makes it writes down in LEDGER, as soon as it is there:
the id of each commit, of each file that it leaves uncommitted. None of that may ever be lost.

    words    files as "a_b_c"; a word is added to those that are there, on both sides of a conflict. It is one
             word to git and to whatever merges by words, so that two who add one do conflict
    flaw     a file that says "broken" when it is written first, and "whole" when it was broken
    left     a file that is left uncommitted
    edits    files and folders of any plan, each edited as in a rehearsal, once
    seconds  how long it works

Light to import, and it starts few processes: a soak starts it a thousand times.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MARKS = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
NOTHING = "none"
"""The word of a file that has none; it goes when there is one."""


def main(words: list[str]) -> int:
    """The command line: see the module."""
    work, ledger = words
    task = os.environ["WORKBENCH_TASK"]
    todo: dict[str, Any] = json.loads(Path(work).read_text(encoding="utf-8"))["tasks"].get(task, {})
    mark("progress", percent=10)
    time.sleep(todo.get("seconds", 0))
    for name, word in todo.get("words", {}).items():
        add_word(Path(name), word)
    if flaw := todo.get("flaw"):
        mend(Path(flaw))
    if todo.get("edits"):
        rehearse(task, todo["edits"])
    commit(task, Path(ledger))
    if left := todo.get("left"):
        write(Path(left), f"left by {task}\n")
        note(Path(ledger), blob_id(Path(left)))
    mark("done", note=f"{task} is done")
    return 0


def add_word(path: Path, word: str) -> None:
    """Put ``word`` among those of a file, sorted, conflict or not."""
    found = {word}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        if not line.startswith(MARKS):
            found.update(line.split("_"))
    write(path, f"{'_'.join(sorted(found - {NOTHING}))}\n")


def mend(path: Path) -> None:
    """What does not exist is made broken, what is broken is made whole."""
    write(path, "whole\n" if path.exists() else "broken\n")


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all: whoever goes on after a kill takes what is there for what was."""
    draft = Path(f".workbench/draft-{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(path)


def rehearse(task: str, targets: list[str]) -> None:
    """Edit every target as a rehearsal does, unless that was done; where sides conflict, keep both."""
    from workbench.rehearsal import edit
    from workbench.rehearsal.mend import mend as keep_both

    keep_both(Path.cwd())
    words = edit.sentence(task, "1")
    if subprocess.run(["git", "grep", "-q", "-F", "-e", words], check=False).returncode:
        edit.main([task, "1", *targets])


def commit(task: str, ledger: Path) -> None:
    """Commit everything, if there is anything, and write the commit down."""
    git("add", "-A")
    merging = Path(git("rev-parse", "--git-path", "MERGE_HEAD")).exists()
    if merging or subprocess.run(["git", "diff", "--cached", "--quiet"], check=False).returncode:
        git("commit", "-q", "-m", f"do {task}")
        note(ledger, git("rev-parse", "HEAD"))


def note(ledger: Path, line: str) -> None:
    """Write a line down for good; several teammates do so at once."""
    handle = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def blob_id(path: Path) -> str:
    """The id that git gives a file."""
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0%s" % (len(data), data)).hexdigest()  # noqa: S324 - what git uses


def mark(kind: str, **fields: object) -> None:
    """Drop a marker, as ``workbench mark`` does at the cost of a process."""
    folder = Path(".workbench/markers")
    draft = folder / f"{kind}-{os.getpid()}.tmp"
    draft.write_text(json.dumps({"kind": kind, "nonce": os.environ["WORKBENCH_NONCE"], **fields}))
    draft.rename(draft.with_suffix(".json"))


def git(*words: str) -> str:
    """Run git; gives what it says. Raises CalledProcessError."""
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
