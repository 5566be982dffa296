#include "tests/support/temporary_folder.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "bandit/base/check.h"

namespace suggest::testing {

TemporaryFolder::TemporaryFolder() : path_(std::filesystem::temp_directory_path() / "sgt.XXXXXX") {
  SUGGEST_CHECK(::mkdtemp(path_.data()) != nullptr);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::Write(const std::string& name, const std::string& content) const {
  const std::string path = path_ + "/" + name;
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  SUGGEST_CHECK(file != nullptr);
  SUGGEST_CHECK(std::fwrite(content.data(), 1, content.size(), file) == content.size());
  SUGGEST_CHECK(std::fclose(file) == 0);
  return path;
}

}  // namespace suggest::testing
