#include "service/lab/simulation/expert.h"

namespace suggest::simulation {

History PlayHistory(const Company& company, const Truth& truth) {
  History history{World(company, truth), {}};
  for (int day = -company.options().history_days; day < 0; ++day) {
    for (const Contact& contact : company.ContactsOn(day)) {
      const CustomerView view = history.world.View(contact.customer, contact.at);
      const std::vector<int> candidates = history.world.Candidates(contact.customer, contact.at);
      for (const int r : truth.ExpertChoice(view, candidates, company.options().slate_size)) {
        const bool kept = truth.Keeps(view, r);
        const int64_t exposure = kept ? history.world.Expose(view, r, contact.at).id : -1;
        history.choices.push_back({contact.customer, r, contact.at, exposure});
      }
    }
  }
  return history;
}

}  // namespace suggest::simulation
