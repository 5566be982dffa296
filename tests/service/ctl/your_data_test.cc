// docs/your-data.md promises that its SQL works as it stands: each example is a company whose tables are filled, whose
// views the page creates, and which doctor finds healthy and the warm start learns from.
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "service/ctl/commands.h"
#include "tests/service/ctl/test_run.h"
#include "tests/support/document.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

namespace suggest::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class YourDataTest : public ::testing::Test {
 protected:
  // Creates the example's tables and views, and fills the tables.
  void Set(const std::string& example, const std::string& rows) {
    database_.Execute(testing::DocumentBlocks("your-data.md", "sql " + example));
    database_.Execute(rows);
    std::string config = testing::DocumentBlocks("your-data.md", "textproto " + example);
    const size_t begin = config.find("connection: \"");
    config.replace(begin, config.find('\n', begin) - begin,
                   absl::StrCat("connection: \"", absl::CEscape(database_.connection()), "\" }"));
    config_ = folder_.Write("suggest.textproto", config);
  }
  RunResult RunCommand(std::vector<std::string> line) {
    line.insert(line.end(), {"--config", config_});
    return RunCtl(AllCommands(), line, clock_);
  }
  void ExpectHealthyAndLearned(int64_t purchases) {
    const RunResult doctor = RunCommand({"doctor"});
    EXPECT_THAT(doctor.out, Not(HasSubstr("failed  customers"))) << doctor.out;
    EXPECT_THAT(doctor.out, Not(HasSubstr("failed  recommendations"))) << doctor.out;
    EXPECT_THAT(doctor.out, Not(HasSubstr("failed  purchases"))) << doctor.out;
    const RunResult learned = RunCommand({"warm-start", "--format=json"});
    ASSERT_EQ(learned.exit, 0) << learned.out << learned.err;
    EXPECT_EQ(learned.At({"purchases"}).number_value(), static_cast<double>(purchases)) << learned.out;
    EXPECT_EQ(learned.At({"purchases_early"}).number_value(), 0) << learned.out;
    EXPECT_EQ(learned.At({"purchases_orphaned"}).number_value(), 0) << learned.out;
  }

  testing::TestDatabase database_;
  testing::TemporaryFolder folder_;
  std::string config_;
  ManualClock clock_{absl::FromUnixSeconds(1767225600)};  // 2026-01-01
};

TEST_F(YourDataTest, TheAgencyOfThePageIsHealthyAndLearnsFromEveryInvoice) {
  Set("crm", R"sql(
    insert into crm.accounts
      select i, 'n' || i, (array['bakery', 'law', 'sport'])[i % 3 + 1], (array['S', 'M'])[i % 2 + 1], i % 7,
             date '2020-01-01' + i, '2025-01-01'
      from generate_series(1, 90) i;
    insert into crm.sites select i % 90 + 1, 'u' || i, i % 11, i % 4 = 0 from generate_series(1, 120) i;
    insert into crm.offers
      select 'o' || i, 'Offer ' || i, (array['seo', 'shop'])[i % 2 + 1], 40 + 10 * i, '2024-01-01',
             case when i = 3 then date '2025-12-31' end, i % 2 = 0
      from generate_series(1, 6) i;
    insert into crm.proposals
      select i, i % 90 + 1, 'o' || i / 90 % 6 + 1, timestamp '2025-02-01 10:00' + i * interval '11 hours',
             (array['sent', 'won', 'draft', 'dropped', 'lost'])[i % 5 + 1]
      from generate_series(1, 539) i;
    -- Every won proposal is invoiced, half of them on its own day.
    insert into crm.invoice_lines
      select proposal_no, 1, account_id, offer_code, proposal_no, proposed_at::date + (proposal_no % 2)::integer * 12, 99.5,
             null
      from crm.proposals where stage = 'won';
    insert into crm.invoice_lines select 5000 + i, 1, i, null, null, '2025-06-01', 20, null from generate_series(1, 9) i;
  )sql");
  ExpectHealthyAndLearned(108);
}

TEST_F(YourDataTest, TheShopOfThePageIsHealthyAndFindsTheCustomerOfAnOrderByItsAddress) {
  Set("shop", R"sql(
    insert into shop.users
      select lpad(i::text, 32, '0')::uuid, 'U' || i || '@example.org', (array['DE', 'AT'])[i % 2 + 1], i % 3 = 0,
             timestamptz '2024-01-01 00:00Z' + i * interval '1 day'
      from generate_series(1, 80) i;
    insert into shop.campaigns
      select 'k' || i, 'sku' || i, 'Campaign ' || i, 0.1 * i, (array['tools', 'toys'])[i % 2 + 1],
             '2025-01-01 00:00Z', '2026-06-01 00:00Z'
      from generate_series(1, 5) i;
    insert into shop.impressions
      select lpad((1000 + i)::text, 32, '0')::uuid, lpad((i % 80 + 1)::text, 32, '0')::uuid, 'k' || i % 5 + 1,
             timestamptz '2025-03-01 08:00Z' + i * interval '6 hours', 0.2
      from generate_series(1, 800) i;
    -- Every eighth impression leads to an order two days later, from the same address in small letters.
    insert into shop.orders
      select i, 'u' || (i % 80 + 1) || '@example.org', timestamptz '2025-03-03 08:00Z' + i * interval '6 hours',
             timestamptz '2025-03-04 02:00Z' + i * interval '6 hours', 'EUR'
      from generate_series(8, 800, 8) i;
    insert into shop.order_items select i, 1, 'sku' || i % 5 + 1, 1999, 2, null from generate_series(8, 800, 8) i;
  )sql");
  ExpectHealthyAndLearned(100);
}

TEST_F(YourDataTest, DoNothingIsACandidateWhosePurchasesAreWhatCustomersSpendAnyway) {
  database_.Execute(R"sql(
    create schema trial;
    create table trial.orders (order_id integer, customer integer, at timestamptz, spent numeric);
    insert into builtin.recommendations (recommendation_id, title) values ('mail', 'Mail'), ('nothing', 'Nothing');
    insert into builtin.suggestions (suggestion_id, customer_id, recommendation_id, decided_at, status)
      select 's' || i, i::text, (array['mail', 'nothing'])[i % 2 + 1], '2025-05-01 00:00Z', 'SENT'
      from generate_series(1, 10) i;
    insert into trial.orders values (1, 1, '2025-05-02 00:00Z', 10), (2, 2, '2025-05-03 00:00Z', 20),
                                    (3, 3, '2025-04-30 00:00Z', 30);
  )sql");
  database_.Execute(testing::DocumentBlocks("your-data.md", "sql trial"));
  // Customer 1 got nothing and bought; customer 3 bought before the trial.
  EXPECT_EQ(
      database_.QueryOne("select string_agg(recommendation_id || ' ' || suggestion_id, ', ' order by purchase_id) "
                         "from source.purchases"),
      "nothing s1, mail s2");
}

}  // namespace
}  // namespace suggest::ctl
