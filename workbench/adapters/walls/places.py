"""Where logins and keys are kept, and where programs listen that act with the user's rights."""

from __future__ import annotations

from pathlib import Path

LOGIN = ".credentials.json"
"""In Claude Code's folder, which CLAUDE_CONFIG_DIR names and is below HOME otherwise."""

SECRET_PLACES = (
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".config/gcloud",
    ".config/gh",
    ".config/hub",
    ".config/git/credentials",
    ".kube",
    ".docker/config.json",
    ".netrc",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    f".claude/{LOGIN}",
    ".local/share/keyrings",
    ".password-store",
    ".Xauthority",
)
"""Below HOME: where logins are kept that no task needs to see."""


def secret_places(home: Path, claude: str = "") -> list[Path]:
    """The places below ``home``, and Claude Code's login in its folder ``claude`` if that is elsewhere."""
    return [*(home / place for place in SECRET_PLACES), *([Path(claude, LOGIN)] if claude else [])]


DOORS = (
    "/run/user",  # the session bus, agents for SSH and GPG keys, rootless containers
    "/run/dbus",
    "/run/docker.sock",
    "/run/containerd",
    "/run/podman",
    "/run/crio",
    "/run/libvirt",
    "/run/snapd.socket",
    "/run/systemd/private",
    "/var/lib/lxd",
    "/var/snap/lxd",
)
"""Who can write to a socket here can have another program do what the walls forbid. A read-only file system
does not keep anybody from connecting."""

SCRATCH = ("/tmp", "/var/tmp")  # noqa: S108 - these are hidden, not used
"""Replaced by folders in memory that only the command sees: others' files, and sockets, lie there."""

CACHES = {
    "GOCACHE": "go-build",
    "npm_config_cache": "npm",
    "YARN_CACHE_FOLDER": "yarn",
    "UV_CACHE_DIR": "uv",
}
"""Of tools that fail where they cannot write to their cache: the variable, and a folder's name. They do not
get the user's own: what one command puts there runs in another."""
