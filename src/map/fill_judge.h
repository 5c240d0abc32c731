// Judges what a fill has listed: what records were, which keys are too common, who shares one, and
// what the sources have lost.
#pragma once

#include "map/fill_work.h"

namespace identity_resolve::pg::fill {

// Into Judged, from the entries and old records; the latter are forgotten. Cost: both, sorted by
// their numbers. Throws engine::Error, PgError.
void judge(Work& work);
// Whether a source has lost too much: says so in Work::filled. Nothing is to be written then.
bool hold_losses(Work& work);

}  // namespace identity_resolve::pg::fill
