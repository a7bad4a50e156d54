"""The middle of a big refactoring: sixteen teammates and a lead, sixty tasks, much for a person to answer.

It is not over at the end of the log: everybody is at work, a landing is gated, and the inbox is full.
"""

from __future__ import annotations

from tests.tui.logs.beats import (
    Beat,
    Clash,
    Pair,
    act,
    done,
    edit,
    mark,
    permission,
    progress,
    pytest_red,
    retried,
    say,
)
from tests.tui.logs.plans import plan
from tests.tui.logs.script import Script
from tests.tui.logs.stage import Stage, landed
from workbench.core.decide.changes import proposed
from workbench.core.mail import ALL
from workbench.core.models import PublicChange, RunSettings
from workbench.core.plan.parse import parse
from workbench.core.requests import RequestJoin, Write

GATE = "pytest -q"
BEGAN = 1_796_115_600.0  # 2026-12-01T09:00:00Z
TEAM = (
    "ada", "bob", "cleo", "dan", "eve", "fay", "gus", "hana", "ivo", "jun", "kim", "leo", "mia", "noor",
    "omar", "pia",
)  # fmt: skip
MINUTES = 21.05
"""After so long the recording breaks off."""


def play() -> Stage:
    """The run as far as it is recorded."""
    text, parsed = plan("busy")
    stage = Stage(
        Script(
            run="harbor-3-2", asides=ASIDES, paths=PATHS, plan=parsed, plan_text=text, began=BEGAN,
            check="pytest -q tests/{folder}",
            gate_seconds=30.0, passed=1903, tempo=2.3, dollars=0.0085, thorough=False, turns=TURNS,
            changes=CHANGES,
            reds={"account-passwords": [HASHES], "stock-repo": [DEADLOCK, DEADLOCK], "cart-merge": [MERGED]},
            clashes={
                "mail-templates": [Clash(("harbor/settings.py",), SETTINGS_HUNKS, "union")],
                "stock-model": [Clash(("harbor/__init__.py",), EXPORTS_HUNKS, "union")],
                "account-repo": [Clash(("harbor/db/metadata.py",), METADATA_HUNKS, "structure")],
                "payment-repo": [Clash(("harbor/db/metadata.py",), METADATA_HUNKS, "structure")],
                "order-repo": [Clash(("harbor/db/metadata.py",), METADATA_HUNKS)],
                "cart-repo": [
                    Clash(("harbor/db/types.py",), TYPES_HUNKS, "union"),
                    Clash(("harbor/db/types.py",), TYPES_HUNKS),
                ],
            },
            thrown={"cart-repo": TWO_TYPES}, pairs=(Pair("tax", "shipping-rates", TAXED_TWICE),),
            flaky={4: SLOW_SEARCH, 9: SLOW_SEARCH},
            answers=ANSWERS,
            lead_says=LEAD, settings=SETTINGS,
        )
    )  # fmt: skip
    _person(stage, text)
    stage.play(MINUTES)
    return stage


SETTINGS = RunSettings(
    team=TEAM, gates=(GATE,), model="claude-sonnet-4-5", batch=6, gate_slots=2,
    budget_usd=50.0, task_budget_usd=3.0, lead="claude", continues=True, on_question="ask", on_plan="ask",
    on_permission="ask", answer_seconds=7200.0, topology="mesh", attempts=3, repairs=3, on_join="ask",
)  # fmt: skip


def _person(stage: Stage, text: str) -> None:
    """What a person does besides answering."""
    say_all = Write(
        to=ALL,
        text="Good morning. The API's answers must stay byte for byte what they are; ask when in doubt.",
    )
    stage.at(0.9, lambda: stage.request(say_all))
    to_lead = Write(
        to="lead", text="Please keep an eye on payments: nobody touches capture() without a test."
    )
    stage.at(6.5, lambda: stage.request(to_lead))
    stage.at(12.0, lambda: stage.request(Write(to="eve", text="Which of the two tax tables did you take?")))
    join = RequestJoin(seat="5e47a1c09b3d2f68", name="wanda", agent="hand", worktree="/home/wanda/src/harbor")
    stage.at(16.4, lambda: stage.request(join))
    changed = text.replace(
        "### api-pages:",
        "### api-rates: Limit the rate of calls\n"
        "- files: harbor/api/rates.py, tests/api/test_rates.py\n"
        "- after: api-errors\n\n"
        "60 calls a minute for a guest, 600 for a customer; the answer says when to come back.\n\n"
        "### api-pages:",
    ).replace("- after: account-service, order-history", "- after: account-service")
    changed = changed.replace(
        "Poll every hour until delivered, then stop.", "Poll every two hours until delivered."
    )

    def saved() -> None:
        change = proposed(stage.state, stage.state.plan_file, parse(changed, "plan.md"))
        assert change is not None, "the file was changed"
        stage.send(change)

    stage.at(19.4, saved)
    stage.after(
        landed("tax"),
        20.0,
        lambda: stage.request(Write(to="lead", text="Tax is in, good. What is slowest now?")),
    )


