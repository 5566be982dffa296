#include "service/server/cache/customer_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/service/server/server_fixture.h"
#include "tests/support/instants.h"
#include "tests/support/status_matchers.h"

namespace suggest::server {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

// Far enough that no test outlives it; the sign of life of a listener that never ends.
const CustomerCache::Instant kFarAhead = std::chrono::steady_clock::now() + std::chrono::hours(24);

storage::CustomerState StateOf(double pages, absl::Time valid_until = absl::InfiniteFuture()) {
  storage::CustomerState state;
  state.valid_until = valid_until;
  state.attributes.emplace();
  (*state.attributes->mutable_fields())["pages"].set_number_value(pages);
  return state;
}

class CustomerCacheTest : public ::testing::Test {
 protected:
  CustomerCache& Make(const std::string& settings, bool serve_stale = false) {
    const config::v1::Config config =
        decision::TestConfig(absl::StrCat("database { customer_cache { ", settings, " } }"));
    cache_ = std::make_unique<CustomerCache>(config.database().customer_cache(), serve_stale, &metrics_);
    return *cache_;
  }

  // The pages that the cache says the customer has; loads that return 1, 2, 3, ...
  double Pages(const std::string& id = "c1", absl::Time now = kNoon) {
    const auto state = cache_->Get(
        id, now, [&]() -> absl::StatusOr<storage::CustomerState> { return StateOf(++loads_, valid_until_); });
    EXPECT_THAT(state, IsOk());
    return state.ok() ? (*state)->state().attributes->fields().at("pages").number_value() : -1;
  }

  Metrics metrics_;
  std::unique_ptr<CustomerCache> cache_;
  int loads_ = 0;
  absl::Time valid_until_ = absl::InfiniteFuture();
};

TEST_F(CustomerCacheTest, KeepsACustomerUntilAChangeIsHeard) {
  CustomerCache& cache = Make("");
  cache.Heard(kFarAhead, true);
  EXPECT_EQ(Pages(), 1);
  EXPECT_EQ(Pages(), 1);
  cache.Invalidate("c2");
  EXPECT_EQ(Pages(), 1);
  cache.Invalidate("c1");
  EXPECT_EQ(Pages(), 2);
  cache.InvalidateAll();
  EXPECT_EQ(Pages(), 3);
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_customer_cache_hits_total 2"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_customer_cache_misses_total 3"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_customer_cache_entries 1"));
}

TEST_F(CustomerCacheTest, IsNotUsedWhileChangesCannotBeHeard) {
  CustomerCache& cache = Make("");
  EXPECT_EQ(Pages(), 1);
  EXPECT_EQ(Pages(), 2);
  cache.Heard(kFarAhead, true);
  EXPECT_EQ(Pages(), 2);
  cache.Unheard();
  EXPECT_EQ(Pages(), 3);
  cache.Heard(std::chrono::steady_clock::now() - CustomerCache::kHeardFor - std::chrono::milliseconds(1), true);
  EXPECT_EQ(Pages(), 4);
}

TEST_F(CustomerCacheTest, AFutureDatedRowEndsAnEntryAtItsInstant) {
  CustomerCache& cache = Make("");
  cache.Heard(kFarAhead, true);
  valid_until_ = kNoon + absl::Hours(1);
  EXPECT_EQ(Pages("c1", kNoon), 1);
  EXPECT_EQ(Pages("c1", kNoon + absl::Minutes(59)), 1);
  EXPECT_EQ(Pages("c1", kNoon + absl::Hours(1)), 2);
}

TEST_F(CustomerCacheTest, WithoutTriggersAnEntryLivesForMaxAge) {
  CustomerCache& cache = Make("max_age { nanos: 1 }");
  cache.Heard(kFarAhead, false);
  EXPECT_EQ(Pages(), 1);
  EXPECT_EQ(Pages(), 2);
  cache.Heard(kFarAhead, true);
  EXPECT_EQ(Pages(), 2);
  Make("max_age { nanos: 1 } change_detection: AGE").Heard(kFarAhead, true);
  EXPECT_EQ(Pages(), 3);
  EXPECT_EQ(Pages(), 4);
  Make("max_age { nanos: 1 } change_detection: NOTIFY").Heard(kFarAhead, false);
  EXPECT_EQ(Pages(), 5);
  EXPECT_EQ(Pages(), 5);
}

TEST_F(CustomerCacheTest, IsBoundedInEntriesAndBytes) {
  Make("max_entries: 64").Heard(kFarAhead, true);
  for (int i = 0; i < 1000; ++i) Pages(absl::StrCat("c", i));
  EXPECT_THAT(metrics_.Text(), ::testing::ContainsRegex("suggest_customer_cache_entries ([1-5][0-9]|6[0-4])\n"));
  EXPECT_THAT(metrics_.Text(), ::testing::ContainsRegex("suggest_customer_cache_evictions_total 9[0-9][0-9]\n"));
  cache_->InvalidateAll();
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_customer_cache_bytes 0\n"));

  Make("max_bytes: 1048576").Heard(kFarAhead, true);
  for (int i = 0; i < 5000; ++i) Pages(std::string(1000, 'x') + absl::StrCat(i));
  EXPECT_THAT(metrics_.Text(), ::testing::ContainsRegex("suggest_customer_cache_bytes ([0-9]{6}|10[0-4][0-9]{4})\n"));
  cache_->InvalidateAll();

  Make("max_entries: 0").Heard(kFarAhead, true);
  Pages();
  EXPECT_THAT(metrics_.Text(), HasSubstr("suggest_customer_cache_entries 0\n"));
}

TEST_F(CustomerCacheTest, ConcurrentMissesMakeOneLoad) {
  CustomerCache& cache = Make("");
  cache.Heard(kFarAhead, true);
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> loads = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&] {
      EXPECT_THAT(cache.Get("c1", kNoon,
                            [&]() -> absl::StatusOr<storage::CustomerState> {
                              ++loads;
                              released.wait();
                              return StateOf(1);
                            }),
                  IsOk());
    });
  }
  while (metrics_.Text().find("suggest_customer_cache_misses_total 16") == std::string::npos) std::this_thread::yield();
  release.set_value();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(loads, 1);
}

