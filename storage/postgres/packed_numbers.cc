#include "storage/postgres/packed_numbers.h"

#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace suggest::storage {
namespace {

constexpr size_t kHeader = 3 * sizeof(uint32_t);

void AppendBytes(const void* data, size_t size, std::string& out) {
  out.append(static_cast<const char*>(data), size);
}

}  // namespace

std::string PackNumbers(const std::vector<double>& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(double));
}

absl::StatusOr<std::vector<double>> UnpackNumbers(absl::string_view bytes) {
  if (bytes.size() % sizeof(double) != 0) {
    return absl::DataLossError(absl::StrCat(bytes.size(), " bytes are no whole number of doubles"));
  }
  std::vector<double> numbers(bytes.size() / sizeof(double));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

std::string PackContext(const StoredContext& context) {
  std::string bytes;
  for (const std::vector<float>* part : {&context.customer, &context.recommendation, &context.pair}) {
    const uint32_t count = static_cast<uint32_t>(part->size());
    AppendBytes(&count, sizeof(count), bytes);
  }
  for (const std::vector<float>* part : {&context.customer, &context.recommendation, &context.pair}) {
    AppendBytes(part->data(), part->size() * sizeof(float), bytes);
  }
  return bytes;
}

absl::StatusOr<StoredContext> UnpackContext(absl::string_view bytes) {
  uint32_t counts[3] = {};
  if (bytes.size() >= kHeader) std::memcpy(counts, bytes.data(), kHeader);
  const size_t expected = kHeader + sizeof(float) * (size_t{counts[0]} + counts[1] + counts[2]);
  if (bytes.size() != expected) {
    return absl::DataLossError(absl::StrCat("context has ", bytes.size(), " bytes, its counts say ", expected));
  }
  StoredContext context;
  const char* at = bytes.data() + kHeader;
  std::vector<float>* parts[] = {&context.customer, &context.recommendation, &context.pair};
  for (int i = 0; i < 3; ++i) {
    parts[i]->resize(counts[i]);
    if (counts[i] > 0) std::memcpy(parts[i]->data(), at, counts[i] * sizeof(float));
    at += counts[i] * sizeof(float);
  }
  return context;
}

}  // namespace suggest::storage
