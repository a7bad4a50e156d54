"""What a user trusts in each repository, in a file for each that only they can read.

It lies in the user's own state folder, not below ``.git``: a repository that was not cloned but unpacked
brings its ``.git`` along, and could vouch for itself there.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from workbench.core.trust.items import Decision
from workbench.crashpoints import crashpoint
from workbench.errors import StoreError

MOST = 20
"""So many decisions are kept: branches differ, and each has its own list."""

_FORM: TypeAdapter[tuple[Decision, ...]] = TypeAdapter(tuple[Decision, ...])


def place_of(state: Path, common_dir: Path) -> Path:
    """The file for the repository whose common git directory that is; ``state`` is the user's folder."""
    mark = hashlib.sha256(os.fsencode(common_dir)).hexdigest()[:16]
    return state / "trust" / f"{mark}.json"


def read(path: Path) -> tuple[Decision, ...]:
    """What was decided, latest first. A file that somebody else could have written says nothing.

    Raises StoreError for one that cannot be read."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.getuid() or found.st_mode & 0o022:
                return ()
            text = file.read()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", "Look after its permissions.") from None
    try:
        return _FORM.validate_json(text)
    except ValidationError:
        raise StoreError(f"{path} is damaged.", f"Remove it, and trust again: rm {path}") from None


def add(path: Path, decision: Decision) -> None:
    """Record a decision before all others. Raises StoreError."""
    others = [it for it in read(path) if it.sha256 != decision.sha256]
    _write(path, (decision, *others)[:MOST])


def clear(path: Path) -> bool:
    """Forget them all; whether there was any."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"{path} cannot be removed: {error.strerror}.", "Remove it yourself.") from None
    return True


def _write(path: Path, decisions: tuple[Decision, ...]) -> None:
    crashpoint("trust.write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".trust-")  # 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            # A file name that is no UTF-8 is carried by escapes.
            json.dump([it.model_dump(mode="json") for it in decisions], file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}.", "Look after its folder.") from None
