"""The repository's own agent files for Claude Code, as a commit has them."""

from __future__ import annotations

from workbench.adapters.git.objects import full_id
from workbench.adapters.git.process import Place, decoded, encoded, run
from workbench.adapters.git.repository import Repository
from workbench.core.roles import FOLDER, LARGEST_FILE, MOST_FILES, AgentFile

PLAIN_FILES = ("100644", "100755")


async def agent_files(repository: Repository, commit: str) -> list[AgentFile]:
    """The ``*.md`` files of ``.claude/agents`` in ``commit``, by name. Two processes, or one.

    Never from a working tree: a run's roles are what was committed. What is no plain file (a symlink, a
    submodule), too large, not UTF-8, or beyond the first MOST_FILES is given with its ``trouble`` instead.
    """
    place = Place(repository.git_dir, repository.root)
    listed = await run(place, "ls-tree", "-z", "-l", "--full-tree", full_id(commit), "--", f"{FOLDER}/")
    entries = [entry for entry in listed.out.split(b"\0") if entry.endswith(b".md")]
    found: list[tuple[str, str, str]] = []  # path, blob, trouble
    for entry in entries[:MOST_FILES]:
        head, _, path = decoded(entry).partition("\t")
        mode, _, blob, size = head.split()
        trouble = ""
        if mode not in PLAIN_FILES:
            trouble = "it is a link, and links are not followed" if mode == "120000" else "it is not a file"
        elif int(size) > LARGEST_FILE:
            trouble = f"it is larger than {LARGEST_FILE // 1024} KB"
        found.append((path, blob, trouble))
    texts = await _blobs(place, [blob for _, blob, trouble in found if not trouble])
    files = [_file(path, texts.get(blob), trouble) for path, blob, trouble in found]
    if len(entries) > MOST_FILES:
        more = len(entries) - MOST_FILES
        files.append(AgentFile(f"{FOLDER}/", trouble=f"{more} files more than {MOST_FILES} are left out"))
    return files


def _file(path: str, raw: bytes | None, trouble: str) -> AgentFile:
    if trouble or raw is None:
        return AgentFile(path, trouble=trouble or "it is not in this clone")
    try:
        return AgentFile(path, text=raw.decode("utf-8"))
    except UnicodeDecodeError:
        return AgentFile(path, trouble="it is not UTF-8 text")


async def _blobs(place: Place, blobs: list[str]) -> dict[str, bytes]:
    """What these blobs hold; one that is not there is left out."""
    if not blobs:
        return {}
    out = (await run(place, "cat-file", "--batch", feed=encoded("\n".join(blobs) + "\n"))).out
    found: dict[str, bytes] = {}
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        words = decoded(out[at:end]).split()
        at = end + 1
        if words[-1] == "missing":
            continue
        size = int(words[2])
        found[words[0]] = out[at : at + size]
        at += size + 1
    return found
