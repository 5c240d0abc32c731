# identity_resolve: the whole build. PGXS installs; the C++ rules are our own.
#
#   make && sudo make install      PG_CONFIG=… picks a server, CXX=… a compiler
#   make installcheck              pg_regress against the running server (PGHOST, PGPORT)
#   make unit | bench-engine       GoogleTest | Google Benchmark, through CMake in build/
#   make format | format-check | tidy
#   make SANITIZE=address,undefined    instrumented; out of tree: make -f path/to/Makefile

root := $(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST))))
find_files = $(sort $(patsubst $(root)/%,%,$(wildcard $(addprefix $(root)/,$(1)))))# in the checkout

EXTENSION  = identity_resolve
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(root)/$(EXTENSION).control)
ROOMS      = src src/engine src/normalize src/match src/pg src/spelling src/resolve src/report src/map
SOURCES    := $(call find_files,$(ROOMS:%=%/*.cc))
UPGRADES   := $(call find_files,src/sql/$(EXTENSION)--*--*.sql)
SQL_PARTS  := $(filter-out $(UPGRADES),$(call find_files,src/sql/*.sql))

MODULE_big = $(EXTENSION)
OBJS       = $(SOURCES:.cc=.o)
DATA       = $(UPGRADES)
DATA_built = $(EXTENSION)--$(EXTVERSION).sql
REGRESS    = $(basename $(notdir $(call find_files,sql/*.sql)))
EXTRA_CLEAN = $(OBJS:.o=.d) $(wildcard $(EXTENSION)--*.sql) build
SHLIB_LINK = -lphonenumber -lboost_container -lfmt -licui18n -licuuc -lsodium

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(PGXS),)
$(error $(PG_CONFIG) knows no PGXS: install postgresql-server-dev-NN, or set PG_CONFIG)
endif
override with_llvm = no# no bitcode: nothing here gains from being inlined into a JIT-compiled plan
include $(PGXS)
VPATH =# an out-of-tree build must not pick up objects that lie in the checkout
vpath %.control $(root)

WERROR ?=# test/check.sh has -Werror: what another compiler warns of must not keep a user from building
CXX_FLAGS = -std=c++20 -O2 -g -fPIC -fvisibility=hidden -fno-omit-frame-pointer -I$(root)/src \
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion $(WERROR) $(CXX_FLAGS_EXTRA)
# All but three rooms see Postgres: its headers are system headers (no warnings of theirs), rely on wrapping
# and aliasing, and before version 16 do not mark what a module exports.
SERVER_SOURCES = $(filter-out src/engine/% src/normalize/% src/match/%,$(SOURCES))
$(SERVER_SOURCES:.cc=.o) $(SERVER_SOURCES:.cc=.tidy): CXX_FLAGS += -isystem $(includedir_server) -D_GNU_SOURCE \
  -fno-strict-aliasing -fwrapv -D'PGDLLEXPORT=__attribute__((visibility("default")))'
ifdef SANITIZE
CXX_FLAGS  += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
SHLIB_LINK += -fsanitize=$(SANITIZE)
else
CXX_FLAGS  += -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
COMPILER = $(CXX)# links the module too, and so brings libstdc++

$(OBJS): %.o: $(root)/%.cc $(root)/Makefile
	@mkdir -p $(@D)
	$(CXX) $(CXX_FLAGS) -MMD -MP -c -o $@ $<
-include $(OBJS:.o=.d)

$(DATA_built): $(addprefix $(root)/,$(SQL_PARTS)) $(root)/$(EXTENSION).control
	{ printf '%s\n' '\echo Use "CREATE EXTENSION $(EXTENSION)" to load this file. \quit'; \
	  $(if $(SQL_PARTS),cat $(filter %.sql,$^)); } > $@

# Everything below needs no server.
CLANG_FORMAT ?= clang-format
CLANG_TIDY   ?= clang-tidy
FORMATTED = $(addprefix $(root)/,$(call find_files,$(foreach d,$(ROOMS) \
  test/unit test/fuzz test/bench test/bench/engine,$(d)/*.cc $(d)/*.h)))

format:
	$(if $(FORMATTED),$(CLANG_FORMAT) -i $(FORMATTED))
format-check:
	$(if $(FORMATTED),$(CLANG_FORMAT) --dry-run -Werror $(FORMATTED))
tidy: $(SOURCES:.cc=.tidy)
$(SOURCES:.cc=.tidy): %.tidy: $(root)/%.cc
	$(CLANG_TIDY) --quiet $< -- $(CXX_FLAGS)

build/CMakeCache.txt:
	cmake -S $(root) -B build -DPG_CONFIG=$(PG_CONFIG) -DCMAKE_CXX_COMPILER=$(CXX)
unit: build/CMakeCache.txt
	cmake --build build --target unit_tests
	ctest --test-dir build --output-on-failure
bench-engine: build/CMakeCache.txt
	cmake --build build --target engine_benchmarks
	for b in build/test/bench/engine/*_bench; do $$b || exit; done

.PHONY: format format-check tidy unit bench-engine
