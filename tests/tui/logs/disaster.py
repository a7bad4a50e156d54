"""Everything that can go wrong, and what is hostile: red gates, crashes, limits, tampering, no money left."""

from __future__ import annotations

from tests.tui.logs.beats import (
    Clash,
    Red,
    act,
    crash,
    denied,
    done,
    edit,
    forged,
    mark,
    progress,
    pytest_red,
    retried,
    say,
)
from tests.tui.logs.plans import plan
from tests.tui.logs.script import Script
from tests.tui.logs.stage import Stage
from workbench.core import events as e
from workbench.core.alarms import Alarm
from workbench.core.mail import ALL
from workbench.core.models import RunSettings
from workbench.core.requests import Retry, Stop, Write

GATE = "pytest -q"
BEGAN = 1_797_325_200.0  # 2026-12-15T09:00:00Z
RESET = BEGAN + 60 * 18.0

LONG = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 5
HOSTILE = (
    "[red]ERROR[/] [bold]all tests passed[/bold] [link=https://example.com]click[/link] [/nothing] \\[x]\n"
    "\x1b[2J\x1b[31mclear\x1b[0m\x07 \x00null \u202egnp.exe\u202c \u200bzero\u200bwidth e\u0301"
    " \ufeffbom\r over"
)
WIDE = "東京の潮位を読む 🌊👩‍👩‍👧‍👦🏳️‍🌈 한국어 ไทย العربية עברית"


def play() -> Stage:
    """The whole run, through its two processes."""
    text, parsed = plan("disaster")
    stage = Stage(
        Script(
            run="tidepool-7", plan=parsed, plan_text=text, began=BEGAN, check="pytest -q", gate_seconds=11.0,
            passed=312, dollars=0.0042, turns=TURNS,
            reds={
                "graph": [GRAPH] * 20, "export-csv": [EXPORT] * 9, "stations": [DST, DST, None],
                "metrics": [MAKE], "admin": [HANGS, HANGS, HANGS, HANGS, HANGS, HANGS],
            },
            clashes={
                "alert-sms": [Clash(("tidepool/alerts.py",), ALERT_HUNKS)] * 6,
                "alert-mail": [Clash(("tidepool/alerts.py",), ALERT_HUNKS)] * 6,
            },
            settings=SETTINGS, answers={"question": (900.0, "", "Both; say so in the docstring.")},
        )
    )  # fmt: skip
    _outside(stage)
    stage.play(20.0)
    stage.broken = BROKEN
    stage.die_and_resume(240.0)
    stage.at(26.5, stage.mended)
    stage.at(30.5, lambda: stage.request(Stop()))
    stage.play()
    stage.branch.undo("metrics")
    stage.resume(60.0)
    stage.play()
    return stage


SETTINGS = RunSettings(
    team=("ada", "bob", "cleo", "dan", "eve", "fay"), gates=("make check", GATE), model="claude-sonnet-4-5",
    batch=4, budget_usd=13.5, continues=True, on_question="ask", answer_seconds=3600.0, attempts=3, repairs=2,
    retry_seconds=5.0, idle_seconds=600.0,
)  # fmt: skip


def _outside(stage: Stage) -> None:
    """What comes from outside of the run."""
    nobody = Write(to="nobody", text="Are you there?")
    stage.at(1.5, lambda: stage.request(nobody))
    to_all = Write(to=ALL, text=HOSTILE)
    stage.at(2.0, lambda: stage.request(to_all))
    stage.at(
        3.0,
        lambda: stage.send(e.Noticed(sentence="The clock went back by 41 seconds; times are kept in order.")),
    )
    stage.at(4.0, lambda: stage.send(_tampered(stage)))
    stage.at(
        5.2, lambda: stage.send(e.EffectFailed(action="ReadLanding", error="git: fatal: unable to read tree"))
    )
    for minutes in (6.1, 8.3):
        stage.at(minutes, lambda: stage.send(_moved(stage)))
    stage.at(7.2, lambda: stage.agents.idle("admin"))
    stage.at(24.0, lambda: stage.request(Retry(task="export-csv")))
    stage.at(24.2, lambda: stage.request(Retry(task="queue")))


def _tampered(stage: Stage) -> e.Event:
    live = tuple(f"{task}#{attempt}" for task, attempt in stage.state.working)[:3]
    alarm = Alarm(
        kind="config",
        sentence="The repository's configuration was changed: core.hookspath, remote.origin.pushurl.",
        hint="Look at `git config --local --list`: whoever writes core.hookspath acts in your name.",
        suspects=live, kept=(f"refs/workbench/{stage.script.run}/kept/config-1",),
    )  # fmt: skip
    return e.TamperingFound(alarm=alarm)


def _moved(stage: Stage) -> e.Event:
    live = tuple(f"{task}#{attempt}" for task, attempt in stage.state.working)[:2]
    run = stage.script.run
    return e.RefRestored(
        ref=stage.state.integration, found="0badc0de" * 5, put_back=stage.state.published, suspects=live,
        kept=f"refs/workbench/{run}/kept/integration-{len(stage.state.alarms)}",
        hint="If that was you: land it as a task, or stop the run first.",
    )  # fmt: skip


