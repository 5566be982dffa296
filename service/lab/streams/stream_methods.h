// The published ways to learn from a stream of clicks whose conversions come late, each as the rows that it sees and
// the weights that it gives them (bandit/delay/importance_weights.h has the formulas and the sources).
//
//   oracle             each click at once with its final label: what no one can know; the ceiling
//   pretrained         learns nothing after the history
//   vanilla            label read after the waiting time, late conversions stay negatives
//   vanilla_duplicates label read after an hour, late conversions enter again as positives: "vanilla" in the published
//   code fnc, fnw           every click at once as a negative, every conversion as a positive; FNC inverts its fixed
//   point,
//                      FNW weighs
//   fsiw               as vanilla, weighed
//   dfm                as es_dfm, by the likelihood with exponential delays; what a late conversion adds is the
//   likelihood
//                      of its delay over that of the wait before it, so that each click counts once
//   es_dfm             label read after the waiting time, late conversions enter again; weights from f_dp and f_rn,
//   frozen
//                      after the history, as published
//   es_dfm_refreshed   the same, f_dp and f_rn learning each day from the clicks that have matured
//   es_dfm_f_rn_1      the same with f_rn = 1: what the correction is worth
#ifndef SERVICE_LAB_STREAMS_STREAM_METHODS_H_
#define SERVICE_LAB_STREAMS_STREAM_METHODS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "service/lab/streams/conversion_log.h"
#include "service/lab/streams/sparse_logistic.h"

namespace suggest::streams {

enum class Method {
  kOracle,
  kPretrained,
  kVanilla,
  kVanillaDuplicates,
  kFnc,
  kFnw,
  kFsiw,
  kDfm,
  kEsDfm,
  kEsDfmRefreshed,
  kEsDfmNoCorrection,
};

const std::vector<Method>& AllMethods();
absl::string_view MethodName(Method method);

// What all methods share. Times are seconds.
struct StreamOptions {
  int64_t pretrain_until = 30 * 86400;  // the stream begins here; a whole hour
  int64_t waiting = 900;                // e, also of fsiw and vanilla, of clicks that have none of their own
  int64_t mature_after = 7 * 86400;     // a click this old teaches the history's model and f_dp, f_rn
  double rate = 0.005;                  // of the stream's steps
  double history_rate = 0.1;            // of Adagrad on the history
  int epochs = 5;                       // passes over the history
};

// One row of a method's stream: at `at`, this click is looked at.
struct StreamRow {
  int64_t at = 0;
  uint32_t click = 0;
  bool late = false;  // a conversion that enters again

  bool operator<(const StreamRow& other) const {
    return at != other.at ? at < other.at : late != other.late ? !late : click < other.click;
  }
};

// The rows of a method in order of time, from `pretrain_until` on. Clicks of the history whose label is read, or whose
// conversion comes, after it are among them.
std::vector<StreamRow> RowsOf(Method method, const ConversionLog& log, const StreamOptions& options);

// The time that the method waits before it reads the click's label.
int64_t WaitingOf(Method method, const StreamOptions& options, const Click& click);

// A model of one method: from the history, then row by row.
class StreamLearner {
 public:
  // Learns the history: the clicks that were mature at options.pretrain_until, with the labels visible then.
  // Keeps references to log and options.
  StreamLearner(Method method, const ConversionLog& log, const StreamOptions& options);

  void Learn(const StreamRow& row);
  // A day has passed, until `now`: f_dp and f_rn may learn.
  void Refresh(int64_t now);
  double Predict(const Click& click) const;

 private:
  void LearnHistory();
  void LearnDfmHistory();
  void LearnDfm(const StreamRow& row, const Click& click, bool label);
  void LearnNuisances(const Click& click, int64_t visible_until, double rate, bool adagrad);
  double WeightOf(const Click& click, bool label) const;
  void StepDfm(const Click& click, int64_t delay, bool converted, double factor, double rate, bool adagrad);

  const Method method_;
  const ConversionLog& log_;
  const StreamOptions& options_;
  SparseLogistic model_;
  SparseLogistic log_rate_;          // dfm: log of conversions a day
  SparseLogistic delayed_positive_;  // es_dfm: f_dp
  SparseLogistic real_negative_;     // es_dfm, fsiw: f_rn
  SparseLogistic in_time_;           // fsiw: P(converted within e | converts)
  size_t matured_ = 0;               // the first click that the nuisance models have not seen
};

}  // namespace suggest::streams

#endif  // SERVICE_LAB_STREAMS_STREAM_METHODS_H_
