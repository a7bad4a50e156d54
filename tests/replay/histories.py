"""Random histories for hypothesis, written with ``git fast-import``: commits cost next to nothing."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

Tree = dict[str, tuple[str, bytes]]
"""Mode and content by path; of a module (160000) the content is a commit id."""

CODE = b"".join(b"def f%d(a, b=1):\n    return g(a, b)\n\n\n" % n for n in range(6))
PROSE = b"".join(b"line %d of the text\n" % n for n in range(12))
START: Tree = {
    "src/code.py": ("100644", CODE),
    "notes.md": ("100644", PROSE),
    "win.txt": ("100644", PROSE.replace(b"\n", b"\r\n")),
    "f\u00fcr/\u6587\u66f8.txt": ("100644", PROSE[::-1]),
    'odd "name" here.txt': ("100644", PROSE * 2),
    "data.bin": ("100644", bytes(range(256))),
    "tool": ("100755", b"#!/bin/sh\n" + PROSE),
    "link": ("120000", b"notes.md"),
    "module": ("160000", b"1" * 40),
}
ATTRIBUTES = (
    b"*.txt merge=union\n",
    b"*.py merge=union\n",
    b"*.md -merge\n",
    b"*.txt -text\n*.md conflict-marker-size=9\n",
)
NAMES = (
    "src/other.py",
    "moved/deep/er.txt",
    "notes",
    "tool/inner",
    "\u00e9t\u00e9.txt",
    "link2",
    "src/sub/code.py",
)


BRANCHES = 3
"""Commits that start from the first one."""


@dataclass(frozen=True)
class Commit:
    """One commit of a history: the places of its parents in it, and its whole tree."""

    parents: tuple[int, ...]
    tree: Tree


@st.composite
def histories(draw: st.DrawFn) -> list[Commit]:
    """Branches that edit, rename, delete and retype the same few paths, and merges of any two of them."""
    first = dict(START)
    if draw(st.booleans()):
        where = draw(st.sampled_from([".gitattributes", "src/.gitattributes"]))
        first[where] = ("100644", draw(st.sampled_from(ATTRIBUTES)))
    out = [Commit((), first)]
    for n in range(draw(st.integers(4, 9))):
        recent = st.integers(max(0, len(out) - 4), len(out) - 1)
        ours = draw(recent) if n >= BRANCHES else 0
        theirs = draw(recent) if n >= BRANCHES and draw(st.integers(0, 2)) else ours
        tree = dict(out[ours].tree)
        if theirs != ours:
            tree = {**out[theirs].tree, **tree}
            tree = {
                path: one
                for path, one in tree.items()
                if not any(f"{path}/" in f"{p}/" and p != path for p in tree)
            }
        for _ in range(draw(st.integers(1, 4))):
            tree = _edited(tree, draw)
        out.append(Commit((ours,) if theirs == ours else (ours, theirs), tree))
    heads = (len(out) - 1, draw(st.integers(1, BRANCHES)))
    return [*out, Commit(heads, out[heads[0]].tree)]


def _edited(tree: Tree, draw: st.DrawFn) -> Tree:
    out = dict(tree)
    path = draw(st.sampled_from(sorted(out)))
    mode, content = out[path]
    match draw(
        st.sampled_from(["edit", "edit", "edit", "insert", "rename", "delete", "mode", "retype", "folder"])
    ):
        case "edit" | "insert" as kind if mode != "160000":
            lines = content.splitlines(keepends=True) or [b""]
            at = draw(st.integers(0, min(len(lines) - 1, 20)))
            new = draw(
                st.sampled_from([b"one more", b"c = 3\r", "\u00fcber".encode(), b"def h(c):\n    return c"])
            )
            lines[at : at + (kind == "edit")] = [new + b"\n"]
            out[path] = (mode, b"".join(lines) if mode != "120000" else new.strip())
        case "edit" | "insert":
            out[path] = (mode, draw(st.sampled_from([b"2", b"3"])) * 40)
        case "rename":
            del out[path]
            return _placed(out, draw(st.sampled_from(NAMES)), (mode, content))
        case "delete":
            del out[path]
        case "mode" if mode in {"100644", "100755"}:
            out[path] = ("100755" if mode == "100644" else "100644", content)
        case "retype":
            out[path] = ("120000", b"elsewhere") if mode != "120000" else ("100644", PROSE)
        case _:
            del out[path]
            return _placed(out, f"{path}/now", ("100644", content))
    return out or dict(tree)


def _placed(tree: Tree, path: str, one: tuple[str, bytes]) -> Tree:
    """The tree with ``path`` in it, without what cannot stand beside it."""
    kept = {p: o for p, o in tree.items() if not p.startswith(f"{path}/") and not path.startswith(f"{p}/")}
    return {**kept, path: one}


def write(where: Path, history: list[Commit]) -> None:
    """Make a repository of ``history`` in ``where``; its branch main is at the last commit."""
    where.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=where, check=True)
    feed = b"".join(_told(number, commit) for number, commit in enumerate(history, 1))
    subprocess.run(["git", "fast-import", "--quiet", "--force"], cwd=where, input=feed, check=True)


def _told(mark: int, commit: Commit) -> bytes:
    out = b"commit refs/heads/main\nmark :%d\ncommitter A <a@example.invalid> %d +0000\ndata 1\n.\n" % (
        mark,
        10**9 + mark,
    )
    for word, parent in zip((b"from", b"merge"), commit.parents, strict=False):
        out += b"%s :%d\n" % (word, parent + 1)
    out += b"deleteall\n"
    for path, (mode, content) in commit.tree.items():
        name = b'"' + path.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
        if mode == "160000":
            out += b"M 160000 %s %s\n" % (content, name)
        else:
            out += b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), name, len(content), content)
    return out + b"\n"
