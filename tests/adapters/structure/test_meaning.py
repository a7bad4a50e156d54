"""Proposals that would be green and wrong are not made."""

import pytest

from workbench.adapters.structure.ladder import proposals

HEAD = "def f(x):\n    "


def bodies(base: str, ours: str, theirs: str, path: str = "a.py") -> set[str]:
    """What is proposed for a function's body, whichever side is ours."""
    texts = [f"{HEAD}{body}\n" for body in (base, ours, theirs)]
    found = [*proposals(path, *texts), *proposals(path, texts[0], texts[2], texts[1])]
    return {one.text.removeprefix(HEAD).rstrip() for one in found}


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        ("return 1", "return 2 - 1", "return 5 - 4"),
        ("return 1", "return 2 - 1", "return 1 - 4"),
        ("return a", "return 2 - a", "return a * 4"),
        ("return x", "return x + 1", "return not x"),
        ("return a - b", "return (a - b) / 2", "return 3 - (a - b)"),
        ("return x", "y = x - 1\n    return y", "return 5 - 4"),
        ("return f(x)", "return g(f(x))", "return y.z"),
    ],
)
def test_expressions_that_do_not_add_up_are_left_to_people(base: str, ours: str, theirs: str) -> None:
    assert bodies(base, ours, theirs) == set()


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("return a - b", "return a - b - c", "return d - b", "return d - b - c"),
        ("return a or b", "return c and (a or b)", "return a or d", "return c and (a or d)"),
        ("n = a(10)", "n = a(10) if q else 0", "n = a(20)", "n = a(20) if q else 0"),
        ("return f(x)", "return g(f(x))", "return f(x, 1)", "return g(f(x, 1))"),
        ("return f(x)", "return f(x), n", "return g(f(x))", "return g(f(x)), n"),
        (
            "return 1",
            "y = 1\n    log(y)\n    return y",
            "return 5 - 4",
            "y = 5 - 4\n    log(y)\n    return y",
        ),
    ],
)
def test_an_edit_goes_into_what_the_other_side_put_around_it(
    base: str, ours: str, theirs: str, merged: str
) -> None:
    assert merged in bodies(base, ours, theirs)


def test_a_change_goes_to_where_the_other_side_gave_the_expression_a_name() -> None:
    base = "return not bool(r.read(1024).strip(t))"
    named = "head = r.read(1024)\n    if head == b:\n        return True\n    return not bool(head.strip(t))"
    merged = named.replace("1024", "size")
    assert bodies(base, base.replace("1024", "size"), named) == {merged}


def test_what_one_side_puts_around_a_result_goes_around_the_early_one_of_the_other_too() -> None:
    early = "if flag:\n        return sorted(x, key=k)\n    return sorted(x)"
    found = bodies("return sorted(x)", early, "return sorted(x)[:top]")
    assert found == {"if flag:\n        return sorted(x, key=k)[:top]\n    return sorted(x)[:top]"}


def test_an_early_result_of_another_kind_stays_as_it_is() -> None:
    early = "if not x:\n        return []\n    return sorted(x)"
    found = bodies("return sorted(x)", early, "return sorted(x)[:top]")
    assert found == {"if not x:\n        return []\n    return sorted(x)[:top]"}


@pytest.mark.parametrize("name", ["y", "z"])
def test_what_both_sides_make_of_one_expression_before_they_use_it_is_made_in_turn(name: str) -> None:
    ours = "y = one(x.n)\n    use(y, 1)"
    theirs = f"if q:\n        log()\n    {name} = two(x.n, x.n)\n    use({name}, 1)"
    first = f"y = one(x.n)\n    if q:\n        log()\n    {name} = two(y, y)\n    use({name}, 1)"
    other = f"if q:\n        log()\n    {name} = two(x.n, x.n)\n    y = one({name})\n    use(y, 1)"
    assert {first, other} <= bodies("use(x.n, 1)", ours, theirs)


def test_a_value_that_the_other_side_would_overwrite_unread_is_not_proposed() -> None:
    base = "use(x)"
    assert bodies(base, "y = one(x)\n    use(x)", "y = two(x)\n    use(x)") == set()


def test_what_both_sides_begin_with_is_done_once() -> None:
    ours = "y = x.y\n    if a:\n        y = one(y)\n    use(y)"
    theirs = "y = x.y\n    if b:\n        y = two(y)\n    use(y)"
    both = {
        "y = x.y\n    if a:\n        y = one(y)\n    if b:\n        y = two(y)\n    use(y)",
        "y = x.y\n    if b:\n        y = two(y)\n    if a:\n        y = one(y)\n    use(y)",
    }
    assert bodies("use(x.y)", ours, theirs) == both


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("a.rs", "    let y = one(x);\n", "    let y = two(x);\n"),
        ("a.go", "\ty = one(x)\n", "\ty = two(x)\n"),
        ("a.ts", "  this.y = one(x);\n", "  this.y = two(x);\n"),
    ],
)
def test_in_other_languages_too(path: str, first: str, second: str) -> None:
    head = {"a.rs": "fn f() {\n", "a.go": "package a\n\nfunc f() {\n", "a.ts": "function f() {\n"}[path]
    base = f"{head}}}\n"
    assert proposals(path, base, f"{head}{first}}}\n", f"{head}{second}}}\n") == []
    kept = f"{head}{second.replace('y =', 'z =')}}}\n"
    assert proposals(path, base, f"{head}{first}}}\n", kept)


