"""Diffs as people read them: taken apart, coloured, folded, and never slow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.tui.conftest import screen_text
from workbench.tui.presenting.diff import lines_of, parsed, shown
from workbench.tui.presenting.syntax import pieces
from workbench.tui.widgets.diff import DiffView

TWO = """\
diff --git a/src/a.py b/src/a.py
index 111..222 100644
--- a/src/a.py
+++ b/src/a.py
@@ -10,3 +10,4 @@ def first():
 kept = 1
-gone = "old"
+came = "new"
+more = 2
 kept = 3
@@ -30 +31 @@
--- a look-alike
+++ another
\\ No newline at end of file
diff --git a/old name b/new name
similarity index 90%
rename from old name
rename to new name
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
diff --git a/pic b/pic
new file mode 100644
index 000..111
Binary files /dev/null and b/pic differ
diff --git "a/t\\303\\266r" "b/t\\303\\266r"
deleted file mode 120000
index 111..000
--- "a/t\\303\\266r"
+++ /dev/null
@@ -1 +0,0 @@
-where it leads
\\ No newline at end of file
"""


def big(files: int, lines: int) -> str:
    """A diff of so many files with so many lines each."""
    body = "".join(f"+    value_{it} = compute({it}, 'text')  # line {it}\n" for it in range(lines))
    return "".join(
        f"diff --git a/f{it}.py b/f{it}.py\n--- /dev/null\n+++ b/f{it}.py\n@@ -0,0 +1,{lines} @@\n{body}"
        for it in range(files)
    )


@asynccontextmanager
async def seen(
    diff: str | None, size: tuple[int, int] = (80, 30)
) -> AsyncIterator[tuple[Pilot[None], DiffView]]:
    class Seen(App[None]):
        def compose(self) -> ComposeResult:
            yield DiffView()

    app = Seen()
    async with app.run_test(size=size) as pilot:
        view = app.query_one(DiffView)
        view.focus()
        view.show(diff)
        while diff and not view.patch.files:
            await pilot.pause()
        await pilot.pause()
        yield pilot, view


def test_each_file_is_found_with_what_became_of_it() -> None:
    files = parsed(TWO).files
    assert [(it.title, it.added, it.removed) for it in files] == [
        ("src/a.py", 3, 2),
        ("old name → new name (renamed)", 0, 0),
        ("run.sh", 0, 0),
        ("pic (new)", 0, 0),
        ("tör (deleted)", 0, 1),
    ]
    assert files[2].facts == ["mode 100644 → 100755"]
    assert files[3].facts == ["a binary file: its content is not shown"]
    assert files[4].facts == ["symbolic link"]


def test_lines_are_numbered_as_in_the_file_that_has_them() -> None:
    patch = parsed(TWO)
    first, second = patch.files[0].blocks
    assert [(it.sign, it.number) for it in lines_of(patch, first)] == [
        (" ", 10), ("-", 11), ("+", 11), ("+", 12), (" ", 13),
    ]  # fmt: skip
    assert [(it.sign, it.number, it.text) for it in lines_of(patch, second)] == [
        ("-", 30, "-- a look-alike"), ("+", 31, "++ another"), ("\\", 0, "No newline at end of file"),
    ]  # fmt: skip


@pytest.mark.parametrize("end", range(0, len(TWO), 23))
def test_a_diff_that_is_cut_anywhere_is_read_as_far_as_it_goes(end: int) -> None:
    patch = parsed(TWO[:end])
    for file in patch.files:
        for block in file.blocks:
            assert len(list(lines_of(patch, block))) == block.last - block.first


def test_a_long_hunk_is_taken_in_blocks_that_number_on() -> None:
    patch = parsed(big(1, 1_000))
    blocks = patch.files[0].blocks
    assert len(blocks) == 5
    assert [next(lines_of(patch, it)).number for it in blocks] == [1, 201, 401, 601, 801]
    assert patch.files[0].rows == 1_001


@pytest.mark.parametrize(
    ("raw", "there"),
    [
        ("a\tb", "a   b"),
        ("\x1b[31mred\x07", "␛[31mred␇"),
        ("safe\u202eevil", "safe<U+202E>evil"),
        ("dos\r", "dos␍"),
        ("x" * 5_000, "x" * 2_000 + " … and 3,000 characters more"),
    ],
)
def test_what_is_invisible_is_shown(raw: str, there: str) -> None:
    assert shown(raw, ends=True) == there


@pytest.mark.parametrize("name", ["a.py", "a.js", "Makefile", "a.unknown", "a.html", "x/.bashrc"])
def test_the_pieces_of_a_line_are_that_line(name: str) -> None:
    lines = ["def f(x):", '    """open', "  still open", "", "x" * 900, "\\ ' \" <b>&</b>", "$(x) # no"]
    assert ["".join(text for text, _ in it) for it in pieces(name, lines)] == lines


