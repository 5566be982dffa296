#include "service/decision/snapshot.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "bandit/propensity/normal_points.h"
#include "google/protobuf/util/time_util.h"

namespace suggest::decision {
namespace {

absl::Status DataLoss(const model::v1::ModelVersion& model, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("model version ", model.version(), ": ", what));
}

// B from its lower triangle, row by row; f beside it.
absl::StatusOr<bandit::Posterior> ReadPosterior(const model::v1::ModelVersion& model) {
  const model::v1::PosteriorState& state = model.posterior();
  const int64_t d = state.dimension();
  if (d < 1 || state.precision_size() != d * (d + 1) / 2 || state.moment_size() != d) {
    return DataLoss(model, absl::StrCat("posterior of dimension ", d, " has ", state.precision_size(),
                                        " precision entries and ", state.moment_size(), " moment entries"));
  }
  Eigen::MatrixXd precision(d, d);
  int next = 0;
  for (int64_t row = 0; row < d; ++row) {
    for (int64_t column = 0; column <= row; ++column) {
      precision(row, column) = precision(column, row) = state.precision(next++);
    }
  }
  const Eigen::VectorXd moment = Eigen::Map<const Eigen::VectorXd>(state.moment().data(), d);
  return bandit::Posterior::FromPrecision(precision, moment, state.noise_variance());
}

}  // namespace

Snapshot::Snapshot(features::Pipeline pipeline, bandit::Posterior posterior)
    : pipeline_(std::move(pipeline)),
      layout_(pipeline_.layout()),
      posterior_(std::move(posterior)),
      folded_(posterior_, layout_),
      term_names_(pipeline_.TermNames()) {
  // Propensities draw from this table. Made by the first decision, it would take that one's time for them.
  bandit::NormalPoints::OfDimension(layout_.recommendation_dim + layout_.pair_dim);
}

absl::StatusOr<std::shared_ptr<const Snapshot>> Snapshot::FromModel(const model::v1::ModelVersion& model) {
  absl::StatusOr<features::Pipeline> pipeline = features::Pipeline::FromProto(model.pipeline());
  if (!pipeline.ok()) return DataLoss(model, pipeline.status().message());
  ASSIGN_OR_RETURN(bandit::Posterior posterior, ReadPosterior(model));
  if (const int expected = pipeline->layout().dim(); posterior.dim() != expected) {
    return DataLoss(model, absl::StrCat("posterior has dimension ", posterior.dim(),
                                        ", its pipeline makes contexts of ", expected));
  }
  std::shared_ptr<Snapshot> snapshot(new Snapshot(*std::move(pipeline), std::move(posterior)));
  snapshot->version_ = model.version();
  snapshot->lineage_ = model.lineage();
  snapshot->delay_ = model.delay();
  snapshot->delay_law_ = model.delay_law();
  snapshot->data_cut_ =
      absl::FromUnixMicros(google::protobuf::util::TimeUtil::TimestampToMicroseconds(model.lineage().data_cut()));
  snapshot->base_rate_ = model.posterior().base_rate();
  for (const model::v1::RecommendationCounters& counters : model.recommendation_counters()) {
    ASSIGN_OR_RETURN(features::DayHistory history, features::DayHistory::FromProto(counters.history()));
    snapshot->histories_.emplace(counters.recommendation_id(), std::move(history));
  }
  return snapshot;
}

const features::DayHistory& Snapshot::HistoryOf(absl::string_view recommendation_id) const {
  const auto found = histories_.find(recommendation_id);
  return found == histories_.end() ? no_history_ : found->second;
}

}  // namespace suggest::decision
