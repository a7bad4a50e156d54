"""Items in a JSON file."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from stockroom.items import Item


def load(path: Path) -> list[Item]:
    """The items in ``path``, or none where there is no such file."""
    if not path.exists():
        return []
    return [Item(**fields) for fields in json.loads(path.read_text(encoding="utf-8"))]


def save(path: Path, items: Iterable[Item]) -> None:
    """Replace what ``path`` holds; a crash leaves the old file or the new one, never half of each."""
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps([asdict(item) for item in items], indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
