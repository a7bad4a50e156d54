"""What the node types of the grammars mean for a merge: where entries may be added side by side,
what an entry is called, and in which order parameters may stand."""

from __future__ import annotations

import re
from collections import Counter

from workbench.adapters.structure.grammars import Piece

STATEMENTS = frozenset({
    "module", "program", "source_file", "block", "statement_block", "statement_list",
    "constructor_body", "switch_block_statement_group",
})  # fmt: skip
"""Bodies that run in order: what both sides add stands ours first."""

MEMBERS = frozenset({
    "class_body", "declaration_list", "field_declaration_list", "interface_body", "object_type",
    "enum_body", "enum_body_declarations", "switch_body", "switch_block", "match_block",
    "import_spec_list", "const_declaration", "var_declaration", "var_spec_list", "type_declaration",
    "enum_variant_list", "interface_type", "expression_switch_statement", "type_switch_statement",
    "select_statement", "use_list", "modifiers", "decorated_definition", "extern_block",
    "annotation_type_body", "jsx_element", "jsx_fragment",
})  # fmt: skip
"""Bodies of declarations or branches."""

COMMA_LISTS = re.compile(
    r"arguments|argument_list|parameters|parameter_list|array|list|dictionary|object|tuple|set|"
    r"enum_variant_list|field_initializer_list|use_list|named_imports|export_clause|object_pattern|"
    r"array_pattern|formal_parameters|type_parameters|type_arguments|literal_value|tuple_expression|"
    r"array_expression|ordered_field_declaration_list|array_initializer|type_list|tuple_type|"
    r"element_value_array_initializer|enum_body|import_from_statement|list_pattern|tuple_pattern"
)

REPEATED = frozenset({
    "elif_clause", "except_clause", "except_group_clause", "decorator", "case_clause", "switch_case",
    "expression_case", "type_case", "communication_case", "match_arm", "jsx_attribute", "comment",
    "line_comment", "block_comment", "attribute_item", "catch_clause", "annotation",
    "marker_annotation", "with_item", "type_bound", "where_predicate", "if_clause", "for_in_clause",
    "interpolation", "template_substitution", "switch_rule", "visibility_modifier",
})  # fmt: skip
"""What may come several times in a row wherever it may come at all."""

TEXTS = frozenset({
    "string_content", "comment", "line_comment", "block_comment", "string_fragment", "jsx_text",
    "interpreted_string_literal_content", "raw_string_literal_content", "multiline_string_fragment",
})  # fmt: skip
"""Leaves merged as prose."""

COMMENTS = frozenset({"comment", "line_comment", "block_comment"})
ATTACHED = COMMENTS | {"attribute_item", "inner_attribute_item"}
OPEN, CLOSE = ("(", "[", "{", "<", "|"), (")", "]", "}", ">", "|")
LEAVING = frozenset({
    "return_statement", "raise_statement", "throw_statement", "continue_statement", "break_statement",
    "return_expression", "continue_expression", "break_expression",
})  # fmt: skip
CHOICES = re.compile(r"binary|boolean_operator|comparison|unary|augmented|not_operator|conditional|ternary")
"""Expressions in which two changed operands seldom mean what both sides meant."""

UNIQUE = frozenset({
    "function_definition", "decorated_definition", "class_definition", "function_declaration",
    "class_declaration", "generator_function_declaration", "method_definition", "interface_declaration",
    "type_alias_declaration", "enum_declaration", "method_declaration", "constructor_declaration",
    "function_item", "struct_item", "enum_item", "trait_item", "type_item", "const_item", "static_item",
    "mod_item", "field_declaration", "enum_variant", "enum_constant", "keyword_argument",
    "default_parameter", "typed_default_parameter", "typed_parameter", "required_parameter",
    "optional_parameter", "parameter", "parameter_declaration", "formal_parameter", "pair",
    "property_signature", "method_signature", "public_field_definition", "field_definition",
    "const_spec", "type_spec", "field_initializer", "keyed_element", "jsx_attribute",
    "record_declaration", "import_statement", "lexical_declaration", "import_from_statement",
    "case_clause", "switch_case", "expression_case", "abstract_method_signature",
    "assignment_statement", "elif_clause", "export_statement", "spread_element", "method_elem",
    "type_case", "match_arm",
})  # fmt: skip
"""What two sides cannot both add under one name and unlike texts."""

CONTAINERS = frozenset({
    "class_definition", "class_declaration", "interface_declaration", "import_from_statement",
    "import_statement", "export_statement", "expression_statement", "call_expression", "arguments",
    "arrow_function", "function_expression", "class_body", "statement_block", "block", "impl_item",
    "mod_item", "declaration_list", "interface_body", "named_imports", "import_clause",
})  # fmt: skip
"""What two sides may have added both, each with members of its own."""

DEFINITIONS = frozenset({
    "function_definition", "decorated_definition", "class_definition", "function_declaration",
    "class_declaration", "generator_function_declaration", "method_definition", "interface_declaration",
    "type_alias_declaration", "enum_declaration", "method_declaration", "function_item", "struct_item",
    "enum_item", "trait_item", "type_item", "const_item", "static_item", "mod_item", "export_statement",
    "record_declaration", "lexical_declaration", "impl_item",
})  # fmt: skip
SCOPES = frozenset({
    "class_definition", "class_declaration", "interface_declaration", "impl_item", "mod_item",
    "trait_item", "decorated_definition", "export_statement",
})  # fmt: skip
BODIES = frozenset({"block", "class_body", "declaration_list", "interface_body"})

SUITES = (b"describe", b"suite", b"context")
CASES = (b"it", b"test", b"bench")


