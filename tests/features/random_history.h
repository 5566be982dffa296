// A random company over a few months: who saw what, who bought, and when each became visible. For property tests.
#ifndef TESTS_FEATURES_RANDOM_HISTORY_H_
#define TESTS_FEATURES_RANDOM_HISTORY_H_

#include <map>
#include <random>
#include <string>
#include <vector>

#include "features/extractor.h"
#include "features/pipeline.h"
#include "tests/features/feature_test_support.h"

namespace suggest::features {

struct Event {
  enum Kind { kExposure, kPurchase } kind;
  std::string customer, recommendation;
  absl::Time exposed_at;    // of an exposure, or of the exposure that a purchase converts
  absl::Time purchased_at;  // of a purchase
  absl::Time visible_at;
};

// Everything visible at a tick, as a replay keeps it.
struct Visible {
  std::map<std::string, CustomerHistory> customers;
  std::map<std::string, DayHistory> recommendations;
};

struct Decision {
  std::string customer, recommendation;
  absl::Time at, tick;
};

// One decision's features, raw.
struct RawRow {
  RawSide customer, recommendation;
  std::optional<RawSide> pair;

  friend bool operator==(const RawRow&, const RawRow&) = default;
};

class RandomCompany {
 public:
  explicit RandomCompany(unsigned seed) : bits_(seed) {
    for (int i = 0; i < 8; ++i) customers_[absl::StrCat("c", i)] = RandomCustomer();
    for (int i = 0; i < 6; ++i) recommendations_[absl::StrCat("r", i)] = RandomRecommendation();
  }

  // Exposures over 120 days, a third of them with a purchase up to 9 days later; visible up to 3 days after that.
  std::vector<Event> Events(int count) {
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) {
      Event event{Event::kExposure, Customer(), Recommendation(), Instant(120), {}, {}};
      event.visible_at = event.exposed_at + Hours(72);
      events.push_back(event);
      if (Below(3) != 0) continue;
      event.kind = Event::kPurchase;
      event.purchased_at = event.exposed_at + Hours(9 * 24);
      event.visible_at = event.purchased_at + Hours(72);
      events.push_back(event);
    }
    return events;
  }

  std::vector<Decision> Decisions(int count, absl::Time before) {
    std::vector<Decision> decisions;
    while (static_cast<int>(decisions.size()) < count) {
      const absl::Time tick = Instant(120);
      if (tick < before) decisions.push_back({Customer(), Recommendation(), tick + Hours(24), tick});
    }
    return decisions;
  }

  absl::Time Instant(int days) { return At("2026-01-01T00:00:00Z") + Hours(days * 24); }
  std::mt19937& bits() { return bits_; }

  static Visible AsOf(const std::vector<Event>& events, absl::Time tick) {
    Visible visible;
    for (const Event& event : events) {
      if (event.visible_at > tick) continue;
      for (DayHistory* history :
           {&visible.customers[event.customer][event.recommendation], &visible.recommendations[event.recommendation]}) {
        if (event.kind == Event::kExposure) {
          history->AddExposure(event.exposed_at);
        } else {
          history->AddConversion(event.exposed_at);
          history->AddPurchase(event.purchased_at);
        }
      }
    }
    return visible;
  }

  RawRow Extract(const FeatureExtractor& extractor, Visible visible, const Decision& decision) const {
    const CustomerHistory& history = visible.customers[decision.customer];
    const Attributes& attributes = recommendations_.at(decision.recommendation);
    const auto lookup = [this](absl::string_view id) { return &recommendations_.at(std::string(id)); };
    return {*extractor.Customer(customers_.at(decision.customer), history, decision.at, decision.tick),
            *extractor.Recommendation(attributes, visible.recommendations[decision.recommendation], decision.tick),
            extractor.ForCustomer(history, lookup, decision.tick).Candidate(decision.recommendation, attributes)};
  }

  // The features of all decisions, each from the events visible at its tick.
  std::vector<RawRow> Replay(const FeatureExtractor& extractor, const std::vector<Event>& events,
                             const std::vector<Decision>& decisions) const {
    std::vector<RawRow> rows;
    for (const Decision& decision : decisions) {
      rows.push_back(Extract(extractor, AsOf(events, decision.tick), decision));
    }
    return rows;
  }

  static TrainingRows Training(const std::vector<RawRow>& rows) {
    TrainingRows training;
    for (const RawRow& row : rows) {
      training.customers.push_back(row.customer);
      training.recommendations.push_back(row.recommendation);
      training.pairs.push_back(row.pair);
    }
    return training;
  }

 private:
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(bits_() % n); }
  absl::Duration Hours(uint32_t below) { return absl::Seconds(Below(below * 3600)); }
  std::string Customer() { return absl::StrCat("c", Below(8)); }
  std::string Recommendation() { return absl::StrCat("r", Below(6)); }

  Attributes RandomCustomer() {
    const char* categories[] = {"shop", "blog", "forum", ""};
    const char* goals[] = {"sell", "grow;sell", "rest", "sell;rest;grow"};
    Attributes attributes = Attrs(absl::StrCat(
        R"({"since": "202)", Below(6), R"(-05-06T07:08:09Z", "category": ")", categories[Below(4)], R"(", "goals": ")",
        goals[Below(4)], R"(", "sections": )", Below(20), R"(, "vip": )", Below(2) == 0 ? "true" : "false", "}"));
    if (Below(4) != 0) (*attributes.mutable_fields())["pages"].set_number_value(Below(50));
    return attributes;
  }

  Attributes RandomRecommendation() {
    return Attrs(absl::StrCat(R"({"price": )", 1 + Below(200), R"(, "created": "2025-)", 10 + Below(3),
                              R"(-01", "theme": ")", Below(2) == 0 ? "web" : "art", "\"}"));
  }

  std::mt19937 bits_;
  std::map<std::string, Attributes> customers_, recommendations_;
};

}  // namespace suggest::features

#endif  // TESTS_FEATURES_RANDOM_HISTORY_H_
