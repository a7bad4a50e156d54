"""A command in this process."""

from __future__ import annotations

import pytest

from workbench.cli.driving import run_async


def test_ctrl_c_is_answered_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_async(main())
    assert "workbench: interrupted\n  next: " in capsys.readouterr().err
