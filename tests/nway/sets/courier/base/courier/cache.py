"""A cache with a size and an age."""

import time
from collections import OrderedDict


class Cache:
    """The values used last; older ones go first.

    :param size: how many values are kept
    :param clock: gives seconds; for tests
    """

    def __init__(self, size, clock=time.monotonic):
        self.size = size
        self.clock = clock
        self.items = OrderedDict()

    def get(self, key):
        """The value, or None when there is none or it is too old."""
        if key not in self.items:
            return None
        value, until = self.items[key]
        if until is not None and until <= self.clock():
            del self.items[key]
            return None
        self.items.move_to_end(key)
        return value

    def put(self, key, value, seconds=None):
        """Keep a value, for some seconds or until there is no room."""
        until = None if seconds is None else self.clock() + seconds
        self.items[key] = (value, until)
        self.items.move_to_end(key)
        while len(self.items) > self.size:
            self.items.popitem(last=False)

    def __len__(self):
        return len(self.items)
