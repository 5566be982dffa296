// The made-up world in which modes of learning from late purchases are compared (delay_study.h): a linear truth that
// may drift, and purchases that come when their delay law says.
//
//   context     b = [1; z], z uniform on [-1, 1]^(d-1); each decision offers K of them
//   truth       P(bought within W | b) = b' mu*(t), mu* = (0.16, m), m = 0.14 u / sum |u|: always in [0.02, 0.30]
//   drift       u is an Ornstein-Uhlenbeck process, stationary N(0, 1) in each entry: u <- rho u + sqrt(1 - rho^2) e,
//               rho = e^(-1/(24 drift_days)) per hour; without drift it stays
//   delays      `scenario`: one law; or by the sign of z_1 (0.08 W and 0.45 W on average; then m_1 > 0, so what sells
//               slowly sells better); or fast (0.08 W) for decisions before shift_day and slow (W/3) after
//
// Everything random is drawn before anybody decides, so all modes meet the same candidates, the same outcomes of the
// same choices and the same posterior draws (common random numbers). The same seed gives the same bits everywhere.
// Memory: 8 bytes x hours x decisions x K x d (15 MB as standard). Threads: immutable after construction.
#ifndef SERVICE_LAB_SIMULATION_DELAY_WORLD_H_
#define SERVICE_LAB_SIMULATION_DELAY_WORLD_H_

#include <Eigen/Core>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "bandit/base/random.h"
#include "service/lab/simulation/purchase_delay.h"

namespace suggest::simulation {

enum class DelayFamily { kExponential, kLogNormal };

struct DelayScenario {
  std::string name;
  DelayFamily family = DelayFamily::kExponential;
  bool heterogeneous = false;
  int shift_day = 0;      // 0 = never
  double drift_days = 0;  // 0 = the truth stays
  // What the learners assume: weight e^(-age / forget_days); 0 = they forget nothing.
  double forget_days = 0;
};

// exp, exp_drift, heavy, heavy_drift, hetero_drift, shift_drift.
const std::vector<DelayScenario>& DelayScenarios();
// Errors: INVALID_ARGUMENT that lists the names.
absl::StatusOr<DelayScenario> FindDelayScenario(absl::string_view name);

struct DelayWorldOptions {
  DelayScenario scenario;
  int days = 45;
  int decisions_per_hour = 20;
  int candidates = 10;     // K
  int dim = 10;            // d
  int window_hours = 168;  // W

  int hours() const { return 24 * days; }
};

class DelayWorld {
 public:
  static constexpr double kLowest = 0.02;
  static constexpr double kHighest = 0.30;
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  // REQUIRES: every number of the options in its range (delay_study.h checks them).
  DelayWorld(const DelayWorldOptions& options, uint64_t seed);

  const DelayWorldOptions& options() const { return options_; }

  // The K contexts of a decision, one per column.
  Eigen::Ref<const Eigen::MatrixXd> Candidates(int hour, int decision) const;
  // mu* of the hour.
  Eigen::Ref<const Eigen::VectorXd> Weights(int hour) const { return weights_.col(hour); }
  double Probability(int hour, Eigen::Ref<const Eigen::VectorXd> context) const {
    return context.dot(weights_.col(hour));
  }

  // Hours from the decision to the purchase if `context` is what the decision suggests, in (0, W]; kNever without one.
  double HoursToPurchase(int hour, int decision, Eigen::Ref<const Eigen::VectorXd> context) const;
  // Contexts are of two kinds, by the sign of z_1: a learner may keep a delay law for each, and where delays differ
  // they differ between these. 1 for z_1 > 0.
  static constexpr int kStrata = 2;
  static int Stratum(Eigen::Ref<const Eigen::VectorXd> context) { return context[1] > 0 ? 1 : 0; }
  // The true F.
  double TrueShare(int decided_hour, int stratum, double age_hours) const;

  // The stream of the decision's posterior draw, at its beginning.
  bandit::CounterRng DrawStream(int hour, int decision) const;

 private:
  void DrawWeights();
  const PurchaseDelay& LawOf(int hour, int stratum) const;
  int64_t Decision(int hour, int decision) const { return int64_t{hour} * options_.decisions_per_hour + decision; }

  DelayWorldOptions options_;
  uint64_t seed_;
  PurchaseDelay common_;
  PurchaseDelay fast_;
  PurchaseDelay slow_;
  Eigen::MatrixXd weights_;       // d x hours
  Eigen::MatrixXd contexts_;      // d x (hours decisions K)
  std::vector<double> purchase_;  // uniform of each decision: bought when below P
  std::vector<double> lateness_;  // uniform of each decision: where in the delay law
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_DELAY_WORLD_H_
