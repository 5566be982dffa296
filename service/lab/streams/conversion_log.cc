#include "service/lab/streams/conversion_log.h"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"

namespace suggest::streams {
namespace {

constexpr int kColumns = 2 + kFeatures;
constexpr int64_t kReportEvery = 1 << 20;

absl::Status BadColumn(int column, absl::string_view what, absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("column ", column, ": \"", absl::CEscape(text.substr(0, 40)), "\" ", what));
}

// FNV-1a with a last mixing step (MurmurHash3's finaliser), so that the low bits are as good as the others.
uint32_t Hash(int column, absl::string_view text, int bits) {
  uint64_t hash = (0xcbf29ce484222325u ^ static_cast<uint64_t>(column)) * 0x100000001b3u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53u;
  return static_cast<uint32_t>((hash ^ (hash >> 33)) & ((uint64_t{1} << bits) - 1));
}

// floor(4 log2(1 + n)) in whole numbers: four steps an octave, evenly in n.
std::string Bucket(int64_t n) {
  if (n < 0) return "below";
  const uint64_t value = static_cast<uint64_t>(n) + 1;
  const int octave = std::bit_width(value) - 1;
  const uint64_t quarter = ((value << 2) >> octave) & 3;
  return absl::StrCat(4 * octave + static_cast<int>(quarter));
}

absl::StatusOr<int64_t> Seconds(int column, absl::string_view text) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || value < 0) return BadColumn(column, "is no time in whole seconds", text);
  return value;
}

}  // namespace

absl::StatusOr<Click> ParseClick(absl::string_view line, int bits) {
  const std::vector<absl::string_view> columns = absl::StrSplit(line, '\t');
  if (columns.size() != kColumns) {
    return absl::InvalidArgumentError(absl::StrCat(columns.size(), " columns, expected ", kColumns));
  }
  Click click;
  ASSIGN_OR_RETURN(click.at, Seconds(1, columns[0]));
  if (!columns[1].empty()) {
    ASSIGN_OR_RETURN(click.converted_at, Seconds(2, columns[1]));
    if (click.converted_at < click.at) return BadColumn(2, "is a conversion before its click", columns[1]);
  }
  for (int i = 0; i < kFeatures; ++i) {
    const absl::string_view text = columns[2 + i];
    std::string value = "missing";
    if (i < kIntegerColumns && !text.empty()) {
      int64_t number = 0;
      if (!absl::SimpleAtoi(text, &number) || number > (int64_t{1} << 60)) {
        return BadColumn(3 + i, "is no integer", text);
      }
      value = Bucket(number);
    } else if (!text.empty()) {
      const bool hexadecimal = std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isxdigit(c); });
      if (!hexadecimal) return BadColumn(3 + i, "is not hexadecimal", text);
      value = std::string(text);
    }
    click.features[i] = Hash(i, value, bits);
  }
  return click;
}

absl::StatusOr<ConversionLog> ReadConversionLog(const std::string& file, int bits, const ReadProgress& progress) {
  SUGGEST_CHECK(bits >= 1 && bits <= 30);
  std::ifstream in(file);
  std::error_code error;
  const auto total = static_cast<int64_t>(std::filesystem::file_size(file, error));
  if (!in || error) return absl::NotFoundError(absl::StrCat(file, ": cannot be read"));
  ConversionLog log{.bits = bits, .clicks = {}};
  int64_t number = 0;
  int64_t bytes = 0;
  int64_t reported = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    bytes += static_cast<int64_t>(line.size()) + 1;
    absl::StatusOr<Click> click = ParseClick(line, bits);
    if (click.ok() && !log.clicks.empty() && click->at < log.clicks.back().at) {
      click = absl::InvalidArgumentError(
          absl::StrCat("column 1: ", click->at, " is before the click above, at ", log.clicks.back().at));
    }
    if (!click.ok()) {
      return absl::Status(click.status().code(), absl::StrCat(file, ": line ", number, ": ", click.status().message()));
    }
    log.clicks.push_back(*click);
    if (progress != nullptr && bytes - reported >= kReportEvery) progress(reported = bytes, total);
  }
  if (log.clicks.empty()) return absl::FailedPreconditionError(absl::StrCat(file, ": no clicks"));
  return log;
}

std::string FormatClick(int64_t at, int64_t converted_at, const std::array<std::string, kFeatures>& features) {
  return absl::StrCat(at, "\t", converted_at == kNever ? "" : absl::StrCat(converted_at), "\t",
                      absl::StrJoin(features, "\t"), "\n");
}

}  // namespace suggest::streams
