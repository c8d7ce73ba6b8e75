# Each target's comment is its help: `make` lists them.

GO = go
FUZZTIME = 20s
SOAK = 2
ATTACK = 10s

# Commands that the tests use beyond Go; .ci/setup installs what is missing.
# gcc is for the race detector, redis-server for the store of several replicas,
# chromium for the pages. Not installed, but used where they are there: nginx,
# caddy, promtool and systemd-analyze, which hold the files of deploy.
TEST_NEEDS = gcc redis-server chromium

.PHONY: help build test lint demo check schema fuzz bench baseline soak attack screenshots release release-check clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s  %s\n", $$1, $$2 }' Makefile

build: ## build bin/aggregator, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/aggregator ./cmd/aggregator

test: ## vet, then run all tests in random order under the race detector
	@.ci/setup $(TEST_NEEDS)
	$(GO) vet ./...
	@set -- -shuffle=on ./...; \
	if command -v gcc >/dev/null; then set -- -race "$$@"; else \
		echo "WARNING: no gcc, so the tests run WITHOUT the race detector" >&2; fi; \
	echo "$(GO) test $$*"; $(GO) test "$$@"

# Not here: govulncheck, whose database at vuln.go.dev has to be fetched. Where
# that can be had: go run golang.org/x/vuln/cmd/govulncheck@latest ./...
lint: ## check format, errors, complexity, comments and who imports whom (.golangci.yml), go.mod, and types on other systems
	$(GO) mod tidy -diff
	$(GO) test -run '^TestOtherSystems$$' ./internal/release
	$(GO) tool -modfile=.ci/tools/go.mod golangci-lint run ./...

demo: build ## run the service against a sandbox of every list
	bin/aggregator demo

check: build ## check the built-in lists and legacy ids
	bin/aggregator check

schema: ## write the JSON Schemas in docs anew
	UPDATE=1 $(GO) test -count=1 -run '^TestSchemaFile$$' ./catalog ./agent

fuzz: ## run every fuzz target for FUZZTIME (20s) each
	@list=$$($(GO) test -list '^Fuzz' ./...) || { echo "$$list"; exit 1; }; \
	echo "$$list" | awk '/^Fuzz/ { name[++n] = $$1 } $$1 == "ok" { for (i = 1; i <= n; i++) print $$2, name[i]; n = 0 }' | \
	while read -r package target; do \
		echo "$(GO) test -run ^$$ -fuzz ^$$target$$ -fuzztime $(FUZZTIME) $$package"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" </dev/null || exit 1; \
	done

BENCH = $(GO) test -run '^$$' -bench . -benchmem -benchtime 0.1s -count 6 -p 1 ./...
BASELINE = docs/benchmarks.txt

bench: ## run every benchmark and compare with docs/benchmarks.txt
	@mkdir -p bin
	$(BENCH) >bin/benchmarks.txt || { cat bin/benchmarks.txt; exit 1; }
	$(GO) tool -modfile=.ci/tools/go.mod benchstat $(BASELINE) bin/benchmarks.txt

# Only figures of one machine compare. The file's first lines say which it was.
baseline: ## write docs/benchmarks.txt anew, on a machine that does nothing else
	@mkdir -p bin
	$(BENCH) >bin/benchmarks.txt || { cat bin/benchmarks.txt; exit 1; }
	@{ echo "# $$(date -u +%F), $$($(GO) env GOVERSION), $$(nproc) processors, $$(uname -sr), at $$(git describe --always --dirty)"; grep -v '^\(PASS\|ok\|?\)' bin/benchmarks.txt; } >$(BASELINE)

soak: ## run the program for SOAK (2) minutes under load and faults, then look for leaks; wait out slow callers
	SOAK=$(SOAK) $(GO) test -count=1 -timeout 0 -v -run '^Test(Overload|HangingListUnderLoad|SlowCallers|Soak|KillVotes|ManyVotesWait|VotesOnOneCore)$$' ./cmd/aggregator

attack: ## attack the program, each way for ATTACK (10s), beside callers who must be served within 2 s
	ATTACK=$(ATTACK) $(GO) test -count=1 -timeout 0 -v -run '^TestAttacks$$' ./cmd/aggregator

SCREENSHOTS = $(CURDIR)/bin/screenshots

screenshots: ## take a picture of every page, over the sandbox, into SCREENSHOTS (bin/screenshots)
	@.ci/setup chromium
	SCREENSHOTS=$(SCREENSHOTS) $(GO) test -count=1 -run '^TestScreenshots$$' ./web/browsertest

# The version is that of the tag, or VERSION. TARGETS are the systems to build for,
# such as "linux/amd64 windows/arm64".
RELEASE = $(GO) run ./internal/release $(if $(VERSION),-version '$(VERSION)') $(if $(TARGETS),-targets '$(TARGETS)')

release: ## build and pack the program for each system into bin/release, with checksums
	$(RELEASE) -out bin/release

# From what is committed, in another folder, and with nothing compiled before.
release-check: ## make the release again elsewhere, and check that every byte is the same
	@[ -z "$$(git status --porcelain)" ] || { echo "what is not committed would differ:" >&2; git status --short >&2; exit 1; }
	$(RELEASE) -out bin/release
	@elsewhere=$$(mktemp -d); trap 'rm -rf "$$elsewhere"' EXIT; \
	git clone -q . "$$elsewhere/a/clone" && cd "$$elsewhere/a/clone" && \
	GOCACHE="$$elsewhere/cache" $(RELEASE) -out ../release && \
	diff -u "$(CURDIR)/bin/release/SHA256SUMS" ../release/SHA256SUMS && echo "the same bytes, made in two folders"

clean: ## remove what build made
	rm -rf bin
