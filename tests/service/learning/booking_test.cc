#include "service/learning/booking.h"

#include "absl/strings/str_cat.h"
#include "tests/service/learning/learning_fixture.h"

namespace suggest::learning {
namespace {

using ::suggest::testing::IsOk;
using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

class BookingTest : public LearningFixture {
 protected:
  absl::StatusOr<suggest::v1::IngestRewardsResponse> TryIngest(absl::Time now) {
    return Ingester(&db_.database(), config_).Run(now, false, nullptr);
  }
};

// Every recommendation is in a catalogue version of its own, and one chunk has several.
TEST_F(BookingTest, ContextsAreOfTheVersionsThatDecided) {
  Start();
  std::vector<Taught> taught;
  for (const char* recommendation : {"hat", "bag", "hat", "tie"}) {
    const std::string customer = absl::StrCat("c", taught.size());
    Expose(customer, recommendation, Day(1));
    taught.push_back({customer, recommendation, 1, 0});
  }
  Ingest(Day(2));
  ExpectTaught(taught);
  ExpectVerified();
}

TEST_F(BookingTest, EncodingsThatOlderDecisionsLoggedAreTaken) {
  Start();
  logs_encodings_ = true;
  saves_catalogues_ = false;
  Expose("ann", "hat", Day(1));
  logs_encodings_ = false;
  saves_catalogues_ = true;
  Expose("bob", "bag", Day(1));
  Ingest(Day(2));
  ExpectTaught({{"ann", "hat", 1, 0}, {"bob", "bag", 1, 0}});
}

// Nothing is booked without its context, and nothing is lost once the catalogue is there again.
TEST_F(BookingTest, ALostCatalogueIsNamedAndStopsTheIngestUntilItIsBack) {
  Start();
  saves_catalogues_ = false;
  const std::string suggestion = Expose("ann", "hat", Day(1));
  saves_catalogues_ = true;
  Expose("bob", "bag", Day(1));
  EXPECT_THAT(TryIngest(Day(2)), StatusIs(absl::StatusCode::kDataLoss,
                                          AllOf(HasSubstr(suggestion), HasSubstr("ann"), HasSubstr("is lost"))));
  EXPECT_EQ(One("SELECT count(*) FROM suggest.exposures"), "0");
  CatalogueOf("hat");
  Ingest(Day(2));
  ExpectTaught({{"ann", "hat", 1, 0}, {"bob", "bag", 1, 0}});
}

TEST_F(BookingTest, APlaceOutsideItsCatalogueIsNamed) {
  Start();
  place_ = 7;
  Expose("ann", "hat", Day(1));
  EXPECT_THAT(TryIngest(Day(2)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("logged the place 7, outside its catalogue of 2")));
}

}  // namespace
}  // namespace suggest::learning
