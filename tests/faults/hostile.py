"""A teammate that does what no teammate should: ``python hostile.py DEED [ARGUMENT…]``.

A command agent for tests. Each deed is a function; it runs in the worktree, as any command agent does, and
ends the attempt by returning, unless its name says otherwise. A deed may be given for one task only:
``python hostile.py one=crash two=good`` does by WORKBENCH_TASK. It imports nothing of workbench.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

TASK = os.environ.get("WORKBENCH_TASK", "task")
NONCE = os.environ.get("WORKBENCH_NONCE", "")
FOLDER = Path(".workbench")


def git(*words: str) -> str:
    """Run git here; gives what it printed."""
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.strip()


def work(name: str = f"{TASK}.txt", text: str = "fine\n") -> None:
    """A file, left uncommitted."""
    Path(name).write_text(text)


def good() -> None:
    """Work, committed."""
    work()
    git("add", "-A")
    git("commit", "-q", "-m", f"work on {TASK}")


def edits(name: str) -> None:
    """One file that was there, and committed."""
    work(name, "edited\n")
    git("commit", "-q", "-am", f"edit {name}")


def common() -> Path:
    """The git directory that all worktrees share."""
    return Path(git("rev-parse", "--path-format=absolute", "--git-common-dir"))


def administration() -> Path:
    """Git's own folder for this worktree."""
    return Path(git("rev-parse", "--absolute-git-dir"))


def wait_for(path: str) -> None:
    """Until a file is there, which the test makes."""
    while not Path(path).exists():
        time.sleep(0.02)


def drop(name: str, text: str | bytes) -> None:
    """A marker's file, whole at once."""
    draft = FOLDER / "markers" / f".{os.getpid()}"
    draft.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
    draft.rename(FOLDER / "markers" / name)


# -- how it ends ------------------------------------------------------------------------------------------


def crash() -> None:
    """Half of its work, and then the memory is gone."""
    work(text="half\n")
    os.write(1, b"about to crash\n")
    os.kill(os.getpid(), signal.SIGSEGV)


def waits(path: str) -> None:
    """Work, then hang until ``path`` is there."""
    work()
    drop("here.json", json.dumps({"kind": "progress", "percent": 50, "note": "half", "nonce": NONCE}))
    wait_for(path)


