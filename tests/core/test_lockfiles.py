"""Where the packages in lock files come from."""

from __future__ import annotations

import json

import pytest

from workbench.core.lockfiles import SOURCES, is_lock_file, new_hosts

EVIL = "evil.example"
LINES = {
    "package-lock.json": '"resolved": "https://{}/x/-/x-1.0.0.tgz",',
    "yarn.lock": '  resolved "https://{}/x/-/x-1.0.0.tgz#abc"',
    "pnpm-lock.yaml": "    resolution: {{tarball: https://{}/x.tgz}}",
    "uv.lock": 'source = {{ registry = "https://{}/simple" }}',
    "poetry.lock": 'url = "https://{}/simple"',
    "Cargo.lock": 'source = "git+https://{}/x?rev=1#1"',
    "Gemfile.lock": "  remote: https://{}/",
    "Pipfile.lock": '"url": "https://{}/simple",',
    "composer.lock": '"dist": {{"type": "zip", "url": "https://{}/x.zip"}}',
    "Podfile.lock": "  x:\n    :git: https://{}/x.git",
    "mix.lock": '"x": {{:git, "https://{}/x.git", "abc", []}},',
    "pubspec.lock": '      url: "https://{}"',
    "Package.resolved": '"location" : "https://{}/x.git",',
    "deno.lock": '"https://{}/x@1.0.0/mod.ts": "abc"',
    "pixi.lock": "- conda: https://{}/conda-forge/x.conda",
    "requirements.txt": "--index-url https://{}/simple",
}


@pytest.mark.parametrize("name", LINES)
def test_a_new_host_is_told_and_a_known_one_is_not(name: str) -> None:
    line = LINES[name]
    assert is_lock_file(f"web/{name}")
    assert new_hosts(name, "", line.format(EVIL)) == (EVIL,)
    assert new_hosts(name, line.format(EVIL), line.format(EVIL) + "\n" + line.format(EVIL)) == ()
    assert new_hosts(name, "", line.format(f"user:pass@{EVIL}:8080")) == (f"{EVIL}:8080",)


def test_where_there_is_no_address_the_host_begins_a_name() -> None:
    go = "evil.example/x v1.0.0 h1:abc=\nevil.example/x v1.0.0/go.mod h1:abc=\n"
    usual = "github.com/x/y v1.0.0 h1:abc=\ngopkg.in/yaml.v3 v3.0.1/go.mod h1:abc=\n"
    assert new_hosts("go.sum", usual, usual + go) == (EVIL,)
    assert new_hosts("sub/go.work.sum", "", usual) == ()
    terraform = 'provider "{}/x/y" {{\n  version = "1.0.0"\n}}\n'
    assert new_hosts(".terraform.lock.hcl", "", terraform.format(EVIL)) == (EVIL,)
    assert new_hosts(".terraform.lock.hcl", "", terraform.format("registry.terraform.io")) == ()


@pytest.mark.parametrize(
    "line",
    [
        "-i https://evil.example/simple",
        "--extra-index-url=http://user:secret@evil.example/simple",
        "x @ git+ssh://git@evil.example/x.git@abc#egg=x",
        "-r https://evil.example/more.txt",
        "x==1.0 --hash=sha256:abc  # known\n-f https:evil.example/wheels",
    ],
)
@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.in", "requirements/dev.txt", "x-constraints.txt"]
)
def test_what_pip_reads_goes_by_many_names(name: str, line: str) -> None:
    assert new_hosts(name, "x==0.9\n", "x==1.0  # see https://evil.example\n# http://evil.example\n") == ()
    assert new_hosts(f"web/{name}", "x==0.9\n", f"{line}\n") == (EVIL,)


@pytest.mark.parametrize("name", ["docs/requirements.md", "requirements.py", "src/requirements/app.py"])
def test_what_is_only_called_like_it_is_none(name: str) -> None:
    assert not is_lock_file(name)


def test_whom_packages_thank_is_no_source() -> None:
    package = {
        "name": "x/y",
        "source": {"type": "git", "url": "https://github.com/x/y.git"},
        "dist": {"type": "zip", "url": "https://api.github.com/repos/x/y/zipball/abc"},
        "funding": [{"type": "custom", "url": "https://evil.example/thanks"}],
        "support": {"url": "https://evil.example/issues"},
    }
    assert new_hosts("composer.lock", "", json.dumps({"packages": [package]})) == ()
    hidden = {**package, "dist": {"mirrors": [{"url": "https://evil.example/%package%.zip"}]}}
    assert new_hosts("composer.lock", "", json.dumps({"packages": [hidden]})) == (EVIL,)
    broken = json.dumps({"packages": [package]})[:-1]
    assert new_hosts("composer.lock", "", broken) == (EVIL,), "what cannot be read hides nothing"


