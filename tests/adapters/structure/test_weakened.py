"""A merge that drops, thins or skips a test of either side is told so."""

from __future__ import annotations

import pytest

from workbench.adapters.structure.weakening import weakened

BASE = """def test_a():
    assert f(1) == 1
"""
OURS = BASE + "    assert f(2) == 2\n"
THEIRS = BASE + "\n\ndef test_b():\n    assert f(3) == 3\n"
GOOD = OURS + "\n\ndef test_b():\n    assert f(3) == 3\n"


def test_all_kept() -> None:
    assert weakened(BASE, OURS, THEIRS, GOOD, "test_a.py") is None


@pytest.mark.parametrize(
    ("merged", "word"),
    [
        (OURS, "test_b"),
        (THEIRS, "f(2) == 2"),
        (GOOD.replace("f(3) == 3", "True"), "f(3) == 3"),
        ("import pytest\n\n\n@pytest.mark.skip\n" + GOOD, "skipped"),
        (GOOD.replace("def test_b", "def check_b"), "test_b"),
    ],
)
def test_weaker_is_told(merged: str, word: str) -> None:
    said = weakened(BASE, OURS, THEIRS, merged, "test_a.py")
    assert said is not None
    assert word in said


def test_what_one_side_took_out_may_be_gone() -> None:
    assert weakened(THEIRS, BASE, THEIRS + "\n\nX = 1\n", BASE, "test_a.py") is None


def test_a_removed_check_that_the_other_side_changed_is_told() -> None:
    changed = THEIRS.replace("f(3) == 3", "f(3) == 4")
    assert weakened(THEIRS, BASE, changed, BASE, "test_a.py") is not None


@pytest.mark.parametrize(
    ("path", "test", "check"),
    [
        (
            "a.test.js",
            'describe("x", () => {\n  it("does", () => {\n    CHECK\n  });\n});\n',
            "expect(a).toBe(1);",
        ),
        ("a.test.tsx", 'test("does", async () => {\n  CHECK\n});\n', "await expect(a()).resolves.toBe(1);"),
        (
            "a_test.go",
            "package a\n\nfunc TestDoes(t *testing.T) {\n\tCHECK\n}\n",
            'if a != 1 {\n\t\tt.Errorf("no")\n\t}',
        ),
        ("a.rs", "mod tests {\n    #[test]\n    fn does() {\n        CHECK\n    }\n}\n", "assert_eq!(a, 1);"),
        (
            "A.java",
            "class A {\n    @Test\n    void does() {\n        CHECK\n    }\n}\n",
            "assertEquals(1, a);",
        ),
        (
            "test_a.py",
            "class A(TestCase):\n    def test_does(self):\n        CHECK\n",
            "self.assertEqual(a, 1)",
        ),
        ("test_b.py", "def test_does():\n    CHECK\n        f()\n", "with pytest.raises(ValueError):"),
    ],
)
def test_every_language(path: str, test: str, check: str) -> None:
    with_check, without = (
        test.replace("CHECK", check),
        test.replace("CHECK", "if x:" if "raises" in check else ""),
    )
    assert weakened(without, with_check, without, with_check, path) is None
    assert weakened(without, with_check, without, without, path) is not None
    assert weakened(without, with_check, without, "", path) is not None


def test_a_lost_row_of_a_table_is_told() -> None:
    table = (
        '@pytest.mark.parametrize(\n    "x",\n    [\n        1,\nROW    ],\n)\ndef test_a(x):\n    assert x\n'
    )
    base, ours, theirs = (table.replace("ROW", row) for row in ("", "        2,\n", "        3,\n"))
    both = table.replace("ROW", "        2,\n        3,\n")
    assert weakened(base, ours, theirs, both, "test_a.py") is None
    assert weakened(base, ours, theirs, ours, "test_a.py") is not None


def test_other_files_are_not_looked_at() -> None:
    assert weakened("a", "b", "c", "", "notes.txt") is None


@pytest.mark.parametrize(
    ("check", "kept"),
    [
        ('"todo: 0, finished: 0, in all: 0"', True),
        ('"todo: 0, finished: 0"', False),  # theirs is lost
        ('"finished: 0, in all: 0"', False),  # what both kept is lost
    ],
)
def test_a_check_that_both_changed_may_become_one(check: str, kept: bool) -> None:
    def text(expected: str) -> str:
        return f"def test_page():\n    assert page() == {expected}\n"

    base, ours, theirs = (
        text(it) for it in ('"todo: 0, done: 0"', '"todo: 0, finished: 0"', '"todo: 0, done: 0, in all: 0"')
    )
    assert (weakened(base, ours, theirs, text(check), "test_a.py") is None) is kept


COUNT = "def test_n():\n    assert len(KINDS) == {}\n"


@pytest.mark.parametrize("theirs", [4, 5])
def test_a_count_of_what_both_sides_add_to_may_be_a_third(theirs: int) -> None:
    sides = COUNT.format(3), COUNT.format(4), COUNT.format(theirs)
    assert weakened(*sides, COUNT.format(6), "test_a.py") is None
    assert weakened(*sides, COUNT.format(6).replace("==", ">="), "test_a.py") is not None
    assert weakened(sides[0], sides[0], sides[1], COUNT.format(6), "test_a.py") is not None, "theirs alone"


def test_a_test_that_one_side_renamed_and_the_other_extended_has_its_new_name() -> None:
    old = "def test_old():\n    assert f(1)\n"
    more, new = old + "    assert f(2)\n", old.replace("old", "new")
    merged = new + "    assert f(2)\n"
    assert weakened(old, more, new, merged, "test_a.py") is None
    assert weakened(old, new, more, merged, "test_a.py") is None
    assert weakened(old, more, new, new, "test_a.py") is not None, "what was added is gone"


def test_a_file_that_is_too_deep_to_read_holds_nobody_up() -> None:
    deep = "x = " + " + ".join(["1"] * 3000) + "\n"
    sides, merged = (deep, f"{deep}a = 1\n", f"{deep}b = 1\n"), f"{deep}a = 1\nb = 1\n"
    assert weakened(*sides, merged, "data.py", strict=False) is None
    assert weakened(*sides, merged, "data.py") is not None
