"""Roles: what a repository's own agent files for Claude Code (``.claude/agents/*.md``) say of a part to play.

A file is front matter between two lines of ``---`` and then the prompt. Of the front matter these count:
``name`` and ``description`` (both needed), ``tools`` and ``disallowedTools`` (a list, or names with commas),
``model`` (``inherit``, an alias such as ``sonnet``, or a full id), and ``capabilities``, which is ours: words
for what the role is good at. Everything else, such as ``permissionMode``, ``hooks`` and ``mcpServers``, is
left out, and said: a file in a repository may narrow what a teammate does, and never widen it.

As Claude Code does, a value that YAML would trip over, such as a description with ``: `` in it, is taken
as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import yaml

from workbench.core.guesses import Guesses
from workbench.core.lists import some
from workbench.core.models import Plan, Role
from workbench.core.plan import rules
from workbench.core.words import telling
from workbench.errors import Problem

FOLDER = ".claude/agents"
"""Where agent files stand in a repository."""

MOST_FILES = 100
LARGEST_FILE = 64 * 1024
"""Bytes; the same for every file, so that a plan's roles fit into the run's first event."""

TAKEN = ("name", "description", "tools", "disallowedTools", "model", "capabilities")
COSMETIC = ("color",)
"""Fields whose absence nobody misses: not worth a word."""

DESCRIPTION = 2_000
MOST_CAPABILITIES = 40
MOST_TOOLS = 100
DEPTH = 12

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FRONT = re.compile(r"---[ \t]*\n(?P<front>.*?)^---[ \t]*(?:\n|\Z)(?P<prompt>.*)", re.DOTALL | re.MULTILINE)
FIRST_LINE = 2
PLAIN = re.compile(r"(?P<key>[A-Za-z][\w-]*):[ \t]+(?P<value>[^\s\"'\[{|>].*)")
TOOL = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,199}")
ITEMS = re.compile(r",(?![^(]*\))")
"""Commas between tools, but not those within ``Bash(git add, git commit)``."""


@dataclass(frozen=True, slots=True)
class AgentFile:
    """A file as it is committed; where it could not be taken, ``trouble`` says why and ``text`` is empty."""

    path: str
    text: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about an agent file that its author should know. ``broken`` means that it gives no role."""

    path: str
    line: int
    sentence: str
    broken: bool = True

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.sentence}{'; the file is skipped' if self.broken else ''}"


@dataclass
class Roles:
    """The roles of a repository by name, in the order of their files, and what is to be said about those."""

    by_name: dict[str, Role] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def used(self, plan: Plan) -> tuple[Role, ...]:
        """The roles that tasks of ``plan`` name, each once."""
        names = dict.fromkeys(task.role for task in plan.tasks if task.role)
        return tuple(self.by_name[name] for name in names if name in self.by_name)

    def worth_saying(self, plan: Plan) -> Iterator[Remark]:
        """Remarks about broken files, and about those whose roles ``plan`` uses."""
        paths = {role.path for role in self.used(plan)}
        return (remark for remark in self.remarks if remark.broken or remark.path in paths)

    def missing(self, plan: Plan, commit: str) -> Iterator[Problem]:
        """A problem for each task that names a role which there is not, at the task's line."""
        hint = self._what_there_is(commit[:10])
        guesses = Guesses(list(self.by_name), "")
        for task in plan.tasks:
            if task.role and task.role not in self.by_name:
                meant = guesses.meant(task.role)
                more = f"; did you mean {rules.show(meant)}?" if meant else ""
                named = f"task {rules.show(task.id)} names the role {rules.show(task.role)}"
                yield Problem(task.line, f"{named}, which there is not{more}", hint)

    def _what_there_is(self, commit: str) -> str:
        names, broken = list(self.by_name), [str(it) for it in self.remarks if it.broken]
        there = f"The roles at {commit} are {some(names, 20)}." if names else f"There are none at {commit}."
        said = [there]
        said += [f"{some(broken, 3)}."] if broken else []
        return " ".join([*said, f"A role is a file {FOLDER}/NAME.md that is committed there."])


