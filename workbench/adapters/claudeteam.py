"""The files of Claude Code's own teams: read as data of others, written beside and then renamed.

``core.claudeteam`` says what is in them. Of a team's folders nothing is followed that is a link, and nothing
is read that is larger than such a file ever is. What is written goes into new folders, which then take the
place of the old ones: a Claude Code that looks meanwhile sees one or the other.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core.claudeteam.incoming import Found
from workbench.core.claudeteam.outgoing import MARK, Team
from workbench.core.plan.rules import MAX_TASKS
from workbench.errors import SetupError, UsageError

TEAM = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""Names of teams of which Claude Code makes a folder of just that name."""

FILE_BYTES = 1 << 20
"""Of one task or config."""

INBOX_BYTES = 16 << 20
"""Of one inbox: they are seldom emptied."""

ALL_BYTES = 64 << 20

TASK_FILE = re.compile(r"[A-Za-z0-9_-]{1,64}\.json")
OUR_LETTER = re.compile(r"\[m[0-9]+ ")

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def config_dir(environment: Mapping[str, str]) -> Path:
    """Claude Code's configuration folder: CLAUDE_CONFIG_DIR, or .claude at home."""
    given = environment.get("CLAUDE_CONFIG_DIR")
    return Path(given) if given else Path.home() / ".claude"


# -- reading -----------------------------------------------------------------------------------------


def locate(wanted: str, root: Path) -> tuple[Path, str]:
    """The configuration folder and the team that ``wanted`` means: a team's name below ``root``, its folder
    of tasks, or a folder that holds ``tasks`` with one team. Raises UsageError."""
    if "/" not in wanted and wanted not in (".", ".."):
        if not TEAM.fullmatch(wanted):
            raise UsageError(
                f"{wanted!r} cannot be the name of a team.", "It has letters, digits, '-' and '_' only."
            )
        return root, wanted
    folder = Path(os.path.abspath(wanted))  # noqa: PTH100 - links are not resolved
    if not _is_folder(folder):
        raise UsageError(f"There is no folder {wanted}.")
    if _is_folder(folder / "tasks"):
        names = [name for name in _names(folder / "tasks") if TEAM.fullmatch(name)]
        if len(names) != 1:
            some = f"has several teams: {', '.join(names[:8])}" if names else "has no team"
            raise UsageError(f"{wanted} {some}.", f"Name one folder: {wanted.rstrip('/')}/tasks/TEAM")
        return folder, names[0]
    if not TEAM.fullmatch(folder.name) or folder.parent.name != "tasks":
        raise UsageError(
            f"{wanted} holds no team of Claude Code's.", "Its tasks stand in a folder tasks/TEAM; name that."
        )
    return folder.parent.parent, folder.name


def read_team(root: Path, name: str) -> Found:
    """What there is of a team. Raises UsageError when it has no folder of tasks, or more than could be
    anybody's tasks."""
    tasks_folder = root / "tasks" / name
    if not _is_folder(tasks_folder):
        raise UsageError(
            f"There is no team {name} with tasks in {root}.",
            "`ls` its folder `tasks` to see which there are.",
        )
    odd: list[str] = []
    left = ALL_BYTES
    tasks: dict[str, object] = {}
    for file, data, size in _json_files(tasks_folder, FILE_BYTES, odd):
        left -= size
        if len(tasks) == MAX_TASKS or left < 0:
            raise UsageError(
                f"The team {name} has more than {MAX_TASKS:,} tasks, or {ALL_BYTES >> 20} MB of them."
            )
        tasks[file] = data
    folder = _team_folder(root, name)
    return Found(name, tasks, _config(folder, odd), _inboxes(folder, odd), tuple(odd))


def _team_folder(root: Path, name: str) -> Path:
    """Where the team's config is: Claude Code makes another folder's name of it than for its tasks."""
    return root / "teams" / re.sub(r"[^a-zA-Z0-9]", "-", name).lower()


def _config(folder: Path, odd: list[str]) -> dict[str, Any]:
    if not _is_folder(folder) or not os.path.lexists(folder / "config.json"):
        return {}
    try:
        found, _ = _read(folder / "config.json", FILE_BYTES)
    except (OSError, ValueError) as problem:
        odd.append(f"config.json ({_why(problem)})")
        return {}
    return found if isinstance(found, dict) else {}


def _inboxes(folder: Path, odd: list[str]) -> dict[str, list[object]]:
    if not _is_folder(folder) or not _is_folder(folder / "inboxes"):
        return {}
    found: dict[str, list[object]] = {}
    for file, data, _ in _json_files(folder / "inboxes", INBOX_BYTES, odd):
        if isinstance(data, list) and len(found) < MAX_TASKS:
            found[file.removesuffix(".json")] = data
    return found


