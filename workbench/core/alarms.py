"""What somebody did to the repository besides a run, in words: what happened, and what to do about it.

Pure. Names of others are quoted where they are part of a command, and values of configuration are never
told: an address may hold a password.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping

from workbench.core.guard import OBJECT, Moved, Stashed, Whose, short
from workbench.core.models import Value

SHOWN = 5
"""Names that a sentence gives; the rest is counted."""


class Alarm(Value):
    """Something that nobody may do unseen: what was found, what to do about it, which attempts were live
    meanwhile (which proves nothing against any), and the refs that keep what would have been lost."""

    kind: str
    sentence: str
    hint: str = ""
    suspects: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def some(names: Collection[str]) -> str:
    """A few names and how many there are besides."""
    listed = sorted(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more


# -- configuration ---------------------------------------------------------------------------------

Keys = Mapping[str, tuple[str, ...]]
"""The values of each key of a configuration file, in their order."""

RUNS = re.compile(
    r"alias\..*|filter\..*\.(clean|smudge|process|required)|diff\.external|diff\..*\.(command|textconv)"
    r"|merge\..*\.driver|(merge|diff)tool\..*\.(cmd|path)|credential\.(.*\.)?helper|gpg\.(.*\.)?program"
    r"|core\.(hookspath|fsmonitor|sshcommand|editor|pager|askpass|gitproxy|alternaterefscommand"
    r"|attributesfile|excludesfile)"
    r"|sequence\.editor|pager\..*|init\.templatedir|include\.path|includeif\..*\.path|submodule\..*\.update"
    r"|uploadpack\.packobjectshook|browser\..*\.cmd|man\..*\.cmd|interactive\.difffilter|gc\..*command"
    r"|trailer\..*\.(command|cmd)|sendemail\..*cmd|remote\..*\.(uploadpack|receivepack|vcs)"
    r"|protocol\..*allow|extensions\..*",
    re.DOTALL,
)
"""Keys by which git runs a program, or reads more configuration: whoever writes one acts in the name of
whoever calls git next."""

SENDS = re.compile(
    r"remote\..*\.(url|pushurl|proxy)|url\..*\.(pushinsteadof|insteadof)|http\.(.*\.)?(proxy|sslverify)",
    re.DOTALL,
)
"""Keys that say where pushes go and by what way."""

QUIET = re.compile(
    r"branch\..*|extensions\.worktreeconfig|core\.(sparsecheckout|sparsecheckoutcone)", re.DOTALL
)
"""Keys that git itself writes when branches are made and checkouts are made sparse."""


def keys(raw: Iterable[tuple[str, str]]) -> Keys:
    """The pairs of a configuration file, by key. Section and name do not mind case; what is between does."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in raw:
        section, dot, rest = name.partition(".")
        middle, point, last = rest.rpartition(".")
        plain = f"{section.lower()}{dot}{middle}{point}{last.lower()}"
        found[plain] = (*found.get(plain, ()), value)
    return found


def config_alarms(path: str, before: Keys, now: Keys) -> Iterator[Alarm]:
    """What to say of a change to the configuration file ``path``. Keys are named and values are not: an
    address may hold a password. Nothing is put back: the file does not say who wrote in it, and the
    user's own ``git config`` during a run is nobody's business."""
    changed = [key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key)]
    loud = [key for key in changed if not QUIET.fullmatch(key)]
    broken = [key for key in loud if key in ("core.bare", "core.worktree") and not _usual(key, now)]
    if "core.bare" in broken:
        yield Alarm(
            kind="config",
            sentence="core.bare was set to true: git no longer works in your checkout",
            hint=f"git config --file {shlex.quote(path)} core.bare false",
        )
    if "core.worktree" in broken:
        yield Alarm(
            kind="config",
            sentence="core.worktree was set: git looks for your files elsewhere",
            hint=f"git config --file {shlex.quote(path)} --unset-all core.worktree",
        )
    for pattern, words in (
        (RUNS, "by which git runs programs: whoever calls git there next runs them"),
        (SENDS, "by which git finds what it pushes to"),
    ):
        if named := [key for key in loud if pattern.fullmatch(key)]:
            yield Alarm(
                kind="config",
                sentence=f"the configuration of the repository was changed in {some(named)}, {words}",
                hint=_key_hint(path, named[0]),
            )
    told = [key for key in loud if key not in broken and not RUNS.fullmatch(key) and not SENDS.fullmatch(key)]
    if told:
        yield Alarm(kind="note", sentence=f"the configuration of the repository changed in {some(told)}")


def _key_hint(path: str, key: str) -> str:
    words = f"git config --file {shlex.quote(path)}"
    return f"look: {words} --get-all {shlex.quote(key)}; take out: {words} --unset-all {shlex.quote(key)}"


def _usual(key: str, now: Keys) -> bool:
    """Whether the key stands as it does where there is a checkout."""
    values = now.get(key, ())
    if key == "core.bare":
        return not values or values[-1].lower() in ("false", "no", "off", "0")
    return not values


def hook_alarm(folder: str, before: Mapping[str, str], now: Mapping[str, str]) -> Alarm | None:
    """What to say of hooks that came, changed or went."""
    new = [name for name in now if before.get(name) != now[name]]
    gone = [name for name in before if name not in now]
    if new:
        return Alarm(
            kind="hooks",
            sentence=f"hooks were added or changed: {some(new)}; your own git runs them",
            hint=f"look: cat {_path(folder, new)}; take away: rm {_path(folder, new)}",
        )
    if gone:
        return Alarm(
            kind="hooks", sentence=f"hooks are gone: {some(gone)}", hint=f"look: ls {shlex.quote(folder)}"
        )
    return None


