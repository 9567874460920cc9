# imgtools resizes, crops, converts and grays pictures: as shell commands and as an upload service.
#
#   make            build the twelve commands into bin/ (SIMD=0: without vector code)
#   make run        build them and serve http://localhost:8080 (PORT=n: elsewhere)
#   make test       every test; installs what the tests need when it may
#   make check      what must hold before a commit: gofmt, vet, manual pages, walls
#   make bench      CPU time, memory and quality beside every peer installed
#                   (tests/bench/peers.sh installs them; BENCH=-markdown: flags)
#   make bench-http    requests a second and CPU time a request through imgd
#   make bench-growth  time and memory from 1 to 100 Mpixel (2 GB in bin/bench)
#   make figures    the chart of README.md and the tables of imgbench(7), of the last run
#                   (FROM=FILE HTTP=FILE FAULTS=FILE: of others)
#   make fuzz       every fuzz target for FUZZTIME each
#   make faults     every fault there is, on the real binaries; a table of what it cost
#                   (root: power cuts of ext4 and xfs, and a file server, too)
#   make soak       everything at once for SOAK; what is held before and after
#   make test-arch  the filters' and clients' packages on arm64, arm and 386, emulated
#   make test-api   GET /openapi.json by a validator and a generated client from npm
#                   (needs node, npm and its registry)
#   make model      the model test of the spool, SEEDS times (a minute for 100)
#   make mutants    one small fault after another in the code; which of them no test notices
#                   (MUTANTS="F1 S2": only those)
#   make test-systemd  the Debian package under systemd as PID 1, in a container
#                   (root, systemd-nspawn, mmdebstrap; the first run fetches Debian)
#   make container  the container image imgtools (podman, buildah or docker; no registry);
#                   make container-heif: imgtools-heif, with Debian's decoder of HEIC
#   make test-container  both images under podman: upload, job, restart, HEIC
#   make race       the tests of the packages with the race detector (needs a C compiler)
#   make install    commands, manual pages, units and completions under DESTDIR/PREFIX
#   make dist       archives of static programs for every system, with SHA256SUMS, in bin/dist
#   make deb        a Debian package of the same, in bin/
#   make clean      remove bin/

GO       ?= go
PORT     ?= 8080
FUZZTIME ?= 30s
SOAK     ?= 10m
SEEDS    ?= 1000
PREFIX   ?= /usr/local
DESTDIR  ?=
MANDIR   ?= $(PREFIX)/share/man
LIBDIR   ?= $(PREFIX)/lib
UNITDIR  ?= $(LIBDIR)/systemd/system
BASHDIR  ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR   ?= $(PREFIX)/share/zsh/site-functions
FISHDIR  ?= $(PREFIX)/share/fish/vendor_completions.d

# Static binaries, whether or not the machine has a C compiler.
export CGO_ENABLED = 0

# On amd64 some loops use AVX2 through simd/archsimd, which Go calls an experiment. They
# ask the processor first, so the commands run on any. SIMD=0 leaves them out.
SIMD ?= 1
ifeq ($(SIMD)$(shell $(GO) env GOARCH 2>/dev/null),1amd64)
export GOEXPERIMENT = simd
endif

COMMANDS = gray scale grayd scaled heifd imgd imgput imgget imgls imgrm imginfo imgsign
# Packages with vector code: their plain loops are tested and vetted too.
VECTORS = $(addprefix ./pkg/picture/,colour flate jpeg png raster resample webp webp/vp8 webp/vp8l)

# The filters and the clients, and what they are made of.
FILTERS_CLIENTS = gray scale imgput imgget imgls imgrm imginfo imgsign
PORTABLE = $(addprefix ./cmd/,$(FILTERS_CLIENTS)) \
  ./pkg/shell/... ./pkg/picture/... ./pkg/geometry ./pkg/ops ./pkg/format ./pkg/filename ./pkg/address ./pkg/limits ./pkg/urlsign

# All commands build for these; the daemons say there that they are for Linux.
SYSTEMS = darwin/arm64 freebsd/amd64 openbsd/amd64 windows/amd64
# Those that make dist makes archives for.
DIST = linux/amd64 linux/arm64 linux/arm linux/386 darwin/amd64 $(SYSTEMS)

.PHONY: all run test test-arch test-api check bench bench-plain bench-http bench-growth figures fuzz faults soak test-systemd container container-heif test-container model mutants race install install-files dist deb clean need-go

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
	GOEXPERIMENT= $(GO) test $(VECTORS)
	$(GO) test -timeout 12m ./tests/...