def _json_files(folder: Path, limit: int, odd: list[str]) -> Iterator[tuple[str, object, int]]:
    """The JSON files of a folder, with their sizes; those that cannot be taken are told in ``odd``. Locks and
    drafts of Claude Code's, whose names begin with a dot, are none."""
    for file in _names(folder):
        if file.startswith(".") or not file.endswith(".json"):
            continue
        if not TASK_FILE.fullmatch(file):
            odd.append(f"{file!r} (no name that Claude Code gives)")
            continue
        try:
            data, size = _read(folder / file, limit)
        except (OSError, ValueError) as problem:
            odd.append(f"{file} ({_why(problem)})")
            continue
        yield file, data, size


def _read(path: Path, limit: int) -> tuple[object, int]:
    """A JSON file and its size; ValueError or OSError when it is none, a link, no plain file or too large."""
    with os.fdopen(os.open(path, READ), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("no plain file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"larger than {limit >> 20} MB")
    try:
        return json.loads(data), len(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        raise ValueError("no JSON") from None


def _why(problem: OSError | ValueError) -> str:
    return (problem.strerror or "unreadable") if isinstance(problem, OSError) else str(problem)


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def _is_folder(path: Path) -> bool:
    """Whether it is a folder, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


# -- writing -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """The team's folders, and where those went that somebody else had written."""

    team: Path
    tasks: Path
    aside: tuple[Path, ...] = ()


def write_team(root: Path, team: Team, *, force: bool) -> Written:
    """Write a team below ``root``. What an export of the same run left there is replaced. What others wrote
    is refused (UsageError), or with ``force`` moved aside; links are never replaced. Raises SetupError when
    it cannot be written."""
    places = (root / "teams" / team.name, root / "tasks" / team.name)
    kept: list[Path] = []
    try:
        strangers = [place for place in places if _stranger(place, team)]
        if strangers and not force:
            raise UsageError(
                f"{strangers[0]} is there already, and not all of it is from this run's export.",
                "With --force it is moved aside.",
            )
        # Tasks first: a team that is seen has its tasks.
        for place, write in zip(places[::-1], (_write_tasks, _write_config), strict=True):
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}.tmp")
            try:
                draft.mkdir(mode=0o700)
                write(draft, team)
                kept += _swap(draft, place, keep=place in strangers)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise SetupError(
            f"The team cannot be written to {root}: {error.strerror}.",
            "Name another folder with --to, or set CLAUDE_CONFIG_DIR.",
        ) from None
    return Written(places[0], places[1], tuple(kept))


def _stranger(place: Path, team: Team) -> bool:
    """Whether something at ``place`` is not from an export of this run. Raises UsageError for what is no
    folder."""
    if not os.path.lexists(place):
        return False
    if not _is_folder(place):
        raise UsageError(f"{place} is no folder of its own, but a link or a file.", "Remove it first.")
    odd: list[str] = []
    if place.parent.name == "tasks":
        tasks = [data for _, data, _ in _json_files(place, FILE_BYTES, odd)]
        return bool(odd) or not all(_is_ours(_metadata(task), team) for task in tasks)
    config = _config(place, odd)
    letters = [letter for inbox in _inboxes(place, odd).values() for letter in inbox]
    # Claude Code writes down who leads once it has taken a team over.
    return (
        bool(odd)
        or not _is_ours(config, team)
        or "leadProcess" in config
        or not all(
            isinstance(letter, dict) and OUR_LETTER.match(str(letter.get("text"))) for letter in letters
        )
    )


def _metadata(task: object) -> object:
    return task.get("metadata") if isinstance(task, dict) else None


def _is_ours(found: object, team: Team) -> bool:
    mark, ours = found.get(MARK) if isinstance(found, dict) else None, team.config[MARK]
    return isinstance(mark, dict) and all(mark.get(key) == value for key, value in ours.items())


def _write_tasks(folder: Path, team: Team) -> None:
    for number, task in team.tasks.items():
        _write(folder / f"{number}.json", task)
    _write(folder / ".highwatermark", len(team.tasks))


def _write_config(folder: Path, team: Team) -> None:
    _write(folder / "config.json", team.config)
    (folder / "inboxes").mkdir(mode=0o700)
    for name, letters in team.inboxes.items():
        _write(folder / "inboxes" / f"{name}.json", letters)


def _write(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=2, ensure_ascii=True), encoding="utf-8")


def _swap(draft: Path, place: Path, *, keep: bool) -> list[Path]:
    """Put ``draft`` where ``place`` is; gives where the old one went, if it is kept."""
    if not os.path.lexists(place):
        draft.rename(place)
        return []
    aside = place.with_name(f".{place.name}.replaced-{secrets.token_hex(4)}")
    place.rename(aside)
    try:
        draft.rename(place)
    except OSError:
        aside.rename(place)
        raise
    if keep:
        return [aside]
    shutil.rmtree(aside, ignore_errors=True)
    return []
