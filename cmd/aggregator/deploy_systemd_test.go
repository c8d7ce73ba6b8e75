package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unitFile is a unit of systemd: the values of each key of each section.
type unitFile map[string]map[string][]string

func readUnit(t *testing.T, name string) unitFile {
	t.Helper()
	unit, section := unitFile{}, ""
	for line := range strings.Lines(readDeploy(t, name)) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
			unit[section] = map[string][]string{}
		case !ok:
			t.Fatalf("%s: %q is no setting", name, line)
		default:
			unit[section][key] = append(unit[section][key], value)
		}
	}
	return unit
}

// TestUnit checks that the unit runs the program as the program is called, and
// gives it what it needs.
func TestUnit(t *testing.T) {
	t.Parallel()
	s := readUnit(t, "aggregator.service")["Service"]
	for key, want := range map[string]string{
		"Type": "exec", "Restart": "always", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
		"CapabilityBoundingSet": "", "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "ExecReload": "/bin/kill -HUP $MAINPID",
		"SystemCallErrorNumber": "EPERM", "UMask": "0077",
	} {
		if got := s[key]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	first := func(key string) string {
		if len(s[key]) == 0 {
			t.Fatalf("no %s", key)
		}
		return s[key][0]
	}
	args := strings.Fields(first("ExecStart"))
	set := parsed(t, "ExecStart", args[1:], strings.Fields(first("Environment")))
	enoughToStop(t, "aggregator.service", flagOf(t, set, "drain"), first("TimeoutStopSec"))
	if admin := flagOf(t, set, "admin"); !strings.HasPrefix(admin, "unix:/run/"+first("RuntimeDirectory")+"/") {
		t.Errorf("--admin %s is not in the unit's folder of /run", admin)
	}
	if at, want := first("WorkingDirectory"), "/var/lib/"+first("StateDirectory"); at != want {
		t.Errorf("works in %s, want %s", at, want)
	}
	for _, key := range []string{"LoadCredential", "SetCredential"} {
		name, value, _ := strings.Cut(first(key), ":")
		if set.Lookup(name) == nil {
			t.Errorf("%s: the program has no --%s", key, name)
		}
		if key == "SetCredential" && !strings.HasPrefix(value, "sqlite:"+first("WorkingDirectory")+"/") {
			t.Errorf("the store is %s, want a file in the unit's folder", value)
		}
	}
	install := snippets(t, "docs/operating.md", "sh")[0]
	for _, file := range []string{"-t " + filepath.Dir(args[0]) + " bin/aggregator", "deploy/aggregator.service /etc/systemd/system/aggregator.service", "deploy/aggregator.sysusers /etc/sysusers.d/aggregator.conf", "--group=" + first("Group") + " /etc/" + first("ConfigurationDirectory")} {
		if !strings.Contains(install, " "+file+"\n") {
			t.Errorf("docs/operating.md does not install %s", file)
		}
	}
	kind, user := "", ""
	for line := range strings.Lines(readDeploy(t, "aggregator.sysusers")) {
		if f := strings.Fields(line); len(f) > 1 && f[0] != "#" {
			kind, user = f[0], f[1]
		}
	}
	if kind != "u" || user != first("User") || user != first("Group") {
		t.Errorf("the unit runs as %s:%s, sysusers makes %s %s", first("User"), first("Group"), kind, user)
	}
}

// maxExposure is how exposed the unit may be by systemd's own measure, from 0
// (not at all) to 100.
const maxExposure = "20"

// TestUnitVerified has systemd check the unit, and judge how much it leaves open.
func TestUnitVerified(t *testing.T) {
	t.Parallel()
	verifyUnit(t, readDeploy(t, "aggregator.service"))
}

// TestUnitWithLowPort has systemd check the unit with what docs/operating.md adds
// for a port below 1024.
func TestUnitWithLowPort(t *testing.T) {
	t.Parallel()
	more := snippets(t, "docs/operating.md", "ini")[0]
	verifyUnit(t, readDeploy(t, "aggregator.service")+"\n"+more)
	if !strings.Contains(more, "AmbientCapabilities=CAP_NET_BIND_SERVICE\n") || !strings.Contains(more, "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n") || !strings.Contains(more, "PrivateUsers=no\n") {
		t.Errorf("that gives no capability outside of a user namespace: %s", more)
	}
}

func verifyUnit(t *testing.T, text string) {
	t.Helper()
	tool := lookFor(t, "systemd-analyze", "systemd")
	self, err := os.Executable() // there, and can be run
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "aggregator.service")
	text = strings.ReplaceAll(text, "ExecStart=/usr/local/bin/aggregator", "ExecStart="+self)
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", "--man=no", unit}, {"security", "--offline=true", "--threshold=" + maxExposure, unit}} {
		out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestSysusers has systemd read the file of the user.
func TestSysusers(t *testing.T) {
	t.Parallel()
	tool := lookFor(t, "systemd-sysusers", "systemd")
	file, err := filepath.Abs(filepath.Join(deployFolder, "aggregator.sysusers"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(root, "aggregator.conf")
	if err := os.WriteFile(conf, []byte(readText(t, file)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, "--root="+root, conf).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if users := readText(t, filepath.Join(root, "etc/passwd")); !strings.HasPrefix(users, "aggregator:x:") || !strings.Contains(users, ":/var/lib/aggregator:") {
		t.Errorf("made %q", users)
	}
}
