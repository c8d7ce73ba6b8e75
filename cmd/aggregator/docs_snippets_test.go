package main

import (
	"os/exec"
	"strings"
	"testing"

	"aggregator/internal/testkit"
)

// TestSnippetsOfOneProcess runs what docs/compatibility.md has for bots of one
// process, with what stands around such a function in a bot.
func TestSnippetsOfOneProcess(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ language, runtime, file, before, after string }{
		{"js", "node", "bot.mjs",
			"const client = { user: { id: \"123456789012345678\" }, guilds: { cache: { size: 5 } } };\nglobalThis.setInterval = () => {};\n",
			"await postCount();\n"},
		{"python", "python3", "bot.py",
			"import asyncio, os\nfrom types import SimpleNamespace\nimport aiohttp\nfrom discord.ext import tasks\n" +
				"bot = SimpleNamespace(user=SimpleNamespace(id=123456789012345678), guilds=[0] * 5)\n",
			"async def main():\n    await post_count.start()\nasyncio.run(main())\n"},
	} {
		t.Run(row.language, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(row.runtime); err != nil {
				t.Skipf("NOT TESTED: no %s", row.runtime)
			}
			r := newRig(t)
			s := r.boot(t)
			text := snippets(t, "docs/compatibility.md", row.language)[0]
			text = strings.Replace(tokenLine.ReplaceAllString(text, `"array.test"$1`), "http://localhost:8080", s.Base, 1)
			cmd := exec.CommandContext(t.Context(), row.runtime, write(t, row.file, row.before+text+row.after))
			cmd.Env = append(cmd.Environ(), "TOPGG_TOKEN=s3cret", "PYTHONPATH="+standIns(t, "python"), "PYTHONDONTWRITEBYTECODE=1")
			e := testkit.RunToEnd(t, cmd)
			if e.Code != 0 || !strings.Contains(e.Out, "200 {\"success\":{\"array.test\":[200,") {
				t.Errorf("ended with %d, and printed %s%s", e.Code, e.Out, e.ErrOut)
			}
			if asked := r.Only(t); asked.Header.Get("Authorization") != "s3cret" {
				t.Errorf("the list was sent %+v", asked)
			}
		})
	}
}
