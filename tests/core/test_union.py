"""Rungs that know lines and words: what both sides added is kept, in order, and nothing is lost."""

from __future__ import annotations

import itertools
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.diff3 import matches, stretches
from workbench.core.union import clean, listed, merge_words, union

LINES = st.lists(st.sampled_from(["a", "b", "c", "}", "", "  x", "y = 1"]), max_size=12)
BASE = "def a():\n    return 1\n"


def text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("a\n", "a\nb\n", "a\nc\n", "a\nb\nc\n"),
        ("a\n", "a\nb\n", "a\nb\n", "a\nb\n"),
        ("a\nz\n", "a\nb\nz\n", "a\nc\nz\n", "a\nb\nc\nz\n"),
        ("a\nz\n", "n\na\nb\nz\n", "a\nc\nz\n", "n\na\nb\nc\nz\n"),
        ("a", "a\nb\n", "a\nc\n", "a\nb\nc\n"),
        ("", "b\n", "c\n", "b\nc\n"),
        (
            "# T\n\n## 1\n",
            "# T\n\n## New\n\n- x\n\n## 1\n",
            "# T\n\n## New\n\n- y\n\n## 1\n",
            "# T\n\n## New\n\n- x\n- y\n\n## 1\n",
        ),
        ("a\nb\n", "b\n", "a\nc\nb\n", None),
        ("a\n", "b\n", "c\n", None),
    ],
)
def test_union(base: str, ours: str, theirs: str, merged: str | None) -> None:
    assert union(base, ours, theirs) == merged


def test_functions_added_at_the_end_do_not_share_a_return() -> None:
    ours, theirs = (BASE + f"\n\ndef {name}():\n    return 1\n" for name in "bc")
    assert union(BASE, ours, theirs) == BASE + "\n\ndef b():\n    return 1\n\n\ndef c():\n    return 1\n"


def test_functions_added_in_the_middle_keep_their_ends() -> None:
    after = "\n\ndef z():\n    return 1\n"
    ours, theirs = (BASE + f"\n\ndef {name}():\n    return 1\n" + after for name in "bc")
    merged = union(BASE + after, ours, theirs)
    assert merged is not None
    assert merged.count("def ") == merged.count("    return 1") == 4


@pytest.mark.parametrize(
    ("name", "base", "ours", "theirs", "merged"),
    [
        (
            ".json",
            '{\n  "a": 1\n}\n',
            '{\n  "a": 1,\n  "b": 2\n}\n',
            '{\n  "a": 1,\n  "c": 3\n}\n',
            '{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}\n',
        ),
        (".json", '{\n  "a": 1\n}\n', '{\n  "a": 1,\n  "b": 2\n}\n', '{\n  "a": 1,\n  "b": 3\n}\n', None),
        (
            ".toml",
            'x = ["a"]\n',
            'x = ["a", "b"]\ny = 1\n',
            'x = ["a", "c"]\nz = 1\n',
            'x = ["a", "b", "c"]\ny = 1\nz = 1\n',
        ),
        (".txt", "a==1\nb==1\n", "a==1\nb==2\nc==1\n", "a==2\nb==1\nd==1\n", "a==2\nb==2\nc==1\nd==1\n"),
        (
            ".md",
            "Does a and b.\n",
            "Does a, c and b.\n",
            "Does a and b, even d.\n",
            "Does a, c and b, even d.\n",
        ),
        (
            ".md",
            "| 1 | 2 |\n",
            "| 1 | 2 |\n| 3 | 4 |\n",
            "| 1 | 2 |\n| 5 | 6 |\n",
            "| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |\n",
        ),
        (".txt", "version = 1\n", "version = 2\n", "version = 3\n", None),
    ],
)
def test_listed(name: str, base: str, ours: str, theirs: str, merged: str | None) -> None:
    assert listed(base, ours, theirs, name) == merged


def test_words_both_changed_are_no_merge() -> None:
    assert merge_words("one two", "one three", "one four") is None


