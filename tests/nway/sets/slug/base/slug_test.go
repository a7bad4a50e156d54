package slug

import (
	"testing"
)

func TestMake(t *testing.T) {
	cases := []struct {
		title   string
		options Options
		want    string
	}{
		{"Hello, World!", Options{}, "hello-world"},
		{"Größe 10", Options{}, "groesse-10"},
		{"a b c", Options{Separator: "_"}, "a_b_c"},
		{"one two three", Options{MaxLength: 9}, "one-two"},
	}
	for _, c := range cases {
		got, err := Make(c.title, c.options)
		if err != nil || got != c.want {
			t.Errorf("Make(%q) = %q, %v; want %q", c.title, got, err, c.want)
		}
	}
}

func TestMakeEmpty(t *testing.T) {
	if _, err := Make("?!", Options{}); err != ErrEmpty {
		t.Errorf("want ErrEmpty, got %v", err)
	}
}

func TestRegistry(t *testing.T) {
	registry := NewRegistry()
	if _, err := registry.Take("Hello", Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Take("hello!", Options{}); err == nil {
		t.Error("the second one should be refused")
	}
	if registry.Len() != 1 {
		t.Errorf("Len() = %d", registry.Len())
	}
}
