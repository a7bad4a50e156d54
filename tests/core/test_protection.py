"""What protects a run, in words."""

from __future__ import annotations

import pytest

from workbench.core.protection import Protection, in_short, protected


@pytest.mark.parametrize(
    ("found", "agent", "short", "words"),
    [
        (
            Protection(sandbox="auto", agents=True, gates=True),
            "claude",
            "teammates, gates and set-up are sandboxed",
            ["reach no network", "gates reach loopback only"],
        ),
        (
            Protection(sandbox="auto", agents=True, gates=True, gate_network=True, write=("~/x",)),
            "command:x",
            "teammates, gates and set-up are sandboxed",
            [
                "they reach the network",
                "gates reach the network",
                "Opened to what is confined: ~/x",
                "Claude's",
            ],
        ),
        (
            Protection(sandbox="auto", agents=True, missing="there is none for commands on macOS"),
            "claude",
            "only teammates are sandboxed (there is none for commands on macOS)",
            ["Gates and set-up run with your account's rights: there is none for commands on macOS."],
        ),
        (
            Protection(sandbox="off"),
            "claude",
            "no sandbox (switched off)",
            ["Teammates' commands run with your account's rights: the sandbox is switched off."],
        ),
    ],
)
def test_what_is_in_force_and_why_not_more(
    found: Protection, agent: str, short: str, words: list[str]
) -> None:
    assert in_short(found) == short
    said = " ".join(protected(found, agent))
    for some in words:
        assert some in said
