"""A small honest edit that leaves gates green: ``python -P -m workbench.rehearsal.edit ID ATTEMPT TARGET…``

Run by a rehearsed teammate in its worktree. A file gets one comment line at its end, in the comment syntax
of its language; a folder (or a target that ends in ``/``) a note of its own. What cannot be touched safely
(a format without comments, a binary file, a link, a path outside) is left alone, and the note goes to
``.rehearsal/``. Every file touched is staged and named on stdout. Light to import: it runs once per task.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_HASH = "py pyi sh bash zsh rb pl r jl ex exs yml yaml toml cfg conf tf cmake mk nix dockerfile makefile"
_SLASHES = (
    "js mjs cjs jsx ts mts cts tsx go rs java kt kts swift scala dart cs cc cpp cxx hpp hh proto zig gradle"
)
_BLOCK = "c h css scss less"
_MARKUP = "md markdown html htm xml svg vue"
_DASHES = "sql lua hs elm"

COMMENTS: dict[str, str] = {
    **dict.fromkeys(_HASH.split(), "# {}"),
    **dict.fromkeys(_SLASHES.split(), "// {}"),
    **dict.fromkeys(_BLOCK.split(), "/* {} */"),
    **dict.fromkeys(_MARKUP.split(), "<!-- {} -->"),
    **dict.fromkeys(_DASHES.split(), "-- {}"),
    "tex": "% {}",
    "txt": "# {}",
    "rst": ".. {}",
    "ini": "; {}",
    "clj": ";; {}",
    "el": ";; {}",
}
"""How a language writes a comment of one line, by the file's extension (or its name, without one)."""

BLANK_LINES = {"py": 2, "pyi": 1}
"""Blank lines that formatters want before a comment that stands last; one elsewhere."""


def sentence(task: str, attempt: str) -> str:
    """What a rehearsed edit says of itself."""
    return f"rehearsal: task {task}, attempt {attempt}; no model wrote this line"


def edit(root: Path, task: str, attempt: str, targets: list[str]) -> list[str]:
    """Make one edit for every target under ``root``; the paths touched, relative, without repeats."""
    touched: dict[str, None] = {}
    for target in targets:
        path = root / target
        if target.endswith("/") or (path.is_dir() and not path.is_symlink()):
            path /= f"rehearsed_{task}.txt"
        if not (_inside(root, path) and _comment(path, sentence(task, attempt))):
            path = root / ".rehearsal" / f"{task}.txt"
            _comment(path, sentence(task, attempt))
        touched[path.relative_to(root).as_posix()] = None
    return list(touched)


def _inside(root: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve()) and ".git" not in path.parts


def _comment(path: Path, words: str) -> bool:
    """Append a comment; False, and nothing done, where that is not safe."""
    name = (path.suffix.removeprefix(".") or path.name).lower()
    if name not in COMMENTS or path.is_symlink() or (path.exists() and not path.is_file()):
        return False
    line = COMMENTS[name].format(words)
    try:
        before = path.read_bytes().decode() if path.exists() else ""
    except UnicodeDecodeError:
        return False
    end = "\r\n" if "\r\n" in before else "\n"
    if before.strip():
        missing = "" if before.endswith("\n") else end
        line = missing + end * BLANK_LINES.get(name, 1) + line
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((before + line + end).encode())
    return True


def _stage(names: list[str], *options: str) -> bool:
    return subprocess.run(["git", "add", "--sparse", *options, "--", *names], check=False).returncode == 0


def main(words: list[str]) -> int:
    """The command line: see the module."""
    task, attempt, *targets = words
    touched = edit(Path.cwd(), task, attempt, targets or [".rehearsal/"])
    notes = [name for name in touched if name.endswith((f"rehearsed_{task}.txt", f".rehearsal/{task}.txt"))]
    files = [name for name in touched if name not in notes]
    if files and not _stage(files):
        # Ignored by git: what the user keeps out of commits stays out, and the edit goes to a note.
        notes += edit(Path.cwd(), task, attempt, [".rehearsal/"])
    if notes and not _stage(notes, "-f"):
        return 1
    sys.stdout.write("\n".join(touched) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
