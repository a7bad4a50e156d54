"""Which lines of a run one display shows, with what it has shown already in mind."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.core import events as e
from workbench.core.state import RunState
from workbench.core.story import mail
from workbench.core.story.events import line
from workbench.core.story.words import Line


@dataclass
class Story:
    """The lines of one display, in order. As ``line`` gives them, but where many tasks meet in one file, each
    is told of once there and not with every other one."""

    _met: set[tuple[str, str]] = field(default_factory=set)
    _told: set[frozenset[str]] = field(default_factory=set)

    def line(self, state: RunState, event: e.Event) -> Line | None:
        """What to say about the next event, or None."""
        match event:
            case e.ConflictForeseen():
                met = {(task, path) for task in (event.task, event.other) for path in event.paths}
                if met <= self._met:
                    return None
                self._met |= met
                self._told.add(frozenset((event.task, event.other)))
            case e.ConflictCleared() if frozenset((event.task, event.other)) not in self._told:
                return None
            case _:
                pass
        return mail.line(state, event) or line(state, event)
