// A model version in a file, for backups and for carrying it to another database.
//
//   suggest-model 1 <SHA-256 of the rest, 64 hexadecimal digits> <length of the rest in bytes>\n
//   the serialized suggest.model.v1.ModelVersion, byte for byte as stored
//
// The first line's number is the file's own format; the model inside has another (model.proto).
#ifndef SERVICE_CTL_MODEL_FILE_H_
#define SERVICE_CTL_MODEL_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "suggest/model/v1/model.pb.h"

namespace suggest::ctl {

// Replaces the file whole: a file that is there under this name is either the old or the new one.
// Errors: INVALID_ARGUMENT when the path names anything but a plain file, which a rename would replace; UNAVAILABLE
// naming the path and the system's reason.
absl::Status WriteModelFile(const std::string& path, const std::string& bytes, const std::string& sha256);

// Errors, all naming the path: NOT_FOUND; DATA_LOSS when it is no model file, cut short, or does not match its
// checksum; FAILED_PRECONDITION when the file's or the model's format is newer than this build knows.
absl::StatusOr<model::v1::ModelVersion> ReadModelFile(const std::string& path);

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_MODEL_FILE_H_
