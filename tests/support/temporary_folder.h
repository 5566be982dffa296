// A fresh folder under the temporary one, removed with all it holds at the end.
#ifndef TESTS_SUPPORT_TEMPORARY_FOLDER_H_
#define TESTS_SUPPORT_TEMPORARY_FOLDER_H_

#include <string>

namespace suggest::testing {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  // Short: a Unix socket fits into it.
  const std::string& path() const { return path_; }
  // Writes a file of that name and returns its path.
  std::string Write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

}  // namespace suggest::testing

#endif  // TESTS_SUPPORT_TEMPORARY_FOLDER_H_
