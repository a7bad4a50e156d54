"""A ledger of entries."""

KINDS = [
    "credit",
    "debit",
]


def parse(line):
    """One entry from a line."""
    kind, amount = line.split()
    if kind not in KINDS:
        raise ValueError(kind)
    return kind, int(amount)


def total(lines):
    """The balance of all lines."""
    balance = 0
    for line in lines:
        kind, amount = parse(line)
        balance += amount if kind == "credit" else -amount
    return balance
