"""Each escape that the real Claude Code was made to try is a test of its own; two runs are behind them all."""

from __future__ import annotations

import asyncio

import pytest

from workbench.adapters.agents.claude import sandbox_missing

MISSING = asyncio.run(sandbox_missing())

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("claude"),
    pytest.mark.skipif(bool(MISSING), reason=f"no sandbox: {MISSING}"),
]
