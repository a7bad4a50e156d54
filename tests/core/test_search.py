"""Prefix search against a brute-force oracle, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.search import Search, expected_runs, gate_runs, rounds

Seen = list[tuple[int, str]]
"""Prefixes in the order in which they were gated, each with the gate that was red, or nothing."""

SIZES = st.integers(1, 20)


def searched(size: int, red: Callable[[int], str], doubting: bool = True) -> tuple[Search, Seen]:
    """A search to its end; ``red`` says which gate is red on a prefix this time, if any."""
    search, seen = Search(size, doubting=doubting), Seen()
    while (prefix := search.next) is not None:
        assert 0 <= prefix <= size
        gate = red(prefix)
        seen.append((prefix, gate))
        search.learn(prefix, not gate, gate)
        assert len(seen) <= 8 * (size + 2), "it does not end"
    return search, seen


def halvings(size: int) -> int:
    """How often a batch is halved until one change is left."""
    return math.ceil(math.log2(size))


def assert_fair(search: Search, seen: Seen) -> None:
    """The outcome follows from what was seen, and from nothing less."""
    culprit = search.culprit
    if search.base_red:
        assert culprit is None
        assert [prefix for prefix, _ in seen[-2:]] == [0, 0] and seen[-1][1] == seen[-2][1] != ""
    elif culprit is None:
        assert seen[-1] == (search.size, ""), "all may land, and nobody saw that it is green"
    else:
        reds = [gate for prefix, gate in seen if prefix == culprit][-2:]
        assert len(reds) == 2 and reds[0] == reds[1] != "", "blamed without being red twice by one gate"
        assert (culprit - 1, "") in seen, "blamed while the prefix before it is unproven"
        assert search.green == culprit - 1 or search.green == 0


@given(SIZES, st.booleans(), st.data())
def test_steady_gates_find_the_first_that_breaks_it(size: int, doubting: bool, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, size), max_size=4))  # 0: the base itself is red
    search, seen = searched(size, lambda prefix: "test" if any(at <= prefix for at in bad) else "", doubting)
    first = min(bad, default=None)
    assert (search.culprit, search.base_red) == (first or None, first == 0)
    assert_fair(search, seen)
    once = [prefix for prefix, _ in seen]
    assert len(set(once)) <= 1 + halvings(size) + (first in (0, 1))
    twice = {prefix for prefix in once if once.count(prefix) == 2}
    whole = {size} if doubting and bad else set()
    ends = ({0} if first == 0 else set()) | ({max(first, 1)} if first is not None else set())
    assert twice == whole | ends, "red twice where it counts, and nowhere else"
    assert len(once) == len(set(once)) + len(twice)


@given(SIZES, st.booleans(), st.data())
def test_whatever_the_gates_say_it_ends_and_blames_nobody_unproven(
    size: int, doubting: bool, data: st.DataObject
) -> None:
    """Flaky verdicts in any pattern whatsoever."""
    search, seen = searched(size, lambda prefix: data.draw(st.sampled_from(["", "test"])), doubting)
    assert_fair(search, seen)
    assert len(seen) <= 3 * (2 + size)


@given(SIZES, st.data())
def test_several_flaky_gates_blame_nobody_for_being_red_once_each(size: int, data: st.DataObject) -> None:
    """As they are run: in order, up to the first that is red, and what is green is not run again."""
    gates, green = ("lint", "types", "test"), set[tuple[int, str]]()

    def red(prefix: int) -> str:
        for gate in gates:
            if (prefix, gate) not in green and data.draw(st.booleans()):
                return gate
            green.add((prefix, gate))
        return ""

    search, seen = searched(size, red)
    assert_fair(search, seen)
    assert len(seen) <= (len(gates) + 1) * (2 + size)


@given(st.integers(1, 12), st.data())
def test_an_acquittal_begins_again_behind_what_is_green(size: int, data: st.DataObject) -> None:
    culprit = data.draw(st.integers(1, size))
    search, _ = searched(size, lambda prefix: "test" if prefix >= culprit else "")
    green = search.green
    search.acquit()
    assert (search.next, search.culprit, search.green) == (size, None, green)
    search.learn(size, True)
    assert (search.next, search.culprit) == (None, None)


def test_red_by_one_gate_and_then_by_another_is_looked_at_a_third_time() -> None:
    search = Search(1)
    search.learn(1, False, "lint")
    search.learn(1, False, "test")
    assert (search.next, search.red) == (1, None)
    search.learn(1, False, "test")
    assert (search.next, search.red) == (0, 1)


@given(st.lists(st.booleans(), min_size=1, max_size=10))
def test_landing_all_of_a_batch_takes_no_more_than_one_search_for_each_that_breaks_it(
    bad: list[bool],
) -> None:
    broken, most = sum(bad), 1 + halvings(len(bad))
    assert gate_runs(bad, rechecks=False) <= 1 + broken * most
    assert gate_runs(bad) <= 1 + broken * 2 * (most + 1)
    assert gate_runs(bad) >= 1 + 2 * broken - bad[-1]


def test_what_a_batch_costs_by_hand() -> None:
    assert gate_runs([False] * 8) == 1
    assert gate_runs([True], rechecks=False) == 1
    assert gate_runs([True]) == 3, "twice, and the base"
    assert gate_runs([False, True], rechecks=False) == 2
    assert gate_runs([True, False], rechecks=False) == 3
    assert gate_runs([False] * 7 + [True], rechecks=False) == 4
    assert gate_runs([True] + [False] * 7, rechecks=False) == 5


@pytest.mark.parametrize(("odds", "runs"), [(0.01, 1.3), (0.05, 2.5), (0.10, 3.9), (0.30, 8.8)])
def test_gate_runs_for_eight_changes_are_those_of_the_cost_model(odds: float, runs: float) -> None:
    """The model counts neither the second look at a red gate nor the one at the base."""
    found = expected_runs(8, odds, rechecks=False)
    assert found == pytest.approx(runs, rel=0.1)


def searched_at_once(
    size: int, slots: int, red: Callable[[int], str], order: Callable[[list[int]], list[int]]
) -> tuple[Search, Seen]:
    """A search with several gates at once, whose verdicts come in any order; what a green verdict makes
    needless is not waited for."""
    search, seen = Search(size), Seen()
    while wanted := search.wanted(slots):
        assert len(set(wanted)) == len(wanted) <= slots and wanted[0] == search.next
        for prefix in order(list(wanted)):
            if prefix and prefix <= search.green:
                continue
            gate = red(prefix)
            seen.append((prefix, gate))
            search.learn(prefix, not gate, gate)
        assert len(seen) <= 6 * slots * (size + 2), "it does not end"
    return search, seen


@given(SIZES, st.integers(2, 6), st.data())
def test_several_gates_at_once_find_the_first_that_breaks_it(
    size: int, slots: int, data: st.DataObject
) -> None:
    bad = data.draw(st.sets(st.integers(0, size), max_size=4))
    search, seen = searched_at_once(
        size,
        slots,
        lambda prefix: "test" if any(at <= prefix for at in bad) else "",
        lambda wanted: data.draw(st.permutations(wanted)),
    )
    first = min(bad, default=None)
    assert (search.culprit, search.base_red) == (first or None, first == 0)
    if search.culprit:
        assert seen.count((search.culprit, "test")) >= 2, "blamed without being red twice"
        assert (search.culprit - 1, "") in seen, "blamed while the prefix before it is unproven"


@given(SIZES, st.integers(2, 6), st.data())
def test_several_flaky_gates_at_once_end_and_blame_nobody_unproven(
    size: int, slots: int, data: st.DataObject
) -> None:
    search, seen = searched_at_once(
        size,
        slots,
        lambda prefix: data.draw(st.sampled_from(["", "test"])),
        lambda wanted: data.draw(st.permutations(wanted)),
    )
    if search.culprit:
        assert seen.count((search.culprit, "test")) >= 2
        assert (search.culprit - 1, "") in seen
    elif not search.base_red:
        assert (size, "") in seen


@given(st.lists(st.booleans(), min_size=1, max_size=10), st.integers(1, 4))
def test_more_gates_at_once_take_no_more_rounds_than_one(bad: list[bool], slots: int) -> None:
    assert rounds(bad, 1) == (gate_runs(bad), gate_runs(bad))
    times, runs = rounds(bad, slots)
    assert times <= gate_runs(bad) and times <= runs <= times * slots


@given(st.integers(2, 12), st.data())
def test_a_suspect_that_is_the_culprit_is_found_in_two_looks(size: int, data: st.DataObject) -> None:
    culprit = data.draw(st.integers(2, size))
    search, looks = Search(size, suspect=culprit), 0
    while (prefix := search.next) is not None:
        search.learn(prefix, prefix < culprit, "test")
        looks += prefix not in (size, 0)
    assert search.culprit == culprit
    assert looks <= 3, "the prefix before it, and it twice"


@given(st.integers(2, 12), st.data())
def test_a_suspect_that_is_not_the_culprit_costs_two_looks_and_hides_nothing(
    size: int, data: st.DataObject
) -> None:
    culprit, suspect = data.draw(st.integers(1, size)), data.draw(st.integers(1, size))
    search, seen = Search(size, suspect=suspect), set[int]()
    while (prefix := search.next) is not None:
        search.learn(prefix, prefix < culprit, "test")
        seen.add(prefix)
    assert search.culprit == culprit
    assert len(seen) <= 1 + halvings(size) + 2 + 1
