"""A script for any plan: every task makes a small honest edit, reports, commits and says that it is done.

What is rehearsed is everything around the model: set-up, permissions, markers, gates, merging, clean-up.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import PurePosixPath
from typing import Any

from workbench.core.models import Plan, Task
from workbench.rehearsal.script import Part, Reaction, Role, Script, Step, Use

MOST_FILES = 5
"""How many of a task's declared files are edited; a rehearsal need not touch them all."""

EDITED = "rehearsed edit"
"""What an edit prints when it worked; the script goes by it."""

COMMITTED = "rehearsed commit"
"""What a commit prints when it worked and is the branch's latest; the script goes by it."""

NO_SANDBOX = r"(?m)^\s*bwrap: "
"""What the sandbox says when it could not be set up: the command did not run and may be tried again."""

_ENDED = r"(?i)\Anoted\b"  # what the tools answer to done and blocked: nothing is left to do

REPEATS = 3
"""How often a command is tried again that did not run for that reason."""

_NO_NOTICE = r"(?i)\A(?!What you have committed so far does not merge|Landed while you work)[\s\S]*?"
"""What is told in passing asks for nothing: nobody's tree has the conflict that a notice foresees."""

CONFLICT = (
    rf"{_NO_NOTICE}(?:<<<<<<< |conflict (marker|in\b|with\b|between\b)|merge conflict|conflict(s|ed|ing)\b)"
)

RED = rf"{_NO_NOTICE}(?:\bgates?\b[^\n]*\b(red|fail\w*)\b|\b(red|fail\w*)\b[^\n]*\bgates?\b)"

PLAN_FIRST = r"(?m)^## Plan first$"
"""What a brief says that wants a plan before anything is written."""

_WILD = frozenset("*?[{")

_SERVER = "mcp__workbench__"


def author(plan: Plan) -> Script:
    """A script in which every task of ``plan`` does a little, truly, and all teammates react alike.

    Its answers carry no usage, so that a rehearsal shows no cost. Touches no disk.
    """
    tasks = {task.id: _role(task) for task in plan.tasks}
    stranger = Part(steps=(Step(say="(Rehearsal: this task is not in the plan.)", end=True),))
    return Script(
        default=Role(steps=stranger.steps), tasks=tasks, on_told=(_on_red(), _on_conflict()), usage="none"
    )


def targets(task: Task) -> list[str]:
    """Where a task's edits go: its plain paths, and for a glob the folder before its first wildcard
    (with a slash at the end). Paths that lead outside are left out."""
    found: dict[str, None] = {}
    for glob in task.files:
        path = PurePosixPath(glob)
        if path.is_absolute() or ".." in path.parts or glob.startswith(("!", "-")) or "{{" in glob:
            continue
        plain: list[str] = []
        for part in path.parts:
            if _WILD.intersection(part):
                break
            plain.append(part)
        wild = len(plain) < len(path.parts) or glob.endswith("/")
        found["/".join(plain) + "/" if wild and plain else "/".join(plain) or "./"] = None
    return list(found)[:MOST_FILES]


def _role(task: Task) -> Role:
    where = targets(task)
    folder = next((target for target in where if target.endswith("/")), None)
    write: tuple[Step, ...] = ()
    stage = ""
    if folder is not None:
        # One edit goes through Write, so that the file tools' permissions are rehearsed as well as Bash's.
        where.remove(folder)
        note = f"{folder.removeprefix('./')}rehearsed_{task.id}.txt"
        write = (_use("Write", file_path=f"{{{{worktree}}}}/{note}", content=_note(task)),)
        stage = f"git add --sparse -f -- {shlex.quote(note)} && "
    command = _python("edit", task.id, "{{attempt}}", *where)
    subject = f"Rehearse {task.id}:"
    commit = _commit(subject, _plain(task.title))
    rest = (*_bash(stage + commit, "Commit"), *_finish("rehearsal: the edit is committed"))
    if where or folder is None:
        edit = _bash(f"{command} && echo {shlex.quote(EDITED)}", "Make a small edit")
        rest = (*edit, Step(steps=rest, if_result=EDITED), *_blocked("the edit"))
    return Role(
        steps=(
            Step(say="This is a rehearsal: a script answers in the model's place."),
            _report("progress", percent=10, note="rehearsal: begun"),
            *_planned(task),
            Step(steps=_bash(_python("mend"), "Resolve conflicts by keeping both sides"), if_told=CONFLICT),
            *write,
            *rest,
        )
    )


