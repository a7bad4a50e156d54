"""Declare the options of a command line once: parse them, and print their help."""

import os
import shlex
import sys

from optline.errors import MissingValue, OptionError, UnknownOption

__all__ = [
    "Option",
    "Parser",
    "split",
]

CONVERTERS = {
    "str": str,
    "int": int,
    "float": float,
    "bool": lambda text: text.lower() in ("1", "true", "yes", "on"),
}


class Option:
    """One option, as declared.

    :param name: the long name, without dashes
    :param kind: the name of a converter, ``flag`` for an option without a value
    :param default: what it is when it is not given
    :param help: a line for the help page
    :param short: a single letter
    """

    def __init__(self, name, kind="str", default=None, help="", short=None):
        if kind != "flag" and kind not in CONVERTERS:
            raise ValueError(f"no converter for {kind!r}")
        self.name = name
        self.kind = kind
        self.default = False if kind == "flag" and default is None else default
        self.help = help
        self.short = short

    @property
    def dest(self):
        return self.name.replace("-", "_")

    def convert(self, text):
        """The value that ``text`` stands for."""
        try:
            return CONVERTERS[self.kind](text)
        except ValueError:
            raise OptionError(f"--{self.name}: {text!r} is not of type {self.kind}") from None

    def usage(self):
        """How the option is written, for the help page."""
        names = f"--{self.name}"
        if self.short:
            names = f"-{self.short}, {names}"
        if self.kind == "flag":
            return names
        return f"{names} {self.kind.upper()}"


class Parser:
    """A set of options and the words that are left."""

    def __init__(self, prog=None, description=""):
        self.prog = prog or os.path.basename(sys.argv[0])
        self.description = description
        self.options = {}
        self.shorts = {}

    def add(self, name, **settings):
        """Declare an option; gives it back."""
        option = Option(name, **settings)
        if name in self.options:
            raise ValueError(f"--{name} is declared twice")
        self.options[name] = option
        if option.short:
            self.shorts[option.short] = option
        return option

    def find(self, name):
        """The option of a long name."""
        try:
            return self.options[name]
        except KeyError:
            raise UnknownOption(f"unknown option --{name}") from None

    def parse(self, words):
        """Values by destination, and the words that are no options."""
        values = {option.dest: option.default for option in self.options.values()}
        rest = []
        words = list(words)
        while words:
            word = words.pop(0)
            if word == "--":
                rest.extend(words)
                break
            elif word.startswith("--"):
                name, eq, text = word[2:].partition("=")
                option = self.find(name)
                self._take(option, text if eq else None, words, values)
            elif word.startswith("-") and len(word) > 1:
                self._take_shorts(word[1:], words, values)
            else:
                rest.append(word)
        return values, rest

    def _take(self, option, text, words, values):
        if option.kind == "flag":
            if text is not None:
                raise OptionError(f"--{option.name} takes no value")
            values[option.dest] = True
            return
        if text is None:
            if not words:
                raise MissingValue(f"--{option.name} needs a value")
            text = words.pop(0)
        values[option.dest] = option.convert(text)

    def _take_shorts(self, letters, words, values):
        for at, letter in enumerate(letters):
            option = self.shorts.get(letter)
            if option is None:
                raise UnknownOption(f"unknown option -{letter}")
            if option.kind == "flag":
                self._take(option, None, words, values)
                continue
            text = letters[at + 1 :] or None
            self._take(option, text, words, values)
            return

    def help(self):
        """The help page."""
        lines = [f"usage: {self.prog} [options]"]
        if self.description:
            lines += ["", self.description]
        if self.options:
            lines += ["", "options:"]
        width = max((len(option.usage()) for option in self.options.values()), default=0)
        for option in self.options.values():
            lines.append(f"  {option.usage():{width}}  {option.help}".rstrip())
        return "\n".join(lines) + "\n"

    def main(self, words=None, out=None, err=None):
        """Parse, or print what is wrong; gives (values, rest), or an exit code."""
        words = sys.argv[1:] if words is None else words
        try:
            return self.parse(words)
        except OptionError as error:
            print(f"{self.prog}: {error}", file=err or sys.stderr)
            return 2


def split(line):
    """The words of a line, as a shell reads them."""
    return shlex.split(line)
