// The extension's settings (GUCs).
#pragma once

namespace identity_resolve::pg {

// identity_resolve.max_workers: how many parallel workers may read a source; -1: as many as
// max_parallel_maintenance_workers, but with the leader no more processes than there are cores.
[[nodiscard]] int max_workers() noexcept;

// identity_resolve.log_stages: whether a NOTICE after each stage says how long it took.
[[nodiscard]] bool log_stages() noexcept;

// identity_resolve.revive_for: how long an identity map remembers records that are gone, in
// seconds.
[[nodiscard]] int revive_for() noexcept;

// From begin to end, messages below an error reach neither the client nor the log: for planning
// what the execution plans again, or has planned. An error ends it too. For plain frames.
[[nodiscard]] int begin_silence();
void end_silence(int level);

// Declares them; once a process.
void define_settings();

}  // namespace identity_resolve::pg
