#include "service/server/rpc/validation.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "google/protobuf/util/time_util.h"
#include "storage/log/decision_id.h"

namespace suggest::server {
namespace {

absl::Status CheckId(absl::string_view field, const std::string& value, size_t most = kMaxIdBytes) {
  if (value.empty()) return absl::InvalidArgumentError(absl::StrCat(field, " is empty"));
  if (value.size() > most) {
    return absl::InvalidArgumentError(absl::StrCat(field, " has ", value.size(), " bytes, expected at most ", most));
  }
  if (value.find('\0') != std::string::npos) return absl::InvalidArgumentError(absl::StrCat(field, " has a NUL byte"));
  return absl::OkStatus();
}

template <typename List>
absl::Status CheckIds(absl::string_view field, const List& values, int most) {
  if (values.size() > most) {
    return absl::InvalidArgumentError(absl::StrCat(field, " has ", values.size(), " entries, expected at most ", most));
  }
  for (int i = 0; i < values.size(); ++i) RETURN_IF_ERROR(CheckId(absl::StrCat(field, "[", i, "]"), values[i]));
  return absl::OkStatus();
}

template <typename List>
absl::Status CheckNoneTwice(absl::string_view field, const List& values) {
  absl::flat_hash_set<std::string> seen;
  for (const std::string& id : values) {
    if (!seen.insert(id).second) return absl::InvalidArgumentError(absl::StrCat(field, " has '", id, "' twice"));
  }
  return absl::OkStatus();
}

// What Suggest and SuggestBatch ask alike.
template <typename Request>
absl::Status CheckQuestion(const Request& request) {
  if (request.count() < 1 || request.count() > kMaxSlate) {
    return absl::InvalidArgumentError(absl::StrCat("count is ", request.count(), ", expected 1 to ", kMaxSlate));
  }
  RETURN_IF_ERROR(CheckIds("candidate_ids", request.candidate_ids(), kMaxListedIds));
  return CheckIds("excluded_ids", request.excluded_ids(), kMaxListedIds);
}

}  // namespace

absl::Status Validate(const v1::SuggestRequest& request) {
  RETURN_IF_ERROR(CheckId("customer_id", request.customer_id()));
  RETURN_IF_ERROR(CheckId("request_id", request.request_id()));
  return CheckQuestion(request);
}

absl::Status Validate(const v1::SuggestBatchRequest& request) {
  RETURN_IF_ERROR(CheckId("run_id", request.run_id(), kMaxRunIdBytes));
  if (request.all_customers() != request.customer_ids().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("all_customers is ", request.all_customers() ? "true" : "false",
                                                   " beside ", request.customer_ids_size(),
                                                   " customer_ids, expected one of the two"));
  }
  RETURN_IF_ERROR(CheckIds("customer_ids", request.customer_ids(), kMaxListedIds));
  RETURN_IF_ERROR(CheckNoneTwice("customer_ids", request.customer_ids()));
  if (!request.after_customer_id().empty()) {
    if (!request.all_customers()) {
      return absl::InvalidArgumentError(absl::StrCat("after_customer_id is '", request.after_customer_id(),
                                                     "', expected it only with all_customers"));
    }
    RETURN_IF_ERROR(CheckId("after_customer_id", request.after_customer_id()));
  }
  return CheckQuestion(request);
}

absl::Status Validate(const v1::RecordDecisionRequest& request) {
  RETURN_IF_ERROR(CheckId("customer_id", request.customer_id()));
  RETURN_IF_ERROR(CheckId("request_id", request.request_id()));
  if (request.recommendation_ids().empty()) return absl::InvalidArgumentError("recommendation_ids is empty");
  RETURN_IF_ERROR(CheckIds("recommendation_ids", request.recommendation_ids(), kMaxSlate));
  return CheckNoneTwice("recommendation_ids", request.recommendation_ids());
}

absl::Status Validate(const v1::RecordFeedbackRequest& request, absl::Time now) {
  RETURN_IF_ERROR(CheckId("customer_id", request.customer_id()));
  RETURN_IF_ERROR(CheckId("suggestion_id", request.suggestion_id()));
  ASSIGN_OR_RETURN(const storage::SuggestionId id, storage::ParseSuggestionId(request.suggestion_id()));
  ASSIGN_OR_RETURN(const absl::Time decided_at, storage::DecisionTime(id.decision_id));
  if (request.kind() == v1::RecordFeedbackRequest::KIND_UNSPECIFIED ||
      !v1::RecordFeedbackRequest::Kind_IsValid(request.kind())) {
    return absl::InvalidArgumentError(absl::StrCat("kind is ", static_cast<int>(request.kind()),
                                                   ", expected KEPT, EDITED, DISCARDED, SENT, VIEWED or CLICKED"));
  }
  if (!request.has_occurred_at()) return absl::OkStatus();
  constexpr int64_t kYear1 = -62'135'596'800;
  constexpr int64_t kYear10000 = 253'402'300'800;
  const int64_t seconds = request.occurred_at().seconds();
  if (seconds < kYear1 || seconds >= kYear10000) {
    return absl::InvalidArgumentError(absl::StrCat("occurred_at is ", seconds, " s, expected a year from 1 to 9999"));
  }
  const absl::Time at =
      absl::FromUnixMicros(google::protobuf::util::TimeUtil::TimestampToMicroseconds(request.occurred_at()));
  if (at > now + kFeedbackLead) {
    return absl::InvalidArgumentError(absl::StrCat("occurred_at is ",
                                                   absl::FormatTime(absl::RFC3339_full, at, absl::UTCTimeZone()),
                                                   ", more than 1 minute ahead of the server's clock ",
                                                   absl::FormatTime(absl::RFC3339_full, now, absl::UTCTimeZone())));
  }
  if (at < decided_at - kFeedbackLead) {
    return absl::InvalidArgumentError(absl::StrCat(
        "occurred_at is ", absl::FormatTime(absl::RFC3339_full, at, absl::UTCTimeZone()), ", before its decision at ",
        absl::FormatTime(absl::RFC3339_full, decided_at, absl::UTCTimeZone())));
  }
  return absl::OkStatus();
}

absl::Status Validate(const v1::ExplainRequest& request) {
  RETURN_IF_ERROR(CheckId("customer_id", request.customer_id()));
  RETURN_IF_ERROR(CheckId("decision_id", request.decision_id()));
  if (request.model_version() >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("model_version is ", request.model_version(), ", expected a version, or 0 for the decision's own"));
}

absl::Status Validate(const v1::ListModelsRequest& request) {
  if (request.limit() >= 0 && request.limit() <= 1000) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("limit is ", request.limit(), ", expected 1 to 1000, or 0 for the default"));
}

absl::Status Validate(const v1::GetModelRequest& request) {
  if (request.version() >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("version is ", request.version(), ", expected 1 or more, or 0 for the current one"));
}

}  // namespace suggest::server
