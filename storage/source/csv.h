// Reads CSV with a header line, as RFC 4180 has it and as spreadsheets, phones and old exports write it.
//
// Fields are separated by commas, semicolons or tabs: the header tells which ("sep=;" in a line before it, too). A
// field in double quotes may hold separators, line breaks and doubled quotes; blanks around a field are no part of it,
// but for what stands in quotes. Lines end in LF, CRLF, or CR in the whole file; a UTF-8 byte-order mark at the start
// and empty lines are skipped. Empty fields beyond the header's, and columns without a name that are empty in every
// record, are passed over: trailing separators. Text is UTF-8; other encodings and spreadsheets' own formats are
// refused with the remedy. Memory: one record and one block.
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

// Text of a field for a message: at most 60 bytes of it, control characters escaped, so that a message has one line.
std::string ShownField(absl::string_view field);

class CsvReader {
 public:
  // Opens the file and reads its header. Errors: NOT_FOUND when it cannot be opened; INVALID_ARGUMENT for an empty
  // file, for one in another encoding or format, and for a header with an empty, a repeated or an unreadable name.
  static absl::StatusOr<std::unique_ptr<CsvReader>> Open(const std::string& path);
  // The same over `text`; `name` stands for the path in messages.
  static absl::StatusOr<std::unique_ptr<CsvReader>> FromString(std::string text, const std::string& name);
  ~CsvReader();

  const std::string& name() const { return name_; }
  const std::vector<std::string>& header() const { return header_; }
  char separator() const { return separator_; }

  // Reads the next record into `fields`, as many as the header has. False at the end.
  // Errors: INVALID_ARGUMENT "name:line: ..." for a wrong number of fields, a quote that does not end, text after a
  // closing quote, a record of more than 16 MiB, a carriage return within a field, a NUL byte or bytes that are not
  // UTF-8.
  absl::StatusOr<bool> Next(std::vector<std::string>& fields);

  // The line at which the last record began, from 1.
  int64_t line() const { return line_; }
  // Bytes read so far, for progress.
  int64_t bytes_read() const { return bytes_read_; }

 private:
  CsvReader(std::string name, std::FILE* file, std::string text);
  absl::Status ReadHeader();
  absl::Status CheckFormat();
  bool TakeSeparatorLine();
  char FindSeparator();
  absl::Status CheckHeader();
  absl::StatusOr<bool> ReadRecord(std::vector<std::string>& fields);
  absl::StatusOr<bool> ReadField(std::string& field);
  absl::Status ReadQuoted(std::string& field);
  absl::StatusOr<bool> ReadPlain(std::string& field);
  absl::Status CheckText(const std::vector<std::string>& fields) const;
  absl::Status Error(absl::string_view what) const;
  bool IsBlank(int c) const { return c == ' ' || (c == '\t' && separator_ != '\t'); }
  void SkipBlanks();
  bool Fill();
  int Peek();
  int Take();

  const std::string name_;
  std::FILE* const file_;  // null: all text is in buffer_
  std::string buffer_;
  size_t position_ = 0;
  char separator_ = ',';
  bool ends_in_cr_ = false;  // lines end in CR alone
  std::vector<std::string> header_;
  size_t unnamed_ = 0;  // columns without a name at the header's end
  size_t record_bytes_ = 0;
  int64_t line_ = 0;
  int64_t next_line_ = 1;
  int64_t bytes_read_ = 0;
};

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_CSV_H_
