"""See the package."""

from __future__ import annotations

from tests.adapters.logs import write

write()
