#include "tests/support/document.h"

#include <gtest/gtest.h>

#include <fstream>

namespace suggest::testing {

std::string DocumentBlocks(const std::string& name, const std::string& info) {
  std::ifstream in(std::string(SUGGEST_SOURCE_DIR "/docs/") + name);
  std::string blocks;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (inside && line == "```") inside = false;
    if (inside) blocks += line + "\n";
    if (line == "```" + info) inside = true;
  }
  EXPECT_FALSE(blocks.empty()) << "docs/" << name << " has no block " << info;
  return blocks;
}

}  // namespace suggest::testing
