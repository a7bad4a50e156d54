"""Rungs over whole files, language by language; and nothing makes them fail."""

from __future__ import annotations

import random
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench
from workbench.adapters.structure import ladder
from workbench.adapters.structure.ladder import merge_file, proposals
from workbench.adapters.structure.runs import Clash

DEF = "def f(a, b=1):\n    return g(a, b)\n"
PATHS = st.sampled_from(
    ["a.py", "a.js", "a.ts", "a.tsx", "a.go", "a.rs", "A.java", "a.md", "a.json", "a.toml", "a"]
)
CODE = st.text("def class(){}[]:;,=.\n\t \"'#/*<>|&!?+-abcxyz01→é", max_size=80)


def best(path: str, base: str, ours: str, theirs: str) -> str | None:
    found = merge_file(path, base, ours, theirs)
    return found.text if found else None


@pytest.mark.parametrize(
    ("path", "base", "ours", "theirs", "merged"),
    [
        (
            "a.py",
            DEF,
            DEF.replace("b=1)", "b=1, c=2)"),
            DEF.replace("b=1)", "b=1, d=3)"),
            DEF.replace("b=1)", "b=1, c=2, d=3)"),
        ),
        (
            "a.py",
            DEF,
            DEF.replace("b=1)", "b=1, **kw)"),
            DEF.replace("b=1)", "b=1, *, d=3)"),
            DEF.replace("b=1)", "b=1, *, d=3, **kw)"),
        ),
        (
            "a.py",
            "def f(a):\n    pass\n",
            "def f(a, b=1):\n    pass\n",
            "def f(a, c):\n    pass\n",
            "def f(a, c, b=1):\n    pass\n",
        ),
        ("a.py", "x = [1]\n", "x = [1, 2]\n", "x = [1, 3]\n", "x = [1, 2, 3]\n"),
        (
            "a.py",
            "x = {'a': 1}\n",
            "x = {'a': 1, 'b': 2}\n",
            "x = {'a': 1, 'c': 3}\n",
            "x = {'a': 1, 'b': 2, 'c': 3}\n",
        ),
        (
            "a.py",
            "from a import b\n",
            "from a import b, c\n",
            "from a import b, d\n",
            "from a import b, c, d\n",
        ),
        (
            "a.py",
            "if a:\n    pass\n",
            "if a and b:\n    pass\n",
            "if a or c:\n    pass\n",
            "if (a and b) or c:\n    pass\n",
        ),
        (
            "a.py",
            "def f():\n    x = g()\n    return x\n",
            "def f():\n    with lock:\n        x = g()\n    return x\n",
            "def f():\n    x = g(1)\n    return x\n",
            "def f():\n    with lock:\n        x = g(1)\n    return x\n",
        ),
        ("a.py", "x = {'a': 1}\n", "x = {'a': 1, 'b': 2}\n", "x = {'a': 1, 'b': 3}\n", None),
        ("a.py", "x = 1\n", "x = 2\n", "x = 3\n", None),
        (
            "a.py",
            "X = 1\n",
            "X = 1\n\n\ndef h():\n    return 1\n",
            "X = 1\n\n\ndef h():\n    return 2\n",
            None,
        ),
        (
            "a.ts",
            "interface A { a: string }\n",
            "interface A { a: string; b: number }\n",
            "interface A { a: string; c?: Date }\n",
            "interface A { a: string; b: number; c?: Date }\n",
        ),
        (
            "a.ts",
            'type K = "a";\n',
            'type K = "a" | "b";\n',
            'type K = "a" | "c";\n',
            'type K = "a" | "b" | "c";\n',
        ),
        (
            "a.js",
            "if (a) {\n  x();\n}\n",
            "if (a) {\n  x();\n} else if (b) {\n  y();\n}\n",
            "if (a) {\n  x();\n} else if (c) {\n  z();\n}\n",
            "if (a) {\n  x();\n} else if (b) {\n  y();\n} else if (c) {\n  z();\n}\n",
        ),
        (
            "a.go",
            "package a\n\ntype A struct {\n\tOne int\n}\n",
            "package a\n\ntype A struct {\n\tOne   int\n\tThree int\n}\n",
            "package a\n\ntype A struct {\n\tOne int\n\tTwo int\n}\n",
            "package a\n\ntype A struct {\n\tOne   int\n\tThree int\n\tTwo int\n}\n",
        ),
        (
            "a.rs",
            "fn f(a: u8) {}\n",
            "fn f(a: u8, b: u8) {}\n",
            "fn f(a: u8, c: u8) {}\n",
            "fn f(a: u8, b: u8, c: u8) {}\n",
        ),
        ("A.java", "enum K { X }\n", "enum K { X, Y }\n", "enum K { X, Z }\n", "enum K { X, Y, Z }\n"),
        (
            "a.py",
            "",
            "import a\n\nX = 1\n",
            "import b\n\n\ndef f():\n    pass\n",
            "import a\nimport b\n\nX = 1\n\n\ndef f():\n    pass\n",
        ),
    ],
)
def test_merges(path: str, base: str, ours: str, theirs: str, merged: str | None) -> None:
    assert best(path, base, ours, theirs) == merged


