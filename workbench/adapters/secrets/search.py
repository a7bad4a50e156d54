"""Asks the worker about lines that are worth a look; most work has none, and starts no process for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import Sequence

from workbench.core.redaction import shape_in
from workbench.errors import GitError

SECONDS = 60.0
"""How long one search may take, the start of the worker included."""

LONGEST = 5_000
"""Characters of a line that the library gets: longer ones are generated, and much in them looks random."""

# Whatever the library could find has a run of so many letters and digits, a word that names a secret, or
# a password in an address.
_WORTH = re.compile(
    r"[A-Za-z0-9+/=_\-.:]{20}|[\"'][0-9A-Fa-f]{8}|://[^/\s]*:[^/\s]*@|PRIVATE KEY|"
    r"(?i:(?:api|auth|service|account|db|database|priv|private|client)_?-?key|(?:db|database|key)_?-?pass|"
    r"passw|pwd|secret|contrase)|AKC[a-zA-Z0-9]{10}|AP[0-9A-F]"
)

_HASH = re.compile(
    r"(?<![A-Za-z0-9+/])sha(?:256-[A-Za-z0-9+/]{43}=|384-[A-Za-z0-9+/]{64}|512-[A-Za-z0-9+/]{86}==)"
    r"(?![A-Za-z0-9+/=])"
)
"""A hash that says of itself what it is, as lock files and pages write it: no secret, random as it looks."""

LOCKED = frozenset({
    "bun.lock", "deno.lock", "flake.lock", "Manifest.toml", "mix.lock", "npm-shrinkwrap.json",
    "Package.resolved", "pdm.lock", "pixi.lock", "pnpm-lock.yaml", "pubspec.lock", "uv.lock",
    ".terraform.lock.hcl",
})  # fmt: skip
"""Lock files that the library does not know: what looks random in them are hashes."""

RANDOM = "High Entropy String"
"""How the library calls what only looks random."""


def worth_a_look(line: str) -> bool:
    """Whether a secret could be in it at all."""
    return _WORTH.search(line) is not None


class Searcher:
    """Owns the worker of one run."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._worker: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def search(self, lines: Sequence[tuple[str, str]]) -> list[tuple[int, str, str]]:
        """Index, kind and fingerprint of each of ``lines`` (path and text) that seems to hold a secret.
        Raises TimeoutError when that takes too long, and GitError when the worker cannot be had."""
        plain = ((at, path, _HASH.sub("", line)) for at, (path, line) in enumerate(lines))
        asked = [(at, path, line[:LONGEST]) for at, path, line in plain if worth_a_look(line)]
        if not asked:
            return []
        async with self._turn:
            try:
                async with asyncio.timeout(self._seconds):
                    found = await self._ask([(path, line) for _, path, line in asked])
            except BaseException:
                await self._end()  # its answer would be taken for that to another question
                raise
        named = {
            asked[index][0]: (str(kind), str(fingerprint))
            for index, kind, fingerprint in found
            if RANDOM not in str(kind) or asked[index][1].rpartition("/")[2] not in LOCKED
        }
        for (
            at,
            _,
            _,
        ) in asked:  # shapes that the library does not know, and what it is not given of long lines
            if at not in named and (kind := shape_in(lines[at][1])):
                named[at] = kind, ""
        return [(at, *said) for at, said in sorted(named.items())]

    async def _ask(self, lines: Sequence[tuple[str, str]]) -> list[tuple[int, str, str]]:
        worker = await self._started()
        assert worker.stdin is not None and worker.stdout is not None, "they are pipes"
        try:
            worker.stdin.write(json.dumps(lines).encode() + b"\n")
            await worker.stdin.drain()
            said = await worker.stdout.readline()
        except (OSError, ValueError):
            said = b""
        if not said:
            raise GitError(
                "What was added could not be searched for secrets: the search ended by itself.",
                'Is detect-secrets installed? `secrets = "allow"` does without.',
            )
        found: list[tuple[int, str, str]] = json.loads(said)
        return found

    async def _started(self) -> asyncio.subprocess.Process:
        if self._worker is None or self._worker.returncode is not None:
            # Nothing of the environment but what Python needs: it reads hostile text.
            kept = {
                name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "HOME")
            }
            self._worker = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "workbench.adapters.secrets.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=kept,
                limit=16 * 1024 * 1024,
                start_new_session=True,
            )
        return self._worker

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            await asyncio.shield(worker.wait())
            worker._transport.close()  # type: ignore[attr-defined]

    async def aclose(self) -> None:
        """End the worker. Safe to call twice."""
        await self._end()
