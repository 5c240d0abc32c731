#include "engine/record_reader.h"

namespace identity_resolve::engine {

RecordReader::RecordReader(Resolver& resolver, std::span<const std::string_view> source_names)
    : resolver_(&resolver),
      ticker_(resolver.environment()),
      ids_(&resolver.environment().memory()) {
  ids_.reserve(resolver.first_record_.size());
  for (const std::byte* place : resolver.first_record_) {
    ticker_.tick();
    const Row first(place);
    ids_.push_back(engine::identity_id(source_names[index(first.source())], first.record_id()));
  }
}

bool RecordReader::next_block() noexcept {
  for (; sink_ < resolver_->sinks_.size(); ++sink_, block_ = 0) {
    const auto& blocks = resolver_->sinks_[sink_]->log_.blocks();
    for (; block_ < blocks.size(); ++block_) {
      if (blocks[block_].rows == 0) continue;
      next_ = blocks[block_].start;
      rows_left_ = blocks[block_++].rows;
      return true;
    }
  }
  return false;
}

void RecordReader::rewind() noexcept {
  sink_ = block_ = number_ = 0;
  rows_left_ = 0;
}

}  // namespace identity_resolve::engine
