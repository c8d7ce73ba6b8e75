package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aggregator/internal/testkit"
)

// composeFile is a compose file; a key that stands here for nothing is a mistake.
type composeFile struct {
	Name     string
	Services map[string]composeService
	Networks map[string]struct {
		Internal   bool
		EnableIPv6 bool `json:"enable_ipv6"`
		IPAM       struct{ Config []struct{ Subnet string } }
	}
	Volumes map[string]any
	Secrets map[string]struct{ File string }
}

type composeService struct {
	Build          struct{ Context, Dockerfile string }
	Image          string
	Restart        string
	DependsOn      map[string]struct{ Condition string } `json:"depends_on"`
	Command        []string
	User           string
	Environment    map[string]string
	Ports, Volumes []string
	Secrets        []string
	Networks       json.RawMessage
	Healthcheck    *struct {
		Test              []string
		Interval, Timeout string
		StartPeriod       string `json:"start_period"`
	}
	ReadOnly        bool     `json:"read_only"`
	CapDrop         []string `json:"cap_drop"`
	CapAdd          []string `json:"cap_add"`
	SecurityOpt     []string `json:"security_opt"`
	MemLimit        string   `json:"mem_limit"`
	PidsLimit       int      `json:"pids_limit"`
	Ulimits         struct{ Nofile int }
	StopGracePeriod string `json:"stop_grace_period"`
	Logging         struct {
		Driver  string
		Options map[string]string
	}
}

// networks returns the names of a service's networks, and its addresses there.
func (s composeService) networks(t *testing.T) (names []string, addresses []string) {
	t.Helper()
	if len(s.Networks) == 0 || json.Unmarshal(s.Networks, &names) == nil {
		return names, nil
	}
	var with map[string]map[string]string
	if err := json.Unmarshal(s.Networks, &with); err != nil {
		t.Fatal(err)
	}
	for name, settings := range with {
		names = append(names, name)
		addresses = append(addresses, settings["ipv4_address"], settings["ipv6_address"])
	}
	return names, addresses
}

// instruction is one of a Dockerfile.
type instruction struct{ word, rest string }

// dockerfile returns the instructions of each stage.
func dockerfile(t *testing.T) (stages [][]instruction) {
	t.Helper()
	for line := range strings.Lines(readDeploy(t, "Dockerfile")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if word == "FROM" {
			stages = append(stages, nil)
		}
		stages[len(stages)-1] = append(stages[len(stages)-1], instruction{word, rest})
	}
	return stages
}

// only returns what the one instruction of a word says.
func only(t *testing.T, stage []instruction, word string) string {
	t.Helper()
	var all []string
	for _, i := range stage {
		if i.word == word {
			all = append(all, i.rest)
		}
	}
	if len(all) != 1 {
		t.Fatalf("%d times %s, want once: %q", len(all), word, all)
	}
	return all[0]
}

// asArray returns a command in the form of a JSON array.
func asArray(t *testing.T, text string) (all []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &all); err != nil || len(all) == 0 {
		t.Fatalf("%s is not a command as an array: %v", text, err)
	}
	return all
}