def test_a_language_has_colours() -> None:
    (line,) = pieces("a.py", ["def f(): return 'x'  # why"])
    assert {"keyword", "function", "string", "comment"} <= {kind for _, kind in line}


async def test_a_diff_reads_without_colours() -> None:
    async with seen(TWO) as (pilot, _):
        text = screen_text(pilot)
        assert "▾ src/a.py  +3 -2" in text
        assert "11 -gone = " in text and "11 +came = " in text
        assert "old name → new name (renamed)" in text


async def test_n_and_p_go_from_file_to_file() -> None:
    async with seen(TWO) as (pilot, view):
        for key, path in (
            ("n", "new name"),
            ("n", "run.sh"),
            ("p", "new name"),
            ("G", "tör"),
            ("g", "src/a.py"),
        ):
            await pilot.press(key)
            assert view.path == path
        await pilot.press("j", "j", "j", "p")
        assert (view.path, view.cursor) == ("src/a.py", 0)


async def test_space_folds_the_file_and_z_all_of_them() -> None:
    async with seen(TWO) as (pilot, view):
        count = view.count
        await pilot.press("j", "j", "space")
        assert view.count == count - view.patch.files[0].rows
        assert view.cursor == 0 and "▸ src/a.py" in screen_text(pilot)
        await pilot.press("space")
        assert view.count == count
        await pilot.press("n", "z")
        assert view.count == len(view.patch.files) and view.path == "new name"
        await pilot.press("z")
        assert view.count == count


async def test_the_cursor_stays_in_its_file_and_folds_stay_when_the_diff_is_read_anew() -> None:
    async with seen(TWO) as (pilot, view):
        await pilot.press("space", "n", "n")
        view.show(big(1, 5) + TWO)
        await pilot.pause()
        assert view.path == "run.sh" and "▸ src/a.py" in screen_text(pilot)


async def test_a_long_line_can_be_looked_along() -> None:
    diff = big(1, 1).replace("compute", "c" * 60 + "END")
    async with seen(diff) as (pilot, _):
        assert "END" not in screen_text(pilot) and "…" in screen_text(pilot)
        await pilot.press(*["right"] * 4)
        assert "END" in screen_text(pilot)
        await pilot.press(*["left"] * 4)
        assert "value_0" in screen_text(pilot)


async def test_what_stands_there_without_a_diff() -> None:
    async with seen(None) as (pilot, view):
        assert "reading the diff" in screen_text(pilot)
        view.show("")
        await pilot.pause()
        assert "Nothing differs." in screen_text(pilot)
        view.show("", "", "The worktree is gone.")
        await pilot.pause()
        assert "The worktree is gone." in screen_text(pilot)


async def test_a_diff_of_megabytes_answers_keys() -> None:
    async with seen(big(20, 5_000)) as (pilot, view):
        assert view.count == 20 * 5_002
        for key in ("G", "ctrl+b", "p", "n", "g", "n"):
            await pilot.press(key)
        assert view.path == "f1.py"
