"""Names of failing tests, read out of what a gate printed. Pure, and forgiving: text that is no test
runner's gives nothing, whatever it is, and nothing here raises.

Each reader knows one runner's output and gives pairs of line number and name; the names are as the
runner prints them, less what changes from run to run (line numbers, times, absolute paths), so that the
same test has the same name in the next run. Time grows with the length of the output only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple
from xml.parsers import expat

NAME_LIMIT = 400
"""Characters of a name that are kept."""

LINE_LIMIT = 4_000
"""Characters of a line that are looked at; a name never stands farther right."""

Found = Iterator[tuple[int, str]]
Lines = Sequence[str]

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


def failing_tests(output: str) -> tuple[str, ...]:
    """Names of the tests that failed, in order of appearance, each once; () when none can be read.

    Knows pytest, unittest, go test (plain, -v, -json), cargo test and nextest, jest, vitest, mocha,
    TAP and node's test runner, Maven Surefire and Gradle, and JUnit XML among the output.
    """
    lines = [
        line[:LINE_LIMIT]
        for line in _ANSI.sub("", output).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ]
    found = [pair for reader in _READERS for pair in reader(lines)]
    names = [name for _, name in sorted(found, key=lambda pair: pair[0])]
    if "<testcase" in output:
        names += junit_failures(output[max(0, output.find("<testsuite")) :])
    return _unique(names)


class JUnitReport(NamedTuple):
    """What JUnit XML says: ``failing`` as ``classname.name``, in order of appearance, and whether it is
    the ``whole`` truth. It is not where the XML has a fault, or something failed that has no name."""

    failing: tuple[str, ...]
    whole: bool


def junit_report(xml: str) -> JUnitReport:
    """The test cases with a failure or an error.

    What stands before a fault in the XML counts; a document type, which no test runner writes, is one.
    """
    reader = _JUnit()
    sound = False
    with suppress(expat.ExpatError, ValueError):
        reader.parser.Parse(xml.encode("utf-8", "replace"), True)
        sound = True
    return JUnitReport(_unique(reader.names), sound and not reader.unnamed)


def junit_failures(xml: str) -> tuple[str, ...]:
    """The names of ``junit_report``."""
    return junit_report(xml).failing


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    cut = (" ".join(name.split())[:NAME_LIMIT] for name in names)
    return tuple(dict.fromkeys(name for name in cut if name))


class _JUnit:
    """Handlers of an XML parser that remember the failed test cases."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.unnamed = 0
        self._case = ""
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "testcase":
            parts = (attributes.get("classname", ""), attributes.get("name", ""))
            self._case = ".".join(part for part in parts if part)
        elif name in ("failure", "error"):
            if self._case:
                self.names.append(self._case)
            else:
                self.unnamed += 1

    def _end(self, name: str) -> None:
        if name == "testcase":
            self._case = ""

    def _doctype(self, *_: object) -> None:
        raise ValueError("a report has no document type")  # and no entities that could grow


# -- Python ------------------------------------------------------------------------------------------

_PYTEST_SUMMARY = re.compile(r"(?:FAILED|ERROR|SUBFAIL(?:ED)?)(?:\[[^\]]*\]|\([^)]*\))? ([^\s:\[]\S*\.\w.*)")
_PYTEST_VERBOSE = re.compile(r"(\S+\.\w+::.+?) (?:FAILED|ERROR)(?: +\[ *\d+%\])?\s*$")
_PYTEST_XDIST = re.compile(r"\[gw\d+\](?: \[ *\d+%\])? (?:FAILED|ERROR) (\S+::.*)")
_PYTEST_HEADER = re.compile(r"_{3,} (?:ERROR (?:collecting|at \w+ of) )?(\S.*?) _{3,}$")
_PYTEST_WHERE = re.compile(r"(\S+\.py):\d+: ?")


def _pytest(lines: Lines) -> Found:
    """Lines of the summary and of ``-v``; without any, headers with the file that follows."""
    seen = False
    for number, line in enumerate(lines):
        if "FAILED" not in line and "ERROR" not in line and "SUBFAIL" not in line:
            continue
        if match := _PYTEST_SUMMARY.match(line):
            name = _before_reason(match[1])
            if "::" not in name and not name.endswith(".py"):
                continue  # a line of some log
        elif match := _PYTEST_VERBOSE.match(line) or _PYTEST_XDIST.match(line):
            name = match[1]
        else:
            continue
        seen = True
        yield number, name
    if not seen:
        yield from _pytest_headers(lines)


