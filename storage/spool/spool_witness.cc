#include "storage/spool/spool_witness.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "storage/log/checksum.h"

namespace suggest::storage {
namespace {

constexpr int kSlots = 2;
constexpr off_t kApart = 512;

struct Slot {
  int64_t number = 0;
  int64_t checksum = 0;
};

int64_t ChecksumOfNumber(int64_t number) {
  return ChecksumOf(absl::StrCat("spool ", number));
}

std::optional<int64_t> ReadSlot(int descriptor, int slot) {
  Slot read;
  if (pread(descriptor, &read, sizeof(read), slot * kApart) != sizeof(read)) return std::nullopt;
  if (read.checksum != ChecksumOfNumber(read.number)) return std::nullopt;
  return read.number;
}

absl::Status Failure(const std::string& path, absl::string_view what) {
  return absl::InternalError(absl::StrCat(path, ": cannot be ", what, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SpoolWitness>> SpoolWitness::Open(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return absl::FailedPreconditionError(Failure(path, "opened").message());
  std::unique_ptr<SpoolWitness> witness(new SpoolWitness(path, descriptor));
  if (lseek(descriptor, 0, SEEK_END) == 0) {
    for (int i = 0; i < kSlots; ++i) RETURN_IF_ERROR(witness->Write(0));
    return witness;
  }
  std::optional<int64_t> newest;
  for (int slot = 0; slot < kSlots; ++slot) {
    const std::optional<int64_t> number = ReadSlot(descriptor, slot);
    if (!number.has_value() || (newest.has_value() && *number <= *newest)) continue;
    newest = number;
    witness->slot_ = (slot + 1) % kSlots;
  }
  if (!newest.has_value()) return absl::DataLossError(absl::StrCat(path, ": is damaged, it holds no number"));
  witness->number_ = *newest;
  return witness;
}

SpoolWitness::~SpoolWitness() {
  close(descriptor_);
}

absl::Status SpoolWitness::Write(int64_t number) {
  const Slot slot = {number, ChecksumOfNumber(number)};
  if (pwrite(descriptor_, &slot, sizeof(slot), slot_ * kApart) != sizeof(slot)) return Failure(path_, "written");
  if (fdatasync(descriptor_) != 0) return Failure(path_, "synced");
  slot_ = (slot_ + 1) % kSlots;
  number_ = number;
  return absl::OkStatus();
}

}  // namespace suggest::storage
