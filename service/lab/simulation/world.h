// One course of events at the made-up company: who was exposed to what, who bought it when.
//
// The outcomes themselves are the truth's; a world only adds what earlier choices make of them: what is bought is not
// offered again, what lies open with the customer (exposed within the last 70 days) is not sent once more, and
// purchases of the last 180 days are a term of the truth. A value: a copy goes its own way from there.
#ifndef SERVICE_LAB_SIMULATION_WORLD_H_
#define SERVICE_LAB_SIMULATION_WORLD_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "service/lab/simulation/company.h"
#include "service/lab/simulation/truth.h"

namespace suggest::simulation {

// One exposure, with what will come of it.
struct Exposure {
  int64_t id = 0;  // consecutive within a world
  int customer = 0;
  int recommendation = 0;
  absl::Time at;
  absl::Time purchased_at = absl::InfiniteFuture();  // never: InfiniteFuture
  absl::Time refunded_at = absl::InfiniteFuture();

  bool purchased() const { return purchased_at != absl::InfiniteFuture(); }
  bool refunded() const { return refunded_at != absl::InfiniteFuture(); }
  // Paid within the attribution window.
  bool attributed() const { return purchased_at < at + kAttributionWindow; }
};

class World {
 public:
  // Keeps references: `company` and `truth` must outlive it.
  World(const Company& company, const Truth& truth);

  // Recommendations that may be suggested to the customer now, ascending.
  std::vector<int> Candidates(int customer, absl::Time at) const;
  int RecentPurchases(int customer, absl::Time at) const;
  CustomerView View(int customer, absl::Time at) const;

  // The customer sees the recommendation; the answer is drawn and remembered. Who is already about to buy it (a
  // payment later than 70 days after an earlier exposure) does not buy it twice.
  const Exposure& Expose(const CustomerView& view, int recommendation, absl::Time at);

  const std::vector<Exposure>& exposures() const { return exposures_; }

 private:
  const Company* company_;
  const Truth* truth_;
  std::vector<Exposure> exposures_;
  std::vector<std::vector<int64_t>> by_customer_;  // ids of exposures
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_WORLD_H_
