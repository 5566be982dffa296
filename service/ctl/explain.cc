// suggestctl explain: recomputes a logged decision, in process on the configured database or by a server.
#include "service/decision/explain.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bandit/base/status_macros.h"
#include "service/ctl/client.h"
#include "service/ctl/commands.h"
#include "service/ctl/stored_model.h"
#include "service/decision/stored_servings.h"
#include "storage/log/superseded_store.h"

namespace suggest::ctl {
namespace {

constexpr int kContributionsShown = 3;

std::string Largest(const google::protobuf::RepeatedPtrField<v1::Contribution>& contributions) {
  std::string text;
  for (int i = 0; i < std::min(kContributionsShown, contributions.size()); ++i) {
    absl::StrAppendFormat(&text, "%s%s %+.4f", i > 0 ? ", " : "", contributions[i].feature(), contributions[i].value());
  }
  return text;
}

// What sets a candidate apart from its rival; its own contributions where it has none.
std::string Why(const v1::ExplainedCandidate& candidate) {
  if (candidate.contrast_with().empty()) return Largest(candidate.contributions());
  if (candidate.contrast().empty()) return absl::StrCat("against ", candidate.contrast_with(), ": nothing differs");
  return absl::StrCat("against ", candidate.contrast_with(), ": ", Largest(candidate.contrast()));
}

bool UnderAnother(const v1::ExplainRequest& request) {
  return request.model_version() != 0;
}

std::string Superseded(const v1::ExplainResponse& response) {
  if (response.superseded_by().empty()) return "";
  return absl::StrCat("superseded by decision ", response.superseded_by(), ": served from a spool, teaches nothing\n");
}

std::string Verdict(const v1::ExplainRequest& request, const v1::ExplainResponse& response) {
  if (UnderAnother(request)) return "decided again under this version, from the same inputs and seed\n";
  return response.matches_log() ? "recomputed: equal to the log, bit for bit\n" : "recomputed: DIFFERS from the log\n";
}

std::string ExplanationText(const v1::ExplainRequest& request, const v1::ExplainResponse& response) {
  const std::string head =
      absl::StrCat("decision ", response.decision_id(), ": ", v1::Policy_Name(response.policy()), ", model version ",
                   response.model_version(), ", seed ", response.seed(), response.explore() ? ", explore\n" : "\n",
                   Superseded(response), Verdict(request, response));
  Table table({">rank", "recommendation", ">expected reward", ">score", "what sets it apart"});
  for (const v1::ExplainedCandidate& candidate : response.candidates()) {
    table.AddRow({candidate.rank() > 0 ? absl::StrCat(candidate.rank()) : "-", candidate.recommendation_id(),
                  absl::StrFormat("%.4f ± %.4f", candidate.expected_reward(), candidate.expected_reward_sd()),
                  absl::StrFormat("%.4f", candidate.score()), Why(candidate)});
  }
  return absl::StrCat(head, table.Print());
}

absl::StatusOr<v1::ExplainResponse> ExplainHere(const Invocation& invocation, const v1::ExplainRequest& request) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  storage::Database* database = session.database.get();
  ASSIGN_OR_RETURN(const storage::AnsweredDecision answered,
                   storage::FindAnsweredDecision(database, request.customer_id(), request.decision_id()));
  const storage::DecisionRecord& record = answered.decision;
  ASSIGN_OR_RETURN(const std::shared_ptr<const decision::Serving> serving,
                   decision::StoredServings(database).Get(record.model_version, record.catalogue_version));
  absl::StatusOr<v1::ExplainResponse> response;
  if (UnderAnother(request)) {
    ASSIGN_OR_RETURN(const StoredModel other, LoadModel(storage::ModelStore(database), request.model_version()));
    response = decision::ExplainUnder(record, *serving, other.snapshot, request.all_candidates());
  } else {
    response = decision::ExplainDecision(record, *serving, request.all_candidates());
  }
  if (response.ok()) response->set_superseded_by(answered.superseded_by);
  return response;
}

absl::StatusOr<v1::ExplainResponse> ExplainByServer(const Invocation& invocation, const v1::ExplainRequest& request) {
  ASSIGN_OR_RETURN(const std::string address, ServerAddress(invocation));
  return Client(address, invocation.flags.Duration("timeout", absl::Seconds(10))).Explain(request);
}

absl::StatusOr<Outcome> RunExplain(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  v1::ExplainRequest request;
  request.set_decision_id(invocation.positional(0));
  request.set_customer_id(flags.Text("customer"));
  request.set_all_candidates(flags.Switch("all"));
  request.set_model_version(flags.Integer("model", 0));
  const bool here = flags.Has("config") && !flags.Has("server");
  ASSIGN_OR_RETURN(const v1::ExplainResponse response,
                   here ? ExplainHere(invocation, request) : ExplainByServer(invocation, request));
  return Outcome{ProtoToJson(response), ExplanationText(request, response),
                 response.matches_log() || UnderAnother(request) ? ExitCode::kDone : ExitCode::kFailed};
}

}  // namespace

Command ExplainCommand() {
  return {.name = "explain",
          .summary = "Recomputes a decision from the log and says why it came out so.",
          .details =
              "In process on the database of --config, or by the server of --server.\n"
              "Exit code 1 also when the recomputed slate is not the logged one, bit for bit.",
          .positionals = {{"DECISION", "The decision's id."}},
          .flags = {{.name = "customer", .value_name = "ID", .help = "The decision's customer.", .required = true},
                    {.name = "all",
                     .kind = FlagKind::kSwitch,
                     .help = "All eligible candidates, not only those of the slate."},
                    {.name = "model",
                     .kind = FlagKind::kInteger,
                     .value_name = "VERSION",
                     .help = "Decide again under this model version, from the same inputs and seed.",
                     .minimum = 1},
                    {.name = "server",
                     .kind = FlagKind::kAddress,
                     .value_name = "HOST:PORT",
                     .help = "Let this suggestd do it; without it and without --config: 127.0.0.1:7070."},
                    TimeoutFlag("10s")},
          .config = ConfigUse::kOptional,
          .run = RunExplain};
}

}  // namespace suggest::ctl
