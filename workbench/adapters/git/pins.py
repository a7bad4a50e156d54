"""What keeps the commits of a run's teammates reachable: refs of ours, and packs out of teammates' reach."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.adapters.git.administration import Linked
from workbench.adapters.git.objects import OID
from workbench.adapters.git.packs import Packs
from workbench.adapters.git.plumbing import Plumbing


class Pins:
    """The commits of one run that are kept, and how another comes to be.

    What no other ref of ours holds is pinned under ``refs/workbench/<run>/salvage/<teammate>/<n>``. Without
    ``packs`` nothing is packed.
    """

    def __init__(self, git: Plumbing, run: str, packs: Packs | None) -> None:
        self._git = git
        self._run = run
        self._packs = packs
        self._kept: set[str] = set()  # commits that a ref of ours is known to hold

    def hold(self, commits: Iterable[str]) -> None:
        """Take note of commits that refs hold, so that they need no further pin."""
        self._kept.update(commits)

    def holds(self, commit: str) -> bool:
        """Whether a ref of ours is known to hold ``commit``."""
        return commit in self._kept

    async def there(self, commits: Iterable[str]) -> list[str]:
        """Those that are commits of the repository, each once: others cannot be pinned."""
        plain = [commit for commit in dict.fromkeys(commits) if OID.fullmatch(commit)]
        return [it for it in plain if it in self._kept or await self._git.objects.info(it) is not None]

    async def secure(self, linked: Linked, commit: str, start: str) -> None:
        """Pack what ``commit`` brings in beyond ``start``; see ``Packs.secure``."""
        if self._packs is not None and await self._packs.secure(linked.place, commit, start):
            self._git.look_again()

    async def keep(self, teammate: str, commit: str) -> str:
        """Pin ``commit`` at the first free number, unless the same is pinned already: whoever was killed
        after a pin snapshots the same once more. Gives the pin."""
        wanted, number = await self._shape(commit), 1
        while found := await self._shape(ref := f"{self._salvages(teammate)}/{number}"):
            if found == wanted:
                return ref
            number += 1
        return await self._git.refs.create_next(self._salvages(teammate), commit)

    async def move(self, teammate: str, pin: str, commit: str) -> None:
        """Move ``pin`` to ``commit``; what it held and ``commit`` does not is kept by another ref."""
        before = await self._git.tip(pin)
        if before == commit:
            return
        if before is not None and not await self._git.is_ancestor(before, commit):
            await self._git.refs.create_next(self._salvages(teammate), before)
        await self._git.pin(pin, commit)
        self._kept.add(commit)

    def _salvages(self, teammate: str) -> str:
        return f"refs/workbench/{self._run}/salvage/{teammate}"

    async def _shape(self, name: str) -> list[bytes]:
        """Tree and parents of a commit; nothing when there is no such commit."""
        raw = await self._git.objects.contents(name) or b""
        head = raw.partition(b"\n\n")[0].split(b"\n")
        return [line for line in head if line.startswith((b"tree ", b"parent "))]
