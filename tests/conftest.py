"""What every test stands on: a home of its own, a fixed git identity, no global git configuration."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada Tester",
    "GIT_AUTHOR_EMAIL": "ada@example.invalid",
    "GIT_COMMITTER_NAME": "Ada Tester",
    "GIT_COMMITTER_EMAIL": "ada@example.invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}

# Whoever runs the tests in the background of a shell has them ignore Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Thousands of tests are a million objects, and the collector looks through all of them again and again:
    that was most of the time in which they are found, and a quarter of that in which they run. What is there
    by then stays, so it is never looked through again; garbage of the tests is collected."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


TOGETHER = ("tests/faults/test_models.py", "tests/redteam/test_claude.py", "tests/redteam/test_commands.py")
"""Modules whose tests look at what one costly run came to: one worker has all of them."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each test by itself to the next worker that is free, but for those of TOGETHER."""
    if config.getoption("dist") != "load":
        return None  # somebody asked for another one with --dist
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return module if module in TOGETHER else nodeid

    return Scheduling(config, log)


LEAKY = ("GIT_", "GITHUB_", "RUNNER_", "WORKBENCH_", "CLAUDE", "ANTHROPIC_", "XDG_")


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's user reaches a test, and nothing of a test reaches that user."""
    for name in list(os.environ):
        if name.startswith(LEAKY):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("NO_COLOR", "1")
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)


def git(where: Path, *words: str) -> str:
    """Run git in ``where`` and give what it printed, stripped."""
    done = subprocess.run(
        ["git", *words], cwd=where, check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository on branch main with one commit that holds README.md and src/app.py."""
    where = tmp_path / "repo"
    (where / "src").mkdir(parents=True)
    git(where, "init", "-q", "-b", "main")
    (where / "README.md").write_text("# Sample\n")
    (where / "src" / "app.py").write_text("def greet(name):\n    return f'hello {name}'\n")
    git(where, "add", "-A")
    git(where, "commit", "-q", "-m", "first")
    return where