// TestDockerfile checks that the image runs the program as the program is called,
// as no privileged user, with what a static binary finds in no system.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	wantInHeader(t, "Dockerfile")
	stages := dockerfile(t)
	if len(stages) != 2 {
		t.Fatalf("%d stages, want one that builds and one that runs", len(stages))
	}
	build, final := stages[0], stages[1]

	wants := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(readText(t, "../../go.mod"))
	if from := only(t, build, "FROM"); !regexp.MustCompile(` golang:` + regexp.QuoteMeta(wants[1]) + `\.\d+-alpine AS build$`).MatchString(from) {
		t.Errorf("built in %s, want a pinned image of Go %s, which go.mod asks for", from, wants[1])
	}
	if from := only(t, final, "FROM"); from != "scratch" {
		t.Errorf("runs in %s, want scratch", from)
	}
	entry := asArray(t, only(t, final, "ENTRYPOINT"))
	var copied []string
	for _, i := range final {
		if i.word == "COPY" {
			to := strings.Fields(i.rest)
			copied = append(copied, to[len(to)-1])
		}
	}
	for _, file := range []string{entry[0], "/etc/ssl/certs/ca-certificates.crt", strings.TrimPrefix(only(t, final, "ENV"), "ZONEINFO="), only(t, final, "VOLUME")} {
		if !slices.Contains(copied, file) {
			t.Errorf("the image lacks %s: %q", file, copied)
		}
	}
	if user := only(t, final, "USER"); !regexp.MustCompile(`^[1-9]\d+:[1-9]\d+$`).MatchString(user) || !strings.Contains(readDeploy(t, "Dockerfile"), "--chown="+user+" /out/data /data") {
		t.Errorf("runs as %s, want a user by number, who owns the volume", user)
	}
	if at, volume := only(t, final, "WORKDIR"), only(t, final, "VOLUME"); at != volume {
		t.Errorf("works in %s, want the volume %s, for the default store is a file there", at, volume)
	}
	runs := parsed(t, "CMD", asArray(t, only(t, final, "CMD")), nil)
	if got, want := ":"+only(t, final, "EXPOSE"), flagOf(t, runs, "listen"); got != want {
		t.Errorf("exposes %s, listens on %s", got, want)
	}
	if store := flagOf(t, runs, "store"); store != "sqlite:"+path.Base(store[len("sqlite:"):]) {
		t.Errorf("the store %s is not a file in the working folder", store)
	}
	_, check, _ := strings.Cut(only(t, final, "HEALTHCHECK"), "CMD ")
	asks := asArray(t, check)
	if asks[0] != entry[0] {
		t.Errorf("health is asked by %s, want %s", asks[0], entry[0])
	}
	parsed(t, "HEALTHCHECK", asks[1:], nil)

	zones, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(strings.TrimSpace(string(zones)), "lib/time/zoneinfo.zip")); err != nil {
		t.Errorf("Go has no time zones where the image takes them from: %v", err)
	}
}

// TestDockerignore checks that every file of the program gets into the build.
func TestDockerignore(t *testing.T) {
	t.Parallel()
	var patterns []*regexp.Regexp
	for line := range strings.Lines(readDeploy(t, "Dockerfile.dockerignore")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			expr := strings.ReplaceAll(regexp.QuoteMeta(line), `\*\*/`, `(?:.*/)?`)
			patterns = append(patterns, regexp.MustCompile("^"+strings.ReplaceAll(expr, `\*`, `[^/]*`)+"(?:/|$)"))
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
		`{{if and .Module .Module.Main}}{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{end}}`, ".")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files := append(strings.Fields(string(out)), filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum"))
	for _, file := range files {
		name, _ := filepath.Rel(root, file)
		for _, p := range patterns {
			if p.MatchString(filepath.ToSlash(name)) {
				t.Errorf("%s is left out of the build by %s", name, p)
			}
		}
	}
	if len(files) < 100 {
		t.Errorf("the program has %d files, want all of them", len(files))
	}
}

// secretsOf returns a folder with a file for each secret of a compose file, and a
// service's environment that finds them there.
func secretsOf(t *testing.T, f composeFile, s composeService) (env []string) {
	t.Helper()
	folder := t.TempDir()
	for name := range f.Secrets {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("redis://:secret@redis:6379/0\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range s.Environment {
		if secret, ok := strings.CutPrefix(value, "/run/secrets/"); ok {
			if !slices.Contains(s.Secrets, secret) {
				t.Errorf("%s is %s, which the service is not given", name, value)
			}
			value = filepath.Join(folder, secret)
		}
		env = append(env, name+"="+value)
	}
	return env
}

var pinned = regexp.MustCompile(`^[a-z/]+:\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$`)

// TestCompose checks what holds for every service of the compose files.
func TestCompose(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"compose.yaml", "compose.single.yaml"} {
		var f composeFile
		readYAML(t, name, &f)
		for service, s := range f.Services {
			where := name + ": " + service
			if built := s.Build.Dockerfile != ""; !built && !pinned.MatchString(s.Image) || built && s.Build.Dockerfile != "deploy/Dockerfile" {
				t.Errorf("%s: image %q, want one of a version, or deploy/Dockerfile", where, s.Image)
			}
			if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
				t.Errorf("%s may do more than it must", where)
			}
			if s.MemLimit == "" || s.PidsLimit == 0 || s.Restart != "unless-stopped" || s.Logging.Options["max-size"] == "" {
				t.Errorf("%s has no bounds, or does not come back", where)
			}
			if s.Healthcheck == nil && s.Build.Dockerfile == "" {
				t.Errorf("%s: its health is not looked at", where)
			}
			for _, secret := range s.Secrets {
				if _, ok := f.Secrets[secret]; !ok {
					t.Errorf("%s: there is no secret %s", where, secret)
				}
			}
			for _, v := range s.Volumes {
				if from, _, _ := strings.Cut(v, ":"); !strings.HasPrefix(from, "./") {
					if _, ok := f.Volumes[from]; !ok {
						t.Errorf("%s: there is no volume %s", where, from)
					}
				}
			}
			names, _ := s.networks(t)
			for _, n := range names {
				if _, ok := f.Networks[n]; !ok {
					t.Errorf("%s: there is no network %s", where, n)
				}
			}
			for other, on := range s.DependsOn {
				if o, ok := f.Services[other]; !ok || on.Condition != "service_healthy" || o.Healthcheck == nil && o.Build.Dockerfile == "" {
					t.Errorf("%s waits for %s to be %s", where, other, on.Condition)
				}
			}
			if s.Build.Dockerfile != "" {
				set := parsed(t, where, []string{"serve"}, secretsOf(t, f, s))
				enoughToStop(t, where, flagOf(t, set, "drain"), s.StopGracePeriod)
				if s.Ulimits.Nofile < 20_000 {
					t.Errorf("%s: %d descriptors", where, s.Ulimits.Nofile)
				}
			}
		}
	}
}

