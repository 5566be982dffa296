#include "service/lab/streams/stream_methods.h"

#include <algorithm>

#include "bandit/base/check.h"
#include "service/lab/importance_weights.h"

namespace suggest::streams {
namespace {

using lab::LabelWeights;

constexpr int64_t kPublishedVanillaWaiting = 3600;
constexpr double kSecondsPerDay = 86400;
constexpr double kLongestStep = 5;  // DFM's gradient by the rate has no bound of its own

bool Corrects(Method method) {
  return method == Method::kEsDfm || method == Method::kEsDfmRefreshed;
}

bool InsertsLate(Method method) {
  switch (method) {
    case Method::kVanillaDuplicates:
    case Method::kFnc:
    case Method::kFnw:
    case Method::kDfm:
    case Method::kEsDfm:
    case Method::kEsDfmRefreshed:
    case Method::kEsDfmNoCorrection:
      return true;
    default:
      return false;
  }
}

}  // namespace

const std::vector<Method>& AllMethods() {
  static const auto* const methods = new std::vector<Method>{Method::kOracle,
                                                             Method::kPretrained,
                                                             Method::kVanilla,
                                                             Method::kVanillaDuplicates,
                                                             Method::kDfm,
                                                             Method::kFsiw,
                                                             Method::kFnc,
                                                             Method::kFnw,
                                                             Method::kEsDfm,
                                                             Method::kEsDfmRefreshed,
                                                             Method::kEsDfmNoCorrection};
  return *methods;
}

absl::string_view MethodName(Method method) {
  switch (method) {
    case Method::kOracle:
      return "oracle";
    case Method::kPretrained:
      return "pretrained";
    case Method::kVanilla:
      return "vanilla";
    case Method::kVanillaDuplicates:
      return "vanilla_duplicates";
    case Method::kFnc:
      return "fnc";
    case Method::kFnw:
      return "fnw";
    case Method::kFsiw:
      return "fsiw";
    case Method::kDfm:
      return "dfm";
    case Method::kEsDfm:
      return "es_dfm";
    case Method::kEsDfmRefreshed:
      return "es_dfm_refreshed";
    case Method::kEsDfmNoCorrection:
      return "es_dfm_f_rn_1";
  }
  SUGGEST_CHECK(false);
}

int64_t WaitingOf(Method method, const StreamOptions& options, const Click& click) {
  if (method == Method::kVanillaDuplicates) return kPublishedVanillaWaiting;
  const bool at_once = method == Method::kOracle || method == Method::kFnc || method == Method::kFnw;
  if (at_once) return 0;
  return click.waiting > 0 ? click.waiting : options.waiting;
}

std::vector<StreamRow> RowsOf(Method method, const ConversionLog& log, const StreamOptions& options) {
  std::vector<StreamRow> rows;
  if (method == Method::kPretrained) return rows;
  // FNC and FNW book every click as a negative first, also one that converts in the same second.
  const bool all_late = method == Method::kFnc || method == Method::kFnw;
  for (size_t i = 0; i < log.clicks.size(); ++i) {
    const Click& click = log.clicks[i];
    const auto index = static_cast<uint32_t>(i);
    const int64_t waiting = WaitingOf(method, options, click);
    if (click.at + waiting >= options.pretrain_until) rows.push_back({click.at + waiting, index, false});
    const bool late = click.converted() && (all_late || click.delay() > waiting);
    if (InsertsLate(method) && late && click.converted_at >= options.pretrain_until) {
      rows.push_back({click.converted_at, index, true});
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

StreamLearner::StreamLearner(Method method, const ConversionLog& log, const StreamOptions& options)
    : method_(method),
      log_(log),
      options_(options),
      model_(log.bits, -1),
      log_rate_(method == Method::kDfm ? log.bits : 0),
      delayed_positive_(Corrects(method) ? log.bits : 0, -1),
      real_negative_(Corrects(method) || method == Method::kFsiw ? log.bits : 0, 1),
      in_time_(method == Method::kFsiw ? log.bits : 0) {
  method_ == Method::kDfm ? LearnDfmHistory() : LearnHistory();
}

void StreamLearner::LearnHistory() {
  const int64_t until = options_.pretrain_until;
  for (int epoch = 0; epoch < options_.epochs; ++epoch) {
    for (matured_ = 0; matured_ < log_.clicks.size(); ++matured_) {
      const Click& click = log_.clicks[matured_];
      if (click.at + options_.mature_after > until) break;
      model_.LearnAdagrad(click, click.ConvertedBy(until), 1, options_.history_rate);
      LearnNuisances(click, until, options_.history_rate, true);
    }
  }
}

// DFM knows what to do with a click that is not mature: all clicks of the history count.
void StreamLearner::LearnDfmHistory() {
  const int64_t until = options_.pretrain_until;
  for (int epoch = 0; epoch < options_.epochs; ++epoch) {
    for (const Click& click : log_.clicks) {
      if (click.at >= until) break;
      const bool converted = click.ConvertedBy(until);
      StepDfm(click, converted ? click.delay() : until - click.at, converted, 1, options_.history_rate, true);
    }
  }
}

void StreamLearner::LearnNuisances(const Click& click, int64_t visible_until, double rate, bool adagrad) {
  const auto learn = [&](SparseLogistic& model, bool label) {
    adagrad ? model.LearnAdagrad(click, label, 1, rate) : model.Learn(click, label, 1, rate);
  };
  const bool converted = click.ConvertedBy(visible_until);
  const bool in_time = click.ConvertedBy(click.at + WaitingOf(method_, options_, click));
  if (Corrects(method_)) learn(delayed_positive_, converted && !in_time);  // every click is a row of f_dp
  if (Corrects(method_) || method_ == Method::kFsiw) {
    if (!in_time) learn(real_negative_, !converted);
  }
  if (method_ == Method::kFsiw && converted) learn(in_time_, in_time);
}

void StreamLearner::Refresh(int64_t now) {
  if (method_ != Method::kEsDfmRefreshed) return;
  for (; matured_ < log_.clicks.size(); ++matured_) {
    const Click& click = log_.clicks[matured_];
    if (click.at + options_.mature_after > now) break;
    LearnNuisances(click, now, options_.rate, false);
  }
}

double StreamLearner::WeightOf(const Click& click, bool label) const {
  LabelWeights weights;
  switch (method_) {
    case Method::kFnw:
      weights = lab::FnwWeights(model_.Predict(click));
      break;
    case Method::kFsiw: {
      weights = lab::FsiwWeights(0, in_time_.Predict(click));
      weights.negative = real_negative_.Predict(click);
      break;
    }
    case Method::kEsDfm:
    case Method::kEsDfmRefreshed:
      weights = lab::EsDfmWeights(delayed_positive_.Predict(click), real_negative_.Predict(click));
      break;
    default:
      break;
  }
  return label ? weights.positive : weights.negative;
}

void StreamLearner::Learn(const StreamRow& row) {
  const Click& click = log_.clicks[row.click];
  const bool all_late = method_ == Method::kFnc || method_ == Method::kFnw;
  const bool label = row.late || (method_ == Method::kOracle
                                      ? click.converted()
                                      : !all_late && click.ConvertedBy(click.at + WaitingOf(method_, options_, click)));
  if (method_ == Method::kDfm) return LearnDfm(row, click, label);
  model_.Learn(click, label, WeightOf(click, label), options_.rate);
}

void StreamLearner::LearnDfm(const StreamRow& row, const Click& click, bool label) {
  const int64_t waiting = WaitingOf(method_, options_, click);
  StepDfm(click, label ? click.delay() : waiting, label, 1, options_.rate, false);
  if (row.late) StepDfm(click, waiting, false, -1, options_.rate, false);  // what it had counted so far
}

void StreamLearner::StepDfm(const Click& click, int64_t delay, bool converted, double factor, double rate,
                            bool adagrad) {
  const double days = static_cast<double>(delay) / kSecondsPerDay;
  const lab::DfmTerm term = lab::DfmLikelihood(model_.Logit(click), log_rate_.Logit(click), days, converted);
  const double by_v = factor * std::clamp(term.by_v, -kLongestStep, kLongestStep);
  if (adagrad) {
    model_.StepAdagrad(click, factor * term.by_u, rate);
    log_rate_.StepAdagrad(click, by_v, rate);
  } else {
    model_.Step(click, factor * term.by_u, rate);
    log_rate_.Step(click, by_v, rate);
  }
}

double StreamLearner::Predict(const Click& click) const {
  const double prediction = model_.Predict(click);
  return method_ == Method::kFnc ? lab::FncPrediction(prediction) : prediction;
}

}  // namespace suggest::streams
