"""What others wrote, on a page: nothing but words, whatever it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from workbench.core.prose import calm, code, fenced, one_line, words
from workbench.core.report import markdown, report
from workbench.testing.story import Story, task

PIECES = [
    "@org/team", "@octocat", "Closes #1", "fixes GH-7", "org/repo#3", "https://evil.example/a.png",
    "www.evil.example",
    "![t](https://evil.example/t.png)", "[x](javascript:y)", "<img src=x>", "<script>", "<!--", "-->",
    "</details>",
    "```", "````", "~~~", "`", "``", "|", "\\", "\\|", "\\`", "\n", "\n\n", "\r", "# ", "- ", "1. ",
    "> ", "---", "===",
    "\t", "&lt;", "&#64;", "$x$", "**", "__", "_", "~~", "[^1]", "[x]: y", ":--", "\u202e", "\u200b",
    "\x00", "\x1b[2J",
    "é", "a", " ", "%0A::error::", "```mermaid",
]  # fmt: skip

HOSTILE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join) | st.text(max_size=40)

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

PLAIN = {"text", "text_special", "code_inline"}


def blocks(page: str) -> list[str]:
    return [token.type for token in PARSER.parse(page)]


def spans(page: str) -> set[str]:
    return {child.type for token in PARSER.parse(page) for child in token.children or ()}


def laid(text: str) -> str:
    said, shown = words(text), code(text, cell=True)
    return (
        f"# x{said}\n\n> x\n> {said}\n\n- x {said}\n- {code(text)}x\n\n"
        f"| a | b |\n|---|---|\n| x{said} | {shown}x |\n\n" + "\n".join(fenced(text)) + "\n\nend\n"
    )


@given(HOSTILE)
def test_nothing_that_is_written_changes_what_a_page_is(text: str) -> None:
    assert blocks(laid(text)) == blocks(laid("a"))
    assert spans(laid(text)) <= {*PLAIN, "softbreak"}


@given(HOSTILE)
def test_what_was_written_can_still_be_read(text: str) -> None:
    inline = PARSER.parseInline("x" + words(text))[0].children or []
    read = "".join(token.content for token in inline).replace("\u200b", "")
    assert read.strip() == ("x" + one_line(text, 1_000)).strip()


@given(HOSTILE)
def test_it_calls_nobody_and_closes_nothing(text: str) -> None:
    """As a code host looks for it: in the text that is left when Markdown is done."""
    inline = PARSER.parseInline("x " + words(text))[0].children or []
    read = "".join(token.content for token in inline if token.type != "code_inline")
    assert calm(read.replace("\u200b", "")).count("\u200b") <= read.count("\u200b")
    for bad in ("@org", "@octocat", "#1", "#3", "GH-7", "://", "www."):
        assert bad not in read


@pytest.mark.parametrize(
    ("text", "said"), [("- x", "\\- x"), ("1. x", "1\\. x"), ("# x", "\\# x"), ("a", "a")]
)
def test_a_line_begins_as_words(text: str, said: str) -> None:
    assert words(text) == said


@given(HOSTILE)
def test_a_report_is_the_same_page_whatever_a_plan_is_called(text: str) -> None:
    run = Story(task("one"), team=("ada",))
    result = report(run.state)

    def page(said: str) -> str:
        tasks = tuple(
            it.model_copy(update={"title": f"a{said}", "reason": f"a{said}"}) for it in result.tasks
        )
        odd = {"title": f"a{said}", "reason": f"a{said}", "target": f"a{said}", "protected": (f"a{said}",)}
        return markdown(result.model_copy(update=odd | {"tasks": tasks}))

    assert blocks(page(text)) == blocks(page("b"))
    assert spans(page(text)) <= PLAIN
