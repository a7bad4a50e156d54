"""Secrets taken out of text and events."""

from __future__ import annotations

import pytest

from workbench.core import events as e
from workbench.core.mail import Message, MessageKind
from workbench.core.models import Verdict
from workbench.core.redaction import Redactor, Stream, known_secrets

TOKEN = "ghp_" + "a1B2" * 9
BLOCK = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (TOKEN, "GitHub token"),
        ("github_pat_" + "a1B2" * 9, "GitHub token"),
        ("sk-ant-api03-" + "a1B2" * 9, "Anthropic key"),
        ("AKIA" + "QWERTZUIOPASDFGH", "AWS key"),
        ("xoxb-12345678901-abc", "Slack token"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "JWT"),
        (BLOCK, "private key"),
        (BLOCK[:50], "private key"),
    ],
)
def test_tokens_are_known_by_their_looks(text: str, kind: str) -> None:
    redacted = Redactor().text(f"before {text}")
    assert redacted == f"before [redacted: {kind}]"


def test_plain_text_is_left_as_it_is() -> None:
    text = "through AKIA, eyJ. ghp_x sk-ant-1 and -----BEGIN CERTIFICATE-----"
    assert Redactor({"X": "short"}).text(text) is text


def test_values_of_variables_are_known_by_their_names() -> None:
    environ = {
        "GITHUB_TOKEN": "abcdef-123456", "DB_PASSWORD": "s3cret-s3cret", "ODD": "zyxw-9876",
        "SSH_AUTH_SOCK": "/tmp/agent", "PAT": "short1", "KEYBOARD": "us-intl-9", "A_TOKEN": "workbench",
    }  # fmt: skip
    known = known_secrets(environ, ("ODD",))
    assert set(known) == {"GITHUB_TOKEN", "DB_PASSWORD", "ODD"}
    assert Redactor(known).text("x abcdef-123456 zyxw-9876") == "x [redacted: GITHUB_TOKEN] [redacted: ODD]"
    longer = Redactor({"A": "12345678", "B": "1234567890"})
    assert longer.text("1234567890") == "[redacted: B]", "the whole of it"


def test_no_event_carries_one_and_ids_are_left_alone() -> None:
    redactor = Redactor({"KEY": "0123456789abcdef"})
    verdict = Verdict(tree="0123456789abcdef", gate="g", environment="", green=False, seconds=1, output=TOKEN)
    verdict = verdict.model_copy(update={"failing": (f"test_it[{TOKEN}]",)})
    checked = redactor.event(
        e.WorkChecked(task="a", attempt=1, commit="0123456789abcdef", verdicts=(verdict,))
    )
    assert TOKEN not in e.dump(checked)
    assert (checked.commit, checked.verdicts[0].tree) == ("0123456789abcdef", "0123456789abcdef")
    letter = Message(id="m1", kind=MessageKind.MESSAGE, sender="ada", to="bob", text="0123456789abcdef")
    assert redactor.event(e.MessageSent(message=letter)).message.text == "[redacted: KEY]"
    acted = e.AgentActed(task="a", attempt=1, tool="Bash", target=f"curl -H {TOKEN}")
    assert redactor.event(acted).target == "curl -H [redacted: GitHub token]"
    harmless = e.AgentSaid(task="a", attempt=1, text="nothing to see")
    assert redactor.event(harmless) is harmless


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_secret_in_pieces_is_redacted_all_the_same(size: int) -> None:
    text = f"one {TOKEN} two\n{BLOCK}\n.....\n"
    stream = Stream(Redactor())
    shown = "".join(stream.write(text[at : at + size]) for at in range(0, len(text), size)) + stream.close()
    assert shown == "one [redacted: GitHub token] two\n[redacted: private key]\n.....\n"
    assert Stream(Redactor()).write(".....") == ".....", "dots are shown as they come"
