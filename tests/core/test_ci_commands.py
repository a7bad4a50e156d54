"""Text of others in a job's log and files: nothing in it is obeyed."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.ci.commands import UNSEEN, command, harmless, is_command, output, stopped
from workbench.core.ci.markup import code, markdown, mermaid

PIECES = [
    "::", ":", "##[", "#", "[", "]", "error", "stop-commands", " ", "\t", "\n", "\r", "\u00ad", "\u200b",
    "\ufeff", "\u00a0", "\u2028", "\u0085", "\x00", "\x1b", "\u0301", "%0A", "%", "EOF", "|", "`", "<b>", "a",
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)


def obeyed(text: str) -> list[str]:
    """The lines of a log that a runner could take for commands, read as loosely as can be."""
    lines = re.split(r"\r\n|\r|\n", text)
    ignored = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u00ad\u0300-\u036f\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]")
    return [it for it in lines if ignored.sub("", it).startswith("::") or "##[" in it]


@given(HOSTILE)
def test_no_line_of_others_is_a_command(text: str) -> None:
    told = harmless(text)
    assert not obeyed(told)
    assert "\r" not in told
    assert not any(map(is_command, told.split("\n")))


@given(st.text(alphabet="abc xyz:#.[]é日", max_size=30))
def test_what_is_no_command_is_told_as_it_is(text: str) -> None:
    if not obeyed(text):
        assert harmless(text) == text


@pytest.mark.parametrize(
    "line",
    ["::error::x", "   ::error::x", "\u00ad::error::x", "\u00a0::x::", "said ##[error]x", "#\u200b#[error]x",
     ":\u200b:error::x", "a\r::error::x", "\ufeff ::set-output name=a::b", "\u0301::error::x"],
)  # fmt: skip
def test_ways_to_write_a_command(line: str) -> None:
    assert not obeyed(harmless(line)), harmless(line)


@given(HOSTILE, HOSTILE)
def test_a_command_is_one_line_that_says_what_it_was_given(data: str, title: str) -> None:
    line = command("error", data, {"title": title, "file": "", "line": "3"})
    assert not re.search(r"[\r\n]", line)
    match = re.fullmatch(r"::error ((?:[a-z]+=[^,:]*,?)+)::(.*)", line, re.DOTALL)
    assert match is not None, "no colon and no comma of a property ends it"
    assert "file=" not in match[1]
    said = match[2].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    assert said == "".join(it for it in data if it in "\t\r\n" or unicodedata.category(it) not in UNSEEN)


def test_the_escapes_are_those_that_github_names() -> None:
    line = command("warning", "50%\r\nof: a,b", {"file": "a,b:c.py", "line": "7", "title": "1%"})
    assert line == "::warning file=a%2Cb%3Ac.py,line=7,title=1%25::50%25%0D%0Aof: a,b"


@given(HOSTILE)
def test_what_is_stopped_ends_with_its_own_token(text: str) -> None:
    first, *told, last = stopped(text, "3f9a8c7d").split("\n")
    assert (first, last) == ("::stop-commands::3f9a8c7d", "::3f9a8c7d::")
    assert not obeyed("\n".join(told))


def test_a_token_that_is_known_is_refused() -> None:
    with pytest.raises(ValueError, match="token"):
        stopped("all is well\n::3f9a8c7d::\n::error::x", "3f9a8c7d")
    with pytest.raises(ValueError, match="delimiter"):
        output("branch", "main\n3f9a8c7d\nlanded<<x\n9\nx", "3f9a8c7d")
    with pytest.raises(ValueError, match="delimiter"):
        output("branch", "main", "")


def as_read(text: str) -> dict[str, str]:
    """Outputs as a runner reads them: ``name=value``, or ``name<<delimiter`` and lines up to that."""
    lines, found = iter(text.split("\n")), dict[str, str]()
    for line in filter(None, lines):
        name, delimited, token = line.partition("<<")
        assert delimited, line
        value = []
        while (following := next(lines)) != token:
            value.append(following)
        found[name] = "\n".join(value)
    return found


@given(HOSTILE, HOSTILE)
def test_no_value_ends_its_own_output(one: str, other: str) -> None:
    said = output("one", one, "0123456789abcdef") + output("other", other, "fedcba9876543210")
    assert as_read(said) == {"one": one, "other": other}


@given(HOSTILE)
def test_words_in_a_table_and_in_a_graph_are_nothing_else(text: str) -> None:
    for told in (markdown(text), code(text).removeprefix("<code>").removesuffix("</code>")):
        bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", told)
        assert not re.search(r"[\r\n|`<>\[\]*$~&\\]|(?<![^\W_])_", bare)
        assert not re.search(r"@[A-Za-z0-9]|www\.|:(?=//)", told)
    assert all(it.isalnum() or it in " _-.,/()+#;" for it in mermaid(text))
    assert '"' not in mermaid(text)


def test_words_stay_readable_and_are_cut() -> None:
    assert markdown("Write rows, as CSV (RFC 4180)") == "Write rows, as CSV (RFC 4180)"
    assert len(markdown("a" * 500, 20)) == 20
    assert markdown("![x](https://evil.example/y)") == "!\\[x\\](https:\u200b//evil.example/y)"
    assert mermaid('a"] --> b') == "a#34;#93; --#62; b"
