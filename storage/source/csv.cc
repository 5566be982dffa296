#include "storage/source/csv.h"

#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/utf8.h"

namespace suggest::storage {
namespace {

constexpr int kEnd = -1;
constexpr size_t kBlockBytes = 1 << 16;
constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";

// Text of a field for a message: on one line, and not too long of it.
std::string Shown(absl::string_view field) {
  return std::string(field.substr(0, 60));
}

}  // namespace

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
  if (fields.size() != header_.size()) {
    return Error(absl::StrCat(fields.size(), " fields, but the header has ", header_.size()));
  }
  RETURN_IF_ERROR(CheckText(fields));
  return true;
}

absl::Status CsvReader::ReadHeader() {
  ASSIGN_OR_RETURN(const bool found, ReadRecord(header_));
  if (!found)
    return absl::InvalidArgumentError(absl::StrCat(name_, ": the file is empty; its first line names the columns"));
  if (absl::string_view(header_[0]).substr(0, 3) == kByteOrderMark) header_[0].erase(0, kByteOrderMark.size());
  std::set<std::string> seen;
  for (const std::string& column : header_) {
    if (column.empty()) return Error("the header has a column without a name");
    if (!IsUtf8(column)) return Error("the header is not UTF-8");
    if (!seen.insert(column).second) return Error(absl::StrCat("column '", Shown(column), "' is named twice"));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvReader::ReadRecord(std::vector<std::string>& fields) {
  while (Peek() == '\n' || Peek() == '\r') Take();
  line_ = next_line_;
  fields.clear();
  bool more = Peek() != kEnd;
  while (more) {
    fields.emplace_back();
    ASSIGN_OR_RETURN(more, ReadField(fields.back()));
  }
  if (file_ != nullptr && std::ferror(file_) != 0) return Error("the file cannot be read");
  return !fields.empty();
}

// Reads up to and including the separator; true when it was a comma.
absl::StatusOr<bool> CsvReader::ReadField(std::string& field) {
  if (Peek() == '"') {
    Take();
    while (true) {
      const int c = Take();
      if (c == kEnd) return Error(absl::StrCat("the quote before '", Shown(field), "' does not end"));
      if (c == '"' && Peek() != '"') break;
      if (c == '"') Take();
      field += static_cast<char>(c);
    }
    if (Peek() != ',' && Peek() != '\n' && Peek() != '\r' && Peek() != kEnd) {
      return Error(absl::StrCat("text after the closing quote of '", Shown(field), "'"));
    }
  }
  while (true) {
    const int c = Take();
    if (c == ',') return true;
    if (c == '\n' || c == kEnd) return false;
    if (c == '\r' && (Peek() == '\n' || Peek() == kEnd)) continue;
    field += static_cast<char>(c);
  }
}

absl::Status CsvReader::CheckText(const std::vector<std::string>& fields) const {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].find('\0') != std::string::npos) return Error(absl::StrCat(header_[i], ": the value has a NUL byte"));
    if (!IsUtf8(fields[i])) return Error(absl::StrCat(header_[i], ": the value is not UTF-8"));
  }
  return absl::OkStatus();
}

absl::Status CsvReader::Error(absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(name_, ":", line_, ": ", what));
}

int CsvReader::Peek() {
  if (position_ == buffer_.size() && file_ != nullptr) {
    buffer_.resize(kBlockBytes);
    buffer_.resize(std::fread(buffer_.data(), 1, kBlockBytes, file_));
    position_ = 0;
  }
  return position_ == buffer_.size() ? kEnd : static_cast<unsigned char>(buffer_[position_]);
}

int CsvReader::Take() {
  const int c = Peek();
  if (c == kEnd) return c;
  ++position_;
  ++bytes_read_;
  if (c == '\n') ++next_line_;
  return c;
}

}  // namespace suggest::storage
