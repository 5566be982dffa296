// A model version as bytes, and back: deterministic protobuf with a format number and a SHA-256 of the bytes.
//
// The format number stands inside the message and beside it in its row. A reader knows formats 1 to kModelFormat and
// refuses a higher one, so that an old replica keeps serving its last good version while a newer release writes.
#ifndef SERVICE_DECISION_MODEL_CODEC_H_
#define SERVICE_DECISION_MODEL_CODEC_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "suggest/model/v1/model.pb.h"

namespace suggest::decision {

inline constexpr int kModelFormat = 1;

struct EncodedModel {
  int format = kModelFormat;
  std::string bytes;
  std::string sha256;  // 32 bytes
};

// Sets the format number to kModelFormat. Equal messages give equal bytes within one build.
EncodedModel EncodeModel(model::v1::ModelVersion model);

// Errors: DATA_LOSS when the bytes do not match `sha256` or are no ModelVersion; FAILED_PRECONDITION naming both
// numbers when the format is newer than kModelFormat; INVALID_ARGUMENT when the format is below 1.
absl::StatusOr<model::v1::ModelVersion> DecodeModel(absl::string_view bytes, absl::string_view sha256);

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_MODEL_CODEC_H_
