"""Where this installation of workbench came from, as pip wrote it down (PEP 610)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Source:
    """``version`` of an index; or a repository's ``url`` and ``commit``; or a ``folder`` of this machine. An
    archive has a ``url`` alone."""

    version: str
    url: str = ""
    commit: str = ""
    folder: Path | None = None


def source() -> Source:
    """Where workbench was installed from."""
    found = distribution("workbench")
    return read(found.version, found.read_text("direct_url.json"))


def read(version: str, direct_url: str | None) -> Source:
    """The same, of what pip wrote: None for what came from an index."""
    if not direct_url:
        return Source(version)
    about = json.loads(direct_url)
    url = str(about.get("url", ""))
    if url.startswith("file:"):
        return Source(version, folder=Path(unquote(urlsplit(url).path)))
    return Source(version, plain(url), str(about.get("vcs_info", {}).get("commit_id", "")))


def requirement(url: str, commit: str) -> str:
    """What pip installs exactly this from; "" for an address that others cannot use."""
    web = plain(url)
    if not web.startswith("https://"):
        return ""
    return f"git+{web}@{commit}" if commit else web


def plain(url: str) -> str:
    """An address without a login in it, and by HTTPS where it was meant for SSH."""
    if found := re.fullmatch(r"(?:ssh://)?(?:[\w.-]+@)([\w.-]+)[:/](?!/)(.+)", url):
        return f"https://{found[1]}/{found[2]}"
    return re.sub(r"^(https?://)[^/@]*@", r"\1", url)
