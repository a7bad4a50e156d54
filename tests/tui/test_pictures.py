"""The pictures for the README can be drawn again."""

from __future__ import annotations

import pytest

from tests.tui.pictures import drawn


@pytest.mark.parametrize("name", ["team-small", "home"])
async def test_a_picture_is_the_same_each_time(name: str) -> None:
    first = await drawn(name)
    assert first == await drawn(name)
    assert first.startswith("<svg ") and "clip-path" in first
    assert "http://" not in first.replace("http://www.w3.org/", "") and "/tmp/" not in first
