#include "parity/operation_table.h"

namespace lacuna::test {

std::vector<OperationCase> operation_table() {
  std::vector<OperationCase> table;
  for (auto& part : {step_operations(), dense_operations(), convolution_operations(), reconstruction_operations(),
                     code_operations(), classifier_operations(), update_operations(), noise_operations(),
                     top_k_operations(), channel_operations(), vector_operations()})
    for (std::size_t i = 0; i < part.size(); ++i) {
      table.push_back(part[i]);
      table.back().variant = i;
      table.back().variants = part.size();
    }
  return table;
}

}  // namespace lacuna::test
