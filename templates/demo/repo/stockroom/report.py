"""Ways to print a list of items. Every format is a function from items to text."""

from collections.abc import Callable, Sequence

from stockroom.items import Item


def plain(items: Sequence[Item]) -> str:
    """A line for each item, names in one column."""
    width = max((len(item.name) for item in items), default=0)
    return "".join(f"{item.name:<{width}}  {item.quantity:>5}  {item.price_cents:>7}\n" for item in items)


FORMATS: dict[str, Callable[[Sequence[Item]], str]] = {
    "plain": plain,
}
