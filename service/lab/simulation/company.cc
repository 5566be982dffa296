#include "service/lab/simulation/company.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bandit/base/check.h"
#include "bandit/base/portable_math.h"

namespace suggest::simulation {
namespace {

constexpr const char* kCategoryNames[kCategories] = {"shop",     "restaurant", "services",
                                                     "creative", "health",     "nonprofit"};
constexpr double kCategoryShares[kCategories] = {0.26, 0.12, 0.24, 0.18, 0.12, 0.08};
constexpr const char* kGoalNames[kGoals] = {"sell_online", "get_bookings", "grow_audience", "show_work", "save_time"};
// How likely a business of each category holds each goal.
constexpr double kGoalShares[kCategories][kGoals] = {
    {0.85, 0.10, 0.40, 0.20, 0.30}, {0.25, 0.80, 0.45, 0.20, 0.35}, {0.15, 0.60, 0.35, 0.30, 0.45},
    {0.30, 0.25, 0.50, 0.85, 0.20}, {0.10, 0.75, 0.25, 0.10, 0.50}, {0.15, 0.20, 0.75, 0.35, 0.40},
};
constexpr const char* kKindNames[kKinds] = {"shop", "marketing", "design", "booking", "operations"};
constexpr int kTitlesOfKind = kDefaultRecommendations / kKinds;
constexpr const char* kTitles[kKinds][kTitlesOfKind] = {
    {"Online shop", "Discount codes", "Product reviews", "Gift cards", "Shipping labels", "Stock sync",
     "Abandoned cart mail", "Invoices"},
    {"Newsletter", "Search check", "Advertising starter", "Social planner", "Landing pages", "Visitor survey",
     "Press kit", "Referral links"},
    {"Design refresh", "Logo pack", "Photo library", "Portfolio gallery", "Animation pack", "Dark theme", "Font pack",
     "Icon set"},
    {"Booking calendar", "Table reservations", "Reminder messages", "Course registration", "Video appointments",
     "Event tickets", "Staff rota", "Waiting list"},
    {"Visitor statistics", "Own domain mail", "Backup plan", "Faster hosting", "Team accounts", "Translation",
     "Accounting export", "Cookie consent"},
};
constexpr int kGoalStepMonths = 6;  // goals are thought over twice a year
constexpr double kGoalRedrawn = 0.2;
constexpr int kFirstContactAfterDays = 3;

int FloorDiv(int a, int b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

int CategoryOf(double uniform) {
  int category = 0;
  for (double left = uniform - kCategoryShares[0]; left > 0 && category + 1 < kCategories;) {
    ++category;
    left -= kCategoryShares[category];
  }
  return category;
}

// A count that grows with the latent size and the months since joining, with noise that lasts half a year.
int Count(double log_level, double size_weight, double growth, double size, int month, double noise) {
  return static_cast<int>(PortableExp(log_level + size_weight * size + growth * PortableLog1p(month) + 0.2 * noise));
}

}  // namespace

const char* CategoryName(int category) {
  return kCategoryNames[category];
}
const char* GoalName(int goal) {
  return kGoalNames[goal];
}
const char* KindName(int kind) {
  return kKindNames[kind];
}

Company::Company(const CompanyOptions& options) : options_(options), draws_(options.seed) {
  SUGGEST_CHECK(options.customers_before > 0 && options.customers_before <= options.customers_at_start);
  SUGGEST_CHECK(options.customers_at_start <= options.customers_at_end);
  SUGGEST_CHECK(options.late_recommendations >= 0);
  SUGGEST_CHECK(options.late_recommendations < options.recommendations);
  SUGGEST_CHECK(options.history_days > 0 && options.year_days > 0);
  SUGGEST_CHECK(options.contact_interval_days > 0 && options.slate_size > 0);
  customers_by_phase_.resize(2 * options.contact_interval_days);
  for (int c = 0; c < options.customers_at_end; ++c) {
    joined_day_.push_back(JoinDay(c));
    size_.push_back(draws_.Normal(Purpose::kSize, c));
    category_.push_back(CategoryOf(draws_.Uniform(Purpose::kCategory, c)));
    const auto phase = static_cast<int>(draws_.Uniform(Purpose::kContactPhase, c) * customers_by_phase_.size());
    customers_by_phase_[phase].push_back(c);
  }
  for (int r = 0; r < options.recommendations; ++r) recommendations_.push_back(MakeRecommendation(r));
}

int Company::JoinDay(int customer) const {
  const CompanyOptions& o = options_;
  if (customer < o.customers_before) {
    return -o.history_days - static_cast<int>(draws_.Uniform(Purpose::kJoinTime, customer, 1) * 4 * 365);
  }
  if (customer < o.customers_at_start) {
    const double share =
        static_cast<double>(customer - o.customers_before) / (o.customers_at_start - o.customers_before);
    return -o.history_days + static_cast<int>(share * o.history_days);
  }
  const double factor = static_cast<double>(o.customers_at_end) / o.customers_at_start;
  const double share = PortableLog((customer + 1.0) / o.customers_at_start) / PortableLog(factor);
  return static_cast<int>(share * o.year_days);
}

Recommendation Company::MakeRecommendation(int index) const {
  Recommendation made;
  made.id = absl::StrFormat("r%02d", index + 1);
  made.kind = index % kKinds;
  made.title = kTitles[made.kind][index / kKinds % kTitlesOfKind];
  if (index >= kDefaultRecommendations) absl::StrAppend(&made.title, " ", index / kDefaultRecommendations + 1);
  const double price = 60 * PortableExp(0.2 * draws_.Normal(Purpose::kPrice, index));
  made.price = std::clamp(std::round(price / 5) * 5 - 1, 29.0, 119.0);
  made.effort_hours = std::round(2 * PortableExp(2 + 0.7 * draws_.Normal(Purpose::kEffort, index))) / 2;
  const int always = options_.recommendations - options_.late_recommendations;
  if (index < always) {
    made.active_from_day = -options_.history_days;
  } else {
    const double share = (index - always + draws_.Uniform(Purpose::kArrival, index)) / options_.late_recommendations;
    made.active_from_day = 1 + static_cast<int>(share * (options_.year_days - 1));
  }
  return made;
}

int Company::Day(absl::Time at) const {
  return static_cast<int>(absl::ToInt64Hours(absl::Floor(at - options_.year_start, absl::Hours(24)))) / 24;
}

int Company::CustomersOn(int day) const {
  const auto first_dated = joined_day_.begin() + options_.customers_before;
  if (day < -options_.history_days) {
    return static_cast<int>(std::count_if(joined_day_.begin(), first_dated, [day](int d) { return d <= day; }));
  }
  return static_cast<int>(std::upper_bound(first_dated, joined_day_.end(), day) - joined_day_.begin());
}

absl::Time Company::JoinedAt(int customer) const {
  return Midnight(joined_day_[customer]) +
         absl::Seconds(static_cast<int>(draws_.Uniform(Purpose::kJoinTime, customer) * 86400));
}

std::string Company::CustomerId(int customer) const {
  return absl::StrFormat("c%05d", customer + 1);
}

Traits Company::TraitsOn(int customer, int day) const {
  const int month = TraitsMonth(customer, day);
  const int half_year = month / kGoalStepMonths;
  const double size = size_[customer];
  const auto noise = [&](Purpose purpose) { return draws_.Normal(purpose, customer, half_year); };
  Traits traits;
  traits.category = category_[customer];
  for (int g = 0; g < kGoals; ++g) {
    int drawn = half_year;  // the last half-year in which this goal was thought over
    while (drawn > 0 && draws_.Uniform(Purpose::kGoal, customer, g, 2 * drawn) > kGoalRedrawn) --drawn;
    traits.goals[g] = draws_.Uniform(Purpose::kGoal, customer, g, 2 * drawn + 1) < kGoalShares[traits.category][g];
  }
  traits.subscriptions = 1 + Count(-0.3, 0.5, 0.20, size, month, noise(Purpose::kSubscriptions));
  traits.integrations = Count(0.3, 0.6, 0.25, size, month, noise(Purpose::kIntegrations));
  traits.pages = 1 + Count(1.3, 0.6, 0.30, size, month, noise(Purpose::kPages));
  const double sections_per_page = PortableExp(1.3 + 0.3 * draws_.Normal(Purpose::kSections, customer));
  traits.sections = 1 + static_cast<int>(traits.pages * sections_per_page);
  return traits;
}

std::vector<Contact> Company::ContactsOn(int day) const {
  const int cycle = 2 * options_.contact_interval_days;
  const int phase = day - FloorDiv(day, cycle) * cycle;
  std::vector<int> customers = customers_by_phase_[phase];
  if (day >= 0) {  // and those of the other half of the cycle
    const std::vector<int>& others = customers_by_phase_[(phase + options_.contact_interval_days) % cycle];
    customers.insert(customers.end(), others.begin(), others.end());
  }
  std::vector<Contact> contacts;
  for (const int c : customers) {
    if (joined_day_[c] + kFirstContactAfterDays > day) continue;
    const double hours = 8 + 9 * draws_.Uniform(Purpose::kContactTime, c, day);
    contacts.push_back({c, Midnight(day) + absl::Seconds(static_cast<int>(hours * 3600))});
  }
  std::sort(contacts.begin(), contacts.end(),
            [](const Contact& a, const Contact& b) { return a.at != b.at ? a.at < b.at : a.customer < b.customer; });
  return contacts;
}

}  // namespace suggest::simulation
