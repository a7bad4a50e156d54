"""What a rehearsed teammate does to files: small edits and mended conflicts, in real repositories."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.rehearsal import edit, mend
from workbench.rehearsal.edit import COMMENTS, sentence


def git(where: Path, *words: str, check: bool = True) -> str:
    done = subprocess.run(["git", *words], cwd=where, check=check, capture_output=True, text=True)
    return done.stdout.strip()


def run(where: Path, module: str, *words: str) -> str:
    command = [sys.executable, "-P", "-m", f"workbench.rehearsal.{module}", *words]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", sorted(COMMENTS))
def test_a_file_keeps_its_text_and_gains_one_comment(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"file.{name}"
    path.write_text("before\n")
    assert edit.edit(tmp_path, "t", "1", [path.name]) == [path.name]
    head, *blank, comment = path.read_text().splitlines()
    assert head == "before" and set(blank) <= {""}
    assert comment == COMMENTS[name].format(sentence("t", "1"))


@pytest.mark.parametrize("before", ["def f():\n    return 1\n", "x = 1", "", "\n"])
def test_python_stays_python_and_formatted(before: str, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(before)
    edit.edit(tmp_path, "t", "1", ["a.py"])
    edit.edit(tmp_path, "t", "2", ["a.py"])
    after = path.read_text()
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(before))
    if before.endswith(")\n"):
        subprocess.run(["ruff", "format", "--check", str(path)], check=True)


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_bytes(b"a\r\nb")
    edit.edit(tmp_path, "t", "1", ["a.js"])
    assert (tmp_path / "a.js").read_bytes() == f"a\r\nb\r\n\r\n// {sentence('t', '1')}\r\n".encode()


def test_what_cannot_be_touched_safely_is_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    outside = tmp_path / "outside.py"
    outside.write_text("x = 1\n")
    (root / "data.json").write_text("{}")
    (root / "picture.md").write_bytes(b"\xff\xfe\x00")
    (root / "link.py").symlink_to(outside)
    (root / "folder").symlink_to(tmp_path)
    wanted = [
        "data.json",
        "picture.md",
        "link.py",
        "folder/outside.py",
        "folder/",
        ".git/config.toml",
        "Nameless",
    ]
    assert edit.edit(root, "t", "1", wanted) == [".rehearsal/t.txt"]
    assert json.loads((root / "data.json").read_text()) == {}
    assert outside.read_text() == "x = 1\n" and not (tmp_path / "rehearsed_t.txt").exists()
    assert not (root / ".git").exists()


def test_folders_get_a_note_and_missing_files_are_made(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    touched = edit.edit(tmp_path, "t", "1", ["src", "lib/deep/", "new/a.ts"])
    assert touched == ["src/rehearsed_t.txt", "lib/deep/rehearsed_t.txt", "new/a.ts"]
    assert all((tmp_path / name).read_text().endswith("\n") for name in touched)


def test_the_command_stages_what_it_touched_and_nothing_else(repo: Path) -> None:
    (repo / ".gitignore").write_text("*.txt\n.rehearsal\n")
    (repo / "package.json").write_text("")
    (repo / "workbench.py").write_text("raise SystemExit('imported from the worktree')\n")
    assert run(repo, "edit", "t", "1", "src/app.py", "docs/").split() == [
        "src/app.py",
        "docs/rehearsed_t.txt",
    ]
    assert git(repo, "diff", "--cached", "--name-only").split() == ["docs/rehearsed_t.txt", "src/app.py"]
    assert run(repo, "edit", "t", "1").split() == [".rehearsal/rehearsed_t.txt"]


def test_a_file_that_git_ignores_stays_out(repo: Path) -> None:
    (repo / ".gitignore").write_text(".env.py\n")
    run(repo, "edit", "t", "1", ".env.py")
    assert git(repo, "diff", "--cached", "--name-only").split() == [".rehearsal/rehearsed_t.txt"]


def test_the_command_works_where_the_checkout_is_sparse(repo: Path) -> None:
    git(repo, "sparse-checkout", "set", "src")
    run(repo, "edit", "t", "1", "src/app.py", "elsewhere/")
    assert "elsewhere/rehearsed_t.txt" in git(repo, "diff", "--cached", "--name-only")


def test_it_starts_quickly_because_it_imports_little() -> None:
    code = "import sys, workbench.rehearsal.edit, workbench.rehearsal.mend; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "yaml", "starlette", "uvicorn", "asyncio"} & set(done.stdout.split())


def branches(repo: Path, ours: str, theirs: str, name: str = "a.txt", base: str = "base\n") -> None:
    """Two branches that change one file, with theirs merged into ours, conflicts left as they are."""
    (repo / name).write_text(base)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "base")
    for branch, text in (("theirs", theirs), ("main", ours)):
        git(repo, "checkout", "-q", "-B", branch, *([] if branch == "theirs" else ["main"]))
        (repo / name).write_text(text)
        git(repo, "commit", "-qam", branch)
        git(repo, "checkout", "-q", "main")
    git(repo, "-c", "merge.conflictStyle=zdiff3", "merge", "theirs", check=False)


def test_both_sides_of_a_conflict_are_kept(repo: Path) -> None:
    branches(repo, "top\nours\nsame\n", "top\ntheirs\nsame\n", "ä b.txt", "top\nbase\nsame\n")
    assert "|||||||" in (repo / "ä b.txt").read_text()
    assert run(repo, "mend") == "mended 1 files\n"
    assert (repo / "ä b.txt").read_text() == "top\nours\ntheirs\nsame\n"
    git(repo, "commit", "-qm", "merged")
    assert git(repo, "rev-list", "--count", "--min-parents=2", "HEAD") == "1"
    assert run(repo, "mend") == "mended 0 files\n"


def test_markers_without_an_unmerged_index_are_mended_too(repo: Path) -> None:
    branches(repo, "ours\n", "theirs\n")
    text = (repo / "a.txt").read_text()
    git(repo, "reset", "-q", "--hard")
    (repo / "a.txt").write_text(text)
    assert run(repo, "mend") == "mended 1 files\n"
    assert (repo / "a.txt").read_text() == "ours\ntheirs\n"


def test_a_file_deleted_on_one_side_stays_with_the_other(repo: Path) -> None:
    (repo / "gone.txt").write_text("base\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "base")
    git(repo, "checkout", "-qb", "theirs")
    git(repo, "rm", "-q", "gone.txt")
    git(repo, "commit", "-qm", "delete")
    git(repo, "checkout", "-q", "main")
    (repo / "gone.txt").write_text("ours\n")
    git(repo, "commit", "-qam", "change")
    git(repo, "merge", "theirs", check=False)
    assert run(repo, "mend") == "mended 1 files\n"
    git(repo, "commit", "-qm", "merged")
    assert (repo / "gone.txt").read_text() == "ours\n"


def test_a_heading_underlined_like_a_marker_is_no_conflict() -> None:
    text = b"Title\n=======\n\n>>>>>>> quoted\n".splitlines(keepends=True)
    assert list(mend.both_sides(text)) == text


def test_an_untracked_or_committed_file_with_markers_is_not_ours_to_mend(repo: Path) -> None:
    markers = "<<<<<<< a\n1\n=======\n2\n>>>>>>> b\n"
    (repo / "fixture.txt").write_text(markers)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a fixture")
    (repo / "untracked.txt").write_text(markers)
    assert run(repo, "mend") == "mended 0 files\n"
    assert (repo / "fixture.txt").read_text() == (repo / "untracked.txt").read_text() == markers
    assert os.environ["GIT_CONFIG_GLOBAL"] == os.devnull
