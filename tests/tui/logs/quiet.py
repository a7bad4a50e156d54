"""A small run in which all goes well: one gate is red once and repaired, and one message is sent."""

from __future__ import annotations

from tests.tui.logs.beats import act, done, edit, mark, progress, pytest_red, say
from tests.tui.logs.plans import plan
from tests.tui.logs.script import Script
from tests.tui.logs.stage import Stage
from workbench.core.models import PublicChange, RunSettings

GATE = "pytest -q"
BEGAN = 1_794_301_200.0  # 2026-11-10T09:00:00Z


def play() -> Stage:
    """The whole run."""
    text, parsed = plan("quiet")
    stage = Stage(
        Script(
            run="ledger-2-0-1", plan=parsed, plan_text=text, began=BEGAN, check=GATE, gate_seconds=6.0,
            passed=48, turns=TURNS, reds={"entries": [HEADER]}, changes=CHANGES,
            settings=RunSettings(
                team=("ada", "bob", "cleo"), gates=("ruff check .", GATE), model="claude-sonnet-4-5", batch=8,
                continues=True, on_question="ask",
            ),
        )
    )  # fmt: skip
    stage.play()
    return stage


HEADER = pytest_red(
    GATE,
    [
        (
            "tests/test_entries.py::test_a_statement_with_a_byte_order_mark",
            "assert entries[0].payee == 'Bakery Lindt'",
            "KeyError: '\\ufeffDate'",
            "ledger/entries.py:41: KeyError",
        )
    ],
    51,
    5.62,
)

TURNS = {
    ("money", "first"): [
        [
            progress(10, "reading the tests that are there"),
            act("Read", "ledger/money.py"),
            say(
                "`parse` has to tell a decimal comma from a thousands comma. The last separator"
                " decides: if two"
                " digits follow it, it is the decimal one."
            ),
            edit("ledger/money.py"),
            act("Write", "tests/test_money.py", 25.0),
            progress(70, "both notations parse; refusing three decimals next"),
            edit("ledger/money.py", 12.0),
            act("Bash", "pytest -q tests/test_money.py", 8.0),
            mark(
                "message",
                "money.parse() takes both notations, so entries.py need not know which bank writes which.",
                to="ada",
            ),
            act("Bash", "git add -A && git commit -qm 'Parse and format amounts'"),
            done("parse() and format() with 14 tests; both notations, and three decimals are refused."),
        ]
    ],
    ("entries", "gate_red"): [
        [
            say("A byte order mark: one bank writes one. I open the file with utf-8-sig."),
            act("Read", "ledger/entries.py"),
            edit("ledger/entries.py", 12.0),
            progress(95, "byte order mark handled, running all tests"),
            act("Bash", "pytest -q", 9.0),
            act("Bash", "git commit -qam 'Read statements that begin with a byte order mark'"),
            done("Statements with a byte order mark are read; all 52 tests are green."),
        ]
    ],
}

CHANGES = {
    "money": (
        PublicChange(
            path="ledger/money.py", name="parse", how="added", signature="def parse(text: str) -> int"
        ),
        PublicChange(
            path="ledger/money.py", name="format", how="changed", signature="def format(cents: int) -> str"
        ),
    ),
    "report": (
        PublicChange(
            path="ledger/report.py",
            name="report",
            how="added",
            signature="def report(entries: Iterable[Entry], year: int, month: int) -> Report",
        ),
    ),
}