@given(LINES, LINES)
def test_matches_are_equal_and_rise(a: list[str], b: list[str]) -> None:
    pairs = matches(a, b)
    assert all(a[i] == b[j] for i, j in pairs)
    assert all(p < q and r < s for (p, r), (q, s) in itertools.pairwise(pairs))
    if a == b:
        assert len(pairs) == len(a)


@given(LINES, LINES, LINES)
def test_stretches_cover_all_three(base: list[str], ours: list[str], theirs: list[str]) -> None:
    found = stretches(base, ours, theirs)
    for side, lines in (("base", base), ("ours", ours), ("theirs", theirs)):
        cut = [line for _, part in found for line in lines[slice(*getattr(part, side))]]
        assert cut == lines


@given(LINES, LINES)
def test_one_side_alone_wins(base: list[str], side: list[str]) -> None:
    assert clean(text(base), text(side), text(base)) == text(side)
    assert clean(text(base), text(base), text(side)) == text(side)


@given(
    LINES,
    st.lists(st.tuples(st.integers(0, 12), st.text("pqr", min_size=1)), max_size=4),
    st.lists(st.tuples(st.integers(0, 12), st.text("stu", min_size=1)), max_size=4),
)
def test_every_inserted_line_is_kept(
    base: list[str], mine: list[tuple[int, str]], yours: list[tuple[int, str]]
) -> None:
    sides = []
    for added in (mine, yours):
        lines = list(base)
        for at, line in added:
            lines.insert(at, line)
        sides.append(lines)
    merged = union(text(base), text(sides[0]), text(sides[1]))
    assert merged is not None
    lines = merged.split("\n")
    assert all(line in lines for side in sides for line in side)
    assert "<<<<<<<" not in merged


@settings(max_examples=25, deadline=None)
@given(LINES, LINES, st.booleans())
def test_far_apart_changes_merge_as_git_does(
    tmp_path_factory: pytest.TempPathFactory, head: list[str], tail: list[str], swap: bool
) -> None:
    middle = [f"line {n}" for n in range(8)]
    base, mine, yours = (text(x) for x in (middle, [*head, *middle], [*middle, *tail]))
    ours, theirs = (yours, mine) if swap else (mine, yours)
    folder = tmp_path_factory.mktemp("git")
    names = [_write(folder / name, body) for name, body in (("o", ours), ("b", base), ("t", theirs))]
    git = subprocess.run(["git", "merge-file", "-p", *names], capture_output=True, text=True, check=True)
    assert clean(base, ours, theirs) == git.stdout


def _write(path: Path, body: str) -> str:
    path.write_text(body)
    return str(path)


@pytest.mark.parametrize(
    "lock", ["    mu.Lock()\n    defer mu.Unlock()\n", "    guard = self.state.lock()\n"]
)
def test_a_lock_stands_before_what_the_other_side_inserted(lock: str) -> None:
    base, other = "f {\n    use(x)\n}\n", "    check(x)\n"
    one, two = (base.replace("    use", f"{text}    use") for text in (other, lock))
    wanted = base.replace("    use", f"{lock}{other}    use")
    assert union(base, one, two, code=True) == union(base, two, one, code=True) == wanted
    assert union(base, one, two) == base.replace("    use", f"{other}{lock}    use")


def test_blocks_that_end_alike_are_inserted_where_they_begin() -> None:
    base = "f {\n\tif bad {\n\t\treturn\n\t}\n\tuse(x)\n}\n"
    lock, block = "\tmu.Lock()\n", "\tif twice {\n\t\tx = y\n\t}\n"
    one, two = (base.replace("\tuse", f"{text}\tuse") for text in (block, lock))
    assert union(base, one, two, code=True) == base.replace("\tuse", f"{lock}{block}\tuse")


def test_long_lists_of_which_every_entry_changed_take_no_minutes() -> None:
    """A lock file or a snapshot that both sides made anew: the cost must not grow with its square."""
    texts = ["\n".join(f'"key{n}": "{side}{n}",' for n in range(20_000)) for side in "abc"]
    began = time.process_time()
    assert listed(*texts) is None
    assert time.process_time() - began < 10
