// The DriveTarget that is a suggestd over gRPC and its PostgreSQL database.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bandit/base/status_macros.h"
#include "grpcpp/grpcpp.h"
#include "service/lab/simulation/drive.h"
#include "storage/source/csv.h"
#include "suggest/v1/learning_service.grpc.pb.h"
#include "suggest/v1/suggestion_service.grpc.pb.h"

namespace suggest::simulation {
namespace {

// How long a wait sleeps before it looks at the clock again: short against the hours of an accelerated day.
constexpr absl::Duration kPause = absl::Milliseconds(2);

absl::Status ToStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

class GrpcService : public DriveTarget {
 public:
  GrpcService(absl::string_view address, absl::Duration timeout, storage::Database& db, const Clock& clock)
      : timeout_(timeout), importer_(&db), clock_(clock) {
    const auto channel = grpc::CreateChannel(std::string(address), grpc::InsecureChannelCredentials());
    suggestion_ = v1::SuggestionService::NewStub(channel);
    learning_ = v1::LearningService::NewStub(channel);
  }

  absl::StatusOr<v1::SuggestResponse> Suggest(const v1::SuggestRequest& request) override {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::SuggestResponse response;
    RETURN_IF_ERROR(ToStatus(suggestion_->Suggest(&context, request, &response)));
    return response;
  }

  absl::Status RecordFeedback(const v1::RecordFeedbackRequest& request) override {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::RecordFeedbackResponse response;
    return ToStatus(suggestion_->RecordFeedback(&context, request, &response));
  }

  absl::Status IngestRewards() override {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::IngestRewardsResponse response;
    return ToStatus(learning_->IngestRewards(&context, v1::IngestRewardsRequest(), &response));
  }

  absl::Status Import(storage::ImportKind kind, std::string csv) override {
    const auto name = absl::StrCat("drive:", storage::ImportKindName(kind));
    ASSIGN_OR_RETURN(const auto reader, storage::CsvReader::FromString(std::move(csv), name));
    return importer_.Import(kind, *reader).status();
  }

  absl::Time Now() override { return clock_.Now(); }

  void WaitUntil(absl::Time time) override {
    while (clock_.Now() < time) absl::SleepFor(kPause);
  }

 private:
  void SetDeadline(grpc::ClientContext& context) const {
    context.set_deadline(gpr_time_from_millis(absl::ToInt64Milliseconds(timeout_), GPR_TIMESPAN));
  }

  const absl::Duration timeout_;
  storage::Importer importer_;
  const Clock& clock_;
  std::unique_ptr<v1::SuggestionService::Stub> suggestion_;
  std::unique_ptr<v1::LearningService::Stub> learning_;
};

}  // namespace

std::unique_ptr<DriveTarget> RunningService(absl::string_view address, absl::Duration timeout, storage::Database& db,
                                            const Clock& clock) {
  return std::make_unique<GrpcService>(address, timeout, db, clock);
}

}  // namespace suggest::simulation
