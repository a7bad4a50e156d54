"""Folders that a person named to write to."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.errors import UsageError


def made(folder: Path) -> Path:
    """``folder``, made where it is missing. Raises UsageError when nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"{folder} is a file, not a folder.", "Name another place.") from None
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}.", "Name another place.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"Nothing can be written to {folder}.", "Name another place.")
    return folder
