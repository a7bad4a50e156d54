"""Edits carried to where the other side moved the code."""

from __future__ import annotations

import pytest

from workbench.core.moved import carried
from workbench.core.union import clean

BASE = """def read(names):
    for name in names:
        if name not in known:
            raise Unknown(f"unknown: {name}")
    return names
"""
OUT = """def read(names):
    return [one(name) for name in names]


def one(name):
    if name not in known:
        raise Unknown(f"unknown: {name}")
    return name
"""
EDITED = BASE.replace("raise Unknown(", "raise error(")


@pytest.mark.parametrize("swapped", [False, True])
def test_an_edit_goes_along_with_what_was_moved_into_a_function(swapped: bool) -> None:
    sides = (OUT, EDITED) if swapped else (EDITED, OUT)

    found = carried(BASE, *sides)

    assert found is not None
    assert clean(BASE, *found) == OUT.replace("raise Unknown(", "raise error(")


def test_several_lines_are_carried_with_their_new_indent() -> None:
    line, two = (
        "        if name not in known:\n",
        "        # it is loaded late\n        if name not in known():\n",
    )
    edited = BASE.replace(line, two)

    found = carried(BASE, edited, OUT)

    assert found is not None
    assert "    # it is loaded late\n    if name not in known():\n        raise" in found[1]
    assert found[0] == BASE


def test_a_line_that_both_rewrote_keeps_both_rewritings() -> None:
    base = "def f():\n    routes.append(Route(method, pattern, handler))\n"
    block = "def f():\n    for one in methods:\n        routes.append(Route(one.upper(), pattern, handler))\n"

    found = carried(base, base.replace("pattern,", "prefix + pattern,"), block)

    assert found is not None
    assert clean(base, *found) == block.replace("pattern,", "prefix + pattern,")


@pytest.mark.parametrize(
    "mover",
    [
        BASE,
        BASE.replace("    return names\n", "    return list(names)\n"),
        "def read(names):\n    return names\n",  # taken away, not moved
        OUT + OUT.replace("one", "two"),  # moved twice
    ],
)
def test_nothing_is_carried_where_nothing_moved(mover: str) -> None:
    assert carried(BASE, EDITED, mover) is None


def test_two_rewritings_of_a_line_in_its_place_are_no_move() -> None:
    assert carried("x = {'a': 1}\n", "x = {'a': 1, 'b': 2}\n", "x = {'a': 1, 'b': 3}\n") is None


def test_short_and_unlike_lines_are_left_alone() -> None:
    assert carried("a\nx = 1\nb\n", "a\nx = 2\nb\n", "a\nif c:\n    y = 3\nb\n") is None


def test_the_likest_line_counts_where_one_line_became_several() -> None:
    base = "def f():\n    routes.append(Route(method, pattern, handler))\n    end()\n"
    edited = base.replace("pattern, handler))\n", "prefix + pattern, handler))\n    log(method)\n")
    block = base.replace("    routes", "    for one in methods:\n        routes").replace("(method", "(one")

    assert carried(base, edited, block) == (
        base.replace("    end", "    log(method)\n    end"),
        block.replace("pattern,", "prefix + pattern,"),
    )
