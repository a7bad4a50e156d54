"""Commands that cannot work are refused before a run; those that may work are not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.adapters.agents.command import finds
from workbench.adapters.walls import layout
from workbench.adapters.walls.layout import Ground
from workbench.composition.walls import Walls
from workbench.core.protection import Protection
from workbench.errors import UsageError


@pytest.fixture
def walls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Walls:
    """Walls around a repository, with a script in the place that they hide."""
    hidden, repo = tmp_path / "hidden", tmp_path / "repo"
    for folder in (hidden, repo / ".git", tmp_path / "bin"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(layout, "SCRATCH", (str(hidden), str(repo)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for file in (hidden / "x.sh", repo / "x.sh"):
        file.write_text("true\n")
    ground = Ground(
        bwrap="bwrap",
        run="r",
        root=repo,
        common=repo / ".git",
        state=repo / ".git" / "workbench",
        worktrees=tmp_path / "worktrees",
        pointer=repo / ".git" / "pointer",
        home=tmp_path / "home",
    )
    return Walls(ground, Protection(sandbox="on"))


@pytest.mark.parametrize(
    "command", ["sh {}", "X=1 timeout 9 {} --all", "cd a && bash -e {}", "true; python {}"]
)
def test_a_script_that_is_hidden_is_refused(walls: Walls, tmp_path: Path, command: str) -> None:
    with pytest.raises(UsageError, match=r"x\.sh, which is not there"):
        walls.demand_seen(command.format(tmp_path / "hidden" / "x.sh"), "It")


@pytest.mark.parametrize(
    "command",
    [
        "curl -sSo {0}/hidden/x.sh https://example.invalid/x && sh {0}/hidden/x.sh",
        "test ! -e {0}/hidden/x.sh || sh {0}/hidden/x.sh",
        "sh {0}/repo/x.sh",
        "sh {0}/hidden/none.sh",
        "cat {0}/hidden/x.sh",
        "sh /dev/stdin",
        "sh x.sh",
        "'unfinished",
    ],
)
def test_what_may_work_is_not_refused(walls: Walls, tmp_path: Path, command: str) -> None:
    with (tmp_path / "hidden" / "x.sh").open() as stdin:
        saved = os.dup(0)
        os.dup2(stdin.fileno(), 0)
        try:
            walls.demand_seen(command.format(tmp_path), "It")
        finally:
            os.dup2(saved, 0)
            os.close(saved)


def test_no_device_is_bound_where_it_could_not_be_used(walls: Walls, tmp_path: Path) -> None:
    assert walls.ground is not None
    ground = replace(walls.ground, read=("/dev", "/dev/null"))
    words = layout.options(ground, tmp_path / "worktrees" / "team" / "ada", "gate", path="/dev/null")
    bound = [words[at + 1] for at, it in enumerate(words) if it == "--ro-bind-try"]
    assert not [place for place in bound if place.startswith("/dev")]


def test_a_program_is_looked_for_where_teammates_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of this installation is the last of theirs; relative ones are of their worktrees."""
    program = tmp_path / "ours" / "workbench"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "ours" / "python"))
    assert finds("workbench", "/no/such")
    assert finds("there-is-none", "/no/such:bin") and finds("there-is-none", "")
    assert not finds("there-is-none", "/no/such")
