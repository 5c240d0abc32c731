// Temporary files that the processes of one statement share: written by one process, read by
// another, within temp_file_limit, shown by log_temp_files, gone when the object is that made them.
//
// They are PostgreSQL's own: a set of files in a folder of its own below pgsql_tmp. Pieces are
// written and read straight, without a BufFile's pages of 8 kB between, as they are large.
#pragma once

#include "engine/environment.h"
#include "pg/pg.h"

namespace identity_resolve::pg {

// Names a set of files; plain data, which can be handed to another process as bytes.
using TempFileSet = FileSet;

class TempFiles {
 public:
  TempFiles() = default;
  // A set that another process has made, and will remove; prefix: of the names of new files.
  TempFiles(const TempFileSet& set, std::string prefix)
      : set_(set), prefix_(std::move(prefix)), is_there_(true), is_ours_(false) {}
  TempFiles(const TempFiles&) = delete;
  TempFiles& operator=(const TempFiles&) = delete;
  // Removes the files, if they are ours. Raises no error: what cannot be removed is logged.
  ~TempFiles();

  // The set, made when it is first asked for. Throws PgError.
  const TempFileSet& set();

  // A new file. Throws PgError.
  std::unique_ptr<engine::SpillFile> create();
  // A file of the set, to be read. Throws PgError.
  std::unique_ptr<engine::SpillFile> open(const std::string& name);

  // Closes a file of the set, and removes it at once if the set is ours: before the kernel has
  // written to disk what nobody will read. Raises no error.
  void close(File file, const std::string& name) noexcept;
  // From here on close() does nothing: an abort has closed the open files.
  void abandon() noexcept { are_abandoned_ = true; }

 private:
  TempFileSet set_{};
  std::string prefix_ = "spill";
  std::size_t count_ = 0;
  bool is_there_ = false;
  bool is_ours_ = true;
  bool are_abandoned_ = false;
};

// The name of a file that came from TempFiles.
[[nodiscard]] const std::string& name_of(const engine::SpillFile& file) noexcept;

}  // namespace identity_resolve::pg