def _path(folder: str, names: Collection[str]) -> str:
    return shlex.quote(f"{folder}/{min(names)}")


def head_alarm(checkout: str, before: str, now: str) -> Alarm | None:
    """What to say of a checkout that shows another branch, or whose HEAD is broken."""
    if before == now or before == "":
        return None
    mend = f"git -C {shlex.quote(checkout)} switch "
    if OBJECT.fullmatch(before):
        mend += f"--detach {before[:10]}"
    else:
        mend += shlex.quote(short(before.removeprefix("ref: ")))
    if now.startswith("ref: refs/heads/") or OBJECT.fullmatch(now):
        if OBJECT.fullmatch(before) and OBJECT.fullmatch(now):
            return None  # a rebase, a bisect: somebody is at it
        there = short(now.removeprefix("ref: ")) if now.startswith("ref: ") else now[:10]
        words = f"the checkout {checkout} went to {there}; if that was not you: {mend}"
        return Alarm(kind="note", sentence=words)
    if now:
        return Alarm(
            kind="head", sentence=f"HEAD of the checkout {checkout} is no branch any more", hint=mend
        )
    return Alarm(
        kind="head",
        sentence=f"HEAD of the checkout {checkout} was deleted: git takes it for no repository any more",
        hint=f"write `{before}` into the file HEAD of its git directory",
    )


def file_alarm(path: str) -> Alarm:
    """What to say of another file that changes what git does."""
    return Alarm(
        kind="config",
        sentence=f"{path} was changed: git acts on what it says",
        hint=f"look: cat {shlex.quote(path)}",
    )


# -- refs in words ---------------------------------------------------------------------------------


def lost(moves: Iterable[Moved], kept: Mapping[str, str]) -> Iterator[Alarm]:
    """Alarms about refs that are the user's and were deleted or rewritten; ``kept`` are the pins that hold
    what they were at, by commit."""
    deleted = [it for it in moves if not it.found]
    rewritten = [it for it in moves if it.found]
    for gone, words, ask in ((deleted, "deleted", ""), (rewritten, "rewritten", " -f")):
        if not gone:
            continue
        first = gone[0]
        was = f", which was at {first.expected[:10]}," if len(gone) == 1 else ""
        be = "was" if len(gone) == 1 else "were"
        pins = tuple(kept[it.expected] for it in gone if it.expected in kept)
        yield Alarm(
            kind="ref",
            sentence=f"{some([it.name for it in gone])}{was} {be} {words}; if it was you, all is well"
            + (": what it held is kept" if pins else ""),
            hint="if not: " + _back(first, ask),
            kept=pins,
        )


def _back(moved: Moved, force: str) -> str:
    if moved.whose is Whose.BRANCH and not force:
        return f"git branch {shlex.quote(moved.name)} {moved.expected}"
    return f"git update-ref {shlex.quote(moved.ref)} {moved.expected}"


def unstash_alarm(entries: Iterable[Stashed], kept: Mapping[str, str]) -> Alarm | None:
    """What to say of stash entries that are gone."""
    gone = list(entries)
    if not gone:
        return None
    what = "an entry" if len(gone) == 1 else f"{len(gone)} entries"
    first = gone[0]
    again = f'git stash store -m "{_plain(first.message)}" {first.commit}'
    return Alarm(
        kind="stash",
        sentence=f"{what} of your stash went: {some([_plain(it.message) or it.commit[:10] for it in gone])}; "
        "if it was you, all is well: what it held is kept",
        hint=f"if not: {again}",
        kept=tuple(kept[it.commit] for it in gone if it.commit in kept),
    )


def _plain(text: str) -> str:
    """Text of others as it may stand between quotes of a shell, in one line."""
    return "".join(char for char in text if char.isprintable() and char not in '"$`\\!')[:80]


def replaced_alarm(refs: Collection[str]) -> Alarm:
    """What to say of refs by which git shows other objects than there are."""
    first = min(refs).rpartition("/")[2]
    return Alarm(
        kind="ref",
        sentence=f"git was told to show other commits in place of {len(refs)} (refs/replace)",
        hint=f"look: git replace -l; take away: git replace -d {shlex.quote(first)}",
    )


def leak_alarm(root: str, leaks: Mapping[str, Collection[str]]) -> Alarm:
    """What to say of files in the checkout that are now what an attempt made of them: ``leaks`` has who, by
    path."""
    who = sorted({name for names in leaks.values() for name in names})
    first = shlex.quote(min(leaks))
    what = "has" if len(leaks) == 1 else "have"
    return Alarm(
        kind="checkout",
        sentence=f"{some(leaks)} in your checkout changed during the run and {what} now exactly what "
        f"{some(who)} made: work leaked out of a worktree",
        hint=f"look: git -C {shlex.quote(root)} status -- {first}; the teammate's work is kept either way",
        suspects=tuple(who),
    )


def restored(ref: str, found: str, put_back: str) -> str:
    """What happened to a ref of the run that was put back."""
    happened = f"moved to {found[:10]}" if OBJECT.fullmatch(found) else "made something else"
    happened = happened if found else "deleted"
    return f"{short(ref)} was {happened} by somebody else and is back at {put_back[:10]}"


def bring_in(whose_ref: Whose, found: str, kept: str) -> str:
    """What to do with what was found where a ref of the run was put back."""
    if not kept:
        return ""
    look = f"look: git log -p {found[:10]} (kept as {kept})"
    if whose_ref is Whose.INTEGRATION:
        return f"{look}; if it is yours, bring it in when the run is over: git cherry-pick {found[:10]}"
    return look
