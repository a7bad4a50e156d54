import io
import os
import tempfile
import unittest

import sums

TABLE = """city,amount,items
Bonn,10.5,1
Ulm,4,2
Bonn,2,5
Köln,20,1
"""
ROWS = sums.read(TABLE.splitlines())


def run(*words, table=TABLE):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "table.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write(table)
        out, err = io.StringIO(), io.StringIO()
        code = sums.main([path, *words], out, err)
    return code, out.getvalue(), err.getvalue()


class SumsTest(unittest.TestCase):
    def test_sums(self):
        self.assertEqual(sums.summarise(ROWS, "city", "amount"), [("Bonn", 12.5), ("Köln", 20.0), ("Ulm", 4.0)])

    def test_render(self):
        self.assertEqual(sums.render([("a", 1), ("b", 2.345)]), "a: 1.00\nb: 2.35")

    def test_errors(self):
        with self.assertRaisesRegex(sums.TableError, "no column 'nope'"):
            sums.summarise(ROWS, "city", "nope")
        with self.assertRaisesRegex(sums.TableError, "'x' is no number"):
            sums.summarise([{"a": "b", "n": "x"}], "a", "n")
        with self.assertRaises(sums.TableError):
            sums.read([])

    def test_main(self):
        self.assertEqual(run("--by", "city", "--of", "items"), (0, "Bonn: 6.00\nKöln: 1.00\nUlm: 2.00\n", ""))
        self.assertEqual(run("--by", "x", "--of", "y"), (1, "", "sums: there is no column 'x'\n"))


if __name__ == "__main__":
    unittest.main()