def _before_reason(text: str) -> str:
    """The part before `` - reason``; a parameter in brackets may hold that too."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if depth <= 0 and text.startswith(" - ", at):
            return text[:at]
    name, bracket, _ = text.partition("] - ")
    return name + bracket[:1] if bracket else text


def _pytest_headers(lines: Lines) -> Found:
    header: tuple[int, str] | None = None
    for number, line in enumerate(lines):
        if match := _PYTEST_HEADER.match(line):
            header = (number, match[1])
            if match[1].endswith(".py"):
                yield header
                header = None
        elif header and (match := _PYTEST_WHERE.match(line)):
            base, bracket, rest = header[1].partition("[")
            yield header[0], f"{match[1]}::{base.replace('.', '::')}{bracket}{rest}"
            header = None


_UNITTEST = re.compile(r"(?:FAIL|ERROR): (\w+) \(([\w.]+)\)")
_UNITTEST_VERBOSE = re.compile(r"(\w+) \(([\w.]+)\).* \.\.\. (?:FAIL|ERROR)$")


def _unittest(lines: Lines) -> Found:
    for number, line in enumerate(lines):
        if "FAIL" not in line and "ERROR" not in line:
            continue
        if match := _UNITTEST.match(line) or _UNITTEST_VERBOSE.match(line):
            method, owner = match[1], match[2]
            owner = owner.removeprefix("unittest.loader._FailedTest.")
            # Python 3.11 began to name the method in the brackets too.
            whole = owner == method or owner.endswith(f".{method}")
            yield number, owner if whole else f"{owner}.{method}"


# -- Go ------------------------------------------------------------------------------------------------

_GO_TEST = re.compile(r" *--- FAIL: (\S+)")
_GO_PACKAGE = re.compile(r"FAIL\t(\S+)(?:\t| (\[(?:build|setup) failed\]))")


def _go(lines: Lines) -> Found:
    """``package.TestName``; a package that failed without a test (it was not built, it ended) itself."""
    waiting: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        if match := _GO_TEST.match(line):
            waiting.append((number, match[1][:NAME_LIMIT]))
        elif match := _GO_PACKAGE.match(line):
            package = match[1]
            if not waiting:
                yield number, f"{package} {match[2]}" if match[2] else package
            yield from ((at, f"{package}.{name}") for at, name in _without_parents(waiting))
            waiting = []
    yield from _without_parents(waiting)


def _without_parents(tests: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """A test that failed because a subtest of it did says nothing more."""
    parents = {name[:at] for _, name in tests for at, character in enumerate(name) if character == "/"}
    return [pair for pair in tests if pair[1] not in parents]


def _go_json(lines: Lines) -> Found:
    failed: dict[str, list[tuple[int, str]]] = {}
    for number, line in enumerate(lines):
        if not line.startswith("{") or '"fail"' not in line:
            continue
        event: object = None
        with suppress(ValueError, RecursionError):
            event = json.loads(line)
        if isinstance(event, dict) and event.get("Action") == "fail" and event.get("Package"):
            tests = failed.setdefault(str(event["Package"]), [])
            if event.get("Test"):
                tests.append((number, str(event["Test"])[:NAME_LIMIT]))
            elif not tests:
                yield number, str(event["Package"])
    for package, tests in failed.items():
        yield from ((number, f"{package}.{name}") for number, name in _without_parents(tests))


# -- Rust ----------------------------------------------------------------------------------------------

_CARGO = re.compile(r"test (\S.*?)(?: - should panic| - compile(?: fail)?)? \.\.\. FAILED$")
_CARGO_DETAILS = re.compile(r"---- (\S.*) (?:stdout|stderr) ----$")
_DOCTEST_LINE = re.compile(r" \(line \d+\)$")


def _cargo(lines: Lines) -> Found:
    listing = False
    for number, line in enumerate(lines):
        match = _CARGO.match(line) or _CARGO_DETAILS.match(line)
        name = match[1] if match else ""
        if listing := line == "failures:" or (listing and line.startswith("    ")):
            name = line[4:] if line.startswith("    ") else ""
        if name:
            yield number, _DOCTEST_LINE.sub("", name)


_NEXTEST = re.compile(
    r" *(?:TRY (?P<tried>\d+) )?(?P<how>FAIL|TIMEOUT|ABORT|LEAK-FAIL|SIG[A-Z0-9]+|TMT|PASS|FLAKY \S+)"
    r" +\[[^\]]*\] +(?:\([^)]*\) +)?(?P<name>\S+ \S.*)$"
)


def _nextest(lines: Lines) -> Found:
    """``binary test``, as nextest names them; one that passed in a later try did not fail."""
    failed: dict[str, int] = {}
    for number, line in enumerate(lines):
        if "[" in line and (match := _NEXTEST.match(line)):
            if match["how"] == "PASS" or match["how"].startswith("FL"):
                failed.pop(match["name"], None)
            else:
                failed.setdefault(match["name"], number)
    yield from ((number, name) for name, number in failed.items())


# -- JavaScript ------------------------------------------------------------------------------------------

_SUITE = re.compile(
    r" ?(?P<how>FAIL|PASS) +(?:\S+ +)?(?P<file>\S+\.[cm]?[jt]sx?)(?P<rest>(?: > .*)?)(?: [\[(].*)?$"
)
_BULLET = re.compile(r"  ● (\S.*)$")
_NO_TEST = ("Console", "Deprecation", "Validation", "Cannot log after tests", "Test suite failed to run")


def _jest_and_vitest(lines: Lines) -> Found:
    """``file > names``, in which jest has another arrow; a file that could not be run itself."""
    suite: tuple[int, str] | None = None
    for number, line in enumerate(lines):
        if match := _SUITE.match(line):
            if suite:
                yield suite
            suite = (number, match["file"] + match["rest"]) if match["how"] == "FAIL" else None
            named = suite is not None and bool(match["rest"])
            failed_file = match["file"] if suite and not named else ""
        elif suite and failed_file and (match := _BULLET.match(line)) and not match[1].startswith(_NO_TEST):
            suite = (suite[0], "")
            yield number, f"{failed_file} > {match[1]}".replace(" \u203a ", " > ")
    if suite:
        yield suite


_MOCHA_COUNT = re.compile(r"  [1-9]\d* failing$")
_MOCHA_FIRST = re.compile(r"  \d+\) (\S.*)$")


def _mocha(lines: Lines) -> Found:
    """The numbered list under ``N failing``: each title spreads over indented lines up to a colon."""
    listing = False
    title: list[str] = []
    at = 0
    for number, line in enumerate(lines):
        if _MOCHA_COUNT.match(line):
            listing = True
        elif listing and (match := _MOCHA_FIRST.match(line)):
            at, title = number, [match[1]]
        elif title and line.startswith("       ") and number - at < 20:
            title.append(line.strip())
        else:
            title = []
        if title and title[-1].endswith(":"):
            yield at, " > ".join(title)[:-1]
            title = []


_TAP = re.compile(r"( *)not ok(?= |$)(?: \d+)?(?: -)? *(.*)$")
_TAP_SUBTEST = re.compile(r"( *)# Subtest: (.*)$")
_TAP_EXCUSE = re.compile(r"#\s*(?:todo|skip)", re.IGNORECASE)


def _tap(lines: Lines) -> Found:
    """Nested names of the innermost tests that failed, joined by ``>``. Paths are left out: they are
    absolute, and each worktree has its own."""
    above: list[tuple[int, str]] = []  # the subtests that a line stands in: indent and name
    deepest = -1  # the indent of the last failure: what encloses it fails because of it
    for number, line in enumerate(lines):
        if match := _TAP_SUBTEST.match(line):
            indent = len(match[1])
            above = [pair for pair in above if pair[0] < indent] + [(indent, match[2])]
        elif (match := _TAP.match(line)) and not _TAP_EXCUSE.search(match[2]):
            indent = len(match[1])
            if deepest <= indent:
                names = [name for depth, name in above if depth < indent]
                yield number, " > ".join([*names, match[2].strip() or line.strip()])
            deepest = indent if indent > 0 else -1


_NODE_WHERE = re.compile(r"test at (\S.*?):\d+:\d+$")
_NODE_NAME = re.compile(r"✖ (\S.*?) \([\d.]+ms\)$")


def _node(lines: Lines) -> Found:
    """What node's ``spec`` reporter lists in the end: ``file > name``."""
    for number in range(1, len(lines)):
        if (name := _NODE_NAME.match(lines[number])) and (where := _NODE_WHERE.match(lines[number - 1])):
            yield number, f"{where[1]} > {name[1]}"


