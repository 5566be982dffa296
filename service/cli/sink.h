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
  // Writes and flushes. A sink whose reader is gone swallows the text: the command goes on, and failed() tells.
  virtual void Write(absl::string_view text) = 0;
  // True once a text was not written whole: the reader is gone, the disk is full.
  virtual bool failed() const { return false; }
};

// Does not own the file.
class FileSink : public Sink {
 public:
  explicit FileSink(std::FILE* file) : file_(file) {}
  void Write(absl::string_view text) override {
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) failed_ = true;
    if (std::fflush(file_) != 0) failed_ = true;
  }
  bool failed() const override { return failed_; }

 private:
  std::FILE* file_;
  bool failed_ = false;
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
