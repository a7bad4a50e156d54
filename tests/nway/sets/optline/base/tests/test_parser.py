import io
import unittest

from optline import MissingValue, OptionError, Parser, UnknownOption, split


def make():
    parser = Parser("tool", "Does things.")
    parser.add("name", short="n", help="whom to greet")
    parser.add("times", kind="int", default=1, short="t")
    parser.add("dry-run", kind="flag", short="d", help="change nothing")
    return parser


class ParseTest(unittest.TestCase):
    def test_defaults(self):
        values, rest = make().parse([])
        self.assertEqual(values, {"name": None, "times": 1, "dry_run": False})
        self.assertEqual(rest, [])

    def test_long_options(self):
        values, rest = make().parse(["--name", "Ada", "--times=3", "word"])
        self.assertEqual((values["name"], values["times"], rest), ("Ada", 3, ["word"]))

    def test_short_options_stand_together(self):
        values, _ = make().parse(["-dt4", "-n", "Ada"])
        self.assertEqual(values, {"name": "Ada", "times": 4, "dry_run": True})

    def test_double_dash_ends_options(self):
        self.assertEqual(make().parse(["--", "--name"])[1], ["--name"])

    def test_errors(self):
        for words, kind in [(["--nope"], UnknownOption), (["--name"], MissingValue), (["-x"], UnknownOption)]:
            with self.subTest(words=words), self.assertRaises(kind):
                make().parse(words)

    def test_bad_value(self):
        with self.assertRaisesRegex(OptionError, "--times: 'x' is not of type int"):
            make().parse(["--times", "x"])


class HelpTest(unittest.TestCase):
    def test_page(self):
        self.assertEqual(
            make().help(),
            "usage: tool [options]\n\nDoes things.\n\noptions:\n"
            "  -n, --name STR   whom to greet\n"
            "  -t, --times INT\n"
            "  -d, --dry-run    change nothing\n",
        )

    def test_main_prints_what_is_wrong(self):
        err = io.StringIO()
        self.assertEqual(make().main(["--nope"], err=err), 2)
        self.assertEqual(err.getvalue(), "tool: unknown option --nope\n")

    def test_split(self):
        self.assertEqual(split("a 'b c'"), ["a", "b c"])


if __name__ == "__main__":
    unittest.main()
