#include "storage/postgres/binary_array.h"

#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"

namespace suggest::storage {
namespace {

template <typename Unsigned>
void AppendBigEndian(Unsigned value, std::string& out) {
  for (int shift = 8 * (static_cast<int>(sizeof(value)) - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift);
  }
}

int64_t MicrosSince2000(absl::Time time) {
  if (time == absl::InfinitePast()) return std::numeric_limits<int64_t>::min();
  if (time == absl::InfiniteFuture()) return std::numeric_limits<int64_t>::max();
  constexpr int64_t kEpoch = 946684800;  // 2000-01-01 in Unix seconds
  return absl::ToUnixMicros(time) - kEpoch * 1'000'000;
}

}  // namespace

void BinaryArray::AddBytes(absl::string_view bytes) {
  AppendBigEndian(static_cast<uint32_t>(bytes.size()), elements_);
  elements_.append(bytes.data(), bytes.size());
  ++size_;
}

void BinaryArray::AddBool(bool value) {
  AddBytes(absl::string_view(value ? "\1" : "\0", 1));
}

void BinaryArray::AddSmallint(int value) {
  std::string bytes;
  AppendBigEndian(static_cast<uint16_t>(value), bytes);
  AddBytes(bytes);
}

void BinaryArray::AddBigint(int64_t value) {
  std::string bytes;
  AppendBigEndian(static_cast<uint64_t>(value), bytes);
  AddBytes(bytes);
}

void BinaryArray::AddTime(absl::Time time) {
  AddBigint(MicrosSince2000(time));
}

void BinaryArray::AddUuid(absl::string_view uuid) {
  AddBytes(absl::HexStringToBytes(absl::StrReplaceAll(uuid, {{"-", ""}})));
}

pqxx::binarystring BinaryArray::Parameter() const {
  std::string bytes;
  bytes.reserve(20 + elements_.size());
  AppendBigEndian(uint32_t{size_ > 0}, bytes);
  AppendBigEndian(uint32_t{0}, bytes);
  AppendBigEndian(static_cast<uint32_t>(type_), bytes);
  if (size_ > 0) {
    AppendBigEndian(static_cast<uint32_t>(size_), bytes);
    AppendBigEndian(uint32_t{1}, bytes);
    bytes += elements_;
  }
  return pqxx::binarystring(bytes);
}

}  // namespace suggest::storage