@pytest.mark.parametrize(
    ("path", "one", "other", "ends"),
    [
        ("a.py", "if a:\n    x(1)\n", "if n:\n    y(2)\nelif a:\n    x(1)\n", "elif b:\n    z()\n"),
        (
            "a.ts",
            "if (a) {\n  x(1);\n}",
            "if (n) {\n  y(2);\n} else if (a) {\n  x(1);\n}",
            " else {\n  z();\n}\n",
        ),
    ],
)
def test_an_edit_of_a_branch_follows_it_when_the_other_side_puts_one_before(
    path: str, one: str, other: str, ends: str
) -> None:
    edited = one.replace("x(1)", "x(1, 7)")
    merged = other.replace("x(1)", "x(1, 7)") + ends
    for sides in ((edited, other), (other, edited)):
        found = proposals(path, one + ends, *(side + ends for side in sides))
        assert {it.text for it in found} == {merged}


def test_two_branches_put_before_one_stand_one_after_the_other() -> None:
    base, head = "if (a) {\n  x();\n}\n", "if (%s) {\n  y();\n} else if (a) {\n  x();\n}\n"
    merged = {
        "if (n) {\n  y();\n} else if (m) {\n  y();\n} else if (a) {\n  x();\n}\n",
        "if (m) {\n  y();\n} else if (n) {\n  y();\n} else if (a) {\n  x();\n}\n",
    }
    assert {it.text for it in proposals("a.ts", base, head % "n", head % "m")} == merged


def test_a_value_given_by_place_is_for_the_parameter_that_its_side_meant() -> None:
    base = "def f(a):\n    return a\n\n\ndef g(a):\n    return f(a)\n"
    ours = base.replace("f(a):", "f(a, width=0):").replace("return f(a)", "return f(a, 7)")
    theirs = base.replace("f(a):", "f(a, depth=0):") + "\n\ndef h(a):\n    return f(a, 9)\n"
    assert proposals("a.py", base, ours, theirs) == []
    named = theirs.replace("f(a, 9)", "f(a, depth=9)")
    assert proposals("a.py", base, ours, named)
    both = base.replace("f(a):", "f(a, depth=0):").replace("return f(a)", "return f(a, 9)")
    assert "return f(a, 7, 9)" in proposals("a.py", base, ours, both)[0].text


def test_a_constructor_is_called_by_its_class() -> None:
    base = "class A {\n  constructor(a) {\n    this.a = a;\n  }\n}\n\nconst one = new A(1);\n"
    ours = base.replace("(a)", "(a, width)").replace("A(1)", "A(1, width)")
    theirs = base.replace("(a)", "(a, depth)") + "\nconst two = new A(2, depth);\n"
    assert proposals("a.js", base, ours, theirs) == []
    assert proposals("a.js", base, ours, base.replace("(a)", "(a, depth)"))


def test_imported_names_that_stand_sorted_stay_so() -> None:
    base = "from typing import Iterator, List, Tuple\n"
    ours, theirs = base.replace("Iter", "Iterable, Iter"), base.replace("Iter", "Any, Callable, Iter")
    merged = "from typing import Any, Callable, Iterable, Iterator, List, Tuple\n"
    assert {one.text for one in proposals("a.py", base, ours, theirs)} == {merged}


def test_code_that_one_side_put_under_a_new_head_is_edited_there_beside_another_clash() -> None:
    base = (
        "class A:\n    def on(self, a):\n        self.all.append((a, 1))\n\n"
        "    def find(self, a):\n        for one in self.all:\n            if fit(one, a):\n"
        "                return one\n"
    )
    ours = base.replace("(self, a):\n        self", "(self, a, n=1):\n        self").replace(
        "(a, 1)", "(a, n)"
    )
    ours = ours.replace("fit(one, a)", "fit(one, a, self.low)")
    theirs = base.replace("        self.all.app", "        self.known.clear()\n        self.all.app")
    head = "    def find(self, a):\n        return self.known.get(a) or self.search(a)\n\n"
    head += "    def search(self, a):\n"
    theirs = theirs.replace("    def find(self, a):\n", head)
    for sides in ((ours, theirs), (theirs, ours)):
        found = proposals("a.py", base, *sides)
        assert found
        assert f"{head}        for one in self.all:\n            if fit(one, a, self.low):" in found[0].text
