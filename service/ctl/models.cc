// suggestctl models list, show, diff, export and import.
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bandit/base/status_macros.h"
#include "service/chart/svg_chart.h"
#include "service/common/timestamps.h"
#include "service/ctl/commands.h"
#include "service/ctl/model_file.h"
#include "service/ctl/stored_model.h"
#include "service/decision/model_codec.h"
#include "service/learning/delay_report.h"
#include "service/learning/settings.h"

namespace suggest::ctl {
namespace {

std::string TimeText(const google::protobuf::Timestamp& time) {
  return FormatInstant(ToAbslTime(time));
}

std::string SummaryTable(const std::vector<v1::ModelSummary>& summaries) {
  Table table({">version", "", "origin", "data cut (UTC)", ">basis", ">terms", ">exposures", ">pending", ">rewards",
               ">noise sd", ">bytes"});
  for (const v1::ModelSummary& summary : summaries) {
    table.AddRow({absl::StrCat(summary.version()), summary.current() ? "current" : "", summary.origin(),
                  TimeText(summary.data_cut()), absl::StrCat(summary.basis_id()), absl::StrCat(summary.dimension()),
                  GroupDigits(summary.exposures()), GroupDigits(summary.pending_exposures()),
                  absl::StrFormat("%.2f", summary.reward_sum()), Significant(summary.noise_sd()),
                  GroupDigits(summary.size_bytes())});
  }
  return table.Print();
}

// --- list

absl::StatusOr<Outcome> RunList(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  const int limit = static_cast<int>(invocation.flags.Integer("limit", 20));
  ASSIGN_OR_RETURN(const std::vector<storage::ModelHead> heads,
                   storage::ModelStore(session.database.get()).List(limit));
  v1::ListModelsResponse response;
  std::vector<v1::ModelSummary> summaries;
  for (const storage::ModelHead& head : heads) {
    summaries.push_back(storage::ToSummary(head));
    *response.add_models() = summaries.back();
  }
  return Outcome{ProtoToJson(response),
                 summaries.empty() ? "no models: run suggestctl warm-start\n" : SummaryTable(summaries)};
}

// --- show

double Strength(const v1::ModelTerm& term) {
  return term.standard_deviation() > 0 ? std::abs(term.mean()) / term.standard_deviation() : 0;
}

std::string AgeText(absl::Duration age) {
  const double hours = absl::ToDoubleHours(age);
  return hours < 48 ? absl::StrFormat("%.1f h", hours) : absl::StrFormat("%.1f d", hours / 24);
}

std::string ModeName(const model::v1::ModelVersion& model) {
  const auto mode = model.delay().mode();
  if (!config::v1::Learning::DelayMode_IsValid(mode)) {
    return absl::StrCat("delay mode ", static_cast<int>(mode), ", unknown to this build");
  }
  return config::v1::Learning::DelayMode_Name(learning::ToConfig(learning::DelayModeOf(mode)));
}

std::string DelayText(const model::v1::ModelVersion& model, const std::vector<learning::DelayQuantiles>& delays) {
  Table table({"delay", ">half", ">90 %", ">99 %"});
  for (const learning::DelayQuantiles& delay : delays) {
    table.AddRow({delay.stratum, AgeText(delay.median), AgeText(delay.p90), AgeText(delay.p99)});
  }
  std::string text = absl::StrFormat("pending exposures count by %s\n%s", ModeName(model), table.Print());
  absl::StrAppendFormat(
      &text, "purchases too late to count: %.2f %% of the value%s\n", 100 * model.delay().late_value_share(),
      model.delay().late_value_share() > learning::kMaxLateValueShare ? " (the attribution window is too short)" : "");
  absl::StrAppendFormat(&text, "in the last tenth of the window: %.2f %% of the reward%s\n",
                        100 * model.delay().tail_share(),
                        model.delay().tail_share() > learning::kMaxTailShare ? " (the window is too short)" : "");
  if (model.delay().nuisance().version() > 0) {
    absl::StrAppendFormat(&text, "late purchases: training %d on %s mature exposures, at %s\n",
                          model.delay().nuisance().version(), GroupDigits(model.delay().nuisance().rows()),
                          TimeText(model.delay().nuisance().training_cut()));
  }
  return text;
}

Json DelayJson(const model::v1::ModelVersion& model, const std::vector<learning::DelayQuantiles>& delays) {
  Json strata = Json::array();
  for (const learning::DelayQuantiles& delay : delays) {
    strata.push_back(Json::object({{"stratum", delay.stratum},
                                   {"median_seconds", absl::ToDoubleSeconds(delay.median)},
                                   {"p90_seconds", absl::ToDoubleSeconds(delay.p90)},
                                   {"p99_seconds", absl::ToDoubleSeconds(delay.p99)}}));
  }
  return Json::object({{"mode", ModeName(model)},
                       {"late_value_share", model.delay().late_value_share()},
                       {"tail_share", model.delay().tail_share()},
                       {"nuisance_version", model.delay().nuisance().version()},
                       {"strata", std::move(strata)}});
}

chart::Chart DelayChart(int64_t version, const std::vector<learning::StratumLaw>& laws) {
  chart::Chart chart;
  chart.title = absl::StrCat("Delay laws of model version ", version);
  chart.x.label = "days since the exposure";
  chart.y.label = "share of the reward that is visible";
  chart.y.minimum = 0;
  chart.y.maximum = 1;
  for (const learning::StratumLaw& stratum : laws) {
    chart::Series series{.name = stratum.stratum, .points = {{0, 0}}};
    for (size_t i = 0; i < stratum.law.age_seconds().size(); ++i) {
      series.points.emplace_back(stratum.law.age_seconds()[i] / 86400, stratum.law.share()[i]);
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

constexpr int kLoadingsShown = 6;

// What each principal component is made of: its heaviest columns.
std::string LoadingsText(const std::vector<features::SideEncoder::Component>& components) {
  if (components.empty()) return "";
  Table table({"components", ">sd", "heaviest columns"});
  for (const features::SideEncoder::Component& component : components) {
    std::string columns;
    for (int i = 0; i < std::min<int>(kLoadingsShown, static_cast<int>(component.loadings.size())); ++i) {
      absl::StrAppendFormat(&columns, "%s%s %+.2f", i > 0 ? ", " : "", component.loadings[i].first,
                            component.loadings[i].second);
    }
    table.AddRow({component.name, absl::StrFormat("%.2f", component.deviation), columns});
  }
  return absl::StrCat("\n", table.Print());
}

Json LoadingsJson(const std::vector<features::SideEncoder::Component>& components) {
  Json list = Json::array();
  for (const features::SideEncoder::Component& component : components) {
    Json loadings = Json::array();
    for (const auto& [column, loading] : component.loadings) {
      loadings.push_back(Json::object({{"column", column}, {"loading", loading}}));
    }
    list.push_back(Json::object(
        {{"name", component.name}, {"deviation", component.deviation}, {"loadings", std::move(loadings)}}));
  }
  return list;
}

absl::StatusOr<Outcome> RunShow(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  const storage::ModelStore store(session.database.get());
  ASSIGN_OR_RETURN(const int64_t version, ResolveVersion(store, invocation.positional(0)));
  ASSIGN_OR_RETURN(const StoredModel stored, LoadModel(store, version));
  std::vector<v1::ModelTerm> terms = TermsOf(*stored.snapshot);
  std::stable_sort(terms.begin(), terms.end(),
                   [](const v1::ModelTerm& a, const v1::ModelTerm& b) { return Strength(a) > Strength(b); });
  terms.resize(std::min<size_t>(terms.size(), static_cast<size_t>(invocation.flags.Integer("limit", 20))));

  const v1::ModelSummary summary = storage::ToSummary(stored.head);
  Json list = Json::array();
  Table table({"strongest terms", ">mean", ">sd", ">|mean|/sd"});
  for (const v1::ModelTerm& term : terms) {
    list.push_back(ProtoToJson(term));
    table.AddRow({term.name(), absl::StrFormat("%+.5f", term.mean()),
                  absl::StrFormat("%.5f", term.standard_deviation()), absl::StrFormat("%.1f", Strength(term))});
  }
  ASSIGN_OR_RETURN(const std::vector<learning::StratumLaw> laws,
                   learning::LawsOf(stored.model.delay_law(), stored.model.delay()));
  const std::vector<learning::DelayQuantiles> delays = learning::QuantilesOf(laws);
  if (invocation.flags.Has("svg")) {
    RETURN_IF_ERROR(chart::WriteSvg(DelayChart(version, laws), invocation.flags.Text("svg")));
  }
  const std::vector<features::SideEncoder::Component> components = stored.snapshot->pipeline().Components();
  return Outcome{Json::object({{"summary", ProtoToJson(summary)},
                               {"delay", DelayJson(stored.model, delays)},
                               {"format", stored.model.format()},
                               {"fitted_rows", stored.model.pipeline().fitted_rows()},
                               {"components", LoadingsJson(components)},
                               {"terms", std::move(list)}}),
                 absl::StrCat(SummaryTable({summary}), "\n", DelayText(stored.model, delays), "\n", table.Print(),
                              LoadingsText(components))};
}

// --- diff

struct Change {
  std::string name;
  double mean_before = 0;
  double mean_after = 0;
  double sd_before = 0;
  double sd_after = 0;
  bool in_both = false;

  // In standard deviations of both estimates together; a term that only one model has counts from 0.
  double InDeviations() const {
    const double sd = std::hypot(sd_before, sd_after);
    return sd > 0 ? std::abs(mean_after - mean_before) / sd : 0;
  }
};

std::vector<Change> Compare(const decision::Snapshot& before, const decision::Snapshot& after) {
  std::map<std::string, Change> changes;
  for (const v1::ModelTerm& term : TermsOf(before)) {
    changes[term.name()] = {.name = term.name(), .mean_before = term.mean(), .sd_before = term.standard_deviation()};
  }
  for (const v1::ModelTerm& term : TermsOf(after)) {
    Change& change = changes[term.name()];
    change.in_both = !change.name.empty();
    change.name = term.name();
    change.mean_after = term.mean();
    change.sd_after = term.standard_deviation();
  }
  std::vector<Change> sorted;
  for (auto& [name, change] : changes) sorted.push_back(std::move(change));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Change& a, const Change& b) { return a.InDeviations() > b.InDeviations(); });
  return sorted;
}

absl::StatusOr<Outcome> RunDiff(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  const storage::ModelStore store(session.database.get());
  ASSIGN_OR_RETURN(const int64_t first, ResolveVersion(store, invocation.positional(0)));
  ASSIGN_OR_RETURN(const int64_t second, ResolveVersion(store, invocation.positional(1)));
  ASSIGN_OR_RETURN(const StoredModel before, LoadModel(store, first));
  ASSIGN_OR_RETURN(const StoredModel after, LoadModel(store, second));
  std::vector<Change> changes = Compare(*before.snapshot, *after.snapshot);
  changes.resize(std::min<size_t>(changes.size(), static_cast<size_t>(invocation.flags.Integer("limit", 20))));

  Json list = Json::array();
  Table table({"largest changes", ">before", ">after", ">in sd"});
  for (const Change& change : changes) {
    list.push_back(Json::object({{"name", change.name},
                                 {"in_both", change.in_both},
                                 {"mean_before", change.mean_before},
                                 {"mean_after", change.mean_after},
                                 {"sd_before", change.sd_before},
                                 {"sd_after", change.sd_after},
                                 {"change_in_sd", change.InDeviations()}}));
    table.AddRow({change.name, absl::StrFormat("%+.5f", change.mean_before),
                  absl::StrFormat("%+.5f", change.mean_after), absl::StrFormat("%.2f", change.InDeviations())});
  }
  const v1::ModelSummary from = storage::ToSummary(before.head);
  const v1::ModelSummary to = storage::ToSummary(after.head);
  const bool same_basis = from.basis_id() == to.basis_id();
  return Outcome{
      Json::object({{"before", ProtoToJson(from)},
                    {"after", ProtoToJson(to)},
                    {"same_basis", same_basis},
                    {"terms", std::move(list)}}),
      absl::StrCat(SummaryTable({from, to}),
                   same_basis ? "" : "different feature pipelines: terms of one name may not mean the same\n", "\n",
                   table.Print())};
}

// --- export

absl::StatusOr<Outcome> RunExport(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  const storage::ModelStore store(session.database.get());
  ASSIGN_OR_RETURN(const int64_t version, ResolveVersion(store, invocation.positional(0)));
  ASSIGN_OR_RETURN(const StoredModel stored, LoadModel(store, version));
  const std::string path = invocation.flags.Text("out");
  RETURN_IF_ERROR(WriteModelFile(path, stored.bytes, stored.head.row.sha256));
  const std::string checksum = absl::BytesToHexString(stored.head.row.sha256);
  return Outcome{Json::object({{"version", version},
                               {"file", path},
                               {"size_bytes", static_cast<int64_t>(stored.bytes.size())},
                               {"checksum", checksum}}),
                 absl::StrCat("model version ", version, " (", GroupDigits(static_cast<int64_t>(stored.bytes.size())),
                              " bytes, SHA-256 ", checksum, ") is in ", path, "\n")};
}

// --- import

absl::StatusOr<storage::ModelRow> ToRow(const model::v1::ModelVersion& model, absl::Time now) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const decision::Snapshot> snapshot, decision::Snapshot::FromModel(model));
  const decision::EncodedModel encoded = decision::EncodeModel(model);
  const model::v1::Lineage& lineage = model.lineage();
  storage::ModelRow row;
  row.version = model.version();
  row.parent_version = lineage.parent_version();
  row.basis_id = lineage.basis_id();
  row.format = encoded.format;
  row.created_at = now;
  row.data_cut = snapshot->data_cut();
  row.origin = "import";
  row.dimension = snapshot->posterior().dim();
  row.exposures = lineage.exposures();
  row.pending_exposures = lineage.pending_exposures();
  row.reward_sum = lineage.reward_sum();
  row.noise_variance = snapshot->posterior().noise_variance();
  row.condition_number = snapshot->posterior().condition_number();
  row.sha256 = encoded.sha256;
  row.bytes = encoded.bytes;
  return row;
}

absl::StatusOr<Outcome> RunImport(const Invocation& invocation) {
  const std::string path = invocation.positional(0);
  ASSIGN_OR_RETURN(const model::v1::ModelVersion model, ReadModelFile(path));
  const absl::StatusOr<storage::ModelRow> row = ToRow(model, invocation.clock.Now());
  if (!row.ok()) return absl::Status(row.status().code(), absl::StrCat(path, ": ", row.status().message()));
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  storage::ModelStore store(session.database.get());

  const bool dry_run = invocation.flags.Switch("dry-run");
  const bool make_current = invocation.flags.Switch("current");
  Outcome outcome;
  outcome.document = Json::object({{"version", row->version},
                                   {"file", path},
                                   {"checksum", absl::BytesToHexString(row->sha256)},
                                   {"made_current", make_current && !dry_run},
                                   {"dry_run", dry_run}});
  const absl::StatusOr<storage::ModelHead> present = store.Head(row->version);
  if (!present.ok() && !absl::IsNotFound(present.status())) return present.status();
  if (present.ok() && present->row.sha256 == row->sha256) {
    outcome.document["made_current"] = false;
    outcome.text = absl::StrCat("model version ", row->version, " is stored already\n");
    outcome.exit = ExitCode::kNothingToDo;
    return outcome;
  }
  if (present.ok()) {
    return absl::AlreadyExistsError(absl::StrCat(path, ": another model version ", row->version, " is stored already"));
  }
  if (!dry_run) RETURN_IF_ERROR(store.Import(*row, make_current));
  outcome.text = absl::StrCat("model version ", row->version, dry_run ? " can be imported\n" : " imported",
                              dry_run ? "" : (make_current ? " and made current\n" : ", not made current\n"));
  return outcome;
}

FlagSpec LimitFlag(absl::string_view what) {
  return {.name = "limit",
          .kind = FlagKind::kInteger,
          .value_name = "N",
          .help = absl::StrCat("How many ", what, "; 20 by default."),
          .minimum = 1,
          .maximum = 1000};
}

}  // namespace

