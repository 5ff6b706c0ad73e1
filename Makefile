# make demo    a whole run against a simulated Azure, no account needed
# make test    the tests, after installing what they need into .tools
# make check   everything that must hold before a change goes in; what CI runs
# make bench   the figures of docs/performance.md
# make tools   what test and check install, on its own

GO        ?= go
TOOLS     := $(CURDIR)/.tools
LINT      := $(TOOLS)/bin/golangci-lint
LINT_PIN  := v2.15.0

export PATH := $(TOOLS)/bin:$(PATH)

.PHONY: build demo test check lint pins trino bench tools azurite clean

build:
	$(GO) build -o azledger ./cmd/azledger

# DEMO gives the demo other settings, for example: make demo DEMO="--months 12 --rows 100000"
demo: build
	./azledger demo --out demo $(DEMO)

test: azurite
	AZLEDGER_REQUIRE_AZURITE=1 $(GO) test -timeout 25m ./...

check: pins lint trino test

pins:
	.ci/pins.sh

lint: $(LINT)
	$(LINT) fmt --diff
	$(GO) vet ./...
	$(LINT) run

trino:
	.ci/trino.sh

bench:
	.ci/bench.sh

tools: $(LINT) azurite
	.ci/trino.sh install

azurite:
	.ci/azurite.sh

# The version is in the file's name, so that another pin is another target.
$(LINT): $(LINT)-$(LINT_PIN)
	ln -sf $(notdir $<) $@

$(LINT)-$(LINT_PIN):
	mkdir -p $(TOOLS)/bin
	GOBIN=$(TOOLS)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_PIN)
	mv $(LINT) $@

clean:
	rm -rf .tools azledger demo bench
