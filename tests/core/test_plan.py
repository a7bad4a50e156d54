"""Plans: what is read, what is refused and at which line, and that nothing is lost on the way back."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.properties.conftest import TIMES
from workbench.core import plan
from workbench.core.models import Plan, Task
from workbench.core.plan.rules import MAX_BYTES, NEVER
from workbench.errors import PlanError

ROOT = Path(__file__).resolve().parents[2]

FULL = """\
---
team: 3
gates: [pytest -q, "true"]
setup: npm ci
budget_usd: 2.5
model: opus
base: origin/main
---
# Accounts

Read `docs/` first.

## Contract

def login(): ...

## Tasks

### schema: Store users

- files: src/{a,b}.py, `odd, name.txt`
- gate: pytest -k "a, b"
- gate: `ruff check`
- role: backend
- priority: -2
- attempts: 4

Write it.

```md
# no title
### no: task
- after: nobody
```

#### Smaller

### login: Log in
- after: schema
- files:
  - src/login/**
  - tests/login

- first do this
- gate: this is prose

## Risks

None.
"""


def tasks_of(*lines: str) -> str:
    """A plan of which only the tasks matter; they begin on line 3."""
    return "\n".join(["## Tasks", "", *lines])


def problems(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(PlanError) as caught:
        plan.parse(text)
    return [(p.line, p.sentence, p.hint) for p in caught.value.problems]


def only_problem(text: str) -> tuple[int, str, str]:
    (problem,) = problems(text)
    return problem


def without_lines(value: Plan) -> Plan:
    tasks = tuple(task.model_copy(update={"line": 0}) for task in value.tasks)
    return value.model_copy(update={"tasks": tasks})


class TestParse:
    def test_everything_a_plan_can_say(self) -> None:
        got = plan.parse(FULL)
        assert (got.title, got.context) == ("Accounts", "Read `docs/` first.\n\n## Risks\n\nNone.")
        assert got.contract == "def login(): ..."
        assert (got.team, got.gates, got.setup) == (3, ("pytest -q", "true"), ("npm ci",))
        assert (got.budget_usd, got.model, got.base) == (2.5, "opus", "origin/main")
        schema, login = got.tasks
        assert schema == Task(
            id="schema",
            title="Store users",
            body="Write it.\n\n```md\n# no title\n### no: task\n- after: nobody\n```\n\n#### Smaller",
            files=("src/{a,b}.py", "odd, name.txt"),
            gates=('pytest -k "a, b"', "ruff check"),
            role="backend",
            priority=-2,
            attempts=4,
            line=19,
        )
        assert (login.after, login.files) == (("schema",), ("src/login/**", "tests/login"))
        assert (login.body, login.gates) == ("- first do this\n- gate: this is prose", ())

    def test_the_least_plan(self) -> None:
        got = plan.parse("## Tasks\n### a: b", path="docs/big-change.plan.md")
        assert (got.title, got.tasks) == ("big-change", (Task(id="a", title="b", line=2),))

    def test_windows_line_ends_and_a_byte_order_mark(self) -> None:
        assert plan.parse("\ufeff" + FULL.replace("\n", "\r\n")) == plan.parse(FULL)

    def test_underlined_headings_are_headings(self) -> None:
        got = plan.parse("Title\n=====\n\nTasks\n-----\n\n### a: b\n")
        assert (got.title, got.tasks[0].id) == ("Title", "a")

    def test_comments_reach_no_teammate(self) -> None:
        text = "# T\n<!-- 1 -->\nSeen.\n\n## Tasks\n<!--\n2\n-->\n### a: b\n<!-- 3 -->\n- attempts: 2\n\nx\n"
        got = plan.parse(text)
        assert (got.context, got.tasks[0].attempts, got.tasks[0].body) == ("Seen.", 2, "x")

    def test_text_between_the_heading_and_the_first_task_is_context(self) -> None:
        assert plan.parse("# T\n\na\n\n## Tasks\n\nb\n\n### x: y\n").context == "a\n\nb"

    def test_a_list_that_is_no_field_list_is_body(self) -> None:
        text = tasks_of("### a: b", "- Write the endpoint", "- Note: use bcrypt", "- https://example.org")
        assert plan.parse(text).tasks[0].body.count("\n") == 2

    def test_a_list_behind_a_paragraph_is_body(self) -> None:
        got = plan.parse(tasks_of("### a: b", "Do:", "", "- after: the break", "- owner: me")).tasks[0]
        assert (got.after, got.body) == ((), "Do:\n\n- after: the break\n- owner: me")

    @pytest.mark.parametrize("field", ["**after:** x", "**after**: x", "After: `x`", "after:x", "after: x,"])
    def test_ways_to_write_a_field(self, field: str) -> None:
        got = plan.parse(tasks_of("### x: y", "### a: b", f"- {field}"))
        assert got.tasks[1].after == ("x",)

    def test_fields_with_blank_lines_between_them_are_fields(self) -> None:
        got = plan.parse(tasks_of("### x: y", "### a: b", "- after: x", "", "- attempts: 2", "", "- more"))
        assert (got.tasks[1].after, got.tasks[1].attempts, got.tasks[1].body) == (("x",), 2, "- more")

    def test_a_title_may_hold_what_markdown_likes(self) -> None:
        got = plan.parse(tasks_of("### a: Fix C # and `x: y` *now* #"))
        assert got.tasks[0].title == "Fix C # and `x: y` *now*"

    def test_ticked_tasks_are_left_out_and_satisfied(self) -> None:
        got = plan.parse(tasks_of("### [x] a: b", "### [ ] c: d", "- after: a"))
        assert [(task.id, task.after) for task in got.tasks] == [("c", ())]

    def test_a_verbatim_fence_stands_for_its_text(self) -> None:
        text = tasks_of("### a: b", "````verbatim", "### c: d", "```", "````", "### e: f")
        assert [(task.id, task.body) for task in plan.parse(text).tasks] == [
            ("a", "### c: d\n```"),
            ("e", ""),
        ]


class TestTodos:
    TEXT = (
        "---\n"
        "name: From elsewhere\n"
        "overview: Said before.\n"
        "todos:\n"
        "  - id: Setup-DB\n"
        "    content: |\n"
        "      Make tables\n"
        "      with care\n"
        "    status: pending\n"
        "  - id: 2\n"
        "    content: Use them\n"
        "    status: in_progress\n"
        "    dependencies: [setup-db, old]\n"
        "  - {id: old, content: Was done, status: completed}\n"
        "  - {id: gone, content: No more, status: cancelled}\n"
        "isProject: false\n"
        "---\n"
        "More.\n"
    )

    def test_todos_are_tasks(self) -> None:
        got = plan.parse(self.TEXT)
        assert (got.title, got.context) == ("From elsewhere", "Said before.\n\nMore.")
        assert got.tasks == (
            Task(id="setup-db", title="Make tables", body="with care", line=5),
            Task(id="2", title="Use them", after=("setup-db",), line=10),
        )
        assert plan.is_structured(self.TEXT)

    def test_a_setting_that_the_front_matter_does_not_know_is_sent_where_it_belongs(self) -> None:
        _, _, hint = only_problem("---\nretry_seconds: 3\n---\n# P\n\n## Tasks\n\n### a: A\n")
        assert "workbench.toml" in hint

    def test_all_done(self) -> None:
        text = "---\ntodos: [{id: a, content: b, status: completed}]\n---\n"
        line, sentence, hint = only_problem(text)
        assert (line, sentence) == (0, "every task is done already")
        assert hint is not None and "box" in hint, "what ticked them may have been a run: they are there"

    @pytest.mark.parametrize(
        ("todo", "sentence", "hint"),
        [
            ("{id: a, content: b, stat: pending}", 'unknown "stat" in a todo', 'mean "status"'),
            ("{id: a, content: b, status: complete}", 'unknown status "complete"', 'mean "completed"'),
            ("{content: b}", 'a todo has no "id"', "Add"),
            ("{id: a}", 'a todo has no "content"', "Add"),
            ("a", '"todos" is not a list of entries', "Give"),
            ("{id: [a], content: b}", '"id" is not a text', "Give"),
            ("{id: a, content: b, dependencies: [zz]}", '"a" waits for "zz"', "Name"),
            ("{id: ../a, content: b}", '"../a" is not a task id', "a would do"),
        ],
    )
    def test_wrong_todos(self, todo: str, sentence: str, hint: str) -> None:
        found = problems(f"---\nteam: 2\ntodos:\n  - {todo}\n---\n")
        assert any(line == 4 and said.startswith(sentence) and hint in then for line, said, then in found)


class TestRefusals:
    @pytest.mark.parametrize("text", ["", " \n\t\n"])
    def test_an_empty_plan(self, text: str) -> None:
        assert only_problem(text)[:2] == (0, "the plan is empty")

    def test_no_tasks(self) -> None:
        assert only_problem("# Title\n\nText.\n\n## Tasks\n")[:2] == (0, "the plan has no tasks")

    def test_a_huge_plan(self) -> None:
        assert only_problem("é" * (MAX_BYTES // 2 + 1))[:2] == (0, "the plan is larger than 1 MiB")

    def test_too_many_lines(self) -> None:
        assert "100,000 lines" in only_problem("a" + "\n" * 100_000)[1]

    def test_too_many_tasks(self) -> None:
        line, sentence, _ = only_problem(tasks_of(*(f"### t{i}: t" for i in range(5001))))
        assert (line, sentence) == (5003, "the plan has 5,001 tasks, more than 5,000")

    @pytest.mark.parametrize(
        "char", ["\0", "\x1b", "\x85", "\u202e", "\u2066", "\u2028", "\U000e0041", "\ud800"]
    )
    def test_hidden_characters(self, char: str) -> None:
        line, sentence, _ = only_problem(tasks_of("### a: b", f"text {char} here"))
        assert line == 4
        assert f"U+{ord(char):04X}" in sentence
        assert sentence.endswith("column 6")

    @pytest.mark.parametrize(
        ("front", "line", "sentence"),
        [
            ("team: x", 2, '"team" is not a whole number'),
            ("team: 0", 2, '"team" is out of range'),
            ("team: 1001", 2, '"team" is out of range'),
            ("team: [3]", 2, '"team" is not a whole number'),
            ("team: true", 2, '"team" is not a whole number'),
            ("model: [a]", 2, '"model" is not a text'),
            ("model: yes", 2, '"model" is not a text'),
            ("model: --evil", 2, '"--evil" cannot be the "model"'),
            ("base: -x", 2, '"-x" cannot be the "base"'),
            ("base: a b", 2, '"a b" cannot be the "base"'),
            ("base: main..x", 2, '"main..x" cannot be the "base"'),
            ("gates: false", 2, '"gate" is not a command or a list'),
            ("gates:\n  - a\n  - x: y", 4, "a gate command is not a text"),
            ("gates:\n  - a\n  - ''", 4, "a gate command is empty"),
            ("setup: |\n  a\n  b", 2, "a setup command has several lines"),
            ('gates: ["a\\0b"]', 2, "there is a hidden character: U+0000"),
            ("budget_usd: free", 2, '"budget_usd" is not an amount'),
            ("budget_usd: 0", 2, '"budget_usd" is not an amount'),
            ("budget_usd: .inf", 2, '"budget_usd" is not an amount'),
            ("budget_usd: [1]", 2, '"budget_usd" is not an amount'),
            ("model: a\ngtaes: b", 3, 'unknown front matter "gtaes"'),
            ("model: a\nmodel: b", 3, '"model" stands twice in the front matter (see line 2)'),
            ("model: a\nbase: *x", 3, "the front matter uses a YAML anchor or alias"),
            ("model: &x a", 2, "the front matter uses a YAML anchor or alias"),
            ("model: !!python/name:os.system x", 2, "the front matter uses a YAML tag"),
            ("gates: " + "[" * 50 + "]" * 50, 2, "the front matter is nested too deeply"),
            ("model: a\n b: c: d", 3, "the front matter is not YAML"),
            ("- a\n- b", 2, "the front matter is not a list of 'key: value' lines"),
            ("? [a]\n: b", 2, "a key of the front matter is not a word"),
        ],
    )
    def test_front_matter(self, front: str, line: int, sentence: str) -> None:
        found = problems(f"---\n{front}\n---\n" + tasks_of("### a: b"))
        assert any(at == line and said.startswith(sentence) for at, said, _ in found), found

    def test_a_yaml_bomb_costs_nothing(self) -> None:
        rows = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
        begin = time.process_time()
        problems("---\na0: &a0 [x]\n" + "\n".join(rows) + "\n---\n" + tasks_of("### a: b"))
        assert time.process_time() - begin < 2

    def test_front_matter_without_an_end(self) -> None:
        assert (1, "the front matter that begins here has no end") in [
            p[:2] for p in problems("---\nteam: 3\n" + tasks_of("### a: b"))
        ]

    @pytest.mark.parametrize(
        ("key", "meant"), [("gate", "gates"), ("budget", "budget_usd"), ("tema", "team"), ("Model", "model")]
    )
    def test_front_matter_that_was_meant(self, key: str, meant: str) -> None:
        (_, _, hint) = only_problem(f"---\n{key}: x\n---\n" + tasks_of("### a: b"))
        assert hint == f'Did you mean "{meant}"?'

    @pytest.mark.parametrize(
        ("heading", "sentence", "hint"),
        [
            ("Build the login", 'the heading "Build the login" has no task id', "### build-the-login: Build"),
            ("1. Build", 'the heading "1. Build" has no task id', "### 1-build: 1. Build"),
            ("日本語", '"日本語" is not a task id', "a-z"),
            ("", "a heading is empty", "###"),
            ("Login: x", '"Login" is not a task id', "login would do"),
            ("../etc: x", '"../etc" is not a task id', "etc would do"),
            ("-rf: x", '"-rf" is not a task id', "rf would do"),
            (".git: x", '".git" is not a task id', "git would do"),
            ("a/b: x", '"a/b" is not a task id', "a-b would do"),
            ("a..b: x", '"a..b" cannot be a task id', "'..'"),
            ("a.lock: x", '"a.lock" cannot be a task id', "'.lock'"),
            ("a.: x", '"a." cannot be a task id', "at the end"),
            (f"{'a' * 65}: x", f'"{"a" * 65}" is not a task id', "up to 64"),
        ],
    )
    def test_task_ids(self, heading: str, sentence: str, hint: str) -> None:
        line, said, then = only_problem(tasks_of("", f"### {heading}"))
        assert (line, said) == (4, sentence)
        assert hint in then

    @pytest.mark.parametrize(
        ("field", "sentence"),
        [
            ("files: /etc/passwd", "points outside"),
            ("files: ~/x", "points outside"),
            ("files: C:/x", "points outside"),
            ("files: src/../../x", "climbs out"),
            ("files: ..", "climbs out"),
            ("files: ok, .git/config", "reaches into .git"),
            ("files: a/.GIT/x", "reaches into .git"),
            ("files: .workbench/markers", "reaches into .git or .workbench"),
            ("files: -rf", "begins with '-'"),
            ("files: ':!x'", "'"),
            ("files: a\\b", "backslash"),
            ("files: .", "is empty"),
            ("gate:", '"gate" has no value'),
            ("after:", '"after" has no value'),
            ("attempts: 0", '"attempts" is out of range'),
            ("plan: nobody", '"nobody" cannot approve a plan'),
            ("plan:", '"plan" has no value'),
            ("attempts: 21", '"attempts" is out of range'),
            ("attempts: two", '"attempts" is not a whole number: "two"'),
            ("priority: 1.5", '"priority" is not a whole number: "1.5"'),
            ("role: ../x", '"../x" is not a role'),
            ("role: a/b", '"a/b" is not a role'),
            ("gate: a\n  b", "a gate command has several lines"),
            ("role: a\n  - b", '"role" holds more than a value'),
            ("gate: a\n\n      code", '"gate" holds more than a value'),
            ("afer: x", 'unknown field "afer"'),
            ("depends on: x", 'unknown field "depends on"'),
            ("after: b\n- owner: me", 'unknown field "owner"'),
            ("owner: me\n- after: b", 'unknown field "owner"'),
            ("after: b\n- do it", "an item among the fields is not a field"),
            ("role: x\n- role: y", '"role" stands twice in this task (see line 5)'),
            ("after: zz", '"a" waits for "zz"'),
            ("after: a", '"a" waits for itself'),
            ("after: b, b", '"a" names "b" twice'),
        ],
    )
    def test_fields(self, field: str, sentence: str) -> None:
        text = tasks_of("### b: c", "### a: b", f"- {field}")
        if sentence == "'":  # a glob in quotes is a glob with quotes in it, which is its author's business
            assert plan.parse(text).tasks[1].files == ("':!x'",)
            return
        found = problems(text)
        lines = {5, 6} if "\n- " in field else {5}
        assert any(line in lines and sentence in said for line, said, _ in found), found

    def test_what_an_unknown_field_was_meant_to_be(self) -> None:
        for wrong, meant in {"afer": "after", "file": "files", "needs": "after", "gates": "gate"}.items():
            _, _, hint = only_problem(tasks_of("### a: b", f"- {wrong}: x"))
            assert hint == f'Did you mean "{meant}"?'

    def test_a_field_without_its_dash(self) -> None:
        line, sentence, hint = only_problem(tasks_of("### b: c", "### a: b", "after: b"))
        assert (line, sentence) == (5, '"after:" stands here as text, not as a field')
        assert "- after: …" in hint

    def test_ids_used_twice_and_cycles(self) -> None:
        text = tasks_of(
            "### a: x", "- after: c", "### b: x", "- after: a", "### c: x", "- after: b", "### a: y"
        )
        assert [p[:2] for p in problems(text)] == [
            (4, "tasks wait for each other in a circle: a -> c -> b -> a"),
            (9, 'the id "a" is used twice (see line 3)'),
        ]

    def test_an_id_that_is_both_done_and_not(self) -> None:
        line, sentence, _ = only_problem(tasks_of("### [x] a: x", "### a: y"))
        assert (line, sentence) == (4, 'the id "a" is used twice (see line 3), and one of them is done')

    def test_sections_twice(self) -> None:
        text = "## Contract\n\n## Contract\n\n## Tasks\n\n### a: b\n\n## Tasks\n\n### c: d\n"
        assert [p[:2] for p in problems(text)] == [
            (3, '"## Contract" stands twice (see line 1)'),
            (9, '"## Tasks" stands twice (see line 5)'),
        ]

    def test_a_comment_without_an_end(self) -> None:
        found = problems("# T\n\n## Tasks\n\n### a: b\n\n<!-- oops\n\n### c: d\n")
        assert found[0][:2] == (
            7,
            "the comment that begins here has no end, so it hides the rest of the plan",
        )

    def test_all_problems_at_once_in_line_order_and_by_path(self) -> None:
        text = "---\nteam: x\nfoo: y\n---\n" + tasks_of(
            "### A: b", "- attempts: 99", "### c: d", "- after: q"
        )
        with pytest.raises(PlanError) as caught:
            plan.parse(text, path="docs/p.md")
        assert [p.line for p in caught.value.problems] == [2, 3, 7, 8, 10]
        assert str(caught.value).startswith('docs/p.md:2: "team" is not')
        assert caught.value.exit_code == 2
        assert all(p.hint for p in caught.value.problems)


class TestIsStructured:
    @pytest.mark.parametrize(
        ("text", "structured"),
        [
            (FULL, True),
            (TestTodos.TEXT, True),
            ("## Tasks\n### a: b", True),
            ("## Tasks\n### A: b", True),
            ("## Tasks\n### Do it\n- after: x", True),
            ("---\n: [\n---\ntext", True),
            ("", True),
            ("# T\n\n1. a\n2. b", False),
            ("## Tasks\n\n- [ ] a", False),
            ("## Tasks\n\n### Step 1: a", False),
            ("## Steps\n\n### a: b", False),
            ("```\n## Tasks\n### a: b\n```", False),
            ("---\nteam: 3\n---\n1. a", False),
        ],
    )
    def test_it(self, text: str, structured: bool) -> None:
        assert plan.is_structured(text) is structured


# -- round trip --------------------------------------------------------------------------------------

HOSTILE_LINES = (
    "# a|## Contract|## Tasks|### b: c|- after: x|- gate: y|* z|```|~~~|````verbatim|<!-- c -->|<!--|-->|---|"
    "===|    code|> q|1. n|| |\t|<div>|[a]: b|\\|#|after: x|\u3000|- |``|{|text|+ p|<?x|&amp;|  - a|\ufeff"
)
HOSTILE = st.sampled_from(HOSTILE_LINES.split("|"))
LETTERS = st.characters(exclude_categories=("Cs", "Cc")).filter(lambda c: not NEVER.match(c))
TEXTS = st.one_of(
    st.lists(HOSTILE, max_size=7).map("\n".join),
    st.text(st.one_of(LETTERS, st.sampled_from("\n\n #-`>*_:[]<>")), max_size=60),
)
LINES = st.text(st.one_of(LETTERS, st.sampled_from(" #-`>*_:,{}'\"[]")), min_size=1, max_size=30)
STRIPPED = LINES.map(str.strip).filter(bool)
TITLES = STRIPPED.filter(lambda t: t == " ".join(t.split()))
GLOBS = STRIPPED.filter(lambda g: "`" not in g).map(
    lambda g: f"x{g}".replace("\\", "/").replace(":", "").rstrip(". ")
)
IDS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,9}", fullmatch=True)


@st.composite
def any_plans(draw: st.DrawFn) -> Plan:
    ids = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    tasks = tuple(
        Task(
            id=id_,
            title=draw(TITLES),
            body=draw(TEXTS),
            after=tuple(draw(st.lists(st.sampled_from(ids[:place]), unique=True))) if place else (),
            files=tuple(
                draw(st.lists(GLOBS.filter(lambda g: "/.." not in g and "/.git" not in g), max_size=3))
            ),
            gates=tuple(draw(st.lists(STRIPPED, max_size=2))),
            role=draw(st.sampled_from(["", "backend", "front end"])),
            priority=draw(st.integers(-999, 999)),
            attempts=draw(st.none() | st.integers(1, 20)),
            plan_by=draw(st.sampled_from(["", "lead", "person"])),
        )
        for place, id_ in enumerate(ids)
    )
    return Plan(
        title=draw(TITLES),
        tasks=tasks,
        context=draw(TEXTS),
        contract=draw(TEXTS),
        team=draw(st.none() | st.integers(1, 1000)),
        gates=tuple(draw(st.lists(STRIPPED, max_size=2))),
        setup=tuple(draw(st.lists(STRIPPED, max_size=2))),
        budget_usd=draw(st.none() | st.floats(0.001, 1e6)),
        model=draw(st.none() | st.sampled_from(["opus", "yes", "4", "a[1m]", "null"])),
        base=draw(st.none() | st.sampled_from(["main", "origin/x", "1234567", "~", "on"])),
    )


def hostile(body: str) -> Plan:
    tasks = (Task(id="a", title="b #", body=body), Task(id="c", title="d", body=body, after=("a",)))
    return Plan(title="#", tasks=tasks, context=body, contract=body)


class TestRender:
    @given(any_plans())
    @settings(deadline=None, max_examples=round(200 * TIMES), suppress_health_check=list(HealthCheck))
    @example(hostile("### x: y\n\n```\n# z\n"))
    @example(hostile("```verbatim\n## Tasks\n```"))
    @example(hostile("- after: a\n- do"))
    @example(hostile("<!-- c -->"))
    @example(hostile("<!--"))
    @example(hostile("\n\n  x  \n\n"))
    @example(hostile("- do\n\n- after: c"))
    def test_what_is_written_reads_the_same(self, value: Plan) -> None:
        text = plan.render(value)
        assert without_lines(plan.parse(text)) == value
        assert plan.is_structured(text)

    def test_text_that_needs_no_fence_gets_none(self) -> None:
        text = plan.render(plan.parse(FULL))
        assert "verbatim" not in text
        assert plan.render(plan.parse(text)) == text

    def test_only_what_needs_a_fence_gets_one(self) -> None:
        value = plan.parse(FULL)
        body = "## Tasks"
        changed = (value.tasks[0].model_copy(update={"body": body}), *value.tasks[1:])
        text = plan.render(value.model_copy(update={"tasks": changed}))
        assert text.count("verbatim") == 1
        assert "```verbatim\n## Tasks\n```" in text

    def test_how_it_looks(self) -> None:
        value = plan.parse(
            "---\nteam: 2\n---\n# T\nctx\n## Tasks\n### a: b\n### c: d\n* after: a\n* gate: x\n\nbody"
        )
        assert plan.render(value) == (
            "---\nteam: 2\n---\n\n# T\n\nctx\n\n## Tasks\n\n### a: b\n\n"
            "### c: d\n\n- after: a\n- gate: x\n\nbody\n"
        )


PLAN_LINES = (
    "---|team: 3|todos:|  - id: a|    content: b|# T|## Tasks|## Contract|### a: b|### c|### [x] d: e|"
    "- after: a|- files: ../x|- gate: x|  - y|1. one|- [ ] two|- [x] three|## Steps|### 1. Do|## Context|```|"
    "~~~verbatim|<!--|-->||text|&a|*a|    i|> quote|===|\0|\u202e|a: b|- |1. |### : x|### |`src/a.py`|"
    "\t- x|...|{|["
)
FRAGMENTS = st.sampled_from(PLAN_LINES.split("|"))


class TestNothingButPlanError:
    @given(st.one_of(st.text(), st.lists(FRAGMENTS, max_size=14).map("\n".join)))
    @settings(deadline=None, max_examples=600)
    @example("---\n" + "[" * 5000 + "\n---\n")
    @example("---\na: 1\n? b\n---\n")
    @example("\ud800")
    def test_arbitrary_text(self, text: str) -> None:
        plan.is_structured(text)
        for read in (plan.parse, plan.split):
            try:
                got = read(text)
            except PlanError as error:
                assert error.problems
                assert all(0 <= p.line <= text.count("\n") + text.count("\r") + 1 for p in error.problems)
                assert all(p.sentence and p.hint for p in error.problems)
            else:
                assert without_lines(plan.parse(plan.render(got))) == without_lines(got)
                assert plan.summary(got)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["title", "tasks", "id", "after", "x", "gate"]), inner, max_size=4
                )
            ),
        )
    )
    @settings(deadline=None)
    def test_arbitrary_answers(self, answer: Any) -> None:
        try:
            plan.from_split(answer)
        except PlanError as error:
            assert error.problems

    @pytest.mark.parametrize(
        "text",
        [
            "- a\n" * 10_000,
            "> " * 400_000,
            "- " * 500_000,
            "[" * 170_000,
            "```\n" * 30_000,
            "### x: y\n" * 30_000,
            "## Steps\n1. a\n" * 5_000,
            "## Tasks\n" + "### x: y\n- afetr: z\n" * 5_000,
            "---\n" + "a: b\n" * 10_000 + "---\n",
            "# T\n" + "".join(f"{i}. `a{i}.py`\n" for i in range(4900)),
            "# T\n" + "1. a\n" * 4900,
        ],
        ids=lambda text: repr(text[:12]),
    )
    def test_large_and_hostile_text_takes_linear_time(self, text: str) -> None:
        def seconds(text: str) -> float:
            begin = time.process_time()
            plan.is_structured(text)
            for read in (plan.parse, plan.split):
                with contextlib.suppress(PlanError):
                    read(text)
            return time.process_time() - begin

        part = seconds(text[: len(text) // 4])
        assert seconds(text) < 8 * part + 1, "four times the text takes four times as long, not sixteen times"


# -- plain plans -----------------------------------------------------------------------------------------


def steps(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(task.title, task.after) for task in plan.split(text).tasks]


class TestSplit:
    def test_a_plan_as_plan_mode_writes_it(self) -> None:
        got = plan.split(
            "# Plan: Limits\n\n## Context\n\nSee `src/api.py`.\n\n1. not a step\n\n"
            "## Implementation\n\nFirst.\n\n"
            "### 1. Add `src/limit.py`\n\n- bucket\n- tests in `tests/test_limit.py:12`\n\n"
            "### 2. Use it in `src/api.py`\n\n```py\n# not a title\n```\n\n## Verification\n\n1. Run pytest\n"
        )
        assert got.title == "Plan: Limits"
        assert got.context == (
            "## Context\n\nSee `src/api.py`.\n\n1. not a step\n\n## Implementation\n\nFirst.\n\n"
            "## Verification\n\n1. Run pytest"
        )
        first, second = got.tasks
        assert (first.id, first.title, first.line) == ("add-src-limit-py", "Add src/limit.py", 13)
        assert first.body == "- bucket\n- tests in `tests/test_limit.py:12`"
        assert first.files == ("src/limit.py", "tests/test_limit.py")
        assert (second.after, second.files) == (("add-src-limit-py",), ("src/api.py",))
        assert second.body == "```py\n# not a title\n```"

    def test_a_numbered_list_with_details(self) -> None:
        got = plan.split(
            "# T\n\nIntro.\n\n1. **Schema**: in `db/a.sql`\n   - more\n\n   para\n2. Docs\n\nOutro.\n"
        )
        assert got.context == "Intro.\n\nOutro."
        assert got.tasks == (
            Task(
                id="schema",
                title="Schema",
                body="**Schema**: in `db/a.sql`\n- more\n\npara",
                files=("db/a.sql",),
                line=5,
            ),
            Task(id="docs", title="Docs", after=("schema",), line=9),
        )

    def test_a_checklist_goes_in_order_without_what_is_ticked(self) -> None:
        text = "## Tasks\n- [x] a\n- [ ] b\n- plain\n- [X] c\n- [ ] d\n"
        assert steps(text) == [("b", ()), ("d", ("b",))]

    def test_a_list_of_ticked_items_has_nothing_left(self) -> None:
        with pytest.raises(PlanError, match="done already"):
            plan.split("- [x] a\n- [x] b\n")

    @pytest.mark.parametrize(
        ("text", "titles"),
        [
            ("# T\n## Phase 1: Data\nx\n### 1.1 Sub\n## Phase 2 — API\n## Testing\nt", ["Data", "API"]),
            ("# T\n## 1. Overview\n## 2. Build\n## 3. Ship it\n## 4. Risks", ["Build", "Ship it"]),
            ("## Step 3\n## Step 4", ["Step 3", "Step 4"]),
            ("## Steps\n- one\n- two\n## Notes\n- three", ["one", "two"]),
            (
                "## Implementation plan\n### Steps\n1. one\n2. two\n### Critical files\n- `a.py`",
                ["one", "two"],
            ),
            ("# Plan\n1) one\n2) two", ["one", "two"]),
            ("- one\n- two", ["one", "two"]),
            ("# T\n## Add login\nx\n## Add logout\ny", ["Add login", "Add logout"]),
            ("## Backend\n1. a\n## Frontend\n1. b\n- no", ["a", "b"]),
            ("## Implementation\nprose only\n## 1. Do\n## 2. Redo", ["Do", "Redo"]),
            ("1. Title: with colon.\n   more\n", ["Title: with colon"]),
            ("## Risks & mitigations\n1. no\n## Work\n1. yes", ["yes"]),
        ],
    )
    def test_where_steps_are_found(self, text: str, titles: list[str]) -> None:
        assert [title for title, _ in steps(text)] == titles

    def test_the_heading_a_list_stood_under_is_kept(self) -> None:
        got = plan.split("## Backend\n1. a\n2. b\n")
        assert [task.body for task in got.tasks] == ['Part of "Backend".', 'Part of "Backend".']
        assert got.context == ""

    def test_ids_are_unique_and_fit(self) -> None:
        got = plan.split("1. Add x\n2. Add X!\n3. 日本語\n4. " + "long " * 40 + "\n5. ...\n6. Ünïcode\n")
        assert [task.id for task in got.tasks] == [
            "add-x",
            "add-x-2",
            "task",
            "long-long-long-long-long-long-long-long",
            "unicode",
        ]
        assert got.tasks[3].title.endswith("…")
        assert got.tasks[3].body == ("long " * 40).strip()

    @pytest.mark.parametrize(
        ("span", "files"),
        [
            ("src/a.py", ("src/a.py",)),
            ("./src/a.py::test_x", ("src/a.py",)),
            ("src/", ("src/",)),
            ("src/**", ("src/**",)),
            ("Makefile.toml", ("Makefile.toml",)),
            (".github/workflows/ci.yml", (".github/workflows/ci.yml",)),
            ("os.path", ()),
            ("and/or", ()),
            ("/etc/hosts.txt", ()),
            ("../x.py", ()),
            (".git/x.py", ()),
            ("a b.py", ()),
            ("https://x.org/a.py", ()),
        ],
    )
    def test_files_in_backticks(self, span: str, files: tuple[str, ...]) -> None:
        assert plan.split(f"1. Change `{span}` now\n").tasks[0].files == files

    def test_front_matter_and_contract_count(self) -> None:
        got = plan.split("---\nteam: 2\ngates: x\n---\n## Contract\n\n1. f()\n\n## Steps\n\n1. a\n")
        assert (got.team, got.gates, got.contract, got.title) == (2, ("x",), "1. f()", "plan")
        assert [task.title for task in got.tasks] == ["a"]

    @pytest.mark.parametrize("text", ["just prose", "# T\n\n## Context\n\n1. a\n", "```\n1. a\n```"])
    def test_no_steps(self, text: str) -> None:
        with pytest.raises(PlanError, match="no steps were found") as caught:
            plan.split(text, "x.md")
        assert "numbered list" in caught.value.hint

    def test_problems_of_the_text_have_their_line(self) -> None:
        with pytest.raises(PlanError) as caught:
            plan.split("---\ntem: 2\n---\n1. a\n2. b\u202e\n")
        assert [p.line for p in caught.value.problems] == [2, 5]


class TestFromSplit:
    ANSWER: ClassVar[dict[str, Any]] = {
        "title": "T",
        "context": "c\r\nd\n",
        "contract": "",
        "tasks": [
            {
                "id": "a",
                "title": "A",
                "body": "# big\n",
                "after": [],
                "files": ["./src/**"],
                "gate": ["true"],
            },
            {"id": "b", "title": "B", "body": "", "after": ["a", "a"], "files": [], "gate": []},
        ],
    }

    def test_a_good_answer(self) -> None:
        got = plan.from_split(self.ANSWER)
        assert got.context == "c\nd"
        assert got.tasks[0] == Task(id="a", title="A", body="# big", files=("src/**",), gates=("true",))
        assert got.tasks[1].after == ("a",)
        assert without_lines(plan.parse(plan.render(got))) == got

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"tasks": "x"}, '"tasks" of the answer is not a list'),
            ({"tasks": []}, "the plan has no tasks"),
            ({"tasks": [1]}, "not a list of objects"),
            ({"tasks": [{"id": "A b", "title": "x"}]}, '"A b" is not a task id'),
            ({"tasks": [{"id": "a", "title": ""}]}, "a title is empty"),
            ({"tasks": [{"id": "a", "title": "x", "after": ["q"]}]}, '"a" waits for "q"'),
            ({"tasks": [{"id": "a", "title": "x", "files": ["/etc"]}]}, "points outside"),
            (
                {"tasks": [{"id": "a", "title": "x", "gate": "x"}]},
                '"gate" of the answer is not a list of texts',
            ),
            ({"tasks": [{"id": "a", "title": "x", "gate": ["x\ny"]}]}, "several lines"),
            ({"tasks": [{"id": "a", "title": "x", "extra": 1}]}, 'a task has an unknown "extra"'),
            ({"tasks": [{"id": "a", "title": "x", "body": "\u202e"}]}, "hidden character"),
            ({"tasks": [{"id": i, "title": "x", "after": [j]} for i, j in ("ab", "ba")]}, "a -> b -> a"),
            ({"title": 3}, '"title" of the answer is not a text'),
            ({"title": ""}, "a title is empty"),
            ({"more": 3}, 'the answer has an unknown "more"'),
        ],
    )
    def test_answers_that_are_held_to_the_rules(self, change: dict[str, Any], sentence: str) -> None:
        with pytest.raises(PlanError) as caught:
            plan.from_split(self.ANSWER | change)
        assert sentence in str(caught.value)

    def test_the_schema_names_what_is_taken(self) -> None:
        task = plan.SPLIT_SCHEMA["properties"]["tasks"]["items"]
        assert set(plan.SPLIT_SCHEMA["required"]) == set(self.ANSWER)
        assert list(task["required"]) == list(self.ANSWER["tasks"][0])
        assert task["additionalProperties"] is False


# -- the rest ------------------------------------------------------------------------------------------------


def test_the_hash_is_of_exactly_this_text() -> None:
    assert plan.sha256("abc").startswith("ba7816bf8f01cfea414140de5dae2223")
    assert len({plan.sha256(text) for text in ("a", "a\n", "a\r\n", "\ufeffa", "A")}) == 5


def test_the_summary_says_it_all() -> None:
    text = plan.summary(plan.parse(FULL))
    for part in [
        "Accounts",
        "2 tasks, up to 1 at once, 2 in the longest chain",
        "team: 3",
        "gate: pytest -q",
    ]:
        assert part in text
    for part in ["budget: $2.50", "after: schema", "files: src/login/**, tests/login", "gate: ruff check"]:
        assert part in text
    assert text.endswith("  schema → login")


def test_the_starter_plan_is_a_good_plan() -> None:
    text = (ROOT / "templates" / "plan.md").read_text(encoding="utf-8")
    got = plan.parse(text)
    assert plan.is_structured(text)
    assert "<!--" not in got.context + got.contract + "".join(task.body for task in got.tasks)
    assert len(got.tasks) >= 3
    assert without_lines(plan.parse(plan.render(got))) == without_lines(got)


def test_five_thousand_tasks_are_read_quickly() -> None:
    rows = [
        f"### t{i}: Do {i}\n\n- after: t{i // 2}\n- files: src/{i}/**\n- gate: x\n\nText.\n"
        for i in range(5000)
    ]
    text = "## Tasks\n\n" + "\n".join(rows).replace("- after: t0\n", "")
    begin = time.process_time()
    assert len(plan.parse(text).tasks) == 5000
    assert time.process_time() - begin < 8  # 1 s is seen on a slow machine; a square would take minutes
