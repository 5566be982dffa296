#include "service/cli/table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "bandit/base/check.h"

namespace suggest::cli {
namespace {

size_t CodePoints(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {
  for (std::string& heading : headings_) {
    right_.push_back(!heading.empty() && heading.front() == '>');
    if (right_.back()) heading.erase(0, 1);
  }
}

void Table::AddRow(std::vector<std::string> cells) {
  SUGGEST_CHECK(cells.size() == headings_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::Print() const {
  std::vector<const std::vector<std::string>*> lines;
  const bool titled = std::any_of(headings_.begin(), headings_.end(), [](const std::string& h) { return !h.empty(); });
  if (titled) lines.push_back(&headings_);
  for (const auto& row : rows_) lines.push_back(&row);

  std::vector<size_t> widths(headings_.size(), 0);
  for (const auto* line : lines) {
    for (size_t i = 0; i < line->size(); ++i) widths[i] = std::max(widths[i], CodePoints((*line)[i]));
  }
  std::string out;
  for (const auto* line : lines) {
    std::string text;
    for (size_t i = 0; i < line->size(); ++i) {
      if (i > 0) text.append("  ");
      const std::string padding(widths[i] - CodePoints((*line)[i]), ' ');
      absl::StrAppend(&text, right_[i] ? padding : "", (*line)[i], right_[i] ? "" : padding);
    }
    absl::StrAppend(&out, absl::StripTrailingAsciiWhitespace(text), "\n");
  }
  return out;
}

std::string GroupDigits(int64_t value) {
  std::string digits = absl::StrCat(value);
  const size_t first = digits.front() == '-' ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string Significant(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  if (value == 0) return "0";
  const double magnitude = std::floor(std::log10(std::abs(value)));
  const int decimals = std::max(0, digits - 1 - static_cast<int>(magnitude));
  if (decimals > 9) return absl::StrFormat("%.*g", digits, value);
  return absl::StrFormat("%.*f", decimals, value);
}

}  // namespace suggest::cli
