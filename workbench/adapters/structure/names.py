"""The public names of a source file, and how they differ between two versions of it.

Public is what another file of the project can use: top-level functions, classes, their methods, types and
constants, unless the language or its custom says that they are the file's own affair (``_x`` in Python,
small letters in Go, no ``pub`` in Rust, ``private`` in Java, not exported in JavaScript).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workbench.adapters.structure.grammars import Piece, language_of, parse
from workbench.adapters.structure.shapes import COMMENTS
from workbench.core.models import PublicChange

SHOWN = 120
"""Characters of a signature that are shown."""

BODIES = ("body", "value", "right")
MARKS = ("async", "static", "abstract")
ACCESSORS = re.compile(rb"@(?:[\w.]+\.)?(property|cached_property|staticmethod|classmethod|\w+\.setter)\b")
PLAIN_NAME = re.compile(r"[A-Za-z_$][\w$]*")


@dataclass(frozen=True, slots=True)
class Public:
    """A public name: how it is written, and what must stay the same for its users, without white space."""

    name: str
    shown: str
    same: str


def public_changes(path: str, old: str | None, new: str | None) -> tuple[PublicChange, ...]:
    """Names that ``new`` adds, removes or gives another signature, in the order of the file; None is a
    file that is not there. Empty for an unknown language, and where either text does not parse."""
    language = language_of(path)
    if language is None or old == new:
        return ()
    before, now = _names(language, old), _names(language, new)
    if before is None or now is None:
        return ()
    found = [
        PublicChange(path=path, name=name, how="changed" if name in before else "added", signature=it.shown)
        for name, it in now.items()
        if name not in before or before[name].same != it.same
    ]
    gone = [it for name, it in before.items() if name not in now]
    return (
        *found,
        *(PublicChange(path=path, name=it.name, how="removed", signature=it.shown) for it in gone),
    )


def _names(language: str, text: str | None) -> dict[str, Public] | None:
    """Public names in order; None when the text does not parse. Overloads of a name count as one."""
    if text is None:
        return {}
    root, whole = parse(language, text)
    if not whole:
        return None
    out: dict[str, Public] = {}
    for it in READERS[language](root):
        known = out.get(it.name)
        out[it.name] = it if known is None else Public(it.name, it.shown, f"{known.same};{it.same}")
    return out


# -- what is common ------------------------------------------------------------------------------------


def _text(piece: Piece | None) -> str:
    return piece.text.decode(errors="replace") if piece is not None else ""


def _public(piece: Piece, scope: str, mark: str = "", shape: Piece | None = None) -> Public:
    """The name of a definition within ``scope``. Its signature goes from there to its body; ``shape`` is
    a part that counts too, and is too long to show."""
    name = piece.child("name")
    assert name is not None, f"a {piece.type} has a name"
    until = min(
        (body.start for field in BODIES if (body := piece.child(field)) is not None), default=piece.end
    )
    parts = [
        kid.end
        for kid in piece.kids
        if kid.named and kid.type not in COMMENTS and name.start <= kid.start < until
    ]
    rest = piece.src[name.end : max(parts)].decode(errors="replace")
    value = piece.child("value")
    before = piece.src[piece.start : name.start].split()
    if value is not None and (function := _parameters(value)):  # const f = (a) => …
        rest += function
        before += value.text.split(b"(", 1)[0].split()
    marks = " ".join([mark, *(word for word in MARKS if word.encode() in before)]).strip()
    full = f"{scope}{_text(name)}"
    line = re.sub(r",?\s*\)", ")", re.sub(r"\(\s+", "(", " ".join(f"{marks} {full}{rest}".split())))
    shown = line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
    return Public(full, shown, "".join(f"{line}{_text(shape)}".split()))


def _parameters(value: Piece) -> str:
    """Parameters and result of a function that is a value; "" for any other value."""
    if value.type not in ("arrow_function", "function_expression", "generator_function"):
        return ""
    found = value.child("parameters") or value.child("parameter")
    text = _text(found)
    return f"{text if text.startswith('(') else f'({text})'}{_text(value.child('return_type'))}"


def _members(piece: Piece, *kinds: str) -> Iterator[Piece]:
    """The definitions of ``kinds`` in the body of a class or the like."""
    body = piece.child("body")
    for kid in body.kids if body is not None else ():
        for member in kid.kids if kid.type == "enum_body_declarations" else (kid,):
            if member.type in kinds:
                yield member


# -- the languages -------------------------------------------------------------------------------------


def _python(block: Piece, scope: str = "") -> Iterator[Public]:
    for kid in block.kids:
        about = kid.child("definition") if kid.type == "decorated_definition" else kid
        marks = ACCESSORS.findall(kid.src[kid.start : about.start]) if about is not None else []
        if about is None or not _is_python_public(name := _python_name(about), scope):
            continue
        if about.type == "function_definition":
            yield _public(about, scope, " ".join(f"@{mark.decode()}" for mark in marks))
        elif about.type == "class_definition":
            yield _public(about, scope)
            if (body := about.child("body")) is not None:
                yield from _python(body, f"{scope}{name}.")
        elif not scope and (assignment := _assignment(about)) is not None:
            kind = assignment.child("type")
            line = f"{name}: {_text(kind)}" if kind is not None else name
            yield Public(name, line, "".join(line.split()))


def _python_name(piece: Piece) -> str:
    assignment = _assignment(piece)
    found = assignment.child("left") if assignment is not None else piece.child("name")
    return _text(found)


def _assignment(piece: Piece) -> Piece | None:
    inner = piece.kids[0] if piece.type == "expression_statement" and piece.kids else None
    return inner if inner is not None and inner.type == "assignment" else None


def _is_python_public(name: str, scope: str) -> bool:
    if scope and name == "__init__":
        return True  # how the class is called
    return PLAIN_NAME.fullmatch(name) is not None and not name.startswith("_")


JS_CLASSES = ("class_declaration", "abstract_class_declaration", "class")
JS_METHODS = ("method_definition", "abstract_method_signature", "method_signature")
JS_SHAPES = ("interface_declaration", "type_alias_declaration", "enum_declaration")


def _javascript(root: Piece) -> Iterator[Public]:
    """Exported names, by ``export`` or by assignment to ``exports``."""
    known: dict[str, Piece] = {}
    for kid in root.kids:
        for declared in _declared(kid.child("declaration") if kid.type == "export_statement" else kid):
            known[_text(declared.child("name"))] = declared
    for kid in root.kids:
        if kid.type == "export_statement":
            if (declaration := kid.child("declaration")) is not None:
                for declared in _declared(declaration):
                    yield from _js_definition(declared)
            else:
                yield from _exported(kid, known)
        elif kid.type == "expression_statement" and kid.kids[0].type == "assignment_expression":
            yield from _assigned(kid.kids[0], known)


def _declared(piece: Piece | None) -> Iterator[Piece]:
    """The definitions in a declaration: one, or those of a ``const``; what has no name has none."""
    if piece is None:
        return
    if piece.type in ("lexical_declaration", "variable_declaration", "ambient_declaration"):
        for kid in piece.kids:
            yield from _declared(kid)
    elif piece.child("name") is not None:
        yield piece


def _js_definition(piece: Piece) -> Iterator[Public]:
    yield _public(piece, "", shape=piece if piece.type in JS_SHAPES else None)
    if piece.type in JS_CLASSES:
        for member in _members(piece, *JS_METHODS):
            name = _text(member.child("name"))
            before = member.src[member.start : member.start + 10].split()[:1]
            if not name.startswith(("#", "_")) and before != [b"private"]:
                yield _public(member, f"{_text(piece.child('name'))}.")


def _exported(statement: Piece, known: dict[str, Piece]) -> Iterator[Public]:
    """The names of ``export { a, b as c }`` and ``export default a``."""
    default = statement.child("value")
    if default is not None and _text(default) in known:
        yield from _renamed(known[_text(default)], "default")
    for clause in statement.kids:
        for specifier in clause.kids if clause.type == "export_clause" else ():
            name = _text(specifier.child("name"))
            alias = _text(specifier.child("alias")) or name
            if name in known:
                yield from _renamed(known[name], alias)
            elif name:
                yield Public(alias, alias, alias)


def _renamed(piece: Piece, alias: str) -> Iterator[Public]:
    """A definition under the name that it is exported by."""
    own = _text(piece.child("name"))
    for it in _js_definition(piece):
        if it.name == own and alias != "default":
            yield Public(alias, it.shown.replace(own, alias, 1), it.same.replace(own, alias, 1))
        else:
            yield it


def _assigned(assignment: Piece, known: dict[str, Piece]) -> Iterator[Public]:
    """The names of ``module.exports = { a, b }``, ``exports.a = …`` and ``module.exports.a = …``."""
    left, right = _text(assignment.child("left")), assignment.child("right")
    if right is None:
        return
    if left == "module.exports" and right.type == "object":
        for entry in right.kids:
            name = _text(entry.child("key") or entry.child("name")) or _text(entry)
            if PLAIN_NAME.fullmatch(name):
                yield from _entry(name, entry.child("value"), known)
    elif left == "module.exports" and _text(right) in known:
        yield from _js_definition(known[_text(right)])
    else:
        name = left.removeprefix("module.").removeprefix("exports.")
        if left.startswith(("exports.", "module.exports.")) and PLAIN_NAME.fullmatch(name):
            yield from _entry(name, right, known)


def _entry(name: str, value: Piece | None, known: dict[str, Piece]) -> Iterator[Public]:
    meant = known.get(name if value is None else _text(value))
    if meant is not None:
        yield from _renamed(meant, name)
        return
    line = f"{name}{_parameters(value) if value is not None else ''}"
    yield Public(name, line, "".join(line.split()))


def _go(root: Piece) -> Iterator[Public]:
    for kid in root.kids:
        if kid.type == "function_declaration" and _is_exported(kid):
            yield _public(kid, "")
        elif kid.type == "method_declaration" and _is_exported(kid):
            owner = re.findall(r"\w+", re.sub(r"\[.*", "", _text(kid.child("receiver"))))
            if owner and owner[-1][:1].isupper():
                yield _public(kid, f"{owner[-1]}.")
        elif kid.type in ("type_declaration", "const_declaration", "var_declaration"):
            for spec in _specs(kid):
                yield from _go_spec(spec)


def _specs(piece: Piece) -> Iterator[Piece]:
    for kid in piece.kids:
        if kid.type.endswith("_spec") or kid.type == "type_alias":
            yield kid
        elif kid.type == "var_spec_list":
            yield from _specs(kid)


def _go_spec(spec: Piece) -> Iterator[Public]:
    kind = spec.child("type")
    is_type = spec.type in ("type_spec", "type_alias")
    shape = _text(kind) if kind is not None and kind.type != "struct_type" else ""
    for name in (_text(kid) for kid in spec.kids if kid.field == "name"):
        if name[:1].isupper():
            shown = name if is_type or not shape else f"{name} {shape}"
            yield Public(name, shown, "".join(f"{name}{shape}".split()))


def _is_exported(piece: Piece) -> bool:
    return _text(piece.child("name"))[:1].isupper()


RUST_SHAPES = ("type_item",)
RUST_ITEMS = (
    "function_item", "struct_item", "enum_item", "union_item", "trait_item", "type_item", "const_item",
    "static_item", "mod_item",
)  # fmt: skip


def _rust(root: Piece, scope: str = "") -> Iterator[Public]:
    for kid in root.kids:
        if kid.type == "impl_item" and kid.child("trait") is None:
            owner = re.sub(r"<.*", "", _text(kid.child("type")), flags=re.DOTALL)
            for member in _members(kid, "function_item", "const_item"):
                if _is_pub(member):
                    yield _public(member, f"{scope}{owner}::")
        elif kid.type in RUST_ITEMS and _is_pub(kid):
            yield _public(kid, scope, shape=kid if kid.type in RUST_SHAPES else None)
            inner = f"{scope}{_text(kid.child('name'))}::"
            if kid.type == "trait_item":
                for member in _members(kid, "function_item", "function_signature_item"):
                    yield _public(member, inner)
            elif kid.type == "mod_item" and (body := kid.child("body")) is not None:
                yield from _rust(body, inner)


def _is_pub(piece: Piece) -> bool:
    return any(kid.type == "visibility_modifier" for kid in piece.kids)


JAVA_TYPES = (
    "class_declaration", "interface_declaration", "record_declaration", "enum_declaration",
    "annotation_type_declaration",
)  # fmt: skip
JAVA_MEMBERS = (
    *JAVA_TYPES, "method_declaration", "constructor_declaration", "field_declaration", "constant_declaration",
)  # fmt: skip


def _java(root: Piece) -> Iterator[Public]:
    for kid in root.kids:
        if kid.type in JAVA_TYPES:
            yield from _java_type(kid, "")


def _java_type(piece: Piece, scope: str) -> Iterator[Public]:
    yield _public(piece, scope)
    inner = f"{scope}{_text(piece.child('name'))}."
    for member in _members(piece, *JAVA_MEMBERS):
        modifiers = next((kid.text.split() for kid in member.kids if kid.type == "modifiers"), [])
        if b"private" in modifiers:
            continue
        kind = " ".join(_text(member.child("type")).split())
        if member.type in JAVA_TYPES:
            yield from _java_type(member, inner)
        elif member.type in ("method_declaration", "constructor_declaration"):
            yield _public(member, inner, kind)
        elif member.type == "constant_declaration" or {b"static", b"final"} <= set(modifiers):
            for name in (_text(kid.child("name")) for kid in member.kids if kid.field == "declarator"):
                line = f"{kind} {inner}{name}"
                yield Public(f"{inner}{name}", line, "".join(line.split()))


READERS: dict[str, Callable[[Piece], Iterator[Public]]] = {
    "python": _python, "javascript": _javascript, "typescript": _javascript, "tsx": _javascript, "go": _go,
    "rust": _rust, "java": _java,
}  # fmt: skip
"""How to find the public names in a file of each language."""
