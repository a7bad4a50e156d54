"""Fakes for every port, for the tests of workbench and of whatever is built on it.

    MemoryStore     the event log            FakeGit         a repository of text files
    FakeWorktrees   the teammates' files     FakeCheckouts   where gates look
    FakeGates       a verdict by function    MemoryMarkers   marker folders
    ScriptedAgent   a teammate by script     PlainBriefs     prompts without templates
    LineNames       every line is a name   FakeGuard       what is guarded
    ScriptedLead    a lead by script
    FakeNotes       shared notes in memory

They pass the same contract tests as the real adapters, do no I/O, start no process and never sleep:
what happens is decided by what is asked of them, in that order. ``playbook`` plays events to the pure
core alone; ``simulation`` plays whole runs of it against dice. ``clock`` is a loop in virtual time,
``faults`` a world that goes wrong by dice, and ``universe`` whole runs of the real engine in it.
"""

from workbench.testing.agents import ScriptedAgent
from workbench.testing.git import FakeGit
from workbench.testing.guard import FakeGuard
from workbench.testing.leads import ScriptedLead
from workbench.testing.markers import MemoryMarkers
from workbench.testing.names import LineNames
from workbench.testing.notes import FakeNotes
from workbench.testing.store import MemoryStore, PlainBriefs
from workbench.testing.worktrees import FakeCheckouts, FakeGates, FakeWorktrees

__all__ = [
    "FakeCheckouts",
    "FakeGates",
    "FakeGit",
    "FakeGuard",
    "FakeNotes",
    "FakeWorktrees",
    "LineNames",
    "MemoryMarkers",
    "MemoryStore",
    "PlainBriefs",
    "ScriptedAgent",
    "ScriptedLead",
]
