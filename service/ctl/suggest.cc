// suggestctl suggest and feedback: what the expert UI does, by hand, over gRPC.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "google/protobuf/util/json_util.h"
#include "service/common/timestamps.h"
#include "service/ctl/client.h"
#include "service/ctl/commands.h"

namespace suggest::ctl {
namespace {

absl::StatusOr<Client> Connect(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const std::string address, ServerAddress(invocation));
  return Client(address, invocation.flags.Duration("timeout", absl::Seconds(10)));
}

// A name that nobody else uses: two runs of one line are two requests.
std::string NewRequestId() {
  std::random_device device;
  return absl::StrFormat("suggestctl-%08x%08x%08x", device(), device(), device());
}

// NAME=VALUE, where VALUE is a JSON number, boolean, null, list or string; what is no JSON is taken as text.
absl::Status AddAttribute(const std::string& text, google::protobuf::Struct& attributes) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
  if (parts.first.empty() || parts.first.size() == text.size()) {
    return UsageError(absl::StrCat("--attribute: \"", text, "\" is not NAME=VALUE"));
  }
  google::protobuf::Value value;
  if (!google::protobuf::util::JsonStringToMessage(parts.second, &value).ok() ||
      value.kind_case() == google::protobuf::Value::KIND_NOT_SET) {
    value.set_string_value(parts.second);
  }
  (*attributes.mutable_fields())[parts.first] = std::move(value);
  return absl::OkStatus();
}

absl::StatusOr<v1::SuggestRequest> ToRequest(const Flags& flags) {
  v1::SuggestRequest request;
  request.set_customer_id(flags.Text("customer"));
  request.set_count(static_cast<int32_t>(flags.Integer("count", 3)));
  request.set_request_id(flags.Has("request-id") ? flags.Text("request-id") : NewRequestId());
  request.set_fresh(flags.Switch("fresh"));
  request.set_include_removed(flags.Switch("removed"));
  for (const std::string& id : flags.List("candidate")) request.add_candidate_ids(id);
  for (const std::string& id : flags.List("exclude")) request.add_excluded_ids(id);
  for (const std::string& attribute : flags.List("attribute")) {
    RETURN_IF_ERROR(AddAttribute(attribute, *request.mutable_attributes()));
  }
  return request;
}

std::string Reward(double mean, double sd) {
  return absl::StrFormat("%.4f ± %.4f", mean, sd);
}

std::string Share(bool known, double probability) {
  return known ? absl::StrFormat("%.3f", probability) : "-";
}

std::string SlateTable(const v1::SuggestResponse& response) {
  Table table({">rank", "recommendation", "title", ">expected reward", ">p(first)", ">p(in slate)", ">score"});
  for (const v1::Suggestion& item : response.suggestions()) {
    table.AddRow({absl::StrCat(item.rank()), item.recommendation_id(), item.title(),
                  Reward(item.expected_reward(), item.expected_reward_sd()),
                  Share(item.has_propensity(), item.propensity().first()),
                  Share(item.has_propensity(), item.propensity().in_slate()), absl::StrFormat("%.4f", item.score())});
  }
  return table.Print();
}

std::string SlateText(const v1::SuggestResponse& response) {
  std::string text = absl::StrCat("decision ", response.decision_id(), ": ", v1::Policy_Name(response.policy()),
                                  ", model version ", response.model_version());
  if (response.explore()) absl::StrAppend(&text, ", explore");
  if (response.sticky()) absl::StrAppend(&text, ", sticky");
  if (response.replayed()) absl::StrAppend(&text, ", replayed");
  if (response.spooled()) absl::StrAppend(&text, ", spooled");
  if (response.fallback()) absl::StrAppend(&text, ", fallback: ", response.fallback_reason());
  absl::StrAppend(&text, "\n", SlateTable(response));
  for (const v1::RemovedCandidate& removed : response.removed()) {
    absl::StrAppend(&text, "removed ", removed.recommendation_id(), ": ",
                    v1::RemovedCandidate::Reason_Name(removed.reason()), "\n");
  }
  return text;
}