def _planned(task: Task) -> tuple[Step, ...]:
    """A plan, where the task wants one first."""
    if not task.plan_by:
        return ()
    plan = _report("plan", note=f"rehearsal: a small edit where {task.id} says, and a commit")
    return (Step(steps=(plan, Step(say="The plan waits for approval.", end=True)), if_told=PLAN_FIRST),)


def _finish(note: str) -> tuple[Step, ...]:
    """Done if the commit worked, otherwise blocked, with what the tool said."""
    done = (
        _report("progress", percent=90, note=note),
        _report("done", note=note),
        Step(say="Done, as rehearsed.", end=True),
    )
    return Step(steps=done, if_result=COMMITTED), *_blocked("the commit")


def _blocked(what: str) -> tuple[Step, ...]:
    steps = (
        _report("blocked", note=f"rehearsal: {what} did not work here: {{{{result}}}}"),
        Step(say=f"Blocked: {what} did not work.", end=True),
    )
    return (Step(steps=steps, unless_result=_ENDED),)


def _on_conflict() -> Reaction:
    mended = (
        *_bash(_commit("Rehearse:", "resolve conflicts, keeping both sides"), "Commit the resolution"),
        *_finish("rehearsal: conflicts resolved, both sides kept"),
    )
    return Reaction(
        match=CONFLICT,
        steps=(
            *_bash(_python("mend"), "Resolve conflicts by keeping both sides"),
            Step(steps=mended, if_result=r"mended [1-9]"),
        ),
    )


def _on_red() -> Reaction:
    words = "The gates are red, and a script cannot repair that. What they printed is real."
    return Reaction(match=RED, steps=(Step(say=words, end=True),))


def _note(task: Task) -> str:
    return (
        f"Rehearsal of task {task.id}, attempt {{{{attempt}}}}, by {{{{teammate}}}}.\n"
        "No model wrote this: it shows that work can be done, checked and landed here.\n"
    )


def _plain(text: str) -> str:
    """One short printable line without anything that a script would fill in."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words.replace("{{", "{ {")[:100]


def _commit(begins: str, rest: str) -> str:
    """A shell command that commits what is staged, if anything, and says so if the branch's latest commit
    is such a one: the one just made, or the one made before the session was interrupted."""
    body = "Scripted by a rehearsal: no model wrote this."
    made = f"git commit -q -m {shlex.quote(f'{begins} {rest}')} -m {shlex.quote(body)}"
    claim = f"git log -1 --format='{COMMITTED} %h %s' | grep -aF -- {shlex.quote(begins)}"
    nothing = "{ echo 'nothing was there to commit'; false; }"
    return f"{{ git diff --cached --quiet || {made}; }} && {{ {claim} || {nothing}; }}"


def _python(module: str, *words: str) -> str:
    # -P keeps a file of the worktree from being imported in the place of one of ours.
    return shlex.join([sys.executable, "-P", "-m", f"workbench.rehearsal.{module}", *words])


def _bash(command: str, description: str) -> tuple[Step, ...]:
    """The command, and again where the sandbox could not be set up for it."""
    use = (Use(tool="Bash", input={"command": command, "description": description}),)
    return Step(use=use), *(Step(use=use, if_result=NO_SANDBOX) for _ in range(REPEATS))


def _report(kind: str, **fields: Any) -> Step:
    return _use(f"{_SERVER}{kind}", **fields)


def _use(tool: str, **fields: Any) -> Step:
    return Step(use=(Use(tool=tool, input=fields),))
