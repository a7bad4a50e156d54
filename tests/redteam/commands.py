"""Hostile command agents: every escape a task of a run, its agent a script that does the deed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.redteam import places, unwalled, walled
from tests.redteam.escapes import Escape, Outcome, World, judged
from tests.redteam.looks import RECEIPTS
from workbench.testing import forkserver

RUN = "red"

SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Party:
    """Escapes that are tried together, in one run: ``settings`` are WORKBENCH_* of that run."""

    name: str
    escapes: Sequence[Escape]
    settings: Mapping[str, str]
    team: int = 3

    @property
    def walled(self) -> bool:
        """Whether its commands are behind walls."""
        return self.settings["SANDBOX"] == "on"


WALLED = Party("walled", walled.ESCAPES, {"SANDBOX": "on"})
SPOILED = Party("spoiled", walled.SPOILERS, {"SANDBOX": "on"}, team=2)
DELETED = Party("deleted", walled.DELETERS, {"SANDBOX": "on"}, team=1)
UNWALLED = Party("unwalled", (unwalled.FIRST, *unwalled.ESCAPES), {"SANDBOX": "off"}, team=2)
PRUNED = Party("pruned", unwalled.SPOILERS, {"SANDBOX": "off"}, team=1)
PARTIES = (WALLED, SPOILED, DELETED, UNWALLED, PRUNED)

KNOWN = (
    "Unpacked objects of work under way can be deleted by a teammate, behind walls too; tasks fail of it.",
    "Without walls a request can be left as a file, which nobody can tell from the person's.",
    "Without walls a link put in place of the integration log at the right moment is written to.",
)
"""What is not stopped and cannot be let loose here: it would end the run, or is a matter of chance."""


def outcomes(place: Path) -> list[Outcome]:
    """Let all of them loose below ``place``; what came of it, in the order of the escapes."""
    return [outcome for party in PARTIES for outcome in let_loose(place, party)]


def let_loose(place: Path, party: Party) -> list[Outcome]:
    """One run with every escape of a party."""
    world = played(place / party.name, party)
    return [judged(it, "command", world, _tried(world, it)) for it in party.escapes]


def _tried(world: World, escape: Escape) -> bool:
    return (world.place / RECEIPTS / escape.name).exists()


def played(place: Path, party: Party) -> World:
    """Build the world, run the plan in it, and look at everything again."""
    place.mkdir(parents=True)
    places.build(place, {it.name: it.deed for it in party.escapes})
    plan = place / "plan.md"
    plan.write_text(places.plan({it.name: "" for it in party.escapes}))
    with _victim(place) as victim, _shared(place) as shared:
        before = places.fingerprints(place) | {"shared": places.tree(shared)}
        env = _environment(place, party, victim, shared)
        done = _workbench(place, env, "run", str(plan), "--agent", "command:sh agent.sh", "--gate",
                          "sh gate.sh", "--run-id", RUN, "--team", str(party.team), "--yes",
                          "--json")  # fmt: skip
        (place / "stderr").write_text(done.stderr)
        (place / "stdout").write_text(done.stdout)
        if victim.poll() is not None:
            (place / "victim-died").touch()
        _outlived(place)
    after = {f"{name} after": text for name, text in places.fingerprints(place).items()}
    story = tuple(json.loads(line) for line in done.stdout.splitlines())
    if not any(event["type"] == "RunFinished" for event in story):
        raise RuntimeError(f"the run of {party.name} did not finish: {done.stderr[-2000:]}")
    _look_for_objects(place)
    return World(
        place=place, repo=place / "repo", home=place / "home", outside=place / "outside", run=RUN,
        story=story, before=before | after,
    )  # fmt: skip


def _workbench(place: Path, env: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """The command line, in a fork of a process that has it imported."""
    with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
        process = forkserver.shared().start(words, cwd=place / "repo", env=dict(env), stdout=out, stderr=err)
        try:
            code = process.wait(SECONDS)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        said = err.read().decode(errors="replace")
        return subprocess.CompletedProcess(words, code, out.read().decode(), said)


def _environment(place: Path, party: Party, victim: subprocess.Popen[bytes], shared: Path) -> dict[str, str]:
    deeds = {
        "PLACE": str(place),
        "REPO": str(place / "repo"),
        "OUTSIDE": str(place / "outside"),
        "RECEIPTS": str(place / RECEIPTS),
        "SHARED": str(shared),
        "VICTIM": str(victim.pid),
        "PYTHON": str(Path(sys.executable).resolve()),
    }
    own = {
        "SANDBOX_WRITE": str(place / RECEIPTS),
        "SANDBOX_READ": f"{place / 'outside'}\n{place / 'mine'}",  # else hidden, with all of /tmp
        "ENV": "\n".join(deeds),
        "RETRY_SECONDS": "0.05",
        "TRUST": "always",
        **party.settings,
    }
    return {
        **places.environment(place),
        **deeds,
        **{f"WORKBENCH_{name}": value for name, value in own.items()},
        "ANTHROPIC_API_KEY": places.KEY,
        "GITHUB_TOKEN": places.TOKEN,
        "GH_TOKEN": places.TOKEN,
        "XDG_STATE_HOME": str(place / "home" / "state"),
        "XDG_CACHE_HOME": str(place / "home" / "cache"),
        "XDG_CONFIG_HOME": str(place / "home" / "config"),
    }


@contextlib.contextmanager
def _victim(place: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the user's, with the model's key in its environment."""
    env = {**os.environ, "ANTHROPIC_API_KEY": places.KEY}
    process = subprocess.Popen(["sleep", "600"], cwd=place, env=env, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _shared(place: Path) -> Iterator[Path]:
    """A folder in the machine's temporary folder, with a key in it. ``place/shared`` leads there."""
    folder = Path(tempfile.mkdtemp(prefix="redteam-shared-", dir="/tmp"))
    (folder / "file").write_text("keep\n")
    (folder / "key").write_text(f"{places.KEY}\n")
    try:
        yield folder
        (place / "shared").mkdir()
        shutil.copytree(folder, place / "shared", dirs_exist_ok=True)
    finally:
        shutil.rmtree(folder)


def _outlived(place: Path) -> None:
    """Whether what a teammate left running writes still, when the run is over."""
    late = place / RECEIPTS / "late"
    size = late.stat().st_size if late.exists() else 0
    alive = [it for it in psutil.process_iter() if _of(it, place)]
    time.sleep(0.2 if size else 0)  # four times what it waits between two words
    if alive or (late.exists() and late.stat().st_size > size):
        (place / "outlived").write_text(f"{alive}")
    for process in alive:
        process.kill()


def _of(process: psutil.Process, place: Path) -> bool:
    """Whether a process is a teammate's of this world: its environment says so."""
    try:
        return process.environ().get("PLACE") == str(place)
    except psutil.Error:
        return False


def _look_for_objects(place: Path) -> None:
    """Whether anything that refs hold cannot be read any more."""
    safe = ("-c", "core.fsmonitor=false", "fsck", "--connectivity-only", "--no-dangling")
    done = subprocess.run(
        ["git", *safe], cwd=place / "repo", capture_output=True, text=True, check=False,
        env=places.environment(place),
    )  # fmt: skip
    if "missing" in done.stdout + done.stderr or "broken" in done.stdout + done.stderr:
        (place / "missing-objects").write_text(done.stdout + done.stderr)
