# imgtools: turn pictures gray and make them smaller, as a service and in the shell.
#
#   make            build the nine commands into bin/ (SIMD=1: with AVX2 where there is any)
#   make run        build them and serve http://localhost:8080 (PORT=n: elsewhere)
#   make test       every test; installs what the tests need when it may
#   make check      what must hold before a commit: gofmt, vet, manual pages, walls
#   make bench      CPU time, memory and quality beside every peer installed
#   make fuzz       every fuzz target for FUZZTIME each
#   make install    commands, manual pages and units under DESTDIR/PREFIX
#   make clean      remove bin/

GO       ?= go
PORT     ?= 8080
FUZZTIME ?= 30s
PREFIX   ?= /usr/local
DESTDIR  ?=
MANDIR   ?= $(PREFIX)/share/man
UNITDIR  ?= $(PREFIX)/lib/systemd/system

# Static binaries, whether or not the machine has a C compiler.
export CGO_ENABLED = 0

# Vector loops by simd/archsimd, which Go calls an experiment; they ask the
# processor first, and on other architectures than amd64 there are none.
ifeq ($(SIMD),1)
export GOEXPERIMENT = simd
endif

COMMANDS = gray scale grayd scaled imgd imgput imgget imgls imgrm

.PHONY: all run test check bench fuzz install clean need-go

all: need-go
	$(GO) build -trimpath -buildvcs=auto -o bin/ ./cmd/...

# An old go may fetch the release that go.mod asks for; only if it can't is it too old.
need-go:
	@command -v $(GO) >/dev/null 2>&1 || { \
	  echo "make: $(GO) is not installed; imgtools needs Go 1.26 or newer: https://go.dev/dl/" >&2; exit 1; }
	@v=$$($(GO) env GOVERSION 2>/dev/null) || v=$$(cd / && $(GO) version 2>/dev/null | cut -d' ' -f3); \
	case $$v in \
	go1.2[6-9]*|go1.[3-9][0-9]*|go[2-9]*|devel*) ;; \
	*) echo "make: imgtools needs Go 1.26 or newer, and $(GO) is $${v:-of an unknown version}: https://go.dev/dl/" >&2; exit 1;; \
	esac

run: all
	@PORT=$(PORT) exec tests/serve.sh

test: need-go
	tests/setup.sh
	$(GO) test ./cmd/... ./pkg/...
	GOEXPERIMENT=simd $(GO) test ./pkg/picture/resample ./pkg/picture/jpeg
	$(GO) test -timeout 6m ./tests/...

check: need-go
	@out=$$(gofmt -l cmd pkg tests); [ -z "$$out" ] || { echo "gofmt would change:" $$out >&2; exit 1; }
	$(GO) vet ./...
	GOEXPERIMENT=simd $(GO) vet ./pkg/picture/resample ./pkg/picture/jpeg
	$(GO) test -run 'TestWalls|TestManLint|TestManAgrees|TestManOne' ./tests

bench: all
	$(GO) run ./tests/bench

fuzz: need-go
	FUZZTIME=$(FUZZTIME) GO=$(GO) tests/fuzz.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(UNITDIR)
	for c in $(COMMANDS); do install -m 755 bin/$$c $(DESTDIR)$(PREFIX)/bin/$$c || exit 1; done
	for p in man/*.[1-8]; do \
	  d=$(DESTDIR)$(MANDIR)/man$${p##*.}; install -d $$d && install -m 644 $$p $$d/ || exit 1; done
	for u in cmd/*/*.socket cmd/*/*.service; do \
	  sed 's|/usr/local/bin/|$(PREFIX)/bin/|g' $$u > $(DESTDIR)$(UNITDIR)/$${u##*/} || exit 1; done

clean:
	rm -rf bin
