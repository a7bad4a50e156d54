"""What a line of shell runs: the programs in it, by what they are for. Pure; reads, and never runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BETWEEN = frozenset({"&&", "||", ";", "|", "&", "(", ")"})

PREFIXES = {
    ("uv", "run"), ("poetry", "run"), ("pipenv", "run"), ("hatch", "run"), ("pdm", "run"), ("rye", "run"),
    ("npx",), ("bunx",), ("pnpm", "exec"), ("yarn", "exec"), ("npm", "exec"), ("bundle", "exec"),
    ("env",), ("time",), ("nice",), ("exec",), ("command",),
}  # fmt: skip
"""Words that start something else, which is what counts."""

SHELLS = frozenset({"sh", "bash", "zsh", "dash"})
MANAGERS = frozenset({"npm", "pnpm", "yarn", "bun"})
FOLDER_OPTIONS = frozenset({"--prefix", "--dir", "--cwd", "-C"})
"""Options of these by which they go to another folder first."""

BUILTINS = frozenset({
    "alias", "bg", "break", "builtin", "case", "cd", "command", "continue", "declare", "do", "echo",
    "eval", "exec", "exit", "export", "false", "fg", "for", "function", "getopts", "hash", "if", "jobs",
    "kill", "let", "local", "mapfile", "popd", "printf", "pushd", "pwd", "read", "readonly", "return",
    "select", "set", "shift", "shopt", "source", "test", "time", "times", "trap", "true", "type",
    "typeset", "ulimit", "umask", "unalias", "unset", "until", "wait", "while",
})  # fmt: skip
"""Words that a shell knows by itself, with no program of that name on PATH."""

RUNNERS = frozenset({"turbo", "nx", "lerna", "rush"})
"""Programs that run the scripts of the packages of a repository, whichever they find."""

SPREADING = frozenset({
    "-r", "--recursive", "-w", "--workspace", "-ws", "--workspaces", "--filter", "-F", "workspace",
    "workspaces",
})  # fmt: skip
"""Words by which a package manager runs scripts of other packages than the one it is started in."""

PLAIN = {
    "pytest": "pytest",
    "py.test": "pytest",
    "unittest": "unittest",
    "tox": "tox",
    "nox": "nox",
    "cargo": "cargo",
    "go": "go",
    "gradle": "gradle",
    "gradlew": "gradle",
    "mvn": "maven",
    "mvnw": "maven",
}
"""Programs, whichever way they are started, by their family."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One program of a line. ``folder`` is where a ``cd`` before it went, ``family`` what it is for
    (``pytest``, ``script:test``, ``make:check``, else ``program:NAME``), ``runs`` its program or script as
    it is written."""

    folder: str
    family: str
    runs: str


def invocations(command: str) -> Iterator[Invocation]:
    """The programs of ``command``, in order; none where it cannot be read as a line of shell."""
    folder = ""
    for simple in _simple(command):
        if simple[:1] == ["cd"] and len(simple) == 2:
            folder = _into(folder, simple[1])
        elif found := _invocation(simple, folder):
            yield found


def in_workspaces(command: str) -> bool:
    """Whether ``command`` runs scripts of packages that it does not name by their folders."""
    for simple in _simple(command):
        words = {word.partition("=")[0] for word in simple}
        if words & RUNNERS or (words & MANAGERS and words & SPREADING):
            return True
    return False


def _simple(command: str) -> Iterator[list[str]]:
    """The simple commands of a line of shell, each as its words."""
    try:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        lexer.commenters = ""
        words = list(lexer)
    except ValueError:
        return
    simple: list[str] = []
    for word in (*words, ";"):
        if word not in BETWEEN and not set(word) <= {"&", "|", ";", "(", ")"}:
            simple.append(word)
        elif simple:
            yield simple
            simple = []


def program_of(command: str) -> str:
    """The name by which the first program of ``command`` is looked for on PATH; "" where that cannot be
    told."""
    try:
        first, second, *_ = [*shlex.split(command), "", ""]
    except ValueError:
        return ""
    if second.startswith("("):  # a function of that name
        return ""
    plain = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", first) is not None
    return first if plain and first not in BUILTINS else ""


def path_like(word: str) -> bool:
    """Whether a word names a file rather than a program on PATH."""
    return "/" in word or bool(re.search(r"\.(?:sh|py|js|mjs|ts|rb|pl|bash)$", word))


def _into(folder: str, target: str) -> str:
    target = target.removeprefix("./").rstrip("/")
    return target if not folder else f"{folder}/{target}"


def _invocation(words: Sequence[str], folder: str) -> Invocation | None:
    words = _started(list(words))
    if not words:
        return None
    program, *rest = words
    name = program.rpartition("/")[2]
    if re.fullmatch(r"python[\d.]*|pypy[\d.]*", name):
        return _python(rest, folder)
    if name in SHELLS or name == "node":
        script = next((word for word in rest if not word.startswith("-")), "")
        return Invocation(folder, f"program:{name}", script if path_like(script) else "")
    if name in MANAGERS:
        rest, into = _gone_into(name, rest)
        return Invocation(_into(folder, into) if into else folder, _script(name, rest), "")
    if name in ("make", "gmake", "just"):
        targets = [word for word in rest if not word.startswith("-") and "=" not in word]
        kind = "just" if name == "just" else "make"
        return Invocation(folder, f"{kind}:{targets[0]}" if targets else f"program:{name}", "")
    return Invocation(folder, PLAIN.get(name, f"program:{name}"), program)


def _started(words: list[str]) -> list[str]:
    """Without variables that are set and programs that only start others."""
    while words:
        if re.match(r"[A-Za-z_]\w*=", words[0]) or (words[0] == "timeout" and len(words) > 1):
            del words[: 2 if words[0] == "timeout" else 1]
            continue
        prefix = next((known for known in PREFIXES if tuple(words[: len(known)]) == known), None)
        if prefix is None:
            break
        del words[: len(prefix)]
        while words and words[0].startswith("-"):
            del words[0]
    return words


def _python(rest: Sequence[str], folder: str) -> Invocation:
    for place, word in enumerate(rest):
        if word == "-m" and place + 1 < len(rest):
            module = rest[place + 1]
            return Invocation(folder, PLAIN.get(module, f"program:{module}"), "")
        if word == "-c":
            break
        if not word.startswith("-"):
            return Invocation(folder, "program:python", word)
    return Invocation(folder, "program:python", "")


def _gone_into(manager: str, rest: Sequence[str]) -> tuple[list[str], str]:
    """What a package manager is told but for the folder that it goes to, and that folder; "" for none. Only
    npm takes options of its own behind a script's name."""
    left: list[str] = []
    folder = ""
    words = iter(rest)
    for word in words:
        option, equals, value = word.partition("=")
        if option in FOLDER_OPTIONS:
            folder = value if equals else next(words, "")
            continue
        left.append(word)
        if word == "--" or (manager != "npm" and not word.startswith("-") and word != "run"):
            break
    return [*left, *words], folder


def _script(manager: str, rest: Sequence[str]) -> str:
    """The script of package.json that a package manager is told to run."""
    words = [word for word in rest if not word.startswith("-")]
    if words[:1] in (["run"], ["run-script"]) and len(words) > 1:
        return f"script:{words[1]}"
    if words[:1] in (["test"], ["t"]) or (manager == "npm" and words[:1] == ["tst"]):
        return "script:test"
    if words and manager in ("yarn", "pnpm"):  # these run a script by its bare name
        return f"script:{words[0]}"
    return f"program:{manager}"
