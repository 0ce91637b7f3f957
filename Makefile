# make            build/fellowship
# make quickstart install what is missing, build, and run the main job offline
# make check      install what is missing, build, and run every test
# make asan       build/asan/fellowship, with AddressSanitizer and UBSan
# make tsan       the store, readers and writers with ThreadSanitizer
# make check-loaders         what trainers load is what we write; installs 4 GB of PyPI packages in build/loaders
# make check-clients         eight clients of OpenAI's API use `fellowship serve`; installs them in build/clients, 3 GB
# make check-live real servers on this machine answer every adapter; installs them in build/live
# make check-cluster a run in shards under a real Slurm on this machine; installs slurm-wlm and munge
# make check-http2 the whole matrix of HTTP/2 over TLS, some minutes
# make fuzz       run each fuzz target for FUZZ_SECONDS=10 (clang; only `make fuzz` installs it)
# make reference  build/reference.md, from the comments in the sources
# make guide      build/guide.html: the guide and the reference in one searchable page (pandoc)
# make guide-tables, make readme   make the guide's tables, and README's output, anew
# make reproduce DATA=folder       the paper's figures, from its recorded outputs
# make static, make deb            one file without shared libraries; a Debian package. make check-packages tries them
# make install, make uninstall PREFIX=... DESTDIR=...
# make bench, make bench-jobs, make lint, make format, make local-model, make clean
# DEPS=no         do not touch the system's packages

VERSION = 0.1.0
PREFIX  = /usr/local
CC      = gcc
BUILD   = build
CFLAGS  = -O2 -g
DEPS    = yes
MODEL   = coder
# Three test programs at a time: most of their time is waiting.
PROVE   = -j3

PACKAGES_BUILD = gcc make pkg-config liblua5.4-dev libuv1-dev libcurl4-openssl-dev ca-certificates libsqlite3-dev \
                 libarchive-dev zlib1g-dev libdeflate-dev libzstd-dev nettle-dev lua-cjson-dev libjemalloc-dev libedit-dev libutf8proc-dev libmicrohttpd-dev
PACKAGES_FUZZ  = $(PACKAGES_BUILD) python3 zstd clang libclang-rt-14-dev
PACKAGES_GUIDE = pandoc
PACKAGES_CLUSTER = $(PACKAGES_BUILD) python3 slurm-wlm munge
PACKAGES_STATIC = $(PACKAGES_BUILD) dpkg-dev libssl-dev libnghttp2-dev libbrotli-dev libc-ares-dev liblzma-dev libbz2-dev liblz4-dev libbsd-dev libmd-dev libncurses-dev
PACKAGES_DEB   = $(PACKAGES_BUILD) build-essential debhelper fakeroot lintian
PACKAGES_CHECK = $(PACKAGES_BUILD) perl python3 curl zstd xz-utils bzip2 gzip lua-check mandoc \
                 nginx-light libnginx-mod-http-echo python3-h2 openssl

LIBRARIES = libuv sqlite3 zlib libdeflate libzstd nettle libedit libutf8proc
WARNINGS  = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wcast-qual
DEFINES   = -D_GNU_SOURCE -DFELLOWSHIP_VERSION='"$(VERSION)"'

# Lua's functions are seen by modules in C that scripts require, none of ours: names like loop_new would come before
# those of the forty libraries that libcurl brings.
# pkg-config is asked when something is compiled, so that `make deps` can install it first.
cflags = -std=c11 $(WARNINGS) -fvisibility=hidden $(CFLAGS) $(SANITIZE) $(DEFINES) -Iruntime \
         $(shell pkg-config --cflags $(LIBRARIES) lua5.4 libcurl libarchive libmicrohttpd)
