"""What of a repository steers agents or has git run programs, read from a commit, from git's configuration
and from the hooks' folder. What it comes to is ``core.trust``'s to say.

Files are read from the commit that worktrees will start from, never from the user's checkout: that is what
teammates will have before them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from workbench.adapters.git.objects import LINK, MODULE, full_id
from workbench.adapters.git.process import Place, decoded, encoded, run
from workbench.adapters.git.repository import Repository, configuration
from workbench.adapters.git.restraint import Configured
from workbench.core.trust.gitconfig import exec_setting
from workbench.core.trust.items import Item, Kind
from workbench.core.trust.paths import CLAUDE, INSTRUCTIONS, imports, item_of, kind_of, link_target, links_to

DEEPEST = 5
"""So many links or imports are followed, one after the other."""

LOOSE = (".claude", "CLAUDE.md", "CLAUDE.local.md", "AGENTS.md", ".mcp.json")
"""What Claude Code looks for at the root of a worktree."""

EVERYWHERE = INSTRUCTIONS | {CLAUDE}

MOST_LOOSE = 5_000


@dataclass(frozen=True, slots=True)
class Found:
    """``items`` are the list, ``configured`` is git's configuration, and ``watched`` the files in the list
    that are not known by their names."""

    items: tuple[Item, ...]
    configured: Configured
    watched: tuple[str, ...]

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The keys and values of git's that are in the list."""
        return self.configured.settings


async def steering(repository: Repository, commit: str) -> Found:
    """All that there is at ``commit``, and in the repository itself. Three git processes."""
    place = Place(repository.git_dir, repository.root)
    said = await configuration(place)
    settings, hooks_path, own = said.settings, said.hooks_path, said.own
    folder = Path(os.path.expanduser(hooks_path)) if hooks_path else repository.common_dir / "hooks"  # noqa: PTH111
    # A path that is not absolute leads into each worktree, and there to what the commit has.
    files, watched = await _files(place, commit, "" if folder.is_absolute() else os.path.normpath(hooks_path))
    # A folder that the user named for all their repositories is no word of this one.
    hooks = _hooks(folder) if folder.is_absolute() and (own or not hooks_path) else []
    running = [  # its value is what it runs
        Item(
            kind=Kind.CONFIG,
            name=key,
            sha256=_hash(encoded(value)),
            why=f"{value} ({exec_setting(key, value)})",
        )
        for key, value in settings
    ]
    return Found((*files, *hooks, *_numbered(running)), said, watched)


def _hooks(folder: Path) -> list[Item]:
    """The programs in a folder that git takes for hooks."""
    found = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    for entry in entries:
        path = Path(entry.path)
        if entry.name.endswith(".sample") or not os.access(path, os.X_OK) or not path.is_file():
            continue
        found.append(Item(kind=Kind.HOOK, name=entry.name, sha256=_hash(_content(path)), why=str(path)))
    return found


Tree = Mapping[str, tuple[str, str]]
"""Mode and object id of each file of a commit, by path."""

Wanted = dict[str, tuple[Kind, str]]


async def _files(place: Place, commit: str, hooks: str) -> tuple[list[Item], tuple[str, ...]]:
    """The files in the list, with those that they lead to; and what is watched."""
    tree = await _tree(place, commit)
    wanted: Wanted = {path: (kind, "") for path in tree if (kind := kind_of(path)) is not None}
    if hooks:
        wanted |= dict.fromkeys(links_to(hooks, tree), (Kind.HOOK, f"core.hooksPath is {hooks}"))
    items: list[Item] = []
    watched = {f"{hooks}/"} if hooks else set()
    seen: set[str] = set()
    for _ in range(DEEPEST + 1):
        fresh = [path for path in wanted if path not in seen]
        seen.update(fresh)
        contents = await _blobs(place, {path: tree[path][1] for path in fresh if tree[path][0] != MODULE})
        for path in fresh:
            kind, why = wanted[path]
            content = contents.get(path, encoded(tree[path][1]))
            if tree[path][0] == LINK:
                target = link_target(path, content)
                why = f"a link to {target or 'a place outside the repository'}"
                watched |= {target, f"{target}/"} if target else set()  # it may not be there yet
            if (item := item_of(path, kind, content, why)) is not None:
                items.append(item)
            for name in _further(path, kind, content, tree):
                watched.add(name)
                if name in tree:
                    wanted.setdefault(name, (kind, f"brought in by {path}"))
    return items, tuple(sorted(watched))


