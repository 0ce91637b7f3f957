# make            build/fellowship
# make quickstart install what is missing, build, and run the main job offline
# make check      install what is missing, build, and run every test
# make asan       build/asan/fellowship, with AddressSanitizer and UBSan
# make bench, make lint, make format, make local-model, make install PREFIX=..., make clean
# DEPS=no         do not touch the system's packages

VERSION = 0.1.0
PREFIX  = /usr/local
CC      = gcc
BUILD   = build
CFLAGS  = -O2 -g
DEPS    = yes

PACKAGES_BUILD = gcc make pkg-config liblua5.4-dev libuv1-dev libcurl4-openssl-dev libsqlite3-dev \
                 libarchive-dev nettle-dev libzstd-dev lua-cjson-dev libjemalloc-dev
PACKAGES_CHECK = $(PACKAGES_BUILD) perl python3 zstd xz-utils bzip2 gzip lua-check

LIBRARIES = lua5.4 libuv libcurl sqlite3 libarchive nettle libzstd lua5.4-cjson
WARNINGS  = -Wall -Wextra -Wpedantic
DEFINES   = -D_GNU_SOURCE -DFELLOWSHIP_VERSION='"$(VERSION)"'

# pkg-config is asked when something is compiled, so that `make deps` can install it first.
cflags = -std=c11 $(WARNINGS) $(CFLAGS) $(SANITIZE) $(DEFINES) -Iruntime \
         $(shell pkg-config --cflags $(LIBRARIES))
libs   = $(shell pkg-config --libs $(LIBRARIES)) $(ALLOCATOR) -lm -lpthread
# Thousands of texts of a few kilobytes come and go: a fifth less CPU than with glibc's malloc.
# The sanitizers bring their own.
ALLOCATOR = $(if $(SANITIZE),,-ljemalloc)

SOURCES = $(wildcard runtime/*/*.c)
OBJECTS = $(SOURCES:%.c=$(BUILD)/%.o)
# Unit tests link everything but main.
UNITS   = $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/*_test.c))
UNIT_OBJECTS = $(filter-out $(BUILD)/runtime/host/main.o,$(OBJECTS))

all: $(BUILD)/fellowship

$(BUILD)/fellowship: $(OBJECTS)
	@echo "  LD  $@"
	@$(CC) $(SANITIZE) -rdynamic -o $@ $^ $(libs)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC  $<"
	@$(CC) $(cflags) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%: tests/unit/%.c $(UNIT_OBJECTS)
	@mkdir -p $(@D)
	@echo "  CC  $<"
	@$(CC) $(cflags) -Itests/unit -MMD -MP -MF $@.d -o $@ $< $(UNIT_OBJECTS) $(libs)

-include $(OBJECTS:.o=.d) $(UNITS:%=%.d)

# ---- packages ----

deps-%:
	@if [ "$(DEPS)" != no ]; then sh .ci/packages $(PACKAGES_$*); fi

# ---- what a user runs ----

quickstart: deps-BUILD
	@$(MAKE) --no-print-directory all
	@sh examples/quickstart/run.sh $(BUILD)/fellowship

check: deps-CHECK
	@$(MAKE) --no-print-directory test

test: all units lint
	PATH=$(abspath $(BUILD)):$$PATH FELLOWSHIP=$(abspath $(BUILD)/fellowship) prove $(PROVE) --exec '' $(TESTS)

units: $(UNITS)

TESTS = $(UNITS) $(wildcard tests/*.py tests/*.lua tests/*.sh)

asan:
	@$(MAKE) --no-print-directory all units BUILD=build/asan \
	    CFLAGS='-O1 -g -fno-omit-frame-pointer' SANITIZE='-fsanitize=address,undefined'

check-asan: deps-CHECK asan
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	$(MAKE) --no-print-directory test BUILD=build/asan \
	    CFLAGS='-O1 -g -fno-omit-frame-pointer' SANITIZE='-fsanitize=address,undefined'

bench: all
	@for bench in tests/bench/*.py; do FELLOWSHIP=$(abspath $(BUILD)/fellowship) $$bench; done

lint:
	@if command -v luacheck >/dev/null; then luacheck -q lualib scripts examples tests; \
	 else echo "lint: luacheck is not installed (Debian: lua-check)"; fi

format:
	clang-format -i runtime/*/*.[ch] tests/unit/*.[ch]

# A small real model served locally over the OpenAI API; never needed by quickstart or check.
local-model:
	@bash examples/quickstart/local-model.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/fellowship
	install -m 755 $(BUILD)/fellowship $(DESTDIR)$(PREFIX)/bin/fellowship
	cp -R lualib scripts $(DESTDIR)$(PREFIX)/share/fellowship/

clean:
	rm -rf build

.PHONY: all quickstart check test units asan check-asan bench lint format local-model install clean
