#include "pg/temp_files.h"

#include "pg/border.h"

namespace identity_resolve::pg {

namespace {

class TempFile final : public engine::SpillFile {
 public:
  TempFile(TempFiles& files, std::string name, File file) noexcept
      : files_(&files), name_(std::move(name)), file_(file) {}
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  ~TempFile() override { files_->close(file_, name_); }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  void append(const void* bytes, std::size_t count) override {
    each_step(bytes, count, [this](const char* at, int step) {
      return FileWrite(file_, const_cast<char*>(at), step, static_cast<off_t>(end_),
                       WAIT_EVENT_BUFFILE_WRITE);
    });
  }
  void read(std::uint64_t at, void* to, std::size_t count) override {
    const std::uint64_t end = std::exchange(end_, at);
    each_step(to, count, [this](const char* place, int step) {
      return FileRead(file_, const_cast<char*>(place), step, static_cast<off_t>(end_),
                      WAIT_EVENT_BUFFILE_READ);
    });
    end_ = end;
  }

 private:
  // Calls step(place, bytes) for one piece after the other, each at the file's place end_.
  template <class Step>
  void each_step(const void* bytes, std::size_t count, Step&& step) {
    constexpr std::size_t kLongestStep = std::size_t{1} << 20;
    call([&] {
      const auto* at = static_cast<const char*>(bytes);
      while (count != 0) {
        CHECK_FOR_INTERRUPTS();
        errno = 0;
        const std::int64_t done = step(at, static_cast<int>(std::min(count, kLongestStep)));
        if (done <= 0) {
          if (errno == 0) errno = ENOSPC;
          const char* reason = std::strerror(errno);
          ereport(ERROR,
                  (errcode_for_file_access(),
                   errmsg("could not use temporary file \"%s\": %s", FilePathName(file_), reason)));
        }
        at += done;
        end_ += static_cast<std::uint64_t>(done);
        count -= static_cast<std::size_t>(done);
      }
    });
  }

  TempFiles* files_;
  std::string name_;
  File file_;
  std::uint64_t end_ = 0;
};

}  // namespace

TempFiles::~TempFiles() {
  if (is_there_ && is_ours_) FileSetDeleteAll(&set_);
}

const TempFileSet& TempFiles::set() {
  if (!is_there_) {
    call([this] { FileSetInit(&set_); });
    is_there_ = true;
  }
  return set_;
}

std::unique_ptr<engine::SpillFile> TempFiles::create() {
  static_cast<void>(set());
  std::string name = prefix_ + "." + std::to_string(count_++);
  const File file = call([&] { return FileSetCreate(&set_, name.c_str()); });
  return std::make_unique<TempFile>(*this, std::move(name), file);
}

std::unique_ptr<engine::SpillFile> TempFiles::open(const std::string& name) {
  const File file = call([&] { return FileSetOpen(&set_, name.c_str(), O_RDONLY); });
  if (file <= 0) {
    throw engine::Error("58P01", "a temporary file of this statement is gone", name);
  }
  return std::make_unique<TempFile>(*this, name, file);
}

void TempFiles::close(File file, const std::string& name) noexcept {
  if (are_abandoned_) return;
  FileClose(file);
  if (is_ours_) FileSetDelete(&set_, name.c_str(), false);
}

const std::string& name_of(const engine::SpillFile& file) noexcept {
  return static_cast<const TempFile&>(file).name();
}

}  // namespace identity_resolve::pg
