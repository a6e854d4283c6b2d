# SPDX-License-Identifier: Apache-2.0
# Mycelium. `make help` lists the targets. Everything is built below $(BUILD); sources are found by
# where they lie: userspace/*/*.c -> libmycelium, tools/NAME.c and tools/NAME/*.c -> bin/NAME,
# examples/NAME/*.c -> examples/NAME.so, bpf/*.bpf.c -> skeletons, tests/KIND/*_test.c -> tests.

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

VERSION := 0.1.0
SOVERSION := 0

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/bin/bpftool) bpftool)
PREFIX ?= /usr/local
DESTDIR ?=

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

# SAN=address|thread|undefined builds into a directory of its own.
SAN ?=
ROOT_BUILD ?= build
BUILD ?= $(ROOT_BUILD)$(if $(SAN),/san-$(SAN))

PKGS := libbpf libxdp yaml-0.1 libpcap libcap libseccomp
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
XML_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libxml-2.0 2>/dev/null))
LIBS_myc-gen := $(shell pkg-config --libs libxml-2.0 2>/dev/null)
ifeq ($(and $(PKG_LIBS),$(LIBS_myc-gen))$(filter help deps demo clean,$(MAKECMDGOALS)),)
$(warning pkg-config does not find all of $(PKGS) libxml-2.0: make deps installs what is missing)
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
SANFLAGS_address := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANFLAGS_undefined := -fsanitize=undefined -fno-sanitize-recover=undefined
# memcpy as a call: gcc's own moves are not watched. (And then it fears for formats.)
SANFLAGS_thread := -fsanitize=thread -Wno-tsan -fno-builtin-memcpy -Wno-format-truncation
SANFLAGS := $(SANFLAGS_$(SAN)) $(if $(SAN),-fno-omit-frame-pointer)
OPT ?= -O2
# Frame pointers, for profilers that walk by them, cost a message on one executor 4 %: CFLAGS='-g -fno-omit-frame-pointer'.
CFLAGS ?= -g
ALL_CFLAGS := -std=gnu11 $(OPT) $(CFLAGS) $(WARN) -fPIC -fno-semantic-interposition -pthread \
	-D_GNU_SOURCE -DMYC_VERSION='"$(VERSION)"' $(SANFLAGS) \
	-Iinclude -Iuserspace -isystem $(BUILD)/include $(PKG_CFLAGS)
ALL_LDFLAGS := -pthread $(SANFLAGS) $(LDFLAGS)
LIBS := $(PKG_LIBS) -lelf -lz -ldl -lm
TEST_LIBS := -lcmocka -ljansson

MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -std=gnu11 -ffreestanding -Wall -Wextra -Wshadow -Werror \
	-Iinclude -Ibpf $(if $(MULTIARCH),-idirafter /usr/include/$(MULTIARCH))

# ---- what there is -------------------------------------------------------------------------------

LIB_SRC := $(sort $(wildcard userspace/*/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
BPF_SRC := $(sort $(wildcard bpf/*.bpf.c))
SKELS := $(BPF_SRC:bpf/%.bpf.c=$(BUILD)/include/bpf/%.skel.h)
TOOL_NAMES := $(sort $(basename $(notdir $(wildcard tools/*.c))) $(notdir $(patsubst %/,%,$(dir $(wildcard tools/*/*.c)))))
TOOLS := $(TOOL_NAMES:%=$(BUILD)/bin/%)
EXAMPLE_NAMES := $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard examples/*/*.c)))))
EXAMPLES := $(EXAMPLE_NAMES:%=$(BUILD)/examples/%.so)
COMMON_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(filter-out %_test.c,$(wildcard tests/common/*.c tests/conformance/*.c))))
TEST_SRC := $(sort $(wildcard tests/unit/*_test.c tests/bpf/*_test.c tests/integration/*_test.c tests/conformance/*_test.c))
TESTS := $(TEST_SRC:%.c=$(BUILD)/%)
TEST_ACTORS := $(patsubst %.c,$(BUILD)/%.so,$(sort $(wildcard tests/actors/*.c)))
BENCHES := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/bench/*_bench.c)))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
MAN := $(sort $(wildcard docs/man/*.[1357]))

LIB_A := $(BUILD)/lib/libmycelium.a
LIB_SO := $(BUILD)/lib/libmycelium.so.$(VERSION)

.PHONY: all help deps demo check check-asan check-tsan lint bench bench-actors bench-codec fuzz install clean bpf bpf-check bpf-stats tests benches fuzzers format vm-programs vm-tests vm-shell vm-selftest verify soak

all: $(LIB_A) $(LIB_SO) $(TOOLS) $(EXAMPLES) ## library, BPF objects, tools, examples

help: ## this list
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  V=1 shows commands; SAN=address|thread|undefined builds with it, in build/san-...; check TEST_FILTER='NAME...'"
	@echo "  runs these tests; install takes PREFIX (/usr/local) and DESTDIR"

deps: ## installs the Debian packages that are missing (root)
	@.ci/deps

# ---- BPF -----------------------------------------------------------------------------------------

bpf: $(SKELS) ## BPF objects and their skeletons

.SECONDARY: $(BPF_SRC:bpf/%.bpf.c=$(BUILD)/bpf/%.bpf.o)

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $@.d -c $< -o $@

$(BUILD)/include/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(Q){ echo '/* NOLINTBEGIN: generated */' && $(BPFTOOL) gen skeleton $< name $(subst -,_,$*)_bpf && \
		echo '/* NOLINTEND */'; } > $@

