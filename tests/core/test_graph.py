"""The graph of a plan, on small plans that can be checked by eye and on random ones."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core import graph
from workbench.core.models import Task


def task(id_: str, *after: str, line: int = 0) -> Task:
    return Task(id=id_, title=id_, after=after, line=line)


@st.composite
def plans(draw: st.DrawFn) -> list[Task]:
    """Tasks without cycles, in an order of their own."""
    count = draw(st.integers(0, 14))
    tasks = []
    for i in range(count):
        after = draw(st.lists(st.integers(0, i - 1), unique=True, max_size=5)) if i else []
        tasks.append(task(f"t{i}", *(f"t{j}" for j in after)))
    return draw(st.permutations(tasks))


def chains(tasks: list[Task]) -> dict[str, int]:
    """Ranks by the definition: the longest chain behind each task, found by trying all."""
    below = {t.id: [o.id for o in tasks if t.id in o.after] for t in tasks}

    def longest(id_: str) -> int:
        return max((1 + longest(next_) for next_ in below[id_]), default=0)

    return {t.id: longest(t.id) for t in tasks}


class TestProblems:
    def test_a_good_plan_has_none(self) -> None:
        assert graph.problems([task("a"), task("b", "a"), task("c", "a", "b")]) == []

    def test_an_unknown_id_with_what_was_meant(self) -> None:
        (problem,) = graph.problems([task("login-page"), task("b", "login-pgae", line=7)])
        assert problem.line == 7
        assert problem.sentence == '"b" waits for "login-pgae", which is no task of this plan'
        assert problem.hint == 'Did you mean "login-page"?'

    def test_an_unknown_id_like_no_other(self) -> None:
        (problem,) = graph.problems([task("a", "zebra", line=2)])
        assert "Name the id of a task" in problem.hint

    def test_itself(self) -> None:
        (problem,) = graph.problems([task("a", "a", line=3)])
        assert (problem.line, problem.sentence) == (3, '"a" waits for itself: a -> a')

    def test_an_id_used_twice(self) -> None:
        (problem,) = graph.problems([task("a", line=3), task("a", line=9)])
        assert (problem.line, problem.sentence) == (9, 'the id "a" is used twice (see line 3)')

    def test_a_dependency_named_twice(self) -> None:
        (problem,) = graph.problems([task("a"), task("b", "a", "a", line=4)])
        assert (problem.line, problem.sentence) == (4, '"b" names "a" twice in "after"')

    def test_a_cycle_is_named_in_full(self) -> None:
        tasks = [task("x"), task("a", "c", line=5), task("b", "a", "x", line=6), task("c", "b", line=7)]
        (problem,) = graph.problems(tasks)
        assert problem.line == 5
        assert problem.sentence == "tasks wait for each other in a circle: a -> c -> b -> a"

    def test_each_tangle_is_named(self) -> None:
        tasks = [task("a", "b"), task("b", "a"), task("c", "d", "a"), task("d", "c")]
        sentences = [problem.sentence for problem in graph.problems(tasks)]
        assert [s.rpartition(": ")[2] for s in sentences] == ["a -> b -> a", "c -> d -> c"]

    def test_lines_of_dependencies_are_used_for_them(self) -> None:
        (problem,) = graph.problems([task("a", "x", line=3)], {"a": 5})
        assert problem.line == 5

    def test_a_very_long_cycle_is_cut_in_the_middle(self) -> None:
        tasks = [task(f"t{i}", f"t{(i + 1) % 3000}") for i in range(3000)]
        (problem,) = graph.problems(tasks)
        assert problem.sentence.endswith("t2999 -> t0")
        assert "(2941 more)" in problem.sentence

    @given(plans(), st.data())
    @settings(deadline=None)
    def test_a_cycle_is_found_exactly_where_there_is_one(
        self, tasks: list[Task], data: st.DataObject
    ) -> None:
        assert graph.problems(tasks) == []
        ranks = graph.ranks(tasks)
        with_dependents = [t for t in tasks if ranks[t.id]]
        if not with_dependents:
            return
        victim = data.draw(st.sampled_from(with_dependents))
        last = victim.id
        below = graph.dependents(tasks)
        while below[last]:
            last = data.draw(st.sampled_from(below[last]))
        closed = [t.model_copy(update={"after": (*t.after, last)}) if t.id == victim.id else t for t in tasks]
        (problem,) = graph.problems(closed)
        named = problem.sentence.rpartition(": ")[2].split(" -> ")
        after = {t.id: t.after for t in closed}
        assert named[0] == named[-1]
        assert all(there in after[here] for here, there in pairwise(named))
        with pytest.raises(ValueError, match="circle"):
            graph.order(closed)


class TestOrder:
    def test_plan_order_where_nothing_else_decides(self) -> None:
        tasks = [task("c"), task("b", "d"), task("a"), task("d")]
        assert graph.order(tasks) == ["c", "a", "d", "b"]

    def test_a_dependency_outside_of_the_tasks_counts_as_satisfied(self) -> None:
        assert graph.order([task("b", "gone"), task("a", "b")]) == ["b", "a"]

    @given(plans())
    @settings(deadline=None)
    def test_all_once_and_each_behind_what_it_waits_for(self, tasks: list[Task]) -> None:
        order = graph.order(tasks)
        assert sorted(order) == sorted(t.id for t in tasks)
        assert all(order.index(before) < order.index(t.id) for t in tasks for before in t.after)


class TestShape:
    def test_ranks(self) -> None:
        tasks = [task("a"), task("b", "a"), task("c", "b"), task("d", "a"), task("e")]
        assert graph.ranks(tasks) == {"a": 2, "b": 1, "c": 0, "d": 0, "e": 0}

    def test_dependents_are_direct_and_in_plan_order(self) -> None:
        tasks = [task("c", "b"), task("a"), task("b", "a"), task("d", "a")]
        assert graph.dependents(tasks) == {"c": (), "a": ("b", "d"), "b": ("c",), "d": ()}

    @pytest.mark.parametrize(
        ("tasks", "width"),
        [
            ([], 0),
            ([task("a")], 1),
            ([task("a"), task("b", "a"), task("c", "b")], 1),
            ([task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c")], 2),
        ],
    )
    def test_width(self, tasks: list[Task], width: int) -> None:
        assert graph.width(tasks) == width

    @given(plans())
    @settings(deadline=None)
    def test_ranks_are_the_longest_chains(self, tasks: list[Task]) -> None:
        assert graph.ranks(tasks) == chains(tasks)

    @given(plans())
    @settings(deadline=None)
    def test_tasks_counted_by_width_can_run_at_once(self, tasks: list[Task]) -> None:
        longest = max(graph.ranks(tasks).values(), default=-1) + 1
        assert graph.width(tasks) * longest >= len(tasks)
        assert graph.width(tasks) + longest - 1 <= len(tasks) or not tasks


class TestDraw:
    def test_a_small_plan(self) -> None:
        tasks = [
            task("schema"),
            task("styles"),
            task("auth", "schema"),
            task("search", "schema"),
            task("login", "auth", "styles"),
        ]
        assert graph.draw(tasks) == "\n".join(["schema", "├─ auth → login (+ styles)", "└─ search", "styles"])

    def test_a_task_stands_below_the_dependency_furthest_from_the_start(self) -> None:
        tasks = [task("a"), task("b", "a"), task("c", "a", "b")]
        assert graph.draw(tasks) == "a → b → c (+ a)"

    def test_long_chains_are_wrapped(self) -> None:
        tasks = [task("t0"), *(task(f"t{i}", f"t{i - 1}") for i in range(1, 60))]
        lines = graph.draw(tasks).split("\n")
        assert max(map(len, lines)) <= graph.DRAW_WIDTH
        assert all(line.startswith("→ ") for line in lines[1:])

    def test_deep_branches_go_on_at_the_left(self) -> None:
        tasks = [task("s0"), task("s0x", "s0")]
        for i in range(1, 40):
            tasks += [task(f"s{i}", f"s{i - 1}"), task(f"s{i}x", f"s{i}")]
        lines = graph.draw(tasks).split("\n")
        assert any(line.startswith("… s") for line in lines)
        assert max(map(len, lines)) < 80

    @given(plans())
    @settings(deadline=None)
    def test_every_task_is_drawn_once(self, tasks: list[Task]) -> None:
        drawn = re.sub(r"\(\+ [^)]*\)", "", graph.draw(tasks))
        assert sorted(re.findall(r"t\d+", drawn)) == sorted(t.id for t in tasks)


@pytest.mark.parametrize("shape", ["chain", "flat", "random", "comb", "unknown"])
def test_five_thousand_tasks_are_no_trouble(shape: str) -> None:
    choose = random.Random(7)
    count = 5000
    shapes: dict[str, Callable[[int], list[int]]] = {
        "chain": lambda i: [i - 1] if i else [],
        "flat": lambda i: [],
        "random": lambda i: choose.sample(range(i), min(i, 10)),
        "comb": lambda i: [(i - 1) // 2 * 2] if i else [],
        "unknown": lambda i: [i + count],
    }
    tasks = [task(f"t{i}", *(f"t{j}" for j in shapes[shape](i))) for i in range(count)]
    begin = time.process_time()
    found = graph.problems(tasks)
    assert len(found) == (count if shape == "unknown" else 0)
    graph.order(tasks), graph.ranks(tasks), graph.width(tasks), graph.dependents(tasks)
    assert len(graph.draw(tasks)) < 1_000_000
    assert time.process_time() - begin < 3  # far above what is seen; a square would take minutes
