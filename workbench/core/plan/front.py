"""The YAML front matter of a plan: settings of the run, and ``todos`` as several plan tools write.

Values are taken from YAML's nodes, so that each keeps its line, nothing is ever constructed from a
tag, and an id or a command that looks like a number or a truth value stays the text it is. Anchors,
aliases and tags are refused: a plan has no use for them and a YAML bomb is made of nothing else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

import yaml

from workbench.core.guesses import Guesses
from workbench.core.plan import rules
from workbench.core.plan.draft import Draft, Front
from workbench.core.plan.page import trim
from workbench.errors import Problem

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where there is one: it is ten times as fast, and a plan may hold thousands of todos."""

DEPTH = 6
FIRST_LINE = 2
KEYS = ("team", "gates", "setup", "budget_usd", "model", "base", "lead", "todos")
FOREIGN = ("name", "overview", "isProject")
"""What other plan tools write beside ``todos``: a title, a context, and a flag that says nothing here."""

TODO_KEYS = ("id", "content", "status", "dependencies")
OPEN = ("pending", "in_progress", "todo", "open")
CLOSED = ("completed", "cancelled", "canceled", "done")


def read(text: str) -> Front:
    """The front matter of a plan; everything wrong with it is in ``problems``."""
    front = Front()
    root = _compose(text, front)
    if root is None:
        return front
    readers: dict[str, Callable[[yaml.Node], None]] = {
        "team": lambda node: _team(front, node),
        "gates": lambda node: setattr(front.head, "gates", _commands(front, node, "gate")),
        "setup": lambda node: setattr(front.head, "setup", _commands(front, node, "setup")),
        "budget_usd": lambda node: _budget(front, node),
        "model": lambda node: setattr(front.head, "model", _name(front, node, "model")),
        "base": lambda node: setattr(front.head, "base", _name(front, node, "base")),
        "lead": lambda node: _lead(front, node),
        "todos": lambda node: _todos(front, node),
        "name": lambda node: setattr(front.head, "title", " ".join(_text(front, node, "name").split())),
        "overview": lambda node: setattr(front.head, "context", trim(_text(front, node, "overview"))),
        "isProject": lambda node: None,
    }
    guesses = Guesses(
        KEYS, f"The front matter knows {', '.join(KEYS)}; other settings go into workbench.toml."
    )
    for key, node, line in _pairs(front, root, "the front matter"):
        if key not in readers:
            front.problems.append(Problem(line, f"unknown front matter {rules.show(key)}", guesses.hint(key)))
        elif not _is_null(node):
            readers[key](node)
    return front


# -- YAML ------------------------------------------------------------------------------------------


def _compose(text: str, front: Front) -> yaml.MappingNode | None:
    """The root mapping, or None with the reason among the problems (or with nothing to read)."""
    try:
        front.problems.extend(_tricks(text))
        if not front.problems:
            root = yaml.compose(text, Loader=LOADER)
            if root is None or isinstance(root, yaml.MappingNode):
                return root
            sentence = "the front matter is not a list of 'key: value' lines"
            front.problems.append(Problem(_line(root), sentence, "Write for example 'team: 3'."))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        line = (mark.line if mark else 0) + FIRST_LINE
        hint = "Put quotes around a value that holds ': ', ' #' or begins with a sign."
        front.problems.append(Problem(line, f"the front matter is not YAML: {what}", hint))
    front.unread = True
    return None


