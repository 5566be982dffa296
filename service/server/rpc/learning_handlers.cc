#include "service/server/rpc/learning_handlers.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "absl/strings/match.h"
#include "bandit/base/status_macros.h"
#include "service/learning/ingester.h"
#include "service/server/follow/stored_model.h"
#include "service/server/rpc/validation.h"
#include "storage/models/model_store.h"

namespace suggest::server {
namespace {

// Terms by |mean| / sd, largest first.
void AddTerms(const decision::Snapshot& snapshot, v1::GetModelResponse* response) {
  const bandit::Posterior& posterior = snapshot.posterior();
  const Eigen::VectorXd sd = (posterior.noise_variance() * posterior.covariance().diagonal()).cwiseSqrt();
  const Eigen::VectorXd weight = posterior.mean().cwiseAbs().cwiseQuotient(sd);
  std::vector<int> order(weight.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return weight[a] > weight[b]; });
  order.resize(std::min<size_t>(order.size(), LearningHandlers::kMostTerms));
  for (const int i : order) {
    v1::ModelTerm* term = response->add_terms();
    term->set_name(snapshot.term_names()[i]);
    term->set_mean(posterior.mean()[i]);
    term->set_standard_deviation(sd[i]);
  }
}

}  // namespace

absl::StatusOr<v1::IngestRewardsResponse> LearningHandlers::IngestRewards(const v1::IngestRewardsRequest& request,
                                                                          const CallContext& context) {
  learning::Ingester ingester(s_.database, *s_.config->Get());
  ingester.set_accept_vanished(request.accept_vanished());
  ingester.set_commit_hook([&](absl::string_view phase) { return CheckWaiting(context, phase); });
  absl::StatusOr<v1::IngestRewardsResponse> response =
      ingester.Run(s_.clock->Now(), request.dry_run(), learning::Progress());
  if (response.status().code() == absl::StatusCode::kAborted) {
    s_.log->Write(LogLevel::kInfo, "ingest not begun", {{"message", response.status().message()}});
    return response;
  }
  if (!response.ok()) {
    s_.metrics->RecordIngestFailure();
    s_.log->Write(LogLevel::kError, "ingest failed", {{"message", response.status().message()}});
    const bool in_doubt = response.status().code() == absl::StatusCode::kUnknown;
    return in_doubt || absl::StartsWith(response.status().message(), "database: ") ? FromStorage(response.status())
                                                                                   : response.status();
  }
  if (!request.dry_run()) s_.metrics->RecordIngest(*response);
  for (const std::string& warning : response->warnings()) {
    s_.log->Write(LogLevel::kWarning, "ingest warning", {{"message", warning}});
  }
  s_.log->Write(LogLevel::kInfo, "ingest done",
                {{"dry_run", request.dry_run()},
                 {"model_version", response->model_version()},
                 {"exposures_booked", response->counts().exposures_booked()},
                 {"purchases_attributed", response->counts().purchases_attributed()},
                 {"seconds", response->seconds()}});
  return response;
}

absl::StatusOr<v1::ListModelsResponse> LearningHandlers::ListModels(const v1::ListModelsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  constexpr int kDefaultLimit = 20;
  const auto heads = storage::ModelStore(s_.database).List(request.limit() == 0 ? kDefaultLimit : request.limit());
  RETURN_IF_ERROR(FromStorage(heads.status()));
  v1::ListModelsResponse response;
  for (const storage::ModelHead& head : *heads) *response.add_models() = storage::ToSummary(head);
  return response;
}

absl::StatusOr<v1::GetModelResponse> LearningHandlers::GetModel(const v1::GetModelRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  const storage::ModelStore store(s_.database);
  int64_t version = request.version();
  if (version == 0) {
    const absl::StatusOr<int64_t> current = store.Current();
    RETURN_IF_ERROR(FromStorage(current.status()));
    version = *current;
  }
  const absl::StatusOr<storage::ModelHead> head = store.Head(version);
  RETURN_IF_ERROR(FromStorage(head.status()));
  const absl::StatusOr<storage::ModelRow> row = store.Load(version);
  RETURN_IF_ERROR(FromStorage(row.status()));
  ASSIGN_OR_RETURN(const std::shared_ptr<const decision::Snapshot> snapshot, ToSnapshot(*row));
  v1::GetModelResponse response;
  *response.mutable_summary() = storage::ToSummary(*head);
  if (request.include_bytes()) response.set_model_bytes(row->bytes);
  AddTerms(*snapshot, &response);
  return response;
}

}  // namespace suggest::server
