// Instants in messages and in text: one way each, to the nanosecond.
#ifndef SERVICE_COMMON_TIMESTAMPS_H_
#define SERVICE_COMMON_TIMESTAMPS_H_

#include <string>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "suggest/model/v1/model.pb.h"

namespace suggest {

absl::Time ToAbslTime(const google::protobuf::Timestamp& timestamp);
// REQUIRES: a finite time.
google::protobuf::Timestamp ToProtoTimestamp(absl::Time time);

// RFC 3339 in UTC with as many digits as it takes: "2026-01-31T08:00:00.25Z".
std::string FormatInstant(absl::Time time);

// The ingest tick of a version: events visible by then are in the model.
absl::Time DataCutOf(const model::v1::ModelVersion& model);

}  // namespace suggest

#endif  // SERVICE_COMMON_TIMESTAMPS_H_