def _tricks(text: str) -> Iterator[Problem]:
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        line = (event.start_mark.line if event.start_mark else 0) + FIRST_LINE
        if getattr(event, "anchor", None) is not None:
            yield Problem(line, "the front matter uses a YAML anchor or alias", "Write the value out.")
        if getattr(event, "tag", None) is not None:
            yield Problem(line, "the front matter uses a YAML tag", "Remove the word that begins with '!'.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            yield Problem(line, "the front matter is nested too deeply", "Its values are words and lists.")
            return


def _pairs(front: Front, node: yaml.MappingNode, what: str) -> Iterator[tuple[str, yaml.Node, int]]:
    """Keys, values and the keys' lines; a key that is given again is a problem and left out."""
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = _line(key)
        if not isinstance(key, yaml.ScalarNode):
            front.problems.append(Problem(line, f"a key of {what} is not a word", "Write 'key: value'."))
        elif key.value in seen:
            sentence = f"{rules.show(key.value)} stands twice in {what} (see line {seen[key.value]})"
            front.problems.append(Problem(line, sentence, "Keep one of the two."))
        else:
            seen[key.value] = line
            yield key.value, value, line


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + FIRST_LINE


def _is_null(node: yaml.Node) -> bool:
    return _tag(node) == "null"


def _tag(node: yaml.Node) -> str:
    return str(node.tag).rpartition(":")[2]


# -- values ------------------------------------------------------------------------------------------


def _wrong(front: Front, node: yaml.Node, what: str, wanted: str) -> None:
    front.problems.append(Problem(_line(node), f'"{what}" is not {wanted}', f"Give {wanted}."))


def _text(front: Front, node: yaml.Node, what: str) -> str:
    """Text; numbers are taken as they were written. Empty, with a problem, for anything else."""
    if not isinstance(node, yaml.ScalarNode) or _tag(node) in ("bool", "null"):
        _wrong(front, node, what, "a text")
        return ""
    value = str(node.value).replace("\r\n", "\n").replace("\r", "\n")
    for problem in rules.hidden_characters(value):  # an escape can hide what the file does not show
        front.problems.append(Problem(_line(node), problem.sentence, problem.hint))
    return value


def _name(front: Front, node: yaml.Node, what: str) -> str | None:
    before = len(front.problems)
    value = _text(front, node, what)
    if len(front.problems) == before:
        front.problems.extend(rules.name_problems(value, _line(node), what))
    return value


def _team(front: Front, node: yaml.Node) -> None:
    if _tag(node) != "int" or not re.fullmatch(r"\+?\d{1,9}", node.value):
        _wrong(front, node, "team", "a whole number of teammates, such as 3")
        return
    front.head.team = int(node.value)
    front.problems.extend(rules.number_problems(front.head.team, _line(node), "team", 1, rules.MAX_TEAM))


def _lead(front: Front, node: yaml.Node) -> None:
    if isinstance(node, yaml.ScalarNode) and node.value == "claude":
        front.head.lead = "claude"
    else:
        _wrong(front, node, "lead", "`claude`, the only kind there is; leave it out for none")


def _budget(front: Front, node: yaml.Node) -> None:
    wanted = "an amount of dollars above zero, such as 5 or 2.50"
    try:
        front.head.budget_usd = float(node.value) if _tag(node) in ("int", "float", "str") else math.nan
    except (TypeError, ValueError):
        front.head.budget_usd = math.nan
    if not (math.isfinite(front.head.budget_usd) and front.head.budget_usd > 0):
        _wrong(front, node, "budget_usd", wanted)


def _commands(front: Front, node: yaml.Node, what: str) -> tuple[str, ...]:
    """One command, or a list of them. ``true`` in a list is the command of that name."""
    nodes = [node]
    if isinstance(node, yaml.SequenceNode):
        nodes = node.value
    elif _tag(node) == "bool":
        _wrong(front, node, what, "a command or a list of commands")
        return ()
    commands = []
    for item in nodes:
        if not isinstance(item, yaml.ScalarNode) or _is_null(item):
            sentence = f"a {what} command is not a text"
            front.problems.append(Problem(_line(item), sentence, "Put quotes around the whole command."))
            continue
        command = item.value if _tag(item) == "bool" else _text(front, item, what)
        commands.append(command.strip())
        front.problems.extend(rules.command_problems(commands[-1], _line(item), what))
    return tuple(commands)


# -- todos ---------------------------------------------------------------------------------------------


def _todos(front: Front, node: yaml.Node) -> None:
    if not isinstance(node, yaml.SequenceNode):
        _wrong(front, node, "todos", "a list of entries with id and content")
        return
    guesses = Guesses(TODO_KEYS, f"A todo knows {', '.join(TODO_KEYS)}.")
    for item in node.value:
        if isinstance(item, yaml.MappingNode):
            front.todos.append(_todo(front, item, guesses))
        else:
            _wrong(front, item, "todos", "a list of entries with id and content")


def _todo(front: Front, node: yaml.MappingNode, guesses: Guesses) -> Draft:
    draft = Draft(id="", title="", line=_line(node))
    for key, value, line in _pairs(front, node, "this todo"):
        draft.lines[{"dependencies": "after"}.get(key, key)] = line
        if key == "id":
            # Other tools write ids in capitals; refs may not differ in case alone on every disk.
            draft.id = _text(front, value, "id").strip().lower()
        elif key == "content":
            content = trim(_text(front, value, "content"))
            first, _, rest = content.partition("\n")
            draft.title, draft.body = first.strip(), trim(rest)
        elif key == "status":
            draft.done = _is_done(front, value)
        elif key == "dependencies":
            draft.after = tuple(_ids(front, value))
        else:
            front.problems.append(Problem(line, f"unknown {rules.show(key)} in a todo", guesses.hint(key)))
    for key in ("id", "content"):
        if key not in draft.lines:
            front.problems.append(Problem(draft.line, f'a todo has no "{key}"', f"Add '{key}: …' to it."))
    # One problem each is enough for what is missing.
    draft.id = draft.id if "id" in draft.lines else f"todo-{draft.line}"
    draft.title = draft.title if "content" in draft.lines else draft.id
    return draft


def _is_done(front: Front, node: yaml.Node) -> bool:
    status = _text(front, node, "status").strip().lower().replace("-", "_").replace(" ", "_")
    if status not in OPEN + CLOSED:
        hint = Guesses(OPEN + CLOSED, "Use pending, in_progress, completed or cancelled.").hint(status)
        front.problems.append(Problem(_line(node), f"unknown status {rules.show(status)}", hint))
    return status in CLOSED


def _ids(front: Front, node: yaml.Node) -> Iterator[str]:
    if _is_null(node):
        return
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for item in nodes:
        for id_ in _text(front, item, "dependencies").split(","):
            if id_.strip():
                yield id_.strip().lower()
