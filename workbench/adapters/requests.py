"""Requests on their way to a run: files in a folder that only the user's own processes write to.

Whoever asks writes a file under another name and renames it; the process that holds the run takes it into
the log and then removes it. So a request outlives both, is taken once, and one that is made while nobody
holds the run is taken when it is resumed. The folder is in workbench's own state, which the sandbox keeps
from teammates.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from workbench.core.requests import Request
from workbench.crashpoints import crashpoint
from workbench.engine.ports import Requested
from workbench.errors import SetupError

LOOK_SECONDS = 0.04
"""How often the folder is looked at: one question to the file system. A message waits for half of this; as
measured, 0.1 takes 0.2 % of a core, 0.02 takes 0.8 %."""

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

REQUEST_BYTES = 2_000_000
"""A request may not be larger: a plan of ``PLAN_LIMIT`` characters fits in any script, escaped as JSON."""

REQUEST: TypeAdapter[Request] = TypeAdapter(Request)


def leave(folder: Path, request: Request) -> str:
    """Ask for something; gives the request's id, by which the log will tell of it. Raises SetupError when it
    cannot be written."""
    name = secrets.token_hex(8)
    body = json.dumps({"id": name, "request": json.loads(REQUEST.dump_json(request))}, ensure_ascii=True)
    unfinished = folder / f".{name}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(unfinished, NEW, 0o600), "w", encoding="utf-8") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(folder / f"{time.time_ns():020d}-{name}.json")
    except OSError as error:
        raise SetupError(
            f"The request could not be written to {folder}: {error.strerror}.", "Is there room on the disk?"
        ) from None
    return name


def take_back(folder: Path, request: str) -> bool:
    """Ask for something no more; whether it still lay there."""
    for path in folder.glob(f"*-{request}.json"):
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        return True
    return False


def left(folder: Path) -> list[Requested]:
    """What is asked for and not taken yet, the oldest first; what is no request is left out."""
    found: list[Requested] = []
    for path in sorted(folder.glob("*.json")):
        if path.name.startswith("."):
            continue
        with contextlib.suppress(OSError, ValueError):
            found.append(_read(path))
    return found


class RequestFolder:
    """Fulfils ``engine.ports.Requests`` for one folder. ``say`` gets a sentence about a file that is none."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._given: dict[str, Path] = {}

    async def watch(self) -> AsyncIterator[Requested]:
        """See ``Requests.watch``."""
        seen = -1
        while True:
            changed = self._changed()
            if changed != seen:
                seen = changed
                for requested in self.scan():
                    yield requested
            await asyncio.sleep(LOOK_SECONDS)

    def _changed(self) -> int:
        try:
            return self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def scan(self) -> list[Requested]:
        """See ``Requests.scan``."""
        return list(self._fresh())

    def _fresh(self) -> Iterator[Requested]:
        try:
            names = sorted(entry.name for entry in os.scandir(self._folder))
        except FileNotFoundError:
            return
        for name in names:
            path = self._folder / name
            if name.startswith(".") or path in self._given.values() or not name.endswith(".json"):
                continue
            try:
                requested = _read(path)
            except FileNotFoundError:
                continue  # taken back
            except (OSError, ValueError) as problem:
                self._say(f"A file among the requests is none, and was set aside: {path.name} ({problem}).")
                path.rename(path.with_name(f".{path.name}.bad"))
                continue
            if requested.id in self._given:
                self._say(f"A request was there twice, and is taken once: {path.name} was set aside.")
                path.rename(path.with_name(f".{path.name}.bad"))
                continue
            self._given[requested.id] = path
            yield requested

    def settle(self, request: str) -> None:
        """See ``Requests.settle``."""
        path = self._given.pop(request, None)
        if path is not None:
            crashpoint("request.settle")
            path.unlink(missing_ok=True)


def _read(path: Path) -> Requested:
    """The request in a file; ValueError with a reason when there is none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(REQUEST_BYTES + 1)
    if len(data) > REQUEST_BYTES:
        raise ValueError("too large")
    found = json.loads(data)
    if not isinstance(found, dict) or not isinstance(found.get("id"), str) or len(found["id"]) > 32:
        raise ValueError("it has no id")
    try:
        return Requested(found["id"], REQUEST.validate_python(found.get("request")))
    except ValidationError as error:
        raise ValueError(str(error.errors()[0]["msg"])) from None
