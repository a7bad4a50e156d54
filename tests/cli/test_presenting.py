"""What a run tells, in words."""

from __future__ import annotations

import pytest

from workbench.cli.presenting import named
from workbench.core.events import LandingRead
from workbench.core.models import PublicChange


@pytest.mark.parametrize(
    ("hows", "more", "said"),
    [
        ("", 0, "no public name changed"),
        ("a", 0, "1 public name added"),
        ("aac", 0, "2 public names added, 1 changed"),
        ("crr", 0, "1 public name changed, 2 removed"),
        ("ar", 5, "1 public name added, 1 removed, 5 more"),
    ],
)
def test_a_landing_says_how_public_names_differ(hows: str, more: int, said: str) -> None:
    changes = tuple(
        PublicChange.model_validate({"path": "a.py", "name": "f", "how": ways[how], "signature": "f()"})
        for ways in [{"a": "added", "c": "changed", "r": "removed"}]
        for how in hows
    )
    assert named(LandingRead(tasks=("a",), commit="c", changes=changes, more=more)) == said
