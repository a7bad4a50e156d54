"""export --claude-team and import --claude-team."""

from __future__ import annotations

import json as jsonlib
import os
import secrets
import shlex
from pathlib import Path

from workbench.adapters.claudeteam import Written, config_dir, locate, read_team, write_team
from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.cli.printable import printable
from workbench.composition.past import choose, state_of
from workbench.composition.place import open_place
from workbench.core.claudeteam.incoming import Imported, plan_of
from workbench.core.claudeteam.outgoing import Team, team_of
from workbench.core.events import MessageSent
from workbench.errors import SetupError, UsageError


def export_team(run: str | None, to: Path | None, repo: Path, *, force: bool, json: bool) -> int:
    """Write a run as a team of Claude Code's, and say where; gives the exit code."""
    place = run_async(open_place(repo))
    with place.reading() as store:
        name = choose(store.runs(), run)
        records = store.read(name)
    sent = {record.event.message.id: record.at for record in records if isinstance(record.event, MessageSent)}
    team = team_of(state_of(name, records), str(place.root), sent)
    root = config_dir(os.environ) if to is None else to
    written = write_team(root, team, force=force)
    if json:
        print(jsonlib.dumps(_told(team, written), indent=2))
        return 0
    letters = sum(len(inbox) for inbox in team.inboxes.values())
    members = len(team.config["members"])
    tasks = len(team.tasks)
    counted = (
        f"{count} {what}{'' if count == 1 else 's'}"
        for count, what in ((tasks, "task"), (members, "member"), (letters, "letter"))
    )
    print(f"{team.name}: {', '.join(counted)}")
    print(f"  {written.team}\n  {written.tasks}")
    for aside in written.aside:
        explain(f"what was there is now {aside}")
    given = (
        "" if to is None and "CLAUDE_CONFIG_DIR" not in os.environ else f"CLAUDE_CONFIG_DIR={_word(root)} "
    )
    explain(
        "this is a snapshot; the format is Claude Code's own, and experimental",
        f"{given}CLAUDE_CODE_TASK_LIST_ID={team.name} CLAUDE_CODE_ENABLE_TODO_TOOLS=1 claude",
    )
    return 0


def _word(path: Path) -> str:
    return shlex.quote(str(path.absolute()))


def _told(team: Team, written: Written) -> dict[str, object]:
    return {
        "team": team.name,
        "folder": str(written.team),
        "tasks_folder": str(written.tasks),
        "moved_aside": [str(path) for path in written.aside],
        "tasks": len(team.tasks),
        "members": [member["name"] for member in team.config["members"]],
        "letters": {name: len(inbox) for name, inbox in team.inboxes.items()},
    }


def import_team(wanted: str, output: Path, *, force: bool, json: bool) -> int:
    """Write a plan of a team's tasks, and say what was not taken; gives the exit code."""
    _demand_free(output, force=force)
    root, name = locate(wanted, config_dir(os.environ))
    imported = plan_of(read_team(root, name))
    _write(output, imported.text, force=force)
    if json:
        print(jsonlib.dumps(_read(imported, output), indent=2))
        return 0
    count = len(imported.plan.tasks)
    print(f"{printable(str(output))}: {count} task{'' if count == 1 else 's'}")
    for remark in imported.remarks:
        explain(printable(remark))
    word = shlex.quote(str(output))
    explain("nothing of it is approved: read it", f"workbench check {word}, then workbench approve {word}")
    return 0


def _read(imported: Imported, output: Path) -> dict[str, object]:
    tasks = [{"id": task.id, "title": task.title, "after": list(task.after)} for task in imported.plan.tasks]
    return {"plan": str(output), "tasks": tasks, "remarks": list(imported.remarks)}


def _demand_free(path: Path, *, force: bool) -> None:
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", "Make it, or name another file with -o.")
    if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
        raise UsageError(f"{path} is no plain file.", "Name another one with -o.")
    if os.path.lexists(path) and not force:
        raise UsageError(
            f"{path} is there already.", "Name another file with -o, or replace it with --force."
        )


def _write(path: Path, text: str, *, force: bool) -> None:
    """Write the plan whole or not at all; a file that has come since then is not replaced."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        draft.write_text(text, encoding="utf-8")
        if force:
            draft.replace(path)
        else:
            path.hardlink_to(draft)
    except FileExistsError:
        raise UsageError(f"{path} is there already.", "Name another file with -o.") from None
    except OSError as error:
        raise SetupError(
            f"{path} cannot be written: {error.strerror}.", "Name another file with -o."
        ) from None
    finally:
        draft.unlink(missing_ok=True)
