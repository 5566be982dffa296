#include "service/decision/catalogue.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "google/protobuf/util/json_util.h"
#include "service/common/sha256.h"
#include "suggest/model/v1/decision.pb.h"

namespace suggest::decision {
namespace {

using model::v1::CatalogueEntry;
using model::v1::CatalogueVersion;

constexpr int64_t kNoStart = std::numeric_limits<int64_t>::min();
constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();

// Infinite instants as the format's limits; PostgreSQL knows both 'absent' and 'infinity', which mean the same here.
int64_t ToMicros(absl::Time time) {
  if (time == absl::InfinitePast()) return kNoStart;
  if (time == absl::InfiniteFuture()) return kNoEnd;
  return absl::ToUnixMicros(time);
}

absl::Time FromMicros(int64_t micros) {
  if (micros == kNoStart) return absl::InfinitePast();
  if (micros == kNoEnd) return absl::InfiniteFuture();
  return absl::FromUnixMicros(micros);
}

CatalogueEntry ToEntry(const storage::RecommendationRecord& record) {
  CatalogueEntry entry;
  entry.set_recommendation_id(record.recommendation_id);
  entry.set_title(record.title);
  entry.set_active_from_micros(ToMicros(record.active_from.value_or(absl::InfinitePast())));
  entry.set_active_until_micros(ToMicros(record.active_until.value_or(absl::InfiniteFuture())));
  entry.set_repeatable(record.repeatable);
  entry.set_attributes_json(record.attributes_json);
  return entry;
}

// Why the row cannot be served at all; empty if it can.
std::string Unusable(const storage::RecommendationRecord& record) {
  if (record.recommendation_id.empty()) return absl::StrCat("a row titled '", record.title, "' has no id");
  if (record.recommendation_id.size() <= storage::kLongestIdBytes) return "";
  return absl::StrCat("an id that begins with '", record.recommendation_id.substr(0, 20), "' has ",
                      record.recommendation_id.size(), " bytes, at most ", storage::kLongestIdBytes, " can be served");
}

// Attributes that are no JSON object are left out and appended to *unreadable.
CatalogueItem ToItem(const CatalogueEntry& entry, std::vector<std::string>* unreadable) {
  CatalogueItem item{.recommendation_id = entry.recommendation_id(),
                     .title = entry.title(),
                     .active_from = FromMicros(entry.active_from_micros()),
                     .active_until = FromMicros(entry.active_until_micros()),
                     .repeatable = entry.repeatable(),
                     .attributes = {}};
  if (entry.attributes_json().empty()) return item;
  const auto status = google::protobuf::util::JsonStringToMessage(entry.attributes_json(), &item.attributes);
  if (!status.ok()) {
    item.attributes.Clear();
    unreadable->push_back(absl::StrCat("recommendation '", entry.recommendation_id(),
                                       "': the attributes are no JSON object that can be read"));
  }
  return item;
}

std::vector<double> Popularity(const Snapshot& snapshot, const Catalogue& catalogue) {
  std::vector<double> popularity;
  popularity.reserve(catalogue.size());
  for (int i = 0; i < catalogue.size(); ++i) {
    popularity.push_back(
        features::Popularity(snapshot.HistoryOf(catalogue.item(i).recommendation_id), snapshot.base_rate()));
  }
  return popularity;
}

// Row-major z~_r of all items. Appends what counts as missing to *unreadable.
absl::StatusOr<std::vector<double>> EncodeItems(const Snapshot& snapshot, const Catalogue& catalogue,
                                                std::vector<std::string>* unreadable) {
  const int columns = snapshot.layout().recommendation_dim;
  std::vector<double> rows;
  rows.reserve(static_cast<size_t>(catalogue.size()) * columns);
  for (int i = 0; i < catalogue.size(); ++i) {
    const CatalogueItem& item = catalogue.item(i);
    std::vector<std::string> missing;
    ASSIGN_OR_RETURN(const features::RawSide raw,
                     snapshot.pipeline().extractor().Recommendation(
                         item.attributes, snapshot.HistoryOf(item.recommendation_id), snapshot.data_cut(), &missing));
    for (const std::string& error : missing) {
      unreadable->push_back(
          absl::StrCat("recommendation '", item.recommendation_id, "': ", features::FeatureExtractor::PlaceOf(error)));
    }
    const Eigen::VectorXd encoded = snapshot.pipeline().EncodeRecommendation(raw);
    rows.insert(rows.end(), encoded.data(), encoded.data() + encoded.size());
  }
  return rows;
}

}  // namespace

std::string Catalogue::BytesOf(const std::vector<storage::RecommendationRecord>& records,
                               std::vector<std::string>* withheld) {
  const auto withhold = [&](std::string why) {
    if (withheld != nullptr) withheld->push_back(std::move(why));
  };
  std::vector<const storage::RecommendationRecord*> sorted;
  for (const auto& record : records) {
    std::string why = Unusable(record);
    if (why.empty()) {
      sorted.push_back(&record);
    } else {
      withhold(std::move(why));
    }
  }
  const auto key = [](const storage::RecommendationRecord* r) {
    return std::tie(r->recommendation_id, r->attributes_json, r->title, r->active_from, r->active_until, r->repeatable);
  };
  std::sort(sorted.begin(), sorted.end(), [&](const auto* a, const auto* b) { return key(a) < key(b); });
  CatalogueVersion message;
  const storage::RecommendationRecord* last = nullptr;
  for (const auto* record : sorted) {
    if (last == nullptr || last->recommendation_id != record->recommendation_id) {
      *message.add_entries() = ToEntry(*record);
      last = record;
    } else {
      withhold(absl::StrCat("recommendation '", record->recommendation_id, "' occurs again, ",
                            key(last) == key(record) ? "with the same columns" : "with other columns"));
    }
  }
  return message.SerializeAsString();
}

absl::StatusOr<std::shared_ptr<const Catalogue>> Catalogue::FromRecords(
    const std::vector<storage::RecommendationRecord>& records) {
  std::shared_ptr<Catalogue> catalogue(new Catalogue);
  catalogue->bytes_ = BytesOf(records);
  catalogue->version_ = Sha256(catalogue->bytes_);
  RETURN_IF_ERROR(catalogue->Read());
  return catalogue;
}

absl::StatusOr<std::shared_ptr<const Catalogue>> Catalogue::FromBytes(std::string bytes, absl::string_view version) {
  if (Sha256(bytes) != version) {
    return absl::DataLossError(
        absl::StrCat("catalogue of ", bytes.size(), " bytes does not have the SHA-256 that names it"));
  }
  std::shared_ptr<Catalogue> catalogue(new Catalogue);
  catalogue->bytes_ = std::move(bytes);
  catalogue->version_ = std::string(version);
  if (absl::Status status = catalogue->Read(); !status.ok()) return absl::DataLossError(status.message());
  return catalogue;
}

absl::Status Catalogue::Read() {
  CatalogueVersion message;
  if (!message.ParseFromString(bytes_)) return absl::DataLossError("catalogue bytes are no CatalogueVersion message");
  for (const CatalogueEntry& entry : message.entries()) {
    CatalogueItem item = ToItem(entry, &unreadable_);
    if (!index_.emplace(item.recommendation_id, size()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("recommendation '", item.recommendation_id, "' is in the catalogue twice"));
    }
    for (const absl::Time change : {item.active_from, item.active_until}) {
      if (change != absl::InfinitePast() && change != absl::InfiniteFuture()) changes_.push_back(change);
    }
    items_.push_back(std::move(item));
  }
  std::sort(changes_.begin(), changes_.end());
  changes_.erase(std::unique(changes_.begin(), changes_.end()), changes_.end());
  return absl::OkStatus();
}

std::shared_ptr<const bandit::CandidateMask> Catalogue::ActiveAt(absl::Time now) const {
  const size_t interval = std::upper_bound(changes_.begin(), changes_.end(), now) - changes_.begin();
  {
    ReaderLock lock(mutex_);
    if (active_ != nullptr && interval_ == interval) return active_;
  }
  std::vector<bool> members;
  members.reserve(items_.size());
  for (const CatalogueItem& item : items_) members.push_back(item.active_from <= now && now < item.active_until);
  auto active = std::make_shared<const bandit::CandidateMask>(members);
  MutexLock lock(mutex_);
  // An older instant is that of a decision being explained: it must not push out what is being served.
  if (active_ == nullptr || interval_ < interval) {
    active_ = active;
    interval_ = interval;
  }
  return active;
}

std::optional<int> Catalogue::Find(absl::string_view recommendation_id) const {
  const auto found = index_.find(recommendation_id);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

Serving::Serving(std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const Catalogue> catalogue,
                 bandit::CandidateMatrix candidates, std::vector<double> popularity,
                 std::vector<std::string> unreadable)
    : snapshot_(std::move(snapshot)),
      catalogue_(std::move(catalogue)),
      candidates_(std::move(candidates)),
      popularity_(std::move(popularity)),
      unreadable_(std::move(unreadable)) {}

absl::StatusOr<std::shared_ptr<const Serving>> Serving::Create(std::shared_ptr<const Snapshot> snapshot,
                                                               std::shared_ptr<const Catalogue> catalogue) {
  std::vector<std::string> unreadable = catalogue->unreadable();
  ASSIGN_OR_RETURN(std::vector<double> rows, EncodeItems(*snapshot, *catalogue, &unreadable));
  ASSIGN_OR_RETURN(bandit::CandidateMatrix candidates,
                   bandit::CandidateMatrix::Create(std::move(rows), snapshot->layout().recommendation_dim));
  std::vector<double> popularity = Popularity(*snapshot, *catalogue);
  return std::shared_ptr<const Serving>(new Serving(std::move(snapshot), std::move(catalogue), std::move(candidates),
                                                    std::move(popularity), std::move(unreadable)));
}

}  // namespace suggest::decision
