"""What a user can decide about Claude Code teammates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.adapters.walls.layout import Ground

SettingSource = Literal["user", "project", "local"]


@dataclass(frozen=True, slots=True)
class ClaudeSettings:
    """How Claude Code is started and what it may do.

    ``claude``           ``bundled`` (the one that comes with claude-agent-sdk), ``path`` (the one on
                         PATH), or an absolute path.
    ``sandbox``          the operating system's sandbox around Claude Code's Bash tool: ``auto`` where it
                         works, ``on`` to refuse to work without it, ``off``.
    ``allowed_domains``  hosts that Bash may reach from inside the sandbox (none: no network) and that
                         WebFetch may read.
    ``writable``         places outside the worktree that Bash may write to from inside the sandbox, such
                         as a package manager's cache; ``~`` is the user's home.
    ``web``              whether WebFetch may read any host. Off, because a page can tell an agent to
                         send what it knows to another page; searching and the documentation sites that
                         Claude Code itself knows are allowed all the same.
    ``setting_sources``  which of Claude Code's settings files are read in a repository that is trusted; of
                         another none is. ``project`` brings CLAUDE.md and
                         the repository's own ``.claude/``, whose hooks are programs that then run; an
                         empty tuple leaves both out. The user's own settings (``user``) stay out because
                         their hooks and permissions were meant for a person at the keyboard; what
                         signing in needs of them is passed on nevertheless.
    ``launchers``        where the small start scripts are written; a temporary folder if None. Needs a
                         file system that allows programs.
    ``ground``           where the run stands: of git, commands in the sandbox can then write only what moves
                         its teammates' own branches. Without it they can do all that git can, but for its
                         settings and hooks.
    """

    claude: str = "bundled"
    sandbox: Literal["auto", "on", "off"] = "auto"
    allowed_domains: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    web: bool = False
    setting_sources: tuple[SettingSource, ...] = ("project",)
    launchers: Path | None = None
    ground: Ground | None = None