Command ModelsListCommand() {
  return {.name = "models list",
          .summary = "Lists the stored model versions, newest first.",
          .flags = {LimitFlag("versions")},
          .run = RunList};
}

Command ModelsShowCommand() {
  return {.name = "models show",
          .summary = "Shows one model version: its strongest terms, and how long purchases take.",
          .positionals = {{"VERSION", "A version's number, or current."}},
          .flags = {LimitFlag("terms"),
                    {.name = "svg", .value_name = "FILE", .help = "Draw the delay laws into this file."}},
          .run = RunShow};
}

Command ModelsDiffCommand() {
  return {.name = "models diff",
          .summary = "Compares two model versions, term by term.",
          .positionals = {{"BEFORE", "A version's number, or current."}, {"AFTER", "A version's number, or current."}},
          .flags = {LimitFlag("terms")},
          .run = RunDiff};
}

Command ModelsExportCommand() {
  return {
      .name = "models export",
      .summary = "Writes one model version into a file with its checksum.",
      .positionals = {{"VERSION", "A version's number, or current."}},
      .flags = {{.name = "out", .value_name = "FILE", .help = "The file to write, replaced whole.", .required = true}},
      .run = RunExport};
}

Command ModelsImportCommand() {
  return {.name = "models import",
          .summary = "Stores a model version from a file that models export wrote.",
          .details =
              "A damaged file and a newer format are refused. The version keeps its number.\n"
              "Exit code 3: the same version is stored already.",
          .positionals = {{"FILE", "The file."}},
          .flags = {{.name = "current", .kind = FlagKind::kSwitch, .help = "Serve it from now on."},
                    {.name = "dry-run", .kind = FlagKind::kSwitch, .help = "Check everything, store nothing."}},
          .run = RunImport};
}

}  // namespace suggest::ctl
