// Package slug makes identifiers for addresses out of titles.
package slug

import (
	"errors"
	"strings"
	"unicode"
)

// Errors of Make.
var (
	ErrEmpty = errors.New("slug: nothing is left")
)

// Options say how a slug is made.
type Options struct {
	// Separator stands between words; a dash if empty.
	Separator string
	// MaxLength cuts the slug at a word, if it is not 0.
	MaxLength int
}

var replacements = map[rune]string{
	'ä': "ae",
	'ö': "oe",
	'ü': "ue",
	'ß': "ss",
}

// Make gives the slug of a title.
func Make(title string, options Options) (string, error) {
	separator := options.Separator
	if separator == "" {
		separator = "-"
	}
	words := Words(title)
	slug := strings.Join(words, separator)
	if options.MaxLength > 0 {
		slug = cut(slug, options.MaxLength, separator)
	}
	if slug == "" {
		return "", ErrEmpty
	}
	return slug, nil
}

// Words gives the words of a title, in lower case and plain letters.
func Words(title string) []string {
	var words []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	for _, r := range strings.ToLower(title) {
		switch {
		case replacements[r] != "":
			word.WriteString(replacements[r])
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			word.WriteRune(r)
		default:
			flush()
		}
	}
	flush()
	return words
}

func cut(slug string, max int, separator string) string {
	if len(slug) <= max {
		return slug
	}
	slug = slug[:max+1]
	at := strings.LastIndex(slug, separator)
	if at < 0 {
		return slug[:max]
	}
	return slug[:at]
}

// Registry keeps the slugs that are taken.
type Registry struct {
	taken map[string]bool
}

// NewRegistry gives an empty registry.
func NewRegistry() *Registry {
	return &Registry{
		taken: map[string]bool{},
	}
}

// Take gives the slug of a title and keeps it; a second one of the same title is an error.
func (r *Registry) Take(title string, options Options) (string, error) {
	slug, err := Make(title, options)
	if err != nil {
		return "", err
	}
	if r.taken[slug] {
		return "", errors.New("slug: " + slug + " is taken")
	}
	r.taken[slug] = true
	return slug, nil
}

// Len tells how many slugs are taken.
func (r *Registry) Len() int {
	return len(r.taken)
}