NUMBERS = "Yes: begin at 100001 in January, and a cancelled order keeps its number."

ANSWERS = {
    "shipping-rates": (40.0, "yes", "Once, and commit the file."),
    "order-numbers": (75.0, "", NUMBERS),
    "payment-port": (50.0, "yes", ""),
}

LEAD = {
    "db-types": "Keep `MoneyType` one column of text, amount and currency: the contract wants one value.",
    "catalog-repo": "`search` takes a `Page` and gives a tuple of products; names as in api-pages.",
    "cart-discounts": "!A voucher on a cart of one sale item changes what customers pay. Please decide.",
}

HASHES = pytest_red(
    GATE,
    [
        (
            "tests/accounts/test_passwords.py::test_an_old_hash_is_rehashed_at_login",
            "assert customer.password_hash.startswith('$argon2id$')",
            "AssertionError: assert False\nE        +  where False = startswith('$argon2id$')",
            "tests/accounts/test_passwords.py:58: AssertionError",
        )
    ],
    1911,
    21.48,
)
DEADLOCK = pytest_red(
    GATE,
    [
        (
            "tests/stock/test_repository.py::test_two_orders_of_the_same_two_products",
            "await asyncio.wait_for(asyncio.gather(first, second), 5)",
            "TimeoutError",
            "tests/stock/test_repository.py:92: TimeoutError",
        ),
        (
            "tests/stock/test_repository.py::test_reserving_is_in_the_order_of_ids",
            "assert locked == sorted(locked)",
            "assert [7, 3] == [3, 7]",
            "tests/stock/test_repository.py:113: AssertionError",
        ),
    ],
    1917,
    27.03,
)
MERGED = pytest_red(
    GATE,
    [
        (
            "tests/cart/test_merging.py::test_quantities_stop_at_the_stock[2-3-4]",
            "assert merged.line(sku).quantity == Quantity(4)",
            "assert Quantity(5) == Quantity(4)",
            "tests/cart/test_merging.py:37: AssertionError",
        )
    ],
    1920,
    20.77,
)
SLOW_SEARCH = pytest_red(
    GATE,
    [
        (
            "tests/catalog/test_queries.py::test_search_answers_in_time",
            "assert elapsed < 0.25",
            "assert 0.2731 < 0.25",
            "tests/catalog/test_queries.py:41: AssertionError",
        )
    ],
    1931,
    24.90,
)
TAXED_TWICE = pytest_red(
    GATE,
    [
        (
            "tests/test_totals.py::test_shipping_is_taxed_once[DE]",
            "assert total(cart, to='DE') == Money(11900, 'EUR')",
            "assert Money(12481, 'EUR') == Money(11900, 'EUR')",
            "tests/test_totals.py:64: AssertionError",
        ),
        (
            "tests/test_totals.py::test_shipping_is_taxed_once[CH]",
            "assert total(cart, to='CH') == Money(10810, 'CHF')",
            "assert Money(11241, 'CHF') == Money(10810, 'CHF')",
            "tests/test_totals.py:64: AssertionError",
        ),
    ],
    1940,
    22.15,
)
TWO_TYPES = pytest_red(
    GATE,
    [
        (
            "tests/db/test_types.py::test_every_type_is_registered_once",
            "assert len(names) == len(set(names))",
            "assert 9 == 8",
            "tests/db/test_types.py:19: AssertionError",
        )
    ],
    1944,
    23.31,
)