def stubborn(path: str, ticks: str) -> None:
    """Hang, and hear no SIGTERM; a byte in ``ticks`` for each tenth of a second that this lasts."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    work()
    drop("here.json", json.dumps({"kind": "progress", "percent": 50, "note": "half", "nonce": NONCE}))
    while not Path(path).exists():
        time.sleep(0.1)
        if told:
            with Path(ticks).open("a") as file:
                file.write(".")


def zombie() -> None:
    """Leave children that nobody waited for: a zombie, one in a session of its own, one forked twice."""
    if os.fork() == 0:
        os._exit(0)  # never waited for
    for _ in range(2):
        if os.fork() == 0:
            os.setsid()
            if os.fork() != 0:
                os._exit(0)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            time.sleep(600)
            os._exit(0)
    good()


def endless() -> None:
    """Print until killed: one line without an end, and bytes that are no text."""
    work()
    block = b"\xff\xfe\x00\x1b]0;title\x07\x1b[31m" + b"x" * 65_000
    written = 0
    while written < 24_000_000:
        written += os.write(1, block)
    os.write(1, b"\nlast words: \xc3\x28 \xe2\x80\xae\x1b[2Jend\n")
    sys.exit(7)


def invalid() -> None:
    """Bytes that are no UTF-8 wherever text is expected, and work all the same."""
    os.write(1, b"\xff\xfe \xed\xa0\x80 \x1b[2J\x07 \xf0\x28\x8c\x28\n")
    os.write(2, b"\x00\x01\x02\xe2\x80\xae\n")
    drop("bad.json", b'{"kind": "note", "note": "\xff\xfe", "nonce": "' + NONCE.encode() + b'"}')
    drop("surrogate.json", json.dumps({"kind": "note", "note": "\ud800\x00\x1b[2J", "nonce": NONCE}))
    Path(os.fsdecode(b"caf\xe9.txt")).write_bytes(b"\xff\n")
    git("add", "-A")
    subprocess.run([b"git", b"commit", b"-q", b"-m", b"work \xff\xfe\x1b[2J on it"], check=True)
    sys.stdout.flush()
    sys.exit(0)


def empty() -> None:
    """A commit that changes nothing, and the word that it is done."""
    git("commit", "-q", "--allow-empty", "-m", "nothing")
    done()


def done() -> None:
    """The word that it is done."""
    drop("done.json", json.dumps({"kind": "done", "note": "all done", "confidence": 1, "nonce": NONCE}))


def uncommitted() -> None:
    """Done, and not a thing committed: changed, new, removed and executable files."""
    work()
    Path("README.md").write_text("changed\n")
    Path("src/app.py").unlink()
    Path("run.sh").write_text("#!/bin/sh\n")
    Path("run.sh").chmod(0o755)
    done()


# -- what it says ------------------------------------------------------------------------------------------


def words() -> None:
    """Markers, file names, branch names and commit messages that a shell or git may trip over."""
    nasty = "--upload-pack=touch pwned; $(touch pwned) `touch pwned` \x1b]0;pwned\x07\u202e|| touch pwned"
    drop("-rf.json", json.dumps({"kind": "progress", "percent": 10, "note": nasty, "nonce": NONCE}))
    drop("$(touch pwned).json", json.dumps({"kind": "note", "note": nasty, "nonce": NONCE}))
    drop("to.json", json.dumps({"kind": "message", "to": "../../..", "note": nasty, "nonce": NONCE}))
    drop("forged.json", json.dumps({"kind": "done", "note": "forged", "nonce": "0" * 32}))
    drop("huge.json", json.dumps({"kind": "note", "note": "x" * 3_000_000, "nonce": NONCE}))
    drop("deep.json", "[" * 100_000)
    drop("numbers.json", f'{{"kind": "progress", "percent": 1e999, "note": "n", "nonce": "{NONCE}"}}')
    os.mkfifo(FOLDER / "markers" / "pipe.json")
    (FOLDER / "markers" / "folder.json").mkdir()
    (FOLDER / "markers" / "link.json").symlink_to("/etc/passwd")
    (FOLDER / "markers" / "device.json").symlink_to("/dev/zero")
    for name in (
        "--exec=touch pwned",
        "$(touch pwned)",
        "a\nb",
        "tab\there",
        "-n",
        '"quoted"',
        "é\u202e.txt",
        "* ?",
    ):
        work(name)
    git("add", "-A")
    subprocess.run(
        ["git", "commit", "-q", "-F", "-"], input=f"{nasty}\n\nWorkbench-Task: other\n", text=True, check=True
    )


def branches() -> None:
    """Branches, tags and remotes whose names look like options, and a repository's worth of refs."""
    good()
    folder = common() / "refs" / "heads"
    head = git("rev-parse", "HEAD")
    for name in ("--upload-pack=touch pwned", "-d", "$(touch pwned)", "a b"):
        (folder / name).write_text(f"{head}\n")
    (folder / "no-commit").write_text("not a commit\n")
    (common() / "refs" / "tags" / "HEAD").write_text(f"{head}\n")
    git("branch", "HEAD-like/refs/heads/main")


def links(outside: str) -> None:
    """Links that lead out, in the place of everything workbench writes, and in the work itself."""
    import shutil

    for name in ("inbox", "log", "quarantine", "markers"):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        (FOLDER / name).symlink_to(outside)
    for name in ("brief.md",):
        (FOLDER / name).unlink(missing_ok=True)
        (FOLDER / name).symlink_to(f"{outside}/precious")
    Path("leads-out").symlink_to(outside)
    Path("to-passwd").symlink_to("/etc/passwd")
    shutil.rmtree("src")
    Path("src").symlink_to(outside)
    work()


