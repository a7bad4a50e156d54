"""What the values of a plan may be. They become refs, file names, globs and command lines, so each
is held to a rule here, whichever way the plan was written.

Every rule yields the problems of one value, at the line it is given, and nothing for a good value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from workbench.core.models import TASK_ID
from workbench.errors import Problem

MAX_BYTES = 1 << 20
MAX_LINES = 100_000
MAX_TASKS = 5_000
MAX_TEAM = 1_000
MAX_ATTEMPTS = 20
MAX_VALUE = 4_000
"""Characters of a title, glob or command."""

SHOWN = 80
"""Characters of a wrong value that are repeated in a sentence."""

NEVER = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters, NUL among them
    "\u2028\u2029"  # line breaks to some programs and not to others
    "\u202a-\u202e\u2066-\u2069"  # make text look different from what it says
    "\ud800-\udfff"  # halves of characters
    "\U000e0000-\U000e007f]"  # letters that no one sees, but a model reads
)
"""Characters that no approved text may hold: who approves a plan must see what it says."""

ROLE = re.compile(r"\w[\w ._-]{0,63}")
OWN_FOLDERS = frozenset({".git", ".workbench", "git~1"})


def show(value: str) -> str:
    """``value`` in quotes, short and on one line, for a sentence."""
    value = NEVER.sub("\N{REPLACEMENT CHARACTER}", " ".join(value.split()))
    return f'"{value if len(value) <= SHOWN else value[: SHOWN - 1] + "…"}"'


def hidden_characters(text: str, line: int = 1) -> Iterator[Problem]:
    """One problem for each line of ``text`` with a character of ``NEVER``; ``line`` is the first's."""
    if not NEVER.search(text):
        return
    for number, content in enumerate(text.split("\n"), start=line):
        found = NEVER.search(content)
        if found:
            code = f"U+{ord(found[0]):04X}"
            name = unicodedata.name(found[0], "a control character").lower()
            yield Problem(
                number,
                f"there is a hidden character: {code}, {name}, at column {found.start() + 1}",
                "Remove it: a plan is approved by reading it, so nothing in it may be invisible.",
            )


def id_problems(id_: str, line: int) -> Iterator[Problem]:
    """Task ids become parts of refs and file names."""
    if not re.fullmatch(TASK_ID, id_):
        yield Problem(
            line,
            f"{show(id_)} is not a task id",
            "An id is up to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit"
            + (f"; {slug(id_)} would do." if slug(id_) else "."),
        )
    elif ".." in id_ or id_.endswith((".", ".lock")):
        yield Problem(
            line,
            f'"{id_}" cannot be a task id',
            "Git allows no such name: leave out '..', and '.' or '.lock' at the end.",
        )


def title_problems(title: str, line: int) -> Iterator[Problem]:
    """Titles are one line of text."""
    if not title.strip():
        yield Problem(line, "a title is empty", "Say in a few words what the task does.")
    if "\n" in title or len(title) > MAX_VALUE:
        yield Problem(line, f"the title {show(title)} is too long", "Move the details into the body.")


def glob_problems(glob: str, line: int) -> Iterator[Problem]:
    """Globs name files inside the repository, and are handed to git."""
    parts = [part.rstrip(" .").lower() for part in re.split(r"[/\\]", glob)]
    hint = "Globs are relative to the top of the repository, such as src/auth/**."
    if not glob.strip() or glob in (".", "./"):
        yield Problem(line, "a file glob is empty", hint)
    elif len(glob) > MAX_VALUE or "\n" in glob:
        yield Problem(line, f"the glob {show(glob)} is too long", "One glob names one place.")
    elif glob.startswith(("/", "~", "\\")) or re.match(r"[A-Za-z]:", glob):
        yield Problem(line, f"the glob {show(glob)} points outside the repository", hint)
    elif any(re.fullmatch(r"\.\.[ .]*", part) for part in re.split(r"[/\\]", glob)):
        yield Problem(line, f"the glob {show(glob)} climbs out with '..'", hint)
    elif OWN_FOLDERS.intersection(parts):
        yield Problem(line, f"the glob {show(glob)} reaches into .git or .workbench", "Leave those alone.")
    elif glob[0] in "-!:#":
        yield Problem(
            line, f"the glob {show(glob)} begins with '{glob[0]}', which git reads as a command", hint
        )
    elif "\\" in glob or "`" in glob:
        yield Problem(
            line, f"the glob {show(glob)} holds a backslash or backtick", "Separate folders by '/'."
        )


def command_problems(command: str, line: int, what: str) -> Iterator[Problem]:
    """Gates and set-up commands: a line of shell each."""
    if not command.strip():
        yield Problem(line, f"a {what} command is empty", "Write the command, or remove the entry.")
    elif "\n" in command:
        yield Problem(
            line, f"a {what} command has several lines", "Make it several entries, or put it in a script."
        )
    elif len(command) > MAX_VALUE:
        yield Problem(line, f"the {what} command {show(command)} is too long", "Put it in a script.")


def role_problems(role: str, line: int) -> Iterator[Problem]:
    """A role is a word or a few; it goes into the environment of a teammate."""
    if not ROLE.fullmatch(role) or ".." in role:
        yield Problem(line, f"{show(role)} is not a role", "A role is a word or two, such as backend.")


def approver_problems(who: str, line: int) -> Iterator[Problem]:
    """Who may approve the plan of a task."""
    if who not in ("lead", "person"):
        yield Problem(
            line,
            f"{show(who)} cannot approve a plan",
            "Write 'plan: person', or 'plan: lead'; leave the field out where no plan is wanted first.",
        )


def name_problems(name: str, line: int, what: str) -> Iterator[Problem]:
    """The name of a model or of a commit: one word on a command line."""
    if not name or name.startswith("-") or re.search(r"\s|\\|\.\.", name) or len(name) > MAX_VALUE:
        yield Problem(line, f'{show(name)} cannot be the "{what}"', "It is one word, without '..' or '\\'.")


def number_problems(number: float | None, line: int, what: str, low: float, high: float) -> Iterator[Problem]:
    """A number between ``low`` and ``high``; ``None`` when what stood there was no such number."""
    if number is None or not low <= number <= high:
        yield Problem(line, f'"{what}" is out of range', f"Give a number from {low:g} to {high:g}.")


def slug(text: str, limit: int = 40) -> str:
    """A task id made from ``text``: lower case words joined by '-'; empty if it has no such letters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")
    if len(words) > limit:
        words = words[: limit + 1].rpartition("-")[0] or words[:limit]
    return words.strip("-")
