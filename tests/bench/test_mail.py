"""`workbench bench mail`: messages arrive, and what is told is of them; not how long they take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.__main__ import main
from workbench.bench import mail
from workbench.bench.mail import Post, quantile, trips
from workbench.errors import SetupError


@pytest.mark.e2e
@pytest.mark.parametrize("agent", ["claude", "command"])
def test_every_message_arrives_and_is_timed(agent: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "mail", "--teammates", "2", "--messages", "2", "--agent", agent, "--json"]
    assert main(words) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["agent"], row["teammates"], row["messages"]) == (agent, 2, 2)
    assert 0 < row["taken_p50_ms"] <= row["told_p50_ms"] < row["p50_ms"] <= row["p95_ms"] <= row["max_ms"]
    assert (row["between_requests_ms"] > 0) == (agent == "claude")


async def test_a_message_that_does_not_arrive_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "_letters", lambda place: [])
    monkeypatch.setattr(mail, "ARRIVES", 1.5)
    with pytest.raises(SetupError, match="did not arrive"):
        await trips(Post(1, 1, "command"), tmp_path / "post")


def test_an_unknown_kind_of_teammate_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "mail", "--agent", "robot"]) == 2
    assert "robot" in capsys.readouterr().err


def test_quantiles_are_values_that_were_seen() -> None:
    assert [quantile([4, 1, 3, 2], share) for share in (0.5, 0.95, 1.0, 0.25)] == [2, 4, 4, 1]
    assert quantile([7], 0.5) == 7
