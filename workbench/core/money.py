"""Amounts of money as people read them."""

from __future__ import annotations


def dollars(amount: float) -> str:
    """US dollars with cents; what is less than ten cents with as many digits as say something."""
    if amount == 0 or abs(amount) >= 0.1:
        return f"${amount:.2f}"
    return f"${amount:.4f}"
