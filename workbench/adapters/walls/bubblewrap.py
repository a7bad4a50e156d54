"""Whether bubblewrap can work on this machine: tried once, believed for the life of the process."""

from __future__ import annotations

import asyncio
import platform
import shutil

_TRIED: dict[str, str] = {}

_RAN = "behind-walls"
"""What the trial prints: behind a program that only says it succeeded, every gate would be green."""


async def bubblewrap_missing(path: str | None = None) -> str:
    """Why no command can be put behind walls here (a phrase), or "" when it can. ``path`` stands for PATH."""
    system = platform.system()
    if system != "Linux":
        name = "macOS" if system == "Darwin" else system
        return f"there is none for commands on {name}"
    bwrap = shutil.which("bwrap", path=path)
    return "bwrap not found" if bwrap is None else await bubblewrap_fails(bwrap)


async def bubblewrap_fails(bwrap: str) -> str:
    """Why the program ``bwrap`` cannot work here, or "". Many containers have it and forbid what it does;
    then every command would fail."""
    if bwrap not in _TRIED:
        walls = ["--ro-bind", "/", "/", "--dev", "/dev", "--unshare-pid", "--unshare-net", "--proc", "/proc"]
        process = await asyncio.create_subprocess_exec(
            bwrap,
            *walls,
            "echo",
            _RAN,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        works = process.returncode == 0 and output.decode(errors="replace").strip() == _RAN
        said = errors.decode(errors="replace").strip() or "it ran nothing"
        _TRIED[bwrap] = "" if works else f"bubblewrap cannot work here ({said})"
    return _TRIED[bwrap]
