// Reads CSV as RFC 4180 has it, with a header line.
//
// Fields are separated by commas; a field in double quotes may hold commas, line breaks and doubled quotes; lines end
// in LF or CRLF; a byte-order mark at the start is skipped, and so are empty lines. Text is UTF-8.
// Memory: one record and one block.
#ifndef STORAGE_SOURCE_CSV_H_
#define STORAGE_SOURCE_CSV_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace suggest::storage {

class CsvReader {
 public:
  // Opens the file and reads its header. Errors: NOT_FOUND when it cannot be opened; INVALID_ARGUMENT for an empty
  // file, and for a header with an empty or a repeated name.
  static absl::StatusOr<std::unique_ptr<CsvReader>> Open(const std::string& path);
  // The same over `text`; `name` stands for the path in messages.
  static absl::StatusOr<std::unique_ptr<CsvReader>> FromString(std::string text, const std::string& name);
  ~CsvReader();

  const std::string& name() const { return name_; }
  const std::vector<std::string>& header() const { return header_; }

  // Reads the next record into `fields`, as many as the header has. False at the end.
  // Errors: INVALID_ARGUMENT "name:line: ..." for a wrong number of fields, a quote that does not end, text after a
  // closing quote, a NUL byte or bytes that are not UTF-8.
  absl::StatusOr<bool> Next(std::vector<std::string>& fields);

  // The line at which the last record began, from 1.
  int64_t line() const { return line_; }
  // Bytes read so far, for progress.
  int64_t bytes_read() const { return bytes_read_; }

 private:
  CsvReader(std::string name, std::FILE* file, std::string text);
  absl::Status ReadHeader();
  absl::StatusOr<bool> ReadRecord(std::vector<std::string>& fields);
  absl::StatusOr<bool> ReadField(std::string& field);
  absl::Status CheckText(const std::vector<std::string>& fields) const;
  absl::Status Error(absl::string_view what) const;
  int Peek();
  int Take();

  const std::string name_;
  std::FILE* const file_;  // null: all text is in buffer_
  std::string buffer_;
  size_t position_ = 0;
  std::vector<std::string> header_;
  int64_t line_ = 0;
  int64_t next_line_ = 1;
  int64_t bytes_read_ = 0;
};

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_CSV_H_