# ---- library, tools, examples --------------------------------------------------------------------

$(BUILD)/obj/%.o: %.c Makefile | $(SKELS)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(CPPFLAGS_$(firstword $(subst /, ,$*))) -MD -MP -c $< -o $@

# struct myc_message is filled field by field: made of pairs in vectors, a hop takes 0.3 ns more.
$(BUILD)/obj/userspace/core/receive.o: ALL_CFLAGS += -fno-tree-slp-vectorize

CPPFLAGS_tests := -Itests -Ibpf -Itools
CPPFLAGS_tools := -Itools $(XML_CFLAGS)
CPPFLAGS_vm-tests := -Itests -Ibpf
CPPFLAGS_examples = -iquote $(BUILD)/include/$(*D)

$(LIB_A): $(LIB_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(LIB_SO): $(LIB_OBJ)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,libmycelium.so.$(SOVERSION) $^ $(LIBS) -o $@
	@ln -sf libmycelium.so.$(VERSION) $(BUILD)/lib/libmycelium.so.$(SOVERSION)
	@ln -sf libmycelium.so.$(SOVERSION) $(BUILD)/lib/libmycelium.so

tool_objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tools/$(1).c tools/$(1)/*.c))

# Tools export the library's symbols: actors come by dlopen and resolve against them.
define TOOL_RULE
$(BUILD)/bin/$(1): $(call tool_objects,$(1)) $(LIB_A)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -rdynamic $(call tool_objects,$(1)) -Wl,--whole-archive $(LIB_A) -Wl,--no-whole-archive $$(LIBS) $$(LIBS_$(1)) -o $$@
endef
$(foreach t,$(TOOL_NAMES),$(eval $(call TOOL_RULE,$(t))))

# An example's schemas: examples/NAME/FILE.xml -> "FILE.h" for its sources.
EXAMPLE_HEADERS := $(patsubst examples/%.xml,$(BUILD)/include/examples/%.h,$(wildcard examples/*/*.xml))
$(BUILD)/include/examples/%.h: examples/%.xml $(BUILD)/bin/myc-gen
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(BUILD)/bin/myc-gen -o $@ $<

