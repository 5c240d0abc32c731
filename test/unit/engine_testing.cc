#include "unit/engine_testing.h"

#include <numeric>

#include "engine/error.h"

namespace identity_resolve::engine::testing {

TestFile::TestFile(TestEnvironment& environment) : environment_(&environment) {
  ++environment.open_files;
}
TestFile::~TestFile() { --environment_->open_files; }

void TestFile::count() {
  if (++environment_->file_calls == environment_->fail_file_at) throw DiskFull();
}

void TestFile::append(const void* bytes, std::size_t count) {
  this->count();
  bytes_.append(static_cast<const char*>(bytes), count);
}

void TestFile::read(std::uint64_t at, void* to, std::size_t count) {
  this->count();
  if (at + count > bytes_.size()) std::abort();
  bytes_.copy(static_cast<char*>(to), count, at);
}

std::vector<Identity> read_all(Resolver& resolver, const Request& request) {
  Environment& environment = resolver.environment();
  IdentityReader reader(resolver);
  Survivorship survivorship(environment, request.columns, request.sources, request.slots);
  Combinations combinations(environment, request.columns, request.sources,
                            request.max_combinations);
  Cells cells = survivorship.make_cells();
  std::vector<Identity> identities;
  for (std::size_t number = 0; number < resolver.identities(); ++number) {
    reader.load(identity(number));
    survivorship.fill(reader, cells);
    Identity found;
    found.id = identity_id(source_name(index(reader.first_source())), reader.first_record_id());
    for (const OrderedRow& ordered : reader.rows()) {
      if (!ordered.starts_record) continue;
      found.records.emplace_back(static_cast<std::uint16_t>(ordered.row.source()),
                                 ordered.row.record_id());
    }
    if (found.records.size() != reader.record_count()) std::abort();
    found.cells = shown(cells);
    if (request.combinations) {
      try {
        combinations.each(
            reader, cells, [] { return std::string("42"); },
            [&] { found.combinations.push_back(shown(cells)); });
      } catch (const Error&) {
        found.too_many = true;
        found.combinations.clear();
      }
      std::sort(found.combinations.begin(), found.combinations.end());
    }
    identities.push_back(std::move(found));
  }
  std::sort(identities.begin(), identities.end());
  return identities;
}

std::vector<Identity> resolve(Environment& environment, const Request& request,
                              std::span<const InputRow> rows,
                              std::span<const std::vector<std::size_t>> deal) {
  const KeyRing keys = key_ring(request.kinds, request.sources);
  const Shape shape{std::vector<KindRules>(request.kinds), request.sources, request.combinations};
  Resolver resolver(environment, shape, keys);
  for (const std::vector<std::size_t>& numbers : deal) {
    std::unique_ptr<LocalSink> sink = resolver.make_sink();
    for (const std::size_t number : numbers) feed(*sink, rows[number]);
    resolver.combine(std::move(sink));
  }
  resolver.finalize();
  return read_all(resolver, request);
}

std::vector<Identity> resolve(Environment& environment, const Request& request,
                              std::span<const InputRow> rows) {
  std::vector<std::size_t> all(rows.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return resolve(environment, request, rows, std::span(&all, 1));
}

}  // namespace identity_resolve::engine::testing
