"""Lines that one change added come out again, and only where that is beyond doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.reversal import without


def text(lines: str) -> str:
    return "".join(f"{line}\n" for line in lines.split())


@pytest.mark.parametrize(
    ("before", "landed", "now", "left"),
    [
        ("h t", "h a t", "h a b t", "h b t"),
        ("h t", "h a t", "h b a t", "h b t"),
        ("h t", "h a t", "h b a c t", "h b c t"),
        ("", "a", "a b", "b"),
        ("h t", "h a1 a2 t", "h b a1 a2 c t", "h b c t"),
        # Blank lines, braces and the like may be matched either way: what is parted by them slides aside.
        ("h", "h - a a", "h - b b - a a", "h - b b"),
        ("h", "h a a -", "h a a - b b -", "h b b -"),
        ("h", "h a a -", "h b b - a a -", "h b b -"),
        ("h x t", "h x a t", "H x a b t", "H x b t"),  # and a change elsewhere stays
    ],
)
def test_what_was_added_beside_other_lines_comes_out(before: str, landed: str, now: str, left: str) -> None:
    assert without(text(landed), text(now), text(before)) == text(left)


@pytest.mark.parametrize(
    ("before", "landed", "now"),
    [
        ("h t", "h a t", "h A b t"),  # written anew since
        ("h t", "h a1 a2 t", "h a1 b a2 t"),  # into the midst of it
        ("h t", "h a1 a2 t", "h a2 b t"),  # partly gone already, and more beside it
        ("h x t", "h a t", "h a b t"),  # it had replaced a line, which would have to come back
        ("h x t", "h t", "h b t"),  # it had taken one away
    ],
)
def test_what_is_in_doubt_stays_a_conflict(before: str, landed: str, now: str) -> None:
    assert without(text(landed), text(now), text(before)) is None


UNIQUE = st.lists(st.integers(0, 10**6), unique=True, min_size=1, max_size=12)


@given(UNIQUE, st.data())
def test_lines_of_different_changes_are_told_apart(numbers: list[int], data: st.DataObject) -> None:
    """A list in which each line is the base's, one change's, or a later one's."""
    owners = data.draw(st.lists(st.sampled_from("bal"), min_size=len(numbers), max_size=len(numbers)))

    def of(who: str) -> str:
        return "".join(f"{n}\n" for n, owner in zip(numbers, owners, strict=True) if owner in who)

    left = without(of("ba"), of("bal"), of("b"))

    # A later line in the midst of two added ones is in doubt, and nothing else is.
    kept = "".join(owners)
    assert left == of("bl") or (left is None and "ala" in "".join(_squeezed(kept)))


def _squeezed(owners: str) -> list[str]:
    out: list[str] = []
    for owner in owners:
        if not out or out[-1] != owner:
            out.append(owner)
    return out
