"""Public names of source files, language by language, and how two versions differ in them."""

from __future__ import annotations

import pytest

from workbench.adapters.structure.names import public_changes
from workbench.core.languages import is_test, language_of

FILES = {
    "a.py": """
MAX: int = 3
_hidden = 4

async def fetch(url, *, retries=3) -> bytes:  # why
    def inner(): ...
    return b""

@cache
def plain(): pass

def _own(): pass

class Store(Base):
    size = 1
    def __init__(self, path): pass
    @property
    def name(self): return 1
    def get(
        self,
        key: str,
    ) -> str: pass
    def _seek(self): pass
    def __eq__(self, other): pass

class _Private:
    def shown(self): pass
""",
    "a.ts": """
export async function load<T>(a: T, b = 1): Promise<T> { return a }
function own() {}
export const LIMIT: number = 3, both = async (x: string): Promise<void> => {};
export class Store extends Base {
  get(key: string): string { return key }
  static make() { return new Store() }
  private seek() {}
  #hidden() {}
}
export interface Shape { side: number }
export type Id = string;
function late(a: number) {}
export { late as soon, own };
export * from "./more";
export default function () {}
""",
    "a.js": """
function first(x) {}
function hidden(y) {}
class Box { open(x) {} }
module.exports = { first, Box, third: function (z) {} };
exports.fourth = (a, b) => a;
""",
    "a.go": """package a

func Load(path string) (int, error) { return 1, nil }
func own() {}
func (s *Store[T]) Get(k string) string { return k }
func (s *Store[T]) seek() {}
func (s hidden) Get() {}

type Store[T any] struct{ size int }
type hidden struct{}
type Reader interface{ Read() int }

const (
	Max, low = 1, 2
)

var Level int = 3
""",
    "a.rs": """
pub fn load<T: Read>(from: T) -> i32 where T: Send { 1 }
fn own() {}
pub(crate) struct Store { size: i32 }
impl<T> Store<T> {
    pub fn get(&self) -> i32 { 1 }
    fn seek(&self) {}
}
impl Clone for Store { fn clone(&self) -> Self { todo!() } }
pub trait Shape { fn side(&self) -> i32; }
trait Hidden { fn x(&self); }
pub mod inner { pub fn deep() {} fn shallow() {} }
pub const MAX: i32 = 3;
pub type Id = u64;
""",
    "A.java": """package a;
public class A<T> extends B {
  private int p;
  public static final int MAX = 3;
  A(int a) {}
  @Override public String get(String k) throws E { return k; }
  private void seek() {}
  static class In { void deep() {} }
}
interface I { void side(int a); int ONE = 1; }
enum E { X, Y; void k() {} }
""",
}

SIGNATURES = {
    "a.py": [
        "MAX: int", "async fetch(url, *, retries=3) -> bytes", "plain()", "Store(Base)",
        "Store.__init__(self, path)", "@property Store.name(self)", "Store.get(self, key: str) -> str",
    ],
    "a.ts": [
        "async load<T>(a: T, b = 1): Promise<T>", "LIMIT: number", "async both(x: string): Promise<void>",
        "Store extends Base", "Store.get(key: string): string", "static Store.make()", "Shape",
        "Id", "soon(a: number)", "own()",
    ],
    "a.js": ["first(x)", "Box", "Box.open(x)", "third(z)", "fourth(a, b)"],
    "a.go": [
        "Load(path string) (int, error)", "Store.Get(k string) string", "Store", "Reader", "Max", "Level int",
    ],
    "a.rs": [
        "load<T: Read>(from: T) -> i32 where T: Send", "Store", "Store::get(&self) -> i32", "Shape",
        "Shape::side(&self) -> i32", "inner", "inner::deep()", "MAX: i32", "Id = u64",
    ],
    "A.java": [
        "A<T> extends B", "int A.MAX", "A.A(int a)", "String A.get(String k) throws E", "static A.In",
        "void A.In.deep()", "I", "void I.side(int a)", "int I.ONE", "E", "void E.k()",
    ],
}  # fmt: skip


@pytest.mark.parametrize("path", FILES)
def test_what_is_public_and_how_it_is_written(path: str) -> None:
    added = public_changes(path, None, FILES[path])
    assert [change.signature for change in added] == SIGNATURES[path]
    assert {(change.path, change.how) for change in added} == {(path, "added")}
    removed = public_changes(path, FILES[path], None)
    assert [(change.name, change.how) for change in removed] == [(it.name, "removed") for it in added]


@pytest.mark.parametrize("path", FILES)
def test_new_lines_and_bodies_change_nothing(path: str) -> None:
    spaced = FILES[path].replace("\n", "\n\n").replace("return 1", "return 2").replace("MAX = 3", "MAX = 4")
    assert public_changes(path, FILES[path], spaced) == ()


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        ("a.py", "fetch(url, *", "fetch(url, timeout, *", "async fetch(url, timeout, *, retries=3) -> bytes"),
        ("a.py", "key: str,\n    ) -> str", "key: int) -> int", "Store.get(self, key: int) -> int"),
        ("a.py", "    @property\n    def name", "    def name", "Store.name(self)"),
        ("a.ts", "key: string)", "key: number)", "Store.get(key: number): string"),
        ("a.ts", "side: number", "side: string", "Shape"),
        ("a.js", "function first(x)", "function first(x, y)", "first(x, y)"),
        ("a.go", "path string", "path, more string", "Load(path, more string) (int, error)"),
        ("a.go", "Read() int", "Read() uint", "Reader"),
        ("a.rs", "from: T)", "from: &T)", "load<T: Read>(from: &T) -> i32 where T: Send"),
        ("A.java", "String get", "Object get", "Object A.get(String k) throws E"),
    ],
)  # fmt: skip
def test_a_signature_that_changes_is_told_as_it_is_now(path: str, old: str, new: str, told: str) -> None:
    assert old in FILES[path]
    (change,) = public_changes(path, FILES[path], FILES[path].replace(old, new, 1))
    assert (change.how, change.signature) == ("changed", told)


def test_overloads_count_together() -> None:
    old = "class A { void f(int a) {} void f(String a) {} }"
    assert public_changes("A.java", old, old.replace("String a", "String b")) != ()
    assert public_changes("A.java", old, old + " ") == ()


def test_what_cannot_be_read_has_no_names() -> None:
    assert public_changes("notes.md", "a", "b") == ()
    assert public_changes("a.py", "def f(): pass", "def f(:") == ()
    assert public_changes("a.py", "def f(:", "def g(): pass") == ()
    assert public_changes("a.py", None, None) == ()


def test_a_long_signature_is_cut_and_still_compared_whole() -> None:
    old = f"def f({', '.join(f'parameter_{n}' for n in range(40))}): pass"
    (change,) = public_changes("a.py", old, old.replace("parameter_39", "other"))
    assert len(change.signature) == 120


def test_files_by_their_names() -> None:
    named = ("a.py", "x/b.TSX", "c.rs", "d.md", ".py", "Makefile", "e.pyi")
    assert [language_of(path) for path in named] == ["python", "tsx", "rust", None, None, None, "python"]
    tests = (
        "tests/a.py", "a/__tests__/b.js", "test_a.py", "x/conftest.py", "a_test.go", "a.test.ts",
        "a.spec.js", "src/UserTest.java", "spec/a.rb",
    )  # fmt: skip
    assert [path for path in tests if not is_test(path)] == []
    for path in ("src/a.py", "latest.py", "contest.go", "src/testing.py", "attest/a.py", "Protest/a.java"):
        assert not is_test(path)
