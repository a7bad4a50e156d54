"""The command palette: every key of the screen, every task, every teammate."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

if TYPE_CHECKING:
    from workbench.tui.bench import Bench

MOST = 200
"""Tasks and teammates that are looked through; a filter on the team screen finds the others."""


class Commands(Provider):
    """What the palette offers besides Textual's own: themes, and the like."""

    async def discover(self) -> Hits:
        """What stands there before anything is typed: what the screen's keys do."""
        for name, run, about in self._keys():
            yield DiscoveryHit(name, run, help=about)

    async def search(self, query: str) -> Hits:
        """Whatever matches what was typed."""
        matcher = self.matcher(query)
        for name, run, about in (*self._keys(), *self._places()):
            if (score := matcher.match(name)) > 0:
                yield Hit(score, matcher.highlight(name), run, help=about)

    def _keys(self) -> Iterator[tuple[str, IgnoreReturnCallbackType, str]]:
        from workbench.tui.screens.keys import keys

        active = list(self.screen.active_bindings.values())
        shown = dict(keys(active))
        told = {what: key for key, what in shown.items()}
        seen: set[str] = set()
        for node, binding, enabled, tooltip in active:
            name = tooltip or binding.description
            if not enabled or not name or name in seen or name not in told:
                continue
            seen.add(name)
            yield name, partial(self.app.run_action, binding.action, node), f"key {told[name]}"

    def _places(self) -> Iterator[tuple[str, IgnoreReturnCallbackType, str]]:
        bench = cast("Bench", self.app)
        state = bench.watched.state
        for name in list(state.tasks)[:MOST]:
            yield f"Task {name}", partial(bench.open_task, name), state.tasks[name].spec.title
        for name in list(state.teammates)[:MOST]:
            yield f"Teammate {name}", partial(bench.open_teammate, name), "its work"
            yield f"Message {name}", partial(bench.write_to, name), "write to it"