absl::StatusOr<Outcome> RunSuggest(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const v1::SuggestRequest request, ToRequest(invocation.flags));
  ASSIGN_OR_RETURN(Client client, Connect(invocation));
  ASSIGN_OR_RETURN(const v1::SuggestResponse response, client.Suggest(request));
  Json document = ProtoToJson(response);
  document["request_id"] = request.request_id();
  return Outcome{std::move(document), SlateText(response)};
}

absl::StatusOr<Outcome> RunFeedback(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  v1::RecordFeedbackRequest request;
  request.set_customer_id(flags.Text("customer"));
  request.set_suggestion_id(flags.Text("suggestion"));
  v1::RecordFeedbackRequest::Kind kind = v1::RecordFeedbackRequest::KIND_UNSPECIFIED;
  SUGGEST_CHECK(v1::RecordFeedbackRequest::Kind_Parse(absl::AsciiStrToUpper(flags.Text("kind")), &kind));
  request.set_kind(kind);
  if (flags.Has("at")) {
    const absl::Time at = flags.Time("at", absl::InfinitePast());
    *request.mutable_occurred_at() = ToProtoTimestamp(at);
  }
  ASSIGN_OR_RETURN(Client client, Connect(invocation));
  ASSIGN_OR_RETURN(const v1::RecordFeedbackResponse response, client.RecordFeedback(request));
  Outcome outcome{ProtoToJson(response), response.recorded() ? "recorded\n" : "had been recorded before\n"};
  if (!response.recorded()) outcome.exit = ExitCode::kNothingToDo;
  return outcome;
}

FlagSpec CustomerFlag() {
  return {.name = "customer", .value_name = "ID", .help = "The customer.", .required = true};
}

}  // namespace

Command SuggestCommand() {
  return {.name = "suggest",
          .summary = "Asks a server for suggestions for one customer.",
          .details = "The decision is logged like any other.",
          .flags = {CustomerFlag(),
                    {.name = "count",
                     .kind = FlagKind::kInteger,
                     .value_name = "N",
                     .help = "How many suggestions; 3 by default.",
                     .minimum = std::numeric_limits<int32_t>::min(),
                     .maximum = std::numeric_limits<int32_t>::max()},
                    {.name = "request-id",
                     .value_name = "ID",
                     .help = "Idempotency key: the same one gets the same decision. A new one by default."},
                    {.name = "attribute",
                     .kind = FlagKind::kList,
                     .value_name = "NAME=VALUE",
                     .help = "Overrides a stored attribute; VALUE is JSON, or else text; null removes it."},
                    CandidateFlag(),
                    ExcludeFlag(),
                    {.name = "removed",
                     .kind = FlagKind::kSwitch,
                     .help = "Also say which recommendations were removed, and why."},
                    {.name = "fresh",
                     .kind = FlagKind::kSwitch,
                     .help = "Choose anew even if the customer has an open decision."},
                    ServerFlag(),
                    TimeoutFlag("10s")},
          .config = ConfigUse::kOptional,
          .run = RunSuggest};
}

Command FeedbackCommand() {
  return {.name = "feedback",
          .summary = "Tells a server what became of a suggestion.",
          .details = "Exit code 3: the same feedback had been recorded before.",
          .flags = {CustomerFlag(),
                    {.name = "suggestion",
                     .value_name = "ID",
                     .help = "The suggestion, \"<decision>.<rank>\".",
                     .required = true},
                    {.name = "kind",
                     .kind = FlagKind::kChoice,
                     .value_name = "KIND",
                     .help = "What happened.",
                     .choices = {"kept", "edited", "discarded", "sent", "viewed", "clicked"},
                     .required = true},
                    {.name = "at",
                     .kind = FlagKind::kTime,
                     .value_name = "TIME",
                     .help = "When it happened; now by default."},
                    ServerFlag(),
                    TimeoutFlag("10s")},
          .config = ConfigUse::kOptional,
          .run = RunFeedback};
}

}  // namespace suggest::ctl
