#include "storage/source/csv.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/utf8.h"

namespace suggest::storage {
namespace {

constexpr int kEnd = -1;
constexpr size_t kBlockBytes = 1 << 16;
constexpr size_t kRecordBytes = 16 << 20;
constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr absl::string_view kNoBreakSpace = "\xc2\xa0";

// First bytes of what is no CSV in UTF-8, and what it is.
struct Signature {
  absl::string_view bytes;
  absl::string_view what;
};
constexpr Signature kSignatures[] = {{absl::string_view("\xff\xfe\0\0", 4), "is in UTF-32"},
                                     {absl::string_view("\0\0\xfe\xff", 4), "is in UTF-32"},
                                     {"\xff\xfe", "is in UTF-16"},
                                     {"\xfe\xff", "is in UTF-16"},
                                     {"PK\x03\x04", "is a spreadsheet or an archive"},
                                     {"\xd0\xcf\x11\xe0", "is an old spreadsheet"},
                                     {"\x1f\x8b", "is compressed"},
                                     {"%PDF", "is a PDF"}};

absl::string_view TrimmedName(absl::string_view name) {
  while (true) {
    const size_t before = name.size();
    name = absl::StripAsciiWhitespace(name);
    while (absl::ConsumePrefix(&name, kNoBreakSpace)) {
    }
    while (absl::ConsumeSuffix(&name, kNoBreakSpace)) {
    }
    if (name.size() == before) return name;
  }
}

bool HasControlCharacter(absl::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  }
  return false;
}

}  // namespace

std::string ShownField(absl::string_view field) {
  constexpr size_t kLongest = 60;
  size_t end = std::min(field.size(), kLongest);
  while (end > 0 && end < field.size() && (field[end] & 0xC0) == 0x80) --end;  // not within a UTF-8 character
  const bool utf8 = IsUtf8(field.substr(0, end));
  std::string shown;
  for (const char c : field.substr(0, end)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      shown += "\\n";
    } else if (c == '\r') {
      shown += "\\r";
    } else if (c == '\t') {
      shown += "\\t";
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      absl::StrAppendFormat(&shown, "\\x%02x", byte);
    } else {
      shown += c;
    }
  }
  return end < field.size() ? shown + "..." : shown;
}

CsvReader::CsvReader(std::string name, std::FILE* file, std::string text)
    : name_(std::move(name)), file_(file), buffer_(std::move(text)) {}

CsvReader::~CsvReader() {
  if (file_ != nullptr) std::fclose(file_);
}

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::Open(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  std::unique_ptr<CsvReader> reader(new CsvReader(path, file, ""));
  RETURN_IF_ERROR(reader->ReadHeader());
  return reader;
}

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::FromString(std::string text, const std::string& name) {
  std::unique_ptr<CsvReader> reader(new CsvReader(name, nullptr, std::move(text)));
  RETURN_IF_ERROR(reader->ReadHeader());
  return reader;
}

absl::StatusOr<bool> CsvReader::Next(std::vector<std::string>& fields) {
  ASSIGN_OR_RETURN(const bool found, ReadRecord(fields));
  if (!found) return false;
  while (fields.size() > header_.size() + unnamed_ && fields.back().empty()) fields.pop_back();
  if (fields.size() > header_.size() && fields.size() <= header_.size() + unnamed_) {
    for (size_t i = header_.size(); i < fields.size(); ++i) {
      if (fields[i].empty()) continue;
      return Error(
          absl::StrCat("column ", i + 1, " has the value '", ShownField(fields[i]), "', but no name in the header"));
    }
    fields.resize(header_.size());
  }
  if (fields.size() != header_.size()) {
    return Error(absl::StrCat(fields.size(), " fields, but the header has ", header_.size()));
  }
  RETURN_IF_ERROR(CheckText(fields));
  return true;
}

