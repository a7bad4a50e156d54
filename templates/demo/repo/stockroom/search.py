"""Finding items by what they are called."""

from collections.abc import Iterable

from stockroom.items import Item


def find(items: Iterable[Item], words: str) -> list[Item]:
    """Items whose name holds these words."""
    return [item for item in items if words in item.name]
