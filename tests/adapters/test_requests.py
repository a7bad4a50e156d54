"""The folder in which front ends leave what they ask of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.adapters.requests import REQUEST_BYTES, RequestFolder, leave, left
from workbench.core.models import TEXT_LIMIT
from workbench.core.requests import PLAN_LIMIT, Answer, ProposeChange, Request, Stop, Write
from workbench.engine.ports import Requested
from workbench.errors import SetupError


def said_nothing(sentence: str) -> None:
    raise AssertionError(sentence)


async def test_what_is_left_is_given_once_in_order_and_stays_until_it_is_settled(tmp_path: Path) -> None:
    folder = tmp_path / "requests"
    asked: list[Request] = [Write(to="ada", text="naïve\n🙂"), Answer(message="m3", decision="yes"), Stop()]
    ids = [leave(folder, request) for request in asked]
    wanted = [Requested(name, request) for name, request in zip(ids, asked, strict=True)]
    first = RequestFolder(folder, said_nothing)
    assert first.scan() == wanted
    assert first.scan() == []
    assert RequestFolder(folder, said_nothing).scan() == wanted, "the process may have died before it told"
    for name in ids:
        first.settle(name)
    assert list(folder.iterdir()) == []
    assert oct(folder.stat().st_mode)[-3:] == "700"


async def test_requests_are_seen_as_they_come(tmp_path: Path) -> None:
    folder = tmp_path / "requests"
    watching = RequestFolder(folder, said_nothing).watch()
    first = leave(folder, Stop())
    assert (await anext(watching)).id == first
    second = leave(folder, Stop())
    assert (await anext(watching)).id == second


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        json.dumps({"id": "x" * 40, "request": {"what": "stop"}}),
        json.dumps({"id": "12345678", "request": {"what": "destroy"}}),
        json.dumps({"id": "12345678", "request": {"what": "write", "to": "", "text": "x"}}),
        "x" * (REQUEST_BYTES + 1),
    ],
)
def test_what_is_no_request_is_set_aside_and_told(tmp_path: Path, text: str) -> None:
    where = tmp_path / "requests"
    where.mkdir()
    (where / "1.json").write_text(text)
    said: list[str] = []
    folder = RequestFolder(where, said.append)
    assert folder.scan() == []
    assert len(said) == 1 and "1.json" in said[0]
    assert [path.name for path in where.iterdir()] == [".1.json.bad"]
    assert folder.scan() == [] and len(said) == 1


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "requests"
    name = leave(tmp_path / "elsewhere", Stop())
    folder.mkdir()
    (target,) = (tmp_path / "elsewhere").iterdir()
    (folder / "1.json").symlink_to(target)
    said: list[str] = []
    assert RequestFolder(folder, said.append).scan() == []
    assert said and target.exists() and name in target.name


def test_a_place_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "requests").write_text("")
    with pytest.raises(SetupError, match="could not be written"):
        leave(tmp_path / "requests", Stop())


def test_the_longest_text_of_any_script_is_no_file_that_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "requests"
    asked: list[Request] = [
        Write(to="ada", text="🙂" * TEXT_LIMIT),
        ProposeChange(text="🙂" * PLAN_LIMIT, name="日" * 1000, source="日" * 4096),
    ]
    for request in asked:
        leave(folder, request)
    assert [it.request for it in left(folder)] == asked, "looking changes nothing"
    assert [it.request for it in RequestFolder(folder, said_nothing).scan()] == asked


async def test_what_is_there_twice_is_given_once(tmp_path: Path) -> None:
    folder = tmp_path / "requests"
    name = leave(folder, Stop())
    (there,) = folder.iterdir()
    (folder / f"9{there.name[1:]}").write_bytes(there.read_bytes())
    said: list[str] = []
    requests = RequestFolder(folder, said.append)
    assert [it.id for it in requests.scan()] == [name]
    assert "there twice" in said[0]
    requests.settle(name)
    assert requests.scan() == []
