// SPDX-License-Identifier: MIT
#include "native/potential/potential.hpp"

#include "native/core/error.hpp"

namespace ionclay {

void Potential::compute_members(const std::vector<std::shared_ptr<const Potential>>& members, const Configuration& configuration,
                                const std::vector<std::unique_ptr<Workspace>>& workspaces, std::vector<Results>& results,
                                const Execution& execution) const {
  for (std::size_t k = 0; k < members.size(); ++k) {
    try {
      members[k]->compute(configuration, *workspaces[k], results[k], execution);
    } catch (Error& error) {
      if (k > 0) error.details.emplace_back("member", static_cast<double>(k));
      throw;
    }
  }
}

}  // namespace ionclay
