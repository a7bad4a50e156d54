"""Whether bubblewrap can work on this machine: tried once, believed for the life of the process."""

from __future__ import annotations

import asyncio
import platform
import shutil

_TRIED: dict[str, str] = {}


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
            "true",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        said = (await process.communicate())[1].decode(errors="replace").strip()
        _TRIED[bwrap] = "" if process.returncode == 0 else f"bubblewrap cannot work here ({said})"
    return _TRIED[bwrap]
