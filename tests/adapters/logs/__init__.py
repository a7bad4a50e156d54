"""Logs as earlier formats wrote them, and the names that are in any log.

``python -m tests.adapters.logs`` adds to ``events.json`` what the events of now have besides.
"""

from __future__ import annotations

import json
from pathlib import Path

from workbench.core import models
from workbench.core.events import EVENTS

LOGS = Path(__file__).parent
NAMES = LOGS / "events.json"


def known() -> dict[str, list[str]]:
    """The names that some log may have: of each event, and of each model within one, its fields."""
    found: dict[str, list[str]] = json.loads(NAMES.read_text())
    return found


def have() -> dict[str, list[str]]:
    """The same of the code of now."""
    inside = {
        name: kind
        for name, kind in vars(models).items()
        if isinstance(kind, type) and issubclass(kind, models.Value) and kind is not models.Value
    }
    return {name: sorted(kind.model_fields) for name, kind in sorted({**EVENTS, **inside}.items())}


def write() -> None:
    """Add what is new; what was there stays, so that a name that is gone is still noticed."""
    names = known() if NAMES.exists() else {}
    for name, fields in have().items():
        names[name] = sorted({*names.get(name, ()), *fields})
    lines = (f"  {json.dumps(name)}: {json.dumps(fields)}" for name, fields in sorted(names.items()))
    NAMES.write_text("{\n" + ",\n".join(lines) + "\n}\n")
