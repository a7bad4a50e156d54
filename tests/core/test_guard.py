"""What two looks at a repository come to, and in what words."""

from __future__ import annotations

import pytest

from workbench.core import actions as a
from workbench.core import alarms as words
from workbench.core import events as e
from workbench.core import guard as g
from workbench.core.apply import fold
from workbench.core.models import RunSettings, Task
from workbench.core.report import markdown, report
from workbench.errors import IllegalEvent
from workbench.testing.playbook import INTEGRATION, Playbook, started

ONE, TWO, SIX = "1" * 40, "2" * 40, "6" * 40
PIN = "refs/workbench/r/work/a/1"


def looked(refs: dict[str, str], **more: object) -> g.Snapshot:
    return g.Snapshot(packed=refs, **more)  # type: ignore[arg-type]


def found(before: g.Snapshot, now: g.Snapshot) -> list[tuple[str, str, str]]:
    return [(it.ref, it.expected, it.found) for it in g.astray(before, now, "r", ("ada",))]


@pytest.mark.parametrize(
    ("ref", "owner"),
    [
        (INTEGRATION, g.Whose.INTEGRATION),
        (PIN, g.Whose.PIN),
        ("refs/heads/workbench/r/ada", g.Whose.TEAMMATE),
        ("refs/heads/workbench/r/nobody", g.Whose.NOBODY),
        ("refs/heads/workbench/rr/ada", g.Whose.PAST),
        ("refs/workbench/rr/work/a/1", g.Whose.PAST),
        ("refs/heads/main", g.Whose.BRANCH),
        ("refs/heads/workbenches/x", g.Whose.BRANCH),
        ("refs/tags/v1", g.Whose.OTHER),
        ("refs/replace/x", g.Whose.REPLACE),
        ("refs/stash", g.Whose.NOBODY),
        ("refs/remotes/origin/main", g.Whose.NOBODY),
    ],
)
def test_whose_a_ref_is(ref: str, owner: g.Whose) -> None:
    assert g.whose(ref, "r", ("ada",)) is owner


def test_a_ref_in_a_file_counts_before_a_packed_one_and_packing_moves_nothing() -> None:
    loose = g.Snapshot(loose={"refs/heads": {"refs/heads/main": ONE}}, packed={"refs/heads/main": TWO})
    assert loose.value("refs/heads/main") == ONE and loose.value("refs/heads/x") == ""
    assert found(loose, looked({"refs/heads/main": ONE})) == []
    assert found(loose, looked({"refs/heads/main": TWO})) == [("refs/heads/main", ONE, TWO)]
    assert found(loose, looked({})) == [("refs/heads/main", ONE, "")]


def test_what_we_wrote_ourselves_is_what_counts() -> None:
    before = looked({INTEGRATION: ONE})
    ours = {INTEGRATION: TWO, PIN: TWO}
    assert found(before, looked({INTEGRATION: TWO, PIN: TWO}, ours=ours, fresh=frozenset(ours))) == []
    # Undone between two looks, which see the same.
    now = looked({INTEGRATION: ONE}, ours=ours, fresh=frozenset(ours))
    assert found(before, now) == [(INTEGRATION, TWO, ONE), (PIN, TWO, "")]
    # Being written just now, or perhaps written when git was interrupted.
    assert found(before, looked({}, ours=ours, fresh=frozenset(ours), busy=frozenset(ours))) == []
    maybe = {INTEGRATION: SIX}
    assert found(before, looked({INTEGRATION: SIX}, ours={INTEGRATION: ONE}, maybe=maybe)) == []


def test_the_users_stash_by_entries() -> None:
    entries = tuple(g.Stashed(it * 40, f"On main: {it}") for it in "123")
    before = g.Snapshot(stash=entries)
    assert g.unstashed(before, before) == ()
    assert g.unstashed(before, g.Snapshot(stash=(*entries, g.Stashed(SIX)))) == ()
    assert g.unstashed(before, g.Snapshot(stash=entries[::2])) == entries[1:2]
    assert g.Stashed(ONE, "WIP on workbench/r/ada: x").of("r")
    assert g.Stashed(ONE, "On workbench/r/ada: x").of("r")
    assert not g.Stashed(ONE, "On workbench/rr/ada: x").of("r")
    assert not g.Stashed(ONE, "On main: On workbench/r/ada: x").of("r")


def alarms(before: dict[str, str], now: dict[str, str]) -> list[words.Alarm]:
    old, new = words.keys(before.items()), words.keys(now.items())
    return list(words.config_alarms("/repo/.git/config", old, new))


def test_configuration_is_told_of_by_key_and_never_by_value() -> None:
    now = {
        "core.bare": "TRUE", "core.worktree": "/secret", "filter.x.Clean": "secret", "alias.Co": "secret",
        "remote.origin.url": "https://me:secret@x", "user.name": "secret", "branch.main.merge": "secret",
        "extensions.worktreeconfig": "true", "includeIf.gitdir:/x.path": "secret",
        "credential.https://x.helper": "secret",
    }  # fmt: skip
    told = alarms({"core.bare": "false"}, now)
    assert [it.kind for it in told] == ["config"] * 4 + ["note"]
    assert "secret" not in str(told)
    bare, tree, runs, sends, rest = told
    assert bare.hint == "git config --file /repo/.git/config core.bare false"
    assert tree.hint.endswith("--unset-all core.worktree")
    for key in ("filter.x.clean", "alias.co", "includeif.gitdir:/x.path", "credential.https://x.helper"):
        assert key in runs.sentence
    assert "remote.origin.url" in sends.sentence and "user.name" in rest.sentence
    assert "branch" not in str(told) and "extensions" not in str(told)
    assert alarms({"core.bare": "true"}, {"core.bare": "false"})[0].kind == "note"
    assert alarms(now, now) == []


