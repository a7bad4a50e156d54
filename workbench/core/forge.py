"""Which variables speak for a person to a code host or a package index: no teammate and no gate gets one."""

from __future__ import annotations

import re

FORGE = (
    "GITHUB_TOKEN", "GITHUB_PAT", "GITHUB_*_TOKEN", "GH_TOKEN", "GH_PAT", "GH_*_TOKEN",
    "GITLAB_*TOKEN", "GL_TOKEN", "BITBUCKET_*", "GITEA_*TOKEN", "FORGEJO_*TOKEN",
    "AZURE_DEVOPS_EXT_PAT", "SYSTEM_ACCESSTOKEN",
    "ACTIONS_*",  # what a job of GitHub Actions may ask for: caches, artifacts, identities
    "CI_JOB_TOKEN", "CI_JOB_JWT*", "CI_REPOSITORY_URL", "CI_REGISTRY_PASSWORD", "CI_DEPLOY_PASSWORD",
    "CI_DEPENDENCY_PROXY_PASSWORD",
    "UV_PUBLISH_*", "UV_INDEX_*PASSWORD",
)  # fmt: skip
"""Names, with ``*`` for any characters."""

_PATTERN = re.compile("|".join(re.escape(name).replace(r"\*", ".*") for name in FORGE))


def is_forge_token(name: str) -> bool:
    """Whether the variable ``name`` is one of these."""
    return _PATTERN.fullmatch(name) is not None