define EXAMPLE_RULE
$(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard examples/$(1)/*.c)): $(filter $(BUILD)/include/examples/$(1)/%,$(EXAMPLE_HEADERS))
$(BUILD)/examples/$(1).so: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard examples/$(1)/*.c))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -shared $$^ -o $$@
endef
$(foreach e,$(EXAMPLE_NAMES),$(eval $(call EXAMPLE_RULE,$(e))))

# ---- tests, benchmarks, fuzzers ------------------------------------------------------------------

# Shared test helpers: an archive, so that a test links only those it uses.
TEST_A := $(BUILD)/lib/libtests.a
$(TEST_A): $(COMMON_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

SBE_DRIVER := $(BUILD)/tests/sbe/sbe-driver
tests: $(TESTS) $(TEST_ACTORS) $(SBE_DRIVER) ## builds the tests

# Plays schemas: leans on the compiler's own model of them.
GEN_SRC := $(filter-out %/main.c,$(wildcard tools/myc-gen/*.c))
GEN_OBJ := $(GEN_SRC:%.c=$(BUILD)/obj/%.o)

# Who reads topologies brings the schema compiler along.
$(BUILD)/bin/myc $(BUILD)/bin/myc-load $(BUILD)/tests/unit/sbe_filter_test: $(GEN_OBJ)
LIBS_myc = $(GEN_OBJ) $(LIBS_myc-gen) -lm
LIBS_myc-load = $(LIBS_myc)
$(BUILD)/tests/unit/sbe_filter_test: LIBS += $(LIBS_myc-gen) -lm
$(SBE_DRIVER): $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/sbe/*.c) $(GEN_SRC))
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS_myc-gen) -lm -o $@

# Headers that myc-gen makes of schemas in tests/schemas: <sbe/FOLDER/NAME.h>.
GEN_HEADERS := $(patsubst tests/schemas/%.xml,$(BUILD)/include/sbe/%.h,$(wildcard tests/schemas/car/*-schema.xml tests/schemas/generations/*.xml tests/schemas/actors/*.xml) tests/schemas/good/checked.xml)
$(BUILD)/include/sbe/%.h: tests/schemas/%.xml $(BUILD)/bin/myc-gen
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(BUILD)/bin/myc-gen -o $@ $<
# Tests the strategy of an example, and includes its source.
$(BUILD)/obj/tests/conformance/desk_strategy_test.o: CPPFLAGS_tests += -iquote $(BUILD)/include/examples/desk
$(BUILD)/obj/tests/conformance/desk_strategy_test.o: $(BUILD)/include/examples/desk/desk.h
$(addprefix $(BUILD)/obj/tests/unit/,sbe_car_test.o sbe_generations_test.o sbe_check_test.o schema_test.o typed_test.o typed_refs_test.o) $(BUILD)/obj/tests/integration/upgrade_test.o: $(GEN_HEADERS)
FUZZ_HEADERS := $(addprefix $(BUILD)/include/sbe/,car/example-extension-schema.h $(addprefix good/,arrays_big.h \
	dimension_turned.h groups_data.h groups_nested.h header_counts.h version_groups.h version_groups_told.h))

$(TESTS): $(BUILD)/%: $(BUILD)/obj/%.o $(TEST_A) $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -rdynamic $^ $(LIBS) $(TEST_LIBS) -o $@

$(TEST_ACTORS): $(BUILD)/tests/actors/%.so: $(BUILD)/obj/tests/actors/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -shared $^ -o $@

$(BENCHES): $(BUILD)/%: $(BUILD)/obj/%.o $(TEST_A) $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -rdynamic $^ $(LIBS) $(TEST_LIBS) -o $@

$(BUILD)/obj/tests/bench/steer_bench.o: $(BUILD)/include/sbe/good/feed_mdp3.h

# Actors beside their peers: a driver that plays contestants, a program each.
ACTORS_BENCH := $(BUILD)/tests/bench/actors
ACTORS_PROGRAMS := $(addprefix $(ACTORS_BENCH)/,driver raw lane mycelium)
actors_objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/bench/actors/$(1).c tests/bench/actors/$(1)_*.c))
define ACTORS_RULE
$(ACTORS_BENCH)/$(1): $(call actors_objects,$(1)) $(TEST_A) $(LIB_A)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) $$^ $$(LIBS) -o $$@
endef
$(foreach p,$(notdir $(ACTORS_PROGRAMS)),$(eval $(call ACTORS_RULE,$(p))))

# Generated codecs beside a packed struct and their peers, the same way.
CODEC_BENCH := $(BUILD)/tests/bench/codec
CODEC_PROGRAMS := $(addprefix $(CODEC_BENCH)/,driver struct mycelium)
$(BUILD)/obj/tests/bench/codec/mycelium.o: $(addprefix $(BUILD)/include/sbe/good/,order.h book.h)
$(CODEC_PROGRAMS): $(CODEC_BENCH)/%: $(BUILD)/obj/tests/bench/codec/%.o $(TEST_A)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -lm -o $@

# Fuzzers build with clang: libFuzzer and sanitizers, the library included.
FUZZ_CFLAGS := $(filter-out -Wno-tsan,$(ALL_CFLAGS)) -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FUZZ_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj-fuzz/%.o)
.SECONDARY: $(FUZZ_OBJ)
$(BUILD)/obj-fuzz/%.o: %.c Makefile | $(SKELS)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) $(CPPFLAGS_$(firstword $(subst /, ,$*))) -MD -MP -c $< -o $@

$(BUILD)/tests/fuzz/steer_fuzz: $(addprefix $(BUILD)/obj-fuzz/tests/common/,sbe_body.o packet.o)
LEAN_FUZZERS := $(filter %/sbe_schema_fuzz %/sbe_message_fuzz %/frame_fuzz,$(FUZZERS)) # they need little or nothing of the library
$(filter-out $(LEAN_FUZZERS),$(FUZZERS)): $(FUZZ_OBJ)
$(BUILD)/tests/fuzz/frame_fuzz: $(patsubst %.c,$(BUILD)/obj-fuzz/%.o,$(wildcard userspace/protocol/frame*.c) userspace/base/crc32c.c)
$(FUZZERS): $(BUILD)/%: $(BUILD)/obj-fuzz/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined $(ALL_LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/obj-fuzz/tests/fuzz/sbe_message_fuzz.o: $(FUZZ_HEADERS)
$(BUILD)/tests/fuzz/sbe_schema_fuzz: $(patsubst %.c,$(BUILD)/obj-fuzz/%.o,$(GEN_SRC) tests/sbe/random.c)
$(BUILD)/tests/fuzz/sbe_schema_fuzz: LIBS += $(LIBS_myc-gen)

fuzzers: $(FUZZERS)

check: all tests lint-layers ## every test, under 10 minutes; a closing line "N passed, N failed"
	@BUILD=$(BUILD) tests/run $(TEST_FILTER)

check-asan: ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory SAN=address check

check-tsan: ## the tests under ThreadSanitizer
	@$(MAKE) --no-print-directory SAN=thread check

benches: $(BENCHES)

bench: all benches ## every benchmark but bench-actors, bench-codec: tables, and build/bench/NAME.json; BARS=1 fails on a missed bar
	@BUILD=$(BUILD) tests/bench/run $(BENCH_FILTER)

bench-actors: $(ACTORS_PROGRAMS) ## actors beside their peers (root installs these), 2 minutes; as bench: table, JSON, BARS=1
	@CC='$(CC)' tests/bench/actors/peers/make-peers $(ACTORS_BENCH)
	@MYC_BENCH_DIR=$${MYC_BENCH_DIR:-$(BUILD)/bench} $(ACTORS_BENCH)/driver

SOAK_MESSAGES ?= 1000000000
SOAK_SCRIBBLE ?= 600
soak: all tests ## a thousand million messages from 4 threads, and from 4 processes, killed at random; 10 minutes of a process that scribbles
	@MYC_SOAK=$(SOAK_MESSAGES) $(BUILD)/tests/integration/soak_test
	@MYC_SCRIBBLE=$(SOAK_SCRIBBLE) $(BUILD)/tests/integration/scribble_test

bench-codec: $(CODEC_PROGRAMS) ## message codecs beside their peers (root installs these), a minute; as bench
	@CC='$(CC)' tests/bench/codec/peers/make-peers $(CODEC_BENCH)
	@MYC_BENCH_DIR=$${MYC_BENCH_DIR:-$(BUILD)/bench} $(CODEC_BENCH)/driver

FUZZ_SECONDS ?= 600
fuzz: fuzzers ## each fuzzer for FUZZ_SECONDS (600)
	@BUILD=$(BUILD) tests/fuzz/run $(FUZZ_SECONDS)

verify: ## Spin models of the lock-free protocols, with store buffers; each mutant must fail
	@BUILD=$(BUILD) tests/verify/run

demo: deps ## builds all and runs the demo: packets to actors, with a report (root; else over UDP sockets)
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) examples/demo/run

# ---- the tests on other kernels ------------------------------------------------------------------

# What only guests run: tests, and BPF programs that stand beside or against ours.
VM_PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(sort $(filter-out %.bpf.c,$(wildcard vm-tests/*.c))))
VM_OBJECTS := $(patsubst %.bpf.c,$(BUILD)/%.bpf.o,$(sort $(wildcard vm-tests/*.bpf.c)))

$(VM_PROGRAMS): $(BUILD)/%: $(BUILD)/obj/%.o $(TEST_A) $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -rdynamic $^ $(LIBS) $(TEST_LIBS) -o $@

$(VM_OBJECTS): $(BUILD)/%.bpf.o: %.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $@.d -c $< -o $@

vm-programs: all tests $(VM_PROGRAMS) $(VM_OBJECTS)

vm-tests: vm-programs ## the tests in virtme-ng guests: KERNEL=6.12 TEST=wire_test for some of them
	@BUILD=$(BUILD) vm-tests/run

vm-shell: vm-programs ## a shell in a guest: KERNEL=6.1, 6.12, 6.18 or 7
	@BUILD=$(BUILD) vm-tests/shell $(KERNEL)

vm-selftest: vm-programs ## what must turn the table of vm-tests red does
	@BUILD=$(BUILD) vm-tests/selftest

bpf-stats: vm-programs ## the verifier's figures by program and kernel, held against the recorded ones
	@BUILD=$(BUILD) vm-tests/bpf-stats

bpf-check: vm-programs ## loads every BPF object on a 6.1 kernel
	@BUILD=$(BUILD) KERNEL=6.1 TEST=bpf_objects,exit_watch_floor VM_RESULTS=$(BUILD)/vm/results-check vm-tests/run

# ---- lint ----------------------------------------------------------------------------------------

C_FILES := $(sort $(shell git ls-files -co --exclude-standard '*.c' '*.h' 2>/dev/null))
.PHONY: lint-layers lint-format lint-tidy lint-cppcheck
lint: lint-layers lint-format lint-tidy lint-cppcheck ## formatting, clang-tidy, cppcheck, dependency rule

lint-layers:
	@tests/lint/layers

lint-format:
	@clang-format --dry-run -Werror $(C_FILES)

format: ## formats every C file
	@clang-format -i $(C_FILES)

# The peers' libraries need not be there; what must not compile is another test's.
TIDY_FILES := $(filter-out %.bpf.c bpf/% tests/compile/% tests/bench/actors/peers/% tests/bench/codec/peers/%,$(filter %.c,$(C_FILES)))
lint-tidy: | $(SKELS) $(GEN_HEADERS) $(EXAMPLE_HEADERS) $(FUZZ_HEADERS) $(addprefix $(BUILD)/include/sbe/good/,order.h book.h)
	@printf '%s\n' $(TIDY_FILES) | xargs -P $$(nproc) -I FILE clang-tidy --quiet FILE -- \
		$(filter-out -Werror -Wno-tsan,$(ALL_CFLAGS)) -Itests -Itools -Ibpf $(EXAMPLE_NAMES:%=-iquote $(BUILD)/include/examples/%) $(XML_CFLAGS) 2>/dev/null

# ctunullpointer takes a number for a pointer where static functions of several files have one name.
lint-cppcheck:
	@cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,performance,portability \
		--suppress=missingIncludeSystem --suppress=unusedStructMember --suppress=unknownMacro '--suppress=ctunullpointer:tests/conformance/*' '--suppress=syntaxError:tests/unit/typed_test.c' '--suppress=syntaxError:tests/unit/typed_bed.h' '--suppress=syntaxError:examples/typed/matcher.c' '--suppress=syntaxError:tests/integration/upgrade_test.c' -Iinclude -Iuserspace -Itests -Itools -Ibpf \
		-D_GNU_SOURCE '-DLIBBPF_OPTS(type,name,...)=struct type name = {__VA_ARGS__}' \
		userspace tools examples tests $(filter-out %.bpf.c,$(wildcard vm-tests/*.c))

# ---- install -------------------------------------------------------------------------------------

# Man pages of the public functions, out of the headers.
HEADERS := $(sort $(wildcard include/mycelium/*.h include/mycelium/market/*.h))
$(BUILD)/man/made: docs/man/from-headers $(HEADERS) Makefile
	$(call say,MAN,$(@D))
	@rm -rf $(@D)
	@mkdir -p $(@D)/man3 $(@D)/man7
	$(Q)awk -f $< -v dir=$(@D) -v version=$(VERSION) $(HEADERS)
	@touch $@

install: all $(BUILD)/man/made ## library, headers, pkg-config file, tools, man pages into DESTDIR/PREFIX
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/bin
	install -m 0644 $(LIB_A) $(LIB_SO) $(DESTDIR)$(PREFIX)/lib/
	ln -sf libmycelium.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libmycelium.so.$(SOVERSION)
	ln -sf libmycelium.so.$(SOVERSION) $(DESTDIR)$(PREFIX)/lib/libmycelium.so
	cd include && find mycelium -name '*.h' -exec install -D -m 0644 {} $(DESTDIR)$(PREFIX)/include/{} \;
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' userspace/mycelium.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/mycelium.pc
	$(if $(TOOLS),install -m 0755 $(TOOLS) $(DESTDIR)$(PREFIX)/bin/)
	$(foreach m,$(MAN),install -D -m 0644 $(m) $(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m));)
	cd $(BUILD)/man && find man3 man7 -type f -exec install -D -m 0644 {} $(DESTDIR)$(PREFIX)/share/man/{} \;

clean: ## removes build/
	rm -rf $(ROOT_BUILD)

-include $(shell [ -d $(BUILD) ] && find $(BUILD) -path $(BUILD)/vm -prune -o -name '*.d' -type f -print 2>/dev/null)
