// What the spool has promised, kept beside it: without this, a damaged write-ahead log would lose entries in silence.
//
// SQLite takes a write-ahead log up to its first damaged frame as the whole of it. So each transaction that appends
// counts up a number in the spool, and writes that number here once it is committed, synced, before anybody is told. A
// spool whose number is behind its witness has lost what it promised.
//
// The file has two slots of 16 bytes, 512 bytes apart and written in turn: number and checksum, little-endian. A write
// that is cut off leaves the other slot.
//
// Not thread-safe.
#ifndef STORAGE_SPOOL_SPOOL_WITNESS_H_
#define STORAGE_SPOOL_SPOOL_WITNESS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace suggest::storage {

class SpoolWitness {
 public:
  // Opens the file, or makes it with the number 0.
  // Errors: FAILED_PRECONDITION when it cannot be opened; DATA_LOSS when it holds no number.
  static absl::StatusOr<std::unique_ptr<SpoolWitness>> Open(const std::string& path);
  ~SpoolWitness();
  SpoolWitness(const SpoolWitness&) = delete;
  SpoolWitness& operator=(const SpoolWitness&) = delete;

  int64_t number() const { return number_; }
  const std::string& path() const { return path_; }

  // Durable when it returns. Errors: INTERNAL.
  absl::Status Write(int64_t number);

 private:
  SpoolWitness(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  const std::string path_;
  const int descriptor_;
  int64_t number_ = 0;
  int slot_ = 0;  // to be written next
};

}  // namespace suggest::storage

#endif  // STORAGE_SPOOL_SPOOL_WITNESS_H_
