// Where a command's text goes: standard output and error in the program, strings in tests.
#ifndef SERVICE_CLI_SINK_H_
#define SERVICE_CLI_SINK_H_

#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"

namespace suggest::cli {

class Sink {
 public:
  virtual ~Sink() = default;
  // Writes and flushes. A sink whose reader is gone swallows the text: the command goes on.
  virtual void Write(absl::string_view text) = 0;
};

// Does not own the file.
class FileSink : public Sink {
 public:
  explicit FileSink(std::FILE* file) : file_(file) {}
  void Write(absl::string_view text) override {
    std::fwrite(text.data(), 1, text.size(), file_);
    std::fflush(file_);
  }

 private:
  std::FILE* file_;
};

class StringSink : public Sink {
 public:
  void Write(absl::string_view text) override { text_.append(text.data(), text.size()); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace suggest::cli

#endif  // SERVICE_CLI_SINK_H_