// TestComposeSingle checks that the service is reached from this machine alone,
// and keeps its file.
func TestComposeSingle(t *testing.T) {
	t.Parallel()
	var f composeFile
	readYAML(t, "compose.single.yaml", &f)
	wantInHeader(t, "compose.single.yaml")
	s := f.Services["aggregator"]
	final := dockerfile(t)[1]
	if want := "127.0.0.1:8080:" + only(t, final, "EXPOSE"); !slices.Equal(s.Ports, []string{want}) {
		t.Errorf("ports %q, want %q", s.Ports, want)
	}
	if want := "data:" + only(t, final, "VOLUME"); !slices.Equal(s.Volumes, []string{want}) {
		t.Errorf("volumes %q, want %q", s.Volumes, want)
	}
	// What may be taken in must be right too.
	for line := range strings.Lines(readDeploy(t, "compose.single.yaml")) {
		name, value, ok := strings.Cut(strings.TrimLeft(strings.TrimSpace(line), "# "), ": ")
		if ok && strings.HasPrefix(name, variablePrefix) {
			parsed(t, "compose.single.yaml", []string{"serve"}, []string{name + "=" + value})
		}
	}
}

// TestComposeReplicas checks that the replicas are the same, share the Redis, and
// believe the proxy alone.
func TestComposeReplicas(t *testing.T) {
	t.Parallel()
	var f composeFile
	readYAML(t, "compose.yaml", &f)
	wantInHeader(t, "compose.yaml")
	one, two := f.Services["aggregator-1"], f.Services["aggregator-2"]
	if !reflect.DeepEqual(one, two) {
		t.Errorf("the replicas differ:\n%+v\n%+v", one, two)
	}
	set := parsed(t, "aggregator-1", []string{"serve"}, secretsOf(t, f, one))
	var trusted prefixes
	if err := trusted.Set(one.Environment["AGGREGATOR_TRUSTED_PROXIES"]); err != nil {
		t.Fatal(err)
	}
	_, addresses := f.Services["caddy"].networks(t)
	var believed []string
	for _, p := range trusted {
		if !p.IsSingleIP() {
			t.Errorf("%s is trusted, want addresses alone", p)
		}
		believed = append(believed, p.Addr().String())
	}
	if !slices.Equal(believed, addresses) {
		t.Errorf("the replicas believe %q, Caddy has %q", believed, addresses)
	}
	for _, a := range addresses {
		if !slices.ContainsFunc(f.Networks["front"].IPAM.Config, func(c struct{ Subnet string }) bool {
			return netip.MustParsePrefix(c.Subnet).Contains(netip.MustParseAddr(a))
		}) {
			t.Errorf("%s is in no subnet of its network", a)
		}
	}
	if caddy := f.Services["caddy"]; !slices.Contains(caddy.Volumes, "./Caddyfile:/etc/caddy/Caddyfile:ro") || caddy.Environment["SITE_ADDRESS"] == "" {
		t.Errorf("Caddy is not given the Caddyfile and its address: %+v", caddy)
	}
	for name, s := range f.Services {
		if name != "caddy" && len(s.Ports) > 0 {
			t.Errorf("%s is reached from outside: %q", name, s.Ports)
		}
	}
	if names, _ := f.Services["redis"].networks(t); !slices.Equal(names, []string{"back"}) || !f.Networks["back"].Internal {
		t.Errorf("Redis is in the networks %q, which others are in too", names)
	}
	var scraped struct {
		Global        map[string]string
		RuleFiles     []string `json:"rule_files"`
		ScrapeConfigs []struct {
			JobName       string                       `json:"job_name"`
			StaticConfigs []struct{ Targets []string } `json:"static_configs"`
		} `json:"scrape_configs"`
	}
	readYAML(t, "prometheus/prometheus.yaml", &scraped)
	if !slices.Equal(scraped.RuleFiles, []string{"rules.yaml"}) || scraped.ScrapeConfigs[0].JobName != "aggregator" {
		t.Errorf("%+v", scraped)
	}
	metrics := flagOf(t, set, "metrics")
	if got, want := scraped.ScrapeConfigs[0].StaticConfigs[0].Targets, []string{"aggregator-1" + metrics, "aggregator-2" + metrics}; !slices.Equal(got, want) {
		t.Errorf("Prometheus scrapes %q, the replicas serve metrics at %q", got, want)
	}
	listen := flagOf(t, set, "listen")
	if upstreams := "aggregator-1" + listen + " aggregator-2" + listen; !strings.Contains(readDeploy(t, "Caddyfile"), "reverse_proxy "+upstreams+" {") {
		t.Errorf("the Caddyfile does not lead to %s", upstreams)
	}
}

