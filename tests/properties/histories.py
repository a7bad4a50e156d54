"""Random histories: trees of every kind of file that git knows, written by one ``fast-import`` each.

A history is drawn as small whole numbers and read as edits of what is there, so that it shrinks well:
each edit stays meaningful whatever the ones before it became.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

PLAIN, EXECUTABLE, LINK, GITLINK = "100644", "100755", "120000", "160000"


@dataclass(frozen=True)
class Entry:
    """One file. ``data`` is its content, a link's target, or the id that a submodule entry names."""

    mode: str
    data: bytes


Tree = dict[bytes, Entry]

NAMES = (
    b"a", b"b", b"c.txt", b"d.py", b"sp ace", b'quo"te', b"caf\xc3\xa9", b"cafe\xcc\x81", b"tab\there",
    b"back\\slash", b"-dash", b"*gl?b[x]", b":colon", b"\x01\x7f", b"~tilde", b"\xf0\x9f\x8c\xb1",
    b"\xff\xfe", b"%s'$x", b"HEAD", b"UPPER", b"upper",
)  # fmt: skip
FOLDERS = (b"", b"", b"dir/", b"deep/er/and/deeper/", b"\xc3\xbcml \xc3\xa4ut/", b"a/", b"dir/-x/")

ATTRIBUTES = (
    b"", b"* merge=union\n", b"*.txt merge=union\n", b"* -text\n", b"* text=auto\n", b"*.py text eol=crlf\n",
    b"*.txt binary\n", b"* -merge\n", b"a -diff\n", b"*.txt merge=nobody\n", b"* conflict-marker-size=11\n",
)  # fmt: skip

EDITS = (
    "text", "crlf", "unended", "binary", "empty", "link", "gitlink",
    "line", "line", "line", "insert", "append", "cut", "ending",
    "delete", "rename", "rename", "move folder", "chmod", "swap", "attributes",
)  # fmt: skip

Edit = tuple[str, int, int, int]


def path(first: int, second: int) -> bytes:
    """A path, by two numbers."""
    return FOLDERS[second % len(FOLDERS)] + NAMES[first % len(NAMES)]


def put(tree: Tree, where: bytes, entry: Entry) -> None:
    """Put a file into a tree; what stands in the way of it, a file or a folder, is gone then."""
    parts = where.split(b"/")
    for length in range(1, len(parts)):
        tree.pop(b"/".join(parts[:length]), None)
    for other in [it for it in tree if it.startswith(where + b"/")]:
        del tree[other]
    tree[where] = entry


def edited(tree: Tree, edits: Iterable[Edit], word: bytes = b"line") -> Tree:
    """The tree after ``edits``; new lines begin with ``word``."""
    now = dict(tree)
    for edit in edits:
        _edit(now, edit, word)
    return now


def _edit(tree: Tree, edit: Edit, word: bytes) -> None:
    kind, first, second, third = edit
    there = sorted(name for name in tree if tree[name].mode != GITLINK)
    at = there[first % len(there)] if there else path(first, second)
    if kind == "attributes":
        where = FOLDERS[second % len(FOLDERS)] + b".gitattributes"
        put(tree, where, Entry(PLAIN, ATTRIBUTES[third % len(ATTRIBUTES)]))
    elif (new := _new(kind, 4 + second % 9, third, word)) is not None:
        put(tree, path(first, second), new)
    elif at in tree and (other := _changed(kind, tree[at], second, b"%s %d!" % (word, third))) is not None:
        put(tree, at, other)
    elif at in tree:
        _move(tree, kind, at, second, third)


def _new(kind: str, length: int, number: int, word: bytes) -> Entry | None:
    """A file that takes the place of whatever is there."""
    lines = [b"%s %d" % (word, line + number) for line in range(length)]
    match kind:
        case "text":
            return Entry(PLAIN, b"\n".join(lines) + b"\n")
        case "crlf":
            return Entry(PLAIN, b"\r\n".join(lines) + b"\r\n")
        case "unended":
            return Entry(PLAIN, b"\n".join(lines))
        case "binary":
            return Entry(PLAIN, b"\0\xff\xfe" + bytes([number]) * 9 + b"\r\n" + word)
        case "empty":
            return Entry(PLAIN, b"")
        case "link":
            return Entry(LINK, (b"a", b"../out of it", b"gone/x", b"* merge=union")[number % 4])
        case "gitlink":
            return Entry(GITLINK, b"%040x" % (number % 3 + 1))
    return None


def _changed(kind: str, old: Entry, place: int, line: bytes) -> Entry | None:
    """What becomes of a file that is there."""
    if old.mode == LINK:
        return None
    match kind:
        case "line" | "insert" | "append" | "cut":
            return Entry(old.mode, _lines(kind, old.data, place, line))
        case "ending":
            crlf = b"\r\n" in old.data
            other = (b"\r\n", b"\n") if crlf else (b"\n", b"\r\n")
            return Entry(old.mode, old.data.replace(*other))
        case "chmod":
            return Entry(EXECUTABLE if old.mode == PLAIN else PLAIN, old.data)
    return None