# libcurl, libarchive and libmicrohttpd are loaded when they are wanted: see their headers in runtime/engine.
libs   = $(lua) $(shell pkg-config --libs $(LIBRARIES)) $(ALLOCATOR) -lm -lpthread
# Unit tests and fuzzers make archives of their own.
test_libs = $(libs) $(shell pkg-config --libs libarchive)
# Lua is a part of the program, which has no detours then, as shared code has for each call: a tenth
# less CPU. The whole of it, since modules in C that scripts require (cjson) find it there.
lua    = -Wl,--whole-archive $(shell pkg-config --variable=libdir lua5.4)/liblua5.4.a -Wl,--no-whole-archive \
         $(filter-out -llua5.4,$(shell pkg-config --libs lua5.4-cjson))
# Thousands of texts of a few kilobytes come and go: a fifth less CPU than with glibc's malloc.
# The sanitizers bring their own. Linked in, since its shared library brings C++'s, a millisecond of each start.
ALLOCATOR = $(if $(SANITIZE),,-l:libjemalloc_pic.a)

SOURCES = $(wildcard runtime/*/*.c runtime/*/*/*.c)
OBJECTS = $(SOURCES:%.c=$(BUILD)/%.o)
# Unit tests link everything but main.
UNITS   = $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/*_test.c))
UNIT_OBJECTS = $(filter-out $(BUILD)/runtime/host/main.o,$(OBJECTS))

all: $(BUILD)/fellowship $(BUILD)/lualib.luac

$(BUILD)/fellowship: $(OBJECTS)
	@echo "  LD  $@"
	@$(CC) $(SANITIZE) -rdynamic -o $@ $^ $(libs)

# The same with the C library's malloc, which a test can make fail.
$(BUILD)/fellowship-libc: $(OBJECTS)
	@echo "  LD  $@"
	@$(CC) $(SANITIZE) -rdynamic -o $@ $^ $(filter-out $(ALLOCATOR),$(libs))

# The library as bytecode. A module that was changed since is read as it is: nobody has to run make.
$(BUILD)/lualib.luac: $(BUILD)/fellowship $(shell find lualib/fellowship -name '*.lua')
	@echo "  LUA $@"
	@$(BUILD)/fellowship --precompile $@ lualib $(CURDIR)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC  $<"
	@$(CC) $(cflags) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%: tests/unit/%.c $(UNIT_OBJECTS)
	@mkdir -p $(@D)
	@echo "  CC  $<"
	@$(CC) $(cflags) -fvisibility=default -Itests/unit -MMD -MP -MF $@.d -o $@ $< $(UNIT_OBJECTS) $(test_libs)

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

units: $(UNITS) $(BUILD)/fellowship-libc

# Folders whose programs are no tests, or want peers that are installed for them.
NO_TESTS = $(addprefix tests/,unit lib bench fuzz live loaders packages clients)
TESTS    = $(UNITS) $(wildcard $(patsubst %,%/*.py,$(TEST_DIRS)) $(patsubst %,%/*.lua,$(TEST_DIRS)))
TEST_DIRS = $(filter-out $(NO_TESTS),$(patsubst %/,%,$(sort $(dir $(wildcard tests/*/*)))))

asan:
	@$(MAKE) --no-print-directory all units BUILD=build/asan \
	    CFLAGS='-O1 -g -fno-omit-frame-pointer' SANITIZE='-fsanitize=address,undefined'

check-asan: deps-CHECK asan
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	$(MAKE) --no-print-directory test BUILD=build/asan \
	    CFLAGS='-O1 -g -fno-omit-frame-pointer' SANITIZE='-fsanitize=address,undefined'

# Answers of all sizes and latencies over HTTP/2 and HTTP/1.1 with TLS; check has a part of it.
check-http2: deps-CHECK all
	FELLOWSHIP=$(abspath $(BUILD)/fellowship) FELLOWSHIP_MATRIX=1 tests/call/http2.py

# What runs on threads of its own, with ThreadSanitizer: the store, reading, writing.
TSAN_TESTS = $(filter %/store_test %/store_fault_test %/store_lease_test %/store_sync_test %/store_look_test %/crew_test %/stream_test,$(UNITS)) \
             tests/runtime/store.lua tests/runtime/store_batch.lua tests/call/leases.py