GRAPH = pytest_red(
    GATE,
    [
        (
            "tests/test_graph.py::test_a_graph_without_readings",
            "assert '<svg' in graph([])",
            "ValueError: min() arg is an empty sequence",
            "tidepool/graph.py:23: ValueError",
        )
    ],
    318,
    10.4,
)
EXPORT = pytest_red(
    GATE,
    [
        (
            "tests/test_export.py::test_a_name_with_a_comma[" + LONG[:90] + "]",
            "assert rows == expected",
            "AssertionError: assert ['Brest', ' Pointe'] == ['Brest, Pointe']",
            "tests/test_export.py:31: AssertionError",
        )
    ],
    320,
    10.9,
)
DST = pytest_red(
    GATE,
    [
        (
            f"tests/test_stations.py::test_local_time_in_the_hour_that_comes_twice[{zone}]",
            "assert station.utc(local) == expected",
            "AssertionError: fold was ignored",
            "tests/test_stations.py:77: AssertionError",
        )
        for zone in ("Europe/Lisbon", "America/St_Johns", "Asia/東京")
    ],
    309,
    11.7,
)
MAKE = Red(
    "make check",
    "mypy tidepool\n"
    'tidepool/metrics.py:14: error: Argument 1 to "Gauge" has incompatible type "int"; expected "str"\n'
    "Found 1 error in 1 file (checked 31 source files)\nmake: *** [Makefile:9: check] Error 1",
    (),
    2,
)
HANGS = Red(GATE, "tests/test_admin.py ....\n\n" + HOSTILE + "\n\nstopped after 1800 seconds", (), None)
ALERT_HUNKS = """--- tidepool/alerts.py
@@ line 58 @@
 async def raise_alert(station: Station, level: float) -> None:
<<<<<<< landed
     await mail.send(station.operators, subject(station, level))
||||||| before
     log.warning("flood at %s", station)
=======
     for number in station.numbers:
         await sms.send(number, short(station, level))
>>>>>>> alert-sms
     station.alerted = True
"""


LIMIT = "Claude usage limit reached. Your limit will reset at 09:18."
BROKEN = "claude: error while loading shared libraries: libstdc++.so.6: cannot open shared object file"

TURNS = {
    ("queue", "first"): [
        [
            progress(10, "reading the twenty cron jobs"),
            act("Read", "deploy/crontab"),
            say(
                "Two of them run at the same minute and write the same table. That is what the queue is for."
            ),
            edit("tidepool/queue.py"),
            progress(150 - 50, "almost"),
            forged("1797325300000000000-1-done.json", "its nonce is not that of this attempt"),
            denied("Write", "/home/ada/.bashrc", "it is outside the worktree"),
            denied(
                "Bash",
                "rm -rf /home/ada/src/tidepool/.git",
                "it would change the repository besides the work",
            ),
            act("Write", "tests/test_queue.py", 25.0),
            mark("message", "The table is `jobs`, the dead ones are in `dead_jobs`.", to="all"),
            mark("message", "Can you take the index?", to="zelda"),
            act("Bash", "pytest -q tests/test_queue.py", 12.0),
            done("The queue, with skip locked; 9 tests."),
        ]
    ],
    ("http", "first"): [
        [
            progress(10, "reading " + LONG),
            say(HOSTILE),
            act("Bash", "printf '" + HOSTILE + "'"),
            say(WIDE),
            edit("tidepool/http.py"),
            progress(60, HOSTILE),
            mark("message", HOSTILE, to="dan"),
            mark("message", WIDE + " " + LONG, to="person"),
            forged("../../etc/passwd", "its name is no name for a marker"),
            forged("x.json", "it is 4,194,304 bytes long; 65,536 are allowed"),
            retried(429, '{"type":"error","error":{"type":"rate_limit_error"}}', 8.0),
            act("Write", "tests/test_http.py", 25.0),
            done("[green]done[/green] " + WIDE),
        ]
    ],
    ("parse-shom", "first"): [
        [
            progress(10, "reading the sample that is there"),
            act("Read", "tests/data/shom_brest.xml"),
            act("WebFetch", "https://services.data.shom.fr/maregraphie/INSPIRE/wfs"),
            denied(
                "WebFetch",
                "https://services.data.shom.fr/maregraphie/INSPIRE/wfs",
                "no rule of the run allows it",
            ),
            say(
                "The sample is cut off after the header, and the service wants a key. I cannot tell"
                " how values look."
            ),
            mark(
                "blocked", "The sample file holds no values, and the service wants a key that I do not have."
            ),
        ]
    ],
    ("parse-jma", "first"): [
        [
            progress(10, "見本を読む (reading the sample)"),
            act("Read", "tests/data/潮位_東京.txt"),
            say("固定幅三桁。999 は欠測。東京・大阪・那覇の名前はそのまま残す。 Not bytes."),
            edit("tidepool/parse/jma.py"),
            crash(LIMIT, limit="usage", resets_at=RESET),
            say("The limit is over. 続ける: the tests come next."),
            edit("tidepool/parse/jma.py"),
            act("Write", "tests/parse/test_jma.py", 25.0),
            act("Bash", "pytest -q tests/parse", 12.0),
            done("毎時潮位を読む。テスト六件。"),
        ]
    ],
    ("parse-noaa", "first"): [
        [
            progress(20, "columns are fixed, but not where the manual says"),
            act("Read", "tests/data/noaa_9410170.txt"),
            edit("tidepool/parse/noaa.py"),
            mark("question", "9999 is `no value`, but 999.9 appears too. Both?", to="person"),
            edit("tidepool/parse/noaa.py"),
            act("Bash", "pytest -q tests/parse", 12.0),
            done("Both mean that there is no value."),
        ]
    ],
    ("alert-sms", "first"): [
        [
            progress(10, "reading tidepool/alerts.py"),
            edit("tidepool/alerts.py"),
            edit("tidepool/sms.py"),
            act("Bash", "pytest -q tests/test_alert_sms.py", 12.0),
            done("SMS for every number of a station."),
        ]
    ],
}
