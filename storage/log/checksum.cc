#include "storage/log/checksum.h"

namespace suggest::storage {
namespace {

class Fnv1a {
 public:
  void Add(absl::string_view bytes) {
    Add(static_cast<int64_t>(bytes.size()));
    for (const char byte : bytes) AddByte(static_cast<unsigned char>(byte));
  }
  void Add(int64_t number) {
    for (int shift = 0; shift < 64; shift += 8) AddByte(static_cast<uint64_t>(number) >> shift & 0xff);
  }
  int64_t value() const { return static_cast<int64_t>(hash_); }

 private:
  void AddByte(uint64_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3; }

  uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace

int64_t ChecksumOf(absl::string_view bytes) {
  Fnv1a hash;
  hash.Add(bytes);
  return hash.value();
}

int64_t ChecksumOf(const DecisionRecord& decision, absl::string_view inputs) {
  Fnv1a hash;
  hash.Add(decision.decision_id);
  hash.Add(decision.customer_id);
  hash.Add(decision.request_id);
  hash.Add(absl::ToUnixMicros(decision.decided_at));
  hash.Add(int64_t{decision.policy});
  hash.Add(decision.model_version);
  hash.Add(decision.catalogue_version);
  hash.Add(static_cast<int64_t>(decision.seed));
  hash.Add(int64_t{decision.explore});
  hash.Add(decision.fallback_reason);
  hash.Add(int64_t{decision.propensity_status});
  hash.Add(static_cast<int64_t>(decision.recommendation_ids.size()));
  for (const std::string& id : decision.recommendation_ids) hash.Add(id);
  hash.Add(inputs);
  return hash.value();
}

}  // namespace suggest::storage
