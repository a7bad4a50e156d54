"""How many agents fit: the machine's memory, or what the control group allows of it."""

from __future__ import annotations

from pathlib import Path

import psutil

from workbench.adapters.memory import AGENT_MB, room_for


def test_on_a_machine_without_a_limit_it_is_the_machines_memory(tmp_path: Path) -> None:
    found = room_for("claude", tmp_path)()
    assert found is not None
    assert abs(found.free_mb - psutil.virtual_memory().available / 1e6) < 2_000
    assert found.agents == max(
        0, int(found.free_mb - psutil.virtual_memory().total / 1e7) // AGENT_MB["claude"]
    )


def test_a_container_has_what_is_left_of_its_limit(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("2000000000\n")
    (tmp_path / "memory.current").write_text("1500000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 400000000\n")
    found = room_for("claude", tmp_path)()
    assert found is not None
    assert (found.agents, found.free_mb) == (2, 900), "700 MB after the reserve, 300 each"


def test_no_limit_and_no_room(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    unlimited = room_for("command", tmp_path)()
    assert unlimited is not None
    assert unlimited.agents > 1
    (tmp_path / "memory.max").write_text("100000000\n")
    (tmp_path / "memory.current").write_text("100000000\n")
    full = room_for("command", tmp_path)()
    assert full is not None
    assert full.agents == 0