SETTINGS_HUNKS = """--- harbor/settings.py
@@ line 44 @@
<<<<<<< landed
    session_days: int = 14
||||||| before
=======
    mail_folder: Path = Path("harbor/mail/templates")
>>>>>>> mail-templates
"""
EXPORTS_HUNKS = """--- harbor/__init__.py
@@ line 12 @@
<<<<<<< landed
from harbor.cart.model import Cart, Line
||||||| before
=======
from harbor.stock.model import Reservation, Stock
>>>>>>> stock-model
"""
METADATA_HUNKS = """--- harbor/db/metadata.py
@@ line 31 @@
 TABLES = (
     "addresses",
<<<<<<< landed
     "carts",
     "customers",
||||||| before
     "customer",
=======
     "customer",
     "orders",
     "order_lines",
>>>>>>> order-repo
     "products",
"""
TYPES_HUNKS = """--- harbor/db/types.py
@@ line 20 @@
 REGISTERED: dict[type, TypeEngine] = {
<<<<<<< landed
     Money: MoneyType(),
     ProductId: IdType(ProductId),
||||||| before
     Decimal: Numeric(12, 2),
=======
     Money: MoneyType(currency="EUR"),
     CartId: IdType(CartId),
>>>>>>> cart-repo
 }
"""

OVERLOADED = (
    '{"type":"error","error":{"type":"rate_limit_error","message":"Number of request tokens has exceeded your'
    ' per-minute rate limit"}}'
)


def _asks(
    task: str, path: str, text: str, to: str = "", after: int = 20
) -> dict[tuple[str, str], list[list[Beat]]]:
    """A turn in which something is asked on the way."""
    test = f"tests/{path.removeprefix('harbor/').rpartition('/')[0]}/test_{path.rpartition('/')[2]}"
    return {
        (task, "first"): [
            [
                progress(10, f"reading {path}"),
                act("Read", path),
                say("The contract leaves one thing open here; I ask before I build on it."),
                edit(path),
                progress(after, "asked, going on with what is clear"),
                mark("question", text, to=to),
                say("Good, that settles it."),
                edit(path),
                act("Write", test, 30.0),
                act("Bash", f"pytest -q {test}", 15.0),
                act("Bash", f"git add -A && git commit -qm 'Do {task}'"),
                done("Done as answered; the answer is in the docstring."),
            ]
        ]
    }


PATHS = {
    "unit-of-work": ("harbor/uow.py", "harbor/db/metadata.py", "tests/test_uow.py"),
    "catalog-prices": ("harbor/catalog/prices.py", "harbor/db/types.py", "tests/catalog/test_prices.py"),
    "account-sessions": (
        "harbor/accounts/sessions.py",
        "harbor/db/metadata.py",
        "tests/accounts/test_sessions.py",
    ),
}
"""What some tasks change besides what the plan says."""

ASIDES = {
    "cart-model": [
        mark(
            "message",
            "Line is frozen; with_line() keeps their order. Is that enough for discounts?",
            to="dan",
        )
    ],
    "order-model": [
        mark("message", "The table of steps is `orders.model.STEPS`; please write no second one.", to="noor")
    ],
    "account-model": [
        mark("note", "Addresses are values: compare them, not their ids.", namespace="harbor.accounts")
    ],
    "clock": [mark("message", "clock.now() is UTC and aware. Tests set it with `clock.at(...)`.", to="eve")],
    "payment-port": [
        mark(
            "message",
            "capture() takes the authorization, not the order: your plan says otherwise.",
            to="hana",
        )
    ],
}