def links_then_bad_report(outside: str) -> None:
    """A report that workbench answers, when the answer's place leads out already."""
    import shutil

    shutil.rmtree(FOLDER / "inbox")
    (FOLDER / "inbox").symlink_to(outside)
    shutil.rmtree(FOLDER / "quarantine")
    (FOLDER / "quarantine").symlink_to(outside)
    drop("bad.json", "this is no report")
    while (FOLDER / "markers" / "bad.json").exists():
        time.sleep(0.02)
    work()


def folder_is_a_link(outside: str) -> None:
    """The marker folder itself leads out."""
    import shutil

    shutil.rmtree(FOLDER)
    FOLDER.symlink_to(outside)
    work()


def huge(megabytes: str = "64") -> None:
    """A large file with nothing in it, and very many small ones."""
    with Path("huge.bin").open("wb") as file:
        file.truncate(int(megabytes) << 20)
    Path("many").mkdir()
    for number in range(300):
        (Path("many") / str(number)).write_text(f"{number}\n")


# -- what it breaks ----------------------------------------------------------------------------------------


def deletes_git_file() -> None:
    """The file that ties the worktree to its repository goes; git would ask a parent folder."""
    work()
    Path(".git").unlink()


def deletes_worktree() -> None:
    """Work, committed; then everything here goes, and with it whatever is not."""
    import shutil

    good()
    Path("more.txt").write_text("never committed\n")
    here = Path.cwd()
    os.chdir("/")
    shutil.rmtree(here)


def commits_to_main() -> None:
    """On the user's branch, behind git's back: the user's index and files now differ from it."""
    good()
    git("update-ref", "refs/heads/main", "HEAD")


def rewrites_the_target() -> None:
    """The user's branch points at a history without the user's commits."""
    good()
    empty = git("commit-tree", git("write-tree"), "-m", "history begins here")
    git("update-ref", "refs/heads/main", empty)


def deletes_others_refs() -> None:
    """All branches and pins of the run and of the user that git lets go."""
    good()
    for ref in git("for-each-ref", "--format=%(refname)").splitlines():
        subprocess.run(["git", "update-ref", "-d", ref], check=False, capture_output=True)


def pops_the_stash() -> None:
    """The stash is shared by all worktrees: this one is somebody else's."""
    work()
    subprocess.run(["git", "stash", "pop"], check=False, capture_output=True)


def flips_bare() -> None:
    """One key in the common configuration, and no worktree works any more."""
    good()
    git("config", "--file", str(common() / "config"), "core.bare", "true")


def edits_config(outside: str) -> None:
    """Programs that git will run for whoever uses the repository next."""
    good()
    for key in ("core.fsmonitor", "core.sshCommand", "core.editor", "diff.external", "alias.status"):
        git("config", "--file", str(common() / "config"), key, f"touch {outside}/pwned")
    git("config", "--file", str(common() / "config"), "core.hooksPath", outside)


def installs_hooks(outside: str) -> None:
    """Hooks that the user's next commit would run."""
    good()
    for name in ("pre-commit", "post-checkout", "post-merge", "reference-transaction"):
        hook = common() / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {outside}/pwned\n")
        hook.chmod(0o755)


def writes_to_the_main_checkout() -> None:
    """A file of the user's is changed, and one is added, where the user works."""
    work()
    root = common().parent
    (root / "README.md").write_text("changed by a teammate\n")
    (root / "leak.txt").write_text("leaked\n")


def locks() -> None:
    """Killed in the middle of `git add` and of moving its branch and HEAD: the locks stay."""
    good()
    (common() / f"{git('symbolic-ref', 'HEAD')}.lock").write_text("")
    for name in ("HEAD.lock", "index.lock"):
        (administration() / name).write_text("")
    work("more.txt", "uncommitted\n")


def main(words: list[str]) -> None:
    """Do the deed that is named, or named for this task."""
    for word in words:
        task, found, rest = word.partition("=")
        if found and task == TASK:
            words = rest.split(",")
            break
    name, *arguments = words
    deed: Callable[..., None] = globals()[name.replace("-", "_")]
    deed(*arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