absl::Status CsvReader::ReadHeader() {
  Fill();
  if (file_ != nullptr && std::ferror(file_) != 0) {
    line_ = 1;
    return Error("the file cannot be read");
  }
  RETURN_IF_ERROR(CheckFormat());
  if (absl::StartsWith(buffer_, kByteOrderMark)) {
    position_ = kByteOrderMark.size();
    bytes_read_ = static_cast<int64_t>(position_);
  }
  const size_t first_break = buffer_.find_first_of("\r\n");
  ends_in_cr_ = first_break != std::string::npos && buffer_[first_break] == '\r' &&
                (first_break + 1 == buffer_.size() || buffer_[first_break + 1] != '\n') &&
                buffer_.find('\n') == std::string::npos;
  if (!TakeSeparatorLine()) separator_ = FindSeparator();
  ASSIGN_OR_RETURN(const bool found, ReadRecord(header_));
  if (!found)
    return absl::InvalidArgumentError(absl::StrCat(name_, ": the file is empty; its first line names the columns"));
  return CheckHeader();
}

absl::Status CsvReader::CheckFormat() {
  line_ = 1;
  constexpr absl::string_view kRemedy = "; save it as CSV in UTF-8";
  for (const Signature& signature : kSignatures) {
    if (absl::StartsWith(buffer_, signature.bytes)) return Error(absl::StrCat("the file ", signature.what, kRemedy));
  }
  const absl::string_view first_line = absl::string_view(buffer_).substr(0, buffer_.find('\n'));
  if (first_line.find('\0') != absl::string_view::npos) {
    return Error(absl::StrCat("the header has a NUL byte: the file is in UTF-16, or no text", kRemedy));
  }
  return absl::OkStatus();
}

// "sep=;", which spreadsheets write and obey.
bool CsvReader::TakeSeparatorLine() {
  const absl::string_view rest = absl::string_view(buffer_).substr(position_);
  if (rest.size() < 6 || !absl::EqualsIgnoreCase(rest.substr(0, 4), "sep=")) return false;
  if ((rest[4] != ',' && rest[4] != ';' && rest[4] != '\t') || (rest[5] != '\r' && rest[5] != '\n')) return false;
  separator_ = rest[4];
  for (int i = 0; i < 5; ++i) Take();
  return true;
}

// The separator that the header has outside of quotes; a comma before the others, and where there is none.
char CsvReader::FindSeparator() {
  bool quoted = false;
  bool semicolon = false;
  bool tab = false;
  size_t at = position_;
  while (at < buffer_.size() && (buffer_[at] == '\n' || buffer_[at] == '\r')) ++at;
  for (; at < buffer_.size(); ++at) {
    const char c = buffer_[at];
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n' || c == '\r') break;
    if (c == ',') return ',';
    semicolon |= c == ';';
    tab |= c == '\t';
  }
  return semicolon ? ';' : tab ? '\t' : ',';
}

