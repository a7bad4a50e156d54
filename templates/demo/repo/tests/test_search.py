import unittest

from stockroom.items import Item
from stockroom.search import find

STOCK = [Item("blue paint", 4), Item("blue nails", 200), Item("red paint", 2)]


class FindTest(unittest.TestCase):
    def test_finds_by_name(self) -> None:
        self.assertEqual(find(STOCK, "blue"), STOCK[:2])
        self.assertEqual(find(STOCK, "blue paint"), STOCK[:1])

    def test_nothing_found(self) -> None:
        self.assertEqual(find(STOCK, "green"), [])

    def test_no_words_find_everything(self) -> None:
        self.assertEqual(find(STOCK, ""), STOCK)