def _further(path: str, kind: Kind, content: bytes, tree: Tree) -> list[str]:
    """Files of the commit that a file leads to."""
    if tree[path][0] == LINK:
        return links_to(link_target(path, content), tree)
    # Imported instructions that are not there may come: then they are others than those that were trusted.
    return list(imports(path, content)) if kind is Kind.INSTRUCTIONS else []


async def _tree(place: Place, commit: str) -> Tree:
    listed = await run(place, "ls-tree", "-r", "-z", "--full-tree", full_id(commit))
    tree: dict[str, tuple[str, str]] = {}
    for entry in listed.out.split(b"\0"):
        head, tab, path = entry.partition(b"\t")
        if tab:
            mode, _, blob = decoded(head).split()
            tree[decoded(path)] = (mode, blob)
    return tree


async def _blobs(place: Place, blobs: Mapping[str, str]) -> dict[str, bytes]:
    """What the files hold, by path; one whose object is not there is left out."""
    if not blobs:
        return {}
    wanted = list(dict.fromkeys(blobs.values()))
    out = (await run(place, "cat-file", "--batch", feed=encoded("\n".join(wanted) + "\n"))).out
    found: dict[str, bytes] = {}
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        words = decoded(out[at:end]).split()
        at = end + 1
        if words[-1] != "missing":
            size = int(words[2])
            found[words[0]] = out[at : at + size]
            at += size + 1
    return {path: found[blob] for path, blob in blobs.items() if blob in found}


def loose(worktree: Path, trusted: Mapping[str, str], *, deep: bool = False) -> tuple[str, ...]:
    """Files of a worktree that Claude Code would go by and that are not what was trusted (path: SHA-256 of
    the content): at its root, or with ``deep`` in every folder. Looked at on disk: some lie where git does
    not look, or were hidden from it. Blocks for a moment."""
    odd: list[str] = []
    left = [worktree / name for name in LOOSE]
    if deep:
        left += _everywhere(worktree)
    count = 0
    while left and count < MOST_LOOSE:
        path = left.pop()
        count += 1
        try:
            mode = path.lstat().st_mode
        except OSError:
            continue
        name = path.relative_to(worktree).as_posix()
        if stat.S_ISDIR(mode):
            left += path.iterdir()
        elif stat.S_ISLNK(mode):
            if trusted.get(name) != _hash(os.fsencode(path.readlink())):
                odd.append(name)
        elif stat.S_ISREG(mode):
            content = _content(path)
            # Line ends may have been turned on checkout.
            if trusted.get(name) not in (_hash(content), _hash(content.replace(b"\r\n", b"\n"))):
                odd.append(name)
    return (*sorted(odd), *(["…"] if left else []))


def _everywhere(worktree: Path) -> list[Path]:
    """Instructions and folders of Claude Code's below the root."""
    found: list[Path] = []
    for folder, folders, files in os.walk(worktree):
        folders[:] = [name for name in folders if name not in (".git", "node_modules")]
        names = [*files, *folders] if Path(folder) != worktree else []
        found += [Path(folder, name) for name in names if name.casefold() in EVERYWHERE]
        folders[:] = [name for name in folders if name != CLAUDE]
    return found


def _numbered(items: list[Item]) -> list[Item]:
    """A key that is set more than once has a number behind it from the second on."""
    times: dict[str, int] = {}
    named = []
    for item in items:
        times[item.name] = times.get(item.name, 0) + 1
        number = times[item.name]
        named.append(item if number == 1 else item.model_copy(update={"name": f"{item.name} ({number})"}))
    return named


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        return encoded(f"unreadable: {error.strerror}")


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()