def _move(tree: Tree, kind: str, at: bytes, second: int, third: int) -> None:
    match kind:
        case "delete":
            del tree[at]
        case "rename":
            put(tree, path(second, third), tree.pop(at))
        case "move folder":
            _move_folder(tree, at, FOLDERS[third % len(FOLDERS)])
        case "swap":
            entry = tree.pop(at)
            put(tree, at + b"/inside" if third % 2 else at.rpartition(b"/")[0] or at, entry)


def _lines(kind: str, data: bytes, place: int, new: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    end = b"\r\n" if b"\r\n" in data else b"\n"
    at = place % len(lines) if lines else 0
    match kind:
        case "line" if lines:
            lines[at] = new + end
        case "insert":
            lines.insert(at, new + end)
        case "append":
            lines.append(new + end)
        case "cut" if lines:
            del lines[at]
    return b"".join(lines)


def _move_folder(tree: Tree, member: bytes, to: bytes) -> None:
    folder = member.rpartition(b"/")[0]
    if not folder or to.rstrip(b"/").startswith(folder):
        return
    moved = {name: tree.pop(name) for name in list(tree) if name.startswith(folder + b"/")}
    for name, entry in moved.items():
        put(tree, to + name[len(folder) + 1 :], entry)


# -- drawing ---------------------------------------------------------------------------------------------

small = st.integers(0, 40)
edits = st.tuples(st.sampled_from(EDITS), small, small, small)
grounds = st.lists(
    st.tuples(st.sampled_from((*EDITS[:7], "text", "text", "attributes")), small, small, small),
    min_size=1, max_size=9,
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """One commit of a history: places of its parents, and its tree."""

    parents: tuple[int, ...]
    tree: Tree


@st.composite
def histories(draw: st.DrawFn, most: int = 7) -> list[Made]:
    """Commits, each after its parents: branches, merges with trees of their own (so that two commits can
    have several merge bases), now and then a second root."""
    made = [Made((), edited({}, draw(grounds)))]
    for _ in range(draw(st.integers(2, most - 1))):
        alone, merge = draw(st.integers(0, 15)) == 15, draw(st.integers(0, 3)) == 3
        count = 0 if alone else 2 if merge and len(made) > 1 else 1
        near = st.integers(0, min(len(made) - 1, 2) if count == 1 else len(made) - 1)
        parents = draw(st.lists(near, min_size=count, max_size=count, unique=True))
        ground = dict(made[parents[0]].tree) if parents else {}
        for other in parents[1:]:
            for name, entry in made[other].tree.items():
                if draw(st.booleans()):
                    put(ground, name, entry)
        made.append(Made(tuple(parents), edited(ground, draw(st.lists(edits, min_size=1, max_size=6)))))
    return made


# -- writing ---------------------------------------------------------------------------------------------


def bare_bones(where: Path) -> Path:
    """An empty repository in ``where`` with its working tree, as ``git init`` makes it; gives its .git."""
    folder = where / ".git"
    for part in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
        (folder / part).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    core = ("repositoryformatversion = 0", "filemode = true", "bare = false", "logallrefupdates = true")
    (folder / "config").write_text("\n\t".join(("[core]", *core)) + "\n")
    return folder


def checked_out(history: Sequence[Made], where: Path) -> list[str]:
    """A repository in ``where``, which is made, with this history, of which ``main`` is checked out; gives
    the ids of its commits."""
    where.mkdir()
    bare_bones(where)
    commits = write(history, where)
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=where, check=True)
    return commits


def write(history: Sequence[Made], where: Path) -> list[str]:
    """Write a history into the repository in ``where``; gives the ids of its commits. The first is on
    ``main``, the others on branches ``made-<n>``."""
    stream = bytearray()
    for place, made in enumerate(history):
        branch = b"made-%d" % place if place else b"main"
        stream += b"commit refs/heads/%s\nmark :%d\n" % (branch, place + 1)
        stream += b"committer Ada <ada@example.invalid> %d +0000\ndata 4\nmade\n" % (1_700_000_000 + place)
        for word, parent in zip((b"from", b"merge"), made.parents, strict=False):
            stream += b"%s :%d\n" % (word, parent + 1)
        stream += b"deleteall\n"
        for name, entry in made.tree.items():
            stream += _modified(name, entry)
    marks = where / ".git" / "marks"
    stream += b"done\n"
    command = ["git", "fast-import", "--quiet", "--done", f"--export-marks={marks}"]
    done = subprocess.run(command, cwd=where, input=bytes(stream), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    numbered = dict(line.split() for line in marks.read_text().splitlines())
    marks.unlink()
    return [numbered[f":{place}"] for place in range(1, len(history) + 1)]


def _modified(name: bytes, entry: Entry) -> bytes:
    quoted = b'"' + b"".join(b"\\%03o" % byte for byte in name) + b'"'
    if entry.mode == GITLINK:
        return b"M 160000 %s %s\n" % (entry.data, quoted)
    return b"M %s inline %s\ndata %d\n%s\n" % (entry.mode.encode(), quoted, len(entry.data), entry.data)
