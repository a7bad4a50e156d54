"""What an agent says and does, read from its own record as that grows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from workbench.adapters.tail import Tail, open_plain
from workbench.composition import transcripts
from workbench.composition.place import Place, open_place
from workbench.composition.transcripts import TranscriptReader
from workbench.core.models import RunSettings
from workbench.core.state import AttemptState, RunState, TeammateState

SESSION = "0d46beac-8d68-47c8-9cb2-d7e8726832f2"


def line(kind: str, content: Any, second: int = 0, **more: Any) -> str:
    """One line as Claude Code writes it."""
    at = f"2026-11-21T18:18:{41 + second:02d}.500Z"
    said = {"parentUuid": None, "isSidechain": False, "type": kind, "timestamp": at, "sessionId": SESSION}
    return (
        json.dumps({**said, "message": {"role": kind, "content": content}, **more}, separators=(",", ":"))
        + "\n"
    )


def use(name: str, given: dict[str, Any], tool: str = "toolu_1") -> list[dict[str, Any]]:
    return [{"type": "tool_use", "id": tool, "name": name, "input": given}]


def result(content: Any, tool: str = "toolu_1", **more: Any) -> list[dict[str, Any]]:
    return [{"tool_use_id": tool, "type": "tool_result", "content": content, **more}]


@pytest.fixture
async def place(repo: Path) -> Place:
    return await open_place(repo)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Claude Code's folder."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    return tmp_path / "claude"


def transcript(home: Path) -> Path:
    path = home / "projects" / "-work-ada" / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def at_work(
    tmp_path: Path, *, agent: str = "claude", scripted: bool = False
) -> tuple[RunState, AttemptState]:
    state = RunState(run="r", settings=RunSettings(team=("ada",), agent=agent, scripted=scripted))
    worktree = tmp_path / "tree"
    worktree.mkdir(exist_ok=True)
    state.teammates["ada"] = TeammateState("ada", 0, worktree=str(worktree))
    return state, AttemptState("one", 1, "ada", "nonce", "", "first", 0.0, session=SESSION)


async def test_a_session_is_read_entry_by_entry(place: Place, home: Path, tmp_path: Path) -> None:
    transcript(home).write_text(
        line("user", "# one: The task\n\nDo it.")
        + line("assistant", [{"type": "thinking", "thinking": "Hm.", "signature": ""}], 1)
        + line("assistant", [{"type": "text", "text": "I look."}], 1)
        + line("assistant", use("Bash", {"command": "ls -l", "description": "List"}), 2)
        + line("user", result("total 0", is_error=False), 3)
        + line(
            "assistant", use("Edit", {"file_path": "/a", "old_string": "x", "new_string": "y"}, "toolu_2"), 4
        )
        + line("user", result([{"type": "text", "text": "refused"}], "toolu_2", is_error=True), 5)
    )
    found = TranscriptReader(place, *at_work(tmp_path)).read()
    assert found is not None and not found.earlier
    told, thought, said, bash, edit = found.entries
    assert (told.kind, told.text) == ("told", "# one: The task\n\nDo it.")
    assert (thought.kind, thought.text) == ("thought", "Hm.")
    assert (said.kind, said.text, said.at) == ("said", "I look.", told.at + 1)
    assert (bash.title, bash.target, bash.text) == ("Bash", "ls -l", "ls -l\ndescription: List")
    assert (bash.result, bash.failed) == ("total 0", False)
    assert (edit.text, edit.result, edit.failed) == ("file_path: /a\n- x\n+ y", "refused", True)


async def test_it_is_read_on_as_it_grows_and_half_a_line_waits(
    place: Place, home: Path, tmp_path: Path
) -> None:
    reader = TranscriptReader(place, *at_work(tmp_path))
    assert reader.read() is None
    path, answer = transcript(home), line("user", result("done"))
    path.write_text(line("assistant", use("Bash", {"command": "make"})) + answer[:40])
    found = reader.read()
    assert found is not None and [it.result for it in found.entries] == [None]
    with path.open("a") as file:
        file.write(answer[40:])
    found = reader.read()
    assert found is not None and [it.result for it in found.entries] == ["done"]


async def test_what_is_no_part_of_the_talk_is_left_out(place: Place, home: Path, tmp_path: Path) -> None:
    queued = {"type": "attachment", "timestamp": "2026-11-21T18:18:41Z", "attachment": {}}
    queued["attachment"] = {"type": "queued_command", "prompt": "A message from bob."}
    transcript(home).write_text(
        line("user", "meta", isMeta=True)
        + line("assistant", [{"type": "text", "text": "of a subagent"}], isSidechain=True)
        + json.dumps({"type": "cost-state", "totalCostUSD": 1}) + "\n"
        + '{"type":"user", broken\n' + '{"type":"user","message":7}\n' + "null\n\n"
        + line("user", [{"type": "text", "text": "<system-reminder>\nx\n</system-reminder>\n"}])
        + json.dumps(queued, separators=(",", ":")) + "\n"
    )  # fmt: skip
    found = TranscriptReader(place, *at_work(tmp_path)).read()
    assert found is not None and [it.text for it in found.entries] == ["A message from bob."]


async def test_a_rehearsed_session_is_found_in_the_runs_own_folder(place: Place, tmp_path: Path) -> None:
    transcript(place.run_dir("r") / "claude" / "ada").write_text(line("user", "rehearsed"))
    found = TranscriptReader(place, *at_work(tmp_path, scripted=True)).read()
    assert found is not None and found.entries[0].text == "rehearsed"


@pytest.mark.parametrize("session", ["../../escape", "*", "", "a/b", "x" * 200])
async def test_a_session_of_no_good_name_has_no_transcript(
    place: Place, home: Path, tmp_path: Path, session: str
) -> None:
    transcript(home).write_text(line("user", "somebody else's"))
    state, attempt = at_work(tmp_path)
    attempt.session = session
    assert TranscriptReader(place, state, attempt).read() is None


async def test_only_the_latest_entries_are_held(
    place: Place, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcripts, "ENTRIES", 3)
    first = line("assistant", use("Bash", {"command": "early"}))
    said = "".join(line("assistant", [{"type": "text", "text": str(it)}]) for it in range(5))
    transcript(home).write_text(first + said + line("user", result("late")))
    found = TranscriptReader(place, *at_work(tmp_path)).read()
    assert found is not None and found.earlier and found.path == str(transcript(home))
    assert [it.text for it in found.entries] == ["2", "3", "4"]
    monkeypatch.setattr(transcripts, "ENTRIES", 9)
    monkeypatch.setattr(transcripts, "CHARACTERS", 2)
    found = TranscriptReader(place, *at_work(tmp_path)).read()
    assert found is not None and [it.text for it in found.entries] == ["3", "4"]


async def test_the_output_of_a_command_is_read(place: Place, tmp_path: Path) -> None:
    state, attempt = at_work(tmp_path, agent="command:make")
    log = tmp_path / "tree" / ".workbench" / "log" / "one-1.log"
    reader = TranscriptReader(place, state, attempt)
    assert reader.read() is None
    log.parent.mkdir(parents=True)
    log.write_bytes(b"\x1b[31mred\x1b[0m\n10%\r50%\nhalf")
    found = reader.read()
    assert found is not None and [it.text for it in found.entries] == ["red", "50%"]
    log.write_bytes(b"[earlier output dropped]\nnew\n")  # cut, as a log that became too long is
    found = reader.read()
    assert found is not None and [it.text for it in found.entries] == ["[earlier output dropped]", "new"]
    log.unlink()
    found = reader.read()
    assert found is not None and [it.text for it in found.entries][-1] == "new"


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
async def test_what_is_no_file_is_not_read(place: Place, tmp_path: Path, kind: str) -> None:
    state, attempt = at_work(tmp_path, agent="command:make")
    log = tmp_path / "tree" / ".workbench" / "log" / "one-1.log"
    log.parent.mkdir(parents=True)
    (tmp_path / "secret").write_text("secret\n")
    if kind == "pipe":
        os.mkfifo(log)
    elif kind == "link":
        log.symlink_to(tmp_path / "secret")
    else:
        log.mkdir()
    assert TranscriptReader(place, state, attempt).read() is None


def test_a_file_that_another_took_the_place_of_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one\n")
    tail = Tail(lambda: open_plain(path))
    assert tail.lines() == (True, [b"one"], False)
    assert tail.lines() == (False, [], False)
    path.rename(tmp_path / "before")
    path.write_text("two\nthree\n")
    assert tail.lines() == (True, [b"two", b"three"], False)


async def test_secrets_are_not_shown(
    place: Place, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "ghp_" + "a1B2" * 9
    monkeypatch.setenv("OUR_API_KEY", "s3cret-of-ours")
    transcript(home).write_text(
        line("assistant", use("Bash", {"command": f"curl -H {token}"}))
        + line("user", result("the key is s3cret-of-ours"), 1)
    )
    found = TranscriptReader(place, *at_work(tmp_path)).read()
    assert found is not None
    (bash,) = found.entries
    assert token not in f"{bash.target} {bash.text}" and "[redacted: GitHub token]" in bash.text
    assert bash.result == "the key is [redacted: OUR_API_KEY]"