def test_usual_registries_and_other_addresses_are_nothing_new() -> None:
    lock = (
        '"funding": {"url": "https://opencollective.com/x"},\n"resolved": "https://registry.npmjs.org/x.tgz"'
    )
    assert new_hosts("package-lock.json", "", lock) == ()
    crates = 'source = "registry+https://github.com/rust-lang/crates.io-index"'
    assert new_hosts("Cargo.lock", "", crates) == ()
    assert not is_lock_file("lock.py")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("package-lock.json", r'"resolved": "https:\/\/evil.example\/x.tgz"'),
        ("package-lock.json", r'"resol\u0076ed": "\u0068ttps://evil.example/x.tgz"'),
        ("package-lock.json", r'"resolved": "https:\\evil.example/x.tgz"'),
        ("package-lock.json", '"resolved": "HTTPS://Evil.Example/x.tgz"'),
        ("package-lock.json", '"resolved": "https:evil.example/x.tgz"'),
        ("package-lock.json", '"version": "https://evil.example/x.tgz"'),
        ("pnpm-lock.yaml", 'resolution: {"tarball": "https://evil.example/x"}'),
        ("yarn.lock", '  "resolved" "https://evil.example/x"'),
        ("uv.lock", "source = { registry = 'https://evil.example/simple' }"),
        ("uv.lock", 'sdist = { "url" = "https://evil.example/x" }'),
        ("poetry.lock", 'source = { type = "legacy", url = "https://evil.example/simple" }'),
        ("Cargo.lock", "package = [{ name = 'x', source = 'registry+https://evil.example/x' }]"),
    ],
)
def test_no_way_of_writing_hides_a_host(name: str, line: str) -> None:
    assert new_hosts(name, "", line) == (EVIL,)