absl::Status CsvReader::CheckHeader() {
  while (header_.size() > 1 && TrimmedName(header_.back()).empty()) {
    header_.pop_back();
    ++unnamed_;
  }
  std::set<std::string> seen;
  for (size_t i = 0; i < header_.size(); ++i) {
    std::string& column = header_[i];
    column = std::string(TrimmedName(column));
    if (column.empty()) return Error("the header has a column without a name");
    if (!IsUtf8(column)) {
      return Error(absl::StrCat("the header is not UTF-8: column ", i + 1, " is '", ShownField(column),
                                "'; save the file as CSV in UTF-8"));
    }
    if (HasControlCharacter(column) || absl::StrContains(column, kByteOrderMark)) {
      return Error(absl::StrCat("column ", i + 1, ": the name '", ShownField(column), "' has an invisible character"));
    }
    if (!seen.insert(column).second) return Error(absl::StrCat("column '", ShownField(column), "' is named twice"));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvReader::ReadRecord(std::vector<std::string>& fields) {
  while (Peek() == '\n' || Peek() == '\r') Take();
  line_ = next_line_;
  fields.clear();
  record_bytes_ = 0;
  bool more = Peek() != kEnd;
  while (more) {
    fields.emplace_back();
    ASSIGN_OR_RETURN(more, ReadField(fields.back()));
  }
  if (file_ != nullptr && std::ferror(file_) != 0) return Error("the file cannot be read");
  return !fields.empty();
}

// Reads up to and including the separator; true when it was one, false at the end of the line.
absl::StatusOr<bool> CsvReader::ReadField(std::string& field) {
  SkipBlanks();
  if (Peek() == '"') RETURN_IF_ERROR(ReadQuoted(field));
  return ReadPlain(field);
}

absl::Status CsvReader::ReadQuoted(std::string& field) {
  Take();
  while (true) {
    const int c = Take();
    if (c == kEnd) return Error(absl::StrCat("the quote before '", ShownField(field), "' does not end"));
    if (++record_bytes_ > kRecordBytes) {
      return Error(absl::StrCat("the quote before '", ShownField(field), "' does not end within 16 MiB"));
    }
    if (c == '"' && Peek() != '"') break;
    if (c == '"') Take();
    field += static_cast<char>(c);
  }
  SkipBlanks();
  const int next = Peek();
  if (next != separator_ && next != '\n' && next != '\r' && next != kEnd) {
    return Error(absl::StrCat("text after the closing quote of '", ShownField(field), "'"));
  }
  return absl::OkStatus();
}

// What stands up to the separator or the line's end, after a quoted part nothing.
absl::StatusOr<bool> CsvReader::ReadPlain(std::string& field) {
  size_t without_blanks = field.size();
  while (true) {
    const int c = Take();
    const bool end_of_line = c == '\n' || c == kEnd || (c == '\r' && ends_in_cr_);
    if (c == separator_ || end_of_line) {
      field.resize(without_blanks);
      return !end_of_line;
    }
    if (c == '\r' && (Peek() == '\n' || Peek() == kEnd)) continue;
    if (c == '\r') {
      field.resize(without_blanks);
      return Error(absl::StrCat("a carriage return after '", ShownField(field),
                                "': lines end in LF, CRLF, or CR alone "
                                "in the whole file, and a value with a line break stands in quotes"));
    }
    if (++record_bytes_ > kRecordBytes) return Error("the record is longer than 16 MiB");
    field += static_cast<char>(c);
    if (!IsBlank(c)) without_blanks = field.size();
  }
}

absl::Status CsvReader::CheckText(const std::vector<std::string>& fields) const {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].find('\0') != std::string::npos) return Error(absl::StrCat(header_[i], ": the value has a NUL byte"));
    if (!IsUtf8(fields[i])) {
      return Error(absl::StrCat(header_[i], ": the value '", ShownField(fields[i]),
                                "' is not UTF-8; save the file as CSV in UTF-8"));
    }
  }
  return absl::OkStatus();
}

absl::Status CsvReader::Error(absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(name_, ":", line_, ": ", what));
}

void CsvReader::SkipBlanks() {
  while (IsBlank(Peek())) Take();
}

// Reads the next block into an exhausted buffer; false when there is none.
bool CsvReader::Fill() {
  if (file_ == nullptr) return false;
  buffer_.resize(kBlockBytes);
  buffer_.resize(std::fread(buffer_.data(), 1, kBlockBytes, file_));
  position_ = 0;
  return !buffer_.empty();
}

int CsvReader::Peek() {
  if (position_ == buffer_.size() && !Fill()) return kEnd;
  return static_cast<unsigned char>(buffer_[position_]);
}

int CsvReader::Take() {
  const int c = Peek();
  if (c == kEnd) return c;
  ++position_;
  ++bytes_read_;
  if (c == '\n' || (c == '\r' && ends_in_cr_)) ++next_line_;
  return c;
}

}  // namespace suggest::storage
