#include "service/lab/simulation/company.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

namespace suggest::simulation {
namespace {

Company CompanyOfSeed(uint64_t seed) {
  CompanyOptions options;
  options.seed = seed;
  return Company(options);
}

TEST(CompanyTest, GrowsFromFiveHundredToFiveThousandExponentially) {
  const Company company = CompanyOfSeed(1);
  EXPECT_EQ(company.CustomersOn(-365), 351);  // the first one of the history joins on its first day
  EXPECT_NEAR(company.CustomersOn(0), 500, 5);
  EXPECT_NEAR(company.CustomersOn(182), 500 * std::sqrt(10), 20);
  EXPECT_NEAR(company.CustomersOn(364), 5000, 50);
  for (int day = -364; day < 365; ++day) ASSERT_GE(company.CustomersOn(day), company.CustomersOn(day - 1));
}

TEST(CompanyTest, AThirdOfTheCatalogueOfTheStartIsAddedDuringTheYear) {
  const Company company = CompanyOfSeed(3);
  ASSERT_EQ(company.recommendations().size(), 40u);
  int at_start = 0, at_end = 0;
  std::set<std::string> titles;
  for (int r = 0; r < 40; ++r) {
    at_start += company.Active(r, 0);
    at_end += company.Active(r, 364);
    titles.insert(company.recommendations()[r].title);
    EXPECT_GE(company.recommendations()[r].price, 29);
    EXPECT_LE(company.recommendations()[r].price, 119);
  }
  EXPECT_EQ(at_start, 30);
  EXPECT_EQ(at_end, 40);
  EXPECT_EQ(titles.size(), 40u);
}

TEST(CompanyTest, LooksAtEachCustomerEveryFourWeeksAndEveryEightInTheHistory) {
  const Company company = CompanyOfSeed(2);
  std::map<int, std::vector<int>> days;
  for (int day = -365; day < 365; ++day) {
    absl::Time previous = company.Midnight(day);
    for (const Contact& contact : company.ContactsOn(day)) {
      ASSERT_EQ(company.Day(contact.at), day);
      ASSERT_LE(previous, contact.at);
      ASSERT_LE(company.JoinedAt(contact.customer), contact.at);
      previous = contact.at;
      days[contact.customer].push_back(day);
    }
  }
  EXPECT_GT(days.size(), 4400u);  // those of the last weeks have not been looked at yet
  for (const auto& [customer, visits] : days) {
    for (size_t i = 1; i < visits.size(); ++i) {
      const int gap = visits[i] - visits[i - 1];
      if (visits[i] < 0) {
        ASSERT_EQ(gap, 56);
      } else if (visits[i - 1] >= 0) {
        ASSERT_EQ(gap, 28);
      } else {
        ASSERT_TRUE(gap == 28 || gap == 56) << gap;
      }
    }
  }
}

TEST(CompanyTest, AttributesChangeOverTimeAndTheCategoryStays) {
  const Company company = CompanyOfSeed(1);
  int changed = 0, goals_changed = 0;
  for (int c = 0; c < 500; ++c) {
    const Traits before = company.TraitsOn(c, 5);
    const Traits after = company.TraitsOn(c, 364);
    EXPECT_EQ(before.category, after.category);
    changed += before != after;
    goals_changed += before.goals != after.goals;
  }
  EXPECT_GT(changed, 450);
  EXPECT_GT(goals_changed, 100);
  EXPECT_LT(goals_changed, 400);
}

TEST(CompanyTest, CountsGrowWithTheTimeSinceJoining) {
  const Company company = CompanyOfSeed(1);
  double young = 0, old = 0;
  for (int c = 400; c < 500; ++c) {
    young += company.TraitsOn(c, company.joined_day(c)).pages;
    old += company.TraitsOn(c, 364).pages;
  }
  EXPECT_GT(old, 1.3 * young);
}

TEST(CompanyTest, TheSameSeedIsTheSameCompanyAndAnotherOneIsNot) {
  const Company a = CompanyOfSeed(5);
  const Company b = CompanyOfSeed(5);
  const Company other = CompanyOfSeed(6);
  int different = 0;
  for (int c = 0; c < 300; ++c) {
    EXPECT_EQ(a.TraitsOn(c, 100), b.TraitsOn(c, 100));
    EXPECT_EQ(a.JoinedAt(c), b.JoinedAt(c));
    different += a.TraitsOn(c, 100) != other.TraitsOn(c, 100);
  }
  EXPECT_GT(different, 250);
}

}  // namespace
}  // namespace suggest::simulation
