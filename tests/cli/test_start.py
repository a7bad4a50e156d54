"""What a command loads before it does anything: every import here is waited for by whoever typed it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workbench.__main__ import main
from workbench.cli.app import app

LATE = frozenset(
    {
        "claude_agent_sdk",
        "git",
        "gitdb",
        "jinja2",
        "platformdirs",
        "psutil",
        "rich",
        "textual",
        "tomllib",
        "tree_sitter",
        "watchfiles",
        "xml",
        "yaml",
        "workbench.cli.lines",
        "workbench.core.plan.answer",
        "workbench.core.plan.steps",
        "workbench.core.plan.writing",
        "workbench.core.report",
    }
)
"""What a run needs only after its first agent began, or that only some plans need."""


def loaded(code: str) -> set[str]:
    asked = [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"]
    return set(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split())


def test_a_run_begins_without_what_it_needs_late() -> None:
    found = loaded("import workbench.cli.app, workbench.cli.running")
    assert "workbench.engine.effects" in found
    assert not found.intersection(LATE)


def test_help_loads_no_run() -> None:
    found = loaded("import workbench.cli.app")
    assert not found.intersection({*LATE, "asyncio", "pydantic", "workbench.core.events"})


KNOWN = [known.name or known.callback.__name__ for known in app.registered_commands if known.callback]


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "mark"])  # that is answered before Typer
def test_each_command_is_found_alone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"Usage: workbench {name} " in capsys.readouterr().out


@pytest.mark.parametrize("group", ["", *(known.name or "" for known in app.registered_groups)])
def test_no_summary_is_cut(
    group: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*group.split(), "--help"]) == 0
    said = capsys.readouterr().out
    summaries = said.partition("Commands:")[2].splitlines()
    assert summaries and not [line for line in summaries if line.endswith("...")]


def test_a_word_that_is_no_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rnu"]) == 2
    assert "No such command 'rnu'" in capsys.readouterr().err