def test_an_addition_to_a_list_of_lines_is_a_line() -> None:
    base, flat, lines = "f(a, b)\n", "f(a, b, c=1)\n", "f(\n    a,\n    b,\n    d=2,\n)\n"
    assert best("a.py", base, flat, lines) == "f(\n    a,\n    b,\n    c=1,\n    d=2,\n)\n"


def test_crlf_stays_crlf() -> None:
    texts = [
        text.replace("\n", "\r\n")
        for text in (DEF, DEF.replace("=1)", "=1, c=2)"), DEF.replace("=1)", "=1, d=3)"))
    ]
    merged = best("a.py", *texts)
    assert merged == DEF.replace("=1)", "=1, c=2, d=3)").replace("\n", "\r\n")


def test_no_newline_at_the_end_stays_so() -> None:
    assert best("a.py", "x = [1]", "x = [1, 2]", "x = [1, 3]") == "x = [1, 2, 3]"


def test_the_other_order_is_a_later_proposal() -> None:
    texts = [one.text for one in proposals("a.py", "a = 1\n", "a = 1\nb = 2\n", "a = 1\nc = 3\n")]
    assert texts == ["a = 1\nb = 2\nc = 3\n", "a = 1\nc = 3\nb = 2\n"]


def test_markers_in_the_texts_are_left_to_people() -> None:
    assert proposals("a.py", "x = 1\n", "<<<<<<< ours\n", "x = 3\n") == []


@settings(max_examples=300, deadline=None)
@given(PATHS, CODE | st.text(max_size=60), CODE, CODE | st.text(max_size=60))
def test_no_text_makes_it_fail(path: str, base: str, ours: str, theirs: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ladder, "FAULTS", (Clash,))
        for one in proposals(path, base, ours, theirs):
            assert "<<<<<<<" not in one.text


def test_lone_surrogates_are_no_merge() -> None:
    assert merge_file("a.py", "x = 1\n", "x = '\ud800'\n", "x = 2\n") is None


def test_deep_nesting_is_no_failure() -> None:
    deep = "x = " + "[" * 3000 + "{}" + "]" * 3000 + "\n"
    assert merge_file("a.py", deep.format(1), deep.format(2), deep.format(3)) is None


@pytest.mark.parametrize("seed", range(20))
def test_mutated_code_never_fails_and_loses_no_new_name(seed: int) -> None:
    dice = random.Random(seed)
    path = dice.choice(sorted(Path(workbench.__file__).parent.rglob("*.py")))
    base = path.read_text()
    ours, theirs = (_mutated(base, dice, mark) for mark in ("mine", "yours"))
    for one in proposals(path.name, base, ours, theirs):
        assert all(mark in one.text for mark, side in (("mine", ours), ("yours", theirs)) if mark in side)