def is_free(kind: str) -> bool:
    """Whether both sides may add entries at one place of such a node."""
    return kind in STATEMENTS or kind in MEMBERS or is_comma_list(kind)


def is_comma_list(kind: str) -> bool:
    """Whether entries of such a node are parted by commas even where it shows none yet."""
    return COMMA_LISTS.fullmatch(kind) is not None


def name_of(piece: Piece) -> bytes | None:
    """What an entry is called among its siblings, None when it has no name."""
    piece = piece.core
    kind = piece.type
    for field in ("definition", "declaration"):
        inner = piece.child(field)
        if inner is not None and kind in {"decorated_definition", "export_statement"}:
            extra = _accessor(piece) if kind == "decorated_definition" else b""
            name = name_of(inner)
            return None if name is None else name + extra
    if kind in COMPOUND:
        return COMPOUND[kind](piece)
    if kind == "expression_statement":
        return _statement_name(piece)
    if kind in {"lexical_declaration", "variable_declaration"}:
        inner = next((kid for kid in piece.kids if kid.type == "variable_declarator"), None)
        return _text(inner.child("name")) if inner else None
    if kind in {"typed_parameter", "keyed_element", "case_clause", "list_splat_pattern"}:
        named = [kid for kid in piece.kids if kid.named]
        return named[0].text if named else None
    for field in ("name", "key", "pattern", "field", "value", "condition", "left"):
        if field == "value" and kind not in {"switch_case", "expression_case"}:
            continue
        found = piece.child(field)
        if found is not None:
            return found.text
    return piece.text if kind in {"identifier", "type_identifier", "property_identifier"} else None


def _method(piece: Piece) -> bytes:
    owner = piece.child("receiver")
    about = owner.text.rsplit(None, 1)[-1] if owner else _text(piece.child("parameters"))
    return _text(piece.child("name")) + b"|" + about


def _implementation(piece: Piece) -> bytes:
    return _text(piece.child("trait")) + b"|" + _text(piece.child("type"))


def _module(piece: Piece) -> bytes | None:
    found = piece.child("module_name") or piece.child("source") or piece.child("name")
    return found.text if found else None


COMPOUND = {
    "method_declaration": _method, "constructor_declaration": _method, "impl_item": _implementation,
    "import_from_statement": _module, "import_statement": _module,
}  # fmt: skip
"""What is named by more than one part, or by another part than its name."""


def definitions(root: Piece) -> Counter[bytes]:
    """How often each thing is defined, by its scope and name: top level and members."""
    out: Counter[bytes] = Counter()
    todo = [(root, b"")]
    while todo:
        piece, scope = todo.pop()
        for kid in piece.kids:
            if kid.type in DEFINITIONS:
                name = scope + b" > " + (name_of(kid) or b"")
                out[name] += kid.type != "impl_item" and name_of(kid) is not None
                if kid.type in SCOPES:
                    todo.append(
                        (
                            kid,
                            name
                            if kid.type not in {"decorated_definition", "export_statement"}
                            else scope + b"@",
                        )
                    )
            elif kid.type in BODIES and piece.type in SCOPES:
                todo.append((kid, scope))
    return out


def is_case(piece: Piece) -> bool:
    """Whether a statement is a call such as ``it("…", …)`` or ``describe("…", …)``."""
    return piece.core.type == "expression_statement" and (_statement_name(piece.core) or b"").startswith(
        b"call:"
    )


def is_suite(piece: Piece) -> bool:
    """Whether such a call holds others: ``describe("…", …)``."""
    name = _statement_name(piece.core) if piece.core.type == "expression_statement" else None
    return name is not None and name.startswith(tuple(b"call:" + suite for suite in SUITES))


def _statement_name(piece: Piece) -> bytes | None:
    inner = next((kid for kid in piece.kids if kid.named), None)
    if inner is None:
        return None
    if inner.type in {"assignment", "assignment_expression", "augmented_assignment"}:
        return _text(inner.child("left"))
    if inner.type == "string":
        return b"docstring"
    if inner.type == "call_expression":
        callee = _text(inner.child("function"))
        if callee.split(b".")[0] in SUITES + CASES:
            arguments = inner.child("arguments")
            first = next((kid for kid in arguments.kids if kid.named), None) if arguments else None
            return b"call:" + callee + b":" + (first.text if first else b"")
    return None


def _accessor(piece: Piece) -> bytes:
    marks = [kid.text for kid in piece.kids if kid.type == "decorator"]
    return b"".join(mark for mark in marks if mark.endswith((b".setter", b".deleter", b"overload")))


def _text(piece: Piece | None) -> bytes:
    return piece.text if piece is not None else b""


PYTHON_PARAMETERS = {
    "default_parameter": 1, "typed_default_parameter": 1, "keyword_separator": 2, "list_splat_pattern": 2,
    "dictionary_splat_pattern": 9,
}  # fmt: skip


def parameter_rank(piece: Piece, language: str, parent: str) -> int:
    """Where a parameter or argument may stand: required, optional, star, by keyword, double star."""
    kind = piece.core.type
    if language == "python" and parent == "parameters":
        return _typed_rank(piece) if kind == "typed_parameter" else PYTHON_PARAMETERS.get(kind, 0)
    if language == "python" and parent == "argument_list":
        return {"keyword_argument": 3, "list_splat": 1, "dictionary_splat": 9}.get(kind, 0)
    if parent == "formal_parameters":
        if kind == "optional_parameter" or (kind == "required_parameter" and piece.core.child("value")):
            return 1
        return 9 if b"..." in piece.text[:4] else 1 if kind == "assignment_pattern" else 0
    return 0


def _typed_rank(piece: Piece) -> int:
    text = piece.text
    return 9 if text.startswith(b"**") else 2 if text.startswith(b"*") else 0
