package web

import (
	"encoding/json"
	"strings"
)

// language is one in which examples are shown.
type language struct {
	Key, Label string
	write      func(apiExample) string
}

// exampleLanguages are those of examples; the first is shown unless another is chosen.
var exampleLanguages = []language{
	{"curl", "curl", curlExample},
	{"js", "JavaScript", jsExample},
	{"python", "Python", pythonExample},
	{"go", "Go", goExample},
}

// chosenLanguage returns the language with a key, or the first.
func chosenLanguage(key string) language {
	for _, l := range exampleLanguages {
		if l.Key == key {
			return l
		}
	}
	return exampleLanguages[0]
}

// apiExample is a request as examples show it.
type apiExample struct {
	method, url string
	body        string // JSON without false and null, which languages write otherwise; "" for none
	keyed       bool   // the bot's key is shown
}

// examplePath is what stands for the parameters of a path.
func examplePath(path, list string) string {
	if strings.HasPrefix(path, "/api/lists/") {
		return strings.NewReplacer("{id}", list).Replace(path)
	}
	return strings.NewReplacer("{id}", exampleBot, "{bot}", exampleBot, "{user}", "876543210987654321", "{list}", list, "{name}", "someone").Replace(path)
}

func curlExample(e apiExample) string {
	var b strings.Builder
	b.WriteString("curl ")
	if e.method != "GET" && (e.method != "POST" || e.body == "") {
		b.WriteString("-X " + e.method + " ")
	}
	if e.keyed {
		b.WriteString(`-H "Authorization: Bearer $KEY" `)
	}
	if e.body != "" {
		b.WriteString("-d " + quoted(e.body) + " ")
	}
	return b.String() + quoted(e.url)
}

func jsExample(e apiExample) string {
	var options []string
	if e.method != "GET" {
		options = append(options, "method: "+quoteJSON(e.method))
	}
	if e.keyed {
		options = append(options, "headers: { Authorization: `Bearer ${process.env.KEY}` }")
	}
	if e.body != "" {
		options = append(options, "body: JSON.stringify("+e.body+")")
	}
	call := quoteJSON(e.url)
	if len(options) > 0 {
		call += ", {\n  " + strings.Join(options, ",\n  ") + ",\n}"
	}
	return "const answer = await fetch(" + call + ");\nconsole.log(answer.status, await answer.text());"
}

func pythonExample(e apiExample) string {
	imports, options := []string{"urllib.request"}, []string{"    " + quoteJSON(e.url)}
	if e.body != "" {
		imports = append([]string{"json"}, imports...)
		literal := strings.ReplaceAll(e.body, ":true", ":True")
		options = append(options, "    data=json.dumps("+literal+").encode()")
	}
	if e.keyed {
		imports = append([]string{"os"}, imports...)
		options = append(options, `    headers={"Authorization": "Bearer " + os.environ["KEY"]}`)
	}
	if e.method != "GET" {
		options = append(options, "    method="+quoteJSON(e.method))
	}
	return "import " + strings.Join(imports, ", ") + "\n\nrequest = urllib.request.Request(\n" + strings.Join(options, ",\n") + ",\n)\n" +
		"with urllib.request.urlopen(request) as answer:\n    print(answer.status, answer.read().decode())"
}

func goExample(e apiExample) string {
	body := "nil"
	if e.body != "" {
		body = "strings.NewReader(`" + e.body + "`)"
	}
	lines := []string{
		"request, err := http.NewRequest(" + quoteJSON(e.method) + ", " + quoteJSON(e.url) + ", " + body + ")",
		"if err != nil {\n\treturn err\n}",
	}
	if e.keyed {
		lines = append(lines, `request.Header.Set("Authorization", "Bearer "+os.Getenv("KEY"))`)
	}
	return strings.Join(append(lines,
		"answer, err := http.DefaultClient.Do(request)",
		"if err != nil {\n\treturn err\n}",
		"defer answer.Body.Close()",
		"_, err = io.Copy(os.Stdout, answer.Body)",
		"return err"), "\n")
}

// exampleBody returns an example with a list that there is, in one line.
func exampleBody(body, list string) string {
	if body == "" {
		return ""
	}
	var all members
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		return body
	}
	parts := make([]string, len(all))
	for i, m := range all {
		key := m.Key
		if key == "list.example" {
			key = list
		}
		parts[i] = quoteJSON(key) + ": " + string(m.Value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