def _mutated(base: str, dice: random.Random, mark: str) -> str:
    lines = base.split("\n")
    for _ in range(4):
        at = dice.randrange(len(lines))
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        choice = dice.random()
        if choice < 0.5:
            lines.insert(at, f"{indent}{mark} = 1")
        elif choice < 0.7:
            lines[at] = lines[at].replace("self", f"self, {mark}", 1)
        elif len(lines) > 1:
            del lines[at]
    return "\n".join(lines)


@pytest.mark.timeout(60)  # 20 to 40 ms on a quiet machine; what is squared here takes minutes
def test_a_thousand_functions_are_merged() -> None:
    base = "".join(f"def f{n}(a, b=1):\n    return g(a, b)\n\n\n" for n in range(1000))
    ours, theirs = (base.replace("def f100(a, b=1", f"def f100(a, b=1, {name}=2") for name in "cd")
    merged = merge_file("a.py", base, ours, theirs)
    assert merged is not None and "c=2" in str(merged) and "d=2" in str(merged)


def test_a_lock_stands_before_what_the_other_side_added() -> None:
    base = "package a\n\nfunc f(x int) {\n\tuse(x)\n}\n"
    lock = "\tmu.Lock()\n\tdefer mu.Unlock()\n"
    one = base.replace("(x int)", "(x int, y int)").replace("\tuse", "\tcheck(x, y)\n\tuse")
    two = base.replace("(x int)", "(x int, z int)").replace("\tuse", f"{lock}\tuse")
    for texts in ((one, two), (two, one)):
        merged = best("a.go", base, *texts)
        assert merged is not None
        assert f"{lock}\tcheck(x, y)\n" in merged


def test_an_edit_of_what_the_other_side_moved_is_a_proposal() -> None:
    loop = "    if x not in known:\n        raise Unknown(x, a)\n"
    base = f"def f(a):\n    for x in a:\n{textwrap.indent(loop, '    ')}    return a\n"
    edited = base.replace("Unknown(x, a)", "error(x, a)")
    moved = f"def f(a):\n    return [g(x, a) for x in a]\n\n\ndef g(x, a):\n{loop}    return x\n"
    found = proposals("a.py", base, edited, moved)
    assert (found[-1].rung, found[-1].variant) == ("structure", "moved")
    assert found[-1].text == moved.replace("Unknown(x, a)", "error(x, a)")


def test_an_expression_that_one_side_gave_a_name_is_named_where_the_other_rewrote_its_statement() -> None:
    base = (
        "def f(rows):\n    for row in rows:\n        total[row.by] = total.get(row.by, 0) + number(row.of)\n"
    )
    named = base.replace("        total[", "        n = number(row.of)\n        log(n)\n        total[")
    named = named.replace("0) + number(row.of)", "0) + n")
    rewritten = base.replace("total[row.by] = total.get(row.by, 0) + number", "total.add(row.by, number")
    rewritten = rewritten.replace("(row.of)", "(row.of))")
    for sides in ((named, rewritten), (rewritten, named)):
        wanted = "        n = number(row.of)\n        log(n)\n        total.add(row.by, n)\n"
        assert wanted in [one.text.split("rows:\n")[1] for one in proposals("a.py", base, *sides)]


def test_a_change_goes_into_what_the_other_side_changed_and_put_into_a_call() -> None:
    base = 'x = [f"{name}: {total:.2f}" for name, total in items]\n'
    ours = base.replace("{name}", "{name:{width}}")
    theirs = base.replace("{total:.2f}", "{total:,.2f}").replace('" for', '".replace(",", sep) for')
    wanted = 'x = [f"{name:{width}}: {total:,.2f}".replace(",", sep) for name, total in items]\n'
    for sides in ((ours, theirs), (theirs, ours)):
        assert wanted in [one.text for one in proposals("a.py", base, *sides)]


def test_what_is_unlike_is_not_taken_for_what_was_changed() -> None:
    base = "x = f(a, b)\n"
    assert proposals("a.py", base, "x = f(a, c)\n", "x = g(h(d, e), y)\n") == []