USUAL_ONE = "registry.npmjs.org"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("package-lock.json", f'"resolved": "https://{USUAL_ONE}\'@evil.example/x.tgz"'),
        ("package-lock.json", rf'"resolved": "https://{USUAL_ONE}\"@evil.example/x.tgz"'),
        ("package-lock.json", rf'"resolved": "https://{USUAL_ONE}\u0040evil.example/x.tgz"'),
        ("package-lock.json", '"resolved": " https://evil.example/x.tgz"'),
        ("package-lock.json", r'"resolved": "\nhttps://evil.example/x.tgz"'),
        ("Package-Lock.json", '"resolved": "https://evil.example/x.tgz"'),
        ("yarn.lock", '  resolution: "x@npm:1.0.0::__archiveUrl=https%3A%2F%2Fevil.example%2Fx.tgz"'),
        ("bun.lock", '"x": ["x@https://evil.example/x.tgz", {}],'),
        ("pnpm-lock.yaml", "resolution: {tarball: !!str https://evil.example/x}"),
        ("pnpm-lock.yaml", "resolution:\n  tarball: &a\n    https://evil.example/x"),
        ("pixi.lock", "- conda: >-\n    https://evil.example/x.conda"),
        ("uv.lock", 'sdist = { url = """\nhttps://evil.example/x""" }'),
        ("composer.lock", '{"packages": {"funding": {"dist": {"url": "https://evil.example/x"}}}}'),
        ("composer.lock", '{"packages": [{"source": {"url": "me@evil.example:x/y.git"}}]}'),
        ("composer.lock", '{"packages": [{"source": {"url": "evil.example:x/y.git"}}]}'),
        ("Podfile.lock", "  x:\n    :git: me@evil.example:x/y.git"),
        ("Gemfile.lock", "  remote: me@evil.example:x/y.git"),
        ("mix.lock", '"x": {:git, "me@evil.example:x/y", "abc", []}'),
        ("Package.resolved", '"location" : "me@evil.example:x/y.git"'),
        ("requirements.txt", "# known\r--index-url https://evil.example/simple"),
        ("requirements.txt", "# known\f--index-url https://evil.example/simple"),
        ("requirements.txt", "x \\\n#y\\\n-i https://evil.example/simple"),
        ("requirements.txt", "-i https:'/'/evil.example/simple"),
        ("requirements.txt", "-i https://evil.\\\nexample/simple"),
        ("odd\nname/requirements.txt", "-i https://evil.example/simple"),
    ],
)
def test_what_a_tool_reads_otherwise_than_it_looks_hides_no_host(name: str, line: str) -> None:
    assert is_lock_file(name)
    assert new_hosts(name, "", line) == (EVIL,)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("package-lock.json", rf'"resolved": "https://{USUAL_ONE}\t.evil.example/x.tgz"'),
        ("package-lock.json", rf'"resolved": "https://{USUAL_ONE}\u0009.evil.example/x.tgz"'),
        ("package-lock.json", f'"resolved": "https://{USUAL_ONE}%2eevil.example/x.tgz"'),
        ("package-lock.json", f'"resolved": "https://{USUAL_ONE}\u3002evil.example/x.tgz"'),
        ("package-lock.json", '"resolved": "https://\u00e9vil.example/x.tgz"'),
        ("package-lock.json", '"resolved": "https://[2001:db8::1]/x.tgz"'),
        ("package-lock.json", rf'"resolved": "git+https://{USUAL_ONE}\\@evil.example/x.git"'),
        ("pnpm-lock.yaml", "x: &a https://evil.example/x\nresolution: {tarball: *a}"),
        ("pnpm-lock.yaml", f'resolution: {{tarball: "https://{USUAL_ONE}\\\n  .evil.example/x"}}'),
        ("uv.lock", 'url = """https://pypi.org\\\n  .evil.example/x"""'),
        ("requirements.txt", "-i https://pypi.org\\\n.evil.example/simple"),
        ("requirements.txt", "-i https://pypi.org\\.evil.example/simple"),
        ("requirements.txt", "-i https://${USER}.evil.example/simple"),
        ("requirements.txt", "x @ git+https://pypi.org\\@evil.example/x"),
        ("requirements.txt", "# coding: utf-7\n-i https:+AC8ALw-evil.example"),
        ("requirements.txt", "-r more.cfg"),
        ("requirements.txt", "--pre '-r' \"more.cfg\""),
        ("requirements.txt", "--requirem=more.cfg"),
    ],
)
def test_what_no_two_tools_need_read_alike_is_new(name: str, line: str) -> None:
    assert new_hosts(name, "", line) != ()


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("many", ["a", "\n", " ", "https:", "git@a", "/", "\\", "a.", "url: ", "resolved a"])
def test_a_long_file_is_read_at_once(name: str, many: str) -> None:
    """Who writes these files may mean harm: a pattern that looks far ahead from each place would take days,
    and all the others wait."""
    new_hosts(name, "", "resolved " + many * (200_000 // len(many)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "bun.lock",
            '"isomorphic-git": ["isomorphic-git@1.30.1", "", {"dependencies": {}}, "sha512-a//b=="],',
        ),
        ("bun.lock", '"git": ["git@1.0.0", "", {}, "sha512-z"]'),
        (
            "deno.lock",
            '"specifiers": {"jsr:@std/assert@1": "1.0.13", "npm:chalk@5": "5.4.1"}, "sha512-a//b="',
        ),
        ("Podfile.lock", 'SPEC REPOS:\n  trunk:\n    - X\n\nEXTERNAL SOURCES:\n  R:\n    :path: "../n/x"'),
        ("Gemfile.lock", "PATH\n  remote: engines/x\n  specs:\n    x (0.1)\nPATH\n  remote: .\n  specs:"),
        ("composer.lock", '{"packages": [{"dist": {"type": "path", "url": "./packages/p"}}]}'),
        ("Package.resolved", '{"identity": "x.y", "kind": "registry", "location": ""}'),
        ("go.sum", "go.uber.org/zap v1.27.0 h1:abc=\nk8s.io/api v0.31.0/go.mod h1:abc="),
        (
            "yarn.lock",
            '  resolution: "t@patch:t@npm%3A5.4.5#optional!builtin<compat/t>::version=5.4.5&hash=5a"',
        ),
        (
            "requirements/dev.txt",
            "-r ../requirements.txt\n-c constraints.txt\nx==1 \\\n    --hash=sha256:a\n    # via\n    # -r x",
        ),
    ],
)
def test_what_the_tools_write_day_by_day_is_nothing_new(name: str, text: str) -> None:
    assert new_hosts(name, "", text) == ()


def test_versions_and_files_are_no_hosts() -> None:
    lock = '"version": "1.2.3",\n"resolved": "packages/a",\n"from": "left-pad@^1.0.0",\n"link": true'
    assert new_hosts("package-lock.json", "", lock) == ()
    assert (
        new_hosts("yarn.lock", "", '  resolution: "a@npm:1.0.0"\n  resolution: "b@workspace:packages/b"')
        == ()
    )
    assert new_hosts("Cargo.lock", "", f"source = {json.dumps(CRATES_INDEX)}") == ()


CRATES_INDEX = "registry+https://github.com/rust-lang/crates.io-index"
