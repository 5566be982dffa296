// The made-up company's history in the import format (storage/source/importer.h): what `suggestlab simulate
// --write-csv` writes.
//
//   customers        a row per customer and change of attributes, for those who joined before day 0
//   recommendations  all of them; those that appear during the year have an active_from to come
//   suggestions      what the experts chose in the history, with status kept or discarded, without propensities
//   purchases        paid before day 0; 70 % of them carry the suggestion's id, as billing systems do now and then;
//                    refunds before day 0 stand in cancelled_at
// Times are RFC 3339 in UTC, whole seconds. Nothing after day 0 is in the files. The same company gives the same bytes.
#ifndef SERVICE_LAB_SIMULATION_CSV_WRITER_H_
#define SERVICE_LAB_SIMULATION_CSV_WRITER_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/struct.pb.h"
#include "service/lab/simulation/company.h"
#include "service/lab/simulation/expert.h"
#include "service/lab/simulation/world.h"

namespace suggest::simulation {

// Column and value, in the order of the files' columns.
using Fields = std::vector<std::pair<std::string, std::string>>;

Fields CustomerFields(const Company& company, int customer, int day);
Fields RecommendationFields(const Recommendation& recommendation);
// The attributes as an import of the file stores them: strings, empty ones left out.
google::protobuf::Struct ToAttributes(const Fields& fields);

// One line per record, quoted where RFC 4180 asks for it, with its header.
// States that began on first_day to last_day and differ from the one before; kWithInForce: also those in force on
// first_day, under the day they began.
enum class Rows { kChanges, kWithInForce };
std::string CustomersCsv(const Company& company, int first_day, int last_day, Rows rows);
std::string RecommendationsCsv(const Company& company);
std::string SuggestionsCsv(const Company& company, const History& history);
// Of these exposures, what was paid before `now`; a refund counts when it happened before `now`.
// `suggestion_ids`: by exposure, "" where billing does not know it.
std::string PurchasesCsv(const Company& company, const std::vector<Exposure>& exposures,
                         const std::vector<std::string>& suggestion_ids, absl::Time now);
// Whether billing keeps the suggestion's id with the payment of this exposure.
bool BillingKnowsSuggestion(const Company& company, const Exposure& exposure);

// By exposure, what billing knows: the id that SuggestionsCsv gives, or "".
std::vector<std::string> HistorySuggestionIds(const Company& company, const History& history);

// "customers.csv", "recommendations.csv", "suggestions.csv", "purchases.csv" and their contents.
std::map<std::string, std::string> HistoryFiles(const Company& company, const History& history);

// Writes HistoryFiles into `directory`, which is made if it is not there; files of these names are replaced.
// Errors: UNAVAILABLE naming the file that could not be written.
absl::Status WriteHistory(const Company& company, const History& history, const std::string& directory);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_CSV_WRITER_H_
