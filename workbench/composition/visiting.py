"""What a person starts in a teammate's worktree: a shell, or the Claude Code of its session."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git.process import plain_environment
from workbench.composition.place import Place
from workbench.composition.transcripts import claude_home
from workbench.core.state import AttemptState, RunState
from workbench.errors import UsageError

OURS = (
    "WORKBENCH_NONCE", "WORKBENCH_RUN", "WORKBENCH_TASK", "WORKBENCH_ATTEMPT", "WORKBENCH_WORKTREE",
    "WORKBENCH_BRIEF", "CLAUDE_CODE_AGENT_ID", "CLAUDE_CODE_AGENT_TYPE", "CLAUDE_CODE_TEAM_NAME",
    "CLAUDE_CODE_PLAN_MODE_REQUIRED",
)  # fmt: skip
"""Variables that make a process a teammate: whoever visits one is none."""

NOWHERE = "http://127.0.0.1:9"
"""Where nobody listens (the discard port): the scripted model is gone with its run."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A program to start in ``cwd`` with exactly this environment; ``said`` is printed before. One that
    ``waits`` says why it failed as it ends, which is to be read before the screen comes back."""

    command: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    said: str
    waits: bool = False


def shell_at(state: RunState, teammate: str) -> Visit:
    """A shell in a teammate's worktree. Raises UsageError when that is not there."""
    worktree = _worktree(state, teammate)
    shell = os.environ.get("SHELL") or "/bin/sh"
    said = f"This is the worktree of {teammate}: {worktree}\n`exit` brings you back to workbench."
    if _busy(state, teammate):
        said += f"\n{teammate} is at work in it: what you change here, it finds changed."
    return Visit((shell,), worktree, _environment(), said)


def claude_at(place: Place, state: RunState, attempt: AttemptState, *, live: bool) -> Visit:
    """The Claude Code of an attempt's session, to go on with; while the run is ``live`` and the teammate at
    work, a copy of the session that can only read. Raises UsageError when there is nothing to attach to, and
    SetupError when there is no Claude Code."""
    from workbench.adapters.agents.claude.binary import find_claude
    from workbench.adapters.agents.claude.transcript import transcript_path

    name = attempt.teammate
    if state.settings.agent != "claude":
        raise UsageError(f"{name} is no Claude Code.", "Look at its output here; `s` opens a shell.")
    if not attempt.session:
        raise UsageError(f"Attempt {attempt.number} at {attempt.task} has no session yet.", "Try again soon.")
    worktree = _worktree(state, name)
    home = claude_home(place, state, name)
    if transcript_path(home, attempt.session) is None:
        raise UsageError(
            f"Claude Code keeps no transcript of the session {attempt.session}.",
            "It deletes old ones by itself (its setting cleanupPeriodDays).",
        )
    claude = find_claude(place.settings.claude, os.environ.get("PATH"))
    command = [str(claude), "--resume", attempt.session]
    said = [
        f"The session of {name} at {attempt.task}, in {worktree}",
        "`/exit` brings you back to workbench.",
    ]
    if live and _busy(state, name):
        command += ["--fork-session", "--permission-mode", "plan"]
        said.insert(
            1, f"{name} is at work: this is a copy of its session, which only reads. It hears nothing of it."
        )
    env = _environment()
    if state.settings.scripted:
        env |= _rehearsed(place.run_dir(state.run) / "visits" / name, home, worktree)
        said.insert(1, "This run is a rehearsal: its scripted model does not answer here.")
    return Visit(tuple(command), worktree, env, "\n".join(said), waits=True)


def _rehearsed(folder: Path, home: Path, worktree: Path) -> dict[str, str]:
    """What lets Claude Code show a rehearsed session at a terminal. It has no user's settings, and would ask
    for a login first; so it gets a folder of its own in which all of that is answered. Raises UsageError."""
    key = "rehearsal"
    answers = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": [key], "rejected": []},
        "projects": {str(worktree): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".claude.json").write_text(json.dumps(answers), encoding="utf-8")
        with suppress(FileExistsError):
            (folder / "projects").symlink_to(home / "projects", target_is_directory=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}.") from error
    return {
        "CLAUDE_CONFIG_DIR": str(folder),
        "ANTHROPIC_BASE_URL": NOWHERE,
        "ANTHROPIC_API_KEY": key,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }


def _worktree(state: RunState, teammate: str) -> Path:
    mate = state.teammates.get(teammate)
    if mate is None or not mate.worktree:
        raise UsageError(f"{teammate} has no worktree yet.", "It gets one with its first task.")
    worktree = Path(mate.worktree)
    if not worktree.is_dir():
        branch = mate.branch.removeprefix("refs/heads/")
        raise UsageError(f"The worktree is gone: {worktree}.", f"Its work is on the branch {branch}.")
    return worktree


def _busy(state: RunState, teammate: str) -> bool:
    return any(attempt.teammate == teammate for attempt in state.working.values())


def _environment() -> dict[str, str]:
    return {name: value for name, value in plain_environment().items() if name not in OURS}
