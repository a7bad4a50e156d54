"""Git's own settings that make it run a program, and what takes their place where nobody trusts them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

NOTHING = "/dev/null"

# Value instead of the repository's own: git does then what it does without any, or as little as it can.
SAFE: tuple[tuple[str, str | None, str], ...] = (
    (r"core\.hookspath", NOTHING, "where git looks for hooks"),
    (r"core\.fsmonitor", "false", "asked by git what has changed"),
    (r"filter\..+\.(clean|smudge|process)", "", "run on files as they are added and checked out"),
    (r"merge\..+\.driver", "git merge-file --marker-size=%L %A %O %B", "run to merge files"),
    (r"diff\..+\.textconv", "cat", "run to show differences"),
    (r"diff\.external|diff\..+\.command", "true", "run to show differences"),
    (r"core\.sshcommand", "ssh", "run to reach other repositories"),
    (r"core\.(pager)|pager\..+", "cat", "run to show output"),
    (r"core\.editor|sequence\.editor", ":", "run to edit messages"),
    (r"core\.askpass", "", "run to ask for passwords"),
    (r"core\.gitproxy", None, "run to reach other repositories"),
    (r"core\.alternaterefscommand", "true", "run on fetching"),
    (r"core\.attributesfile", NOTHING, "says for which files filters and drivers run"),
    (r"credential(\..+)?\.helper", "", "run for passwords, and given them"),
    (r"gpg\.program", "gpg", "run to sign"),
    (r"gpg\..+\.program|gpg\.ssh\.defaultkeycommand", "true", "run to sign"),
    (r"interactive\.difffilter", "cat", "run to show differences"),
    (r"hook\..+\.command", "true", "run as a hook"),
    (r"trailer\..+\.(command|cmd)", "true", "run on commit messages"),
    (r"tar\..+\.command", "cat", "run to pack archives"),
    (r"(difftool|mergetool|guitool|man|browser)\..+\.cmd", "true", "run on request"),
    (r"remote\..+\.(uploadpack|receivepack|vcs|proxy)", None, "run to reach other repositories"),
    (r"uploadpack\.packobjectshook", "", "run for those who fetch from here"),
    (r"sendemail(\..+)?\.(smtpserver|sendmailcmd|tocmd|cccmd|headercmd)", None, "run to send mail"),
    (r"lfs\.(customtransfer|extension)\..+", None, "run by Git LFS"),
    (r"include\.path|includeif\..+\.path", None, "a file with more settings"),
    (r"core\.worktree", None, "where git takes files from"),
)  # fmt: skip

ALIAS = re.compile(r"alias\..+", re.IGNORECASE)
SUBMODULE = re.compile(r"submodule\..+\.update", re.IGNORECASE)
INSTEAD = re.compile(r"url\.(ext::.*)\.(insteadof|pushinsteadof)", re.IGNORECASE)
ALLOWED = re.compile(r"protocol\.(ext\.)?allow", re.IGNORECASE)
FILTER = re.compile(r"(filter\..+)\.(clean|smudge|process)", re.IGNORECASE | re.DOTALL)

REACHING = re.compile(
    r"core\.gitproxy|remote\..+\.(uploadpack|receivepack|vcs)|url\.ext::.*|lfs\.customtransfer\..+",
    re.IGNORECASE | re.DOTALL,
)

_RULES = tuple((re.compile(rule, re.IGNORECASE | re.DOTALL), safe, why) for rule, safe, why in SAFE)
_BOOLEAN = frozenset({"", "true", "false", "yes", "no", "on", "off", "0", "1"})


def exec_setting(key: str, value: str) -> str:
    """What a setting has git run, as a phrase; "" for one that runs nothing."""
    rule = _rule(key, value)
    return "" if rule is None else rule[1]


def neutral(keys: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What stands over the repository's own settings where they are not trusted: the hooks' folder and
    fsmonitor in any case, and each of ``keys`` (with its value) for which there is something harmless."""
    over = {"core.hooksPath": NOTHING, "core.fsmonitor": "false"}
    for key, value in keys:
        rule = _rule(key, value)
        if rule is None or rule[0] is None or key.casefold() in ("core.hookspath", "core.fsmonitor"):
            continue
        over[key] = rule[0]
        if (found := FILTER.fullmatch(key)) is not None:
            # All of a filter: one that is required and has no command would refuse its files.
            over |= {f"{found[1]}.{part}": "" for part in ("clean", "smudge", "process")}
            over[f"{found[1]}.required"] = "false"
    return over


def reaching(keys: Iterable[tuple[str, str]]) -> list[str]:
    """Those of ``keys`` (with its value) that have git run something to reach another repository, and that
    nothing can overrule."""
    return [key for key, value in keys if exec_setting(key, value) and REACHING.fullmatch(key)]


def _rule(key: str, value: str) -> tuple[str | None, str] | None:
    """What is safe instead (None: nothing is), and what it does; None for a setting that runs nothing."""
    if ALIAS.fullmatch(key):
        return ("!true", "a git command of its own") if value.startswith("!") else None
    if SUBMODULE.fullmatch(key):
        return ("none", "run to update a submodule") if value.startswith("!") else None
    if INSTEAD.fullmatch(key):
        return None, "run instead of reaching another repository"
    if ALLOWED.fullmatch(key):
        return (
            ("never", "lets addresses of repositories be programs") if value.casefold() != "never" else None
        )
    if key.casefold() == "core.fsmonitor" and value.casefold() in _BOOLEAN:
        return None  # git's own
    if key.casefold().startswith("pager.") and value.casefold() in _BOOLEAN:
        return None
    return next(((safe, why) for rule, safe, why in _RULES if rule.fullmatch(key)), None)


def numbered(settings: Mapping[str, str], first: int = 0) -> dict[str, str]:
    """Variables by which git goes by ``settings``, after ``first`` others that variables hold already; see
    git-config(1), "Environment"."""
    found = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings.items(), first):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found
