"""What a run leaves for people and for the steps after it: reports, annotations, the summary, outputs."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workbench.cli.ci.log import GroupedLines
from workbench.cli.ci.streams import WordsOnly
from workbench.cli.ci.surroundings import Surroundings
from workbench.cli.display import Display
from workbench.core.ci.annotation import Annotation, noted
from workbench.core.ci.commands import harmless, output
from workbench.core.ci.results import NOTHING, goes_on, outputs
from workbench.core.ci.summary import LIMIT, summary
from workbench.core.report import Report, headline, junit, markdown
from workbench.core.state import RunState
from workbench.errors import PlanError, WorkbenchError

REPORT = "workbench-report"


@dataclass
class Step:
    """This run as a step of a job. ``run`` is its id once it is open."""

    around: Surroundings
    stream: WordsOnly
    run: str = ""

    def display(self) -> Display:
        """What shows the run in the job's log."""
        return GroupedLines(self.stream)

    def leave(self, state: RunState, result: Report, root: Path, worktrees: Path, code: int) -> int:
        """Leave all that a run that is over has to say; gives the exit code of the step, for ``code`` as the
        run's. ``root`` is the repository's top, ``worktrees`` where the run's own copies of it stood.

        A file that cannot be written is told, and does not keep the others from being written.
        """
        files = {
            "junit": (self.around.junit, junit(result)),
            "report": (self.around.folder / f"{REPORT}.md", markdown(result)),
            "json": (
                self.around.folder / f"{REPORT}.json",
                json.dumps(result.model_dump(mode="json"), indent=2),
            ),
        }
        written = {name: str(path) for name, (path, text) in files.items() if self._write(path, text)}
        self.stream.command(harmless(f"{result.run}: {headline(result)}"))
        plan = _inside(root, state.plan_file)
        for note in noted(state, result, plan, _known(state, root, worktrees)):
            self.stream.command(note.command())
        self._summarise(state, result)
        self._set(outputs(state, result) | {name: written.get(name, "") for name in ("report", "junit")})
        return 0 if code == 1 and goes_on(state, result) else code

    def fail(self, error: BaseException) -> None:
        """Leave what can be said when ``error`` ended the step before its run was over."""
        problems = error.problems[:10] if isinstance(error, PlanError) else []
        for problem in problems:
            said = f"{problem.sentence} {problem.hint}".rstrip()
            path = _inside(_workspace(), error.path) if isinstance(error, PlanError) else ""
            self._note(Annotation(level="error", title="The plan", said=said, path=path, line=problem.line))
        if not problems:
            hint = error.hint if isinstance(error, WorkbenchError) else ""
            said = f"{error}\n{hint}".strip() or type(error).__name__
            self._note(Annotation(level="error", title="workbench", said=said))
        begun = {"run": self.run, "resumable": "true" if self.run else "false"}
        self._set({**NOTHING, **begun, "report": "", "junit": ""})

    def _note(self, note: Annotation) -> None:
        with contextlib.suppress(OSError):  # the log is gone; the outputs may still be read
            self.stream.command(note.command())

    def _summarise(self, state: RunState, result: Report) -> None:
        path = self.around.summary
        if path is None:
            return
        with self._telling(path):
            used = path.stat().st_size if path.exists() else 0
            _append(path, summary(state, result, max(0, LIMIT - used - 1)) + "\n")

    def _set(self, values: Mapping[str, str]) -> None:
        path = self.around.output
        if path is None:
            return
        with self._telling(path):
            said = (output(name, value, secrets.token_hex(16)) for name, value in values.items())
            _append(path, "".join(said))

    def _write(self, path: Path, text: str) -> bool:
        with self._telling(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, text)
            return True
        return False

    @contextlib.contextmanager
    def _telling(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            said = f"{path} cannot be written: {error.strerror or error}"
            self._note(Annotation(level="warning", title="workbench", said=said))


def write_junit(path: Path, result: Report) -> None:
    """The test results of a run as a file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, junit(result))


def _replace(path: Path, text: str) -> None:
    """Write a whole file or none; a link in its place is replaced, not followed."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(number, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
        os.chmod(name, 0o644)  # noqa: PTH101 - artifacts are for others to read
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", errors="replace", newline="\n") as file:
        file.write(text)


def _workspace() -> Path:
    """Where the job's checkout is."""
    return Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())


def _inside(root: Path, name: str) -> str:
    """A file's path from ``root``; empty where it is not below it."""
    if not name:
        return ""
    path = Path(name).resolve()
    return path.relative_to(root.resolve()).as_posix() if path.is_relative_to(root.resolve()) else ""


def _known(state: RunState, root: Path, worktrees: Path) -> Callable[[str], str]:
    """Makes paths as gates print them those of the repository; what it does not hold has none."""
    changed = {path for task in state.tasks.values() for path in task.files}
    changed |= {path for attempt in state.attempts.values() for path in attempt.files}

    def held(path: str) -> bool:
        return path in changed or (root / path).is_file()

    def known(name: str) -> str:
        path = PurePosixPath(name)
        if ".." in path.parts:
            return ""
        if not path.is_absolute():
            return str(path) if held(str(path)) else ""
        if path.is_relative_to(root.as_posix()):
            inner = str(path.relative_to(root.as_posix()))
            return inner if held(inner) else ""
        if not path.is_relative_to(worktrees.as_posix()):
            return ""
        parts = path.relative_to(worktrees.as_posix()).parts
        inners = ("/".join(parts[place:]) for place in range(1, min(len(parts), 4)))
        return next(filter(held, inners), "")

    return known
