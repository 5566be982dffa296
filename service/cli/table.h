// Text tables with aligned columns, for people.
#ifndef SERVICE_CLI_TABLE_H_
#define SERVICE_CLI_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace suggest::cli {

// Columns are two spaces apart and as wide as their widest cell, counted in code points. A column whose heading starts
// with '>' is aligned to the right (the sign is not printed). Without headings that are not empty, no heading line.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);

  // REQUIRES: as many cells as headings.
  void AddRow(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  // One line per row, without trailing spaces.
  std::string Print() const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// "12,345,678".
std::string GroupDigits(int64_t value);

// A number with so many significant digits, without an exponent for what people read: "0.0831", "12.4".
std::string Significant(double value, int digits = 3);

}  // namespace suggest::cli

#endif  // SERVICE_CLI_TABLE_H_
