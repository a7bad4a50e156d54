"""Every escape of the hostile commands: it was tried, it took no effect unless that is accepted, and what
tells of it does. The runs are shared; a test is one escape."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.redteam import commands
from tests.redteam.commands import Party
from tests.redteam.escapes import Escape, Outcome, nothing
from workbench.adapters.walls.bubblewrap import bubblewrap_missing

MISSING = asyncio.run(bubblewrap_missing())

pytestmark = pytest.mark.e2e

Played = Callable[[Party], dict[str, Outcome]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """What came of a party; it is let loose when first asked for."""
    place, known = tmp_path_factory.mktemp("redteam"), dict[str, dict[str, Outcome]]()

    def play(party: Party) -> dict[str, Outcome]:
        if party.name not in known:
            known[party.name] = {it.escape.name: it for it in commands.let_loose(place, party)}
        return known[party.name]

    return play


def cases() -> list[object]:
    """A case for each escape; those that need walls are skipped where there can be none."""
    no_walls = pytest.mark.skipif(bool(MISSING), reason=f"no walls here: {MISSING}")
    return [
        pytest.param(party, escape, id=escape.name, marks=[no_walls] if party.walled else [])
        for party in commands.PARTIES
        for escape in party.escapes
    ]


@pytest.mark.parametrize(("party", "escape"), cases())
def test_an_escape_gets_nowhere_or_is_accepted_and_noticed(
    played: Played, party: Party, escape: Escape
) -> None:
    outcome = played(party)[escape.name]
    assert outcome.tried, "nobody tried it"
    assert not outcome.landed_unheld, outcome.effect
    assert outcome.stopped or escape.accepted, outcome.effect
    assert outcome.noticed or escape.noticed is nothing, "nothing in the log tells of it"


def test_names_are_told_apart() -> None:
    names = [escape.name for party in commands.PARTIES for escape in party.escapes]
    assert len(set(names)) == len(names)