def test_hostile_names_are_quoted_in_commands() -> None:
    (told,) = alarms({}, {"alias.$(rm -rf ~)": "x"})
    assert "'alias.$(rm -rf ~)'" in told.hint
    evil = g.Moved("refs/heads/a;reboot", g.Whose.BRANCH, ONE, "")
    (gone,) = words.lost([evil], {ONE: "refs/workbench/r/guard/1"})
    assert "git branch 'a;reboot'" in gone.hint
    stash = words.unstash_alarm([g.Stashed(ONE, 'On main: "; reboot; $(x) `y` \x1b[31m')], {})
    assert stash is not None and not set("$`\x1b") & set(stash.hint) and stash.hint.count('"') == 2
    hook = words.hook_alarm("/r/hooks", {}, {"a b;c": "755"})
    assert hook is not None and "rm '/r/hooks/a b;c'" in hook.hint


def test_hooks() -> None:
    assert words.hook_alarm("/h", {"a": "1"}, {"a": "1"}) is None
    changed, gone = words.hook_alarm("/h", {"a": "1"}, {"a": "2"}), words.hook_alarm("/h", {"a": "1"}, {})
    assert changed is not None and gone is not None
    assert "a" in changed.sentence and "gone" in gone.sentence


def test_heads() -> None:
    main, other = "ref: refs/heads/main", "ref: refs/heads/other"
    assert words.head_alarm("/r", main, main) is None
    assert words.head_alarm("/r", ONE, TWO) is None, "somebody rebases"
    for before, now, kind, mend in (
        (main, other, "note", "switch main"),
        (ONE, main, "note", f"switch --detach {ONE[:10]}"),
        (main, "ref: refs/workbench/x", "head", "switch main"),
        (main, "", "head", main),
    ):
        told = words.head_alarm("/r", before, now)
        assert told is not None and told.kind == kind and mend in told.sentence + told.hint


def test_branches_that_went_are_told_of_together() -> None:
    moves = [g.Moved(f"refs/heads/b{n}", g.Whose.BRANCH, f"{n}" * 40, "") for n in range(8)]
    moves.append(g.Moved("refs/tags/v1", g.Whose.OTHER, ONE, TWO))
    deleted, rewritten = words.lost(moves, {f"{n}" * 40: f"refs/workbench/r/guard/{n}" for n in range(8)})
    assert "b0, b1, b2, b3, b4 and 3 more were deleted" in deleted.sentence and len(deleted.kept) == 8
    assert rewritten.hint == f"if not: git update-ref refs/tags/v1 {ONE}"


# -- in a run ----------------------------------------------------------------------------------------


def restored(ref: str = INTEGRATION) -> e.RefRestored:
    return e.RefRestored(ref=ref, found=TWO, put_back="base", suspects=("ada at a",), hint="look")


def playing() -> Playbook:
    book = Playbook()
    book.send(started([Task(id="a", title="A")], RunSettings(team=("ada",), no_gates=True)))
    book.send(e.BaseChecked(verdicts=()))
    return book


def test_a_branch_that_is_put_back_three_times_stops_the_run_and_a_resumed_one_counts_anew() -> None:
    book = playing()
    for _ in range(5):
        assert book.send(restored(PIN)) == [], "a pin is put back for ever"
    book.send(restored())
    book.send(restored())
    assert not book.state.stopping
    (end,) = book.send(restored())
    assert isinstance(end, a.EndAttempt) and "3 times" in book.state.stopping
    book.send(e.AttemptEnded(task="a", attempt=1, teammate="ada", interrupted=True))
    assert book.state.outcome == "stopped"
    book.note(e.RunResumed(pid=1))
    book.send(restored())
    assert not book.state.stopping


def test_attempts_start_from_where_the_branch_was_put_back() -> None:
    book = playing()
    book.state.tip = TWO
    book.send(restored())
    assert book.state.tip == "base"


def test_alarms_are_in_the_report_and_may_follow_the_end() -> None:
    book = playing()
    book.send(restored())
    book.send(e.StopRequested(reason="x"))
    book.send(e.AttemptEnded(task="a", attempt=1, teammate="ada", interrupted=True))
    alarm = words.Alarm(kind="checkout", sentence="it | leaked", suspects=("ada at a",), kept=("refs/x",))
    book.note(e.TamperingFound(alarm=alarm))
    with pytest.raises(IllegalEvent):
        book.note(e.Noticed(sentence="x"))
    text = markdown(report(book.state))
    assert "## Alarms" in text and "it \\| leaked" in text and "at work then: ada at a" in text
    assert "`refs/x`" in text and "workbench/r/integration was moved to 2222222222" in text
    again = fold(book.log)
    assert [it.alarm for it in again.alarms] == [it.alarm for it in book.state.alarms]
    assert e.load("TamperingFound", e.dump(e.TamperingFound(alarm=alarm))) == e.TamperingFound(alarm=alarm)
