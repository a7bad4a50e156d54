"""A run as a step of a job: where it is one, and what its log looks like."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from workbench.cli.ci.log import KEPT_SECONDS, GroupedLines
from workbench.cli.ci.streams import WordsOnly, harmless_json, words_only_on_stderr
from workbench.cli.ci.surroundings import HOSTED_MINUTES, surroundings
from workbench.core import events as e
from workbench.core.state import RunState
from workbench.testing.story import Story, task, verdict

JOB = {"GITHUB_ACTIONS": "true", "RUNNER_TEMP": "/tmp/runner"}


@pytest.mark.parametrize(
    ("wanted", "env", "is_one"),
    [
        (None, {}, False),
        (None, JOB, True),
        (None, JOB | {"WORKBENCH_CI": "0"}, False),
        (None, JOB | {"WORKBENCH_CI": "off"}, False),
        (None, {"WORKBENCH_CI": "1"}, True),
        (False, JOB, False),
        (True, JOB | {"WORKBENCH_CI": "0"}, True),
        (None, {"GITHUB_ACTIONS": "false"}, False),
    ],
)
def test_where_a_run_is_a_step(wanted: bool | None, env: dict[str, str], is_one: bool) -> None:
    assert (surroundings(wanted, None, env | {"RUNNER_TEMP": "/r"}) is not None) == is_one


def test_what_is_around_a_step() -> None:
    found = surroundings(None, None, JOB | {"GITHUB_OUTPUT": "/r/out", "RUNNER_ENVIRONMENT": "github-hosted"})
    assert found is not None
    assert (found.output, found.summary, found.minutes) == (Path("/r/out"), None, HOSTED_MINUTES)
    assert found.junit.name == "workbench-junit.xml"
    own = surroundings(None, Path("/r/tests.xml"), JOB | {"RUNNER_ENVIRONMENT": "self-hosted"})
    assert own is not None
    assert (own.junit, own.folder, own.minutes) == (Path("/r/tests.xml"), Path("/r"), 0.0)


def test_what_is_printed_in_pieces_is_no_command_either() -> None:
    inner = io.StringIO()
    stream = WordsOnly(inner)
    print("::", end="", file=stream)
    print("error::forged\nfine", file=stream, flush=True)
    print("half a", end="", file=stream, flush=True)
    stream.command("::group::g")
    print("::error", end="::forged\r\n", file=stream)
    assert inner.getvalue() == "| ::error::forged\nfine\nhalf a\n::group::g\n| ::error::forged\n"


def test_stderr_is_wrapped_once_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = io.StringIO()
    monkeypatch.setattr(sys, "stderr", inner)
    with words_only_on_stderr() as outer, words_only_on_stderr() as again:
        assert outer is again
        sys.stderr.write("workbench: a\n##[error]b")
    assert sys.stderr is inner
    assert inner.getvalue() == "workbench: a\n## [error]b\n"


@pytest.mark.parametrize("text", ["##[error]x", "#\u200b#[x]", "é ##[a]##[b]", "::x::", "plain é"])
def test_json_means_the_same_and_is_no_command(text: str) -> None:
    line = json.dumps({"said": text}, ensure_ascii=False)
    told = harmless_json(line)
    assert json.loads(told) == {"said": text}
    assert "##[" not in told
    assert harmless_json("##[error]no JSON") == "## [error]no JSON"


def played(*names: str) -> tuple[Story, io.StringIO, GroupedLines]:
    inner = io.StringIO()
    display = GroupedLines(WordsOnly(inner))
    run = Story(*(task(name) for name in names), team=("ada", "bob"))
    for record in run.log:  # it has begun
        display.show(run.state, record)
    run._watch = display.show
    return run, inner, display


def test_what_each_attempt_tells_is_one_group() -> None:
    run, inner, display = played("one", "two")
    with display:
        for name in ("one", "two"):
            run.ready(name)
        for name in ("one", "two"):
            run.mark(name, "progress", "half way\n::error::forged")
        run.mark("one", "done")
        run.turn("one")
        run.collected("one")
        bad = verdict("tree-one1", False, output="one failed\n::error::forged\n##[error]forged")
        run.send(e.WorkChecked(task="one", attempt=1, commit="one1", verdicts=(bad,)))
        run.ended("one", interrupted=True)
        told = inner.getvalue()
        assert told.index("ada      starts one") < told.index("::group::ada: one, attempt 1\n")
        assert told.count("::group::") == told.count("::endgroup::") == 1
        assert "one failed\n| ::error::forged\n## [error]forged\n" in told
        assert "bob      two 0% half way" not in told, "its attempt goes on"
    assert "::group::bob: two, attempt 1\n" in inner.getvalue()


def test_a_long_attempt_is_told_of_meanwhile() -> None:
    run, inner, _ = played("one")
    run.ready("one")
    run.mark("one", "progress", "first")
    assert "first" not in inner.getvalue().partition("starts one")[2]
    run.now += KEPT_SECONDS
    run.mark("one", "progress", "second")
    assert "::group::ada: one, attempt 1, so far\n" in inner.getvalue()
    assert inner.getvalue().count("first") == 1


def test_lines_of_nobody_do_not_begin_like_commands() -> None:
    inner = io.StringIO()
    display = GroupedLines(WordsOnly(inner))
    display.show(RunState(), e.Record(1, 1.0, e.Noticed(sentence="::error::x")))
    display.show(RunState(), e.Record(2, 2.0, e.MessageRefused(task="t", attempt=1, to="a", reason="::b::")))
    assert not any(line.lstrip().startswith("::") for line in inner.getvalue().splitlines())