def gather(files: Iterable[AgentFile]) -> Roles:
    """The roles in ``files``. Of two with one name the first counts."""
    found = Roles()
    for file in files:
        if file.trouble:
            found.remarks.append(Remark(_shown(file.path), 0, file.trouble))
            continue
        role, remarks = parse(file.path, file.text)
        found.remarks += remarks
        if role is None:
            continue
        if (first := found.by_name.get(role.name)) is not None:
            sentence = f"the role {rules.show(role.name)} is defined in {first.path} already"
            found.remarks.append(Remark(role.path, 0, sentence))
        else:
            found.by_name[role.name] = role
    return found


def parse(path: str, text: str) -> tuple[Role | None, list[Remark]]:
    """The role that an agent file defines, and what is to be said about the file; None where it is broken."""
    reading = _Reading(_shown(path))
    role = reading.role(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    return (None if reading.broken else role), reading.remarks


def _shown(path: str) -> str:
    """A path on one line, without what a terminal would obey."""
    return rules.NEVER.sub("\N{REPLACEMENT CHARACTER}", " ".join(path.split()))[:200]


class _Reading:
    """One file being read: what was found wrong so far."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.remarks: list[Remark] = []

    @property
    def broken(self) -> bool:
        return any(remark.broken for remark in self.remarks)

    def _wrong(self, line: int, sentence: str) -> None:
        self.remarks.append(Remark(self.path, line, sentence))

    def _say(self, line: int, sentence: str) -> None:
        self.remarks.append(Remark(self.path, line, sentence, broken=False))

    def role(self, text: str) -> Role | None:
        hidden = next(rules.hidden_characters(text), None)
        if hidden is not None:  # a model would read what a reviewer cannot see
            self._wrong(hidden.line, hidden.sentence)
            return None
        parts = FRONT.match(text)
        if parts is None:
            self._wrong(1, "it does not begin with front matter between two lines of ---")
            return None
        fields = self._fields(parts["front"])
        if fields is None:
            return None
        self._ignored(fields)
        name = self._name(fields)
        description = self._text(fields, "description")
        if not description and not self.broken:
            self._wrong(1, "it has no description")
        listed = self._listed(fields, "capabilities") or ()
        words = telling(" ".join(listed) if listed else description)
        return Role(
            name=name,
            description=description[:DESCRIPTION],
            capabilities=words[:MOST_CAPABILITIES],
            tools=self._tools(fields, "tools"),
            without=self._tools(fields, "disallowedTools") or (),
            model=self._model(fields),
            prompt=parts["prompt"].strip(),
            path=self.path,
        )

    # -- the front matter --------------------------------------------------------------------------

    def _fields(self, front: str) -> dict[str, yaml.Node] | None:
        try:
            return self._composed(front)
        except yaml.YAMLError as error:
            try:
                return self._composed("\n".join(map(_quoted, front.split("\n"))))
            except yaml.YAMLError:
                mark = getattr(error, "problem_mark", None)
                what = getattr(error, "problem", None) or "it cannot be read"
                self._wrong((mark.line if mark else 0) + FIRST_LINE, f"the front matter is not YAML: {what}")
                return None

    def _composed(self, front: str) -> dict[str, yaml.Node] | None:
        depth = 0
        for event in yaml.parse(front, Loader=LOADER):  # before anything is built: that would recurse
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH or isinstance(event, yaml.AliasEvent):
                line = (event.start_mark.line if event.start_mark else 0) + FIRST_LINE
                self._wrong(line, "the front matter is nested too deeply, or has YAML aliases")
                return None
        root = yaml.compose(front, Loader=LOADER)
        if not isinstance(root, yaml.MappingNode):
            self._wrong(FIRST_LINE, "the front matter is not a list of 'key: value' lines")
            return None
        fields: dict[str, yaml.Node] = {}
        for key, value in root.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in fields:
                self._wrong(_line(key), "a key of the front matter stands twice, or is not a word")
                return None
            fields[key.value] = value
        return fields

    def _ignored(self, fields: dict[str, yaml.Node]) -> None:
        left = [name for name in fields if name not in TAKEN and name not in COSMETIC]
        if left:
            words = some([rules.show(name) for name in left], 10)
            self._say(_line(fields[left[0]]), f"{words} {'is' if len(left) == 1 else 'are'} not used here")

    def _text(self, fields: dict[str, yaml.Node], key: str) -> str:
        node = fields.get(key)
        if node is None or _is_null(node):
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self._wrong(_line(node), f"{key} is not a text")
            return ""
        if (hidden := next(rules.hidden_characters(node.value), None)) is not None:  # an escape may hide it
            self._wrong(_line(node), hidden.sentence)
        return " ".join(str(node.value).split())

    def _name(self, fields: dict[str, yaml.Node]) -> str:
        name = self._text(fields, "name")
        if not name:
            if not self.broken:
                self._wrong(1, "it has no name")
        elif any(rules.role_problems(name, 0)):
            self._wrong(_line(fields["name"]), f"{rules.show(name)} cannot be the name of a role")
        return name

    def _model(self, fields: dict[str, yaml.Node]) -> str | None:
        model = self._text(fields, "model")
        if model and not MODEL.fullmatch(model):
            self._wrong(_line(fields["model"]), f"{rules.show(model)} is not a model")
        return model if model and model != "inherit" else None

    def _listed(self, fields: dict[str, yaml.Node], key: str) -> tuple[str, ...] | None:
        """A YAML list, or one line with commas; None where nothing is said."""
        node = fields.get(key)
        if node is None or _is_null(node):
            return None
        if isinstance(node, yaml.ScalarNode):
            return tuple(item for part in ITEMS.split(str(node.value)) if (item := part.strip()))
        if isinstance(node, yaml.SequenceNode) and all(isinstance(it, yaml.ScalarNode) for it in node.value):
            return tuple(item for it in node.value if (item := str(it.value).strip()))
        self._wrong(_line(node), f"{key} is neither a list of words nor words with commas between")
        return None

    def _tools(self, fields: dict[str, yaml.Node], key: str) -> tuple[str, ...] | None:
        """Names of tools. A tool is given or taken whole: where ``tools`` has a pattern behind one, it is not
        given at all, and where ``disallowedTools`` has, it is taken."""
        listed = self._listed(fields, key)
        if listed is None or (key == "tools" and listed == ("*",)):
            return None
        giving, kept, left = key == "tools", [], []
        for item in listed[:MOST_TOOLS]:
            name, _, pattern = item.partition("(")
            if name.startswith("mcp__") or not TOOL.fullmatch(name):
                left.append(item)
                continue
            if pattern:
                left.append(item)
            if not (pattern and giving):
                kept.append(name)
        if len(listed) > MOST_TOOLS:
            self._wrong(_line(fields[key]), f"{key} names more than {MOST_TOOLS} tools")
        if left:
            words = some([rules.show(item) for item in left], 10)
            how = "left out" if giving else "taken away whole, or not a tool that there is"
            self._say(_line(fields[key]), f"of {key}, {words} {'is' if len(left) == 1 else 'are'} {how}")
        return tuple(dict.fromkeys(kept))


def _quoted(line: str) -> str:
    """A line ``key: value`` with its value as a quoted text, so that YAML looks for nothing in it."""
    found = PLAIN.fullmatch(line.rstrip())
    if found is None:
        return line
    value = found["value"].replace("'", "''")
    return f"{found['key']}: '{value}'"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + FIRST_LINE


def _is_null(node: yaml.Node) -> bool:
    return str(node.tag).endswith(":null")


def in_words(role: Role) -> str:
    """A role in one line, for a person."""
    tools = "all tools" if role.tools is None else ", ".join(role.tools) or "no tools but those to report"
    less = f" without {', '.join(role.without)}" if role.without else ""
    return f"{role.name}: {role.model or 'the model of the run'}; {tools}{less} ({role.path})"


def chosen(roles: Sequence[Role], *, model_given: bool) -> tuple[Role, ...]:
    """The roles as a run records them: a model that the command line named goes over theirs."""
    return tuple(role.model_copy(update={"model": None}) for role in roles) if model_given else tuple(roles)
