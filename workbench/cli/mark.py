"""`workbench mark`: how a teammate that is not Claude says where it stands.

Agents call this often, so it imports next to nothing: no models, no settings, only what Python has
loaded by itself and argparse. What it writes is read by ``core.markers``, whose limits are repeated
here so that a mistake is explained on the spot.
"""

# No pathlib: importing it would take a third of the time this command needs.
# ruff: noqa: PTH103, PTH104, PTH109, PTH112, PTH118, PTH120, PTH123

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence

KINDS = {
    "progress": "how far the task is: --percent, a note, or both",
    "done": "everything is committed and ready to be checked and merged",
    "blocked": "the task cannot go on; the note says what is missing",
    "question": "something to ask who is in charge, or --to a teammate; go on meanwhile if you can",
    "message": "a text for a teammate, for `lead` or for `all`: needs --to",
    "answer": "what you say to a message that asked you something: needs --reply-to",
    "plan": "how you mean to do a task that wants a plan first; write nothing before it is approved",
    "note": "something worth keeping for whoever reads the run later",
}
NOTE_LIMITS = dict.fromkeys(KINDS, 2_000) | {"message": 20_000, "answer": 20_000, "plan": 20_000}
NEEDS_NOTE = ("blocked", "question", "message", "plan", "note")
TO_LIMIT = 64
REPLY_LIMIT = 16
TTL_LIMIT = 10 * 365 * 86_400
PATHS_LIMIT = 20

EPILOG = """
kinds:
{kinds}

examples:
  workbench mark progress --percent 40 "parser done, tests next"
  workbench mark message --to ada "load() now returns a list"
  workbench mark answer --reply-to m7 "it returns None when there is nothing"
  workbench mark plan - < plan.txt
  workbench mark note --path src/db.py --ttl 86400 "the test database takes 20 s to start"
  workbench mark blocked "the API needs a key that is not in the environment"
  git commit -am "Add the parser" && workbench mark done

A marker is a hint: the work counts once it is committed and the checks are green. A note may be
several words; `-` reads it from standard input. Run this inside your worktree; it needs
WORKBENCH_NONCE, which workbench has put into your environment. Exit code 0: dropped; 2: refused,
with the reason on standard error.
"""


class Refused(Exception):
    """The marker cannot be dropped; the text says why and what to do."""


def main(argv: Sequence[str]) -> int:
    """Drop the marker that ``argv`` (without ``workbench mark``) describes; give the exit code."""
    try:
        fields = _fields(_parser().parse_intermixed_args(argv))
        folder = _folder()
        _drop(folder, fields)
    except SystemExit as ended:  # argparse has said what it had to say
        return int(ended.code or 0)
    except (Refused, OSError) as error:
        print(f"workbench mark: {error}", file=sys.stderr)
        return 2
    return 0


def drop_note(
    text: str, namespace: str, paths: Sequence[str], ttl: float | None, confidence: float | None
) -> None:
    """Drop a note into the worktree we are in. Raises Refused and OSError."""
    given = _parser().parse_args(["note"])
    given.note, given.namespace, given.path, given.ttl = [text], namespace, list(paths), ttl
    given.confidence = confidence
    _drop(_folder(), _fields(given))


def _parser() -> argparse.ArgumentParser:
    kinds = "\n".join(f"  {kind:<9} {meaning}" for kind, meaning in KINDS.items())
    parser = argparse.ArgumentParser(
        prog="workbench mark",
        usage="workbench mark KIND [NOTE ...] [--percent N] [--confidence X] [--to NAME] [--reply-to ID]"
        " [--namespace NAME] [--ttl SECONDS] [--path PATH ...]",
        description="Tell workbench where your task stands, by dropping a marker in your worktree.",
        epilog=EPILOG.format(kinds=kinds),
        # A width that is given spares asking the terminal, for which argparse imports five modules.
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=100),
    )
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("note", nargs="*", metavar="NOTE", help="a sentence or more; `-` reads it from stdin")
    parser.add_argument("--percent", type=int, metavar="N", help="how much of the task is done, 0 to 100")
    parser.add_argument("--confidence", type=float, metavar="X", help="how sure you are of it, 0 to 1")
    parser.add_argument("--to", metavar="NAME", help="who a message is for: a teammate, `lead` or `all`")
    parser.add_argument("--reply-to", metavar="ID", help="the message that this one answers, such as m7")
    decision = parser.add_mutually_exclusive_group()
    for word in ("yes", "no"):
        decision.add_argument(
            f"--{word}", dest="decision", action="store_const", const=word, help=f"the answer is {word}"
        )
    parser.add_argument("--namespace", metavar="NAME", help="the topic of a note; `general` if not given")
    parser.add_argument("--ttl", type=float, metavar="SECONDS", help="after how long a note is out of date")
    parser.add_argument(
        "--path",
        action="append",
        default=[],
        metavar="PATH",
        help="a file or folder that a note is about; repeatable",
    )
    return parser


