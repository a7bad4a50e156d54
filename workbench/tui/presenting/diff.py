"""A unified diff as files and blocks of lines, read once and without looking inside the lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

BLOCK = 200
"""Lines that are looked at together: a screen of a long diff costs two of these."""

LONGEST = 2_000
"""Characters of a line that are shown, at most."""

TAB = 4

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")
_OCTAL = re.compile(r"\\([0-7]{3}|.)")
_LETTERS = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Block:
    """Lines ``first`` up to ``last`` (without) of the diff's text, the first of them numbered ``old`` and
    ``new``. ``heading`` is that of the hunk that begins here, None where a long hunk goes on."""

    first: int
    last: int
    old: int
    new: int
    heading: str | None

    @property
    def rows(self) -> int:
        """How many rows it takes."""
        return self.last - self.first + (self.heading is not None)


@dataclass(slots=True)
class FileDiff:
    """What a diff says of one file. ``before`` is its old path where that differs; ``facts`` say in words
    what is not a change of lines."""

    path: str = ""
    before: str = ""
    kind: str = "changed"
    added: int = 0
    removed: int = 0
    facts: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The file's name, and what became of it."""
        name = f"{self.before} → {self.path}" if self.before and self.before != self.path else self.path
        return name if self.kind == "changed" else f"{name} ({self.kind})"

    @property
    def rows(self) -> int:
        """How many rows it takes below its heading."""
        return len(self.facts) + sum(block.rows for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Patch:
    """A diff that was read: its files in order, and all lines of its text. ``loose`` is what stands in it
    outside of any file."""

    files: tuple[FileDiff, ...] = ()
    lines: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()

    @property
    def added(self) -> int:
        """Lines that it adds."""
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        """Lines that it takes away."""
        return sum(file.removed for file in self.files)


def parsed(diff: str) -> Patch:
    """What `git diff` printed, read. A diff that was cut off is read as far as it goes; nothing raises."""
    lines = diff.split("\n")  # a carriage return or a form feed ends no line of a diff
    if lines and not lines[-1]:
        lines.pop()
    files: list[FileDiff] = []
    loose: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(("diff --git ", "diff --cc ", "diff --combined ")):
            files.append(FileDiff(path=_from_command(line)))
        elif files and (hunk := _HUNK.match(line)):
            at = _hunk(files[-1], lines, at, hunk)
            continue
        elif files:
            _fact(files[-1], line)
        elif line.strip():
            loose.append(line)
        at += 1
    return Patch(tuple(files), tuple(lines), tuple(loose))


def _hunk(file: FileDiff, lines: list[str], at: int, hunk: re.Match[str]) -> int:
    """Take in the hunk whose heading is line ``at``; gives the line after it. Only its own counts say where
    it ends: what it holds may look like a heading."""
    old, new = int(hunk[1]), int(hunk[3])
    old_left, new_left = int(hunk[2] or 1), int(hunk[4] or 1)
    heading: str | None = f"@@ line {new or old}" + (f" · {hunk[5]}" if hunk[5] else "")
    first, at, since = at + 1, at + 1, (old, new)
    while at < len(lines):
        sign = lines[at][:1]
        if sign == "\\":
            at += 1
            continue
        if old_left <= 0 and new_left <= 0:
            break
        if sign == "+":
            new, new_left, file.added = new + 1, new_left - 1, file.added + 1
        elif sign == "-":
            old, old_left, file.removed = old + 1, old_left - 1, file.removed + 1
        elif sign in (" ", ""):
            old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
        else:
            break
        at += 1
        if at - first >= BLOCK:
            file.blocks.append(Block(first, at, *since, heading))
            heading, first, since = None, at, (old, new)
    if at > first or heading is not None:
        file.blocks.append(Block(first, at, *since, heading))
    return at


def _fact(file: FileDiff, line: str) -> None:
    word, _, rest = line.partition(" ")
    match word:
        case "---" | "+++":
            if rest.rstrip("\t") != "/dev/null":
                path = _name(rest, "a/" if word == "---" else "b/")
                if word == "+++" or not file.before:
                    file.path = path
        case "rename" | "copy":
            way, _, name = rest.partition(" ")
            file.kind = "renamed" if word == "rename" else "copied"
            if way == "from":
                file.before = _unquoted(name)
            else:
                file.path = _unquoted(name)
        case "new" if rest.startswith("file mode "):
            file.kind = "new"
            _kind_of(file, rest.removeprefix("file mode "))
        case "deleted" if rest.startswith("file mode "):
            file.kind = "deleted"
            _kind_of(file, rest.removeprefix("file mode "))
        case "old" if rest.startswith("mode "):
            file.facts.append(f"mode {rest.removeprefix('mode ')}")
        case "new" if rest.startswith("mode "):
            now = f"→ {rest.removeprefix('mode ')}"
            file.facts[-1:] = [f"{file.facts[-1]} {now}" if file.facts else f"mode {now}"]
        case "Binary":
            file.facts.append("a binary file: its content is not shown")
        case "index" | "similarity" | "dissimilarity" | "":
            pass
        case _:
            file.facts.append(line)


def _kind_of(file: FileDiff, mode: str) -> None:
    what = {"100755": "executable", "120000": "symbolic link", "160000": "submodule"}.get(mode)
    if what:
        file.facts.append(what)


def _from_command(line: str) -> str:
    """The path in ``diff --git a/path b/path``; both are the same, or later lines name them."""
    rest = line.split(" ", 2)[2]
    if rest.startswith('"'):
        return _name(rest[: rest.find('" ') + 1] or rest, "a/")
    half = rest[: len(rest) // 2]
    return _name(half, "a/") if rest == f"{half} b/{half.removeprefix('a/')}" else _name(rest, "a/")


def _name(said: str, prefix: str) -> str:
    return _unquoted(said.rstrip("\t")).removeprefix(prefix)


def _unquoted(name: str) -> str:
    """A path as git prints it; in quotes where it holds what is no letter."""
    if len(name) < 2 or name[0] != '"' or name[-1] != '"':
        return name

    def plain(found: re.Match[str]) -> str:
        said = found[1]
        return chr(int(said, 8)) if len(said) == 3 else _LETTERS.get(said, said)

    raw = _OCTAL.sub(plain, name[1:-1])
    try:
        return raw.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return raw


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line to be shown: its ``sign`` ("+", "-", " " or "\\\\"), its number in the new file or, where it was
    removed, in the old one (0 where it has none), and its text, made harmless."""

    sign: str
    number: int
    text: str


def lines_of(patch: Patch, block: Block) -> Iterator[DiffLine]:
    """The lines of a block."""
    old, new = block.old, block.new
    for raw in patch.lines[block.first : block.last]:
        sign = raw[:1] or " "
        if sign == "\\":
            yield DiffLine("\\", 0, raw[1:].strip())
            continue
        text = shown(raw[1:], ends=sign != " ")
        if sign == "-":
            yield DiffLine(sign, old, text)
            old += 1
        else:
            yield DiffLine(sign, new, text)
            new, old = new + 1, old + (sign == " ")


def shown(text: str, *, ends: bool = False) -> str:
    """A line of a file as it can be shown: tabs as room, what is invisible by its name, the rest of one that
    is very long as a number. The carriage return of a DOS line is shown only where ``ends`` matter."""
    over = len(text) - LONGEST
    if text.endswith("\r"):
        text = text[:-1] + ("␍" if ends else "")
    if over > 0:
        text = text[:LONGEST]
    if "\t" in text:
        text = text.expandtabs(TAB)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _visible(char) for char in text)
    return f"{text} … and {over:,} characters more" if over > 0 else text


def _visible(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return f"<U+{code:04X}>"
