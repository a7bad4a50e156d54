"""What protects the user's machine and repository from what a run starts, in words. Pure.

Found once when a run is opened and recorded in its log, so that whoever reads about the run later reads what
was in force, not what is now.
"""

# Annotations are not postponed here: see core.models.

from collections.abc import Sequence
from typing import Literal

from workbench.core.models import Value


class Protection(Value):
    """``sandbox`` is what the settings ask for. ``agents`` says whether teammates' commands were confined,
    ``gates`` whether gates and set-up were; ``missing`` why not, where a sandbox was wanted. ``domains`` are
    hosts that Claude's commands reach, ``write`` the places opened to all. ``withheld`` are settings of the
    repository's ``file`` that would loosen this and do not count, since nobody trusts it."""

    sandbox: Literal["auto", "on", "off"]
    agents: bool = False
    gates: bool = False
    missing: str = ""
    gate_network: bool = False
    domains: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    file: str = ""


def protected(protection: Protection, agent: str) -> tuple[str, ...]:
    """What is in force and what is not for teammates of the kind ``agent`` (the setting), a sentence each."""
    said = [_agents(protection, agent == "claude"), _gates(protection)]
    if protection.write and (protection.agents or protection.gates):
        said.append(f"Opened to what is confined: {', '.join(protection.write)}.")
    if words := left_out(protection.withheld, protection.file):
        said.append(f"{words}.")
    if agent != "claude":
        said.append("The permission policy binds Claude's tools only: nobody sees those of a command.")
    return tuple(said)


def left_out(withheld: Sequence[str], file: str) -> str:
    """What of a settings file does not count, as a sentence without its full stop; "" for nothing."""
    names = ", ".join(withheld)
    return (
        f"Nobody has said that {file} is trusted, so what it says of {names} does not count" if names else ""
    )


def in_short(protection: Protection) -> str:
    """The same as one line for the head of a list."""
    if protection.agents and protection.gates:
        return "teammates, gates and set-up are sandboxed"
    why = "switched off" if protection.sandbox == "off" else protection.missing
    if not protection.agents and not protection.gates:
        return f"no sandbox ({why})"
    only = "teammates" if protection.agents else "gates and set-up"
    return f"only {only} are sandboxed ({why})"


def _why(protection: Protection) -> str:
    return "the sandbox is switched off" if protection.sandbox == "off" else protection.missing


def _agents(protection: Protection, claude: bool) -> str:
    if not protection.agents:
        return f"Teammates' commands run with your account's rights: {_why(protection)}."
    if claude:
        hosts = ", ".join(protection.domains)
        reach = f"reach only {hosts}" if hosts else "reach no network"
        return f"Teammates' commands are sandboxed: they write to their worktree, and {reach}."
    return "Teammates are sandboxed: they write to their worktree and branch; they reach the network."


def _gates(protection: Protection) -> str:
    if not protection.gates:
        return f"Gates and set-up run with your account's rights: {_why(protection)}."
    reach = "reach the network" if protection.gate_network else "reach loopback only"
    return f"Gates and set-up are sandboxed: they write to their worktree; gates {reach}."
