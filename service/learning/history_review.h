// What of a history can be learned from: rows that cannot are taken out, counted and named (set_aside.h).
//
//   every view         a key that an earlier row has; a missing id
//   suggestions        no customer row valid at their time, an item that the catalogue lacks, an unknown status, a time
//                      that cannot be (PossibleInstant)
//   purchases          a time that cannot be. An amount that is no number or negative, a currency that is not
//   converted:
//                      named here, and left in for the replay, which counts them as refused.
//   customers, items   attribute values that a feature cannot read count as missing there; the row is used
#ifndef SERVICE_LEARNING_HISTORY_REVIEW_H_
#define SERVICE_LEARNING_HISTORY_REVIEW_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/learning/replay.h"
#include "service/learning/set_aside.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::learning {

// Errors: those of the feature schema. Rows that LoadHistory refused are in `set_aside` already.
absl::Status ReviewHistory(const config::v1::Config& config, History* history, SetAsideRows* set_aside);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_HISTORY_REVIEW_H_
