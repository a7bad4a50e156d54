"""Shared notes in a run: briefs carry them, kills lose none, and trouble with them stops nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.core import events as e
from workbench.core.models import Marker, MarkerKind, RunSettings, Task
from workbench.core.recall import Query, Recalled
from workbench.core.traces import Trace
from workbench.engine import noting
from workbench.testing import FakeNotes
from workbench.testing.agents import Scene
from workbench.testing.stage import Stage

TASKS = [
    Task(id="one", title="Write the parser", files=("src/**",)),
    Task(id="two", title="Use the parser", files=("src/use.py",), after=("one",)),
    Task(id="doc", title="Describe", files=("docs/**",), after=("one",)),
]
