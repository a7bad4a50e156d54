import unittest

from stockroom.items import Item


class ItemTest(unittest.TestCase):
    def test_holds_what_it_was_given(self) -> None:
        self.assertEqual(Item("nails", 200, 3).price_cents, 3)

    def test_refuses_nonsense(self) -> None:
        for name, quantity, price in [("", 1, 1), ("nails", -1, 1), ("nails", 1, -1)]:
            with self.assertRaises(ValueError):
                Item(name, quantity, price)
