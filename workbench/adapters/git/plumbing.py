"""The Git port: the user's repository, of which only refs of ours and new objects are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from workbench.adapters.git.diffs import Diffs
from workbench.adapters.git.merges import Merges
from workbench.adapters.git.objects import LINK, MODULE, Objects, full_id
from workbench.adapters.git.obstacles import clear_shared
from workbench.adapters.git.probes import Probes
from workbench.adapters.git.process import COMMITTER, Place, decoded, run
from workbench.adapters.git.refs import Refs
from workbench.adapters.git.repository import Repository
from workbench.adapters.git.texts import Texts
from workbench.engine.ports import Merged
from workbench.errors import GitError


class Plumbing:
    """Fulfils ``Git`` with up to six long-lived processes, started when first needed.

    ``batch_merges=False`` gives every merge a process of its own, as on systems without ``stdbuf``.
    """

    def __init__(self, repository: Repository, *, batch_merges: bool = True) -> None:
        # The state folder is the work tree: nothing of ours may ever touch the user's files.
        repository.state_dir.mkdir(parents=True, exist_ok=True)
        common_dir = repository.common_dir
        self._place = Place(common_dir, repository.state_dir, clear=partial(clear_shared, common_dir))
        self.objects = Objects(self._place, repository.common_dir)
        self.refs = Refs(self._place, self.objects)
        self._diffs = Diffs(self._place)
        self._texts = Texts(self.objects)
        batched = batch_merges and repository.git_version >= (2, 39)
        common, state = repository.common_dir, repository.state_dir
        self._merges = Merges(common, state / "merge", self.objects, self._diffs, batched=batched)
        self._probes = Probes(common, state / "probe", self._diffs, batched=batched)

    async def tip(self, ref: str) -> str | None:
        return await self.refs.tip(ref)

    async def tree_of(self, commit: str) -> str:
        return await self.objects.tree_of(commit)

    async def move_ref(self, ref: str, new: str, old: str | None, why: str) -> bool:
        return await self.refs.move(ref, new, old, why)

    async def pin(self, ref: str, commit: str) -> None:
        await self.refs.pin(ref, commit)

    async def merge(self, ours: str, theirs: str) -> Merged:
        return await self._merges.merge(ours, theirs)

    async def probe(self, pairs: Sequence[tuple[str, str]]) -> list[Merged | GitError]:
        return await self._probes.probe(pairs)

    async def commit(
        self, tree: str, parents: Sequence[str], message: str, author: tuple[str, str] = COMMITTER
    ) -> str:
        return await self.objects.write_commit(tree, parents, message, author)

    async def changed_files(self, old: str, new: str) -> tuple[str, ...]:
        return await self._diffs.paths(await self.tree_of(old), await self.tree_of(new))

    async def links(self, old: str, new: str) -> Mapping[str, str]:
        entries = await self._diffs.entries(await self.tree_of(old), await self.tree_of(new))
        found = {path: oid for path, (mode, oid) in entries.items() if mode == LINK}
        targets = {path: await self._texts.of(oid) or "" for path, oid in found.items()}
        return targets | {path: "" for path, (mode, _) in entries.items() if mode == MODULE}

    async def text(self, blob: str) -> str | None:
        return await self._texts.of(blob)

    async def text_at(self, commit: str, path: str) -> str | None:
        return await self._texts.at(commit, path)

    async def with_texts(self, tree: str, texts: Mapping[str, str]) -> str:
        return await self._texts.replaced(tree, texts)

    async def is_ancestor(self, older: str, newer: str) -> bool:
        if full_id(older) == full_id(newer):
            return True
        done = await run(self._place, "merge-base", "--is-ancestor", older, newer, fine=(0, 1))
        return done.code == 0

    async def reachable(self, tip: str, beyond: str) -> frozenset[str]:
        """Every commit that is an ancestor of ``tip`` (or ``tip``) and not of ``beyond``."""
        words = ("rev-list", full_id(tip), f"^{full_id(beyond)}", "--")
        return frozenset((await run(self._place, *words)).text.split())

    async def between(self, old: str, new: str) -> list[tuple[str, str]]:
        words = ("log", "--first-parent", "-z", "--format=%H%n%B", full_id(new), f"^{full_id(old)}", "--")
        said = decoded((await run(self._place, *words)).out).split("\0")
        return [(commit, message) for commit, _, message in (it.partition("\n") for it in said if it)]

    def look_again(self) -> None:
        """Have packs that were made meanwhile count: a git that runs knows none of them until it misses
        something, and would read the object's own file, which may be another by now."""
        for part in (self.objects, self._diffs, self._merges):
            part.renew()

    async def aclose(self) -> None:
        await self._probes.aclose()
        await self._merges.aclose()
        await self._diffs.aclose()
        await self.refs.aclose()
        await self.objects.aclose()
