"""Which delivered task lands next, and who is on the other side of a conflict."""

from __future__ import annotations

from workbench.core.merge import landed_since, next_in_queue, others_in
from workbench.core.models import Task
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
    assert next_in_queue(RunState()) is None
    state = queued(("a", 0, 0, 1.0))
    state.landing = Landing("b")
    assert next_in_queue(state) is None


def test_priority_then_the_longest_chain_then_who_came_first_then_plan_order() -> None:
    assert next_in_queue(queued(("a", 0, 5, 1.0), ("b", 1, 0, 9.0))) == "b"
    assert next_in_queue(queued(("a", 0, 1, 1.0), ("b", 0, 2, 9.0))) == "b"
    assert next_in_queue(queued(("a", 0, 0, 2.0), ("b", 0, 0, 1.0))) == "b"
    assert next_in_queue(queued(("a", 0, 0, 1.0), ("b", 0, 0, 1.0))) == "a"


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
