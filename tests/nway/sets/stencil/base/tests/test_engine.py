import pytest

from stencil import Template, TemplateError, render


def test_text_stays():
    assert render("just text") == "just text"


def test_values_and_filters():
    assert render("Hello {{ name|upper }}!", name="ada") == "Hello ADA!"
    assert render("{{ user.name|lower|title }}", user={"name": "ADA"}) == "Ada"
    assert render("<{{ text|escape }}>", text="a&b") == "<a&amp;b>"


def test_missing_values_are_empty():
    assert render("[{{ nothing }}]") == "[]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        ("", "no"),
    ],
)
def test_if(value, text):
    assert render("{% if it %}yes{% else %}no{% endif %}", it=value) == text


def test_if_not():
    assert render("{% if not it %}none{% endif %}") == "none"


def test_for():
    assert render("{% for x in xs %}<{{ x }}>{% endfor %}", xs=[1, 2]) == "<1><2>"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ 1x }}", "bad name: '1x'"),
        ("{{ x|nope }}", "unknown filter: 'nope'"),
        ("{% nope %}", "unknown tag: 'nope'"),
        ("{% if x %}", "missing else or endif"),
        ("{% for x %}{% endfor %}", "for takes: name in list"),
    ],
)
def test_errors(source, said):
    with pytest.raises(TemplateError) as caught:
        Template(source)
    assert str(caught.value) == said


def test_names():
    source = "{{ a.b }}{% for x in xs %}{{ x.y }}{{ c }}{% endfor %}{% if d %}{{ a.b }}{% endif %}"
    assert Template(source).names() == ["a.b", "xs", "c", "d"]