TEST_F(CustomerCacheTest, AChangeDuringALoadKeepsItOutOfTheCache) {
  CustomerCache& cache = Make("");
  cache.Heard(kFarAhead, true);
  for (const bool all : {false, true}) {
    const auto state = cache.Get("c1", kNoon, [&]() -> absl::StatusOr<storage::CustomerState> {
      all ? cache.InvalidateAll() : cache.Invalidate("c1");
      return StateOf(0);
    });
    EXPECT_THAT(state, IsOk());
    EXPECT_GT(Pages(), 0);
    cache.Invalidate("c1");
  }
  EXPECT_EQ(loads_, 2);
}

TEST_F(CustomerCacheTest, AFailedLoadIsNotKeptAndAStaleEntryServesOnlyWhereConfigured) {
  const auto fails = []() -> absl::StatusOr<storage::CustomerState> { return absl::UnavailableError("away"); };
  CustomerCache& strict = Make("");
  strict.Heard(kFarAhead, true);
  Pages();
  strict.Unheard();
  EXPECT_THAT(strict.Get("c1", kNoon, fails), StatusIs(absl::StatusCode::kUnavailable));
  CustomerCache& stale = Make("", true);
  stale.Heard(kFarAhead, true);
  Pages();
  stale.Unheard();
  EXPECT_THAT(stale.Get("c1", kNoon, fails), IsOk());
  EXPECT_THAT(stale.Get("c2", kNoon, fails), StatusIs(absl::StatusCode::kUnavailable));
  // What changed is read anew; while it cannot be read, what it was still serves.
  stale.Heard(kFarAhead, true);
  for (const bool all : {false, true}) {
    const double before = Pages();
    all ? stale.InvalidateAll() : stale.Invalidate("c1");
    EXPECT_THAT(stale.Get("c1", kNoon, fails), IsOk());
    EXPECT_EQ(Pages(), before + 1);
    EXPECT_EQ(Pages(), before + 1);
  }
  // So does what was loaded while changes came in.
  ASSERT_THAT(stale.Get("c3", kNoon,
                        [&]() -> absl::StatusOr<storage::CustomerState> {
                          stale.InvalidateAll();
                          return StateOf(1);
                        }),
              IsOk());
  EXPECT_EQ(stale.Peek("c3", kNoon), nullptr);
  EXPECT_THAT(stale.Get("c3", kNoon, fails), IsOk());
}

