// The library's identity card for PostgreSQL, and what it does when it is loaded.
#include "map/stored_aliases.h"
#include "normalize/email_icu.h"
#include "pg/border.h"
#include "pg/pg.h"
#include "pg/settings.h"
#include "resolve/aliases.h"
#include "resolve/bulk_receiver.h"
#include "resolve/resolve.h"

extern "C" {
#include <access/parallel.h>
}

namespace {

// PostgreSQL warns of a collation whose library was upgraded; so do we, but only where it matters.
void warn_of_icu() {
  if (IsParallelWorker() ||
      identity_resolve::pg::guarded(identity_resolve::normalize::icu_spells_as_ever)) {
    return;
  }
  ereport(WARNING,
          (errmsg("ICU %s spells some email addresses in another way than earlier versions",
                  identity_resolve::normalize::icu_version()),
           errdetail("An index on addresses beyond ASCII that was built with another version may "
                     "not find what it holds."),
           errhint("Rebuild the indexes of the classes email_ops, email_type_ops and mailbox_ops, "
                   "and those on normalize_email() and normalize_mailbox(), with REINDEX.")));
}

}  // namespace

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init();  // NOLINT(bugprone-reserved-identifier): PostgreSQL looks for it
void _PG_init() {
  identity_resolve::pg::define_settings();
  identity_resolve::pg::install_resolve_scan();
  identity_resolve::pg::install_bulk_receiver();
  identity_resolve::pg::set_stored_aliases(identity_resolve::pg::read_stored_aliases);
  warn_of_icu();
}
}
