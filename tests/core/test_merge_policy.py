"""Which delivered task lands next, and who is on the other side of a conflict."""

from __future__ import annotations

from workbench.core.merge import landed_since, larger, next_batch, others_in, smaller
from workbench.core.models import RunSettings, Task
from workbench.core.state import AttemptState, Landed, Landing, RunState, TaskState


def queued(*entries: tuple[str, int, int, float]) -> RunState:
    """A state whose queue holds (id, priority, rank, delivered at)."""
    state = RunState()
    for index, (name, priority, rank, at) in enumerate(entries):
        spec = Task(id=name, title=name, priority=priority)
        state.tasks[name] = TaskState(spec, index, rank, set())
        state.queue[name] = at
    return state


def landing(task: str, commit: str, *files: str) -> Landed:
    return Landed(task, 1, "ada", commit, "", "", 0.0, files)


def test_nothing_is_taken_from_an_empty_queue_or_while_a_landing_is_under_way() -> None:
    assert next_batch(RunState()) == ()
    state = queued(("a", 0, 0, 1.0))
    state.landing = Landing(["b"])
    assert next_batch(state) == ()


def test_priority_then_the_longest_chain_then_who_came_first_then_plan_order() -> None:
    assert next_batch(queued(("a", 0, 5, 1.0), ("b", 1, 0, 9.0)))[0] == "b"
    assert next_batch(queued(("a", 0, 1, 1.0), ("b", 0, 2, 9.0)))[0] == "b"
    assert next_batch(queued(("a", 0, 0, 2.0), ("b", 0, 0, 1.0)))[0] == "b"
    assert next_batch(queued(("a", 0, 0, 1.0), ("b", 0, 0, 1.0)))[0] == "a"


def test_fewest_conflicts_foreseen_comes_before_who_came_first_and_after_the_chain() -> None:
    state = queued(("a", 0, 0, 1.0), ("b", 0, 0, 2.0), ("c", 0, 1, 3.0), ("d", 0, 0, 4.0))
    state.batch = 4
    state.foreseen = {
        "a": {"b": ("f",), "x": ("f",)}, "b": {"a": ("f",)}, "x": {"a": ("f",)},
        "c": {"d": ("g",), "y": ("g",), "z": ("g",)},
    }  # fmt: skip
    assert next_batch(state) == ("c", "d", "b", "a")


def test_a_batch_holds_as_many_as_its_size_allows_in_that_order() -> None:
    state = queued(("a", 0, 0, 3.0), ("b", 1, 0, 9.0), ("c", 0, 2, 4.0), ("d", 0, 0, 1.0))
    for size, names in ((1, "b"), (2, "bc"), (3, "bcd"), (4, "bcda"), (9, "bcda")):
        state.batch = size
        assert next_batch(state) == tuple(names)


def test_the_batch_size_stays_within_its_bounds() -> None:
    state = RunState(settings=RunSettings(team=("ada",), batch=5))
    sizes = []
    for step in (larger, larger, larger, smaller, smaller, smaller, larger):
        state.batch = step(state)
        sizes.append(state.batch)
    assert sizes == [2, 3, 4, 2, 1, 1, 2]
    state.batch = 5
    assert larger(state) == 5


def with_landings(start: str) -> RunState:
    state = queued(("x", 0, 0, 1.0))
    state.tasks["x"].delivered_by = 1
    state.attempts["x", 1] = AttemptState("x", 1, "bob", "n", start, "first", 0.0)
    state.landings = [landing("a", "A", "f"), landing("b", "B", "g"), landing("c", "C", "f", "h")]
    return state


def test_the_other_side_is_who_touched_those_files_meanwhile() -> None:
    assert others_in(with_landings("base"), "x", ("f",)) == ("a", "c")
    assert others_in(with_landings("A"), "x", ("f",)) == ("c",)
    assert others_in(with_landings("A"), "x", ("h", "g")) == ("b", "c")


def test_when_nobody_touched_them_all_that_landed_meanwhile_are_named() -> None:
    assert others_in(with_landings("A"), "x", ("elsewhere",)) == ("b", "c")
    assert others_in(with_landings("A"), "x", ()) == ("b", "c")
    assert others_in(with_landings("C"), "x", ("f",)) == ()


def test_landed_since_is_oldest_first_and_all_for_a_start_before_the_run() -> None:
    state = with_landings("base")
    assert [it.task for it in landed_since(state, "B")] == ["c"]
    assert [it.task for it in landed_since(state, "base")] == ["a", "b", "c"]
