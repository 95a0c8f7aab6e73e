# The few verbs of this project; `make help` lists them. Everything that a Debian machine lacks is installed by `setup`,
# which the other verbs run and which says nothing when nothing is missing.
SHELL := /bin/bash
PREFIX ?= /usr/local
DESTDIR ?=
BUILD := $(CURDIR)/build
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

LAUNCHER := $(BUILD)/containerd-shim-microvm-v2
SHIM := $(BUILD)/microvm-shim
SHIM_SOURCES := $(shell find proto vmm shim -name '*.ts' -not -name '*.test.ts') proto/gen/messages.js package.json shim/build.sh
GUEST_SOURCES := $(shell find guest-init -type f) proto/guest/guest.proto

.PHONY: help setup build install check unit test integration client-tests demo bench doctor generate format clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: ## install what the machine lacks (Debian packages, QEMU, npm packages)
	@.make/setup.sh

build: setup ## build/: the shim, vmlinux, initrd.img and the helpers of the shim
	@$(MAKE) --no-print-directory $(LAUNCHER) $(SHIM) $(BUILD)/initrd.img $(BUILD)/microvm-seccomp $(BUILD)/microvm-stand-in $(BUILD)/microvm-taps $(BUILD)/microvm-loopback $(BUILD)/microvm-tsc $(BUILD)/microvm-memory $(BUILD)/microvm-blocking kernel-image virtiofsd

.PHONY: kernel-image virtiofsd
kernel-image:
	@kernel/build.sh $(BUILD)/vmlinux

virtiofsd:
	@vmm/virtiofsd.sh $(BUILD)/virtiofsd

$(SHIM): $(SHIM_SOURCES)
	@shim/build.sh $@

$(LAUNCHER): $(wildcard shim/launcher/*.[ch]) vmm/helper.sh
	@vmm/helper.sh shim/launcher $@

$(BUILD)/initrd.img $(BUILD)/microvm-seccomp &: $(GUEST_SOURCES)
	@guest-init/build.sh $(BUILD)/initrd.img

$(BUILD)/microvm-%: vmm/%.c vmm/helper.sh
	@vmm/helper.sh $< $@

$(BUILD)/microvm-loopback: $(wildcard vmm/loopback/*.[ch]) vmm/helper.sh
	@vmm/helper.sh vmm/loopback $@

install: build ## install below DESTDIR and PREFIX (default /usr/local)
	install -D -m 0755 $(LAUNCHER) $(DESTDIR)$(PREFIX)/bin/containerd-shim-microvm-v2
	install -D -m 0755 $(SHIM) $(DESTDIR)$(PREFIX)/libexec/microvm/microvm-shim
	install -D -m 0644 $(BUILD)/vmlinux $(DESTDIR)$(PREFIX)/share/microvm/vmlinux
	install -D -m 0644 $(BUILD)/initrd.img $(DESTDIR)$(PREFIX)/share/microvm/initrd.img
	install -D -m 0755 $(BUILD)/microvm-seccomp $(DESTDIR)$(PREFIX)/libexec/microvm/microvm-seccomp
	install -D -m 0755 $(BUILD)/microvm-stand-in $(DESTDIR)$(PREFIX)/libexec/microvm/microvm-stand-in
	install -D -m 0755 $(BUILD)/microvm-taps $(DESTDIR)$(PREFIX)/libexec/microvm/microvm-taps
	install -D -m 0755 $(BUILD)/microvm-loopback $(DESTDIR)$(PREFIX)/libexec/microvm/microvm-loopback
	install -D -m 0755 $(BUILD)/microvm-tsc $(DESTDIR)$(PREFIX)/libexec/microvm/microvm-tsc
	install -D -m 0755 $(BUILD)/microvm-memory $(DESTDIR)$(PREFIX)/libexec/microvm/microvm-memory
	install -D -m 0755 $(BUILD)/microvm-blocking $(DESTDIR)$(PREFIX)/libexec/microvm/microvm-blocking
	install -D -m 0755 $(BUILD)/virtiofsd $(DESTDIR)$(PREFIX)/libexec/microvm/virtiofsd

check: setup ## format, lint, types, import layers, generated files: seconds, no VM
	biome check --error-on-warnings .
	tsc -p tsconfig.json
	proto/generate.sh --check
	clang-format --dry-run --Werror guest-init/*.[ch] shim/launcher/*.[ch] vmm/*.c vmm/loopback/*.[ch]

unit: setup ## unit tests of TypeScript and C
	@# Directories that tests make go with this one; other users' programs have to get through.
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && chmod 0711 "$$tmp" && TMPDIR="$$tmp" vitest run --dir . proto vmm shim
	@$(MAKE) --no-print-directory -C guest-init BUILD=$(BUILD)/guest-init test

test: check unit integration ## everything

integration: build ## real containerd, real QEMU, real guests; the main part once more with VMs that boot
	integration/run.sh
	TEMPLATES=off integration/run.sh lifecycle.test run.test streams.test

client-tests: build ## containerd's own tests of its client, with runc and with this runtime: some twenty minutes
	integration/client/run.sh

demo: build ## a container in a microvm under a private containerd, step by step
	node integration/demo.ts

bench: build ## this runtime beside runc: tables, build/bench.json and a picture of a start; BENCH=--runs=5 and the like
	integration/tools/prepared.sh node integration/bench.ts $(BENCH)

doctor: setup ## what this machine has and lacks
	@.make/doctor.sh

generate: setup ## write proto/gen anew
	proto/generate.sh

format: setup ## format everything
	biome check --write .
	clang-format -i guest-init/*.[ch] shim/launcher/*.[ch] vmm/*.c vmm/loopback/*.[ch]

clean: ## remove build/ (the cache stays)
	rm -rf build