TURNS: dict[tuple[str, str], list[list[Beat]]] = {
    **_asks(
        "db-types",
        "harbor/db/types.py",
        "One text column for Money (`1290 EUR`), or two columns, amount and currency? Two can be"
        " summed in SQL.",
    ),
    **_asks(
        "order-numbers",
        "harbor/orders/numbers.py",
        "Do the numbers begin at 1 every year, and does a cancelled order keep its number? The old code does"
        " neither the same way twice.",
        "person",
    ),
    **_asks(
        "catalog-repo",
        "harbor/catalog/repository.py",
        "Should `search` give a page object or a tuple? api-pages has not landed yet.",
    ),
    **_asks(
        "cart-discounts",
        "harbor/cart/discounts.py",
        "A voucher of 10 % on a cart whose only item is on sale: does the sale count as a line"
        " discount first, so"
        " that the voucher is 10 % of the reduced price? The old code takes the full price, which"
        " the contract's"
        " order forbids.",
    ),
    **_asks(
        "shipping-labels",
        "harbor/shipping/labels.py",
        "The carrier's sandbox wants a contract number. Is there one that I may use in tests, or do"
        " I record its"
        " answers once and play them back?",
        "person",
        35,
    ),
    ("units", "first"): [
        [
            progress(5, "reading where floats are amounts"),
            act("Grep", "float\\(.*price in harbor/"),
            say(
                "112 places treat an amount as a float. Money with integer minor units, and"
                " operators that refuse"
                " to mix currencies; division gives a remainder instead of losing it."
            ),
            edit("harbor/units.py"),
            progress(40, "Money adds, subtracts, multiplies by an int and splits"),
            act("Write", "tests/test_units.py", 35.0),
            mark(
                "message",
                "Money.split(n) gives n parts that add up again, the first ones a cent larger. Use"
                " it for discounts"
                " over lines instead of dividing.",
                to=ALL,
            ),
            mark("note", "Amounts: Money.split(n) never loses a cent.", namespace="harbor.units"),
            progress(75, "Quantity next"),
            edit("harbor/units.py"),
            act("Bash", "pytest -q tests/test_units.py && mypy harbor", 25.0),
            act("Bash", "git add -A && git commit -qm 'Money and quantities as values'"),
            done("Money and Quantity with 46 tests, and a Hypothesis test that split() adds up."),
        ]
    ],
    ("payment-card", "first"): [
        [
            progress(10, "reading the provider's client"),
            act("Read", "harbor/legacy/paygate.py"),
            act("Grep", "paygate in harbor/"),
            mark(
                "plan",
                "1. A `CardProvider` that implements `payments.port.Provider`; the client stays"
                " private in it.\n"
                "2. Idempotency keys from the order's id and the step, so that a retry after a"
                " timeout is harmless.\n"
                "3. Timeouts of 10 s, two retries for `authorize`, none for `capture`: a second"
                " capture after an\n"
                "   unclear answer is asked about first (`GET /charges?key=`).\n"
                "4. Tests play back recorded answers in `tests/payments/cassettes/`; no network.\n\n"
                "Out of scope: 3-D Secure stays where it is, in `legacy/redirects.py`.",
            ),
            say("Approved. First the port's side, then the client."),
            edit("harbor/payments/card.py", 40.0),
            progress(45, "authorize and refund behind the port"),
            act("Bash", "pytest -q tests/payments", 15.0),
            edit("harbor/payments/card.py", 40.0),
            done("Cards behind the port."),
        ]
    ],
    ("payment-webhooks", "first"): [
        [
            progress(10, "reading the webhooks that come now"),
            act("Read", "harbor/legacy/hooks.py"),
            mark(
                "plan",
                "Check the signature over the raw body before anything is parsed; keep each event id"
                " in a table with"
                " a unique index and answer 200 to one that is known; publish `PaymentCaptured` and"
                " the like on the"
                " bus. Unknown kinds are stored and answered with 200.",
            ),
            edit("harbor/payments/webhooks.py", 40.0),
            progress(55, "signatures and doubles done"),
            act("Write", "tests/payments/test_webhooks.py", 30.0),
            act("Bash", "pytest -q tests/payments", 15.0),
            done("Webhooks: signature first, each id once."),
        ]
    ],
    ("shipping-rates", "first"): [
        [
            progress(10, "reading rates.csv"),
            act("Read", "harbor/data/rates.csv"),
            edit("harbor/shipping/rates.py"),
            permission(
                "Bash",
                "curl -sSO https://rates.example-carrier.com/2027/tariff.csv",
                "It reaches the network, which no rule of the run allows.",
            ),
            act("Write", "tests/shipping/test_rates.py", 30.0),
            act("Bash", "pytest -q tests/shipping", 15.0),
            done("Rates by weight and country; the tariff of 2027 is in data/."),
        ]
    ],
    ("account-repo", "first"): [
        [
            progress(15, "reading the customers' table"),
            act("Read", "harbor/legacy/customers.py"),
            say(
                "Mail addresses differ only in case 214 times in the fixtures. A unique index on lower(mail)."
            ),
            edit("harbor/accounts/repository.py", 35.0),
            progress(60, "the index needs the citext extension in the test database"),
            permission(
                "Bash",
                "docker compose exec db psql -U harbor -c 'create extension citext'",
                "It changes something outside the worktree.",
            ),
            act("Write", "tests/accounts/test_repository.py", 30.0),
            act("Bash", "pytest -q tests/accounts", 15.0),
            done("Customers by mail without regard to case."),
        ]
    ],
    ("order-place", "first"): [
        [
            progress(10, "reading checkout()"),
            act("Read", "harbor/legacy/checkout.py"),
            say("checkout() is 340 lines and commits four times. I write down what each commit was for."),
            edit("harbor/orders/placing.py", 40.0),
            progress(35, "cart to order in one unit of work; stock is reserved inside"),
            mark(
                "question",
                "A reservation that cannot be had: refuse the whole order, or place it without that"
                " line? The old"
                " code does the second and tells nobody.",
                to="person",
            ),
            edit("harbor/orders/placing.py", 40.0),
            done("Orders are placed in one unit of work."),
        ]
    ],
    ("tax", "first"): [
        [
            progress(10, "two tables of rates, and they differ"),
            act("Read", "harbor/legacy/tax_rates.csv"),
            act("Bash", "diff harbor/legacy/tax_rates.csv harbor/data/vat.csv", 6.0),
            retried(429, OVERLOADED, 20.0),
            say(
                "vat.csv is newer and has the days from which rates count. I take that one and"
                " delete the other."
            ),
            edit("harbor/tax.py"),
            act("Write", "tests/test_tax.py", 30.0),
            mark("message", "I took harbor/data/vat.csv; the other table is gone.", to="person"),
            act("Bash", "pytest -q tests/test_tax.py", 12.0),
            act("Bash", "git add -A && git commit -qm 'Tax by country'"),
            done("Tax by country and day; rounding half even, once."),
        ]
    ],
    ("stock-repo", "gate_red"): [
        [
            say(
                "Two orders lock the same rows in different order: `in_()` does not keep it. I sort the ids."
            ),
            edit("harbor/stock/repository.py"),
            act("Bash", "pytest -q tests/stock", 20.0),
            done("Rows are locked in the order of their ids."),
        ],
        [
            say("Sorted in Python, but the query plan decides. `order_by(id)` inside the locking select."),
            progress(90, "the order is now part of the query"),
            edit("harbor/stock/repository.py"),
            act("Bash", "pytest -q tests/stock -x --count 50", 40.0),
            done("The locking select orders by id; 50 runs without a deadlock."),
        ],
    ],
    ("catalog-search", "first"): [
        [
            progress(15, "counting queries: 51 for a page of 50"),
            act("Read", "harbor/catalog/views.py"),
            mark(
                "message",
                "bob: does your repository load variants? I would use `selectinload` there.",
                to="bob",
            ),
            retried(529, "Overloaded", 12.0),
            edit("harbor/catalog/search.py"),
            progress(60, "2 queries, whatever the page"),
            act("Write", "tests/catalog/test_search.py", 30.0),
            act("Bash", "pytest -q tests/catalog", 15.0),
            done("Search takes two queries."),
        ]
    ],
}

CHANGES = {
    "units": (
        PublicChange(path="harbor/units.py", name="Money", how="added", signature="class Money"),
        PublicChange(
            path="harbor/units.py", name="Money.split", how="added",
            signature="def split(self, parts: int) -> tuple[Money, ...]",
        ),
    ),
    "errors": (
        PublicChange(
            path="harbor/errors.py", name="HarborError", how="added",
            signature="class HarborError(Exception)",
        ),
        PublicChange(
            path="harbor/errors.py", name="ShopError", how="removed",
            signature="class ShopError(Exception)",
        ),
    ),
    "db-session": (
        PublicChange(
            path="harbor/db/session.py", name="session", how="changed",
            signature="async def session() -> AsyncIterator[AsyncSession]",
        ),
    ),
}  # fmt: skip
