"""Teams of Claude Code's on disk: what is written is read again, nothing of others' is followed or lost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from workbench.adapters import claudeteam
from workbench.adapters.claudeteam import config_dir, locate, read_team, write_team
from workbench.core.claudeteam.outgoing import Team
from workbench.errors import UsageError

OURS = {"run": "r-1", "repository": "/repo"}


def team(subject: str = "One", repository: str = "/repo") -> Team:
    ours = {**OURS, "repository": repository}
    return Team(
        "workbench-r-1",
        {"name": "workbench-r-1", "members": [], "workbench": ours},
        {"1": {"id": "1", "subject": subject, "status": "pending", "metadata": {"workbench": ours}}},
        {"ada": [{"from": "bob", "text": "[m1 message] hello", "timestamp": "", "read": False}]},
    )


def write(path: Path, data: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_the_folder_is_claude_codes(tmp_path: Path) -> None:
    assert config_dir({}) == Path.home() / ".claude"
    assert config_dir({"CLAUDE_CONFIG_DIR": str(tmp_path)}) == tmp_path


def test_what_was_written_is_read_and_written_again_replaces_it(tmp_path: Path) -> None:
    first = write_team(tmp_path, team("One"), force=False)
    again = write_team(tmp_path, team("Two"), force=False)

    assert (first, again.aside) == (again, ())
    found = read_team(tmp_path, "workbench-r-1")
    assert found.tasks == {"1.json": team("Two").tasks["1"]}
    assert found.config == team().config and found.inboxes == team().inboxes and found.odd == ()
    assert (first.tasks / ".highwatermark").read_text() == "1"
    for folder in ("tasks", "teams"):
        assert [entry.name for entry in (tmp_path / folder).iterdir()] == ["workbench-r-1"], "nothing is left"


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("tasks/workbench-r-1/2.json", {"id": "2", "subject": "Theirs", "status": "pending"}),
        ("tasks/workbench-r-1/2.json", "not JSON"),
        ("teams/workbench-r-1/config.json", {"name": "theirs"}),
        ("teams/workbench-r-1/config.json", {"workbench": OURS, "leadProcess": {"pid": 1}}),
        ("teams/workbench-r-1/config.json", {"workbench": {**OURS, "repository": "/other"}}),
        ("teams/workbench-r-1/inboxes/ada.json", [{"from": "x", "text": "written by Claude Code"}]),
    ],
)
def test_what_others_wrote_is_refused_and_with_force_kept_aside(tmp_path: Path, file: str, data: Any) -> None:
    write_team(tmp_path, team(), force=False)
    theirs = write(tmp_path / file, data)
    before = theirs.read_text()

    with pytest.raises(UsageError, match="not all of it is from this run's export"):
        write_team(tmp_path, team("Two"), force=False)
    assert theirs.read_text() == before
    assert read_team(tmp_path, "workbench-r-1").tasks["1.json"] == team("One").tasks["1"]

    (aside,) = write_team(tmp_path, team("Two"), force=True).aside
    assert (aside / theirs.relative_to(aside.parent / "workbench-r-1")).read_text() == before
    assert read_team(tmp_path, "workbench-r-1").tasks["1.json"] == team("Two").tasks["1"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("folder", ["teams", "tasks"])
def test_a_link_is_never_replaced_nor_written_through(tmp_path: Path, folder: str, force: bool) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "workbench-r-1").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="a link or a file"):
        write_team(tmp_path, team(), force=force)
    assert not list(elsewhere.iterdir()) and (tmp_path / folder / "workbench-r-1").is_symlink()


def test_links_pipes_and_what_is_too_large_are_passed_over_and_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "tasks/elves/1.json", {"id": "1"}).parent
    secret = write(tmp_path / "secret.json", {"id": "2"})
    (folder / "2.json").symlink_to(secret)
    os.mkfifo(folder / "3.json")
    write(folder / "4.json", "[" * 200_000)
    write(folder / "5.json", '"' + "x" * claudeteam.FILE_BYTES + '"')
    write(folder / "6.json", "{")
    (folder / "7.json").mkdir()
    write(folder / "a b.json", {})
    (folder / "8.json").write_bytes(b"\xff\xfe\xfa")
    write(folder / ".lock", "")
    write(folder / ".9.json", {"id": "9"})
    write(folder / "notes.txt", "")

    found = read_team(tmp_path, "elves")

    assert found.tasks == {"1.json": {"id": "1"}}
    told = "\n".join(found.odd)
    for name in ("2.json", "3.json", "4.json", "5.json", "6.json", "7.json", "8.json", "a b.json"):
        assert name in told
    assert ".9.json" not in told and "notes" not in told


def test_linked_folders_of_a_team_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "real/1.json", {"id": "1"})
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks/elves").symlink_to(tmp_path / "real")
    with pytest.raises(UsageError, match="no team elves"):
        read_team(tmp_path, "elves")
    (tmp_path / "tasks/elves").unlink()
    write(tmp_path / "tasks/elves/1.json", {"id": "1"})
    write(tmp_path / "config.json", {"name": "theirs"})
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams/elves").symlink_to(tmp_path)
    assert read_team(tmp_path, "elves").config == {}


def test_a_team_with_more_than_a_plan_can_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        write(tmp_path / f"tasks/elves/{number}.json", {"id": str(number)})
    monkeypatch.setattr(claudeteam, "MAX_TASKS", 3)
    with pytest.raises(UsageError, match="more than 3 tasks"):
        read_team(tmp_path, "elves")
    monkeypatch.setattr(claudeteam, "MAX_TASKS", 4)
    monkeypatch.setattr(claudeteam, "ALL_BYTES", 20)
    with pytest.raises(UsageError):
        read_team(tmp_path, "elves")


def test_a_team_is_meant_by_its_name_or_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "claude"
    write(root / "tasks/elves/1.json", {})
    monkeypatch.chdir(tmp_path)
    assert locate("elves", root) == (root, "elves")
    assert locate(f"{root}/tasks/elves/", tmp_path) == (root, "elves")
    assert locate("./claude", tmp_path) == (root, "elves")
    write(root / "tasks/dwarfs/1.json", {})
    with pytest.raises(UsageError, match="several teams: dwarfs, elves"):
        locate(str(root), tmp_path)
    for wanted in (
        "..",
        "../elves/..",
        "a b",
        "x\n",
        "./nowhere",
        str(root / "tasks/elves/1.json"),
        str(tmp_path),
    ):
        with pytest.raises(UsageError):
            locate(wanted, root)