// TestComposeRedis runs Redis as the compose file does, and asks it how it is and
// what it keeps.
func TestComposeRedis(t *testing.T) {
	t.Parallel()
	var f composeFile
	readYAML(t, "compose.yaml", &f)
	s := f.Services["redis"]
	if got := slices.Sorted(maps.Keys(f.Secrets)); !slices.Equal(got, []string{"redis.conf", "store"}) {
		t.Fatalf("secrets %q", got)
	}
	server := lookFor(t, "redis-server", "redis-server")
	lookFor(t, "redis-cli", "redis-tools")
	conf := write(t, "redis.conf", "requirepass the-password\n")
	port := freePort(t)
	at := strings.NewReplacer("/run/secrets/redis.conf", conf, "/data", t.TempDir(), "redis-cli ", "redis-cli -p "+port+" ", "$$", "$")
	args := append(strings.Split(at.Replace(strings.Join(s.Command, "\x00")), "\x00")[1:], "--port", port, "--bind", "127.0.0.1")
	cmd := exec.CommandContext(t.Context(), server, args...)
	var out testkit.Log // safe to read while it is written
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	testkit.Eventually(t, func() error {
		if s.Healthcheck.Test[0] != "CMD-SHELL" {
			return fmt.Errorf("%q", s.Healthcheck.Test)
		}
		said, err := exec.CommandContext(t.Context(), "sh", "-c", at.Replace(s.Healthcheck.Test[1])).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s%s", err, said, out.String())
		}
		return nil
	})
	for setting, want := range map[string]string{"appendonly": "yes", "maxmemory-policy": "noeviction", "maxmemory": "268435456", "save": ""} {
		ask := exec.CommandContext(t.Context(), "redis-cli", "-p", port, "config", "get", setting)
		ask.Env = append(os.Environ(), "REDISCLI_AUTH=the-password")
		if said, err := ask.Output(); err != nil || strings.TrimSpace(string(said)) != strings.TrimSpace(setting+"\n"+want) {
			t.Errorf("%s: got %q, %v, want %q", setting, said, err, want)
		}
	}
	unhealthy := strings.ReplaceAll(at.Replace(s.Healthcheck.Test[1]), "-p "+port, "-p "+freePort(t))
	if exec.CommandContext(t.Context(), "sh", "-c", unhealthy).Run() == nil {
		t.Errorf("%s says that a Redis is well that is not there", unhealthy)
	}
}

// freePort returns a port of loopback on which nothing listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