tsan: deps-CHECK
	@$(MAKE) --no-print-directory all units BUILD=build/tsan CFLAGS='-O1 -g -fno-omit-frame-pointer' SANITIZE='-fsanitize=thread'
	TSAN_OPTIONS=halt_on_error=1:exitcode=66:report_thread_leaks=0 $(MAKE) --no-print-directory test-tsan BUILD=build/tsan

test-tsan:
	PATH=$(abspath $(BUILD)):$$PATH FELLOWSHIP=$(abspath $(BUILD)/fellowship) prove $(PROVE) --exec '' $(TSAN_TESTS)

# Hugging Face's datasets, TRL, LLaMA-Factory and Axolotl over what `run preference` writes; not part of check.
check-loaders: all
	FELLOWSHIP=$(abspath $(BUILD)/fellowship) python3 tests/loaders/check.py

# openai-python, openai-node, LangChain, LiteLLM, promptfoo, inspect_ai, distilabel, lm-evaluation-harness; not part of
# check. CLIENTS="litellm inspect" chooses some.
check-clients: all
	FELLOWSHIP=$(abspath $(BUILD)/fellowship) python3 tests/clients/check.py $(CLIENTS)

# Every tests/fuzz/X_fuzz.c, from the seeds that tests/fuzz/seeds.py has for X and what earlier runs
# found worth keeping. What breaks a target stays as build/fuzz/X-crash-...; to run it again:
# build/fuzz/X_fuzz FILE
FUZZ         = build/fuzz
FUZZ_SECONDS = 10
FUZZERS      = $(patsubst tests/fuzz/%.c,$(FUZZ)/%,$(wildcard tests/fuzz/*_fuzz.c))

fuzz: deps-FUZZ
	@if ! command -v clang >/dev/null; then echo "fuzz: skipped, clang is not installed"; exit 0; fi; \
	$(MAKE) --no-print-directory fuzzers BUILD=$(FUZZ) CC=clang \
	    CFLAGS='-O1 -g -fno-omit-frame-pointer' \
	    SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined' && \
	tests/fuzz/seeds.py $(FUZZ)/seeds && \
	for fuzzer in $(FUZZERS); do \
	    name=$$(basename $$fuzzer _fuzz); mkdir -p $(FUZZ)/corpus/$$name; \
	    echo "  FUZZ $$name, $(FUZZ_SECONDS) s"; \
	    $$fuzzer -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -verbosity=0 \
	        -print_final_stats=1 -artifact_prefix=$(FUZZ)/$$name- \
	        $(FUZZ)/corpus/$$name $(FUZZ)/seeds/$$name || exit 1; \
	done

fuzzers: $(FUZZERS)

# Here, since an include is read where it stands: above, there are no fuzzers yet.
-include $(FUZZERS:%=%.d)

$(FUZZ)/%_fuzz: tests/fuzz/%_fuzz.c $(UNIT_OBJECTS)
	@mkdir -p $(@D)
	@echo "  CC  $<"
	@$(CC) $(cflags) -fsanitize=fuzzer -MMD -MP -MF $@.d -o $@ $< $(UNIT_OBJECTS) $(test_libs)

bench: all
	@for bench in $(filter-out $(BENCH_JOBS),$(wildcard tests/bench/*.py)); do FELLOWSHIP=$(abspath $(BUILD)/fellowship) $$bench; done

# What comes after the calls: stores, and jobs run again.
BENCH_JOBS = tests/bench/store.py tests/bench/jobs.py

bench-jobs: all
	@for bench in $(BENCH_JOBS); do FELLOWSHIP=$(abspath $(BUILD)/fellowship) $$bench; done

lint:
	@if command -v luacheck >/dev/null; then luacheck -q lualib scripts examples tests; \
	 else echo "lint: luacheck is not installed (Debian: lua-check)"; fi

format:
	clang-format -i runtime/*/*.[ch] runtime/*/*/*.[ch] tests/unit/*.[ch] tests/fuzz/*.c

# A real model served locally over the OpenAI API, MODEL=coder, half or small; never needed by quickstart or check.
local-model:
	@MODEL=$(MODEL) bash examples/quickstart/local-model.sh

# The adapters against real servers on this machine, which are installed into build/live; development only.
check-live: all
	@bash tests/live/install.sh
	FELLOWSHIP=$(abspath $(BUILD)/fellowship) tests/live/check.py

# A run in shards under a real Slurm, which runs as several nodes of this machine: some minutes, most of which Slurm waits.
check-cluster: deps-CLUSTER
	@$(MAKE) --no-print-directory all
	FELLOWSHIP=$(abspath $(BUILD)/fellowship) tests/cluster/slurm/slurm.py

# ---- documentation ----

reference: $(BUILD)/reference.md

$(BUILD)/reference.md: $(BUILD)/fellowship $(shell find lualib -name '*.lua')
	@$(BUILD)/fellowship reference > $@
	@echo "  DOC $@"

# The options are those that the program itself tells.
$(BUILD)/fellowship.1: runtime/host/fellowship.1 $(BUILD)/fellowship lualib/fellowship/command/options.lua
	@$(BUILD)/fellowship reference --man-options > $@.options
	@sed -e 's/@VERSION@/$(VERSION)/' -e '/^.\\" @OPTIONS@/d' -e '/^@OPTIONS@/{' -e 'r $@.options' -e 'd' -e '}' $< > $@
	@rm $@.options

$(BUILD)/fellowship-run-%.1: scripts/%.lua $(BUILD)/fellowship $(shell find lualib/fellowship/command -name '*.lua')
	@$(BUILD)/fellowship reference --man $* > $@

# Verbs of which there is more to say than in fellowship(1).
$(BUILD)/fellowship-%.1: $(BUILD)/fellowship $(shell find lualib/fellowship/command -name '*.lua')
	@$(BUILD)/fellowship reference --man $* > $@

MANUALS = $(BUILD)/fellowship.1 $(patsubst %,$(BUILD)/fellowship-%.1,check merge new repl report serve status store submit work) $(patsubst scripts/%.lua,$(BUILD)/fellowship-run-%.1,$(wildcard scripts/*.lua))

# Tables of README and guide that are made of the code, in place.
PAGES = README.md $(wildcard examples/guide/*.md)

guide-tables: all
	@$(BUILD)/fellowship reference --fill $(PAGES)

# What the quickstart prints, in README. Its seconds are those of the machine that ran it.
readme: all
	@mkdir -p $(BUILD)
	@sh examples/quickstart/run.sh $(BUILD)/fellowship > $(BUILD)/quickstart.txt
	@awk 'FNR == NR { shown = shown $$0 "\n"; next } \
	    /^<!-- made by `make readme` -->/ { print; print "```text"; printf "%s", shown; print "```"; skip = 1; next } \
	    /^<!-- end -->/ { skip = 0 } !skip' $(BUILD)/quickstart.txt README.md > $(BUILD)/README.md
	@cp $(BUILD)/README.md README.md

guide: deps-GUIDE all reference
	@sh examples/guide/make.sh $(BUILD)
	@echo "  DOC $(BUILD)/guide.html"

reproduce: all
	@sh examples/reproduce/run.sh $(BUILD)/fellowship "$(DATA)"

# ---- installation ----

SHARE   = $(DESTDIR)$(PREFIX)/share
LIBRARY = $(SHARE)/fellowship
BASH    = $(SHARE)/bash-completion/completions

install: all reference $(MANUALS)
	install -d $(DESTDIR)$(PREFIX)/bin $(LIBRARY) $(SHARE)/man/man1 $(BASH) $(SHARE)/doc/fellowship
	rm -rf $(LIBRARY)/lualib $(LIBRARY)/scripts
	cp -R lualib scripts $(LIBRARY)/
	@# The program behind its library: an older one would look whether the two fit each time that it starts.
	install -m 755 $(BUILD)/fellowship $(DESTDIR)$(PREFIX)/bin/fellowship
	@# Bytecode is believed while its source has the time that it had: in a package that is SOURCE_DATE_EPOCH.
	$(if $(SOURCE_DATE_EPOCH),find $(LIBRARY)/lualib -name '*.lua' -exec touch -d @$(SOURCE_DATE_EPOCH) {} +)
	$(BUILD)/fellowship --precompile $(LIBRARY)/lualib.luac $(LIBRARY)/lualib $(PREFIX)/share/fellowship
	install -m 644 $(MANUALS) $(SHARE)/man/man1/
	install -m 644 runtime/host/completion.bash $(BASH)/fellowship
	install -m 644 README.md LICENSE $(BUILD)/reference.md $(SHARE)/doc/fellowship/
	rm -rf $(SHARE)/doc/fellowship/examples
	cp -R examples $(SHARE)/doc/fellowship/

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/fellowship $(patsubst $(BUILD)/%,$(SHARE)/man/man1/%,$(MANUALS)) $(BASH)/fellowship
	rm -rf $(LIBRARY) $(SHARE)/doc/fellowship

# ---- packages to give away ----

# One file without shared libraries, the library inside: it runs where Linux does. Modules in C cannot be required then.
STATIC = $(BUILD)/static
static_libs = -static -Wl,--whole-archive -l:liblua5.4.a -Wl,--no-whole-archive -l:liblua5.4-cjson.a -luv_a -lsqlite3 -ldeflate -lnettle \
              -ledit -lbsd -lmd -ltinfo -lutf8proc $(STATIC)/curl/lib/libcurl.a -lcares -lssl -lcrypto -lnghttp2 -lbrotlidec -lbrotlicommon \
              -larchive -lnettle -llzma -lbz2 -llz4 -lz -lzstd $(ALLOCATOR) -lm -lpthread

static: deps-STATIC
	@mkdir -p $(STATIC)
	@sh .ci/libcurl $(abspath $(STATIC)/curl)
	@$(MAKE) --no-print-directory $(STATIC)/fellowship-static BUILD=$(STATIC) STATIC=$(STATIC) \
	    CFLAGS='$(CFLAGS) -DFELLOWSHIP_STATIC -DCURL_STATICLIB -I$(STATIC)/curl/include'
	@mv $(STATIC)/fellowship-static $(STATIC)/fellowship
	@ls -l $(STATIC)/fellowship

# The linker warns of functions that would load shared libraries: nothing here calls them but for a user without $HOME.
$(BUILD)/fellowship-static: $(OBJECTS) $(BUILD)/carried.o
	@echo "  LD  $@"
	@$(CC) -rdynamic -o $@ $^ $(static_libs) 2> $(BUILD)/link.log || { cat $(BUILD)/link.log; exit 1; }
	@strip $@

$(BUILD)/carried.o: $(shell find lualib scripts -name '*.lua')
	@tar --format=ustar --sort=name --owner=0 --group=0 --mtime=@0 -cf $(BUILD)/carried.tar lualib scripts
	@{ echo '.section .rodata'; echo '.global carried_begin, carried_end, carried_name'; \
	   echo 'carried_begin: .incbin "$(BUILD)/carried.tar"'; echo 'carried_end: .byte 0'; \
	   echo "carried_name: .asciz \"$(VERSION)-$$(sha256sum < $(BUILD)/carried.tar | cut -c 1-12)\""; \
	   echo '.section .note.GNU-stack,"",@progbits'; } > $(BUILD)/carried.s
	@$(CC) -c -o $@ $(BUILD)/carried.s

deb: deps-DEB
	@sh .ci/package $(VERSION) $(BUILD)/deb
	@ls -l $(BUILD)/deb/*.deb

# What is given away works on its own: the static program alone in an empty root, the package unpacked.
check-packages: static deb
	tests/packages/static.py
	tests/packages/deb.py

clean:
	rm -rf build

.PHONY: all quickstart check check-http2 test units asan check-asan tsan test-tsan check-loaders check-clients check-live check-cluster fuzz fuzzers bench bench-jobs lint format local-model reference guide guide-tables readme reproduce static deb check-packages install uninstall clean
