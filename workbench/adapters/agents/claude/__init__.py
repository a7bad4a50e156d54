"""Claude Code as a teammate. Only this package imports ``claude_agent_sdk``, and only when it is used.

settings     what a user can decide
binary       where Claude Code is, its version, its login
launcher     its exact environment, in a session of its own
fence        what it may never do      shell: reading commands for the fence
sandbox      the operating system's sandbox around its commands
permissions  the answers to what it would ask a person
tools        the MCP tools by which it drops markers
team         what it would ask a person at the keyboard, put to the team
translate    its messages as the port's reports
transcript   its own record of a session, read for people
session      one process, from start to certain end      processes: finding all of it
agent        the port's Agent
lead         the port's Lead                     desk: the MCP tools by which it answers
reading      a session that only reads, and answers by a JSON schema
split        one question of such a session, for plain plans
"""

from workbench.adapters.agents.claude.agent import ClaudeAgent
from workbench.adapters.agents.claude.binary import (
    LoginState,
    claude_version,
    find_claude,
    is_recent,
    login_state,
)
from workbench.adapters.agents.claude.lead import ClaudeLead
from workbench.adapters.agents.claude.reading import Purpose, Reader, reading
from workbench.adapters.agents.claude.sandbox import sandbox_missing
from workbench.adapters.agents.claude.settings import ClaudeSettings
from workbench.adapters.agents.claude.split import split_with_claude

__all__ = [
    "ClaudeAgent",
    "ClaudeLead",
    "ClaudeSettings",
    "LoginState",
    "Purpose",
    "Reader",
    "claude_version",
    "find_claude",
    "is_recent",
    "login_state",
    "reading",
    "sandbox_missing",
    "split_with_claude",
]
