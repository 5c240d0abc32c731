// The one door to PostgreSQL: every other file of src/pg includes this header and never postgres.h
// itself. Version differences between PostgreSQL 14 and 18 are settled here.
#pragma once

// The standard library comes first: PostgreSQL's port.h redefines printf and friends as macros.
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

extern "C" {
#include <postgres.h>

#include <access/htup_details.h>
#include <access/tupdesc.h>
#include <access/xact.h>
#include <catalog/namespace.h>
#include <catalog/pg_collation.h>
#include <catalog/pg_operator.h>
#include <catalog/pg_type.h>
#include <executor/executor.h>
#include <executor/spi.h>
#include <fmgr.h>
#include <funcapi.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <nodes/supportnodes.h>
#include <pgtime.h>
#include <regex/regex.h>
#include <tcop/cmdtag.h>
#include <tcop/dest.h>
#include <utils/array.h>
#include <utils/builtins.h>
#include <utils/bytea.h>
#include <utils/date.h>
#include <utils/float.h>
#include <utils/guc.h>
#include <utils/json.h>
#include <utils/jsonb.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/plancache.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>
#include <utils/tuplestore.h>
#include <utils/typcache.h>
#include <utils/uuid.h>
}

#if PG_VERSION_NUM < 140000
#error "identity_resolve needs PostgreSQL 14 or later"
#endif

#if PG_VERSION_NUM >= 160000
extern "C" {
#include <varatt.h>
}
#endif

#undef _
#undef printf
#undef fprintf
#undef sprintf
#undef snprintf
#undef vprintf
#undef vfprintf
#undef vsprintf
#undef vsnprintf
#undef strerror
#undef gettext
#undef ngettext
#undef dgettext
#undef dngettext

// Marks a function as callable from SQL; the library is built with hidden visibility.
#define IDENTITY_RESOLVE_FUNCTION(name)     \
  extern "C" {                              \
  PG_FUNCTION_INFO_V1(name);                \
  PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
  }                                         \
  Datum name(PG_FUNCTION_ARGS)
