"""Which of the user's variables reach a teammate: an allowlist, because what is not named cannot leak.

Names end in ``*`` where everything that begins so is meant. What stays out on purpose: tokens of code
hosts (GITHUB_TOKEN, GH_TOKEN, GITLAB_*: workbench pushes, teammates do not), SSH and GPG agents,
database addresses, and whatever else a shell collects. ``extra_allowed`` adds what a project needs, but for
those tokens, which nobody gets who runs what teammates wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workbench.core.forge import is_forge_token

MACHINE = (
    "HOME",  # where programs keep their settings; Claude Code's own login stands below it
    "PATH",
    "USER",
    "LOGNAME",
    "SHELL",  # Claude Code's Bash tool starts this one
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "FORCE_COLOR",
    "TMPDIR",
    "XDG_*",  # where tools look for caches and settings
)
"""What any program needs to find its way around."""

NETWORK = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",  # a company's own certificate authority, for OpenSSL, Python, curl and Node
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
"""How this machine reaches the network, if it does not do so directly."""

TOOLCHAINS = (
    "VIRTUAL_ENV",  # so that a teammate runs the project's own tools, not the system's
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "PYENV_ROOT",
    "PYTHONPATH",
    "UV_*",
    "NVM_*",
    "NODE_PATH",
    "JAVA_HOME",
    "GOPATH",
    "GOROOT",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "DEVELOPER_DIR",
    "HOMEBREW_PREFIX",
    "NIX_*",
)
"""Where compilers and interpreters are."""

GIT = (
    "GIT_AUTHOR_NAME",  # a commit needs an identity
    "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_CONFIG_GLOBAL",  # where the user's git settings are, when not below HOME
    "GIT_CONFIG_SYSTEM",
    "GIT_TERMINAL_PROMPT",
)
"""Git identity and settings. Not GIT_DIR and its like, which would point git at another repository."""

MODEL = (
    "ANTHROPIC_*",  # key, base URL, model names, headers
    "CLAUDE_CODE_USE_*",  # which provider: Bedrock, Vertex, Foundry
    "CLAUDE_CODE_SKIP_*",  # provider logins done by a gateway
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
    "CLAUDE_CODE_CLIENT_*",  # client certificates towards a gateway
    "CLAUDE_CODE_MAX_*",
    "CLAUDE_CODE_SUBAGENT_MODEL",
    "CLAUDE_CODE_DISABLE_*",
    "CLAUDE_CONFIG_DIR",
    "DISABLE_TELEMETRY",
    "DISABLE_ERROR_REPORTING",
    "DISABLE_AUTOUPDATER",
    "API_TIMEOUT_MS",
    "BASH_*_TIMEOUT_MS",
    "AWS_*",
    "GOOGLE_*",
    "GCLOUD_PROJECT",
    "CLOUD_ML_REGION",
    "CLOUDSDK_*",
    "VERTEX_*",
    "AZURE_*",
)
"""How Claude Code reaches and pays for its model. Only Claude Code gets these."""

SECRETS = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_FOUNDRY_API_KEY",
    "ANTHROPIC_CUSTOM_HEADERS",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AZURE_CLIENT_SECRET",
)
"""Those of MODEL that are secrets themselves: Claude Code needs them, the commands it runs do not."""


def claude_environment(os_environ: Mapping[str, str], extra_allowed: Iterable[str] = ()) -> dict[str, str]:
    """What of ``os_environ`` a Claude Code teammate gets. ``extra_allowed`` are names, ``*`` at the end
    for everything that begins so."""
    return _only(os_environ, (*MACHINE, *NETWORK, *TOOLCHAINS, *GIT, *MODEL, *extra_allowed))


def command_environment(os_environ: Mapping[str, str], extra_allowed: Iterable[str] = ()) -> dict[str, str]:
    """What of ``os_environ`` any other teammate gets: the same without the model provider's variables.

    A command that calls a model itself has its key named in ``extra_allowed``.
    """
    return _only(os_environ, (*MACHINE, *NETWORK, *TOOLCHAINS, *GIT, *extra_allowed))


def _only(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    rules = [rule.partition("*") for rule in names]

    def named(name: str) -> bool:
        return any(
            name.startswith(head) and name.endswith(tail) and len(name) >= len(head) + len(tail)
            if star
            else name == head
            for head, star, tail in rules
        )

    return {name: value for name, value in environ.items() if named(name) and not is_forge_token(name)}
