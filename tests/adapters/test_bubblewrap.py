"""Whether bubblewrap works is tried, not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.adapters.walls.bubblewrap import bubblewrap_fails


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 0", "it ran nothing"),
        ("echo no user namespaces >&2; exit 1", "no user namespaces"),
        ("echo other", "it ran nothing"),
    ],
)
async def test_a_bubblewrap_that_runs_nothing_is_no_protection(tmp_path: Path, script: str, why: str) -> None:
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert await bubblewrap_fails(str(program)) == f"bubblewrap cannot work here ({why})"


async def test_one_that_runs_the_command_is(tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text('#!/bin/sh\nwhile [ $1 != echo ]; do shift; done\nexec "$@"\n')
    program.chmod(0o755)
    assert await bubblewrap_fails(str(program)) == ""
