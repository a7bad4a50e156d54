"""Every kind of message that asks has its words on the screens."""

from __future__ import annotations

from workbench.core.mail import ASKING, MessageKind
from workbench.tui.presenting.item import _YES_NO
from workbench.tui.presenting.threads import KINDS


def test_every_kind_that_asks_has_words() -> None:
    assert set(KINDS) == ASKING
    answered = {name for kind, name in KINDS.items() if kind is not MessageKind.SHUTDOWN}
    assert answered == set(_YES_NO)