# -- Java ----------------------------------------------------------------------------------------------

_SUREFIRE = re.compile(r"(?:\[ERROR\] +)?(\w+)\(([\w.$]+)\) .*<<< (?:FAILURE|ERROR)!")
_SUREFIRE_3 = re.compile(r"(?:\[ERROR\] +)?(\S+)(?: --)? +Time elapsed: .*<<< (?:FAILURE|ERROR)!")
_SUREFIRE_SUMMARY = re.compile(r"\[ERROR\] {2,}([A-Z][\w$]*\.\w+)(?::\d+|(?:->.*)? »)")
_GRADLE = re.compile(r"([\w.$]+(?: > \S.*)) FAILED$")


def _java(lines: Lines) -> Found:
    """``package.Class.method`` of Surefire's lines; where only its summary is left, that; Gradle's."""
    summary: list[tuple[int, str]] = []
    seen = False
    for number, line in enumerate(lines):
        if "<<<" in line and (match := _SUREFIRE.match(line)):
            name = f"{match[2]}.{match[1]}"
        elif match := (_SUREFIRE_3 if "<<<" in line else _GRADLE).match(line):
            name = match[1]
        else:
            if match := _SUREFIRE_SUMMARY.match(line):
                summary.append((number, match[1]))
            continue
        seen = True
        yield number, name
    if not seen:
        yield from summary


_READERS: tuple[Callable[[Lines], Found], ...] = (
    _pytest, _unittest, _go, _go_json, _cargo, _nextest, _jest_and_vitest, _mocha, _tap, _node, _java,
)  # fmt: skip
