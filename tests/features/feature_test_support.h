// What the feature tests share: short ways to write instants, attributes and schemas, and the founding case's schema.
#ifndef TESTS_FEATURES_FEATURE_TEST_SUPPORT_H_
#define TESTS_FEATURES_FEATURE_TEST_SUPPORT_H_

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <cstdint>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bandit/base/check.h"
#include "features/attributes.h"
#include "features/counters.h"
#include "features/schema.h"

namespace suggest::features {

inline absl::Time At(const std::string& rfc3339) {
  absl::Time time;
  std::string error;
  SUGGEST_CHECK(absl::ParseTime(absl::RFC3339_full, rfc3339, &time, &error));
  return time;
}

// Attributes from JSON: Attrs(R"({"price": 3})").
inline Attributes Attrs(const std::string& json) {
  Attributes attributes;
  SUGGEST_CHECK(google::protobuf::util::JsonStringToMessage(json, &attributes).ok());
  return attributes;
}

inline FeatureSchema Schema(const std::string& text) {
  FeatureSchema schema;
  SUGGEST_CHECK(google::protobuf::TextFormat::ParseFromString(text, &schema));
  return schema;
}

// A schema of one feature: Schema1(`customer numeric` as text-proto inside "features { ... }").
inline FeatureSchema SchemaOf(const std::string& feature) {
  return Schema(absl::StrCat("features { ", feature, " }"));
}

// W + grace of 10 days; half of the purchases are visible at 2 days, all at 10.
inline CounterSettings TestSettings() {
  return {absl::Hours(240), {172800, 864000}, {0.5, 1.0}};
}

// The founding case: a website builder. Every kind, every missing policy.
inline FeatureSchema FoundingSchema() {
  return Schema(R"pb(
    version: 3
    features {
      name: "tenure"
      side: CUSTOMER
      age { column: "since" transform: LOG1P clip_max: 3650 }
      scaling { center: 5 scale: 2 }
    }
    features {
      name: "category"
      side: CUSTOMER
      categorical { column: "category" max_vocabulary: 3 vocabulary: "shop" vocabulary: "blog" }
    }
    features {
      name: "goals"
      side: CUSTOMER
      multi_valued { column: "goals" vocabulary: "sell" vocabulary: "grow" }
    }
    features {
      name: "pages"
      side: CUSTOMER
      numeric { column: "pages" transform: LOG1P clip_min: 0 clip_max: 1000 }
      missing { policy: ZERO indicator: true }
      scaling { center: 2 scale: 1 }
    }
    features {
      name: "sections"
      side: CUSTOMER
      numeric { column: "sections" }
      missing { policy: CONSTANT constant: 7 }
      scaling { center: 5 scale: 4 }
    }
    features {
      name: "vip"
      side: CUSTOMER
      boolean { column: "vip" }
      missing { policy: MEAN }
    }
    features {
      name: "bought"
      side: CUSTOMER
      counter {
        event: PURCHASES
        count { transform: LOG1P }
      }
    }
    features {
      name: "rate"
      side: CUSTOMER
      passes_by: true
      counter { smoothed_rate { prior_rate: 0.1 strength: 4 denominator: DELAY_CORRECTED } }
    }
    features {
      name: "price"
      side: RECOMMENDATION
      numeric { column: "price" transform: LOG1P }
      scaling { center: 4 scale: 1 }
    }
    features {
      name: "item_age"
      side: RECOMMENDATION
      age { column: "created" clip_max: 365 }
      scaling { center: 100 scale: 100 }
    }
    features {
      name: "made"
      side: RECOMMENDATION
      counter {
        event: EXPOSURES
        count { window_days: 28 }
      }
    }
    features {
      name: "item_rate"
      side: RECOMMENDATION
      passes_by: true
      counter {
        event: CONVERSIONS
        smoothed_rate { prior_rate: 0.1 strength: 20 denominator: MATURE }
      }
    }
    features {
      name: "seen"
      side: PAIR
      counter {
        event: EXPOSURES
        count { clip_max: 5 }
      }
    }
    features {
      name: "since_seen"
      side: PAIR
      counter {
        event: EXPOSURES
        age_since_last { cap_days: 90 }
      }
    }
    features {
      name: "theme_rate"
      side: PAIR
      counter {
        same_attribute: "theme"
        smoothed_rate { prior_rate: 0.1 strength: 2 }
      }
    }
    customer_pca { components: 4 }
    recommendation_pca { variance_share: 0.99 whiten: true }
  )pb");
}

}  // namespace suggest::features

#endif  // TESTS_FEATURES_FEATURE_TEST_SUPPORT_H_