check: need-go
	@out=$$(gofmt -l cmd pkg tests); [ -z "$$out" ] || { echo "gofmt would change:" $$out >&2; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	GOEXPERIMENT= $(GO) vet $(VECTORS)
	@for t in $(SYSTEMS); do \
	  echo "build for $$t"; GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build -o /dev/null $(addprefix ./cmd/,$(COMMANDS)) || exit 1; done
	$(GO) test -run 'TestWalls|TestManLint|TestManAgrees|TestManOne' ./tests

bench: all bench-plain
	$(GO) run ./tests/bench $(BENCH)

# The build without vector code is measured beside the other.
bench-plain: need-go
	GOEXPERIMENT= $(GO) build -trimpath -o bin/bench/plain/ ./cmd/gray ./cmd/scale

bench-http: all
	$(GO) run ./tests/bench -http $(BENCH)

# From the run FROM, and the output of make bench-http BENCH=-markdown and make faults.
FROM ?= bin/bench/last.json
figures: need-go
	$(GO) run ./tests/bench -from $(FROM) -svg tests/testdata/figures.svg -man man/imgbench.7 \
	  $(if $(HTTP),-put http=$(HTTP)) $(if $(FAULTS),-put faults=$(FAULTS))

bench-growth: all
	$(GO) run ./tests/bench -growth -n 1 $(BENCH)

fuzz: need-go
	FUZZTIME=$(FUZZTIME) GO=$(GO) tests/fuzz.sh

faults: need-go
	tests/setup.sh faults
	FAULTS=all $(GO) test -count=1 -timeout 60m -run 'TestFault' -v ./tests

soak: need-go
	FAULTS=all SOAK=$(SOAK) $(GO) test -count=1 -timeout 0 -run 'TestFaultSoak' -v ./tests

model: need-go
	SEEDS=$(SEEDS) $(GO) test -count=1 -timeout 0 -run 'TestModel' ./pkg/front/spool

mutants: need-go
	$(GO) run ./tests/mutants $(MUTANTS)

test-systemd: all
	@command -v systemd-nspawn mmdebstrap >/dev/null || { \
	  echo "make: systemd-nspawn or mmdebstrap is missing: apt-get install systemd-container mmdebstrap" >&2; exit 1; }
	SYSTEMD=1 $(GO) test -count=1 -timeout 30m -v ./tests/systemd

container container-heif: need-go
	COMMANDS="$(COMMANDS)" GO=$(GO) cmd/imgd/container/build.sh \
	  $(if $(findstring heif,$@),Containerfile.heif localhost/imgtools-heif,Containerfile localhost/imgtools)

test-container: all container container-heif
	@command -v podman >/dev/null || { echo "make: podman is missing: apt-get install podman" >&2; exit 1; }
	CONTAINER=1 $(GO) test -count=1 -timeout 10m -v ./tests/container

# On emulated processors, which takes ten times as long.
test-arch: need-go
	tests/setup.sh arch
	tests/arch.sh
	@for a in arm64 arm 386; do \
	  echo "linux/$$a"; GOARCH=$$a $(GO) test -timeout 60m $(PORTABLE) || exit 1; done

test-api: need-go
	@command -v node npm >/dev/null || { \
	  echo "make: node or npm is missing: apt-get install nodejs npm" >&2; exit 1; }
	API=1 $(GO) test -count=1 -v -run TestOpenAPIClient ./tests

# The race detector makes calls that the sandbox forbids, and takes more memory than
# the limit that the workers of pkg/daemon set themselves.
race: need-go
	CGO_ENABLED=1 $(GO) test -race -timeout 60m $$($(GO) list ./pkg/... | grep -vE '/daemon(/sandbox)?$$')

# What is installed: the commands of BIN, whose names end in EXE.
BIN ?= bin
EXE ?=

install: all
	$(MAKE) install-files

# bash and fish look for completions under the name of the command.
install-files:
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(UNITDIR) $(DESTDIR)$(LIBDIR)/sysusers.d $(DESTDIR)$(LIBDIR)/tmpfiles.d \
	  $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	for c in $(COMMANDS); do install -m 755 $(BIN)/$$c$(EXE) $(DESTDIR)$(PREFIX)/bin/ || exit 1; done
	for p in man/*.[1-8]; do \
	  d=$(DESTDIR)$(MANDIR)/man$${p##*.}; install -d $$d && install -m 644 $$p $$d/ || exit 1; done
	for u in cmd/*/*.socket cmd/*/*.service; do \
	  sed 's|/usr/local/bin/|$(PREFIX)/bin/|g' $$u > $(DESTDIR)$(UNITDIR)/$${u##*/} || exit 1; done
	for k in sysusers tmpfiles; do \
	  install -m 644 cmd/imgd/imgtools.$$k $(DESTDIR)$(LIBDIR)/$$k.d/imgtools.conf || exit 1; done
	install -m 644 cmd/completion.zsh $(DESTDIR)$(ZSHDIR)/_imgtools
	for c in $(COMMANDS); do \
	  install -m 644 cmd/completion.bash $(DESTDIR)$(BASHDIR)/$$c && \
	  install -m 644 cmd/completion.fish $(DESTDIR)$(FISHDIR)/$$c.fish || exit 1; done

dist: need-go
	COMMANDS="$(COMMANDS)" FILTERS_CLIENTS="$(FILTERS_CLIENTS)" GO=$(GO) cmd/dist.sh bin/dist $(DIST)

# The version is the time of the last commit; the architecture this machine's.
DEBVERSION ?= $(or $(shell git log -1 --format=0~%cd.%h --date=format:%Y%m%d%H%M%S 2>/dev/null),0)
DEBARCH    ?= $(shell dpkg --print-architecture)
DEBFLAGS   ?= -Zgzip -z6
DEBDIR     ?= bin

deb: all
	rm -rf $(DEBDIR)/deb
	$(MAKE) -s install DESTDIR=$(abspath $(DEBDIR))/deb PREFIX=/usr ZSHDIR=/usr/share/zsh/vendor-completions
	gzip -9n $(DEBDIR)/deb/usr/share/man/man*/*.[1-8]
	install -d $(DEBDIR)/deb/DEBIAN
	install -m 755 cmd/imgd/debian/p* $(DEBDIR)/deb/DEBIAN/
	sed "s|@VERSION@|$(DEBVERSION)|; s|@ARCH@|$(DEBARCH)|; s|@SIZE@|$$(du -sk $(DEBDIR)/deb/usr | cut -f1)|" \
	  cmd/imgd/debian/control > $(DEBDIR)/deb/DEBIAN/control
	dpkg-deb --root-owner-group $(DEBFLAGS) --build $(DEBDIR)/deb $(DEBDIR)/imgtools_$(DEBVERSION)_$(DEBARCH).deb
	rm -rf $(DEBDIR)/deb

clean:
	rm -rf bin