TEST_F(CustomerCacheTest, PeeksAtWhatMayBeUsedAndLoadsNothing) {
  CustomerCache& cache = Make("");
  cache.Heard(kFarAhead, true);
  EXPECT_EQ(cache.Peek("c1", kNoon), nullptr);
  EXPECT_FALSE(cache.KnowsNoneOpen("c1", kNoon));
  Pages();
  ASSERT_NE(cache.Peek("c1", kNoon), nullptr);
  EXPECT_FALSE(cache.KnowsNoneOpen("c1", kNoon));  // nobody has looked
  ASSERT_THAT(cache.GetOpen("c1", kNoon, [] { return std::optional<storage::DecisionRecord>(); }), IsOk());
  EXPECT_TRUE(cache.KnowsNoneOpen("c1", kNoon));
  storage::DecisionRecord record;
  record.decided_at = kNoon;
  cache.SetOpen("c1", std::make_shared<const storage::DecisionRecord>(record));
  EXPECT_FALSE(cache.KnowsNoneOpen("c1", kNoon));
  EXPECT_TRUE(cache.KnowsNoneOpen("c1", kNoon + absl::Seconds(1)));
  cache.Unheard();
  EXPECT_EQ(cache.Peek("c1", kNoon), nullptr);
  EXPECT_FALSE(cache.KnowsNoneOpen("c1", kNoon + absl::Seconds(1)));
}

TEST_F(CustomerCacheTest, KnowsTheOpenDecisionUntilSomebodyElseMayHaveDecided) {
  CustomerCache& cache = Make("");
  cache.Heard(kFarAhead, true);
  Pages();
  int looks = 0;
  const auto none = [&]() -> absl::StatusOr<std::optional<storage::DecisionRecord>> {
    ++looks;
    return std::optional<storage::DecisionRecord>();
  };
  const auto decision = [](absl::Time at, uint64_t number) {
    storage::DecisionRecord record;
    record.decision_id = storage::MakeDecisionId(at, number, 0);
    record.decided_at = at;
    return std::make_shared<const storage::DecisionRecord>(record);
  };
  const absl::Time since = kNoon - absl::Minutes(30);
  EXPECT_EQ(*cache.GetOpen("c1", since, none), nullptr);
  EXPECT_EQ(*cache.GetOpen("c1", since, none), nullptr);
  EXPECT_EQ(looks, 1);
  const auto newer = decision(kNoon, 2);
  cache.SetOpen("c1", newer);
  cache.SetOpen("c1", decision(kNoon - absl::Minutes(1), 1));
  EXPECT_EQ(*cache.GetOpen("c1", since, none), newer);
  EXPECT_EQ(*cache.GetOpen("c1", kNoon + absl::Seconds(1), none), nullptr);
  EXPECT_EQ(looks, 1);
  cache.ForgetOpen("c1");
  EXPECT_EQ(*cache.GetOpen("c1", since, none), nullptr);
  EXPECT_EQ(looks, 2);
  cache.ForgetAllOpen();
  cache.GetOpen("c1", since, none).status().IgnoreError();
  EXPECT_EQ(looks, 3);
  // What this replica decided during the look is not overwritten by it.
  cache.ForgetOpen("c1");
  const auto interrupted = cache.GetOpen("c1", since, [&]() -> absl::StatusOr<std::optional<storage::DecisionRecord>> {
    cache.SetOpen("c1", newer);
    return std::optional<storage::DecisionRecord>();
  });
  EXPECT_THAT(interrupted, IsOk());
  EXPECT_EQ(*cache.GetOpen("c1", since, none), newer);
}

}  // namespace
}  // namespace suggest::server
