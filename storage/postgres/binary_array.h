// Arrays in PostgreSQL's binary format, as parameters: a batch of rows is one statement over unnest($1::text[], ...),
// and neither side writes or reads decimal digits, hexadecimal bytes or quotes.
//
// Format (array_recv, PostgreSQL 15): dimensions = 1, flags = 0, element type; then the length, the lower bound 1, and
// per element its length and bytes. Integers are big-endian. An empty array has no dimension. Times are microseconds
// since 2000-01-01 UTC, a uuid its 16 bytes. The bytes go through libpqxx as a bytea parameter would: it marks them as
// binary, and the statement's cast says what they are.
#ifndef STORAGE_POSTGRES_BINARY_ARRAY_H_
#define STORAGE_POSTGRES_BINARY_ARRAY_H_

#include <cstdint>
#include <pqxx/pqxx>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace suggest::storage {

class BinaryArray {
 public:
  // OIDs of pg_type.dat: the same in every database.
  enum class Type : uint32_t {
    kBool = 16,
    kBytea = 17,
    kBigint = 20,
    kSmallint = 21,
    kText = 25,
    kTimestamptz = 1184,
    kUuid = 2950
  };

  explicit BinaryArray(Type type) : type_(type) {}

  void AddBytes(absl::string_view bytes);  // kBytea, kText
  void AddBool(bool value);
  void AddSmallint(int value);
  void AddBigint(int64_t value);
  // Infinite times are PostgreSQL's infinity; microseconds are kept.
  void AddTime(absl::Time time);
  // REQUIRES: the text form that DecisionTime takes: 36 characters of lower-case hexadecimal digits and dashes.
  void AddUuid(absl::string_view uuid);

  pqxx::binarystring Parameter() const;

 private:
  const Type type_;
  int32_t size_ = 0;
  std::string elements_;
};

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_BINARY_ARRAY_H_
