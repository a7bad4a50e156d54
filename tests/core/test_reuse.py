"""Settled hunks: learnt from one merge, used in another, and never guessed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.core.reuse import Hunks

LINES = st.lists(st.sampled_from("abcdefgh"), max_size=8).map("\n".join)

BASE = "one\ntwo\nthree\n"
OURS = "one\nours\nthree\n"
THEIRS = "one\ntheirs\nthree\n"
SETTLED = "one\nours and theirs\nthree\n"


def learnt() -> Hunks:
    known = Hunks()
    known.learn(BASE, OURS, THEIRS, SETTLED)
    return known


def test_the_same_conflict_is_settled_alike() -> None:
    assert learnt().settle(BASE, OURS, THEIRS) == SETTLED


def test_the_same_hunk_elsewhere_and_the_other_way_round_is_settled_alike() -> None:
    def around(text: str) -> str:
        return f"zero\n{text}four\n"

    assert learnt().settle(around(BASE), around(THEIRS), around(OURS)) == around(SETTLED)


def test_another_conflict_is_not_touched() -> None:
    assert learnt().settle(BASE, OURS, "one\nother\nthree\n") is None
    two = BASE + "four\nfive\nsix\n"
    assert learnt().settle(two, OURS + "four\nx\nsix\n", THEIRS + "four\ny\nsix\n") is None, "half is nothing"


def test_without_a_conflict_nothing_is_said() -> None:
    assert learnt().settle(BASE, OURS, BASE) is None


def test_a_hunk_whose_neighbours_were_edited_teaches_nothing() -> None:
    known = Hunks()
    known.learn(BASE, OURS, THEIRS, "ONE\nours and theirs\nTHREE\n")
    assert known.settle(BASE, OURS, THEIRS) is None


def test_a_deletion_is_a_way_to_settle_it() -> None:
    known = Hunks()
    known.learn(BASE, OURS, THEIRS, "one\nthree\n")
    assert known.settle(BASE, OURS, THEIRS) == "one\nthree\n"


@given(LINES, LINES, LINES, LINES)
def test_what_was_learnt_from_a_merge_gives_that_merge_or_nothing(
    base: str, ours: str, theirs: str, settled: str
) -> None:
    known = Hunks()
    known.learn(base, ours, theirs, settled)
    again = known.settle(base, ours, theirs)
    if again is not None:
        other = Hunks()
        other.learn(base, ours, theirs, again)
        assert other.settle(base, ours, theirs) == again