def _fields(given: argparse.Namespace) -> dict[str, object]:
    note = sys.stdin.read().strip() if given.note == ["-"] else " ".join(given.note)
    note = note.replace("\r\n", "\n")
    limit = NOTE_LIMITS[given.kind]
    if given.percent is not None and not 0 <= given.percent <= 100:
        raise Refused(f"--percent is from 0 to 100, not {given.percent}.")
    if given.confidence is not None and not 0 <= given.confidence <= 1:
        raise Refused(f"--confidence is from 0 to 1, not {given.confidence:g}.")
    if len(note) > limit:
        raise Refused(f"a {given.kind} note is at most {limit} characters; put the rest into a file.")
    if given.kind in NEEDS_NOTE and not note.strip():
        raise Refused(
            f"a {given.kind} marker needs a note: workbench mark {given.kind} 'what you want to say'."
        )
    if given.kind == "progress" and not note.strip() and given.percent is None:
        raise Refused("progress needs --percent, a note, or both.")
    if given.kind == "message" and not given.to:
        raise Refused("a message needs --to: a teammate's name, `lead` or `all`.")
    _check_answer(given, note)
    if given.to and len(given.to) > TO_LIMIT:
        raise Refused(f"--to is at most {TO_LIMIT} characters.")
    if not _plain(note) or not _plain((given.to or "") + (given.reply_to or "")) or "\n" in (given.to or ""):
        raise Refused("a marker is plain text: take the control characters out.")
    _check_note(given)
    nonce = os.environ.get("WORKBENCH_NONCE", "")
    if not nonce:
        raise Refused(
            "WORKBENCH_NONCE is not set, so nobody could tell whose marker this is. Run this from the"
            " command that workbench started, with its environment."
        )
    fields = {
        "note": note,
        "percent": given.percent,
        "confidence": given.confidence,
        "to": given.to,
        "reply_to": given.reply_to,
        "decision": given.decision,
    }
    fields |= {"namespace": given.namespace, "ttl": given.ttl, "paths": given.path}
    return {"kind": given.kind, "nonce": nonce} | {
        name: value for name, value in fields.items() if value not in (None, "", [])
    }


def _check_note(given: argparse.Namespace) -> None:
    """What belongs to a note alone; whether a namespace and paths are good ones, ``core.noteform`` says."""
    about = {"--namespace": given.namespace, "--ttl": given.ttl is not None, "--path": given.path}
    for name, there in about.items():
        if there and given.kind != "note":
            raise Refused(f"{name} belongs to a note; this is a {given.kind} marker.")
    if given.ttl is not None and not 0 < given.ttl <= TTL_LIMIT:
        raise Refused("--ttl is in seconds, more than 0 and at most ten years.")
    if len(given.path) > PATHS_LIMIT:
        raise Refused(f"a note has at most {PATHS_LIMIT} paths; name a folder instead.")
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    name = given.namespace or ""
    if name and (name[0] not in letters or len(name) > 64 or name.strip(letters + "._/-")):
        raise Refused("--namespace is up to 64 small letters, digits, dots, dashes, underscores and slashes.")
    for path in given.path:
        parts = path.split("/")
        if (
            not path.strip()
            or path.startswith(("/", "~"))
            or ".." in parts
            or ".git" in parts
            or "\n" in path
        ):
            raise Refused(f"--path is a path inside the repository, such as src/app.py, not {path!a}.")
        if not _plain(path) or len(path) > 300:
            raise Refused("--path is plain text of at most 300 characters.")


def _check_answer(given: argparse.Namespace, note: str) -> None:
    if given.kind == "answer" and not given.reply_to:
        raise Refused("an answer needs --reply-to: the id of the message that asked, such as m7.")
    if given.kind == "answer" and not note.strip() and not given.decision:
        raise Refused("an answer needs a note, --yes or --no.")
    if given.reply_to and len(given.reply_to) > REPLY_LIMIT:
        raise Refused(f"--reply-to is at most {REPLY_LIMIT} characters.")


def _plain(text: str) -> bool:
    """Whether ``core.markers`` would print this text: see UNPRINTABLE there."""
    for character in text:
        code = ord(character)
        if code < 32 and character not in "\n\t":
            return False
        if 127 <= code < 160 or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
            return False
        if 0xD800 <= code <= 0xDFFF:
            return False
    return True


def _folder() -> str:
    """The `.workbench` folder of the worktree we are in."""
    if named := os.environ.get("WORKBENCH_WORKTREE"):
        found = os.path.join(named, ".workbench")
        if os.path.isdir(named):
            return found
        raise Refused(f"WORKBENCH_WORKTREE names {named}, which is not a directory.")
    here = start = os.getcwd()
    while True:
        found = os.path.join(here, ".workbench")
        if os.path.isdir(found):
            return found
        above = os.path.dirname(here)
        if above == here:
            raise Refused(f"{start} is not inside a worktree of workbench: no .workbench folder above it.")
        here = above


def _drop(folder: str, fields: dict[str, object]) -> None:
    """Write under a name that is ignored, then rename: the marker is seen whole or not at all."""
    markers = os.path.join(folder, "markers")
    os.makedirs(markers, mode=0o700, exist_ok=True)
    name = f"{time.time_ns():020d}-{os.getpid()}-{fields['kind']}.json"
    unfinished = os.path.join(markers, f".{name}.tmp")
    with open(unfinished, "x", encoding="utf-8") as file:
        json.dump(fields, file, ensure_ascii=False)
    os.rename(unfinished, os.path.join(markers, name))
