"""The pictures for the README can be drawn again."""

from __future__ import annotations

from tests.tui.pictures import drawn


async def test_a_picture_is_the_same_each_time_and_from_no_machine() -> None:
    first = await drawn("team-small")
    assert first == await drawn("team-small")
    assert first.startswith("<svg ") and "harbor" in first and "/tmp/" not in first


async def test_home_is_drawn_over_a_repository_with_the_recorded_runs() -> None:
    """It tells of this machine, too, so it is not the same each time."""
    shown = await drawn("home")
    assert "harbor-3-2" in shown and "tidepool-7" in shown and "ledger-2-0-1" in shown
