"""Every hostile plan and name: it was given to the real command, and nothing came of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.redteam.plans import CASES, Case, tried

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_hostile_words_are_refused_or_stay_words(tmp_path: Path, case: Case) -> None:
    outcome = tried(tmp_path, case)
    assert outcome.tried, "it neither ended well nor was refused"
    assert outcome.stopped, outcome.effect
    assert bool(outcome.noticed) is case.refused
