"""What is on the shelves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """A thing we stock: how many there are, and what one costs in cents."""

    name: str
    quantity: int
    price_cents: int = 0

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("an item needs a name")
        if self.quantity < 0 or self.price_cents < 0:
            raise ValueError(f"{self.name}: quantity and price cannot be negative")
