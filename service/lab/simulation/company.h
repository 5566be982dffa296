// The made-up company that policies are compared on: a website builder like the founding case. Who its customers are,
// how they grow, what it recommends, and whom its experts look at on which day. What the customers buy is truth.h.
//
// The company, fixed before any policy is run:
//   time        day 0 is the start of the year under study; the year before (days -365 to -1) is the history that an
//               expert made. One service calendar: all instants are UTC.
//   customers   350 at the start of the history, 500 at day 0 (linear), then exponential growth to 5,000 at day 365.
//               Each has a business category (6, of unequal frequency), goals (5, each held or not, likelier where it
//               suits the category; one in five is thought over each half-year) and a latent size. Subscriptions,
//               integrations, pages and sections are noisy exponentials of the size that grow with the months since
//               joining; so they are correlated, skewed, and change over time. Purchase history is added by world.h.
//   catalogue   40 recommendations in 5 kinds with a price (log-normal about 60, 29 to 119) and an effort in hours.
//               30 exist from the start; 10 appear one by one during the year. None is repeatable.
//   contacts    an expert looks at each customer every 28 days (every 56 in the history, when the experts had to find
//               suggestions by themselves), at a phase and an hour of the customer's own, from the third day after
//               joining, and sends up to 3 suggestions.
// Everything is a pure function of the options (draws.h). Threads: immutable after construction.
#ifndef SERVICE_LAB_SIMULATION_COMPANY_H_
#define SERVICE_LAB_SIMULATION_COMPANY_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "service/lab/simulation/draws.h"

namespace suggest::simulation {

constexpr int kCategories = 6;
constexpr int kGoals = 5;
constexpr int kKinds = 5;
constexpr int kDefaultRecommendations = 40;

struct CompanyOptions {
  uint64_t seed = 1;
  absl::Time year_start = absl::FromCivil(absl::CivilDay(2026, 1, 1), absl::UTCTimeZone());
  int history_days = 365;
  int year_days = 365;
  // Numbers of customers at the start of the history, at day 0 and at the end of the year; increasing.
  int customers_before = 350;
  int customers_at_start = 500;
  int customers_at_end = 5000;
  // `late` of them appear during the year. From the 41st on a title is an earlier one with a number.
  int recommendations = kDefaultRecommendations;
  int late_recommendations = 10;
  int contact_interval_days = 28;  // twice that in the history
  int slate_size = 3;
};

// What an expert can see of a customer on a day, apart from age and purchases.
struct Traits {
  int category = 0;
  std::array<bool, kGoals> goals = {};
  int subscriptions = 0;
  int integrations = 0;
  int pages = 0;
  int sections = 0;

  bool operator==(const Traits&) const = default;
};

struct Recommendation {
  std::string id;
  std::string title;
  int kind = 0;
  double price = 0;  // currency units
  double effort_hours = 0;
  // First day of the active period; -history_days for those that were always there.
  int active_from_day = 0;
};

// One look of the expert at one customer.
struct Contact {
  int customer = 0;
  absl::Time at;
};

class Company {
 public:
  // REQUIRES: 0 < customers_before <= customers_at_start <= customers_at_end, 0 <= late < recommendations,
  // positive days, interval and slate.
  explicit Company(const CompanyOptions& options);

  const CompanyOptions& options() const { return options_; }
  const Draws& draws() const { return draws_; }

  // Midnight at the start of `day`; and the day an instant falls on.
  absl::Time Midnight(int day) const { return options_.year_start + day * absl::Hours(24); }
  int Day(absl::Time at) const;

  // Customers are numbered in the order of joining once the history has begun. Number of those that joined on or
  // before `day`.
  int CustomersOn(int day) const;
  int joined_day(int customer) const { return joined_day_[customer]; }
  absl::Time JoinedAt(int customer) const;
  std::string CustomerId(int customer) const;

  // Traits step every 28 days from the day of joining. REQUIRES: day >= joined_day(customer).
  Traits TraitsOn(int customer, int day) const;
  int category(int customer) const { return category_[customer]; }
  int TraitsMonth(int customer, int day) const { return (day - joined_day_[customer]) / kTraitsStepDays; }

  const std::vector<Recommendation>& recommendations() const { return recommendations_; }
  bool Active(int recommendation, int day) const { return recommendations_[recommendation].active_from_day <= day; }

  // Whom the expert looks at on `day`, in order of time.
  std::vector<Contact> ContactsOn(int day) const;

  static constexpr int kTraitsStepDays = 28;

 private:
  int JoinDay(int customer) const;
  Recommendation MakeRecommendation(int index) const;

  CompanyOptions options_;
  Draws draws_;
  std::vector<int> joined_day_;
  std::vector<double> size_;
  std::vector<int> category_;
  std::vector<std::vector<int>> customers_by_phase_;
  std::vector<Recommendation> recommendations_;
};

// Names as they stand in the attributes.
const char* CategoryName(int category);
const char* GoalName(int goal);
const char* KindName(int kind);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_COMPANY_H_
