package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// read finds the fields in a request, by their dotted paths.
func (f *fields) read(h http.Header, body []byte, query url.Values) (map[string]any, error) {
	switch f.encoding {
	case "query":
		if len(body) > 0 || len(h.Values("Content-Type")) > 0 {
			return nil, refuse(http.StatusUnsupportedMediaType, "The query holds the fields; there must be no body")
		}
		return f.readText(query)
	case "form":
		if err := checkContentType(h, "application/x-www-form-urlencoded"); err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "Body is no form")
		}
		if err := nothingIn(query); err != nil {
			return nil, err
		}
		return f.readText(form)
	}
	if err := checkContentType(h, "application/json"); err != nil {
		return nil, err
	}
	if err := nothingIn(query); err != nil {
		return nil, err
	}
	v, err := decode(body)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "Body cannot be read: %v", err)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, refuse(http.StatusBadRequest, "Body must be a JSON object")
	}
	found := map[string]any{}
	return found, f.flatten(object, "", found)
}

func checkContentType(h http.Header, want string) error {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset, given := params["charset"]
	if err != nil || kind != want || given && !strings.EqualFold(charset, "utf-8") {
		return refuse(http.StatusUnsupportedMediaType, "Content-Type must be %s", want)
	}
	return nil
}

func nothingIn(query url.Values) error {
	for _, name := range sortedKeys(query) {
		return refuse(http.StatusBadRequest, "Query parameter %q is not known", name)
	}
	return nil
}

func (f *fields) readText(all url.Values) (map[string]any, error) {
	found := map[string]any{}
	for _, name := range sortedKeys(all) {
		switch {
		case !f.known[name]:
			return nil, refuse(http.StatusBadRequest, "Field %q is not known", name)
		case len(all[name]) > 1:
			return nil, refuse(http.StatusBadRequest, "Field %q is there twice", name)
		}
		found[name] = all[name][0]
	}
	return found, nil
}

// flatten gathers the values of an object by their paths.
func (f *fields) flatten(object map[string]any, around string, found map[string]any) error {
	for _, key := range sortedKeys(object) {
		path, v := around+key, object[key]
		inner, isObject := v.(map[string]any)
		isField, known := f.known[path]
		switch {
		case !known || strings.Contains(key, "."): // a name with dots nests
			return refuse(http.StatusBadRequest, "Field %q is not known", path)
		case v == nil:
			return refuse(http.StatusBadRequest, "Field %q must not be null", path)
		case isField:
			found[path] = v
		case !isObject:
			return refuse(http.StatusBadRequest, "Field %q must be an object", path)
		default:
			if err := f.flatten(inner, path+".", found); err != nil {
				return err
			}
		}
	}
	return nil
}

// decode reads JSON strictly: numbers as they are written, no key twice.
func decode(b []byte) (any, error) {
	if !json.Valid(b) || !utf8.Valid(b) {
		return nil, errors.New("it is no JSON in UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	return decodeNext(dec)
}

func decodeNext(dec *json.Decoder) (any, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		object := map[string]any{}
		for dec.More() {
			t, err := dec.Token()
			if err != nil {
				return nil, err
			}
			key, _ := t.(string)
			if _, twice := object[key]; twice {
				return nil, fmt.Errorf("it holds %q twice", key)
			}
			if object[key], err = decodeNext(dec); err != nil {
				return nil, err
			}
		}
		_, err = dec.Token()
		return object, err
	case json.Delim('['):
		array := []any{}
		for dec.More() {
			item, err := decodeNext(dec)
			if err != nil {
				return nil, err
			}
			array = append(array, item)
		}
		_, err = dec.Token()
		return array, err
	}
	return t, nil
}
