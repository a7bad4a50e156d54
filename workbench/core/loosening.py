"""Which settings protect the user's machine, and which word on them loosens that. Pure.

A repository's own settings file is somebody's word like any other in it. Until a person trusts it, it may
make a run stricter and not looser than the defaults: ``config.narrowed`` goes by this table, and so do the
list of ``workbench trust`` and the sentences about what was left out. A setting that is in none of the tables
here can neither protect nor harm; a test sees to it that each new one is thought about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Protecting:
    """What a setting lets happen, as a phrase. ``strictest_first`` are its values in that order; without them
    nothing but the default is as strict as the default."""

    lets: str
    strictest_first: tuple[object, ...] = ()

    def loosens(self, value: object, default: object) -> bool:
        """Whether ``value`` protects less than ``default`` does."""
        if not self.strictest_first:
            return value != default
        return self.strictest_first.index(value) > self.strictest_first.index(default)


PROTECTING: Mapping[str, Protecting] = {
    "claude": Protecting("the Claude Code that is started"),
    "sandbox": Protecting("the sandbox around commands", ("on", "auto", "off")),
    "sandbox_domains": Protecting("hosts that commands may reach"),
    "sandbox_write": Protecting("places that commands may write to"),
    "sandbox_read": Protecting("secrets that commands may read"),
    "gate_network": Protecting("the network for gates", (False, True)),
    "policy": Protecting("what agents may use"),
    "web": Protecting("pages that agents may read", (False, True)),
    "env": Protecting("variables that agents get"),
    "copy_files": Protecting("files that agents get"),
    "link_files": Protecting("files that agents get"),
    "worktree_root": Protecting("where worktrees stand"),
    "on_plan": Protecting("plans nobody reads", ("hold", "ask", "approve")),
    "on_join": Protecting("who may join", ("reject", "ask", "approve")),
    "on_permission": Protecting("permissions", ("deny", "ask")),
    "on_guarded": Protecting("changes of what is guarded", ("hold", "allow")),
    "secrets": Protecting("work that seems to add a secret", ("hold", "allow")),
}
"""By field. Of ``policy`` only what it allows loosens: see ``config.narrowed``."""

RUNNING: Mapping[str, str] = {"gates": "gate", "setup": "set-up", "agent": "the agent"}
"""Settings that are commands. They run, trusted or not, where there are walls around them: a gate runs the
repository's code anyway. Where there are none, they need a person's word."""

SELF_DEFENDED = frozenset({"trust"})
"""A file cannot vouch for itself, not even one that is trusted: ``config.from_file`` refuses that."""
