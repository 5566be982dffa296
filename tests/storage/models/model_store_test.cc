#include "storage/models/model_store.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::suggest::testing::TestDatabase;
using ::testing::HasSubstr;
using ::testing::Optional;

ModelRow Row(int64_t version) {
  ModelRow row;
  row.version = version;
  row.parent_version = version - 1;
  row.basis_id = 1;
  row.created_at = absl::FromUnixSeconds(1700000000);
  row.data_cut = absl::FromUnixSeconds(1600000000);
  row.origin = "import";
  row.dimension = 4;
  row.exposures = 10;
  row.noise_variance = 0.25;
  row.sha256 = std::string(32, '\x80');
  row.bytes = std::string("\0\xff\\'", 4);
  return row;
}

class ModelStoreTest : public ::testing::Test {
 protected:
  TestDatabase db_;
  ModelStore store_{&db_.database()};
};

TEST_F(ModelStoreTest, SaysThatThereIsNone) {
  EXPECT_THAT(store_.Current(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("warm-start")));
  EXPECT_THAT(store_.Load(3), StatusIs(absl::StatusCode::kNotFound, HasSubstr("3")));
  EXPECT_THAT(store_.Head(3), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ModelStoreTest, GivesBackWhatWasStoredToTheByte) {
  ASSERT_THAT(store_.Import(Row(1), true), IsOk());
  const auto row = store_.Load(1);
  ASSERT_THAT(row, IsOk());
  EXPECT_EQ(row->bytes, Row(1).bytes);
  EXPECT_EQ(row->sha256, Row(1).sha256);
  EXPECT_EQ(row->data_cut, Row(1).data_cut);
  EXPECT_EQ(row->noise_variance, 0.25);
}

TEST_F(ModelStoreTest, ListsTheNewestFirstAndMarksTheCurrentOne) {
  for (int version : {1, 2, 3}) ASSERT_THAT(store_.Import(Row(version), version == 2), IsOk());
  const auto heads = store_.List(2);
  ASSERT_THAT(heads, IsOk());
  ASSERT_EQ(heads->size(), 2u);
  EXPECT_EQ((*heads)[0].row.version, 3);
  EXPECT_FALSE((*heads)[0].current);
  EXPECT_TRUE((*heads)[1].current);
  const suggest::v1::ModelSummary summary = ToSummary((*heads)[1]);
  EXPECT_EQ(summary.noise_sd(), 0.5);
  EXPECT_EQ(summary.size_bytes(), 4);
  EXPECT_EQ(summary.checksum().substr(0, 4), "8080");
}

TEST_F(ModelStoreTest, NeverStoresANumberTwice) {
  ASSERT_THAT(store_.Import(Row(1), true), IsOk());
  EXPECT_THAT(store_.Import(Row(1), true), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("version 1")));
}

TEST_F(ModelStoreTest, AWatcherHearsOfANewVersionAlsoAfterItsConnectionWasCut) {
  ModelWatcher watcher(&db_.database());
  EXPECT_THAT(watcher.Wait(absl::ZeroDuration()), IsOk());  // listens from now on
  ASSERT_THAT(store_.Import(Row(1), true), IsOk());
  auto heard = watcher.Wait(absl::Seconds(20));
  ASSERT_THAT(heard, IsOk());
  EXPECT_THAT(*heard, Optional(1));

  db_.Execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  absl::Status cut;
  for (int i = 0; i < 10 && cut.ok(); ++i) cut = watcher.Wait(absl::Seconds(20)).status();
  EXPECT_THAT(cut, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(watcher.listening());
  EXPECT_THAT(watcher.Wait(absl::ZeroDuration()), IsOk());
  EXPECT_TRUE(watcher.listening());
  ASSERT_THAT(store_.Import(Row(2), true), IsOk());
  heard = watcher.Wait(absl::Seconds(20));
  ASSERT_THAT(heard, IsOk());
  EXPECT_THAT(*heard, Optional(2));
}

}  // namespace
}  // namespace suggest::storage
