"""The pictures for the README can be drawn again."""

from __future__ import annotations

import pytest

from tests.tui.pictures import drawn


@pytest.mark.parametrize("name", ["team-small", "home"])
async def test_a_picture_can_be_drawn(name: str) -> None:
    first = await drawn(name)
    if name != "home":  # which also tells of this machine, its disk for one
        assert first == await drawn(name)
    assert first.startswith("<svg ") and "clip-path" in first
    assert "http://" not in first.replace("http://www.w3.org/", "") and "/tmp/" not in first
