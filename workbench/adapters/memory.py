"""How many more agents fit into the memory of this machine, or of the container that we run in."""

from __future__ import annotations

from pathlib import Path

from workbench.engine.ports import Room, Roomy

AGENT_MB = {"claude": 300, "command": 30}
"""What an agent takes at least. Measured: a Claude Code process is at about 240 MB after a few turns, and
what it starts comes on top. Of a command nothing is known but that it is a process."""

RESERVE = 0.1
"""The share of all memory that stays free for gates, for the user, and for us."""

CGROUP = Path("/sys/fs/cgroup")


def room_for(agent: str, cgroup: Path = CGROUP) -> Room:
    """A function that says how many more agents of a kind (``claude`` or ``command``) fit now."""
    each = AGENT_MB[agent]

    def room() -> Roomy | None:
        free, whole = _free_and_whole(cgroup)
        return Roomy(agents=max(0, int((free - RESERVE * whole) / 1e6) // each), free_mb=int(free / 1e6))

    return room


def _free_and_whole(cgroup: Path) -> tuple[float, float]:
    """Bytes that can be had without swapping, and all there are: the machine's or the container's,
    whichever is less."""
    free, whole = _machine()
    if (limit := _number(cgroup / "memory.max")) is not None and limit < whole:
        used = _number(cgroup / "memory.current") or 0
        reclaimable = _stat(cgroup / "memory.stat").get("inactive_file", 0)
        free, whole = min(free, limit - used + reclaimable), limit
    return free, whole


def _machine() -> tuple[float, float]:
    """Of the machine. Its file is read in a tenth of the time that it takes to import psutil."""
    try:
        lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
        found = {words[0]: float(words[1]) * 1024 for words in lines}
        return found["MemAvailable:"], found["MemTotal:"]
    except (OSError, KeyError, ValueError, IndexError):
        import psutil

        machine = psutil.virtual_memory()
        return float(machine.available), float(machine.total)


def _number(path: Path) -> float | None:
    """The number in a file of the control group; None where it says ``max``, or there is none."""
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return None


def _stat(path: Path) -> dict[str, float]:
    try:
        pairs = (line.split() for line in path.read_text().splitlines())
        return {name: float(value) for name, value in pairs}
    except (OSError, ValueError):
        return {}
